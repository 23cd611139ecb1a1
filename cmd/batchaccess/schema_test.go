package main

import (
	"encoding"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// printed are the values that the commands print as JSON.
var jsonForms = map[string]any{
	"explain": explain.Explanation{}, "can": explain.Answer{}, "review": review.Review{}, "verify": verify.Report{},
	"rehearse": rehearsal.Report{}, "pin": pinsForm{}, "adopt": adoptionForm{},
	"invoke": invocationForm{}, "init": initForm{}, "export": world.World{},
}

// otherForms are other values that they print: for a change, and after a deployment that was broken off.
var otherForms = map[string]any{"rehearse --from": changeForm{}, "adopt, of what was broken off": recoveryForm{}}

// docs/json.schema.json is the schema of each command's JSON, made from the printed types.
func TestTheDocsHaveTheSchemaOfTheJSON(t *testing.T) {
	t.Parallel()
	definitions := map[string]any{}
	for _, cmd := range users() {
		if cmd.Flags().Lookup("json") == nil {
			continue
		}
		form, known := jsonForms[cmd.Name()]
		require.True(t, known, "%s has no schema", cmd.Name())
		schema := schemaOf(reflect.TypeOf(form))
		assert.Contains(t, schema["required"], "version", "the JSON of %s has a version", cmd.Name())
		definitions[cmd.Name()] = schema
	}
	assert.Len(t, definitions, len(jsonForms))
	for name, form := range otherForms {
		definitions[name] = schemaOf(reflect.TypeOf(form))
	}
	want, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What batchaccess <command> --json prints",
		"$defs": definitions,
	}, "", " ")
	require.NoError(t, err)
	want = append(want, '\n')
	file := filepath.Join(repository, "docs", "json.schema.json")
	if *update {
		require.NoError(t, os.WriteFile(file, want, 0o600))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, string(want) == string(have), "go test ./cmd/batchaccess -run Docs -update writes "+
		"docs/json.schema.json again; "+
		"where something is renamed or taken away, raise the version")
}

// schemaOf is the schema of a type as encoding/json writes it. A list is never null.
func schemaOf(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for i := range t.NumField() {
			f := t.Field(i)
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				inner := schemaOf(f.Type)
				of, _ := inner["properties"].(map[string]any)
				for key, schema := range of {
					properties[key] = schema
				}
				must, _ := inner["required"].([]string)
				required = append(required, must...)
				continue
			case !f.IsExported() || name == "-":
				continue
			case name == "":
				name = f.Name
			}
			properties[name] = schemaOf(f.Type)
			if !strings.HasPrefix(rest, "omit") {
				required = append(required, name)
			}
		}
		slices.Sort(required)
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return map[string]any{}
	}
}

// conforms lists the places where a value does not fit its schema.
func conforms(at string, schema map[string]any, value any) (wrong []string) {
	switch v := value.(type) {
	case nil:
		if schema["type"] != nil {
			return []string{at + " is null"}
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		others, _ := schema["additionalProperties"].(map[string]any)
		if schema["type"] != nil && schema["type"] != "object" {
			return []string{at + " is an object"}
		}
		for key, item := range v {
			of, known := properties[key].(map[string]any)
			if !known && others == nil {
				wrong = append(wrong, at+"."+key+" is not in the schema")
				continue
			} else if !known {
				of = others
			}
			wrong = append(wrong, conforms(at+"."+key, of, item)...)
		}
		must, _ := schema["required"].([]string)
		for _, key := range must {
			if _, there := v[key]; !there {
				wrong = append(wrong, at+" lacks "+key)
			}
		}
	case []any:
		items, list := schema["items"].(map[string]any)
		if !list {
			return []string{at + " is a list"}
		}
		for _, item := range v {
			wrong = append(wrong, conforms(at+"[]", items, item)...)
		}
	}
	return wrong
}

// Printed JSON fits the schema, also if there is nothing to list.
func TestWhatIsPrintedIsAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneInput, "bare": oneUser})
	for _, args := range [][]string{
		{"explain", "--stack", "dev"}, {"explain", "--stack", "bare"}, {"can", "ann", "start", "cpu", "--stack", "bare"},
		{"can", "ann", "do", "readsSecrets", "--stack", "bare"},
		{"review", "../../internal/review/testdata/invoker.json"}, {"review", "../../internal/review/testdata/nochange.json"},
	} {
		_, stdout, stderr := execute(t, append(args, "--json", "-C", dir)...)
		var value any
		require.NoError(t, json.Unmarshal([]byte(stdout), &value), stderr)
		assert.Empty(t, conforms(args[0], schemaOf(reflect.TypeOf(jsonForms[args[0]])), value), "%v", args)
	}
}
