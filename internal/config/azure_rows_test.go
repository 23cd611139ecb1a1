package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/config"
)

// soundStack has no problem; each case of the table replaces some of its keys.
const soundStack = `
workspaceId: ` + soundGroup + `Microsoft.MachineLearningServices/workspaces/ws
location: westeurope
invokers: { ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 } }
clusters: { cpu: { vmSize: Standard_D4ds_v5 } }
storageAccounts: { lake: ` + soundGroup + `Microsoft.Storage/storageAccounts/lake }
dataInputs: { rows: { kind: blob, storageAccount: lake, container: rows } }
endpoints: { scorer: { cluster: cpu, inputs: [rows] } }
`

const (
	ci            = "invokers.ci.federatedCredentials.main."
	soundGroup    = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"
	soundIdentity = soundGroup + "Microsoft.ManagedIdentity/userAssignedIdentities/"
)

// credential is the stack with one federated credential.
func credential(text string) string {
	return "invokers: { ci: { kind: servicePrincipal, federatedCredentials: { main: { " + text + " } } } }"
}

// Inputs that Azure would refuse, or would accept silently and not apply, are reported before anything is made: path,
// fault and remedy. The rows are what Azure was believed to do; each has wrong inputs of its kind. A text that begins
// with "~" is a warning, because Azure may know more.
func TestEveryRowOfWhatAzureDoesHasWrongInputs(t *testing.T) {
	t.Parallel()
	// the wrong keys: path, part of the fault, part of the remedy
	for row, cases := range map[string]map[string]string{
		"regions": {
			"location: westeuropa":                          `~location|is no region that is known|mean "westeurope"?`,
			"location: west/europe":                         `~location|no region that is known here|did you mean "westeurope"?`,
			"location: [westeurope]":                        "location|is a list|write text",
			"clusters: { cpu: { location: 'mars-1' } }":     "~clusters.cpu.location|is no region|az account",
			"clusters: { cpu: { location: '' } }":           "clusters.cpu.location|is empty|leave the key out",
			"clusters: { cpu: { location: North Europa } }": `~clusters.cpu.location|no region|"northeurope"?`,
		},
		"names of clusters": {
			"clusters: { cpu: { computeName: c1 } }":   "clusters.cpu.computeName|2 characters|3 to 32",
			"clusters: { cpu: { computeName: 1cpu } }": "clusters.cpu.computeName|can't name|beginning with a letter",
			"clusters: { cpu: { computeName: cpu- } }": "clusters.cpu.computeName|can't name|letters, digits and hyphens",
			"clusters: { cpu: { computeName: c.pu } }": "clusters.cpu.computeName|can't name|letters, digits and hyphens",
			"clusters: { cpu: { computeName: " + strings.Repeat("c", 33) +
				" } }": "clusters.cpu.computeName|33 characters|3 to 32",
		},
		"names of endpoints and deployments": {
			"endpoints: { ab: { cluster: cpu, inputs: [rows] } }":   "endpoints.ab|is not the name of a batch endpoint|3 to 32",
			"endpoints: { a--b: { cluster: cpu, inputs: [rows] } }": "endpoints.a--b|is not the name|single hyphens",
			"endpoints: { 1ab: { cluster: cpu, inputs: [rows] } }":  "endpoints.1ab|is not the name|beginning with a letter",
			"endpoints: { scorer: { cluster: cpu, inputs: [rows], deployment: b- } }": "endpoints.scorer.deployment|is not " +
				"the name of a deployment|3 to 32",
			"endpoints: { scorer: { inputs: [rows], deployments: { a_b: { cluster: cpu } } } " +
				"}": "endpoints.scorer.deployments.a_b|is not the name of a deployment|3 to 32",
		},
		"identities of clusters": {
			"clusters: { cpu: { identity: both } }": "clusters.cpu.identity|does not support both|systemAssigned or " +
				"userAssigned",
			"clusters: { cpu: { identity: 'SystemAssigned,UserAssigned' } }": "clusters.cpu.identity|unknown value|did",
			"clusters: { cpu: { userAssignedIdentityId: " + soundIdentity +
				"a } }": "clusters.cpu.userAssignedIdentityId|identity is systemAssigned|set identity",
			"clusters: { cpu: { moreIdentityIds: [" + soundIdentity +
				"a] } }": "clusters.cpu.moreIdentityIds|identity is systemAssigned|set identity",
			"clusters: { cpu: { identity: userAssigned, userAssignedIdentityId: " + soundIdentity + "b, moreIdentityIds: [" +
				soundIdentity + "a] } }": "clusters.cpu.moreIdentityIds[0]|takes the first identity for the default|make",
		},
		"subjects of GitHub": {
			credential(`github: { repository: c/s, environment: "a\nb" }`): ci + "github.environment|white space|take it",
			credential("github: { repository: c/s, environment: p, branch: main " +
				"}"): "invokers.ci.federatedCredentials.main.github|2 kinds of runs|give one of",
			credential("github: { repository: 'c/s:x', environment: p " +
				"}"): "invokers.ci.federatedCredentials.main.github.repository|is not a repository|owner/name",
			credential("github: { repository: c/s, environment: '' " +
				"}"): "invokers.ci.federatedCredentials.main.github.environment|is empty|leave the key out",
			credential("github: { repository: c/s, branch: main, ownerId: 1 " +
				"}"): "invokers.ci.federatedCredentials.main.github|repositoryId|give",
			credential("github: { repository: c/s, branch: main, claims: [context] }"): "",
		},
		"clouds": {
			"environment: germany":  `environment|the cloud "germany" is not known|usgovernment`,
			"environment: public2":  `environment|is not known|did you mean "public"?`,
			"environment: [public]": "environment|is a list|write text",
			credential("github: { repository: c/s, branch: main }, audience: " +
				"'api://AzureADTokenExchangeUSGov'"): "~invokers.ci.federatedCredentials.main.audience|in another " +
				"cloud|api://AzureADTokenExchange",
		},
		"data assets": {
			"dataInputs: { rows: { kind: dataAsset, dataAsset: a, version: latest, dataStore: s, credentialInStore: true } " +
				"}": `dataInputs.rows.version|"latest" is a label|az ml data list`,
			"dataInputs: { rows: { kind: dataAsset, dataAsset: a, version: '1@latest', dataStore: s, credentialInStore: true " +
				"} }": "dataInputs.rows.version|is a label|write the version",
			"dataInputs: { rows: { kind: dataAsset, dataAsset: 'a:1', version: '1', dataStore: s, credentialInStore: true } " +
				"}": "dataInputs.rows.dataAsset|is not a name in the workspace|its version as version",
			"dataInputs: { rows: { kind: dataAsset, dataAsset: 'azureml://registries/r/data/a/versions/1', version: '1', " +
				"dataStore: s, credentialInStore: true } }": "dataInputs.rows.dataAsset|is not a name in the workspace|alone",
			"dataInputs: { rows: { kind: model, dataAsset: a, version: '1' } " +
				"}": `dataInputs.rows.kind|unknown value "model"|dataAsset`,
			"dataInputs: { rows: { kind: mltable, dataAsset: a, version: '1' } " +
				"}": `dataInputs.rows.kind|unknown value "mltable"|dataAsset`,
		},
		"deployments": {
			"endpoints: { scorer: { cluster: cpu, inputs: [rows], deployments: { blue: { cluster: cpu } } } " +
				"}": "endpoints.scorer.cluster|does not go with deployments|leave it out",
			"endpoints: { scorer: { inputs: [rows], deployments: { blue: { cluster: gpu } } } " +
				"}": `endpoints.scorer.deployments.blue.cluster|no cluster is called "gpu"|use cpu`,
			"endpoints: { scorer: { inputs: [rows], deployments: { blue: { cluster: cpu } }, deployment: red } " +
				"}": `endpoints.scorer.deployment|no deployment of the endpoint is called "red"|use blue`,
			"endpoints: { scorer: { inputs: [rows], deployments: {} } }": "endpoints.scorer.deployments|is empty|name the " +
				"endpoint's deployments",
		},
		"public data": {
			"dataInputs: { rows: { kind: public, url: 'http://a.blob.core.windows.net/c/x' } }": "dataInputs.rows.url|is no " +
				"https URL|write https://",
			"dataInputs: { rows: { kind: public, url: 'https://a.blob.core.windows.net/' } }": "dataInputs.rows.url|is no " +
				"https URL|write https://",
			"dataInputs: { rows: { kind: public, url: 'https://a.blob.core.windows.net/c/../d' } " +
				"}": "dataInputs.rows.url|leaves its folder|without . and ..",
			"dataInputs: { rows: { kind: public, url: 'https://a.blob.core.windows.net/c/%2e%2e/d' } " +
				"}": "dataInputs.rows.url|leaves its folder|without . and ..",
			"dataInputs: { rows: { kind: public, url: 'https://a.blob.core.windows.net/c?sig=abc' } " +
				"}": "dataInputs.rows.url|holds more than the place|a SAS would be a secret",
			"dataInputs: { rows: { kind: public, url: 'https://user:pw@a.blob.core.windows.net/c/x' } " +
				"}": "dataInputs.rows.url|holds more than the place|before @",
			"dataInputs: { rows: { kind: public, url: 'https://example.com/x' } }": "~dataInputs.rows.url|at no storage " +
				"account of this cloud|*.blob.core.windows.net",
			"dataInputs: { rows: { kind: public, url: 'https://a.blob.core.usgovcloudapi.net/c/x' } " +
				"}": "~dataInputs.rows.url|at no storage account of this cloud|*.dfs.core.windows.net",
			"dataInputs: { rows: { kind: public, url: 'https://core.windows.net.example.com/c/x' } " +
				"}": "~dataInputs.rows.url|at no storage account of this cloud|*.blob",
			"dataInputs: { rows: { kind: public } }": "dataInputs.rows.url|is missing|https URL",
			"dataInputs: { rows: { kind: public, storageAccount: lake, url: 'https://a.blob.core.windows.net/c/x' } " +
				"}": "dataInputs.rows.storageAccount|means nothing for public|leave it out",
		},
		"built-in roles": {
			"role: { builtIn: Azure AI Admin }":               "role.builtIn|unknown value|Azure AI Administrator",
			"role: { builtIn: Reader }":                       "role.builtIn|unknown value|Contributor",
			"role: { builtIn: Owner, additions: [pollJobs] }": "role.builtIn|can't be renamed or added to|leave out",
			"role: { builtIn: '' }":                           "role.builtIn|is empty|leave the key out",
		},
		"issuers": {
			credential("issuer: 'https://login.example', subject: s"): "~" + ci + "issuer|no issuer that is known|iss claim",
			credential("issuer: 'https://gitlab.contoso.com', subject: s"): "~" + ci + "issuer|Entra decides|letter by " +
				"letter",
			credential("issuer: 'https://api.pulumi.com/oidc/x', subject: s"): "~" + ci + "issuer|no issuer that is known|iss " +
				"claim",
			credential("gitlab: { project: x, branch: main }"): "invokers.ci.federatedCredentials.main.gitlab.project|is not " +
				"the path|group/project",
			credential("gitlab: { project: g/x, projectId: 3, branch: main " +
				"}"): "invokers.ci.federatedCredentials.main.gitlab|twice a project|give project",
			credential("azureDevOps: { organizationId: x }"): ci + "azureDevOps.organizationId|is not a GUID|Azure DevOps",
			credential("kubernetes: { issuer: http://x/, namespace: n, serviceAccount: s " +
				"}"): "invokers.ci.federatedCredentials.main.kubernetes.issuer|is not an https URL|az aks show",
			credential("terraform: { organization: o, project: p, workspace: w, runPhase: deploy " +
				"}"): "invokers.ci.federatedCredentials.main.terraform.runPhase|unknown value|plan, apply",
			credential("pulumiEsc: { organization: o, project: p " +
				"}"): "invokers.ci.federatedCredentials.main.pulumiEsc.environment|is missing|as " +
				"it stands in the tokens",
			credential("bitbucket: { x: 1 }"): "invokers.ci.federatedCredentials.main.bitbucket|unknown key|issuer, subject",
			credential("issuer: 'https://token.actions.githubusercontent.com/', subject: " +
				"x"): "invokers.ci.federatedCredentials.main.issuer|is not what stands in the tokens|or github",
			credential("issuer: 'https://GitLab.com', subject: x"): "invokers.ci.federatedCredentials.main.issuer|is not what " +
				"stands in the tokens|write https://gitlab.com",
			credential("issuer: 'https://unknown.example', subject: " +
				"'x*'"): "invokers.ci.federatedCredentials.main.subject|holds a wildcard|in full",
			credential("issuer: 'https://token.actions.githubusercontent.com/contoso', subject: 'repo:x'"): "",
			credential("issuer: 'https://ghe.contoso.com/_services/token', subject: 'repo:x'"):             "",
		},
		"sizes": {
			"clusters: { cpu: { vmSize: Standard_DS3_v2 } }": "~clusters.cpu.vmSize|retirement Azure has set for " +
				"2028-05-01|Standard_D4ds_v5",
			"clusters: { cpu: { vmSize: standard_nc6s_v3 } }": "~clusters.cpu.vmSize|retirement Azure has set for " +
				"2025-09-30|choose a newer",
			"clusters: { cpu: { vmSize: D4 } }": `~clusters.cpu.vmSize|"D4" is no size that is known here|az vm list-sizes`,
			"clusters: { cpu: { vmSize: 'Standard D4s v5' } }": "~clusters.cpu.vmSize|is no size that is known " +
				"here|Standard_D4ds_v5",
			"clusters: { cpu: { vmSize: Standard_Q9000_v7 } }": "~clusters.cpu.vmSize|is no size that is known here|az vm " +
				"list-sizes",
			"clusters: { cpu: { vmSize: '' } }":                       "clusters.cpu.vmSize|is empty|leave the key out",
			"clusters: { cpu: { vmSize: Standard_E96-24ads_v5 } }":    "",
			"clusters: { cpu: { vmSize: Standard_NC24ads_A100_v4 } }": "",
		},
	} {
		refused := 0
		for text, want := range cases {
			if want != "" {
				refused++
			}
			t.Run(row+"/"+text, func(t *testing.T) {
				t.Parallel()
				saysOf(t, text, want)
			})
		}
		assert.GreaterOrEqual(t, refused, 3, row)
	}
	_, ps := config.Decode(read(t, soundStack))
	assert.Empty(t, ps)
}

func read(t *testing.T, text string) (values map[string]any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(text), &values))
	return values
}

// saysOf looks for the problem of the sound stack with the keys of a text; "" means none.
func saysOf(t *testing.T, text, want string) {
	t.Helper()
	values := read(t, soundStack)
	maps.Copy(values, read(t, text))
	_, ps := config.Decode(values)
	if want == "" {
		assert.NoError(t, ps.Err())
		assert.NotContains(t, ps.Warnings(), "known here")
		return
	}
	path, rest, _ := strings.Cut(want, "|")
	what, fix, _ := strings.Cut(rest, "|")
	path, warning := strings.CutPrefix(path, "~")
	for _, p := range ps {
		if p.Path == path && strings.Contains(p.What, what) && strings.Contains(p.Fix, fix) && p.Warning == warning {
			if warning {
				assert.NoError(t, ps.Err(), "it is allowed")
			}
			return
		}
	}
	t.Errorf("nothing says %q; said is:\n%s", want, ps)
}
