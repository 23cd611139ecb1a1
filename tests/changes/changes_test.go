// Package changes rehearses changes of a running stack, one by one: the sample is deployed, then an edit of it over it.
package changes

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const (
	root       = "../.."
	stack      = "dev"
	group      = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/"
	identities = group + "Microsoft.ManagedIdentity/userAssignedIdentities/"
	workspace  = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/" +
		"Microsoft.MachineLearningServices/workspaces/scoring-dev"
)

const subnet = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/" +
	"Microsoft.Network/virtualNetworks/net/subnets/nodes"

var everybody = []string{"analysts", "data-factory", "partner", "pipeline", "release-manager", "scheduler"}

// A row is a change of the sample, with its expected result.
type row struct {
	name string
	// before are edits of both versions, change those of the second: a text, and its replacement.
	before, change []string
	// The numbers of resources that are replaced, deleted and made, and of jobs that somebody loses and gains.
	replaced, deleted, made, lost, gained int
	// interrupted are the invokers who go without access in between.
	interrupted []string
	// foreseen are invokers whom only the review expects to go without: because assignments take time to have effect,
	// or because the rehearsal does not see their jobs before and after as the same.
	foreseen []string
	// fails is the error of the change, which has changed nothing.
	fails string
	// also are other parts of the error.
	also []string
	// propagation is how long Azure takes until assignments have effect.
	propagation time.Duration
}

