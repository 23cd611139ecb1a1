package config_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/problem"
)

func devStack(t *testing.T) map[string]any {
	t.Helper()
	values, err := config.ReadStack("../..", "dev")
	require.NoError(t, err)
	return values
}

func TestTheSampleStackIsWithoutAProblem(t *testing.T) {
	t.Parallel()
	args, ps := config.Decode(devStack(t))
	require.Empty(t, ps)
	const workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/" +
		"Microsoft.MachineLearningServices/workspaces/scoring-dev"
	no := false
	m := args.Model()
	assert.Equal(t, workspace, m.WorkspaceID.Text())
	assert.Equal(t, pulumi.String("westeurope"), args.Location, "taken from azure-native:location")
	assert.Equal(t, access.Role{Additions: []string{"pollJobs"}}, m.Role)
	assert.Equal(t, access.Invoker{Kind: access.Group, PrincipalID: access.Known("22222222-2222-4222-8222-222222222222")},
		m.Invokers["analysts"])
	assert.Equal(t, signin.GitHubSubject{Repository: "contoso/scoring", OwnerID: 1001, RepositoryID: 2002, Branch: "main"},
		*m.Invokers["pipeline"].FederatedCredentials["main"].GitHub)
	assert.Equal(t, access.Invoker{Kind: access.ManagedIdentity}, m.Invokers["scheduler"])
	start, end, ps := m.Invokers["partner"].ClientSecrets["2026"].Period()
	require.NoError(t, ps.Err(), "YAML reads an unquoted date as a time")
	assert.Equal(t, []time.Time{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2028, 10, 31, 0, 0, 0, 0, time.UTC)}, []time.Time{start, end})
	assert.Equal(t, access.Cluster{ComputeName: "gpu-scoring", Identity: access.UserAssigned}, m.Clusters["gpu"])
	assert.Equal(t, pulumi.Int(4), args.Clusters["cpu"].MaxNodeCount)
	assert.Equal(t, "heart-disease", m.DataInputs["patients"].Path)
	assert.Equal(t, &no, m.DataInputs["labels"].CredentialInStore)
	assert.Equal(t, []string{"analysts", "pipeline", "partner", "data-factory"}, m.Endpoints["heart-classifier"].Invokers)
	assert.Equal(t, pulumi.StringMap{"team": pulumi.String("scoring"), "environment": pulumi.String("dev")}, args.Tags)
	for kind, n := range map[string]int{"invokers": len(m.Invokers), "clusters": len(m.Clusters),
		"inputs": len(m.DataInputs), "endpoints": len(m.Endpoints)} {
		assert.Equal(t, map[string]int{"invokers": 6, "clusters": 2, "inputs": 5, "endpoints": 2}[kind], n, kind)
	}
}

func TestPulumiYAMLAndTheDecoderKnowTheSameKeys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	var declared struct {
		Config map[string]struct{ Type, Description string }
	}
	require.NoError(t, yaml.Unmarshal(text, &declared))
	var keys []string
	for key, c := range declared.Config {
		keys = append(keys, key)
		assert.NotEmpty(t, c.Description, key)
	}
	assert.ElementsMatch(t, keys, config.Keys())
}

