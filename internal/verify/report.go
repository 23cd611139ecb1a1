package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

// version of the JSON form of a report: raised when a reader of the last version would misread the new one.
const version = 2

// A Status is what is known about a path.
type Status string

// The states of a path, from good to bad.
const (
	Works     Status = "works"
	Settling  Status = "settling"  // everything is assigned, some of it so recently that it may not act yet
	Undecided Status = "undecided" // it depends on a condition, or on something that no document says
	Missing   Status = "missing"
)

// A Report is what Azure grants, compared with what the model needs.
type Report struct {
	Version int       `json:"version"`
	Stack   string    `json:"stack"`
	Asked   time.Time `json:"asked"`
	Paths   []Path    `json:"paths"`
	// Lacking are the grants of the model that are not held by any assignment.
	Lacking []Lack `json:"lacking"`
	// Shared are the grants that another stack should hold and does not, or not for certain.
	Shared []Shared `json:"shared,omitempty"`
	// Excess are the assignments that give more than the model's grants.
	Excess []Excess `json:"excess"`
	// Strangers are members of the stack's groups that the configuration does not name. They have what the group has.
	Strangers []Stranger `json:"strangers,omitempty"`
	// SignIns are the credentials of the stack's invokers that differ from the configuration.
	SignIns []SignIn `json:"signIns,omitempty"`
	// Owners may become an invoker. They do not make Failed true.
	Owners []Owner `json:"owners,omitempty"`
	// WaysWalked is always false: the ways below were found, and nobody went them.
	WaysWalked bool `json:"waysWalked"`
	// Ways are the indirect ways that are open now, or may be. They do not make Failed true.
	Ways []Way `json:"ways,omitempty"`
	// OtherWays are those of who holds roles where it bears on the stack, and of who could not be asked for. They decide
	// nothing: see Failed.
	OtherWays []OtherWays `json:"otherWays,omitempty"`
	// Assertions are those that somebody reads something by no way, held against Azure: what is undecided breaks them.
	Assertions []access.Verdict `json:"assertions,omitempty"`
	// Doubts are undecided ways because of which it is not certain that nobody else reaches a datum; see ways.Estate.
	Doubts []access.Way `json:"-"`
	// Limits are Azure's limits, with how much is used. They do not make Failed true: see Observer.Limits.
	Limits []Usage `json:"limits,omitempty"`
	// Unasked are the questions that Azure did not answer. What depends on them is undecided.
	Unasked []string `json:"unasked,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// NotLookedAt are the hops to services of which the configuration says nothing, with their keys.
	NotLookedAt []string `json:"notLookedAt,omitempty"`
	// Since is the difference to an earlier report; nil without one.
	Since *Since `json:"since,omitempty"`
}

// A Path is an access.Path with its status.
type Path struct {
	access.Path
	Status Status `json:"status"`
	// Why it does not work, or why that is undecided; "" if it works.
	Why string `json:"why,omitempty"`
	// Settles is when it acts for certain; only while settling.
	Settles time.Time `json:"settles,omitzero"`
}

// A Lack is a grant of the model that its principal does not hold.
type Lack struct {
	access.Grant
	PrincipalID string   `json:"principalId"`
	ScopeID     string   `json:"scopeId"`
	Actions     []string `json:"actions"` // the actions that are missing
	Whole       bool     `json:"whole"`   // all of its actions are missing
	// Conditional is set if all of it may be held: it depends on conditions, or no document says whether a role allows
	// it.
	Conditional bool `json:"conditional,omitempty"`
}

// An Excess is an assignment that gives its principal more than the model's grants do, at, above or below the workspace
// or the storage accounts.
type Excess struct {
	Principal  access.Principal `json:"principal"`
	Role       string           `json:"role"`
	Scope      string           `json:"scope"` // in the model's words
	Through    string           `json:"through,omitempty"`
	Assignment string           `json:"assignment"` // its ID
	Actions    []string         `json:"actions"`    // what it gives beyond need
	Risks      []roles.Risk     `json:"risks,omitempty"`
	Condition  string           `json:"condition,omitempty"`
	// Escalations are where it leads the principal indirectly.
	Escalations []Escalation `json:"escalations,omitempty"`
}

// A Stranger is a member of a group that the stack makes, added by somebody else.
type Stranger struct {
	Group string `json:"group"` // the invoker
	ID    string `json:"id"`
	Name  string `json:"name"`
}

// Judge makes the report. An assignment may not act until propagation has passed since it was made: Azure's is ten
// minutes.
func Judge(stack string, plan *access.Plan, subjects []Subject, f Facts, propagation time.Duration) (Report, error) {
	plan = lookedUp(plan, f)
	h := newHoldings(plan, subjects, f)
	r := Report{Version: version, Stack: stack, Asked: f.Asked.UTC(), Paths: []Path{}, Lacking: []Lack{},
		Excess: []Excess{}, Notes: slices.Clone(f.Notes), Unasked: f.Unasked,
		NotLookedAt: plan.Model.NotLookedAt()}
	for _, p := range plan.PathsHeld(h) {
		r.Paths = append(r.Paths, h.path(p, propagation))
	}
	if err := h.lacking(&r); err != nil {
		return r, err
	}
	if err := h.shared(&r); err != nil {
		return r, err
	}
	if err := h.excess(subjects, &r); err != nil {
		return r, err
	}
	h.strangers(subjects, &r)
	r.SignIns, r.Owners = f.SignIns, h.owners(subjects)
	h.eligible(subjects, &r)
	l := h.live(subjects)
	var untried, ofOthers []string
	r.Ways, untried = h.ways(l)
	r.OtherWays, ofOthers = h.otherWays(l)
	r.Assertions, r.Doubts = h.asserted(l, r), l.doubts
	r.Notes = slices.Concat(r.Notes, untried, ofOthers)
	if acls := len(plan.ACLs); acls > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d POSIX ACLs are taken to be set: Resource Manager does not know them "+
			"(pulumi stack output aclCommands)", acls))
	}
	for _, s := range subjects {
		throughGroup := slices.ContainsFunc(h.own[s.Principal],
			func(a Assignment) bool { return h.group(s.Principal, a.PrincipalID) != "" })
		if s.Kind == access.ManagedIdentity && throughGroup {
			r.Notes = append(r.Notes, s.Principal.String()+" is a managed identity that has roles through a group: after a "+
				"change of its groups its token is the old one for up to 24 hours")
		}
	}
	return r, nil
}

func (h *holdings) path(p access.Path, propagation time.Duration) Path {
	path := Path{Path: p, Status: Works}
	if why := h.reason(p, h.facts.Faults); why != "" && (p.Works() || p.Undecided()) {
		path.Status, path.Why = Missing, why
		return path
	}
	if why := h.reason(p, h.facts.Doubts); why != "" {
		path.Status, path.Why = Undecided, why
	}
	for _, hop := range p.Hops {
		settles := h.since[[2]string{hop.Identity, hop.GivenBy}].Add(propagation)
		switch {
		case hop.Missing != "" && !hop.Undecided:
			path.Status, path.Why = Missing, fmt.Sprintf("%s: %s lacks %s", hop.Kind, hop.Identity, hop.Missing)
			return path
		case hop.Missing != "" && path.Status != Undecided:
			path.Status, path.Why = Undecided, fmt.Sprintf("%s: %s needs %s", hop.Kind, hop.Identity, hop.Missing)
		case path.Status != Undecided && settles.After(h.facts.Asked):
			path.Status = Settling
			if settles.After(path.Settles) {
				path.Settles = settles.UTC()
			}
		}
	}
	if path.Status != Settling {
		path.Settles = time.Time{}
	}
	return path
}

// permissions returns what a grant of the model gives.
func (h *holdings) permissions(g access.Grant) roles.Permissions {
	if g.Scope.InStorage() {
		return roles.OfStorage(g.Role).Permissions
	}
	if d, ok := roles.BuiltIn(g.Role); ok {
		return d.Permissions
	}
	ps, known := h.plan.Permissions(g)
	if !known {
		return roles.Invoker().Permissions // only what it is needed for; anything else that it allows in Azure is beyond need
	}
	return ps
}

// lacking finds the grants that no assignments hold in full.
func (h *holdings) lacking(r *Report) error {
	for _, g := range h.plan.Grants {
		place, err := h.m.ScopeID(g.Scope)
		if err != nil {
			return err
		}
		var held, under roles.Permissions // without a condition, and with conditional ones
		perhaps := h.unknown(g.Principal, place) != ""
		for _, a := range h.own[g.Principal] {
			if !covers(a.Scope, place) {
				continue
			}
			perhaps = perhaps || a.Unread != ""
			under = append(under, a.Permissions...)
			if letsAll(a.Condition, g.Condition, h.permissions(g)) {
				held = append(held, a.Permissions...)
			}
		}
		if more := rolediff.Difference(h.permissions(g), held); len(more) > 0 {
			whole := len(more) == len(rolediff.Difference(h.permissions(g), nil))
			conditional := perhaps || !slices.ContainsFunc(more, func(a roles.Action) bool { return !under.MayAllow(a) })
			r.Lacking = append(r.Lacking, Lack{g, h.ids[g.Principal], place, texts(more), whole, conditional})
		}
	}
	return nil
}

// excess finds the assignments that give more, in effect, than the grants that hold at their place.
func (h *holdings) excess(subjects []Subject, r *Report) error {
	places, err := h.places()
	if err != nil {
		return err
	}
	for _, s := range subjects {
		holders := h.plan.Holders(s.Principal)
		for _, a := range h.own[s.Principal] {
			if slices.ContainsFunc(holders[1:], func(group access.Principal) bool {
				return strings.EqualFold(a.PrincipalID,
					h.ids[group])
			}) {
				continue // reported for the group
			}
			near := slices.ContainsFunc(places, func(place string) bool {
				return covers(a.Scope, place) ||
					covers(place, a.Scope)
			})
			if !near {
				continue
			}
			var needed, inWorkspace roles.Permissions // at the assignment's place, and at the workspace
			for _, g := range slices.Concat(h.plan.Grants, h.plan.Elsewhere()) {
				at, err := h.m.ScopeID(g.Scope)
				if err != nil {
					return err
				}
				if slices.Contains(holders, g.Principal) && covers(at, h.m.WorkspaceID.Text()) {
					inWorkspace = append(inWorkspace, h.permissions(g)...)
				}
				if slices.Contains(holders, g.Principal) && covers(at, a.Scope) {
					needed = append(needed, h.permissions(g)...)
					if !letsAll(g.Condition, a.Condition, h.permissions(g)) {
						needed[len(needed)-1].DataActions = nil // it gives more than the grant's paths
					}
				}
			}
			more := rolediff.Difference(a.Permissions, needed)
			if len(more) == 0 {
				continue
			}
			slices.SortStableFunc(more, func(a, b roles.Action) int { return gravity(a) - gravity(b) })
			e := Excess{s.Principal, a.Role, h.name(a.Scope), h.group(s.Principal, a.PrincipalID), a.ID, texts(more), nil,
				a.Condition, h.escalations(s.Principal, a, needed, inWorkspace)}
			for _, risk := range roles.Risks() {
				if slices.ContainsFunc(more, func(x roles.Action) bool { return x.Risk() == risk }) {
					e.Risks = append(e.Risks, risk)
				}
			}
			r.Excess = append(r.Excess, e)
		}
	}
	return nil
}

// strangers finds the members of the stack's groups that the model does not name.
func (h *holdings) strangers(subjects []Subject, r *Report) {
	for _, s := range subjects {
		for _, member := range h.facts.Members[strings.ToLower(s.ID)] {
			named := slices.ContainsFunc(h.m.Invokers[s.Principal.Name].Members, func(name string) bool {
				return strings.EqualFold(h.ids[access.InvokerPrincipal(name)], member.ID)
			})
			if !named {
				r.Strangers = append(r.Strangers, Stranger{s.Principal.Name, member.ID, member.Name})
			}
		}
	}
}

// eligible records who may activate a role at the stack's places.
func (h *holdings) eligible(subjects []Subject, r *Report) {
	for _, s := range subjects {
		for _, a := range h.facts.Eligible {
			if h.is(s.Principal, a.PrincipalID) {
				r.Notes = append(r.Notes, s.Principal.String()+" may activate "+h.label(s.Principal,
					a)+" (PIM): not counted as held")
			}
		}
	}
}

// gravity sorts the gravest risk first, and actions without a risk last.
func gravity(a roles.Action) int {
	if i := slices.Index(roles.Risks(), a.Risk()); i >= 0 {
		return i
	}
	return len(roles.Risks())
}

// places returns the stack's places: its workspace, its storage accounts and its registries.
func (h *holdings) places() ([]string, error) {
	places := []string{h.m.WorkspaceID.Text()}
	for name := range h.m.StorageAccounts {
		id, err := h.m.ScopeID(access.Scope{StorageAccount: name})
		if err != nil {
			return nil, err
		}
		places = append(places, id)
	}
	for _, scope := range registries(h.m) {
		id, err := h.m.ScopeID(scope)
		if err != nil {
			return nil, err
		}
		places = append(places, id)
	}
	return places, nil
}

func texts(actions []roles.Action) (all []string) {
	for _, a := range actions {
		all = append(all, strings.ReplaceAll(a.String(), rolediff.Anything, "*"))
	}
	return all
}

// count counts the declared paths with a status.
func (r Report) count(s Status) (n int) {
	for _, p := range r.Paths {
		if p.Declared && p.Status == s {
			n++
		}
	}
	return n
}

// signIns counts the credentials that are beyond need, or those that are missing.
func (r Report) signIns(extra bool) (n int) {
	for _, s := range r.SignIns {
		if s.Extra == extra {
			n++
		}
	}
	return n
}

// Failed reports whether a declared path is missing something or is undecided, a grant is not held, or not by the stack
// that is to hold it, a federated credential is not there, an assertion does not hold, or a question has no answer.
// Strict adds what is beyond need; an earlier report, what is beyond need that was not then.
func (r Report) Failed(strict bool) bool {
	return r.count(Missing)+r.count(Undecided)+len(r.Lacking)+len(r.Shared)+r.signIns(false)+len(r.Unasked)+
		r.violated() > 0 ||
		r.Since.worse() || strict && len(r.Excess)+len(r.Strangers)+r.signIns(true) > 0
}

// violated counts the assertions that do not hold.
func (r Report) violated() (n int) {
	for _, v := range r.Assertions {
		if !v.Holds {
			n++
		}
	}
	return n
}

// Settled reports whether waiting can't improve the report: every declared path acts for certain, or depends on a
// condition.
func (r Report) Settled() bool {
	return r.count(Missing)+r.count(Settling)+r.signIns(false) == 0 && !slices.ContainsFunc(r.Lacking,
		func(l Lack) bool { return !l.Conditional })
}
