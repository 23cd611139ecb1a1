package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/batchaccess/batchaccess/internal/azure"
)

// An account is the account that is signed in to the stand-in for the Azure CLI. It is kept in the folder of the CLI's
// settings, AZURE_CONFIG_DIR, where only the owner can read it. Like the CLI, it has a service principal's proof, and
// never a user's password.
type account struct {
	Kind   string `json:"kind"`             // userAccount, azure.AsServicePrincipal or azure.AsManagedIdentity
	ID     string `json:"id"`               // a user's object ID; otherwise the client ID, "" for the host's only identity
	Tenant string `json:"tenant,omitempty"` // default: the sandbox's
	// A service principal has one of these.
	Secret         string `json:"secret,omitempty"`
	FederatedToken string `json:"federatedToken,omitempty"`
}

const (
	userAccount = azure.AsUser
	accountFile = "account.json"
)

func azFile(name string) (string, error) {
	dir := os.Getenv("AZURE_CONFIG_DIR")
	if dir == "" {
		return "", errors.New("AZURE_CONFIG_DIR is not set: run az with batchaccess sandbox --")
	}
	return filepath.Join(dir, name), nil
}

func readAccount() (a account, err error) {
	file, err := azFile(accountFile)
	if err != nil {
		return a, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, errors.New("nobody is signed in; please run 'az login' to setup account")
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, fmt.Errorf("reading who is signed in: %w; sign in with: az login", err)
	}
	return a, nil
}

func (a account) keep() error {
	file, err := azFile(accountFile)
	if err == nil {
		err = writeJSON(file, a)
	}
	if err != nil {
		return fmt.Errorf("keeping who is signed in: %w", err)
	}
	return nil
}

func forgetAccount() error {
	file, err := azFile(accountFile)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("signing out: %w", err)
	}
	return nil
}

// knownUsers returns the sandbox's users.
func knownUsers() (users []knownUser, err error) {
	text, err := os.ReadFile(filepath.Join(os.Getenv(signInsVariable), usersFile))
	if err == nil {
		err = json.Unmarshal(text, &users)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the users of the sandbox: %w; run az with batchaccess sandbox --", err)
	}
	return users, nil
}

