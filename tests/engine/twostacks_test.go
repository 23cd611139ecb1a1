package engine

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandbox "github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// twoStacks are two projects that share a backend and an Azure, in which their workspace, an endpoint and ann exist.
type twoStacks struct {
	t     *testing.T
	azure *azure.Azure
	state string
	cli   string
}

const (
	annID       = "33333333-3333-4333-8333-333333333333"
	workspaceID = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/" +
		"Microsoft.MachineLearningServices/workspaces/scoring-dev"
)

func newTwoStacks(t *testing.T) *twoStacks {
	t.Helper()
	s := &twoStacks{t: t, state: t.TempDir()}
	seed, err := rehearsal.Seed(access.Model{
		WorkspaceID: access.Known(workspaceID),
		Invokers:    map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(annID)}},
		Clusters:    map[string]access.Cluster{"cpu": {}},
		Endpoints:   map[string]access.Endpoint{"score": {Cluster: "cpu"}},
	}, "westeurope")
	require.NoError(t, err)
	s.azure, err = azure.Start(t.Context(), azure.Options{StateFile: filepath.Join(s.state, "azure", "state.json")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.azure.Close()) })
	require.NoError(t, s.azure.Seed(seed))
	s.cli, err = pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	return s
}

// pulumi runs a command of the CLI on the stack of a project, and returns its output.
func (s *twoStacks) pulumi(project string, args ...string) (string, error) {
	s.t.Helper()
	dir := s.t.TempDir()
	program, err := filepath.Abs("twostacks")
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"),
		[]byte("name: "+project+"\nruntime: go\nmain: "+program+"\n"), 0o600))
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"),
		[]byte("config:\n  azure-native:location: westeurope\n  azure-native:subscriptionId: "+
			"11111111-1111-4111-8111-111111111111\n"), 0o600))
	e, err := sandbox.Start(s.t.Context(), sandbox.Options{StateDir: s.state, Azure: s.azure, ProjectDir: dir,
		Pulumi: s.cli, Stdout: io.Discard, Stderr: s.t.Output()})
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, e.Close()) }()
	var out bytes.Buffer
	err = e.Pulumi(s.t.Context(), &out, append(args, "--stack", "dev", "--non-interactive")...)
	return out.String(), err
}

// signedIn is a principal that the sandbox signs in.
type signedIn struct {
	azure    *azure.Azure
	objectID string
}

func (s signedIn) GetToken(ctx context.Context, asked policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.azure.SignIn(ctx, s.objectID, strings.TrimSuffix(strings.Join(asked.Scopes, " "), "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// starts lets ann start a job.
func (s *twoStacks) starts() error {
	s.t.Helper()
	cloud, err := azureclient.Discover(s.t.Context(), s.azure.Client(), s.azure.Host())
	require.NoError(s.t, err)
	clientOf := func(objectID string) *invoke.Client {
		c, err := invoke.New(invoke.Options{Credential: signedIn{s.azure, objectID}, Cloud: cloud,
			Transport: s.azure.Client()})
		require.NoError(s.t, err)
		return c
	}
	uri, err := clientOf(s.azure.Deployer().ObjectID).ScoringURI(s.t.Context(), workspaceID, "score")
	require.NoError(s.t, err)
	_, err = clientOf(annID).Start(s.t.Context(), uri, "", jobrequest.Request{})
	return err
}

func TestARoleOfOneStackIsAssignedByAnother(t *testing.T) {
	t.Parallel()
	s := newTwoStacks(t)
	out, err := s.pulumi("scoring", "preview")
	require.Error(t, err, "there is no role yet")
	assert.Contains(t, out, "platform")

	out, err = s.pulumi("platform", "up", "--yes", "--skip-preview")
	require.NoError(t, err, out)
	before := s.azure.Inventory()
	require.Len(t, before, 1)
	require.Error(t, s.starts(), "the role is assigned to nobody")

	out, err = s.pulumi("scoring", "up", "--yes")
	require.NoError(t, err, out)
	assert.Contains(t, out, "what the role allows is not known here", "it is warned of")
	require.NoError(t, s.starts())
	var definitions, assignments int
	for _, id := range s.azure.Inventory() {
		definitions += strings.Count(id, "/roleDefinitions/")
		assignments += strings.Count(id, "/roleAssignments/")
	}
	assert.Equal(t, []int{1, 1}, []int{definitions, assignments}, "the second stack makes no role")
	out, err = s.pulumi("scoring", "preview", "--expect-no-changes")
	require.NoError(t, err, out)
	out, err = s.pulumi("scoring", "preview", "--config", "scoring:credential=trunk")
	require.Error(t, err, "it is seen in a stack without outputs too")
	assert.Contains(t, out, "write was: main")
	out, err = s.pulumi("scoring", "preview", "--config", "scoring:ann=bea", "--config", "scoring:was=nobody")
	require.Error(t, err, "a name that ann never had")
	assert.Contains(t, strings.Join(strings.Fields(out), " "), "invoker.bea.was: no principal of it was called nobody; "+
		"take it out, or write what it was called: ann")
	out, err = s.pulumi("scoring", "refresh", "--yes", "--skip-preview", "--expect-no-changes")
	require.NoError(t, err, out)

	_, err = s.pulumi("platform", "destroy", "--yes", "--skip-preview")
	require.Error(t, err, "Azure keeps a role that is assigned")
	require.NoError(t, s.starts())
	out, err = s.pulumi("scoring", "destroy", "--yes", "--skip-preview")
	require.NoError(t, err, out)
	assert.Equal(t, before, s.azure.Inventory(), "the role stays: it is not this stack's")
	require.Error(t, s.starts())
	out, err = s.pulumi("platform", "destroy", "--yes", "--skip-preview")
	require.NoError(t, err, out)
	assert.Empty(t, s.azure.Inventory())
}
