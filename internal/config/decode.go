// Package config reads a stack's configuration into the arguments of components.BatchEndpointAccess.
//
// There is no second list of keys: the decoder walks the arguments' types by their `pulumi` tags, so it knows every
// key, and reports everything that is wrong at once, each with its path. It decides nothing about access.
package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// DecodeStack reads a stack's whole configuration: like Decode, but it also requires the location.
func DecodeStack(values map[string]any) (*components.BatchEndpointAccessArgs, access.Problems) {
	args, d := decode(values)
	return args, append(d.missingLocation(values["location"], args), d.all(args)...)
}

// Decode reads values into arguments: a stack's configuration, by keys without the project's name, or the inputs of a
// component of any stack. Values are what JSON or YAML holds: text, numbers, booleans, lists and objects. The problems
// are those of the form and of the model. If one of them is an error, the arguments must not be used.
func Decode(values map[string]any) (*components.BatchEndpointAccessArgs, access.Problems) {
	args, d := decode(values)
	return args, d.all(args)
}

func decode(values map[string]any) (*components.BatchEndpointAccessArgs, *decoder) {
	args, d := &components.BatchEndpointAccessArgs{}, &decoder{places: map[string]*place{}}
	into := reflect.ValueOf(args).Elem()
	d.expect("", into.Type())
	d.object("", values, into)
	return args, d
}

// all returns the problems of the form, and those of the model that do not follow from one.
func (d *decoder) all(args *components.BatchEndpointAccessArgs) access.Problems {
	return append(d.problems, slices.DeleteFunc(args.Validate(), d.isConsequence)...)
}

// filledIn is a key of a component's inputs that no configuration has: the component sets it.
const filledIn = "ended"

// topKeys returns the keys that a configuration may have at the top.
func topKeys() []string {
	return slices.DeleteFunc(keysOf(reflect.TypeFor[components.BatchEndpointAccessArgs]()),
		func(key string) bool { return key == filledIn })
}

// Unknown is the value, for Decode, of one that is encrypted or known only after the deployment. It is different in
// every process, so that nobody can have written it.
var Unknown = "(known after deployment " + uuid.NewString() + ")"

type decoder struct {
	problems access.Problems
	places   map[string]*place // by path
	inside   *place            // what is being read now; nil at the top
	input    bool              // the value goes into an Input, which can be secret or known only later
	secret   string            // path of the value with --secret around what is read
}

// missingLocation requires a region if something is made that needs one: otherwise Azure would report it in the middle
// of the deployment. A component alone is not checked: its provider may have one.
func (d *decoder) missingLocation(value any, args *components.BatchEndpointAccessArgs) access.Problems {
	if value != nil && value != "" {
		return nil
	}
	wrong := func(entry string) bool {
		at := d.places[entry]
		return at != nil && (at.partly || at.wrong)
	}
	var made []string
	for name, c := range args.Clusters {
		if !c.Existing && c.Location == nil && !wrong("clusters."+name) {
			made = append(made, "cluster "+name)
		}
	}
	for name, i := range args.Model().Invokers {
		if i.Kind == access.ManagedIdentity && !i.Exists() && !wrong("invokers."+name) {
			made = append(made, "managed identity "+name)
		}
	}
	if len(made) == 0 {
		return nil
	}
	slices.Sort(made)
	return access.Problems{{
		Path: "location", What: "is required: the stack makes " + strings.Join(made, ", "),
		Fix: "write a region, such as westeurope, that of the workspace for clusters; as " + providerLocation +
			" it holds for all that the provider makes",
	}}
}

