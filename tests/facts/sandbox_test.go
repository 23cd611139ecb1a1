package facts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	group        = subscription + "/resourceGroups/ml"
	workspace    = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	lake         = group + "/providers/Microsoft.Storage/storageAccounts/lake"
	rows         = lake + "/blobServices/default/containers/rows"
	identity     = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mounter"
	tenant       = "22222222-2222-4222-8222-222222222222"
	ann          = "33333333-3333-4333-8333-333333333333"
	bob          = "44444444-4444-4444-8444-444444444444"
	cluster      = "55555555-5555-4555-8555-555555555555"
	reader       = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" // Storage Blob Data Reader: facts/grants-access.md
	writer       = "ba92f5b4-2d11-453d-a403-e96b0029c9fe" // Storage Blob Data Contributor

	management = "https://management.azure.com"
	ml         = "https://ml.azure.com"
)

type world struct{ *azure.Azure }

func newWorld(t *testing.T) *world {
	t.Helper()
	a := started(t, azure.Options{})
	require.NoError(t, a.Seed(azure.Seed{
		TenantID:        tenant,
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: lake, HNS: true, Containers: []string{"rows", "out"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "store", AccountID: lake, Container: "rows"},
			{WorkspaceID: workspace, Name: "out", AccountID: lake, Container: "out"},
		},
		DataAssets: []azure.DataAsset{{WorkspaceID: workspace, Name: "asset", Version: "1",
			Datastore: "store", Path: "a"}},
		Users: []azure.User{{ObjectID: ann, UserPrincipalName: "ann@example.com"},
			{ObjectID: bob, UserPrincipalName: "bob@example.com"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{{ID: identity}},
		Computes:               []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: cluster}},
		Endpoints: []azure.Endpoint{{
			WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}, {Name: "away", ComputeName: "away"}},
		}},
	}))
	w := &world{a}
	w.grant(t, ann, w.role(t, roleBody("invokes", azure.SeedActions()...)), workspace)
	return w
}

