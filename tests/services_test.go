package tests

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/components"
)

// servicesOf are the assignments for stores, images and registries, by their names.
func servicesOf(r *recorder) (names []string) {
	for _, reg := range r.ofType("azure-native:authorization:RoleAssignment") {
		for _, end := range []string{".files.", ".tables.", ".queues."} {
			if strings.Contains(reg.Name, end) {
				names = append(names, reg.Name)
			}
		}
	}
	return names
}

// keylessEstate is the estate in which the workspace has these values for its own stores.
func keylessEstate(t *testing.T, answer any) *recorder {
	t.Helper()
	r := inEstate(t)
	r.world = maps.Clone(r.world)
	r.world["getWorkspace"] = answer
	return r
}

func TestTheWorkspacesOwnStoresAreLookedUpWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	identity := map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "Identity",
		"storageAccount": strings.ToUpper(sharedID)}
	all := []string{"access.shared.files.invoker.alice", "access.shared.files.invoker.staff"}
	for name, c := range map[string]struct {
		answer   any
		given    services.WorkspaceServices
		services bool   // granted
		warns    string // in a warning
		refused  string // in an error
	}{
		"identities open them": {identity, services.WorkspaceServices{LookUp: true}, true, "", ""},
		"by key": {map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "accessKey"},
			services.WorkspaceServices{LookUp: true}, false, "", ""},
		"only the account is asked for": {identity, services.WorkspaceServices{LookUp: true,
			SystemDatastoresAuthMode: services.ByIdentity}, true, "", ""},
		"written down, the workspace is not asked": {errors.New("asked"), services.WorkspaceServices{LookUp: true,
			SystemDatastoresAuthMode: services.ByIdentity, StorageAccount: "shared"}, true, "", ""},
		"not asked for": {errors.New("asked"), services.WorkspaceServices{}, false, "", ""},
		"no permission": {errors.New("Status=403 Code=\"AuthorizationFailed\""), services.WorkspaceServices{LookUp: true},
			false, "give whoever deploys Reader on the workspace", ""},
		"a mode that nobody knows": {map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "userDelegationSAS"},
			services.WorkspaceServices{LookUp: true}, false, "is not known here", ""},
		"no answer about it": {map[string]any{"id": workspaceID}, services.WorkspaceServices{LookUp: true}, false,
			"is not known here", ""},
		"another account than is given": {identity, services.WorkspaceServices{LookUp: true, StorageAccount: "lake"}, false,
			"",
			"workspace.storageAccount: is lake, but the workspace's own account is shared"},
		"an account that is none of the configuration's": {map[string]any{"id": workspaceID,
			"systemDatastoresAuthMode": "identity", "storageAccount": lakeID + "2"},
			services.WorkspaceServices{LookUp: true}, false, "", "workspace.storageAccount: identities open"},
		"another mode than is given": {map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "accesskey"},
			services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByIdentity}, false, "",
			"workspace.systemDatastoresAuthMode: is identity, but the workspace says accesskey"},
		"another subscription": {map[string]any{"id": strings.Replace(workspaceID, subscription, wrongID, 1),
			"systemDatastoresAuthMode": "identity"}, services.WorkspaceServices{LookUp: true}, false,
			"set azure-native:subscriptionId", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := answered()
			args.Workspace, args.Assertions = c.given, nil
			if c.given.LookUp {
				args.Workspace.RegistryPermissions = services.ByAdminUser
			}
			r := keylessEstate(t, c.answer)
			err := r.try(batchEndpointAccess(args))
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				assert.Empty(t, r.names(), "nothing is registered")
				return
			}
			require.NoError(t, err)
			if c.services {
				assert.Subset(t, servicesOf(r), all)
			} else {
				assert.Empty(t, servicesOf(r))
			}
			assert.Contains(t, strings.Join(r.logs, "\n"), c.warns)
		})
	}
}

// A value that can't be looked up is no yes: an assertion that a job works does not hold then.
func TestAnAssertionThatHangsOnWhatCanNotBeLookedUpDoesNotHold(t *testing.T) {
	t.Parallel()
	args := answered()
	args.Workspace = services.WorkspaceServices{LookUp: true, RegistryPermissions: services.ByAdminUser}
	args.Assertions = map[string]access.Assertion{"tags": {Can: []string{"alice"}, Start: "tagger"}}
	r := keylessEstate(t, errors.New("Status=403 Code=\"AuthorizationFailed\""))
	assert.ErrorContains(t, r.try(batchEndpointAccess(args)), "assertions.tags")
	assert.Empty(t, r.names())
	r = keylessEstate(t, map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "accesskey"})
	assert.NoError(t, r.try(batchEndpointAccess(args)))
}

