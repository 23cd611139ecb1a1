package review_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

const inML = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml"

// partnered is a stack in which partner may start jobs and reads nothing directly.
func partnered(t *testing.T, changes ...func(*access.Model)) review.Configured {
	t.Helper()
	const providers = inML + "/providers/"
	m := access.Model{
		WorkspaceID:     access.Known(providers + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(providers + "Microsoft.Storage/storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{
			"sales": {Kind: access.Blob, StorageAccount: "lake", Container: "sales"}},
		Invokers: map[string]access.Invoker{
			"ann":     {Kind: access.User, PrincipalID: access.Known("00000001-0000-4000-8000-000000000000")},
			"partner": {Kind: access.User, PrincipalID: access.Known("00000002-0000-4000-8000-000000000000")}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}}},
	}
	for _, change := range changes {
		change(&m)
	}
	p, ps := access.Compile(m)
	require.NotNil(t, p, "%v", ps.Err())
	return review.Configured{Plan: p}
}

func compared(old, now review.Configured) review.Review {
	return review.Compare("dev", old, now, review.Options{Now: time.Unix(0, 0), Guardrails: guardrails.DefaultConfig()})
}

func as(*access.Model) {}

func noPartner(m *access.Model) { delete(m.Invokers, "partner") }

// allowing gives the invokers a role with these actions, at the resource group.
func allowing(actions ...string) func(*access.Model) {
	return func(m *access.Model) {
		m.Role = access.Role{Scope: access.AtResourceGroup, Definition: `{"roleName": "r", "permissions": [{"actions": ["` +
			strings.Join(actions, `", "`) + `"]}], "assignableScopes": ["` + inML + `"]}`}
	}
}

const (
	ofWorkspaces = "Microsoft.MachineLearningServices/workspaces/"
	startsJobs   = ofWorkspaces + "batchEndpoints/jobs/write"
)

// A new indirect way is new access. A way that existed, or was a direct one of the same people, is not.
func TestIndirectWaysOpenAndClose(t *testing.T) {
	t.Parallel()
	const way = "partner can read sales as cluster cpu, by changing the deployment of score " +
		"(batchEndpoints/deployments/write of Batch Endpoint Invoker on workspace)"
	change := review.WayChange{Who: []string{"partner"}, Input: "sales", Change: "opens", Way: way, Risk: review.High}
	closed := change
	closed.Change, closed.Risk = "closes", review.Low
	for name, test := range map[string]struct {
		old, now func(*access.Model)
		want     []review.WayChange
	}{
		"nothing changes": {as, as, nil},
		"an invoker more": {noPartner, as, []review.WayChange{change}},
		"who read it directly": {func(m *access.Model) {
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"sales"}}
		}, as, nil},
		"one less": {as, noPartner, []review.WayChange{closed}},
		"a role that changes code": {func(m *access.Model) {
			allowing(startsJobs)(m)
			m.Role.Scope = access.AtWorkspace
			m.Role.Definition = strings.Replace(m.Role.Definition, inML+`"`, m.WorkspaceID.Text()+`"`, 1)
		}, as, []review.WayChange{change}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := compared(partnered(t, test.old), partnered(t, test.now))
			var got []review.WayChange
			for _, w := range r.Ways {
				if w.Input != "" {
					got = append(got, exported(w))
				}
			}
			assert.Equal(t, test.want, got)
			opens := len(test.want) > 0 && test.want[0].Change == "opens"
			assert.Equal(t, opens, r.NewAccess && r.Risk == review.High)
		})
	}
}

// exported is a change in the JSON form.
func exported(w review.WayChange) review.WayChange {
	return review.WayChange{Who: w.Who, Input: w.Input, Output: w.Output, Ends: w.Ends, Writes: w.Writes,
		Change: w.Change, Way: w.Way, EveryInvoker: w.EveryInvoker, Undecided: w.Undecided, Risk: w.Risk}
}

