package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/internal/machine"
)

// probeName is a test command in the sandbox: a program that uses azidentity like any other.
const probeName = "probe"

// TestMain lets the test's executable play the commands that the sandbox puts on PATH, which are links to the running
// executable.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); name {
	case azName, "batchaccess":
		os.Exit(runAs(context.Background(), name, os.Args[1:], os.Stdout, os.Stderr))
	case probeName:
		os.Exit(probe())
	}
	os.Exit(m.Run())
}

// probe gets a token of the Azure CLI through azidentity, and prints whose it is.
func probe() int {
	credential, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return 1
	}
	token, err := credential.GetToken(context.Background(),
		policy.TokenRequestOptions{Scopes: []string{access.Model{}.Audience() + "/.default"}})
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		return 1
	}
	_, _ = os.Stdout.WriteString(token.Token + " " + token.ExpiresOn.UTC().Format(time.RFC3339))
	return 0
}

// sandboxed runs commands, one after the other, in the sandbox of one project.
type sandboxed struct {
	t   *testing.T
	dir string
}

func (s sandboxed) run(command ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	return execute(s.t, append([]string{"sandbox", "--dir", s.dir, "--stand-in-az", "--"}, command...)...)
}

func (s sandboxed) sh(script string) (code int, stdout, stderr string) {
	s.t.Helper()
	return s.run("sh", "-c", script)
}

// sampleProject is the repository's own stack, with a secret that is valid today.
func sampleProject(t *testing.T) sandboxed {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi.dev.yaml")
	require.NoError(t, err)
	const period = "startDate: 2026-11-01, endDate: 2028-10-31"
	require.Contains(t, string(text), period)
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	stack := strings.Replace(string(text), period, "startDate: "+day(-1)+", endDate: "+day(90), 1)
	for _, list := range []string{"invokers: [analysts, pipeline, partner, data-factory",
		"only: [analysts, pipeline, partner"} {
		require.Contains(t, stack, list)
		stack = strings.Replace(stack, list, list+", "+strings.Join(slices.Sorted(maps.Keys(callers)), ", "), 1)
	}
	for name, invoker := range callers {
		stack = strings.Replace(stack, "  batchaccess:invokers:\n", "  batchaccess:invokers:\n    "+name+": "+invoker+"\n", 1)
	}
	return sandboxed{t, projectWith(t, map[string]string{"dev": stack})}
}

