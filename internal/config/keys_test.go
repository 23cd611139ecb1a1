package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/components"
)

var update = flag.Bool("update", false, "write the keys of docs/configuration.md again")

const (
	keysPage  = "../../docs/configuration.md"
	keysStart = "<!-- keys -->\n"
	keysEnd   = "<!-- end of keys -->\n"
)

// The reference has every key that the decoder knows, with the docstring of its argument.
func TestTheDocsNameEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(keysPage)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), keysStart)
	require.True(t, found)
	_, after, found := strings.Cut(rest, keysEnd)
	require.True(t, found)
	now := before + keysStart + keyTables(t) + keysEnd + after
	if *update {
		require.NoError(t, os.WriteFile(keysPage, []byte(now), 0o644))
		return
	}
	assert.True(t, now == string(text), "go test ./internal/config -run TheDocs -update writes %s again", keysPage)
}

// The decoder accepts each example, and every example and remark is about a key that exists.
func TestTheDocsShowValuesThatAreTaken(t *testing.T) {
	t.Parallel()
	said := readKeys(t)
	keys := keysBelow(reflect.TypeFor[components.BatchEndpointAccessArgs](), "", "")
	for path, example := range said.examples {
		assert.True(t, slices.ContainsFunc(keys, func(k key) bool { return k.path == path }), "no key %s", path)
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(example), &value), path)
		words := strings.Split(strings.ReplaceAll(path, "<name>", "one"), ".")
		for _, word := range slices.Backward(words) {
			value = map[string]any{word: value}
		}
		_, d := decode(value.(map[string]any))
		assert.Empty(t, d.problems, path)
	}
	for path := range said.remarks {
		isAbove := func(k key) bool { return k.path == path || strings.HasPrefix(k.path, path+".") }
		assert.True(t, slices.ContainsFunc(keys, isAbove), "no key %s", path)
	}
}

// A key is one that leads to a value.
type key struct {
	path string // with <name> for a name of the user's
	kind string
	text string // the docstring of its argument
}

// keysBelow are the keys below a path, in the order of the arguments; text is the docstring of the nearest argument.
func keysBelow(t reflect.Type, path string, text string) (all []key) {
	here := func(kind string) []key { return []key{{path, kind, text}} }
	if plain, wrap := plainOf(t); wrap != nil {
		return here(kindOf(plain))
	}
	switch t.Kind() {
	case reflect.Pointer:
		return keysBelow(t.Elem(), path, text)
	case reflect.Map:
		return keysBelow(t.Elem(), path+".<name>", text)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if path == "" && keyOf(f) == filledIn {
				continue
			}
			text := descriptions()[typeName(t)+"."+keyOf(f)]
			all = append(all, keysBelow(f.Type, join(path, keyOf(f)), text)...)
		}
		return all
	default:
		return here(kindOf(t))
	}
}

func kindOf(t reflect.Type) string {
	if plain, wrap := plainOf(t); wrap != nil {
		return kindOf(plain)
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	case reflect.Slice:
		return "list of " + kindOf(t.Elem())
	case reflect.Map:
		return "map of " + kindOf(t.Elem())
	default:
		return "text"
	}
}

// typeName is the name of arguments in the schema of the component package.
func typeName(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Args") }

// descriptions are the docstrings of the arguments by type and key, from plugin/schema.json, which plugin's tests
// compare with the code.
var descriptions = sync.OnceValue(func() map[string]string {
	type property struct{ Description string }
	var schema struct {
		Types     map[string]struct{ Properties map[string]property }
		Resources map[string]struct{ InputProperties map[string]property }
	}
	text, err := os.ReadFile("../../plugin/schema.json")
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	for token, is := range schema.Types {
		for name, p := range is.Properties {
			all[strings.TrimPrefix(token, "batchaccess:index:")+"."+name] = p.Description
		}
	}
	for name, p := range schema.Resources[components.BatchEndpointAccessToken].InputProperties {
		all["BatchEndpointAccess."+name] = p.Description
	}
	return all
})

// keysSaid are the texts in testdata/keys.txt, by key.
type keysSaid struct{ examples, remarks map[string]string }

func readKeys(t *testing.T) keysSaid {
	t.Helper()
	text, err := os.ReadFile("testdata/keys.txt")
	require.NoError(t, err)
	said := keysSaid{map[string]string{}, map[string]string{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		path, into := line, said.remarks
		if at := strings.IndexAny(line, " :"); line[at] == ':' {
			path, into = line[:at], said.examples
			line = strings.TrimPrefix(line[at:], ":")
		} else {
			path = line[:at]
			line = strings.TrimPrefix(line[at:], " =")
		}
		require.NotContains(t, into, path, "twice")
		into[path] = strings.TrimSpace(line)
	}
	return said
}

var defaults = regexp.MustCompile(`\s*Default: (.*?)\.( |$)`)

// keyTables has a table for each top-level key.
func keyTables(t *testing.T) string {
	said := readKeys(t)
	changes, err := changing()
	require.NoError(t, err)
	const first = "The stack" // the heading of the keys without keys below them
	headings, rows := []string{first}, map[string]string{}
	for _, k := range keysBelow(reflect.TypeFor[components.BatchEndpointAccessArgs](), "", "") {
		heading, _, nested := strings.Cut(k.path, ".")
		if !nested {
			heading = first
		}
		if !slices.Contains(headings, heading) {
			headings = append(headings, heading)
		}
		assert.NotEmpty(t, k.text, "the argument of %s has no docstring", k.path)
		assert.NotEmpty(t, said.examples[k.path], "testdata/keys.txt has no example of %s", k.path)
		remark, at := "", k.path
		for at != "" && remark == "" {
			remark = said.remarks[at]
			at = at[:max(0, strings.LastIndex(at, "."))]
		}
		effect := changes[k.path]
		if remark != "" && remark != "-" {
			effect += "; " + remark
		}
		fallback, text := "", k.text
		if found := defaults.FindStringSubmatch(text); found != nil {
			fallback, text = found[1], strings.TrimSpace(strings.Replace(text, found[0], found[2], 1))
		}
		if strings.Contains(text, "Required.") {
			fallback, text = "required", strings.TrimSpace(strings.Replace(text, "Required.", "", 1))
		}
		name := k.path[strings.LastIndex(k.path, ".")+1:]
		text = regexp.MustCompile("^(?i:"+regexp.QuoteMeta(name)+") (is|are) ").ReplaceAllString(text, "")
		if strings.HasPrefix(text, strings.ToUpper(name[:1])+name[1:]) {
			text = name + text[len(name):]
		}
		rows[heading] += fmt.Sprintf("| `%s` | %s | %s | %s | `%s` | %s |\n", k.path, k.kind, cell(fallback), cell(text),
			strings.ReplaceAll(said.examples[k.path], "|", "\\|"), cell(effect))
	}
	var out strings.Builder
	for _, heading := range headings {
		fmt.Fprintf(&out, "\n## %s\n\n| key | type | default | what it is | example | changing it |\n"+
			"|---|---|---|---|---|---|\n%s", heading, rows[heading])
	}
	return out.String() + "\n"
}

// cell is text that Markdown shows as it is.
func cell(text string) string { return strings.NewReplacer("|", "\\|", "<", "\\<").Replace(text) }
