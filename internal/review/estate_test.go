package review_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/review"
)

const (
	inSub     = "/subscriptions/11111111-1111-4111-8111-111111111111"
	inData    = inSub + "/resourceGroups/data"
	lakeID    = inData + "/providers/Microsoft.Storage/storageAccounts/lake"
	salesID   = lakeID + "/blobServices/default/containers/sales"
	spaceID   = inML + "/providers/Microsoft.MachineLearningServices/workspaces/w"
	loaderID  = inML + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/loader"
	secondID  = inML + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/second"
	vaultID   = inML + "/providers/Microsoft.KeyVault/vaults/kv"
	bobID     = "00000000-0000-4000-8000-00000000000b"
	carolID   = "00000000-0000-4000-8000-00000000000c"
	robotID   = "00000000-0000-4000-8000-00000000000d"
	teamID    = "00000000-0000-4000-8000-00000000000e"
	contribut = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	keysOnly  = "81a9662b-bebf-436f-a333-f67b29880f12" // Storage Account Key Operator Service Role
	scientist = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
	laterText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

// A made is a resource of a preview without components.
type made struct {
	typ, name string
	inputs    map[string]any
	// from are the resources that an input comes from, as type::name.
	from map[string][]string
	op   string // "" for one that stays
	old  map[string]any
	id   string
	out  map[string]any
}

func urnOf(typ, name string) string { return "urn:pulumi:dev::p::" + typ + "::" + name }

func previewOfAll(t *testing.T, all []made) string {
	t.Helper()
	var steps []any
	counts := map[string]int{}
	for _, r := range all {
		state := func(inputs map[string]any) any {
			from := map[string][]string{}
			for property, of := range r.from {
				for _, one := range of {
					typ, name, _ := strings.Cut(one, "::")
					from[property] = append(from[property], urnOf(typ, name))
				}
			}
			return map[string]any{"type": r.typ, "inputs": inputs, "propertyDependencies": from, "id": r.id, "outputs": r.out}
		}
		op := r.op
		if op == "" {
			op = "same"
		}
		s := map[string]any{"op": op, "urn": urnOf(r.typ, r.name)}
		if op != "create" {
			old := r.inputs
			if r.old != nil {
				old = r.old
			}
			s["oldState"] = state(old)
		}
		if op != "delete" {
			s["newState"] = state(r.inputs)
		}
		counts[op]++
		steps = append(steps, s)
	}
	text, err := json.Marshal(map[string]any{"steps": steps, "changeSummary": counts, "config": map[string]any{
		"azure-native:subscriptionId": strings.TrimPrefix(inSub, "/subscriptions/")}})
	require.NoError(t, err)
	return string(text)
}

const (
	assignmentType = "azure-native:authorization:RoleAssignment"
	definitionType = "azure-native:authorization:RoleDefinition"
	accountType    = "azure-native:storage:StorageAccount"
	containerType  = "azure-native:storage:BlobContainer"
	spaceType      = "azure-native:machinelearningservices:Workspace"
	computeType    = "azure-native:machinelearningservices:Compute"
	storeType      = "azure-native:machinelearningservices:Datastore"
	identityType   = "azure-native:managedidentity:UserAssignedIdentity"
	groupType      = "azuread:index/group:Group"
	memberType     = "azuread:index/groupMember:GroupMember"
	appType        = "azuread:index/application:Application"
	spType         = "azuread:index/servicePrincipal:ServicePrincipal"
	machineType    = "azure-native:compute:VirtualMachine"
)

func given(name, who, role, scope string) made {
	return made{typ: assignmentType, name: name, inputs: map[string]any{"principalId": who, "scope": scope,
		"principalType": "User", "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role}}
}

// toServicePrincipals may give roles at the container to service principals alone.
func toServicePrincipals(who, typ string) made {
	const write, of = "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments:"
	return given("bob", who, "f58310d9-a9f6-439a-9e8d-f62e7b41a168", salesID).new().with(func(r *made) {
		r.inputs["principalType"] = typ
		r.inputs["condition"] = "((!(ActionMatches{'" + write + "'})) OR (@Request[" + of + "PrincipalType] " +
			"ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}))"
	})
}

func (r made) with(change func(*made)) made {
	r.inputs, r.from = maps.Clone(r.inputs), maps.Clone(r.from)
	if r.from == nil {
		r.from = map[string][]string{}
	}
	change(&r)
	return r
}

func (r made) new() made { return r.with(func(r *made) { r.op, r.id = "create", "" }) }

func (r made) gone() made { return r.with(func(r *made) { r.op = "delete" }) }

// later makes an input known only after the deployment; it comes from these resources.
func (r made) later(input string, from ...string) made {
	return r.with(func(r *made) { r.inputs[input], r.from[input] = laterText, from })
}

// plainly is a program that makes a lake, and a workspace with a cluster and its identity, without a component.
func plainly(more ...made) []made {
	const reads = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	all := []made{
		{typ: accountType, name: "lake", id: lakeID, inputs: map[string]any{"accountName": "lake",
			"resourceGroupName": "data"}},
		{typ: containerType, name: "sales", id: salesID, inputs: map[string]any{"accountName": "lake",
			"resourceGroupName": "data", "containerName": "sales"}},
		{typ: spaceType, name: "w", id: spaceID, inputs: map[string]any{"workspaceName": "w", "resourceGroupName": "ml"}},
		{typ: identityType, name: "loader", id: loaderID, inputs: map[string]any{"resourceName": "loader",
			"resourceGroupName": "ml"}, out: map[string]any{"principalId": "00000000-0000-4000-8000-0000000000aa"}},
		{typ: computeType, name: "cpu", id: spaceID + "/computes/cpu", inputs: map[string]any{"computeName": "cpu",
			"workspaceName": "w", "resourceGroupName": "ml", "properties": map[string]any{"computeType": "AmlCompute"},
			"identity": map[string]any{"type": "UserAssigned", "userAssignedIdentities": []any{loaderID}}}},
		given("loader-reads", "00000000-0000-4000-8000-0000000000aa", reads, salesID),
	}
	return append(all, more...)
}

// waysOf are the changes of ways as a reader sees them, without the names of roles.
func waysOf(r review.Review) (all []string) {
	for _, w := range r.Ways {
		verb := map[bool]string{true: " perhaps", false: ""}[w.Undecided]
		all = append(all, fmt.Sprintf("%s%s: %s -> %s", w.Change, verb, strings.Join(w.Who, ", "), w.Input+w.Output+w.Ends))
	}
	slices.Sort(all)
	return all
}

// In a program without our components, each kind of resource that makes a way is found: ways that open, that close, and
// that may open.
func TestWaysOfAProgramWithoutComponents(t *testing.T) {
	t.Parallel()
	const (
		reads = "opens: " + bobID + " -> container lake/sales"
		acts  = "opens: " + bobID + " -> managed identity loader"
		keys  = "opens: " + bobID + " -> the keys of storage account lake"
	)
	custom := func(actions ...any) made {
		return made{typ: definitionType, name: "custom", inputs: map[string]any{"roleName": "custom", "scope": inML,
			"permissions": []any{map[string]any{"actions": actions}}, "assignableScopes": []any{inML}}}
	}
	byCustom := given("bob", bobID, "x", inML).later("roleDefinitionId", definitionType+"::custom")
	deploys := "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write"
	store := made{typ: storeType, name: "sales", id: spaceID + "/datastores/sales", inputs: map[string]any{
		"name": "sales", "workspaceName": "w", "resourceGroupName": "ml", "datastoreProperties": map[string]any{
			"datastoreType": "AzureBlob", "accountName": "lake", "containerName": "sales",
			"credentials": map[string]any{"credentialsType": "AccountKey"}}}}
	withCredential := func(kind any) made {
		return store.with(func(r *made) {
			r.inputs["datastoreProperties"] = map[string]any{"datastoreType": "AzureBlob", "accountName": "lake",
				"containerName": "sales", "credentials": map[string]any{"credentialsType": kind}}
		})
	}
	secrets := custom("Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action")
	group := made{typ: groupType, name: "team", id: "00000000-0000-4000-8000-0000000000cc", inputs: map[string]any{
		"displayName": "team"}}
	ofGroup := given("team", "00000000-0000-4000-8000-0000000000cc", scientist, spaceID)
	app := made{typ: appType, name: "robot", id: "/applications/00000000-0000-4000-8000-0000000000dd",
		inputs: map[string]any{"displayName": "robot"}, out: map[string]any{
			"clientId": "00000000-0000-4000-8000-0000000000de", "objectId": "00000000-0000-4000-8000-0000000000dd"}}
	robot := made{typ: spType, name: "robot", id: "00000000-0000-4000-8000-0000000000df", inputs: map[string]any{
		"clientId": "00000000-0000-4000-8000-0000000000de"}, out: map[string]any{
		"displayName": "robot", "objectId": "00000000-0000-4000-8000-0000000000df"},
		from: map[string][]string{"clientId": {appType + "::robot"}}}
	robotReads := given("robot", "00000000-0000-4000-8000-0000000000df", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", salesID)
	machine := made{typ: machineType, name: "vm", id: inData + "/providers/Microsoft.Compute/virtualMachines/vm",
		inputs: map[string]any{"vmName": "vm", "resourceGroupName": "data", "identity": map[string]any{
			"type": "UserAssigned", "userAssignedIdentities": []any{loaderID}}}}
	for name, test := range map[string]struct {
		program []made
		want    []string // all must be there
		never   []string // parts of texts that must not be there
	}{
		"nothing changes": {plainly(given("bob", bobID, scientist, spaceID)), nil, []string{"->"}},
		"a role that deploys": {plainly(custom(deploys), byCustom.new()), []string{acts, reads}, []string{"lake keys",
			"perhaps: " + bobID + " -> container"}},
		"a role that deploys, and goes": {plainly(custom(deploys), byCustom.gone()), []string{
			strings.Replace(acts, "opens", "closes", 1), strings.Replace(reads, "opens", "closes", 1)}, []string{"opens"}},
		"a custom role that is widened": {plainly(custom(deploys).with(func(r *made) {
			r.op, r.old = "update", map[string]any{"roleName": "custom", "scope": inML, "permissions": []any{map[string]any{
				"actions": []any{"Microsoft.MachineLearningServices/workspaces/read"}}}}
		}), byCustom), []string{acts, reads}, nil},
		"a built-in role, at the group of the workspace": {plainly(given("bob", bobID, contribut, inML).new()),
			[]string{acts, reads}, []string{"account lake"}},
		"a built-in role, at the group of the account": {plainly(given("bob", bobID, contribut, inData).new()),
			[]string{keys, reads}, []string{"-> managed identity loader"}},
		"a role at an account whose shared keys are off": {append(plainly(given("bob", bobID, keysOnly, inData).new())[1:],
			made{typ: accountType, name: "lake", id: lakeID, inputs: map[string]any{"accountName": "lake",
				"resourceGroupName": "data", "allowSharedKeyAccess": false}}), nil, []string{"-> container", "account lake"}},
		"a role that turns the keys of an account on": {append(plainly(given("bob", bobID, contribut, inData).new())[1:],
			made{typ: accountType, name: "lake", id: lakeID, inputs: map[string]any{"accountName": "lake",
				"resourceGroupName": "data", "allowSharedKeyAccess": false}}), []string{keys, reads}, nil},
		"the keys of an account are turned on": {append(plainly(given("bob", bobID, keysOnly, inData))[1:],
			made{typ: accountType, name: "lake", id: lakeID, op: "update", inputs: map[string]any{"accountName": "lake",
				"resourceGroupName": "data", "allowSharedKeyAccess": true}, old: map[string]any{"accountName": "lake",
				"resourceGroupName": "data", "allowSharedKeyAccess": false}}), []string{keys, reads}, nil},
		"an account that the preview does not show": {append(plainly(given("bob", bobID, contribut, lakeID).new())[1:1],
			given("bob", bobID, contribut, lakeID).new()), []string{
			"opens perhaps: " + bobID + " -> the keys of storage account lake"}, []string{"opens: " + bobID + " -> the keys"}},
		"an owner": {plainly(given("bob", bobID, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", inData).new()),
			[]string{"opens: " + bobID + " -> role assignments at resource group data", keys}, nil},
		"a role that nobody knows": {plainly(given("bob", bobID, "99999999-9999-4999-8999-999999999999", inML).new()),
			[]string{"opens perhaps: " + bobID + " -> managed identity loader",
				"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a condition that nobody knows": {plainly(given("bob", bobID, scientist, spaceID).new().with(func(r *made) {
			r.inputs["condition"] = "@Resource[x:y] StringEquals 'z'"
		})), []string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a scope that is not known yet": {plainly(given("bob", bobID, scientist, "").new().later("scope", spaceType+"::w")),
			[]string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a scope out of nothing that is shown": {plainly(given("bob", bobID, scientist, "").new().later("scope")),
			[]string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a management group": {plainly(given("bob", bobID, scientist,
			"/providers/Microsoft.Management/managementGroups/mg").new()),
			[]string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a data store with a key": {plainly(secrets, byCustom, store.new()), []string{keys, reads,
			"opens: " + bobID + " -> the credential of data store sales"}, nil},
		"a data store that gets a key": {plainly(secrets, byCustom, withCredential("AccountKey").with(func(r *made) {
			r.op, r.old = "update", withCredential("None").inputs
		})), []string{keys, reads}, nil},
		"a data store that loses its key": {plainly(secrets, byCustom, withCredential("None").with(func(r *made) {
			r.op, r.old = "update", withCredential("AccountKey").inputs
		})), []string{strings.Replace(reads, "opens", "closes", 1)}, []string{"opens"}},
		"a data store whose credential is a secret": {plainly(secrets, byCustom, store.new().with(func(r *made) {
			r.inputs["datastoreProperties"] = map[string]any{"datastoreType": "AzureBlob", "accountName": "lake",
				"containerName": "sales", "credentials": "[secret]"}
		})), []string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: " + bobID + " -> container"}},
		"a cluster that gets the identity": {append(plainly(given("bob", bobID, scientist, spaceID))[:4], // no cluster yet
			append(plainly()[5:], given("bob", bobID, scientist, spaceID), plainly()[4].new())...), []string{acts, reads}, nil},
		"a cluster with an identity from outside": {plainly(given("bob", bobID, scientist, spaceID), plainly()[4].new().with(
			func(r *made) {
				r.name, r.inputs["computeName"] = "gpu", "gpu"
				r.inputs["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": []any{
					inData + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other"}}
			})), []string{"opens: " + bobID + " -> managed identity other",
			"opens perhaps: " + bobID + " -> whatever else is held by managed identity other"}, nil},
		"a machine with the identity": {plainly(given("bob", bobID, contribut, inData+
			"/providers/Microsoft.Compute/virtualMachines/vm"), machine.new()), []string{
			"opens: " + bobID + " -> managed identity loader",
			"opens: " + bobID + " -> container lake/sales"}, nil},
		"a member of a group": {plainly(group, ofGroup, made{typ: memberType, name: "bob", op: "create",
			inputs: map[string]any{"memberObjectId": bobID, "groupObjectId": group.id}}), []string{acts, reads}, nil},
		"a member of a group from outside": {plainly(ofGroup.with(func(r *made) { r.inputs["principalType"] = "Group" }),
			made{typ: memberType, name: "bob", op: "create", inputs: map[string]any{"memberObjectId": bobID,
				"groupObjectId": group.id}}), []string{acts, reads}, nil},
		"a group from outside": {plainly(ofGroup.new().with(func(r *made) { r.inputs["principalType"] = "Group" })),
			[]string{"opens: members of group " + group.id + " -> container lake/sales",
				"opens perhaps: owners of group " + group.id + " -> group " + group.id}, nil},
		"an identity that is eligible": {plainly(made{op: "create", typ: "azure-native:authorization:" +
			"PimRoleEligibilitySchedule", name: "bob", inputs: given("bob", bobID, scientist, spaceID).inputs}),
			[]string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: ", "role assignments"}},
		"all is made at once": {atOnce(), []string{"opens perhaps: " + bobID + " -> container newlake/sales",
			"opens: " + bobID + " -> managed identity fresh"}, []string{"opens: " + bobID + " -> container", "other clusters"}},
		"an owner of a group": {plainly(ofGroup, group.with(func(r *made) {
			r.op, r.old = "update", r.inputs
			r.inputs = map[string]any{"displayName": "team", "owners": []any{bobID}}
		})), []string{acts, reads}, nil},
		"an owner of an application": {plainly(app.with(func(r *made) {
			r.op, r.old = "update", r.inputs
			r.inputs = map[string]any{"displayName": "robot", "owners": []any{bobID}}
		}), robot, robotReads), []string{"opens: " + bobID + " -> service principal robot", reads}, nil},
		"an owner of an application, by a resource of its own": {plainly(app, robot, robotReads, made{op: "create",
			typ: "azuread:index/applicationOwner:ApplicationOwner", name: "bob", inputs: map[string]any{
				"applicationId": app.id, "ownerObjectId": bobID}}), []string{reads}, nil},
		"a federated credential for another identity": {plainly(given("carol", carolID, scientist, spaceID), app, robot,
			robotReads, made{op: "create", typ: "azuread:index/applicationFederatedIdentityCredential:" +
				"ApplicationFederatedIdentityCredential", name: "f", inputs: map[string]any{"applicationId": app.id,
				"issuer": "https://login.microsoftonline.com/t/v2.0", "subject": carolID}}),
			[]string{"opens perhaps: " + carolID + " -> service principal robot"}, nil},
		"a key vault that roles open": {plainly(spaceWith(vaultID), vault(true).new(),
			given("bob", bobID, "4633458b-17de-408a-b874-0445c86b69e6", vaultID).new()), []string{
			"opens: " + bobID + " -> the keys of the storage account of workspace w"}, nil},
		"a role where policies open the vault": {plainly(spaceWith(vaultID), vault(false).new(),
			given("bob", bobID, "4633458b-17de-408a-b874-0445c86b69e6", vaultID).new()), nil,
			[]string{"the keys of"}},
		"a policy of a key vault": {plainly(spaceWith(vaultID), vault(false, bobID).new()), []string{
			"opens: " + bobID + " -> the keys of the storage account of workspace w"}, nil},
		"a key vault that the preview does not show": {plainly(spaceWith(vaultID),
			given("bob", bobID, "4633458b-17de-408a-b874-0445c86b69e6", vaultID).new()), []string{
			"opens perhaps: " + bobID + " -> the keys of the storage account of workspace w"}, nil},
		"a role of a group at an account": {plainly(given("team", bobID, keysOnly, lakeID).with(func(r *made) {
			r.inputs["principalType"] = "Group"
		}).new()), []string{"opens: members of group " + bobID + " -> the keys of storage account lake",
			"opens: members of group " + bobID + " -> container lake/sales"}, nil},
		"a role at a key vault of which nothing else is shown": {[]made{
			given("bob", bobID, "4633458b-17de-408a-b874-0445c86b69e6", vaultID).new()},
			[]string{"opens perhaps: " + bobID + " -> the secrets of key vault kv"}, []string{"opens: "}},
		"a key vault of no workspace that is shown": {[]made{{typ: "azure-native:keyvault:Vault", name: "kv", id: vaultID,
			inputs: map[string]any{"vaultName": "kv", "resourceGroupName": "ml", "properties": map[string]any{
				"enableRbacAuthorization": true}}}, given("bob", bobID, "4633458b-17de-408a-b874-0445c86b69e6", inML).new()},
			[]string{"opens: " + bobID + " -> the secrets of key vault kv"}, nil},
		"its policy": {[]made{{typ: "azure-native:keyvault:Vault", name: "kv", id: vaultID, op: "update",
			inputs: map[string]any{"vaultName": "kv", "resourceGroupName": "ml", "properties": map[string]any{
				"accessPolicies": []any{map[string]any{"objectId": bobID, "permissions": map[string]any{
					"secrets": []any{"get"}}}}}},
			old: map[string]any{"vaultName": "kv", "resourceGroupName": "ml", "properties": map[string]any{}}}},
			[]string{"opens: " + bobID + " -> the secrets of key vault kv"}, nil},
		"a policy by itself": {plainly(made{typ: "azure-native:keyvault:AccessPolicy", name: "bob", op: "create",
			inputs: map[string]any{"vaultName": "kv", "resourceGroupName": "ml", "policy": map[string]any{
				"objectId": bobID, "permissions": map[string]any{"secrets": []any{"get"}}}}}),
			[]string{"opens perhaps: " + bobID + " -> the secrets of key vault kv"}, nil},
		"a role of Entra": {plainly(made{typ: spType, name: "robot", id: robotID, inputs: map[string]any{"clientId": "c"}},
			given("robot-reads", robotID, "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", salesID),
			made{typ: "azuread:index/directoryRoleAssignment:DirectoryRoleAssignment", name: "bob", op: "create",
				inputs: map[string]any{"principalObjectId": bobID, "roleId": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"}}),
			[]string{"opens: " + bobID + " -> container lake/sales"}, []string{"perhaps"}},
		"a role of Entra within a limit": {plainly(made{typ: spType, name: "robot", id: robotID,
			inputs: map[string]any{"clientId": "c"}}, given("robot-reads", robotID, "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
			salesID), made{typ: "azuread:index/directoryRoleAssignment:DirectoryRoleAssignment", name: "bob", op: "create",
			inputs: map[string]any{"principalObjectId": bobID, "directoryScopeId": "/x",
				"roleId": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"}}),
			[]string{"opens perhaps: " + bobID + " -> container lake/sales"}, []string{"opens: "}},
		"a permission of Microsoft Graph": {plainly(made{typ: groupType, name: "team", id: teamID,
			inputs: map[string]any{"displayName": "team"}}, given("team-lists", teamID, keysOnly, lakeID),
			made{typ: "azuread:index/appRoleAssignment:AppRoleAssignment", name: "bob", op: "create", inputs: map[string]any{
				"principalObjectId": bobID, "appRoleId": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"}}), []string{
			"opens: " + bobID + " -> the keys of storage account lake"}, []string{"perhaps"}},
		"a group that is assignable to roles": {plainly(made{typ: groupType, name: "team", id: teamID,
			inputs: map[string]any{"displayName": "team", "assignableToRole": true}},
			given("team-lists", teamID, keysOnly, lakeID),
			made{typ: "azuread:index/appRoleAssignment:AppRoleAssignment", name: "bob", op: "create", inputs: map[string]any{
				"principalObjectId": bobID, "appRoleId": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"}}), nil,
			[]string{"opens"}},
		"a condition on the type of whom it gives a role, for another type": {plainly(toServicePrincipals(bobID, "User")),
			nil, []string{"->"}},
		"a condition on the type of whom it gives a role": {plainly(toServicePrincipals(bobID, "ServicePrincipal")),
			[]string{reads}, []string{"perhaps"}},
		"another identity of a cluster": {plainly(made{typ: identityType, name: "second", id: secondID,
			inputs: map[string]any{"resourceName": "second", "resourceGroupName": "ml"}, out: map[string]any{
				"principalId": "00000000-0000-4000-8000-0000000000ab"}}, made{typ: computeType, name: "cpu2",
			id: spaceID + "/computes/cpu2", inputs: map[string]any{"computeName": "cpu2", "workspaceName": "w",
				"resourceGroupName": "ml", "properties": map[string]any{"computeType": "AmlCompute"},
				"identity": map[string]any{"type": "UserAssigned", "userAssignedIdentities": []any{loaderID, secondID}}}},
			custom(deploys), byCustom.new()), []string{acts, "opens: " + bobID + " -> managed identity second"}, nil},
		"a workspace that the preview does not show": {[]made{given("bob", bobID, scientist, spaceID).new()},
			[]string{"opens perhaps: " + bobID + " -> the identities of other clusters of workspace w",
				"opens perhaps: " + bobID + " -> the credentials of other data stores of workspace w"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewOf(t, previewOfAll(t, test.program))
			got := waysOf(r)
			for _, w := range r.Ways {
				opens := w.Change == "opens" && !strings.HasPrefix(w.Who[0], "owners of ")
				assert.Equal(t, opens, len(w.Cuts) > 0, "what cuts %s", w.Way)
			}
			for _, want := range test.want {
				assert.Contains(t, got, want)
			}
			for _, never := range test.never {
				for _, way := range got {
					assert.NotContains(t, way, never)
				}
			}
		})
	}
}

// A resource beside the components opens ways through resources in their models. Ways in a model are reported once.
func TestWaysBesideAComponent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/first.json")
	require.NoError(t, err)
	without := reviewOf(t, string(text))
	var p map[string]any
	require.NoError(t, json.Unmarshal(text, &p))
	p["changeSummary"].(map[string]any)["create"] = len(p["steps"].([]any))
	urn := "urn:pulumi:dev::batchaccess::" + assignmentType
	add := func(r made) {
		p["steps"] = append(p["steps"].([]any), map[string]any{"op": "create", "urn": urn + "::" + r.name,
			"newState": map[string]any{"type": r.typ, "inputs": r.inputs, "propertyDependencies": r.from}})
	}
	add(given("bob", bobID, contribut, inSub))
	add(given("carol", carolID, contribut, inSub))
	app := given("app", laterText, contribut, inSub)
	app.from = map[string][]string{"principalId": {"urn:pulumi:dev::batchaccess::batchaccess:index:BatchEndpointAccess" +
		"$batchaccess:index:ServicePrincipal$azuread:index/servicePrincipal:ServicePrincipal::access.partner"}}
	add(app)
	with, err := json.Marshal(p)
	require.NoError(t, err)
	got := waysOf(reviewOf(t, string(with)))
	assert.Contains(t, got, "opens: "+bobID+", "+carolID+" -> patients")
	assert.Contains(t, got, "opens: "+bobID+", "+carolID+" -> cluster:cpu")
	assert.Contains(t, got, "opens: partner, "+bobID+", "+carolID+" -> the keys of storage account lake",
		"the program's own assignment to the component's application")
	assert.Subset(t, got, waysOf(without))
	for _, way := range got {
		assert.NotContains(t, way, "partner -> the credential", "the model has it: %s", way)
	}
}

// A search through groups in a circle and hundreds of principals ends, and leaves nobody out.
func TestWaysOfHugeAndCircularPrograms(t *testing.T) {
	t.Parallel()
	program := plainly()
	for n := range 300 {
		program = append(program, given(fmt.Sprint("many", n), fmt.Sprintf("10000000-0000-4000-8000-%012d", n), scientist,
			spaceID).new())
	}
	circle := func(n int) string { return fmt.Sprintf("20000000-0000-4000-8000-%012d", n%3) }
	for n := range 3 {
		program = append(program, made{typ: groupType, name: fmt.Sprint("g", n), id: circle(n), inputs: map[string]any{
			"displayName": fmt.Sprint("g", n), "members": []any{circle(n + 1), bobID}, "owners": []any{circle(n)}}})
	}
	program = append(program, given("g", circle(0), scientist, spaceID).new())
	r := reviewOf(t, previewOfAll(t, program))
	reached := map[string]bool{}
	for _, w := range r.Ways {
		for _, who := range w.Who {
			reached[who] = reached[who] || w.Input == "container lake/sales" && !w.Undecided
		}
	}
	assert.True(t, reached[bobID])
	for n := range 300 {
		assert.True(t, reached[fmt.Sprintf("10000000-0000-4000-8000-%012d", n)])
	}
	assert.Less(t, len(r.Ways), 30, "those who go the same way are told together")
}

// atOnce is a program of which nothing exists yet, in Pulumi's usual form: each resource refers to the one before.
func atOnce() []made {
	const reads = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	group := made{typ: "azure-native:resources:ResourceGroup", name: "ml", op: "create", inputs: map[string]any{
		"resourceGroupName": "fresh"}}
	in := func(r made) made { return r.new().later("resourceGroupName", group.typ+"::ml") }
	return []made{group,
		in(made{typ: accountType, name: "lake", inputs: map[string]any{"accountName": "newlake"}}),
		in(made{typ: containerType, name: "sales", inputs: map[string]any{"containerName": "sales"}}).later("accountName",
			accountType+"::lake"),
		in(made{typ: spaceType, name: "w", inputs: map[string]any{"workspaceName": "w"}}),
		in(made{typ: identityType, name: "fresh", inputs: map[string]any{"resourceName": "fresh"}}),
		in(made{typ: computeType, name: "cpu", inputs: map[string]any{"computeName": "cpu", "identity": map[string]any{
			"type": "UserAssigned", "userAssignedIdentities": []any{laterText}}}, from: map[string][]string{
			"identity": {identityType + "::fresh"}}}).later("workspaceName", spaceType+"::w"),
		given("fresh-reads", "", reads, "").new().later("principalId", identityType+"::fresh").later("scope",
			containerType+"::sales"),
		given("bob", bobID, scientist, inSub).new(),
	}
}

func spaceWith(vault string) made {
	return made{typ: spaceType, name: "w", id: spaceID, inputs: map[string]any{"workspaceName": "w",
		"resourceGroupName": "ml", "keyVault": vault}}
}

func vault(roles bool, readers ...string) made {
	var policies []any
	for _, id := range readers {
		policies = append(policies, map[string]any{"objectId": id, "permissions": map[string]any{"secrets": []any{"get"}}})
	}
	return made{typ: "azure-native:keyvault:Vault", name: "kv", id: vaultID, inputs: map[string]any{"vaultName": "kv",
		"resourceGroupName": "ml", "properties": map[string]any{"enableRbacAuthorization": roles,
			"accessPolicies": policies}}}
}
