package review_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

const reader = "/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"

// one is the preview of one resource, with its inputs before and after; "" if it does not exist then.
func one(typ, old, now string) string {
	op, state := "update", func(inputs string) string {
		if inputs == "" {
			return "null"
		}
		return fmt.Sprintf(`{"type": %q, "inputs": {%s}}`, typ, inputs)
	}
	if old == "" {
		op = "create"
	} else if now == "" {
		op = "delete"
	}
	return fmt.Sprintf(`{"steps": [{"op": %q, "urn": "urn:pulumi:dev::p::%s::it", "oldState": %s, "newState": %s}], `+
		`"changeSummary": {%q: 1}}`,
		op, typ, state(old), state(now), op)
}

func assigned(scope, more string) string {
	return fmt.Sprintf(`"principalId": "ann", "principalType": "User", "scope": %q, "roleDefinitionId": %q%s`, scope,
		reader, more)
}

func TestWaysToNewAccess(t *testing.T) {
	t.Parallel()
	const (
		account   = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"
		container = account + "/blobServices/default/containers/c"
		condition = `, "condition": "@Resource[x] StringEquals 'y'"`
		cluster   = `"properties": {"computeType": "AmlCompute"}, "identity": {"type": %q, "userAssignedIdentities": [%s]}`
		subject   = `"issuer": "https://token.actions.githubusercontent.com", "audiences": ` +
			`["api://AzureADTokenExchange"], "subject": "repo:o/r:environment:%s"`
		member = `"groupObjectId": "g", "memberObjectId": "m"`
		groups = "azuread:index/groupMember:GroupMember"
	)
	for name, c := range map[string]struct {
		preview   string
		newAccess bool
		risk      review.Risk
	}{
		"a wider scope": {one(guardrails.RoleAssignment, assigned(container, ""), assigned(account, "")), true,
			review.Medium},
		"a narrower scope": {one(guardrails.RoleAssignment, assigned(account, ""), assigned(container, "")), false,
			review.Low},
		"a condition less": {one(guardrails.RoleAssignment, assigned(account, condition), assigned(account, "")), true,
			review.Medium},
		"a condition more": {one(guardrails.RoleAssignment, assigned(account, ""), assigned(account, condition)), false,
			review.Low},
		"a role that nobody knows": {one(guardrails.RoleAssignment, "",
			`"principalId": "ann", "scope": "/subscriptions/s/resourceGroups/rg", "roleDefinitionId": `+
				`"/x/9"`), true, review.High},
		"an assignment that goes": {one(guardrails.RoleAssignment, assigned(account, ""), ""), false, review.Low},
		"a member of a group":     {one(groups, "", member), true, review.High},
		"a member that leaves":    {one(groups, member, ""), false, review.Low},
		"a federated subject":     {one(guardrails.Federation, "", fmt.Sprintf(subject, "prod")), true, review.Medium},
		"another federated subject": {one(guardrails.Federation, fmt.Sprintf(subject, "dev"), fmt.Sprintf(subject, "prod")),
			true, review.Medium},
		"a federated subject of a managed identity": {one("azure-native:managedidentity:FederatedIdentityCredential", "",
			fmt.Sprintf(subject, "prod")), true, review.Medium},
		"another audience of a managed identity": {one("azure-native:managedidentity:FederatedIdentityCredential",
			fmt.Sprintf(subject, "prod"), strings.Replace(fmt.Sprintf(subject, "prod"), "Exchange", "ExchangeChina", 1)), true,
			review.Medium},
		"the same federated subject": {one(guardrails.Federation, fmt.Sprintf(subject, "dev"), fmt.Sprintf(subject, "dev")),
			false, review.None},
		"a federated subject that goes": {one(guardrails.Federation, fmt.Sprintf(subject, "dev"), ""), false, review.Low},
		"a cluster that gets an identity which exists": {one(guardrails.Compute, fmt.Sprintf(cluster, "SystemAssigned", ""),
			fmt.Sprintf(cluster, "SystemAssigned,UserAssigned", `"/x/shared"`)), true, review.High},
		"a cluster that loses its identity": {one(guardrails.Compute, fmt.Sprintf(cluster, "SystemAssigned", ""),
			fmt.Sprintf(cluster, "None", "")), false, review.Medium},
		"a secret that ends another day": {one(guardrails.Password,
			`"startDate": "2026-11-01T00:00:00Z", "endDate": "2027-11-01T00:00:00Z"`, `"startDate": `+
				`"2026-11-01T00:00:00Z", "endDate": "2027-12-01T00:00:00Z"`), false, review.Medium},
		"a cluster that keeps its identities": {one(guardrails.Compute, fmt.Sprintf(cluster, "UserAssigned", `"/x/A"`),
			fmt.Sprintf(cluster, "UserAssigned", `"/X/a"`)), false, review.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewOf(t, c.preview)
			assert.Empty(t, r.Unread)
			assert.Equal(t, c.newAccess, r.NewAccess)
			assert.Equal(t, c.risk, r.Risk)
		})
	}
}

