package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A Program is the access that a Pulumi program of any language declares.
type Program struct {
	Project, Stack string
	// SubscriptionID is the subscription in the provider's configuration; "" if none is set.
	SubscriptionID string
	// Parts are its BatchEndpointAccess components, by name.
	Parts []Part
	// Alone are the role assignments of components outside of any BatchEndpointAccess, by URN.
	Alone []Assignment
	// Refers are the ARM IDs in the inputs of its resources, sorted. They name existing resources: what the program
	// makes has no ID before it is made.
	Refers []string
}

// A Part is one BatchEndpointAccess of a program.
type Part struct {
	URN, Name string
	// Inputs are its arguments as the preview has them; an unknown value is config.Unknown.
	Inputs map[string]any
	// Declared is the model as the inputs describe it. That of the plan is without access that has ended.
	Declared access.Model
	Plan     *access.Plan
	// Problems are the warnings and the violated assertions.
	Problems access.Problems
}

// An Assignment is a role that a component outside of any BatchEndpointAccess assigns.
type Assignment struct {
	// Component is its type and name, such as "StorageReader lake"; Name is the assignment's name in it.
	Component string `json:"component"`
	Name      string `json:"name"`
	// PrincipalID is "" if it is known only after deployment.
	PrincipalID string `json:"principalId,omitempty"`
	// PrincipalType is Azure's User, Group or ServicePrincipal; "" if the program does not say.
	PrincipalType string `json:"principalType,omitempty"`
	// Role is the name of a built-in role, the program's name of a role that it makes, or else the role's ID.
	Role string `json:"role"`
	// Scope is an ARM ID; "" if it is known only after deployment.
	Scope string `json:"scope,omitempty"`
}

// token begins the type of every component.
const token = "batchaccess:index:"

// Program makes plans of everything in the preview. Anything that can't be read or is left out is an error: an
// incomplete plan would answer no where the answer is yes.
func (p Preview) Program() (Program, error) {
	made := Program{Project: p.Project, Stack: p.Stack, SubscriptionID: p.SubscriptionID}
	if err := p.Whole(); err != nil {
		return made, err
	}
	var wrong []error
	for _, s := range p.Steps {
		if s.New != nil {
			made.refer(s.New.Inputs)
		}
		if s.New == nil || slices.ContainsFunc(made.Parts, func(x Part) bool { return x.URN == s.URN }) {
			continue
		}
		switch parent := ancestor(s.URN); {
		case TypeOf(s.URN) == guardrails.AccessComponent:
			part, err := s.New.part()
			if err != nil {
				wrong = append(wrong, err)
			}
			made.Parts = append(made.Parts, part)
		case kind(s.URN) == guardrails.RoleAssignment && parent != "" && parent != guardrails.AccessComponent:
			made.Alone = append(made.Alone, s.New.assignment(parent))
		}
	}
	slices.Sort(made.Refers)
	made.Refers = slices.Compact(made.Refers)
	slices.SortFunc(made.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.URN, b.URN))
	})
	if len(wrong) > 0 {
		return made, errors.Join(wrong...)
	}
	if len(made.Parts)+len(made.Alone) == 0 {
		return made, fmt.Errorf("the program of project %s has no component of batchaccess that assigns a role, so there "+
			"is nothing to say of it; add a BatchEndpointAccess, or name the project that has one with -C", cmp.Or(p.Project,
			"(no resources)"))
	}
	return made, nil
}

func (p *Program) refer(value any) {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "/subscriptions/") {
			p.Refers = append(p.Refers, v)
		}
	case map[string]any:
		for _, item := range v {
			p.refer(item)
		}
	case []any:
		for _, item := range v {
			p.refer(item)
		}
	}
}

func kind(urn string) string { return guardrails.Resource{Type: TypeOf(urn)}.Kind() }

// ancestor returns the type of the outermost component of ours that the resource lies in; "" for none.
func ancestor(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	types := strings.Split(parts[2], "$")
	for _, t := range types[:len(types)-1] {
		if strings.HasPrefix(t, token) {
			return t
		}
	}
	return ""
}

