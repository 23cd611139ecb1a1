package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// toInstances leads to the identities of compute instances (facts/grants-access.md, Machine learning and neighbours;
// learn.microsoft.com/azure/machine-learning/concept-compute-instance: only the user for whom it was made uses it,
// unless its applications are shared).
func (f *finder) toInstances(id string, w Workspace) (all []step) {
	for _, i := range w.Instances {
		place := w.ID + "/computes/" + i.Name
		by := []access.Hop{{Identity: f.name(id), Needs: "to be its user", GivenBy: "using the compute instance " + i.Name}}
		if i.User == "" || fold(i.User) != id {
			by = f.best(id, roles.Escalation{Action: roles.WriteCompute}, place)
			if by != nil {
				by = maybe(by, "no document says whether who changes a compute instance gets its identity's token")
			}
			if use := f.best(id, roles.Escalation{Action: roles.UseInstance}, place); use != nil && i.Shared {
				by = maybe(use, "no document says what more it takes to use a compute instance that is shared")
			}
		}
		for _, p := range i.Principals {
			if by != nil && fold(p) != id {
				all = append(all, step{hops: kinded(access.CodeHop, by), to: stage{principal: fold(p)}})
			}
		}
	}
	return all
}

// toHosts leads to the identities of other resources that run code. It is undecided if no document says that what a
// principal holds is enough.
func (f *finder) toHosts(id string) (all []step) {
	for _, host := range f.Hosts {
		var best []access.Hop
		add := func(hops []access.Hop) {
			if hops != nil && (best == nil || weight(hops) < weight(best)) {
				best = hops
			}
		}
		for _, l := range roles.Escalations() {
			if typ, _ := l.Host(); l.To != roles.ToHosts || typ != strings.ToLower(host.Type) {
				continue
			}
			if with, is := l.EnoughWith(); is {
				run := f.best(id, roles.Escalation{Action: with}, host.ID)
				l.Inferred = run == nil || undecided(run)
			}
			add(f.best(id, l, host.ID))
		}
		for _, p := range host.Principals {
			if best != nil && fold(p) != id {
				hops := kinded(access.CodeHop, best)
				hops[len(hops)-1].GivenBy = "running code on " + host.Name + " (" + hops[len(hops)-1].GivenBy + ")"
				all = append(all, step{hops: hops, to: stage{principal: fold(p)}})
			}
		}
	}
	return all
}

// carries returns the surest hops by which a principal has code run on something to which it can attach an identity
// (facts/compute-clusters.md, Identity; facts/grants-access.md, Escape hatches).
func (f *finder) carries(id string) (best []access.Hop) {
	add := func(hops []access.Hop) {
		if hops != nil && (best == nil || weight(hops) < weight(best)) {
			best = hops
		}
	}
	for _, w := range f.Workspaces {
		compute := f.best(id, roles.Escalation{Action: roles.WriteCompute}, w.ID)
		if compute == nil {
			continue
		}
		if code := f.code(id, w, ""); code != nil {
			add(append(slices.Clip(compute), code...))
			continue
		}
		add(maybe(compute, "no document says whether who signs in to a node of the cluster gets the identity's token"))
	}
	for _, h := range f.holds(id) {
		if h.allows[roles.WriteScript.Name] {
			add(f.best(id, roles.Escalation{Action: roles.WriteScript}, h.Scope))
		}
		for _, l := range roles.Escalations() {
			if _, attaches := l.Host(); attaches && h.allows[l.Action.Name] {
				if hops := f.best(id, roles.Escalation{Action: l.Action}, h.Scope); hops != nil {
					add(maybe(hops, "no document says what more it takes to run code there"))
				}
			}
		}
	}
	return best
}
