package clients_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	github   = "https://token.actions.githubusercontent.com"
	branch   = "repo:acme/scores:ref:refs/heads/main"
	exchange = "api://AzureADTokenExchange"
)

// signedIn is the claims of the token that a credential gets for a scope.
func signedIn(t *testing.T, credential azcore.TokenCredential, scope string) jwt.MapClaims {
	t.Helper()
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
	require.NoError(t, err)
	claims := jwt.MapClaims{}
	_, _, err = jwt.NewParser().ParseUnverified(token.Token, claims)
	require.NoError(t, err)
	expiry, err := claims.GetExpirationTime()
	require.NoError(t, err)
	const apart = time.Minute // at most: the client counts from the time of the answer
	assert.WithinRange(t, token.ExpiresOn, expiry.Add(-apart), expiry.Add(apart))
	return claims
}

// refused is Entra's refusal of a credential.
func refused(t *testing.T, credential azcore.TokenCredential) string {
	t.Helper()
	_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{ml}})
	var failed *azidentity.AuthenticationFailedError
	require.ErrorAs(t, err, &failed)
	return failed.Error()
}

func TestAClientSecretSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claims := signedIn(t, w.deployer(), ml)
	assert.Equal(t, "https://ml.azure.com", claims["aud"])
	assert.Equal(t, w.Deployer().ObjectID, claims["oid"])
	assert.Equal(t, tenantID, claims["tid"])
	assert.Equal(t, "https://management.azure.com", signedIn(t, w.deployer(), management)["aud"])

	d := w.Deployer()
	options := &azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true}
	wrong, err := azidentity.NewClientSecretCredential(d.TenantID, d.ClientID, "guess", options)
	require.NoError(t, err)
	assert.Contains(t, refused(t, wrong), "AADSTS7000215")
	elsewhere, err := azidentity.NewClientSecretCredential(alice, d.ClientID, d.ClientSecret, options)
	require.NoError(t, err)
	assert.Contains(t, refused(t, elsewhere), "90002")
}

// trusted makes an application that trusts a subject of GitHub Actions, and returns its client ID, its service
// principal's object ID, and its own object ID.
func (w *world) trusted() (clientID, objectID, app string) {
	w.t.Helper()
	g := w.graph()
	made := g.send(http.MethodPost, "/v1.0/applications", object{"displayName": "ci"}, http.StatusCreated)
	clientID, app = made.text("appId"), made.text("id")
	sp := g.send(http.MethodPost, "/v1.0/servicePrincipals", object{"appId": clientID}, http.StatusCreated)
	g.send(http.MethodPost, "/v1.0/applications/"+app+"/federatedIdentityCredentials", object{
		"name": "main", "issuer": github, "subject": branch, "audiences": []string{exchange},
	}, http.StatusCreated)
	return clientID, sp.text("id"), app
}

func TestAClientAssertionSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clientID, objectID, _ := w.trusted()
	credential := func(subject, audience string) azcore.TokenCredential {
		c, err := azidentity.NewClientAssertionCredential(tenantID, clientID, func(context.Context) (string, error) {
			return w.FederatedAssertion(github, subject, audience)
		}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
		require.NoError(t, err)
		return c
	}
	assert.Equal(t, objectID, signedIn(t, credential(branch, exchange), ml)["oid"])
	assert.Contains(t, refused(t, credential("repo:acme/scores:pull_request", exchange)), "AADSTS700213")
	assert.Contains(t, refused(t, credential(branch, "sts.example.com")), "AADSTS700212")
}

func TestAWorkloadIdentitySignsInWithAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clientID, objectID, _ := w.trusted()
	assertion, err := w.FederatedAssertion(github, branch, exchange)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(assertion), 0o600))
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: w.options(), DisableInstanceDiscovery: true, TenantID: tenantID, ClientID: clientID,
		TokenFilePath: file,
	})
	require.NoError(t, err)
	assert.Equal(t, objectID, signedIn(t, credential, ml)["oid"])
}

