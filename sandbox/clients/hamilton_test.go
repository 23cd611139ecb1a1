package clients_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/odata"
	"github.com/manicminer/hamilton/msgraph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// hamilton is the Graph client of the azuread provider's second generation.
type hamilton struct {
	*world
	version    msgraph.ApiVersion
	authorizer auth.Authorizer
	answers    *statuses
}

func (w *world) hamilton(version msgraph.ApiVersion) hamilton {
	w.t.Helper()
	return hamilton{w, version, w.authorizer(w.secret()), &statuses{next: w.client.Transport}}
}

// client points a hamilton client at the sandbox. Hamilton expects that Graph has its own host; since it does not here,
// the client's request hook adds the path. The client does not retry a 404, so that tests of missing objects are quick;
// it retries what is throttled.
func (h hamilton) client() msgraph.Client {
	c := msgraph.NewClient(h.version)
	c.Endpoint, c.Authorizer, c.DisableRetries = h.URL(), h.authorizer, true
	c.RetryableClient.HTTPClient.Transport = h.answers
	c.RequestMiddlewares = &[]msgraph.RequestMiddleware{func(r *http.Request) (*http.Request, error) {
		if !strings.HasPrefix(r.URL.Path, "/graph/") { // as the address of a next page has it
			r.URL.Path = "/graph" + r.URL.Path
		}
		return r, nil
	}}
	return c
}

// statuses counts answers that ask a client to try again, and all answers.
type statuses struct {
	next       http.RoundTripper
	again, all atomic.Int32
}

func (s *statuses) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(r)
	s.all.Add(1)
	if err == nil && res.StatusCode >= http.StatusTooManyRequests {
		s.again.Add(1)
	}
	return res, err
}

func (h hamilton) reference(id string) msgraph.DirectoryObject {
	// The provider puts the tenant between version and object.
	return msgraph.DirectoryObject{ODataId: ptr(odata.Id(fmt.Sprintf("%s/v1.0/%s/directoryObjects/%s", h.URL(), tenantID,
		id)))}
}

func both(t *testing.T, test func(t *testing.T, h hamilton)) {
	for _, version := range []msgraph.ApiVersion{msgraph.Version10, msgraph.VersionBeta} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			test(t, newTrustedWorld(t, azure.Weather{}).hamilton(version))
		})
	}
}

// expect compares a call's status and error with the expected ones.
func expect(t *testing.T, want, status int, err error) {
	t.Helper()
	if want < http.StatusBadRequest {
		require.NoError(t, err)
	} else {
		require.Error(t, err)
	}
	require.Equal(t, want, status)
}

func named(name string) odata.Query { return odata.Query{Filter: "displayName eq '" + name + "'"} }

func TestHamiltonManagesApplications(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, h hamilton) {
		ctx, c := t.Context(), &msgraph.ApplicationsClient{BaseClient: h.client()}
		app, status, err := c.Create(ctx, msgraph.Application{
			DisplayName: ptr("nightly"), Description: ptr(msgraph.StringNullWhenEmpty("")), Tags: &[]string{"a"},
			Owners: &msgraph.Owners{h.reference(h.Deployer().ObjectID)},
		})
		expect(t, http.StatusCreated, status, err)
		id := *app.ID()
		assert.NotEmpty(t, *app.AppId)
		require.NotNil(t, app.ODataId, "all of the metadata was asked for")
		assert.True(t, strings.HasSuffix(string(*app.ODataId), id))

		status, err = c.Update(ctx, msgraph.Application{DirectoryObject: msgraph.DirectoryObject{Id: &id},
			DisplayName: ptr("weekly"), Tags: &[]string{}})
		expect(t, http.StatusNoContent, status, err)
		got, status, err := c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, "weekly", *got.DisplayName)
		assert.Empty(t, *got.Tags)
		only, status, err := c.Get(ctx, id, odata.Query{Select: []string{"appId"}})
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, *app.AppId, *only.AppId)
		assert.Nil(t, only.DisplayName, "it was not selected")
		found, status, err := c.List(ctx, named("weekly"))
		expect(t, http.StatusOK, status, err)
		assert.Len(t, *found, 1)
		none, status, err := c.List(ctx, named("nightly"))
		expect(t, http.StatusOK, status, err)
		assert.Empty(t, *none)

		// Owners: for hamilton, adding twice and removing twice are no errors, by Graph's answers.
		app.Owners = &msgraph.Owners{h.reference(alice)}
		for range 2 {
			status, err = c.AddOwners(ctx, app)
			require.NoError(t, err, "status %d", status)
		}
		owners, status, err := c.ListOwners(ctx, id)
		expect(t, http.StatusOK, status, err)
		assert.ElementsMatch(t, []string{h.Deployer().ObjectID, alice}, *owners)
		for range 2 {
			_, err = c.RemoveOwners(ctx, id, &[]string{alice})
			require.NoError(t, err)
		}
		_, status, err = c.GetOwner(ctx, id, alice)
		expect(t, http.StatusNotFound, status, err)
		app.Owners = &msgraph.Owners{h.reference(id[:35] + "x")}
		status, err = c.AddOwners(ctx, app)
		expect(t, http.StatusNotFound, status, err)

		status, err = c.Delete(ctx, id)
		expect(t, http.StatusNoContent, status, err)
		_, status, err = c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusNotFound, status, err)
		assert.Regexp(t, odata.ErrorResourceDoesNotExist, err.Error())
		status, err = c.Delete(ctx, id)
		expect(t, http.StatusNotFound, status, err)
		_, status, err = c.Create(ctx, msgraph.Application{})
		expect(t, http.StatusBadRequest, status, err)
	})
}

