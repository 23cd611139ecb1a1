package tests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Tokens of the resources that the components make.
const (
	roleDefinition   = "azure-native:authorization:RoleDefinition"
	roleAssignment   = "azure-native:authorization:RoleAssignment"
	userAssigned     = "azure-native:managedidentity:UserAssignedIdentity"
	ofIdentity       = "azure-native:managedidentity:FederatedIdentityCredential"
	compute          = "azure-native:machinelearningservices:Compute"
	application      = "azuread:index/application:Application"
	servicePrincipal = "azuread:index/servicePrincipal:ServicePrincipal"
	password         = "azuread:index/applicationPassword:ApplicationPassword"
	federated        = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	securityGroup    = "azuread:index/group:Group"
	groupMember      = "azuread:index/groupMember:GroupMember"
	azureProvider    = "pulumi:providers:azure-native"
	azureadProvider  = "pulumi:providers:azuread"
	// existingType is a resource for tests only, whose ID is its input id.
	existingType = "tests:index:Existing"
)

const (
	subscription = "11111111-1111-4111-8111-111111111111"
	tenant       = "99999999-9999-4999-8999-999999999999"
	// secretText is in every password; no plain text may contain it.
	secretText = "p4ssw0rd-of-"
)

// resourceType is what the mocks know about a resource type: the inputs that Azure requires and accepts, and its
// answer.
type resourceType struct {
	required, optional []string
	create             func(name string, in resource.PropertyMap) (id string, state resource.PropertyMap)
}

// check refuses what the real provider would: a missing input, and an input that the resource does not have.
func (rt resourceType) check(in resource.PropertyMap) error {
	for _, key := range rt.required {
		if v, ok := in[resource.PropertyKey(key)]; !ok || v.IsNull() {
			return fmt.Errorf("the required input %s is missing", key)
		}
	}
	for key := range in {
		if !slices.Contains(rt.required, string(key)) && !slices.Contains(rt.optional, string(key)) {
			return fmt.Errorf("there is no input %s", key)
		}
	}
	return nil
}

var azure = map[string]resourceType{
	roleDefinition: {
		[]string{"scope", "roleDefinitionId", "roleName", "roleType", "permissions",
			"assignableScopes"}, []string{"description"},
		func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
			name := text(in, "roleDefinitionId")
			return text(in, "scope") + "/providers/Microsoft.Authorization/roleDefinitions/" + name, with(in, "name", name)
		},
	},
	roleAssignment: {
		[]string{"scope", "roleAssignmentName", "roleDefinitionId", "principalId", "principalType"},
		[]string{"description", "condition", "conditionVersion"},
		func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
			name := text(in, "roleAssignmentName")
			return text(in, "scope") + "/providers/Microsoft.Authorization/roleAssignments/" + name, with(in, "name", name)
		},
	},
	userAssigned: {
		[]string{"resourceGroupName", "resourceName"}, []string{"location", "tags"},
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := group(text(in, "resourceGroupName")) + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" +
				text(in, "resourceName")
			return id, with(with(with(with(in, "principalId", guidOf("principal", id)), "clientId", guidOf("client", id)),
				"tenantId", tenant), "name", text(in, "resourceName"))
		},
	},
	ofIdentity: {
		[]string{"resourceGroupName", "resourceName", "federatedIdentityCredentialResourceName", "issuer", "subject",
			"audiences"}, nil,
		func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := group(text(in, "resourceGroupName")) + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" +
				text(in, "resourceName") + "/federatedIdentityCredentials/" + text(in, "federatedIdentityCredentialResourceName")
			return id, with(in, "name", text(in, "federatedIdentityCredentialResourceName"))
		},
	},
	compute: {
		[]string{"resourceGroupName", "workspaceName", "computeName", "properties"}, []string{"location", "identity", "tags"},
		func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := group(text(in, "resourceGroupName")) + "/providers/Microsoft.MachineLearningServices/workspaces/" +
				text(in, "workspaceName") + "/computes/" + text(in, "computeName")
			state := with(in, "name", text(in, "computeName"))
			delete(state, "identity")
			if v, ok := in["identity"]; ok {
				state["identity"] = resource.NewProperty(identityOf(id, v.ObjectValue()))
			}
			return id, state
		},
	},
	application: {
		[]string{"displayName"}, []string{"description", "tags", "signInAudience"},
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := guidOf("application", name)
			return "/applications/" + id, with(with(in, "objectId", id), "clientId", guidOf("client", name))
		},
	},
	servicePrincipal: {
		[]string{"clientId", "accountEnabled"}, nil,
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := guidOf("servicePrincipal", name)
			return "/servicePrincipals/" + id, with(with(in, "objectId", id), "applicationTenantId", tenant)
		},
	},
	password: {
		[]string{"applicationId", "displayName", "startDate", "endDate"}, nil,
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			key := guidOf("key", name)
			return text(in, "applicationId") + "/password/" + key, with(with(in, "keyId", key), "value", secretText+name)
		},
	},
	federated: {
		[]string{"applicationId", "displayName", "issuer", "subject", "audiences"}, []string{"description"},
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := guidOf("credential", name)
			return text(in, "applicationId") + "/federatedIdentityCredential/" + id, with(in, "credentialId", id)
		},
	},
	securityGroup: {
		[]string{"displayName", "securityEnabled"}, []string{"description"},
		func(name string, in resource.PropertyMap) (string, resource.PropertyMap) {
			id := guidOf("group", name)
			return "/groups/" + id, with(in, "objectId", id)
		},
	},
	groupMember: {
		[]string{"groupObjectId", "memberObjectId"}, nil,
		func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
			return text(in, "groupObjectId") + "/member/" + text(in, "memberObjectId"), in
		},
	},
	existingType: {[]string{"id"}, nil, func(_ string, in resource.PropertyMap) (string, resource.PropertyMap) {
		return text(in, "id"), nil
	}},
	azureProvider:   {nil, []string{"location", "subscriptionId", "environment"}, provider},
	azureadProvider: {nil, []string{"tenantId"}, provider},
}

