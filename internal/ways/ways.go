package ways

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// A stage is what somebody has got on a way. One field is set: a principal to act as, a storage account whose keys are
// known, a data store whose credential is known, the place of data that they have opened to everyone, or copied.
type stage struct{ principal, account, store, public string }

// A step leads to a stage or, if it has none, to what it ends at.
type step struct {
	hops []access.Hop
	to   stage
	ends string
}

// Ways returns every indirect way of every principal: to data, to secrets, to identities and to role assignments. Of
// several ways to one thing it returns the surest, and of those the shortest. Each way is one principal's, by its first
// name.
func (e *Estate) Ways() (all []access.Way) {
	f := newFinder(e)
	seen, classes := map[string]bool{}, map[string][]access.Way{}
	for _, p := range e.Principals {
		if id := fold(p.ID); !seen[id] {
			seen[id] = true
			class := f.class(id)
			if _, done := classes[class]; !done {
				classes[class] = f.waysOf(id)
			}
			all = as(all, f.name(id), classes[class])
		}
		if p.Unknown != "" {
			all = append(all, access.Way{Who: p.Names[:1], Ends: whatever, Hops: []access.Hop{{
				Kind: access.IdentityHop, Identity: p.Names[0], Needs: "what it is in, and holds", Undecided: true,
				GivenBy: "what could not be listed", Missing: p.Unknown}}})
		}
	}
	from := func(who, to, needs, by, missing string) {
		all = append(all, access.Way{Who: []string{who}, Ends: to, Hops: []access.Hop{{Kind: access.IdentityHop,
			Identity: who, Needs: needs, GivenBy: by, Undecided: missing != "", Missing: missing}}})
	}
	for _, u := range f.unread() {
		from(u.Who, f.name(u.To), u.Needs, u.By, u.Missing)
	}
	for _, a := range e.Applications {
		for _, secret := range a.Secrets {
			from("whoever knows the "+secret, f.name(a.Principal), "the "+secret, "the "+secret+" of "+f.name(a.Principal), "")
		}
		for _, c := range a.Federated {
			if f.names[fold(c.Subject)] != nil {
				continue // it is a way of that principal
			}
			who := "whoever has the subject " + cmp.Or(c.Subject, "that an expression matches") + " of " + c.Issuer
			from(who, f.name(a.Principal), "a token with the subject", "the federated credential of "+f.name(a.Principal), "")
		}
	}
	return all
}

// Readers returns, by name of datum and output, those who certainly read or write it themselves.
func (e *Estate) Readers() map[string][]string {
	all := map[string][]string{}
	for _, w := range e.Directly() {
		if !w.Undecided() {
			all[w.Input+w.Output] = append(all[w.Input+w.Output], w.Who[0])
		}
	}
	return all
}

// Directly are the ways of one hop, which Ways has not: who reads each datum, or writes each output, by themselves.
func (e *Estate) Directly() (all []access.Way) {
	f := newFinder(e)
	for _, p := range e.Principals {
		all = append(all, f.directly(fold(p.ID))...)
	}
	return all
}

func (f *finder) directly(id string) (all []access.Way) {
	for _, r := range f.readsBy(stage{principal: id}) {
		if len(r.hops) == 1 {
			all = append(all, f.to(r, f.name(id), nil))
		}
	}
	return all
}

// Together joins the ways of several principals with the same hops and the same end into one. apart returns a text that
// separates other ways; nil for none.
func Together(all []access.Way, apart func(access.Way) string) (joined []access.Way) {
	at := map[string]int{}
	for _, w := range all {
		var key strings.Builder
		for _, hop := range w.Hops {
			key.WriteString(hop.GivenBy + "\n" + hop.Missing + "\n")
		}
		key.WriteString(w.Input + "\n" + w.Output + "\n" + w.Ends)
		if apart != nil {
			key.WriteString("\n" + apart(w))
		}
		if n, there := at[key.String()]; there {
			joined[n].Who = append(joined[n].Who, w.Who...)
			joined[n].Hops[0].Identity = "each of them"
			continue
		}
		at[key.String()] = len(joined)
		w.Who, w.Hops = slices.Clone(w.Who), slices.Clone(w.Hops)
		joined = append(joined, w)
	}
	return joined
}

