package rehearsal

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/world"
)

// A change is not rehearsed in the world of another stack: nothing is started, and all differences are named.
func TestAChangeInAnotherWorldIsRefused(t *testing.T) {
	t.Parallel()
	o := options(t, limited)
	_, err := Change(t.Context(), ChangeOptions{
		Stack: "dev", StateDir: t.TempDir(), Pulumi: "no pulumi is started",
		Old: Version{ProjectDir: o.ProjectDir, Model: o.Model}, New: Version{ProjectDir: o.ProjectDir, Model: o.Model},
		World:   &world.World{TenantID: "11111111-2222-4222-8222-222222222222", Workspace: world.Workspace{ID: "/another"}},
		Tenants: map[string]string{"azuread:tenantId": "11111111-2222-4222-8222-333333333333"},
	})
	for _, says := range []string{"before the change: preparing the sandbox: the world is not the stack's",
		"azuread:tenantId: the world is of tenant", "workspaceId: the world is of workspace /another"} {
		assert.ErrorContains(t, err, says)
	}
}
