package azure

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// SeedActions are the 35 actions that the article wants granted to whoever invokes a batch endpoint, in its order.
func SeedActions() []string { return role.SeedActions() }

// BuiltInRole finds one of Azure's built-in roles by its name.
func BuiltInRole(name string) (RoleDefinition, bool) { return role.BuiltInNamed(name) }

// RoleAllows decides whether a built-in role, given by its name, allows an action by itself: yes, no, or undecided if
// no document settles it. data: it is an action on data.
func RoleAllows(name, action string, data bool) (string, error) {
	d, ok := role.BuiltInNamed(name)
	if !ok {
		return "", fmt.Errorf("Azure has no built-in role %q", name)
	}
	return rbac.OfRole(d, action, data).String(), nil
}

// Allows decides what a principal, given by its object ID, may do at a scope with all its roles: yes, no, denied or
// undecided. data: it is an action on data.
func (a *Azure) Allows(principalID, scope, action string, data bool) string {
	var answer role.Answer
	_ = a.store.View(func(st *state.State) error {
		answer = rbac.Of(st, principalID, scope).Request(condition.Request{Action: action}, data)
		return nil
	})
	return answer.String()
}

// AllowsList decides, as Allows does, whether a principal may list the blobs with a prefix in a container, given by its
// ARM ID; the prefix "" means all of it.
func (a *Azure) AllowsList(principalID, container, prefix string) string {
	var answer role.Answer
	_ = a.store.View(func(st *state.State) error {
		answer = inference.List(st, container, principalID, prefix)
		return nil
	})
	return answer.String()
}

// A ConditionRequest is a request as conditions see it. Attributes are keyed by the names that conditions use, such as
// @Resource[Microsoft.Storage/storageAccounts:name]; one without a value is absent, and one that is missing here is
// unknown. Suboperation is "" for none, nil if not known.
type ConditionRequest struct {
	Action       string
	Suboperation *string
	Attributes   map[string][]string
}

// ConditionAllows decides whether the condition of an assignment allows a request: yes, no or undecided. The error says
// what Azure refuses in the condition, or what is not known about it. There may be an answer as well.
func ConditionAllows(text string, r ConditionRequest) (string, error) {
	of := condition.Request{Action: r.Action, Suboperation: r.Suboperation, Attributes: map[string]condition.Value{}}
	for name, values := range r.Attributes {
		source, name, _ := strings.Cut(strings.Trim(name, "@]"), "[")
		of.Attributes[condition.Key(strings.ToLower(source), name)] = condition.Value{Texts: values}
	}
	_, err := condition.Parse(text)
	return condition.Held(text).Allows(of).String(), err
}