func TestAFederatedCredentialOfAUserAssignedIdentitySignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	properties := object{"issuer": github, "subject": branch, "audiences": []string{exchange}}
	w.arm().send(http.MethodPut, identity+"/federatedIdentityCredentials/main?api-version=2023-01-31",
		object{"properties": properties}, http.StatusCreated)
	clientID := w.arm().send(http.MethodGet, identity+"?api-version=2023-01-31", nil, http.StatusOK).at("properties",
		"clientId").(string)
	credential := func(subject string) azcore.TokenCredential {
		c, err := azidentity.NewClientAssertionCredential(tenantID, clientID, func(context.Context) (string, error) {
			return w.FederatedAssertion(github, subject, exchange)
		}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
		require.NoError(t, err)
		return c
	}
	claims := signedIn(t, credential(branch), ml)
	assert.Equal(t, robot, claims["oid"])
	assert.Equal(t, identity, claims["xms_mirid"])
	assert.Contains(t, refused(t, credential("repo:acme/other:ref:refs/heads/main")), "AADSTS700213")
	w.arm().send(http.MethodDelete, identity+"/federatedIdentityCredentials/main?api-version=2023-01-31", nil,
		http.StatusOK)
	assert.Contains(t, refused(t, credential(branch)), "AADSTS70025")
}

func (w *world) managedIdentity(id azidentity.ManagedIDKind) azcore.TokenCredential {
	w.t.Helper()
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: w.options(), ID: id}
	options.Transport = &http.Client{Transport: imdsAt{w.URL(), w.client.Transport}}
	credential, err := azidentity.NewManagedIdentityCredential(options)
	require.NoError(w.t, err)
	return credential
}

func TestAManagedIdentityOfAVirtualMachineSignsIn(t *testing.T) {
	for _, name := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT",
		"IDENTITY_SERVER_THUMBPRINT"} {
		unset(t, name) // so that the client takes this machine for a virtual machine
	}
	w := newWorld(t)
	clientID := w.arm().send(http.MethodGet, identity+"?api-version=2023-01-31", nil, http.StatusOK).at("properties",
		"clientId").(string)
	for name, id := range map[string]azidentity.ManagedIDKind{
		"the only one": nil, "by client ID": azidentity.ClientID(clientID), "by object " +
			"ID": azidentity.ObjectID(robot), "by resource ID": azidentity.ResourceID(identity),
	} {
		t.Run(name, func(t *testing.T) {
			claims := signedIn(t, w.managedIdentity(id), ml)
			assert.Equal(t, robot, claims["oid"])
			assert.Equal(t, "https://ml.azure.com", claims["aud"])
		})
	}
	assert.Contains(t, refused(t, w.managedIdentity(azidentity.ClientID(alice))), "isn't assigned")
}

func TestAManagedIdentityOfAppServiceSignsIn(t *testing.T) {
	unset(t, "IDENTITY_SERVER_THUMBPRINT")
	w := newWorld(t)
	t.Setenv("IDENTITY_ENDPOINT", w.URL()+"/msi/token")
	t.Setenv("IDENTITY_HEADER", w.IdentityHeader())
	clientID := w.arm().send(http.MethodGet, identity+"?api-version=2023-01-31", nil, http.StatusOK).at("properties",
		"clientId").(string)
	for name, id := range map[string]azidentity.ManagedIDKind{
		"the only one": nil, "by client ID": azidentity.ClientID(clientID), "by object " +
			"ID": azidentity.ObjectID(robot), "by resource ID": azidentity.ResourceID(identity),
	} {
		t.Run(name, func(t *testing.T) {
			// The client keeps tokens for the whole process, by identity and scope, so the other test must use another
			// scope.
			assert.Equal(t, robot, signedIn(t, w.managedIdentity(id), management)["oid"])
		})
	}
	t.Setenv("IDENTITY_HEADER", "guess")
	_, err := w.managedIdentity(nil).GetToken(t.Context(),
		policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	var failed *azidentity.AuthenticationFailedError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, failed.Error(), "401")
}

// unset removes a variable from the environment while the test runs.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // restores it afterwards
	require.NoError(t, os.Unsetenv(name))
}
