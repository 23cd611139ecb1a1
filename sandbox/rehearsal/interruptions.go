package rehearsal

import (
	"fmt"
	"slices"
)

// compare compares each moment with the first and the last: a job that works in both must work in all.
func (w *watcher) compare(d deployed) {
	last := w.moments[len(w.moments)-1]
	failed := w.report.Failed != ""
	var after []jobStart
	for _, p := range w.startsOf(w.new, d, w.deployments) {
		switch {
		case last.works["new "+p.key]:
			after = append(after, p)
		case p.works && !failed:
			w.report.Broken = append(w.report.Broken, fmt.Sprintf("%s: %s should work after the change, and do not: %s",
				p.invoker, p.what, last.why["new "+p.key]))
		}
	}
	w.report.After = len(after)
	stay := map[string]bool{} // principals with jobs after the change
	for _, p := range after {
		stay[p.principal] = true
	}
	kept := map[string]bool{}
	for _, p := range w.oldStarts {
		// If the change failed, the old version is what counts: everything that worked must still work.
		now, stays := p, failed
		for _, same := range []func(jobStart) bool{
			func(n jobStart) bool { return n.key == p.key }, func(n jobStart) bool { return n.nearly == p.nearly },
		} {
			if at := slices.IndexFunc(after, same); at >= 0 && !stays {
				now, stays = after[at], true
				kept[now.key] = true
			}
		}
		if !stays {
			w.report.Lost = append(w.report.Lost, Job{p.invoker, p.what})
			continue
		}
		w.interrupted(Job{p.invoker, p.what}, func(m moment) (bool, string) {
			return m.works["old "+p.key] || m.works["new "+now.key], m.why["old "+p.key]
		})
	}
	for _, p := range after {
		if !kept[p.key] {
			w.report.Gained = append(w.report.Gained, Job{p.invoker, p.what})
		}
	}
	w.compareSignIns(d, last, failed, stay)
}

// interrupted adds an interruption for each run of moments in which the job does not work.
func (w *watcher) interrupted(job Job, works func(moment) (bool, string)) {
	open := false
	for _, m := range w.moments[1:] {
		ok, why := works(m)
		switch n := len(w.report.Interruptions); {
		case !ok && !open:
			w.report.Interruptions = append(w.report.Interruptions, Interruption{Job: job, From: m.after, Why: why})
			open = true
		case ok && open:
			w.report.Interruptions[n-1].To = m.after
			open = false
		}
	}
}

// compareSignIns requires, for everyone who can sign in before and after, a way to sign in that works all the time. A
// federated credential may replace another one if there is a moment at which both work, because a workload gets its
// token from its issuer. A secret can't: its users have to be given the new one first. If a principal that still
// has jobs is given no way to sign in any more, every way is lost.
func (w *watcher) compareSignIns(d deployed, last moment, failed bool, stay map[string]bool) {
	ways := map[string][]signIn{}
	var principals []string
	for _, s := range w.oldIns {
		if ways[s.principal] == nil {
			principals = append(principals, s.principal)
		}
		ways[s.principal] = append(ways[s.principal], s)
	}
	var newIns []signIn
	if !failed {
		newIns = w.signInsOf(w.newProbe, d)
	}
	for _, s := range newIns {
		if s.works && !last.works["new "+s.key] {
			w.report.Broken = append(w.report.Broken, fmt.Sprintf("%s: signing in by %s should work after the change, and does "+
				"not: %s", s.invoker, s.how, last.why["new "+s.key]))
		}
	}
	for _, principal := range principals {
		var after []signIn
		for _, s := range newIns {
			if s.principal == principal && last.works["new "+s.key] {
				after = append(after, s)
			}
		}
		stays := 0
		for _, s := range ways[principal] {
			if !failed && !slices.ContainsFunc(after, func(n signIn) bool { return n.key == s.key }) {
				continue
			}
			stays++
			w.interrupted(Job{s.invoker, "signing in by " + s.how}, func(m moment) (bool, string) {
				return m.works["old "+s.key], m.why["old "+s.key]
			})
		}
		switch {
		case len(after) == 0 && !failed && stay[principal]:
			for _, s := range ways[principal] {
				w.report.Lost = append(w.report.Lost,
					Job{s.invoker, "signing in by " + s.how + "; the stack gives it no other way"})
			}
		case len(after) == 0:
		case stays == 0:
			w.handedOver(ways[principal], after)
		default:
			// A workload can't use a federated credential for other claims, so another one that stays does not help it. A
			// secret that stays may replace any other secret.
			gone, come := federatedBeside(ways[principal], after), federatedBeside(after, ways[principal])
			if len(gone) > 0 && len(come) > 0 {
				w.handedOver(gone, come)
			}
		}
	}
}

// federatedBeside are the federated credentials in one list of ways to sign in that are not in another.
func federatedBeside(ways, others []signIn) (rest []signIn) {
	for _, s := range ways {
		if !s.secret && !slices.ContainsFunc(others, func(o signIn) bool { return o.key == s.key }) {
			rest = append(rest, s)
		}
	}
	return rest
}

// handedOver judges a change from some ways to sign in to others.
func (w *watcher) handedOver(before, after []signIn) {
	any := func(m moment, age string, ways []signIn, secret bool) bool {
		return slices.ContainsFunc(ways, func(s signIn) bool { return s.secret == secret && m.works[age+s.key] })
	}
	both := slices.ContainsFunc(w.moments, func(m moment) bool {
		return any(m, "old ", before, false) && any(m, "new ", after, false)
	})
	one := Interruption{
		Job: Job{before[0].invoker, fmt.Sprintf("signing in by %s; afterwards it is by %s", before[0].how, after[0].how)},
		Why: "no way to sign in works throughout the change: deploy the new one beside the old one first, and take the " +
			"old one away in a second change, when nobody uses it",
	}
	for _, m := range w.moments {
		if !any(m, "old ", before, false) && !any(m, "old ", before, true) {
			one.From = m.after
			break
		}
	}
	if !both {
		w.report.Interruptions = append(w.report.Interruptions, one)
	}
}