var rows = []row{
	{name: "nothing"},
	{name: "a group is renamed", change: renamed("analysts", "people")},
	{name: "a service principal is renamed", change: renamed("partner", "friend")},
	{name: "a service principal with federated credentials is renamed", change: renamed("pipeline", "deployer")},
	{name: "a managed identity is renamed", change: renamed("scheduler", "cron")},
	{name: "an identity that exists is renamed", change: renamed("data-factory", "adf")},
	{name: "a cluster is renamed", change: append([]string{
		"Standard_D4ds_v5", "Standard_D4ds_v5"}, renamed("cpu", "compute")...)},
	{name: "a cluster with a name of its own is renamed", change: []string{
		"gpu:\n", "fast:\n      was: gpu\n", "cluster: gpu", "cluster: fast"}},
	{name: "a storage account is renamed", change: []string{
		"    lake: ", "    datalake: ", "storageAccount: lake", "storageAccount: datalake",
		"  batchaccess:dataInputs:", "  batchaccess:storageAccountsWere: { datalake: lake }\n\n  batchaccess:dataInputs:"}},
	{name: "a data input is renamed", change: []string{
		`patients: \{`, "people: {", `\[patients,`, "[people,", "read: patients", "read: people"}},
	{name: "a data output is renamed", change: []string{`scores: \{`, "results: {", `outputs: \[scores\]`,
		"outputs: [results]"}},
	{name: "an endpoint is renamed", change: []string{"heart-classifier", "heart-scorer"}},
	{name: "a federated credential is renamed", change: []string{"        main:", "        trunk:\n          was: main"}},
	{name: "a secret is renamed", change: []string{`"2026": \{`, `"first": { was: "2026",`}},
	{name: "a group that is made is renamed, and a member of it", before: made,
		change: append(renamed("ada", "lovelace"), "scorers:", "graders:\n      was: scorers")},

	{name: "a renamed group that is not marked", change: []string{"analysts", "people"}},
	{name: "a renamed account that is not marked", change: []string{
		"    lake: ", "    datalake: ", "storageAccount: lake", "storageAccount: datalake"}},
	{name: "what is made, renamed and not marked, or marked wrong", before: made, change: []string{
		`\bscheduler\b`, "cron", `\bcpu\b`, "compute", "        main:", "        trunk:", "scorers:", "graders:",
		`"2026": \{`, `"first": { was: "2025",`}, fails: "write was: scheduler", also: []string{"write was: cpu",
		"write was: main", "write was: scorers", "nothing of this kind that was called 2025; take it out, or write what it " +
			"was called: 2026"}},
	{name: "service principals, and a credential of an identity, renamed and not marked", before: made, change: []string{
		`\bpartner\b`, "friend", `\bpipeline\b`, "deployer", "        beta: ", "        zeta: "},
		fails: "write was: partner", also: []string{"write was: pipeline", "write was: beta"}},
	{name: "a name that never was", change: []string{"    scheduler:", "    other: { kind: servicePrincipal, " +
		"signIn: none, was: nobody }\n    scheduler:", "partner, data-factory\\]", "partner, data-factory, other]",
		`data-factory, "cluster:cpu"`, `data-factory, other, "cluster:cpu"`}, fails: "nothing of this kind that was called " +
		"nobody"},
	{name: "a name that never was, of what exists and of an account", change: []string{"    scheduler:", "    zed: { " +
		"kind: user, objectId: 99999999-2222-4222-8222-222222222222, was: nobody }\n    scheduler:", "pipeline, scheduler\\]",
		"pipeline, scheduler, zed]", "    lake: ", "    datalake: ", "storageAccount: lake", "storageAccount: datalake",
		"  batchaccess:dataInputs:", "  batchaccess:storageAccountsWere: { datalake: pond }\n\n  batchaccess:dataInputs:"},
		fails: "storageAccountsWere.datalake: this stack has nothing of this kind that was called pond",
		also:  []string{"invokers.zed.was: this stack has nothing of this kind that was called nobody"}},

	{name: "a role of the resource group", change: []string{`additions: \[pollJobs\]`, "scope: resourceGroup"},
		replaced: 7},
	{name: "a role of the subscription", change: []string{`additions: \[pollJobs\]`, "scope: subscription"}, replaced: 7},
	// The jobs that are lost and gained are those that the role lets anyone start, and that no endpoint declares.
	{name: "a role at each endpoint", change: []string{`additions: \[pollJobs\]`, "scope: endpoint"}, made: 15,
		deleted: 7, lost: 3},
	{name: "a role of the workspace, that was at each endpoint",
		before: []string{`additions: \[pollJobs\]`, "scope: endpoint"},
		change: []string{"scope: endpoint", "scope: workspace"}, made: 7, deleted: 15, gained: 3},
	{name: "additions", change: []string{`additions: \[pollJobs\]`, "additions: [pollJobs, cancelJobs]"}},
	{name: "another role name", before: []string{`additions: \[pollJobs\]`, "name: Scorers"},
		change: []string{"name: Scorers", "name: Graders"}},
	{name: "the first role name", change: []string{`additions: \[pollJobs\]`, "additions: [pollJobs]\n    name: Scorers"}},
	{name: "a role of a fixed name gets another scope", before: []string{`additions: \[pollJobs\]`, "name: Scorers"},
		change: []string{"name: Scorers", "name: Scorers\n    scope: resourceGroup"}, replaced: 7,
		interrupted: everybody},
	{name: "from a custom role to a built-in one", change: []string{`additions: \[pollJobs\]`, "builtIn: Contributor"},
		replaced: 6, deleted: 1},
	{name: "from a built-in role to a custom one", before: []string{`additions: \[pollJobs\]`, "builtIn: Contributor"},
		change: []string{"builtIn: Contributor", "additions: [pollJobs]"}, replaced: 6, made: 1},
	{name: "a principal's ID in other letters", before: []string{"22222222-2222-4222-8222-222222222222",
		"aaaaaaaa-2222-4222-8222-222222222222"}, change: []string{"aaaaaaaa-2222", "AAAAAAAA-2222"}},

	// Each of the two clusters is replaced for one reason: one with a system-assigned identity, one whose identity
	// stays.
	{name: "the size of one cluster, the priority of another", change: []string{"vmSize: Standard_D4ds_v5",
		"vmSize: Standard_D8ds_v5", "      vmPriority: LowPriority\n", ""}, replaced: 5, interrupted: everybody},
	{name: "local auth of one cluster, the subnet of another", change: []string{"maxNodeCount: 4", "maxNodeCount: 4\n" +
		"      enableLocalAuth: true", "maxNodeCount: 2", "maxNodeCount: 2\n      subnetId: " + subnet}, replaced: 5,
		interrupted: everybody},
	{name: "the location of one cluster, the public IP of another", change: []string{"maxNodeCount: 4",
		"maxNodeCount: 4\n      location: northeurope", "maxNodeCount: 2", "maxNodeCount: 2\n      enableNodePublicIp: " +
			"false"},
		replaced: 5, interrupted: everybody},
	{name: "SSH of a cluster, which is renamed too", change: append(renamed("cpu", "compute"), "maxNodeCount: 4",
		"maxNodeCount: 4\n      ssh: { adminUserName: ann, adminUserSshPublicKey: ssh-ed25519 AAAA }"), replaced: 4,
		interrupted: []string{"analysts", "data-factory", "partner", "pipeline"}},
	{name: "tags, and the scale of a cluster", change: []string{"team: scoring", "team: research", "maxNodeCount: 4",
		"maxNodeCount: 8"}},
	{name: "a role of the resource group, when assignments take time to act", propagation: 10 * time.Minute,
		change: []string{`additions: \[pollJobs\]`, "scope: resourceGroup"}, replaced: 7},
	// The cluster has its new identity at once, and that identity's access later.
	{name: "a cluster to a user-assigned identity, when assignments take time to act", propagation: 10 * time.Minute,
		change: []string{"cpu:\n      vmSize", "cpu:\n      identity: userAssigned\n      vmSize"}, replaced: 3, made: 1,
		interrupted: []string{"analysts", "data-factory", "partner", "pipeline"}},
	{name: "two groups that exchange their names, not marked", before: two, change: []string{
		"88888888-8888-4888-8888-888888888888", "OTHER", "22222222-2222-4222-8222-222222222222",
		"88888888-8888-4888-8888-888888888888", "OTHER", "22222222-2222-4222-8222-222222222222"},
		fails: "the two change places"},
	{name: "a cluster to a user-assigned identity", change: []string{
		"cpu:\n      vmSize", "cpu:\n      identity: userAssigned\n      vmSize"}, replaced: 3, made: 1,
		foreseen: []string{"analysts", "data-factory", "partner", "pipeline"}},
	{name: "a cluster to another user-assigned identity", change: []string{"identity: userAssigned\n",
		"identity: userAssigned\n      userAssignedIdentityId: " + identities + "tagger\n"}, replaced: 2, deleted: 1,
		foreseen: []string{"pipeline", "release-manager", "scheduler"}},
	// Azure accepts no cluster with both kinds of identity, so a new system-assigned identity has no access before it
	// exists.
	{name: "a cluster to its own identity", change: []string{"identity: userAssigned\n", "identity: systemAssigned\n"},
		replaced: 2, deleted: 1, interrupted: everybody},
	{name: "another name of a cluster", change: []string{"computeName: gpu-scoring", "computeName: gpu-tagging"},
		replaced: 4, interrupted: everybody},
	{name: "a cluster that is made becomes one that exists, and is the same", change: []string{"    gpu:\n(.*\n){5}",
		"    gpu: { existing: true, computeName: gpu-scoring }\n"}, fails: "this stack made cluster gpu-scoring"},
	{name: "a cluster gets the identity of an invoker that comes", change: sharing, deleted: 3, made: 3, gained: 2,
		foreseen: []string{"pipeline", "release-manager", "scheduler"}},
	{name: "an invoker goes whose identity a cluster has", before: sharing, change: []string{
		"(?m)^    tagger: .*\n", "", ", tagger\\]", "]"}, deleted: 1, lost: 2},
	{name: "the access of an invoker has ended whose identity a cluster has", before: sharing, change: []string{
		"tagger: \\{", "tagger: { until: 2001-01-31,"}, deleted: 1, lost: 2},
	{name: "the first of two clusters with one identity goes", before: twins, change: []string{
		"(?m)^    aaa: .*\n", ""}, deleted: 1},
	{name: "the first of two clusters with one identity is renamed, and comes last", before: twins, change: []string{
		"aaa: \\{", "zzz: { was: aaa,"}},
	{name: "the first of two clusters with one identity gets another one", before: twins, change: []string{
		"(aaa: .*), userAssignedIdentityId: .* }", "$1 }"}, made: 1},
	{name: "two clusters come whose identity another one has", before: alone, change: []string{"  batchaccess:clusters:\n",
		"$0    aaa: " + withTagger + "\n    bbb: " + withTagger + "\n"}, made: 2},
	{name: "a cluster to a user-assigned identity, where ACLs grant", before: toACLs, change: toOwnIdentity, replaced: 2,
		made: 1, interrupted: []string{"analysts", "data-factory", "partner", "pipeline"}},
	{name: "an invoker comes whose identity a cluster has", before: alone, change: sharing[2:], made: 1, gained: 2},
	{name: "an identity that is made becomes one that exists", change: []string{
		"    scheduler:.*\n      kind: managedIdentity",
		"    scheduler:\n      kind: managedIdentity\n      principalId: 66666666-6666-4666-8666-666666666666"},
		replaced: 3, deleted: 1, lost: 2, gained: 2},
	{name: "an identity that is made becomes one that exists, and is the same", change: []string{
		"    scheduler:.*\n      kind: managedIdentity",
		"    scheduler:\n      kind: managedIdentity\n      resourceId: " + identities + "access-dev-scheduler",
		"identity: userAssigned\n", "identity: userAssigned\n      userAssignedIdentityId: " + identities +
			"scoring-dev-gpu-scoring-identity\n"}, fails: "invokers.scheduler.resourceId: this stack made invoker scheduler",
		also: []string{"clusters.gpu.userAssignedIdentityId: this stack made the identity of cluster gpu-scoring"}},
	{name: "a workspace in another group", change: []string{"scoring-dev(/.*/scoring-dev)", "scoring-two$1"},
		replaced: 18, lost: 21, gained: 21, foreseen: everybody},
	// The identities of clusters and invokers stay where they were made.
	{name: "a workspace in another subscription", change: []string{
		"/subscriptions/11111111-1111-4111-8111-111111111111(.*/scoring-dev)",
		"/subscriptions/99999999-9999-4999-8999-999999999999$1", "subscriptionId: 1111.*", "subscriptionId: " +
			"99999999-9999-4999-8999-999999999999"}, replaced: 12, lost: 21, gained: 21, foreseen: everybody},
	{name: "a workspace's ID in other letters", change: []string{"resourceGroups(/.*)workspaces/scoring-dev",
		"resourcegroups${1}workspaces/Scoring-Dev"}, fails: "workspaceId: has changed in letter case only"},
	{name: "a storage account's ID in other letters, under another name", change: []string{
		"resourceGroups(/.*/contosolakedev)", "resourcegroups$1", "    lake: ", "    datalake: ", "storageAccount: lake",
		"storageAccount: datalake", "  batchaccess:dataInputs:",
		"  batchaccess:storageAccountsWere: { datalake: lake }\n\n  batchaccess:dataInputs:"},
		fails: "storageAccounts.datalake: has changed in letter case only"},
	{name: "a cluster's name in other letters", change: []string{"gpu-scoring", "GPU-scoring"},
		fails: "clusters.gpu.computeName: has changed in letter case only"},

	{name: "a container to the account", change: []string{
		"container: patients, path", "container: patients, scope: account, path"}, made: 5, deleted: 5},
	{name: "an account to the container", before: []string{"container: patients, path",
		"container: patients, scope: account, path"}, change: []string{"scope: account, ", ""}, made: 5, deleted: 5},
	{name: "an input to another container", change: []string{"container: patients", "container: people"}, made: 5,
		deleted: 5, lost: 4, gained: 4},
	{name: "roles to ACLs", change: []string{"container: patients, path",
		"container: patients, grantedBy: acl, path"}, deleted: 5, interrupted: []string{"analysts", "data-factory",
		"partner", "pipeline"}},
	{name: "ACLs to roles", before: []string{"container: patients, path", "container: patients, grantedBy: acl, path"},
		change: []string{"grantedBy: acl, ", ""}, made: 5},
	{name: "a container's input and output to paths in it", change: toPaths, replaced: 5, made: 1},
	{name: "paths to their container", before: toPaths, change: []string{"scope: path, ", ""}, replaced: 5,
		deleted: 1},
	{name: "a renamed account, with writers limited to paths", before: toPaths, change: append(
		[]string{"  batchaccess:dataInputs:", "  batchaccess:storageAccountsWere: { common: shared }\n\n$0"}, toCommon...)},
	{name: "a renamed account that is not marked, with writers limited to paths", before: toPaths, change: toCommon},
	{name: "a secret beside the old one", change: []string{`clientSecrets:`,
		"clientSecrets:\n        \"2027\": " + today}, made: 1},
	{name: "the old secret goes", before: []string{`clientSecrets:`, "clientSecrets:\n        \"2027\": " + today},
		change: []string{`        "2026": `, `        # "2026": `}, deleted: 1},
	{name: "the last secret goes", change: []string{`      clientSecrets:\n        "2026": .*\n`,
		"      signIn: none\n"}, deleted: 1, lost: 1}, // its jobs have access as before, and it can't sign in to start them
	{name: "a secret in one step", change: []string{`"2026": \{`, `"2027": {`}, made: 1, deleted: 1,
		interrupted: []string{"partner"}},
	{name: "a secret gets other dates", change: []string{`"2026": \{ startDate: [0-9-]+`,
		`"2026": { startDate: ` + time.Now().AddDate(0, 0,
			-2).Format(time.DateOnly)}, replaced: 1, interrupted: []string{"partner"}},
	{name: "another subject of a federated credential", change: []string{"branch: main", "branch: release"},
		interrupted: []string{"pipeline"}},
	{name: "federated credentials of an identity: two go, one is renamed, one comes", before: made, change: []string{
		"        alpha: .*\n", "", "        delta: .*\n", "", "        beta: {", "        zeta: { was: beta,",
		"(        zeta: .*\n)", "        gamma: { issuer: \"https://issuer.example\", subject: c }\n$1"},
		deleted: 2, made: 1},
	{name: "another principal of an invoker", change: []string{"principalId: 4444", "principalId: 5555"},
		replaced: 4, lost: 4, gained: 4},
	{name: "a user becomes a member of a group", before: made, change: []string{`members: \[ada\]`,
		"members: [ada, release-manager]"}, made: 1, deleted: 1},
	{name: "a member leaves a group", before: append(slices.Clone(made), `members: \[ada\]`,
		"members: [ada, release-manager]"), change: []string{`members: \[ada, release-manager\]`, "members: [ada]"},
		made: 1, deleted: 1},
	{name: "an invoker is gone", change: []string{`(?s)    data-factory: # exists.*?444444444444\n`, "",
		", data-factory", ""},
		deleted: 4, lost: 4},
	{name: "the access of an invoker has ended", change: []string{"(    data-factory: # exists\n)",
		"$1      until: 2001-01-31\n"}, deleted: 4, lost: 4},
	{name: "another workspace", change: []string{"workspaces/scoring-dev", "workspaces/scoring-two"}, replaced: 15,
		lost: 21, gained: 21, foreseen: everybody},
	{name: "another storage account", change: []string{"contosolakedev", "contosolaketwo"}, replaced: 5, lost: 4,
		gained: 4},
}

