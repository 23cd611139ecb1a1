package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// settings are the parts of Pulumi.yaml and Pulumi.<stack>.yaml that are read here.
type settings struct {
	Name           string         `yaml:"name"`
	StackConfigDir string         `yaml:"stackConfigDir"`
	Config         map[string]any `yaml:"config"`
}

// An unquoted is a number that YAML reads as another one: 010 is 8, and 1e3 is 1000.
type unquoted struct {
	text  string
	value any
}

// String returns the value as the engine passes it to a program.
func (u unquoted) String() string { return fmt.Sprint(u.value) }

// MarshalJSON does the same.
func (u unquoted) MarshalJSON() ([]byte, error) { return json.Marshal(u.value) }

func readSettings(file string) (settings, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return settings{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return parseSettings(text, file)
}

// ProjectName returns the project's name in the text of a Pulumi.yaml. An error names the file.
func ProjectName(file string, text []byte) (string, error) {
	s, err := parseSettings(text, file)
	return s.Name, err
}

func parseSettings(text []byte, file string) (s settings, err error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var root yaml.Node
	if err := yaml.Unmarshal(text, &s); err != nil { // reports keys that are there twice; a Node does not
		return s, badYAML(file, text, err)
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	if err := documents.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return s, badYAML(file, text, err)
	}
	var next yaml.Node
	if err := documents.Decode(&next); err == nil && len(next.Content) > 0 &&
		next.Content[0].Tag != "!!null" {
		return s, fmt.Errorf("reading %s: line %d: a second document begins, which nobody reads; take out the --- before it",
			file, next.Content[0].Line)
	}
	if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
		return s, nil
	}
	for i := 0; i+1 < len(root.Content[0].Content); i += 2 {
		key, value := root.Content[0].Content[i], root.Content[0].Content[i+1]
		if _, name, ok := strings.Cut(key.Value, ":"); key.Value == "config" && value.Kind == yaml.MappingNode {
			s.Config, _ = valueOf(value).(map[string]any)
		} else if slices.Contains(topKeys(), key.Value) || ok && slices.Contains(topKeys(), name) {
			return s, fmt.Errorf("reading %s: line %d: the key %s stands outside of config, where nobody reads it; "+
				"write `config:` above it, and indent it", file, key.Line, key.Value)
		} else if inner := ownKey(value); key.Value != "config" && inner != "" {
			return s, fmt.Errorf("reading %s: line %d: %s stands below the key %s, where nobody reads it; "+
				"write `config:` in place of %[4]s", file, key.Line, inner, key.Value)
		}
	}
	return s, nil
}

// ownKey returns one of this program's keys in a mapping, with its namespace; "" if there is none.
func ownKey(mapping *yaml.Node) string {
	if mapping.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if _, name, ok := strings.Cut(mapping.Content[i].Value, ":"); ok && slices.Contains(topKeys(), name) {
			return mapping.Content[i].Value
		}
	}
	return ""
}

// valueOf returns a value as YAML reads it, but keeps the text of numbers that YAML changes.
func valueOf(node *yaml.Node) any {
	switch node.Kind {
	case yaml.AliasNode:
		return valueOf(node.Alias)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = valueOf(item)
		}
		return list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], valueOf(node.Content[i+1])
			if key.Tag == "!!merge" {
				merge(m, value)
				continue
			}
			if read, changed := readAs(key); changed {
				value = unusable{key.Value, "is a name that YAML reads as " + read, "write the name in quotes"}
			}
			m[key.Value] = value
		}
		return m
	default:
		var value any
		if err := node.Decode(&value); err != nil {
			return node.Value
		}
		if isNumber(value) && written(value) != node.Value {
			return unquoted{node.Value, value}
		}
		return value
	}
}

// readAs returns the name that Pulumi makes of a key that YAML reads as a number, a date, a boolean or null, and
// whether that differs from the written name.
func readAs(key *yaml.Node) (name string, changed bool) {
	var value any
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if err := key.Decode(&value); err != nil {
		return key.Value, false
	}
	name = fmt.Sprint(value)
	return name, key.Kind == yaml.ScalarNode && name != key.Value
}

// merge adds the keys of the mapping that << names; the mapping's own keys have priority.
func merge(into map[string]any, from any) {
	switch from := from.(type) {
	case map[string]any:
		for key, value := range from {
			if _, own := into[key]; !own {
				into[key] = value
			}
		}
	case []any:
		for _, one := range from {
			merge(into, one)
		}
	}
}

func isNumber(value any) bool {
	switch value.(type) {
	case int, int64, uint64, float64:
		return true
	}
	return false
}

// written returns a number as text that every reader reads the same.
func written(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

var (
	yamlLine   = regexp.MustCompile(`line (\d+): `)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)'`)
	// grammarFault matches errors of the parser, which counts lines from 0. The scanner, which finds all others, counts
	// from 1.
	grammarFault = regexp.MustCompile(`did not find expected (',' or|'-' indicator|key|node content|<)`)
)

// remedies say what to do about an error of YAML's parser, by a part of its message.
var remedies = []struct{ fault, fix string }{
	{"already defined", "keep one of the two"},
	{"cannot start any token", "indent with spaces, not tabs, and put a value that begins with a sign in quotes"},
	{"mapping values are not allowed", "put a value that holds a colon in quotes, or look at the indentation"},
	{"did not find expected ',' or", "close the bracket or brace, and put a value that holds one in quotes"},
	{"unexpected end of stream", "close the quotes"},
	{"could not find expected ':'", "write `name: value`, and look at the indentation"},
	{"did not find expected", "look at the indentation of this line and the one above"},
	{"unknown anchor", "put a value that begins with * in quotes"},
	{"cannot unmarshal", "write `name: value` lines below it"},
}

// badYAML says at which line a file can't be read, why, and what to do.
func badYAML(file string, text []byte, err error) error {
	fault := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	fault, _, _ = strings.Cut(fault, "\n")
	line := 0
	if m := yamlLine.FindStringSubmatch(fault); m != nil {
		line, _ = strconv.Atoi(m[1])
		fault = strings.Replace(fault, m[0], "", 1)
	}
	if grammarFault.MatchString(fault) {
		line++
	} else if m := yamlAnchor.FindStringSubmatch(fault); m != nil { // the library does not say where
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	fix := "correct the YAML there"
	for _, r := range remedies {
		if strings.Contains(fault, r.fault) {
			fix = r.fix
			break
		}
	}
	return fmt.Errorf("reading %s: line %d: %s; %s", file, max(line, 1), fault, fix)
}
