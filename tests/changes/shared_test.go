package changes

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// lake is a stack whose group reads a container, in a workspace of its own.
const lake = `config:
  azure-native:location: westeurope
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/STACK/providers/` +
	`Microsoft.MachineLearningServices/workspaces/STACK
  batchaccess:location: westeurope
  batchaccess:invokers:
    analysts: { kind: group, objectId: 22222222-2222-4222-8222-222222222222 }
  batchaccess:clusters:
    STACK-cpu: {}
  batchaccess:storageAccounts:
    lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/Microsoft.Storage/` +
	`storageAccounts/lake
  batchaccess:dataInputs:
    patients: { kind: blob, storageAccount: lake, container: patients }
`

const shared = `  batchaccess:sharedGrants:
    patients: { by: batchaccess/prod, principal: analysts, storageAccount: lake, container: patients }
`

// A stackOf is one of several stacks in one Azure.
type stackOf struct {
	t      *testing.T
	name   string
	dir    string
	engine *engine.Engine
}

func deploy(t *testing.T, a *azure.Azure, name, state, more string) stackOf {
	t.Helper()
	return deployText(t, a, name, state, strings.ReplaceAll(lake, "STACK", name)+more)
}

func deployText(t *testing.T, a *azure.Azure, name, state, text string) stackOf {
	t.Helper()
	dir := project(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi."+name+".yaml"), []byte(text), 0o600))
	values, err := config.ReadStack(dir, name)
	require.NoError(t, err)
	model, problems := config.Model(values)
	require.NoError(t, problems.Err())
	seed, err := rehearsal.Seed(model, rehearsal.DefaultLocation)
	require.NoError(t, err)
	seed.RoleAssignments = nil // the other stack makes them
	require.NoError(t, a.Seed(seed))
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	s := stackOf{t: t, name: name, dir: dir}
	s.engine, err = engine.Start(t.Context(), engine.Options{
		StateDir: state, Azure: a, ProjectDir: dir, Pulumi: cli, Stdout: io.Discard, Stderr: t.Output(),
	})
	require.NoError(t, err)
	return s
}

func (s stackOf) pulumi(args ...string) (string, error) {
	var out bytes.Buffer
	err := s.engine.Pulumi(s.t.Context(), &out, append(args, "--stack", s.name, "--non-interactive", "--color",
		"never")...)
	return out.String(), err
}

func (s stackOf) mustRun(args ...string) {
	s.t.Helper()
	out, err := s.pulumi(args...)
	require.NoError(s.t, err, out)
}

func (s stackOf) fails(says string) {
	s.t.Helper()
	out, err := s.pulumi("up", "--yes")
	require.Error(s.t, err)
	assert.Contains(s.t, strings.Join(strings.Fields(out), " "), says)
}

func (s stackOf) close() { require.NoError(s.t, s.engine.Close()) }

func TestTwoStacksThatNeedOneAssignment(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	reads := func() string {
		return a.Allows("22222222-2222-4222-8222-222222222222", "/subscriptions/11111111-1111-4111-8111-111111111111"+
			"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake/blobServices/default/containers/patients",
			"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", true)
	}
	dev := t.TempDir()

	missing := deploy(t, a, "dev", dev, shared)
	missing.fails("sharedGrants.patients.by: stack batchaccess/prod does not hold")
	assert.Empty(t, a.Inventory(), "nothing is made")
	missing.close()

	prod := deploy(t, a, "prod", t.TempDir(), "")
	defer prod.close()
	// With one worker, which waits while a hook runs: the provider that a hook asks must be running already.
	prod.mustRun("up", "--yes", "--skip-preview", "--parallel", "1")
	ofProd := a.Inventory()

	undeclared := deploy(t, a, "dev", dev, "")
	undeclared.fails("stack batchaccess/prod has this assignment")
	assert.Equal(t, ofProd, a.Inventory(), "nothing is made or taken")
	undeclared.close()

	wrong := deploy(t, a, "dev", dev, strings.ReplaceAll(shared, "batchaccess/prod", "batchaccess/test"))
	wrong.fails("sharedGrants.patients.by: stack batchaccess/prod holds it, not batchaccess/test; write batchaccess/prod")
	assert.Equal(t, ofProd, a.Inventory(), "nothing is made or taken")
	wrong.close()

	declared := deploy(t, a, "dev", dev, shared)
	defer declared.close()
	declared.mustRun("up", "--yes")
	assert.Subset(t, a.Inventory(), ofProd)
	assert.Greater(t, len(a.Inventory()), len(ofProd))
	declared.mustRun("destroy", "--yes", "--skip-preview")
	assert.Equal(t, ofProd, a.Inventory(), "the other keeps all")
	assert.Equal(t, "yes", reads())

	declared.mustRun("up", "--yes", "--skip-preview")
	prod.mustRun("destroy", "--yes", "--skip-preview")
	ofDev := a.Inventory()
	assert.NotEmpty(t, ofDev)
	declared.fails("sharedGrants.patients.by: stack batchaccess/prod does not hold Storage Blob Data Reader on " +
		"lake/patients " +
		"for invoker analysts")
	assert.Equal(t, ofDev, a.Inventory(), "the holder is gone, and nothing is touched")
	declared.mustRun("destroy", "--yes", "--skip-preview")
	assert.Empty(t, a.Inventory(), "a stack goes whether or not the holder is there")
}
