package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

// dated is a model in which many parts have an end.
func dated() access.Model {
	user := func(n int, until string) access.Invoker {
		return access.Invoker{Kind: access.User, PrincipalID: objectID(n), Until: until}
	}
	return access.Model{
		WorkspaceID: workspaceID,
		Invokers: map[string]access.Invoker{
			"ann": user(1, ""), "ben": user(2, "2027-01-31"), "cid": user(3, ""), "dan": user(4, ""), "eve": user(5, ""),
			"fay": user(6, ""),
			"team": {Kind: access.Group, Members: []string{"cid", "dan"},
				MembersUntil: map[string]string{"dan": "2027-02-28"}},
			"visitor": {Kind: access.Group, Members: []string{"eve"}, Until: "2027-03-31"},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
		DataInputs: map[string]access.DataInput{"rows": {Kind: access.Blob, StorageAccount: "lake", Container: "rows"},
			"more": {Kind: access.Blob, StorageAccount: "lake", Container: "more"}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"rows"}, InvokersUntil: map[string]string{"fay": "2027-04-30",
				"team": "2027-05-31"}},
			"bens": {Cluster: "cpu", Inputs: []string{"more"}, Invokers: []string{"ben"}},
		},
		Assertions: map[string]access.Assertion{
			"bens":  {Can: []string{"ben"}, Start: "bens"},
			"both":  {Can: []string{"ann", "ben"}, Start: "score"},
			"never": {Cannot: []string{"ann"}, Read: "more"},
		},
	}
}

// A last day counts whole, in UTC: access exists in its last second, and is gone in the next.
func TestWhatIsOverIsGrantedNoMore(t *testing.T) {
	t.Parallel()
	all := []string{"ann", "ben", "cid", "dan", "eve", "fay"}
	for day, want := range map[string]struct {
		ended         string
		start, reads  []string // who starts jobs at all, and who reads rows
		members       []string // of team
		assertions    int
		bensIsMounted bool
	}{
		"2027-01-31": {"", all, all, []string{"cid", "dan"}, 3, true},
		"2027-02-01": {"2027-01-31", []string{"ann", "cid", "dan", "eve", "fay"},
			[]string{"ann", "cid", "dan", "eve", "fay"}, []string{"cid", "dan"}, 2, false},
		"2027-03-01": {"2027-02-28", []string{"ann", "cid", "dan", "eve", "fay"},
			[]string{"ann", "cid", "dan", "eve", "fay"}, []string{"cid"}, 2, false},
		"2027-04-01": {"2027-03-31", []string{"ann", "cid", "dan", "fay"}, []string{"ann", "cid", "dan", "fay"},
			[]string{"cid"}, 2, false},
		"2027-05-01": {"2027-04-30", []string{"ann", "cid", "dan", "fay"}, []string{"ann", "cid", "dan"},
			[]string{"cid"}, 2, false},
		"2027-06-01": {"2027-05-31", []string{"ann", "cid", "dan", "fay"}, []string{"ann"}, []string{"cid"}, 2, false},
	} {
		t.Run(day, func(t *testing.T) {
			t.Parallel()
			midnight, err := time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			m := dated()
			if m.Ended = m.LastEnd(midnight); want.ended != "" {
				assert.Less(t, m.LastEnd(midnight.Add(-time.Second)), want.ended, "a second before it is not over")
			}
			assert.Equal(t, want.ended, m.Ended)
			assert.Equal(t, want.ended, m.LastEnd(midnight.Add(24*time.Hour-time.Second)), "one day is like another")
			plan, ps := access.Compile(m)
			require.NoError(t, ps.Err())
			starts, reads := map[string]bool{}, map[string]bool{}
			for _, p := range plan.Paths() {
				starts[p.Invoker] = starts[p.Invoker] || p.Hops[1].Missing == ""
				if works := p.Outcome() == "works"; works && p.Input == "rows" && p.Endpoint == "score" {
					reads[p.Invoker] = true
				}
			}
			assert.Equal(t, want.start, keys(starts))
			assert.Equal(t, want.reads, keys(reads))
			assert.Equal(t, want.members, plan.Model.Invokers["team"].Members)
			assert.Len(t, plan.Verdicts, want.assertions)
			mounted := false
			for _, g := range plan.Grants {
				mounted = mounted || g.Principal.IsCluster() && g.Scope.Container == "more"
			}
			assert.Equal(t, want.bensIsMounted, mounted, "whom nobody starts a job for, a cluster mounts nothing")
			again, ps := access.Compile(plan.Model)
			require.NoError(t, ps.Err())
			assert.Equal(t, plan.Grants, again.Grants, "a plan's model has the same plan")
		})
	}
}

