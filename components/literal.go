package components

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// idOf returns an Input as an access.ID. Inputs from the same output are the same ID.
func idOf(in any) access.ID {
	if pointedTo(in).Kind() == reflect.Invalid {
		return access.ID{}
	}
	if s, ok := plain(in); ok {
		return access.Known(s)
	}
	if reflect.TypeOf(in).Comparable() {
		return access.Later(in)
	}
	return access.Later(nil)
}

// plain returns the text of an Input that was given as plain text: a pulumi.String, a pulumi.ID, or a pointer to one.
func plain(in any) (s string, ok bool) {
	v := pointedTo(in)
	if v.Kind() != reflect.String {
		return "", false
	}
	return v.String(), true
}

// literalInt returns a plain number, or the default if none is given; known is false for an output.
func literalInt(in pulumi.IntPtrInput, byDefault int) (n int, known bool) {
	switch v := pointedTo(in); v.Kind() {
	case reflect.Invalid:
		return byDefault, true
	case reflect.Int:
		return int(v.Int()), true
	default:
		return 0, false
	}
}

// pointedTo returns the value behind an Input: pulumi.StringPtr and pulumi.IntPtr are pointers.
func pointedTo(in any) reflect.Value {
	v := reflect.ValueOf(in)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// optional returns nil for "".
func optional(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}
