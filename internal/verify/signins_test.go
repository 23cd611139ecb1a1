package verify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/verify"
)

// A signer is an invoker that the stack makes, and that exists in the sandbox.
type signer struct {
	*world
	kind access.PrincipalKind
	of   string            // the application, or the identity
	made map[string]string // the ID of each credential, by its name
}

const identity = mlGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pipeline"

// signing makes an invoker ci with the credentials main and release, both in the sandbox.
func signing(t *testing.T, kind access.PrincipalKind) *signer {
	t.Helper()
	m := model()
	m.Invokers["ci"] = access.Invoker{Kind: kind, FederatedCredentials: map[string]signin.FederatedCredential{
		"main":    {GitHub: &signin.GitHubSubject{Repository: "firm/jobs", Branch: "main"}},
		"release": {Issuer: "https://tokens.example.com", Subject: "release", Audience: "api://own"},
	}}
	heart := m.Endpoints["heart"]
	heart.Invokers = append(heart.Invokers, "ci")
	m.Endpoints["heart"] = heart
	s := &signer{world: newWorld(t, model()), kind: kind, made: map[string]string{}}
	s.m = m
	id := ""
	if kind == access.ServicePrincipal {
		var appID string
		s.of, appID = s.graph(http.MethodPost, "/applications", `{"displayName": "ci"}`)
		id, _ = s.graph(http.MethodPost, "/servicePrincipals", `{"appId": "`+appID+`"}`)
	} else {
		s.of = identity
		var answer struct{ Properties struct{ PrincipalID string } }
		s.manage(http.MethodPut, identity, "2023-01-31", `{"location": "westeurope"}`, &answer)
		id = answer.Properties.PrincipalID
	}
	s.subjects = append(s.subjects, verify.Subject{Principal: access.InvokerPrincipal("ci"), ID: id, Kind: kind})
	s.make("main", "https://token.actions.githubusercontent.com", "repo:firm/jobs:ref:refs/heads/main",
		"api://AzureADTokenExchange")
	s.make("release", "https://tokens.example.com", "release", "api://own")
	s.grantAll()
	return s
}

