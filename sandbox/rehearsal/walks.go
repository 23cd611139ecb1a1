package rehearsal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// An actor gets tokens for services, by their audiences.
type actor func(ctx context.Context, audience string) (string, error)

func (a actor) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	text, err := a(ctx, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// standing is what the actor has at one point of a way: whose token they can get, and keys of storage accounts by name.
type standing struct {
	actor
	account, key string
}

// A step walks one hop: it sends the requests that the hop's actions allow.
type step func(context.Context, *walker, standing, access.Hop, access.Way) (standing, error)

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
		"the sandbox sets no ACLs for who asks": {
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
	k := key(hop.Takes...)
	if s := steps[k]; s != nil {
		return s, ""
	}
	return nil, cmp.Or(notWalked[k], "the sandbox does not model "+hop.Needs)
}

// signedIn acts as a principal that proves who it is by its own means.
func (w walker) signedIn(objectID string) actor {
	return func(ctx context.Context, audience string) (string, error) {
		return w.r.azure.SignIn(ctx, objectID, audience)
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

// changeDeployment puts the actor's own code into a deployment, on the cluster. When anybody then starts a job, that
// code runs there (facts/grants-access.md, Machine learning and neighbours), and asks for tokens as the cluster.
func changeDeployment(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	cluster := hop.Opens.As
	if !cluster.IsCluster() {
		cluster = w.clusterOf(cluster)
	}
	return w.runOn(ctx, at, w.r.Model.Clusters[cluster.Name].NameOr(cluster.Name), cluster.Name, way)
}

// clusterOf is a cluster with the identity of an invoker.
func (w walker) clusterOf(p access.Principal) access.Principal {
	for _, i := range w.r.plan.Identities {
		if !slices.Contains(i.Names, p) {
			continue
		}
		if n := slices.IndexFunc(i.Names, access.Principal.IsCluster); n >= 0 {
			return i.Names[n]
		}
	}
	return p
}

// runOn runs the actor's own code on a compute, and acts as it. cluster is the compute's name in the model; "" if the
// compute is not in it.
func (w *walker) runOn(ctx context.Context, at standing, compute, cluster string, way access.Way) (standing, error) {
	m := w.r.Model
	code := m.WorkspaceID.Text() + "/codes/" + made("code", way.Who[0]) + "/versions/1"
	endpoints := m.EffectiveEndpoints()
	var refused error
	for _, t := range w.targets(cluster, way.Input) {
		e := endpoints[t.endpoint]
		named := deploymentName(e, t.deployment)
		err := w.ask(ctx, at.actor, http.MethodPut, m.WorkspaceID.Text()+"/batchEndpoints/"+endpointName(m, t.endpoint)+
			"/deployments/"+named, machineLearningVersion, map[string]any{
			"location": DefaultLocation, "properties": map[string]any{
				"compute":           m.WorkspaceID.Text() + "/computes/" + compute,
				"codeConfiguration": map[string]any{"codeId": code, "scoringScript": "read.py"},
			},
		}, nil)
		if _, is := errors.AsType[refusal](err); is {
			refused = cmp.Or(refused, fmt.Errorf("changing the deployment %s of %s: %w", named, t.endpoint, err))
			continue // the role may be assigned at another endpoint
		}
		if err != nil {
			return at, err
		}
		return w.startOn(ctx, at, t.endpoint, named, code, way)
	}
	if refused == nil {
		refused = errNotWalked("the stack has no endpoint")
	}
	return at, refused
}

// startOn starts a job as the actor and acts as the changed code. A job without data needs the fewest permissions, and
// the code finds the data by itself. If the actor may not start a job, somebody else starts one.
func (w *walker) startOn(ctx context.Context, at standing, endpoint, deployment, code string, way access.Way) (
	standing, error) {
	bare := w.r.Model
	bare.Endpoints = maps.Clone(bare.EffectiveEndpoints())
	for name, e := range bare.Endpoints {
		e.Inputs, e.Outputs = nil, nil
		bare.Endpoints[name] = e
	}
	own, err := at.actor(ctx, w.r.azure.Cloud().MachineLearning)
	if err != nil {
		return at, err
	}
	job, got, err := newJobs(w.r.azure, bare).start(ctx, own, endpoint, deployment, "")
	switch {
	case err != nil:
		return at, err
	case job != "" && got.Hop == "":
		return w.onNode(job, code), nil
	}
	w.waits = true
	input := ""
	if slices.Contains(w.r.Model.EffectiveEndpoints()[endpoint].Inputs, way.Input) {
		input = way.Input
	}
	for _, other := range w.starters(endpoint) {
		token, err := w.r.azure.SignIn(ctx, other, w.r.azure.Cloud().MachineLearning)
		if err != nil {
			return at, err
		}
		if job, got, err = w.j.start(ctx, token, endpoint, deployment, input); err != nil {
			return at, err
		}
		if job != "" && (got.Hop == "" || got.Hop == access.ReadHop || got.Hop == access.WriteHop) {
			return w.onNode(job, code), nil // the code ran, whether or not it could read
		}
	}
	if job == "" || got.Hop == undecidedHop || got.Hop == requestHop {
		return at, errNotWalked("the job on the changed deployment: " + got.Message)
	}
	return at, refusal{"the job on the changed deployment", got.Message}
}

// starters are the object IDs of those who start jobs on an endpoint without knowing of the changed code: the sandbox's
// owner, and the invokers that the endpoint names, who alone have everything that a job needs after its start.
func (w *walker) starters(endpoint string) []string {
	all := []string{w.r.azure.Deployer().ObjectID}
	for _, p := range w.r.plan.Paths() {
		if id := w.principal(p.Invoker); p.Endpoint == endpoint && p.Declared && id != "" &&
			!slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// onNode acts as the code of a job.
func (w *walker) onNode(job, code string) standing {
	return standing{actor: func(_ context.Context, audience string) (string, error) {
		token, ran, err := w.r.azure.OnNode(job, audience)
		switch {
		case err != nil:
			return "", refusal{"the node of the job on the changed deployment", err.Error()}
		case ran != code:
			return "", fmt.Errorf("job %s ran %q and not the code %q", job, ran, code)
		}
		return token, nil
	}}
}

// attach makes a cluster with the identity, and runs code there (facts/compute-clusters.md, Identity).
func attach(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	id, _, err := w.identity(ctx, hop.Opens.As)
	if err != nil {
		return at, err
	}
	const compute = "walked"
	if err := w.ask(ctx, at.actor, http.MethodPut, w.r.Model.WorkspaceID.Text()+"/computes/"+compute,
		machineLearningVersion, map[string]any{
			"location": w.location(ctx),
			"identity": map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{id: map[string]any{}}},
			"properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{
				"vmSize":        "Standard_DS3_v2",
				"scaleSettings": map[string]any{"minNodeCount": 0, "maxNodeCount": 1},
			}},
		}, nil); err != nil {
		return at, fmt.Errorf("making a cluster with the identity: %w", err)
	}
	return w.runOn(ctx, at, compute, "", way)
}

// location is the workspace's.
func (w *walker) location(ctx context.Context) string {
	var found struct{ Location string }
	if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+w.r.Model.WorkspaceID.Text()+"?api-version="+
		machineLearningVersion, nil, &found); err != nil {
		return DefaultLocation
	}
	return found.Location
}

// identity is the ARM ID and the client ID of a user-assigned identity of the stack, as the sandbox's owner sees it.
func (w *walker) identity(ctx context.Context, of access.Principal) (id, client string, err error) {
	principal := w.principal(of.Name)
	if of.IsCluster() {
		principal = w.principal("cluster:" + of.Name)
	}
	workspace, err := w.r.Model.Workspace()
	if err != nil {
		return "", "", err
	}
	subscriptions := map[string]bool{workspace.SubscriptionID: true}
	for _, given := range []string{w.r.Model.Invokers[of.Name].ResourceID,
		w.r.Model.Clusters[of.Name].UserAssignedIdentityID.Text()} {
		if parsed, err := arm.Parse(given, arm.UserAssignedIdentity); err == nil {
			subscriptions[parsed.SubscriptionID] = true
		}
	}
	for _, subscription := range slices.Sorted(maps.Keys(subscriptions)) {
		var found struct {
			Value []struct {
				ID         string
				Properties struct{ PrincipalID, ClientID string }
			}
		}
		err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+"/subscriptions/"+subscription+"/providers/"+
			arm.UserAssignedIdentity+"?api-version="+identityVersion, nil, &found)
		if err != nil {
			return "", "", err
		}
		for _, i := range found.Value {
			if strings.EqualFold(i.Properties.PrincipalID, principal) {
				return i.ID, i.Properties.ClientID, nil
			}
		}
	}
	return "", "", errNotWalked("the sandbox has no user-assigned identity " + of.String())
}

