package review_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// giving are the previews of the corpus that hand out access, by name.
func giving(t *testing.T) (previews map[string]string, o review.Options) {
	t.Helper()
	text, err := os.ReadFile("testdata/corpus/cases.yaml")
	require.NoError(t, err)
	var file struct {
		Guardrails string
		Cases      []struct {
			Case              string
			Stopped, Reported bool
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	o = options
	o.Guardrails, err = guardrails.ParseConfig([]byte(file.Guardrails), time.Time{})
	require.NoError(t, err)
	text, err = os.ReadFile("testdata/corpus/previews.json")
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &all))
	previews = map[string]string{}
	for _, c := range file.Cases {
		if c.Stopped || c.Reported {
			var compact bytes.Buffer
			require.NoError(t, json.Compact(&compact, all[c.Case]))
			previews[c.Case] = compact.String()
		}
	}
	return previews, o
}

// passes reports whether a pipeline lets a preview through as one that hands out nothing.
func passes(t *testing.T, text string, o review.Options) bool {
	t.Helper()
	p, err := engine.Read(strings.NewReader(text))
	if err != nil {
		return false // refused: exit code 2
	}
	r := review.Make(p, o)
	met, err := r.Met(pipeline)
	require.NoError(t, err)
	return len(met) == 0 && !r.NewAccess && !r.Partial()
}

// A preview that hands out access does not pass, however the engine words a step, and however the file was damaged.
func TestWhatHandsOutAccessPassesInNoOtherForm(t *testing.T) {
	t.Parallel()
	previews, o := giving(t)
	rewrite := func(from, to string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, `"`+from+`"`, `"`+to+`"`) }
	}
	for name, form := range map[string]func(string) string{
		"parts of a replacement":   rewrite("replace", "create-replacement"),
		"an unknown operation":     rewrite("create", "conjure"),
		"an unknown update":        rewrite("update", "mend"),
		"an unknown replacement":   rewrite("replace", "swap"),
		"an operation in capitals": rewrite("create", "CREATE"),
		"no summary":               rewrite("changeSummary", "summary"),
		"failed by its own program": func(s string) string {
			return `{"diagnostics":[{"severity":"error","message":"boom"}],` + s[1:]
		},
		"cut in the middle":     func(s string) string { return s[:len(s)/2] },
		"cut at its end":        func(s string) string { return s[:len(s)-1] },
		"UTF-16 with a mark":    func(s string) string { return string(inUTF16(binary.LittleEndian, "\xff\xfe", s)) },
		"UTF-16, the other way": func(s string) string { return string(inUTF16(binary.BigEndian, "\xfe\xff", s)) },
		"UTF-16 without a mark": func(s string) string { return string(inUTF16(binary.LittleEndian, "", s)) },
		"UTF-8 with a mark":     func(s string) string { return "\xef\xbb\xbf" + s },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := 0
			for of, text := range previews {
				if other := form(text); other != text {
					changed++
					assert.False(t, passes(t, other, o), of)
				}
			}
			assert.Positive(t, changed)
		})
	}
}

func inUTF16(order binary.ByteOrder, mark, s string) []byte {
	text := []byte(mark)
	for _, unit := range utf16.Encode([]rune(s)) {
		two := make([]byte, 2)
		order.PutUint16(two, unit)
		text = append(text, two...)
	}
	return text
}

// The review of a huge preview names everybody who gains access, and a comment counts what it cuts off.
func TestAHugePreviewLeavesNobodyOut(t *testing.T) {
	t.Parallel()
	const steps = 100_000
	r := reviewOf(t, bigPreview(steps))
	gained := 0
	for _, c := range r.Access {
		if len(c.New) > 0 {
			gained++
		}
	}
	assert.Equal(t, steps, gained)
	var out bytes.Buffer
	require.NoError(t, review.Markdown(&out, r))
	assert.LessOrEqual(t, out.Len(), review.MaxComment)
	assert.Contains(t, out.String(), "rows are left out")
	assert.Contains(t, out.String(), "say who gains access: read them before you approve")
}

// Strangers choose the names: in no format are they markup, and none hides another.
func FuzzHostileNames(f *testing.F) {
	for _, name := range []string{"a", "$x$", "GH-12", "@all", "#1", "a|b", "<b>", "\u202egnp", "\x1b[2J", "`x`",
		"](x)", "]]>", "www.x.y", "&lt;", "", " ", "a::b", "\u2028", "\x7f", "\U000e0041", "\u3164", "\u00ad",
		"##vso[task.complete result=Succeeded;]", "##VSO[x]", "###[error]", "::error::x", " ::stop-commands::x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		encoded, err := json.Marshal(name)
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal(encoded, &back))
		urn, err := json.Marshal("urn:pulumi:dev::p::" + guardrails.RoleAssignment + "::" + back)
		require.NoError(t, err)
		r := reviewOf(t, fmt.Sprintf(`{"steps":[{"op":"create","urn":%s,"newState":{"type":%q,"inputs":{"principalId":%s,
			"principalType":"User","scope":"/subscriptions/s","roleDefinitionId":"8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}}}],
			"changeSummary":{"create":1}}`, urn, guardrails.RoleAssignment, encoded))
		met, err := r.Met(pipeline)
		require.NoError(t, err)
		assert.NotEmpty(t, met, "a name hides Owner of a subscription")
		for format, render := range renderers {
			var out bytes.Buffer
			require.NoError(t, render(&out, r))
			at := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && visible.Hidden(r) })
			assert.Negative(t, at, "%s holds what nobody sees", format)
			if format == "json" {
				assert.True(t, json.Valid(out.Bytes()))
			}
			if format == "text" { // a preview in a pipeline's log
				assert.NotRegexp(t, `(?im)##(vso)?\[|^\s*::`, out.String())
			}
			if format == "html" {
				assert.NotRegexp(t, "<b>|<img|<script", out.String())
			}
			if format == "markdown" {
				for _, markup := range []string{"<b>", "<img", "<script", "@all", "$x$"} {
					assert.NotContains(t, out.String(), markup)
				}
			}
		}
	})
}
