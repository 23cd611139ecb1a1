package guardrails

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/roles"
)

// A way is a kind of resource of which it is known what access it hands out (facts/grants-access.md). A resource of a
// type that no way names is not judged.
type way struct {
	gives    string
	severity Severity
	// types are keys of type tokens; * stands for any text. The first way that names a type is the one that counts.
	types []string
	// on are the inputs that hand out access, where not all of the resource does. Of the other inputs, those that are
	// neither judged by rules nor harmless are not judged.
	on       []gate
	judged   []string
	harmless []string
	// removal is set where taking the resource away gives access too, or runs something.
	removal bool
	// unseen is set where nobody can see from a preview what the resource does.
	unseen bool
	// guess is set where it is known by the name of the type alone that it may hand out access. A team may decide
	// otherwise.
	guess bool
	// partial is set where on, judged and harmless say all; anything, where every input is harmless, of whatever version.
	partial, anything bool
	// inside are the keys that are known of an input that is a map of its own, by its dotted path.
	inside map[string][]string
}

// A gate is an input by which a resource hands out access, unless it has one of the safe values. Nothing is safe too,
// unless Azure's default is not.
type gate struct {
	path        string // dotted
	safe        []any
	unsetIsOpen bool
	from        any    // if set, only a change from this value opens
	of          string // the provider whose input it is, where Azure's default is not safe
	asRule      bool   // where what it stands in is not known, that is a finding of a rule already
	loss        bool   // it shuts something too: without it more is open than with it
	changeOnly  bool   // what a new resource says here is part of what it is
	list        bool   // each item opens by itself: fewer of them, or another order, opens nothing
}

func gates(paths ...string) (all []gate) {
	for _, path := range paths {
		all = append(all, gate{path: path})
	}
	return all
}

// plainInputs are those that say what a resource of Azure is called, where it is and how it is labelled. In types that
// are known in part, inputs whose names end in Name do so too.
var plainInputs = []string{"tags", "location", "name", "description", "displayName", "resourceGroupName"}

// isPlain reports whether an input only describes the resource. Outside Azure a tag or a name may decide who has
// access, as the tags of an AWS role or of a machine do.
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