// federate gives a user-assigned identity a federated credential of the actor's own, and signs in with it
// (facts/federation.md).
func federate(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	const issuer = "https://issuer.example"
	id, client, err := w.identity(ctx, hop.Opens.As)
	if err != nil {
		return at, err
	}
	subject, audience := "walk of "+way.Who[0], w.r.azure.Cloud().Exchange
	if err := w.ask(ctx, at.actor, http.MethodPut, id+"/federatedIdentityCredentials/walked", identityVersion,
		map[string]any{"properties": map[string]any{
			"issuer": issuer, "subject": subject, "audiences": []string{audience},
		}}, nil); err != nil {
		return at, fmt.Errorf("adding a federated credential: %w", err)
	}
	e := entraOf(w.r.azure, client, w.r.azure.Cloud().MachineLearning)
	return standing{actor: func(ctx context.Context, resource string) (string, error) {
		credential, err := azidentity.NewClientAssertionCredential(w.r.azure.Deployer().TenantID, client,
			func(context.Context) (string, error) { return w.r.azure.FederatedAssertion(issuer, subject, audience) },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: e.options, DisableInstanceDiscovery: true})
		if err != nil {
			return "", err
		}
		text, err := token(ctx, credential, resource)
		if failed, is := errors.AsType[*azidentity.AuthenticationFailedError](err); is {
			return "", refusal{"signing in by the new credential", failed.Error()}
		}
		return text, err
	}}, nil
}