// laidOver is the sample with some keys replaced.
func laidOver(t *testing.T, text string) map[string]any {
	t.Helper()
	values := devStack(t)
	var over map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &over))
	for key, value := range over {
		values[key] = value
	}
	return values
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml            string
		path, what, fix string
	}{
		"an unknown key at the top": {`{workspaceID: x}`, "workspaceID", "unknown key", `did you mean "workspaceId"?`},
		"in a cluster": {`{clusters: {cpu: {vmSiz: x}}}`, "clusters.cpu.vmSiz", "unknown key",
			`did you mean "vmSize"?`},
		"in a subject": {`{invokers: {p: {kind: servicePrincipal, federatedCredentials: {f: {github: {repo: a/b}}}}}}`,
			"invokers.p.federatedCredentials.f.github.repo", "unknown key", "use repository"},
		"in the role":             {`{role: {builtin: Owner}}`, "role.builtin", "unknown key", `did you mean "builtIn"?`},
		"a list for an object":    {`{clusters: [cpu]}`, "clusters", "is a list", "write an object of names"},
		"text for an object":      {`{role: Owner}`, "role", `is "Owner"`, "write an object with scope, name"},
		"text for a named object": {`{invokers: {alice: user}}`, "invokers.alice", `is "user"`, "write an object with kind"},
		"an object for text":      {`{location: {a: b}}`, "location", "is an object", "write text"},
		"a truth for text":        {`{location: true}`, "location", "is true", "write text"},
		"text for a list": {`{endpoints: {e: {cluster: cpu, inputs: images}}}`, "endpoints.e.inputs", `is "images"`,
			"write a list"},
		"an object in a list": {`{endpoints: {e: {cluster: cpu, inputs: [images, {a: b}]}}}`, "endpoints.e.inputs[1]",
			"is an object", "write text"},
		"text for a number": {`{clusters: {cpu: {maxNodeCount: four}}}`, "clusters.cpu.maxNodeCount", `is "four"`,
			"write a whole number"},
		"half a node": {`{clusters: {cpu: {maxNodeCount: 1.5}}}`, "clusters.cpu.maxNodeCount", "is 1.5",
			"write a whole number"},
		"a truth for a number": {`{clusters: {cpu: {maxNodeCount: true}}}`, "clusters.cpu.maxNodeCount", "is true",
			"write a whole number"},
		"more than any number": {`{clusters: {cpu: {maxNodeCount: 1e300}}}`, "clusters.cpu.maxNodeCount", "is 1e+300",
			"write a whole number"},
		"text for a truth": {`{protect: maybe}`, "protect", `is "maybe"`, "write true or false"},
		"text for an optional truth": {`{dataInputs: {a: {kind: dataStore, credentialInStore: perhaps}}}`,
			"dataInputs.a.credentialInStore", `is "perhaps"`, "write true or false"},
		"a number that lost a zero": {`{dataInputs: {a: {kind: dataAsset, dataAsset: a, version: 3.10}}}`,
			"dataInputs.a.version", "is the number 3.1", "write it in quotes"},
		"an object for a tag": {`{tags: {team: {a: b}}}`, "tags.team", "is an object", "write text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := config.Decode(laidOver(t, c.yaml))
			at := slices.IndexFunc(ps, func(p problem.Problem) bool { return p.Path == c.path })
			require.GreaterOrEqual(t, at, 0, "%s among %v", c.path, ps)
			assert.Equal(t, c.what, ps[at].What)
			assert.Contains(t, ps[at].Fix, c.fix)
			require.Error(t, ps.Err())
		})
	}
}

func TestWhatYAMLMadeSomethingElseOfIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, path, what, fix string }{
		"a date": {"dataInputs: {a: {version: 2025-01-31}}", "dataInputs.a.version",
			"is the date 2025-01-31, which YAML reads as a time", "in quotes"},
		"an octal number": {"dataInputs: {a: {version: 010}}", "dataInputs.a.version", "is 010, which YAML reads as 8",
			"in quotes"},
		"an exponent": {"dataInputs: {a: {version: 1e3}}", "dataInputs.a.version", "is 1e3, which YAML reads as 1000",
			"in quotes"},
		"hexadecimal": {"dataInputs: {a: {path: 0x1F}}", "dataInputs.a.path", "is 0x1F, which YAML reads as 31", "in quotes"},
		"a lost zero": {"dataInputs: {a: {version: 3.0}}", "dataInputs.a.version", "is 3.0, which YAML reads as 3",
			"in quotes"},
		"underscores": {"dataInputs: {a: {version: 1_000}}", "dataInputs.a.version", "is 1_000, which YAML reads as 1000",
			"in quotes"},
		"a sign": {"dataInputs: {a: {version: +5}}", "dataInputs.a.version", "is +5, which YAML reads as 5", "in quotes"},
		"too many digits": {"dataInputs: {a: {version: 123456789012345678901234567890}}", "dataInputs.a.version",
			"which YAML reads as 1.2345678901234568e+29", "in quotes"},
		"in a list": {"endpoints: {e: {cluster: cpu, inputs: [010]}}", "endpoints.e.inputs[0]",
			"is 010, which YAML reads as 8", "in quotes"},
		"a truth for text": {"dataInputs: {a: {version: true}}", "dataInputs.a.version", "is true", "in quotes"},
		"a tag":            {"tags: {release: 1e3}", "tags.release", "is 1e3, which YAML reads as 1000", "in quotes"},
		"at the top":       {"location: 010", "location", "is 010, which YAML reads as 8", "in quotes"},
		"an octal for count": {"clusters: {cpu: {maxNodeCount: 010}}", "clusters.cpu.maxNodeCount",
			"is 010, which YAML reads as 8", "a whole number"},
		"a count in quotes": {`clusters: {cpu: {maxNodeCount: "010"}}`, "clusters.cpu.maxNodeCount", `is "010"`,
			"a whole number"},
		"yes":             {"clusters: {cpu: {existing: yes}}", "clusters.cpu.existing", `is "yes"`, "write true or false"},
		"one for a truth": {"protect: 1", "protect", "is 1", "write true or false"},
		"a name":          {"clusters: {010: {vmSize: x}}", "clusters.010", "is a name that YAML reads as 8", "in quotes"},
		"a date as a name": {"clusters: {2026-11-01: {vmSize: x}}", "clusters.2026-11-01",
			"is a name that YAML reads as 2026-11-01 00:00:00 +0000 UTC", "in quotes"},
		"a truth as a name": {"clusters: {True: {vmSize: x}}", "clusters.True",
			"is a name that YAML reads as true", "in quotes"},
		"nothing as a name": {"clusters: {null: {vmSize: x}}", "clusters.null",
			"is a name that YAML reads as <nil>", "in quotes"},
		"a fraction's name": {"tags: {0.00001: x}", "tags.0.00001", "is a name that YAML reads as 1e-05", "in quotes"},
		"an alias": {"dataInputs: {a: {path: &n 010}, b: {version: *n}}", "dataInputs.b.version",
			"is 010, which YAML reads as 8", "in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := config.ReadStackText([]byte(ownKeys(c.yaml)), "Pulumi.x.yaml", "batchaccess")
			require.NoError(t, err)
			_, ps := config.Decode(values)
			at := slices.IndexFunc(ps, func(p problem.Problem) bool { return p.Path == c.path })
			require.GreaterOrEqual(t, at, 0, "%s among %v", c.path, ps)
			assert.Contains(t, ps[at].What, c.what)
			assert.Contains(t, ps[at].Fix, c.fix)
		})
	}
}