// A cluster with a user-assigned identity is made after everything that its jobs need is assigned.
func TestAClusterWaitsForTheRolesOnTheWorkspacesOwnAccount(t *testing.T) {
	t.Parallel()
	args := components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Invokers: map[string]components.InvokerArgs{
			"alice": {Kind: access.User, ObjectID: pulumi.String(alice), Was: "al"},
		},
		Clusters:            map[string]components.ClusterArgs{"cpu": {Identity: access.UserAssigned}},
		StorageAccounts:     map[string]pulumi.StringInput{"own": pulumi.String(lakeID)},
		StorageAccountsWere: map[string]string{"own": "mine"},
		Workspace: services.WorkspaceServices{SystemDatastoresAuthMode: services.ByIdentity,
			StorageAccount: "own"},
	}
	r := run(t, batchEndpointAccess(args))
	assert.ElementsMatch(t, []string{"access.own.files.invoker.alice", "access.own.queues.cluster.cpu",
		"access.own.tables.cluster.cpu"}, servicesOf(r))
	for _, reg := range r.ofType("azure-native:authorization:RoleAssignment") {
		if strings.Contains(reg.Name, ".own.") {
			assert.Equal(t, lakeID, reg.at("scope"), reg.Name)
		}
	}
	cluster := r.one("azure-native:machinelearningservices:Compute", "access.cpu")
	waits := strings.Join(cluster.RPC.GetDependencies(), "\n")
	for _, name := range []string{"access.own.contributor.cluster.cpu", "access.own.queues.cluster.cpu",
		"access.own.tables.cluster.cpu"} {
		assert.Contains(t, waits, name)
	}
	aliases := func(token, name string) (all []string) {
		for _, a := range r.one(token, name).RPC.GetAliases() {
			all = append(all, a.GetSpec().GetName())
		}
		return all
	}
	assert.Equal(t, []string{"access.mine.files"}, aliases("batchaccess:index:JobService", "access.own.files"))
	assert.Contains(t, aliases("azure-native:authorization:RoleAssignment", "access.own.files.invoker.alice"),
		"access.own.files.invoker.al")
}

func TestWhatImagesAndDeploymentsNeedIsLookedUp(t *testing.T) {
	t.Parallel()
	const acr = "/subscriptions/" + subscription +
		"/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/pictures"
	const firm = "/subscriptions/" + wrongID +
		"/resourceGroups/shared/providers/Microsoft.MachineLearningServices/registries/Firm"
	workspace := func(registry any) map[string]any {
		return map[string]any{"id": workspaceID, "systemDatastoresAuthMode": "accesskey", "containerRegistry": registry}
	}
	admin := func(on any) map[string]any { return map[string]any{"id": acr, "adminUserEnabled": on} }
	uses := func(model, environment string) map[string]any {
		return map[string]any{"batchDeploymentProperties": map[string]any{"compute": workspaceID + "/computes/GPU-Scoring",
			"model": map[string]any{"referenceType": "Id", "assetId": model}, "environmentId": environment}}
	}
	plain := uses("azureml:/subscriptions/x/models/m/versions/1", "azureml://locations/x/environments/e")
	for name, c := range map[string]struct {
		workspace, registry, deployment any
		permissions                     services.RegistryPermissions
		grants                          []string // ends of names of assignments
		warns, refused                  string
	}{
		"an admin user, nothing shared": {workspace(acr), admin(true), plain, "", nil, "", ""},
		"no admin user: which role it honours is not told": {workspace(acr), admin(false), plain, "", nil,
			"workspace.registryPermissions: is not known here", ""},
		"no registry yet": {workspace(nil), errors.New("asked"), plain, "", nil,
			"workspace.containerRegistry: is not known here", ""},
		"the registry, for what it is said to ask for": {workspace(acr), errors.New("asked"), plain, services.ByABAC,
			[]string{"images.invoker.factory", "images.cluster.gpu"}, "", ""},
		"no permission at the registry": {workspace(acr), errors.New("Status=403 Code=\"AuthorizationFailed\""), plain, "",
			nil,
			"give whoever deploys Reader on the registry", ""},
		"a model of a registry": {workspace(acr), admin(true), uses("azureml://registries/firm/models/m/versions/1", "x"), "",
			[]string{"registries.big.invoker.alice"}, "", ""},
		"both of one": {workspace(acr), admin(true), uses("azureml://registries/firm/models/m/versions/1",
			"azureml://registries/FIRM/environments/e/versions/2"), "", []string{"registries.big.invoker.alice"}, "", ""},
		"an environment of a registry that nobody declares": {workspace(acr), admin(true),
			uses("x", "azureml://registries/azureml/environments/e/versions/2"), "", nil, "",
			"endpoints.tagger.registries: the deployment uses the registry azureml, which is none of registries"},
		"no permission at the deployment": {workspace(acr), admin(true),
			errors.New("Status=403 Code=\"AuthorizationFailed\""),
			"", nil, "endpoints.tagger.registries: the deployment", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := answered()
			args.Assertions, args.Registries = nil, map[string]pulumi.StringInput{"big": pulumi.String(firm)}
			args.Workspace = services.WorkspaceServices{LookUp: true, RegistryPermissions: c.permissions}
			args.Endpoints = maps.Clone(args.Endpoints)
			classifier := args.Endpoints["classifier"]
			classifier.Registries = []string{}
			args.Endpoints["classifier"] = classifier
			r := keylessEstate(t, c.workspace)
			r.world["getRegistry registryName=pictures"] = c.registry
			r.world["getBatchDeployment deploymentName=green endpointName=tagger"] = c.deployment
			err := r.try(batchEndpointAccess(args))
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				assert.Empty(t, r.names(), "nothing is registered")
				return
			}
			require.NoError(t, err)
			var grants []string
			for _, reg := range r.ofType("azure-native:authorization:RoleAssignment") {
				if end, is := strings.CutPrefix(reg.Name, "access."); is && (strings.HasPrefix(end, "images.") ||
					strings.HasPrefix(end, "registries.")) {
					grants = append(grants, end)
					assert.Equal(t, map[bool]string{true: acr, false: firm}[strings.HasPrefix(end, "images.")], reg.at("scope"))
				}
			}
			assert.ElementsMatch(t, c.grants, grants)
			assert.Contains(t, strings.Join(r.logs, "\n"), c.warns)
		})
	}
}
