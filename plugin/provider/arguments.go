package provider

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// check finds what Pulumi's SDK passes over, or changes, when it copies arguments into the Go type: an argument that
// the type has no field for, at whatever depth, which would count as one that is not given; one that is null or an
// empty text where the type could not say so, and so would open what it was to limit; and a number that is not whole.
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
	case value.IsNumber() && isInt(t) && value.AsNumber() != math.Trunc(value.AsNumber()):
		ps.Add(path, "write one", "%v is no whole number", value.AsNumber())
	case t.Implements(inputType): // an ID, a text, or tags, whose keys are those of whoever gave them
	case value.IsComputed():
		ps.Add(path, "give it in plain text", "is known only after a deployment, and decides what is made")
	case value.Secret():
		ps.Add(path, "give it in the open: it stands in previews and names", "is a secret, and decides what is made")
	case value.IsString() && value.AsString() == "":
		ps.Add(path, fix, "is empty")
	case value.IsMap() && t.Kind() == reflect.Struct:
		check(path+".", value.AsMap(), t, ps)
	case value.IsMap() && t.Kind() == reflect.Map:
		for key, elem := range value.AsMap().AllStable {
			if !elem.IsNull() || t.Elem().Kind() != reflect.Struct { // else it is a thing with every default
				checkValue(path+"."+key, elem, t.Elem(), ps)
			}
		}
	case value.IsArray() && t.Kind() == reflect.Slice:
		for i, elem := range value.AsArray().AsSlice() {
			checkValue(fmt.Sprintf("%s[%d]", path, i), elem, t.Elem(), ps)
		}
	}
}

// isInt reports whether a number becomes an int in Go.
func isInt(t reflect.Type) bool {
	return t.Kind() == reflect.Int || t == reflect.TypeFor[pulumi.IntInput]() || t == reflect.TypeFor[pulumi.IntPtrInput]()
}
