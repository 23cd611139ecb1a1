package azure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// lateness is the delay that the real Azure may have (azure-facts.md, Groups).
var lateness = azure.Weather{Propagation: 10 * time.Minute, IdentityTokens: 24 * time.Hour}

// A changed role has its old effect for a while, each version of it.
func TestAChangedRoleActsLate(t *testing.T) {
	t.Parallel()
	w := under(t, lateness)
	guid := uuid.NewString()
	define := func(action string) {
		got := w.arm(http.MethodPut, group+"/providers/Microsoft.Authorization/roleDefinitions/"+guid, object("properties",
			object("roleName", "late "+guid, "type", "CustomRole", "assignableScopes", []string{group},
				"permissions", []any{object("actions", []string{action})})))
		require.Equal(t, http.StatusCreated, got.status, got.body)
	}
	const read, other = "Microsoft.MachineLearningServices/workspaces/read", "Microsoft.Storage/storageAccounts/read"
	may := func(action string) string { return w.Allows(bob, workspace, action, false) }
	define(other)
	w.assign(bob, guid, group)
	w.pass(10 * time.Minute)
	require.Equal(t, "no", may(read))
	define(read)
	w.pass(9 * time.Minute)
	assert.Equal(t, "no", may(read), "as it was")
	assert.Equal(t, "yes", may(other))
	define("Microsoft.MachineLearningServices/workspaces/*")
	w.pass(time.Minute)
	assert.Equal(t, "yes", may(read), "as it was then")
	assert.Equal(t, "no", may("Microsoft.MachineLearningServices/workspaces/write"))
	w.pass(9 * time.Minute)
	assert.Equal(t, "yes", may("Microsoft.MachineLearningServices/workspaces/write"))
}

// A new member of a group has the group's access after the propagation, with a newer token; a managed identity when its
// token has expired. The same holds for somebody who leaves.
func TestMembershipsActLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		member string
		late   time.Duration
	}{
		"a user":             {bob, lateness.Propagation},
		"a managed identity": {"", lateness.IdentityTokens},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := under(t, lateness)
			if c.member == "" {
				c.member = uuid.NewString()
				require.NoError(t, w.Seed(azure.Seed{ServicePrincipals: []azure.ServicePrincipal{{ObjectID: c.member,
					DisplayName: "robot", Type: "ManagedIdentity"}}}))
			}
			outer, inner := w.group(), w.group()
			w.assign(outer, controlReader, group)
			w.join(outer, inner)
			w.pass(lateness.IdentityTokens)
			may := func() string {
				return w.Allows(c.member, workspace, "Microsoft.MachineLearningServices/workspaces/read", false)
			}
			w.join(inner, c.member)
			w.pass(c.late - time.Minute)
			assert.Equal(t, "no", may())
			w.pass(time.Minute)
			assert.Equal(t, "yes", may(), "through both groups")

			w.leave(inner, c.member)
			w.pass(c.late - time.Minute)
			assert.Equal(t, "yes", may())
			w.join(inner, c.member) // and rejoins before the change has had effect
			w.pass(time.Minute)
			assert.Equal(t, "no", may(), "that it came back is not seen yet")
			require.NoError(t, w.Settle())
			assert.Equal(t, "yes", may())
			w.leave(inner, c.member)
			require.NoError(t, w.Settle())
			assert.Equal(t, "no", may())
		})
	}
}

// A token has the groups of when it was issued.
func TestAnOldTokenHasTheOldGroups(t *testing.T) {
	t.Parallel()
	for _, weather := range []azure.Weather{lateness, {}} {
		w := under(t, weather)
		outer := w.group()
		w.assign(outer, controlReader, group)
		w.pass(24 * time.Hour)
		old := w.token(bob, management)
		w.pass(time.Second)
		w.join(outer, bob)
		w.pass(10 * time.Minute)
		read := func(token string) int {
			return w.send(http.MethodGet, workspace+"?api-version=2024-04-01", token, nil).status
		}
		want := http.StatusForbidden
		if weather == (azure.Weather{}) { // in calm weather every change has effect at once
			want = http.StatusOK
		}
		assert.Equal(t, want, read(old), "%s", weather)
		assert.Equal(t, http.StatusOK, read(w.token(bob, management)))
	}
}

// group makes a security group.
func (w *world) group() string {
	name := uuid.NewString()
	got := w.graph(http.MethodPost, "/v1.0/groups", object("displayName", name, "mailEnabled", false, "mailNickname", name,
		"securityEnabled", true))
	require.Equal(w.t, http.StatusCreated, got.status, got.body)
	return got.body["id"].(string)
}

func (w *world) join(groupID, member string) {
	got := w.graph(http.MethodPost, "/v1.0/groups/"+groupID+"/members/$ref",
		object("@odata.id", w.URL()+"/graph/v1.0/directoryObjects/"+member))
	require.Equal(w.t, http.StatusNoContent, got.status, got.body)
}

func (w *world) leave(groupID, member string) {
	got := w.graph(http.MethodDelete, "/v1.0/groups/"+groupID+"/members/"+member+"/$ref", nil)
	require.Equal(w.t, http.StatusNoContent, got.status, got.body)
}
