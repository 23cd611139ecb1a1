package standin

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// A bridged plugin differs from azure-native in what it stores and compares (pulumi-terraform-bridge, pkg/tfbridge,
// schema.go):
//   - its inputs name, in defaultsKey, those that it filled in itself;
//   - it compares the program with its state, where a value that is not set is null, empty or zero.

// defaultsKey is the input with the names of the inputs that the plugin filled in.
const defaultsKey resource.PropertyKey = "__defaults"

// fillIn adds the defaults of inputs that the program does not set, and lists their names. An input that the plugin
// filled in earlier keeps the value in the state, so that an update does not undo what a refresh found. By the bridge's
// source, a refresh would take a changed input off the names, and an earlier value is kept if no name is left
// (pulumi-terraform-bridge #3579). The plugin, run against the sandbox, undid none of them (issue 18).
func fillIn(defaults map[string]any, before, in resource.PropertyMap) {
	filled := []resource.PropertyValue{}
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if list, member, inner := strings.Cut(name, "."); inner {
			fillInEach(in, list, member, defaults[name])
			continue
		}
		key := resource.PropertyKey(name)
		if _, given := in[key]; given {
			continue
		}
		in[key] = resource.NewPropertyValue(defaults[name])
		if was, ok := before[key]; ok && !was.IsNull() && isFilledIn(before, name) {
			in[key] = was
		}
		filled = append(filled, resource.NewProperty(name))
	}
	in[defaultsKey] = resource.NewProperty(filled)
}

// fillInEach adds a default to each object of a list. An object in a list is a new one if anything in it changes, so an
// update undoes what a refresh found there.
func fillInEach(in resource.PropertyMap, list, member string, standard any) {
	given := in[resource.PropertyKey(list)]
	if !given.IsArray() {
		return
	}
	items := slices.Clone(given.ArrayValue())
	for i, item := range items {
		if !item.IsObject() {
			continue
		}
		filled := item.ObjectValue().Copy()
		if filled[resource.PropertyKey(member)].IsNull() {
			filled[resource.PropertyKey(member)] = resource.NewPropertyValue(standard)
		}
		items[i] = resource.NewProperty(filled)
	}
	in[resource.PropertyKey(list)] = resource.NewProperty(items)
}

func isFilledIn(in resource.PropertyMap, name string) bool {
	names := in[defaultsKey]
	return names.IsArray() && slices.ContainsFunc(names.ArrayValue(), func(v resource.PropertyValue) bool {
		return v.IsString() && v.StringValue() == name
	})
}

// imported are the inputs that a program would need for the resource that was read, without defaults and unset values.
func imported(spec resourceSpec, defaults, all map[string]any) map[string]any {
	kept := map[string]any{string(defaultsKey): []any{}}
	for name, v := range all {
		value := resource.NewPropertyValue(v)
		standard, ok := defaults[name]
		switch {
		case slices.Contains(spec.RequiredInputs, name):
		case ok && resource.NewPropertyValue(standard).DeepEquals(value), !ok && isZero(value):
			continue
		}
		kept[name] = v
	}
	return kept
}

// compared returns the two maps that an update compares. For a bridged plugin the old one is its state, as far as the
// state has the input. Inputs that the program leaves to Azure, such as members of a group that it does not name, are
// no change.
func (p *provider) compared(
	spec resourceSpec, oldInputs, state, news resource.PropertyMap,
) (was, is resource.PropertyMap) {
	if !p.pkg.bridged {
		return oldInputs, news
	}
	was = resource.PropertyMap{}
	for name := range spec.InputProperties {
		key := resource.PropertyKey(name)
		_, given := news[key]
		value, known := state[key]
		if !known || value.IsNull() || spec.promises(name) && !given {
			value, known = oldInputs[key]
		}
		if known {
			was[key] = value
		}
	}
	return withoutZeros(bare(was), bare(news))
}

// withoutZeros leaves out values that are set on neither side, in nested objects too.
func withoutZeros(was, is resource.PropertyMap) (keptWas, keptIs resource.PropertyMap) {
	keptWas, keptIs = was.Copy(), is.Copy()
	for key := range is {
		if _, both := was[key]; !both && isZero(is[key]) {
			delete(keptIs, key)
		}
	}
	for key, old := range was {
		value, both := is[key]
		switch {
		case isZero(old) && isZero(value):
			delete(keptWas, key)
			delete(keptIs, key)
		case old.IsArray() && value.IsArray():
			keptWas[key], keptIs[key] = setMembers(old), setMembers(value)
		case old.IsObject() && (value.IsObject() || !both):
			inner := resource.PropertyMap{}
			if both {
				inner = value.ObjectValue()
			}
			innerWas, innerIs := withoutZeros(old.ObjectValue(), inner)
			keptWas[key] = resource.NewProperty(innerWas)
			if both {
				keptIs[key] = resource.NewProperty(innerIs)
			}
		}
	}
	return keptWas, keptIs
}

// setMembers leaves unset members out of the objects of a list.
func setMembers(list resource.PropertyValue) resource.PropertyValue {
	items := slices.Clone(list.ArrayValue())
	for i, item := range items {
		if item.IsObject() {
			members := item.ObjectValue().Copy()
			maps.DeleteFunc(members, func(_ resource.PropertyKey, v resource.PropertyValue) bool { return isZero(v) })
			items[i] = resource.NewProperty(members)
		}
	}
	return resource.NewProperty(items)
}

// isZero reports whether Terraform takes a value as not set.
func isZero(v resource.PropertyValue) bool {
	switch v = unwrap(v); {
	case v.IsComputed():
		return false
	case v.IsNull():
		return true
	case v.IsObject():
		for _, inner := range v.ObjectValue() {
			if !isZero(inner) {
				return false
			}
		}
		return true
	case v.IsArray():
		return len(v.ArrayValue()) == 0
	case v.IsString():
		return v.StringValue() == ""
	case v.IsBool():
		return !v.BoolValue()
	case v.IsNumber():
		return v.NumberValue() == 0
	}
	return false
}
