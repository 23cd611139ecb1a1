package rehearsal

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// guarded has assertions of every form, all of which hold in the deployed stack.
const guarded = small + `    private: { kind: blob, storageAccount: lake, container: private }
    open: { kind: dataStore, dataStore: open, path: p, credentialInStore: true }
  batchaccess:endpoints:
    scorer: { cluster: cpu, inputs: [rows, open] }
  batchaccess:assertions:
    ann-scores: { can: [ann], start: scorer }
    ann-reads: { can: [ann, "cluster:cpu"], read: rows }
    private: { only: [], read: private }
    ann-apart: { cannot: [ann], read: private }
    rows-known: { only: [ann, "cluster:cpu"], read: rows }
    only-ann: { only: [ann], start: scorer }
    no-shares: { only: [], do: grantsAccess }
    ann-secrets: { only: [ann], do: readsSecrets }
    ann-opens: { can: [ann], read: open }
`

const ann = "33333333-3333-4333-8333-333333333333"

// assign gives a principal a role outside of the stack.
func assign(ctx context.Context, t *testing.T, r *rehearsal, scope, principal, role string) {
	t.Helper()
	d, ok := roles.BuiltIn(role)
	require.True(t, ok)
	kind := access.ManagedIdentity
	if principal == ann {
		kind = access.User
	}
	call(ctx, t, r.azure, http.MethodPut,
		scope+"/providers/Microsoft.Authorization/roleAssignments/"+made("intruder", scope)+authorization, map[string]any{
			"properties": map[string]any{"principalId": principal, "principalType": kind.PrincipalType(),
				"roleDefinitionId": roles.DefinitionID(d.ID)},
		}, nil)
}

// A change of Azure outside of the stack breaks exactly the assertions that it is against.
func TestAssertionsAreJudgedByWhatIsSeen(t *testing.T) {
	t.Parallel()
	const private = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/lake/blobServices/default/containers/private"
	for name, c := range map[string]struct {
		change   func(context.Context, *testing.T, *rehearsal)
		violated map[string]string
	}{
		"nothing": {func(context.Context, *testing.T, *rehearsal) {}, map[string]string{}},
		"the invoker reads what it should not": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			assign(ctx, t, r, private, ann, roles.StorageBlobDataReader)
		}, map[string]string{"private": "invoker ann: a job on a cluster that may mount everything read " +
			"private", "ann-apart": "invoker ann"}},
		"a cluster mounts what it should not": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			assign(ctx, t, r, private, clusterPrincipal(ctx, t, r.azure), roles.StorageBlobDataReader)
		}, map[string]string{"private": "cluster cpu: a job on the cluster mounted private"}},
		"an invoker becomes Owner": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			assign(ctx, t, r, workspace, ann, roles.Owner)
		}, map[string]string{"no-shares": "Microsoft.Authorization/roleAssignments/write at " + workspace}},
		"the cluster becomes Owner": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			assign(ctx, t, r, workspace, clusterPrincipal(ctx, t, r.azure), roles.Owner)
		}, map[string]string{"no-shares": "cluster cpu: is assigned a role", "ann-secrets": "cluster cpu: is assigned a " +
			"role"}},
		"the invoker loses its reader": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			removeAssignments(ctx, t, r.azure, container, ann)
		}, map[string]string{"ann-scores": "the job on scorer with rows failed at read", "ann-reads": "invoker ann: the " +
			"job on scorer with rows failed at read"}},
		"the invoker loses its role": {func(ctx context.Context, t *testing.T, r *rehearsal) {
			removeAssignments(ctx, t, r.azure, workspace, ann)
		}, map[string]string{"ann-scores": "failed at invoke", "ann-reads": "failed at invoke", "ann-opens": "failed at " +
			"invoke"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, guarded)
			o.Keep = true
			o.afterUp = func(ctx context.Context, r *rehearsal, _ deployed) error { c.change(ctx, t, r); return nil }
			report, err := Run(t.Context(), o)
			require.NoError(t, err)
			require.Len(t, report.Assertions, 9)
			violated := map[string]string{}
			for _, v := range report.Violated() {
				violated[v.Name] = v.Because
			}
			for name, because := range c.violated {
				assert.Contains(t, violated[name], because, name)
			}
			assert.Len(t, violated, len(c.violated), violated)
		})
	}
}

// atEndpoints is a stack whose invokers start jobs only on the endpoint that names them.
const atEndpoints = `config:
  batchaccess:workspaceId: ` + workspace + `
  batchaccess:location: westeurope
  batchaccess:role: { scope: endpoint }
  batchaccess:invokers:
    ann: { kind: user, objectId: ` + ann + ` }
    bob: { kind: user, objectId: 44444444-4444-4444-8444-444444444444 }
  batchaccess:clusters:
    cpu: {}
  batchaccess:storageAccounts:
    lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/Microsoft.Storage/` +
	`storageAccounts/lake
  batchaccess:dataInputs:
    rows: { kind: blob, storageAccount: lake, container: rows }
    cells: { kind: blob, storageAccount: lake, container: cells }
  batchaccess:endpoints:
    scorer: { cluster: cpu, inputs: [rows], invokers: [bob] }
    other: { cluster: cpu, inputs: [cells], invokers: [ann] }
  batchaccess:assertions:
    apart: { cannot: [ann], read: rows }
    starts: { cannot: [ann], start: scorer }
    agree: { only: [bob, "cluster:cpu"], read: rows }
`

// Invokers that are limited to endpoints are tested with jobs where they may start some, and by their roles elsewhere.
func TestAtEndpointScopeTheRestIsLookedFor(t *testing.T) {
	t.Parallel()
	o := options(t, atEndpoints)
	o.afterUp = func(ctx context.Context, r *rehearsal, _ deployed) error {
		assign(ctx, t, r, container, ann, roles.StorageBlobDataReader)
		assign(ctx, t, r, workspace+"/batchEndpoints/scorer", ann, roles.AzureMLDataScientist)
		return nil
	}
	report, err := Run(t.Context(), o)
	require.NoError(t, err)
	violated := map[string]string{}
	for _, v := range report.Violated() {
		violated[v.Name] = v.Because
	}
	assert.Contains(t, violated["apart"], "invoker ann: a job on a cluster that may mount everything read rows")
	assert.Contains(t, violated["agree"], "invoker ann")
	assert.Contains(t, violated["starts"], "invoker ann: the job on scorer with rows worked")
	var undeclared []string
	for _, o := range report.Failures() {
		if o.Want == mayNot && strings.Contains(o.Detail, "/batchEndpoints/scorer") {
			undeclared = append(undeclared, o.Invoker+" "+strings.Fields(o.Detail)[0])
		}
	}
	for _, action := range startsJobs {
		assert.Contains(t, undeclared, "ann "+action)
	}
	assert.Len(t, undeclared, len(startsJobs), "bob is named there")
}

func TestAViolatedAssertionFailsTheRehearsal(t *testing.T) {
	t.Parallel()
	r := &Report{Stack: "dev", Assertions: []access.Verdict{{Name: "good", Holds: true},
		{Name: "closed", Says: "nobody can read rows", Because: "ann did"}}}
	assert.False(t, r.Passed())
	var out bytes.Buffer
	require.NoError(t, r.Write(&out, false))
	assert.Contains(t, out.String(), "assertions: 1 of 2 held")
	assert.Contains(t, out.String(), "FAILED assertion closed: nobody can read rows\n  ann did")
	assert.Contains(t, out.String(), "rehearsal of stack dev: FAILED")
}
