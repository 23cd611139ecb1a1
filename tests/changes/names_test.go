package changes

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// Two clusters have one identity. The first gets another one, and both still read the same. The first cluster's
// resource in the state is now the second one's, and Pulumi can't exchange them: the preview says so, and its remedy
// works.
func TestAClusterGetsAnotherIdentityThanTheOneThatItShared(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	before := strings.ReplaceAll(strings.Replace(lake, "    STACK-cpu: {}\n",
		"    aaa: "+withTagger+"\n    bbb: "+withTagger+"\n", 1), "STACK", "dev")
	state := t.TempDir()
	old := deployText(t, a, "dev", state, before)
	old.mustRun("up", "--yes", "--skip-preview")
	old.close()
	ofOld := a.Inventory()

	now := deployText(t, a, "dev", state, strings.Replace(before, "aaa: "+withTagger,
		"aaa: { vmSize: Standard_D2s_v3, identity: userAssigned }", 1))
	defer now.close()
	out, err := now.pulumi("up", "--yes")
	require.Error(t, err)
	assert.Equal(t, ofOld, a.Inventory(), "nothing is made or taken")
	remedy := regexp.MustCompile(`pulumi state rename '([^']+)' ([a-z0-9.]+)`).FindStringSubmatch(out)
	require.NotNil(t, remedy, out)
	now.mustRun("state", "rename", remedy[1], remedy[2], "--yes")

	var mu sync.Mutex
	var deleted []string
	a.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
		mu.Lock()
		defer mu.Unlock()
		if w.Method == "DELETE" {
			deleted = append(deleted, w.Path)
		}
	}})
	now.mustRun("up", "--yes")
	a.Watch(nil)
	assert.Empty(t, deleted, "what stays is neither replaced nor deleted")
	assert.Subset(t, a.Inventory(), ofOld)
	now.mustRun("preview", "--expect-no-changes")
}

// Two groups exchange their names as the errors of doing it at once say: with marks by way of a third name, each rename
// deployed; without by names that neither had.
func TestTwoNamesAreExchanged(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	const analysts = "    analysts: { kind: group, objectId: 22222222-2222-4222-8222-222222222222 }\n"
	state := t.TempDir()
	deploy := func(first, second string) {
		group := func(called, id string) string {
			name, was, _ := strings.Cut(called, " was ")
			if was != "" {
				was = ", was: " + was
			}
			return "    " + name + ": { kind: group, objectId: " + id + was + " }\n"
		}
		s := deployText(t, a, "dev", state, strings.ReplaceAll(strings.Replace(lake, analysts,
			group(first, "22222222-2222-4222-8222-222222222222")+group(second, "88888888-8888-4888-8888-888888888888"), 1),
			"STACK", "dev"))
		defer s.close()
		s.mustRun("up", "--yes", "--skip-preview")
	}
	deploy("analysts", "people")
	before := a.Inventory()
	var mu sync.Mutex
	var deleted []string
	a.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
		mu.Lock()
		defer mu.Unlock()
		if w.Method == "DELETE" {
			deleted = append(deleted, w.Path)
		}
	}})
	deploy("third was analysts", "people")
	deploy("third", "analysts was people")
	deploy("people was third", "analysts")
	deploy("one", "two")
	deploy("analysts", "people")
	a.Watch(nil)
	assert.Empty(t, deleted, "nothing is replaced or deleted")
	assert.Equal(t, before, a.Inventory())
}

// What is renamed keeps its name in Azure. Something new that gets the old name here would have the same one there, and
// so would a cluster that takes the name of another: the deployment would end half-way. The preview says so.
func TestANameInAzureThatAnotherOneHasIsRefused(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	const branch = "{ github: { repository: contoso/scoring, branch: BRANCH }WAS }"
	credential := func(of, was string) string { return strings.NewReplacer("BRANCH", of, "WAS", was).Replace(branch) }
	state := t.TempDir()
	stack := func(identity, credentials, clusters string) stackOf {
		return deployText(t, a, "dev", state, strings.NewReplacer("STACK-cpu: {}", clusters, "STACK", "dev",
			"  batchaccess:invokers:\n", "  batchaccess:invokers:\n    "+identity+"\n    bot: { kind: servicePrincipal, "+
				"federatedCredentials: { "+credentials+" } }\n").Replace(lake))
	}
	identity := func(credentials, was string) string {
		return "{ kind: managedIdentity" + was + ", federatedCredentials: { " + credentials + " } }"
	}
	up := func(identity, credentials, clusters string) {
		s := stack(identity, credentials, clusters)
		defer s.close()
		s.mustRun("up", "--yes", "--skip-preview")
	}
	main, renamed, trunk := "main: "+credential("main", ""), "trunk: "+credential("main", ", was: main"),
		"trunk: "+credential("main", "")
	const one, two = "one: { computeName: first }\n    two: { computeName: second }",
		"one: { computeName: second }\n    two: { computeName: first }"
	up("ci: "+identity(main, ""), main, one)
	up("cd: "+identity(renamed, ", was: ci"), renamed, one)
	before := a.Inventory()
	both := trunk + ", main: " + credential("next", "")
	for name, c := range map[string]struct {
		identity, credentials, clusters string
		says                            []string
	}{
		"federated credentials": {"cd: " + identity(both, ""), both, one, []string{
			"access.cd: federatedCredentials.main: its name in Azure is that of trunk",
			"access.bot: federatedCredentials.main: its name in Azure is that of trunk"}},
		"a managed identity": {"cd: " + identity(trunk, "") + "\n    ci: { kind: managedIdentity }", trunk, one,
			[]string{"ManagedIdentity access.ci: its name in Azure", "is that of access.cd until"}},
		"clusters": {"cd: " + identity(trunk, ""), trunk, two,
			[]string{": its name in Azure, ", "rename or delete access."}},
	} {
		s := stack(c.identity, c.credentials, c.clusters)
		out, err := s.pulumi("up", "--yes")
		s.close()
		require.Error(t, err, name)
		for _, says := range c.says {
			assert.Contains(t, out, says, name)
		}
		assert.Equal(t, before, a.Inventory(), "%s: nothing is made or taken", name)
	}
	up("cd: "+identity(trunk+", next: "+credential("next", ""), ""), trunk, one) // as the error says
}