// ways is the table of facts/grants-access.md. The severity is our judgement.
var ways = []way{
	// Judged by the rules and the review by themselves.
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
		// The cluster's rules are about some of these, and none of the others is a right. Of a property bag nobody says
		// what it may hold.
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
	// Its managedBy, by which an application manages what is in it, is not judged.
	{partial: true, types: slices.Concat(in(native, "resources:ResourceGroup"), in(classic, "core:ResourceGroup"))},

	// Azure RBAC.
	{
		gives: "sets under which rules others make themselves holders of a role (approval, sign-in, " +
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
		// Who leaves a unit with restricted management is ruled by the administrators of the whole tenant again.
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
			{path: "azureFilesAuthentication"}, {path: "networkRuleSet", loss: true}, {path: "networkRules",
				loss: true}, {path: "publicNetworkAccess", safe: []any{"Disabled", "SecuredByPerimeter"}},
			{path: "publicNetworkAccessEnabled"}, {path: "customDomain"}, {path: "staticWebsite"},
			{path: "enableNfsV3"}, {path: "nfsv3Enabled"}, // who reaches it by NFS 3.0 is asked for no identity
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
		// An ACL may also hold back: without a user's own entry, those of groups and others count.
		on: []gate{{path: "signedIdentifiers", list: true}, {path: "acls", loss: true}, {path: "aces", loss: true},
			{path: "owner"}, {path: "group"}, // a share by NFS asks for no identity
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
			gate{path: "ipAllowlist", loss: true}, gate{path: "networkAcls", loss: true},
			// Building an image runs what whoever writes environments says, as the identity of that cluster.
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
			{path: "networkRuleSet", loss: true},
			{path: "publicNetworkAccess",
				safe: []any{"Disabled"}}, {path: "publicNetworkAccessEnabled"}, {path: "policies"},
			{path: "networkRuleBypassOptions", safe: []any{"None"}},
			{path: "networkRuleBypassOption", safe: []any{"None"}}, {path: "trustPolicyEnabled"}, {path: "roleAssignmentMode"},
		},
		judged: []string{"identity"}, harmless: []string{"sku", "zoneRedundancy", "zoneRedundancyEnabled", "encryption",
			"dataEndpointEnabled", "georeplications", "retentionPolicyInDays"},
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

	// What a preview does not see into.
	{
		gives: "is a template, a stack or a generic resource: a preview does not show what it makes, role assignments " +
			"among it", severity: High, unseen: true,
		types: slices.Concat(
			in(native, "resources:Deployment*", "resources:TemplateSpec*", "resources:Resource", "solutions:*"),
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

	// By their names.
	{
		gives: "hands out access, by the name of its type", severity: High, guess: true,
		types: []string{
			"*roleassignment*", "*roledefinition*", "*rolebinding*", "*accesspolicy*", "*credential*",
			"*principalassignment*", "*administrator*", "*permission*", "*secret*", "*password*",
			"*accesskey*", "*sharedaccess*", "*authorizationrule*", "*membership*", "*groupmember*", "*owner*", "*:*:" +
				"*token", "*iammember*", "*iambinding*", "*iampolicy*", "*certificate*", "*grant*", "*:*:*apikey*",
		},
	},
}

// keys are those of a kind and of all that are translated into it.
func keys(kind string) (all []string) {
	for key, t := range translations {
		if t.kind == kind {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

// wayCache remembers which way a type is, as previews have many resources of few types.
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

// A Look is what a change of one resource is known to do to access, besides what the rules judge.
type Look struct {
	// Judged is set if the type is known, or if nothing changes that could hand out access.
	Judged bool
	// Gives completes "it …"; "" if the change hands out nothing.
	Gives    string
	Severity Severity
	// Inputs are those that hand out access, where not all of the resource does; dotted.
	Inputs []string
	// Identities are the ARM IDs of the user-assigned identities that the resource gets and that are not made with it. One
	// that is not known is "".
	Identities []string
	// Unseen is set if nobody can see from a preview what the resource does.
	Unseen bool
	// Unjudged are the inputs of a known type of which it is not known what they do.
	Unjudged []string
	// Goes is set if something that handed out access is taken away.
	Goes bool
}

// LookAt judges a change of one resource by its type. It is the zero Look, not judged, for a type that it does not
// know.
func LookAt(r Resource) Look {
	w := wayOf(r.Type)
	if builtByPulumi(r.Type) {
		return Look{Judged: true, Identities: r.attached()}
	}
	changed := r.changes()
	if strings.HasPrefix(r.Type, providerType) { // a way to sign in, and where to: what is made by it is judged
		changed = slices.DeleteFunc(changed, func(key string) bool { return key == "version" })
		return Look{Judged: r.Gone || (len(changed) == 0 || r.Old == nil) && pluginOf(r.Inputs) == pluginOf(r.Old)}
	}
	if w == nil {
		return Look{Judged: !r.Gone && r.Old != nil && len(changed) == 0, Identities: r.attached()}
	}
	l := Look{Judged: true, Severity: w.severity, Unseen: w.unseen, Identities: r.attached()}
	switch {
	case r.Gone && w.removal:
		l.Gives = w.gives
	case r.Gone && w.guess: // it may be what held somebody back
		l.Judged = false
	case r.Gone:
		l.Goes = w.gives != "" && !w.partial
	case w.unseen: // whatever changes, its code may run, and an input may be code
		if !r.Kept {
			l.Gives = w.gives
		}
	case !w.partial:
		if len(changed) > 0 || r.Old == nil || r.Replaced {
			l.Gives = w.gives
		}
	default:
		for _, g := range w.on {
			if g.opens(r) {
				l.Inputs = append(l.Inputs, g.path)
				l.Gives = w.gives
			}
		}
		for _, key := range changed {
			known := w.anything || strings.HasSuffix(key, "Name") || slices.Contains(w.judged, key) ||
				slices.Contains(w.harmless, key) ||
				slices.ContainsFunc(w.on, func(g gate) bool { return top(g.path) == key })
			if !known {
				l.Unjudged = append(l.Unjudged, key)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(w.inside)) {
			for _, key := range r.changesIn(path) {
				if !slices.Contains(w.inside[path], key) {
					l.Unjudged = append(l.Unjudged, path+"."+key)
				}
			}
		}
	}
	return l
}

// Knows reports whether it is known what a type hands out, by more than its name.
func Knows(token string) bool {
	w := wayOf(token)
	return builtByPulumi(token) || w != nil && !w.guess
}

// Guessed reports whether no more is known of a type than its name, so that a team may decide on it.
func Guessed(token string) bool {
	w := wayOf(token)
	return !builtByPulumi(token) && (w == nil || w.guess)
}

const providerType = "pulumi:providers:"

// builtByPulumi tells what is in no cloud: the stack, and the components of this project, whose children are judged. A
// provider is where its resources are; those are judged.
func builtByPulumi(token string) bool {
	return token == "pulumi:pulumi:Stack" || token == "pulumi:pulumi:StackReference" || strings.HasPrefix(token,
		"batchaccess:index:")
}

// changes are the top-level inputs that are another than before, but for those that are labels, sorted.
func (r Resource) changes() (changed []string) {
	all := maps.Clone(r.Inputs)
	if all == nil {
		all = map[string]any{}
	}
	for key := range r.Old {
		if _, there := all[key]; !there {
			all[key] = nil
		}
	}
	for key, now := range all {
		if strings.HasPrefix(key, "__") || r.isPlain(key) {
			continue
		}
		if now != nil && r.Old == nil || r.Old != nil && r.differs(key, r.Old[key], now) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

// changesIn are the keys below a dotted path that are others than before, sorted.
func (r Resource) changesIn(path string) (changed []string) {
	if r.Gone {
		return nil
	}
	was, _ := at(r.Old, path).(map[string]any)
	is, _ := at(r.Inputs, path).(map[string]any)
	for key := range union(was, is) {
		if old, now := was[key], is[key]; r.Old == nil && now != nil || r.Old != nil && r.differs(top(path), old, now) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

// pluginOf says which plugin a provider is, as far as its inputs name another than the usual one: where it is fetched
// from, and what it is made to speak for. The engine keeps both below __internal, and kept them at the top.
func pluginOf(inputs map[string]any) string {
	internal, readable := inputs["__internal"].(map[string]any)
	told := ""
	if inputs["__internal"] != nil && !readable {
		told = fmt.Sprint("__internal ", inputs["__internal"], "\n")
	}
	for _, key := range []string{"pluginDownloadURL", "parameterization"} {
		if v := cmp.Or(internal[key], inputs[key]); v != nil {
			told += fmt.Sprint(key, " ", v, "\n")
		}
	}
	return told
}

// differs reports whether an input is another than before. What a secret hides is another unless the engine says
// otherwise.
func (r Resource) differs(key string, old, now any) bool {
	if !reflect.DeepEqual(old, now) {
		return true
	}
	return hasMarker(now) && !r.Kept && (len(r.Changed) == 0 || slices.Contains(r.Changed, key))
}

func hasMarker(v any) bool { return Holds(v, Unknown, Secret) }

// Holds reports whether a value is one of the markers, or one lies in it.
func Holds(v any, markers ...Marker) bool {
	switch v := v.(type) {
	case Marker:
		return slices.Contains(markers, v)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return Holds(item, markers...) })
	case map[string]any:
		for _, item := range v {
			if Holds(item, markers...) {
				return true
			}
		}
	}
	return false
}

func top(path string) string {
	first, _, _ := strings.Cut(path, ".")
	return first
}

// opens reports whether the input hands out access, and did not before.
func (g gate) opens(r Resource) bool {
	if r.Gone || g.of != "" && !strings.HasPrefix(Key(r.Type), g.of) {
		return false
	}
	if r.Replaced { // what is made in its place is a resource that was not there
		r.Old = nil
	}
	old, now := at(r.Old, g.path), at(r.Inputs, g.path)
	if r.Old == nil && g.changeOnly || r.Old != nil && !r.differs(top(g.path), old, now) {
		return false
	}
	isSafe := func(v any) bool {
		return v == false || slices.ContainsFunc(g.safe, func(safe any) bool { return reflect.DeepEqual(safe, v) })
	}
	switch {
	case g.from != nil:
		return r.Old != nil && old == g.from
	case g.asRule && at(r.Inputs, g.path[:strings.LastIndex(g.path, ".")]) == Unknown:
		return false
	case now == nil || isEmpty(now):
		return g.unsetIsOpen || g.loss && r.Old != nil && old != nil && !isEmpty(old) || r.Old != nil &&
			old != nil && isSafe(old) // what was shut is left to Azure
	case g.list && r.Old != nil && isPartOf(now, old):
		return false
	default:
		return !isSafe(now)
	}
}

// isPartOf reports whether every item of a list stood in another one. Of an item that is not known nobody can say so.
func isPartOf(now, old any) bool {
	is, isList := now.([]any)
	was, wasList := old.([]any)
	return isList && wasList && !hasMarker(now) && !slices.ContainsFunc(is, func(item any) bool {
		return !slices.ContainsFunc(was, func(o any) bool { return reflect.DeepEqual(item, o) })
	})
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// at is the value at a dotted path; a marker that stands above it stands for it too.
func at(inputs map[string]any, path string) any {
	var v any = inputs
	for _, key := range strings.Split(path, ".") {
		m, is := v.(map[string]any)
		if !is {
			if marker, is := v.(Marker); is {
				return marker
			}
			return nil
		}
		v = m[key]
	}
	return v
}

// attached are the user-assigned identities that a resource gets and did not have, other than those that it takes from
// resources of the same program.
func (r Resource) attached() (ids []string) {
	_, hidden := r.Inputs["identity"].(Marker)
	if r.Gone || r.Kind() == Compute && (hidden || r.MadeBy(ComputeCluster) && !r.Whole) {
		return nil // of a cluster, the component says which identity it is given, and a rule that it is not known
	}
	if r.Type == ComputeCluster {
		return append(r.givenTo("cluster.userAssignedIdentityId"), r.givenBeside("cluster.moreIdentityIds")...)
	}
	had := map[string]bool{}
	for _, id := range IdentityIDs(r.Old["identity"]) {
		had[strings.ToLower(id)] = true
	}
	made := 0
	for _, urn := range r.Dependencies["identity"] {
		if kindOfURN(urn) == UserAssignedIdentity {
			made++
		}
	}
	now := IdentityIDs(r.Inputs["identity"])
	slices.SortStableFunc(now, func(a, b string) int { // what is made here is what is not known yet, before others
		return cmp.Compare(min(len(a), 1), min(len(b), 1))
	})
	for _, id := range now {
		switch {
		case had[strings.ToLower(id)] && id != "", slices.Contains(r.Named, strings.ToLower(id)),
			id == "" && r.Old != nil && !r.differs("identity", r.Old["identity"], r.Inputs["identity"]):
		case made > 0:
			made--
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

// joins reports whether a membership is new, and of a group that no resource of the program is.
func (r Resource) joins() bool {
	made := slices.ContainsFunc(r.Dependencies["groupObjectId"], func(urn string) bool {
		kind := Key(kindOfURN(urn))
		return kind == Key(entra+"Group") || kind == Key(entra+"GroupWithoutMembers")
	})
	return !made && !r.Kept && !r.Ours && (r.Whole || !r.MadeBy(AccessComponent)) &&
		(r.Old == nil || r.Replaced || len(r.changes()) > 0)
}

// givenTo is the identity that a component is given by an input, and was not before.
func (r Resource) givenTo(input string) []string {
	now := at(r.Inputs, input)
	made := slices.ContainsFunc(r.Dependencies[top(input)],
		func(urn string) bool { return kindOfURN(urn) == UserAssignedIdentity })
	if now == nil || now == "" || made || r.Old != nil && !r.differs(top(input), at(r.Old, input), now) {
		return nil
	}
	id, _ := now.(string)
	return []string{id}
}

// givenBeside are the identities in a component's list that were not in it before; "" for one that is not known.
func (r Resource) givenBeside(input string) (ids []string) {
	list := func(v any) []string { return IdentityIDs(map[string]any{"identityIds": v}) }
	if r.Old != nil && !r.differs(top(input), at(r.Old, input), at(r.Inputs, input)) {
		return nil
	}
	had := map[string]bool{}
	for _, id := range list(at(r.Old, input)) {
		had[strings.ToLower(id)] = id != ""
	}
	for _, id := range list(at(r.Inputs, input)) {
		if !had[strings.ToLower(id)] {
			ids = append(ids, id)
		}
	}
	return ids
}

// IdentityIDs are the ARM IDs in an identity, as either provider writes it; "" for one that is not known.
func IdentityIDs(identity any) (ids []string) {
	if _, hidden := identity.(Marker); hidden {
		return []string{""}
	}
	in, is := identity.(map[string]any)
	if !is {
		if list, isList := identity.([]any); isList { // the classic provider's older form
			for _, item := range list {
				ids = append(ids, IdentityIDs(item)...)
			}
		}
		return ids
	}
	for _, key := range []string{"userAssignedIdentities", "identityIds"} {
		switch list := in[key].(type) {
		case []any:
			for _, id := range list {
				text, _ := id.(string)
				ids = append(ids, text)
			}
		case map[string]any:
			ids = append(ids, slices.Sorted(maps.Keys(list))...)
		case Marker:
			ids = append(ids, "")
		}
	}
	return ids
}

func kindOfURN(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return Resource{Type: parts[2][strings.LastIndex(parts[2], "$")+1:]}.Kind()
}

// about are the inputs that say to whom and where, in the order in which a reader wants them.
var about = []string{
	"principalObjectId", "principalId", "memberObjectId", "ownerObjectId", "groupObjectId", "userPrincipalName",
	"objectId", "applicationObjectId", "applicationId", "roleObjectId", "roleId",
	"roleDefinitionId", "appRoleId", "resourceObjectId", "templateId", "directoryScopeId", "owners", "members",
	"scope", "publicAccess", "containerAccessType", "displayName", "create", "update",
}

// Tells is what the inputs of a resource say about to whom and where it gives access, as far as they are known.
func (r Resource) Tells() (told []string) {
	from := r.Inputs
	if r.Gone {
		from = r.Old
	}
	for _, key := range about {
		switch v := from[key].(type) {
		case string:
			told = append(told, key+" "+v)
		case []any:
			if all := texts(v); len(all) > 0 {
				told = append(told, key+" "+strings.Join(all, ", "))
			}
		case Marker:
			told = append(told, key+" "+cmp.Or(string(v), "?"))
		}
	}
	return told
}
