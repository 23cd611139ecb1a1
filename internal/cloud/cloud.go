// Package cloud says what differs between Azure's clouds: one row for each cloud, from facts/clouds.md. It does no I/O.
package cloud

import (
	"net/url"
	"slices"
	"strings"
)

// A Cloud is one of Azure's clouds. Addresses are hosts; suffixes have no dot at the start.
type Cloud struct {
	// Name is the Azure CLI's name for it, Environment the value of azure-native:environment and ARM_ENVIRONMENT.
	Name, Environment string
	// Word is a value of azuread:environment alone; "" if that takes Environment too.
	Word string
	// Authority is Entra's host; ResourceManager and Graph are the hosts of the services.
	Authority, ResourceManager, Graph string
	// MLAudience is the audience of tokens for batch endpoints.
	MLAudience string
	// Scoring is the suffix of the hosts at which batch endpoints are invoked; Storage is the suffix of storage
	// accounts, after blob. or dfs.
	Scoring, Storage string
	// ExchangeAudience is the audience of federated tokens.
	ExchangeAudience string
	// Limits of role assignments in a subscription and custom roles in a tenant.
	MaxRoleAssignments, MaxCustomRoles int

	words       []string // other names of Environment
	authorities []string // other hosts of Authority
}

// clouds are the rows, public Azure first. That batch endpoints have the scoring hosts of online endpoints is inferred.
// If the sheet gives no limit for a cloud, the row has the lower one.
var clouds = []Cloud{
	{
		Name: "AzureCloud", Environment: "public", words: []string{"global"},
		Authority: "login.microsoftonline.com", ResourceManager: "management.azure.com", Graph: "graph.microsoft.com",
		authorities: []string{"login.windows.net", "login.microsoft.com", "sts.windows.net"},
		MLAudience:  "https://ml.azure.com", Scoring: "inference.ml.azure.com", Storage: "core.windows.net",
		ExchangeAudience: "api://AzureADTokenExchange", MaxRoleAssignments: 4000, MaxCustomRoles: 5000,
	},
	{
		Name: "AzureUSGovernment", Environment: "usgovernment", words: []string{"usgovernmentl4"},
		Authority: "login.microsoftonline.us", ResourceManager: "management.usgovcloudapi.net", Graph: "graph.microsoft.us",
		authorities: []string{"login.usgovcloudapi.net"},
		MLAudience:  "https://ml.azure.us", Scoring: "inference.ml.azure.us", Storage: "core.usgovcloudapi.net",
		ExchangeAudience: "api://AzureADTokenExchangeUSGov", MaxRoleAssignments: 2000, MaxCustomRoles: 5000,
	},
	{ // the same cloud; the Department of Defense has its own Graph
		Name: "AzureUSGovernment", Environment: "usgovernment", Word: "usgovernmentl5", words: []string{"dod"},
		Authority: "login.microsoftonline.us", ResourceManager: "management.usgovcloudapi.net",
		Graph:      "dod-graph.microsoft.us",
		MLAudience: "https://ml.azure.us", Scoring: "inference.ml.azure.us", Storage: "core.usgovcloudapi.net",
		ExchangeAudience: "api://AzureADTokenExchangeUSGov", MaxRoleAssignments: 2000, MaxCustomRoles: 5000,
	},
	{
		Name: "AzureChinaCloud", Environment: "china",
		Authority: "login.chinacloudapi.cn", ResourceManager: "management.chinacloudapi.cn",
		Graph:       "microsoftgraph.chinacloudapi.cn",
		authorities: []string{"login.partner.microsoftonline.cn"},
		MLAudience:  "https://ml.azure.cn", Scoring: "inference.ml.azure.cn", Storage: "core.chinacloudapi.cn",
		ExchangeAudience: "api://AzureADTokenExchangeChina", MaxRoleAssignments: 2000, MaxCustomRoles: 2000,
	},
	{
		Name: "USNat", Environment: "usnat",
		Authority: "login.microsoftonline.eaglex.ic.gov", ResourceManager: "management.azure.eaglex.ic.gov",
		MLAudience: "https://ml.azure.eaglex.ic.gov", Scoring: "inference.ml.azure.eaglex.ic.gov",
		Storage:          "core.eaglex.ic.gov",
		ExchangeAudience: "api://AzureADTokenExchangeUSNat", MaxRoleAssignments: 2000, MaxCustomRoles: 2000,
	},
	{
		Name: "USSec", Environment: "ussec",
		Authority: "login.microsoftonline.microsoft.scloud", ResourceManager: "management.azure.microsoft.scloud",
		MLAudience: "https://ml.azure.microsoft.scloud", Scoring: "inference.ml.azure.microsoft.scloud",
		Storage:          "core.microsoft.scloud",
		ExchangeAudience: "api://AzureADTokenExchangeUSSec", MaxRoleAssignments: 2000, MaxCustomRoles: 2000,
	},
}

