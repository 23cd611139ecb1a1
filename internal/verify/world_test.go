package verify_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	mlGroup      = subscription + "/resourceGroups/ml"
	workspace    = mlGroup + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	lake         = subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
	ann          = "33333333-3333-4333-8333-333333333333"
	robot        = "44444444-4444-4444-8444-444444444444"
	team         = "55555555-5555-4555-8555-555555555555"
	company      = "66666666-6666-4666-8666-666666666666"
)

func no() *bool { return new(bool) }

func yes() *bool { return ptr(true) }

func ptr[T any](v T) *T { return &v }

// model has a declared and an undeclared way for each of its invokers, and everything in it exists.
func model() access.Model {
	return access.Model{
		WorkspaceID: access.Known(workspace),
		Invokers: map[string]access.Invoker{
			"ann":   {Kind: access.User, PrincipalID: access.Known(ann)},
			"robot": {Kind: access.ManagedIdentity, PrincipalID: access.Known(robot)},
		},
		Clusters:        map[string]access.Cluster{"cpu": {Existing: true}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lake)},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "patients"},
			"images": {Kind: access.DataStore, DataStore: "images", Path: "x", CredentialInStore: no(), StorageAccount: "lake",
				Container: "images"},
		},
		DataOutputs: map[string]access.DataOutput{
			"scores": {DataStore: "scores", Path: "x", CredentialInStore: no(), StorageAccount: "lake", Container: "scores"},
		},
		Endpoints: map[string]access.Endpoint{
			"heart":  {Cluster: "cpu", Inputs: []string{"patients"}, Outputs: []string{"scores"}, Invokers: []string{"ann"}},
			"tagger": {Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"robot"}},
		},
	}
}

// world is a sandbox in which everything exists that the model refers to, and nothing is granted.
type world struct {
	t        *testing.T
	azure    *azure.Azure
	cloud    azureclient.Cloud
	m        access.Model
	subjects []verify.Subject
	role     string // ID of the invokers' role
	clients  *armauthorization.ClientFactory
	made     map[string]string // IDs of the assignments by principal, role and scope
}

func newWorld(t *testing.T, m access.Model) *world {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	seed, err := rehearsal.Seed(m, "westeurope")
	require.NoError(t, err)
	seed.Groups = append(seed.Groups, azure.Group{ObjectID: team, DisplayName: "Team", MemberIDs: []string{ann, robot}},
		azure.Group{ObjectID: company, DisplayName: "Company", MemberIDs: []string{team}})
	require.NoError(t, a.Seed(seed))
	w := &world{t: t, azure: a, m: m, made: map[string]string{}}
	w.cloud, err = azureclient.Discover(t.Context(), a.Client(), a.Host())
	require.NoError(t, err)
	w.clients, err = armauthorization.NewClientFactory(strings.TrimPrefix(subscription, "/subscriptions/"), w.deployer(),
		&arm.ClientOptions{
			DisableRPRegistration: true, ClientOptions: policy.ClientOptions{Cloud: w.cloud.Configuration(),
				Transport: a.Client()},
		})
	require.NoError(t, err)
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		w.subjects = append(w.subjects, verify.Subject{Principal: access.InvokerPrincipal(name),
			ID: m.Invokers[name].PrincipalID.Text(), Kind: m.Invokers[name].Kind})
	}
	w.subjects = append(w.subjects, verify.Subject{Principal: access.ClusterPrincipal("cpu"), ID: w.clusterID(),
		Kind: access.ManagedIdentity})
	w.define(roles.InvokerActions()...)
	return w
}

func (w *world) deployer() azcore.TokenCredential {
	d := w.azure.Deployer()
	return w.signIn(azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: d.TenantID, ClientID: d.ClientID,
		ClientSecret: d.ClientSecret})
}

func (w *world) signIn(in azureclient.SignIn) azcore.TokenCredential {
	w.t.Helper()
	credential, err := in.Credential(w.cloud, w.azure.Client())
	require.NoError(w.t, err)
	return credential
}

func (w *world) clusterID() string {
	w.t.Helper()
	var compute struct{ Identity struct{ PrincipalID string } }
	w.manage(http.MethodGet, workspace+"/computes/cpu", "2023-10-01", "", &compute)
	return compute.Identity.PrincipalID
}

