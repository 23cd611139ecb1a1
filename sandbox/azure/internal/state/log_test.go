package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// world changes a store at random, in every table of a state.
type world struct {
	t      *testing.T
	random *rand.Rand
	store  *Store
	file   string
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 0)), file: filepath.Join(t.TempDir(), "state.json")}
	var err error
	w.store, err = Open(w.file)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	w.store.SetLag(0, time.Hour, 0) // so that deleted entries are kept too
	return w
}

// change makes one to three changes in one Update, most of them to existing entries.
func (w *world) change() error {
	return w.store.Update(func(st *State) error {
		for range 1 + w.random.IntN(3) {
			w.one(st)
		}
		return nil
	})
}

func (w *world) one(st *State) {
	id := func() string { return fmt.Sprint("id", w.random.IntN(4)) }
	at := func() time.Time { return time.Unix(w.random.Int64N(1e9), 0).UTC() }
	key := id()
	switch w.random.IntN(14) {
	case 0:
		key = "/subscriptions/s/providers/microsoft.storage/storageaccounts/" + key
		st.Resources[key] = &Resource{ID: key, Properties: map[string]any{"a": id(), "line": "\n"}, CreatedAt: at()}
		st.Touch(Resources, key)
	case 1:
		for key := range st.Resources {
			delete(st.Resources, key)
			st.Touch(Resources, key)
			break
		}
	case 2:
		st.Applications[key] = &Application{ID: key, AppID: id(), Owners: []string{id()}, CreatedAt: at()}
		st.Touch(Applications, key)
	case 3:
		st.ServicePrincipals[key] = &ServicePrincipal{ID: key, AppID: id(), Owners: []string{id()}}
		st.Touch(ServicePrincipals, key)
	case 4:
		st.Groups[key] = &Group{ID: key, Members: map[string]bool{id(): true, id(): false}, Owners: []string{id()}}
		st.Touch(Groups, key)
	case 5:
		st.DeletePrincipal(key)
	case 6:
		st.Users[key] = &User{ID: key, DisplayName: id()}
		st.Touch(Users, key)
	case 7:
		st.RoleDefinitions[key] = &RoleDefinition{CreatedOn: at()}
		st.Touch(RoleDefinitions, key)
	case 8, 9:
		st.RoleAssignments[key] = &RoleAssignment{
			Name: key, PrincipalID: id(), CreatedOn: at(),
			Scope: []string{"/", "/subscriptions/S", "/Subscriptions/s/resourceGroups/" + id()}[w.random.IntN(3)],
		}
		st.Touch(RoleAssignments, key)
	case 10:
		for _, a := range st.RoleAssignments {
			st.RemoveAssignment(a)
			break
		}
	case 11:
		st.AddJob(&Job{Name: fmt.Sprint(w.random.Uint64()), Inputs: map[string]any{"a": id()}, CreatedAt: at()})
	case 12:
		st.Operations[key], st.Deleting[key] = at(), &Resource{ID: key}
		st.Touch(Operations, key)
		st.Touch(Deleting, key)
	case 13:
		st.Port, st.TenantID = w.random.IntN(10), id()
	}
}

func (w *world) json() string { return asJSON(w.t, w.store) }

func asJSON(t *testing.T, s *Store) string {
	t.Helper()
	var text []byte
	require.NoError(t, s.View(func(st *State) (err error) {
		text, err = json.Marshal(st)
		return err
	}))
	return string(text)
}

// reopened is the state of a store that starts with the text. It must also accept changes.
func reopened(t *testing.T, file string, text []byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(file, text, 0o600))
	s, err := Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	return asJSON(t, s)
}

// Wherever a kill cuts the log, the state has everything that was answered before, and nothing that was not.
func TestALogThatIsCutAnywhereIsWhatWasAnsweredUntilThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.change())
	type answer struct {
		size int64
		json string
	}
	var answers []answer
	for range 16 {
		info, err := os.Stat(w.file)
		require.NoError(t, err)
		answers = append(answers, answer{info.Size(), w.json()})
		require.NoError(t, w.change())
	}
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	require.Equal(t, answers[0].size, w.store.first, "the first of them is a snapshot")
	file := filepath.Join(t.TempDir(), "state.json")
	last := 0
	for cut := int(answers[0].size); cut < len(text); cut++ {
		for last+1 < len(answers) && answers[last+1].size <= int64(cut) {
			last++
		}
		s := New("")
		whole, _, err := s.decode(text[:cut])
		require.NoError(t, err, cut)
		require.EqualValues(t, answers[last].size, whole, cut)
		if got, err := json.Marshal(s); assert.NoError(t, err) {
			require.Equal(t, answers[last].json, string(got), cut)
		}
		if cut%97 == 0 { // the incomplete end does not disturb later changes
			require.NoError(t, os.WriteFile(file, text[:cut], 0o600))
			again, err := Open(file)
			require.NoError(t, err)
			require.NoError(t, again.Update(func(st *State) error { st.Port = 4711; return nil }))
			after := asJSON(t, again)
			logged, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, again.Close())
			require.Equal(t, after, reopened(t, file, logged))
		}
	}
}

func TestASnapshotThatIsNotWholeIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	for range 5 {
		require.NoError(t, w.change())
	}
	require.NoError(t, w.store.Close())
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	for cut := range len(text) - 1 { // without its line end it is complete
		_, _, err := New("").decode(text[:cut])
		require.Error(t, err, cut)
	}
	assert.Equal(t, w.json(), reopened(t, w.file, text[:len(text)-1]))
}

func TestAFileThatIsNotUnderstoodIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	const first = `{"version":2,"tenantId":"t"}` + "\n"
	sum := func(line string) string {
		s := New("t")
		s.Port = 1
		made, err := s.changes()
		require.NoError(t, err)
		return strings.Replace(string(made), `{"tenant":{"tenantId":"t","port":1}}`, line, 1)
	}
	right := sum(`{"tenant":{"tenantId":"t","port":1}}`)
	changed := strings.Replace(right, "1}", "2}", 1)
	for name, test := range map[string]struct{ text, want string }{
		"null":         {"null", "tenantId is missing"},
		"of no tenant": {"{}", "tenantId is missing"},
		"empty":        {"", "delete it to start with an empty sandbox"},
		"of a newer sandbox": {`{"version":3,"what":"ever"}` + "\nin any form\n", "it is of version 3, and this sandbox " +
			"knows version 2 and those before; use the batchaccess that wrote it, or another state file"},
		"of no version":                {`{"version":"two"}`, "delete it"},
		"a table that is null":         {`{"tenantId":"t","jobs":null}`, "jobs is null"},
		"an entry that is null":        {`{"tenantId":"t","jobs":{"j":null}}`, "jobs.j is empty"},
		"a removed one that is empty":  {`{"tenantId":"t","removed":[{}]}`, "removed holds one that is empty"},
		"an earlier one with more":     {`{"tenantId":"t"}` + "\nmore\n", "delete it"},
		"a line that was changed":      {first + changed + right, "at byte 29: the checksum of the line"},
		"a last line that was changed": {first + changed, "at byte 29: the checksum"},
		"a line without a checksum":    {first + "{}\n", "at byte 29: the checksum"},
		"an empty line":                {first + "\n" + right, "at byte 29: the checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "state.json")
			require.NoError(t, os.WriteFile(file, []byte(test.text), 0o600))
			_, err := Open(file)
			require.ErrorContains(t, err, file)
			require.ErrorContains(t, err, test.want)
			left, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, test.text, string(left))
		})
	}
	_, _, err := New("").decode([]byte(first + right))
	require.NoError(t, err)
}

func TestAFileOfAnEarlierSandboxIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	for range 30 {
		require.NoError(t, w.change())
	}
	want := w.json() // as earlier sandboxes wrote it
	file := filepath.Join(t.TempDir(), "state.json")
	require.Equal(t, want, reopened(t, file, []byte(want)))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), `{"version":2,`))
	assert.Equal(t, want, reopened(t, file, text))
}

func TestALogDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.store.least = 0
	largest := int64(0)
	for range 500 {
		require.NoError(t, w.change())
		info, err := os.Stat(w.file)
		require.NoError(t, err)
		largest = max(largest, info.Size()-w.store.first)
		if w.random.IntN(20) == 0 {
			text, err := os.ReadFile(w.file)
			require.NoError(t, err)
			require.Equal(t, w.json(), reopened(t, filepath.Join(t.TempDir(), "copy.json"), text))
		}
	}
	assert.Less(t, largest, 3*w.store.first, "twice the snapshot, and a record")
}

func TestAChangeCostsWhatItChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	require.NoError(t, w.store.Update(func(st *State) error {
		for i := range 4000 {
			id := fmt.Sprint(i)
			st.RoleAssignments[id] = &RoleAssignment{Name: id, Scope: "/subscriptions/s", PrincipalID: id}
			st.Touch(RoleAssignments, id)
		}
		return nil
	}))
	before := w.store.size
	require.NoError(t, w.store.Update(func(st *State) error {
		st.Users["u"] = &User{ID: "u"}
		st.Touch(Users, "u")
		return nil
	}))
	assert.Less(t, w.store.size-before, int64(200), "bytes")
	require.NoError(t, w.store.Update(func(*State) error { return nil }))
	require.NoError(t, w.store.Update(func(st *State) error { st.Port = 0; return nil }))
	assert.Less(t, w.store.size-before, int64(200), "what changes nothing is not written")
}

