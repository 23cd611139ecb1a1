package verify_test

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

// Access beyond need opens further ways, but only where it applies.
func TestWhatIsBeyondNeedLeadsFurther(t *testing.T) {
	t.Parallel()
	const container = lake + "/blobServices/default/containers/patients"
	under := func(p *armauthorization.RoleAssignmentProperties) {
		p.Condition = ptr("((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR " +
			"(@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'User'))")
		p.ConditionVersion = ptr("2.0")
	}
	for name, c := range map[string]struct {
		role, scope string
		edits       []func(*armauthorization.RoleAssignmentProperties)
		decided     []roles.Target
		undecided   []roles.Target
	}{
		"who grants": {"User Access Administrator", mlGroup, nil, []roles.Target{roles.ToGrants}, nil},
		"who grants under a condition": {"Role Based Access Control Administrator", mlGroup,
			[]func(*armauthorization.RoleAssignmentProperties){under}, nil, []roles.Target{roles.ToGrants}},
		"who grants at a container": {"User Access Administrator", container, nil, []roles.Target{roles.ToGrants}, nil},
		"keys of the account": {"Storage Account Key Operator Service Role", lake, nil,
			[]roles.Target{roles.ToAccounts}, nil},
		"keys of accounts elsewhere":    {"Storage Account Key Operator Service Role", mlGroup, nil, nil, nil},
		"keys at a container have none": {"Storage Account Key Operator Service Role", container, nil, nil, nil},
		"ownership of blobs":            {"Storage Blob Data Owner", container, nil, []roles.Target{roles.ToACLs}, nil},
		"readers":                       {"Reader", mlGroup, nil, nil, nil},
		"identities beside the workspace": {"Managed Identity Contributor", mlGroup, nil,
			[]roles.Target{roles.ToIdentities}, nil},
		"no identity lies in a workspace": {"Managed Identity Contributor", workspace, nil, nil, nil},
		"who attaches":                    {"Managed Identity Operator", mlGroup, nil, nil, []roles.Target{roles.ToAttach}},
		"clusters of the workspace":       {"AzureML Compute Operator", workspace, nil, nil, []roles.Target{roles.ToAttach}},
		"clusters of no workspace":        {"AzureML Compute Operator", lake, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			id := w.assign(ann, "User", c.role, c.scope, c.edits...)
			r := w.report()
			var decided, undecided []roles.Target
			for _, e := range r.Excess {
				require.True(t, strings.EqualFold(id, e.Assignment), "the stack's own are what it needs")
				for _, l := range e.Escalations {
					if l.Undecided == "" {
						decided = append(decided, l.To)
					} else {
						undecided = append(undecided, l.To)
					}
				}
			}
			assert.ElementsMatch(t, c.decided, decided)
			assert.ElementsMatch(t, c.undecided, undecided)
			var out strings.Builder
			require.NoError(t, verify.WriteTable(&out, r))
			assert.Equal(t, len(decided)+len(undecided) > 0, strings.Contains(out.String(), "; leads to "), out.String())
		})
	}
}
