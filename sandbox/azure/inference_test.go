package azure_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

const blob = "https://mydata.blob.core.windows.net/raw/heart"

func TestInvokingNamesTheFirstMissingAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	require.Equal(t, http.StatusCreated, w.invoke(alice, blob).status)

	actions := role.SeedActions()
	require.Len(t, actions, 35)
	for i, missing := range actions {
		rest := slices.Delete(slices.Clone(actions), i, i+1)
		require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole),
			definition("Invoker", rest)).status)
		got := w.invoke(alice, blob)
		require.Equal(t, http.StatusForbidden, got.status, missing)
		assert.Equal(t, "AuthorizationFailed", got.code())
		assert.Nil(t, got.at("error", "details"), "Azure's refusals have none")
		assert.Contains(t, got.message(), "'"+missing+"'")
		assert.Contains(t, got.message(), alice)
		at := "over scope '" + workspace + "'"
		if strings.Contains(missing, "/batchEndpoints/") {
			at = "over scope '" + endpoint + "'"
		}
		assert.Contains(t, got.message(), at)
	}
	got := w.invoke(bob, blob)
	assert.Contains(t, got.message(), "'"+actions[0]+"'", "a principal without any role lacks the first")
}

// facts/batch-endpoints.md, "Scope of each".
func TestEachActionIsWantedWhereItsResourceIs(t *testing.T) {
	t.Parallel()
	var atEndpoint, atWorkspace []string
	for _, action := range role.SeedActions() {
		if strings.Contains(action, "/batchEndpoints/") {
			atEndpoint = append(atEndpoint, action)
		} else {
			atWorkspace = append(atWorkspace, action)
		}
	}
	require.Len(t, atEndpoint, 6)
	const here, there = endpoint, workspace + "/batchEndpoints/other"
	for name, c := range map[string]struct {
		all, endpoints, others string // where each role is assigned; "" for nowhere
		refused                string // the action, and the place where it is missing
		at                     string
	}{
		"all at the workspace":                     {all: workspace},
		"all at the group":                         {all: group},
		"two roles, each where it is wanted":       {endpoints: here, others: workspace},
		"two roles, in other letter case":          {endpoints: strings.ToUpper(here), others: strings.ToLower(workspace)},
		"two roles, one of them too high":          {endpoints: workspace, others: group},
		"all at the endpoint: not the workspace's": {all: here, refused: atWorkspace[0], at: workspace},
		"at another endpoint":                      {endpoints: there, others: workspace, refused: atEndpoint[0], at: here},
		"at no endpoint":                           {others: workspace, refused: atEndpoint[0], at: here},
		"both at the endpoint":                     {endpoints: here, others: here, refused: atWorkspace[0], at: workspace},
		"only at the endpoint":                     {endpoints: here, refused: atWorkspace[0], at: workspace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for scope, actions := range map[*string][]string{
				&c.all: role.SeedActions(), &c.endpoints: atEndpoint, &c.others: atWorkspace,
			} {
				if *scope == "" {
					continue
				}
				id := uuid.NewString()
				require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(id), definition(id, actions)).status)
				w.assign(alice, id, *scope)
			}
			got := w.invoke(alice, blob)
			if c.refused == "" {
				assert.Equal(t, http.StatusCreated, got.status, got.body)
				return
			}
			assert.Equal(t, http.StatusForbidden, got.status, got.body)
			assert.Contains(t, got.message(), "'"+c.refused+"' over scope '"+c.at+"'")
		})
	}
}