// giveRole assigns Owner to the actor, at the scope of the actor's role, and continues as an Owner.
func giveRole(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	scope, known := w.r.Model.RoleScopeID()
	if !known {
		return at, errNotWalked("where the role lies is not known")
	}
	who, kind := w.principal(way.Who[0]), "ServicePrincipal"
	switch i := w.r.Model.Invokers[way.Who[0]]; {
	case hop.Opens == access.Opened{}:
		who, kind = made("stranger"), "User" // the way ends at the assignment, whoever gets it
	case i.Kind == access.User || i.Kind == access.Group:
		kind = "User"
	}
	err := w.ask(ctx, at.actor, http.MethodPut, scope+"/providers/Microsoft.Authorization/roleAssignments/"+
		made("walk", who), authorizationVersion, map[string]any{"properties": map[string]any{"principalId": who,
		"principalType": kind, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + ownerRole},
	}, nil)
	if answer, is := errors.AsType[refusal](err); err != nil && (!is || !strings.Contains(answer.text, alreadyAssigned)) {
		return at, fmt.Errorf("assigning a role: %w", err)
	}
	return asOwner(ctx, w, at, hop, way)
}

// changeRole adds every action to the actor's custom role, and continues as an Owner.
func changeRole(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	scope, known := w.r.Model.RoleScopeID()
	if !known {
		return at, errNotWalked("where the role lies is not known")
	}
	var found struct {
		Value []struct {
			ID         string
			Properties map[string]any
		}
	}
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions"
	if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+scope+definitions+"?api-version="+
		authorizationVersion+"&$filter=type+eq+'CustomRole'", nil, &found); err != nil {
		return at, err
	}
	n := slices.IndexFunc(found.Value, func(d struct {
		ID         string
		Properties map[string]any
	}) bool {
		return strings.EqualFold(arm.Last(d.ID), arm.Last(w.d.RoleDefinitionID))
	})
	if n < 0 {
		return at, errNotWalked("they have no custom role that could be changed")
	}
	was := found.Value[n].Properties
	err := w.ask(ctx, at.actor, http.MethodPut, scope+definitions+"/"+arm.Last(found.Value[n].ID), authorizationVersion,
		map[string]any{"properties": map[string]any{"roleName": was["roleName"], "type": was["type"],
			"assignableScopes": was["assignableScopes"],
			"permissions":      []any{map[string]any{"actions": []string{"*"}}}}}, nil)
	if err != nil {
		return at, fmt.Errorf("changing what their role allows: %w", err)
	}
	return asOwner(ctx, w, at, hop, way)
}