// ownKeys is the text of a stack's file with that key.
func ownKeys(text string) string { return "config:\n  batchaccess:" + text + "\n" }

func TestEmptyIsNeverEverybody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, path, what string }{
		"invokers without a value": {"{endpoints: {e: {cluster: cpu, inputs: [images], invokers: }}}", "endpoints.e.invokers",
			"has no value"},
		"endpoints without a value":  {"{endpoints: }", "endpoints", "has no value"},
		"endpoints as an empty text": {`{endpoints: ""}`, "endpoints", `is ""`},
		"assertions as one":          {`{assertions: ""}`, "assertions", `is ""`},
		"a truth as one":             {`{checkPrincipals: ""}`, "checkPrincipals", `is ""`},
		"a container as one": {`{dataInputs: {a: {kind: blob, storageAccount: lake, container: ""}}}`,
			"dataInputs.a.container", "is empty"},
		"a blank container": {`{dataInputs: {a: {kind: blob, storageAccount: lake, container: "  "}}}`,
			"dataInputs.a.container", "is empty"},
		"a blank display name": {`{invokers: {a: {kind: group, displayName: " "}}}`, "invokers.a.displayName", "is empty"},
		"a blank invoker": {`{endpoints: {e: {cluster: cpu, inputs: [images], invokers: ["\t"]}}}`,
			"endpoints.e.invokers[0]", "is empty"},
		"a container without one": {`{dataInputs: {a: {kind: blob, storageAccount: lake, container: }}}`,
			"dataInputs.a.container", "has no value"},
		"an object ID": {`{invokers: {a: {kind: servicePrincipal, objectId: "", signIn: none}}}`, "invokers.a.objectId",
			"is empty"},
		"a storage account": {`{storageAccounts: {lake: }}`, "storageAccounts.lake", "has no value"},
		"an item of a list": {`{endpoints: {e: {cluster: cpu, invokers: [~]}}}`, "endpoints.e.invokers[0]", "has no value"},
		"an empty item":     {`{endpoints: {e: {cluster: cpu, invokers: [""]}}}`, "endpoints.e.invokers[0]", "is empty"},
		"the workspace":     {`{workspaceId: }`, "workspaceId", "is missing"},
		"the role's scope":  {`{role: {scope: ""}}`, "role.scope", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := config.Decode(laidOver(t, c.yaml))
			var found access.Problems
			for _, p := range ps {
				if p.Path == c.path {
					found = append(found, p)
				}
			}
			require.Len(t, found, 1, "%s among %v", c.path, ps)
			assert.Equal(t, c.what, found[0].What)
			require.Error(t, found.Err())
		})
	}
	args, _ := config.Decode(laidOver(t, "{endpoints: {e: {cluster: cpu, inputs: [images], invokers: []}, f: {cluster: "+
		"cpu}}}"))
	assert.Equal(t, []string{}, args.Endpoints["e"].Invokers, "nobody")
	assert.Nil(t, args.Endpoints["f"].Invokers, "not given")
	args, _ = config.Decode(laidOver(t, `{tags: {empty: ""}}`))
	assert.Equal(t, pulumi.StringMap{"empty": pulumi.String("")}, args.Tags, "Azure has empty tags")
}