// answers are the sandbox's answers, which a client asks for wherever that is possible.
func (w *world) answers() asked {
	return asked{
		"condition": func(t *testing.T, input string) string {
			text, r := conditionCase(t, input)
			answer, err := azure.ConditionAllows(text, r)
			if err != nil && !strings.Contains(err.Error(), "not known") {
				return "refused"
			}
			return answer
		},
		"invoking takes": func(t *testing.T, input string) string {
			if !slices.Contains(azure.SeedActions(), input) {
				return "no"
			}
			rest := slices.DeleteFunc(azure.SeedActions(), func(a string) bool { return a == input })
			user := uuid.NewString()
			require.NoError(t, w.Seed(azure.Seed{Users: []azure.User{{ObjectID: user,
				UserPrincipalName: user + "@example.com"}}}))
			w.grant(t, user, w.role(t, roleBody("all but "+input, rest...)), workspace)
			got := w.start(t, user, ml, "", jobBody())
			return yes(got.status == http.StatusForbidden && got.code() == "AuthorizationFailed" &&
				strings.Contains(got.message(), "'"+input+"'"))
		},
		"role id": func(t *testing.T, input string) string {
			d, ok := azure.BuiltInRole(input)
			require.True(t, ok)
			got := w.arm(t, http.MethodGet, "/providers/Microsoft.Authorization/roleDefinitions/"+d.ID, "2022-04-01", nil)
			require.Equal(t, input, got.at("properties", "roleName"))
			return got.body["name"].(string)
		},
		"role allows": func(t *testing.T, input string) string {
			name, action := pair(input)
			return answer(t, name, action, false)
		},
		"role opens data": func(t *testing.T, input string) string {
			name, action := pair(input)
			return answer(t, name, action, true)
		},
		"role invokes": func(t *testing.T, input string) string {
			d, ok := azure.BuiltInRole(input)
			require.True(t, ok)
			user := uuid.NewString()
			require.NoError(t, w.Seed(azure.Seed{Users: []azure.User{{ObjectID: user,
				UserPrincipalName: user + "@example.com"}}}))
			w.grant(t, user, d.ID, workspace)
			return map[int]string{
				http.StatusCreated: "yes", http.StatusForbidden: "no", http.StatusNotImplemented: "undecided",
			}[w.start(t, user, ml, "", jobBody()).status]
		},
		"cluster name": func(t *testing.T, input string) string {
			return accepted(w.compute(t, input, "westeurope", "SystemAssigned").status < http.StatusBadRequest)
		},
		"cluster identity": func(t *testing.T, input string) string {
			kind := map[string]string{
				"systemAssigned": "SystemAssigned", "userAssigned": "UserAssigned",
				"both": "SystemAssigned,UserAssigned", "none": "None",
			}[input]
			return accepted(w.compute(t, "of-"+input, "westeurope", kind).status < http.StatusBadRequest)
		},
		"endpoint name": func(_ *testing.T, input string) string {
			return accepted(w.Seed(azure.Seed{Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: input}}}) == nil)
		},
		"deployment name": func(_ *testing.T, input string) string {
			return accepted(w.Seed(azure.Seed{Endpoints: []azure.Endpoint{{
				WorkspaceID: workspace, Name: "other", Deployments: []azure.Deployment{{Name: input, ComputeName: "cpu"}},
			}}}) == nil)
		},
		"github token": func(t *testing.T, input string) string {
			described := words(input)
			issuer, subject, err := azure.GitHubJob{
				Repository: described["repository"], Branch: described["branch"], Tag: described["tag"],
				Environment: described["environment"],
				PullRequest: described["pullRequest"] != "", OwnerID: number(t,
					described["ownerId"]), RepositoryID: number(t, described["repositoryId"]),
			}.Claims()
			require.NoError(t, err)
			return issuer + " " + subject
		},
		"workload token": func(t *testing.T, input string) string {
			kind, rest, _ := strings.Cut(input, " ")
			d := words(rest)
			audience := "api://AzureADTokenExchange"
			var of azure.Workload
			switch kind {
			case "github":
				job := azure.GitHubJob{Repository: d["repository"], Branch: d["branch"], Environment: d["environment"],
					Values: map[string]string{}}
				for _, claim := range strings.Split(d["claims"], ",") {
					key, value, _ := strings.Cut(claim, ":")
					job.Keys, job.Values[key] = append(job.Keys, key), value
				}
				of = job
			case "gitlab":
				of = azure.GitLabJob{Instance: d["instance"], ProjectPath: d["project"],
					ProjectID: number(t, d["projectId"]), Branch: d["branch"], Tag: d["tag"]}
			case "azureDevOps":
				of = azure.ServiceConnection{OrganizationID: d["organizationId"], Organization: d["organization"],
					Project: d["project"], Name: d["connection"]}
				if d["tenant"] != "" {
					of = azure.EntraConnection{Tenant: d["tenant"], Prefix: d["prefix"],
						OrganizationID: d["organizationId"], ID: d["connectionId"]}
				}
			case "kubernetes":
				of = azure.ServiceAccount{Issuer: d["issuer"], Namespace: d["namespace"], Name: d["account"]}
			case "terraform":
				of = azure.TerraformRun{EU: d["eu"] != "", Organization: d["organization"], Project: d["project"],
					Workspace: d["workspace"], Phase: d["phase"]}
			case "esc":
				esc := azure.ESCEnvironment{Organization: d["organization"], Project: d["project"],
					Environment: d["environment"]}
				of, audience = esc, esc.Audience()
			}
			issuer, subject, err := of.Claims()
			require.NoError(t, err)
			return issuer + " " + subject + " " + audience
		},
		"federated credential": func(t *testing.T, input string) string {
			name, f := credential(input)
			id := w.graph(t, "/v1.0/applications", map[string]any{"displayName": t.Name()}).body["id"].(string)
			token, err := w.SignIn(t.Context(), w.Deployer().ObjectID, "https://graph.microsoft.com")
			require.NoError(t, err)
			at := "/graph/v1.0/applications/" + id + "/federatedIdentityCredentials"
			got := w.send(t, http.MethodPost, at, token, map[string]any{"name": name,
				"issuer": f.Issuer, "subject": f.Subject, "description": f.Description,
				"audiences": []string{"api://AzureADTokenExchange"}})
			return accepted(got.status == http.StatusCreated)
		},
		"identity credential": func(t *testing.T, input string) string {
			name, f := credential(input)
			properties := map[string]any{"issuer": f.Issuer, "subject": f.Subject,
				"audiences": []string{"api://AzureADTokenExchange"}}
			if f.Description != "" {
				properties["description"] = f.Description
			}
			return accepted(w.federates(t, "westeurope", name, properties))
		},
		"identity region": func(t *testing.T, input string) string {
			return accepted(w.federates(t, input, "main", map[string]any{"issuer": "https://issuer.example", "subject": "s",
				"audiences": []string{"api://AzureADTokenExchange"}}))
		},
		"audience that invokes": func(t *testing.T, input string) string {
			got := w.start(t, ann, input, "", jobBody())
			if got.status != http.StatusCreated {
				require.Equal(t, http.StatusUnauthorized, got.status)
			}
			return accepted(got.status == http.StatusCreated)
		},
		"job input": func(t *testing.T, input string) string {
			kind, uri := pair(input)
			body := jobBody("InputData", "in", map[string]any{"JobInputType": kind, "Uri": strings.ReplaceAll(uri,
				"{workspace}", workspace)})
			return accepted(w.start(t, ann, ml, "", body).status == http.StatusCreated)
		},
		"custom role": func(t *testing.T, input string) string {
			r := customRole(t, input)
			body := roleBody("role "+uuid.NewString(), "Microsoft.Storage/storageAccounts/read")
			properties := body["properties"].(map[string]any)
			if properties["assignableScopes"] = r.scopes; r.name != "" {
				properties["roleName"] = r.name
			}
			if properties["description"] = r.description; r.action != "" {
				properties["permissions"] = []any{map[string]any{"actions": []string{r.action}}}
			}
			at := subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + uuid.NewString()
			return accepted(w.arm(t, http.MethodPut, at, "2022-04-01", body).status == http.StatusCreated)
		},
		"sign-in refused": w.signInRefused,
		"job fails":       w.jobFails,
	}
}

