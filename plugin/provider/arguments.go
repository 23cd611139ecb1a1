package provider

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// check finds arguments that Pulumi's SDK, when it copies them into the Go type, would ignore, change, or refuse
// without naming their place:
//   - an argument that the type has no field for, at any depth, which would count as not given;
//   - a null or an empty text where the type does not allow one, which would remove a limit;
//   - a value of another type;
//   - a number that is not whole.
func check(path string, given property.Map, t reflect.Type, ps *problem.List) {
	known := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("pulumi"), ",")
		known[name] = t.Field(i).Type
	}
	for key, value := range given.AllStable {
		if of, ok := known[key]; ok {
			checkValue(path+key, value, of, ps)
		} else {
			ps.Add(path+key, "write one of "+strings.Join(slices.Sorted(maps.Keys(known)), ", "), "is no argument here")
		}
	}
}

var inputType = reflect.TypeFor[pulumi.Input]()

func checkValue(path string, value property.Value, t reflect.Type, ps *problem.List) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	const fix = "give a value, or leave it out"
	switch {
	case value.IsNull():
		ps.Add(path, fix, "is empty")
	case !value.IsComputed() && !fits(value, t):
		ps.Add(path, "write "+wanted(t), "is %s", given(value))
	case value.IsNumber() && isInt(t) && value.AsNumber() != math.Trunc(value.AsNumber()):
		ps.Add(path, "write one", "%v is no whole number", value.AsNumber())
	case t == reflect.TypeFor[pulumi.StringMapInput]() && value.IsMap(): // keys of tags are the caller's own
		for key, elem := range value.AsMap().AllStable {
			checkValue(path+"."+key, elem, reflect.TypeFor[pulumi.StringInput](), ps)
		}
	case t.Implements(inputType): // an ID, or a text
	case value.IsComputed():
		ps.Add(path, "give it in plain text", "is known only after a deployment, and decides what is made")
	case value.Secret():
		ps.Add(path, "give it without encryption: previews and names show it", "is a secret, and decides what is made")
	case value.IsString() && value.AsString() == "":
		ps.Add(path, fix, "is empty")
	case value.IsMap() && t.Kind() == reflect.Struct:
		check(path+".", value.AsMap(), t, ps)
	case value.IsMap() && t.Kind() == reflect.Map:
		for key, elem := range value.AsMap().AllStable {
			if !elem.IsNull() || t.Elem().Kind() != reflect.Struct { // null is an object with every default
				checkValue(path+"."+key, elem, t.Elem(), ps)
			}
		}
	case value.IsArray() && t.Kind() == reflect.Slice:
		for i, elem := range value.AsArray().AsSlice() {
			checkValue(fmt.Sprintf("%s[%d]", path, i), elem, t.Elem(), ps)
		}
	}
}

// fromSomewhere makes each value that is known later, and has no dependency, depend on the parent. Look-ups give such
// values in a preview. Pulumi's SDK takes their mark for a text, and refuses it for a number, a choice or a map.
func fromSomewhere(value property.Value, parent urn.URN) property.Value {
	var made property.Value
	switch {
	case value.IsComputed() && len(value.Dependencies()) == 0:
		return value.WithDependencies([]urn.URN{parent})
	case value.IsMap():
		all := map[string]property.Value{}
		for key, elem := range value.AsMap().AllStable {
			all[key] = fromSomewhere(elem, parent)
		}
		made = property.New(all)
	case value.IsArray():
		all := []property.Value{}
		for _, elem := range value.AsArray().AsSlice() {
			all = append(all, fromSomewhere(elem, parent))
		}
		made = property.New(all)
	default:
		return value
	}
	return made.WithSecret(value.Secret()).WithDependencies(value.Dependencies())
}

// isInt reports whether a number becomes an int in Go.
func isInt(t reflect.Type) bool {
	return t.Kind() == reflect.Int || t == reflect.TypeFor[pulumi.IntInput]() || t == reflect.TypeFor[pulumi.IntPtrInput]()
}

// wanted says in words what an argument of a type may be.
func wanted(t reflect.Type) string {
	switch {
	case isInt(t):
		return "a whole number"
	case t.Kind() == reflect.Bool || t == reflect.TypeFor[pulumi.BoolPtrInput]():
		return "true or false"
	case t.Kind() == reflect.Struct:
		return "its parts by name"
	case t.Kind() == reflect.Map || t == reflect.TypeFor[pulumi.StringMapInput]():
		return "a map, by name"
	case t.Kind() == reflect.Slice:
		return "a list"
	default: // a text, or an Input of one
		return "text"
	}
}

// fits reports whether an argument of that kind takes the value.
func fits(value property.Value, t reflect.Type) bool {
	switch wanted(t) {
	case "a whole number":
		return value.IsNumber()
	case "true or false":
		return value.IsBool()
	case "a list":
		return value.IsArray()
	case "text":
		return value.IsString()
	default:
		return value.IsMap()
	}
}

func given(value property.Value) string {
	switch {
	case value.IsString():
		return "text"
	case value.IsNumber():
		return "a number, which is no text unless it is in quotes"
	case value.IsBool():
		return "true or false"
	case value.IsArray():
		return "a list"
	case value.IsMap():
		return "a map"
	default:
		return "of a kind that no argument takes"
	}
}