func TestAConsequenceOfWhatCouldNotBeReadIsNoSecondProblem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"all clusters": {`{clusters: [cpu]}`, []string{"clusters"}},
		"all invokers": {`{invokers: [analysts]}`, []string{"invokers"}},
		"all accounts": {`{storageAccounts: lake}`, []string{"storageAccounts"}},
		"all inputs":   {`{dataInputs: [patients]}`, []string{"dataInputs"}},
		"all outputs":  {`{dataOutputs: [scores]}`, []string{"dataOutputs"}},
		"what decides the rest": {
			`{dataInputs: {patients: {kind: [blob], container: patients}}, endpoints: {}, assertions: {}}`,
			[]string{"dataInputs.patients.kind", "endpoints"},
		},
		"and what is wrong, too": {`{clusters: {cpu: {existing: maybe, vmPriority: Low}, gpu: {}}}`,
			[]string{"clusters.cpu.existing", "clusters.cpu.vmPriority"}},
		"not in what another one's name only begins with": {
			`{dataInputs: {patients: {kind: blob, storageAccount: lake}, patients.b: {kind: [blob]}},
				endpoints: {}, assertions: {}}`,
			[]string{"dataInputs.patients.container", "dataInputs.patients.b.kind", "endpoints"},
		},
		"a list around what is right": {
			`{endpoints: {heart: {cluster: [cpu], inputs: [patients, none, [x]]}}, assertions: {}, dataInputs: {patients: {
				kind: blob, storageAccount: lake, container: patients}}}`,
			[]string{"endpoints.heart.cluster", "endpoints.heart.inputs[1]", "endpoints.heart.inputs[2]"},
		},
		"an entry": {`{invokers: {analysts: {kind: group}, x: [1]}, endpoints: {}, assertions: {}, dataInputs: {}}`,
			[]string{"invokers.analysts.objectId", "invokers.x", "endpoints"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := config.DecodeStack(laidOver(t, c.yaml))
			var paths []string
			for _, p := range ps {
				paths = append(paths, p.Path)
			}
			assert.ElementsMatch(t, c.want, paths)
		})
	}
}

func TestNoLocationIsAskedForWhereItIsNotKnownWhetherAnythingIsMade(t *testing.T) {
	t.Parallel()
	values := laidOver(t,
		`{clusters: {cpu: {existing: maybe}, gpu: {}}, invokers: {robot: {kind: managedIdentity, principalId: [x]}}}`)
	delete(values, "location")
	_, ps := config.DecodeStack(values)
	require.Equal(t, "location", ps[0].Path)
	assert.Equal(t, "is required: the stack makes cluster gpu", ps[0].What)
}

func TestALocationIsAskedForWhereSomethingIsMadeThatNeedsOne(t *testing.T) {
	t.Parallel()
	const existing = "{existing: true, computeName: cpu, principalId: 44444444-4444-4444-8444-444444444444}"
	const known = "{kind: managedIdentity, principalId: 55555555-5555-4555-8555-555555555555}"
	for name, c := range map[string]struct{ location, cpu, gpu, scheduler, made string }{
		"nothing is made": {"", existing, existing, known, ""},
		"a cluster":       {"", existing, "{}", known, "cluster gpu"},
		"two, and an identity": {"", "{}", "{}", "{kind: managedIdentity}",
			"cluster cpu, cluster gpu, managed identity scheduler"},
		"a cluster that has its own": {"", "{location: westeurope}", existing, known, ""},
		"there is one":               {"westeurope", "{}", "{}", "{kind: managedIdentity}", ""},
		"an identity that is found": {"", existing, existing,
			"{kind: managedIdentity, clientId: 55555555-5555-4555-8555-555555555555}", ""},
		"a service principal needs none": {"", existing, existing, "{kind: servicePrincipal}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := devStack(t)
			values["location"] = c.location
			for at, text := range map[[2]string]string{{"clusters", "cpu"}: c.cpu, {"clusters", "gpu"}: c.gpu,
				{"invokers", "scheduler"}: c.scheduler} {
				var value any
				require.NoError(t, yaml.Unmarshal([]byte(text), &value))
				values[at[0]].(map[string]any)[at[1]] = value
			}
			_, ps := config.DecodeStack(values)
			says := ""
			for _, p := range ps {
				if p.Path == "location" {
					says += p.What
				}
			}
			if c.made != "" {
				c.made = "is required: the stack makes " + c.made
			}
			assert.Equal(t, c.made, says)
		})
	}
}

