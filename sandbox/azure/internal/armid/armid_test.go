package armid

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnIDIsTakenApart(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/s/resourceGroups/g"
	for name, c := range map[string]struct{ path, kind, last, parent string }{
		"a subscription":     {"/subscriptions/s", "Microsoft.Resources/subscriptions", "s", ""},
		"a resource group":   {group, "Microsoft.Resources/subscriptions/resourceGroups", "g", "/subscriptions/s"},
		"a resource":         {group + "/providers/A.B/c/d", "A.B/c", "d", group},
		"one within another": {group + "/providers/A.B/c/d/e/f", "A.B/c/e", "f", group + "/providers/A.B/c/d"},
		"one on another": {group + "/providers/A.B/c/d/providers/X.Y/z/w", "X.Y/z", "w",
			group + "/providers/A.B/c/d"},
		"a collection":           {group + "/providers/A.B/c/d/e", "A.B/c/e", "d", group + "/providers/A.B/c/d"},
		"slashes too many":       {"//subscriptions//s/", "Microsoft.Resources/subscriptions", "s", ""},
		"nothing":                {"", "Microsoft.Resources", "", ""},
		"a provider at the root": {"/providers/A.B/c/d", "A.B/c", "d", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := Parse(c.path)
			assert.Equal(t, []string{c.kind, c.last, c.parent}, []string{id.Type(), id.Name(), id.Parent()})
		})
	}
}

// An ARM ID lies in each of its parents, in any letter case, and the chain of parents ends.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "/", "/subscriptions/s/resourceGroups/g/providers/A.B/c/d/e/f",
		"/providers/providers/providers/x", "providers/", "/subscriptions//x/ÄÖ/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		id := Parse(path)
		require.Equal(t, id, Parse(id.String()), "written and read again")
		require.True(t, Covers(path, path))
		require.True(t, Covers("/", path))
		require.Equal(t, Key(path), Key(strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, Key(path))), "case makes no difference")
		for parent := id.Parent(); parent != ""; parent = Parse(parent).Parent() {
			require.True(t, Covers(parent, path), "%q does not cover %q", parent, path)
			require.Less(t, len(parent), len(id.String()), "the way up ends")
			id = Parse(parent)
		}
	})
}