func TestEveryInvokerOfTheSampleStartsAJobWithOneCommand(t *testing.T) {
	t.Parallel()
	s := sampleProject(t)
	code, _, stderr := s.run("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
	require.Equal(t, 0, code, stderr)
	invoke := func(args ...string) []string {
		return append([]string{"batchaccess", "invoke", "--dir", s.dir, "--stack", "dev", "--wait"}, args...)
	}
	for invoker, where := range map[string][]string{
		"analysts":        {"--endpoint", "heart-classifier", "--input", "patients"},
		"pipeline":        {"--endpoint", "heart-classifier", "--input", "baseline"},
		"partner":         {"--endpoint", "heart-classifier", "--input", "archive"},
		"data-factory":    {"--endpoint", "heart-classifier", "--input", "patients"},
		"release-manager": {"--endpoint", "image-tagger", "--input", "images"},
		"scheduler":       {"--endpoint", "image-tagger", "--input", "labels"},
	} {
		code, stdout, stderr := s.run(invoke(append(where, "--as-invoker", invoker)...)...)
		assert.Equal(t, 0, code, "%s: %s", invoker, stderr)
		assert.Contains(t, stdout, "\tCompleted\t", invoker)
		assert.NotContains(t, stdout+stderr, "eyJ", invoker)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"an invoker that is none": {[]string{"--endpoint", "image-tagger", "--as-invoker", "analyst"}, 2,
			`did you mean "analysts"?`},
		"data that it may not read": {[]string{"--endpoint", "image-tagger", "--input", "images", "--as-invoker", "analysts"},
			6, "Storage Blob Data Reader"},
		"nobody signed in": {[]string{"--endpoint", "image-tagger", "--as", "user"}, 3, "az login"},
	} {
		code, stdout, stderr := s.run(invoke(c.args...)...)
		assert.Equal(t, c.code, code, "%s: %s", name, stderr)
		assert.Contains(t, stderr, c.says, name)
		assert.NotContains(t, stdout+stderr, "eyJ", name)
	}
	t.Run("who is signed in with az invokes as user", func(t *testing.T) {
		code, stdout, stderr := s.sh("az login --username analysts -o none && " +
			strings.Join(invoke("--endpoint", "heart-classifier", "--input", "patients", "--as", "user"), " "))
		assert.Equal(t, 0, code, stderr)
		assert.Contains(t, stdout, "\tCompleted\t")
		code, _, stderr = s.sh("az login -u stranger@sandbox.example -o none && " +
			strings.Join(invoke("--endpoint", "heart-classifier", "--as", "user"), " "))
		assert.Equal(t, 4, code, "a user without a role is refused: %s", stderr)
	})
	t.Run("the stack's own instructions start jobs", func(t *testing.T) {
		_, text, stderr := s.run("pulumi", "stack", "output", "howToInvoke", "--json", "--stack", "dev")
		var how map[string]string
		require.NoError(t, json.Unmarshal([]byte(text), &how), stderr)
		require.Len(t, how, 6+len(callers))
		delete(how, "data-factory") // a stack does not know the client ID of an identity that it does not make
		federated := func(invoker string) string {
			return `export AZURE_FEDERATED_TOKEN_FILE="$BATCHACCESS_SIGN_INS/dev/` + invoker + `/federated/main"` + "\n"
		}
		for invoker, instructions := range how {
			var script string
			switch {
			case invoker == "cluster": // set by the workload identity's webhook
				script = federated(invoker) + instructions
			case invoker == "partner":
				script = `CLIENT_SECRET="$(pulumi stack output clientSecrets --show-secrets --json --stack dev | sed -n ` +
					`'s/.*"2026": "\(.*\)".*/\1/p')"` + "\n" + instructions
			case strings.HasPrefix(instructions, "# GitHub Actions"):
				script = federated(invoker) + scriptOfWorkflow(t, instructions)
			case strings.HasPrefix(instructions, "# Azure Pipelines"):
				script = federated(invoker) + scriptOfPipeline(t, instructions, "$("+clientIDOf(invoker)+")")
			case strings.HasPrefix(instructions, "# GitLab"):
				script = federated(invoker) + `AZURE_ID_TOKEN="$(cat "$AZURE_FEDERATED_TOKEN_FILE")"` + "\n" +
					scriptOfGitLab(t, instructions)
			case strings.HasPrefix(instructions, "# For "):
				machine.Needs(t, "Python 3", func() error {
					_, err := exec.LookPath("python3")
					return err
				})
				script = "python3 -c " + jobrequest.Quote(instructions)
				if invoker == "server" {
					startsOnMachine(t, instructions)
					continue
				}
			case strings.HasPrefix(instructions, "# Data Factory"), strings.HasPrefix(instructions, "# Logic Apps"):
				script = scriptOfCalls(t, invoker, instructions)
			case slices.Contains([]string{"analysts", "release-manager"}, invoker):
				// az login asks for the name in a browser; here, a flag gives it
				script = strings.Replace(instructions, "az login", "az login --username "+invoker, 1)
			default:
				script = instructions
			}
			code, stdout, stderr := s.sh("set -e\n" + inSandbox(script))
			assert.Equal(t, 0, code, "%s: %s\n%s\n%s", invoker, script, stdout, stderr)
			starts := strings.Count(script, ".inference.ml.azure.com/jobs")
			assert.NotZero(t, starts, invoker)
			assert.Len(t, startedJob.FindAllString(stdout, -1), starts, "%s: %s", invoker, stdout)
		}
	})
}

// callers are more invokers than the sample has: one for each way of starting jobs that the sample lacks.
var callers = map[string]string{
	"gitlab": "{ kind: servicePrincipal, federatedCredentials: { main: { gitlab: { project: g/p, branch: main } } } }",
	"cloud":  "{ kind: managedIdentity, caller: dataFactory }",
	"logic":  "{ kind: managedIdentity, caller: logicApp }",
	"server": "{ kind: managedIdentity, caller: virtualMachine }",
	"site":   "{ kind: managedIdentity, caller: functionApp }",
	"devops": "{ kind: servicePrincipal, federatedCredentials: { main: { azureDevOps: { organizationId: " + ann +
		", organization: contoso, project: p, serviceConnection: scoring } } } }",
	"cluster": "{ kind: servicePrincipal, federatedCredentials: { main: { issuer: 'https://i.example', subject: s } } }",
}

// startedJob matches a job in the endpoint's answer, or its name as the Python program prints it.
var startedJob = regexp.MustCompile(`"status":|(?m)^batchjob-[0-9a-f-]{36}$`)

// inSandbox runs a script with the sandbox's addresses in place of Azure's. Nothing else in it is changed.
func inSandbox(script string) string {
	return "printf '%s' " + jobrequest.Quote(script) +
		` | sed -E "s#https://([a-z-]+)\.([a-z]+)\.inference\.ml\.azure\.com` +
		`/jobs#$AZURE_AUTHORITY_HOST/inference/\2/\1/jobs#g; s#http://169\.254\.169\.254#$AZURE_AUTHORITY_HOST#g" | sh -e`
}

// startsOnMachine runs the Python of a virtual machine against a metadata service of the test's own (azure-facts.md,
// Invoking). The sandbox's serves an identity only to a machine that exists and has it.
func startsOnMachine(t *testing.T, program string) {
	t.Helper()
	var asked url.Values
	started := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/metadata/identity/oauth2/token" &&
			r.Header.Get("Metadata") == "true":
			asked = r.URL.Query()
			_, _ = w.Write([]byte(`{"access_token": "t"}`))
		case r.Method == http.MethodPost && r.URL.Path == "/jobs" && r.Header.Get("Authorization") == "Bearer t" &&
			r.Header.Get("Content-Type") == "application/json":
			_, err := jobrequest.Read(r.Body)
			assert.NoError(t, err)
			started++
			_, _ = w.Write([]byte(`{"name": "one"}`))
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	here := regexp.MustCompile(`https://[a-z-]+\.[a-z]+\.inference\.ml\.azure\.com|http://169\.254\.169\.254`).
		ReplaceAllString(program, server.URL)
	out, err := exec.CommandContext(t.Context(), "python3", "-c", here).CombinedOutput()
	require.NoError(t, err, "%s\n%s", here, out)
	assert.Equal(t, "one\n", string(out))
	assert.Equal(t, 1, started)
	assert.Equal(t, "2018-02-01", asked.Get("api-version"))
	assert.Equal(t, access.Model{}.Audience(), asked.Get("resource"))
	assert.NotEmpty(t, asked.Get("client_id"))
}

func clientIDOf(invoker string) string {
	return `pulumi stack output clientIds --json --stack dev | sed -n 's/.*"` + invoker + `": "\(.*\)".*/\1/p'`
}

func decoded(t *testing.T, text string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	require.NoError(t, decoder.Decode(into), text)
}

// scriptOfWorkflow is the first job of a workflow, with the Azure CLI in place of azure/login.
func scriptOfWorkflow(t *testing.T, text string) string {
	t.Helper()
	var workflow struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Steps []struct {
				Uses, Run string
				With      map[string]string
			}
		}
	}
	decoded(t, text, &workflow)
	assert.Equal(t, map[string]string{"id-token": "write"}, workflow.Permissions)
	job, ok := workflow.Jobs["start-main"]
	require.True(t, ok, text)
	require.Len(t, job.Steps, 2)
	assert.Equal(t, "azure/login@v2", job.Steps[0].Uses)
	assert.Equal(t, "true", job.Steps[0].With["allow-no-subscriptions"])
	return signInBy(job.Steps[0].With["client-id"], job.Steps[0].With["tenant-id"]) + job.Steps[1].Run
}

