package invoke_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
)

// facts/clouds.md: each cloud has its own audience. For a cloud that is in no table, it follows from its portal's
// address.
func TestTheCloudIsFoundByItsNameOrItsMetadata(t *testing.T) {
	t.Parallel()
	for word, audience := range map[string]string{
		"": "https://ml.azure.com", "usgovernment": "https://ml.azure.us", "AzureChinaCloud": "https://ml.azure.cn",
	} {
		c, err := azure.CloudOf(word)
		require.NoError(t, err)
		assert.Equal(t, audience, c.MLAudience)
	}
	for word, graph := range map[string]string{"usgovernment": "https://graph.microsoft.us",
		"usgovernmentl4": "https://graph.microsoft.us", "usgovernmentl5": "https://dod-graph.microsoft.us",
		"DOD": "https://dod-graph.microsoft.us"} {
		c, err := azure.CloudOf(word)
		require.NoError(t, err)
		assert.Equal(t, graph, c.Graph, word)
	}
	_, err := azure.CloudOf("usgov")
	require.ErrorContains(t, err, `the cloud "usgov" is not known`)
	assert.ErrorContains(t, err, "usgovernment")

	document := func(manager, portal string) string {
		return fmt.Sprintf(`{"resourceManager": %q, "portal": %q,
			"authentication": {"loginEndpoint": "https://login.example/",
			"audiences": [%[1]q]}}`, manager, portal)
	}
	for name, c := range map[string]struct{ document, audience string }{
		"Government": {document("https://management.usgovcloudapi.net/", "https://portal.azure.us"),
			"https://ml.azure.us"},
		"in no table": {document("https://management.example/", "https://portal.azure.example"),
			"https://ml.azure.example"},
		"not known at all": {document("https://management.example/", "https://portal.example"), ""},
	} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_,
				_ = w.Write([]byte(c.document))
		}))
		defer server.Close()
		found, err := azure.Discover(t.Context(), server.Client(), strings.TrimPrefix(server.URL, "https://"))
		require.NoError(t, err)
		assert.Equal(t, c.audience, found.MLAudience, name)
		_, err = invoke.New(invoke.Options{Credential: invoke.StaticToken("x"), Cloud: found})
		assert.Equal(t, c.audience == "", err != nil, name)
	}
}

func TestNoTokenGoesToAnotherCloudsEndpoint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ environment, host, says string }{
		"Government's, from public": {"", "heart.usgovvirginia.inference.ml.azure.us", "ARM_ENVIRONMENT=usgovernment"},
		"public, from Government":   {"usgovernment", "heart.westeurope.inference.ml.azure.com", "ARM_ENVIRONMENT=public"},
		"China's, from Government":  {"usgovernment", "heart.chinaeast2.inference.ml.azure.cn", "ARM_ENVIRONMENT=china"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, err := azure.CloudOf(c.environment)
			require.NoError(t, err)
			client, err := invoke.New(invoke.Options{
				Credential: forged(t, map[string]any{"aud": cloud.MLAudience}), Cloud: cloud,
				Transport: &http.Client{Transport: noNetwork{}},
			})
			require.NoError(t, err)
			_, err = client.Start(t.Context(), "https://"+c.host+"/jobs", "", keyed())
			assert.Contains(t, failure(t, err, invoke.Request).Error(), c.says)
		})
	}
}

func TestTheRequestIsPrintedWithTheAudienceOfItsCloud(t *testing.T) {
	t.Parallel()
	china, err := azure.CloudOf("china")
	require.NoError(t, err)
	for uri, audience := range map[string]string{
		"https://heart.usgovvirginia.inference.ml.azure.us/jobs": "https://ml.azure.us",
		"https://heart.westeurope.inference.ml.azure.com/jobs":   "https://ml.azure.com",
		"https://10.0.0.4/jobs":                                  "https://ml.azure.cn",
	} {
		text, err := invoke.Curl(china, uri, "", keyed())
		require.NoError(t, err)
		assert.Contains(t, text, "--resource "+audience+" ", uri)
	}
}

// A sign-in that can't begin has the exit code of its cause; wrong arguments have that of usage.
func TestWhatKeepsASignInFromBeginningHasItsKind(t *testing.T) {
	t.Parallel()
	broken := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(broken.Close)
	_, unreached := azure.Discover(t.Context(), broken.Client(), strings.TrimPrefix(broken.URL, "https://"))
	_, malformed := azure.Discover(t.Context(), broken.Client(), "%zz")
	in := azure.SignIn{As: azure.AsServicePrincipal, TenantID: "no tenant", ClientID: alice, ClientSecret: "s"}
	_, unprepared := in.Credential(azure.PublicCloud(), http.DefaultClient)
	_, unknown := azure.CloudOf("usgov")
	for name, c := range map[string]struct {
		err  error
		kind invoke.Kind // "" if it is no failure
		says string
	}{
		"metadata that are none": {unreached, invoke.Network, "\n  unset ARM_METADATA_HOSTNAME for public Azure"},
		"no host":                {malformed, invoke.Network, "the cloud that ARM_METADATA_HOSTNAME names can't be asked"},
		"a tenant of no form":    {unprepared, invoke.Token, "preparing to sign in: "},
		"an unknown cloud":       {unknown, "", "is not known"},
	} {
		require.ErrorContains(t, c.err, c.says, name)
		err := invoke.Failed(c.err)
		assert.Equal(t, c.err.Error(), err.Error(), name)
		var f *invoke.Failure
		if assert.Equal(t, c.kind != "", errors.As(err, &f), name) && f != nil {
			assert.Equal(t, c.kind, f.Kind, name)
			assert.ErrorIs(t, err, c.err, name)
		}
	}
}