// Ways also end at outputs, identities, secrets and grants, and at data that is written.
func TestIndirectWaysToAllThatTheyEndAt(t *testing.T) {
	t.Parallel()
	no := false
	existing := func(definition string) func(*access.Model) {
		return func(m *access.Model) {
			m.Role = access.Role{RoleDefinitionID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111" +
				"/providers/Microsoft.Authorization/roleDefinitions/5ff11111-1111-4111-8111-111111111111"),
				Definition: definition}
		}
	}
	const reading = `{"roleName": "r", "permissions": [{"actions": ["` + startsJobs + `", "` + ofWorkspaces +
		`batchEndpoints/deployments/write"]}], "assignableScopes": ["` + inML + `"]}`
	output := func(m *access.Model) {
		m.DataOutputs = map[string]access.DataOutput{
			"scores": {DataStore: "results", CredentialInStore: &no, Path: "p", StorageAccount: "lake", Container: "scores"}}
		m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"sales"}, Outputs: []string{"scores"},
			Invokers: []string{"ann"}}
	}
	outputOfAll := func(m *access.Model) {
		output(m)
		m.Endpoints["more"] = access.Endpoint{Cluster: "cpu", Outputs: []string{"scores"}, Invokers: []string{"partner"}}
	}
	pullRequests := func(m *access.Model) {
		m.Invokers["pipeline"] = access.Invoker{Kind: access.ServicePrincipal,
			FederatedCredentials: map[string]signin.FederatedCredential{"prs": {
				GitHub: &signin.GitHubSubject{Repository: "o/r", PullRequest: true}}}}
	}
	group := func(m *access.Model) {
		m.Invokers["team"] = access.Invoker{Kind: access.Group,
			PrincipalID: access.Known("00000003-0000-4000-8000-000000000000")}
	}
	const (
		listKeys = "Microsoft.Storage/storageAccounts/listKeys/action"
		assigns  = "Microsoft.Authorization/roleAssignments/write"
	)
	for name, test := range map[string]struct {
		old, now func(*access.Model)
		want     []string // change, who, risk and end; a star marks a way that the article gives every invoker
	}{
		"an output":                             {as, output, []string{"opens partner high write scores"}},
		"an output that somebody wrote by jobs": {outputOfAll, output, nil},
		"an output that goes":                   {output, as, []string{"closes partner low write scores"}},
		"keys of an account, and writing with them": {allowing(startsJobs), allowing(startsJobs, listKeys), []string{
			"opens ann,partner high the keys of storage account lake",
			"opens partner high read and write sales"}},
		"keys that go": {allowing(startsJobs, listKeys), allowing(startsJobs), []string{
			"closes ann,partner low the keys of storage account lake",
			"closes partner low read and write sales"}},
		"role assignments": {allowing(startsJobs, ofWorkspaces+"batchEndpoints/deployments/write", listKeys),
			allowing(startsJobs, ofWorkspaces+"batchEndpoints/deployments/write", listKeys, assigns),
			[]string{"opens ann,partner high role assignments at the resourceGroup"}},
		"a cluster more": {as, func(m *access.Model) { m.Clusters["gpu"] = access.Cluster{} }, []string{
			"opens ann,partner medium cluster:gpu *"}},
		"a cluster more that runs something": {as, func(m *access.Model) {
			m.Clusters["gpu"] = access.Cluster{}
			m.Endpoints["big"] = access.Endpoint{Cluster: "gpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}}
		}, []string{"opens ann,partner medium cluster:gpu *"}},
		"pull requests":     {as, pullRequests, []string{"opens pull requests of o/r high pipeline"}},
		"owners of a group": {as, group, []string{"opens owners of team medium team"}},
		"a role of which it is told what it allows": {existing(""), existing(reading), []string{
			"decided ann,partner medium cluster:cpu *", "decided partner medium read sales",
			"closes ann,partner low role assignments at the workspace",
			"closes ann,partner low the secrets of the workspace's notebooks", "closes ann,partner low secrets *",
			"closes ann,partner low what data stores and assets stand for *",
			"closes ann,partner low the keys of the workspace's storage account *"}},
		"a role of which nobody knows any more what it allows": {existing(reading), existing(""), []string{
			"opens ann,partner medium role assignments at the workspace",
			"opens ann,partner medium the secrets of the workspace's notebooks", "opens ann,partner medium secrets *",
			"opens ann,partner medium what data stores and assets stand for *",
			"opens ann,partner medium the keys of the workspace's storage account *"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := compared(partnered(t, test.old), partnered(t, test.now))
			var got []string
			opened := false
			for _, w := range r.Ways {
				who, ends := strings.Join(w.Who, ","), w.Ends
				opened = opened || w.Change == "opens"
				switch {
				case w.Output != "":
					ends = "write " + w.Output
				case w.Input != "" && w.Writes:
					ends = "read and write " + w.Input
				case w.Input != "":
					ends = "read " + w.Input
				}
				if strings.HasPrefix(name, "pull") && who == "pipeline" || strings.HasPrefix(name, "owners") && who == "team" {
					continue // another test checks what a new invoker gets
				}
				line := w.Change + " " + who + " " + string(w.Risk) + " " + ends
				if w.EveryInvoker {
					line += " *"
				}
				got = append(got, line)
			}
			assert.ElementsMatch(t, test.want, got)
			if opened {
				assert.True(t, r.NewAccess)
			}
			if len(got) == 0 {
				assert.NotContains(t, r.Verdict, "indirect")
			}
		})
	}
}

