package verify

import (
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// let decides whether the conditions of assignments together allow everything that the condition asked allows.
func let(asked condition.Condition, held []Assignment, operations []condition.Operation) (condition.Answer, string) {
	var conditions []string
	for _, a := range held {
		conditions = append(conditions, a.Condition)
	}
	return ways.Let(asked, conditions, operations)
}

// underConditions decides whether the conditional assignments of a principal give it an action at a place. by are those
// assignments.
func (h *holdings) underConditions(
	p access.Principal, scope string, at access.Place, n roles.Action,
) (by []Assignment, answer condition.Answer, because string) {
	for _, a := range h.own[p] {
		if covers(a.Scope, scope) && a.Unread == "" && a.Condition != "" && a.Permissions.Allows(n) {
			by = append(by, a)
		}
	}
	if len(by) == 0 {
		return nil, condition.No, ""
	}
	if !n.Data { // no condition reaches the control plane of storage (facts/conditions.md, "Where a condition may stand")
		if strings.HasPrefix(n.Name, "Microsoft.Storage/") {
			return by[:1], condition.Yes, ""
		}
		return by, condition.Undecided, "under the condition " + by[0].Condition
	}
	id := h.m.StorageAccounts[at.Account].Text()
	name := id[strings.LastIndex(id, "/")+1:]
	kinds := []roles.AccountKind{at.Kind}
	if at.Kind == "" {
		kinds = []roles.AccountKind{roles.Flat, roles.Hierarchical}
	}
	for i, kind := range kinds {
		asked, operations := at.Asks(name, kind, n.Name)
		one, why := let(asked, by, operations)
		if i > 0 && one != answer {
			return by, condition.Undecided, "it is not known whether " + at.Account + " has a hierarchical namespace"
		}
		answer, because = one, why
	}
	if answer == condition.No && at.Within {
		return by, condition.Undecided, "under the condition " + by[0].Condition +
			", and it is not known here which path the job asks for"
	}
	return by, answer, because
}

// operationsOf returns the data operations that a role allows, as far as conditions distinguish them.
func operationsOf(ps roles.Permissions) (all []condition.Operation) {
	for _, p := range ps {
		for _, action := range p.DataActions {
			all = append(all, condition.Operation{Action: action})
			if action == roles.ReadBlobs {
				all = append(all, condition.Operation{Action: action, SubOperation: "Blob.List"})
			}
		}
	}
	return all
}

// letsAll reports whether a condition allows everything, of what a storage role allows, that another condition does; ""
// for none.
func letsAll(under, asked string, role roles.Permissions) bool {
	c, wrong := condition.Parse(asked)
	if asked == "" {
		c, wrong = condition.Always, nil
	}
	operations := operationsOf(role)
	if len(wrong) > 0 || len(operations) == 0 {
		return under == ""
	}
	answer, _ := let(c, []Assignment{{Condition: under}}, operations)
	return answer == condition.Yes
}