func TestInvokingWantsATokenForMachineLearning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	valid := w.token(alice, ml)
	cut := strings.LastIndexByte(valid, '.')
	flipped := byte('A')
	if valid[cut+1] == 'A' {
		flipped = 'B'
	}
	other := start(t, azure.Options{}) // with another key
	for name, token := range map[string]string{
		"none":                          "",
		"a management token":            w.token(alice, management),
		"a graph token":                 w.token(alice, "https://graph.microsoft.com"),
		"a changed signature":           valid[:cut+1] + string(flipped) + valid[cut+2:],
		"another issuer's key":          other.token(alice, ml),
		"an assertion, though it is us": must(w.FederatedAssertion("https://sts.windows.net/"+tenantID+"/", alice, ml)),
	} {
		t.Run(name, func(t *testing.T) {
			got := w.send(http.MethodPost, "/inference/westeurope/heart/jobs", token, object("properties", object()))
			assert.Equal(t, http.StatusUnauthorized, got.status)
			assert.Contains(t, got.message(), "https://ml.azure.com")
			assert.Contains(t, got.header.Get("WWW-Authenticate"), "https://ml.azure.com")
		})
	}
	t.Run("a trailing slash makes no difference", func(t *testing.T) {
		got := w.send(http.MethodPost, "/inference/westeurope/heart/jobs", w.token(alice, ml+"/"),
			object("properties", object()))
		assert.Equal(t, http.StatusCreated, got.status, got.body)
	})
	t.Run("an expired token", func(t *testing.T) {
		w.SetClock(func() time.Time { return time.Now().Add(61 * time.Minute) })
		got := w.send(http.MethodPost, "/inference/westeurope/heart/jobs", valid, object("properties", object()))
		assert.Equal(t, http.StatusUnauthorized, got.status)
		assert.Contains(t, got.message(), "expired")
	})
}

func TestAJobMountsAsTheClusterAndReadsAsTheInvoker(t *testing.T) {
	t.Parallel()
	const keyless = workspace + "/datastores/keyless/paths/heart"
	identityBased := map[string]string{
		"blob URL":               blob,
		"Data Lake Gen2 URL":     "https://mydata.dfs.core.windows.net/raw/heart",
		"data store":             keyless,
		"Data Lake Gen2 store":   workspace + "/datastores/lake/paths/heart",
		"data asset":             workspace + "/data/heart/versions/1",
		"data store, lower case": strings.ToLower(keyless),
	}
	for name, uri := range identityBased {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.invoker(alice)

			got := w.outcome(w.invoke(alice, uri))
			assert.Equal(t, "Failed", got.at("properties", "status"))
			details := got.at("properties", "error", "details")
			assert.Equal(t, "mount", detail(details, "hop"))
			assert.Equal(t, "in", detail(details, "input"))
			assert.Equal(t, machine, detail(details, "identity"))
			assert.Equal(t, strings.ToLower(container), strings.ToLower(detail(details, "storage")))
			assert.Contains(t, got.at("properties", "error", "message"),
				"StreamAccessException was caused by AuthenticationException.")

			reader := w.assign(machine, readerRole, container)
			got = w.outcome(w.invoke(alice, uri))
			details = got.at("properties", "error", "details")
			assert.Equal(t, "read", detail(details, "hop"))
			assert.Equal(t, alice, detail(details, "identity"))
			assert.Contains(t, got.at("properties", "error", "message"), alice)

			w.assign(alice, readerRole, account)
			assert.Equal(t, "Completed", w.outcome(w.invoke(alice, uri)).at("properties", "status"))

			require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, reader, nil).status)
			got = w.outcome(w.invoke(alice, uri))
			assert.Equal(t, "mount", detail(got.at("properties", "error", "details"), "hop"),
				"the invoker's right is not the cluster's")
		})
	}
}

func TestAStoreWithCredentialsNeedsNoIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	for _, uri := range []string{workspace + "/datastores/keyed/paths/x", workspace + "/data/keyed/versions/1"} {
		assert.Equal(t, "Completed", w.outcome(w.invoke(alice, uri)).at("properties", "status"), uri)
	}
}

func TestAControlPlaneRoleDoesNotReadBlobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assign(machine, controlReader, account)
	got := w.outcome(w.invoke(w.Deployer().ObjectID, blob))
	assert.Equal(t, "mount", detail(got.at("properties", "error", "details"), "hop"))
	w.assign(machine, readerRole, account)
	got = w.outcome(w.invoke(w.Deployer().ObjectID, blob)) // Owner: all actions, no data actions
	assert.Equal(t, "read", detail(got.at("properties", "error", "details"), "hop"))
}

func TestMembersOfAGroupHoldItsRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(everyone) // bob is in it through scientists
	w.assign(scientists, readerRole, account)
	w.assign(machine, readerRole, account)
	assert.Equal(t, "Completed", w.outcome(w.invoke(bob, blob)).at("properties", "status"))
	assert.Equal(t, http.StatusForbidden, w.invoke(alice, blob).status)

	require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, "/beta/groups/"+scientists+"/members/"+bob+"/$ref",
		nil).status)
	assert.Equal(t, http.StatusForbidden, w.invoke(bob, blob).status)
}

func TestOutputsAreWrittenByTheInvoker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	w.assign(machine, readerRole, account)
	output := func(uri string) any {
		return object("properties", object("OutputData", object("scores", object("JobOutputType", "UriFolder", "Uri", uri))))
	}
	results := workspace + "/datastores/results/paths/scores"
	w.assign(alice, readerRole, account)
	got := w.outcome(w.post(alice, output(results)))
	assert.Equal(t, "write", detail(got.at("properties", "error", "details"), "hop"),
		"a cluster that may only read writes no output")
	assert.Equal(t, "ScriptExecution.WriteStreams.Authentication", got.at("properties", "error", "code"))
	assert.Contains(t, got.at("properties", "error", "message"), "the cluster identity "+machine)
	assert.Equal(t, "scores", detail(got.at("properties", "error", "details"), "output"))
	w.assign(machine, writerRole, account)
	got = w.outcome(w.post(alice, output(results)))
	assert.Equal(t, "write", detail(got.at("properties", "error", "details"), "hop"))
	w.assign(alice, writerRole, account)
	assert.Equal(t, "Completed", w.outcome(w.post(alice, output(results))).at("properties", "status"))

	for _, uri := range []string{blob, workspace + "/datastores/lake/paths/x"} {
		got := w.post(alice, output(uri))
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, got.message(), "properties.OutputData.scores.Uri")
	}
}

func TestAJobWithoutACluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	got := w.outcome(w.invoke(alice, blob, "azureml-model-deployment", "green"))
	assert.Equal(t, "mount", detail(got.at("properties", "error", "details"), "hop"))
	assert.Contains(t, got.at("properties", "error", "message"), workspace+"/computes/nowhere")
	assert.Equal(t, http.StatusNotFound, w.invoke(alice, blob, "azureml-model-deployment", "red").status)
}

func TestUserAssignedIdentitiesOfAClusterMount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	w.assign(alice, readerRole, account)
	identity := group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mounter"
	made := w.arm(http.MethodPut, identity, object("location", "westeurope"))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	cluster := func(identityBlock any) {
		got := w.arm(http.MethodPut, workspace+"/computes/nowhere", clusterBody(identityBlock))
		require.Less(t, got.status, 300, got.body)
	}
	run := func() answer { return w.outcome(w.invoke(alice, blob, "azureml-model-deployment", "green")) }

	cluster(nil)
	assert.Contains(t, run().at("properties", "error", "message"), "no managed identity")
	cluster(object("type", "UserAssigned", "userAssignedIdentities", object(identity, object())))
	assert.Equal(t, made.at("properties", "principalId"), detail(run().at("properties", "error", "details"), "identity"))
	w.assign(made.at("properties", "principalId").(string), readerRole, container)
	assert.Equal(t, "Completed", run().at("properties", "status"))
}

// Several user-assigned identities: the cluster mounts with the first, in the order in which they were sent.
func TestTheFirstIdentityOfAClusterMounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	w.assign(alice, readerRole, account)
	const a, b = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aaa", group +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/bbb"
	principals := map[string]string{}
	for _, id := range []string{a, b} {
		principals[id] = w.arm(http.MethodPut, id, object("location", "westeurope")).at("properties", "principalId").(string)
	}
	w.assign(principals[b], readerRole, container)
	for _, test := range []struct{ first, second, status string }{{b, a, "Completed"}, {a, b, "Failed"}} {
		body, err := json.Marshal(clusterBody(object("type", "UserAssigned", "userAssignedIdentities",
			object("FIRST", object()))))
		require.NoError(t, err)
		text := strings.Replace(string(body), `"FIRST":{}`, `"`+test.first+`":{},"`+test.second+`":{}`, 1)
		require.Less(t, w.arm(http.MethodPut, workspace+"/computes/nowhere", text).status, 300)
		assert.Equal(t, test.status, w.outcome(w.invoke(alice, blob, "azureml-model-deployment",
			"green")).at("properties", "status"))
	}
}

