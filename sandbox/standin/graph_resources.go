package standin

import (
	_ "embed" // for the schema
	"strings"

	"github.com/batchaccess/batchaccess/sdks/schemas"
)

// blocksSchema has an application's properties that are objects. The project's own schema leaves them out, because it
// sets none, but the real plugin undoes changes that others make to them.
//
//go:embed schemas/azuread-blocks.json
var blocksSchema []byte

var azureAD = packageSource{
	schemas: [][]byte{schemas.AzureAD, blocksSchema},
	packageRules: packageRules{
		refuseUnknown: true, bridged: true,
		resources: map[string]resourceType{
			"azuread:index/application:Application": graphType{
				sets: []string{
					"appRoles", "groupMembershipClaims", "identifierUris", "owners", "publicClient.redirectUris",
					"requiredResourceAccesses", "singlePageApplication.redirectUris", "tags", "web.redirectUris",
				},
				// Defaults: terraform-provider-azuread, internal/services/applications/application_resource.go.
				defaults: map[string]any{"signInAudience": "AzureADMyOrg", "preventDuplicateNames": false,
					"appRoles.enabled": true},
				limit: principalLimit, make: makeApplication, fetch: fetchApplication, change: changeApplication,
				drop: dropAt("/v1.0"),
			},
			"azuread:index/servicePrincipal:ServicePrincipal": graphType{
				sets: []string{"alternativeNames", "notificationEmailAddresses", "owners", "tags"},
				// The same, internal/services/serviceprincipals/service_principal_resource.go.
				defaults: map[string]any{"accountEnabled": true},
				limit:    principalLimit, make: makeServicePrincipal, fetch: fetchServicePrincipal, change: changeServicePrincipal,
				drop: dropAt("/v1.0"),
			},
			"azuread:index/applicationPassword:ApplicationPassword": graphType{
				limit: credentialLimit, make: makePassword, fetch: fetchPassword, drop: dropPassword, parts: passwordParts,
			},
			"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential": graphType{
				limit: credentialLimit, make: makeFederatedCredential, fetch: fetchFederatedCredential,
				change: changeFederatedCredential,
				drop:   dropFederatedCredential, parts: federatedCredentialParts,
			},
			"azuread:index/group:Group": graphType{
				sets: []string{"behaviors", "members", "owners", "provisioningOptions", "types"},
				// The same, internal/services/groups/group_resource.go.
				defaults: map[string]any{"preventDuplicateNames": false, "writebackEnabled": false},
				limit:    groupLimit, make: makeGroup, fetch: fetchGroup, change: changeGroup, drop: dropGroup,
			},
			"azuread:index/groupMember:GroupMember": graphType{
				limit: memberLimit, make: makeMember, fetch: fetchMember, drop: dropMember, parts: memberParts,
			},
		},
		functions: map[string]function{
			"azuread:index/getUser:getUser":                         withGraph(getUser),
			"azuread:index/getGroup:getGroup":                       withGraph(getGroup),
			"azuread:index/getServicePrincipal:getServicePrincipal": withGraph(getServicePrincipal),
			"azuread:index/getClientConfig:getClientConfig":         withGraph(getClientConfig),
		},
	},
}

// dropAt deletes an object whose ID is its path. Unlike in Resource Manager, the real plugin treats "not found" as an
// error.
func dropAt(version string) func(graph, string) error {
	return func(g graph, id string) error { return g.removeAndWait(version + id) }
}

// childParts reads the IDs of objects inside another, "{parent}/kind/{child}".
func childParts(id, kind string) (parent, child string, ok bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 || parts[1] != kind {
		return "", "", false
	}
	return parts[0], parts[2], true
}

// keep copies values into out that only the program or the state has: Graph does not answer them.
func keep(out, known map[string]any, names ...string) {
	for _, name := range names {
		if v, ok := known[name]; ok {
			out[name] = v
		}
	}
}

// temporary is a name that the real plugin writes and overwrites while it makes an object, to see that writes arrive.
const temporary = "TERRAFORM_UPDATE_"