// chooseUser finds a user by any of its names, or by the name of an invoker that it is or belongs to. Without a name it
// is the only user that is an invoker.
func chooseUser(name string) (knownUser, error) {
	users, err := knownUsers()
	if err != nil {
		return knownUser{}, err
	}
	var found []knownUser
	var names []string
	for _, u := range users {
		names = append(names, u.UserPrincipalName)
		known := append([]string{u.ObjectID, u.UserPrincipalName, u.DisplayName}, u.Invokers...)
		if name == "" && len(u.Invokers) > 0 || slices.ContainsFunc(known,
			func(n string) bool { return strings.EqualFold(n, name) }) {
			found = append(found, u)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case name == "":
		return knownUser{}, fmt.Errorf("say who signs in with --username; the sandbox's users are %s",
			strings.Join(names, ", "))
	case len(found) > 1:
		return knownUser{}, fmt.Errorf("several users are called %q; say which with its user principal name: %s", name,
			strings.Join(names, ", "))
	}
	return knownUser{}, fmt.Errorf("AADSTS50034: the sandbox has no user %q; its users are %s", name,
		strings.Join(names, ", "))
}

// An azCloud is the sandbox for the stand-in, which uses HTTP like any client.
type azCloud struct {
	azure.Cloud
	client       *http.Client
	subscription string
}

// findAzCloud finds the sandbox. Secrets must not go anywhere else, so it must be on this machine.
func findAzCloud(ctx context.Context) (*azCloud, error) {
	for variable, address := range map[string]string{
		"ARM_METADATA_HOSTNAME": "https://" +
			os.Getenv("ARM_METADATA_HOSTNAME"), "IDENTITY_ENDPOINT": os.Getenv("IDENTITY_ENDPOINT"),
	} {
		u, err := url.Parse(address)
		if err != nil || net.ParseIP(u.Hostname()) == nil || !net.ParseIP(u.Hostname()).IsLoopback() {
			return nil, fmt.Errorf("this az signs in at the sandbox alone, and %s does not lead there: run it with "+
				"batchaccess sandbox --", variable)
		}
	}
	client, err := clientOfCloud()
	if err != nil {
		return nil, err
	}
	cloud, err := azure.Discover(ctx, client, os.Getenv("ARM_METADATA_HOSTNAME"))
	if err != nil {
		return nil, err
	}
	return &azCloud{cloud, client, os.Getenv("ARM_SUBSCRIPTION_ID")}, nil
}

// show returns the account as `az account show` prints it.
func (c *azCloud) show(a account) (map[string]any, error) {
	name, kind := a.ID, "servicePrincipal"
	switch {
	case a.Kind == userAccount:
		user, err := chooseUser(a.ID)
		if err != nil {
			return nil, err
		}
		name, kind = user.UserPrincipalName, "user"
	case a.Kind == azure.AsManagedIdentity && a.ID == "":
		name = "systemAssignedIdentity"
	case a.Kind == azure.AsManagedIdentity:
		name = "userAssignedIdentity"
	}
	return map[string]any{
		"environmentName": "BatchAccessSandbox", "homeTenantId": c.TenantID, "tenantId": c.TenantID, "id": c.subscription,
		"name": "sandbox", "isDefault": true, "state": "Enabled", "user": map[string]any{"name": name, "type": kind},
	}, nil
}

// token signs in as the account and returns the token.
func (c *azCloud) token(ctx context.Context, a account, resource, tenant string) (azcore.AccessToken, error) {
	tenant = cmp.Or(tenant, a.Tenant, c.TenantID)
	scope := resource + "/.default"
	if a.Kind == userAccount {
		user, err := chooseUser(a.ID)
		if err != nil {
			return azcore.AccessToken{}, err
		}
		return c.userToken(ctx, user, user.Password, tenant, scope)
	}
	in := azure.SignIn{As: a.Kind, ClientID: a.ID, TenantID: tenant, ClientSecret: a.Secret}
	if a.FederatedToken != "" { // azidentity reads it from a file
		file, err := azFile("federated-token")
		if err == nil {
			err = writeOwn(file, []byte(a.FederatedToken))
		}
		if err != nil {
			return azcore.AccessToken{}, fmt.Errorf("keeping the federated token: %w", err)
		}
		in.FederatedTokenFile = file
	}
	credential, err := in.Credential(c.Cloud, c.client)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
}

// azureCLI is the client ID of the Azure CLI.
const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// userToken signs a user in with the password grant. People sign in at Azure in a browser; this is the nearest that a
// program can do.
func (c *azCloud) userToken(ctx context.Context, user knownUser, password, tenant, scope string) (azcore.AccessToken,
	error) {
	form := url.Values{
		"grant_type": {"password"}, "client_id": {azureCLI}, "scope": {scope}, "username": {user.UserPrincipalName},
		"password": {password},
	}
	req, err := runtime.NewRequest(ctx, http.MethodPost, c.Authority+"/"+tenant+"/oauth2/v2.0/token")
	if err == nil {
		err = req.SetBody(streaming.NopCloser(strings.NewReader(form.Encode())), "application/x-www-form-urlencoded")
	}
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("signing in as %s: %w", user.UserPrincipalName, err)
	}
	resp, err := runtime.NewPipeline(azName, "v0", runtime.PipelineOptions{},
		&policy.ClientOptions{Transport: c.client}).Do(req)
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("signing in as %s: %w", user.UserPrincipalName, err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return azcore.AccessToken{}, fmt.Errorf("signing in as %s: reading the answer of the token endpoint: %w",
			user.UserPrincipalName, err)
	}
	if resp.StatusCode != http.StatusOK {
		return azcore.AccessToken{}, fmt.Errorf("signing in as %s: %s", user.UserPrincipalName, answer.Description)
	}
	return azcore.AccessToken{Token: answer.AccessToken,
		ExpiresOn: time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second)}, nil
}
