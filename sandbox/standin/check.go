package standin

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// validate lists what is wrong with inputs: missing required ones, values of the wrong type and, if the package refuses
// them, properties that the schema does not have.
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

// validateUnion accepts a value that fits one of the choices. Otherwise it reports the choice with the fewest faults.
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

// createFirst is the input by which azure-native remembers that it made a name up: a replacement then gets another
// name, and is made before the old resource goes (provider.go, getDefaultName).
const createFirst resource.PropertyKey = "__createBeforeDelete"

// A naming is how azure-native names a resource if the program does not (resources.go, AutoName).
type naming int

const (
	random naming = iota // the name in Pulumi, and eight digits
	guid
	copied // the name in Pulumi: inside another resource, a name need not be unique elsewhere
)

// autoName names a resource if the program does not, and reports whether it made the name up (provider.go,
// getDefaultName). It takes the first of these: the resource's present name; a name that Pulumi's autonaming enforces;
// a random GUID if Azure wants one; the name that autonaming proposes, or one made from the Pulumi name. If automatic
// naming is switched off, there is none: null.
func autoName(req plugin.CheckRequest, t traits) (name resource.PropertyValue, madeUp bool, err error) {
	if old, ok := req.Olds[resource.PropertyKey(t.name)]; ok && !old.IsNull() {
		flag := req.Olds[createFirst]
		return old, flag.IsBool() && flag.BoolValue(), nil
	}
	auto := req.Autonaming
	switch {
	case auto != nil && auto.Mode == plugin.AutonamingModeDisabled:
		return resource.NewNullProperty(), false, nil
	case auto != nil && auto.ProposedName != "" && (t.naming != guid || auto.Mode == plugin.AutonamingModeEnforce):
		return resource.NewProperty(auto.ProposedName), true, nil
	case t.naming == copied:
		return resource.NewProperty(req.URN.Name()), false, nil
	}
	const digits, ofGUID, unlimited = 8, 32, 0
	if t.naming == random {
		text, err := resource.NewUniqueName(req.RandomSeed, req.URN.Name(), digits, unlimited, nil)
		return resource.NewProperty(text), true, err
	}
	text, err := resource.NewUniqueName(req.RandomSeed, "", ofGUID, unlimited, nil)
	if err != nil {
		return resource.PropertyValue{}, false, err
	}
	id, err := uuid.Parse(text)
	return resource.NewProperty(id.String()), true, err
}

// A limit is the length and the pattern that a text may have.
type limit struct {
	min, max int            // in bytes, as the plugin counts them; 0 for none
	form     *regexp.Regexp // nil for any
}

// broken lists the texts that break their limits (provider.go, validateProperty). A text that is not known yet is
// checked when it is.
func broken(limits map[string]limit, in resource.PropertyMap) (failures []plugin.CheckFailure) {
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		l, v := limits[name], unwrap(in[resource.PropertyKey(name)])
		if !v.IsString() {
			continue
		}
		fail := func(format string, args ...any) {
			failures = append(failures, plugin.CheckFailure{Property: resource.PropertyKey(name),
				Reason: fmt.Sprintf("property %q %s", name, fmt.Sprintf(format, args...))})
		}
		text := v.StringValue()
		switch n := len(text); {
		case l.min > 0 && n < l.min:
			fail("has %d characters, and must have %d at least", n, l.min)
		case l.max > 0 && n > l.max:
			fail("has %d characters, and may have %d at most", n, l.max)
		}
		if l.form != nil && !l.form.MatchString(text) {
			fail("must match %s", l.form)
		}
	}
	return failures
}