func TestAllProblemsOfFormAndModelComeAtOnce(t *testing.T) {
	t.Parallel()
	_, ps := config.Decode(laidOver(t,
		`{locaton: x, protect: maybe, clusters: {cpu: {maxNodeCount: four}, gpu: {computeName: ab}}, workspaceId: w}`))
	var paths []string
	for _, p := range ps {
		paths = append(paths, p.Path)
	}
	assert.ElementsMatch(t, []string{"locaton", "protect", "clusters.cpu.maxNodeCount", "clusters.gpu.computeName",
		"workspaceId"}, paths)
}

func TestWhatCouldNotBeReadIsNotReportedAsMissingToo(t *testing.T) {
	t.Parallel()
	_, ps := config.Decode(laidOver(t, `{workspaceId: [a]}`))
	require.Len(t, ps, 1)
	assert.Equal(t, "is a list", ps[0].What)
}

func TestValuesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		got  func(*components.BatchEndpointAccessArgs) any
		want any
	}{
		"a name with nothing behind it": {`{clusters: {cpu: , gpu: }}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.Clusters["cpu"] }, components.ClusterArgs{}},
		"a number for text": {`{dataInputs: {a: {version: 3}}}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.DataInputs["a"].Version }, "3"},
		"a number in quotes": {`{clusters: {cpu: {maxNodeCount: "7"}}}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.Clusters["cpu"].MaxNodeCount }, pulumi.Int(7)},
		"zero": {`{clusters: {cpu: {minNodeCount: 0}}}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.Clusters["cpu"].MinNodeCount }, pulumi.Int(0)},
		"a truth in quotes": {`{protect: "true"}`, func(a *components.BatchEndpointAccessArgs) any { return a.Protect },
			true},
		"a date": {
			`{invokers: {p: {kind: servicePrincipal, clientSecrets: {s: {startDate: 2026-11-01, endDate: "2027-05-01"}}}}}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.Invokers["p"].ClientSecrets["s"] },
			signin.ClientSecret{StartDate: "2026-11-01T00:00:00Z", EndDate: "2027-05-01"},
		},
		"a large number for text": {`{dataInputs: {a: {version: 20261101}}}`,
			func(a *components.BatchEndpointAccessArgs) any { return a.DataInputs["a"].Version }, "20261101"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args, _ := config.Decode(laidOver(t, c.yaml))
			assert.Equal(t, c.want, c.got(args))
		})
	}
	// The engine gives objects as JSON, in which every number is a float64.
	args, _ := config.Decode(map[string]any{"dataInputs": map[string]any{"a": map[string]any{"version": float64(
		20261101)}}})
	assert.Equal(t, "20261101", args.DataInputs["a"].Version, "as JSON")
}

func TestDecodeLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	values := map[string]any{"clusters": map[string]any{"cpu": nil}}
	config.Decode(values)
	assert.Equal(t, map[string]any{"clusters": map[string]any{"cpu": nil}}, values)
}

// Any configuration is decoded, or each of its problems has a remedy.
func FuzzDecode(f *testing.F) {
	sample, err := os.ReadFile("../../Pulumi.dev.yaml")
	require.NoError(f, err)
	f.Add(string(sample))
	f.Add("config: {'batchaccess:clusters': {cpu: }}")
	f.Add("config: {'batchaccess:invokers': {1: {2: 3}}}")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := config.ReadStackText([]byte(text), "Pulumi.x.yaml", "batchaccess")
		if err != nil {
			return
		}
		args, ps := config.Decode(values)
		require.NotNil(t, args)
		for _, p := range ps {
			require.NotEmpty(t, p.Fix)
		}
	})
}
