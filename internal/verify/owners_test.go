package verify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
)

// graph sends a request to Microsoft Graph as the deployer, and returns the id and appId of the answer.
func (w *world) graph(method, path, body string) (id, appID string) {
	w.t.Helper()
	token, err := w.azure.SignIn(w.t.Context(), w.azure.Deployer().ObjectID, w.cloud.Graph)
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.cloud.Graph+"/v1.0"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	var answer struct{ ID, AppID string }
	w.send(req, &answer)
	return answer.ID, answer.AppID
}

// manage sends a request to Resource Manager as the deployer, and reads the answer; into may be nil.
func (w *world) manage(method, id, apiVersion, body string, into any) {
	w.t.Helper()
	token, err := w.azure.SignIn(w.t.Context(), w.azure.Deployer().ObjectID, "https://management.azure.com")
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.azure.URL()+id+"?api-version="+apiVersion,
		strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	w.send(req, into)
}

func (w *world) send(req *http.Request, into any) {
	w.t.Helper()
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.azure.Client().Do(req)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Less(w.t, resp.StatusCode, 300, "%s %s", req.Method, req.URL)
	if into != nil && resp.StatusCode != http.StatusNoContent {
		require.NoError(w.t, json.NewDecoder(resp.Body).Decode(into))
	}
}

func (w *world) own(path, owner string) {
	w.t.Helper()
	w.graph(http.MethodPost, path+"/owners/$ref", `{"@odata.id": "`+w.cloud.Graph+"/v1.0/directoryObjects/"+owner+`"}`)
}

// The owner of a group, a service principal or its application may become the invoker. Nobody can own a user or a
// managed identity.
func TestOwnersOfInvokersAreListed(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["team"] = access.Invoker{Kind: access.Group, PrincipalID: access.Known(team)}
	w := newWorld(t, m)
	w.grantAll(access.InvokerPrincipal("team"))
	application, appID := w.graph(http.MethodPost, "/applications", `{"displayName": "pipeline"}`)
	principal, _ := w.graph(http.MethodPost, "/servicePrincipals", `{"appId": "`+appID+`"}`)
	w.subjects = append(w.subjects, verify.Subject{Principal: access.InvokerPrincipal("pipeline"), ID: principal,
		Kind: access.ServicePrincipal})
	about := func(r verify.Report) (all []string) {
		for _, o := range r.Owners {
			if o.ID != w.azure.Deployer().ObjectID { // Graph makes the creator of an object its owner
				all = append(all, o.String())
			}
		}
		return all
	}
	assert.Empty(t, about(w.report()))

	w.own("/groups/"+team, ann)
	w.own("/servicePrincipals/"+principal, robot)
	w.own("/applications/"+application, principal)
	w.own("/applications/"+application, ann)
	r := w.report()
	assert.ElementsMatch(t, []string{
		"invoker ann owns the group of team, and so can add members",
		"invoker robot owns the service principal of pipeline, and so can add credentials",
		"invoker pipeline owns the application of pipeline, and so can add credentials",
		"invoker ann owns the application of pipeline, and so can add credentials"}, about(r))
	assert.Empty(t, r.Unasked)
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, r))
	assert.Contains(t, out.String(), "WHO MAY BECOME AN INVOKER\n")
	assert.Contains(t, out.String(), "  invoker ann owns the group of team")
	assert.Equal(t, "no name (x) owns the group of team, and so can add members",
		verify.Owner{Of: "team", What: "group", ID: "x"}.String())

	for name, path := range map[string]string{"the group of invoker team": "/groups/" + team + "/owners",
		"the service principal of invoker pipeline": "/servicePrincipals/" + principal + "/owners",
		"the application of invoker pipeline":       "/applications/" + application + "/owners"} {
		r := w.judged(answering{w.azure.Client(), path, func(*http.Request) (int, any) {
			return http.StatusForbidden, map[string]any{"error": map[string]any{"code": "Authorization_RequestDenied"}}
		}}, 0)
		require.Len(t, r.Unasked, 1, name)
		assert.Contains(t, r.Unasked[0], "asking who owns "+name)
		assert.Contains(t, r.Unasked[0], "Directory.Read.All")
		assert.True(t, r.Failed(false), "who is not known is not nobody")
	}
}

// The service principal of another tenant's application is here, its application is not.
func TestOwnersOfAnotherTenantsApplicationAreNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	_, appID := w.graph(http.MethodPost, "/applications", `{"displayName": "pipeline"}`)
	principal, _ := w.graph(http.MethodPost, "/servicePrincipals", `{"appId": "`+appID+`"}`)
	w.subjects = append(w.subjects, verify.Subject{Principal: access.InvokerPrincipal("pipeline"), ID: principal,
		Kind: access.ServicePrincipal})
	r := w.judged(answering{w.azure.Client(), "/applications", always(map[string]any{"value": []any{}})}, 0)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "the tenant has no application of invoker pipeline: who owns it, may "+
		"add credentials to it, or knows those that it has, is not known")
	assert.NotContains(t, strings.Join(w.report().Notes, "\n"), "who owns it")
}