// If unchanged assignments are not shown, a widened role still gives more to its holders.
func TestAWidenedRoleCountsThoughItsHoldersAreNotShown(t *testing.T) {
	t.Parallel()
	const inputs = `"roleName": "r", "scope": "/subscriptions/s/resourceGroups/rg", "permissions": [{"actions": [%s]}]`
	preview := one(guardrails.RoleDefinition, fmt.Sprintf(inputs, `"A.b/read"`),
		fmt.Sprintf(inputs, `"A.b/read", "A.b/write"`))
	hidden := preview[:len(preview)-2] + `, "same": 3}}`
	r := reviewOf(t, hidden)
	assert.True(t, r.NewAccess)
	assert.Equal(t, "whoever holds r", r.Access[0].Principal.Name)
	assert.False(t, reviewOf(t, preview).NewAccess, "all is shown, and nobody holds it")
}

func TestARoleChangeIsCalledByWhatItDoes(t *testing.T) {
	t.Parallel()
	role := func(actions string) string {
		if actions == "" {
			return ""
		}
		return fmt.Sprintf(`"roleName": "r", "scope": "/subscriptions/s/resourceGroups/rg", "permissions": [{"actions": `+
			`[%s]}]`, actions)
	}
	const a, b = `"A.b/read"`, `"A.b/write"`
	for change, c := range map[string]struct{ old, now string }{
		"made": {"", a}, "removed": {a, ""}, "widened": {a, a + "," + b}, "narrowed": {a + "," + b, a}, "changed": {a, b},
	} {
		r := reviewOf(t, one(guardrails.RoleDefinition, role(c.old), role(c.now)))
		if assert.Len(t, r.Roles, 1, change) {
			assert.Equal(t, change, r.Roles[0].Change)
		}
	}
	assert.Empty(t, reviewOf(t, one(guardrails.RoleDefinition, role(a+","+b), role(b+","+`"a.B/READ"`))).Roles,
		"the same actions, written otherwise")
}

// A way that a change opens is shown with what cuts it, in every format. The review says that none was walked.
func TestAWayComesWithWhatCutsIt(t *testing.T) {
	t.Parallel()
	r := reviewOf(t, previewOfAll(t, plainly(given("bob", bobID, keysOnly, inData).new())))
	var text, markdown, page strings.Builder
	require.NoError(t, review.Text(&text, r))
	require.NoError(t, review.Markdown(&markdown, r))
	require.NoError(t, review.HTML(&page, r))
	for _, out := range []string{text.String(), markdown.String(), page.String()} {
		assert.Contains(t, out, "to cut it, take Storage Account Key Operator Service Role on resource group data away from")
		assert.Contains(t, out, "no declared job is known to stop")
		assert.Contains(t, out, "were found and not walked")
	}
	first := reviewOf(t, testdata(t, "first"))
	cut := 0
	for _, w := range first.Ways {
		opens := w.Change == "opens" && !strings.HasPrefix(w.Who[0], "owners of ")
		assert.Equal(t, opens, len(w.Cuts) > 0, "what cuts %s", w.Way)
		for _, c := range w.Cuts {
			cut += len(c.Stops)
		}
	}
	assert.NotZero(t, cut, "what stops")
}

// Where very many gain access, the comment still has rows of each table, and a row names the first of many.
func TestACommentOfVeryManyHasItsWays(t *testing.T) {
	t.Parallel()
	program := plainly()
	for n := range 300 {
		program = append(program, given(fmt.Sprint("many", n), fmt.Sprintf("10000000-0000-4000-8000-%012d", n), scientist,
			spaceID).new())
	}
	r := reviewOf(t, previewOfAll(t, program))
	var out strings.Builder
	require.NoError(t, review.Markdown(&out, r))
	assert.LessOrEqual(t, out.Len(), review.MaxComment)
	_, table, _ := strings.Cut(out.String(), "### Indirect ways\n")
	assert.Contains(t, table, "| high | opens | 10000000-0000-4000-8000-000000000000, ")
	assert.Contains(t, table, " and 295 more can reach managed identity loader, by changing a deployment")
	assert.Contains(t, table, " and 290 more; no declared job is known to stop |")
	for _, w := range r.Ways {
		assert.Len(t, w.Who, 300, "machines get all of them")
	}
}
