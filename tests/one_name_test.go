package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// Outputs may turn out to be one ID. Azure allows one assignment of a role to a principal at a scope, and would refuse
// the second in the middle of a deployment.
func TestTwoOutputsThatAreOnePrincipalAreAssignedOnce(t *testing.T) {
	t.Parallel()
	output := func(id string) pulumi.StringOutput { return pulumi.String(id).ToStringOutput() }
	ofAll := func(clusters map[string]components.ClusterArgs, invokers map[string]components.InvokerArgs) program {
		args := environment()
		args.Invokers, args.Clusters, args.Assertions = invokers, clusters, nil
		args.Endpoints = map[string]access.Endpoint{}
		for name := range clusters {
			args.Endpoints["on-"+name] = access.Endpoint{Cluster: name, Inputs: []string{"patients"}}
		}
		return batchEndpointAccess(args)
	}
	user := func(id pulumi.StringInput) components.InvokerArgs {
		return components.InvokerArgs{Kind: access.User, ObjectID: id}
	}
	reads := func(principals func(ctx *pulumi.Context) map[string]components.AssigneeArgs) program {
		return func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageReader(ctx, "lake", &components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID), Container: "patients", AccountKind: "flat", Principals: principals(ctx)})
			return nil, err
		}
	}
	is := func(id pulumi.StringInput, paths ...string) components.AssigneeArgs {
		return components.AssigneeArgs{PrincipalID: id, PrincipalType: "User", Paths: paths}
	}
	both := func(a, b components.AssigneeArgs) program {
		return reads(func(*pulumi.Context) map[string]components.AssigneeArgs {
			return map[string]components.AssigneeArgs{"a": a, "b": b}
		})
	}
	cpu := map[string]components.ClusterArgs{"cpu": {}}
	for name, c := range map[string]struct {
		program program
		want    int // assignments, when all IDs are known
		says    string
	}{
		"two invokers": {ofAll(cpu, map[string]components.InvokerArgs{"a": user(output(alice)),
			"b": user(output(strings.ToUpper(alice)))}), 3, ""},
		"an output and text": {ofAll(cpu, map[string]components.InvokerArgs{"a": user(pulumi.String(alice)),
			"b": user(output(alice))}), 3, ""},
		"two clusters": {ofAll(map[string]components.ClusterArgs{
			"cpu": {Existing: true, PrincipalID: output(existingMI)}, "gpu": {Existing: true, PrincipalID: output(existingMI)},
		}, map[string]components.InvokerArgs{"a": user(pulumi.String(alice))}), 3, ""},
		"two others": {ofAll(cpu, map[string]components.InvokerArgs{"a": user(output(alice)), "b": user(output(staff))}), 5,
			""},
		"readers of one component":    {both(is(output(alice)), is(output(alice))), 1, ""},
		"text twice":                  {both(is(pulumi.String(alice)), is(pulumi.String(strings.ToUpper(alice)))), 1, ""},
		"limited to other paths each": {both(is(output(alice), "a/"), is(output(alice), "b/")), 0, "limited to other paths"},
		"an identity, and a cluster that has it": {reads(func(ctx *pulumi.Context) map[string]components.AssigneeArgs {
			identity, err := components.NewManagedIdentity(ctx, "mounter", &components.ManagedIdentityArgs{
				ResourceGroupName: pulumi.String("ml"), Location: pulumi.String("westeurope")})
			require.NoError(t, err)
			cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
				WorkspaceID: pulumi.String(workspaceID), Location: pulumi.String("westeurope"), Cluster: components.ClusterArgs{
					Identity: access.UserAssigned, UserAssignedIdentityID: identity.ResourceID}})
			require.NoError(t, err)
			return map[string]components.AssigneeArgs{"a": identity.Assignee(), "b": cluster.Assignee()}
		}), 1, ""},
	} {
		r := newRecorder(t)
		if err := r.try(c.program); c.says != "" {
			assert.ErrorContains(t, err, c.says, name)
			continue
		} else if assert.NoError(t, err, name) {
			assert.Len(t, r.ofType(roleAssignment), c.want, name)
		}
		names := map[any]bool{}
		for _, one := range r.ofType(roleAssignment) {
			assert.False(t, names[one.at("roleAssignmentName")], "%s: %s is there twice", name, one.Name)
			names[one.at("roleAssignmentName")] = true
		}
		preview := newRecorder(t)
		preview.preview = true
		assert.NoError(t, preview.try(c.program), name)
		for _, line := range preview.logs {
			assert.NotContains(t, line, "may be one assignment", name)
		}
	}
}