func TestHamiltonManagesCredentials(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, h hamilton) {
		ctx, c := t.Context(), &msgraph.ApplicationsClient{BaseClient: h.client()}
		clientID, objectID, id := h.trusted()
		end := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
		password, status, err := c.AddPassword(ctx, id, msgraph.PasswordCredential{DisplayName: ptr("first"),
			EndDateTime: &end})
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, end, *password.EndDateTime)
		signIn := auth.Credentials{EnableAuthenticatingUsingClientSecret: true, ClientID: clientID,
			ClientSecret: *password.SecretText}
		assert.Equal(t, objectID, h.signInHashiCorp(signIn).ObjectId)
		got, status, err := c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusOK, status, err)
		require.Len(t, *got.PasswordCredentials, 1)
		assert.Nil(t, (*got.PasswordCredentials)[0].SecretText)
		status, err = c.RemovePassword(ctx, id, *password.KeyId)
		expect(t, http.StatusNoContent, status, err)
		status, err = c.RemovePassword(ctx, id, *password.KeyId)
		expect(t, http.StatusNotFound, status, err)

		// A certificate is added by sending back the list that was read, with one more.
		for i := range 2 {
			certificate, _ := newCertificate(t)
			got, status, err = c.Get(ctx, id, odata.Query{})
			expect(t, http.StatusOK, status, err)
			keys := append(*got.KeyCredentials, msgraph.KeyCredential{
				Type: msgraph.KeyCredentialTypeAsymmetricX509Cert, Usage: msgraph.KeyCredentialUsageVerify,
				Key: ptr(base64.StdEncoding.EncodeToString(certificate.Raw)), EndDateTime: &end,
			})
			status, err = c.Update(ctx, msgraph.Application{DirectoryObject: msgraph.DirectoryObject{Id: &id},
				KeyCredentials: &keys})
			expect(t, http.StatusNoContent, status, err)
			got, status, err = c.Get(ctx, id, odata.Query{})
			expect(t, http.StatusOK, status, err)
			require.Len(t, *got.KeyCredentials, i+1)
			last := (*got.KeyCredentials)[i]
			assert.Equal(t, end, *last.EndDateTime)
			assert.Len(t, *last.CustomKeyIdentifier, 40)
			assert.Nil(t, last.Key)
		}

		credential := msgraph.FederatedIdentityCredential{
			Name: ptr("pull"), Issuer: ptr(github), Subject: ptr(
				"repo:acme/scores:pull_request"), Audiences: &[]string{exchange},
			Description: ptr(msgraph.StringNullWhenEmpty("")),
		}
		made, status, err := c.CreateFederatedIdentityCredential(ctx, id, credential)
		expect(t, http.StatusCreated, status, err)
		_, status, err = c.CreateFederatedIdentityCredential(ctx, id, credential)
		expect(t, http.StatusConflict, status, err)
		listed, status, err := c.ListFederatedIdentityCredentials(ctx, id, odata.Query{})
		expect(t, http.StatusOK, status, err)
		assert.Len(t, *listed, 2)
		status, err = c.UpdateFederatedIdentityCredential(ctx, id,
			msgraph.FederatedIdentityCredential{ID: made.ID, Subject: ptr("repo:acme/scores:environment:prod")})
		expect(t, http.StatusNoContent, status, err)
		read, status, err := c.GetFederatedIdentityCredential(ctx, id, *made.ID, odata.Query{})
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, "repo:acme/scores:environment:prod", *read.Subject)
		assert.Equal(t, github, *read.Issuer)
		status, err = c.DeleteFederatedIdentityCredential(ctx, id, *made.ID)
		expect(t, http.StatusNoContent, status, err)
		_, status, err = c.GetFederatedIdentityCredential(ctx, id, *made.ID, odata.Query{})
		expect(t, http.StatusNotFound, status, err)
		status, err = c.DeleteFederatedIdentityCredential(ctx, id, *made.ID)
		expect(t, http.StatusNotFound, status, err)
	})
}