func TestAWriteThatFailsIsMadeGoodByTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	require.NoError(t, w.change())
	require.NoError(t, w.store.log.Close()) // as a full disk
	require.Error(t, w.store.Update(func(st *State) error { st.Port = 1; return nil }))
	require.NoError(t, w.store.Update(func(st *State) error { st.Subscription = "s"; return nil }))
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	assert.Equal(t, w.json(), reopened(t, filepath.Join(t.TempDir(), "copy.json"), text))
}

func TestNothingIsKeptWithoutAFile(t *testing.T) {
	t.Parallel()
	s, err := Open("")
	require.NoError(t, err)
	require.NoError(t, s.Update(func(st *State) error { st.Port = 1; st.AddJob(&Job{Name: "j"}); return nil }))
	assert.Empty(t, s.pending)
	assert.Empty(t, s.state.touched)
	require.NoError(t, s.Close())
}

func TestTheOldestJobsAreForgotten(t *testing.T) {
	t.Parallel()
	began := time.Unix(1e9, 0).UTC()
	fill := func(st *State, from, to int) {
		for i := from; i < to; i++ {
			st.AddJob(&Job{Name: fmt.Sprint(i), CreatedAt: began.Add(time.Duration(i) * time.Second)})
		}
	}
	before := New("t")
	fill(before, 0, JobsKept)
	text, err := before.encode()
	require.NoError(t, err)
	after := New("")
	_, _, err = after.decode(text)
	require.NoError(t, err)
	fill(after, JobsKept, JobsKept+3)
	assert.Len(t, after.Jobs, JobsKept)
	for i, kept := range map[string]bool{"0": false, "2": false, "3": true, fmt.Sprint(JobsKept + 2): true} {
		assert.Equal(t, kept, after.Jobs[i] != nil, i)
	}
}

// The index finds the entries that a walk finds, whatever has changed, in one Update or in several.
func TestNamesFindWhatAWalkFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	for range 400 {
		require.NoError(t, w.store.Update(func(st *State) error {
			for range 3 {
				w.one(st)
				compare(t, st)
			}
			return nil
		}))
		require.NoError(t, w.store.View(func(st *State) error {
			require.Empty(t, st.names.stale, "a View changes nothing")
			compare(t, st)
			return nil
		}))
	}
}

func compare(t *testing.T, st *State) {
	t.Helper()
	for i := range 4 {
		id := fmt.Sprint("id", i)
		app, sp := st.ApplicationByAppID(strings.ToUpper(id)), st.ServicePrincipalByAppID(strings.ToUpper(id))
		apps, sps := slices.Collect(maps.Values(st.Applications)), slices.Collect(maps.Values(st.ServicePrincipals))
		isApp := func(a *Application) bool { return a.AppID == id }
		isSP := func(sp *ServicePrincipal) bool { return sp.AppID == id }
		require.Equal(t, slices.ContainsFunc(apps, isApp), app != nil && isApp(app))
		require.Equal(t, slices.ContainsFunc(sps, isSP), sp != nil && isSP(sp))
		account := "/subscriptions/s/providers/microsoft.storage/storageaccounts/" + id
		require.Equal(t, st.Resources[account], st.StorageAccount(strings.ToUpper(id)))
		var groups, of []string
		for key, group := range st.Groups {
			if _, is := group.Members[id]; is {
				groups = append(groups, key)
			}
		}
		for _, a := range st.RoleAssignments {
			if a.PrincipalID == id {
				of = append(of, a.Name)
			}
		}
		slices.Sort(groups)
		require.Equal(t, groups, st.MemberOf(id, false))
		var found []string
		for a := range st.AssignmentsOf(id) {
			found = append(found, a.Name)
		}
		require.ElementsMatch(t, of, found)
	}
	in, at := 0, 0
	for _, a := range st.RoleAssignments {
		if strings.HasPrefix(strings.ToLower(a.Scope), "/subscriptions/s") {
			in++
		}
		if a.Scope == "/subscriptions/S" {
			at++
		}
	}
	require.Equal(t, in, st.AssignmentsIn("s"))
	require.Equal(t, at, st.AssignmentsAt("/subscriptions/s"))
}

// Any file is refused, or it is a state that can be changed and is kept.
func FuzzDecode(f *testing.F) {
	s := New("t")
	first, err := s.encode()
	require.NoError(f, err)
	s.Port = 1
	s.AddJob(&Job{Name: "j"})
	second, err := s.changes()
	require.NoError(f, err)
	whole := string(first) + string(second)
	for _, text := range []string{
		"", "{}", "null", whole, whole[:len(whole)-1], `{"version":2,"tenantId":"t","removed":[null]}`, `{"version":-1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		st := New("")
		whole, _, err := st.decode(text)
		if err != nil {
			return
		}
		require.LessOrEqual(t, whole, len(text))
		st.DeletePrincipal("x")
		st.Port = 4711
		kept, err := st.encode()
		require.NoError(t, err)
		again := New("")
		_, _, err = again.decode(kept)
		require.NoError(t, err)
		require.Equal(t, 4711, again.Port)
	})
}
