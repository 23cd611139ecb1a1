package azure_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/azure"
)

type variables map[string]string

func (v variables) get(name string) string { return v[name] }

func and(v variables, more ...string) variables {
	all := variables{}
	for key, value := range v {
		all[key] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

var named = variables{"ARM_CLIENT_ID": "c", "ARM_TENANT_ID": "t"}

func TestTheDeployerSignsInAsTheProviderDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  variables
		want azure.SignIn
	}{
		"nothing":              {variables{}, azure.SignIn{As: azure.AsDefault}},
		"a tenant alone":       {variables{"ARM_TENANT_ID": "t"}, azure.SignIn{As: azure.AsDefault, TenantID: "t"}},
		"GitHub's own, unused": {variables{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, azure.SignIn{As: azure.AsDefault}},
		"a secret": {and(named, "ARM_CLIENT_SECRET", "s"), azure.SignIn{As: azure.AsServicePrincipal, TenantID: "t",
			ClientID: "c", ClientSecret: "s"}},
		"a certificate before a secret": {
			and(named, "ARM_CLIENT_SECRET", "s", "ARM_CLIENT_CERTIFICATE_PATH", "p", "ARM_CLIENT_CERTIFICATE_PASSWORD", "w"),
			azure.SignIn{As: azure.AsServicePrincipal, TenantID: "t", ClientID: "c", CertificateFile: "p",
				CertificatePassword: "w"},
		},
		"a secret before OpenID Connect": {
			and(named, "ARM_CLIENT_SECRET", "s", "ARM_USE_OIDC", "true"),
			azure.SignIn{As: azure.AsServicePrincipal, TenantID: "t", ClientID: "c", ClientSecret: "s"},
		},
		"a token in a file": {
			and(named, "ARM_USE_OIDC", "true", "ARM_OIDC_TOKEN_FILE_PATH", "f"),
			azure.SignIn{As: azure.AsServicePrincipal, TenantID: "t", ClientID: "c", FederatedTokenFile: "f"},
		},
		"a managed identity": {variables{"ARM_USE_MSI": "true"}, azure.SignIn{As: azure.AsManagedIdentity}},
		"a user-assigned managed identity": {
			variables{"ARM_USE_MSI": "true", "ARM_CLIENT_ID": "c"}, azure.SignIn{As: azure.AsManagedIdentity, ClientID: "c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := azure.Deployer(c.set.get, http.DefaultClient)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestAnOutsideIssuerIsAskedForAToken(t *testing.T) {
	t.Parallel()
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case r.Header.Get("Authorization") != "Bearer b":
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodGet && q.Get("audience") == "api://AzureADTokenExchange" && q.Get("job") == "7":
			_, _ = w.Write([]byte(`{"value": "from GitHub"}`))
		case r.Method == http.MethodGet && q.Get("audience") == "api://other":
			_, _ = w.Write([]byte(`{"value": "for another audience"}`))
		case r.Method == http.MethodPost && q.Get("serviceConnectionId") == "id" && q.Get("api-version") == "7.1":
			_, _ = w.Write([]byte(`{"oidcToken": "from Azure Pipelines"}`))
		case r.URL.Path == "/empty":
			_, _ = w.Write([]byte(`{}`))
		default:
			_, _ = w.Write([]byte(`<html>`))
		}
	}))
	t.Cleanup(issuer.Close)
	at := issuer.URL + "/token?job=7"
	oidc := and(named, "ARM_USE_OIDC", "true")
	github := and(oidc, "ACTIONS_ID_TOKEN_REQUEST_URL", at, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b")
	pipelines := and(oidc, "SYSTEM_OIDCREQUESTURI", issuer.URL+"/oidc", "SYSTEM_ACCESSTOKEN", "b")
	for name, c := range map[string]struct {
		set        variables
		want, says string
	}{
		"a token that is given": {and(oidc, "ARM_OIDC_TOKEN", "given"), "given", ""},
		"GitHub":                {github, "from GitHub", ""},
		"another audience":      {and(github, "ARM_OIDC_AUDIENCE", "api://other"), "for another audience", ""},
		"a given address":       {and(oidc, "ARM_OIDC_REQUEST_URL", at, "ARM_OIDC_REQUEST_TOKEN", "b"), "from GitHub", ""},
		"Azure Pipelines": {and(pipelines, "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "id"), "from Azure Pipelines",
			""},
		"refused": {and(github, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"), "", "it answers 403 Forbidden"},
		"no JSON": {and(github, "ACTIONS_ID_TOKEN_REQUEST_URL", issuer.URL+"/html"), "",
			"the answer is not JSON"},
		"no token": {and(github, "ACTIONS_ID_TOKEN_REQUEST_URL", issuer.URL+"/empty"), "",
			"there is none in the answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := azure.Deployer(c.set.get, issuer.Client())
			require.NoError(t, err)
			token, err := in.Assertion(t.Context())
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, token)
		})
	}
}

func TestHalfASignInNamesTheVariables(t *testing.T) {
	t.Parallel()
	oidc := and(named, "ARM_USE_OIDC", "true")
	for name, c := range map[string]struct {
		set  variables
		says []string
	}{
		"a client without proof": {named, []string{"ARM_CLIENT_ID is set, and nothing proves who it is"}},
		"a secret of nobody":     {variables{"ARM_CLIENT_SECRET": "s"}, []string{"set ARM_CLIENT_ID", "set ARM_TENANT_ID"}},
		"a secret without a tenant": {variables{"ARM_CLIENT_SECRET": "s", "ARM_CLIENT_ID": "c"},
			[]string{"set ARM_TENANT_ID"}},
		"a certificate of nobody": {variables{"ARM_CLIENT_CERTIFICATE_PATH": "p"},
			[]string{"set ARM_CLIENT_ID", "set ARM_TENANT_ID"}},
		"a password alone": {variables{"ARM_CLIENT_CERTIFICATE_PASSWORD": "w"},
			[]string{"without ARM_CLIENT_CERTIFICATE_PATH"}},
		"OpenID Connect of nobody": {variables{"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "x"},
			[]string{"set ARM_CLIENT_ID", "set ARM_TENANT_ID"}},
		"no token": {oidc, []string{"there is no token", "id-token: write", "SYSTEM_OIDCREQUESTURI"}},
		"half of GitHub's": {
			and(oidc, "ACTIONS_ID_TOKEN_REQUEST_URL", "https://x"), []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN is not; set both"},
		},
		"the other half": {and(oidc, "ARM_OIDC_REQUEST_TOKEN", "x"), []string{"ARM_OIDC_REQUEST_URL is not; set both"}},
		"half of Pipelines'": {and(oidc, "SYSTEM_OIDCREQUESTURI", "https://x"),
			[]string{"set SYSTEM_ACCESSTOKEN", "SERVICE_CONNECTION_ID"}},
		"a token, not used": {variables{"ARM_OIDC_TOKEN": "x"},
			[]string{"ARM_OIDC_TOKEN is set, and is not used without ARM_USE_OIDC=true"}},
		"not true":        {variables{"ARM_USE_OIDC": "1"}, []string{`ARM_USE_OIDC is "1"; write true`}},
		"not true either": {variables{"ARM_USE_MSI": "yes"}, []string{`ARM_USE_MSI is "yes"; write true`}},
		"a plain http address": {and(oidc, "ARM_OIDC_REQUEST_URL", "http://x", "ARM_OIDC_REQUEST_TOKEN", "x"),
			[]string{"no https address"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := azure.Deployer(c.set.get, http.DefaultClient)
			for _, says := range c.says {
				require.ErrorContains(t, err, says)
			}
		})
	}
}
