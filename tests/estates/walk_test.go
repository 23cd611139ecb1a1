package estates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

// What the plan says is open is gone in the sandbox, as the one who goes it, or the report says why it was not.
func TestWaysAreWalked(t *testing.T) {
	t.Parallel()
	const byDeployment, notModelled, undecided = "", "the sandbox does not model ", "it is undecided"
	for file, why := range map[string]string{
		"01-article-role.yaml":             byDeployment,
		"03-identity-of-two-clusters.yaml": byDeployment,
		"05-invoker-is-cluster.yaml":       byDeployment,
		"06-group-and-members.yaml":        byDeployment,
		"08-acl-data.yaml":                 undecided,
		"35-storage-keys-group.yaml":       notModelled,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			walks := walk(t, file)
			require.NotEmpty(t, walks)
			for _, w := range walks {
				assert.False(t, w.Refused, "%v", w)
				assert.Equal(t, why == byDeployment, w.Walked, "%v", w)
				assert.Contains(t, w.Why, why, "%v", w)
			}
		})
	}
}

// A walk that Azure refuses makes the plan wrong, and the rehearsal fail.
func TestAWayThatIsRefused(t *testing.T) {
	t.Parallel()
	const write = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write"
	for name, change := range map[string]func(*testing.T, *azure.Azure) error{
		"the role does not change deployments": func(t *testing.T,
			a *azure.Azure) error {
			return withoutAction(t, a, write)
		},
		"the cluster does not mount": withoutReaders,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, w := range walk(t, "01-article-role.yaml", func(a *azure.Azure) error { return change(t, a) }) {
				assert.True(t, w.Refused, "%v", w)
				assert.False(t, w.Walked, "%v", w)
			}
		})
	}
}

func walk(t *testing.T, file string, changes ...func(*azure.Azure) error) []rehearsal.Walk {
	t.Helper()
	e, _ := read(t, file)
	values := map[string]any{}
	for key, value := range e.Config {
		_, key, _ = strings.Cut(key, ":")
		values[key] = value
	}
	report, err := inprocess.Rehearse(t.Context(), values, "westeurope", changes...)
	require.NoError(t, err)
	assert.Equal(t, slices.ContainsFunc(report.Walks, func(w rehearsal.Walk) bool { return w.Refused }) ||
		len(report.Failures()) > 0, !report.Passed())
	return report.Walks
}

const workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
	"Microsoft.MachineLearningServices/workspaces/w"

// withoutAction takes an action from every custom role.
func withoutAction(t *testing.T, a *azure.Azure, action string) error {
	const roleDefinitions = "/providers/Microsoft.Authorization/roleDefinitions"
	var found struct{ Value []map[string]any }
	if err := manage(t, a, http.MethodGet, workspace+roleDefinitions+"?$filter=type+eq+'CustomRole'&", nil,
		&found); err != nil {
		return err
	}
	for _, role := range found.Value {
		properties := role["properties"].(map[string]any)
		permission := properties["permissions"].([]any)[0].(map[string]any)
		permission["actions"] = slices.DeleteFunc(permission["actions"].([]any), func(of any) bool { return of == action })
		body := map[string]any{}
		for _, key := range []string{"roleName", "description", "type", "permissions", "assignableScopes"} {
			body[key] = properties[key]
		}
		if err := manage(t, a, http.MethodPut, workspace+roleDefinitions+"/"+role["name"].(string)+"?",
			map[string]any{"properties": body}, nil); err != nil {
			return err
		}
	}
	return nil
}

// withoutReaders takes every assignment at the account of the data away.
func withoutReaders(t *testing.T, a *azure.Azure) error {
	const account = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/contosolake"
	var found struct{ Value []struct{ ID string } }
	if err := manage(t, a, http.MethodGet, account+"/providers/Microsoft.Authorization/roleAssignments?", nil,
		&found); err != nil {
		return err
	}
	for _, assignment := range found.Value {
		if !strings.Contains(assignment.ID, "storageAccounts") {
			continue
		}
		if err := manage(t, a, http.MethodDelete, assignment.ID+"?", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// manage calls Resource Manager as the sandbox's owner.
func manage(t *testing.T, a *azure.Azure, method, at string, body, into any) error {
	token, err := a.SignIn(t.Context(), a.Deployer().ObjectID, a.URL())
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+at+"api-version=2022-04-01", bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: HTTP %d: %s: %w", method, at, resp.StatusCode, answer, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
