package adopt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	subscription = "11111111-1111-4111-8111-111111111111"
	assignment   = "22222222-2222-4222-8222-222222222222"
	mallory      = "99999999-9999-4999-8999-999999999999"
	scope        = "/subscriptions/" + subscription
	urnOf        = "urn:pulumi:dev::p::"
)

// world is an Azure with resources that the state does not know.
type world struct {
	t      *testing.T
	azure  *azure.Azure
	finder *adopt.Finder
}

func newWorld(t *testing.T) world {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	require.NoError(t, a.Seed(azure.Seed{SubscriptionIDs: []string{subscription}}))
	cloud, err := azureclient.Discover(t.Context(), a.Client(), a.Host())
	require.NoError(t, err)
	d := a.Deployer()
	credential, err := azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: d.TenantID, ClientID: d.ClientID,
		ClientSecret: d.ClientSecret}.Credential(cloud, a.Client())
	require.NoError(t, err)
	return world{t, a, adopt.New(azureclient.NewClient(credential, cloud, a.Client(), nil))}
}

// make adds a resource, and returns Azure's answer.
func (w world) make(method, audience, path string, body map[string]any) map[string]any {
	w.t.Helper()
	token, err := w.azure.SignIn(w.t.Context(), w.azure.Deployer().ObjectID, audience)
	require.NoError(w.t, err)
	content, err := json.Marshal(body)
	require.NoError(w.t, err)
	if body == nil {
		content = nil
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.azure.URL()+path, bytes.NewReader(content))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.azure.Client().Do(req)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	require.NoError(w.t, json.NewDecoder(resp.Body).Decode(&answer))
	require.Less(w.t, resp.StatusCode, 300, answer)
	return answer
}

func (w world) application(tag string) string {
	w.t.Helper()
	cloud, err := azureclient.Discover(w.t.Context(), w.azure.Client(), w.azure.Host())
	require.NoError(w.t, err)
	base := strings.TrimPrefix(cloud.Graph, w.azure.URL())
	return "/applications/" + w.make(http.MethodPost, cloud.Graph, base+"/v1.0/applications",
		map[string]any{"displayName": "TERRAFORM_UPDATE_x", "tags": []string{tag}})["id"].(string)
}

// state is an export with resources, and with creations that were broken off.
func state(t *testing.T, resources, creations string) adopt.State {
	t.Helper()
	s, err := adopt.ReadState(fmt.Appendf(nil,
		`{"version": 3, "deployment": {"manifest": {"kept": "as it is"}, "resources": [%s], "pending_operations": `+
			`[%s]}}`, resources, creations))
	require.NoError(t, err)
	return s
}

func creating(kind, name, inputs string) string {
	return fmt.Sprintf(`{"type": "creating", "resource": {"urn": "%s%s::%s", "custom": true, "type": "%s", "inputs": `+
		`%s, "provider": "%spulumi:providers:azure-native::default::1", "futureKey": `+
		`[1]}}`, urnOf, kind, name, kind, inputs, urnOf)
}

const (
	assignmentType  = "azure-native:authorization:RoleAssignment"
	applicationType = "azuread:index/application:Application"
	provider        = `{"urn": "` + urnOf +
		`pulumi:providers:azure-native::default", "custom": true, "type": "pulumi:providers:azure-native", "id": "1", ` +
		`"inputs": {"subscriptionId": "` + subscription + `"}}`
)

