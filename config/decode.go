// Package config reads a stack's configuration into the arguments of components.BatchEndpointAccess.
//
// There is no second list of keys: the decoder walks the arguments' types by their `pulumi` tags, so it knows every key,
// and reports everything that is wrong at once, each with its path. It decides nothing about access.
package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// DecodeStack reads a stack's whole configuration: it does what Decode does, and asks for the location too.
func DecodeStack(values map[string]any) (*components.BatchEndpointAccessArgs, access.Problems) {
	args, problems := Decode(values)
	return args, append(missingLocation(values["location"], args), problems...)
}

// Decode reads values, by their keys without the project's name, into arguments: a stack's configuration, or the inputs of a
// component of any stack. Values are what JSON or YAML holds: text, numbers, booleans, lists and objects. The problems are
// those of the form and those of the model; with an error among them, the arguments are not to be used.
func Decode(values map[string]any) (*components.BatchEndpointAccessArgs, access.Problems) {
	args := &components.BatchEndpointAccessArgs{}
	d := decoder{}
	d.object("", values, reflect.ValueOf(args).Elem())
	// What could not be read is not reported as missing too.
	unread := func(p access.Problem) bool {
		return slices.ContainsFunc(d.problems, func(q access.Problem) bool {
			return p.Path == q.Path || strings.HasPrefix(p.Path, q.Path+".") || strings.HasPrefix(q.Path, p.Path+".")
		})
	}
	return args, append(d.problems, slices.DeleteFunc(args.Validate(), unread)...)
}

// Keys are the keys that Decode knows at the top.
func Keys() []string { return keysOf(reflect.TypeFor[components.BatchEndpointAccessArgs]()) }

// Unknown stands, in the values that Decode reads, for one that is encrypted or known only after the deployment. It is another
// text in every process, so that nobody can have written it.
var Unknown = "(known after deployment " + uuid.NewString() + ")"

type decoder struct{ problems access.Problems }

// missingLocation asks for a region where something is made that needs one: Azure would tell in the middle of the deployment.
// Of a component alone that can't be asked: a provider that it is given may hold one.
func missingLocation(value any, args *components.BatchEndpointAccessArgs) access.Problems {
	if value != nil && value != "" {
		return nil
	}
	var made []string
	for name, c := range args.Clusters {
		if !c.Existing && c.Location == nil {
			made = append(made, "cluster "+name)
		}
	}
	for name, i := range args.Model().Invokers {
		if i.Kind == access.ManagedIdentity && !i.Exists() {
			made = append(made, "managed identity "+name)
		}
	}
	if len(made) == 0 {
		return nil
	}
	slices.Sort(made)
	return access.Problems{{
		Path: "location", What: "is required: the stack makes " + strings.Join(made, ", "),
		Fix: "write a region, such as westeurope, that of the workspace for clusters; as " + providerLocation + " it holds for all that the provider makes",
	}}
}

func (d *decoder) problem(path, fix, what string, args ...any) {
	d.problems = append(d.problems, access.Problem{Path: path, What: fmt.Sprintf(what, args...), Fix: fix})
}

func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("pulumi"), ",")
	return key
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// object reads a struct. Every key that it does not have is a problem.
func (d *decoder) object(path string, values map[string]any, into reflect.Value) {
	t := into.Type()
	known := keysOf(t)
	for _, key := range sortedKeys(values) {
		if !slices.Contains(known, key) {
			d.problem(join(path, key), problem.DidYouMean(key, known), "unknown key")
		}
	}
	for i := range t.NumField() {
		if value, ok := values[keyOf(t.Field(i))]; ok && value != nil {
			d.value(join(path, keyOf(t.Field(i))), value, into.Field(i))
		}
	}
}

