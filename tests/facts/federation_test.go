package facts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

// severalCredentials reads the credentials of one application or identity, by their names.
func severalCredentials(t *testing.T, input string) map[string]signin.FederatedCredential {
	t.Helper()
	all := map[string]signin.FederatedCredential{}
	one := signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "s"}
	var n int
	switch input {
	case "the same issuer and subject twice":
		all["one"], all["two"] = one, one
	case "one subject of two issuers":
		all["one"], one.Issuer = one, "https://other.example"
		all["two"] = one
	case "two subjects that differ in letter case":
		all["one"], one.Subject = one, "S"
		all["two"] = one
	case "an issuer that begins with white space":
		one.Issuer = " " + one.Issuer
		all["one"] = one
	case "an issuer that ends with white space":
		one.Issuer += " "
		all["one"] = one
	case "an issuer without TLS":
		one.Issuer = "http://issuer.example"
		all["one"] = one
	case "no subject":
		one.Subject = ""
		all["one"] = one
	case "an audience of 600 characters", "an audience of 601 characters":
		_, err := fmt.Sscanf(input, "an audience of %d characters", &n)
		require.NoError(t, err)
		one.Audience = fmt.Sprintf("%0*d", n, 0)
		all["one"] = one
	case "a subject of 600 letters of two bytes":
		one.Subject = strings.Repeat("é", 600)
		all["one"] = one
	case "a managed identity of the tenant by Entra's issuer": // facts/federation.md: Entra as issuer
		all["one"] = signin.FederatedCredential{Issuer: "https://login.microsoftonline.com/" + tenant + "/v2.0", Subject: bob}
	default:
		_, err := fmt.Sscanf(input, "%d of them", &n)
		require.NoError(t, err)
		for i := range n {
			one.Subject = fmt.Sprint("s", i)
			all[fmt.Sprintf("one%d", i)] = one
		}
	}
	return all
}

// ofFederation are the product's answers about several credentials.
func ofFederation() asked {
	of := func(kind access.PrincipalKind) func(t *testing.T, input string) string {
		return func(t *testing.T, input string) string {
			m := model()
			m.Invokers["ci"] = access.Invoker{Kind: kind, FederatedCredentials: severalCredentials(t, input)}
			return accepted(deployable(m))
		}
	}
	return asked{
		"federated credentials": of(access.ServicePrincipal),
		"identity credentials":  of(access.ManagedIdentity),
	}
}

// federationOfSandbox are the sandbox's answers.
func (w *world) federationOfSandbox() asked {
	body := func(name string, f signin.FederatedCredential) map[string]any {
		if f.Audience == "" {
			f.Audience = "api://AzureADTokenExchange"
		}
		return map[string]any{"name": name, "issuer": f.Issuer, "subject": f.Subject, "audiences": []string{f.Audience}}
	}
	return asked{
		"federated credentials": func(t *testing.T, input string) string {
			at := w.application(t) + "/federatedIdentityCredentials"
			all := true
			for name, f := range severalCredentials(t, input) {
				all = w.graphs(t, http.MethodPost, at, body(name, f)).status == http.StatusCreated && all
			}
			return accepted(all)
		},
		"identity credentials": func(t *testing.T, input string) string {
			at := w.identity(t)
			all := true
			for name, f := range severalCredentials(t, input) {
				properties := body(name, f)
				delete(properties, "name")
				put := w.arm(t, http.MethodPut, at+"/federatedIdentityCredentials/"+name, "2023-01-31",
					map[string]any{"properties": properties})
				all = put.status == http.StatusCreated && all
			}
			return accepted(all)
		},
		"credential of an application": func(t *testing.T, input string) string {
			at := w.application(t) + "/federatedIdentityCredentials"
			one := body("main", signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "s"})
			switch input {
			case "no audience":
				one["audiences"] = []string{}
			case "two audiences":
				one["audiences"] = []string{"api://AzureADTokenExchange", "api://other"}
			case "another name afterwards":
				made := w.graphs(t, http.MethodPost, at, one)
				require.Equal(t, http.StatusCreated, made.status, made.body)
				return accepted(w.graphs(t, http.MethodPatch, at+"/"+made.body["id"].(string),
					map[string]any{"name": "other"}).status == http.StatusNoContent)
			case "another subject afterwards":
				made := w.graphs(t, http.MethodPost, at, one)
				require.Equal(t, http.StatusCreated, made.status, made.body)
				return accepted(w.graphs(t, http.MethodPatch, at+"/"+made.body["id"].(string),
					map[string]any{"subject": "other"}).status == http.StatusNoContent)
			default:
				require.Fail(t, "unknown", input)
			}
			return accepted(w.graphs(t, http.MethodPost, at, one).status == http.StatusCreated)
		},
		"credential of an identity": func(t *testing.T, input string) string {
			at := w.identity(t)
			one := body("", signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "s"})
			delete(one, "name")
			switch input {
			case "no audience":
				one["audiences"] = []string{}
			case "two audiences":
				one["audiences"] = []string{"api://AzureADTokenExchange", "api://other"}
			case "of a cluster's system-assigned identity":
				at = workspace + "/computes/cpu"
			default:
				require.Fail(t, "unknown", input)
			}
			return accepted(w.arm(t, http.MethodPut, at+"/federatedIdentityCredentials/main", "2023-01-31",
				map[string]any{"properties": one}).status == http.StatusCreated)
		},
	}
}

// application makes an application, and returns its path.
func (w *world) application(t *testing.T) string {
	t.Helper()
	return "/v1.0/applications/" + w.graph(t, "/v1.0/applications",
		map[string]any{"displayName": t.Name()}).body["id"].(string)
}

// identity makes a user-assigned identity, and returns its ID.
func (w *world) identity(t *testing.T) string {
	t.Helper()
	at := identityNamed("f" + uuid.NewString())
	got := w.arm(t, http.MethodPut, at, "2023-01-31", map[string]any{"location": "westeurope"})
	require.Equal(t, http.StatusCreated, got.status, got.body)
	return at
}
