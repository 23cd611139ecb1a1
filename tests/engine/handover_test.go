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

// A grant moves from one component of a program to another in one deployment, whichever comes first in the program, and
// also if one of them comes or goes: it is one assignment in Azure, which stays.
func TestAGrantIsHandedFromOneComponentToAnother(t *testing.T) {
	t.Parallel()
	s := newHandover(t, "cpu")
	const read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	container := lakeID + "/blobServices/default/containers/patients"

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
		out, err := s.up(step.first, step.second)
		s.azure.Watch(nil)
		require.NoError(t, err, "%s: %s", step.name, out)
		assert.Empty(t, without, step.name)
		if there == nil {
			there = s.readers()
			require.Len(t, there, 3, "ann's, bob's and the cluster's")
		}
		assert.Equal(t, there, s.readers(), step.name)
	}
}

// A stack without outputs does not know what it had. The error says to export one, and that works.
func TestAGrantIsHandedOverInAStackWithoutOutputs(t *testing.T) {
	t.Parallel()
	s := newHandover(t, "cpu")
	quiet := []string{"--config", "handover:quiet=yes"}
	out, err := s.up("ann,bob", "bob", quiet...)
	require.NoError(t, err, out)
	before, readers := s.azure.Inventory(), s.readers()
	require.Len(t, readers, 3)

	out, err = s.up("bob", "ann,bob", quiet...)
	require.Error(t, err)
	assert.Contains(t, strings.Join(strings.Fields(out), " "), "export any output, deploy that, and then this change")
	assert.Equal(t, before, s.azure.Inventory(), "nothing is touched")

	out, err = s.up("ann,bob", "bob")
	require.NoError(t, err, out)
	out, err = s.up("bob", "ann,bob")
	require.NoError(t, err, out)
	assert.Equal(t, readers, s.readers())
}

// A principal of a StorageReader that the program makes itself, in a stack without outputs.
func TestAPrincipalIsRenamedInAProgram(t *testing.T) {
	t.Parallel()
	s := newHandover(t, "other") // the program makes cpu
	out, err := s.pulumi("readers", "up", "--yes", "--skip-preview")
	require.NoError(t, err, out)
	before := s.azure.Inventory()
	out, err = s.pulumi("readers", "up", "--yes", "--config", "readers:ann=bea", "--config", "readers:was=nobody")
	require.Error(t, err)
	assert.Contains(t, strings.Join(strings.Fields(out), " "), "scores.bea.was: no principal of it was called nobody; "+
		"take it out, or write what it was called: ann")
	assert.Equal(t, before, s.azure.Inventory(), "nothing is touched")
	out, err = s.pulumi("readers", "up", "--yes", "--config", "readers:ann=bea", "--config", "readers:was=ann")
	require.NoError(t, err, out)
	assert.Equal(t, before, s.azure.Inventory())
}

// A role that one component makes and another one assigns too is known as an output alone. Its assignments go from one
// to the other all the same; those that change places need names that neither had.
func TestAnAssignmentOfARoleThatTheProgramMakesIsHandedOver(t *testing.T) {
	t.Parallel()
	s := newHandover(t, "cpu")
	up := func(first, second string) (string, error) {
		return s.pulumi("starters", "up", "--yes", "--config", "starters:first="+first, "--config", "starters:second="+second)
	}
	out, err := up("x:ann", "x:bob")
	require.NoError(t, err, out)
	before := s.azure.Inventory()

	out, err = up("x:bob", "x:ann")
	require.Error(t, err)
	out = strings.Join(strings.Fields(out), " ")
	assert.Contains(t, out, "this stack has it as second.x already; the two change places, which takes names that "+
		"neither had")
	assert.NotContains(t, out, "write was")
	assert.Equal(t, before, s.azure.Inventory(), "nothing is touched")

	var mu sync.Mutex
	var taken []string
	s.azure.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
		mu.Lock()
		defer mu.Unlock()
		if w.Method == "DELETE" {
			taken = append(taken, w.Path)
		}
	}})
	for _, step := range [][2]string{{"y:bob", "y:ann"}, {"x:bob", "x:ann"}, {"x:bob,y:ann", ""}, {"", "x:bob,z:ann"}} {
		out, err = up(step[0], step[1])
		require.NoError(t, err, out)
		assert.Equal(t, before, s.azure.Inventory())
	}
	s.azure.Watch(nil)
	assert.Empty(t, taken)
}

// An ID that the program knows only after it has registered what depends on it is waited for beside the program.
func TestAnAssignmentIsRenamedWhosePrincipalIsMadeAfterIt(t *testing.T) {
	t.Parallel()
	s := newHandover(t, "cpu")
	out, err := s.pulumi("later", "up", "--yes", "--config", "later:called=x")
	require.NoError(t, err, out)
	before := s.azure.Inventory()
	out, err = s.pulumi("later", "up", "--yes", "--config", "later:called=y")
	require.NoError(t, err, out)
	assert.Equal(t, before, s.azure.Inventory())
}

// A handover is a stack in which two components grant the same to ann and bob, on a cluster that exists.
type handover struct{ *twoStacks }

const (
	bobID  = "44444444-4444-4444-8444-444444444444"
	lakeID = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data-dev/providers/" +
		"Microsoft.Storage/storageAccounts/contosolakedev"
)

func newHandover(t *testing.T, cluster string) handover {
	t.Helper()
	s := newTwoStacks(t)
	read := func(container string) access.DataInput {
		return access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: container}
	}
	seed, err := rehearsal.Seed(access.Model{
		WorkspaceID: access.Known(workspaceID),
		Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(annID)},
			"bob":  {Kind: access.User, PrincipalID: access.Known(bobID)},
			"team": {Kind: access.Group, PrincipalID: access.Known("22222222-2222-4222-8222-222222222222")}},
		Clusters: map[string]access.Cluster{cluster: {Existing: true,
			PrincipalID: access.Known("77777777-7777-4777-8777-777777777777")}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lakeID)},
		DataInputs:      map[string]access.DataInput{"patients": read("patients"), "scores": read("scores")},
	}, "westeurope")
	require.NoError(t, err)
	seed.RoleAssignments = nil // the stack makes them
	require.NoError(t, s.azure.Seed(seed))
	return handover{s}
}

// up deploys with these principals in each component; "" means that there is no such component.
func (s handover) up(first, second string, more ...string) (string, error) {
	s.t.Helper()
	args := append([]string{"up", "--yes"}, more...)
	for _, component := range [][2]string{{"first", first}, {"second", second}} {
		if component[1] != "" {
			args = append(args, "--config", "handover:"+component[0]+"="+component[1])
		}
	}
	return s.pulumi("handover", args...)
}

func (s handover) readers() (ids []string) {
	for _, id := range s.azure.Inventory() {
		if strings.Contains(id, "/containers/patients/") {
			ids = append(ids, id)
		}
	}
	return ids
}