func TestWhatWasMadeIsTakenIntoTheState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := scope + "/providers/Microsoft.Authorization/roleAssignments/" + assignment
	w.make(http.MethodPut, "https://management.azure.com", path+"?api-version=2022-04-01",
		map[string]any{"properties": map[string]any{
			"principalId": w.azure.Deployer().ObjectID, "principalType": "ServicePrincipal",
			"roleDefinitionId": scope + "/providers/Microsoft.Authorization/roleDefinitions/" +
				"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
		}})
	app := w.application("whose:this")
	s := state(t, provider, strings.Join([]string{
		creating(assignmentType, "made", `{"scope": "`+scope+`/", "roleAssignmentName": "`+assignment+`"}`),
		creating(assignmentType, "not",
			`{"scope": "`+scope+`", "roleAssignmentName": "33333333-3333-4333-8333-333333333333"}`),
		creating("azure-native:managedidentity:UserAssignedIdentity", "id",
			`{"resourceGroupName": "rg", "resourceName": "id"}`),
		creating(applicationType, "app", `{"displayName": "app", "tags": ["whose:this"]}`),
		creating(applicationType, "other", `{"displayName": "app", "tags": ["whose:that"]}`),
	}, ","))
	plan, err := w.finder.Plan(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, plan, 5)
	assert.Equal(t, adopt.Recovery{URN: urnOf + assignmentType + "::made", Type: assignmentType, Remedy: adopt.Import,
		ID: path}, plan[0])
	assert.Equal(t, adopt.Recovery{URN: urnOf + applicationType + "::app", Type: applicationType, Remedy: adopt.Import,
		ID: app}, plan[3])
	for _, i := range []int{1, 2, 4} {
		assert.Equal(t, adopt.Clear, plan[i].Remedy, plan[i].URN)
	}

	text, err := s.After(plan)
	require.NoError(t, err)
	var after struct {
		Version    int
		Deployment struct {
			Manifest  map[string]string
			Resources []map[string]any
			Pending   []any `json:"pending_operations"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &after))
	assert.Empty(t, after.Deployment.Pending)
	assert.Equal(t, "as it is", after.Deployment.Manifest["kept"])
	require.Len(t, after.Deployment.Resources, 3)
	assert.Equal(t, path, after.Deployment.Resources[1]["id"])
	assert.Equal(t, []any{1.0}, after.Deployment.Resources[1]["futureKey"], "what this program does not know is kept")
	assert.Equal(t, app, after.Deployment.Resources[2]["id"])
}

// A kill between the deletion and the creation of a replacement leaves the old resource in the state, marked as
// replaced and deleted. Its replacement is in the state as begun. It is adopted if Azure has it, and made by the next
// up if not.
func TestAReplacementThatWasKilledHalfWayIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.assign(assignment, scope, reader)
	urn := urnOf + assignmentType + "::reader"
	gone := func(more string) string {
		return provider + `, {"urn": "` + urn + `", "custom": true, "type": "` + assignmentType + `", "id": "/old"` + more +
			"}"
	}
	for name, c := range map[string]struct {
		before string // the old resource, as the state has it
		made   string // the assignment that was begun
		remedy adopt.Remedy
		after  []string // the state afterwards: IDs, with "deleted" behind those that the next up deletes
	}{
		"made": {gone(`, "pendingReplacement": true`), assignment, adopt.Import, []string{"1", path}},
		"not made": {gone(`, "pendingReplacement": true`), mallory, adopt.Clear,
			[]string{"1", "/old pending"}},
		"made before the old one goes":     {gone(""), assignment, adopt.Import, []string{"1", "/old deleted", path}},
		"not made before the old one goes": {gone(""), mallory, adopt.Clear, []string{"1", "/old"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := state(t, c.before, creating(assignmentType, "reader", `{"scope": "`+scope+`", "roleAssignmentName": "`+
				c.made+`"}`))
			plan, err := w.finder.Plan(t.Context(), s)
			require.NoError(t, err)
			require.Len(t, plan, 1)
			assert.Equal(t, c.remedy, plan[0].Remedy)
			text, err := s.After(plan)
			require.NoError(t, err)
			var after struct {
				Deployment struct {
					Resources []struct {
						ID                         string
						Delete, PendingReplacement bool
					}
					Pending []any `json:"pending_operations"`
				}
			}
			require.NoError(t, json.Unmarshal(text, &after))
			var have []string
			for _, r := range after.Deployment.Resources {
				switch {
				case r.Delete:
					r.ID += " deleted"
				case r.PendingReplacement:
					r.ID += " pending"
				}
				have = append(have, r.ID)
			}
			assert.ElementsMatch(t, c.after, have)
			assert.Empty(t, after.Deployment.Pending)
		})
	}
}

func idsOf(all []adopt.Found) (ids []string) {
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return ids
}

func TestWhatNobodyWillUseIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, left := w.application("whose:this"), w.application("whose:this")
	resources := provider + `, {"urn": "` + urnOf + applicationType + `::app", "custom": true, "type": "` +
		applicationType + `", "id": "` + known + `"}`
	s := state(t, resources, creating(applicationType, "app", `{"tags": ["whose:this"]}`))
	plan, err := w.finder.Plan(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, plan, 1)
	assert.Equal(t, adopt.Clear, plan[0].Remedy, "the state has it already")
	require.Equal(t, []string{left}, idsOf(plan[0].Remove))
	require.NoError(t, w.finder.Remove(t.Context(), applicationType, plan[0].Remove[0]))
	require.NoError(t, w.finder.Remove(t.Context(), applicationType, plan[0].Remove[0]),
		"once more, as after a recovery that was broken off itself")
	assert.Equal(t, []string{known}, w.azure.Inventory())
	assert.ErrorContains(t, w.finder.Remove(t.Context(), assignmentType, adopt.Found{ID: "x"}),
		"nothing of type azure-native:authorization:RoleAssignment is ever removed")
}

func TestOneOfSeveralIsTakenAndTheRestRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apps := []string{w.application("whose:this"), w.application("whose:this")}
	// A resource that the state is about to delete does not matter: the creation was to replace it.
	replaced := provider + `, {"urn": "` + urnOf + applicationType + `::app", "custom": true, "delete": true, "type": "` +
		applicationType + `", "id": "/applications/old"}`
	plan, err := w.finder.Plan(t.Context(), state(t, replaced,
		creating(applicationType, "app", `{"tags": ["whose:this"]}`)))
	require.NoError(t, err)
	require.Len(t, plan, 1)
	assert.Equal(t, adopt.Import, plan[0].Remedy)
	require.Len(t, plan[0].Remove, 1)
	assert.ElementsMatch(t, apps, []string{plan[0].ID, plan[0].Remove[0].ID})
}

// The tag is public and not unique: whoever may register applications can write it, and a stack of the same name may be
// deployed to the same tenant from elsewhere.
func TestAnApplicationThatSomebodyHoldsIsNeitherTakenNorRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.azure.Seed(azure.Seed{Users: []azure.User{{ObjectID: mallory,
		UserPrincipalName: "mallory@sandbox.example"}}}))
	cloud, err := azureclient.Discover(t.Context(), w.azure.Client(), w.azure.Host())
	require.NoError(t, err)
	graph := func(path string, body map[string]any) map[string]any {
		return w.make(http.MethodPost, cloud.Graph, strings.TrimPrefix(cloud.Graph, w.azure.URL())+"/v1.0"+path, body)
	}
	owned := func(by string) map[string]any {
		return map[string]any{"displayName": "app", "tags": []string{"whose:this"},
			"owners@odata.bind": []string{cloud.Graph + "/v1.0/directoryObjects/" + by}}
	}
	known, made := w.application("whose:this"), "/applications/"+graph("/applications",
		owned(w.azure.Deployer().ObjectID))["id"].(string)
	pending := creating(applicationType, "app", `{"tags": ["whose:this"]}`)
	withKnown := state(t,
		provider+`, {"urn": "`+urnOf+applicationType+`::app", "custom": true, "type": "`+applicationType+`", "id": `+
			`"`+known+`"}`, pending)
	plan, err := w.finder.Plan(t.Context(), withKnown)
	require.NoError(t, err)
	require.Equal(t, []string{made}, idsOf(plan[0].Remove), "what the deployer alone owns is what was left over")

	for name, hold := range map[string]func(id, appID string){
		"has credentials": func(id, _ string) {
			graph(id+"/addPassword",
				map[string]any{"passwordCredential": map[string]any{}})
		},
		"has federated credentials": func(id, _ string) {
			graph(id+"/federatedIdentityCredentials", map[string]any{"name": "planted", "issuer": "https://issuer.example",
				"subject": "s", "audiences": []string{"api://AzureADTokenExchange"}})
		},
		"has a service principal": func(_, appID string) { graph("/servicePrincipals", map[string]any{"appId": appID}) },
		"is owned by " + mallory:  nil,
	} {
		owner := w.azure.Deployer().ObjectID
		if hold == nil {
			owner = mallory
		}
		app := graph("/applications", owned(owner))
		id := "/applications/" + app["id"].(string)
		if hold != nil {
			hold(id, app["appId"].(string))
		}
		for _, s := range []adopt.State{withKnown, state(t, provider, pending)} {
			plan, err := w.finder.Plan(t.Context(), s)
			require.NoError(t, err, name)
			require.Len(t, plan, 1, name)
			assert.NotEqual(t, id, plan[0].ID, name)
			assert.NotContains(t, idsOf(plan[0].Remove), id, name)
			assert.Contains(t, plan[0].LeftAlone, "one that is marked alike is left alone: "+app["id"].(string)+" "+name)
		}
	}
}