// Ways that the article's actions give to every invoker have one row for all of them. Ways by other actions, or of only
// some invokers, have their own rows.
func TestWaysOfEveryInvokerAreReportedOnce(t *testing.T) {
	t.Parallel()
	many := func(m *access.Model) {
		for _, name := range []string{"carl", "dora", "emil"} {
			m.Invokers[name] = access.Invoker{Kind: access.User, PrincipalID: access.Known("0000000" +
				string(name[0]-'c'+'3') + "-0000-4000-8000-000000000000")}
		}
	}
	additions := func(m *access.Model) { m.Role.Additions = []string{"pollJobs"} }
	rows := func(r review.Review) (all []string) {
		var text bytes.Buffer
		require.NoError(t, review.Text(&text, r))
		_, after, _ := strings.Cut(text.String(), "INDIRECT WAYS\n")
		after, _, _ = strings.Cut(after, "\n\n")
		for line := range strings.Lines(after) {
			if strings.Contains(line, "reach") {
				all = append(all, strings.Join(strings.Fields(line), " "))
			}
		}
		return all
	}
	const (
		sure = " can reach cluster:cpu; the keys of the workspace's storage account; what data stores and assets stand for" +
			", by the article's 35 actions"
		unsure = " may reach secrets, by the article's 35 actions"
	)
	cut := func(who string) string {
		return "; to cut them, for " + who + " as for each, take Batch Endpoint Invoker on workspace scoring away from " +
			who + "; then this stops: start jobs"
	}
	all := rows(compared(review.Configured{}, partnered(t, many)))
	assert.Equal(t, []string{"medium opens every invoker" + sure + cut("ann"),
		"medium opens every invoker" + unsure + cut("ann")}, all)
	some := rows(compared(partnered(t), partnered(t, many)))
	assert.Equal(t, []string{"medium opens carl, dora, emil" + sure + ", as every invoker" + cut("carl"),
		"medium opens carl, dora, emil" + unsure + ", as every invoker" + cut("carl")}, some)
	assert.Equal(t, some, rows(compared(partnered(t, additions), partnered(t, additions, many))), "additions bring none")
	narrow := rows(compared(review.Configured{}, partnered(t, many, allowing(startsJobs, ofWorkspaces+"listKeys/action",
		"Microsoft.Authorization/roleAssignments/write"))))
	assert.NotEmpty(t, narrow)
	for _, row := range narrow {
		if strings.Contains(row, "role assignments") {
			assert.Contains(t, row, "high opens ann, carl, dora, emil, partner can reach role assignments")
			return
		}
	}
	assert.Fail(t, "who may write role assignments is not told", "%v", narrow)
}