// value reads one value into a field of any of the kinds that the arguments have.
func (d *decoder) value(path string, value any, into reflect.Value) {
	if value == Unknown {
		d.later(path, into)
		return
	}
	if plain, wrap := plainOf(into.Type()); wrap != nil {
		held := reflect.New(plain).Elem()
		before := len(d.problems)
		d.value(path, value, held)
		if len(d.problems) == before {
			into.Set(reflect.ValueOf(wrap(held)))
		}
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(path, value, into.Elem())
	case reflect.String:
		if s, ok := d.text(path, value); ok {
			into.SetString(s)
		}
	case reflect.Bool:
		if b, err := strconv.ParseBool(fmt.Sprint(value)); err == nil {
			into.SetBool(b)
		} else {
			d.problem(path, "write true or false", "is %s", describe(value))
		}
	case reflect.Int:
		d.number(path, value, into)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			d.problem(path, "write a list", "is %s", describe(value))
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
		for i, item := range list {
			d.value(fmt.Sprintf("%s[%d]", path, i), item, into.Index(i))
		}
	case reflect.Map:
		m, ok := value.(map[string]any)
		if !ok {
			d.problem(path, "write an object of names", "is %s", describe(value))
			return
		}
		into.Set(reflect.MakeMapWithSize(into.Type(), len(m)))
		for _, key := range sortedKeys(m) {
			item, value := reflect.New(into.Type().Elem()).Elem(), m[key]
			if value == nil {
				value = map[string]any{} // `name:` with nothing behind it is a thing with every default
			}
			d.value(join(path, key), value, item)
			into.SetMapIndex(reflect.ValueOf(key), item)
		}
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			d.problem(path, "write an object with "+strings.Join(keysOf(into.Type()), ", "), "is %s", describe(value))
			return
		}
		d.object(path, m, into)
	default:
		panic(fmt.Sprintf("config: %s has a type that is not known here: %s", path, into.Type()))
	}
}

// later reads what is not known yet: only an Input may be.
func (d *decoder) later(path string, into reflect.Value) {
	unknown := pulumi.UnsafeUnknownOutput(nil)
	switch into.Type() {
	case reflect.TypeFor[pulumi.StringInput](), reflect.TypeFor[pulumi.StringPtrInput]():
		into.Set(reflect.ValueOf(unknown.ApplyT(func(any) string { return "" })))
	case reflect.TypeFor[pulumi.IntPtrInput]():
		into.Set(reflect.ValueOf(unknown.ApplyT(func(any) int { return 0 })))
	case reflect.TypeFor[pulumi.BoolPtrInput]():
		into.Set(reflect.ValueOf(unknown.ApplyT(func(any) bool { return false })))
	case reflect.TypeFor[pulumi.StringMapInput]():
		into.Set(reflect.ValueOf(unknown.ApplyT(func(any) map[string]string { return nil })))
	default:
		d.problem(path, "write it in plain text: it decides what is made, and is no secret", "is encrypted, or known only after deployment")
	}
}

func (d *decoder) text(path string, value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true // version: 3
	case float64: // the same in JSON, where 20261101 is not to become 2.0261101e+07
		if v != math.Trunc(v) { // 3.10 has become 3.1
			d.problem(path, "write it in quotes: a number loses its last zeros", "is the number %v", v)
			return "", false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case time.Time: // YAML reads an unquoted date as one
		return v.UTC().Format(time.RFC3339), true
	}
	d.problem(path, "write text", "is %s", describe(value))
	return "", false
}

func (d *decoder) number(path string, value any, into reflect.Value) {
	f, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	if _, isBool := value.(bool); err != nil || isBool || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32*float64(1<<20) {
		d.problem(path, "write a whole number", "is %s", describe(value))
		return
	}
	into.SetInt(int64(f))
}

// plainOf gives, for a field that takes an Input, the plain type that configuration holds and how it becomes one.
func plainOf(t reflect.Type) (plain reflect.Type, wrap func(reflect.Value) any) {
	switch t {
	case reflect.TypeFor[pulumi.StringInput](), reflect.TypeFor[pulumi.StringPtrInput]():
		return reflect.TypeFor[string](), func(v reflect.Value) any { return pulumi.String(v.String()) }
	case reflect.TypeFor[pulumi.IntPtrInput]():
		return reflect.TypeFor[int](), func(v reflect.Value) any { return pulumi.Int(int(v.Int())) }
	case reflect.TypeFor[pulumi.BoolPtrInput]():
		return reflect.TypeFor[bool](), func(v reflect.Value) any { return pulumi.Bool(v.Bool()) }
	case reflect.TypeFor[pulumi.StringMapInput]():
		return reflect.TypeFor[map[string]string](), func(v reflect.Value) any {
			return pulumi.ToStringMap(v.Interface().(map[string]string))
		}
	}
	return nil, nil
}

func describe(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}
