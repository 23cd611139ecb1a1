package engine

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const clientSecret = "azuread:index/applicationPassword:ApplicationPassword"

// A lost is a sample that was deployed: what it made in Azure, and the resources that its state had.
type lost struct {
	azure      []byte
	made, urns []string
}

// deployed are the samples that were deployed, by their edits: those who lose a state may begin with the same one.
var (
	deployed = map[string]lost{}
	lock     sync.Mutex // on deployed, also while one is deployed
)

func deployedOnce(t *testing.T, edits ...string) lost {
	t.Helper()
	lock.Lock()
	defer lock.Unlock()
	l, done := deployed[strings.Join(edits, "\n")]
	if done {
		return l
	}
	state := t.TempDir()
	d := deploy(t, state, edits...)
	d.up()
	l.made = d.azure.Inventory()
	l.urns, _ = d.urns()
	d.close()
	var err error
	l.azure, err = os.ReadFile(filepath.Join(state, "azure", "state.json"))
	require.NoError(t, err)
	deployed[strings.Join(edits, "\n")] = l
	return l
}

// deployAndForget deploys the sample with edits, loses its state, and returns what exists in Azure, and what was in the
// state.
func deployAndForget(t *testing.T, edits ...string) (d *deployment, made, urns []string) {
	t.Helper()
	l := deployedOnce(t, edits...)
	state := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(state, "azure"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(state, "azure", "state.json"), l.azure, 0o600))
	d = deploy(t, state, edits...)
	t.Cleanup(d.close)
	require.Equal(t, l.made, d.azure.Inventory())
	return d, l.made, l.urns
}

// isAdopted checks that everything but the client secret is in the state with the program's inputs, and nothing is made
// twice.
func (d *deployment) isAdopted(made []string) {
	d.t.Helper()
	assert.Equal(d.t, made, d.azure.Inventory(), "nothing is made or taken away")
	protects, err := d.engine.Protects("dev")
	require.NoError(d.t, err)
	assert.False(d.t, protects, "the program protects nothing")
	secrets := 0
	for _, s := range d.steps() { // components and providers too
		if s.Op == "same" || s.kind() == "pulumi:pulumi:Stack" {
			continue
		}
		secrets++
		assert.Equal(d.t, "create "+clientSecret, s.Op+" "+s.kind(), "%s: %v", s.URN, s.DiffReasons)
	}
	require.Equal(d.t, 1, secrets, "nobody knows the old secret any more")
}

// goesOn checks that an adopted stack can be deployed as if its state had never been lost.
func (d *deployment) goesOn(made, urns []string) {
	d.t.Helper()
	d.up()
	assert.Empty(d.t, d.preview())
	d.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	have, _ := d.urns()
	assert.Equal(d.t, urns, have, "the same resources")
	assert.Len(d.t, d.azure.Inventory(), len(made)+1, "the old secret is left, and nothing twice")
}

func TestALostStateIsAdopted(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)
	d, made, urns := deployAndForget(t)
	said, code := d.run(batchaccess, "adopt", "--stack", "dev", "--yes")
	require.Zero(t, code, said)
	t.Log(said)
	assert.Equal(t, 1, strings.Count(said, "lost"), said)
	d.isAdopted(made)
	d.goesOn(made, urns)
	d.noSecretInThePlain()

	again, code := d.run(batchaccess, "adopt", "--stack", "dev", "--yes")
	assert.Zero(t, code, again)
	assert.NotContains(t, again, "importing")
}

func TestALostStateIsAdoptedByHand(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)
	d, made, _ := deployAndForget(t)
	file := filepath.Join(t.TempDir(), "import.json")
	args, imports := []string{"adopt", "--stack", "dev", "--import-file", file}, 0
	for {
		said, code := d.run(batchaccess, args...)
		if code == 0 {
			break
		}
		require.Equal(t, 1, code, said)
		require.Contains(t, said, "pulumi import --stack dev --file "+file)
		if imports++; imports > 5 {
			t.Fatalf("still something to import: %s", said)
		}
		said, code = d.run(d.cli, "import", "--stack", "dev", "--file", file, "--yes", "--skip-preview", "--protect=false",
			"--generate-code=false")
		require.Zero(t, code, said)
		args = []string{"adopt", "--stack", "dev", "--imported", file, "--yes", "--import-file", file}
	}
	assert.Equal(t, 3, imports, "applications; their service principals; those' assignments")
	d.isAdopted(made)

	// in the right order, although no up has recorded the dependencies
	d.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
	assert.Empty(t, d.azure.Inventory())
}

func TestAnotherToolsPartIsAdoptedAndWhatIsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)
	d, _, _ := deployAndForget(t)
	// Differences between the program and Azure must show, whatever is adopted.
	d.pulumi("config", "set", "--path", "batchaccess:clusters.cpu.maxNodeCount", "6")
	assignment := d.renameAssignment()

	said, code := d.run(batchaccess, "adopt", "--stack", "dev", "--yes")
	require.Equal(t, 1, code, said)
	assert.Regexp(t, `taken +\S+ +`+roleAssignment+` +`+assignment+` +owner: stack batchaccess/dev\n`, said)
	assert.Contains(t, said, "to be looked at by hand: 1 resource, ")
	steps := d.preview()
	require.Len(t, steps["update "+compute], 1)
	assert.Equal(t, []string{"properties.properties.scaleSettings.maxNodeCount"},
		slices.Collect(maps.Keys(steps["update "+compute][0].DetailedDiff)))
	require.Len(t, steps["create "+roleAssignment], 1, "it is not imported: Pulumi would delete it")

	said, code = d.run(d.cli, "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev")
	require.NotZero(t, code)
	require.Contains(t, said, "RoleAssignmentExists")
	d.arm(http.MethodDelete, assignment, nil)
	d.up()
	assert.Empty(t, d.preview())
}

const compute = "azure-native:machinelearningservices:Compute"

// renameAssignment replaces an assignment of the stack by one with another name, as if a person had made it.
func (d *deployment) renameAssignment() (id string) {
	d.t.Helper()
	at := slices.IndexFunc(d.azure.Inventory(), func(id string) bool {
		return strings.Contains(id, "/containers/images/providers/Microsoft.Authorization/roleAssignments/")
	})
	require.GreaterOrEqual(d.t, at, 0)
	ours := d.azure.Inventory()[at]
	assignment := d.arm(http.MethodGet, ours, nil)
	d.arm(http.MethodDelete, ours, nil)
	id = ours[:strings.LastIndex(ours, "/")+1] + "77777777-7777-4777-8777-777777777777"
	d.arm(http.MethodPut, id, map[string]any{"properties": assignment["properties"]})
	return id
}

// arm calls Resource Manager as the deployer.
func (d *deployment) arm(method, id string, body any) map[string]any {
	d.t.Helper()
	token, err := d.azure.SignIn(d.t.Context(), d.azure.Deployer().ObjectID, "https://management.azure.com")
	require.NoError(d.t, err)
	content, err := json.Marshal(body)
	require.NoError(d.t, err)
	if body == nil {
		content = nil
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.azure.URL()+id+"?api-version=2022-04-01",
		bytes.NewReader(content))
	require.NoError(d.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.azure.Client().Do(req)
	require.NoError(d.t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	require.NoError(d.t, json.NewDecoder(resp.Body).Decode(&answer))
	require.Less(d.t, resp.StatusCode, 300, answer)
	return answer
}
