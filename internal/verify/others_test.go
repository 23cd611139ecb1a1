package verify_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
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
	for ends, missing := range map[string]string{
		"/roleManagement/directory/roleDefinitions": "asking who holds roles of Entra: whoever verifies may not look " +
			"(AuthorizationFailed); it takes the application permission Directory.Read.All",
		"/roleManagement/directory/roleAssignments": "asking who holds roles of Entra: whoever verifies may not look",
		"/roleManagement/directory/roleEligibilityScheduleInstances": "asking who may activate roles of Entra (PIM): " +
			"whoever verifies may not look (AuthorizationFailed); it takes the application permission " +
			"RoleManagement.Read.Directory",
		"/appRoleAssignedTo": "asking who has permissions of Microsoft Graph: whoever verifies may not look",
	} {
		r := w.judged(answering{w.azure.Client(), ends, refused}, 0)
		assert.Empty(t, r.Unasked, "no path depends on it")
		assert.Contains(t, strings.Join(r.Notes, "\n"), missing)
		text := othersOf(t, r)
		assert.Contains(t, text, "whoever manages groups and applications in Entra, by adding themselves to the group\n")
		assert.Contains(t, text, "may reach team, Company, Platform, batchaccess sandbox deployer (")
		assert.Contains(t, text, "undecided: an answer of Azure: "+missing)
	}
	text := othersOf(t, w.judged(answering{w.azure.Client(), "/group/eligibilityScheduleInstances", refused}, 0))
	assert.Contains(t, text, "whoever may activate membership in a group (PIM), by activating membership in the group\n")
	text = othersOf(t, w.report())
	assert.NotContains(t, text, "in Entra", "who manages them was asked, and nobody does")
	assert.NotContains(t, text, "(PIM)")
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

// kept is a world with an assertion that ann reads images by no way, which depends on nothing that is not known.
func kept(t *testing.T) *world {
	t.Helper()
	m := model()
	m.Invokers["robot"] = access.Invoker{Kind: access.User, PrincipalID: access.Known(robot)}
	m.Assertions = map[string]access.Assertion{"kept": {Cannot: []string{"ann"}, Read: "images", How: "byNoWay"}}
	w := withOthers(t, m, access.InvokerPrincipal("robot"))
	w.define("Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write")
	return w
}

// Where nobody can become anybody who reads it, it holds: everything that it depends on was asked.
func TestByNoWayHolds(t *testing.T) {
	t.Parallel()
	w := kept(t)
	r := w.report()
	require.Len(t, r.Assertions, 1)
	assert.True(t, r.Assertions[0].Holds, r.Assertions[0].Because)
}

