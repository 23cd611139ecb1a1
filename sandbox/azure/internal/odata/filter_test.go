package odata_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
)

func TestAFilterMatchesWhatItSays(t *testing.T) {
	t.Parallel()
	app := map[string]any{"displayName": "O'Neil", "enabled": true, "tags": []any{"a:b", "c d"}, "notes": nil}
	for filter, matches := range map[string]bool{
		"":                                                true,
		"displayName eq 'O''Neil'":                        true,
		"displayName eq 'o''neil'":                        true, // as Azure compares
		"displayName eq 'O'":                              false,
		"enabled eq true":                                 true,
		"enabled eq false":                                false,
		"notes eq ''":                                     false,
		"tags/any(t:t eq 'c d')":                          true,
		"startswith(displayName,'o''n')":                  true,
		"startswith(displayName, 'O''Neil')":              true,
		"startswith(displayName,'O''Neill')":              false,
		"startswith(displayName,'Neil')":                  false,
		"startswith(displayName,'')":                      true,
		"startswith(notes,'')":                            false,
		"startswith(tags,'a')":                            false,
		"startswith(none,'a')":                            false,
		"enabled eq true and startswith(displayName,'O')": true,
		"endswith(displayName,'l')":                       false, // an unknown field matches nothing
		"tags/any(t: t eq 'A:B' )":                        true,
		"tags/any(t:t eq 'c')":                            false,
		"displayName/any(t:t eq 'x')":                     false,
		"tags eq 'a:b'":                                   false, // a list is not one of its values
		"enabled eq true and tags/any(t:t eq 'a:b')":      true,
		"enabled eq true and tags/any(t:t eq 'z') and enabled eq true": false,
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			parsed, err := odata.Parse(filter)
			require.NoError(t, err)
			assert.Equal(t, matches, parsed.Matches(app))
		})
	}
}

func TestWhatIsNoFilterIsRefused(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		"displayName", "displayName ne 'x'", "displayName eq", "displayName eq 'x", "a eq 'x' or b eq 'y'", "eq 'x'",
		"tags/any", "tags/any(t)", "tags/any(t:t eq 'x'", "tags/any(t:u eq 'x')", "tags/any(t:t/any(u:u eq " +
			"'x'))", "atScope('x'",
		"startswith(a 'x')", "startswith(a,)", "startswith(a,b)", "startswith(,'x')",
		"startswith(a,'x'", "startswith(a,b,'x')",
		"tags/any(t:startswith(t,'x'))",
	} {
		_, err := odata.Parse(filter)
		assert.ErrorContains(t, err, "$filter", filter)
	}
}

// A filter is parsed and applied, or refused, without a panic.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a eq 'b'", "a/any(x:x eq 'b')", "atScope()", "a eq 'b' and c eq true",
		"startswith(a,'b')", "a/any(x:", "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if filter, err := odata.Parse(text); err == nil {
			filter.Matches(map[string]any{"a": "b", "c": []any{"d"}})
		}
	})
}
