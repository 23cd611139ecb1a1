package rehearsal

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// signInAsDeclared compares how somebody can sign in as a principal that the stack makes with the configuration. That
// the declared ways work is tried; here, there must be no other: no credential for another workload, no secret for
// longer, no other tenant.
func (r *rehearsal) signInAsDeclared(ctx context.Context, report *Report, d deployed) error {
	for _, name := range slices.Sorted(maps.Keys(r.Model.Invokers)) {
		i, client := r.Model.Invokers[name], d.ClientIDs[name]
		if i.Exists() || client == "" {
			continue
		}
		var has, should string
		var err error
		switch i.Kind {
		case access.ServicePrincipal:
			has, err = r.applicationSignIn(ctx, client)
			should = "tenant AzureADMyOrg; " + periodsOf(i.ClientSecrets) + "; "
		case access.ManagedIdentity:
			has, err = r.identitySignIn(ctx, d.PrincipalIDs[name])
		default:
			continue
		}
		if err != nil {
			return err
		}
		all, err := claimsOf(r.azure, i.FederatedCredentials)
		if err != nil {
			return err
		}
		if should += all; has != should {
			report.add(Outcome{Control: true, Invoker: name, Want: should, Got: has,
				Detail: "the ways to sign in are not those of the configuration"})
		}
	}
	return nil
}

// federated is a federated credential, as Entra and Resource Manager answer it.
type federated struct {
	Issuer, Subject string
	Audiences       []string
}

func credentialsText(all []federated) string {
	var texts []string
	for _, f := range all {
		texts = append(texts, f.Issuer+" "+f.Subject+" "+strings.Join(f.Audiences, ", "))
	}
	slices.Sort(texts) // in letters that count: Entra compares them so
	return "credentials " + strings.Join(texts, ", ")
}

// claimsOf are the credentials that a configuration declares, by the sandbox's own reading of each workload.
func claimsOf(a *azure.Azure, credentials map[string]signin.FederatedCredential) (string, error) {
	var all []federated
	for _, f := range credentials {
		one := federated{f.Issuer, f.Subject, []string{audienceOf(a, f)}}
		if w := workloadOf(f); w != nil {
			var err error
			if one.Issuer, one.Subject, err = w.Claims(); err != nil {
				return "", err
			}
		}
		all = append(all, one)
	}
	return credentialsText(all), nil
}

// periodsOf are the times in which the secrets are good, as they are declared. A day stands for its first moment, in
// UTC.
func periodsOf(secrets map[string]signin.ClientSecret) string {
	var all []string
	for _, s := range secrets {
		all = append(all, momentOf(s.StartDate)+" to "+momentOf(s.EndDate))
	}
	return "secrets " + listed(all)
}

func momentOf(date string) string {
	for _, form := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04:05 +0000 UTC"} {
		if at, err := time.Parse(form, date); err == nil {
			return at.UTC().Format(time.RFC3339)
		}
	}
	return date
}

func (r *rehearsal) applicationSignIn(ctx context.Context, clientID string) (string, error) {
	var apps struct {
		Value []struct {
			ID, SignInAudience  string
			PasswordCredentials []struct{ StartDateTime, EndDateTime string }
		}
	}
	var credentials struct{ Value []federated }
	err := r.directory(ctx, "/applications?"+url.Values{"$filter": {"appId eq '" + clientID + "'"}}.Encode(), &apps)
	if err != nil || len(apps.Value) != 1 {
		return "no application " + clientID, err
	}
	app := apps.Value[0]
	if err := r.directory(ctx, "/applications/"+app.ID+"/federatedIdentityCredentials", &credentials); err != nil {
		return "", err
	}
	var secrets []string
	for _, p := range app.PasswordCredentials {
		secrets = append(secrets, momentOf(p.StartDateTime)+" to "+momentOf(p.EndDateTime))
	}
	return "tenant " + app.SignInAudience + "; secrets " + listed(secrets) + "; " +
		credentialsText(credentials.Value), nil
}

func (r *rehearsal) identitySignIn(ctx context.Context, principalID string) (string, error) {
	var principal struct{ AlternativeNames []string }
	if err := r.directory(ctx, "/servicePrincipals/"+principalID, &principal); err != nil {
		return "", err
	}
	if len(principal.AlternativeNames) == 0 { // then nobody has looked at its credentials
		return "no resource of principal " + principalID, nil
	}
	var found struct {
		Value []struct{ Properties federated }
	}
	resource := principal.AlternativeNames[len(principal.AlternativeNames)-1]
	if err := r.manage(ctx, http.MethodGet, r.azure.URL()+resource+"/federatedIdentityCredentials?api-version=2023-01-31",
		nil, &found); err != nil {
		return "", err
	}
	var all []federated
	for _, one := range found.Value {
		all = append(all, one.Properties)
	}
	return credentialsText(all), nil
}

// directory reads from Microsoft Graph as whoever deploys.
func (r *rehearsal) directory(ctx context.Context, path string, into any) error {
	token, err := r.azure.SignIn(ctx, r.azure.Deployer().ObjectID, r.azure.URL()+"/graph")
	if err != nil {
		return err
	}
	return manageBy(ctx, r.azure, token, http.MethodGet, r.azure.URL()+"/graph/v1.0"+path, nil, into)
}
