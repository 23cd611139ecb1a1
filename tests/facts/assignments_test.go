package facts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// assignmentsOfSandbox are the sandbox's answers about role assignments, their conditions, and the data of jobs.
func (w *world) assignmentsOfSandbox() asked {
	return asked{
		"role assignment": w.assigns,
		"condition of": func(t *testing.T, input string) string {
			status, revoke := w.assignment(t, rows, uuid.NewString(), map[string]any{"principalId": bob,
				"roleDefinitionId": roleAt(reader), "condition": longCondition(t, input), "conditionVersion": "2.0"})
			defer revoke()
			return accepted(status == http.StatusCreated)
		},
		"job output": func(t *testing.T, input string) string {
			kind, uri := pair(input)
			body := jobBody("OutputData", "out", map[string]any{"JobOutputType": kind, "Uri": strings.ReplaceAll(uri,
				"{workspace}", workspace)})
			return accepted(w.start(t, ann, ml, "", body).status == http.StatusCreated)
		},
		"deployment that a job runs on": func(t *testing.T, input string) string {
			endpoint := azure.Endpoint{WorkspaceID: workspace, Name: "e" + uuid.NewString()[:8],
				Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}}}
			if !strings.HasSuffix(input, "without a default") {
				endpoint.DefaultDeployment = "blue"
			}
			require.NoError(t, w.Seed(azure.Seed{Endpoints: []azure.Endpoint{endpoint}}))
			picked := map[string]string{"one picked": "blue", "one picked that is not": "green"}[input]
			token, err := w.SignIn(t.Context(), ann, ml)
			require.NoError(t, err)
			return accepted(w.send(t, http.MethodPost, "/inference/westeurope/"+endpoint.Name+"/jobs", token, jobBody(),
				"azureml-model-deployment", picked).status == http.StatusCreated)
		},
	}
}

func roleAt(id string) string { return "/providers/Microsoft.Authorization/roleDefinitions/" + id }

// assignment makes a role assignment, and returns a function that deletes it.
func (w *world) assignment(t *testing.T, scope, name string, properties map[string]any) (status int, revoke func()) {
	t.Helper()
	at := scope + "/providers/Microsoft.Authorization/roleAssignments/" + name
	got := w.arm(t, http.MethodPut, at, "2022-04-01", map[string]any{"properties": properties})
	return got.status, func() { w.arm(t, http.MethodDelete, at, "2022-04-01", nil) }
}

// assigns makes an assignment as the input says, or two in a row.
func (w *world) assigns(t *testing.T, input string) string {
	t.Helper()
	const condition = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'rows'"
	with := func(more ...any) map[string]any {
		properties := map[string]any{"principalId": bob, "roleDefinitionId": roleAt(reader)}
		for i := 0; i < len(more); i += 2 {
			properties[more[i].(string)] = more[i+1]
		}
		return properties
	}
	var first map[string]any
	name, scope, second := uuid.NewString(), rows, with()
	var n int
	switch _, err := fmt.Sscanf(input, "description of %d characters", &n); {
	case err == nil:
		second = with("description", strings.Repeat("d", n))
	case strings.HasSuffix(input, "under another name"):
		first, name = with(), uuid.NewString()
		if strings.Contains(input, "condition") {
			second = with("condition", condition, "conditionVersion", "2.0")
		}
	case input == "another description afterwards":
		first, second = with(), with("description", "d")
	case input == "another role afterwards":
		first, second = with(), with("roleDefinitionId", roleAt(writer))
	case input == "another principal afterwards":
		first, second = with(), with("principalId", ann)
	case input == "another condition afterwards":
		first, second = with(), with("condition", condition, "conditionVersion", "2.0")
	case input == "a principal that is not":
		second = with("principalId", uuid.NewString())
	case input == "a service principal that is not, with its type":
		second = with("principalId", uuid.NewString(), "principalType", "ServicePrincipal")
	case input == "a user as a group":
		second = with("principalType", "Group")
	case input == "a role elsewhere than it is assignable":
		id, body := uuid.NewString(), roleBody("elsewhere "+uuid.NewString(), "Microsoft.Storage/storageAccounts/read")
		body["properties"].(map[string]any)["assignableScopes"] = []string{group}
		made := w.arm(t, http.MethodPut, group+roleAt(id), "2022-04-01", body)
		require.Equal(t, http.StatusCreated, made.status, made.body)
		scope, second = subscription, with("roleDefinitionId", roleAt(id))
	case input == "a condition without a version":
		second = with("condition", condition)
	case input == "a condition of version 1.0":
		second = with("condition", condition, "conditionVersion", "1.0")
	default:
		require.Fail(t, "unknown assignment", input)
	}
	if first != nil {
		made := name
		if strings.HasSuffix(input, "under another name") {
			made = uuid.NewString()
		}
		status, revoke := w.assignment(t, scope, made, first)
		defer revoke()
		require.Equal(t, http.StatusCreated, status)
	}
	status, revoke := w.assignment(t, scope, name, second)
	defer revoke()
	return accepted(status < http.StatusBadRequest)
}
