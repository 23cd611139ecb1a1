// Package clouds has the differences between Azure's clouds, from facts/clouds.md. A sandbox is in one cloud, and
// does not know the names of the others.
package clouds

import (
	"slices"
	"strings"
)

// A Cloud is one of Azure's clouds. Audiences are resource URIs, hosts have no scheme.
type Cloud struct {
	Name            string   // the Azure CLI's
	words           []string // of azure-native:environment and azuread:environment
	Management      []string // audiences of Resource Manager
	Graph           string   // audience of Microsoft Graph
	MachineLearning string   // audience of batch endpoints
	Storage         string   // after blob. and dfs.
	Workspaces      string   // after the region: the API of workspaces
	Registries      string   // behind the name of a container registry; "" where the sheet has none
	Portal          string
	Exchange        string // audience of federated tokens
	MaxAssignments  int    // role assignments in a subscription
	MaxRoles        int    // custom roles in a tenant
}

var all = []Cloud{
	{
		Name: "AzureCloud", words: []string{"public", "global"},
		Management:      []string{"https://management.core.windows.net", "https://management.azure.com"},
		Graph:           "https://graph.microsoft.com",
		MachineLearning: "https://ml.azure.com", Storage: "core.windows.net", Workspaces: "api.azureml.ms",
		Registries: "azurecr.io",
		Portal:     "https://portal.azure.com", Exchange: "api://AzureADTokenExchange", MaxAssignments: 4000, MaxRoles: 5000,
	},
	government("https://graph.microsoft.us", "usgovernment", "usgovernmentl4"),
	government("https://dod-graph.microsoft.us", "usgovernmentl5", "dod"),
	{
		Name: "AzureChinaCloud", words: []string{"china"},
		Management: []string{
			"https://management.core.chinacloudapi.cn", "https://management.chinacloudapi.cn",
		},
		Graph:           "https://microsoftgraph.chinacloudapi.cn",
		MachineLearning: "https://ml.azure.cn", Storage: "core.chinacloudapi.cn", Workspaces: "api.ml.azure.cn",
		Registries: "azurecr.cn",
		Portal:     "https://portal.azure.cn", Exchange: "api://AzureADTokenExchangeChina",
		MaxAssignments: 2000, MaxRoles: 2000,
	},
	secret("USNat", "azure.eaglex.ic.gov", "core.eaglex.ic.gov"),
	secret("USSec", "azure.microsoft.scloud", "core.microsoft.scloud"),
}

// government is the cloud of the US Government. Impact level 5, for the Department of Defense, has its own Graph.
func government(graph string, words ...string) Cloud {
	return Cloud{
		Name: "AzureUSGovernment", words: words, Management: []string{
			"https://management.core.usgovcloudapi.net", "https://management.usgovcloudapi.net",
		},
		Graph: graph, MachineLearning: "https://ml.azure.us", Storage: "core.usgovcloudapi.net",
		Workspaces: "api.ml.azure.us", Registries: "azurecr.us",
		Portal: "https://portal.azure.us", Exchange: "api://AzureADTokenExchangeUSGov",
		MaxAssignments: 2000, MaxRoles: 5000,
	}
}

// secret is a cloud for which the sheet has only hosts and the exchange audience. The names of its Graph, portal and
// API of workspaces are inferred from the other clouds. Its limits are not known, so it has the lowest ones.
func secret(name, suffix, storage string) Cloud {
	return Cloud{
		Name: name, words: []string{strings.ToLower(name)}, Management: []string{
			"https://management." + storage, "https://management." + suffix,
		},
		Graph: "https://graph." + suffix, MachineLearning: "https://ml." + suffix, Storage: storage,
		Workspaces: "api.ml." + suffix, Portal: "https://portal." + suffix, Exchange: "api://AzureADTokenExchange" + name,
		MaxAssignments: 2000, MaxRoles: 2000,
	}
}

// StorageAudience is the same in every cloud.
const StorageAudience = "https://storage.azure.com"

// Named finds a cloud by one of its names, in any letter case; "" is public Azure.
func Named(name string) (Cloud, bool) {
	for _, c := range all {
		if name == "" || strings.EqualFold(name, c.Name) || slices.Contains(c.words, strings.ToLower(name)) {
			return c, true
		}
	}
	return Cloud{}, false
}

// Of returns the cloud with a name that was checked before.
func Of(name string) Cloud {
	c, _ := Named(name)
	return c
}

// Names are the names of the clouds.
func Names() (names []string) {
	for _, c := range all {
		names = append(names, c.Name)
	}
	return slices.Compact(names)
}

// OfStorage returns the cloud to whose storage a host belongs; false for none.
func OfStorage(host string) (Cloud, bool) {
	for _, c := range all {
		if strings.HasSuffix(strings.ToLower(host), "."+c.Storage) {
			return c, true
		}
	}
	return Cloud{}, false
}
