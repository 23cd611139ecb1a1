// Package clouds has what differs from one of Azure's clouds to another, as facts/clouds.md gives it. A sandbox is in
// one of them: what belongs to another is unknown there.
package clouds

import (
	"slices"
	"strings"
)

// A Cloud is one of Azure's clouds. Audiences are resource URIs, hosts have no scheme.
type Cloud struct {
	Name            string   // as the Azure CLI says it
	words           []string // of azure-native:environment and azuread:environment
	Management      []string // audiences of Resource Manager
	Graph           string   // audience of Microsoft Graph
	MachineLearning string   // audience of batch endpoints
	Storage         string   // behind blob. and dfs.
	Workspaces      string   // behind the region, the API of workspaces
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

// government is US Government's. Impact level 5, that of the Department of Defense, has a Graph of its own.
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

// secret is a cloud of which the sheet has hosts and the exchange audience alone. That its Graph, portal and API of
// workspaces are called like the others is inferred; of its limits nothing is known, and the lowest stand.
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

// StorageAudience is every cloud's.
const StorageAudience = "https://storage.azure.com"

// Named finds a cloud by a name of it, in any letter case; "" is public Azure.
func Named(name string) (Cloud, bool) {
	for _, c := range all {
		if name == "" || strings.EqualFold(name, c.Name) || slices.Contains(c.words, strings.ToLower(name)) {
			return c, true
		}
	}
	return Cloud{}, false
}

// Of is the cloud of a name that was checked.
func Of(name string) Cloud {
	c, _ := Named(name)
	return c
}

// Names are those of the clouds.
func Names() (names []string) {
	for _, c := range all {
		names = append(names, c.Name)
	}
	return slices.Compact(names)
}

// OfStorage is the cloud whose storage a host lies in; false if none's.
func OfStorage(host string) (Cloud, bool) {
	for _, c := range all {
		if strings.HasSuffix(strings.ToLower(host), "."+c.Storage) {
			return c, true
		}
	}
	return Cloud{}, false
}
