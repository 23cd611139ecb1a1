// Package engine holds the tests of the whole program on the real Pulumi engine, against the embedded Azure.
package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandbox "github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const root = "../.."

// The sandbox refuses a secret that has ended, as Entra does, so the sample's secret begins today here, the same in all
// tests.
const samplePeriod = "startDate: 2026-11-01, endDate: 2028-10-31"

var later = time.Now().AddDate(0, 4, 0).Format(time.DateOnly)

var period = fmt.Sprintf("startDate: %s, endDate: %s", time.Now().AddDate(0, 0, -1).Format(time.DateOnly),
	time.Now().AddDate(0, 3, 0).Format(time.DateOnly))

// A deployment is the project's own program and sample configuration in a sandbox of the test's own.
type deployment struct {
	t      *testing.T
	azure  *azure.Azure
	engine *sandbox.Engine
	state  string
	// project is the text of its Pulumi.dev.yaml.
	project string
	cli     string
}

// sampleIn makes a project of the sample with edits, and returns its folder and its configuration.
func sampleIn(t *testing.T, edits ...string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	program, err := filepath.Abs(root)
	require.NoError(t, err)
	project, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), append(project, []byte("main: "+program+"\n")...),
		0o600))
	stack, err := os.ReadFile(filepath.Join(root, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	edits = append(edits, samplePeriod, period)
	for i := 0; i < len(edits); i += 2 {
		require.Contains(t, string(stack), edits[i])
	}
	file = filepath.Join(dir, "Pulumi.dev.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.NewReplacer(edits...).Replace(string(stack))), 0o600))
	return dir, file
}

// deploy starts a sandbox for the sample with edits of its configuration.
func deploy(t *testing.T, state string, edits ...string) *deployment {
	t.Helper()
	return deployIn(t, azure.Weather{}, state, edits...)
}

// deployIn does the same in bad weather.
func deployIn(t *testing.T, weather azure.Weather, state string, edits ...string) *deployment {
	t.Helper()
	dir, _ := sampleIn(t, edits...)
	return deployProject(t, weather, dir, state)
}

// deployProject starts a sandbox for a project of the test's.
func deployProject(t *testing.T, weather azure.Weather, dir, state string) *deployment {
	t.Helper()
	return start(t, sandbox.Options{StateDir: state, ProjectDir: dir, Named: true}, weather)
}

// start starts a sandbox with these options.
func start(t *testing.T, o sandbox.Options, weather azure.Weather) *deployment {
	t.Helper()
	dir, state := o.ProjectDir, o.StateDir
	values, err := config.ReadStack(dir, "dev")
	require.NoError(t, err)
	args, problems := config.Decode(values)
	require.NoError(t, problems.Err())
	seed, err := rehearsal.Seed(args.Model(), "westeurope")
	require.NoError(t, err)

	d := &deployment{t: t, state: state, project: filepath.Join(dir, "Pulumi.dev.yaml")}
	d.azure, err = azure.Start(t.Context(), azure.Options{StateFile: filepath.Join(state, "azure", "state.json"),
		Weather: weather})
	require.NoError(t, err)
	require.NoError(t, d.azure.Seed(seed))
	d.cli, err = pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	o.Azure, o.Pulumi, o.Stdout, o.Stderr = d.azure, d.cli, io.Discard, t.Output()
	d.engine, err = sandbox.Start(t.Context(), o)
	require.NoError(t, err)
	return d
}

func (d *deployment) close() {
	d.t.Helper()
	require.NoError(d.t, d.engine.Close())
	require.NoError(d.t, d.azure.Close())
}

// pulumi runs a command of the CLI on the stack.
func (d *deployment) pulumi(args ...string) string {
	d.t.Helper()
	var out bytes.Buffer
	require.NoError(d.t, d.engine.Pulumi(d.t.Context(), &out, append(args, "--stack", "dev")...), out.String())
	return out.String()
}

func (d *deployment) up() {
	d.t.Helper()
	var out bytes.Buffer
	require.NoError(d.t, d.engine.PulumiSavingOnce(d.t.Context(), &out, "up", "--yes", "--skip-preview",
		"--non-interactive", "--stack", "dev"), out.String())
}

// A step is one resource in a preview.
type step struct {
	Op           string   `json:"op"`
	URN          string   `json:"urn"`
	DiffReasons  []string `json:"diffReasons"`
	DetailedDiff map[string]struct {
		Kind string `json:"kind"`
	} `json:"detailedDiff"`
}

func (s step) kind() string { return string(resource.URN(s.URN).Type()) }

// outputs are the stack's outputs as JSON, with secrets in plain text.
func (d *deployment) outputs() []byte {
	d.t.Helper()
	all, err := d.engine.Outputs(d.t.Context(), "dev", "")
	require.NoError(d.t, err)
	text, err := json.Marshal(all)
	require.NoError(d.t, err)
	return text
}

// steps returns the steps of a preview.
func (d *deployment) steps() []step {
	d.t.Helper()
	var digest struct {
		Steps []step `json:"steps"`
	}
	require.NoError(d.t, json.Unmarshal([]byte(d.pulumi("preview", "--json", "--non-interactive")), &digest))
	return digest.Steps
}

// preview returns the steps that change something in Azure, by operation and type.
func (d *deployment) preview() map[string][]step {
	d.t.Helper()
	found := map[string][]step{}
	for _, s := range d.steps() {
		if s.Op != "same" && !strings.HasPrefix(s.kind(), "batchaccess:") && !strings.HasPrefix(s.kind(), "pulumi:") {
			found[s.Op+" "+s.kind()] = append(found[s.Op+" "+s.kind()], s)
		}
	}
	return found
}

// assertNewBeforeOld checks the output of a deployment: every replacement is made before any replaced resource is
// deleted.
func assertNewBeforeOld(t *testing.T, printed string, resources int) {
	t.Helper()
	created := strings.LastIndex(printed, " created replacement")
	deleted := strings.Index(printed, " deleting original")
	require.Equal(t, resources, strings.Count(printed, " created replacement"), printed)
	require.Greater(t, created, 0, printed)
	assert.Greater(t, deleted, created, printed)
}

const (
	roleDefinition = "azure-native:authorization:RoleDefinition"
	roleAssignment = "azure-native:authorization:RoleAssignment"
	invokers       = 6 // in the sample
)

func TestTheSampleIsDeployedChangedAndDestroyed(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	d := deploy(t, state)
	d.up()
	made := d.azure.Inventory()
	assert.NotEmpty(t, made)
	assert.Empty(t, d.preview(), "a second preview changes nothing")
	d.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	assert.Empty(t, d.preview(), "a refresh finds no drift")
	d.close()

	t.Run("an action more is an update of the role in place", func(t *testing.T) {
		d := deploy(t, state, "additions: [pollJobs]", "additions: [pollJobs, cancelJobs]")
		defer d.close()
		steps := d.preview()
		require.Len(t, steps, 1)
		require.Len(t, steps["update "+roleDefinition], 1)
		assert.Equal(t, "add", steps["update "+roleDefinition][0].DetailedDiff["permissions[0].actions[38]"].Kind)
		d.up()
		assert.Equal(t, made, d.azure.Inventory(), "nothing is made or taken away")
		assert.Empty(t, d.preview())
	})

	t.Run("another scope replaces the role and its assignments and nothing else", func(t *testing.T) {
		d := deploy(t, state, "additions: [pollJobs]", "scope: resourceGroup")
		defer d.close()
		steps := d.preview()
		assert.Len(t, steps["replace "+roleDefinition], 1)
		assert.Len(t, steps["replace "+roleAssignment], invokers)
		for what := range steps {
			assert.Regexp(t,
				`^(replace|create-replacement|delete-replaced) azure-native:authorization:Role(Definition|Assignment)$`, what)
		}
		d.up()
		assert.Empty(t, d.preview())
		assert.Len(t, d.azure.Inventory(), len(made))
	})

	t.Run("a role that was assignable at the workspace is replaced, and nobody goes without", func(t *testing.T) {
		d := deploy(t, state, "additions: [pollJobs]", "assignableScope: workspace") // as all were made before
		d.up()
		d.close()
		d = deploy(t, state)
		defer d.close()
		steps := d.preview()
		assert.Len(t, steps["replace "+roleDefinition], 1)
		assert.Len(t, steps["replace "+roleAssignment], invokers)
		assertNewBeforeOld(t, d.pulumi("up", "--yes", "--skip-preview", "--non-interactive"), 1+invokers)
		assert.Empty(t, d.preview())
		assert.Len(t, d.azure.Inventory(), len(made))
	})

	d = deploy(t, state)
	defer d.close()
	d.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
	assert.Empty(t, d.azure.Inventory(), "nothing is left")
}

func TestAWrongConfigurationMakesNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, t.TempDir())
	defer d.close()
	var out bytes.Buffer
	d.pulumi("config", "set", "--path", "batchaccess:clusters.cpu.computeName", "a-cluster-name-of-33-characters-x")
	d.pulumi("config", "set", "--path", "batchaccess:invokerz.x", "y")
	err := d.engine.Pulumi(t.Context(), &out, "up", "--yes", "--non-interactive", "--stack", "dev")
	require.Error(t, err)
	assert.Contains(t, out.String(), `clusters.cpu.computeName: "a-cluster-name-of-33-characters-x" `+
		`(33 characters) can't name a compute cluster`)
	assert.Contains(t, out.String(), `invokerz: unknown key; did you mean "invokers"?`)
	assert.Empty(t, d.azure.Inventory())
}
