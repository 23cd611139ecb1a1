package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const ann = "33333333-3333-4333-8333-333333333333"

// scoring is a stack whose endpoint reads one input by the data store's key, and one by identities.
const scoring = `config:
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/` +
	`Microsoft.MachineLearningServices/workspaces/ws
  batchaccess:location: westeurope
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
  batchaccess:clusters: { cpu: { existing: true } }
  batchaccess:storageAccounts:
    shared: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/` +
	`storageAccounts/contososhared
  batchaccess:dataInputs:
    archive: { kind: dataStore, dataStore: archive, path: "2025", credentialInStore: true }
    images: { kind: blob, storageAccount: shared, container: images }
  batchaccess:endpoints:
    heart: { cluster: cpu, inputs: [archive] }
`

// sandboxOf starts a sandbox in which the stack's project can be invoked, and points the command to it. By default the
// command is signed in as the sandbox's owner.
func sandboxOf(t *testing.T, stack string) (a *azure.Azure, dir string) {
	t.Helper()
	dir = projectWith(t, map[string]string{"dev": stack})
	p, err := openProject(dir)
	require.NoError(t, err)
	c, problems, err := p.read("dev")
	require.NoError(t, err)
	require.NoError(t, problems.Err())
	a, err = azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	s, err := rehearsal.Seed(c.Model, "westeurope")
	require.NoError(t, err)
	require.NoError(t, a.Seed(s))
	certificates := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(certificates, a.CAPEM(), 0o600))
	owner := a.Deployer()
	for name, value := range map[string]string{
		"ARM_METADATA_HOSTNAME": a.Host(), "SSL_CERT_FILE": certificates,
		"AZURE_TENANT_ID": owner.TenantID, "AZURE_CLIENT_ID": owner.ClientID, "AZURE_CLIENT_SECRET": owner.ClientSecret,
		"IDENTITY_ENDPOINT": a.URL() + "/msi/token", "IDENTITY_HEADER": a.IdentityHeader(),
	} {
		t.Setenv(name, value)
	}
	return a, dir
}

// pipe gives the command a standard input.
func pipe(t *testing.T, text string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	file, err := os.Open(name)
	require.NoError(t, err)
	old := os.Stdin
	os.Stdin = file
	t.Cleanup(func() { os.Stdin = old; _ = file.Close() })
}

func TestInvokeStartsTheStacksJobAndFollowsIt(t *testing.T) {
	a, dir := sandboxOf(t, scoring)
	code, stdout, stderr := execute(t, "invoke", "--dir", dir, "--wait", "--debug")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "\tCompleted\t")
	assert.Contains(t, stdout, "/batchEndpoints/heart/deployments/default/jobs/batchjob-")
	assert.Contains(t, stderr, "method=POST")
	assert.NotContains(t, stdout+stderr, a.Deployer().ClientSecret)
	assert.NotContains(t, stdout+stderr, "eyJ", "no token, which would begin so")
}

func TestInvokeEndsWithTheExitCodeOfTheFailure(t *testing.T) {
	a, dir := sandboxOf(t, scoring)
	token := func(objectID, resource string) string {
		text, err := a.SignIn(t.Context(), objectID, resource)
		require.NoError(t, err)
		return text
	}
	uri := a.URL() + "/inference/westeurope/heart/jobs"
	for name, c := range map[string]struct {
		args  []string
		stdin string
		code  int
		says  string
	}{
		"an endpoint that is not there": {[]string{"--endpoint", "hart", "--input", "archive"}, "", 2,
			"--endpoint hart: stack dev has no such endpoint; did you mean \"heart\"?"},
		"a token for management": {[]string{"--uri", uri, "--token", "-"}, token(ann, "https://management.azure.com"), 3,
			"az account get-access-token --resource https://ml.azure.com"},
		"a wrong secret": {[]string{"--as", "servicePrincipal", "--client-secret", "-"}, "wrong-secret", 3,
			"AADSTS7000215"},
		"an invoker without a role": {[]string{"--uri", uri, "--token", "-"}, token(ann, access.Model{}.Audience()), 4,
			"number 1 of the 35"},
		"a cluster without a reader": {[]string{"--input", "images", "--wait"}, "", 5,
			"--role \"Storage Blob Data Reader\""},
		"an endpoint that does not answer": {[]string{"--uri", "https://127.0.0.1:1/jobs"}, "", 7,
			"does not accept a connection"},
	} {
		t.Run(name, func(t *testing.T) {
			pipe(t, c.stdin+"\n")
			code, stdout, stderr := execute(t, append([]string{"invoke", "--dir", dir, "--debug"}, c.args...)...)
			assert.Equal(t, c.code, code, stderr)
			assert.Contains(t, stderr, c.says)
			assert.NotContains(t, stdout+stderr, a.Deployer().ClientSecret)
			if c.stdin != "" {
				assert.NotContains(t, stdout+stderr, c.stdin)
			}
		})
	}
}