// as appends the ways with another principal. Their hops are in one slice: a large estate has very many.
func as(all []access.Way, who string, ways []access.Way) []access.Way {
	count := 0
	for _, w := range ways {
		count += len(w.Hops)
	}
	all, hops, name := slices.Grow(all, len(ways)), make([]access.Hop, 0, count), []string{who}
	for _, w := range ways {
		if was := w.Who[0]; was != who {
			at := len(hops)
			hops = append(hops, w.Hops...)
			w.Who, w.Hops = name, slices.Clip(hops[at:])
			for n := range w.Hops {
				if w.Hops[n].Identity == was {
					w.Hops[n].Identity = who
				}
			}
		}
		all = append(all, w)
	}
	return all
}

func (f *finder) waysOf(id string) (all []access.Way) {
	start := stage{principal: id}
	reached := map[stage][]access.Hop{start: {}}
	order := []stage{start}
	for _, sure := range []bool{true, false} {
		for i := 0; i < len(order); i++ {
			from := order[i]
			for _, s := range f.stepsOf(from) {
				if _, there := reached[s.to]; there || s.to == (stage{}) || sure && undecided(s.hops) {
					continue
				}
				reached[s.to] = append(slices.Clip(reached[from]), s.hops...)
				order = append(order, s.to)
			}
		}
	}
	who := []string{f.name(id)}
	ends := map[string]access.Way{}
	var named []string
	end := func(what string, hops []access.Hop) {
		old, there := ends[what]
		if !there {
			named = append(named, what)
		}
		if !there || weight(hops) < weight(old.Hops) {
			ends[what] = access.Way{Who: who, Ends: what, Hops: hops}
		}
	}
	for _, from := range order {
		if from != start && from.public == "" {
			end(f.end(from), reached[from])
		}
		for _, s := range f.stepsOf(from) {
			if s.ends != "" && s.ends != Holdings+who[0] {
				end(s.ends, append(slices.Clip(reached[from]), s.hops...))
			}
		}
	}
	for _, what := range named {
		all = append(all, ends[what])
	}
	best := make([]*access.Way, len(f.Data))
	direct := make([][]access.Hop, len(f.Data))
	for _, from := range order {
		for _, r := range f.readsBy(from) {
			if from == start && len(r.hops) == 1 {
				direct[r.datum] = r.hops
				continue
			}
			n := weight(reached[from]) + weight(r.hops)
			if best[r.datum] != nil && n >= weight(best[r.datum].Hops) {
				continue
			}
			way := f.to(r, who[0], reached[from])
			if best[r.datum] == nil || weight(way.Hops) < weight(best[r.datum].Hops) {
				best[r.datum] = &way
			}
		}
	}
	for n, way := range best {
		if way != nil && (direct[n] == nil || undecided(direct[n]) && !way.Undecided()) {
			all = append(all, *way)
		}
	}
	return all
}

// end is the text for what a way to a stage ends at.
func (f *finder) end(s stage) string {
	switch {
	case s.account != "":
		return "the keys of storage account " + f.account(s.account)
	case s.store != "":
		return "the credential of data store " + arm.Last(s.store)
	}
	return f.name(s.principal)
}

func (f *finder) account(id string) string {
	if name := f.accounts[fold(id)].Name; name != "" {
		return name
	}
	return arm.Last(id)
}

// stepsOf returns where a stage leads. It is worked out once.
func (f *finder) stepsOf(from stage) []step {
	all, done := f.steps[from]
	if done {
		return all
	}
	switch {
	case from.store != "":
		all = f.fromStore(from.store)
	case from.principal != "":
		all = slices.Concat(f.inWorkspaces(from.principal), f.toIdentities(from.principal), f.toHosts(from.principal),
			f.toKeys(from.principal), f.toPublic(from.principal), f.toVaults(from.principal), f.toGrants(from.principal),
			f.toApplications(from.principal), f.applicationsByPower(from.principal), f.toPeople(from.principal))
		if why := f.elsewhere[from.principal]; why != "" {
			name := f.name(from.principal)
			all = append(all, step{ends: Holdings + name, hops: []access.Hop{{Kind: access.IdentityHop, Identity: name,
				Needs: "what it holds", GivenBy: "what it holds besides", Undecided: true, Missing: why}}})
		}
	}
	f.steps[from] = all
	return all
}
