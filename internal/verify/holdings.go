package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// holdings answers access.Holdings from facts.
type holdings struct {
	plan  *access.Plan
	m     access.Model
	facts Facts
	// ids are the subjects' object IDs, in lower case.
	ids map[access.Principal]string
	// own are the assignments that reach each principal, the oldest first, so that an assignment that acts for certain
	// is named before one that may not.
	own map[access.Principal][]Assignment
	// since is when the youngest assignment was made by which a principal has something, by the principal's name and
	// what gives it.
	since map[[2]string]time.Time
}

func newHoldings(plan *access.Plan, subjects []Subject, f Facts) *holdings {
	h := &holdings{plan, plan.Model, f, map[access.Principal]string{}, map[access.Principal][]Assignment{},
		map[[2]string]time.Time{}}
	for _, s := range subjects {
		h.ids[s.Principal] = strings.ToLower(s.ID)
		for _, a := range f.Assignments {
			if h.is(s.Principal, a.PrincipalID) {
				h.own[s.Principal] = append(h.own[s.Principal], a)
			}
		}
		slices.SortStableFunc(h.own[s.Principal], func(a, b Assignment) int { return a.Made.Compare(b.Made) })
	}
	return h
}

// is reports whether the object ID is the principal's, or that of a group that it is in.
func (h *holdings) is(p access.Principal, id string) bool {
	own := h.ids[p]
	return own != "" && (strings.EqualFold(own, id) || h.group(p, id) != "")
}

// group returns the name of a group with that ID that the principal is in; "" if it is in none.
func (h *holdings) group(p access.Principal, id string) string {
	for _, g := range h.facts.Groups[h.ids[p]] {
		if strings.EqualFold(g.ID, id) {
			return cmp.Or(g.Name, g.ID)
		}
	}
	return ""
}

// CannotAct implements access.Holdings.
func (h *holdings) CannotAct(p access.Principal) string {
	if h.ids[p] == "" {
		return "a principal: the stack's outputs have no ID of " + p.String() + "; deploy it with pulumi up"
	}
	return h.facts.Gone[p]
}

// A demand is an action that is needed at a place.
type demand struct {
	roles.Action
	at string
}

// Starts implements access.Holdings. Actions about a batch endpoint are asked for at the endpoint: a role counts that
// is assigned at it or above, and so does a denial (facts/batch-endpoints.md, Permissions: inferred).
func (h *holdings) Starts(invoker, endpoint string) access.Ruling {
	workspace := h.m.WorkspaceID.Text()
	at := arm.BatchEndpoint(workspace, endpoint)
	var needs []demand
	for _, action := range roles.InvokerActions() {
		place := workspace
		if roles.AtEndpoint(action) {
			place = at
		}
		needs = append(needs, demand{roles.Action{Name: action}, place})
	}
	lacking := roles.FirstOf
	if h.m.Role.ByEndpoint() { // then it matters which of the two assignments is missing
		lacking = func(missing []string) string {
			var parts []string
			for _, place := range []string{at, workspace} {
				here := slices.DeleteFunc(slices.Clone(missing), func(action string) bool {
					return roles.AtEndpoint(action) != (place == at)
				})
				if len(here) > 0 {
					parts = append(parts, roles.FirstOf(here)+" at "+h.name(place))
				}
			}
			return strings.Join(parts, ", and ")
		}
	}
	return h.rule(access.InvokerPrincipal(invoker), access.Place{}, needs, lacking)
}

// DataAction implements access.Holdings. Mounting for reading needs permission to read the container too, which Storage
// Blob Data Reader has.
func (h *holdings) DataAction(p access.Principal, at access.Place, dataAction, role string) access.Ruling {
	place, err := h.m.ScopeID(at.Scope())
	if err != nil {
		return access.Ruling{Missing: err.Error()}
	}
	needs := []demand{{roles.Action{Name: dataAction, Data: true}, place}}
	if p.IsCluster() && dataAction == roles.ReadBlobs {
		needs = append(needs, demand{roles.Action{Name: roles.ReadContainers}, place})
	}
	return h.rule(p, at, needs, func([]string) string { return role })
}

