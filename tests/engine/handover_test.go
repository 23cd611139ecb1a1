package engine

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// A grant goes from one component of a program to another in one deployment, whichever of the two is first in it, and
// also where one of them comes or goes: it is one assignment in Azure, which stays.
func TestAGrantIsHandedFromOneComponentToAnother(t *testing.T) {
	t.Parallel()
	const (
		bobID = "44444444-4444-4444-8444-444444444444"
		lake  = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data-dev/providers/" +
			"Microsoft.Storage/storageAccounts/contosolakedev"
	)
	s := newTwoStacks(t)
	seed, err := rehearsal.Seed(access.Model{
		WorkspaceID: access.Known(workspaceID),
		Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(annID)},
			"bob": {Kind: access.User, PrincipalID: access.Known(bobID)}},
		Clusters: map[string]access.Cluster{"cpu": {Existing: true,
			PrincipalID: access.Known("77777777-7777-4777-8777-777777777777")}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lake)},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.Blob, StorageAccount: "lake", Container: "patients"}},
	}, "westeurope")
	require.NoError(t, err)
	seed.RoleAssignments = nil // the stack makes them
	require.NoError(t, s.azure.Seed(seed))
	const read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	container := lake + "/blobServices/default/containers/patients"
	readers := func() (ids []string) {
		for _, id := range s.azure.Inventory() {
			if strings.Contains(id, "/containers/patients/") {
				ids = append(ids, id)
			}
		}
		return ids
	}

	var there []string
	for _, step := range []struct{ name, first, second string }{
		{"both have bob", "ann,bob", "bob"},
		{"ann goes to the second", "bob", "ann,bob"},
		{"and back", "ann,bob", "bob"},
		{"the first goes, and the second takes up all", "", "ann,bob"},
		{"the first comes, and takes it up before the second", "ann,bob", "bob"},
		{"the second goes", "ann,bob", ""},
		{"the second comes, and takes one up", "bob", "ann,bob"},
		{"the first goes, and nothing else changes", "", "ann,bob"},
	} {
		args := []string{"up", "--yes"}
		for _, component := range [][2]string{{"first", step.first}, {"second", step.second}} {
			if component[1] != "" {
				args = append(args, "--config", "handover:"+component[0]+"="+component[1])
			}
		}
		var mu sync.Mutex
		var without []string
		if there != nil {
			s.azure.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
				mu.Lock()
				defer mu.Unlock()
				for _, id := range []string{annID, bobID} {
					if s.azure.Allows(id, container, read, true) != "yes" {
						without = append(without, id+" after "+w.Method+" "+w.Path)
					}
				}
			}})
		}
		out, err := s.pulumi("handover", args...)
		s.azure.Watch(nil)
		require.NoError(t, err, "%s: %s", step.name, out)
		assert.Empty(t, without, step.name)
		if there == nil {
			there = readers()
			require.Len(t, there, 3, "ann's, bob's and the cluster's")
		}
		assert.Equal(t, there, readers(), step.name)
	}
}