func (s *signer) make(name, issuer, subject, audience string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"issuer": %q, "subject": %q, "audiences": [%q]`, issuer, subject, audience)
	if s.kind == access.ManagedIdentity {
		s.made[name] = identity + "/federatedIdentityCredentials/" + name
		s.manage(http.MethodPut, s.made[name], "2023-01-31", `{"properties": `+body+`}}`, nil)
		return
	}
	at := "/applications/" + s.of + "/federatedIdentityCredentials"
	id, _ := s.graph(http.MethodPost, at, body+`, "name": "`+name+`"}`)
	s.made[name] = at + "/" + id
}

func (s *signer) drop(name string) {
	s.t.Helper()
	if s.kind == access.ManagedIdentity {
		s.manage(http.MethodDelete, s.made[name], "2023-01-31", "", nil)
		return
	}
	s.graph(http.MethodDelete, s.made[name], "")
}

func (s *signer) table(r verify.Report) string {
	var out strings.Builder
	require.NoError(s.t, verify.WriteTable(&out, r))
	return out.String()
}

func TestFederatedCredentialsAreComparedWithTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.PrincipalKind{access.ServicePrincipal, access.ManagedIdentity} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := signing(t, kind)
			r := s.report()
			assert.Empty(t, r.SignIns)
			assert.False(t, r.Failed(true), "%v %v %v", r.Excess, r.Lacking, r.Unasked)
			assert.NotContains(t, s.table(r), "CREDENTIALS")
			earlier := r
			earlier.Asked = time.Unix(1, 0)

			s.make("stranger", "https://tokens.example.com", "Release", "api://own")
			r = s.report()
			assert.Equal(t, []verify.SignIn{{Invoker: "ci", Name: "stranger", Issuer: "https://tokens.example.com",
				Subject: "Release", Audience: "api://own", Extra: true}}, r.SignIns, "letter case counts")
			assert.False(t, r.Failed(false), "what is beyond need is a warning")
			assert.True(t, r.Failed(true))
			assert.Contains(t, s.table(r), "invoker ci: federated credential stranger is beyond need: Release of")
			require.NoError(t, r.Compare(earlier))
			assert.Len(t, r.Since.More, 1)
			assert.True(t, r.Failed(false), "it was not there then")

			s.drop("main")
			r = s.report()
			require.Len(t, r.SignIns, 2)
			assert.Equal(t, "invoker ci: federated credential main is not there: repo:firm/jobs:ref:refs/heads/main of "+
				"https://token.actions.githubusercontent.com for api://AzureADTokenExchange", r.SignIns[0].String())
			assert.True(t, r.Failed(false))
			assert.False(t, r.Settled(), "a new one takes minutes to be seen")
			assert.Contains(t, r.Verdict(), "1 credentials are not there; 1 credentials are beyond need")
			assert.Equal(t, verify.Works, path(t, r, "ci", "heart").Status, "by the other one")

			s.drop("release")
			s.make("release", "https://tokens.example.com", "release", "api://other")
			r = s.report()
			assert.Len(t, r.SignIns, 4, "the audience is another one: %v", r.SignIns)
			p := path(t, r, "ci", "heart")
			if kind == access.ManagedIdentity {
				assert.Equal(t, verify.Works, p.Status, "it may be on a host")
			} else {
				assert.Equal(t, "token: invoker ci lacks a way to sign in: none of its credentials is there; run "+
					"pulumi refresh and pulumi up", p.Why)
			}
		})
	}
}

// Client secrets and certificates too: whoever adds one signs in as the invoker.
func TestSecretsAreComparedWithTheConfiguration(t *testing.T) {
	t.Parallel()
	s := signing(t, access.ServicePrincipal)
	start := time.Now().UTC().Truncate(24 * time.Hour)
	day := func(n int) string { return start.AddDate(0, 0, n).Format(time.RFC3339) }
	ci := s.m.Invokers["ci"]
	ci.ClientSecrets = map[string]signin.ClientSecret{
		"summer": {StartDate: day(-20), EndDate: day(160)},
		"autumn": {StartDate: day(0), EndDate: day(180), Was: "fall"},
	}
	s.m.Invokers["ci"] = ci
	add := func(name, from, until string) {
		_, _ = s.graph(http.MethodPost, "/applications/"+s.of+"/addPassword", fmt.Sprintf(`{"passwordCredential": `+
			`{"displayName": %q, "startDateTime": %q, "endDateTime": %q}}`, name, from, until))
	}
	said := func() (all []string) {
		for _, one := range s.report().SignIns {
			all = append(all, one.String())
		}
		return all
	}
	assert.Equal(t, []string{"invoker ci: client secret autumn is not there: it ends " + day(180),
		"invoker ci: client secret summer is not there: it ends " + day(160)}, said())
	add("summer", day(-20), day(160))
	add("fall", day(0), day(180))
	assert.Empty(t, said(), "a renamed one keeps its first name")
	earlier := s.report()
	earlier.Asked = time.Unix(1, 0)
	add("summer", day(-20), day(160)) // twice the same
	add("", day(-20), day(161))
	assert.Equal(t, []string{"invoker ci: client secret of no name is beyond need: it ends " + day(161),
		"invoker ci: client secret summer is beyond need: it ends " + day(160)}, said())
	r := s.report()
	assert.False(t, r.Failed(false))
	assert.True(t, r.Failed(true))
	assert.Contains(t, r.Verdict(), "2 credentials are beyond need")
	require.NoError(t, r.Compare(earlier))
	assert.Len(t, r.Since.More, 2)

	keys := func(*http.Request) (int, any) {
		return http.StatusOK, map[string]any{"accountEnabled": true, "appId": "x", "keyCredentials": []any{
			map[string]any{"displayName": "CN=eve", "endDateTime": day(30)}, map[string]any{"displayName": "CN=over",
				"endDateTime": day(-30)}}}
	}
	r = s.judged(answering{s.azure.Client(), "/servicePrincipals/" + s.id(access.InvokerPrincipal("ci")), keys}, 0)
	assert.Contains(t, s.table(r), "invoker ci: certificate CN=eve is beyond need: it ends "+day(30))
	assert.NotContains(t, s.table(r), "CN=over")
	ci.ClientSecrets["autumn"] = signin.ClientSecret{StartDate: day(-200), EndDate: day(-20)}
	assert.NotContains(t, strings.Join(said(), "\n"), "is not there", "what is over lets nobody in anyway")
	r = s.judged(answering{s.azure.Client(), "/applications/" + s.of, refused}, 0)
	assert.Contains(t, strings.Join(r.Unasked, "\n"), "asking for the client secrets of invoker ci")
	assert.True(t, r.Failed(false))
}

// A list that is not answered is not an empty one.
func TestFederatedCredentialsThatAreNotAnswered(t *testing.T) {
	t.Parallel()
	for kind, ends := range map[access.PrincipalKind][]string{
		access.ServicePrincipal: {"/federatedIdentityCredentials", "/applications"},
		access.ManagedIdentity:  {"/federatedIdentityCredentials"},
	} {
		s := signing(t, kind)
		for _, end := range ends {
			r := s.judged(answering{s.azure.Client(), end, refused}, 0)
			assert.Empty(t, r.SignIns, end)
			assert.Contains(t, strings.Join(r.Unasked, "\n"), "asking for the federated credentials of invoker ci", end)
			assert.True(t, r.Failed(false))
		}
		id := s.id(access.InvokerPrincipal("ci"))
		mute := func(*http.Request) (int, any) {
			return http.StatusOK, map[string]any{"accountEnabled": true, "appId": "x"}
		}
		r := s.judged(answering{s.azure.Client(), "/servicePrincipals/" + id, mute}, 0)
		if kind == access.ManagedIdentity {
			assert.Contains(t, strings.Join(r.Unasked, "\n"), "the directory does not say which resource it is")
		} else {
			assert.Len(t, r.SignIns, 2, "an application that is not there has none")
		}
	}
}

// For a principal that the stack does not make, others declare the credentials: none is beyond need, and each that has
// not ended is a way to act as the principal.
func TestCredentialsOfOthersAreTheirs(t *testing.T) {
	t.Parallel()
	s := signing(t, access.ServicePrincipal)
	s.m.Invokers["ci"] = access.Invoker{Kind: s.kind, PrincipalID: access.Known(s.id(access.InvokerPrincipal("ci")))}
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.RFC3339) }
	keys := always(map[string]any{"passwordCredentials": []any{
		map[string]any{"displayName": "theirs", "endDateTime": day(30)},
		map[string]any{"displayName": "over", "endDateTime": day(-1)}},
		"keyCredentials": []any{map[string]any{"displayName": "CN=eve"}}})
	r := s.judged(answering{s.azure.Client(), "/applications/" + s.of, keys}, 0)
	assert.Empty(t, r.SignIns)
	var all strings.Builder
	for _, way := range reached(r) {
		all.WriteString(way.String() + "\n")
	}
	assert.Contains(t, all.String(), "whoever has the subject release of https://tokens.example.com can reach ci")
	assert.Contains(t, all.String(), "whoever knows the client secret theirs can reach ci, by the client secret theirs of")
	assert.Contains(t, all.String(), "whoever knows the certificate CN=eve can reach ci")
	assert.NotContains(t, all.String(), "client secret over")
	r = s.judged(answering{s.azure.Client(), "/applications/" + s.of, refused}, 0)
	assert.Contains(t, strings.Join(r.Unasked, "\n"), "asking for the client secrets of invoker ci")
}
