package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/roles"
)

// Each reason why a condition can't hold a path, and limits of a container that are none.
func TestPathsThatNoConditionHolds(t *testing.T) {
	t.Parallel()
	for path, says := range map[string]string{
		"a\tb/": "holds a control character", "a\u202eb/": "holds a character that conditions do not take",
		"a\xffb/": "holds a character that conditions do not take", "it's/": "holds a single quote",
		"a%20b/": "holds an escape",
		"a%zb/":  "holds a % that begins no escape", "a*/": "holds a wildcard", "a?/": "holds a wildcard",
		"a#/": "holds a wildcard", `a\b/`: "holds a wildcard", "a//b/": "holds a folder without a name",
		"/a/": "is no path in a container", "/": "is no path in a container", "": "is no path in a container",
	} {
		for _, kind := range []roles.AccountKind{roles.Flat, roles.Hierarchical} {
			_, ps := roles.PathCondition([]string{"fine/", path}, kind, roles.StorageBlobDataReader)
			if assert.Len(t, ps, 1, "%q", path) {
				assert.Contains(t, ps[0].What, says, "%q", path)
				assert.NotEmpty(t, ps[0].Fix)
			}
		}
	}
	_, ps := roles.PathCondition([]string{"a/"}, "Flat", roles.StorageBlobDataReader)
	assert.ErrorContains(t, ps.Err(), `"Flat" is no kind of a storage account`)
	_, ps = roles.PathCondition(nil, roles.Flat, roles.StorageBlobDataReader)
	assert.ErrorContains(t, ps.Err(), "and there is none")
	_, ps = roles.PathCondition([]string{strings.Repeat("x", 9000)}, roles.Flat, roles.StorageBlobDataReader)
	assert.ErrorContains(t, ps.Err(), "limits the role to 1 path has")
}
