package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

// probeName is a command of the tests' own in the sandbox: a program that uses azidentity as anyone's does.
const probeName = "probe"

// TestMain lets the test's executable be what the sandbox puts on PATH, which is links to the executable that runs it.
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
	return execute(s.t, append([]string{"sandbox", "--dir", s.dir, "--"}, command...)...)
}

func (s sandboxed) sh(script string) (code int, stdout, stderr string) {
	s.t.Helper()
	return s.run("sh", "-c", script)
}

// sampleProject is the repository's own stack, with a secret that is good today.
func sampleProject(t *testing.T) sandboxed {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi.dev.yaml")
	require.NoError(t, err)
	const period = "startDate: 2026-11-01, endDate: 2028-10-31"
	require.Contains(t, string(text), period)
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	stack := strings.Replace(string(text), period, "startDate: "+day(-1)+", endDate: "+day(90), 1)
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
	t.Run("the stack's own instructions sign in", func(t *testing.T) {
		_, text, stderr := s.run("pulumi", "stack", "output", "howToInvoke", "--json", "--stack", "dev")
		var how map[string]string
		require.NoError(t, json.Unmarshal([]byte(text), &how), stderr)
		require.Len(t, how, 6)
		delete(how, "data-factory") // a stack does not know the client ID of an identity that it does not make
		before := map[string]string{
			"pipeline": `export AZURE_FEDERATED_TOKEN_FILE="$BATCHACCESS_SIGN_INS/dev/pipeline/federated/main"`,
			"partner": `CLIENT_SECRET="$(pulumi stack output clientSecrets --show-secrets --json --stack dev | sed -n ` +
				`'s/.*"2026": "\(.*\)".*/\1/p')"`,
		}
		people := []string{"analysts", "release-manager"}
		for invoker, instructions := range how {
			script, _, ok := strings.Cut(instructions, "\ncurl ")
			require.True(t, ok, instructions)
			kind := "servicePrincipal"
			if slices.Contains(people, invoker) { // az login asks in a browser who it is; here, a flag says so
				script, kind = strings.Replace(script, "az login", "az login --username "+invoker, 1), "user"
			}
			code, stdout, stderr := s.sh("set -e\n" + before[invoker] + "\n" + script + "\n" +
				`test -n "$TOKEN"; az account show --query user.type --output tsv`)
			assert.Equal(t, 0, code, "%s: %s\n%s", invoker, script, stderr)
			assert.Contains(t, stdout, kind+"\n", invoker)
		}
	})
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
		before := time.Now().Add(time.Hour - 2*time.Second) // in whole seconds, of which Entra holds back one
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