func answer(t *testing.T, name, action string, data bool) string {
	t.Helper()
	got, err := azure.RoleAllows(name, action, data)
	require.NoError(t, err)
	return got
}

func roleBody(name string, actions ...string) map[string]any {
	return map[string]any{"properties": map[string]any{
		"roleName": name, "type": "CustomRole", "assignableScopes": []string{subscription},
		"permissions": []any{map[string]any{"actions": actions}},
	}}
}

func (w *world) role(t *testing.T, body map[string]any) (id string) {
	t.Helper()
	id = uuid.NewString()
	got := w.arm(t, http.MethodPut, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+id,
		"2022-04-01", body)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	return id
}

// grant assigns a role and returns a function that deletes the assignment.
func (w *world) grant(t *testing.T, principal, role, scope string) (revoke func()) {
	t.Helper()
	at := scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString()
	got := w.arm(t, http.MethodPut, at, "2022-04-01", map[string]any{"properties": map[string]any{
		"principalId": principal, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role,
	}})
	require.Equal(t, http.StatusCreated, got.status, got.body)
	return func() {
		require.Equal(t, http.StatusOK, w.arm(t, http.MethodDelete, at, "2022-04-01", nil).status)
	}
}

func (w *world) compute(t *testing.T, name, location, identityType string) reply {
	t.Helper()
	block := map[string]any{"type": identityType}
	if strings.Contains(identityType, "UserAssigned") {
		block["userAssignedIdentities"] = map[string]any{identity: map[string]any{}}
	}
	return w.arm(t, http.MethodPut, workspace+"/computes/"+name, "2024-04-01", map[string]any{
		"location": location, "identity": block, "properties": map[string]any{"computeType": "AmlCompute",
			"properties": map[string]any{
				"vmSize": "Standard_DS11_v2", "scaleSettings": map[string]any{"maxNodeCount": 1},
			}},
	})
}

