package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A spot is the place in a question about an action.
type spot struct {
	scope access.Scope // zero for a place that is not in the model
	id    string       // "" where it is not known yet
}

// spotOf finds a place by its name in reports, or by its ARM ID. With any, it accepts places that the model does not
// refer to: Azure knows about them.
func spotOf(m access.Model, named string, any bool) (spot, error) {
	known := map[string]access.Scope{}
	add := func(s access.Scope) { known[s.String()] = s }
	for _, level := range []access.Level{access.AtWorkspace, access.AtResourceGroup, access.AtSubscription} {
		add(access.Scope{Level: level})
	}
	for name := range m.EffectiveEndpoints() {
		add(access.Scope{Level: access.AtEndpoint, Endpoint: name})
	}
	for name := range m.StorageAccounts {
		account := access.Scope{Level: access.AtAccount, StorageAccount: name}
		add(account)
		// The container need not be in the model.
		if container := named[strings.LastIndex(named, "/")+1:]; container != "" && container != named {
			add(access.Scope{Level: access.AtContainer, StorageAccount: name, Container: container})
		}
	}
	for name := range m.Registries {
		add(access.Scope{Level: access.AtRegistry, Registry: name})
	}
	if id := m.Services.ContainerRegistry; id != "" {
		add(access.Scope{Level: access.AtImages, Registry: arm.Last(id)})
	}
	for name, scope := range known {
		id, err := m.ScopeID(scope)
		if name == named || err == nil && strings.EqualFold(id, strings.TrimRight(named, "/")) {
			return spot{scope, id}, nil
		}
	}
	names := slices.Sorted(maps.Keys(known))
	switch {
	case any && strings.HasPrefix(named, "/subscriptions/"):
		return spot{id: strings.TrimRight(named, "/")}, nil
	case strings.HasPrefix(named, "/"):
		return spot{}, fmt.Errorf("at %s: the stack refers to nothing of this ID; name one of %s, or ask Azure with --live",
			named, strings.Join(names, ", "))
	}
	return spot{}, fmt.Errorf("at %s: no place of the stack is called so; %s", named, problem.DidYouMean(named, names))
}

// liveOutside answers by what Azure says is held outside of jobs.
func (q *question) liveOutside(p access.Principal) (answer, because string) {
	m := q.plan.Model
	if q.Verb == "do" {
		return q.does(p, roles.ActionsOf(q.What), q.at.id, q.What)
	}
	account, container, action := m.DataInputs[q.What].StorageAccount, m.DataInputs[q.What].Container, roles.ReadBlobs
	if q.Verb == "write" {
		account, container, action = m.DataOutputs[q.What].StorageAccount, m.DataOutputs[q.What].Container, roles.WriteBlobs
	}
	at, err := m.ScopeID(access.Scope{Level: access.AtContainer, StorageAccount: account, Container: container})
	if account == "" || err != nil {
		return Undecided, "no job of the stack's endpoints does, and where " + q.What + " lies is not known here"
	}
	answer, because = q.does(p, []roles.Action{{Name: action, Data: true}}, at, action)
	if answer == No && m.KindOf(account) != roles.Flat {
		return Undecided, because + "; but an ACL may, which Resource Manager does not know: storage account " + account +
			" may have a hierarchical namespace"
	}
	return answer, because
}