func (d *decoder) problem(path, fix, what string, args ...any) {
	d.problems = append(d.problems, problem.Problem{Path: path, What: fmt.Sprintf(what, args...), Fix: fix})
	at := d.place(path)
	at.wrong = true
	for around := at.in; around != nil; around = around.in {
		around.partly = true
	}
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

// object reads a struct. A key that the struct does not have is a problem. So is a key without a value, since the
// default of some keys is everybody.
func (d *decoder) object(path string, values map[string]any, into reflect.Value) {
	t := into.Type()
	known := keysOf(t)
	for _, key := range sortedKeys(values) {
		switch wrong, is := values[key].(unusable); {
		case is:
			d.problem(join(path, wrong.path), wrong.fix, "%s", wrong.what)
		case !slices.Contains(known, key):
			d.problem(join(path, key), problem.DidYouMean(key, known), "unknown key")
		}
	}
	for i := range t.NumField() {
		key, field := keyOf(t.Field(i)), into.Field(i)
		value, given := values[key]
		none := value == nil || value == ""
		if _, wrong := value.(unusable); !given || wrong || path == "" && none && isText(field.Type()) {
			continue // Pulumi.yaml gives optional texts the default ""; a required one is then missing
		}
		_, isDate := dateKeys[key]
		if at, isTime := value.(time.Time); isTime && isDate { // YAML reads an unquoted date as one
			value = at.UTC().Format(time.RFC3339)
		} else if text, isText := value.(string); isText && isDate {
			value = asDate(text)
		}
		d.value(join(path, key), value, field)
	}
}

// value reads one value into a field of any of the kinds that the arguments have.
func (d *decoder) value(path string, value any, into reflect.Value) {
	value = lastDay(path, value)
	before, outer := len(d.problems), d.inside
	at := d.place(path)
	if at != outer { // otherwise it is read again, as its content
		d.inside = at
	}
	d.expect(path, into.Type())
	defer func() {
		d.inside = outer
		at.read = len(d.problems) == before
	}()
	if hidden, is := value.(secret); is {
		defer func(outer string) { d.secret = outer }(d.secret)
		d.secret, value = path, hidden.value
	}
	if value == Unknown {
		d.later(path, into)
		return
	}
	if value == nil {
		d.problem(path, "write a value, or leave the key out", "has no value")
		return
	}
	if plain, wrap := plainOf(into.Type()); wrap != nil {
		held := reflect.New(plain).Elem()
		d.input = true
		d.value(path, value, held)
		d.input = false
		if len(d.problems) == before {
			into.Set(reflect.ValueOf(wrap(held, d.secret != "")))
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
		if b, is := truth(value); is {
			into.SetBool(b)
			d.mayBeOpen(path)
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
		d.names(path, value, into)
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

// later reads a value that is not known yet: only an Input may be one.
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
		defer func(outer string) { d.secret = outer }(d.secret)
		if d.secret == "" {
			d.secret = path
		}
		d.mayBeOpen(path)
	}
}

// names reads a map of named things.
func (d *decoder) names(path string, value any, into reflect.Value) {
	m, ok := value.(map[string]any)
	if !ok {
		d.problem(path, "write an object of names", "is %s", describe(value))
		return
	}
	if m == nil {
		return // a default of Pulumi.yaml
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(m)))
	for _, key := range sortedKeys(m) {
		if wrong, is := m[key].(unusable); is {
			d.problem(join(path, wrong.path), wrong.fix, "%s", wrong.what)
			continue
		}
		item, value := reflect.New(into.Type().Elem()).Elem(), m[key]
		if value == nil && item.Kind() == reflect.Struct {
			value = map[string]any{} // `name:` with nothing behind it is a thing with every default
		}
		if text, is := value.(string); is && isBlank(text) && item.Kind() == reflect.String {
			item.SetString(text) // a tag may be empty
		} else {
			d.value(join(path, key), value, item)
		}
		into.SetMapIndex(reflect.ValueOf(key), item)
	}
}

// mayBeOpen refuses a secret if its value decides what is made: it would be in previews, states and names.
func (d *decoder) mayBeOpen(path string) bool {
	if d.secret == "" || d.input {
		return true
	}
	already := slices.ContainsFunc(d.problems, func(p problem.Problem) bool { return p.Path == d.secret && !p.Warning })
	if !already {
		at := ""
		if path != d.secret {
			at = ", such as " + path
		}
		d.problem(d.secret, "set it without --secret, or only IDs in it with --secret",
			"is set with --secret, but holds what decides which resources are made and stands in previews%s", at)
	}
	return false
}

// isText reports whether a field takes only text.
func isText(t reflect.Type) bool {
	plain, wrap := plainOf(t)
	return wrap != nil && plain.Kind() == reflect.String || t.Kind() == reflect.String
}

// plainOf returns, for a field that takes an Input, the plain type in a configuration, and how its value becomes an
// Input.
func plainOf(t reflect.Type) (plain reflect.Type, wrap func(v reflect.Value, hide bool) any) {
	as := func(of func(reflect.Value) pulumi.Input) func(reflect.Value, bool) any {
		return func(v reflect.Value, hide bool) any {
			if hide {
				return pulumi.ToSecret(of(v))
			}
			return of(v)
		}
	}
	switch t {
	case reflect.TypeFor[pulumi.StringInput](), reflect.TypeFor[pulumi.StringPtrInput]():
		return reflect.TypeFor[string](), as(func(v reflect.Value) pulumi.Input { return pulumi.String(v.String()) })
	case reflect.TypeFor[pulumi.IntPtrInput]():
		return reflect.TypeFor[int](), as(func(v reflect.Value) pulumi.Input { return pulumi.Int(int(v.Int())) })
	case reflect.TypeFor[pulumi.BoolPtrInput]():
		return reflect.TypeFor[bool](), as(func(v reflect.Value) pulumi.Input { return pulumi.Bool(v.Bool()) })
	case reflect.TypeFor[pulumi.StringMapInput]():
		return reflect.TypeFor[map[string]string](), as(func(v reflect.Value) pulumi.Input {
			return pulumi.ToStringMap(v.Interface().(map[string]string))
		})
	}
	return nil, nil
}