// jobBody is the body that starts a job, with one input or output if given: its list, its name and itself.
func jobBody(data ...any) map[string]any {
	properties := map[string]any{}
	if len(data) == 3 {
		properties[data[0].(string)] = map[string]any{data[1].(string): data[2]}
	}
	return map[string]any{"properties": properties}
}

func (w *world) start(t *testing.T, user, audience, deployment string, body any) reply {
	t.Helper()
	token, err := w.SignIn(t.Context(), user, audience)
	require.NoError(t, err)
	return w.send(t, http.MethodPost, "/inference/westeurope/heart/jobs", token, body, "azureml-model-deployment",
		deployment)
}

// jobFails starts a job that must fail, and returns its error code.
func (w *world) jobFails(t *testing.T, input string) string {
	t.Helper()
	deployment, in, out := "", "https://lake.blob.core.windows.net/rows/a", ""
	switch input {
	case "the cluster identity has no reader":
		defer w.grant(t, ann, reader, rows)()
	case "the job identity has no reader":
		defer w.grant(t, cluster, reader, rows)()
	case "the job identity has no writer":
		in, out = "", workspace+"/datastores/out/paths/scores.csv"
		defer w.grant(t, cluster, writer, lake)()
		defer w.grant(t, ann, reader, lake)()
	case "the cluster identity has no writer":
		in, out = "", workspace+"/datastores/out/paths/scores.csv"
		defer w.grant(t, cluster, reader, lake)()
		defer w.grant(t, ann, writer, lake)()
	case "no such container":
		in = "https://lake.blob.core.windows.net/nothing/a"
		defer w.grant(t, cluster, reader, lake)()
		defer w.grant(t, ann, reader, lake)()
	case "a location other than the workspace's":
		deployment = "away"
		made := w.compute(t, "away", "northeurope", "SystemAssigned")
		require.Less(t, made.status, http.StatusBadRequest, made.body)
		defer w.grant(t, made.at("identity", "principalId").(string), reader, rows)()
		defer w.grant(t, ann, reader, rows)()
	default:
		t.Fatalf("no job is known to fail because of %q", input)
	}
	body := jobBody("InputData", "in", map[string]any{"JobInputType": "UriFolder", "Uri": in})
	if in == "" {
		body = jobBody("OutputData", "out", map[string]any{"JobOutputType": "UriFile", "Uri": out})
	}
	started := w.start(t, ann, ml, deployment, body)
	require.Equal(t, http.StatusCreated, started.status, started.body)
	job := w.job(t, started.body["name"].(string))
	require.Equal(t, "Failed", job.at("properties", "status"))
	return job.at("properties", "error", "code").(string)
}

// job reads a job as the sandbox's owner.
func (w *world) job(t *testing.T, name string) reply {
	t.Helper()
	owner, err := w.SignIn(t.Context(), w.Deployer().ObjectID, ml)
	require.NoError(t, err)
	return w.send(t, http.MethodGet, "/inference/westeurope/heart/jobs/"+name, owner, nil)
}

