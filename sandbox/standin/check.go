package standin

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// validate says what is wrong with inputs: required ones that are missing, values of the wrong type and, where the
// package refuses them, properties that the schema does not have.
func (s schema) validate(
	properties map[string]propertySpec, required []string, in resource.PropertyMap, refuseUnknown bool, at string,
) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	fail := func(path, format string, args ...any) {
		failures = append(failures, plugin.CheckFailure{
			Property: resource.PropertyKey(path), Reason: fmt.Sprintf(format, args...),
		})
	}
	for _, name := range slices.Sorted(slices.Values(required)) {
		if v, ok := in[resource.PropertyKey(name)]; !ok || v.IsNull() {
			fail(at+name, "missing required property %q", at+name)
		}
	}
	for _, key := range in.StableKeys() {
		if strings.HasPrefix(string(key), "__") {
			continue // Pulumi's own
		}
		p, ok := properties[string(key)]
		if !ok {
			if refuseUnknown {
				fail(at+string(key), "unknown property %q: expected one of %s", at+string(key), names(properties))
			}
			continue
		}
		failures = append(failures, s.validateValue(p, in[key], refuseUnknown, at+string(key))...)
	}
	return failures
}

func (s schema) validateValue(p propertySpec, v resource.PropertyValue, refuseUnknown bool,
	at string) []plugin.CheckFailure {
	v = unwrap(v)
	if v.IsNull() || v.IsComputed() {
		return nil
	}
	if len(p.OneOf) > 0 {
		return s.validateUnion(p.OneOf, v, refuseUnknown, at)
	}
	if o, ok := s.object(p); ok {
		if !v.IsObject() {
			return wrongType(at, "object", v)
		}
		return s.validate(o.Properties, o.Required, v.ObjectValue(), refuseUnknown, at+".")
	}
	if p.Const != nil && (!v.IsString() || v.StringValue() != p.Const) {
		return []plugin.CheckFailure{{
			Property: resource.PropertyKey(at), Reason: fmt.Sprintf("property %q must be %q", at, p.Const),
		}}
	}
	switch p.Type {
	case "string":
		if !v.IsString() {
			return wrongType(at, p.Type, v)
		}
	case "boolean":
		if !v.IsBool() {
			return wrongType(at, p.Type, v)
		}
	case "integer", "number":
		if !v.IsNumber() {
			return wrongType(at, p.Type, v)
		}
	case "array":
		if !v.IsArray() {
			return wrongType(at, p.Type, v)
		}
		var failures []plugin.CheckFailure
		for i, item := range v.ArrayValue() {
			if p.Items != nil {
				failures = append(failures, s.validateValue(*p.Items, item, refuseUnknown, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
		return failures
	case "object":
		if !v.IsObject() {
			return wrongType(at, p.Type, v)
		}
		var failures []plugin.CheckFailure
		for _, key := range v.ObjectValue().StableKeys() {
			if p.AdditionalProperties != nil {
				failures = append(failures,
					s.validateValue(*p.AdditionalProperties, v.ObjectValue()[key], refuseUnknown, at+"."+string(key))...)
			}
		}
		return failures
	}
	return nil
}

// validateUnion takes a value that fits one of the choices, and reports the least that is wrong otherwise.
func (s schema) validateUnion(choices []propertySpec, v resource.PropertyValue, refuseUnknown bool,
	at string) []plugin.CheckFailure {
	var least []plugin.CheckFailure
	for i, choice := range choices {
		failures := s.validateValue(choice, v, refuseUnknown, at)
		if len(failures) == 0 {
			return nil
		}
		if i == 0 || len(failures) < len(least) {
			least = failures
		}
	}
	return least
}

func wrongType(at, want string, got resource.PropertyValue) []plugin.CheckFailure {
	return []plugin.CheckFailure{{
		Property: resource.PropertyKey(at),
		Reason:   fmt.Sprintf("property %q must be of type %s, but is of type %s", at, want, got.TypeString()),
	}}
}

func names(properties map[string]propertySpec) string {
	return strings.Join(slices.Sorted(maps.Keys(properties)), ", ")
}

// unwrap takes the marks of secrets and outputs off a value. An output that is not known yet becomes a computed value.
func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput() && !v.OutputValue().Known:
			return resource.MakeComputed(resource.NewProperty(""))
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}

// createFirst is the input by which azure-native remembers that it made a name up itself, so that a replacement has
// another one and can stand beside what it replaces (provider.go, getDefaultName).
const createFirst resource.PropertyKey = "__createBeforeDelete"

// autoName names a resource whose name the program leaves open: a name that it has is kept; else azure-native makes a
// random GUID where Azure wants one, and otherwise the Pulumi name with a random end.
func autoName(req plugin.CheckRequest, property string, guid bool) (resource.PropertyValue, error) {
	if old, ok := req.Olds[resource.PropertyKey(property)]; ok && !old.IsNull() {
		return old, nil
	}
	naming := req.Autonaming
	switch {
	case naming != nil && naming.Mode == plugin.AutonamingModeDisabled:
		return resource.NewNullProperty(), nil
	case guid:
		id, err := uuid.NewRandomFromReader(bytes.NewReader(req.RandomSeed))
		if err != nil { // too short a seed, or none
			id, err = uuid.NewRandom()
		}
		return resource.NewProperty(id.String()), err
	case naming != nil && naming.ProposedName != "":
		return resource.NewProperty(naming.ProposedName), nil
	}
	const random, unlimited = 8, 0
	name, err := resource.NewUniqueName(req.RandomSeed, req.URN.Name(), random, unlimited, nil)
	return resource.NewProperty(name), err
}
