package guardrails

import (
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/roles"
)

// A way is a kind of resource of which it is known what access it gives (facts/grants-access.md). A resource whose type
// is in no way is not judged.
type way struct {
	gives    string
	severity Severity
	// types are keys of type tokens; * stands for any text. The first way with a type is the one that is used.
	types []string
	// on are the inputs that give access, if not the whole resource does. Any other input is not judged, unless a rule
	// judges it or it is harmless.
	on       []gate
	judged   []string
	harmless []string
	// removal is set if removing the resource gives access too, or runs something.
	removal bool
	// unseen is set if a preview can't show what the resource does.
	unseen bool
	// guess is set if only the name of the type says that it may give access. A team may decide otherwise.
	guess bool
	// partial is set if only the inputs in on give access; anything, if no input of any version does.
	partial, anything bool
	// inside are the known keys of an input that is a map, by its dotted path.
	inside map[string][]string
}

// A gate is an input by which a resource gives access, unless it has one of the safe values. No value is safe too,
// unless Azure's default gives access.
type gate struct {
	path        string // dotted
	safe        []any
	unsetIsOpen bool
	from        any    // if set, only a change from this value gives access
	of          string // the provider that has the input, if Azure's default is not safe
	asRule      bool   // a rule already reports it if the input around it is unknown
	loss        bool   // it also closes something: without it more is open
	changeOnly  bool   // for a new resource its value is part of the resource
	list        bool   // each item gives access by itself: fewer items give none
	networks    bool   // it says from which networks something is reached: fewer networks give no access
}

func gates(paths ...string) (all []gate) {
	for _, path := range paths {
		all = append(all, gate{path: path})
	}
	return all
}

// plainInputs are the name, place and labels of a resource of Azure. In types that are known in part, so are inputs
// whose names end in Name.
var plainInputs = []string{"tags", "location", "name", "description", "displayName", "resourceGroupName"}

// isPlain reports whether an input only describes the resource. Outside of Azure a tag or a name may decide who has
// access, as for an AWS role or a machine.
func (r Resource) isPlain(input string) bool {
	pkg, _, _ := strings.Cut(Key(r.Type), ":")
	return input == "description" ||
		slices.Contains([]string{"azure-native", "azure", "azuread"}, pkg) && slices.Contains(plainInputs, input)
}

const (
	native  = "azure-native:"
	entra   = "azuread:index:"
	classic = "azure:"
)

func in(prefix string, names ...string) (types []string) {
	for _, name := range names {
		types = append(types, Key(prefix+name))
	}
	return types
}

