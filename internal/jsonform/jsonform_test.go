package jsonform_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/jsonform"
)

type item struct {
	Names []string `json:"names"`
	Bytes []byte   `json:"bytes,omitempty"`
	inner []string
}

type report struct {
	Items []item          `json:"items"`
	Only  *item           `json:"only"`
	By    map[string]item `json:"by,omitempty"`
}

func TestAListIsNeverNull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"none":     {report{}, `{"items": [], "only": null}`},
		"in a one": {report{Only: &item{}}, `{"items": [], "only": {"names": []}}`},
		"in each": {report{Items: []item{{}, {Names: []string{"<a>"}}}},
			`{"items": [{"names": []}, {"names": ["<a>"]}], "only": null}`},
		"in a map": {report{By: map[string]item{"x": {}}}, `{"items": [], "only": null, "by": {"x": {"names": []}}}`},
		"a list":   {[]item(nil), `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			require.NoError(t, jsonform.Write(&out, c.value))
			assert.JSONEq(t, c.want, out.String())
			assert.NotContains(t, out.String(), `\u003c`, "what is shown can be read")
		})
	}
}

func TestWhatIsWrittenIsNotChanged(t *testing.T) {
	t.Parallel()
	only := &item{inner: []string{"kept"}}
	r := report{Items: []item{{}}, Only: only}
	require.NoError(t, jsonform.Write(&strings.Builder{}, r))
	assert.Nil(t, r.Items[0].Names)
	assert.Nil(t, only.Names)
	assert.Equal(t, []string{"kept"}, only.inner)
}

// A person who opens the file sees every character that a machine reads.
func TestWhatNobodySeesIsEscaped(t *testing.T) {
	t.Parallel()
	const name = "a\u202eb\u2066\x7f\u3164\U000e0041\u00ad\n<é>"
	var out strings.Builder
	require.NoError(t, jsonform.Write(&out, map[string]string{"name": name}))
	assert.Equal(t, "{\n  \"name\": \"a"+`\u202eb\u2066\u007f\u3164\udb40\udc41\u00ad\n<é>`+"\"\n}\n", out.String())
	var back map[string]string
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.Equal(t, name, back["name"])
}
