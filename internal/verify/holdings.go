package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/roles/condition"
)

// holdings decide from facts; access.Holdings.
type holdings struct {
	plan  *access.Plan
	m     access.Model
	facts Facts
	// ids are the subjects' object IDs, in lower case.
	ids map[access.Principal]string
	// own are the assignments that reach each principal, the oldest first, so that what acts for sure is named before
	// what may not.
	own map[access.Principal][]Assignment
	// since is when the youngest of the assignments was made by which a principal has something, by its name and what
	// gives it.
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

// is reports whether the object ID is that of the principal, or of a group that it is in.
func (h *holdings) is(p access.Principal, id string) bool {
	own := h.ids[p]
	return own != "" && (strings.EqualFold(own, id) || h.group(p, id) != "")
}

// group is the name of a group that the principal is in; "" if it is in none with that ID.
func (h *holdings) group(p access.Principal, id string) string {
	for _, g := range h.facts.Groups[h.ids[p]] {
		if strings.EqualFold(g.ID, id) {
			return cmp.Or(g.Name, g.ID)
		}
	}
	return ""
}

// Gone implements access.Holdings.
func (h *holdings) Gone(p access.Principal) string {
	if h.ids[p] == "" {
		return "a principal: the stack's outputs have no ID of " + p.String() + "; deploy it with pulumi up"
	}
	return h.facts.Gone[p]
}

// Starts implements access.Holdings.
func (h *holdings) Starts(invoker string) access.Ruling {
	var needs []roles.Action
	for _, action := range roles.InvokerActions() {
		needs = append(needs, roles.Action{Name: action})
	}
	return h.rule(access.InvokerPrincipal(invoker), h.m.WorkspaceID.Text(), access.Place{}, needs, roles.Lacking)
}

// Acts implements access.Holdings. Whoever mounts to read has to see the container too, as Storage Blob Data Reader
// does.
func (h *holdings) Acts(p access.Principal, at access.Place, dataAction, role string) access.Ruling {
	place, err := h.m.ScopeID(at.Scope())
	if err != nil {
		return access.Ruling{Missing: err.Error()}
	}
	needs := []roles.Action{{Name: dataAction, Data: true}}
	if p.IsCluster() && dataAction == roles.ReadBlobs {
		needs = append(needs, roles.Action{Name: roles.ReadContainers})
	}
	return h.rule(p, place, at, needs, func([]string) string { return role })
}

// rule decides whether the principal has all that is needed at a place. Roles add up, and what is denied is not had.
func (h *holdings) rule(
	p access.Principal, place string, at access.Place, needs []roles.Action, lacking func([]string) string,
) access.Ruling {
	if why := h.unknown(p, place); why != "" {
		return access.Ruling{Undecided: true, Missing: why}
	}
	var by []Assignment
	var missing, undecided []string
	var refused string // by the conditions of what would give it
	for _, n := range needs {
		if d, denied := h.denied(p, place, n); denied {
			by := fmt.Sprintf("the deny assignment %q on %s", d.Name, h.name(d.Scope))
			why := whyUndecided(d.Condition, d.Permissions, n)
			if why == "" {
				return access.Ruling{Missing: n.Name + ", which " + by + " takes away"}
			}
			undecided = append(undecided, by+why)
		}
		gives := func(certainly bool) func(Assignment) bool {
			return func(a Assignment) bool {
				return covers(a.Scope, place) && (a.Permissions.MayAllow(n) || a.Unread != "") &&
					(a.whyUndecided(n) == "") == certainly
			}
		}
		if i := slices.IndexFunc(h.own[p], gives(true)); i >= 0 {
			by = append(by, h.own[p][i])
			continue
		}
		under, let, because := h.underConditions(p, place, at, n)
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
			undecided = append(undecided, h.label(p, a)+a.whyUndecided(n))
		case len(under) > 0:
			missing = append(missing, n.Name)
			refused = because
		default:
			missing = append(missing, n.Name)
		}
	}
	if len(missing) > 0 {
		why := h.onlyEligible(p, place, missing, needs)
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

// unknown says why it is undecided what a principal has at a place; "" where all that Azure knows was read.
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

// onlyEligible names the roles that would give something of what is missing, if their holder activated them.
func (h *holdings) onlyEligible(p access.Principal, place string, missing []string, needs []roles.Action) string {
	var labels []string
	for _, a := range h.facts.Eligible {
		gives := slices.ContainsFunc(needs, func(n roles.Action) bool {
			return slices.Contains(missing, n.Name) && (a.Permissions.MayAllow(n) || a.Unread != "")
		})
		if gives && h.is(p, a.PrincipalID) && covers(a.Scope, place) {
			labels = append(labels, h.label(p, a))
		}
	}
	if len(labels) == 0 {
		return ""
	}
	return " (it is only eligible for " + strings.Join(unique(labels), " and ") + "; activate it in PIM, or assign it)"
}

// whyUndecided says why it is undecided whether an assignment gives an action that it may give; "" where it does.
func (a Assignment) whyUndecided(n roles.Action) string {
	if a.Unread != "" {
		return " (" + a.Unread + ")"
	}
	return whyUndecided(a.Condition, a.Permissions, n)
}

// whyUndecided says why it is undecided whether what may allow an action (or deny it) does; "" where it does for
// certain.
func whyUndecided(condition string, ps roles.Permissions, n roles.Action) string {
	if condition != "" {
		return " under the condition " + condition
	}
	if why := ps.Decide(n).Undecided; why != "" {
		return " for " + n.Name + " (" + why + ")"
	}
	return ""
}

// denied finds a denial of what is needed at the place: one that certainly denies it, if there is one.
func (h *holdings) denied(p access.Principal, place string, n roles.Action) (found Denial, denied bool) {
	listed := func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return id == everyone || h.is(p, id) })
	}
	for _, d := range h.facts.Denials {
		here := covers(d.Scope, place) && (!d.OnlyHere || strings.EqualFold(strings.Trim(d.Scope, "/"),
			strings.Trim(place, "/")))
		if !here || !listed(d.Principals) || listed(d.Exclude) || !d.Permissions.MayAllow(n) {
			continue
		}
		if found, denied = d, true; whyUndecided(d.Condition, d.Permissions, n) == "" {
			break
		}
	}
	return found, denied
}

// label tells an assignment: role, place, and the group that it comes through.
func (h *holdings) label(p access.Principal, a Assignment) string {
	label := cmp.Or(a.Role, a.RoleID) + " on " + h.name(a.Scope)
	if group := h.group(p, a.PrincipalID); group != "" {
		label += " through group " + group
	}
	return label
}

// name is a scope in the model's words, or else in Azure's.
func (h *holdings) name(scope string) string {
	trimmed := strings.Trim(scope, "/")
	if strings.EqualFold(trimmed, strings.Trim(h.m.WorkspaceID.Text(), "/")) {
		return string(access.AtWorkspace)
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

// cutFold is strings.CutPrefix without regard to case, of whole segments.
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
