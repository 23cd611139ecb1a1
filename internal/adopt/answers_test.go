package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
)

// answers is an Azure with an answer for each path.
type answers map[string]func() (status int, body string)

func (a answers) Do(req *http.Request) (*http.Response, error) {
	answer, there := a[req.URL.Path]
	if !there {
		return nil, fmt.Errorf("nobody expects %s", req.URL.Path)
	}
	status, body := answer()
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{},
		Request: req}, nil
}

type anyone struct{}

func (anyone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token"}, nil
}

func (a answers) finder() *adopt.Finder {
	return adopt.New(azureclient.NewClient(anyone{}, azureclient.Cloud{ResourceManager: "https://arm.example",
		ManagementAudience: "https://arm.example", Graph: "https://graph.example"}, a, nil))
}

type nobody struct{}

func (nobody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errors.New("no credential")
}

func always(status int, body string) func() (int, string) {
	return func() (int, string) { return status, body }
}

func TestWithoutASignInTheErrorSaysHowToSignIn(t *testing.T) {
	t.Parallel()
	p, file := previewOf(t, applicationType, map[string]map[string]any{"r": {"tags": []string{"x"}}})
	_, err := adopt.New(azureclient.NewClient(nobody{}, azureclient.PublicCloud(), answers{}, nil)).Adopt(t.Context(), p,
		adopt.State{}, file, "")
	assert.ErrorContains(t, err, "not signed in to Azure: set ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID, or "+
		"run az login: no credential")
}

func TestARefusedLookNamesThePermissionThatItTakes(t *testing.T) {
	t.Parallel()
	refused := always(403, `{"error": {"code": "AuthorizationFailed", "message": "no"}}`)
	for name, test := range map[string]struct {
		path, kind string
		inputs     map[string]any
		answer     func() (int, string)
		says       string
	}{
		"Resource Manager": {
			scope + "/providers/Microsoft.Authorization/roleDefinitions/x", roleType, map[string]any{"scope": scope,
				"roleDefinitionId": "x"}, refused,
			"whoever is signed in may not read https://arm.example" + scope +
				"/providers/Microsoft.Authorization/roleDefinitions/x (403 AuthorizationFailed); it takes Reader at that scope",
		},
		"Graph": {"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}}, refused,
			"it takes the application permission Application.Read.All"},
		"Graph, of groups": {"/v1.0/groups", "azuread:index/group:Group",
			map[string]any{"description": "x", "displayName": "y"}, refused, "it takes the application permission " +
				"Group.Read.All"},
		"a token of another one": {"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}},
			always(401, `{}`), "Sign in as whoever deploys"},
		"a link to elsewhere": {
			"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}}, always(200,
				`{"@odata.nextLink": "https://graph.example.org/v1.0/applications"}`),
			"the next page is on another host than https://graph.example/v1.0",
		},
		"a link to a host that begins the same": {
			scope + "/providers/Microsoft.Authorization/roleAssignments", assignmentType, map[string]any{"scope": scope,
				"roleAssignmentName": "x"},
			always(200, `{"nextLink": "https://arm.example.org/page"}`), "the next page is on another host than " +
				"https://arm.example:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, file := previewOf(t, test.kind, map[string]map[string]any{"r": test.inputs})
			_, err := answers{test.path: test.answer, test.path + "/x": always(404, "{}")}.finder().Adopt(t.Context(), p,
				adopt.State{}, file, "")
			require.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, "looking for "+urnOf+test.kind+"::r")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}