// Two components of one program that would make one thing in Azure.
func TestTwoComponentsOfAProgramMakeNothingTwice(t *testing.T) {
	t.Parallel()
	role := func(name, scope string) func(*pulumi.Context, string) error {
		return func(ctx *pulumi.Context, component string) error {
			_, err := components.NewInvokerRole(ctx, component, &components.InvokerRoleArgs{
				Scope: pulumi.String(scope), Name: name})
			return err
		}
	}
	cluster := func(name, workspace string) func(*pulumi.Context, string) error {
		return func(ctx *pulumi.Context, component string) error {
			_, err := components.NewComputeCluster(ctx, component, &components.ComputeClusterArgs{
				WorkspaceID: pulumi.String(workspace), Location: pulumi.String("westeurope"),
				Cluster: components.ClusterArgs{ComputeName: name}})
			return err
		}
	}
	other := strings.Replace(workspaceID, "/workspaces/", "/workspaces/other-", 1)
	elsewhere := strings.Replace(workspaceID, subscription, tenant, 1)
	for name, c := range map[string]struct {
		make [2]func(*pulumi.Context, string) error
		says string
	}{
		"roles of one name": {[2]func(*pulumi.Context, string) error{role("Scorer", workspaceID), role("scorer", other)},
			`defining role "second": first makes a role with the name "scorer" too`},
		"roles of two names": {[2]func(*pulumi.Context, string) error{role("Scorer", workspaceID),
			role("Scorers", workspaceID)}, ""},
		"roles without names": {[2]func(*pulumi.Context, string) error{role("", workspaceID), role("", workspaceID)}, ""},
		"roles of one name in two subscriptions": {[2]func(*pulumi.Context, string) error{role("Scorer", workspaceID),
			role("Scorer", elsewhere)}, ""},
		"clusters of one name": {[2]func(*pulumi.Context, string) error{cluster("cpu", workspaceID),
			cluster("CPU", strings.ToLower(workspaceID))},
			`making compute cluster "second": first makes the compute cluster CPU of the same workspace too`},
		"clusters of two workspaces": {[2]func(*pulumi.Context, string) error{cluster("cpu", workspaceID),
			cluster("cpu", other)}, ""},
	} {
		r := newRecorder(t)
		err := r.try(func(ctx *pulumi.Context) (pulumi.Map, error) {
			if err := c.make[0](ctx, "first"); err != nil {
				return nil, err
			}
			return nil, c.make[1](ctx, "second")
		})
		if c.says == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.says, name)
		}
	}
}

// The names that identities get by default may be the name of another one. All are made beside the workspace.
func TestIdentitiesThatAreMadeHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	robot := func(displayName string) components.InvokerArgs {
		return components.InvokerArgs{Kind: access.ManagedIdentity, DisplayName: displayName}
	}
	for name, c := range map[string]struct {
		invokers map[string]components.InvokerArgs
		says     string
	}{
		"the default of another": {map[string]components.InvokerArgs{"a": robot("Access-test-b"), "b": robot("")},
			"invokers.b.displayName: would be made under the same name as the identity of invokers.a: access-test-b"},
		"that of a cluster": {map[string]components.InvokerArgs{"a": robot("Scoring-gpu-scoring-identity")},
			"invokers.a.displayName: would be made under the same name as the identity of clusters.gpu"},
		"names of their own": {map[string]components.InvokerArgs{"a": robot("access-test"), "b": robot("")}, ""},
		"another kind's": {map[string]components.InvokerArgs{"a": robot("access-test-b"),
			"b": {Kind: access.ServicePrincipal, SignIn: "none"}}, ""},
	} {
		args := environment()
		args.Invokers, args.Assertions, args.Endpoints = c.invokers, nil, nil
		if c.says == "" {
			assert.NoError(t, newRecorder(t).try(batchEndpointAccess(args)), name)
		} else {
			assert.Contains(t, refused(t, batchEndpointAccess(args)), c.says, name)
		}
	}
}

// A program may have components of one name below different parents, as each of its own components has its own.
func TestComponentsHaveOneNameBelowTwoParents(t *testing.T) {
	t.Parallel()
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		for _, called := range []string{"A", "B"} {
			parent := &pulumi.ResourceState{}
			if err := ctx.RegisterComponentResource("batchaccess:index:"+called, "mine", parent); err != nil {
				return nil, err
			}
			_, err := components.NewInvokerRole(ctx, "role", &components.InvokerRoleArgs{
				Scope: pulumi.String(strings.Replace(workspaceID, "/workspaces/", "/workspaces/"+called, 1)),
				Invokers: map[string]components.AssigneeArgs{
					"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}}}, pulumi.Parent(parent))
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	assert.Len(t, r.ofType(roleAssignment), 2)
}

func TestOneAssignmentInTwoLetterCasesIsMadeOnce(t *testing.T) {
	t.Parallel()
	const role = "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" +
		"abcdef00-0000-4000-8000-00000000abcd"
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		for name, spelt := range map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper} {
			_, err := components.NewInvokerRole(ctx, name, &components.InvokerRoleArgs{
				Scope: pulumi.String(spelt(workspaceID)), RoleDefinitionID: pulumi.String(spelt(role)),
				Invokers: map[string]components.AssigneeArgs{"alice": {PrincipalID: pulumi.String(spelt(alice)),
					PrincipalType: "User"}}})
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	assert.Len(t, r.ofType(roleAssignment), 1)
}
