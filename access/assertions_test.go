package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// scoring has two endpoints, each with its own input, invoker and cluster, and one input whose store has a credential.
func scoring() access.Model {
	return access.Model{
		WorkspaceID: workspaceID,
		Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: objectID(1)},
			"bob": {Kind: access.User, PrincipalID: objectID(2)}},
		Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
		DataInputs: map[string]access.DataInput{
			"payroll": {Kind: access.Blob, StorageAccount: "lake", Container: "payroll"},
			"images":  {Kind: access.Blob, StorageAccount: "lake", Container: "images"},
			"public":  {Kind: access.DataStore, DataStore: "public", Path: "p", CredentialInStore: boolPtr(true)},
		},
		Endpoints: map[string]access.Endpoint{
			"pay":    {Cluster: "cpu", Inputs: []string{"payroll", "public"}, Invokers: []string{"ann"}},
			"tagger": {Cluster: "gpu", Inputs: []string{"images"}, Invokers: []string{"bob"}},
		},
	}
}

func TestAssertionsHoldOrSayWhoGainsItHow(t *testing.T) {
	t.Parallel()
	dataScientist := func(m *access.Model) { m.Role.BuiltIn = "AzureML Data Scientist" }
	owner := func(at access.Level) func(*access.Model) {
		return func(m *access.Model) { m.Role.BuiltIn, m.Role.Scope = "Owner", at }
	}
	for name, c := range map[string]struct {
		a       access.Assertion
		change  func(*access.Model)
		because string // "" if it holds
	}{
		"can start": {access.Assertion{Can: []string{"ann"}, Start: "pay"}, nil, ""},
		"can start, but its data is closed": {access.Assertion{Can: []string{"ann", "bob"}, Start: "tagger"}, nil,
			"invoker ann: a job on tagger with images fails at read: invoker ann needs Storage Blob Data Reader on lake/images"},
		"can start with a role that lacks an action": {access.Assertion{Can: []string{"ann"}, Start: "pay"}, dataScientist,
			"fails at invoke"},
		"cannot start: the role is for all endpoints": {access.Assertion{Cannot: []string{"bob"}, Start: "pay"}, nil,
			"invoker bob: starts jobs by Batch Endpoint Invoker on workspace"},
		"cannot start for want of an action": {access.Assertion{Cannot: []string{"bob"}, Start: "pay"}, dataScientist, ""},
		"only all start":                     {access.Assertion{Only: []string{"ann", "bob"}, Start: "pay"}, nil, ""},
		"only one starts":                    {access.Assertion{Only: []string{"ann"}, Start: "pay"}, nil, "invoker bob"},
		"can read": {access.Assertion{Can: []string{"ann", "cluster:cpu"}, Read: "payroll"}, nil,
			""},
		"can read what no endpoint reads": {access.Assertion{Can: []string{"ann"}, Read: "payroll"},
			func(m *access.Model) { delete(m.Endpoints, "pay") },
			"no endpoint reads payroll"},
		"cannot read": {access.Assertion{Cannot: []string{"bob", "cluster:gpu"}, Read: "payroll"}, nil, ""},
		"cannot read what it is granted": {access.Assertion{Cannot: []string{"ann"}, Read: "payroll"}, nil,
			"invoker ann: reads by Storage Blob Data Reader on lake/payroll, granted to read payroll through pay"},
		"cannot read what is granted for something else": {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"},
			func(m *access.Model) {
				d := m.DataInputs["images"]
				d.Scope = access.AtAccount
				m.DataInputs["images"] = d
			}, "reads by Storage Blob Data Reader on lake, granted to read images through tagger"},
		"cannot read what the store opens to any job": {access.Assertion{Cannot: []string{"bob"}, Read: "public"}, nil,
			"in any job the store's own credential reads public"},
		"cannot read by an ACL": {access.Assertion{Cannot: []string{"ann"}, Read: "payroll"}, func(m *access.Model) {
			m.DataInputs["payroll"] = access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "payroll",
				Path: "all", GrantedBy: access.ByACL}
		}, "reads by the ACL r-x on lake/payroll/all"},
		"cannot read, but part of it is open": {access.Assertion{Cannot: []string{"bob"}, Read: "everything"},
			func(m *access.Model) {
				m.DataInputs["everything"] = access.DataInput{Kind: access.DataStore, DataStore: "e", Path: "p",
					CredentialInStore: boolPtr(false), StorageAccount: "lake"}
			}, "Storage Blob Data Reader on lake/images"},
		"an Owner of the workspace reads no storage": {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"},
			owner(access.AtWorkspace), ""},
		"an Owner of the subscription does, by its keys": {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"},
			owner(access.AtSubscription), "reads storage by Owner on subscription"},
		"an Owner of another group does not": {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"},
			owner(access.AtResourceGroup), ""},
		"only with the cluster that mounts": {access.Assertion{Only: []string{"ann", "cluster:cpu"}, Read: "payroll"}, nil,
			""},
		"only without the cluster that mounts": {access.Assertion{Only: []string{"ann"}, Read: "payroll"}, nil,
			"cluster cpu: reads by Storage Blob Data Reader on lake/payroll"},
		"only some do a risk": {access.Assertion{Only: []string{"ann"}, Do: "readsSecrets"}, nil,
			"invoker bob: has Microsoft.MachineLearningServices/workspaces/listStorageAccountKeys/action (and 4 more of " +
				"readsSecrets) by Batch Endpoint Invoker on workspace"},
		"nobody does a risk": {access.Assertion{Only: []string{}, Do: "grantsAccess"}, nil, ""},
		"nobody does a risk, but an Owner": {access.Assertion{Only: []string{}, Do: "grantsAccess"}, owner(""),
			"Microsoft.Authorization/roleAssignments/write"},
		"can do an action": {access.Assertion{Can: []string{"ann"}, Do: "microsoft.machinelearningservices/Workspaces/Read"},
			nil, ""},
		"cannot do an action": {access.Assertion{Cannot: []string{"ann"},
			Do: "Microsoft.MachineLearningServices/workspaces/jobs/read"}, nil, ""},
		"a workspace's Owner has no storage keys": {access.Assertion{Only: []string{},
			Do: "Microsoft.Storage/storageAccounts/listkeys/action"}, owner(access.AtWorkspace), ""},
		"a group's Owner has": {access.Assertion{Only: []string{}, Do: "Microsoft.Storage/storageAccounts/listkeys/action"},
			owner(access.AtResourceGroup), "listkeys/action by Owner on resourceGroup"},
		"a data action is none of the control plane": {access.Assertion{Cannot: []string{"bob"},
			Do: "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"}, owner(access.AtSubscription), ""},
		"a cluster identity that writes can delete": {access.Assertion{Only: []string{"ann"}, Do: "destroysData"},
			func(m *access.Model) {
				m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "o", Path: "p", CredentialInStore: boolPtr(false),
					StorageAccount: "lake", Container: "out"}}
				m.Endpoints["pay"] = access.Endpoint{Cluster: "cpu", Outputs: []string{"out"}, Invokers: []string{"ann"}}
			}, "cluster cpu: has Microsoft.Storage/storageAccounts/blobServices/containers/delete (and 1 more of " +
				"destroysData) by Storage Blob Data Contributor on lake/out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := scoring()
			if c.change != nil {
				c.change(&m)
			}
			require.NoError(t, validate(m).Err())
			m.Assertions = map[string]access.Assertion{"it": c.a}
			v := compile(m).Verdicts[0]
			ps := validate(m)
			assert.Equal(t, c.because == "", v.Holds, v.Because)
			assert.Contains(t, v.Because, c.because)
			assert.NotEmpty(t, v.Because)
			assert.Equal(t, v.Holds, v.Fix == "")
			require.NoError(t, ps.Without(problem.Violation).Err())
			if v.Holds {
				require.NoError(t, ps.Err())
				return
			}
			require.ErrorContains(t, ps.Err(), "assertions.it: \""+c.a.String()+"\" does not hold: "+v.Because+"; "+v.Fix)
		})
	}
}

func TestAnAssertionThatIsNoneIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a               access.Assertion
		path, what, fix string
	}{
		"nobody asserted": {access.Assertion{Read: "payroll"}, "assertions.it", "gives 0 of can, cannot, only",
			"exactly one"},
		"two at once": {access.Assertion{Can: []string{"ann"}, Only: []string{}, Read: "payroll"}, "assertions.it",
			"gives 2 of can, cannot, only", "exactly one"},
		"nothing asserted": {access.Assertion{Can: []string{"ann"}}, "assertions.it", "gives 0 of start, read, do",
			"exactly one"},
		"two things": {access.Assertion{Can: []string{"ann"}, Read: "payroll", Start: "pay"}, "assertions.it",
			"gives 2 of start, read, do", "exactly one"},
		"an empty list": {access.Assertion{Cannot: []string{}, Read: "payroll"}, "assertions.it.cannot", "names nobody",
			"only: []"},
		"an unknown invoker": {access.Assertion{Can: []string{"bob", "anne"}, Read: "payroll"}, "assertions.it.can[1]",
			`is called "anne"`, `did you mean "ann"?`},
		"an unknown cluster": {access.Assertion{Only: []string{"cluster:cpus"}, Read: "payroll"}, "assertions.it.only[0]",
			`is called "cluster:cpus"`, `did you mean "cluster:cpu"?`},
		"a cluster that starts": {access.Assertion{Can: []string{"cluster:cpu"}, Start: "pay"}, "assertions.it.can[0]",
			`is called "cluster:cpu"`, "ann, bob"},
		"an unknown endpoint": {access.Assertion{Can: []string{"ann"}, Start: "pays"}, "assertions.it.start",
			`no endpoint is called "pays"`, `did you mean "pay"?`},
		"an unknown input": {access.Assertion{Can: []string{"ann"}, Read: "payrol"}, "assertions.it.read",
			`no data input is called "payrol"`, `did you mean "payroll"?`},
		"an unknown risk": {access.Assertion{Can: []string{"ann"}, Do: "readSecrets"}, "assertions.it.do",
			`unknown value "readSecrets"`, `did you mean "readsSecrets"?`},
		"a wildcard": {access.Assertion{Can: []string{"ann"}, Do: "Microsoft.MachineLearningServices/*"}, "assertions.it.do",
			"holds a wildcard", "name one action"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := scoring()
			m.Assertions = map[string]access.Assertion{"it": c.a, "other": {Cannot: []string{"ann"}, Read: "payroll"}}
			ps := validate(m)
			require.NotEmpty(t, ps)
			assert.Equal(t, c.path, ps[0].Path)
			assert.Contains(t, ps[0].What, c.what)
			assert.Contains(t, ps[0].Fix, c.fix)
			for _, p := range ps {
				assert.False(t, p.Code == problem.Violation, "nothing is judged while the model is wrong: %v", p)
			}
		})
	}
}

func TestAnActionThatIsNotKnownIsAWarning(t *testing.T) {
	t.Parallel()
	m := scoring()
	m.Assertions = map[string]access.Assertion{"it": {Cannot: []string{"ann"},
		Do: "Microsoft.MachineLearningServices/workspaces/listStorageAccountKey/action"}}
	ps := validate(m)
	require.NoError(t, ps.Err(), "it holds")
	require.Len(t, ps, 1)
	assert.Equal(t, "assertions.it.do", ps[0].Path)
}
