package rehearsal

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

// What happened to each resource is found by its URN, by its ID in Azure, or by its former name in the program.
func TestWhatBecameOfEachResource(t *testing.T) {
	t.Parallel()
	then, now := time.Unix(1, 0), time.Unix(2, 0)
	is := func(name, id string, created time.Time, aliases ...string) Resource {
		return Resource{Type: "t", Name: name, id: id, created: created, aliases: aliases}
	}
	for name, c := range map[string]struct {
		was, now                          map[string]Resource
		made, replaced, deleted, remained []string // as "new<-old"
	}{
		"nothing": {map[string]Resource{"a": is("a", "1", then)}, map[string]Resource{"a": is("a", "1", then)}, nil, nil, nil,
			nil},
		"made and deleted": {map[string]Resource{"a": is("a", "1", then)}, map[string]Resource{"b": is("b", "2", now)},
			[]string{"b<-"}, nil, []string{"a<-"}, nil},
		"replaced": {map[string]Resource{"a": is("a", "1", then)}, map[string]Resource{"a": is("a", "2", now)}, nil,
			[]string{"a<-"}, nil, nil},
		"replaced by one of the same ID and another name": {map[string]Resource{"a": is("a", "1", then)},
			map[string]Resource{"b": is("b", "1", now)}, nil, []string{"b<-a"}, nil, nil},
		"replaced by one of the same ID": {map[string]Resource{"a": is("a", "1", then)},
			map[string]Resource{"a": is("a", "1", now)}, nil, []string{"a<-"}, nil, nil},
		"renamed": {map[string]Resource{"a": is("a", "1", then)}, map[string]Resource{"b": is("b", "1", then, "a")}, nil,
			nil, nil, []string{"b<-a"}},
		"renamed and replaced": {map[string]Resource{"a": is("a", "1", then)},
			map[string]Resource{"b": is("b", "2", now, "z", "a")}, nil, []string{"b<-a"}, nil, nil},
		"it names what stays": {map[string]Resource{"a": is("a", "1", then)},
			map[string]Resource{"a": is("a", "1", then), "b": is("b", "2", now, "a")}, []string{"b<-"}, nil, nil, nil},
		"it names what was of another type": {map[string]Resource{"a": {Type: "other", Name: "a", id: "1", created: then}},
			map[string]Resource{"b": is("b", "2", now, "a")}, []string{"b<-"}, nil, []string{"a<-"}, nil},
		"it names what never was": {map[string]Resource{}, map[string]Resource{"b": is("b", "2", now, "a")},
			[]string{"b<-"}, nil, nil, nil},
		"two that exchange their names": {map[string]Resource{"a": is("a", "1", then), "b": is("b", "2", then)},
			map[string]Resource{"a": is("a", "2", then), "b": is("b", "1", then)}, nil, nil, nil, []string{"a<-b", "b<-a"}},
		"two take the place of one": {map[string]Resource{"a": is("a", "1", then)},
			map[string]Resource{"b": is("b", "2", now, "a"), "c": is("c", "3", now, "a")}, []string{"c<-"},
			[]string{"b<-a"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ChangeReport{was: c.was}
			r.compare(c.now)
			names := func(all []Resource) (names []string) {
				for _, one := range all {
					names = append(names, one.Name+"<-"+one.Was)
				}
				return names
			}
			assert.Equal(t, [][]string{c.made, c.replaced, c.deleted, c.remained}, [][]string{names(r.Made),
				names(r.Replaced), names(r.Deleted), names(r.Renamed)}, "made, replaced, deleted, renamed")
		})
	}
}

func TestAResourceMayHaveHadOtherNames(t *testing.T) {
	t.Parallel()
	m := access.Model{Invokers: map[string]access.Invoker{"bot": {Was: "robot"}, "ann": {}},
		Clusters:            map[string]access.Cluster{"cpu": {Was: "compute"}},
		StorageAccountsWere: map[string]string{"lake": "pond"}}
	for name, want := range map[string][]string{
		"access.ann":         nil,
		"access.bot":         {"access.robot"},
		"access.bottle":      nil,
		"access.robot":       nil,
		"access.bot.main":    {"access.robot.main"},
		"access.lake.images": {"access.pond.images"},
		"access.lake.x.reader.cluster.cpu": {"access.lake.x.reader.cluster.compute", "access.pond.x.reader.cluster.cpu",
			"access.pond.x.reader.cluster.compute"},
	} {
		var urns []string
		for _, one := range want {
			urns = append(urns, "urn:pulumi:dev::p::a$b::"+one)
		}
		assert.ElementsMatch(t, urns, aliases(m, "urn:pulumi:dev::p::a$b::"+name), name)
	}
}

func TestOneIsCountedInTheSingular(t *testing.T) {
	t.Parallel()
	for says, r := range map[string]ChangeReport{
		": passed, 1 write, 0 interruptions, jobs that work: 1 before and 1 after, 1 kill (--kill-seed 7)\n": {Writes: 1,
			Before: 1, After: 1, Kills: 1, KillSeed: 7},
		": FAILED, 2 writes, 1 interruption, jobs that work: 2 before and 3 after, 2 kills (--kill-seed 7)\n": {Writes: 2,
			Interruptions: []Interruption{{}}, Before: 2, After: 3, Kills: 2, KillSeed: 7},
	} {
		var out strings.Builder
		require.NoError(t, r.Write(&out, false))
		assert.Contains(t, out.String(), says)
	}
	var out strings.Builder
	require.NoError(t, (&Report{Walks: []Walk{{Walked: true, Waits: true}}}).Write(&out, false))
	assert.Contains(t, out.String(), "  of those, waiting for somebody else to start a job: 1\n")
}

// A sign-in that should work at the beginning or the end of a change, and does not, fails the rehearsal: else nobody
// would see what the change does to it. A secret out of its time should not work.
func TestSignInsThatShouldWorkAreSaid(t *testing.T) {
	t.Parallel()
	works := signIn{key: "1", principal: "p", invoker: "bot", how: "the federated credential for main", works: true}
	ended := signIn{key: "2", principal: "p", invoker: "bot", how: "client secret old", secret: true}
	for name, c := range map[string]struct {
		ins   []signIn
		seen  map[string]bool
		wrong []string
	}{
		"works":         {[]signIn{works}, map[string]bool{"old 1": true}, nil},
		"does not":      {[]signIn{works}, nil, []string{"bot: signing in by the federated credential for main"}},
		"need not":      {[]signIn{ended}, map[string]bool{}, nil},
		"another works": {[]signIn{works, ended}, map[string]bool{"old 2": true}, []string{"bot: signing in by the fed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watcher{change: &change{report: &ChangeReport{}}, oldIns: c.ins}
			w.brokenBefore(moment{"", c.seen, map[string]string{}})
			require.Len(t, w.report.Broken, len(c.wrong))
			for i, says := range c.wrong {
				assert.Contains(t, w.report.Broken[i], says)
				assert.Contains(t, w.report.Broken[i], "should work before the change, and does not")
			}
			assert.Equal(t, c.wrong == nil, w.report.Passed())
		})
	}
}
