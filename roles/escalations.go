package roles

import "strings"

// A Target says what else the holder of an action gets by it, beyond what the action's name says.
type Target string

// The targets. An action with the target Nowhere does what its name says, and no more.
const (
	Nowhere Target = ""
	// ToStores gives the credential of a data store; if that is a key, it opens the whole storage account.
	ToStores Target = "the credentials of data stores"
	// ToWorkspaceStorage gives the key of the workspace's own storage account, where the workspace keeps the code that
	// runs.
	ToWorkspaceStorage Target = "the keys of the workspace's storage account"
	// ToClusters gives code that runs as a cluster identity of the workspace.
	ToClusters Target = "what runs on clusters"
	// ToAccounts gives the key, or a SAS, of a storage account.
	ToAccounts Target = "the keys of storage accounts"
	// ToIdentities gives a sign-in as a user-assigned managed identity.
	ToIdentities Target = "managed identities"
	// ToAttach is half of a way: attaching an identity needs an action on the identity and one on what it is attached
	// to, and gives nothing before code runs there (facts/compute-clusters.md, Identity).
	ToAttach Target = "identities to attach"
	// ToHosts is code that runs as an identity attached to a resource other than the computes of a workspace.
	ToHosts Target = "what runs as an attached identity"
	// ToAccountData gives what a storage account holds, and no key of it: to whoever asks, or in a copy.
	ToAccountData Target = "the data of storage accounts"
	// ToACLs changes who may read and write the files of an account with a hierarchical namespace, and gives no key.
	ToACLs Target = "the ACLs of storage accounts"
	// ToGrants gives any role, to oneself too, or changes what a role allows.
	ToGrants Target = "role assignments"
	// ToNotebooks gives the keys and tokens of the workspace's notebooks.
	ToNotebooks Target = "the secrets of the workspace's notebooks"
	// ToSecrets gives keys, tokens and passwords; it is not known here what they open.
	ToSecrets Target = "secrets"
	// ToData changes what a name in the workspace stands for: a data store or asset then leads to other data.
	ToData Target = "what data stores and assets stand for"
)

// An Escalation is an action and what it opens: in most cases Nowhere.
type Escalation struct {
	Action Action
	To     Target
	Source string // of facts/, or why it is judged so
	// Inferred is set if no document says that the action is enough by itself.
	Inferred bool
}

const (
	workspaceRows = "grants-access.md, Machine learning and neighbours"
	hostRows      = workspaceRows + ": code under an identity elsewhere"
	grantingRoles = "grants-access.md, Built-in roles that can grant"
	rbacRows      = "grants-access.md, Azure RBAC"
	storageRows   = "grants-access.md, Storage"
	asNamed       = "by its name" // its name says all that it does
	// Microsoft calls the machine the security boundary of its identities: any code on it gets their tokens.
	onMachine = "learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token"
	signIn    = "signs in where the machine takes such sign-ins: " +
		"learn.microsoft.com/entra/identity/devices/howto-vm-sign-in-azure-ad-linux; " + onMachine
	// Microsoft lists more than one action for submitting any job (jobs/*, environments/write,
	// metadata/artifacts/write, metadata/codes/*/write and others), and does not say which of them are enough.
	submitRow = "learn.microsoft.com/azure/machine-learning/how-to-assign-roles, Submitting any type of run (V2)"
	// A new version runs only once something that is started names it.
	versionRow = workspaceRows + "; a new version runs where something names it"
)

// The actions by which an identity is attached and then used: AssignIdentity, with WriteCompute and code that runs
// there, or with WriteScript, which is both.
var (
	AssignIdentity = of(identities + "assign/action")
	WriteCompute   = of(workspaces + "computes/write")
	WriteScript    = of("Microsoft.Resources/deploymentScripts/write")
	// UseInstance opens the applications of compute instances.
	UseInstance = of(workspaces + "computes/applicationaccess/action")
	// writePipeline changes what a data factory runs, and RunPipeline starts it: both together run code as its identity.
	writePipeline = of("Microsoft.DataFactory/factories/pipelines/write")
	RunPipeline   = of("Microsoft.DataFactory/factories/pipelines/createrun/action")
	// OpenContainer lets everyone read a container, if OpenAccount has allowed public containers in its account.
	OpenContainer = of(storageAccounts + "blobServices/containers/write")
	OpenAccount   = of(storageAccounts + "write")
	// WriteDeployment changes what a deployment runs, and on which cluster.
	WriteDeployment = of(workspaces + "batchEndpoints/deployments/write")
)

