package accesstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

// An Assignment is a role assignment that the program registers, by a component or directly.
type Assignment struct {
	// Name of the resource, and its parent component as Resources lists it: "InvokerRole invoker"; "" for none.
	Name, Component string
	// PrincipalID is an object ID; PrincipalType is User, Group or ServicePrincipal.
	PrincipalID, PrincipalType string
	// Scope and RoleDefinitionID are ARM IDs.
	Scope, RoleDefinitionID string
	// Role is the assigned role: one that the program makes, a built-in role that is known here, or one whose
	// definition an InvokerRole is given. For any other role Known is false.
	Role  roles.Definition
	Known bool
	// Condition under which the role holds; "" if there is none.
	Condition string
}

// String returns the role and the scope.
func (a Assignment) String() string {
	role := a.Role.RoleName
	if !a.Known {
		role = "role " + a.RoleDefinitionID + ", of which it is not known what it allows,"
	}
	if a.Condition != "" {
		role += ", under a condition,"
	}
	return role + " on " + a.Scope
}

// Assignments returns the role assignments of the program, sorted by name.
func (s *Stack) Assignments() []Assignment { return slices.Clone(s.assignments) }

// RequireCan fails the test unless the principal has the action at the scope, by a role that is assigned to it there or
// above, without a condition.
//
// The principal is an object ID, or the name of what makes or looks up the principal, with its type if the name is not
// unique: "pipeline", "ServicePrincipal pipeline". The action is the full name of an action of Azure, of the control or
// the data plane, or a kind of risk (grantsAccess, readsSecrets, changesCode, destroysData) for any action of it. What
// a group has counts for the members that the program puts in it; other members are not known here.
func (s *Stack) RequireCan(t testing.TB, principal, action, scope string) {
	t.Helper()
	var held []string
	for _, a := range s.of(t, principal, action, scope) {
		for _, does := range roles.ActionsOf(action) {
			if a.Known && a.Condition == "" && roles.Contains(a.Scope, scope) && acts(a, does) &&
				a.Role.Permissions.Allows(does) {
				return
			}
		}
		held = append(held, a.String())
	}
	if held == nil {
		t.Fatalf("%s is assigned no role; give it to the component that is to assign one", principal)
	}
	t.Fatalf("%s can't do %s on %s; it has: %s", principal, action, scope, strings.Join(held, "; "))
}

// RequireCannot fails the test if the principal may have the action at the scope, or anywhere below it: also by a role
// whose actions are not known, and under any condition. Principal and action are as for RequireCan.
func (s *Stack) RequireCannot(t testing.TB, principal, action, scope string) {
	t.Helper()
	for _, a := range s.of(t, principal, action, scope) {
		near := roles.Contains(a.Scope, scope) || roles.Contains(scope, a.Scope)
		for _, does := range roles.ActionsOf(action) {
			if near && acts(a, does) && (!a.Known || a.Role.Permissions.MayAllow(does)) {
				t.Fatalf("%s may do %s on %s: it has %s, by %s", principal, does.Name, scope, a,
					strings.TrimSpace(a.Name+" of "+a.Component))
			}
		}
	}
}

// acts reports whether an action can have an effect where the role is assigned.
func acts(a Assignment, does roles.Action) bool {
	_, err := arm.Parse(a.Scope, arm.Workspace)
	return err != nil || roles.ActsAtWorkspace(does.Name)
}

// of returns the assignments of a principal. A wrong question fails the test: its answer would always be no.
func (s *Stack) of(t testing.TB, principal, action, scope string) (own []Assignment) {
	t.Helper()
	if !strings.HasPrefix(scope, "/") {
		t.Fatalf("%q is no scope; write the ARM ID of a resource, a resource group or a subscription", scope)
	}
	risk := slices.ContainsFunc(roles.Risks(), func(r roles.Risk) bool { return string(r) == action })
	if !risk && !strings.Contains(action, "/") || strings.Contains(action, "*") {
		t.Fatalf("%q is neither an action in full nor a kind of risk; use such as %s, or %v", action, roles.ReadBlobs,
			roles.Risks())
	}
	id := s.principalID(t, principal)
	for _, a := range s.assignments {
		is := func(principal string) bool { return strings.EqualFold(principal, a.PrincipalID) }
		if is(id) || slices.ContainsFunc(s.groups[strings.ToLower(id)], is) {
			own = append(own, a)
		}
	}
	return own
}

