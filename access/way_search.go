package access

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A class is a set of principals with the same indirect ways, since they are granted the same outside of storage.
type class struct {
	first   Principal
	members []Principal
}

func (c checker) everybody() (all []Principal) {
	for _, name := range c.Model.Acting() {
		all = append(all, InvokerPrincipal(name))
	}
	for _, name := range sorted(c.Model.Clusters) {
		if _, acts := c.identity[ClusterPrincipal(name)]; acts {
			all = append(all, ClusterPrincipal(name))
		}
	}
	return all
}

func (c checker) classOf(p Principal) string {
	var key []string
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			if g.Scope.OfInvokers() {
				key = append(key, g.Role+" "+g.Scope.String()+c.through(p, holder))
			}
		}
	}
	if p.IsCluster() {
		for _, to := range c.furtherIdentities(p) {
			key = append(key, "further "+c.end(to))
		}
	}
	if own := c.identity[p]; c.becomes[own] || len(key) == 0 {
		key = append(key, own.String()) // an identity leads to others, and not to itself
	}
	slices.Sort(key)
	return strings.Join(key, "\n")
}

// A datum is a data input or output.
type datum struct {
	name   string
	output bool
}

func (m Model) data() (all []datum) {
	for _, name := range sorted(m.DataInputs) {
		all = append(all, datum{name, false})
	}
	for _, name := range sorted(m.DataOutputs) {
		all = append(all, datum{name, true})
	}
	return all
}

func (m Model) at(d datum) DataInput {
	if d.output {
		return m.DataOutputs[d.name].data()
	}
	return m.DataInputs[d.name]
}

func (c checker) waysOf(of class) (all []Way) {
	start := stage{as: c.identity[of.first]}
	hops := map[stage][]Hop{start: {}}
	order := []stage{start}
	steps := map[stage][]step{}
	for _, undecided := range []bool{false, true} {
		for i := 0; i < len(order); i++ {
			from := order[i]
			if _, done := steps[from]; !done {
				steps[from] = c.stepsOnce(from)
				if from == start {
					steps[from] = append(slices.Clone(steps[from]), c.onCluster(of.first)...)
				}
				if from == start && len(of.members) > 1 {
					for n := range steps[from] {
						steps[from][n].hop.Identity = "each of them"
					}
				}
			}
			for _, s := range steps[from] {
				if s.hop.Undecided && !undecided {
					continue
				}
				for _, to := range s.to {
					if _, there := hops[to]; !there {
						s.hop.Opens = to.opened()
						hops[to] = append(slices.Clip(hops[from]), s.hop)
						order = append(order, to)
					}
				}
			}
		}
	}
	var who []string
	for _, p := range of.members {
		who = append(who, p.asserted())
	}
	ended := map[string]bool{}
	for _, from := range order {
		for _, s := range steps[from] {
			if what := s.hop.Needs; len(s.to) == 0 && !ended[what] {
				ended[what] = true
				all = append(all, Way{Who: who, Ends: what, Hops: append(slices.Clip(hops[from]), s.hop)})
			}
		}
	}
	for _, to := range order[1:] {
		if to.public+to.acls == "" {
			all = append(all, Way{Who: who, Ends: c.end(to), Hops: hops[to]})
		}
	}
	for i, d := range c.Model.data() {
		if c.Model.at(d).Mechanism() == ByAnyone {
			continue
		}
		var without []string
		for _, p := range of.members {
			if !c.has(p, d) {
				without = append(without, p.asserted())
			}
		}
		if len(without) == 0 {
			continue
		}
		var best, writing Way
		for _, from := range order[1:] {
			end := c.endsOnce(from)[i]
			if end.hop == nil {
				continue
			}
			w := Way{Who: without, Input: d.name, Writes: end.writes || d.output}
			w.Hops = append(slices.Clip(hops[from]), *end.hop)
			if d.output {
				w.Input, w.Output = "", d.name
			}
			best = surer(best, w)
			if w.Writes {
				writing = surer(writing, w)
			}
		}
		if best.Hops != nil {
			all = append(all, best)
		}
		if writing.Hops != nil && !best.Writes {
			all = append(all, writing)
		}
	}
	return all
}

// stepsOnce works out where a stage leads once for all who get there.
func (c checker) stepsOnce(from stage) []step {
	all, done := c.stepsFrom[from]
	if !done {
		all = c.steps(from)
		c.stepsFrom[from] = all
	}
	return all
}

// An ended is the hop by which a stage reads or writes a datum; nil if it does not.
type ended struct {
	hop    *Hop
	writes bool
}

