package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// doHop is the kind of a hop that says whether a principal holds one action at one place.
const doHop access.HopKind = "do"

// Held answers what principals hold, by Azure's answers.
type Held struct {
	holdings    *holdings
	propagation time.Duration
}

// NewHeld has the arguments of Judge.
func NewHeld(plan *access.Plan, subjects []Subject, f Facts, propagation time.Duration) Held {
	return Held{newHoldings(lookedUp(plan, f), subjects, f), propagation}
}

// Does says whether a principal holds an action at the place with the ARM ID or, for "", at each place that Azure was
// asked about: the stack's workspace, storage accounts and registries, their resource groups, and everything below
// those at which the principal has a role. An action that does nothing at a place is not held there.
//
// A hop is undecided if it depends on a condition, on a role that is only eligible, on an assignment that is so new
// that it may not act yet, or on an answer that Azure did not give. The error is about a place that was not asked
// about.
func (a Held) Does(p access.Principal, action roles.Action, place string) (hops []access.Hop, err error) {
	places, err := a.places(p, place)
	for _, at := range places {
		if acts, known := action.ActsAt(at); acts || !known || place != "" {
			hops = append(hops, a.hop(p, action, at))
		}
	}
	return hops, err
}

// places returns the places for a question about a principal.
func (a Held) places(p access.Principal, place string) ([]string, error) {
	h := a.holdings
	asked, err := resourceGroups(h.m)
	if err != nil {
		return nil, err
	}
	if place != "" {
		known := func(group string) bool {
			subscription, _, _ := strings.Cut(strings.TrimPrefix(group, "/subscriptions/"), "/")
			return covers(group, place) || strings.EqualFold(strings.TrimRight(place, "/"), "/subscriptions/"+subscription)
		}
		if !slices.ContainsFunc(asked, known) {
			return nil, problem.Problem{Path: "at", What: place + " is in none of the resource groups of the stack's " +
				"workspace, storage accounts and registries, and Azure is asked about those alone",
				Fix: "name a place in one of them, or ask az role assignment list --scope " + place}
		}
		return []string{place}, nil
	}
	all, err := h.places()
	if err != nil {
		return nil, err
	}
	all = append(all, asked...)
	for _, own := range slices.Concat(h.own[p], h.eligibleOf(p)) {
		below := slices.ContainsFunc(asked, func(group string) bool { return covers(group, own.Scope) })
		if below && !slices.ContainsFunc(all, func(at string) bool { return arm.Same(at, own.Scope) }) {
			all = append(all, own.Scope)
		}
	}
	return all, nil
}

func (h *holdings) eligibleOf(p access.Principal) (all []Assignment) {
	for _, a := range h.facts.Eligible {
		if h.is(p, a.PrincipalID) {
			all = append(all, a)
		}
	}
	return all
}

// hop decides one action at one place.
func (a Held) hop(p access.Principal, n roles.Action, at string) access.Hop {
	h := a.holdings
	hop := access.Hop{Kind: doHop, Identity: p.String(), Needs: n.Name + " at " + h.name(at)}
	no := func(format string, args ...any) access.Hop {
		hop.Missing = fmt.Sprintf(format, args...)
		return hop
	}
	undecided := func(format string, args ...any) access.Hop {
		hop.Undecided = true
		return no(format, args...)
	}
	switch why := h.unknown(p, at); {
	case h.ids[p] == "":
		return undecided("%s", h.CannotAct(p))
	case why != "":
		return undecided("%s", why)
	case h.CannotAct(p) != "":
		return no("%s", h.CannotAct(p))
	}
	denial, denied := h.denied(p, at, n)
	denies := fmt.Sprintf("the deny assignment %q on %s", denial.Name, h.name(denial.Scope))
	open := whyUndecided(denial.Condition, denial.Permissions, n)
	if denied && open == "" {
		return no("%s takes it away", denies)
	}
	acts, known := n.ActsAt(at)
	var perhaps string
	for _, held := range slices.Concat(h.own[p], h.eligibleOf(p)) { // certain assignments come before possible ones
		if !covers(held.Scope, at) || held.Unread == "" && !held.Permissions.MayAllow(n) {
			continue
		}
		label := h.label(p, held)
		settles := held.Made.Add(a.propagation)
		switch why := held.whyUndecided(n); {
		case slices.ContainsFunc(h.facts.Eligible, func(e Assignment) bool { return e.ID == held.ID }):
			perhaps = cmp.Or(perhaps, "it is only eligible for "+label+", and Azure lists no activation of it (PIM)")
		case why != "":
			perhaps = cmp.Or(perhaps, label+why)
		case denied:
			perhaps = cmp.Or(perhaps, denies+open+" may take it away from "+label)
		case settles.After(h.facts.Asked):
			perhaps = cmp.Or(perhaps, label+" was assigned, or its role changed, so recently that it may not act before "+
				settles.UTC().Format(time.RFC3339))
		case !known:
			perhaps = cmp.Or(perhaps, label+" gives it, and whether it does anything at "+h.name(at)+" is not known here")
		case !acts:
			return no("%s does not exist at a place of this type: name the resource that it acts on, or what contains that",
				n.Name)
		default:
			hop.GivenBy = label
			return hop
		}
	}
	if perhaps != "" {
		return undecided("a decision that can't be made here: %s", perhaps)
	}
	return no("no role that Azure has assigned to it there or above gives it")
}
