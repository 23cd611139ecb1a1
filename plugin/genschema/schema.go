package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/plugin/provider"
)

var (
	inputType  = reflect.TypeFor[pulumi.Input]()
	outputType = reflect.TypeFor[pulumi.Output]()
)

// eventual has the schema's types of the Inputs and Outputs that components take and return. All other fields are
// plain: they decide which resources exist, so they must be known when the component is made.
var eventual = map[reflect.Type]schema.TypeSpec{
	reflect.TypeFor[pulumi.StringInput]():        {Type: "string"},
	reflect.TypeFor[pulumi.StringPtrInput]():     {Type: "string"},
	reflect.TypeFor[pulumi.IntPtrInput]():        {Type: "integer"},
	reflect.TypeFor[pulumi.BoolPtrInput]():       {Type: "boolean"},
	reflect.TypeFor[pulumi.StringMapInput]():     mapOf(schema.TypeSpec{Type: "string"}),
	reflect.TypeFor[pulumi.StringOutput]():       {Type: "string"},
	reflect.TypeFor[pulumi.StringArrayOutput]():  {Type: "array", Items: &schema.TypeSpec{Type: "string"}},
	reflect.TypeFor[pulumi.StringMapOutput]():    mapOf(schema.TypeSpec{Type: "string"}),
	reflect.TypeFor[pulumi.StringMapMapOutput](): mapOf(mapOf(schema.TypeSpec{Type: "string"})),
	reflect.TypeFor[pulumi.MapOutput]():          mapOf(schema.TypeSpec{Ref: "pulumi.json#/Any"}),
}

func mapOf(elem schema.TypeSpec) schema.TypeSpec {
	return schema.TypeSpec{Type: "object", AdditionalProperties: &elem}
}

// specOf returns the schema of the package.
func specOf(components []provider.Component, docs *source) (schema.PackageSpec, error) {
	b := &builder{docs: docs, types: map[string]schema.ComplexTypeSpec{}, of: map[string]reflect.Type{}}
	resources := map[string]schema.ResourceSpec{}
	for _, c := range components {
		args, outputs := b.object(c.Args), b.object(c.Result)
		outputs.Description = docs.describe(docs.types[c.Result.Name()], c.Result.Name())
		resources[c.Token] = schema.ResourceSpec{
			IsComponent: true, ObjectTypeSpec: outputs, InputProperties: args.Properties, RequiredInputs: args.Required,
		}
	}
	return schema.PackageSpec{
		Name: provider.Name, Version: provider.Version, DisplayName: "Batch Access",
		// Without a namespace, Pulumi takes the owner of the repository that the plugin came from, and the SDKs of a
		// clone and of a fork would have different names.
		Namespace:   "batchaccess",
		Description: "Who may start Azure Machine Learning batch jobs, and which identity then reads the data.",
		Keywords:    []string{"pulumi", "azure", "machine-learning", "category/cloud", "kind/component"},
		Repository:  "https://github.com/batchaccess/batchaccess", License: "Apache-2.0", Publisher: "batchaccess",
		Language: map[string]schema.RawMessage{
			// Plain types need Args types too: maps of them refer to those, which are undefined otherwise.
			"go": schema.RawMessage(`{"respectSchemaVersion":true,"generateExtraInputTypes":true}`),
			// The generator asks for a later SDK, which needs Node.js 22. Components need nothing that this version
			// lacks.
			"nodejs": schema.RawMessage(`{"respectSchemaVersion":true,"dependencies":{"@pulumi/pulumi":"^3.225.0"}}`),
			"python": schema.RawMessage(`{"respectSchemaVersion":true,"pyproject":{"enabled":true}}`),
			"csharp": schema.RawMessage(`{"respectSchemaVersion":true}`),
			"java":   schema.RawMessage(`{}`),
		},
		Types: b.types, Resources: resources,
	}, errors.Join(b.errs...)
}