// endsOnce returns what a stage reads and writes, by place in Model.data().
func (c checker) endsOnce(from stage) []ended {
	all, done := c.endsFrom[from]
	if !done {
		for _, d := range c.Model.data() {
			var one ended
			if c.Model.at(d).Mechanism() != ByAnyone {
				one.hop, one.writes = c.ends(from, d)
			}
			all = append(all, one)
		}
		c.endsFrom[from] = all
	}
	return all
}

// surer returns the second way if it is decided and the first is undecided or missing; else the first.
func surer(a, b Way) Way {
	if a.Hops == nil || a.Undecided() && !b.Undecided() {
		return b
	}
	return a
}

// has reports whether a principal reads an input, or writes an output, by its own grants and not by a key.
func (c checker) has(p Principal, d datum) bool {
	if !d.output {
		_, granted := c.granted(p, d.name, false)
		_, acled := c.acled(p, d.name)
		return granted || acled
	}
	at := c.Model.at(d)
	if at.Mechanism() == ByStoreCredential && !p.IsCluster() {
		endpoints := c.Model.EffectiveEndpoints()
		return slices.ContainsFunc(sorted(endpoints), func(endpoint string) bool {
			_, able := c.starts(p, endpoint)
			return able && slices.Contains(endpoints[endpoint].Outputs, d.name)
		})
	}
	_, able := c.writes(p, at)
	return able
}

// writes reports whether a principal may write any part of the data.
func (c checker) writes(p Principal, d DataInput) (how string, able bool) {
	at := d.place(nil)
	scope := at.Scope()
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			covers := (g.Scope.Contains(scope) || scope.Contains(g.Scope)) && limitsMeet(g.Paths, at.limit())
			if storageRoleMay[g.Role][roles.WriteBlobs] && covers {
				return "writes by " + g.String() + c.through(p, holder), true
			}
			if g.Scope.OfInvokers() && d.StorageAccount != "" && c.writesBlobs && c.roleCovers(d.StorageAccount) {
				return "writes by " + g.String() + c.through(p, holder), true
			}
		}
	}
	return "", false
}

// ends returns the hop by which a stage reads an input or writes an output; nil if it does not. writes reports whether
// it certainly writes.
func (c checker) ends(at stage, d datum) (hop *Hop, writes bool) {
	kind, verb, data := ReadHop, "read", c.Model.at(d)
	if d.output {
		kind, verb = WriteHop, "write"
	}
	switch {
	case at.store == d && at.store != datum{}:
		return &Hop{Kind: kind, Identity: "the credential of its data store", Needs: "the credential", GivenBy: "it"}, false
	case at.account != "" && at.account == data.StorageAccount:
		return &Hop{Kind: kind, Identity: "the key of " + at.account, Needs: "the key", GivenBy: "it"}, true
	case at.public != "" && at.public == data.StorageAccount && !d.output:
		return &Hop{Kind: kind, Identity: "anybody", Needs: "nothing", GivenBy: "it"}, false
	case at.acls != "" && at.acls == data.StorageAccount:
		hop := &Hop{Kind: kind, Identity: "themselves", Needs: "an ACL", GivenBy: "an ACL of their own"}
		if c.Model.KindOf(at.acls) == "" {
			hop.Undecided, hop.Missing = true, "whether "+at.acls+" has a hierarchical namespace is not known here"
		}
		return hop, !hop.Undecided
	case at.other != "":
		return &Hop{Kind: kind, Identity: c.end(at), Needs: "to " + verb + " " + d.name, GivenBy: "what it holds",
			Undecided: true, Missing: "what " + c.end(at) + " holds is not known here"}, false
	case at.as == Principal{}, at.acls != "":
		return nil, false
	}
	how, able := c.writes(at.as, data)
	writes = able && c.known
	if !d.output {
		how, able = c.reaches(at.as, d.name)
	}
	if !able {
		return nil, false
	}
	hop = &Hop{Kind: kind, Identity: at.as.String(), Needs: "to " + verb + " " + d.name, GivenBy: how}
	switch _, granted := c.granted(at.as, d.name, true); {
	case !c.known && c.roleCovers(data.StorageAccount):
		hop.Undecided, hop.Missing = true, unknownRole
	case !d.output && !granted:
		// No stack can set ACLs: the plan asks for them and does not know whether they exist.
		hop.Undecided, hop.Missing = true, "whether the ACL is set, which no stack can do"
	}
	return hop, writes
}