// The identity of a cluster whose location is not its workspace's does not work, without an error; the nodes may be
// elsewhere.
func TestAClusterMountsIfItsLocationIsTheWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	w.assign(alice, readerRole, account)
	for location, status := range map[string]string{"West Europe": "Completed", "northeurope": "Failed"} {
		body := clusterBody(object("type", "SystemAssigned")).(map[string]any)
		body["location"] = location
		body["properties"].(map[string]any)["computeLocation"] = "northeurope"
		at := workspace + "/computes/nowhere"
		made := w.arm(http.MethodPut, at, body)
		require.Equal(t, http.StatusCreated, made.status, made.body)
		assert.Equal(t, "northeurope", made.at("properties", "computeLocation"))
		w.assign(made.at("identity", "principalId").(string), readerRole, container)
		got := w.outcome(w.invoke(alice, blob, "azureml-model-deployment", "green"))
		assert.Equal(t, status, got.at("properties", "status"), location)
		w.arm(http.MethodDelete, at+"?underlyingResourceAction=Delete", nil)
		w.wait()
	}
}

func TestRequestsForJobsAreValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	input := func(pairs ...any) any {
		return object("properties", object("InputData", object("in", object(pairs...))))
	}
	for name, test := range map[string]struct {
		body     any
		property string
	}{
		"no JSON":       {"{", "body"},
		"no properties": {object(), "properties"},
		"MLTable":       {input("JobInputType", "MLTable", "Uri", blob), "properties.InputData.in.JobInputType"},
		"no type":       {input("Uri", blob), "properties.InputData.in.JobInputType"},
		"unknown type":  {input("JobInputType", "Folder", "Uri", blob), "properties.InputData.in.JobInputType"},
		"no URI":        {input("JobInputType", "UriFile"), "properties.InputData.in.Uri"},
		"http": {input("JobInputType", "UriFile", "Uri", "http://mydata.blob.core.windows.net/raw/x"),
			"properties.InputData.in.Uri"},
		"data store, no path": {input("JobInputType", "UriFolder", "Uri", workspace+"/datastores/keyed"),
			"properties.InputData.in.Uri"},
		"a workspace":          {input("JobInputType", "UriFolder", "Uri", workspace), "properties.InputData.in.Uri"},
		"literal without data": {input("JobInputType", "Literal"), "properties.InputData.in.Value"},
		"literal that is an object": {input("JobInputType", "Literal", "Value", object("a", 1)),
			"properties.InputData.in.Value"},
		"literal and a URI": {input("JobInputType", "Literal", "Value", 1, "Uri", blob), "properties.InputData.in.Uri"},
		"URI and a literal": {input("JobInputType", "UriFolder", "Value", 1, "Uri", blob),
			"properties.InputData.in.Value"},
		"unknown mode": {input("JobInputType", "UriFolder", "Mode", "Surprise", "Uri", blob),
			"properties.InputData.in.Mode"},
		"an output's key": {input("JobInputType", "UriFolder", "JobOutputType", "UriFile", "Uri", blob),
			"properties.InputData.in.JobOutputType"},
		"several inputs for a model": {object("properties", object("InputData", object(
			"one", object("JobInputType", "UriFolder", "Uri", blob), "two", object("JobInputType", "UriFolder", "Uri", blob)))),
			"properties.InputData"},
		"a URL without a host": {input("JobInputType", "UriFile", "Uri", "https:///raw/x"), "properties.InputData.in.Uri"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.post(alice, test.body)
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.Equal(t, "ValidationError", got.code())
			assert.True(t, strings.HasPrefix(got.message(), test.property+":"), got.message())
		})
	}
	assert.Equal(t, "Completed", w.outcome(w.post(alice, input("JobInputType", "Literal", "Value", 3))).at("properties",
		"status"))
}

