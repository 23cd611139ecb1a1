package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// unread returns all questions that could not be asked or answered.
func (f *finder) unread() (all []Unread) {
	for _, g := range f.Groups {
		if g.Unlisted != "" {
			all = append(all, Unread{"owners of " + g.Name, g.ID, "to own the group", "adding themselves to the group",
				g.Unlisted})
		}
	}
	for _, a := range f.Applications {
		if a.Unlisted != "" {
			all = append(all, Unread{"owners of " + f.name(a.Principal), a.Principal, "to own the application",
				"adding a credential", a.Unlisted})
		}
	}
	return append(all, f.Unread...)
}

// HeldBy returns the roles that the first of several principals with the same ways holds, and where; none for a name
// that is no principal.
func (e *Estate) HeldBy(who []string) (all []string) {
	f := newFinder(e)
	for _, id := range f.idsOf(who[:1]) {
		for _, h := range f.holders(id) {
			if len(h.first) > 0 && len(f.assignedTo[h.id]) > 0 { // a group that they can join
				if text := h.first[len(h.first)-1].GivenBy; !slices.Contains(all, text) {
					all = append(all, text)
				}
				continue
			}
			for _, n := range f.assignedTo[h.id] {
				a := &held{Assignment: f.Assignments[n], through: h.through}
				if text := a.label(f); !slices.Contains(all, text) {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// Doubts are undecided ways to each datum that Ways does not have: those of whoever could not be asked about, and
// those of everybody who may reach more than is known. Because of them it is not certain that there is no other way.
// Who goes a way is a principal of Ways, or, for somebody who may be anybody, a text.
func (e *Estate) Doubts() (all []access.Way) {
	f := newFinder(e)
	for _, u := range f.unread() {
		first := []access.Hop{{Kind: access.IdentityHop, Identity: u.Who, Needs: u.Needs, GivenBy: u.By, Undecided: true,
			Missing: u.Missing}}
		to := fold(u.To)
		for _, r := range f.readsBy(stage{principal: to}) {
			all = append(all, f.to(r, u.Who, first))
		}
		for _, w := range f.waysOf(to) {
			if w.Ends == "" {
				w.Who, w.Hops = []string{u.Who}, append(slices.Clip(first), w.Hops...)
				all = append(all, w)
			}
		}
	}
	for _, w := range e.Ways() {
		if !w.Undecided() || !opensUnknown(w.Ends) {
			continue
		}
		for n := range e.Data {
			hop := access.Hop{Kind: access.ReadHop, Identity: w.Ends, Needs: "to read it", GivenBy: "it"}
			all = append(all, f.to(reading{n, []access.Hop{hop}}, w.Who[0], w.Hops))
		}
	}
	return all
}

// opensUnknown reports whether it is not known what the end of a way opens.
func opensUnknown(ends string) bool {
	return ends == whatever || slices.ContainsFunc([]string{Holdings, othersClusters, othersStores, storesPrincipal},
		func(begins string) bool { return strings.HasPrefix(ends, begins) })
}

// What ways end at of which it is not known what it opens.
const (
	othersClusters  = "the identities of other clusters"
	othersStores    = "the credentials of other data stores"
	storesPrincipal = "the principal of data store "
)