// Roles of Entra and permissions of Microsoft Graph lead to others, and break the assertion where ann has them. Whoever
// may not be asked about leaves it undecided, and so violated.
func TestByNoWayDependsOnRolesOfEntra(t *testing.T) {
	t.Parallel()
	const (
		globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
		groupsAdministrator = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
		globalReader        = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
		helpdesk            = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
		readers             = "b1111111-1111-4111-8111-111111111111"
		loader              = "b2222222-2222-4222-8222-222222222222"
		administrators      = "b3333333-3333-4333-8333-333333333333"
	)
	has := func(principal, role string) azure.Seed {
		return azure.Seed{DirectoryRoles: []azure.DirectoryRole{{PrincipalID: principal, TemplateID: role}}}
	}
	group := func(assignable bool, members ...string) azure.Seed {
		return azure.Seed{Groups: []azure.Group{{ObjectID: readers, DisplayName: "Readers", AssignableToRole: assignable,
			MemberIDs: members}}}
	}
	for name, c := range map[string]struct {
		seeds   []azure.Seed
		refused string
		because string // "" where it holds
		others  string // part of what is shown of others
	}{
		"Global Administrator": {seeds: []azure.Seed{group(false), has(ann, globalAdministrator)},
			because: "ann can read images as ann, by "},
		"Groups Administrator": {seeds: []azure.Seed{group(false), has(ann, groupsAdministrator)},
			because: "ann can read images as ann, by adding themselves to the group Readers (Groups Administrator)"},
		"of a group that may hold roles": {seeds: []azure.Seed{group(true), has(ann, groupsAdministrator)}},
		"Global Reader":                  {seeds: []azure.Seed{group(false), has(ann, globalReader)}},
		"eligible": {seeds: []azure.Seed{group(false), {DirectoryRoles: []azure.DirectoryRole{
			{PrincipalID: ann, TemplateID: groupsAdministrator, Eligible: true}}}},
			because: "undecided: its holder has to activate it (PIM)"},
		"in a part of the directory": {seeds: []azure.Seed{group(false), {DirectoryRoles: []azure.DirectoryRole{
			{PrincipalID: ann, TemplateID: groupsAdministrator, Scope: "/administrativeUnits/" + company}}}},
			because: "undecided: what lies in /administrativeUnits/" + company},
		"in a group that has it": {seeds: []azure.Seed{group(false), {Groups: []azure.Group{{ObjectID: administrators,
			DisplayName: "Administrators", AssignableToRole: true, MemberIDs: []string{ann}}}},
			has(administrators, groupsAdministrator)},
			because: "ann can read images as ann, by adding themselves to the group Readers (Groups Administrator)"},
		"who resets robot's password": {seeds: []azure.Seed{has(ann, helpdesk), {RoleAssignments: []azure.RoleAssignment{{
			ID: "b4444444-4444-4444-8444-444444444444", Scope: lake, PrincipalID: robot, PrincipalType: "User",
			RoleID: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"}}}},
			because: "ann may read images as robot, by resetting the password of robot (Helpdesk Administrator); undecided: "},
		"the owner of an application with a permission": {seeds: []azure.Seed{group(false), {ServicePrincipals: []azure.
			ServicePrincipal{{ObjectID: loader, DisplayName: "loader", GraphPermissions: []string{
			"GroupMember.ReadWrite.All"}}}}}, because: "it may be, or become, one of them: owners of loader",
			others: "loader (" + loader + ")"},
		"somebody else": {seeds: []azure.Seed{group(false), has(bob, groupsAdministrator)},
			others: "Bob (" + bob + "), by adding themselves to the group Readers (Groups Administrator)\n"},
		"who may activate membership": {seeds: []azure.Seed{group(false), {EligibleMembers: []azure.EligibleMember{
			{GroupID: readers, PrincipalID: ann}}}},
			because: "undecided: they have to activate it (PIM)"},
		"roles that may not be read": {refused: "/roleManagement/directory/roleAssignments", seeds: []azure.Seed{
			group(false)}, because: "it may be, or become, one of them: whoever manages groups and applications in Entra"},
		"roles that may be activated": {refused: "/roleEligibilityScheduleInstances", seeds: []azure.Seed{group(false)},
			because: "it may be, or become, one of them: whoever m"},
		"permissions that may not be read": {refused: "/appRoleAssignedTo", seeds: []azure.Seed{group(false)},
			because: "it may be, or become, one of them: whoever manages groups and applications in Entra"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := kept(t)
			for _, seed := range c.seeds {
				require.NoError(t, w.azure.Seed(seed))
				if len(seed.Groups) > 0 && seed.Groups[0].ObjectID == readers {
					w.assign(readers, "Group", roles.StorageBlobDataReader, lake)
				}
			}
			through := answering{w.azure.Client(), cmp.Or(c.refused, "nothing"), unchanged}
			if c.refused != "" {
				through.answer = refused
			}
			r := w.judged(through, 0)
			require.Len(t, r.Assertions, 1)
			assert.Equal(t, c.because == "", r.Assertions[0].Holds, r.Assertions[0].Because)
			assert.Contains(t, r.Assertions[0].Because, c.because)
			if c.others != "" {
				assert.Contains(t, othersOf(t, r), c.others)
			}
		})
	}
}