func TestWhereAllHasEndedNothingIsGranted(t *testing.T) {
	t.Parallel()
	m := access.Model{WorkspaceID: workspaceID, Clusters: map[string]access.Cluster{"cpu": {}},
		Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: objectID(1), Until: "2027-01-31"}}}
	m.Ended = "2027-01-31"
	plan, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	assert.Empty(t, plan.Grants)
	assert.Empty(t, plan.Paths())
}

func TestWhatEndsSoonIsWarnedOf(t *testing.T) {
	t.Parallel()
	m := access.Model{Invokers: map[string]access.Invoker{"ben": {Kind: access.User, Until: "2027-01-31"}}}
	over := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for before, want := range map[time.Duration]string{
		31 * 24 * time.Hour: "", 30*24*time.Hour + 1: "",
		30 * 24 * time.Hour: "ends with 2027-01-31, UTC: in 30 days", 49 * time.Hour: "in 2 days",
		47 * time.Hour: "in 47 hours", time.Second: "in 0 hours", 0: "ended with 2027-01-31, UTC: from the next deployment",
		-999 * time.Hour: "ended with 2027-01-31",
	} {
		ps := m.Ends(over.Add(-before))
		if want == "" {
			assert.Empty(t, ps, before)
			continue
		}
		require.Len(t, ps, 1, before)
		require.NoError(t, ps.Err(), "a warning")
		assert.Equal(t, "invokers.ben.until", ps[0].Path)
		assert.Contains(t, ps[0].What, want)
	}
	eastern := time.FixedZone("", 10*3600)
	assert.Empty(t, m.LastEnd(time.Date(2027, 2, 1, 9, 59, 59, 0, eastern)), "where the program runs does not matter")
	assert.Equal(t, "2027-01-31", m.LastEnd(time.Date(2027, 2, 1, 10, 0, 0, 0, eastern)))
}

func TestWhatHasADateInTheFormOfPulumi(t *testing.T) {
	t.Parallel()
	m := access.Model{Invokers: map[string]access.Invoker{"ben": {Until: "2027-01-31 00:00:00 +0000 UTC"}}}
	assert.Equal(t, "2027-01-31", m.LastEnd(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)),
		"a date that stands unquoted in a stack's YAML")
}

func TestEndsThatCanNotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change     func(*access.Model)
		path, says string
	}{
		"no date": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User, PrincipalID: objectID(1),
				Until: "soon"}
		}, "invokers.ann.until", `"soon" is not a date`},
		"no such day": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1), Until: "2027-02-30"}
		}, "invokers.ann.until", `"2027-02-30" is not a date`},
		"another order": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1), Until: "31/01/2027"}
		}, "invokers.ann.until", "is not a date"},
		"a time of day": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1), Until: "2027-01-31T12:00:00Z"}
		}, "invokers.ann.until", "is not a date"},
		"midnight as a time": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1), Until: "2027-01-31T00:00:00Z"}
		}, "invokers.ann.until", "is not a date"},
		"a member who is none": {func(m *access.Model) {
			team := m.Invokers["team"]
			team.MembersUntil = map[string]string{"ann": "2027-01-31"}
			m.Invokers["team"] = team
		}, "invokers.team.membersUntil.ann", `"ann" is no member`},
		"a member of no group": {func(m *access.Model) {
			m.Invokers["ann"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1), MembersUntil: map[string]string{"ben": "2027-01-31"}}
		},
			"invokers.ann.membersUntil.ben", `"ben" is no member`},
		"an empty date": {func(m *access.Model) {
			team := m.Invokers["team"]
			team.MembersUntil = map[string]string{"dan": ""}
			m.Invokers["team"] = team
		}, "invokers.team.membersUntil.dan", "has no date"},
		"who does not invoke": {func(m *access.Model) {
			m.Endpoints["bens"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"ben"},
				InvokersUntil: map[string]string{"ann": "2027-01-31"}}
		}, "endpoints.bens.invokersUntil.ann", `"ann" does not invoke the endpoint by name`},
		"who is nobody": {func(m *access.Model) {
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", InvokersUntil: map[string]string{"zoe": "2027-01-31"}}
		}, "endpoints.score.invokersUntil.zoe", `"zoe" does not invoke`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := dated()
			c.change(&m)
			for _, ended := range []string{"", "2027-01-01", "2099-01-01"} { // a wrong date stays wrong
				m.Ended = ended
				_, ps := access.Compile(m)
				require.ErrorContains(t, ps.Err(), c.path+": ")
				assert.ErrorContains(t, ps.Err(), c.says)
			}
		})
	}
}

func TestAnAssertionOfPeopleWhoHaveEndedIsNotAsked(t *testing.T) {
	t.Parallel()
	m := dated()
	m.Ended = "2027-01-31"
	_, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	var warned []string
	for _, p := range ps.Warnings() {
		warned = append(warned, p.Path)
	}
	assert.Contains(t, warned, "assertions.bens")
	m.Assertions["never"] = access.Assertion{Cannot: []string{"ann"}, Read: "rows"}
	_, ps = access.Compile(m)
	assert.ErrorContains(t, ps.Err(), "assertions.never", "what is asserted of others is asked as ever")
}

// Whatever the date, an end that is refused ends nothing, and an end that is over takes the grant away.
func FuzzUntil(f *testing.F) {
	for _, text := range []string{"2027-01-31", "2027-01-31 00:00:00 +0000 UTC", "2027-01-31T00:00:00Z", "",
		"0000-00-00"} {
		f.Add(text, int64(0))
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		m := access.Model{WorkspaceID: workspaceID,
			Invokers: map[string]access.Invoker{"ben": {Kind: access.User, PrincipalID: objectID(2), Until: text}}}
		_, ps := access.Compile(m)
		now := time.Unix(at, 0)
		if ps.Err() != nil {
			assert.Empty(t, m.LastEnd(now), "what is refused ends nothing")
			return
		}
		m.Ended = m.LastEnd(now)
		plan, ps := access.Compile(m)
		require.NoError(t, ps.Err())
		assert.Equal(t, m.Ended == "", len(plan.Grants) > 0)
		if m.Ended != "" {
			assert.Equal(t, m.Ended, m.LastEnd(now.AddDate(1, 0, 0)))
		}
	})
}

// An end that is still to come is reported, also next to one that is over.
func TestAnEndToComeIsWarnedOfBesideOneThatIsOver(t *testing.T) {
	t.Parallel()
	m := dated()
	m.Ended = "2027-01-31"
	plan, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	var paths []string
	for _, w := range plan.Model.Ends(time.Date(2027, 5, 20, 0, 0, 0, 0, time.UTC)) {
		paths = append(paths, w.Path)
	}
	assert.Equal(t, []string{"invokers.team.membersUntil.dan", "invokers.visitor.until",
		"endpoints.score.invokersUntil.fay", "endpoints.score.invokersUntil.team"}, paths)
}
