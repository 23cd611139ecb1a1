package ways

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

// A held is an assignment that a principal has or can give itself.
type held struct {
	Assignment
	first   []access.Hop // what has to be done before; empty for most
	through string       // the group through which it is held
	given   bool         // the principal does not have it yet, and can give it itself
	as      string       // whom it acts as to have it; "" for itself
	allows  map[string]bool
}

func (h *held) label(f *finder) string {
	text := cmp.Or(h.Role, "a role without a name") + " on " + f.place(h.Scope)
	if h.through != "" {
		text += ", through group " + h.through
	}
	return text
}

// A holder is a principal or group whose assignments reach a principal.
type holder struct {
	id, through string
	first       []access.Hop
}

func undecided(hops []access.Hop) bool {
	return slices.ContainsFunc(hops, func(h access.Hop) bool { return h.Undecided })
}

// holders returns the principal, the groups that it is in, and those that it can join as an owner, the surest first.
func (f *finder) holders(id string) []holder {
	all, seen := []holder{{id: id}}, map[string]bool{id: true}
	for _, sure := range []bool{true, false} {
		for i := 0; i < len(all); i++ {
			for _, next := range f.groupsAbove(all[i]) {
				if !seen[next.id] && (!sure || !undecided(next.first)) {
					seen[next.id] = true
					all = append(all, next)
				}
			}
		}
	}
	return all
}

// groupsAbove returns the groups that a holder is in, or can join.
func (f *finder) groupsAbove(h holder) (all []holder) {
	for _, n := range f.memberOf[h.id] {
		g := f.Groups[n]
		all = append(all, holder{fold(g.ID), g.Name, h.first})
	}
	for _, n := range f.ownerOf[h.id] {
		g := f.Groups[n]
		// facts/grants-access.md, Entra: an owner adds members.
		hop := access.Hop{Kind: access.IdentityHop, Identity: f.name(h.id), Needs: "to own the group " + g.Name,
			GivenBy: "adding themselves to the group " + g.Name}
		if f.isGroup[h.id] {
			hop.Undecided, hop.Missing = true, "no document says whether the members of a group act as its owners' do"
		}
		all = append(all, holder{fold(g.ID), g.Name, append(slices.Clip(h.first), hop)})
	}
	return append(all, f.groupsByPower(h)...)
}

// holds returns the assignments of a principal, and those that it can give itself, the surest first.
func (f *finder) holds(id string) []*held {
	if all, done := f.held[id]; done {
		return all
	}
	var all []*held
	for _, h := range f.holders(id) {
		for _, n := range f.assignedTo[h.id] {
			a := f.Assignments[n]
			all = append(all, &held{Assignment: a, first: h.first, through: h.through, allows: f.allowed(a.Permissions)})
		}
	}
	all = append(all, f.elevated(id)...)
	f.held[id] = all
	var given []*held
	for _, h := range all {
		given = append(given, f.gives(id, h, all)...)
	}
	all = append(all, given...)
	slices.SortStableFunc(all, func(a, b *held) int { return weight(a.first) - weight(b.first) })
	f.held[id] = all
	return all
}

// weight orders ways: decided ones first, then shorter ones.
func weight(hops []access.Hop) int {
	if undecided(hops) {
		return 1000 + len(hops)
	}
	return len(hops)
}

// allowed returns the actions of the table that permissions allow or may allow, by name. It is worked out once for each
// role.
func (f *finder) allowed(ps roles.Permissions) map[string]bool {
	if len(ps) == 0 {
		return nil
	}
	if all, done := f.allows[&ps[0]]; done {
		return all
	}
	all := map[string]bool{}
	for _, a := range asked {
		if ps.MayAllow(a) {
			all[a.Name] = true
		}
	}
	f.allows[&ps[0]] = all
	return all
}

const (
	getSecret    = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	writeAccount = "Microsoft.Storage/storageAccounts/write"
	moveBlobs    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action"
	manageACLs   = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/manageOwnership/action"
	modifyACLs   = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/modifyPermissions/action"
)

// asked are the actions of the table.
var asked = func() []roles.Action {
	all := []roles.Action{{Name: roles.ReadBlobs, Data: true}, {Name: roles.WriteBlobs, Data: true},
		{Name: moveBlobs, Data: true}}
	for _, l := range roles.Escalations() {
		if l.To != roles.Nowhere {
			all = append(all, l.Action)
		}
	}
	return append(all, roles.UseInstance, roles.RunPipeline, roles.Action{Name: writeAccount})
}()

