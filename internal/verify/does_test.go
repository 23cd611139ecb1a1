package verify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

// can asks like `can <who> do <action> [at <where>] --live`.
func (w *world) can(facts verify.Facts, propagation time.Duration, who, action, at string) (explain.Answer, error) {
	w.t.Helper()
	plan := plans.Of(w.m)
	return explain.Ask("dev", plan, explain.Question{Who: who, Verb: "do", What: action, At: at},
		&explain.Live{Does: verify.NewHeld(plan, w.subjects, facts, propagation).Does})
}

const (
	writeRoles = "Microsoft.Authorization/roleAssignments/write"
	startJobs  = "Microsoft.MachineLearningServices/workspaces/jobs/write"
	listKeys   = "Microsoft.Storage/storageAccounts/listkeys/action"
	writeBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
	vault      = "Microsoft.KeyVault/vaults"
)

func TestWhatAPrincipalCanDoIsAskedOfAzure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	var assigned []string
	assign := func(who, kind, role, scope string, edits ...func(*armauthorization.RoleAssignmentProperties)) {
		assigned = append(assigned, w.assign(who, kind, role, scope, edits...))
	}
	under := func(condition string) func(*armauthorization.RoleAssignmentProperties) {
		return func(p *armauthorization.RoleAssignmentProperties) {
			p.Condition, p.ConditionVersion = ptr(condition), ptr("2.0")
		}
	}
	denyAll := func(scope, condition string) func() verify.Facts {
		return func() verify.Facts {
			assign(ann, "User", roles.Contributor, mlGroup)
			return w.facts(denying{w.azure.Client(), map[string]any{"denyAssignmentName": "keep out", "scope": scope,
				"principals":  []any{map[string]any{"id": ann}},
				"permissions": []any{map[string]any{"actions": []any{"*"}, "condition": condition}}}})
		}
	}
	given := func(who, kind, role, scope string,
		edits ...func(*armauthorization.RoleAssignmentProperties)) func() verify.Facts {
		return func() verify.Facts {
			assign(who, kind, role, scope, edits...)
			return w.facts(w.azure.Client())
		}
	}
	refused := func(ends string) func() verify.Facts {
		return func() verify.Facts {
			assign(ann, "User", roles.Contributor, mlGroup)
			return w.facts(answering{w.azure.Client(), ends, func(*http.Request) (int, any) {
				return http.StatusForbidden, map[string]any{"error": map[string]any{"code": "AuthorizationFailed"}}
			}})
		}
	}
	eligible := func(role string) func() verify.Facts {
		return func() verify.Facts {
			d, _ := roles.BuiltIn(role)
			return w.facts(answering{w.azure.Client(), "/roleEligibilityScheduleInstances", always(map[string]any{"value": []any{
				map[string]any{"id": "/e", "properties": map[string]any{"scope": workspace, "principalId": ann,
					"roleDefinitionId": subscription + roles.DefinitionID(d.ID)}}}})})
		}
	}
	nothing := func() verify.Facts { return w.facts(w.azure.Client()) }
	for name, c := range map[string]struct {
		facts    func() verify.Facts
		do, at   string
		answer   string
		because  string
		settling bool
	}{
		"nothing is assigned": {nothing, startJobs, "", explain.No, "no role that Azure has assigned", false},
		"nothing of a risk":   {nothing, "grantsAccess", "", explain.No, "grantsAccess at workspace", false},
		"at the workspace, from above": {given(ann, "User", roles.Contributor, mlGroup), startJobs, "workspace", explain.Yes,
			"at workspace by Contributor on resource group ml", false},
		"anywhere": {given(ann, "User", roles.Contributor, mlGroup), startJobs, "", explain.Yes,
			"by Contributor on resource group ml", false},
		"through a group": {given(company, "Group", roles.Contributor, workspace), startJobs, "", explain.Yes,
			"through group Company", false},
		"in another resource group": {given(ann, "User", roles.Contributor, mlGroup), listKeys, "lake", explain.No, "at lake",
			false},
		"in the group, of anything": {given(ann, "User", roles.Contributor, mlGroup), listKeys, "resourceGroup", explain.Yes,
			"at resource group ml", false},
		"at the workspace, of storage": {given(ann, "User", roles.Contributor, workspace), listKeys, "workspace", explain.No,
			"does not exist at a place of this type", false},
		"anywhere, of storage": {given(ann, "User", roles.Contributor, workspace), listKeys, "", explain.No, "", false},
		"a risk":               {given(ann, "User", "Owner", workspace), "grantsAccess", "", explain.Yes, writeRoles, false},
		"a risk that it has not": {given(ann, "User", roles.Contributor, workspace), "grantsAccess", "workspace", explain.No,
			"", false},
		"another extends the workspace": {given(ann, "User", roles.Contributor, workspace),
			"Microsoft.Insights/diagnosticSettings/write", "workspace", explain.Undecided, "is not known here", false},
		"no action that is known": {given(ann, "User", roles.Contributor, workspace),
			"Microsoft.MachineLearningServices/workspaces/jobs/wirte", "workspace", explain.Undecided, "no action that is " +
				"known here", false},
		"a place that is none of the model's": {given(ann, "User", "Owner", mlGroup),
			"Microsoft.KeyVault/vaults/deploy/action",
			mlGroup + "/providers/" + vault + "/keys", explain.Yes, "Owner on resource group ml", false},
		"below a place of the stack": {given(ann, "User", "Storage Blob Data Contributor",
			lake+"/blobServices/default/containers/scores"),
			writeBlobs, "", explain.Yes, "at lake/scores", false},
		"below, asked above": {given(ann, "User", "Storage Blob Data Contributor",
			lake+"/blobServices/default/containers/scores"),
			writeBlobs, "lake", explain.No, "", false},
		"under a condition of data": {given(ann, "User", "Storage Blob Data Contributor", lake, under(
			"@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'scores'")),
			writeBlobs, "lake/scores", explain.Undecided, "under the condition", false},
		"under a condition of whom to assign": {given(ann, "User", "User Access Administrator", workspace, under(
			"@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'")),
			writeRoles, "workspace", explain.Undecided, "under the condition", false},
		"only eligible": {eligible("Owner"), writeRoles, "workspace", explain.Undecided,
			"only eligible for Owner on workspace",
			false},
		"eligible for something else":   {eligible("Reader"), writeRoles, "workspace", explain.No, "", false},
		"eligible, of a risk, anywhere": {eligible("Owner"), "grantsAccess", "", explain.Undecided, "only eligible", false},
		"denied": {denyAll(workspace, ""), startJobs, "workspace", explain.No,
			`the deny assignment "keep out" on workspace takes it away`, false},
		"denied above": {denyAll(mlGroup, ""), startJobs, "", explain.No, "keep out", false},
		"denied under a condition": {denyAll(workspace, "@Environment[isPrivateLink] BoolEquals true"), startJobs,
			"workspace",
			explain.Undecided, `may take it away from Contributor`, false},
		"a role that can't be read": {refused("/b24988ac-6180-42a0-ab88-20f7382dd24c"), startJobs, "workspace",
			explain.Undecided, "AuthorizationFailed", false},
		"assignments that can't be read": {refused("/resourceGroups/ml/providers/Microsoft.Authorization/roleAssignments"),
			startJobs,
			"workspace", explain.Undecided, "AuthorizationFailed", false},
		"denials that can't be read": {refused("/resourceGroups/ml/providers/Microsoft.Authorization/denyAssignments"),
			startJobs,
			"workspace", explain.Undecided, "AuthorizationFailed", false},
		"groups that can't be read": {refused("/transitiveMemberOf"), startJobs, "workspace", explain.Undecided,
			"Directory.Read.All", false},
		"assigned a moment ago": {given(ann, "User", roles.Contributor, mlGroup), startJobs, "workspace", explain.Undecided,
			"so recently", true},
	} {
		t.Run(name, func(t *testing.T) {
			propagation := time.Duration(0)
			if c.settling {
				propagation = time.Hour
			}
			a, err := w.can(c.facts(), propagation, "ann", c.do, c.at)
			for ; len(assigned) > 0; assigned = assigned[1:] {
				w.revoke(assigned[0])
			}
			require.NoError(t, err)
			assert.Equal(t, c.answer, a.Answer, a.Because)
			assert.Contains(t, a.Because, c.because)
			for _, hop := range a.Hops {
				if name != "no action that is known" {
					assert.Equal(t, c.answer == explain.Yes, hop.Missing == "", hop)
					assert.Equal(t, c.answer == explain.Undecided, hop.Undecided, hop)
				}
			}
			assert.NotEmpty(t, a.Hops)
		})
	}
}

