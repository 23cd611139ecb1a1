package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

// conditionOf reads the condition of an assignment. If it can't be read, or is not of version 2.0, the only public one
// (facts/conditions.md), unread says why.
func conditionOf(a assignment) (c condition.Condition, unread string) {
	if a.condition == "" {
		return condition.Always, ""
	}
	if !slices.Contains([]string{"", "2.0"}, a.conditionVersion) {
		return c, "it can't be read here: it is of version " + a.conditionVersion + ", and 2.0 is known"
	}
	c, wrong := condition.Parse(a.condition)
	if len(wrong) > 0 {
		return c, "it can't be read here: " + wrong[0].What + "; " + wrong[0].Fix
	}
	return c, ""
}

// conditionDifference looks for a request that an assignment allows and another assignment of the same role does not.
func conditionDifference(one, other assignment) (answer condition.Answer, request condition.Request, because string) {
	mine, unread := conditionOf(one)
	others, alsoUnread := conditionOf(other)
	switch unread = cmp.Or(unread, alsoUnread); {
	case unread != "":
		return condition.Undecided, request, unread
	case !one.role.known:
		return condition.Undecided, request, "what its role allows is not known"
	}
	operations, ok := operationsOf(one.role.permissions, mine, others)
	if !ok {
		return condition.Undecided, request, "its role allows actions by a wildcard"
	}
	return condition.Difference([]condition.Condition{mine}, []condition.Condition{others}, operations)
}

// operationsOf returns the operations that the role allows and that the conditions may treat differently. ok is false
// if a wildcard covers actions that they may treat differently too.
func operationsOf(ps roles.Permissions, conditions ...condition.Condition) (all []condition.Operation, ok bool) {
	parts := []string{""}
	for _, c := range conditions {
		parts = append(parts, c.SubOperations()...)
	}
	slices.Sort(parts)
	for _, p := range ps {
		for _, action := range slices.Concat(p.DataActions, p.Actions) {
			if strings.Contains(action, "*") {
				return nil, false
			}
			for _, part := range slices.Compact(parts) {
				all = append(all, condition.Operation{Action: action, SubOperation: part})
			}
		}
	}
	return all, true
}

// conditionChange says what a changed condition does, and what can't be decided about it; both are "" if it allows the
// same as before.
func conditionChange(old, now assignment) (does, undecided string) {
	gains, request, because := conditionDifference(now, old)
	loses, _, _ := conditionDifference(old, now)
	switch {
	case gains == condition.Yes:
		return "its condition now allows: " + request.String(), ""
	case gains == condition.No && loses == condition.No:
		return "", ""
	case gains == condition.No:
		return "its condition holds back more than before", ""
	case old.condition == "":
		return "", "a condition is added: what it allows is undecided, because " + because
	case now.condition == "":
		return "", "its condition is removed: what that allows is undecided, because " + because
	default:
		return "", "its condition changes: what that allows is undecided, because " + because
	}
}
