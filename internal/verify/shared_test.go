package verify_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

func TestASharedGrantIsComparedWithWhoHoldsIt(t *testing.T) {
	t.Parallel()
	m := model()
	m.SharedGrants = map[string]access.SharedGrant{
		"patients": {By: "batchaccess/prod", Principal: "ann", StorageAccount: "lake", Container: "patients"},
	}
	plan, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	reader, known := roles.BuiltIn(roles.StorageBlobDataReader)
	require.True(t, known)
	subjects := []verify.Subject{{Principal: access.InvokerPrincipal("ann"), ID: ann, Kind: access.User}}
	container := lake + "/blobServices/default/containers/patients"
	assignment := func(scope, stack string) verify.Assignment {
		return verify.Assignment{ID: "/x", Scope: scope, PrincipalID: ann, Role: reader.RoleName, RoleID: reader.ID,
			Permissions: reader.Permissions, Made: time.Unix(0, 0), Stack: stack}
	}
	for name, c := range map[string]struct {
		held    []verify.Assignment
		lacking bool
		says    []string // why and what to do; nil if nothing is wrong
	}{
		"by the stack that is to": {[]verify.Assignment{assignment(container, "batchaccess/prod")}, false, nil},
		"by the stack, among more": {[]verify.Assignment{assignment(lake, ""),
			assignment(container, "batchaccess/prod")}, false, nil},
		"by another stack": {[]verify.Assignment{assignment(container, "batchaccess/test")}, false,
			[]string{"stack batchaccess/test holds it, not batchaccess/prod", "write by: batchaccess/test"}},
		"by nobody who says so": {[]verify.Assignment{assignment(container, "")}, false,
			[]string{"does not say which stack", "pulumi up of stack batchaccess/prod"}},
		"by nobody, and had otherwise": {[]verify.Assignment{assignment(lake, "batchaccess/prod")}, false,
			[]string{"stack batchaccess/prod does not hold it", "deploy that stack"}},
		"by nobody": {nil, true, []string{"stack batchaccess/prod does not hold it", "deploy that stack"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := verify.Judge("dev", plan, subjects, verify.Facts{Assignments: c.held, Asked: time.Unix(1e9, 0)}, 0)
			require.NoError(t, err)
			lacking := false
			for _, l := range r.Lacking {
				lacking = lacking || l.HeldBy != ""
			}
			assert.Equal(t, c.lacking, lacking)
			var out bytes.Buffer
			require.NoError(t, verify.WriteTable(&out, r))
			if c.says == nil {
				assert.Empty(t, r.Shared)
				assert.NotContains(t, out.String(), "SHARED GRANTS")
				return
			}
			require.Len(t, r.Shared, 1)
			assert.True(t, r.Failed(false))
			assert.Contains(t, r.Shared[0].Why, c.says[0])
			assert.Contains(t, r.Shared[0].Fix, c.says[1])
			assert.Contains(t, out.String(), c.says[0])
			assert.Contains(t, r.Verdict(), "1 shared grants are not held as the configuration says")
		})
	}
}
