package review_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/review"
)

type zo = map[string]any

// Ways to hand out access that were thought up against the gate, and changes that hand out nothing. None of the first
// passes a pipeline, and each of the others does. A group that stays stands beside each, so that something is
// understood.
func TestAHuntForWhatPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, op, typ string
		old, now      zo
		passes        bool
	}{
		{"key vault policy", "update", "azure-native:keyvault:Vault", zo{"properties": zo{"accessPolicies": []any{}}},
			zo{"properties": zo{"accessPolicies": []any{zo{"objectId": "eve"}}}}, false},
		{"classic admin aks creds", "create", "azure-native:containerservice:ManagedCluster", nil,
			zo{"disableLocalAccounts": false, "identity": zo{"type": "SystemAssigned"}}, false},
		{"aks role binding", "create", "azure-native:containerservice:TrustedAccessRoleBinding", nil,
			zo{"roles": []any{"x"}, "sourceResourceId": "y"}, false},
		{"vm with extension", "create", "azure-native:compute:VirtualMachineExtension", nil,
			zo{"settings": zo{"commandToExecute": "az role"}}, false},
		{"vmss extension inline", "update", "azure-native:compute:VirtualMachineScaleSet", zo{"a": 1},
			zo{"virtualMachineProfile": zo{"extensionProfile": zo{}}}, false},
		{"vm run command", "create", "azure-native:compute:VirtualMachineRunCommandByVirtualMachine", nil,
			zo{"source": zo{"script": "x"}}, false},
		{"vm userdata", "update", "azure-native:compute:VirtualMachine", zo{"userData": "a"}, zo{"userData": "b"}, false},
		{"arc machine extension", "create", "azure-native:hybridcompute:MachineExtension", nil, zo{"settings": "x"}, false},
		{"logic app identity", "create", "azure-native:logic:Workflow", nil,
			zo{"definition": zo{}, "identity": zo{"type": "SystemAssigned"}}, false},
		{"event grid system topic to webhook", "create", "azure-native:eventgrid:EventSubscription", nil,
			zo{"destination": zo{"endpointUrl": "https://evil"}}, false},
		{"diagnostic setting exfil", "create", "azure-native:insights:DiagnosticSetting", nil, zo{"storageAccountId": "x"},
			false},
		{"cosmos sql role", "create", "azure-native:documentdb:SqlResourceSqlRoleAssignment", nil, zo{"principalId": "eve"},
			false},
		{"cosmos account local auth", "update", "azure-native:documentdb:DatabaseAccount", zo{"disableLocalAuth": true},
			zo{"disableLocalAuth": false}, false},
		{"sql server admin inline", "update", "azure-native:sql:Server", zo{"administrators": zo{"login": "a"}},
			zo{"administrators": zo{"login": "eve"}}, false},
		{"sql firewall", "create", "azure-native:sql:FirewallRule", nil, zo{"startIpAddress": "0.0.0.0"}, false},
		{"postgres admin", "create", "azure-native:dbforpostgresql:Administrator", nil, zo{"objectId": "eve"}, false},
		{"storage firewall opened", "update", "azure-native:storage:StorageAccount",
			zo{"networkRuleSet": zo{"defaultAction": "Deny"}}, zo{"networkRuleSet": zo{"defaultAction": "Allow"}}, false},
		{"storage mgmt policy delete", "create", "azure-native:storage:ManagementPolicy", nil, zo{"policy": zo{}}, false},
		{"encryption scope", "create", "azure-native:storage:EncryptionScope", nil, zo{"source": "x"}, false},
		{"blob inventory", "create", "azure-native:storage:BlobInventoryPolicy", nil, zo{"policy": zo{}}, false},
		{"blob uploaded", "create", "azure-native:storage:Blob", nil, zo{"source": "x"}, false},
		{"private endpoint", "create", "azure-native:network:PrivateEndpoint", nil, zo{"x": 1}, false},
		{"role assignment imported", "import", "azure-native:authorization:RoleAssignment", nil,
			zo{"principalId": "eve", "principalType": "User", "scope": "/subscriptions/11111111-1111-4111-8111-111111111111",
				"roleDefinitionId": "x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}, false},
		{"local command", "create", "command:local:Command", nil, zo{"create": "az"}, false},
		{"local run output", "create", "command:local:run", nil, zo{"command": "az"}, false},
		{"local file", "create", "local:index/file:File", nil, zo{"content": "x"}, false},
		{"dynamic updated", "update", "pulumi-nodejs:dynamic:Resource", zo{"__provider": "a"}, zo{"__provider": "b"}, false},
		{"dynamic mod", "create", "pulumi-nodejs:dynamic/mod:Thing", nil, zo{"__provider": "a"}, false},
		{"dynamic only provider changed", "update", "pulumi-python:dynamic:Resource", zo{"__provider": "a", "x": 1},
			zo{"__provider": "b", "x": 1}, false},
		{"provider to another subscription", "update", "pulumi:providers:azure-native", zo{"subscriptionId": "a"},
			zo{"subscriptionId": "b"}, false},
		{"provider from plugin url", "create", "pulumi:providers:azure-native", nil, zo{"pluginDownloadURL": "https://evil"},
			false},
		{"provider other tenant new", "create", "pulumi:providers:azure-native", nil,
			zo{"tenantId": "x", "clientSecret": "s"}, true},
		{"provider replaced", "replace", "pulumi:providers:azuread", zo{"tenantId": "a"}, zo{"tenantId": "b"}, false},
		{"terraform any", "create", "azurerm:index/roleAssignment:RoleAssignment", nil, zo{"x": 1}, false},
		{"azapi", "create", "azapi:resources:Resource", nil, zo{"x": 1}, false},
		{"stack reference", "create", "pulumi:pulumi:StackReference", nil, zo{"name": "a/b/c"}, true},
		{"stack ref other", "read", "pulumi:pulumi:StackReference", nil, zo{"name": "evil/b/c"}, true},
		{"read app", "read", "azuread:index/application:Application", nil, zo{"displayName": "x"}, true},
		{"ca policy deleted", "delete", "azuread:index/conditionalAccessPolicy:ConditionalAccessPolicy",
			zo{"state": "enabled"}, nil, false},
		{"cross tenant access", "create", "azuread:index/crossTenantAccessPolicy:CrossTenantAccessPolicy", nil, zo{"x": 1},
			false},
		{
			"delegated grant", "create",
			"azuread:index/servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant", nil,
			zo{"claimValues": []any{"x"}}, false,
		},
		{"lighthouse", "create", "azure-native:managedservices/v20221001:RegistrationAssignment", nil, zo{"scope": "x"},
			false},
		{"elevate by policy remediation", "create", "azure-native:policyinsights:RemediationAtSubscription", nil, zo{"x": 1},
			false},
		{"blueprint", "create", "azure-native:blueprint:Assignment", nil, zo{"identity": zo{"type": "SystemAssigned"}},
			false},
		{"devops service connection", "create", "azuredevops:index/serviceEndpointAzureRM:ServiceEndpointAzureRM", nil,
			zo{"x": 1}, false},
		{"github secret", "create", "github:index/actionsSecret:ActionsSecret", nil, zo{"x": 1}, false},
		{"github env protection", "update", "github:index/repositoryEnvironment:RepositoryEnvironment",
			zo{"reviewers": []any{"a"}}, zo{"reviewers": []any{}}, false},
		{"github branch protection deleted", "delete", "github:index/branchProtection:BranchProtection",
			zo{"pattern": "main"}, nil, false},
		{"k8s clusterrolebinding", "create", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", nil, zo{"x": 1},
			false},
		{"k8s serviceaccount annotations", "create", "kubernetes:core/v1:ServiceAccount", nil,
			zo{"metadata": zo{"annotations": zo{"azure.workload.identity/client-id": "x"}}}, false},
		{"k8s deployment", "create", "kubernetes:apps/v1:Deployment", nil, zo{"x": 1}, false},
		{"helm", "create", "kubernetes:helm.sh/v3:Release", nil, zo{"x": 1}, false},
		{"helm chart comp", "create", "kubernetes:helm.sh/v4:Chart", nil, zo{"x": 1}, false},
		{"yaml config", "create", "kubernetes:yaml/v2:ConfigGroup", nil, zo{"x": 1}, false},
		{"purview", "create", "azure-native:purview:Account", nil, zo{"identity": zo{"type": "SystemAssigned"}}, false},
		{"databricks", "create", "databricks:index/permissions:Permissions", nil, zo{"x": 1}, false},
		{"signalr keys", "create", "azure-native:signalrservice:SignalR", nil, zo{"disableLocalAuth": false}, false},
		{"eventhub auth rule", "create", "azure-native:eventhub:NamespaceAuthorizationRule", nil,
			zo{"rights": []any{"Manage"}}, false},
		{"recovery vault", "create", "azure-native:recoveryservices:ProtectedItem", nil, zo{"x": 1}, false},
		{"dataprotection", "create", "azure-native:dataprotection:BackupInstance", nil, zo{"x": 1}, false},
		{"disk access", "create", "azure-native:compute:Snapshot", nil, zo{"creationData": zo{"sourceResourceId": "x"}},
			false},
		{"image gallery share", "create", "azure-native:compute:Gallery", nil,
			zo{"sharingProfile": zo{"permissions": "Community"}}, false},
		{"dns takeover", "create", "azure-native:network:RecordSet", nil, zo{"x": 1}, false},
		{"data share", "create", "azure-native:datashare:Invitation", nil, zo{"targetEmail": "eve"}, false},
		{"mobile: apim sub", "create", "azure-native:apimanagement:Subscription", nil, zo{"x": 1}, false},
		{"deployment stack", "create", "azure-native:resources:DeploymentStackAtSubscription", nil, zo{"x": 1}, false},
		{"resource group moved tag", "update", "azure-native:resources:ResourceGroup", zo{"tags": zo{}},
			zo{"tags": zo{"a": "b"}}, true},
		{"resource group managedBy", "update", "azure-native:resources:ResourceGroup", zo{"managedBy": nil},
			zo{"managedBy": "/subscriptions/x"}, false},
		{"tag resource abac", "create", "azure-native:resources:TagAtScope", nil, zo{"properties": zo{"tags": zo{"a": "b"}}},
			false},
		{
			"role definition other scopes", "update", "azure-native:authorization:RoleDefinition",
			zo{"roleName": "r", "permissions": []any{zo{"actions": []any{"a/read"}}},
				"assignableScopes": []any{"/subscriptions/a/resourceGroups/b"}},
			zo{"roleName": "r", "permissions": []any{zo{"actions": []any{"a/read"}}}, "assignableScopes": []any{"/"}}, false,
		},
		{"app sign in audience", "update", "azuread:index/application:Application",
			zo{"displayName": "a", "signInAudience": "AzureADMyOrg"}, zo{"displayName": "a",
				"signInAudience": "AzureADMultipleOrgs"}, false},
		{"group assignableToRole", "update", "azuread:index/group:Group", zo{"displayName": "a"},
			zo{"displayName": "a", "assignableToRole": true}, false},
		{"group onpremises", "update", "azuread:index/group:Group", zo{"displayName": "a"},
			zo{"displayName": "a", "externalSendersAllowed": true}, true},
		{"sp reenabled", "update", "azuread:index/servicePrincipal:ServicePrincipal", zo{"accountEnabled": false},
			zo{"accountEnabled": true}, false},
		{"sp reenabled by omission", "update", "azuread:index/servicePrincipal:ServicePrincipal",
			zo{"accountEnabled": false, "clientId": "x"}, zo{"clientId": "x"}, false},
		{"sp assignment requirement omitted", "update", "azuread:index/servicePrincipal:ServicePrincipal",
			zo{"appRoleAssignmentRequired": true, "clientId": "x"}, zo{"clientId": "x"}, false},
		{"uai isolation", "update", "azure-native:managedidentity:UserAssignedIdentity", zo{"isolationScope": "Regional"},
			zo{"isolationScope": "None"}, true},
		{
			"federation replaced same", "update",
			"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
			zo{"applicationId": "a", "issuer": "https://token.actions.githubusercontent.com",
				"subject": "repo:a/b:ref:refs/heads/main", "audiences": []any{"api://AzureADTokenExchange"}},
			zo{"applicationId": "a", "issuer": "https://evil", "subject": "repo:a/b:ref:refs/heads/main",
				"audiences": []any{"api://AzureADTokenExchange"}},
			false,
		},
		{"batch account pool", "create", "azure-native:batch:Pool", nil, zo{"startTask": zo{}}, false},
		{"spring app", "create", "azure-native:appplatform:App", nil, zo{"identity": zo{"type": "SystemAssigned"}}, false},
		{"synapse ws", "create", "azure-native:synapse:Workspace", nil, zo{"sqlAdministratorLogin": "x"}, false},
		{"hdinsight", "create", "azure-native:hdinsight:Cluster", nil, zo{"x": 1}, false},
		{"load test", "create", "azure-native:loadtestservice:LoadTest", nil, zo{"identity": zo{"type": "SystemAssigned"}},
			false},
		{"capability host", "create", "azure-native:cognitiveservices:Account", nil, zo{"disableLocalAuth": false}, false},
		{"appinsights apikey", "create", "azure-native:insights:ApiKey", nil, zo{"linkedReadProperties": []any{"x"}}, false},
		{"random pw", "create", "random:index/randomPassword:RandomPassword", nil, zo{"length": 16}, true},
		{"tls key", "create", "tls:index/privateKey:PrivateKey", nil, zo{"algorithm": "RSA"}, false},
		{"time rotating", "create", "time:index/rotating:Rotating", nil, zo{"x": 1}, true},
		{"vm scale", "update", "azure-native:compute:VirtualMachine", zo{"tags": zo{"a": "b"}}, zo{"tags": zo{"a": "c"}},
			true},
		{"storage tag", "update", "azure-native:storage:StorageAccount",
			zo{"tags": zo{"a": "b"}, "allowSharedKeyAccess": false}, zo{"tags": zo{"a": "c"},
				"allowSharedKeyAccess": false}, true},
		{"storage sku", "update", "azure-native:storage:StorageAccount",
			zo{"sku": zo{"name": "a"}, "allowSharedKeyAccess": false}, zo{"sku": zo{"name": "b"},
				"allowSharedKeyAccess": false}, true},
		{"container metadata", "update", "azure-native:storage:BlobContainer", zo{"metadata": zo{"a": "b"}},
			zo{"metadata": zo{"a": "c"}}, true},
		{"group descr", "update", "azuread:index/group:Group", zo{"description": "a"}, zo{"description": "b"}, true},
		{"app notes", "update", "azuread:index/application:Application", zo{"displayName": "x", "notes": "a"},
			zo{"displayName": "x", "notes": "b"}, true},
		{"appservice plan scale", "update", "azure-native:web:AppServicePlan", zo{"sku": zo{"capacity": 1}},
			zo{"sku": zo{"capacity": 2}}, true},
		{"webapp tag", "update", "azure-native:web:WebApp", zo{"tags": zo{"a": "b"}}, zo{"tags": zo{"a": "c"}}, true},
		{"keyvault tag", "update", "azure-native:keyvault:Vault", zo{"tags": zo{"a": "b"}}, zo{"tags": zo{"a": "c"}}, true},
		{"ml ws friendlyName", "update", "azure-native:machinelearningservices:Workspace", zo{"friendlyName": "a"},
			zo{"friendlyName": "b"}, true},
		{"owner removed", "update", "azuread:index/group:Group", zo{"owners": []any{"a", "b"}}, zo{"owners": []any{"a"}},
			true},
		{"assignment deleted", "delete", "azure-native:authorization:RoleAssignment",
			zo{"principalId": "eve", "principalType": "User", "scope": "/subscriptions/11111111-1111-4111-8111-111111111111",
				"roleDefinitionId": "x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}, nil, true},
		{"lock created", "create", "azure-native:authorization:ManagementLockByScope", nil, zo{"level": "ReadOnly"}, false},
		{"retained delete", "delete", "azure-native:keyvault:Secret", zo{"secretName": "a"}, nil, true},
		{"a repository of another issuer", "create", "azure-native:managedidentity:FederatedIdentityCredential", nil,
			zo{"resourceName": "i", "issuer": "https://evil.test", "subject": "repo:a/b:environment:prod",
				"audiences": []any{"api://AzureADTokenExchange"}}, false},
		{"an issuer that begins as GitHub's", "create", "azure-native:managedidentity:FederatedIdentityCredential", nil,
			zo{"resourceName": "i", "issuer": "https://token.actions.githubusercontent.com.evil.test",
				"subject": "repo:a/b:environment:prod", "audiences": []any{"api://AzureADTokenExchange"}}, false},
		{"pull requests of an enterprise with data residency", "create",
			"azure-native:managedidentity:FederatedIdentityCredential", nil, zo{"resourceName": "i",
				"issuer": "https://token.actions.contoso.ghe.com", "subject": "repo:a/b:pull_request",
				"audiences": []any{"api://AzureADTokenExchange"}}, false},
		{"a classic group managed by an application", "update", "azure:core/resourceGroup:ResourceGroup", zo{"name": "a"},
			zo{"name": "a", "managedBy": "/subscriptions/x"}, false},
		{"a classic group moves", "create", "azure:core/resourceGroup:ResourceGroup", nil, zo{"name": "a", "location": "w"},
			true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			step := zo{"op": c.op, "urn": "urn:pulumi:dev::p::" + c.typ + "::thing"}
			if c.old != nil {
				step["oldState"] = zo{"type": c.typ, "inputs": c.old, "outputs": c.old, "custom": true}
			}
			if c.now != nil {
				step["newState"] = zo{"type": c.typ, "inputs": c.now, "custom": true}
			}
			stays := zo{"type": "azuread:index/group:Group", "inputs": zo{"displayName": "g"}, "custom": true}
			text, err := json.Marshal(zo{"config": zo{}, "changeSummary": zo{c.op: 1, "same": 1}, "steps": []any{step,
				zo{"op": "same", "urn": "urn:pulumi:dev::p::azuread:index/group:Group::known", "oldState": stays,
					"newState": stays}}})
			require.NoError(t, err)
			p, err := engine.Read(bytes.NewReader(text))
			require.NoError(t, err)
			r := review.Make(p, options)
			met, err := r.Met(pipeline)
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, review.Text(&out, r))
			assert.Equal(t, c.passes, len(met) == 0, "%v: %s", met, out.String())
			assert.Empty(t, r.Unread)
		})
	}
}