var today = fmt.Sprintf("{ startDate: %s, endDate: %s }",
	time.Now().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().AddDate(0, 3, 0).Format(time.DateOnly))

// withTagger adds a cluster with an identity that exists.
const withTagger = "{ vmSize: Standard_D2s_v3, identity: userAssigned, userAssignedIdentityId: " + identities +
	"tagger }"

// toACLs grants an input by ACLs, and toOwnIdentity gives a cluster that reads it a user-assigned identity.
var (
	toACLs        = []string{"container: patients, path", "container: patients, grantedBy: acl, path"}
	toOwnIdentity = []string{"cpu:\n      vmSize", "cpu:\n      identity: userAssigned\n      vmSize"}
)

// alone adds a cluster with an identity that exists.
var alone = sharing[:2]

// twins adds a cluster before it with the same identity, whose assignments are then named after that cluster.
var twins = append(slices.Clone(alone), "  batchaccess:clusters:\n", "$0    aaa: "+withTagger+"\n")

// sharing adds an invoker whose identity a cluster has too.
var sharing = []string{"identity: userAssigned\n", "identity: userAssigned\n      userAssignedIdentityId: " +
	identities + "tagger\n", "    scheduler:", "    tagger: { kind: managedIdentity, resourceId: " + identities +
	"tagger }\n    scheduler:", "pipeline, scheduler\\]", "pipeline, scheduler, tagger]"}