func (s *Stack) principalID(t testing.TB, principal string) string {
	t.Helper()
	if arm.IsGUID(principal) {
		return principal
	}
	found, known := map[string]string{}, []string{}
	for id, labels := range s.principals {
		for _, label := range labels {
			known = append(known, label)
			if label == principal || strings.HasSuffix(label, " "+principal) {
				found[id] = label
			}
		}
	}
	slices.Sort(known)
	if len(found) != 1 {
		t.Fatalf("%q is the name of %d principals; write an object ID, or one of: %s", principal, len(found),
			strings.Join(known, ", "))
	}
	for id := range found {
		return id
	}
	return ""
}

// A registration is a resource by which assignments are judged.
type registration struct {
	kind, name, parent string
	inputs             map[string]any
}

const groupMember = "azuread:index/groupMember:GroupMember"

// note records role assignments, role definitions, components with a role's definition, and memberships.
func (m *mocks) note(args pulumi.MockResourceArgs) {
	kind := guardrails.Resource{Type: args.TypeToken}.Kind()
	if !slices.Contains([]string{guardrails.RoleAssignment, guardrails.RoleDefinition, components.InvokerRoleToken,
		groupMember}, kind) {
		return
	}
	inputs, _ := plain(resource.NewProperty(args.Inputs)).(map[string]any)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.registered = append(m.registered, registration{kind, args.Name, args.RegisterRPC.GetParent(), inputs})
}

// assignments reads the assignments after everything is registered.
func (m *mocks) assignments() (all []Assignment) {
	known := map[string]roles.Definition{} // by GUID
	for _, r := range m.registered {
		id, given := r.text("roleDefinitionId"), r.text("definition")
		switch r.kind {
		case guardrails.RoleDefinition:
			if ps, ok := guardrails.PermissionsOf(r.inputs); ok {
				known[last(id)] = roles.Definition{ID: last(id), RoleName: r.text("roleName"), Permissions: ps}
			}
		case components.InvokerRoleToken:
			if d, wrong := roles.Parse([]byte(given)); wrong == nil && id != "" {
				known[last(id)] = d
			}
		}
	}
	for _, r := range m.registered {
		if r.kind != guardrails.RoleAssignment {
			continue
		}
		a := Assignment{
			Name: r.name, Component: called(r.parent), PrincipalID: r.text("principalId"), PrincipalType: r.text(
				"principalType"),
			Scope: r.text("scope"), RoleDefinitionID: r.text("roleDefinitionId"), Condition: r.text("condition"),
		}
		if a.Role, a.Known = known[last(a.RoleDefinitionID)]; !a.Known {
			a.Role, a.Known = roles.BuiltIn(last(a.RoleDefinitionID))
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Assignment) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// memberships reads, after everything is registered, the groups in which the program puts each principal, also nested
// ones.
func (m *mocks) memberships() map[string][]string {
	direct, all := map[string][]string{}, map[string][]string{}
	for _, r := range m.registered {
		if r.kind == groupMember {
			member := strings.ToLower(r.text("memberObjectId"))
			direct[member] = append(direct[member], strings.ToLower(r.text("groupObjectId")))
		}
	}
	for member := range direct {
		for next := slices.Clone(direct[member]); len(next) > 0; next = next[1:] {
			if !slices.Contains(all[member], next[0]) {
				all[member] = append(all[member], next[0])
				next = append(next, direct[next[0]]...)
			}
		}
	}
	return all
}

func (r registration) text(key string) string {
	s, _ := r.inputs[key].(string)
	return s
}

func last(id string) string { return strings.ToLower(id[strings.LastIndex(id, "/")+1:]) }

// called returns the name in Resources of the resource with a URN; "" for the stack itself, or for none.
func called(urn string) string {
	u := resource.URN(urn)
	if urn == "" || u.QualifiedType() == resource.RootStackType {
		return ""
	}
	typ := string(u.Type())
	return fmt.Sprintf("%s %s", typ[strings.LastIndex(typ, ":")+1:], u.Name())
}