// does answers whether somebody holds an action, or any action of a risk.
func (q *question) does(p access.Principal, actions []roles.Action, at, what string) (answer, because string) {
	var all []access.Hop
	answers := map[string]int{}
	for _, action := range actions {
		hops, err := q.live.Does(p, action, at)
		if err != nil {
			q.err = err
			return Undecided, err.Error()
		}
		one := No
		for _, hop := range hops {
			if of := hopAnswer(hop); of == Yes || one == No {
				one = of
			}
		}
		answers[one]++
		all = append(all, hops...)
	}
	// An action that is in no list here may be of the control or the data plane, which a role separates.
	eitherPlane := len(actions) == 2 && actions[0].Name == actions[1].Name
	switch {
	case eitherPlane && answers[Yes] == 1:
		q.hops = append(q.hops, all...)
		return Undecided, p.String() + ": " + what + " is no action that is known here, and roles give actions of " +
			"resources and of data apart"
	case answers[Yes] > 0:
		answer = Yes
	case answers[Undecided] > 0:
		answer = Undecided
	default:
		answer = No
	}
	var found []access.Hop
	for _, hop := range all {
		action, place, _ := strings.Cut(hop.Needs, " at ")
		if answer == No && len(actions) > 1 {
			hop.Needs = what + " at " + place // one line for a place where no action is held
		}
		if hopAnswer(hop) == answer && !slices.ContainsFunc(found, func(h access.Hop) bool { return h.Needs == hop.Needs }) {
			found = append(found, hop)
			because = cmp.Or(because, p.String()+": "+map[string]string{
				Yes:       fmt.Sprintf("has %s at %s by %s", action, place, hop.GivenBy),
				Undecided: fmt.Sprintf("%s at %s: it takes %s", action, place, hop.Missing),
				No:        fmt.Sprintf("%s at %s: %s", cmp.Or(what, action), place, hop.Missing),
			}[answer])
		}
	}
	if more := len(found) - 1; more > 0 {
		because += fmt.Sprintf(" (and %d more, below)", more)
	}
	q.hops = append(q.hops, found...)
	return answer, cmp.Or(because, p.String()+": no place of the stack has anything that "+what+" acts on")
}

func hopAnswer(h access.Hop) string {
	switch {
	case h.Undecided:
		return Undecided
	case h.Missing != "":
		return No
	default:
		return Yes
	}
}

// plannedAt answers whether the plan's grants give somebody an action, or any of a risk, at the place.
func (q *question) plannedAt(p access.Principal) (answer, because string) {
	answer, because = No, p.String()+": no role that is granted there or above covers "+q.What
	holders := q.plan.Holders(p)
	for _, g := range q.plan.Grants {
		reaches, certainly := q.reaches(g.Scope)
		if !slices.Contains(holders, g.Principal) || !reaches {
			continue
		}
		permissions, known := q.plan.Permissions(g)
		for _, action := range roles.ActionsOf(q.What) {
			acts, clear := action.ActsAt(q.at.resource())
			switch certainly := certainly && known && clear && g.Condition == ""; {
			case clear && !acts, known && !permissions.MayAllow(action):
			case certainly && permissions.Allows(action):
				return Yes, p.String() + ": has " + action.Name + " at " + q.At + " by " + g.String()
			default:
				answer, because = Undecided, p.String()+": may have "+action.Name+" at "+q.At+" by "+g.String()
			}
		}
	}
	return answer, because
}

// reaches reports whether a grant at a scope holds at the place.
func (q *question) reaches(granted access.Scope) (reaches, certainly bool) {
	if granted.Contains(q.at.scope) {
		return true, true
	}
	if !granted.OfInvokers() || q.at.scope.OfInvokers() || granted.Level == access.AtWorkspace ||
		granted.Level == access.AtEndpoint {
		return false, true
	}
	id, err := q.plan.Model.ScopeID(granted)
	if err != nil || q.at.id == "" {
		return true, false
	}
	return roles.Contains(id, q.at.id), true
}

// resource returns the place's ARM ID or, if it is not known yet, an ID of the same type.
func (s spot) resource() string {
	switch of := map[access.Level]string{access.AtWorkspace: arm.Workspace, access.AtEndpoint: arm.Workspace,
		access.AtAccount: arm.StorageAccount, access.AtContainer: arm.StorageAccount, access.AtRegistry: arm.MLRegistry,
		access.AtImages: arm.ContainerRegistry}[s.scope.Level]; {
	case s.id != "" || of == "":
		return s.id
	default:
		return "/providers/" + of
	}
}
