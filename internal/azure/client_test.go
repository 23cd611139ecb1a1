package azure_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/azure"
)

type anyone struct{}

func (anyone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token"}, nil
}

// answers are keyed by method and address.
type answers map[string]struct {
	status int
	body   string
}

func (a answers) Do(req *http.Request) (*http.Response, error) {
	answer, there := a[req.Method+" "+req.URL.String()]
	if !there {
		return nil, errors.New("nobody expects " + req.URL.String())
	}
	return &http.Response{StatusCode: answer.status, Body: io.NopCloser(strings.NewReader(answer.body)), Request: req,
		Header: http.Header{"Retry-After-Ms": {"1"}}}, nil
}

func (a answers) client() *azure.Client {
	return azure.NewClient(anyone{}, azure.Cloud{ResourceManager: "https://arm.example",
		ManagementAudience: "https://arm.example", Graph: "https://graph.example"}, a, nil)
}

func TestAnAnswerIsReadOrItsStatusIsAnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status     int
		body, says string
		there      bool
	}{
		"there":          {200, `{"id": "x"}`, "", true},
		"not there":      {404, `{}`, "", false},
		"not JSON":       {200, `<html>`, "reading https://arm.example/x: ", false},
		"nothing":        {204, ``, "asking for https://arm.example/x: ", false},
		"made just now":  {202, `{}`, "asking for https://arm.example/x: ", false},
		"a wrong demand": {400, `{"error": {"code": "NoRegisteredProviderFound"}}`, "NoRegisteredProviderFound", false},
		"forbidden": {403, `{"error": {"code": "AuthorizationFailed"}}`,
			"may not read https://arm.example/x (403 AuthorizationFailed); it takes Reader at that scope", false},
		"unauthorized": {401, `{}`, "may not read https://arm.example/x (401 ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := answers{"GET https://arm.example/x?api-version=1": {test.status, test.body}}.client()
			var into struct{ ID string }
			there, err := c.Get(t.Context(), azure.ResourceManager, azure.Version("/x", "1", ""), &into)
			assert.Equal(t, test.there, there)
			if test.says == "" {
				require.NoError(t, err)
				assert.Equal(t, test.there, into.ID == "x")
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestAChangeThatIsRefusedIsNoChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		says   string
	}{
		"done": {204, ""}, "done, with an answer": {200, ""}, "gone already": {404, ""},
		"forbidden": {403, "whoever is signed in may not change https://graph.example/v1.0/x (403 "},
		"refused":   {409, "asking for https://graph.example/v1.0/x: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := answers{"DELETE https://graph.example/v1.0/x": {test.status, ``}}.client()
			err := c.Change(t.Context(), azure.Graph, http.MethodDelete, "/x", nil)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestACollectionIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages answers
		all   []string
		there bool
		says  string
	}{
		"two pages of Graph": {answers{
			"GET https://graph.example/v1.0/x": {200,
				`{"value": ["a"], "@odata.nextLink": "https://GRAPH.example:443/v1.0/x?next"}`},
			"GET https://GRAPH.example:443/v1.0/x?next": {200, `{"value": ["b"]}`},
		}, []string{"a", "b"}, true, ""},
		"empty":     {answers{"GET https://graph.example/v1.0/x": {200, `{"value": []}`}}, nil, true, ""},
		"not there": {answers{"GET https://graph.example/v1.0/x": {404, `{}`}}, nil, false, ""},
		"the second page is gone": {answers{
			"GET https://graph.example/v1.0/x": {200, `{"value": ["a"], "@odata.nextLink": "https://graph.example/v1.0/y"}`},
			"GET https://graph.example/v1.0/y": {403, `{}`},
		}, nil, false, "may not read https://graph.example/v1.0/y"},
		"elsewhere": {answers{
			"GET https://graph.example/v1.0/x": {200, `{"value": ["a"], "@odata.nextLink": "https://graph.example.org/v1.0/y"}`},
		}, nil, false, "the next page is on another host than https://graph.example/v1.0: https://graph.example.org/v1.0/y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, there, err := azure.List[string](t.Context(), test.pages.client(), azure.Graph, "/x")
			assert.Equal(t, test.all, all)
			assert.Equal(t, test.there, there)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestAQueryHasWhatHasAValue(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "/x?%24filter=a+eq+%27b%26c%27&api-version=1", azure.Version("/x", "1", "a eq 'b&c'"))
	assert.Equal(t, "/x?api-version=1", azure.Version("/x", "1", ""))
	assert.Equal(t, "/x", azure.Path("/x", "$filter", ""))
}
