package review_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/review"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return string(text)
}

func TestWhatIsNoPreviewIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"nothing":      {" \n", "the preview is empty"},
		"a log":        {"error: no stack selected", "is not JSON"},
		"cut short":    {testdata(t, "invoker")[:9000], "cut short"},
		"another JSON": {`{"hello": "world"}`, "not a Pulumi preview"},
		"a list":       {`[]`, "form that is not known"},
		"null":         {`null`, "not a Pulumi preview"},
		"a plan":       {`{"manifest": {}, "resourcePlans": {}}`, "not a Pulumi preview"},
		"streamed events": {`{"sequence":0,"timestamp":1,"preludeEvent":{"config":{}}}` + "\n" + `{"sequence":1}`,
			"PULUMI_ENABLE_STREAMING_JSON_PREVIEW"},
		"two previews":        {testdata(t, "nochange") + testdata(t, "nochange"), "more after the preview"},
		"steps of a new form": {`{"steps": {"create": []}, "changeSummary": {}}`, "a newer Pulumi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := engine.Read(strings.NewReader(c.text))
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestWhatCannotAllBeReadIsPartial(t *testing.T) {
	t.Parallel()
	const bucket = `{"op": "create", "urn": "urn:pulumi:dev::p::aws:s3:Bucket::b", "newState": {"type": "aws:s3:Bucket"}}`
	invoker := testdata(t, "invoker")
	for name, c := range map[string]struct{ text, says string }{
		"a failed preview": {strings.Replace(invoker, `"changeSummary"`,
			`"diagnostics": [{"message": "boom", "severity": "error"}], "changeSummary"`, 1), "failed with errors"},
		"a corrupt one": {strings.Replace(invoker, `"changeSummary"`, `"maybeCorrupt": true, "changeSummary"`, 1),
			"maybeCorrupt"},
		"no summary": {strings.Replace(invoker, `"changeSummary"`, `"summary"`, 1), "no summary of changes"},
		"steps that are gone": {strings.Replace(invoker, `"create": 2`, `"create": 4`, 1),
			"counts 4 resources to create, and 2 are shown"},
		"an unknown operation": {strings.Replace(invoker, `"op": "create"`, `"op": "conjure"`, 1), `operation "conjure"`},
		"what --target leaves out": {strings.Replace(invoker, `"steps": [`, `"steps": [{"op": "same",
			"urn": "urn:pulumi:dev::p::azure-native:a:B::left", "oldState": {"type": "azure-native:a:B", "custom": true},
			"newState": {"type": "azure-native:a:B", "custom": true}},`, 1),
			"left is not there yet, and this preview leaves it out"},
		"no state": {strings.Replace(invoker, `"newState"`, `"nextState"`, 4),
			"does not say what the resource is like"},
		"another program": {`{"steps": [` + bucket + `], "changeSummary": {"create": 1}}`, "another program"},
		"nothing at all":  {`{"changeSummary": {}}`, "another program"},
		"a strange URN": {`{"steps": [{"op": "create", "urn": "b"}], "changeSummary": {"create": 1}}`,
			`"b" is not a URN`},
		"inputs of a new form": {strings.Replace(invoker, `"invokers": {`, `"invokers": "all", "x": {`, 1),
			"can't be read as a model"},
		"a scope not yet known": {strings.Replace(invoker, `"scope": "/subscriptions`,
			`"scope": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "x": "`, 1), "scope is not known"},
		"a grant that is gone": {strings.Replace(invoker, "access.auditor", "access.someone", 5), "neither made nor there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := engine.Read(strings.NewReader(c.text))
			require.NoError(t, err)
			r := review.Make(p, options)
			assert.True(t, r.Partial())
			assert.Contains(t, strings.Join(r.Unread, "\n"), c.says)
			assert.Contains(t, r.Verdict, "Partial review")
			var text bytes.Buffer
			require.NoError(t, review.Markdown(&text, r))
			assert.NotContains(t, text.String(), "🟢")
		})
	}
}

// A preview is reviewed in every format, and one that is not understood does not look clean.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"first", "nochange", "invoker", "identity", "rotated"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Add([]byte(`{"steps":[{"op":"replace","urn":"urn:pulumi:a::b::azure-native:authorization:RoleAssignment::c",` +
		`"oldState":{},"newState":{"inputs":{"scope":1}}}],"changeSummary":{}}`))
	f.Add([]byte(`{"steps":[{"op":"update","urn":"urn:pulumi:a::b::batchaccess:index:BatchEndpointAccess::c",` +
		`"oldState":{"inputs":{"invokers":{"a":null}}},"newState":{"inputs":{"clusters":[1]}}}],"changeSummary":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := engine.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		r := review.Make(p, options)
		for _, render := range renderers {
			if err := render(&bytes.Buffer{}, r); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.Steps) == 0 && !r.Partial() {
			t.Fatal("looks clean, and nothing was understood")
		}
	})
}
