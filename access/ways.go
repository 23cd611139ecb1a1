package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Way is an indirect way of access: by it somebody reaches what none of their jobs and none of their own grants gives
// them. If there are several ways to one thing, the one with the fewest undecided hops is shown, and of those the
// shortest. Things that the model does not name, such as other clusters of the workspace, are on no way.
type Way struct {
	// Who are invokers, cluster:<name> for the code that runs as a cluster identity, or a text for people whom the
	// model does not name, such as the owners of a group.
	Who []string `json:"who"`
	// Input or Output is the data that the way ends at; both are "" if it ends at something else.
	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
	// Writes is set if the way certainly writes the data too. A way that writes an output reads it too.
	Writes bool `json:"writes,omitempty"`
	// Ends is the other thing that the way ends at: an identity to act as (an invoker, or cluster:<name>), a secret,
	// role assignments. It is "" for a way to data.
	Ends string `json:"ends,omitempty"`
	Hops []Hop  `json:"hops"`
}

// Undecided reports whether it can't be decided that the way is open.
func (w Way) Undecided() bool {
	return slices.ContainsFunc(w.Hops, func(h Hop) bool { return h.Undecided })
}

// String is the way in one line.
func (w Way) String() string { return strings.Join(w.Who, ", ") + " " + w.how() }

// how returns the way as text, without its principals.
func (w Way) how() string {
	var out strings.Builder
	out.WriteString(map[bool]string{true: "may ", false: "can "}[w.Undecided()])
	last := w.Hops[len(w.Hops)-1]
	switch {
	case w.Input != "":
		verb := map[bool]string{true: "read and write", false: "read"}[w.Writes]
		fmt.Fprintf(&out, "%s %s as %s", verb, w.Input, last.Identity)
	case w.Output != "":
		fmt.Fprintf(&out, "write %s as %s", w.Output, last.Identity)
	default:
		fmt.Fprintf(&out, "reach %s", w.Ends)
	}
	for i, h := range w.Hops {
		if h.Kind == ReadHop || h.Kind == WriteHop {
			break
		}
		out.WriteString(map[bool]string{true: ", by ", false: ", then "}[i == 0] + h.GivenBy)
	}
	for _, h := range w.Hops {
		if h.Undecided {
			out.WriteString("; undecided: " + h.Missing)
		}
	}
	return out.String()
}

// Ways returns every indirect way of invokers and cluster identities, ordered by what it ends at.
func (p *Plan) Ways() []Way {
	c := newChecker(p)
	c.becomes = c.identitiesToBecome()
	c.stepsFrom, c.endsFrom = map[stage][]step{}, map[stage][]ended{}
	classes := map[string]*class{}
	var order []*class
	for _, of := range c.everybody() {
		key := c.classOf(of)
		if classes[key] == nil {
			classes[key] = &class{first: of}
			order = append(order, classes[key])
		}
		classes[key].members = append(classes[key].members, of)
	}
	var all []Way
	for _, of := range order {
		all = append(all, c.waysOf(*of)...)
	}
	all = append(all, p.Model.waysIn()...)
	slices.SortStableFunc(all, func(a, b Way) int { return cmp.Compare(a.Input, b.Input) })
	return all
}

// waysIn returns the ways by which somebody whom the model does not name becomes one of its invokers.
func (m Model) waysIn() (all []Way) {
	for _, name := range sorted(m.Invokers) {
		i := m.Invokers[name]
		for _, key := range sorted(i.FederatedCredentials) {
			// facts/federation.md, Issuers and subjects: any pull request has this subject.
			if g := i.FederatedCredentials[key].GitHub; g != nil && g.PullRequest {
				who := "pull requests of " + g.Repository
				all = append(all, Way{Who: []string{who}, Ends: name, Hops: []Hop{{Kind: IdentityHop, Identity: who,
					Needs: "a token of GitHub with their subject", GivenBy: "the federated credential " + key}}})
			}
		}
		if i.Kind == Group && len(i.Members) == 0 {
			// facts/grants-access.md, Entra: an owner adds members.
			who := "owners of " + name
			all = append(all, Way{Who: []string{who}, Ends: name, Hops: []Hop{{Kind: IdentityHop, Identity: who,
				Needs: "to own the group", GivenBy: "adding themselves to the group", Undecided: true,
				Missing: "who owns a group that exists is not known here"}}})
		}
	}
	return all
}

// asserted returns the principal's name in assertions.
func (p Principal) asserted() string {
	if p.IsCluster() {
		return clusterPrefix + p.Name
	}
	return p.Name
}

// Readers returns, by data input, those who read it by themselves: an invoker by a job, a grant or an ACL, the code of
// a cluster as its identity.
func (p *Plan) Readers() map[string][]string {
	c := newChecker(p)
	all := map[string][]string{}
	everybody := c.everybody()
	for _, input := range sorted(p.Model.DataInputs) {
		for _, of := range everybody {
			if _, able := c.reaches(of, input); able {
				all[input] = append(all[input], of.asserted())
			}
		}
	}
	return all
}
