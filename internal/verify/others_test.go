package verify_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	bob      = "a1111111-1111-4111-8111-111111111111"
	carol    = "a2222222-2222-4222-8222-222222222222"
	dave     = "a3333333-3333-4333-8333-333333333333"
	outside  = "a4444444-4444-4444-8444-444444444444"
	shop     = mlGroup + "/providers/Microsoft.Web/sites/shop"
	outside2 = "a5555555-5555-4555-8555-555555555555"
)

// withOthers is a world with people whom the stack does not name.
func withOthers(t *testing.T, m access.Model, without ...access.Principal) *world {
	t.Helper()
	w := newWorld(t, m)
	require.NoError(t, w.azure.Seed(azure.Seed{
		Users: []azure.User{{ObjectID: bob, DisplayName: "Bob", UserPrincipalName: "bob@contoso.com"},
			{ObjectID: carol, DisplayName: "Carol", UserPrincipalName: "carol@contoso.com"},
			{ObjectID: dave, DisplayName: "Dave", UserPrincipalName: "dave@contoso.com"}},
		Groups: []azure.Group{{ObjectID: outside, DisplayName: "Platform", MemberIDs: []string{carol, dave}},
			{ObjectID: outside2, DisplayName: "Key keepers", MemberIDs: []string{dave}}},
		ResourceIDs: []string{shop},
	}))
	w.grantAll(without...)
	return w
}

func othersOf(t *testing.T, r verify.Report) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, r))
	_, text, found := strings.Cut(out.String(), "WHO ELSE REACHES")
	require.True(t, found, out.String())
	text, _, _ = strings.Cut(text, "\nNOTES")
	return text
}

// Whoever holds a role at what the stack has, or above or below it, is asked for and reported, though the stack names
// none of them.
func TestOthersAreReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who, kind, role, scope string
		found                  []string // parts of what is shown of others
		never                  string
	}{
		"at the account": {bob, "User", "Storage Account Key Operator Service Role", lake,
			[]string{"Bob (" + bob + "), by Storage Account Key Operator Service Role on storageAccount lake\n",
				"can read images, patients\n", "can reach the keys of storage account lake\n", "can write scores\n",
				"to cut it, take Storage Account Key Operator Service Role on storageAccount lake away from Bob (" + bob}, ""},
		"at a container": {bob, "User", roles.StorageBlobDataReader, lake + "/blobServices/default/containers/patients",
			[]string{"Bob (" + bob + "), by Storage Blob Data Reader on container patients\n", "can read patients\n"},
			"on container patients\n    can read images"},
		"above all": {bob, "User", "Owner", subscription,
			[]string{"Bob (" + bob + ")", "role assignments at subscription"}, ""},
		"at an endpoint": {bob, "User", "Contributor", workspace + "/batchEndpoints/heart",
			[]string{"Bob (" + bob + "), by Contributor on batchEndpoint heart\n", "can reach cluster:cpu"}, ""},
		"beside it all": {bob, "User", "Owner", shop, nil,
			"Bob"},
		"a group": {outside, "Group", "Contributor", mlGroup, []string{"members of group Platform (" + outside + "), by " +
			"Contributor on resource group ml, through group Platform\n", "can reach", "cluster:cpu"}, "Carol"},
		"a cluster of others": {"no-reader", "ServicePrincipal", roles.StorageBlobDataReader, lake,
			[]string{"of compute no-reader, by Storage Blob Data Reader on storageAccount lake\n",
				"can read images, patients\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := withOthers(t, model())
			who := c.who
			if who == "no-reader" {
				var compute struct{ Identity struct{ PrincipalID string } }
				w.manage(http.MethodGet, workspace+"/computes/no-reader", "2023-10-01", "", &compute)
				who = compute.Identity.PrincipalID
			}
			w.assign(who, c.kind, c.role, c.scope)
			r := w.report()
			assert.Empty(t, r.Unasked)
			text := othersOf(t, r)
			for _, part := range c.found {
				assert.Contains(t, text, part)
			}
			if c.never != "" {
				assert.NotContains(t, text, c.never)
			}
			for _, way := range r.Ways {
				assert.NotContains(t, way.Who[0], "(", "the stack's own are by themselves")
			}
		})
	}
}

// Somebody who is in two groups reaches what both together give.
func TestOthersInTwoGroupsHaveBothsRoles(t *testing.T) {
	t.Parallel()
	w := withOthers(t, model())
	w.assign(outside, "Group", "Reader", lake)
	w.assign(outside2, "Group", "Storage Account Key Operator Service Role", lake)
	text := othersOf(t, w.report())
	assert.Contains(t, text, "Dave ("+dave+"), by Reader on storageAccount lake, through group Platform, Storage Account "+
		"Key Operator Service Role on storageAccount lake, through group Key keepers\n")
	assert.NotContains(t, text, "members of group Key keepers", "there is nobody else in it")
	assert.NotContains(t, text, "Carol")
}