// Who reads, and whether the read is within a path limit, depends on these in ways that no document states.
func TestWhatElseAJobMayNameIsNotModelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	const host = "https://mydata.blob.core.windows.net"
	for _, uri := range []string{
		host + "/raw/heart?sv=2024-11-04&sig=x", host + "/raw/heart?", host + "/raw/../other/heart", host + "/raw/./heart",
		host + ":443/raw/heart", "https://u:p@mydata.blob.core.windows.net/raw/heart", host + "/raw/heart#a",
		host + "/raw%2Fheart", workspace + "/datastores/keyed/paths/../x", "azureml://datastores/keyed/paths/a/../../x",
	} {
		got := w.post(alice, object("properties", object("InputData", object("in", object("JobInputType", "UriFolder",
			"Uri", uri)))))
		assert.Equal(t, http.StatusNotImplemented, got.status, uri)
		assert.Equal(t, "NotModelledBySandbox", got.code(), uri)
	}
	for mode, status := range map[string]int{"ReadOnlyMount": http.StatusCreated, "readonlymount": http.StatusCreated,
		"Download": http.StatusNotImplemented, "Direct": http.StatusNotImplemented} {
		got := w.post(alice, object("properties", object("InputData", object("in", object("JobInputType", "UriFolder",
			"Mode", mode, "Uri", blob)))))
		assert.Equal(t, status, got.status, mode)
	}
}

func TestPollingIsNotAmongTheSeedsActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	job := "/inference/westeurope/heart/jobs/" + w.invoke(alice, blob).body["name"].(string)
	got := w.send(http.MethodGet, job, w.token(alice, ml), nil)
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.Contains(t, got.message(), "'Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/read'")

	poll := uuid.NewString()
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(poll), definition("Poller",
		[]string{"Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/read"})).status)
	w.assign(alice, poll, endpoint)
	assert.Equal(t, http.StatusOK, w.send(http.MethodGet, job, w.token(alice, ml), nil).status)
	assert.Equal(t, http.StatusNotFound, w.send(http.MethodGet, job+"x", w.token(alice, ml), nil).status)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func clusterBody(identity any) any {
	return object("location", "westeurope", "identity", identity, "properties",
		object("computeType", "AmlCompute", "properties",
			object("vmSize", "Standard_DS3_v2", "scaleSettings",
				object("minNodeCount", 0, "maxNodeCount", 2, "nodeIdleTimeBeforeScaleDown", "PT5M"))))
}

// Of a deployment that was made here it is known that it is one of a model.
func TestADeploymentOfAModelTakesOneInputAndOneOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	deployment := workspace + "/batchEndpoints/heart/deployments/"
	body := object("location", "westeurope", "properties", object("compute", workspace+"/computes/cpu"))
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, deployment+"made", body).status)
	in := object("JobInputType", "UriFolder", "Uri", blob)
	out := func(path string) any {
		return object("JobOutputType", "UriFile", "Uri", workspace+"/datastores/results/paths/"+path)
	}
	for name, test := range map[string]struct {
		inputs, outputs map[string]any
		want            string // begins the message
	}{
		"no input":    {object(), object(), "properties.InputData:"},
		"two inputs":  {object("a", in, "b", in), object(), "properties.InputData:"},
		"a literal":   {object("a", object("JobInputType", "Literal", "Value", 1)), object(), "properties.InputData.a:"},
		"two outputs": {object("a", in), object("x", out("x"), "y", out("y")), "properties.OutputData:"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.post(alice, object("properties", object("InputData", test.inputs, "OutputData", test.outputs)),
				"azureml-model-deployment", "made")
			assert.Equal(t, "ValidationError", got.code())
			assert.True(t, strings.HasPrefix(got.message(), test.want), got.message())
		})
	}
	got := w.post(alice, object("properties", object("InputData", object("a", in), "OutputData", object("x", out("x")))),
		"azureml-model-deployment", "made")
	assert.Equal(t, http.StatusCreated, got.status, got.body)
	for _, name := range []string{"ab", strings.Repeat("a", 33), "a--b", "1ab", "ab-", "a_b"} {
		assert.Equal(t, "InvalidResourceName", w.arm(http.MethodPut, deployment+name, body).code(), name)
	}
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, deployment+strings.Repeat("a", 32), body).status)
}
