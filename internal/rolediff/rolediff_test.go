package rolediff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

func permissions(actions, not []string) roles.Permissions {
	return roles.Permissions{{Actions: actions, NotActions: not}}
}

func TestDifferenceIsDecidedByEffect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wide, narrow roles.Permissions
		more         []string
	}{
		"the same in another case": {permissions([]string{"A.b/C/read"}, nil), permissions([]string{"a.B/c/READ"}, nil), nil},
		"a wildcard over nothing known": {permissions([]string{"A.b/*"}, nil), permissions([]string{"A.b/c/read"}, nil),
			[]string{"A.b/" + rolediff.Anything}},
		"a narrower wildcard":    {permissions([]string{"A.b/c/*"}, nil), permissions([]string{"A.b/*"}, nil), nil},
		"what a wildcard covers": {permissions([]string{"A.b/c/read"}, nil), permissions([]string{"A.b/*"}, nil), nil},
		"an exception less": {permissions([]string{"A.b/*"}, nil), permissions([]string{"A.b/*"}, []string{"A.b/c/delete"}),
			[]string{"A.b/c/delete"}},
		"a wildcard exception less": {permissions([]string{"A.b/*"}, nil),
			permissions([]string{"A.b/*"}, []string{"*/delete"}), []string{"A.b/" + rolediff.Anything + "/delete"}},
		"an exception more": {permissions([]string{"A.b/*"}, []string{"A.b/c/delete"}), permissions([]string{"A.b/*"}, nil),
			nil},
		"one permission makes up for another": {permissions([]string{"A.b/c"}, nil),
			roles.Permissions{{Actions: []string{"*"}, NotActions: []string{"A.b/*"}}, {Actions: []string{"A.b/C"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var more []string
			for _, a := range rolediff.Difference(c.wide, c.narrow) {
				more = append(more, a.Name)
			}
			assert.Equal(t, c.more, more)
		})
	}
	for _, a := range rolediff.Difference(permissions([]string{"*", "**"}, []string{"A.b/c", "A.b/c"}), nil) {
		assert.NotEmpty(t, a.Name, "an exception that is there twice makes up no action")
	}
	more := rolediff.Difference(permissions([]string{"Microsoft.Authorization/*/write"}, nil), nil)
	assert.Contains(t, more, roles.Action{Name: "Microsoft.Authorization/roleAssignments/write"},
		"a wildcard shows what it really covers")
	assert.Equal(t, roles.GrantsAccess, roles.Action{Name: "microsoft.authorization/roleassignments/WRITE"}.Risk())
}
