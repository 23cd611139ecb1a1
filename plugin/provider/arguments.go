package provider

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// unknown returns an error for each argument, at whatever depth, that the Go type has no field for. Pulumi's SDK passes over
// them; then a misspelt argument would count as one that is not given, and its default would hold.
func unknown(path string, given property.Map, t reflect.Type) error {
	known := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("pulumi"), ",")
		known[name] = t.Field(i).Type
	}
	var errs []error
	for key, value := range given.AllStable {
		if of, ok := known[key]; ok {
			errs = append(errs, unknownIn(path+key, value, of))
			continue
		}
		errs = append(errs, fmt.Errorf("%s%s: is no argument here; write one of %s", path, key, strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
	}
	return errors.Join(errs...)
}

// unknownIn looks into the structs of a value. What is under an Input is an ID or a text, and whoever gave it chose its keys.
func unknownIn(path string, value property.Value, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !value.IsMap() {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return unknown(path+".", value.AsMap(), t)
	case reflect.Map:
		var errs []error
		for key, elem := range value.AsMap().AllStable {
			errs = append(errs, unknownIn(path+"."+key, elem, t.Elem()))
		}
		return errors.Join(errs...)
	default:
		return nil
	}
}
