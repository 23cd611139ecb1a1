package standin

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// previewed is the state after a creation: the inputs, and, as unknown, the values that only Azure knows.
func (p *provider) previewed(spec resourceSpec, in resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for name, property := range spec.Properties {
		key := resource.PropertyKey(name)
		if v, ok := in[key]; ok {
			out[key] = p.pkg.previewedValue(property, v)
			continue
		}
		// azuread knows which values Azure makes up; azure-native expects that of every unset one.
		_, optional := spec.InputProperties[name]
		if optional && !spec.promises(name) && !p.pkg.openIsUnknown {
			continue
		}
		out[key] = unknown(property)
	}
	return out
}

// previewedUpdate is the state after an update: values that do not change stay known.
func (p *provider) previewedUpdate(spec resourceSpec, was, in, state resource.PropertyMap) resource.PropertyMap {
	out := state.Copy()
	for name, property := range spec.Properties {
		key := resource.PropertyKey(name)
		if _, isInput := spec.InputProperties[name]; !isInput || bareValue(was[key]).DeepEquals(bareValue(in[key])) {
			continue
		}
		if v, ok := in[key]; ok {
			out[key] = p.pkg.previewedValue(property, v)
		} else {
			delete(out, key)
		}
	}
	return out
}

// previewedValue is an output whose input is known: the input, with unknowns for what Azure adds to it.
func (l loadedPackage) previewedValue(property propertySpec, v resource.PropertyValue) resource.PropertyValue {
	if v.IsSecret() {
		return resource.MakeSecret(l.previewedValue(property, v.SecretValue().Element))
	}
	o, isObject := l.schema.object(property)
	switch {
	case !l.openIsUnknown || v.IsComputed():
		return v
	case property.Type == "object" && v.IsArray(): // a list that Azure answers as an object
		return unknown(property)
	case isObject && v.IsObject():
		inner := v.ObjectValue()
		out := resource.PropertyMap{}
		for name, member := range o.Properties {
			if given, ok := inner[resource.PropertyKey(name)]; ok {
				out[resource.PropertyKey(name)] = l.previewedValue(member, given)
			} else {
				out[resource.PropertyKey(name)] = unknown(member)
			}
		}
		return resource.NewProperty(out)
	}
	return v
}

func unknown(property propertySpec) resource.PropertyValue {
	v := resource.MakeComputed(resource.NewProperty(""))
	if property.Secret {
		return resource.MakeSecret(v)
	}
	return v
}