// escalations has every one of the article's 35 actions and those that the sheets name. An action with the target
// Nowhere was looked at; one that is missing here was not.
var escalations = []Escalation{
	// The article's 35, in its order.
	{of(workspaces + "read"), Nowhere, asNamed, false},
	{of(workspaces + "data/versions/write"), ToData, "a version is immutable, so a new one is read by those who name " +
		"it: learn.microsoft.com/azure/machine-learning/how-to-create-register-datasets", true},
	{of(workspaces + "datasets/registered/read"), Nowhere, asNamed, false},
	{of(workspaces + "datasets/registered/write"), ToData, "as data/versions/write", true},
	{of(workspaces + "datasets/unregistered/read"), Nowhere, asNamed, false},
	{of(workspaces + "datasets/unregistered/write"), ToData, "as data/versions/write", true},
	{of(workspaces + "datastores/read"), Nowhere, asNamed, false},
	{of(workspaces + "datastores/write"), ToData, workspaceRows, false},
	{of(workspaces + "datastores/listsecrets/action"), ToStores, "batch-endpoints.md, Permissions", false},
	{of(workspaces + "listStorageAccountKeys/action"), ToWorkspaceStorage, "by its name; what lies there: " +
		"batch-endpoints.md, Workspace with identity-based system stores", false},
	{of(workspaces + "batchEndpoints/read"), Nowhere, asNamed, false},
	{of(workspaces + "batchEndpoints/write"), Nowhere, "picks among the deployments that are there", false},
	{of(workspaces + "batchEndpoints/deployments/read"), Nowhere, asNamed, false},
	{WriteDeployment, ToClusters, workspaceRows, false},
	{of(workspaces + "batchEndpoints/deployments/jobs/write"), Nowhere, asNamed, false},
	{of(workspaces + "batchEndpoints/jobs/write"), Nowhere, asNamed, false},
	{of(workspaces + "computes/read"), Nowhere, asNamed, false},
	{of(workspaces + "computes/listKeys/action"), ToSecrets, "by its name; of which kinds of compute is not said", true},
	{of(workspaces + "metadata/secrets/read"), ToSecrets, asNamed, true},
	{of(workspaces + "metadata/snapshots/read"), Nowhere, asNamed, false},
	{of(workspaces + "metadata/artifacts/read"), Nowhere, asNamed, false},
	{of(workspaces + "metadata/artifacts/write"), ToClusters, "models that are code are artifacts", true},
	{of(workspaces + "experiments/read"), Nowhere, asNamed, false},
	{of(workspaces + "experiments/runs/submit/action"), ToClusters, "a run is code on a compute", true},
	{of(workspaces + "experiments/runs/read"), Nowhere, asNamed, false},
	{of(workspaces + "experiments/runs/write"), Nowhere, asNamed, false},
	{of(workspaces + "metrics/resource/write"), Nowhere, asNamed, false},
	{of(workspaces + "modules/read"), Nowhere, asNamed, false},
	{of(workspaces + "models/read"), Nowhere, asNamed, false},
	{of(workspaces + "endpoints/pipelines/read"), Nowhere, asNamed, false},
	{of(workspaces + "endpoints/pipelines/write"), ToClusters, "a pipeline is code on a compute", true},
	{of(workspaces + "environments/read"), Nowhere, asNamed, false},
	{of(workspaces + "environments/write"), ToClusters, workspaceRows, false},
	{of(workspaces + "environments/build/action"), ToClusters, "an image is what runs", true},
	{of(workspaces + "environments/readSecrets/action"), ToSecrets, asNamed, true},

	// Code under an identity.
	{of(workspaces + "jobs/write"), ToClusters, submitRow, true},
	{of(workspaces + "schedules/write"), ToClusters, "as jobs/write, later", true},
	{of(workspaces + "components/versions/write"), ToClusters, workspaceRows, false},
	{of(workspaces + "environments/versions/write"), ToClusters, workspaceRows, false},
	{of(workspaces + "codes/versions/write"), ToClusters, versionRow, true},
	{of(workspaces + "models/versions/write"), ToClusters, versionRow, true},
	{WriteCompute, ToAttach, "compute-clusters.md, Identity", false},
	{UseInstance, Nowhere, "opens compute instances, which are not part of the model", false},
	{of("Microsoft.ContainerRegistry/registries/listCredentials/action"), ToClusters, workspaceRows, true},
	{of("Microsoft.ContainerRegistry/registries/push/write"), ToClusters, "an image is what runs", true},

	// Secrets.
	{of(workspaces + "listKeys/action"), ToWorkspaceStorage, asNamed, true},
	{of(workspaces + "connections/listsecrets/action"), ToSecrets, workspaceRows, false},
	{of(workspaces + "listNotebookAccessToken/action"), ToNotebooks, asNamed, true},
	{of(workspaces + "listNotebookKeys/action"), ToNotebooks, asNamed, true},
	{of(workspaces + "onlineEndpoints/listkeys/action"), ToSecrets, asNamed, false},
	{of(workspaces + "onlineEndpoints/token/action"), ToSecrets, asNamed, false},
	{of(storageAccounts + "listkeys/action"), ToAccounts, storageRows, false},
	{of(storageAccounts + "regeneratekey/action"), ToAccounts, storageRows, false},
	{of(storageAccounts + "listAccountSas/action"), ToAccounts, storageRows, false},
	{of(storageAccounts + "listServiceSas/action"), ToAccounts, storageRows, false},
	{of(storageAccounts + "localUsers/listKeys/action"), ToAccounts, storageRows, true},
	{of(storageAccounts + "localusers/write"), ToAccounts, storageRows, true},
	{Action{storageAccounts + "blobServices/containers/blobs/manageOwnership/action", true}, ToACLs,
		grantingRoles, false},
	{Action{storageAccounts + "blobServices/containers/blobs/modifyPermissions/action", true}, ToACLs,
		grantingRoles, false},

	{Action{storageAccounts + "blobServices/containers/blobs/runAsSuperUser/action", true}, ToACLs,
		"conditions.md, Writing below the prefix", true},
	{Action{storageAccounts + "blobServices/containers/blobs/move/action", true}, Nowhere,
		"only past a condition, which is undecided: conditions.md, Attributes for blobs", false},
	{Action{storageAccounts + "blobServices/containers/blobs/add/action", true}, Nowhere, asNamed, false},
	{Action{storageAccounts + "blobServices/containers/blobs/tags/write", true}, Nowhere,
		"only past a condition, which is undecided: conditions.md, Attributes for blobs", false},
	{Action{storageAccounts + "blobServices/containers/blobs/deleteBlobVersion/action", true}, Nowhere, asNamed, false},
	{Action{storageAccounts + "blobServices/containers/blobs/permanentDelete/action", true}, Nowhere, asNamed, false},
	{of(storageAccounts + "blobServices/generateUserDelegationKey/action"), Nowhere, "what it signs is held against its " +
		"maker's own rights: conditions.md, Meaning", false},
	{OpenContainer, ToAccountData, "opens a container to everyone where its account allows that, or with OpenAccount: " +
		storageRows, true},
	{of(storageAccounts + "blobServices/containers/delete"), Nowhere, asNamed, false},
	{OpenAccount, Nowhere, "turns keys on, which takes listkeys too, and the model says nothing of accounts whose keys " +
		"are off; lets containers be opened, with OpenContainer: " + storageRows, false},
	{of(storageAccounts + "objectReplicationPolicies/write"), ToAccountData, "copies to another account: " + storageRows,
		true},
	{of(storageAccounts + "storageTaskAssignments/write"), Nowhere,
		"runs as the task's identity, which is not part of the model: " + storageRows, false},
	{of(workspaces + "write"), Nowhere, "an identity takes assign/action too: " + workspaceRows, false},
	{of(workspaces + "delete"), Nowhere, asNamed, false},
	{of(workspaces + "connections/write"), Nowhere, "writes a secret of its own: " + workspaceRows, false},
	{of(workspaces + "onlineEndpoints/deployments/write"), Nowhere,
		"runs as the endpoint's identity, which is not part of the model", false},
	{of(workspaces + "batchEndpoints/listkeys/action"), Nowhere, "a key starts jobs, as a token does", false},
	{of(workspaces + "batchEndpoints/jobs/read"), Nowhere, asNamed, false},
	{of(workspaces + "jobs/cancel/action"), Nowhere, asNamed, false},
	{of("Microsoft.Network/virtualNetworks/subnets/join/action"), Nowhere, asNamed, false},
	{of("Microsoft.ContainerRegistry/registries/write"), ToClusters, "turns its admin user on: " + workspaceRows, true},
	{of("Microsoft.ContainerRegistry/registries/tokens/write"), ToClusters, workspaceRows, true},
	{of("Microsoft.ContainerRegistry/registries/scopeMaps/write"), ToClusters, workspaceRows, true},
	{Action{"Microsoft.KeyVault/vaults/secrets/getSecret/action", true}, ToSecrets, workspaceRows, true},
	{of("Microsoft.KeyVault/vaults/write"), ToSecrets, "writes its access policies: " + workspaceRows, true},
	{of("Microsoft.KeyVault/vaults/accessPolicies/write"), ToSecrets, workspaceRows, true},

	// What else runs code as an identity that is attached to it. Whoever writes the resource itself also attaches one,
	// with AssignIdentity: rbacRows, identity to a resource.
	{of("Microsoft.Compute/virtualMachines/write"), ToHosts, "a machine is made with what it runs: " +
		"learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update", true},
	{of("Microsoft.Compute/virtualMachines/runCommands/write"), ToHosts,
		"learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/create-or-update; " + onMachine, true},
	{of("Microsoft.Compute/virtualMachines/runCommand/action"), ToHosts,
		"learn.microsoft.com/rest/api/compute/virtual-machines/run-command; " + onMachine, true},
	{of("Microsoft.Compute/virtualMachines/extensions/write"), ToHosts,
		"learn.microsoft.com/azure/virtual-machines/extensions/overview; " + onMachine, true},
	{Action{"Microsoft.Compute/virtualMachines/login/action", true}, ToHosts, signIn, true},
	{Action{"Microsoft.Compute/virtualMachines/loginAsAdmin/action", true}, ToHosts, signIn, true},
	{of("Microsoft.Web/sites/write"), ToHosts, hostRows, true},
	{of("Microsoft.Web/sites/publish/Action"), ToHosts, hostRows, true},
	{of("Microsoft.ContainerInstance/containerGroups/write"), ToHosts, "as an app: " + hostRows, true},
	{of("Microsoft.ContainerInstance/containerGroups/containers/exec/action"), ToHosts, "as containerGroups/write", true},
	{of("Microsoft.Automation/automationAccounts/write"), ToAttach, hostRows, true},
	{of("Microsoft.Automation/automationAccounts/runbooks/write"), ToHosts, hostRows, true},
	{of("Microsoft.Automation/automationAccounts/runbooks/draft/write"), ToHosts, hostRows, true},
	{of("Microsoft.Logic/workflows/write"), ToHosts, hostRows, true},
	{of("Microsoft.DataFactory/factories/write"), ToAttach, hostRows, true},
	{writePipeline, ToHosts, hostRows + "; with RunPipeline it is enough: " +
		"learn.microsoft.com/azure/data-factory/concepts-roles-permissions, and batch-endpoints.md, Callers", true},
	{RunPipeline, Nowhere, "starts what is there; with WritePipeline it leads on", false},

	// Identities and grants.
	{AssignIdentity, ToAttach, rbacRows, false},
	{of(identities + "federatedIdentityCredentials/write"), ToIdentities, grantingRoles, false},
	{WriteScript, ToAttach, grantingRoles, false},
	{of("Microsoft.Authorization/roleAssignments/write"), ToGrants, rbacRows, false},
	{of("Microsoft.Authorization/roleDefinitions/write"), ToGrants, rbacRows, false},
	{of("Microsoft.Authorization/roleEligibilityScheduleRequests/write"), ToGrants, rbacRows, false},
	{of("Microsoft.Authorization/roleAssignmentScheduleRequests/write"), ToGrants, rbacRows, false},
	{of("Microsoft.Authorization/roleManagementPolicies/write"), ToGrants, rbacRows, true},
	{of("Microsoft.Authorization/elevateAccess/action"), ToGrants, rbacRows + ": for a Global Administrator", true},
	{of("Microsoft.Authorization/policyAssignments/write"), ToGrants, rbacRows, true},
	{of("Microsoft.Authorization/roleManagementPolicyAssignments/write"), ToGrants, rbacRows, true},
	{of("Microsoft.Authorization/roleAssignments/delete"), Nowhere, "takes access away", false},
	{of("Microsoft.Authorization/denyAssignments/write"), Nowhere, "denies", false},
	{of("Microsoft.Authorization/denyAssignments/delete"), Nowhere, "opens no more than what is granted", false},
	{of("Microsoft.Authorization/locks/write"), Nowhere, "keeps from being changed or deleted: " + rbacRows, false},
	{of("Microsoft.Authorization/locks/delete"), Nowhere, "as locks/write", false},
	{of("Microsoft.Authorization/policyDefinitions/write"), Nowhere, "acts once it is assigned: " + rbacRows, false},
	{of("Microsoft.Authorization/policySetDefinitions/write"), Nowhere, "as policyDefinitions/write", false},
	{of("Microsoft.Authorization/policyExemptions/write"), Nowhere, "as policyDefinitions/write", false},
	{of("Microsoft.Management/managementGroups/subscriptions/write"), Nowhere,
		"acts at management groups, where no stack assigns the role: " + rbacRows, false},
	{of("Microsoft.Resources/deployments/write"), Nowhere, "only with rights for what the template holds: " +
		grantingRoles, false},
	{of("Microsoft.Resources/deploymentStacks/manageDenySetting/action"), Nowhere, "denies: " + rbacRows, false},
	{of("Microsoft.ManagedServices/registrationDefinitions/write"), Nowhere, "as registrationAssignments/write", false},
	{of("Microsoft.ManagedServices/registrationAssignments/write"), Nowhere, "takes roleAssignments/write too: " +
		"learn.microsoft.com/azure/lighthouse/how-to/onboard-customer, Deploy the Azure Resource Manager template", false},
}

func of(name string) Action { return Action{Name: name} }

// EnoughWith returns the action with which this one certainly runs code on a resource that is there and has an
// identity; itself, if no other is needed. It is false for those of which no document says what is enough.
func (l Escalation) EnoughWith() (with Action, is bool) {
	switch strings.TrimPrefix(l.Action.Name, "Microsoft.Compute/virtualMachines/") {
	case "runCommands/write", "runCommand/action", "extensions/write":
		return l.Action, true
	case writePipeline.Name:
		return RunPipeline, true
	}
	return Action{}, false
}

// Host is the type, in lower case, of the resource on which an action runs code, or to which it attaches an identity,
// if that is not a compute of a workspace; "" for other actions. attaches is set if the holder of the action writes
// the resource itself.
func (l Escalation) Host() (typ string, attaches bool) {
	parts := strings.Split(strings.ToLower(l.Action.Name), "/")
	if l.To != ToHosts && l.To != ToAttach || !l.Inferred {
		return "", false
	}
	return parts[0] + "/" + parts[1], len(parts) == 3
}

// Escalations returns every action whose target is known.
func Escalations() []Escalation { return escalations }
