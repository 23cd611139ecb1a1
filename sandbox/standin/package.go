package standin

import (
	"encoding/json"
	"fmt"
)

// loadedPackage is a package with its schema read.
type loadedPackage struct {
	schema   schema
	document []byte // the schema, as GetSchema gives it
	packageRules
}

// packageSource is a package as the tables list it.
type packageSource struct {
	schemas [][]byte
	packageRules
}

// packageRules are the resources that a package serves, and its behaviour.
type packageRules struct {
	resources map[string]resourceType
	functions map[string]function
	// refuseUnknown: the plugin refuses a property that it does not know. azure-native disregards it.
	refuseUnknown bool
	// bridged: the plugin is a bridged Terraform provider: see bridge.go.
	bridged bool
	// openIsUnknown: in a preview, an optional output without an input is unknown, as in azure-native.
	openIsUnknown bool
}

func (s packageSource) load() (loadedPackage, error) {
	merged, err := mergeSchemas(s.schemas...)
	if err != nil {
		return loadedPackage{}, err
	}
	document, err := mergeDocuments(s.schemas...)
	if err != nil {
		return loadedPackage{}, err
	}
	for token := range s.functions {
		if _, described := merged.Functions[token]; !described {
			return loadedPackage{}, fmt.Errorf("the schemas of %s have no function %s", merged.Name, token)
		}
	}
	for token := range s.resources {
		if _, described := merged.Resources[token]; !described {
			return loadedPackage{}, fmt.Errorf("the schemas of %s have no resource %s", merged.Name, token)
		}
	}
	return loadedPackage{merged, document, s.packageRules}, nil
}

// mergeDocuments merges several schema documents, and keeps the members that this package does not read.
func mergeDocuments(files ...[]byte) ([]byte, error) {
	all := map[string]any{}
	for _, file := range files {
		var one map[string]any
		if err := json.Unmarshal(file, &one); err != nil {
			return nil, fmt.Errorf("reading a package schema: %w", err)
		}
		for section, content := range one {
			mergeInto(all, section, content)
		}
	}
	return json.Marshal(all)
}

// mergeInto adds content to a member, in nested objects too. An existing member that is no object stays.
func mergeInto(all map[string]any, name string, content any) {
	into, isObject := all[name].(map[string]any)
	from, both := content.(map[string]any)
	switch {
	case isObject && both:
		for inner, value := range from {
			mergeInto(into, inner, value)
		}
	case all[name] == nil:
		all[name] = content
	}
}
