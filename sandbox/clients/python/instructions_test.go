package python_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/machine"
	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
)

// instructed has an invoker for each sign-in that howToInvoke leaves to the Azure CLI, and for each pipeline and each
// program that can be run here.
const instructed = `config:
  azure-native:location: westeurope
  azure-native:subscriptionId: ` + subscriptionID + `
  batchaccess:workspaceId: ` + workspace + `
  batchaccess:invokers:
    person: { kind: user, objectId: ` + alice + ` }
    host: { kind: managedIdentity }
    partner: { kind: servicePrincipal, clientSecrets: { one: PERIOD } }
    outside: { kind: servicePrincipal, federatedCredentials: { main: { issuer: 'https://i.example', subject: s } } }
    workflow:
      kind: servicePrincipal
      federatedCredentials: { main: { github: { repository: acme/scores, branch: main } } }
    lab:
      kind: servicePrincipal
      federatedCredentials: { main: { gitlab: { project: acme/scores, branch: main } } }
    pipeline:
      kind: servicePrincipal
      federatedCredentials:
        main:
          azureDevOps: { organizationId: ` + robot + `, organization: acme, project: scores, serviceConnection: prod }
    function: { kind: managedIdentity, caller: functionApp }
  batchaccess:clusters: { cpu: {} }
  batchaccess:storageAccounts: { lake: ` + account + ` }
  batchaccess:dataInputs: { raw: { kind: blob, storageAccount: lake, container: raw } }
  batchaccess:endpoints: { heart: { cluster: cpu, inputs: [raw] } }
`

// The output howToInvoke is run as it is printed, in the sandbox, which uses the real Azure CLI. Only the address of
// the endpoint is changed, and a flag gives the person's name, for which the CLI would open a browser.
func TestTheCLIRunsWhatTheStackSaysOfHowToInvoke(t *testing.T) {
	t.Parallel()
	python := interpreter(t)
	machine.Needs(t, "curl (https://curl.se)", func() error {
		_, err := exec.LookPath("curl")
		return err
	})
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	stack := strings.Replace(instructed, "PERIOD", "{ startDate: "+day(-1)+", endDate: "+day(90)+" }", 1)
	dir := t.TempDir()
	program, err := filepath.Abs("../../..")
	require.NoError(t, err)
	project, err := os.ReadFile(filepath.Join(program, "Pulumi.yaml"))
	require.NoError(t, err)
	for name, text := range map[string]string{
		"Pulumi.yaml": string(project) + "main: " + program + "\n", "Pulumi.dev.yaml": stack,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	command, err := programs.Build(t.Context(), "", programs.Program{Dir: program, Package: "./cmd/batchaccess"})
	require.NoError(t, err)

	const output = "pulumi stack output --stack dev --show-secrets --json "
	out, err := os.ReadFile("instructions.py")
	require.NoError(t, err)
	follow := `follow() { ` + output + `howToInvoke | python3 -c '` + string(out) + `' "$1" >how.sh; sh -e how.sh; }
`
	run := exec.CommandContext(t.Context(), command, "sandbox", "--", "sh", "-ec", follow+`
pulumi up --stack dev --yes --skip-preview --non-interactive >up.log || { cat up.log; exit 1; }
az version
echo person; follow person
echo host; follow host
echo partner; CLIENT_SECRET="$(`+output+`clientSecrets | python3 -c `+
		`'import json, sys; print(json.load(sys.stdin)["partner"]["one"])')" follow partner
echo outside; AZURE_FEDERATED_TOKEN_FILE="$BATCHACCESS_SIGN_INS/dev/outside/federated/main" follow outside
for name in workflow lab; do
  echo $name; ASSERTION="$BATCHACCESS_SIGN_INS/dev/$name/federated/main" follow $name
done
echo pipeline; CLIENT_ID="$(`+output+`clientIds | python3 -c `+
		`'import json, sys; print(json.load(sys.stdin)["pipeline"])')" `+
		`ASSERTION="$BATCHACCESS_SIGN_INS/dev/pipeline/federated/main" follow pipeline
echo function; follow function
`)
	var stdout, stderr bytes.Buffer
	run.Dir, run.Stdout, run.Stderr = dir, &stdout, &stderr
	outside := nothingLeaves(t)
	run.Env = append(os.Environ(), "PATH="+filepath.Dir(python)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HTTPS_PROXY="+outside, "HTTP_PROXY="+outside, "NO_PROXY=127.0.0.1,localhost",
		"PYTHONDONTWRITEBYTECODE=") // otherwise the CLI may be compiled at each start
	require.NoError(t, run.Run(), "%s%s", &stdout, &stderr)
	assert.Contains(t, stdout.String(), `"azure-cli-core": "2.91.0"`, "it is the CLI itself")
	started := regexp.MustCompile(`(?m)"name": ?"batchjob-|^batchjob-`) // as curl prints them, and as a program does
	assert.Len(t, started.FindAllString(stdout.String(), -1), 8, "%s%s", &stdout, &stderr)
}
