package rehearsal

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/batchaccess/batchaccess/access"
)

// An actor gets tokens for services, by their audiences.
type actor func(ctx context.Context, audience string) (string, error)

func (a actor) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	text, err := a(ctx, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// position is what the actor has at one point of a way: the identity whose tokens they can get, and keys of storage
// accounts by name.
type position struct {
	actor
	account, key string
}

// A step walks one hop: it sends the requests that the hop's actions allow.
type step func(context.Context, *walker, position, access.Hop, access.Way) (position, error)

const storageActions = "Microsoft.Storage/storageAccounts/"

// steps has the steps by the action that they need, in lower case.
var steps = map[string]step{
	key(mlActions + "batchEndpoints/deployments/write"): changeDeployment,
	key(mlActions + "datastores/listsecrets/action"):    listSecrets,
	key(storageActions + "listkeys/action"):             keysBy("listKeys", nil),
	key(storageActions + "regeneratekey/action"): keysBy("regenerateKey",
		map[string]string{"keyName": "key1"}),
	key(mlActions + "datastores/write"):                                                        pointElsewhere,
	key(mlActions + "listStorageAccountKeys/action"):                                           workspaceKeys,
	key("Microsoft.Authorization/roleAssignments/write"):                                       giveRole,
	key("Microsoft.Authorization/roleDefinitions/write"):                                       changeRole,
	key("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"): federate,
	key("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
		mlActions+"computes/write", mlActions+"batchEndpoints/deployments/write"): attach,
}

const (
	ranByItself = "no document says that anything runs what this writes"
	noSAS       = "the sandbox does not model shared access signatures"
	firstAlone  = "the sandbox signs the code of a job in as the first identity of its cluster alone"
	newVersion  = "a version of an asset does not change, and who names the new one is not known"
)

// notWalked says why other actions of ways are not walked, in lower case: facts/ does not say what Azure then does, or
// the sandbox does not do it.
var notWalked = map[string]string{}

func init() {
	for why, actions := range map[string][]string{
		ranByItself: {mlActions + "metadata/artifacts/write", mlActions + "endpoints/pipelines/write",
			mlActions + "environments/write", mlActions + "environments/build/action", mlActions + "schedules/write",
			mlActions + "components/versions/write", mlActions + "environments/versions/write",
			mlActions + "codes/versions/write", mlActions + "models/versions/write",
			"Microsoft.ContainerRegistry/registries/push/write"},
		newVersion: {mlActions + "data/versions/write", mlActions + "datasets/registered/write",
			mlActions + "datasets/unregistered/write"},
		"nothing here says what these secrets open": {mlActions + "connections/listsecrets/action",
			mlActions + "onlineEndpoints/listkeys/action", mlActions + "onlineEndpoints/token/action"},
		"the sandbox does not let invokers set ACLs": {
			storageActions + "blobServices/containers/blobs/manageOwnership/action",
			storageActions + "blobServices/containers/blobs/modifyPermissions/action"},
		"the sandbox does not model Privileged Identity Management": {
			"Microsoft.Authorization/roleEligibilityScheduleRequests/write",
			"Microsoft.Authorization/roleAssignmentScheduleRequests/write"},
		noSAS: {storageActions + "listAccountSas/action", storageActions + "listServiceSas/action"},
	} {
		for _, action := range actions {
			notWalked[key(action)] = why
		}
	}
}

// key is the key of a hop in steps and notWalked.
func key(actions ...string) string { return strings.ToLower(strings.Join(actions, " ")) }

// stepOf returns the step for a hop, or why it is not walked.
func stepOf(hop access.Hop) (s step, why string) {
	if slices.Contains(hop.Takes, access.FurtherIdentity) {
		return nil, firstAlone
	}
	k := key(hop.Takes...)
	if s := steps[k]; s != nil {
		return s, ""
	}
	return nil, cmp.Or(notWalked[k], "the sandbox does not model "+hop.Needs)
}

// signedIn acts as a principal that proves who it is by its own means.
func (w walker) signedIn(objectID string) actor {
	return func(ctx context.Context, audience string) (string, error) {
		text, err := w.r.azure.SignIn(ctx, objectID, audience)
		if err != nil { // Entra's answer, as for an application that is disabled
			return "", refusal{"signing in", err.Error()}
		}
		return text, nil
	}
}

// ask calls Resource Manager as an actor, at an ID with an API version.
func (w walker) ask(ctx context.Context, a actor, method, id, version string, body, into any) error {
	text, err := a(ctx, w.r.azure.URL())
	if err != nil {
		return err
	}
	return manageBy(ctx, w.r.azure, text, method, w.r.azure.URL()+id+"?api-version="+version, body, into)
}

const (
	storageVersion  = "2023-05-01"
	identityVersion = "2023-01-31"
)