// toPaths limits the readers of an input and the writers of an output to its path.
var toPaths = []string{"  batchaccess:dataInputs:", "  batchaccess:storageAccountKinds: { shared: flat }\n$0",
	"container: patients, path", "container: patients, scope: path, path",
	"path: heart-disease, credentialInStore", "path: heart-disease, scope: path, credentialInStore"}

// toCommon renames the account of an output.
var toCommon = []string{"    shared: /", "    common: /", "storageAccount: shared", "storageAccount: common",
	"shared: flat", "common: flat"}

// made adds a group that the stack makes, and a managed identity with federated credentials.
var made = []string{"    release-manager:", `    ada:
      kind: user
      objectId: 55555555-5555-4555-8555-555555555555
    scorers:
      kind: group
      members: [ada]
    release-manager:`, "    scheduler:(.*)\n      kind: managedIdentity\n", `    scheduler:$1
      kind: managedIdentity
      federatedCredentials:
        alpha: { issuer: "https://issuer.example", subject: a }
        beta: { issuer: "https://issuer.example", subject: b }
        delta: { issuer: "https://issuer.example", subject: d }
`}

// two adds a second group to the sample, with the same access.
var two = []string{"    analysts:", "    people: { kind: group, objectId: 88888888-8888-4888-8888-888888888888 }\n" +
	"    analysts:", "invokers: \\[analysts", "invokers: [people, analysts", "only: \\[analysts", "only: [people, " +
	"analysts"}