func TestHamiltonManagesServicePrincipals(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, h hamilton) {
		ctx, c := t.Context(), &msgraph.ServicePrincipalsClient{BaseClient: h.client()}
		applications := &msgraph.ApplicationsClient{BaseClient: h.client()}
		app, status, err := applications.Create(ctx, msgraph.Application{DisplayName: ptr("nightly")})
		expect(t, http.StatusCreated, status, err)
		sp, status, err := c.Create(ctx, msgraph.ServicePrincipal{
			AppId: app.AppId, AccountEnabled: ptr(true), Owners: &msgraph.Owners{h.reference(alice)},
		})
		expect(t, http.StatusCreated, status, err)
		id := *sp.ID()
		_, status, err = c.Create(ctx, msgraph.ServicePrincipal{AppId: app.AppId})
		expect(t, http.StatusConflict, status, err)
		_, status, err = c.Create(ctx, msgraph.ServicePrincipal{AppId: ptr(alice)})
		expect(t, http.StatusBadRequest, status, err)
		assert.Regexp(t, odata.ErrorServicePrincipalInvalidAppId, err.Error())

		status, err = c.Update(ctx, msgraph.ServicePrincipal{
			DirectoryObject: msgraph.DirectoryObject{Id: &id}, Notes: ptr(
				msgraph.StringNullWhenEmpty("moved")), Tags: &[]string{"x"},
		})
		expect(t, http.StatusNoContent, status, err)
		got, status, err := c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, "nightly", *got.DisplayName)
		assert.Equal(t, []string{"x"}, *got.Tags)
		assert.True(t, *got.AccountEnabled)
		found, status, err := c.List(ctx, odata.Query{Filter: "appId eq '" + *app.AppId + "'"})
		expect(t, http.StatusOK, status, err)
		require.Len(t, *found, 1)
		assert.Equal(t, id, *(*found)[0].ID())
		owners, status, err := c.ListOwners(ctx, id)
		expect(t, http.StatusOK, status, err)
		assert.Equal(t, []string{alice}, *owners)
		for range 2 {
			_, err = c.RemoveOwners(ctx, id, &[]string{alice})
			require.NoError(t, err)
		}
		groups, status, err := c.ListGroupMemberships(ctx, id, odata.Query{})
		expect(t, http.StatusOK, status, err)
		assert.Empty(t, *groups)
		status, err = c.Delete(ctx, id)
		expect(t, http.StatusNoContent, status, err)
		_, status, err = c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusNotFound, status, err)
	})
}

func TestHamiltonManagesGroupsAndFindsUsers(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, h hamilton) {
		ctx, c := t.Context(), &msgraph.GroupsClient{BaseClient: h.client()}
		group, status, err := c.Create(ctx, msgraph.Group{
			DisplayName: ptr("scientists"), MailEnabled: ptr(false), MailNickname: ptr("scientists"), SecurityEnabled: ptr(true),
			Owners: &msgraph.Owners{h.reference(alice)}, Members: &msgraph.Members{h.reference(alice)},
		})
		expect(t, http.StatusCreated, status, err)
		id := *group.ID()
		_, status, err = c.Create(ctx, msgraph.Group{DisplayName: ptr("scientists")})
		expect(t, http.StatusBadRequest, status, err)
		group.Members = &msgraph.Members{h.reference(robot), h.reference(alice)}
		_, err = c.AddMembers(ctx, group)
		require.NoError(t, err, "one of them is a member already")
		for _, list := range []func() (*[]string, int, error){
			func() (*[]string, int, error) { return c.ListMembers(ctx, id) },
			func() (*[]string, int, error) { return c.ListTransitiveMembers(ctx, id) },
		} {
			members, status, err := list()
			expect(t, http.StatusOK, status, err)
			assert.ElementsMatch(t, []string{alice, robot}, *members)
		}
		_, status, err = c.GetMember(ctx, id, robot)
		expect(t, http.StatusOK, status, err)
		for range 2 {
			_, err = c.RemoveMembers(ctx, id, &[]string{robot})
			require.NoError(t, err)
		}
		_, status, err = c.GetMember(ctx, id, robot)
		expect(t, http.StatusNotFound, status, err)
		status, err = c.Update(ctx, msgraph.Group{DirectoryObject: msgraph.DirectoryObject{Id: &id},
			DisplayName: ptr("analysts")})
		expect(t, http.StatusNoContent, status, err)
		found, status, err := c.List(ctx, named("analysts"))
		expect(t, http.StatusOK, status, err)
		require.Len(t, *found, 1)
		assert.True(t, *(*found)[0].SecurityEnabled)

		users := &msgraph.UsersClient{BaseClient: h.client()}
		listed, status, err := users.List(ctx, odata.Query{Filter: "userPrincipalName eq 'alice@example.com'"})
		expect(t, http.StatusOK, status, err)
		require.Len(t, *listed, 1)
		for _, name := range []string{alice, "alice@example.com"} {
			user, status, err := users.Get(ctx, name, odata.Query{})
			expect(t, http.StatusOK, status, err)
			assert.Equal(t, alice, *user.ID())
		}
		groups, status, err := users.ListGroupMemberships(ctx, alice, odata.Query{})
		expect(t, http.StatusOK, status, err)
		require.Len(t, *groups, 1)
		assert.Equal(t, "analysts", *(*groups)[0].DisplayName)
		_, status, err = users.Get(ctx, "nobody@example.com", odata.Query{})
		expect(t, http.StatusNotFound, status, err)
		_, status, err = users.GetManager(ctx, alice)
		expect(t, http.StatusNotFound, status, err)

		status, err = c.Delete(ctx, id)
		expect(t, http.StatusNoContent, status, err)
		_, status, err = c.Get(ctx, id, odata.Query{})
		expect(t, http.StatusNotFound, status, err)
		_, status, err = c.ListMembers(ctx, id)
		expect(t, http.StatusNotFound, status, err)
	})
}

