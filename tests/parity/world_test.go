// Package parity compares the sandbox with what is known about Azure from outside: cases.txt has requests and their
// results, bodies.txt the fields of Azure's API specification. docs/parity.md is written from both.
package parity

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	subscription = "/subscriptions/11111111-1111-1111-1111-111111111111"
	group        = subscription + "/resourceGroups/rg-ml"
	workspace    = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	account      = group + "/providers/Microsoft.Storage/storageAccounts/mydata"
	identity     = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nightly"

	tenantID   = "22222222-2222-2222-2222-222222222222"
	alice      = "33333333-3333-3333-3333-333333333333"
	nobody     = "44444444-4444-4444-4444-444444444444"
	machine    = "55555555-5555-5555-5555-555555555555"
	denial     = "66666666-6666-6666-6666-666666666666"
	readerRole = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" // Storage Blob Data Reader
)

// world is a sandbox, and the values of the names in braces.
type world struct {
	*azure.Azure
	names map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	require.NoError(t, a.Seed(azure.Seed{
		TenantID:        tenantID,
		SubscriptionIDs: []string{strings.TrimPrefix(subscription, "/subscriptions/")},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope", StorageAccountID: account}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"raw"}}},
		Datastores: []azure.Datastore{{WorkspaceID: workspace, Name: "keyed", AccountID: account, Container: "raw",
			HasCredentials: true}},
		DataAssets: []azure.DataAsset{{WorkspaceID: workspace, Name: "heart", Version: "1", Datastore: "keyed",
			Path: "heart"}},
		Users: []azure.User{{ObjectID: alice, UserPrincipalName: "alice@example.com", DisplayName: "Alice"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{
			{ID: identity, PrincipalID: denial, ClientID: machine, Location: "westeurope"},
		},
		Computes: []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: machine}},
		Endpoints: []azure.Endpoint{{
			WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}},
		}},
		DenyAssignments: []azure.DenyAssignment{{
			ID: denial, Name: "kept", Scope: group, PrincipalIDs: []string{nobody}, Excluded: []string{alice},
			Permissions: []azure.Permission{{Actions: []string{"*/delete"}}},
		}},
	}))
	d := a.Deployer()
	return &world{a, map[string]string{
		"subscription": subscription, "group": group, "scope": group, "workspace": workspace, "account": account,
		"identity": identity, "endpoint": workspace + "/batchEndpoints/heart", "tenant": tenantID, "alice": alice,
		"nobody": nobody, "denial": denial, "readerRole": readerRole, "deployerClient": d.ClientID, "secret": d.ClientSecret,
		"graph": a.URL() + "/graph", "role": "77777777-7777-7777-7777-777777777777",
		"other": "88888888-8888-8888-8888-888888888888", "assignment": "99999999-9999-9999-9999-999999999999",
	}}
}

// filled replaces names in braces by their values.
func (w *world) filled(text string) string {
	for name, value := range w.names {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// audiences are the audiences of tokens by the beginning of a path, unless a case says ml.
func audience(who, path string) string {
	switch {
	case strings.HasPrefix(who, "ml "):
		return "https://ml.azure.com"
	case strings.HasPrefix(path, "/blob"):
		return "https://storage.azure.com"
	case strings.HasPrefix(path, "/graph"):
		return "https://graph.microsoft.com"
	}
	return "https://management.azure.com"
}

// send returns the status, Azure's code, and the body.
func (w *world) send(t *testing.T, who, method, path, body string) (status int, code string, answer map[string]any) {
	t.Helper()
	return w.sendAs(t, who, method, path, body, "")
}

// sendAs is send with a body of another type; a space stands for none.
func (w *world) sendAs(t *testing.T, who, method, path, body, content string) (status int, code string,
	answer map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL()+strings.ReplaceAll(path, " ", "+"),
		strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if body != "" && !strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if content != "" {
		req.Header.Del("Content-Type")
	}
	if content = strings.TrimSpace(content); content != "" {
		req.Header.Set("Content-Type", content)
	}
	if objectID := map[string]string{"deployer": w.Deployer().ObjectID,
		"alice": alice}[strings.TrimPrefix(who, "ml ")]; objectID != "" {
		token, err := w.SignIn(t.Context(), objectID, audience(who, path))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
	} else if who == "unknown" {
		req.Header.Set("Authorization", "Bearer eyJ.surprise.x")
	}
	res, err := w.Client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if len(text) > 0 && text[0] == '{' {
		require.NoError(t, json.Unmarshal(text, &answer))
	}
	switch problem := answer["error"].(type) {
	case map[string]any:
		code, _ = problem["code"].(string)
	case string:
		code = problem
		if description, _ := answer["error_description"].(string); strings.HasPrefix(description, "AADSTS") {
			code, _, _ = strings.Cut(description, ":")
		}
	}
	if code == "" {
		code = res.Header.Get("x-ms-error-code") // storage answers in XML
	}
	return res.StatusCode, code, answer
}