// renamed edits the name of an invoker, and adds the mark.
func renamed(old, name string) []string {
	return []string{`\b` + old + `\b`, name, `(?m)^    ` + name + `:(.*)$`, "    " + name + ":$1\n      was: " + old}
}

// project is a folder for stacks of this repository's program.
func project(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program, err := filepath.Abs(root)
	require.NoError(t, err)
	project, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), append(project,
		[]byte("main: "+program+"\n")...), 0o600))
	return dir
}

// version writes the sample with edits.
func version(t *testing.T, edits ...string) rehearsal.Version {
	t.Helper()
	dir := project(t)
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	sample := strings.ReplaceAll(string(text), "{ startDate: 2026-11-01, endDate: 2028-10-31 }", today)
	for i := 0; i < len(edits); i += 2 {
		pattern := regexp.MustCompile(edits[i])
		require.Regexp(t, pattern, sample)
		sample = pattern.ReplaceAllString(sample, edits[i+1])
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(sample), 0o600))
	values, err := config.ReadStack(dir, stack)
	require.NoError(t, err)
	model, problems := config.Model(values)
	require.NoError(t, problems.Without("").Err())
	model.Ended = model.LastEnd(time.Now())
	return rehearsal.Version{ProjectDir: dir, Model: model, Location: rehearsal.DefaultLocation}
}

