package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

// owned is a model with an owner of each part that may have one.
func owned(owner func(of string) string) access.Model {
	no := false
	return access.Model{
		WorkspaceID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers: map[string]access.Invoker{
			"ann": {Kind: access.User, PrincipalID: access.Known("33333333-3333-4333-8333-333333333333"),
				Owner: owner("invokers.ann")},
			"bob": {Kind: access.User, PrincipalID: access.Known("44444444-4444-4444-8444-444444444444")},
		},
		Clusters: map[string]access.Cluster{"cpu": {Owner: owner("clusters.cpu")}},
		StorageAccounts: map[string]access.ID{"lake": access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/" +
			"resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{
			"rows": {Kind: access.Blob, StorageAccount: "lake", Container: "rows", Owner: owner("dataInputs.rows")},
			"more": {Kind: access.Blob, StorageAccount: "lake", Container: "rows", Path: "more"},
		},
		DataOutputs: map[string]access.DataOutput{
			"rows": {DataStore: "out", Path: "o", CredentialInStore: &no, StorageAccount: "lake", Container: "out",
				Owner: owner("dataOutputs.rows")}, // has the same name as an input
		},
		Endpoints: map[string]access.Endpoint{"score": {Cluster: "cpu", Inputs: []string{"more", "rows"},
			Outputs: []string{"rows"}, Owner: owner("endpoints.score")}},
	}
}

func TestAGrantSaysWhoAnswersForIt(t *testing.T) {
	t.Parallel()
	plan, ps := access.Compile(owned(func(of string) string { return "owner of " + of }))
	require.NoError(t, ps.Err())
	got := map[string]string{}
	for _, g := range plan.Grants {
		got[g.Principal.String()+": "+g.String()] = g.Owners()
	}
	const reader, writer = "Storage Blob Data Reader on lake/rows", "Storage Blob Data Contributor on lake/out"
	start := plan.Model.Role.Title() + " on workspace"
	rows, out := "data: owner of dataInputs.rows", "data: owner of dataOutputs.rows"
	assert.Equal(t, map[string]string{
		"invoker ann: " + start:  "owner of invokers.ann",
		"invoker ann: " + reader: "owner of invokers.ann; " + rows, "invoker ann: " + writer: "owner of invokers.ann; " + out,
		"invoker bob: " + start: "", "invoker bob: " + reader: rows, "invoker bob: " + writer: out,
		"cluster cpu: " + reader: "owner of clusters.cpu; " + rows, "cluster cpu: " + writer: "owner of clusters.cpu; " + out,
	}, got)
}

func TestAnIdentityWithSeveralNamesHasTheOwnersOfAll(t *testing.T) {
	t.Parallel()
	m := owned(func(of string) string { return of })
	id := access.Known("55555555-5555-4555-8555-555555555555")
	m.Invokers["ann"] = access.Invoker{Kind: access.ManagedIdentity, PrincipalID: id, Owner: "a"}
	m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: id, Owner: "c"}
	plan, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	seen := 0
	for _, g := range plan.Grants {
		if g.Principal.Name == "ann" {
			assert.Equal(t, "a, c", g.Owner, g)
			seen++
		}
	}
	assert.Positive(t, seen)
}

func TestAnOwnerIsOneLineThatCanBeRead(t *testing.T) {
	t.Parallel()
	parts := []string{"invokers.ann", "clusters.cpu", "dataInputs.rows", "dataOutputs.rows", "endpoints.score"}
	for name, c := range map[string]struct{ owner, wrong string }{
		"a team":           {"Team Scoring, scoring@example.com", ""},
		"markup":           {"<b>|`$x$` @all", ""},
		"letters":          {"Müller & Söhne, 株式会社", ""},
		"as long as it is": {strings.Repeat("ö", 200), ""},
		"not given":        {"", ""},
		"blank":            {" \u00a0", "is blank"},
		"too long":         {strings.Repeat("ö", 201), "has 201 characters"},
		"two lines":        {"a\nb", "line ends or characters that are not shown"},
		"a tab":            {"a\tb", "line ends or characters that are not shown"},
		"escapes":          {"\x1b[2Ja", "line ends or characters that are not shown"},
		"turned around":    {"a\u202eb", "line ends or characters that are not shown"},
		"no width":         {"a\u200bb", "line ends or characters that are not shown"},
		"not UTF-8":        {"a\xff", "line ends or characters that are not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := access.Compile(owned(func(string) string { return c.owner }))
			var at []string
			for _, p := range ps {
				if strings.HasSuffix(p.Path, ".owner") {
					at = append(at, strings.TrimSuffix(p.Path, ".owner"))
					assert.Contains(t, p.What, c.wrong)
					assert.NotEmpty(t, p.Fix)
				}
			}
			if c.wrong == "" {
				require.NoError(t, ps.Err())
				assert.Empty(t, at)
				return
			}
			require.Error(t, ps.Err())
			assert.ElementsMatch(t, parts, at)
		})
	}
}