const identityType = "azure-native:managedidentity:UserAssignedIdentity"

func (w world) identity(path string, body map[string]any) string {
	w.t.Helper()
	id := scope + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + path
	w.make(http.MethodPut, "https://management.azure.com", id+"?api-version=2023-01-31", body)
	return id
}

func TestFederatedCredentialsOfAManagedIdentityAreTakenIntoTheState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.azure.Seed(azure.Seed{StorageAccounts: []azure.StorageAccount{{ID: scope +
		"/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lake"}}}))
	location := map[string]any{"location": "westeurope"}
	claims := map[string]any{"properties": map[string]any{"issuer": "https://issuer.example", "subject": "s",
		"audiences": []string{"api://AzureADTokenExchange"}}}
	bare, planted := w.identity("bare", location), w.identity("planted", location)
	made := w.identity("planted/federatedIdentityCredentials/main", claims)
	inputs := func(name string) string {
		return `{"resourceGroupName": "rg", "resourceName": "planted", "issuer": "https://issuer.example", "subject": "s",
			"federatedIdentityCredentialResourceName": "` + name + `"}`
	}
	const credentialType = "azure-native:managedidentity:FederatedIdentityCredential"
	plan, err := w.finder.Plan(t.Context(), state(t, provider, strings.Join([]string{
		creating(credentialType, "main", inputs("main")), creating(credentialType, "other", inputs("other")),
		creating(identityType, "bare", `{"resourceGroupName": "rg", "resourceName": "bare"}`),
		creating(identityType, "planted", `{"resourceGroupName": "rg", "resourceName": "planted"}`),
	}, ",")))
	require.NoError(t, err)
	assert.Equal(t, []string{made, "", bare, ""}, []string{plan[0].ID, plan[1].ID, plan[2].ID, plan[3].ID})
	assert.Equal(t, adopt.Clear, plan[1].Remedy)
	assert.Equal(t, []string{"one that is marked alike is left alone: " + planted + " has federated credentials"},
		plan[3].LeftAlone, "by them somebody else would have the stack's access")

	found := adoptAll(t, w.finder, credentialType, map[string]map[string]any{"other": {
		"resourceGroupName": "rg", "resourceName": "planted", "issuer": "https://issuer.example", "subject": "s",
		"federatedIdentityCredentialResourceName": "other"}, "elsewhere": {
		"resourceGroupName": "rg", "resourceName": "none", "issuer": "https://issuer.example", "subject": "s",
		"federatedIdentityCredentialResourceName": "other"}})
	assert.Equal(t, adopt.ToMake, found["elsewhere"].Outcome)
	assert.Equal(t, adopt.Taken, found["other"].Outcome, "Azure refuses a second one of the same issuer and subject")
	assert.Equal(t, []string{made}, found["other"].IDs)
	assert.Contains(t, found["other"].Why, `under the name "main"`)
}

