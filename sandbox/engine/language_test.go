package engine

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func TestTheShadowNamesALanguageHostOnce(t *testing.T) {
	t.Parallel()
	type plugin struct{ Name, Path string }
	type named struct{ Providers, Languages []plugin }
	for name, c := range map[string]struct {
		plugins string
		want    func(dir string) named
	}{
		"beside none": {"", func(dir string) named {
			return named{Languages: []plugin{{"go", dir}}}
		}},
		"beside the user's plugins": {"plugins: {providers: [{name: x, path: /x}], languages: [{name: yaml, path: /y}]}\n",
			func(dir string) named {
				return named{[]plugin{{"x", "/x"}}, []plugin{{"yaml", "/y"}, {"go", dir}}}
			}},
		"unless the user does": {"plugins: {languages: [{name: go, path: /mine}]}\n", func(string) named {
			return named{Languages: []plugin{{"go", "/mine"}}}
		}},
		"in place of nothing": {"plugins:\n", func(dir string) named {
			return named{Languages: []plugin{{"go", dir}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users, dir := t.TempDir(), filepath.Join(t.TempDir(), "shadow")
			write(t, users, "Pulumi.yaml", "name: p\nruntime: go\n"+c.plugins)
			e := &Engine{project: makeShadow(t, users, dir), paths: paths{shadow: dir}}
			require.NoError(t, e.nameLanguageHost())
			require.NoError(t, e.nameLanguageHost())
			var got struct{ Plugins named }
			require.NoError(t, yaml.Unmarshal([]byte(read(t, dir, "Pulumi.yaml")), &got))
			assert.Equal(t, c.want(dir), got.Plugins)
		})
	}
	require.NoError(t, (&Engine{}).nameLanguageHost(), "without a project there is nowhere to name it")
}
