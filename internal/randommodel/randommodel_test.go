package randommodel

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
)

// The property tests hold for what is drawn: each of these must be among a few hundred models.
func TestWhatIsDrawn(t *testing.T) {
	t.Parallel()
	drawn := map[string]int{}
	count := func(what string, is bool) {
		if _, there := drawn[what]; !there {
			drawn[what] = 0
		}
		if is {
			drawn[what]++
		}
	}
	shared := rapid.Custom(func(t *rapid.T) access.Model {
		m, _ := Shared(t)
		return m
	})
	for seed := range 200 {
		m := shared.Example(seed)
		objects, arms, sources := map[string][]string{}, map[string][]string{}, map[access.ID]int{}
		add := func(into map[string][]string, id access.ID) {
			if text := id.Text(); text != "" {
				into[strings.ToLower(text)] = append(into[strings.ToLower(text)], text)
			}
			if id.Later() {
				sources[id]++
			}
		}
		for _, i := range m.Invokers {
			add(objects, i.PrincipalID)
			if i.ResourceID != "" {
				add(arms, access.Known(i.ResourceID))
			}
		}
		for _, c := range m.Clusters {
			add(objects, c.PrincipalID)
			add(arms, c.UserAssignedIdentityID)
		}
		for what, ids := range map[string]map[string][]string{"object IDs": objects, "ARM IDs": arms} {
			all := slices.Collect(maps.Values(ids))
			count("shared "+what, slices.ContainsFunc(all, func(of []string) bool { return len(of) > 1 }))
			count("shared "+what+" in two letter cases", slices.ContainsFunc(all, func(of []string) bool {
				slices.Sort(of)
				return len(slices.Compact(of)) > 1
			}))
		}
		times := slices.Collect(maps.Values(sources))
		count("an output", len(times) > 0)
		count("an output of several principals", slices.ContainsFunc(times, func(n int) bool { return n > 1 }))
		if robot, is := m.Invokers["robot"]; is {
			count("an invoker's output", robot.PrincipalID.Later())
			count("an invoker's ARM ID", robot.ResourceID != "")
			count("an invoker's known ID", robot.PrincipalID.Text() != "")
		}
		count("nothing is known of a principal", slices.ContainsFunc(slices.Collect(maps.Values(m.Clusters)),
			func(c access.Cluster) bool { return !c.PrincipalID.Given() && !c.UserAssignedIdentityID.Given() }))
		names := map[string]bool{}
		for name := range m.Invokers {
			count("names that differ in letter case", names[strings.ToLower(name)])
			names[strings.ToLower(name)] = true
		}
	}
	for what, times := range drawn {
		assert.Positive(t, times, what)
	}
	t.Log(drawn)
}
