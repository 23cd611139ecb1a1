package access

import (
	"math"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// Holdings answer what the principals of a model hold. Paths asks them, for what each hop of a job needs.
type Holdings interface {
	// CannotAct says why a principal can't act at all; "" if it can.
	CannotAct(p Principal) string
	// Starts decides whether an invoker has the 35 actions where a job on the endpoint needs them: those of
	// roles.AtEndpoint there, the others at the workspace.
	Starts(invoker, endpoint string) Ruling
	// DataAction decides whether a principal may do roles.ReadBlobs or roles.WriteBlobs at a place, with all that a job
	// asks for there. Where it may not, Missing is the role.
	DataAction(p Principal, at Place, dataAction, role string) Ruling
	// Has decides whether a principal has the actions services.Actions of a role at a scope. Where it has not, Missing
	// names the role and the scope.
	Has(p Principal, role string, at Scope) Ruling
}

// A Ruling says whether something is held. Missing is "" if and only if it is.
type Ruling struct {
	GivenBy   string // what gives it
	Missing   string // what is not held, or why that is undecided
	Undecided bool   // whether it is held is not known
}

// mayLack is written after actions of which it is undecided whether a role allows them: see roles.Decision.
const mayLack = ", of which no document says whether the role allows it"

func (h *Hop) rule(r Ruling) {
	h.Missing, h.Undecided = r.Missing, r.Undecided
	if r.Missing == "" {
		h.GivenBy = r.GivenBy
	}
}

// granted answers from a plan's grants.
type granted struct {
	explainer
	storage map[Principal]map[Scope][]storageGrant
	lacks   map[string]string // what is missing without one of the role's two parts, as text
}

// Holders returns the principals by whom a principal holds anything: its identity, and the group that the stack puts it
// in.
func (p *Plan) Holders(of Principal) []Principal {
	own := p.identity[of]
	if group := p.groups[own.Name]; group != "" && !own.IsCluster() {
		return []Principal{own, InvokerPrincipal(group)}
	}
	return []Principal{own}
}

// through names the group by which a principal holds something; "" where its identity holds it itself.
func (p *Plan) through(of, holder Principal) string {
	if holder == p.identity[of] {
		return ""
	}
	return ", through group " + holder.Name
}

// A storageGrant is a grant at a storage account or container, with its text, which is made once for all paths.
type storageGrant struct {
	order      int // place among all grants
	role, says string
	paths      []string
}

func newGranted(x explainer, grants []Grant) granted {
	h := granted{x, map[Principal]map[Scope][]storageGrant{}, map[string]string{}}
	for role, permissions := range x.parts {
		h.lacks[role] = roles.FirstOf(invokerActionsOf(permissions))
	}
	for i, g := range grants {
		if !g.Scope.InStorage() {
			continue
		}
		if h.storage[g.Principal] == nil {
			h.storage[g.Principal] = map[Scope][]storageGrant{}
		}
		h.storage[g.Principal][g.Scope] = append(h.storage[g.Principal][g.Scope],
			storageGrant{i, g.Role, g.String(), g.Paths})
	}
	return h
}

func (x granted) CannotAct(Principal) string { return "" }

func (x granted) Starts(invoker, endpoint string) Ruling {
	p, role := InvokerPrincipal(invoker), x.Model.Role
	if role.ByEndpoint() {
		return x.startsByParts(p, endpoint)
	}
	for _, holder := range x.Holders(p) {
		for _, g := range x.grantsOf[holder] {
			if g.Role == role.grantName() && g.Scope.Contains(Scope{Level: AtWorkspace}) {
				if !role.Known() {
					return Ruling{Missing: unknownRole, Undecided: true}
				}
				if len(x.roleLacks) == 0 && len(x.roleMayLack) > 0 {
					return Ruling{Missing: roles.FirstOf(x.roleMayLack) + mayLack, Undecided: true}
				}
				return Ruling{GivenBy: g.String() + x.through(p, holder), Missing: roles.FirstOf(x.roleLacks)}
			}
		}
	}
	return Ruling{Missing: roles.FirstOf(roles.InvokerActions())}
}

// startsByParts decides Starts where the role is assigned in two parts.
func (x granted) startsByParts(p Principal, endpoint string) Ruling {
	var by, missing []string
	for _, part := range []struct {
		role string
		at   Scope
	}{{endpointRole, endpointScope(endpoint)}, {workspaceRole, Scope{Level: AtWorkspace}}} {
		given := ""
		for _, holder := range x.Holders(p) {
			for _, g := range x.grantsOf[holder] {
				if given == "" && g.Role == part.role && g.Scope.Contains(part.at) {
					given = g.String() + x.through(p, holder)
				}
			}
		}
		if by = append(by, given); given == "" {
			missing = append(missing, x.lacks[part.role]+" at "+part.at.String())
		}
	}
	return Ruling{GivenBy: strings.Join(by, " and "), Missing: strings.Join(missing, ", and ")}
}

// invokerActionsOf returns those of the 35 actions that a role allows.
func invokerActionsOf(ps roles.Permissions) []string {
	return slices.DeleteFunc(roles.InvokerActions(), func(action string) bool { return !ps.Action(action).Allowed })
}

// DataAction looks for grants at the scope and at the account around it. Of several that allow the same, it names the
// first. A cluster mounts what it reads, and for that its roles must read the container too, as Storage Blob Data
// Reader does and Storage Blob Path Writer does not; no condition limits that action to a path.
func (x granted) DataAction(p Principal, at Place, dataAction, role string) Ruling {
	first := storageGrant{order: math.MaxInt}
	account := storageScope(at.Account, "", AtAccount)
	through, mounts := "", !p.IsCluster() || dataAction != roles.ReadBlobs
	for _, holder := range x.Holders(p) {
		for _, scope := range [...]Scope{at.Scope(), account} {
			for _, g := range x.storage[holder][scope] {
				mounts = mounts || storageRoleMay[g.role][roles.ReadContainers]
				if storageRoleMay[g.role][dataAction] && g.order < first.order && limitsHold(g.paths, at.limit()) {
					first, through = g, x.through(p, holder)
				}
			}
		}
	}
	if first.says == "" || !mounts {
		return Ruling{Missing: role}
	}
	return Ruling{GivenBy: first.says + through}
}
