package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/lookup"
	"github.com/batchaccess/batchaccess/roles"
)

// checkShared asks Azure for the assignments that other stacks hold: one that does not exist, or that a different stack
// holds, is a problem before anything is made.
func (args *BatchEndpointAccessArgs) checkShared(
	ctx *pulumi.Context, plan *access.Plan, opts []pulumi.ResourceOption,
) (ps access.Problems, err error) {
	if plan == nil || len(args.SharedGrants) == 0 {
		return nil, nil
	}
	asker, err := lookup.New(ctx, plan.Model.WorkspaceID, opts...)
	if err != nil {
		return nil, err
	}
	for _, g := range plan.Grants {
		if g.HeldBy == "" {
			continue
		}
		path := "sharedGrants." + args.sharedName(g)
		scope, principal, role, known := args.assignmentOf(plan, g)
		if !known {
			if err := ctx.Log.Warn(path+": whether it is held is not known before the deployment; batchaccess verify asks "+
				"Azure after it", nil); err != nil {
				return nil, err
			}
			continue
		}
		found, err := asker.RoleAssignment(scope, arm.AssignmentGUID(scope, principal, role))
		switch {
		case err != nil && notThere.MatchString(err.Error()):
			ps.Add(path+".by", "deploy that stack first, or take this out, and this stack makes it",
				"stack %s does not hold %s for %s", g.HeldBy, g, g.Principal)
			continue
		case err != nil:
			ps.Add(path+".by", "give whoever previews Reader at "+scope, "whether stack %s holds it can't be looked up: %v",
				g.HeldBy, err)
			continue
		}
		if held := found.Condition; held != nil && *held != "" {
			if why := heldBack(g, *held); why != "" {
				ps.Add(path+".by", "have that stack grant all of it", "stack %s holds %s for %s under a condition, and %s",
					g.HeldBy, g, g.Principal, why)
			}
		}
		if found.Description != nil {
			if stack, _ := arm.AssignedBy(*found.Description); stack != "" && stack != g.HeldBy {
				ps.Add(path+".by", "write "+stack, "stack %s holds it, not %s", stack, g.HeldBy)
			}
		}
	}
	return ps, nil
}

// heldBack returns which part of a grant the condition of the existing assignment does not allow, or why that is not
// known; "" for nothing. Another stack limits its assignment to its own needs.
func heldBack(g access.Grant, held string) string {
	needs, ps := condition.Always, access.Problems(nil)
	if g.Condition != "" {
		needs, ps = condition.Parse(g.Condition)
	}
	has, wrong := condition.Parse(held)
	if ps = append(ps, wrong...); ps.Err() != nil {
		return "what that lets through is undecided: " + ps[0].What
	}
	var operations []condition.Operation
	for _, p := range roles.OfStorage(g.Role).Permissions {
		for _, action := range p.DataActions {
			operations = append(operations, condition.Operation{Action: action})
			for _, part := range append(needs.SubOperations(), has.SubOperations()...) {
				operations = append(operations, condition.Operation{Action: action, SubOperation: part})
			}
		}
	}
	switch answer, request, because := condition.Difference([]condition.Condition{needs}, []condition.Condition{has},
		operations); answer {
	case condition.Yes:
		return "that does not let through " + request.String()
	case condition.Undecided:
		return "what that lets through is undecided: " + because
	}
	return ""
}

// sharedName returns the name of a shared grant in the arguments.
func (args *BatchEndpointAccessArgs) sharedName(g access.Grant) string {
	for _, name := range sortedKeys(args.SharedGrants) {
		if args.SharedGrants[name].Is(g) {
			return name
		}
	}
	return "<name>"
}

// assignmentOf returns the IDs of a grant's scope, principal and role, if all are known.
func (args *BatchEndpointAccessArgs) assignmentOf(plan *access.Plan, g access.Grant) (scope, principal,
	role string, known bool) {
	m := plan.Model
	id := m.Invokers[g.Principal.Name].PrincipalID
	if g.Principal.IsCluster() {
		id = m.Clusters[g.Principal.Name].PrincipalID
	}
	if !id.Given() || id.Later() {
		return "", "", "", false
	}
	if of, is := roles.BuiltIn(g.Role); g.OfService() {
		at, err := m.ScopeID(g.Scope)
		return at, id.Text(), of.ID, is && err == nil
	}
	if g.Scope.InStorage() {
		account := m.StorageAccounts[g.Scope.StorageAccount]
		of, is := roles.BuiltIn(g.Role)
		return arm.Container(account.Text(), g.Scope.Container), id.Text(), of.ID, is && !account.Later()
	}
	at, is := m.RoleScopeID()
	if of, builtIn := roles.BuiltIn(m.Role.BuiltIn); builtIn {
		return at, id.Text(), of.ID, is
	}
	return at, id.Text(), m.Role.RoleDefinitionGUID(), is && !m.Role.RoleDefinitionID.Later()
}
