package standin

import (
	"strings"

	"github.com/batchaccess/batchaccess/sdks/schemas"
)

var azureAD = packageSource{
	schemas: [][]byte{schemas.AzureAD},
	packageRules: packageRules{
		refuseUnknown: true,
		resources: map[string]resourceType{
			"azuread:index/application:Application": graphType{
				sets:  []string{"groupMembershipClaims", "identifierUris", "owners", "tags"},
				limit: principalLimit, make: makeApplication, fetch: fetchApplication, change: changeApplication,
				drop: dropAt("/v1.0"),
			},
			"azuread:index/servicePrincipal:ServicePrincipal": graphType{
				sets:  []string{"alternativeNames", "notificationEmailAddresses", "owners", "tags"},
				limit: principalLimit, make: makeServicePrincipal, fetch: fetchServicePrincipal, change: changeServicePrincipal,
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
				sets:  []string{"behaviors", "members", "owners", "provisioningOptions", "types"},
				limit: groupLimit, make: makeGroup, fetch: fetchGroup, change: changeGroup, drop: dropGroup,
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

// dropAt deletes a thing whose ID is its path. Unlike Resource Manager's, the real plugin takes "not found" as an
// error.
func dropAt(version string) func(graph, string) error {
	return func(g graph, id string) error { return g.removeAndWait(version + id) }
}

// childParts reads the IDs of things within another, "{parent}/kind/{child}".
func childParts(id, kind string) (parent, child string, ok bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 || parts[1] != kind {
		return "", "", false
	}
	return parts[0], parts[2], true
}

// keep copies into out what only the program or the state knows: settings that Graph does not answer.
func keep(out, known map[string]any, names ...string) {
	for _, name := range names {
		if v, ok := known[name]; ok {
			out[name] = v
		}
	}
}

// temporary is a name that the real plugin writes and overwrites while it makes a thing, to see that writes arrive.
const temporary = "TERRAFORM_UPDATE_"
