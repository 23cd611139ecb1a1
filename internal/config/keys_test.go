package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
)

// The reference and the decoder know the same keys.
func TestTheDocsNameEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	section, _, found := strings.Cut(string(page), "\n## Outputs")
	require.True(t, found)
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	assert.ElementsMatch(t, paths(reflect.TypeFor[components.BatchEndpointAccessArgs](), ""), documented)
}

// paths are the keys that lead to a value, with <name> for a name of the user's.
func paths(t reflect.Type, path string) (all []string) {
	if _, wrap := plainOf(t); wrap != nil {
		return []string{path}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return paths(t.Elem(), path)
	case reflect.Map:
		return paths(t.Elem(), path+".<name>")
	case reflect.Struct:
		for i := range t.NumField() {
			all = append(all, paths(t.Field(i).Type, join(path, keyOf(t.Field(i))))...)
		}
		return all
	default:
		return []string{path}
	}
}