// options are those for a change of the sample with some edits. It is deployed once for all such changes.
func options(t *testing.T, before []string, more ...string) rehearsal.ChangeOptions {
	t.Helper()
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	o := rehearsal.ChangeOptions{
		Stack: stack, Old: version(t, before...), New: version(t, append(slices.Clone(before), more...)...),
		StateDir: t.TempDir(), Pulumi: cli,
	}
	deployed, _ := starts.LoadOrStore(strings.Join(before, "\n"), sync.OnceValues(func() (*rehearsal.Start, error) {
		shared := o
		if shared.StateDir, err = os.MkdirTemp(kept, ""); err != nil {
			return nil, err
		}
		return rehearsal.Deploy(context.WithoutCancel(t.Context()), shared)
	}))
	o.Start, err = deployed.(func() (*rehearsal.Start, error))()
	require.NoError(t, err)
	return o
}

// starts are the deployments that changes begin with, by their edits, in folders of kept.
var (
	starts sync.Map
	kept   string
)

func TestMain(m *testing.M) {
	var err error
	if kept, err = os.MkdirTemp("", "batchaccess-changes-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(kept); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func change(t *testing.T, o rehearsal.ChangeOptions) *rehearsal.ChangeReport {
	t.Helper()
	report, err := rehearsal.Change(t.Context(), o)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text, false))
	t.Log(text.String())
	return report
}