// What could not be asked is undecided and named.
func TestWhatIsNotKnownOfOthersIsNamed(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["team"] = access.Invoker{Kind: access.Group, PrincipalID: access.Known(team)}
	w := withOthers(t, m, access.InvokerPrincipal("team"))
	w.assign(outside, "Group", "Storage Account Key Operator Service Role", lake)
	for ends, found := range map[string]string{
		"/transitiveMembers": "members of group Platform (" + outside + "), by Storage Account Key Operator Service Role " +
			"on storageAccount lake, through group Platform\n",
		"/groups/" + outside + "/owners": "owners of Platform, by adding themselves to the group\n",
		"/getByIds":                      "members of group " + outside + ", by Storage Account Key",
	} {
		r := w.judged(answering{w.azure.Client(), ends, refused}, 0)
		assert.NotEmpty(t, r.Unasked)
		text := othersOf(t, r)
		assert.Contains(t, text, found, ends)
		assert.Contains(t, text, "may ", ends)
	}
	text := othersOf(t, w.report())
	assert.Contains(t, text, "whoever manages groups and applications in Entra, by adding themselves to the group\n")
	assert.Contains(t, text, "may reach team, Company, Platform, batchaccess sandbox deployer (")
	assert.Contains(t, text, "undecided: who holds roles of Entra and permissions of Microsoft Graph is not asked\n")
	assert.Contains(t, text, "whoever changes what else runs as a managed identity, such as a machine, a factory")
	assert.Contains(t, text, "may reach robot\n")
}

// An assertion that somebody reads something by no way is held against what is in Azure, and broken by what is open
// there and by what is not decided.
func TestByNoWayIsHeldAgainstAzure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		assign  func(*world)
		answer  func(*http.Request) (int, any) // of ann's groups
		because string
	}{
		"nothing that is known": {because: "it may be, or become, one of them: whoever manages groups and applications in " +
			"Entra may read images as batchaccess sandbox deployer"},
		"a role": {assign: func(w *world) { w.assign(ann, "User", "Storage Account Key Operator Service Role", lake) },
			because: "ann can read images as the key of lake"},
		"a role of her own": {assign: func(w *world) { w.assign(ann, "User", roles.StorageBlobDataReader, lake) },
			because: "ann can read images as ann"},
		"her groups are not known": {answer: refused, because: "whether a job of theirs on tagger reads it is undecided"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model()
			m.Invokers["robot"] = access.Invoker{Kind: access.User, PrincipalID: access.Known(robot)}
			m.Assertions = map[string]access.Assertion{"kept": {Cannot: []string{"ann"}, Read: "images", How: "byNoWay"}}
			w := withOthers(t, m, access.InvokerPrincipal("robot"))
			w.define("Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write")
			if c.assign != nil {
				c.assign(w)
			}
			r := w.judged(answering{w.azure.Client(), "/users/" + ann + "/transitiveMemberOf", or(c.answer, unchanged)}, 0)
			require.Len(t, r.Assertions, 1)
			assert.False(t, r.Assertions[0].Holds)
			assert.Contains(t, r.Assertions[0].Because, c.because)
			assert.True(t, r.Failed(false))
			assert.Contains(t, r.Verdict(), "1 assertions do not hold")
		})
	}
}

// Where nobody can become anybody who reads it, it holds.
func TestByNoWayHolds(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["robot"] = access.Invoker{Kind: access.User, PrincipalID: access.Known(robot)}
	m.Assertions = map[string]access.Assertion{"kept": {Cannot: []string{"ann"}, Read: "images", How: "byNoWay"}}
	w := withOthers(t, m, access.InvokerPrincipal("robot"))
	w.define("Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write")
	facts := w.facts(w.azure.Client())
	deployer := strings.ToLower(w.azure.Deployer().ObjectID)
	delete(facts.Others, deployer)
	facts.Assignments = slices.DeleteFunc(facts.Assignments, func(a verify.Assignment) bool {
		return strings.EqualFold(a.PrincipalID, deployer)
	})
	r, err := verify.Judge("dev", plans.Of(m), w.subjects, facts, 0)
	require.NoError(t, err)
	require.Len(t, r.Assertions, 1)
	assert.True(t, r.Assertions[0].Holds, r.Assertions[0].Because)
}