func TestHamiltonReadsListsOfSeveralPages(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, h hamilton) {
		ctx, c := t.Context(), &msgraph.GroupsClient{BaseClient: h.client()}
		const many = 230
		for i := range many {
			_, status, err := c.Create(ctx, msgraph.Group{
				DisplayName: ptr("crowd"), MailEnabled: ptr(false), MailNickname: ptr(fmt.Sprint("crowd",
					i)), SecurityEnabled: ptr(true),
			})
			expect(t, http.StatusCreated, status, err)
		}
		before := h.answers.all.Load()
		found, status, err := c.List(ctx, odata.Query{Filter: named("crowd").Filter, Select: []string{"id", "mailNickname"}})
		expect(t, http.StatusOK, status, err)
		assert.EqualValues(t, 3, h.answers.all.Load()-before, "pages")
		ids := map[string]bool{}
		for _, group := range *found {
			ids[*group.ID()] = true
			assert.Nil(t, group.DisplayName)
		}
		assert.Len(t, ids, many, "each once")
		page, status, err := c.List(ctx, odata.Query{Top: 7})
		expect(t, http.StatusOK, status, err)
		assert.Len(t, *page, 7)
		_, status, err = c.List(ctx, odata.Query{Search: "displayName:crowd"})
		expect(t, http.StatusBadRequest, status, err)
	})
}

func TestHamiltonComesAgainWhenTheSandboxAsks(t *testing.T) {
	t.Parallel()
	w := newTrustedWorld(t, azure.Weather{Throttling: 1, RetryAfter: time.Second}) // each fails twice
	h := w.hamilton(msgraph.Version10)
	c := &msgraph.ApplicationsClient{BaseClient: h.client()}
	_, status, err := c.Create(t.Context(), msgraph.Application{DisplayName: ptr("nightly")})
	expect(t, http.StatusCreated, status, err)
	assert.EqualValues(t, 2, h.answers.again.Load())
	assert.EqualValues(t, 3, h.answers.all.Load())
	assert.Len(t, w.Inventory(), 1, "made once")
}

// The provider's second generation let hamilton repeat requests that replication refuses.
func TestHamiltonWaitsForReplication(t *testing.T) {
	t.Parallel()
	w := newTrustedWorld(t, azure.Weather{Replication: 2 * time.Second})
	h := w.hamilton(msgraph.Version10)
	base := h.client()
	base.DisableRetries = false
	ctx, applications := t.Context(), &msgraph.ApplicationsClient{BaseClient: base}
	app, status, err := applications.Create(ctx, msgraph.Application{DisplayName: ptr("nightly")})
	expect(t, http.StatusCreated, status, err)
	_, status, err = (&msgraph.ServicePrincipalsClient{BaseClient: base}).Create(ctx,
		msgraph.ServicePrincipal{AppId: app.AppId})
	expect(t, http.StatusCreated, status, err)
	groups := &msgraph.GroupsClient{BaseClient: base}
	group, status, err := groups.Create(ctx, msgraph.Group{
		DisplayName: ptr("scientists"), MailEnabled: ptr(false), MailNickname: ptr("scientists"), SecurityEnabled: ptr(true),
	})
	expect(t, http.StatusCreated, status, err)
	_, status, err = groups.Get(ctx, *group.ID(), odata.Query{})
	expect(t, http.StatusOK, status, err)
	assert.Len(t, w.Inventory(), 3)
}