// asOwner continues with every action at the scope of the actor's role.
func asOwner(ctx context.Context, w *walker, at standing, hop access.Hop, way access.Way) (standing, error) {
	if err := w.r.azure.Settle(); err != nil { // a late grant has effect in the end
		return at, err
	}
	switch o := hop.Opens; {
	case o == access.Opened{}:
		return at, nil
	case o.Account != "":
		return keysBy("listKeys", nil)(ctx, w, at, hop, way)
	case o.As.IsCluster() && w.r.Model.Clusters[o.As.Name].EffectiveIdentity() != access.UserAssigned,
		w.clusterOf(o.As).IsCluster():
		return changeDeployment(ctx, w, at, hop, way)
	}
	return federate(ctx, w, at, hop, way)
}

// alreadyAssigned is Azure's code for a second assignment of a role (azure-facts.md, Role definitions and assignments).
const alreadyAssigned = "RoleAssignmentExists"

// ownerRole is Owner (azure-facts.md names the roles that allow everything; facts/grants-access.md, Built-in roles that
// can grant).
const ownerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// keysBy asks for the keys of a storage account by an operation on it.
func keysBy(operation string, body any) step {
	return func(ctx context.Context, w *walker, at standing, hop access.Hop, _ access.Way) (standing, error) {
		id := w.r.Model.StorageAccounts[hop.Opens.Account].Text()
		if id == "" {
			return at, errNotWalked("where the storage account lies is not known")
		}
		var found struct{ Keys []struct{ Value string } }
		if err := w.ask(ctx, at.actor, http.MethodPost, id+"/"+operation, storageVersion, body, &found); err != nil {
			return at, fmt.Errorf("asking for the keys: %w", err)
		}
		if len(found.Keys) == 0 {
			return at, errors.New("the answer has no keys")
		}
		return standing{account: arm.Last(id), key: found.Keys[0].Value}, nil
	}
}

// listSecrets asks for the credential of a data store: a key of its account.
func listSecrets(ctx context.Context, w *walker, at standing, hop access.Hop, _ access.Way) (standing, error) {
	of := datum{cmp.Or(hop.Opens.Input, hop.Opens.Output), hop.Opens.Output != ""}
	lies, err := w.locate(ctx, of)
	if err != nil {
		return at, err
	}
	var found struct{ Key string }
	if err := w.ask(ctx, at.actor, http.MethodPost, w.r.Model.WorkspaceID.Text()+"/datastores/"+w.data(of).DataStore+
		"/listSecrets", machineLearningVersion, map[string]any{}, &found); err != nil {
		return at, fmt.Errorf("asking for the credential: %w", err)
	}
	return standing{account: lies.account, key: found.Key}, nil
}

// read reads a blob whose content is known.
func (w *walker) read(ctx context.Context, at standing, lies located, content []byte) error {
	client, err := w.blobs(at, lies.account)
	if err != nil {
		return err
	}
	got, err := client.DownloadStream(ctx, lies.container, lies.path, nil)
	if err != nil {
		return blobRefusal("reading", lies, err)
	}
	read, err := io.ReadAll(got.Body)
	if err = errors.Join(err, got.Body.Close()); err != nil {
		return err
	}
	if !bytes.Equal(read, content) {
		return fmt.Errorf("what was read of %s/%s is not what was written there", lies.container, lies.path)
	}
	return nil
}

// reach reads the content of a blob in the input, and overwrites it if the way says so; or it writes a blob to the
// output.
func (w *walker) reach(ctx context.Context, at standing, way access.Way) error {
	of := datum{cmp.Or(way.Input, way.Output), way.Output != ""}
	lies, err := w.locate(ctx, of)
	if err != nil {
		return err
	}
	client, err := w.blobs(at, lies.account)
	if err != nil {
		return err
	}
	content := []byte("the content of " + of.name)
	if !of.output {
		id := lies.id + "/blobServices/default/containers/" + lies.container
		if err := w.r.azure.PutBlob(id, lies.path, content); err != nil {
			return errNotWalked(err.Error())
		}
		if err := w.read(ctx, at, lies, content); err != nil {
			return err
		}
	}
	if way.Writes {
		if _, err := client.UploadBuffer(ctx, lies.container, lies.path, []byte("written"), nil); err != nil {
			return blobRefusal("writing", lies, err)
		}
	}
	return nil
}

