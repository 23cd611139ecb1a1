package rehearsal

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/randommodel"
)

func TestALastDayCountsWhole(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("", 14*60*60)
	for now, over := range map[time.Time]bool{
		time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC):    false,
		time.Date(2027, 3, 31, 23, 59, 59, 0, time.UTC): false,
		time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC):     true,
		time.Date(2027, 4, 1, 13, 59, 59, 0, east):      false, // it is still March where dates count
		time.Date(2027, 4, 1, 14, 0, 0, 0, east):        true,
	} {
		assert.Equal(t, over, isOver("2027-03-31", now), now)
		assert.Equal(t, over, isOver("2027-03-31 00:00:00 +0000 UTC", now), "as Pulumi writes an unquoted date: %s", now)
		assert.False(t, isOver("", now))
		assert.False(t, isOver("soon", now))
	}
}

// The rehearsal and package access, which know nothing of each other here, always agree on what is over.
func TestTheRehearsalAndTheModelAgreeOnEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := randommodel.Models.Draw(rt, "model")
		now := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
		if m.Ended != "" {
			day, err := time.Parse(time.DateOnly, m.Ended)
			require.NoError(rt, err)
			now = day.Add(24 * time.Hour)
		}
		want, got := plans.Of(m).Model, inForce(m, now)
		assert.Equal(rt, slices.Sorted(maps.Keys(want.Invokers)), slices.Sorted(maps.Keys(got.Invokers)))
		for name, i := range got.Invokers {
			assert.ElementsMatch(rt, want.Invokers[name].Members, i.Members, name)
		}
		for name, e := range got.Endpoints {
			assert.Equal(rt, want.InvokersOf(want.Endpoints[name]), got.InvokersOf(e), name)
		}
		assert.Equal(rt, slices.Sorted(maps.Keys(want.Assertions)), slices.Sorted(maps.Keys(got.Assertions)))
		plan, ofPlan, err := planAt(m, now)
		require.NoError(rt, err)
		assert.Equal(rt, got, ofPlan)
		assert.Equal(rt, slices.Sorted(maps.Keys(want.Invokers)), slices.Sorted(maps.Keys(plan.Model.Invokers)))
	})
}

func TestADayThatEndsMeanwhileIsUndecided(t *testing.T) {
	t.Parallel()
	before := time.Date(2027, 3, 31, 23, 59, 0, 0, time.UTC)
	for name, m := range map[string]access.Model{
		"an invoker": {Invokers: map[string]access.Invoker{"ann": {Until: "2027-03-31"}}},
		"a member": {Invokers: map[string]access.Invoker{"team": {Members: []string{"ann"},
			MembersUntil: map[string]string{"ann": "2027-03-31"}}}},
		"at an endpoint": {Endpoints: map[string]access.Endpoint{"heart": {
			InvokersUntil: map[string]string{"ann": "2027-03-31"}}}},
	} {
		assert.ErrorContains(t, sameEnds(m, before, before.Add(time.Minute)), "rehearse again", name)
		assert.NoError(t, sameEnds(m, before, before.Add(time.Second)), name)
		assert.NoError(t, sameEnds(m, before.Add(time.Minute), before.Add(time.Hour)), name)
	}
}