// signInRefused signs an application in with a wrong proof, and returns Entra's number for it.
func (w *world) signInRefused(t *testing.T, input string) string {
	t.Helper()
	const (
		issuer   = "https://token.actions.githubusercontent.com"
		subject  = "repo:o/r:environment:prod"
		audience = "api://AzureADTokenExchange"
	)
	app := w.graph(t, "/v1.0/applications", map[string]any{"displayName": "ci"})
	client := app.body["appId"].(string)
	w.graph(t, "/v1.0/servicePrincipals", map[string]any{"appId": client})
	if input != "a client without federated credentials" {
		w.graph(t, "/v1.0/applications/"+app.body["id"].(string)+"/federatedIdentityCredentials", map[string]any{
			"name": "main", "issuer": issuer, "subject": subject, "audiences": []string{audience},
		})
	}
	claims := [3]string{issuer, subject, audience}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {ml + "/.default"}, "client_id": {client}}
	directory := tenant
	switch input {
	case "another subject":
		claims[1] = "repo:o/r:environment:dev"
	case "a subject in another letter case":
		claims[1] = "repo:O/r:environment:prod"
	case "another issuer":
		claims[0] = issuer + "/contoso"
	case "another audience":
		claims[2] = "https://github.com/o"
	case "an unknown client":
		form.Set("client_id", uuid.NewString())
	case "a wrong secret":
		form.Set("client_secret", "guess")
	case "an unknown tenant":
		directory = uuid.NewString()
	case "an unknown resource":
		form.Set("scope", "https://ml.azure.us/.default")
	}
	if form.Get("client_secret") == "" {
		assertion, err := w.FederatedAssertion(claims[0], claims[1], claims[2])
		require.NoError(t, err)
		form.Set("client_assertion", assertion)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	}
	got := w.send(t, http.MethodPost, "/"+directory+"/oauth2/v2.0/token", "", form)
	codes, _ := got.body["error_codes"].([]any)
	require.Len(t, codes, 1, got.body)
	return fmt.Sprintf("%.0f", codes[0])
}

type reply struct {
	status int
	body   map[string]any
}

func (r reply) at(keys ...string) any {
	var value any = r.body
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

func (r reply) code() string    { text, _ := r.at("error", "code").(string); return text }
func (r reply) message() string { text, _ := r.at("error", "message").(string); return text }

// arm calls Resource Manager as the sandbox's owner.
func (w *world) arm(t *testing.T, method, path, version string, body any) reply {
	t.Helper()
	token, err := w.SignIn(t.Context(), w.Deployer().ObjectID, management)
	require.NoError(t, err)
	return w.send(t, method, path+"?api-version="+version, token, body)
}

// graphs calls Microsoft Graph as the sandbox's owner.
func (w *world) graphs(t *testing.T, method, path string, body any) reply {
	t.Helper()
	token, err := w.SignIn(t.Context(), w.Deployer().ObjectID, "https://graph.microsoft.com")
	require.NoError(t, err)
	return w.send(t, method, "/graph"+path, token, body)
}

func (w *world) graph(t *testing.T, path string, body any) reply {
	t.Helper()
	got := w.graphs(t, http.MethodPost, path, body)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	return got
}

func (w *world) send(t *testing.T, method, path, token string, body any, header ...string) reply {
	t.Helper()
	kind, text := "application/json", io.Reader(http.NoBody)
	switch body := body.(type) {
	case nil:
	case url.Values:
		kind, text = "application/x-www-form-urlencoded", strings.NewReader(body.Encode())
	case io.Reader:
		text = body
	default:
		sent, err := json.Marshal(body)
		require.NoError(t, err)
		text = bytes.NewReader(sent)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL()+path, text)
	require.NoError(t, err)
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode}
	_ = json.NewDecoder(resp.Body).Decode(&r.body) // some answers have no body
	return r
}

// federates reports whether a new managed identity of the region takes a federated credential.
func (w *world) federates(t *testing.T, region, name string, properties map[string]any) bool {
	t.Helper()
	of := group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i" + uuid.NewString()
	got := w.arm(t, http.MethodPut, of, "2023-01-31", map[string]any{"location": region})
	require.Equal(t, http.StatusCreated, got.status)
	got = w.arm(t, http.MethodPut, of+"/federatedIdentityCredentials/"+name, "2023-01-31",
		map[string]any{"properties": properties})
	return got.status == http.StatusCreated
}
