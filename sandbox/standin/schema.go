package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is the part of a Pulumi package schema that a stand-in needs.
type schema struct {
	Name      string                  `json:"name"`
	Version   string                  `json:"version"`
	Resources map[string]resourceSpec `json:"resources"`
	Functions map[string]functionSpec `json:"functions"`
	Types     map[string]objectSpec   `json:"types"`
}

type resourceSpec struct {
	InputProperties map[string]propertySpec `json:"inputProperties"`
	RequiredInputs  []string                `json:"requiredInputs"`
	objectSpec                              // the outputs
}

type functionSpec struct {
	Inputs  objectSpec `json:"inputs"`
	Outputs objectSpec `json:"outputs"`
}

type objectSpec struct {
	Properties map[string]propertySpec `json:"properties"`
	Required   []string                `json:"required"`
}

type propertySpec struct {
	Type                 string         `json:"type"`
	Ref                  string         `json:"$ref"`
	Items                *propertySpec  `json:"items"`
	AdditionalProperties *propertySpec  `json:"additionalProperties"`
	OneOf                []propertySpec `json:"oneOf"`
	Const                any            `json:"const"`
	Default              any            `json:"default"`
	Secret               bool           `json:"secret"`
	WillReplaceOnChanges bool           `json:"willReplaceOnChanges"`
}

// mergeSchemas merges the schemas of one package. The first has name and version; a later one may add properties to a
// resource.
func mergeSchemas(files ...[]byte) (schema, error) {
	all := schema{
		Resources: map[string]resourceSpec{}, Functions: map[string]functionSpec{}, Types: map[string]objectSpec{},
	}
	for _, file := range files {
		var s schema
		if err := json.Unmarshal(file, &s); err != nil {
			return schema{}, fmt.Errorf("reading a package schema: %w", err)
		}
		if all.Name == "" {
			all.Name, all.Version = s.Name, s.Version
		}
		if s.Name != all.Name || s.Version != all.Version {
			return schema{}, fmt.Errorf("schemas of %s %s and %s %s are not of one package",
				all.Name, all.Version, s.Name, s.Version)
		}
		for token, more := range s.Resources {
			one, both := all.Resources[token]
			if !both {
				all.Resources[token] = more
				continue
			}
			maps.Copy(one.InputProperties, more.InputProperties)
			maps.Copy(one.Properties, more.Properties)
		}
		maps.Copy(all.Functions, s.Functions)
		maps.Copy(all.Types, s.Types)
	}
	return all, nil
}

// object returns the type that a property refers to.
func (s schema) object(p propertySpec) (objectSpec, bool) {
	token, ok := strings.CutPrefix(p.Ref, "#/types/")
	if !ok {
		return objectSpec{}, false
	}
	o, ok := s.Types[token]
	return o, ok && len(o.Properties) > 0 // an enumeration has no properties
}

// zero is the value of a property without a value, if the schema promises one.
func (s schema) zero(p propertySpec) any {
	switch p.Type {
	case "string":
		return ""
	case "boolean":
		return false
	case "integer", "number":
		return 0.0
	case "array":
		return []any{}
	}
	return map[string]any{}
}

// unset marks a member that is null or missing in the answer, for which the state has a zero value.
type unset struct{}

// keep returns the members of an answer that the schema has, without nulls. A member that is unset, or that the schema
// promises and the answer lacks, gets a zero value.
func (s schema) keep(o objectSpec, answer map[string]any) map[string]any {
	kept := map[string]any{}
	for name, p := range o.Properties {
		switch v := answer[name]; {
		case v == unset{}, v == nil && slices.Contains(o.Required, name):
			kept[name] = s.zero(p)
		case v != nil:
			kept[name] = v
		}
	}
	return kept
}

// asInputs returns the part of outputs that are also inputs, in nested objects too. What Azure adds to a nested object
// is left out, so that a change of it never shows as a change of the program's input.
func (s schema) asInputs(inputs map[string]propertySpec, outputs map[string]any) map[string]any {
	kept := map[string]any{}
	for name, p := range inputs {
		if v, ok := outputs[name]; ok && v != nil {
			kept[name] = s.asInput(p, v)
		}
	}
	return kept
}

func (s schema) asInput(p propertySpec, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if p.Type == "array" { // a set of IDs, which Azure answers as the keys of an object
			return sortedKeys(v)
		}
		for _, choice := range append([]propertySpec{p}, p.OneOf...) {
			if o, ok := s.object(choice); ok && s.matches(o, v) {
				return s.asInputs(o.Properties, v)
			}
		}
	case []any:
		if p.Items != nil {
			items := make([]any, len(v))
			for i, item := range v {
				items[i] = s.asInput(*p.Items, item)
			}
			return items
		}
	}
	return v
}

// matches reports whether the object has the constants that mark its type in a union.
func (s schema) matches(o objectSpec, v map[string]any) bool {
	for name, p := range o.Properties {
		if p.Const != nil && v[name] != p.Const {
			return false
		}
	}
	return true
}

func sortedKeys(m map[string]any) []any {
	sorted := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		sorted = append(sorted, key)
	}
	return sorted
}

// promises reports whether the output always has a value.
func (r resourceSpec) promises(output string) bool { return slices.Contains(r.Required, output) }