func TestInvokePrintsAFailureAsJSON(t *testing.T) {
	_, dir := sandboxOf(t, scoring)
	code, stdout, _ := execute(t, "invoke", "--dir", dir, "--input", "images", "--wait", "--json")
	assert.Equal(t, 5, code)
	var told struct {
		Job     struct{ Name, Status string }
		Failure invoke.Failure
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &told))
	assert.Equal(t, "Failed", told.Job.Status)
	assert.Equal(t, invoke.Mount, told.Failure.Kind)
	assert.NotEmpty(t, told.Failure.Remedy)
}

func TestTheCloudIsThatOfTheStackTheVariableOrTheAddress(t *testing.T) {
	const government, public = "https://heart.usgovvirginia.inference.ml.azure.us",
		"https://heart.westeurope.inference.ml.azure.com"
	dir := projectWith(t, map[string]string{"dev": scoring, "gov": scoring + "  azure-native:environment: usgovernment\n"})
	for name, c := range map[string]struct {
		stack, uri, variable string
		says                 []string
	}{
		"of the address": {"", government, "", []string{"--resource https://ml.azure.us "}},
		"of the stack": {"gov", government, "",
			[]string{"--resource https://ml.azure.us ", "core.usgovcloudapi.net/images"}},
		"of no variable but stacks": {"dev", public, "",
			[]string{"--resource https://ml.azure.com ", "core.windows.net/images"}},
		"a word that is no cloud": {"", public, "azure", []string{`the cloud "azure" is not known`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ARM_ENVIRONMENT", c.variable)
			args := []string{"invoke", "--dir", dir, "--uri", c.uri, "--print-request"}
			if c.stack != "" {
				args = append(args, "--stack", c.stack, "--input", "images")
			}
			_, stdout, stderr := execute(t, args...)
			for _, text := range c.says {
				assert.Contains(t, stdout+stderr, text)
			}
		})
	}
}

// A deployment of a model takes one input and one output. The stack does not say which, so the command does not choose:
// it says what the request has.
func TestInvokeSaysWhatAModelDeploymentDoesNotTake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stack string
		args  []string
		says  []string // no warning if there is one of each
	}{
		"the only input":    {scoring, nil, nil},
		"a chosen input":    {scoring, []string{"--input", "images"}, nil},
		"two chosen inputs": {scoring, []string{"--input", "images", "--input", "archive"}, []string{"has 2 inputs"}},
		"a literal with it": {scoring, []string{"--input", "images", "--literal", "mode=x"},
			[]string{"2 inputs (images, mode)"}},
		"one output": {scoring, []string{"--job-output", "a=azureml://datastores/archive/paths/o.csv"}, nil},
		"more than one of it": {scoring, []string{"--job-output", "a=azureml://datastores/archive/paths/o.csv",
			"--job-output",
			"b=azureml://datastores/archive/paths/p.csv"}, []string{"has 2 outputs (a, b)", "--job-output <name>=<file>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": c.stack})
			code, stdout, stderr := execute(t, append([]string{"invoke", "--dir", dir, "--stack", "dev", "--uri",
				"https://heart.westeurope.inference.ml.azure.com", "--print-request"}, c.args...)...)
			require.Zero(t, code, stderr)
			assert.Contains(t, stdout, "curl")
			for _, says := range c.says {
				assert.Contains(t, stderr, says)
			}
			if c.says == nil {
				assert.NotContains(t, stderr, "exactly one")
			}
		})
	}
}

func TestInvokeSaysWhatAnEndpointOfSeveralInputsSends(t *testing.T) {
	_, dir := sandboxOf(t, strings.Replace(scoring, "inputs: [archive] }", "inputs: [archive, images] }", 1))
	invoke := func(more ...string) string {
		code, stdout, stderr := execute(t, append([]string{"invoke", "--dir", dir, "--endpoint", "heart", "--print-request"},
			more...)...)
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "curl")
		return stderr
	}
	assert.Contains(t, invoke(), "the request has 2 inputs (archive, images), and a deployment of a model takes exactly "+
		"one: "+
		"unless it is one of a pipeline component, choose it with --input <name>")
	assert.NotContains(t, invoke("--input", "images"), "exactly one")
}

