package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// Each fault of a path is reported once, whether or not access is limited to the path.
func TestEachFaultOfAPathIsSaidOnce(t *testing.T) {
	t.Parallel()
	faults := []struct {
		text, says string
		limited    bool // only a condition can't express it
	}{
		{"a'b", "holds a single quote", true}, {"a\u200bb", "holds a character that conditions do not take", true},
		{"a%20b", "holds an escape", true}, {"a%zz", "holds a % that begins no escape", false},
		{"a*b", "holds a wildcard, which", false}, {`a\b`, "holds a backslash", false}, {"a\tb", "holds a control", false},
		{"a#b", "holds ? or #", false}, {"a//b", "holds a folder without a name", false}, {"a/../b", "leaves its folder",
			false},
		{" a", "begins or ends with a space", false},
	}
	said := func(t *testing.T, path string, scope access.Level) (at map[string][]string) {
		t.Helper()
		no := false
		_, ps := access.Compile(access.Model{
			WorkspaceID: access.Known("/subscriptions/" + someGUID + "/resourceGroups/rg/providers/" +
				"Microsoft.MachineLearningServices/workspaces/ws"),
			Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(someGUID)}},
			Clusters: map[string]access.Cluster{"cpu": {}},
			StorageAccounts: map[string]access.ID{"lake": access.Known("/subscriptions/" + someGUID +
				"/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lake")},
			StorageAccountKinds: map[string]roles.AccountKind{"lake": roles.Flat},
			DataInputs: map[string]access.DataInput{"in": {Kind: access.Blob, StorageAccount: "lake", Container: "rows",
				Path: path, Scope: scope}},
			DataOutputs: map[string]access.DataOutput{"out": {DataStore: "s", CredentialInStore: &no, StorageAccount: "lake",
				Container: "rows", Path: path, Scope: scope}},
		})
		at = map[string][]string{}
		for _, p := range ps {
			if strings.HasSuffix(p.Path, ".path") {
				assert.True(t, strings.HasPrefix(p.What, fmt.Sprintf("%q ", path)), "%s names the path as it was given", p.What)
				assert.NotEmpty(t, p.Fix)
				at[p.Path] = append(at[p.Path], p.What)
			}
		}
		return at
	}
	for _, scope := range []access.Level{access.AtContainer, access.AtPath} {
		for i, one := range faults {
			for j, other := range faults {
				path, want := one.text, []string{one.says}
				if i != j {
					path, want = one.text+"/"+other.text, append(want, other.says)
				}
				if strings.HasPrefix(other.text, " ") && i != j || strings.Contains(path, "%zz") && strings.Contains(path, "%20") ||
					strings.Contains(path, "..") && strings.Contains(path, "%zz") {
					continue // inside a path a space is allowed, and half an escape is plain text
				}
				if scope != access.AtPath {
					want = nil
					for _, f := range map[bool][]int{true: {i}, false: {i, j}}[i == j] {
						if !faults[f].limited {
							want = append(want, faults[f].says)
						}
					}
				}
				at := said(t, path, scope)
				for _, of := range []string{"dataInputs.in.path", "dataOutputs.out.path"} {
					require.Len(t, at[of], len(want), "%q at %s: %q", path, scope, at[of])
					for _, says := range want {
						assert.Contains(t, strings.Join(at[of], "\n"), says)
					}
				}
			}
		}
	}
	for _, whole := range []string{"https://lake.example/a*b?sig=x", "/subscriptions/x/providers/y*"} {
		assert.Len(t, said(t, whole, access.AtPath)["dataInputs.in.path"], 1, "what is no path at all is said alone: %s",
			whole)
	}
}
