package engine

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestTheSampleConvergesInAnyWeather(t *testing.T) {
	t.Parallel()
	calm := deploy(t, t.TempDir())
	defer calm.close()
	calm.up()

	weather := azure.Stormy()
	weather.Seed, weather.Throttling, weather.Faults, weather.LostAnswers = uint64(time.Now().UnixNano()), 0.06, 0.06, 0.06
	t.Logf("to repeat it: %s", weather)
	stormy := deployIn(t, weather, t.TempDir())
	defer stormy.close()
	stormy.up()

	want, _ := calm.urns()
	got, pending := stormy.urns()
	assert.ElementsMatch(t, want, got)
	assert.Zero(t, pending)
	assert.Equal(t, calm.kinds(), stormy.kinds(), "nothing twice, nothing missing in Azure")
	assignments := calm.assignments()
	assert.Greater(t, len(assignments), 2*invokers)
	assert.Equal(t, assignments, stormy.assignments())
	assert.Empty(t, stormy.preview(), "nothing is left to do")
	stormy.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
	assert.Empty(t, stormy.azure.Inventory())
}

// An assignment is described by names: principals that the stack makes have other IDs in each sandbox.
type assignment struct{ Principal, Role, Scope string }

// assignments asks Resource Manager for the assignments of the stack's principals.
func (d *deployment) assignments() []assignment {
	d.t.Helper()
	var outputs struct{ PrincipalIDs, ClusterPrincipalIDs map[string]string }
	require.NoError(d.t, json.Unmarshal(d.outputs(), &outputs))
	names := map[string]string{}
	for name, id := range outputs.PrincipalIDs {
		names[id] = "invoker " + name
	}
	for name, id := range outputs.ClusterPrincipalIDs {
		names[id] = "cluster " + name
	}
	owner := d.azure.Deployer()
	token, err := d.azure.SignIn(d.t.Context(), owner.ObjectID, "https://management.azure.com")
	require.NoError(d.t, err)
	var found []assignment
	next := d.azure.URL() + "/subscriptions/" + owner.SubscriptionID +
		"/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
	for next != "" {
		var page struct {
			Value []struct {
				Properties struct{ PrincipalID, RoleDefinitionID, Scope string }
			}
			NextLink string
		}
		require.NoError(d.t, json.Unmarshal(d.get(next, token), &page))
		for _, a := range page.Value {
			if name := names[a.Properties.PrincipalID]; name != "" {
				found = append(found, assignment{name, path.Base(a.Properties.RoleDefinitionID), a.Properties.Scope})
			}
		}
		next = page.NextLink
	}
	slices.SortFunc(found, func(a, b assignment) int {
		return slices.Compare([]string{a.Principal, a.Role, a.Scope}, []string{b.Principal, b.Role, b.Scope})
	})
	return found
}

// get reads from the sandbox, as often as its weather requires.
func (d *deployment) get(at, token string) []byte {
	d.t.Helper()
	for {
		req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, at, nil)
		require.NoError(d.t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := d.azure.Client().Do(req)
		require.NoError(d.t, err)
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
			_ = resp.Body.Close()
			continue
		}
		require.Equal(d.t, http.StatusOK, resp.StatusCode)
		text, err := io.ReadAll(resp.Body)
		require.NoError(d.t, err)
		require.NoError(d.t, resp.Body.Close())
		return text
	}
}