func TestInvokePrintsTheRequestWithoutSigningIn(t *testing.T) {
	dir := projectWith(t, map[string]string{"dev": scoring})
	t.Setenv("ARM_METADATA_HOSTNAME", "127.0.0.1:1") // nobody answers there
	code, stdout, stderr := execute(t, "invoke", "--dir", dir, "--stack", "dev", "--uri",
		"https://heart.westeurope.inference.ml.azure.com", "--print-request",
		"--input", "images", "--input-file", "labels=azureml:labels:2", "--literal", "mode=append",
		"--job-output", "scores=azureml://datastores/archive/paths/o.csv",
		"--deployment", "blue", "--experiment", "trial")
	require.Equal(t, 0, code, stderr)
	_, body, ok := strings.Cut(strings.TrimSuffix(stdout, "'\n"), "--data '")
	require.True(t, ok, stdout)
	const workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.MachineLearningServices/workspaces/ws"
	got, err := jobrequest.Read(strings.NewReader(body))
	require.NoError(t, err)
	assert.Equal(t, jobrequest.Request{Properties: jobrequest.Properties{
		InputData: map[string]jobrequest.Input{
			"images": {JobInputType: "UriFolder", URI: "https://contososhared.blob.core.windows.net/images/"},
			"labels": {JobInputType: "UriFile", URI: workspace + "/data/labels/versions/2"},
			"mode":   {JobInputType: "Literal", Value: "append"},
		},
		OutputData: map[string]jobrequest.Output{"scores": {JobOutputType: "UriFile",
			URI: workspace + "/datastores/archive/paths/o.csv"}},
		Properties: map[string]string{"experimentName": "trial"},
	}}, got)
	assert.Contains(t, stdout, "azureml-model-deployment: blue")
	assert.Contains(t, stdout, "curl --fail-with-body --request POST "+
		"'https://heart.westeurope.inference.ml.azure.com/jobs'")
}

func TestInvokeRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	const member = "    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }\n"
	dir := projectWith(t, map[string]string{"dev": strings.Replace(scoring, member,
		member+"    team: { kind: group, members: [ann] }\n", 1)})
	const uri = "https://heart.westeurope.inference.ml.azure.com/jobs"
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a token as a flag":  {[]string{"--token", "ey"}, "--token takes - alone"},
		"a secret as a flag": {[]string{"--client-secret", "s"}, "--client-secret takes - alone"},
		"two proofs": {[]string{"--as", "servicePrincipal", "--client-id", "c", "--tenant-id", "t", "--certificate", "c.pem",
			"--federated-token-file", "token", "--uri", uri, "--input", "a=https://x.blob.core.windows.net/c"},
			"has one proof of who it is, and 2 are given"},
		"standard input twice":  {[]string{"--token", "-", "--request", "-"}, "both read standard input"},
		"request and input":     {[]string{"--request", "r.json", "--input", "a=b"}, "leave out --input"},
		"an unknown data input": {[]string{"--input", "archve"}, `did you mean "archive"?`},
		"an unknown endpoint":   {[]string{"--endpoint", "hart"}, "--endpoint hart: stack dev has no such endpoint; "},
		"an unknown invoker":    {[]string{"--as-invoker", "anna"}, `did you mean "ann"?`},
		"a group":               {[]string{"--as-invoker", "team"}, "give one of its members: ann"},
		"an input twice": {[]string{"--input", "a=azureml:x:1", "--input-file", "a=azureml:x:1"},
			"each name once"},
		"an address that is none":  {[]string{"--uri", "http://heart"}, "not the address of a batch endpoint"},
		"an asset of no workspace": {[]string{"--uri", uri, "--input", "a=azureml:x:1"}, "--workspace"},
		"a URL with a secret in it": {[]string{"--uri", uri, "--input", "a=https://x.blob.core.windows.net/c?sig=s"},
			"a SAS would be a secret"},
		"neither name nor address": {[]string{"--workspace", "/subscriptions/x"}, "not the ARM ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := execute(t, append([]string{"invoke", "--dir", dir}, c.args...)...)
			assert.Equal(t, exitUsage, code, stderr)
			assert.Contains(t, stderr, c.says)
		})
	}
}

func TestInvokeHelpListsEveryExitCode(t *testing.T) {
	t.Parallel()
	code, stdout, _ := execute(t, "invoke", "--help")
	assert.Equal(t, 0, code)
	for _, row := range invoke.ExitCodes() {
		assert.Contains(t, oneLine(stdout), row.Meaning)
	}
}

func TestTheSecretThatIsValidLongestIsTaken(t *testing.T) {
	t.Parallel()
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	secrets := map[string]signin.ClientSecret{
		"expired": {StartDate: day(-9), EndDate: day(-2)}, "old": {StartDate: day(-9), EndDate: day(5)},
		"new": {StartDate: day(-2), EndDate: day(9)}, "to come": {StartDate: day(3), EndDate: day(99)},
	}
	assert.Equal(t, "new", current(secrets))
	delete(secrets, "new")
	delete(secrets, "old")
	assert.Empty(t, current(secrets))
}

func TestAProofInTheEnvironmentIsThatOfItsOwnClient(t *testing.T) {
	t.Setenv("AZURE_CLIENT_ID", "mine")
	t.Setenv("AZURE_CLIENT_SECRET", "secret")
	in := azureclient.SignIn{}
	fromVariables(&in)
	assert.Equal(t, azureclient.SignIn{ClientID: "mine", ClientSecret: "secret"}, in)
	in = azureclient.SignIn{ClientID: "another"}
	fromVariables(&in)
	assert.Empty(t, in.ClientSecret)
	in = azureclient.SignIn{CertificateFile: "c.pem"}
	fromVariables(&in)
	assert.Empty(t, in.ClientSecret)
}
