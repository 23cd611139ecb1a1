package engine

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// nameLanguageHost tells the shadow's Pulumi.yaml of a language host for Go. The engine attaches to the one that it is
// told of by PULUMI_DEBUG_LANGUAGES; but before it runs a policy pack, it looks whether there is a plugin for the
// pack's language, and is content with one of the project's, which it does not start.
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
			return nil // the user's own
		}
	}
	host := settings{root: &yaml.Node{Kind: yaml.MappingNode}}
	host.set("name", "go")
	host.set("path", e.paths.shadow) // Pulumi wants a folder that is there
	languages.Content = append(languages.Content, host.root)
	return s.write(file)
}

// under returns the value of a key of a mapping, made if it has none of the kind.
func under(m *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	if v := at(m, key); v != nil && v.Kind == kind {
		return v
	}
	settings{}.remove(m, key)
	v := &yaml.Node{Kind: kind}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, v)
	return v
}