func signInBy(clientID, tenantID string) string {
	return "az login -o none --service-principal --username " + clientID + " --tenant " + tenantID +
		` --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")"` + "\n"
}

// scriptOfPipeline is the step of a pipeline, with the Azure CLI in place of the service connection.
func scriptOfPipeline(t *testing.T, text, clientID string) string {
	t.Helper()
	var pipeline struct {
		Steps []struct {
			Task   string
			Inputs map[string]string
		}
	}
	decoded(t, text, &pipeline)
	require.Len(t, pipeline.Steps, 1)
	assert.Equal(t, "AzureCLI@2", pipeline.Steps[0].Task)
	assert.Equal(t, "scoring", pipeline.Steps[0].Inputs["azureSubscription"])
	return signInBy(clientID, "$ARM_TENANT_ID") + pipeline.Steps[0].Inputs["inlineScript"]
}

func scriptOfGitLab(t *testing.T, text string) string {
	t.Helper()
	var jobs map[string]struct{ Script []string }
	decoded(t, text, &jobs)
	require.Len(t, jobs, 1)
	for _, job := range jobs {
		return strings.Join(job.Script, "\n")
	}
	return ""
}

// scriptOfCalls makes the HTTP calls of Web activities, or of a Logic App's actions, with the identity of their host.
func scriptOfCalls(t *testing.T, invoker, text string) string {
	t.Helper()
	type call struct {
		Method, URL, URI string
		Headers          map[string]string
		Body             map[string]any
		Authentication   struct{ Type, Resource, Audience, Identity string }
	}
	var calls []call
	comments := regexp.MustCompile(`(?m)^# .*\n`)
	decoder := json.NewDecoder(strings.NewReader(comments.ReplaceAllString(text, "")))
	for decoder.More() {
		var one struct {
			Properties struct {
				Activities     []struct{ TypeProperties call }
				TypeProperties struct{ ResourceID string }
			}
			Actions map[string]struct{ Inputs call }
		}
		require.NoError(t, decoder.Decode(&one), text)
		for _, a := range one.Properties.Activities {
			assert.Equal(t, "UserAssignedManagedIdentity", a.TypeProperties.Authentication.Type)
			calls = append(calls, a.TypeProperties)
		}
		for _, a := range one.Actions {
			assert.Equal(t, "ManagedServiceIdentity", a.Inputs.Authentication.Type)
			assert.Contains(t, a.Inputs.Authentication.Identity, "/userAssignedIdentities/")
			calls = append(calls, a.Inputs)
		}
	}
	script := "az login -o none --identity --client-id $(" + clientIDOf(invoker) + ")\n"
	for _, c := range calls {
		body, err := json.Marshal(c.Body)
		require.NoError(t, err)
		script += "TOKEN=$(" + jobrequest.GetToken(c.Authentication.Resource+c.Authentication.Audience) + ")\ncurl " +
			"--fail-with-body -H \"Authorization: Bearer $TOKEN\" -X " + c.Method + " -d " + jobrequest.Quote(string(body))
		for name, value := range c.Headers {
			script += " -H " + jobrequest.Quote(name+": "+value)
		}
		script += " " + jobrequest.Quote(c.URL+c.URI) + "\n"
	}
	return script
}