// hopBy returns the hop that a principal takes by an action of one of its assignments at a place; nil if it does not
// give the action.
func (f *finder) hopBy(id string, h *held, l roles.Escalation, place string) *access.Hop {
	if h.Unread == "" && !h.allows[l.Action.Name] {
		return nil
	}
	covers, why := f.covers(h.Scope, place)
	if !covers {
		return nil
	}
	hop := &access.Hop{Identity: f.name(id), Needs: l.Action.Name, Takes: []string{l.Action.Name},
		GivenBy: short(l.Action.Name) + " of " + h.label(f)}
	hop.Missing = cmp.Or(why, h.Unread, h.Doubt)
	if hop.Missing == "" && !h.Permissions.Allows(l.Action) {
		hop.Missing = "whether " + cmp.Or(h.Role, "the role") + " allows " + l.Action.Name
	}
	if h.Condition != "" && (l.Action.Data || !strings.HasPrefix(l.Action.Name, "Microsoft.Storage/")) {
		// No condition reaches the control plane of storage (facts/conditions.md, Where a condition may stand).
		hop.Missing = cmp.Or(hop.Missing, "under the condition "+h.Condition)
	}
	denied, by := f.denied(id, place, l.Action)
	if denied && by == "" {
		joining := f.leavesOut(id, place, l.Action)
		if joining == nil {
			return nil
		}
		for _, join := range slices.Backward(joining) {
			hop.GivenBy, hop.Missing = join.GivenBy+", whom a deny assignment leaves out, then "+hop.GivenBy,
				cmp.Or(join.Missing, hop.Missing)
		}
	}
	hop.Missing = cmp.Or(hop.Missing, by)
	if l.Inferred {
		hop.Missing = cmp.Or(hop.Missing, "no document says what "+l.Action.Name+" is enough for")
	}
	hop.Undecided = hop.Missing != ""
	return hop
}

// best returns the surest hops by which a principal gets an action at a place; nil if it does not.
func (f *finder) best(id string, l roles.Escalation, place string) (best []access.Hop) {
	for _, h := range f.holds(id) {
		hop := f.hopBy(id, h, l, place)
		if hop == nil {
			continue
		}
		if hops := append(slices.Clip(h.first), *hop); best == nil || weight(hops) < weight(best) {
			best = hops
		}
	}
	return best
}

// denied reports whether an action is denied; by says why that is undecided.
func (f *finder) denied(id, place string, action roles.Action) (denied bool, by string) {
	return f.deniedTo(f.holders(id), place, action, "")
}

// deniedTo is denied for somebody who is in these, without what they only can join, but for one group.
func (f *finder) deniedTo(in []holder, place string, action roles.Action, joined string) (denied bool, by string) {
	listed := func(ids []string) bool {
		return slices.ContainsFunc(ids, func(of string) bool {
			return of == Everyone || slices.ContainsFunc(in, func(h holder) bool {
				return (len(h.first) == 0 || h.id == joined) && strings.EqualFold(h.id, of)
			})
		})
	}
	for _, d := range f.Denials {
		covers, _ := f.covers(d.Scope, place)
		here := covers && (!d.OnlyHere || arm.Same(d.Scope, place))
		if !here || !listed(d.Principals) || listed(d.Exclude) || !d.Permissions.MayAllow(action) {
			continue
		}
		if d.Condition == "" && d.Permissions.Allows(action) {
			return true, ""
		}
		denied, by = true, "the deny assignment "+d.Name+" may deny it"
	}
	return denied, by
}

// leavesOut returns the hops by which a principal joins a group that the denials of an action leave out; nil for none.
func (f *finder) leavesOut(id, place string, action roles.Action) []access.Hop {
	for _, h := range f.holders(id) {
		if len(h.first) == 0 {
			continue
		}
		in := append(f.holders(h.id), holder{id: h.id})
		if denied, by := f.deniedTo(append(in, f.holders(id)...), place, action, h.id); !denied || by != "" {
			return h.first
		}
	}
	return nil
}