// blobs is Azure's own client of a storage account, with its key or with tokens.
func (w *walker) blobs(at standing, account string) (*azblob.Client, error) {
	options := &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.r.azure.Client()}}
	url := w.r.azure.BlobURL(account)
	if at.key == "" {
		return azblob.NewClient(url, at.actor, options)
	}
	credential, err := azblob.NewSharedKeyCredential(at.account, at.key)
	if err != nil {
		return nil, err
	}
	return azblob.NewClientWithSharedKeyCredential(url, credential, options)
}

func blobRefusal(what string, lies located, err error) error {
	answer, is := errors.AsType[*azcore.ResponseError](err)
	switch {
	case !is:
		return err
	case bloberror.HasCode(err, notModelled):
		return errNotWalked("the sandbox does not model what decides " + what + " " + lies.container + "/" + lies.path)
	}
	return refusal{what + " " + lies.container + "/" + lies.path, fmt.Sprintf("HTTP %d: %s", answer.StatusCode,
		answer.ErrorCode)}
}

// datum is a data input or output.
type datum struct {
	name   string
	output bool
}

// located is the place of a blob: the storage account's ID and name, its container, and the path in that.
type located struct{ id, account, container, path string }

// arrived checks the end of a way that reaches no data: the token must be that of the identity that the hop opens, or
// there must be a key.
func (w *walker) arrived(ctx context.Context, at standing, opens access.Opened) error {
	switch {
	case opens == access.Opened{}:
		return nil // the step reached the way's end
	case opens.As == access.Principal{}:
		if at.key == "" {
			return errors.New("the key is empty")
		}
		return nil
	}
	text, err := at.actor(ctx, w.r.azure.Cloud().MachineLearning)
	if err != nil {
		return err
	}
	want := w.principal(opens.As.Name)
	if opens.As.IsCluster() {
		want = w.principal("cluster:" + opens.As.Name)
	}
	if got, err := objectID(text); err != nil || !strings.EqualFold(got, want) {
		return fmt.Errorf("the token is of %q and not of %s, which is %s: %w", got, opens.As, want, err)
	}
	return nil
}

// objectID is the object ID in an access token.
func objectID(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token has no payload")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct{ OID string }
	err = json.Unmarshal(text, &claims)
	return claims.OID, err
}

// data is the input with that name, or the output in the form of an input.
func (w *walker) data(of datum) access.DataInput {
	if !of.output {
		return w.r.Model.DataInputs[of.name]
	}
	o := w.r.Model.DataOutputs[of.name]
	return access.DataInput{Kind: access.DataStore, DataStore: o.DataStore, StorageAccount: o.StorageAccount,
		Container: o.Container, Path: o.Path}
}

// locate finds the place of data: the model has it, or its data store, which the sandbox's owner reads.
func (w *walker) locate(ctx context.Context, of datum) (lies located, err error) {
	if lies, known := w.places[of]; known {
		return lies, nil
	}
	d := w.data(of)
	lies = located{container: d.Container, id: w.r.Model.StorageAccounts[d.StorageAccount].Text(),
		path: strings.Trim(d.Path, "/")}
	if d.DataStore != "" {
		var store struct {
			Properties struct{ SubscriptionID, ResourceGroup, AccountName, ContainerName, Filesystem string }
		}
		if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+w.r.Model.WorkspaceID.Text()+"/datastores/"+
			d.DataStore+"?api-version="+machineLearningVersion, nil, &store); err != nil {
			return lies, err
		}
		p := store.Properties
		lies.container = p.ContainerName + p.Filesystem // it has one of them
		lies.id = "/subscriptions/" + p.SubscriptionID + "/resourceGroups/" + p.ResourceGroup + "/providers/" +
			arm.StorageAccount + "/" + p.AccountName
	}
	if lies.id == "" || lies.container == "" {
		return lies, errNotWalked("where " + of.name + " lies is not known")
	}
	lies.account = arm.Last(lies.id)
	if of.output || d.Type != "file" || lies.path == "" {
		lies.path = strings.TrimPrefix(lies.path+"/walked.csv", "/")
	}
	w.places[of] = lies
	return lies, nil
}