func provider(name string, _ resource.PropertyMap) (string, resource.PropertyMap) {
	return guidOf("provider", name), resource.PropertyMap{}
}

// identityOf is the identity of a compute as Azure answers it: with principals only for the identities that it has.
func identityOf(id string, in resource.PropertyMap) resource.PropertyMap {
	kind := text(in, "type")
	out := resource.PropertyMap{"type": resource.NewProperty(kind), "principalId": resource.NewProperty(""),
		"tenantId": resource.NewProperty("")}
	if strings.Contains(kind, "SystemAssigned") {
		out["principalId"], out["tenantId"] = resource.NewProperty(guidOf("system", id)), resource.NewProperty(tenant)
	}
	if ids, ok := in["userAssignedIdentities"]; ok {
		assigned := resource.PropertyMap{}
		for _, one := range ids.ArrayValue() {
			assigned[resource.PropertyKey(one.StringValue())] = resource.NewProperty(resource.PropertyMap{
				"principalId": resource.NewProperty(guidOf("principal", one.StringValue())),
				"clientId":    resource.NewProperty(guidOf("client", one.StringValue())),
			})
		}
		out["userAssignedIdentities"] = resource.NewProperty(assigned)
	}
	return out
}

// answer answers the look-ups: computes that the test put there, any user-assigned identity, and the location of the
// workspace.
func (r *recorder) answer(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "azure-native:machinelearningservices:getCompute":
		name := text(args.Args, "computeName")
		found, ok := r.computes[name]
		if !ok {
			return nil, fmt.Errorf("ResourceNotFound: compute %s in %s/%s", name, text(args.Args, "resourceGroupName"),
				text(args.Args, "workspaceName"))
		}
		return found, nil
	case "azure-native:managedidentity:getUserAssignedIdentity":
		id := group(text(args.Args, "resourceGroupName")) + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" +
			text(args.Args, "resourceName")
		return resource.NewPropertyMapFromMap(map[string]any{
			"id": id, "name": text(args.Args,
				"resourceName"), "location": "westeurope", "tenantId": tenant, "type": "Microsoft.ManagedIdentity/" +
				"userAssignedIdentities",
			"principalId": guidOf("principal", id), "clientId": guidOf("client", id),
		}), nil
	case "azure-native:machinelearningservices:getWorkspace":
		if r.region == nil {
			r.region = func() (string, error) { return "westeurope", nil }
		}
		location, err := r.region()
		return resource.NewPropertyMapFromMap(map[string]any{"id": workspaceID, "location": location}), err
	default:
		if r.world == nil {
			r.t.Errorf("the mocks know no function %s", args.Token)
		}
		switch answer := r.world[lookUpKey(args)].(type) {
		case error:
			return nil, answer
		case map[string]any:
			return resource.NewPropertyMapFromMap(answer), nil
		default:
			return nil, fmt.Errorf("%s was not found", lookUpKey(args))
		}
	}
}

// lookUpKey is a question: the function's name and its arguments, sorted.
func lookUpKey(args pulumi.MockCallArgs) string {
	parts := []string{args.Token[strings.LastIndex(args.Token, ":")+1:]}
	for _, key := range args.Args.StableKeys() {
		if v := args.Args[key]; v.IsString() && key != "resourceGroupName" && key != "workspaceName" {
			parts = append(parts, string(key)+"="+v.StringValue())
		}
	}
	return strings.Join(parts, " ")
}

func text(m resource.PropertyMap, key string) string {
	v := m[resource.PropertyKey(key)]
	if v.IsSecret() {
		v = v.SecretValue().Element
	}
	if !v.IsString() {
		return ""
	}
	return v.StringValue()
}

func with(m resource.PropertyMap, key, value string) resource.PropertyMap {
	m = m.Copy()
	m[resource.PropertyKey(key)] = resource.NewProperty(value)
	return m
}

func group(name string) string { return "/subscriptions/" + subscription + "/resourceGroups/" + name }

// guidOf is a GUID that Azure would have made up, made so that tests can predict it.
func guidOf(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(parts, "|"))).String()
}

// existingCompute answers the look-up of a cluster with a system-assigned identity.
func existingCompute(name string) map[string]resource.PropertyMap {
	return map[string]resource.PropertyMap{name: resource.NewPropertyMapFromMap(map[string]any{
		"id": workspaceID + "/computes/" + name, "name": name,
		"identity": map[string]any{"type": "SystemAssigned", "principalId": existingMI, "tenantId": tenant},
	})}
}