func TestTheStandInForTheAzureCLI(t *testing.T) {
	t.Parallel()
	s := sandboxed{t, projectWith(t, map[string]string{"dev": oneUser})}
	const login, token = "az login -o none", "az account get-access-token --resource https://ml.azure.com --query " +
		"accessToken -o tsv"
	claims := func(token string) (c struct{ Aud, Oid, Tid, Upn string }) {
		parts := strings.Split(strings.TrimSpace(token), ".")
		require.Len(t, parts, 3)
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &c))
		return c
	}

	t.Run("the only person among the invokers is the default", func(t *testing.T) {
		code, stdout, stderr := s.sh(login + " && " + token)
		require.Equal(t, 0, code, stderr)
		assert.Equal(t, ann, claims(stdout).Oid)
		assert.Equal(t, "ann@sandbox.example", claims(stdout).Upn)
		assert.Equal(t, access.Model{}.Audience(), claims(stdout).Aud)
	})
	t.Run("azidentity's own credential uses it", func(t *testing.T) {
		self, err := os.Executable()
		require.NoError(t, err)
		probe := filepath.Join(t.TempDir(), probeName)
		require.NoError(t, os.Symlink(self, probe))
		before := time.Now().Add(time.Hour - 2*time.Second) // whole seconds, of which Entra's answer has one less
		code, stdout, stderr := s.run(probe)
		require.Equal(t, 0, code, "who signed in stays signed in: %s", stderr)
		raw, expires, _ := strings.Cut(stdout, " ")
		assert.Equal(t, ann, claims(raw).Oid)
		until, err := time.Parse(time.RFC3339, expires)
		require.NoError(t, err)
		assert.WithinRange(t, until, before, time.Now().Add(time.Hour))
	})
	t.Run("a service principal signs in with its secret", func(t *testing.T) {
		code, stdout, stderr := s.sh(`az login --service-principal -u "$ARM_CLIENT_ID" --password="$ARM_CLIENT_SECRET" -t ` +
			`"$ARM_TENANT_ID" --query [0].user.type -o tsv && ` + token + " && az logout && " + token)
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, "az login", "nobody is signed in any more")
		kind, raw, _ := strings.Cut(stdout, "\n")
		assert.Equal(t, "servicePrincipal", kind)
		assert.Empty(t, claims(raw).Upn)
	})

	for name, c := range map[string]struct {
		script string
		code   int
		says   string
	}{
		"nobody signed in": {"az logout; az account show", 1, "please run 'az login' to setup account"},
		"an unknown user":  {"az login --username bob", 1, "its users are ann@sandbox.example"},
		"a wrong password": {"az login --username ann --password wrong", 1, "AADSTS50126"},
		"a wrong secret": {`az login --service-principal -u "$ARM_CLIENT_ID" -p wrong -t "$ARM_TENANT_ID"`, 1,
			"AADSTS7000215"},
		"a secret that is taken for a flag": {`az login --service-principal -u "$ARM_CLIENT_ID" --password ` +
			`"$ARM_CLIENT_SECRET" -t "$ARM_TENANT_ID"`, 2, "--password=<value>"},
		"a short flag's value that is taken for a flag": {`az login -u "$ARM_CLIENT_ID" -p -wrong`, 2, "-p: expected one"},
		"a wrong secret that begins with a dash": {`az login --service-principal -u "$ARM_CLIENT_ID" -p=-wrong ` +
			`-t "$ARM_TENANT_ID"`, 1, "AADSTS7000215"},
		"half a proof": {"az login --service-principal -u someone", 2, "--password and --federated-token"},
		"another tenant": {login + "; az account get-access-token --tenant 99999999-9999-4999-8999-999999999999", 1,
			"AADSTS90002"},
		"an unknown resource": {login + "; az account get-access-token --resource https://example.com", 1,
			"AADSTS500011"},
		"another command":         {"az storage blob list", 2, "az account get-access-token"},
		"another account command": {"az account list", 2, `unknown command "az account list"`},
		"another flag":            {"az login --claims-challenge x", 2, "az login --identity"},
		"a table":                 {login + "; az account show -o table", 2, "--output table is not known"},
		"an object as one value":  {login + "; az account show -o tsv", 2, "choose it with --query"},
		"elsewhere than here": {"ARM_METADATA_HOSTNAME=azure.invalid " + login, 1,
			"ARM_METADATA_HOSTNAME does not lead there"},
	} {
		code, _, stderr := s.sh(c.script)
		assert.Equal(t, c.code, code, "%s: %s", name, stderr)
		assert.Contains(t, stderr, c.says, name)
	}
}

func TestTheSandboxKeepsNoPassword(t *testing.T) {
	t.Parallel()
	s := sandboxed{t, projectWith(t, map[string]string{"dev": oneUser})}
	code, users, stderr := s.sh(`az login -o none && ls -ld "$BATCHACCESS_SIGN_INS" && find "$BATCHACCESS_SIGN_INS" ` +
		`-type f -exec ls -l {} + && cat "$BATCHACCESS_SIGN_INS/users.json"`)
	require.Equal(t, 0, code, stderr)
	at := strings.Index(users, "[{")
	for line := range strings.Lines(users[:at]) {
		assert.Regexp(t, "^(drwx|-rw-)------", line)
	}
	var known []knownUser
	require.NoError(t, json.Unmarshal([]byte(users[at:]), &known))
	require.Len(t, known, 2)
	require.NoError(t, filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, user := range known {
			assert.NotContains(t, string(text), user.Password, path)
		}
		return err
	}))
}