// reads returns the hops before the last one by which a principal itself reads or writes a datum, and how, the last
// hop. as is the name of who reads: the principal, or one as which it acts. ok is false if it does not.
func (f *finder) reads(id string, d Datum, action string) (first []access.Hop, how, missing, as string, ok bool) {
	place := d.place()
	var denied bool
	var by string
	if len(f.Denials) > 0 {
		denied, by = f.denied(id, place, roles.Action{Name: action, Data: true})
	}
	var now string // whom the assignment that is looked at makes the reader
	better := func(hops []access.Hop, text, why string) {
		if w := weight(hops); !ok || (why == "") && (missing != "" || w < weight(first)) || why != "" && missing != "" &&
			w < weight(first) {
			first, how, missing, as, ok = hops, text, why, now, true
		}
	}
	var conditioned []string
	var under *held
	for _, h := range f.holds(id) {
		if h.Unread == "" && !h.allows[action] && !h.allows[modifyACLs] && !h.allows[manageACLs] && !h.allows[moveBlobs] {
			continue
		}
		covers, why := f.covers(h.Scope, place)
		now = cmp.Or(h.as, f.name(id))
		switch {
		case !covers:
		case h.Unread != "":
			better(h.first, h.label(f), h.Unread)
		case !denied && h.allows[action] && h.Condition == "", denied && by != "" && h.allows[action] && h.Condition == "":
			why = cmp.Or(why, h.Doubt, by)
			if !h.Permissions.Allows(roles.Action{Name: action, Data: true}) {
				why = cmp.Or(why, "whether "+h.Role+" allows "+action)
			}
			better(h.first, "reads by "+h.label(f), why)
		case !denied && h.allows[action] && h.Doubt != "":
			if answer, _ := lets([]string{h.Condition}, action, d); answer != condition.No {
				better(h.first, "reads by "+h.label(f), h.Doubt)
			}
		case !denied && h.allows[action] && len(h.first) == 0:
			conditioned, under = append(conditioned, h.Condition), h
		}
		if !covers || action != roles.ReadBlobs {
			continue
		}
		for _, change := range []string{modifyACLs, manageACLs} {
			f.byACL(id, h, d, change, better)
		}
		if h.allows[moveBlobs] && h.Condition != "" {
			hop := access.Hop{Kind: access.GrantHop, Identity: f.name(id), Needs: moveBlobs, Takes: []string{moveBlobs},
				GivenBy: "renaming it (" + h.label(f) + ")", Undecided: true,
				Missing: "no document says whether a condition sees the old or the new path of what is renamed"}
			better(append(slices.Clip(h.first), hop), "reads what was renamed", hop.Missing)
		}
	}
	if now = f.name(id); under != nil {
		switch answer, because := lets(conditioned, action, d); answer {
		case condition.Yes:
			better(nil, "reads by "+under.label(f), "")
		case condition.Undecided:
			better(nil, "reads by "+under.label(f), because)
		}
	}
	return first, how, missing, as, ok
}

// byACL adds the way by which somebody gives themselves an ACL: conditions do not limit what ACLs grant
// (facts/conditions.md, Meaning).
func (f *finder) byACL(id string, h *held, d Datum, change string, better func([]access.Hop, string, string)) {
	action := roles.Action{Name: change, Data: true}
	if !h.allows[change] || d.Kind == roles.Flat || h.Unread != "" || h.given {
		return
	}
	if denied, _ := f.denied(id, d.place(), action); denied {
		return
	}
	hop := access.Hop{Kind: access.GrantHop, Identity: f.name(id), Needs: change, Takes: []string{change},
		GivenBy: "changing its ACL (" + h.label(f) + ")"}
	if d.Kind == "" {
		hop.Missing = "it is not known whether the storage account has a hierarchical namespace"
	}
	if h.Condition != "" {
		if answer, because := lets([]string{h.Condition}, change, d); answer != condition.Yes {
			hop.Missing = cmp.Or(because, "under the condition "+h.Condition)
		}
	}
	hop.Missing = cmp.Or(hop.Missing, h.Doubt)
	hop.Undecided = hop.Missing != ""
	better(append(slices.Clip(h.first), hop), "an ACL of its own", hop.Missing)
}

func (d Datum) place() string {
	return strings.TrimSuffix(d.Account, "/") + "/blobServices/default/containers/" + d.Container
}

func short(action string) string {
	return strings.TrimPrefix(action, "Microsoft.MachineLearningServices/workspaces/")
}
