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

// SeedActions are the 35 actions that a batch endpoint asks of whoever invokes it, in the article's order.
func SeedActions() []string { return role.SeedActions() }

// BuiltInRole finds one of Azure's built-in roles by its name.
func BuiltInRole(name string) (RoleDefinition, bool) { return role.BuiltInNamed(name) }

// RoleAllows answers whether a built-in role, given by its name, allows an action by itself: yes, no, or undecided
// where no document settles it. data says that it is an action on data.
func RoleAllows(name, action string, data bool) (string, error) {
	d, ok := role.BuiltInNamed(name)
	if !ok {
		return "", fmt.Errorf("Azure has no built-in role %q", name)
	}
	return rbac.OfRole(d, action, data).String(), nil
}

// Allows answers what a principal, by its object ID, may do at a scope with all the roles that reach it there: yes, no,
// denied or undecided. data says that it is an action on data.
func (a *Azure) Allows(principalID, scope, action string, data bool) string {
	var answer role.Answer
	_ = a.store.View(func(st *state.State) error {
		answer = rbac.Of(st, principalID, scope).Request(condition.Request{Action: action}, data)
		return nil
	})
	return answer.String()
}

// AllowsList answers, as Allows does, whether a principal may list what begins with a prefix in a container, by its ARM
// ID; with the prefix "" all of it.
func (a *Azure) AllowsList(principalID, container, prefix string) string {
	var answer role.Answer
	_ = a.store.View(func(st *state.State) error {
		answer = inference.List(st, container, principalID, prefix)
		return nil
	})
	return answer.String()
}

// A ConditionRequest is a request as a condition asks about it. Attributes are by how conditions name them, such as
// @Resource[Microsoft.Storage/storageAccounts:name]; one without a value is absent, and one that is not there is not
// known. Suboperation is "" for none; nil where it is not known.
type ConditionRequest struct {
	Action       string
	Suboperation *string
	Attributes   map[string][]string
}

// ConditionAllows answers whether the condition of an assignment lets a request through: yes, no or undecided. The
// error is what Azure refuses in the condition, or what is not known of it; there may be an answer then too.
func ConditionAllows(text string, r ConditionRequest) (string, error) {
	of := condition.Request{Action: r.Action, Suboperation: r.Suboperation, Attributes: map[string]condition.Value{}}
	for name, values := range r.Attributes {
		source, name, _ := strings.Cut(strings.Trim(name, "@]"), "[")
		of.Attributes[condition.Key(strings.ToLower(source), name)] = condition.Value{Texts: values}
	}
	_, err := condition.Parse(text)
	return condition.Held(text).Allows(of).String(), err
}
