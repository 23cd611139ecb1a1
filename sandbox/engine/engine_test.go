package engine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

const (
	program      = "testdata/program"
	subscription = "22222222-2222-4222-8222-222222222222"
	group        = "/subscriptions/" + subscription + "/resourceGroups/rg"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// startAzure starts an Azure with the resources that the test program refers to.
func startAzure(t *testing.T, stateFile string) *azure.Azure {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{StateFile: stateFile, Logger: silent()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	require.NoError(t, a.Seed(azure.Seed{
		SubscriptionIDs: []string{subscription},
		ResourceIDs:     []string{group},
		Workspaces: []azure.Workspace{{
			ID: group + "/providers/Microsoft.MachineLearningServices/workspaces/ws", Location: "westeurope",
		}},
		Users: []azure.User{{
			ObjectID: "55555555-5555-4555-8555-555555555555", UserPrincipalName: "ann@example.com", DisplayName: "Ann",
		}},
	}))
	return a
}

func findPulumi(t *testing.T) string {
	t.Helper()
	path, err := pulumicli.Find(t.Context(), io.Discard)
	require.NoError(t, err)
	return path
}

// changes runs a command of the CLI with --json and returns its summary: the number of steps of each kind.
func changes(t *testing.T, e *engine.Engine, args ...string) map[string]int {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, e.Pulumi(t.Context(), &out, append(args, "--json", "--non-interactive")...), out.String())
	var digest struct {
		ChangeSummary map[string]int `json:"changeSummary"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &digest), out.String())
	delete(digest.ChangeSummary, "same")
	return digest.ChangeSummary
}

func run(t *testing.T, e *engine.Engine, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, e.Pulumi(t.Context(), &out, append(args, "--non-interactive")...), out.String())
	return out.String()
}

func TestAProgramIsDeployedChangedAndDestroyed(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	a := startAzure(t, filepath.Join(state, "azure.json"))
	before, err := os.ReadFile(filepath.Join(program, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	options := engine.Options{
		StateDir: state, Azure: a, ProjectDir: program, Pulumi: findPulumi(t), Stderr: t.Output(), Logger: silent(),
	}
	e, err := engine.Start(t.Context(), options)
	require.NoError(t, err)

	assert.Equal(t, map[string]int{"create": 12}, changes(t, e, "preview"))
	assert.Empty(t, a.Inventory(), "a preview makes nothing")
	assert.Contains(t, run(t, e, "up", "--yes", "--skip-preview"), "a line that the program prints")
	assert.Len(t, a.Inventory(), 11+2, "the program's resources, and the service principals of the two identities")
	assert.Empty(t, changes(t, e, "preview"), "nothing changed")
	run(t, e, "refresh", "--yes", "--skip-preview", "--expect-no-changes")
	assert.Empty(t, changes(t, e, "preview"), "nothing changed after a refresh")

	assert.Contains(t, run(t, e, "stack", "output"), "[secret]")
	password := strings.TrimSpace(run(t, e, "stack", "output", "password", "--show-secrets"))
	require.Greater(t, len(password), 16)
	var printed map[string]any
	require.NoError(t, json.Unmarshal([]byte(run(t, e, "stack", "output", "--json", "--show-secrets")), &printed))
	read, err := e.Outputs(t.Context(), "dev", "")
	require.NoError(t, err)
	assert.Equal(t, printed, read, "outputs are what Pulumi says that they are")
	exported := run(t, e, "stack", "export")
	assert.NotContains(t, exported, password, "the state holds the password encrypted")
	logs, err := filepath.Glob(filepath.Join(state, "home", "logs", "*"))
	require.NoError(t, err)
	assert.Empty(t, logs, "Pulumi keeps no logs")

	run(t, e, "config", "set", "description", "second")
	run(t, e, "config", "set", "member", "principal")
	assert.Equal(t, map[string]int{"update": 1, "replace": 1}, withoutParts(changes(t, e, "preview")))
	run(t, e, "up", "--yes", "--skip-preview")
	assert.Empty(t, changes(t, e, "preview"))

	require.NoError(t, e.Close())
	e, err = engine.Start(t.Context(), options)
	require.NoError(t, err, "the state folder is free for the next engine")
	t.Cleanup(func() { _ = e.Close() })
	run(t, e, "destroy", "--yes", "--skip-preview")
	assert.Empty(t, a.Inventory())

	after, err := os.ReadFile(filepath.Join(program, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "the user's files are left alone")
}

// withoutParts leaves out the steps that a replacement consists of.
func withoutParts(summary map[string]int) map[string]int {
	delete(summary, "create-replacement")
	delete(summary, "delete-replaced")
	return summary
}

// startBare starts an engine without a project, and a script in place of the CLI.
func startBare(t *testing.T, stdout io.Writer) (*engine.Engine, engine.Options) {
	t.Helper()
	cli := filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\necho stand-in for pulumi\n"), 0o700))
	options := engine.Options{
		StateDir: filepath.Join(t.TempDir(), "state"), Azure: startAzure(t, ""), Pulumi: cli, Stdout: stdout,
		StandIns: []string{}, Logger: silent(),
	}
	e, err := engine.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e, options
}

func TestACommandSeesTheSandboxAndNotTheUsersCredentials(t *testing.T) {
	t.Setenv("ARM_CLIENT_SECRET", "the user's")
	t.Setenv("AZURE_TENANT_ID", "the user's")
	t.Setenv("PULUMI_ACCESS_TOKEN", "the user's")
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "the user's")
	t.Setenv("PULUMI_DEBUG_PROVIDERS", "azure-native:1,the user's")
	t.Setenv("PULUMI_DEBUG_LANGUAGES", "go:1,the user's")
	var out bytes.Buffer
	e, options := startBare(t, &out)
	require.NoError(t, e.Run(t.Context(), "sh", "-c", "env; pulumi"))
	assert.NotContains(t, out.String(), "the user's")
	assert.Contains(t, out.String(), "ARM_CLIENT_ID="+options.Azure.Deployer().ClientID)
	assert.Contains(t, out.String(), "PULUMI_BACKEND_URL=file://"+options.StateDir)
	assert.Contains(t, out.String(), "stand-in for pulumi", "PATH leads to the CLI first")
}

func TestAzuresClientsSignInAtTheSandbox(t *testing.T) {
	t.Setenv("IDENTITY_SERVER_THUMBPRINT", "of the user's") // these would lead the clients to another endpoint
	t.Setenv("IMDS_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("AZURE_CONFIG_DIR", "the user's own az login")
	a := startAzure(t, "")
	e, err := engine.Start(t.Context(), engine.Options{StateDir: t.TempDir(), Azure: a, Pulumi: findPulumi(t),
		Logger: silent()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close() })
	env := map[string]string{}
	for _, variable := range e.Env() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	assert.NotContains(t, env, "IDENTITY_SERVER_THUMBPRINT")
	assert.NotContains(t, env, "IMDS_ENDPOINT")
	assert.NotContains(t, env["AZURE_CONFIG_DIR"], "the user's")
	assert.Equal(t, a.URL(), env["AZURE_AUTHORITY_HOST"])
	assert.Equal(t, a.URL()+"/msi/token", env["IDENTITY_ENDPOINT"])
	assert.Equal(t, a.IdentityHeader(), env["IDENTITY_HEADER"])
	assert.Equal(t, a.Deployer(), azure.Credentials{
		TenantID: env["AZURE_TENANT_ID"], SubscriptionID: env["ARM_SUBSCRIPTION_ID"], ClientID: env["AZURE_CLIENT_ID"],
		ClientSecret: env["AZURE_CLIENT_SECRET"], ObjectID: a.Deployer().ObjectID,
	})
}

func TestTheExitCodeOfACommandIsKept(t *testing.T) {
	t.Parallel()
	e, _ := startBare(t, io.Discard)
	var exit *exec.ExitError
	require.ErrorAs(t, e.Run(t.Context(), "sh", "-c", "exit 7"), &exit)
	assert.Equal(t, 7, exit.ExitCode())
}

func TestOneEngineAtATimeUsesAStateFolder(t *testing.T) {
	t.Parallel()
	e, options := startBare(t, io.Discard)
	_, err := engine.Start(t.Context(), options)
	require.ErrorContains(t, err, "is in use")
	require.NoError(t, e.Close())
	second, err := engine.Start(t.Context(), options)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestTheStateFolderIsForTheUserOnly(t *testing.T) {
	t.Parallel()
	_, options := startBare(t, io.Discard)
	err := filepath.Walk(options.StateDir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode()&os.ModeSymlink == 0 {
			assert.Zero(t, info.Mode().Perm()&0o077, path)
		}
		return err
	})
	require.NoError(t, err)
}

func TestCommandsComeFirstOnThePath(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	state := t.TempDir()
	var out bytes.Buffer
	e, err := engine.Start(t.Context(), engine.Options{
		StateDir: state, Azure: startAzure(t,
			""), Pulumi: findPulumi(t), StandIns: []string{}, Stdout: &out, Stderr: t.Output(), Logger: silent(),
		Commands: map[string]string{"ls": sh, "pulumi": sh}, Env: []string{"COLOUR=blue"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close() })
	require.NoError(t, e.Run(t.Context(), "ls", "-c", `command -v ls; echo "$0 $COLOUR"; exec pulumi -c 'echo "$0"'`))
	ls := filepath.Join(state, "bin", "ls")
	assert.Equal(t, ls+"\n"+ls+" blue\npulumi\n", out.String())
}
