package components

import (
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// inputsOf returns a component's arguments as the inputs that the engine records for it, by their `pulumi` tags.
// Arguments mix Inputs with plain values and maps of structs, which the SDK can't convert. Fields that are not set are
// left out. So are the arguments named in without: there may be thousands of principals, and the assignments below the
// component contain them.
func inputsOf(args any, without ...string) pulumi.Map {
	m, _ := input(reflect.ValueOf(args)).(pulumi.Map)
	for _, key := range without {
		delete(m, key)
	}
	return m
}

func input(v reflect.Value) pulumi.Input {
	if !v.IsValid() || v.IsZero() {
		return nil
	}
	if in, ok := v.Interface().(pulumi.Input); ok {
		return in
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if e := v.Elem(); e.IsZero() && e.Kind() != reflect.Pointer && e.Kind() != reflect.Interface {
			return pulumi.Any(e.Interface()) // false is a value; a field that is not set is nil
		}
		return input(v.Elem())
	case reflect.Struct:
		m := pulumi.Map{}
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("pulumi"), ",")
			if tag == "" {
				continue
			}
			if in := input(v.Field(i)); in != nil {
				m[tag] = in
			}
		}
		return m
	case reflect.Map:
		m := pulumi.Map{}
		for _, key := range v.MapKeys() {
			if in := item(v.MapIndex(key)); in != nil {
				m[key.String()] = in
			}
		}
		return m
	case reflect.Slice:
		a := pulumi.Array{}
		for i := range v.Len() {
			a = append(a, item(v.Index(i)))
		}
		return a
	default:
		return pulumi.Any(v.Interface())
	}
}

// item returns one entry of a map or a list, also where all its fields are defaults, as for the cluster of `clusters:
// {cpu: {}}`.
func item(v reflect.Value) pulumi.Input {
	if in := input(v); in != nil {
		return in
	}
	switch v.Kind() {
	case reflect.Struct:
		return pulumi.Map{}
	case reflect.String:
		return pulumi.String(v.String())
	default:
		return nil
	}
}