// Has implements access.Holdings.
func (h *holdings) Has(p access.Principal, role string, at access.Scope) access.Ruling {
	place, err := h.m.ScopeID(at)
	if err != nil {
		return access.Ruling{Missing: err.Error()}
	}
	var needs []demand
	for _, action := range services.Actions(role) {
		needs = append(needs, demand{action, place})
	}
	return h.rule(p, access.Place{Account: at.StorageAccount}, needs, func([]string) string {
		return role + " on " + at.String()
	})
}

// rule decides whether the principal has everything that is needed, each at its place. Roles add up, and a denial takes
// away. Conditions are evaluated for the path in storage, if there is one.
func (h *holdings) rule(
	p access.Principal, path access.Place, needs []demand, lacking func([]string) string,
) access.Ruling {
	for _, n := range needs {
		if why := h.unknown(p, n.at); why != "" {
			return access.Ruling{Undecided: true, Missing: why}
		}
	}
	var by []Assignment
	var missing, undecided []string
	var refused string // what the conditions of assignments refuse
	for _, n := range needs {
		if d, denied := h.denied(p, n.at, n.Action); denied {
			by := fmt.Sprintf("the deny assignment %q on %s", d.Name, h.name(d.Scope))
			why := whyUndecided(d.Condition, d.Permissions, n.Action)
			if why == "" {
				return access.Ruling{Missing: n.Name + ", which " + by + " takes away"}
			}
			undecided = append(undecided, by+why)
		}
		gives := func(certainly bool) func(Assignment) bool {
			return func(a Assignment) bool {
				return covers(a.Scope, n.at) && (a.Permissions.MayAllow(n.Action) || a.Unread != "") &&
					(a.whyUndecided(n.Action) == "") == certainly
			}
		}
		if i := slices.IndexFunc(h.own[p], gives(true)); i >= 0 {
			by = append(by, h.own[p][i])
			continue
		}
		under, let, because := h.underConditions(p, n.at, path, n.Action)
		perhaps := func(a Assignment) bool {
			return gives(false)(a) && !slices.ContainsFunc(under, func(of Assignment) bool { return of.ID == a.ID })
		}
		switch i := slices.IndexFunc(h.own[p], perhaps); {
		case let == condition.Yes:
			by = append(by, under...)
		case let == condition.Undecided:
			undecided = append(undecided, h.label(p, under[0])+" "+because)
		case i >= 0:
			a := h.own[p][i]
			undecided = append(undecided, h.label(p, a)+a.whyUndecided(n.Action))
		case len(under) > 0:
			missing = append(missing, n.Name)
			refused = because
		default:
			missing = append(missing, n.Name)
		}
	}
	if len(missing) > 0 {
		why := h.onlyEligible(p, missing, needs)
		if refused != "" {
			why += " (what it holds is under a condition that refuses " + refused + ")"
		}
		return access.Ruling{Missing: lacking(missing) + why}
	}
	if len(undecided) > 0 {
		missing := "a decision that Azure alone can make: " + strings.Join(unique(undecided), ", ")
		return access.Ruling{Undecided: true, Missing: missing}
	}
	var labels []string
	var since time.Time
	for _, a := range by {
		labels = append(labels, h.label(p, a))
		if a.Made.After(since) {
			since = a.Made
		}
	}
	given := strings.Join(unique(labels), " and ")
	h.since[[2]string{p.String(), given}] = since
	return access.Ruling{GivenBy: given}
}

// unknown says why it is undecided what a principal has at a place; "" if everything could be read.
func (h *holdings) unknown(p access.Principal, place string) string {
	if why := h.facts.Unknown[p]; why != "" {
		return why
	}
	for _, group := range slices.Sorted(maps.Keys(h.facts.Unlisted)) {
		if covers(group, place) {
			return h.facts.Unlisted[group]
		}
	}
	return ""
}