// A place that Azure was not asked about has no answer: nobody has listed the assignments there.
func TestAPlaceThatAzureWasNotAskedAboutIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	facts := w.facts(w.azure.Client())
	for _, place := range []string{
		subscription + "/resourceGroups/other", "/subscriptions/22222222-2222-4222-8222-222222222222",
		strings.Replace(lake, "/data/", "/other/", 1), subscription + "/resourceGroups/ml2",
	} {
		_, err := w.can(facts, 0, "ann", startJobs, place)
		require.ErrorContains(t, err, "is in none of the resource groups of the stack's", place)
	}
	_, err := w.can(facts, 0, "ann", startJobs, "/nonsense")
	require.ErrorContains(t, err, "the stack refers to nothing of this ID")
	for _, place := range []string{subscription, mlGroup, lake, workspace + "/", strings.ToUpper(mlGroup)} {
		_, err := w.can(facts, 0, "ann", startJobs, place)
		require.NoError(t, err, place)
	}
}

// Outside of jobs a role reads too, and an ACL may, which Resource Manager does not show.
func TestWhatIsReadOutsideOfJobsIsAskedOfAzure(t *testing.T) {
	t.Parallel()
	m := model()
	m.StorageAccountKinds = map[string]roles.AccountKind{"lake": roles.Hierarchical}
	hierarchical, flat := newWorld(t, m), newWorld(t, func() access.Model {
		flat := model()
		patients := flat.DataInputs["patients"]
		patients.Kind = access.Blob
		flat.DataInputs["patients"] = patients
		flat.StorageAccountKinds = map[string]roles.AccountKind{"lake": roles.Flat}
		return flat
	}())
	for _, w := range []*world{hierarchical, flat} {
		w.assign(ann, "User", roles.StorageBlobDataReader, lake+"/blobServices/default/containers/patients")
		facts, plan := w.facts(w.azure.Client()), plans.Of(w.m)
		for ask, want := range map[string]string{
			"ann read patients": explain.Yes, "robot read patients": explain.No, "ann write scores": explain.No,
			"cluster:cpu read patients": explain.No,
		} {
			if want == explain.No && w == hierarchical {
				want = explain.Undecided
			}
			words := strings.Fields(ask)
			a, err := explain.Ask("dev", plan, explain.Question{Who: words[0], Verb: words[1], What: words[2]},
				&explain.Live{Does: verify.NewHeld(plan, w.subjects, facts, 0).Does})
			require.NoError(t, err)
			assert.Equal(t, want, a.Answer, "%s: %s", ask, a.Because)
		}
	}
}