// The mark of a group is as public as the tag of an application.
func TestAGroupThatSomebodyHoldsIsNeitherTakenNorRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.azure.Seed(azure.Seed{Users: []azure.User{{ObjectID: mallory,
		UserPrincipalName: "mallory@sandbox.example"}}}))
	cloud, err := azureclient.Discover(t.Context(), w.azure.Client(), w.azure.Host())
	require.NoError(t, err)
	group := func(owner string, members ...string) string {
		body := map[string]any{
			"displayName": "TERRAFORM_UPDATE_x", "description": "whose:" +
				"this", "mailEnabled": false, "mailNickname": "x", "securityEnabled": true,
			"owners@odata.bind": []string{cloud.Graph + "/v1.0/directoryObjects/" + owner},
		}
		for _, m := range members {
			body["members@odata.bind"] = []string{cloud.Graph + "/v1.0/directoryObjects/" + m}
		}
		return w.make(http.MethodPost, cloud.Graph, strings.TrimPrefix(cloud.Graph, w.azure.URL())+"/v1.0/groups",
			body)["id"].(string)
	}
	deployer := w.azure.Deployer().ObjectID
	owned, joined, left := group(mallory), group(deployer, mallory), group(deployer)
	const groupType = "azuread:index/group:Group"
	plan, err := w.finder.Plan(t.Context(), state(t, provider,
		creating(groupType, "g", `{"description": "whose:this", "displayName": "g"}`)))
	require.NoError(t, err)
	require.Len(t, plan, 1)
	assert.Equal(t, adopt.Import, plan[0].Remedy)
	assert.Equal(t, "/groups/"+left, plan[0].ID)
	assert.Empty(t, plan[0].Remove)
	assert.ElementsMatch(t, []string{
		"one that is marked alike is left alone: " + owned + " is owned by " +
			mallory, "one that is marked alike is left alone: " + joined + " has 1 member",
	}, plan[0].LeftAlone)

	another := group(deployer)
	known := provider + `, {"urn": "` + urnOf + groupType + `::g", "custom": true, "type": "` + groupType +
		`", "id": "/groups/` + left + `"}`
	plan, err = w.finder.Plan(t.Context(), state(t, known,
		creating(groupType, "g", `{"description": "whose:this", "displayName": "g"}`)))
	require.NoError(t, err)
	require.Equal(t, []string{"/groups/" + another}, idsOf(plan[0].Remove))
	require.NoError(t, w.finder.Remove(t.Context(), groupType, plan[0].Remove[0]))
	assert.NotContains(t, w.azure.Inventory(), "/groups/"+another)

	member := func(group, member string) []adopt.Found {
		found, err := w.finder.Find(t.Context(), adopt.Resource{Type: "azuread:index/groupMember:GroupMember",
			Inputs: map[string]any{"groupObjectId": group, "memberObjectId": member}})
		require.NoError(t, err)
		return found
	}
	assert.Equal(t, []adopt.Found{{ID: joined + "/member/" + mallory}}, member(joined, mallory))
	assert.Empty(t, member(left, mallory))
	assert.Empty(t, member(joined, deployer))
}

func TestWhatCannotBeLookedForIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, err := w.finder.Plan(t.Context(), state(t, "", creating("aws:s3/bucket:Bucket", "b", "{}")+","+
		strings.Replace(creating("x:y:Component", "c", "{}"), `"custom": true`, `"custom": false`, 1)+","+
		creating("pulumi:providers:aws", "p", "{}")+","+strings.Replace(creating(assignmentType, "a", "{}"), "creating",
		"deleting", 1)))
	require.NoError(t, err)
	require.Len(t, plan, 1, "components, providers and deletions are not looked for")
	assert.Equal(t, adopt.Ask, plan[0].Remedy)
}

func TestAStateThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, export := range map[string]string{
		"no JSON": "{", "another version": `{"version": 5, "deployment": {}}`, "no deployment": `{"version": 3}`,
		"something else": `{"a": 1}`,
	} {
		_, err := adopt.ReadState([]byte(export))
		assert.ErrorContains(t, err, "stack's state", name)
	}
	w := newWorld(t)
	for what, creation := range map[string]string{
		"its ID needs scope": creating(assignmentType, "a", `{"roleAssignmentName": "x"}`),
		"its ID needs subscriptionId": creating("azure-native:managedidentity:UserAssignedIdentity", "id",
			`{"resourceGroupName": "rg", "resourceName": "id"}`),
		"without tags looks the same": creating(applicationType, "app", `{"displayName": "app"}`),
	} {
		_, err := w.finder.Plan(t.Context(), state(t, "", creation))
		assert.ErrorContains(t, err, what)
	}
}