type builder struct {
	docs  *source
	types map[string]schema.ComplexTypeSpec
	of    map[string]reflect.Type // to distinguish two types of one name
	errs  []error
}

func (b *builder) wrong(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

// object describes a struct by its `pulumi` tags.
func (b *builder) object(t reflect.Type) schema.ObjectTypeSpec {
	o := schema.ObjectTypeSpec{
		Type: "object", Description: b.docs.describe(b.docs.types[t.Name()], t.Name()),
		Properties: map[string]schema.PropertySpec{},
	}
	for i := range t.NumField() { // the fields of an embedded pulumi.ResourceState are not in the schema
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("pulumi"), ",")
		if name == "" {
			continue
		}
		doc := b.docs.fields[t.Name()][f.Name]
		if doc == "" {
			b.wrong("%s.%s: has no doc comment; write one, it is the description in every language", t, f.Name)
		}
		optional := rest == "optional"
		if strings.Contains(doc, "Required.") && optional {
			b.wrong("%s.%s: its doc comment says that it is required, its tag that it is optional", t, f.Name)
		}
		if !optional {
			o.Required = append(o.Required, name)
		}
		o.Properties[name] = schema.PropertySpec{
			TypeSpec: b.typeOf(f.Type), Description: b.docs.describe(doc, t.Name()), Secret: f.Tag.Get("provider") == "secret",
		}
	}
	return o
}

func (b *builder) typeOf(t reflect.Type) schema.TypeSpec {
	if spec, ok := eventual[t]; ok {
		return spec
	}
	if t.Implements(inputType) || t.Implements(outputType) {
		b.wrong("%s: is not among the Inputs and Outputs that the schema knows; add it to them", t)
		return schema.TypeSpec{}
	}
	spec := schema.TypeSpec{Plain: true}
	switch t.Kind() {
	case reflect.Pointer:
		return b.typeOf(t.Elem())
	case reflect.String:
		spec.Type = "string"
		if values := b.docs.values[t.Name()]; len(values) > 0 {
			spec = schema.TypeSpec{Ref: "#/types/" + b.enum(t, values), Plain: true}
		}
	case reflect.Int:
		spec.Type = "integer"
	case reflect.Bool:
		spec.Type = "boolean"
	case reflect.Slice:
		elem := b.typeOf(t.Elem())
		spec.Type, spec.Items = "array", &elem
	case reflect.Map:
		elem := b.typeOf(t.Elem())
		spec.Type, spec.AdditionalProperties = "object", &elem
	case reflect.Struct:
		spec.Ref = "#/types/" + b.structure(t)
	default:
		b.wrong("%s: has no type in a schema", t)
	}
	return spec
}

// token is the token of a type in the package; Pulumi's SDKs add Args to it themselves.
func (b *builder) token(t reflect.Type) (token string, known bool) {
	token = provider.Name + ":index:" + strings.TrimSuffix(t.Name(), "Args")
	if other, ok := b.of[token]; ok && other != t {
		b.wrong("%s and %s would both be %s", t, other, token)
	}
	_, known = b.of[token]
	b.of[token] = t
	return token, known
}

func (b *builder) structure(t reflect.Type) string {
	token, known := b.token(t)
	if !known {
		b.types[token] = schema.ComplexTypeSpec{ObjectTypeSpec: b.object(t)}
	}
	return token
}

func (b *builder) enum(t reflect.Type, values []value) string {
	token, known := b.token(t)
	if !known {
		spec := schema.ComplexTypeSpec{ObjectTypeSpec: schema.ObjectTypeSpec{Type: "string",
			Description: b.docs.describe(b.docs.types[t.Name()], t.Name())}}
		for _, v := range values {
			spec.Enum = append(spec.Enum, schema.EnumValueSpec{Name: v.name, Value: v.value, Description: v.doc})
		}
		b.types[token] = spec
	}
	return token
}
