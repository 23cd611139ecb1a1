package guardrails

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"gopkg.in/yaml.v3"
)

// decode reads YAML into a configuration, and returns everything that does not fit: yaml.v3 alone stops at the first
// unknown key, and does not say which keys there are.
func decode(text []byte, into *Config) (problems []string) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return []string{"can't be read as YAML: " + err.Error()}
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		problems = append(problems, "there is a second document in the file; write one")
	}
	r := reader{}
	r.value("", root.Content[0], reflect.ValueOf(into).Elem(), 0)
	return append(problems, r.problems...)
}

type reader struct{ problems []string }

func (r *reader) bad(path string, n *yaml.Node, format string, args ...any) {
	if path == "" {
		path = "the file"
	}
	r.problems = append(r.problems, fmt.Sprintf("%s: %s (line %d)", path, fmt.Sprintf(format, args...), n.Line))
}

// forms are the names of each kind of value in errors.
var forms = map[reflect.Kind]string{reflect.Struct: "a map of keys", reflect.Map: "a map of keys",
	reflect.Slice: "a list", reflect.Int: "a number", reflect.String: "text"}

func (r *reader) value(path string, n *yaml.Node, into reflect.Value, depth int) {
	const deepest = 16 // an alias may hold itself
	if n.Kind == yaml.AliasNode && depth < deepest {
		r.value(path, n.Alias, into, depth+1)
		return
	}
	fits := map[reflect.Kind]bool{
		reflect.Struct: n.Kind == yaml.MappingNode, reflect.Map: n.Kind == yaml.MappingNode,
		reflect.Slice: n.Kind == yaml.SequenceNode,
		reflect.Int:   n.Kind == yaml.ScalarNode && n.Tag == "!!int", reflect.String: n.Kind == yaml.ScalarNode &&
			n.Tag != "!!null",
	}[into.Kind()]
	switch {
	case n.Tag == "!!null" && n.Kind == yaml.ScalarNode && path == "": // an empty file sets nothing
		return
	case n.Tag == "!!null" && n.Kind == yaml.ScalarNode:
		r.bad(path, n, "has no value; leave the key out, or write %s", forms[into.Kind()])
		return
	case !fits:
		r.bad(path, n, "cannot unmarshal %s; write %s", said(n), forms[into.Kind()])
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		fields := map[string]reflect.Value{}
		for field, v := range into.Fields() {
			if tag := field.Tag.Get("yaml"); tag != "-" {
				fields[tag] = v
			}
		}
		known := slices.Sorted(maps.Keys(fields))
		r.pairs(path, n, func(at, key string, k, v *yaml.Node) {
			field, ok := fields[key]
			if !ok {
				r.bad(at, k, "field %s not found; %s", key, choices(key, known))
				return
			}
			r.value(at, v, field, depth)
		})
	case reflect.Map:
		into.Set(reflect.MakeMap(into.Type()))
		r.pairs(path, n, func(at, key string, _, v *yaml.Node) {
			item := reflect.New(into.Type().Elem()).Elem()
			r.value(at, v, item, depth)
			into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), item)
		})
	case reflect.Slice:
		list := reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			r.value(fmt.Sprintf("%s[%d]", path, i), item, list.Index(i), depth)
		}
		into.Set(list)
	default:
		if err := n.Decode(into.Addr().Interface()); err != nil {
			r.bad(path, n, "cannot unmarshal %s; write %s", said(n), forms[into.Kind()])
		} else if into.Kind() == reflect.Int && fmt.Sprint(into.Interface()) != n.Value {
			r.bad(path, n, "is %s, which YAML reads as %d; write the number as it is meant", n.Value, into.Int())
		}
	}
}

// pairs walks the keys of a map; a key that is there twice is a problem.
func (r *reader) pairs(path string, n *yaml.Node, each func(at, key string, k, v *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+k.Value, ".")
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge":
			r.bad(path, k, "has a key that is no text; write a word")
		case seen[k.Value]:
			r.bad(at, k, "is there twice; write it once")
		default:
			seen[k.Value] = true
			each(at, k.Value, k, v)
		}
	}
}

func said(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map of keys"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias that holds itself"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

// nearest returns the known word that is nearest to another; "" if none is near.
func nearest(word string, known []string) (best string) {
	distance := len(word)/2 + 1
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	return best
}