// define makes or changes the invokers' role.
func (w *world) define(actions ...string) {
	w.t.Helper()
	guid := "77777777-7777-4777-8777-777777777777"
	var all []*string
	for _, a := range actions {
		all = append(all, ptr(a))
	}
	made, err := w.clients.NewRoleDefinitionsClient().CreateOrUpdate(w.t.Context(), workspace, guid,
		armauthorization.RoleDefinition{
			Properties: &armauthorization.RoleDefinitionProperties{RoleName: ptr("starters"), RoleType: ptr("CustomRole"),
				AssignableScopes: []*string{ptr(workspace)},
				Permissions:      []*armauthorization.Permission{{Actions: all}}},
		}, nil)
	require.NoError(w.t, err)
	w.role = *made.ID
}

func (w *world) id(p access.Principal) string {
	return w.subjects[slices.IndexFunc(w.subjects, func(s verify.Subject) bool { return s.Principal == p })].ID
}

// assign assigns a role, built in or the invokers' own, and returns the assignment's ID.
func (w *world) assign(principal, kind, role, scope string,
	edits ...func(*armauthorization.RoleAssignmentProperties)) string {
	w.t.Helper()
	id := w.role
	if d, ok := roles.BuiltIn(role); ok {
		id = subscription + roles.DefinitionID(d.ID)
	}
	p := &armauthorization.RoleAssignmentProperties{PrincipalID: ptr(principal),
		PrincipalType: ptr(armauthorization.PrincipalType(kind)), RoleDefinitionID: ptr(id)}
	for _, edit := range edits {
		edit(p)
	}
	made, err := w.clients.NewRoleAssignmentsClient().Create(w.t.Context(), scope, uuid.NewString(),
		armauthorization.RoleAssignmentCreateParameters{Properties: p}, nil)
	require.NoError(w.t, err)
	return *made.ID
}

func (w *world) grant(g access.Grant) string {
	w.t.Helper()
	scope, err := w.m.ScopeID(g.Scope)
	require.NoError(w.t, err)
	kind := "ServicePrincipal"
	if g.Principal == access.InvokerPrincipal("ann") {
		kind = "User"
	}
	return w.assign(w.id(g.Principal), kind, g.Role, scope)
}

// grantAll makes all assignments that the model needs, except some.
func (w *world) grantAll(without ...access.Principal) {
	w.t.Helper()
	for _, g := range plans.Of(w.m).Grants {
		if !slices.Contains(without, g.Principal) {
			w.grant(g)
		}
	}
}

func (w *world) revoke(assignment string) {
	w.t.Helper()
	_, err := w.clients.NewRoleAssignmentsClient().DeleteByID(w.t.Context(), strings.TrimPrefix(assignment, "/"), nil)
	require.NoError(w.t, err)
}

func (w *world) observer(transport policy.Transporter) *verify.Observer {
	w.t.Helper()
	o := verify.New(azureclient.NewClient(w.deployer(), w.cloud, transport, nil))
	return o
}

// with is the world for another test, with another model of its content.
func (w *world) with(t *testing.T, m access.Model) *world {
	t.Helper()
	other := *w
	other.t, other.m = t, m
	return &other
}

// report looks and judges; assignments have effect at once.
func (w *world) report() verify.Report {
	w.t.Helper()
	return w.judged(w.azure.Client(), 0)
}

func (w *world) judged(transport policy.Transporter, propagation time.Duration) verify.Report {
	w.t.Helper()
	r, err := verify.Judge("dev", plans.Of(w.m), w.subjects, w.facts(transport), propagation)
	require.NoError(w.t, err)
	return r
}

func (w *world) facts(transport policy.Transporter) verify.Facts {
	w.t.Helper()
	facts, err := w.observer(transport).Look(w.t.Context(), w.m, w.subjects)
	require.NoError(w.t, err)
	return facts
}

func path(t *testing.T, r verify.Report, invoker, endpoint string) verify.Path {
	t.Helper()
	for _, p := range r.Paths {
		if p.Invoker == invoker && p.Endpoint == endpoint {
			return p
		}
	}
	t.Fatalf("no path from %s to %s", invoker, endpoint)
	return verify.Path{}
}

// denying answers for Azure with deny assignments, which the sandbox has none of, at every scope.
type denying struct {
	*http.Client
	properties map[string]any
}

func (d denying) Do(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, "/denyAssignments") {
		return d.Client.Do(req)
	}
	text, err := json.Marshal(map[string]any{"value": []any{map[string]any{"properties": d.properties}}})
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(string(text))),
	}, err
}

// caller signs in as any principal of the sandbox.
type caller struct {
	azure *azure.Azure
	id    string
}

func (c caller) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.azure.SignIn(ctx, c.id, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}