var (
	kills    = flag.Int("kills", 3, "how often the engine is killed in a change of each kind")
	killSeed = flag.Uint64("kill-seed", uint64(time.Now().UnixNano()), "picks the writes at which it is")
)

// tests/engine kills creations of a whole stack.
func TestAChangeThatIsKilledIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	command, err := programs.Build(t.Context(), "", programs.Program{Dir: root, Package: "./cmd/batchaccess"})
	require.NoError(t, err)
	weather := azure.Weather{Seed: *killSeed, LostAnswers: 0.05, Faults: 0.05, RetryAfter: time.Second}
	for kind, edits := range map[string][]string{
		"a replacement":      {`additions: \[pollJobs\]`, "scope: resourceGroup"},
		"a cluster replaced": {"vmSize: Standard_D4ds_v5", "vmSize: Standard_D8ds_v5"},
		"a rename":           renamed("partner", "friend"),
		"a deletion":         {`(?s)    data-factory: # exists.*?444444444444\n`, "", ", data-factory", ""},
		"a creation": {"    data-factory:",
			"    other: { kind: servicePrincipal, signIn: none }\n    data-factory:", "partner, data-factory\\]",
			"partner, data-factory, other]", `data-factory, "cluster:cpu"`, `data-factory, other, "cluster:cpu"`},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := options(t, nil, edits...)
			o.Weather, o.Kills, o.KillSeed, o.Command = weather, *kills, *killSeed, command
			report, err := rehearsal.Change(t.Context(), o)
			require.NoError(t, err)
			require.Empty(t, report.Failed)
			t.Logf("-kill-seed %d: %d kills in %d writes", *killSeed, report.Kills, report.Writes)
			assert.Equal(t, *kills, report.Kills)
			assert.Empty(t, report.Broken)
		})
	}
}

func TestEveryChangeOfAStackThatRuns(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			o := options(t, r.before, r.change...)
			o.Weather.Propagation = r.propagation
			var preview bytes.Buffer
			if r.fails == "" {
				o.Preview = &preview // no extra cost: pulumi up makes a preview too
			}
			report := change(t, o)
			if r.fails == "" {
				want := append(namesOf(declared(o.New.Model, report.Interruptions)), r.foreseen...)
				assert.Equal(t, foreseen(t, &preview), slices.Compact(want), "the review says who goes without, as far as they "+
					"are declared to do it")
			}
			if r.fails != "" {
				for _, says := range append(r.also, r.fails) {
					assert.Contains(t, report.Failed, says)
				}
				assert.Zero(t, report.Writes, "nothing is touched")
				assert.Empty(t, report.Interruptions)
				return
			}
			require.Empty(t, report.Failed)
			assert.Empty(t, report.Broken)
			assert.Equal(t, r.interrupted, namesOf(report.Interruptions))
			assert.GreaterOrEqual(t, report.Before, 18, "what does not work before can't be seen to be interrupted")
			assert.Equal(t, []int{r.replaced, r.deleted, r.made, r.lost, r.gained}, []int{len(report.Replaced),
				len(report.Deleted), len(report.Made), len(report.Lost), len(report.Gained)},
				"replaced, deleted, made, lost, gained")
		})
	}
}

