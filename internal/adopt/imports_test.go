package adopt

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
)

const placeholders = `{"nameTable": {"access": "urn:pulumi:dev::p::a:b:C::access"}, "resources": [
	{"type": "azure-native:x:Y", "name": "one", "id": "<PLACEHOLDER>", "parent": "group"},
	{"type": "a:b:D", "name": "group", "component": true, "parent": "access"},
	{"type": "azure-native:x:Y", "name": "two", "logicalName": "2", "id": "<PLACEHOLDER>", "version": "1"}
]}`

const previewed = `{"steps": [{"op": "create", "urn": "urn:pulumi:dev::p::azure-native:x:Y::2", "newState": {}}]}`

func TestAFileForImportThatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, preview, says string }{
		"no JSON":                {`{`, previewed, "unexpected end"},
		"null":                   {`null`, previewed, "it holds no object"},
		"resources that are one": {`{"resources": {}}`, previewed, "cannot unmarshal object"},
		"a resource of nothing":  {`{"resources": [null]}`, previewed, "resources[0] has no type or no name"},
		"its own parent": {`{"resources": [{"type": "t", "name": "a", "parent": "a"}]}`, previewed,
			"resources[0] lies within itself"},
		"a circle": {`{"resources": [{"type": "t", "name": "c", "parent": "a"}, {"type": "t", "name": "a", "parent": ` +
			`"b"}, {"type": "t", "name": "b", "parent": "a"}]}`,
			previewed, "resources[0] lies within itself"},
		"a table of names": {`{"nameTable": {"a": "b"}}`, previewed, `nameTable.a is no URN: "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := engine.Read(strings.NewReader(c.preview))
			require.NoError(t, err)
			_, err = readImports([]byte(c.file), p)
			require.ErrorContains(t, err, "reading the file for `pulumi import`: ")
			assert.ErrorContains(t, err, c.says)
		})
	}
}

// Every resource that was found is in the file with its ID, beside only those that it needs.
func FuzzImports(f *testing.F) {
	for _, seed := range [][2]string{
		{placeholders, previewed}, {`null`, previewed}, {`{"resources": [{"type": "t", "name": "a", "parent": "a"}]}`,
			`{}`}, {placeholders, `{"steps": [{"urn": "::"}]}`},
		{
			`{"resources": [{"type": "t", "name": "a", "id": 1, "extra": {"b": [null]}}, {"type": "t", "name": "a"}], ` +
				`"more": 1e999}`,
			previewed,
		},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, file, preview []byte) {
		p, err := engine.Read(bytes.NewReader(preview))
		if err != nil {
			return
		}
		before, err := readImports(file, p)
		if err != nil {
			return
		}
		found := map[string]string{}
		for i, s := range before.specs {
			if i%2 == 0 {
				found[string(before.urnOf(s))] = "/the/id"
			}
		}
		filled, err := before.fill(found, nil)
		if err != nil {
			return // refused, and so nothing is written
		}
		require.True(t, json.Valid(filled))
		after, err := readImports(filled, p)
		require.NoError(t, err)
		for _, s := range after.specs {
			delete(found, string(after.urnOf(s)))
		}
		require.Empty(t, found, "is not in the file")
	})
}
