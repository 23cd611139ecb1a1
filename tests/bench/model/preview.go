package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// A Resource is a role assignment in the form that previews and policy packs have.
type Resource struct {
	Type   string         `json:"type"`
	URN    string         `json:"urn"`
	Inputs map[string]any `json:"inputs"`
}

const (
	stack          = "urn:pulumi:dev::bench::"
	component      = "batchaccess:index:BatchEndpointAccess"
	roleAssignment = "azure-native:authorization:RoleAssignment"
)

// Assignments are the role assignments that the component makes from the grants of a valid model, under its names for
// them.
func Assignments(m access.Model) []Resource {
	plan, problems := access.Compile(m)
	if plan == nil {
		panic(problems.Err()) // the models of this package are valid
	}
	var all []Resource
	for _, g := range plan.Grants {
		scope, err := m.ScopeID(g.Scope)
		if err != nil {
			panic(err) // their workspace and accounts are known
		}
		parent, end, role := "InvokerRole", g.Principal.Name, roles.DefinitionID(ownRole)
		if g.Scope.StorageAccount != "" {
			reader, _ := roles.BuiltIn(g.Role)
			parent, role = "StorageReader", roles.DefinitionID(reader.ID)
			end = strings.Join([]string{g.Scope.StorageAccount, g.Scope.Container, "reader", g.Principal.Kind, g.Principal.Name},
				".")
		}
		principal := m.Invokers[g.Principal.Name].PrincipalID.Text()
		if g.Principal.IsCluster() {
			principal = workload.GUID(2, slices.Index(workload.Clusters, g.Principal.Name))
		}
		all = append(all, Resource{
			Type: roleAssignment, URN: stack + component + "$batchaccess:index:" + parent + "$" + roleAssignment + "::access." +
				end,
			Inputs: map[string]any{"scope": scope, "roleDefinitionId": role, "principalId": principal,
				"principalType": "ServicePrincipal"},
		})
	}
	return all
}

// ownRole is the GUID of the stack's own role.
const ownRole = "55555555-5555-4555-8555-555555555555"

// Preview is the output of `pulumi preview --json` for the first deployment of a model: the component and its
// assignments.
func Preview(m access.Model) ([]byte, error) {
	type object = map[string]any
	step := func(urn, kind string, inputs object) object {
		return object{"op": "create", "urn": urn, "newState": object{"type": kind, "urn": urn, "inputs": inputs}}
	}
	invokers, clusters, stored, endpoints := object{}, object{}, object{}, object{}
	for name, i := range m.Invokers {
		id := "objectId"
		if i.Kind == access.ManagedIdentity {
			id = "principalId"
		}
		invokers[name] = object{"kind": i.Kind, id: i.PrincipalID}
	}
	for name := range m.Clusters {
		clusters[name] = object{}
	}
	for name, d := range m.DataInputs {
		stored[name] = object{"kind": d.Kind, "storageAccount": d.StorageAccount, "container": d.Container}
	}
	for name, e := range m.Endpoints {
		endpoints[name] = object{"cluster": e.Cluster, "inputs": e.Inputs, "invokers": e.Invokers}
	}
	steps := []object{step(stack+component+"::access", component, object{
		"workspaceId": m.WorkspaceID, "invokers": invokers, "clusters": clusters, "storageAccounts": m.StorageAccounts,
		"dataInputs": stored, "endpoints": endpoints,
	})}
	role := roles.Invoker()
	const definition = "azure-native:authorization:RoleDefinition"
	steps = append(steps, step(stack+component+"$batchaccess:index:InvokerRole$"+definition+"::access", definition, object{
		"roleDefinitionId": ownRole, "roleName": role.RoleName, "scope": m.WorkspaceID,
		"assignableScopes": []any{m.WorkspaceID},
		"permissions":      []object{{"actions": role.Permissions[0].Actions}},
	}))
	for _, a := range Assignments(m) {
		steps = append(steps, step(a.URN, a.Type, a.Inputs))
	}
	text, err := json.Marshal(object{"steps": steps, "changeSummary": object{"create": len(steps)}})
	if err != nil {
		return nil, fmt.Errorf("writing a preview: %w", err)
	}
	return text, nil
}
