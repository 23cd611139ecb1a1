package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
)

// stackFile is the sandbox's copy of the stack's configuration.
func (d *deployment) stackFile() string {
	d.t.Helper()
	var found []string
	require.NoError(d.t, filepath.WalkDir(d.state, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(path) == "Pulumi.dev.yaml" {
			found = append(found, path)
		}
		return err
	}))
	require.Len(d.t, found, 1)
	return found[0]
}

// unpinned removes from the sample what can be looked up, and names its principals instead.
var unpinned = []string{
	"kind: group\n      objectId: 22222222-2222-4222-8222-222222222222", "kind: group\n      displayName: analysts",
	"kind: user\n      objectId: 33333333-3333-4333-8333-333333333333", "kind: user\n      userPrincipalName: " +
		"release-manager@sandbox.example",
	"dataStore: labels, path: current, credentialInStore: false, storageAccount: shared, container: " +
		"labels", "dataStore: labels, path: current",
	"dataStore: labels, credentialInStore: false, storageAccount: shared, container: labels, path: baseline", "",
	"path: 2025, credentialInStore: true", "path: 2025",
	"credentialInStore: false, storageAccount: shared, container: scores", "",
	"      cluster: cpu\n", "",
	"      cluster: gpu\n", "",
}

func TestWhatIsLookedUpIsWhatWasGivenAndCanBePinned(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)
	d := deploy(t, t.TempDir())
	defer d.close()
	d.up()

	given, err := os.ReadFile(d.stackFile())
	require.NoError(t, err)
	for i := 0; i < len(unpinned); i += 2 {
		require.Contains(t, string(given), unpinned[i])
	}
	named := strings.NewReplacer(unpinned...).Replace(string(given))
	for _, file := range []string{d.project, d.stackFile()} {
		require.NoError(t, os.WriteFile(file, []byte(named), 0o600))
	}
	assert.Empty(t, d.preview(), "what is looked up is what was given")

	said, code := d.run(batchaccess, "pin", "--stack", "dev")
	assert.Equal(t, 1, code, said)
	for _, want := range []string{
		"invokers.analysts.objectId             22222222-2222-4222-8222-222222222222", `invokers["release-manager"].objectId`,
		"dataInputs.labels.credentialInStore", "dataInputs.baseline.dataStore", "dataInputs.archive.credentialInStore",
		`endpoints["heart-classifier"].cluster`, "nothing is written yet; add --yes",
	} {
		assert.Contains(t, said, want)
	}
	said, code = d.run(batchaccess, "pin", "--stack", "dev", "--yes")
	require.Zero(t, code, said)

	values, err := config.ReadStack(filepath.Dir(d.stackFile()), "dev")
	require.NoError(t, err)
	pinned, problems := config.Decode(values)
	require.Empty(t, problems, "nothing is left to look up")
	require.NoError(t, os.WriteFile(d.stackFile(), given, 0o600))
	values, err = config.ReadStack(filepath.Dir(d.stackFile()), "dev")
	require.NoError(t, err)
	whole, problems := config.Decode(values)
	require.Empty(t, problems)
	assert.Equal(t, whole.Model().DataInputs, pinned.Model().DataInputs)
	assert.Equal(t, whole.Model().DataOutputs, pinned.Model().DataOutputs)
	assert.Equal(t, whole.Model().Endpoints, pinned.Model().Endpoints)
	for name, i := range whole.Model().Invokers {
		assert.Equal(t, i.PrincipalID, pinned.Model().Invokers[name].PrincipalID, name)
	}

	// A wrong value is found if the check is asked for.
	_, code = d.run(d.cli, "config", "set", "checkPrincipals", "true", "--stack", "dev")
	require.Zero(t, code)
	assert.Empty(t, d.preview())
	_, code = d.run(d.cli, "config", "set", "--path", `invokers["release-manager"].objectId`,
		"99999999-9999-4999-8999-999999999999", "--stack", "dev")
	require.Zero(t, code)
	said, code = d.run(d.cli, "preview", "--stack", "dev", "--non-interactive")
	assert.NotZero(t, code)
	assert.Contains(t, said, "invokers.release-manager.objectId: a user with the object ID "+
		"99999999-9999-4999-8999-999999999999 can't be looked up")
}
