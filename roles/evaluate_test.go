package roles_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/roles"
)

func by(entry string) roles.Decision { return roles.Decision{Allowed: true, Entry: entry} }

func taken(entry, by string) roles.Decision { return roles.Decision{Entry: entry, DeniedBy: by} }

// permissionsOf reads permissions in the form of the tests: actions, a minus, and notActions.
func permissionsOf(texts ...string) (ps roles.Permissions) {
	for _, text := range texts {
		actions, not, _ := strings.Cut(text, "-")
		ps = append(ps, roles.Permission{Actions: strings.Fields(actions), NotActions: strings.Fields(not)})
	}
	return ps
}

func TestActionsAreDecided(t *testing.T) {
	t.Parallel()
	perhaps := func(entry, by string) roles.Decision {
		return roles.Decision{Entry: entry, DeniedBy: by, Undecided: "no document says whether /*/ may stand for a single /"}
	}
	none := roles.Decision{}
	for name, c := range map[string]struct {
		permissions []string
		action      string
		want        roles.Decision
		told        string
	}{
		"nothing allows nothing":   {nil, "A/read", none, "covered by no entry"},
		"the action itself":        {[]string{"A/read"}, "A/read", by("A/read"), "allowed by A/read"},
		"in another letter case":   {[]string{"a/READ"}, "A/read", by("a/READ"), "allowed by a/READ"},
		"another action":           {[]string{"A/write"}, "A/read", none, "covered by no entry"},
		"a longer action":          {[]string{"A/read"}, "A/read/all", none, "covered by no entry"},
		"everything":               {[]string{"*"}, "A/read", by("*"), "allowed by *"},
		"a wildcard spans slashes": {[]string{"A/*/read"}, "A/b/c/read", by("A/*/read"), ""},
		"a wildcard at the end":    {[]string{"A/*"}, "A/", by("A/*"), ""},
		"what is allowed and taken away": {
			[]string{"A/* - A/secret/*"}, "A/secret/read", taken("A/*", "A/secret/*"),
			"covered by A/* but taken away by A/secret/*",
		},
		"only that":                       {[]string{"A/* - A/secret/*"}, "A/read", by("A/*"), ""},
		"notActions deny another nothing": {[]string{"A/* - A/read", "A/read"}, "A/read", by("A/read"), ""},
		"in either order":                 {[]string{"A/read", "A/* - A/read"}, "A/read", by("A/read"), ""},
		"the first refusal is told":       {[]string{"A/* - A/r*", "* - A/read"}, "A/read", taken("A/*", "A/r*"), ""},
		"notActions alone allow nothing":  {[]string{"- A/write"}, "A/read", none, ""},

		// facts/built-in-roles.md: no document says whether /*/ may match a single /.
		"a segment that may be empty": {
			[]string{"A/*/read"}, "A/read", perhaps("A/*/read", ""), "undecided: perhaps allowed by A/*/read",
		},
		"and may be taken away": {
			[]string{"A/* - A/*/read"}, "A/read", perhaps("A/*", "A/*/read"),
			"undecided: covered by A/* and perhaps taken away by A/*/read",
		},
		"given and taken by the same question": {[]string{"A/*/read - */*/read"}, "A/read", none, ""},
		"perhaps given, but surely taken away": {[]string{"A/*/read - A/read"}, "A/read", none, ""},
		"perhaps by one, surely by another":    {[]string{"A/*/read", "A/read"}, "A/read", by("A/read"), ""},
		"refused by one, perhaps by another":   {[]string{"A/* - A/read", "A/*/read"}, "A/read", perhaps("A/*/read", ""), ""},
		"a wildcard without a slash before it": {[]string{"A*/read"}, "A/read", by("A*/read"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := permissionsOf(c.permissions...).Action(c.action)
			assert.Equal(t, c.want, got)
			assert.Contains(t, got.String(), c.told)
		})
	}
	data := roles.Permissions{{DataActions: []string{"*"}}}
	assert.Equal(t, none, data.Action("A/read"), "data actions are of another kind")
}

func TestDataActionsAreDecidedByThemselves(t *testing.T) {
	t.Parallel()
	ps := roles.Permissions{{Actions: []string{"*"}, DataActions: []string{"S/blobs/*"},
		NotDataActions: []string{"S/blobs/delete"}, NotActions: []string{"S/blobs/read"}}}
	assert.Equal(t, by("S/blobs/*"), ps.DataAction("s/blobs/read"))
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

// matches is the answer that Match should have, by a regular expression.
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

// An action matches a pattern exactly if an independent matcher says so.
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
