package engine

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// nameLanguageHost adds a language host for Go to the plugins in the shadow's Pulumi.yaml. The engine attaches to the
// host of PULUMI_DEBUG_LANGUAGES, but runs a policy pack only if it finds a plugin for the pack's language. A plugin
// that the project names is enough: it is never started.
func (e *Engine) nameLanguageHost() error {
	if e.project == nil {
		return nil
	}
	file := filepath.Join(e.paths.shadow, "Pulumi.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the shadow of the project: %w", err)
	}
	s, err := mapping(content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	plugins := under(s.root, "plugins", yaml.MappingNode)
	languages := under(plugins, "languages", yaml.SequenceNode)
	for _, language := range languages.Content {
		if name := at(language, "name"); name != nil && name.Value == "go" {
			return nil // the user names one
		}
	}
	host := settings{root: &yaml.Node{Kind: yaml.MappingNode}}
	host.set("name", "go")
	host.set("path", e.paths.shadow) // Pulumi needs an existing folder
	languages.Content = append(languages.Content, host.root)
	return s.write(file)
}

// under returns the value of a mapping's key. If it is missing or of another kind, it makes one.
func under(m *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	if v := at(m, key); v != nil && v.Kind == kind {
		return v
	}
	settings{}.remove(m, key)
	v := &yaml.Node{Kind: kind}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, v)
	return v
}