// docs/evidence.md names all rows, and no others, and their numbers as the rows give them. EveryChange checks those
// numbers.
func TestEveryRowIsInTheEvidence(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "evidence.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Changes of a stack that runs\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var named, all []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 4 && strings.TrimSpace(cells[1]) != "change" {
			for _, name := range strings.Split(cells[2], ";") {
				if name = strings.TrimSpace(name); !strings.HasPrefix(name, "`go test ") && !strings.HasPrefix(name, "---") {
					named = append(named, name)
				}
			}
		}
	}
	interrupt, fail := 0, 0
	for _, r := range rows {
		all = append(all, r.name)
		switch {
		case r.fails != "":
			fail++
		case r.interrupted != nil:
			interrupt++
		}
	}
	assert.ElementsMatch(t, all, named)
	assert.Contains(t, string(text), fmt.Sprintf(": %d changes, [below](#changes-of-a-stack-that-runs) | %d interrupt "+
		"nobody; %d do, and the review names from the preview whom; %d are refused in the preview", len(rows),
		len(rows)-interrupt-fail, interrupt, fail))
}

// namesOf are the interrupted invokers.
func namesOf(all []rehearsal.Interruption) (names []string) {
	for _, i := range all {
		names = append(names, i.Invoker)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// declared are the interruptions of jobs that the model declares. A rehearsal also tries other jobs that the role
// allows.
func declared(m access.Model, all []rehearsal.Interruption) (some []rehearsal.Interruption) {
	endpoints := m.EffectiveEndpoints()
	for _, i := range all {
		target, ofJobs := strings.CutPrefix(i.What, "jobs on ")
		target, _, _ = strings.Cut(target, " with ")
		target, _, _ = strings.Cut(target, "/")
		if of, is := endpoints[target]; !ofJobs || is && (of.Invokers == nil || slices.Contains(of.Invokers, i.Invoker)) {
			some = append(some, i)
		}
	}
	return some
}

// foreseen are the invokers that, by the review of a preview, go without access.
func foreseen(t *testing.T, preview io.Reader) (names []string) {
	t.Helper()
	read, err := engine.Read(preview)
	require.NoError(t, err)
	found := review.Make(read, review.Options{Now: time.Now(), Guardrails: guardrails.DefaultConfig()}).Interruptions
	for _, i := range found {
		t.Logf("review: %s %v: %s, from %s to %s", i.Change, i.Who, i.What, i.From, i.To)
		assert.Equal(t, "interrupted", i.Change, "nothing is renamed that is not marked")
		for _, who := range i.Who {
			if name, is := strings.CutPrefix(who, "invoker "); is {
				names = append(names, name)
			}
			// A review does not know who signs in. It knows the principal, by the resource's name.
			if strings.HasPrefix(who, "whoever signs in") {
				names = append(names, strings.Split(i.URN[strings.LastIndex(i.URN, "::")+2:], ".")[1])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestAnAccountThatWasMovedCanNotBeRehearsed(t *testing.T) {
	t.Parallel()
	_, err := rehearsal.Change(t.Context(), options(t, nil, "data-dev(/.*contosolakedev)", "data-two$1"))
	require.ErrorContains(t, err, "storageAccounts.lake: is /subscriptions/")
	assert.ErrorContains(t, err, "rehearse the new version by itself")
}

// The other tests share the deployment before a change. In the command, the change deploys it.
func TestAChangeDeploysWhatWasBeforeIt(t *testing.T) {
	t.Parallel()
	o := options(t, nil)
	o.Start = nil
	report := change(t, o)
	assert.Empty(t, report.Failed)
	assert.Zero(t, report.Writes)
}

// A workspace does not move because the stack says that it is elsewhere: jobs work before it, and it does not pass.
func TestAWorkspaceStaysWhereItIs(t *testing.T) {
	t.Parallel()
	o := options(t, nil, "azure-native:location: westeurope", "azure-native:location: northeurope")
	o.Old.Location, o.New.Location = "westeurope", "northeurope"
	report := change(t, o)
	assert.GreaterOrEqual(t, report.Before, 18)
	assert.False(t, report.Passed())
}

// Where declared jobs do not work before a change, nobody sees what it does to them, and so it does not pass: here the
// old version says that the workspace is elsewhere than where it was deployed.
func TestAChangeWithoutWorkingJobsBeforeItDoesNotPass(t *testing.T) {
	t.Parallel()
	o := options(t, nil)
	o.Old.Location = "northeurope"
	report := change(t, o)
	assert.Zero(t, report.Before)
	assert.Contains(t, strings.Join(report.Broken, "\n"), "should work before the change")
	assert.False(t, report.Passed())
}