// Public returns public Azure.
func Public() Cloud { return clouds[0] }

// All returns the clouds, public Azure first.
func All() []Cloud { return slices.Clone(clouds) }

// Environments lists the words for the clouds.
func Environments() (words []string) {
	for _, c := range clouds {
		words = append(words, c.Environment)
	}
	return slices.Compact(words)
}

// ByEnvironment finds a cloud by any name that azure-native, azuread or the Azure CLI has for it; "" is public Azure.
func ByEnvironment(word string) (Cloud, bool) {
	if word == "" {
		return Public(), true
	}
	return find(func(c Cloud) bool {
		return slices.ContainsFunc(append([]string{c.Environment, c.Name, c.Word}, c.words...),
			func(w string) bool { return strings.EqualFold(w, word) })
	})
}

// ByScoringURI finds the cloud that the host of a batch endpoint lies in.
func ByScoringURI(uri string) (Cloud, bool) {
	return byHost(uri, func(c Cloud, host string) bool { return strings.HasSuffix(host, "."+c.Scoring) })
}

// ByStorageURL finds the cloud that a storage account lies in.
func ByStorageURL(address string) (Cloud, bool) {
	return byHost(address, func(c Cloud, host string) bool { return strings.HasSuffix(host, "."+c.Storage) })
}

// ByResourceManager finds the cloud whose Resource Manager has the address.
func ByResourceManager(address string) (Cloud, bool) {
	return byHost(address, func(c Cloud, host string) bool { return host == c.ResourceManager })
}

// ByAuthority finds the cloud whose Entra has the address, under any of its names.
func ByAuthority(address string) (Cloud, bool) {
	return byHost(address, func(c Cloud,
		host string) bool {
		return host == c.Authority || slices.Contains(c.authorities, host)
	})
}

func byHost(address string, is func(c Cloud, host string) bool) (Cloud, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return Cloud{}, false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return find(func(c Cloud) bool { return is(c, host) })
}

func find(is func(Cloud) bool) (Cloud, bool) {
	if i := slices.IndexFunc(clouds, is); i >= 0 {
		return clouds[i], true
	}
	return Cloud{}, false
}

// MLAudienceOf derives the audience of tokens for batch endpoints in a cloud that is in no table from the address of
// its portal, as azure-ai-ml does. "" if the address has another form.
func MLAudienceOf(portal string) string {
	u, err := url.Parse(portal)
	if err != nil {
		return ""
	}
	if suffix, ok := strings.CutPrefix(strings.ToLower(u.Hostname()), "portal.azure."); ok && suffix != "" {
		return "https://ml.azure." + suffix
	}
	return ""
}

// nearly is the share of a limit, in percent, from which a stack warns.
const nearly = 80

// NearLimit reports whether n is at 80 % of the limit or more.
func NearLimit(n, limit int) bool { return n*100 >= limit*nearly }