// part reads a BatchEndpointAccess.
func (s *State) part() (Part, error) {
	part := Part{URN: s.URN, Name: NameOf(s.URN), Inputs: s.Known()}
	var err error
	part.Declared, part.Plan, part.Problems, err = Plan(part.Inputs)
	if err != nil {
		return part, fmt.Errorf("BatchEndpointAccess %s:\n%w", ShownName(s.URN), err)
	}
	return part, nil
}

// Plan makes the plan of a component's inputs, and returns the model as it is declared too. A violated assertion is
// among the problems and is no error.
func Plan(inputs map[string]any) (declared access.Model, _ *access.Plan, _ access.Problems, _ error) {
	model, plan, problems := config.Plan(inputs)
	err := problems.Without(problem.Violation).Err()
	if err == nil && plan == nil {
		err = errors.New("no plan can be made of it")
	}
	if err != nil {
		return declared, nil, problems, err
	}
	return model, plan, problems, nil
}

// Known returns the inputs in the form of package config: an unknown or secret value is config.Unknown.
func (s *State) Known() map[string]any {
	inputs, _ := unmarked(s.Inputs).(map[string]any)
	return inputs
}

func unmarked(value any) any {
	switch v := value.(type) {
	case guardrails.Marker:
		return config.Unknown
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[key] = unmarked(item)
		}
		return m
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = unmarked(item)
		}
		return all
	}
	return value
}

// assignment reads a role assignment of a component outside of any BatchEndpointAccess; of is the type of the outermost
// component.
func (s *State) assignment(of string) Assignment {
	text := func(key string) string { t, _ := s.Inputs[key].(string); return t }
	whole := NameOf(s.Parent)
	a := Assignment{
		Component: strings.TrimPrefix(of, token) + " " + Clip(whole), PrincipalID: text("principalId"), Scope: text("scope"),
		PrincipalType: text("principalType"),
		Name:          Clip(strings.TrimPrefix(NameOf(s.URN), whole+".")), Role: text("roleDefinitionId"),
	}
	guid := a.Role[strings.LastIndex(a.Role, "/")+1:]
	if d, known := roles.BuiltIn(guid); known {
		a.Role = d.RoleName
	} else if made := s.Dependencies["roleDefinitionId"]; len(made) == 1 {
		a.Role = "role " + ShownName(made[0])
	}
	return a
}

// One returns the BatchEndpointAccess with that name or URN; for "", the only one.
func (p Program) One(component string) (Part, error) {
	var found []Part
	for _, part := range p.Parts {
		if component == "" || part.Name == component || part.URN == component {
			found = append(found, part)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(p.Parts) == 0:
		return Part{}, fmt.Errorf("the program of stack %s has no BatchEndpointAccess, only components used alone; "+
			"batchaccess explain lists what they assign", p.Stack)
	case len(found) == 0:
		return Part{}, fmt.Errorf("--component: the program of stack %s has no BatchEndpointAccess %q; %s", p.Stack,
			component,
			problem.DidYouMean(component, p.Names()))
	}
	same := func(part Part) bool { return part.Name == found[0].Name }
	if !slices.ContainsFunc(found[1:], func(part Part) bool { return !same(part) }) { // the same under different parents
		urns := make([]string, len(found))
		for i, part := range found {
			urns[i] = part.URN
		}
		return Part{}, fmt.Errorf("the program of stack %s has %d BatchEndpointAccess of that name; give the URN of one "+
			"with --component: %s", p.Stack, len(found), strings.Join(urns, ", "))
	}
	return Part{}, fmt.Errorf("the program of stack %s has %d BatchEndpointAccess; name one with --component: %s", p.Stack,
		len(found), strings.Join(p.Names(), ", "))
}

// Names returns the names of the parts.
func (p Program) Names() (all []string) {
	for _, part := range p.Parts {
		all = append(all, part.Name)
	}
	return all
}

// Fill replaces values that a preview does not know yet by those in a state.
func Fill(inputs, known map[string]any) map[string]any {
	filled := maps.Clone(inputs)
	for key, value := range inputs {
		filled[key] = fill(value, known[key])
	}
	return filled
}

func fill(value, known any) any {
	switch v := value.(type) {
	case string:
		if _, given := known.(string); v == config.Unknown && given {
			return known
		}
	case map[string]any:
		if k, ok := known.(map[string]any); ok {
			return Fill(v, k)
		}
	}
	return value
}