// ways is the table of facts/grants-access.md. The severities are this project's judgement.
var ways = []way{
	// Judged by the rules and by the review.
	{gives: "lets a role be held for another time, or by an identity of another " +
		"tenant", severity: High, partial: true, types: keys(RoleAssignment),
		on: []gate{{path: "schedule", changeOnly: true, loss: true}, {path: "scheduleInfo", changeOnly: true,
			loss: true}, {path: "delegatedManagedIdentityResourceId"}},
		judged: []string{"scope", "roleDefinitionId", "roleDefinitionName",
			"principalId", "principalType", "condition", "conditionVersion",
			"skipServicePrincipalAadCheck", Through, "justification", "requestType", "ticket",
			"ticketInfo", "targetRoleEligibilityScheduleId",
			"targetRoleEligibilityScheduleInstanceId"}},
	{partial: true, types: keys(RoleDefinition), judged: []string{"permissions", "assignableScopes", "roleName",
		"scope", "roleDefinitionId", "roleType"}},
	{partial: true, types: keys(Federation), judged: []string{"issuer", "subject", "audiences", "audience",
		"claimsMatchingExpression", "applicationId", "parentId", "userAssignedIdentityId", Target}},
	{partial: true, types: keys(Password), judged: []string{"startDate", "endDate", "endDateRelative",
		"applicationId", "servicePrincipalId", "rotateWhenChanged", Target}},
	{partial: true, types: keys(Certificate), judged: []string{"startDate", "endDate", "endDateRelative",
		"applicationId", "servicePrincipalId", "value", "type", "encoding", "keyId", Target}},
	{partial: true, types: keys(GroupMember), judged: []string{"groupObjectId", "memberObjectId"}},
	{
		gives: "lets resources of other regions take the identity", severity: High, partial: true,
		types: keys(UserAssignedIdentity), on: []gate{{path: "isolationScope", from: "Regional"}},
	},
	{
		gives: "makes compute that somebody may sign in to, or that runs what is given " +
			"to it", severity: High, partial: true, types: keys(Compute),
		on: []gate{{path: "properties.computeType", safe: []any{"AmlCompute"}, asRule: true},
			{path: "properties.properties.userAccountCredentials", asRule: true}, {path: "properties.resourceId", asRule: true},
			// other code on the nodes acts as the cluster identity
			{path: "properties.properties.virtualMachineImage", asRule: true}},
		judged: []string{"identity", "properties"}, harmless: []string{"sku"},
		// The cluster's rules are about some of these; none of the others gives access. It is not known what a property
		// bag may contain.
		inside: map[string][]string{
			"properties": {"computeType", "computeLocation", "description", "disableLocalAuth", "properties", "resourceId"},
			"properties.properties": {"enableNodePublicIp", "isolatedNetwork", "osType", "remoteLoginPortPublicAccess",
				"scaleSettings", "subnet", "userAccountCredentials", "virtualMachineImage", "vmPriority", "vmSize"},
		},
	},

	// Known to give nothing.
	{partial: true, anything: true, types: []string{"random:*", "time:*"}},
	{
		gives: "runs what it is given on the machines of its applications", severity: High, partial: true,
		types:  slices.Concat(in(native, "web:AppServicePlan"), in(classic, "appservice:ServicePlan", "appservice:Plan")),
		on:     gates("installScripts", "planDefaultIdentity", "rdpEnabled", "registryAdapters", "storageMounts"),
		judged: []string{"identity"},
		harmless: []string{
			"sku", "kind", "reserved", "isXenon", "hyperV", "isSpot", "perSiteScaling", "perSiteScalingEnabled",
			"elasticScaleEnabled", "maximumElasticWorkerCount", "targetWorkerCount", "targetWorkerSizeId", "workerCount",
			"zoneRedundant", "zoneBalancingEnabled", "premiumPlanAutoScaleEnabled", "asyncScalingEnabled", "osType",
			"freeOfferExpirationTime", "spotExpirationTime", "extendedLocation", "hostingEnvironmentProfile",
			"kubeEnvironmentProfile", "appServiceEnvironmentId", "numberOfWorkers", "isCustomMode",
		},
	},
	// managedBy, by which an application manages what is in the group, is not judged.
	{partial: true, types: slices.Concat(in(native, "resources:ResourceGroup"), in(classic, "core:ResourceGroup"))},

	// Azure RBAC.
	{
		gives: "sets the rules by which others activate a role (approval, sign-in, " +
			"length)", severity: High, removal: true,
		types: slices.Concat(in(native, "authorization:RoleManagementPolicy*"), in(classic, "pim:RoleManagementPolicy")),
	},
	{gives: "denies access to some, and so decides who has it", severity: High, removal: true, types: in(native,
		"authorization:DenyAssignment*")},
	{
		gives: "locks resources: access below can't be taken away, or, without the lock, what it protected can be " +
			"deleted", severity: Medium, removal: true,
		types: slices.Concat(in(native, "authorization:ManagementLock*"), in(classic, "management:Lock")),
	},
	{
		gives: "gives roles to principals of another tenant (Lighthouse)", severity: High,
		types: slices.Concat(in(native, "managedservices:Registration*"), in(classic, "lighthouse:*")),
	},
	{
		gives: "is a policy: it may deploy and assign roles as an identity of its own, or exempt from what others " +
			"forbid", severity: High, removal: true,
		types: slices.Concat(
			in(native, "authorization:Policy*", "authorization:VariableAt*", "authorization:Variable",
				"authorization:VariableValue*", "policyinsights:*"),
			in(classic, "core:*PolicyAssignment", "core:*PolicyExemption", "core:*PolicyRemediation",
				"management:GroupPolicy*", "policy:*"),
		),
	},
	{
		gives: "moves what is below to another management group, whose roles hold there then", severity: High, removal: true,
		types: slices.Concat(in(native, "management:*"), in(classic, "management:GroupSubscriptionAssociation",
			"management:Group")),
	},

	// Entra.
	{gives: "gives a role of the directory", severity: High, types: in(entra, "DirectoryRole*", "CustomDirectoryRole",
		"AdministrativeUnitRoleMember")},
	{gives: "gives a permission of an application, without further consent", severity: High, types: in(entra,
		"AppRoleAssignment")},
	{
		gives: "lets an application act as the users who sign in", severity: High,
		types: in(entra, "ServicePrincipalDelegatedPermissionGrant", "ApplicationPreAuthorized",
			"ApplicationPermissionScope", "ApplicationKnownClients"),
	},
	{gives: "asks for permissions, which a consent then gives", severity: Medium, types: in(entra,
		"ApplicationApiAccess")},
	{gives: "makes an owner, who may add credentials", severity: High, types: in(entra, "ApplicationOwner")},
	{
		gives: "decides on who is in a group or an administrative unit, and how", severity: High,
		types: in(entra, "AdministrativeUnitMember", "PrivilegedAccessGroup*", "GroupRoleManagementPolicy",
			"AccessPackage*"), removal: true,
	},
	{
		gives: "decides on who is in an administrative unit", severity: High, partial: true, types: in(entra,
			"AdministrativeUnit"),
		// An object that leaves a restricted management unit can be changed by the administrators of the whole tenant
		// again.
		on: []gate{{path: "members", loss: true}}, removal: true,
		harmless: []string{"hiddenMembershipEnabled", "preventDuplicateNames"},
	},
	{
		gives: "gives ownership, membership or the right to hold a role of the " +
			"directory", severity: High, partial: true, types: in(entra, "Group", "GroupWithoutMembers"),
		on: []gate{
			{path: "owners", list: true}, {path: "members", list: true}, {path: "dynamicMembership"}, {path: "assignableToRole"},
			{path: "administrativeUnitIds", loss: true},
			{path: "types", safe: []any{[]any{}}}, {path: "visibility", safe: []any{"Private",
				"HiddenMembership"}}, {path: "writebackEnabled"},
			{path: "provisioningOptions"},
		},
		harmless: []string{
			"securityEnabled", "mailEnabled", "mailNickname", "preventDuplicateNames", "behaviors", "theme",
			"onpremisesGroupType", "hideFromAddressLists", "hideFromOutlookClients",
			"autoSubscribeNewMembers", "externalSendersAllowed",
		},
	},
	{
		gives: "gives ownership, permissions or other ways to sign in as the " +
			"application", severity: High, partial: true, types: in(entra, "Application", "ApplicationRegistration"),
		on: append(gates(
			"api", "appRoles", "publicClient", "singlePageApplication", "web", "optionalClaims", "password", "passwords",
			"groupMembershipClaims", "templateId", "implicitAccessTokenIssuanceEnabled", "implicitIdTokenIssuanceEnabled",
		), gate{path: "owners", list: true}, gate{path: "requiredResourceAccesses", list: true},
			gate{path: "identifierUris", list: true}, gate{path: "fallbackPublicClientEnabled"}, gate{path: "signInAudience",
				safe: []any{"AzureADMyOrg"}},
			gate{path: "deviceOnlyAuthEnabled"}, gate{path: "oauth2PostResponseRequired"}),
		harmless: []string{
			"notes", "logoImage", "featureTags", "marketingUrl", "supportUrl", "termsOfServiceUrl", "privacyStatementUrl",
			"preventDuplicateNames", "serviceManagementReference",
			"requestedAccessTokenVersion", "homepageUrl", "logoutUrl",
		},
	},
	{
		gives: "gives ownership of a service principal, or other ways to sign in " +
			"to it", severity: High, partial: true, types: in(entra, "ServicePrincipal"),
		on: append(gates("samlSingleSignOn", "saml_single_sign_on", "preferredSingleSignOnMode", "loginUrl"),
			gate{path: "owners", list: true}, gate{path: "accountEnabled", from: false},
			gate{path: "appRoleAssignmentRequired", from: true}),
		judged: []string{"clientId", "applicationId"}, harmless: []string{"useExisting", "notes", "featureTags",
			"features", "alternativeNames", "notificationEmailAddresses"},
	},
	{gives: "makes a user, a guest or an application with rights of its own", severity: High, types: in(entra, "User",
		"Invitation", "ApplicationFromTemplate", "UserFlowAttribute")},
	{
		gives: "is a key or a secret to sign in or to sign tokens with", severity: High,
		types: in(entra, "ServicePrincipalTokenSigningCertificate", "Synchronization*"),
	},
	{
		gives: "decides on how people and applications may sign in", severity: High, removal: true,
		types: in(entra, "ConditionalAccessPolicy", "NamedLocation", "AuthenticationStrengthPolicy",
			"ApplicationRedirectUris", "ApplicationFallbackPublicClient",
			"ApplicationIdentifierUri", "ApplicationOptionalClaims", "*ClaimsMappingPolicy*", "ApplicationAppRole",
			"AuthenticationMethod*", "*Policy*"),
	},

	// Storage.
	{
		gives: "opens a storage account: by its keys, to the public, to its own users, by SAS, or to other " +
			"networks", severity: High, partial: true,
		types: slices.Concat(in(native, "storage:StorageAccount"), in(classic, "storage:Account")),
		on: []gate{
			{path: "allowSharedKeyAccess", unsetIsOpen: true, of: native},
			{path: "sharedAccessKeyEnabled", unsetIsOpen: true, of: classic},
			{path: "allowBlobPublicAccess"}, {path: "allowNestedItemsToBePublic", unsetIsOpen: true, of: classic},
			{path: "isLocalUserEnabled"}, {path: "localUserEnabled"},
			{path: "isSftpEnabled"}, {path: "sftpEnabled"},
			{path: "allowCrossTenantReplication"}, {path: "crossTenantReplicationEnabled"},
			{path: "allowedCopyScope", safe: []any{"AAD",
				"PrivateLink"}}, {path: "sasPolicy", loss: true}, {path: "keyPolicy", loss: true},
			{path: "azureFilesIdentityBasedAuthentication"},
			{path: "azureFilesAuthentication"}, {path: "networkRuleSet", loss: true, networks: true},
			{path: "networkRules", loss: true, networks: true}, {path: "publicNetworkAccess",
				safe: []any{"Disabled", "SecuredByPerimeter"}},
			{path: "publicNetworkAccessEnabled"}, {path: "customDomain"}, {path: "staticWebsite"},
			{path: "enableNfsV3"}, {path: "nfsv3Enabled"}, // NFS 3.0 asks for no identity
		},
		judged: []string{"identity"},
		harmless: []string{
			"sku", "kind", "accessTier", "accountKind", "accountTier", "accountReplicationType", "enableHttpsTrafficOnly",
			"httpsTrafficOnlyEnabled", "minimumTlsVersion", "minTlsVersion", "isHnsEnabled",
			"largeFileSharesState", "largeFileShareEnabled", "defaultToOAuthAuthentication", "defaultToOauthAuthentication",
			"extendedLocation", "dnsEndpointType", "encryption",
			"infrastructureEncryptionEnabled", "immutableStorageWithVersioning", "immutabilityPolicy", "routingPreference",
			"routing", "enableExtendedGroups",
			"blobProperties", "queueProperties", "shareProperties", "queueEncryptionKeyType", "tableEncryptionKeyType",
		},
	},
	{
		gives: "lets anybody read a container", severity: High, partial: true, types: slices.Concat(in(native,
			"storage:BlobContainer"), in(classic, "storage:Container")),
		on: []gate{{path: "publicAccess", safe: []any{"None"}}, {path: "containerAccessType", safe: []any{"private"}},
			{path: "enableNfsV3AllSquash", from: true}, {path: "enableNfsV3RootSquash", from: true}},
		harmless: []string{"metadata", "defaultEncryptionScope", "denyEncryptionScopeOverride",
			"encryptionScopeOverrideEnabled", "immutableStorageWithVersioning", "storageAccountId"},
	},
	{
		gives: "gives access by signed identifiers (SAS) or ACLs", severity: High, partial: true,
		types: slices.Concat(
			in(native, "storage:Table", "storage:Queue", "storage:FileShare"), in(classic, "storage:Table", "storage:Queue",
				"storage:Share", "storage:DataLakeGen2Path", "storage:DataLakeGen2Filesystem"),
		),
		// An ACL may also restrict: without a user's own entry, the entries of groups and others count.
		on: []gate{{path: "signedIdentifiers", list: true}, {path: "acls", loss: true}, {path: "aces", loss: true},
			{path: "owner"}, {path: "group"}, // an NFS share asks for no identity
			{path: "enabledProtocol", safe: []any{"SMB"}}, {path: "enabledProtocols", safe: []any{"SMB"}},
			{path: "rootSquash", safe: []any{"RootSquash", "AllSquash"}}},
		harmless: []string{
			"metadata", "storageAccountId", "quota", "shareQuota", "accessTier", "path", "resource", "properties",
			"defaultEncryptionScope",
		},
	},
	{
		gives: "opens the data of a storage account in another way (a user of its own, a copy elsewhere, a task, its " +
			"networks)", severity: High,
		types: slices.Concat(
			in(native, "storage:LocalUser", "storage:ObjectReplicationPolicy", "storage:StorageTaskAssignment",
				"storageactions:StorageTask", "storage:PrivateEndpointConnection"),
			in(classic, "storage:LocalUser", "storage:ObjectReplication", "storage:BlobInventoryPolicy"),
		),
	},
	{
		gives: "decides from which networks a storage account is reached", severity: High, removal: true,
		types: in(classic, "storage:AccountNetworkRules"),
	},

	// Machine learning.
	{
		gives: "stores a key, a SAS or a secret, or a path to data, that everyone with the store's secrets " +
			"reads by", severity: High,
		types: slices.Concat(
			in(native, "machinelearningservices:*Datastore", "machinelearningservices:*Connection*",
				"machinelearningservices:LinkedService", "machinelearningservices:LinkedWorkspace"),
			in(classic, "machinelearning:Datastore*"),
		),
	},
	{
		gives: "opens a workspace: by the identity or the mode that its data stores are read with, or to other " +
			"networks", severity: High, partial: true,
		types: slices.Concat(in(native, "machinelearningservices:Workspace"), in(classic, "machinelearning:Workspace")),
		on: append(gates(
			"systemDatastoresAuthMode", "primaryUserAssignedIdentity", "sharedPrivateLinkResources",
			"storageAccount", "storageAccountId", "keyVault", "keyVaultId",
			"containerRegistry", "containerRegistryId", "associatedWorkspaces", "hubResourceId",
			"serviceManagedResourcesSettings", "featureStoreSettings",
			"workspaceHubConfig", "serverlessComputeSettings", "serverlessCompute", "encryption",
			"enableDataIsolation", "primaryUserAssignedIdentityId",
		), gate{path: "allowRoleAssignmentOnRG"}, gate{path: "publicNetworkAccess", safe: []any{"Disabled"}},
			gate{path: "publicNetworkAccessEnabled"},
			gate{path: "allowPublicAccessWhenBehindVnet"}, gate{path: "managedNetwork", loss: true},
			gate{path: "ipAllowlist", loss: true}, gate{path: "networkAcls", loss: true, networks: true},
			// Building an image runs code by anybody who writes environments, as the identity of that cluster.
			gate{path: "imageBuildCompute", changeOnly: true}, gate{path: "imageBuildComputeName", changeOnly: true},
			gate{path: "v1LegacyMode", from: true}, gate{path: "v1LegacyModeEnabled", from: true}),
		judged: []string{"identity"},
		harmless: []string{
			"friendlyName", "sku", "skuName", "kind", "hbiWorkspace", "highBusinessImpact", "applicationInsights",
			"applicationInsightsId", "discoveryUrl", "provisionNetworkNow", "softDeleteEnabled",
			"enableSoftwareBillOfMaterials",
		},
	},
	{
		gives: "makes compute that somebody may sign in to, or that runs as an identity", severity: High,
		types: slices.Concat(in(native, "machinelearningservices:MachineLearningCompute",
			"machinelearningservices:*Compute"), in(classic, "machinelearning:Compute*",
			"machinelearning:InferenceCluster", "machinelearning:SynapseSpark")),
	},
	{gives: "changes what runs on a cluster as its identity, or who may reach it", severity: High,
		types: slices.Concat(in(native, "machinelearningservices:*"), in(classic, "machinelearning:*"))},

	// Neighbours.
	{
		gives: "lets in by an admin user or without signing in, or from other networks", severity: High, partial: true,
		types: slices.Concat(in(native, "containerregistry:Registry"), in(classic, "containerservice:Registry")),
		on: []gate{
			{path: "adminUserEnabled"}, {path: "adminEnabled"}, {path: "anonymousPullEnabled"},
			{path: "networkRuleSet", loss: true, networks: true},
			{path: "publicNetworkAccess",
				safe: []any{"Disabled"}}, {path: "publicNetworkAccessEnabled"},
			{path: "policies.exportPolicy", loss: true}, {path: "policies.quarantinePolicy", loss: true},
			{path: "policies.trustPolicy", loss: true}, {path: "policies.azureADAuthenticationAsArmPolicy", loss: true},
			{path: "networkRuleBypassOptions", safe: []any{"None"}},
			{path: "networkRuleBypassOption", safe: []any{"None"}}, {path: "trustPolicyEnabled"}, {path: "roleAssignmentMode"},
		},
		judged: []string{"identity"}, harmless: []string{"sku", "zoneRedundancy", "zoneRedundancyEnabled", "encryption",
			"dataEndpointEnabled", "georeplications", "retentionPolicyInDays"},
		inside: map[string][]string{"policies": {"azureADAuthenticationAsArmPolicy", "exportPolicy", "quarantinePolicy",
			"retentionPolicy", "softDeletePolicy", "trustPolicy"}},
	},
	{
		gives: "gives a token, a scope or credentials of a registry", severity: High,
		types: slices.Concat(in(native, "containerregistry:*"), in(classic, "containerservice:Registry*",
			"containerservice:TokenPassword")),
	},
	{
		gives: "gives access to a key vault, or stores a secret in it", severity: High,
		types: slices.Concat(in(native, "keyvault:*"), in(classic, "keyvault:*")),
	},
	{
		gives: "decides on who may sign in to a service, and how", severity: High, removal: true,
		types: in(native, "sql:*ADOnly*", "synapse:*ADOnly*", "dbfor*:*ADOnly*", "web:*Auth*", "web:*Allowed*",
			"web:*AccessRestriction*", "web:*Configuration*", "web:*Vnet*", "app:*Auth*"),
	},
	{
		gives: "gives a role inside a service", severity: High,
		types: slices.Concat(
			in(native, "documentdb:*Role*", "synapse:*Aad*", "synapse:*Principal*", "synapse:IntegrationRuntimeAuthKey*",
				"kusto:*Principal*", "sql:*Administrator*", "dbfor*:*Administrator*"),
			in(classic, "cosmosdb:*Role*", "synapse:*Role*", "synapse:*Admin*", "kusto:*Principal*",
				"mssql:*Administrator*", "*:*RoleAssignment", "*:*RoleDefinition"),
		),
	},
	{
		gives: "runs code under an identity or with stored credentials", severity: High,
		types: slices.Concat(
			in(native, "automation:*", "logic:*", "web:*", "app:*", "datafactory:*", "containerinstance:*", "batch:*",
				"compute:VirtualMachine*Extension", "compute:VirtualMachine*RunCommand*", "deploymentsafeguards:*"),
			in(classic, "automation:*", "logicapps:*", "appservice:*", "containerapp:*", "datafactory:*",
				"containerservice:Group", "batch:*", "compute:Extension", "compute:*Extension", "compute:RunCommand"),
		),
	},

	// Types that a preview can't look into.
	{
		gives: "is a template: a preview does not show what it makes, role assignments among it", severity: High,
		unseen: true, types: in(native, "resources:Deployment", "resources:DeploymentAt*", "resources:TemplateSpec*"),
	},
	{
		gives: "is a template, a stack or a generic resource: a preview does not show what it makes or takes away, role " +
			"assignments and locks among it", severity: High, unseen: true, removal: true,
		types: slices.Concat(
			in(native, "resources:Deployment*", "resources:Resource", "solutions:*"),
			in(classic, "core:*TemplateDeployment", "core:TemplateDeployment", "core:*TemplateSpec*",
				"management:GroupTemplateDeployment", "managedapplication:*"),
			[]string{"azapi:*", "msgraph:*", "microsoft365:*"},
		),
	},
	{
		gives: "runs a script: a preview does not show what it does", severity: High, unseen: true, removal: true,
		types: slices.Concat(in(native, "resources:*Script"), in(classic, "core:ResourceDeploymentScript*"),
			[]string{"command:*", "docker:*", "docker-build:*", "kubernetes:*:job", "kubernetes:*:cronjob",
				"kubernetes:*:pod", "null:*", "terraform:*", "http:*", "local:*"}),
	},
	{
		gives: "is made by code of the program's own: a preview does not show what it " +
			"does", severity: High, unseen: true, removal: true,
		types: []string{"pulumi-nodejs:*", "pulumi-python:*", "pulumi-dotnet:*", "pulumi-go:*", "pulumi-java:*",
			"pulumiservice:*"},
	},

	// Types that are known only by their names.
	{
		gives: "gives access, by the name of its type", severity: High, guess: true,
		types: []string{
			"*roleassignment*", "*roledefinition*", "*rolebinding*", "*accesspolicy*", "*credential*",
			"*principalassignment*", "*administrator*", "*permission*", "*secret*", "*password*",
			"*accesskey*", "*sharedaccess*", "*authorizationrule*", "*membership*", "*groupmember*", "*owner*", "*:*:" +
				"*token", "*iammember*", "*iambinding*", "*iampolicy*", "*certificate*", "*grant*", "*:*:*apikey*",
		},
	},
}

// keys returns the keys of a kind and of all types that are translated into it.
func keys(kind string) (all []string) {
	for key, t := range translations {
		if t.kind == kind {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

// wayCache keeps the way of each type, because previews have many resources of few types.
var wayCache sync.Map

func wayOf(token string) *way {
	key := Key(token)
	if found, ok := wayCache.Load(key); ok {
		return found.(*way)
	}
	var found *way
	if i := slices.IndexFunc(ways, func(w way) bool {
		return slices.ContainsFunc(w.types, func(pattern string) bool { return roles.Match(pattern, key) })
	}); i >= 0 {
		found = &ways[i]
	}
	wayCache.Store(key, found)
	return found
}