// onlyEligible names the roles that would give something that is missing, if their holder activated them.
func (h *holdings) onlyEligible(p access.Principal, missing []string, needs []demand) string {
	var labels []string
	for _, a := range h.facts.Eligible {
		gives := slices.ContainsFunc(needs, func(n demand) bool {
			return slices.Contains(missing, n.Name) && (a.Permissions.MayAllow(n.Action) || a.Unread != "") &&
				covers(a.Scope, n.at)
		})
		if gives && h.is(p, a.PrincipalID) {
			labels = append(labels, h.label(p, a))
		}
	}
	if len(labels) == 0 {
		return ""
	}
	return " (it is only eligible for " + strings.Join(unique(labels), " and ") + "; activate it in PIM, or assign it)"
}

// whyUndecided says why it is undecided whether an assignment gives an action that it may give; "" if it does.
func (a Assignment) whyUndecided(n roles.Action) string {
	if a.Unread != "" {
		return " (" + a.Unread + ")"
	}
	return whyUndecided(a.Condition, a.Permissions, n)
}

// whyUndecided says why it is undecided whether permissions that may allow an action (or deny it) do so; "" if they do
// for certain.
func whyUndecided(condition string, ps roles.Permissions, n roles.Action) string {
	if condition != "" {
		return " under the condition " + condition
	}
	if why := ps.Decide(n).Undecided; why != "" {
		return " for " + n.Name + " (" + why + ")"
	}
	return ""
}

// denied finds a denial of an action at the place: one that certainly denies it, if there is one.
func (h *holdings) denied(p access.Principal, place string, n roles.Action) (found Denial, denied bool) {
	listed := func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return id == ways.Everyone || h.is(p, id) })
	}
	for _, d := range h.facts.Denials {
		here := covers(d.Scope, place) && (!d.OnlyHere || arm.Same(d.Scope, place))
		if !here || !listed(d.Principals) || listed(d.Exclude) || !d.Permissions.MayAllow(n) {
			continue
		}
		if found, denied = d, true; whyUndecided(d.Condition, d.Permissions, n) == "" {
			break
		}
	}
	return found, denied
}

// label describes an assignment: role, place, and the group that it comes through.
func (h *holdings) label(p access.Principal, a Assignment) string {
	label := cmp.Or(a.Role, a.RoleID) + " on " + h.name(a.Scope)
	if group := h.group(p, a.PrincipalID); group != "" {
		label += " through group " + group
	}
	return label
}

// name returns the name of a scope: the model's, or else Azure's.
func (h *holdings) name(scope string) string {
	trimmed := strings.Trim(scope, "/")
	if rest, ok := cutFold(trimmed, strings.Trim(h.m.WorkspaceID.Text(), "/")); ok && rest == "" {
		return string(access.AtWorkspace)
	} else if endpoint, is := cutFold(rest, "/batchEndpoints/"); ok && is && !strings.Contains(endpoint, "/") {
		return string(access.AtEndpoint) + " " + endpoint
	}
	for name, account := range h.m.StorageAccounts {
		id := strings.Trim(account.Text(), "/")
		if rest, ok := cutFold(trimmed, id); ok {
			if container, ok := cutFold(rest, "/blobServices/default/containers/"); ok {
				return name + "/" + container
			}
			return name + rest
		}
	}
	for _, scope := range registries(h.m) {
		if id, err := h.m.ScopeID(scope); err == nil && strings.EqualFold(strings.Trim(id, "/"), trimmed) {
			return scope.String()
		}
	}
	parts := strings.Split(trimmed, "/")
	switch {
	case trimmed == "":
		return "the whole tenant"
	case len(parts) == 2 && strings.EqualFold(parts[0], "subscriptions"):
		return "subscription " + parts[1]
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "resource group " + parts[3]
	case len(parts) == 4 && strings.EqualFold(parts[2], "managementGroups"):
		return "management group " + parts[3]
	default:
		return "/" + trimmed
	}
}

// cutFold is strings.CutPrefix without regard to case, for whole segments.
func cutFold(s, prefix string) (rest string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	rest = s[len(prefix):]
	return rest, rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/")
}

func unique(all []string) (once []string) {
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
