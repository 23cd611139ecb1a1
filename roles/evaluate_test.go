package roles_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/roles"
)

func TestActionsAreDecided(t *testing.T) {
	t.Parallel()
	p := func(actions, notActions string) roles.Permission {
		return roles.Permission{Actions: strings.Fields(actions), NotActions: strings.Fields(notActions)}
	}
	for name, c := range map[string]struct {
		permissions roles.Permissions
		action      string
		want        roles.Decision
		told        string
	}{
		"nothing allows nothing":           {nil, "A/read", roles.Decision{}, "covered by no entry"},
		"the action itself":                {roles.Permissions{p("A/read", "")}, "A/read", roles.Decision{true, "A/read", ""}, "allowed by A/read"},
		"in another letter case":           {roles.Permissions{p("a/READ", "")}, "A/read", roles.Decision{true, "a/READ", ""}, "allowed by a/READ"},
		"another action":                   {roles.Permissions{p("A/write", "")}, "A/read", roles.Decision{}, "covered by no entry"},
		"a longer action":                  {roles.Permissions{p("A/read", "")}, "A/read/all", roles.Decision{}, "covered by no entry"},
		"everything":                       {roles.Permissions{p("*", "")}, "A/read", roles.Decision{true, "*", ""}, "allowed by *"},
		"a wildcard spans slashes":         {roles.Permissions{p("A/*/read", "")}, "A/b/c/read", roles.Decision{true, "A/*/read", ""}, ""},
		"but needs its segment":            {roles.Permissions{p("A/*/read", "")}, "A/read", roles.Decision{}, ""},
		"a wildcard at the end":            {roles.Permissions{p("A/*", "")}, "A/", roles.Decision{true, "A/*", ""}, ""},
		"what is allowed and taken away":   {roles.Permissions{p("A/*", "A/secret/*")}, "A/secret/read", roles.Decision{false, "A/*", "A/secret/*"}, "covered by A/* but taken away by A/secret/*"},
		"only that":                        {roles.Permissions{p("A/*", "A/secret/*")}, "A/read", roles.Decision{true, "A/*", ""}, ""},
		"notActions deny another nothing":  {roles.Permissions{p("A/*", "A/read"), p("A/read", "")}, "A/read", roles.Decision{true, "A/read", ""}, ""},
		"in either order":                  {roles.Permissions{p("A/read", ""), p("A/*", "A/read")}, "A/read", roles.Decision{true, "A/read", ""}, ""},
		"the first refusal is told":        {roles.Permissions{p("A/*", "A/r*"), p("*", "A/read")}, "A/read", roles.Decision{false, "A/*", "A/r*"}, ""},
		"notActions alone allow nothing":   {roles.Permissions{p("", "A/write")}, "A/read", roles.Decision{}, ""},
		"data actions are of another kind": {roles.Permissions{{DataActions: []string{"*"}}}, "A/read", roles.Decision{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.permissions.Action(c.action)
			assert.Equal(t, c.want, got)
			if c.told != "" {
				assert.Equal(t, c.told, got.String())
			}
		})
	}
}

func TestDataActionsAreDecidedByThemselves(t *testing.T) {
	t.Parallel()
	ps := roles.Permissions{{Actions: []string{"*"}, DataActions: []string{"S/blobs/*"}, NotDataActions: []string{"S/blobs/delete"}, NotActions: []string{"S/blobs/read"}}}
	assert.Equal(t, roles.Decision{Allowed: true, Entry: "S/blobs/*"}, ps.DataAction("s/blobs/read"))
	assert.Equal(t, roles.Decision{Entry: "S/blobs/*", DeniedBy: "S/blobs/delete"}, ps.DataAction("S/blobs/delete"))
	assert.False(t, ps.DataAction("S/queues/read").Allowed, "actions give no data")

	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	contributor, _ := roles.BuiltIn(roles.StorageBlobDataContributor)
	owner, _ := roles.BuiltIn(roles.Owner)
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	assert.True(t, reader.Permissions.DataAction(blobs+"read").Allowed)
	assert.False(t, reader.Permissions.DataAction(blobs+"write").Allowed)
	assert.True(t, contributor.Permissions.DataAction(blobs+"read").Allowed)
	assert.True(t, contributor.Permissions.DataAction(blobs+"write").Allowed)
	assert.False(t, owner.Permissions.DataAction(blobs+"read").Allowed, "who owns an account does not read its blobs")
}

// matches is what Match should answer, by way of a regular expression.
func matches(pattern, action string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString(strings.ToLower(action))
}

func TestMatchIsARegularExpression(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[abAB/*]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		pattern, action := word.Draw(t, "pattern"), strings.ReplaceAll(word.Draw(t, "action"), "*", "")
		if got := roles.Match(pattern, action); got != matches(pattern, action) {
			t.Fatalf("Match(%q, %q) = %v", pattern, action, got)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("A/*/read", "a/b/read")
	f.Add("*a*", "a")
	f.Add("ab*ba", "aba")
	f.Fuzz(func(t *testing.T, pattern, action string) {
		for _, s := range []string{pattern, action} {
			for _, r := range s {
				if r > 127 {
					t.Skip("actions are ASCII")
				}
			}
		}
		assert.Equal(t, matches(pattern, action), roles.Match(pattern, action))
	})
}
