// Twostacks is the program of two projects: platform makes the invokers' role and exports its ID; scoring, by another
// team, has a cluster and assigns that role, which it knows by a StackReference. A third, readers, has parts that
// refer to nothing but what exists. A fourth, handover, has two components that grant the same; a fifth, starters, two
// that assign the role of the first one; a sixth, later, one whose principal is made after it.
package main

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

const (
	group       = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev"
	workspaceID = group + "/providers/Microsoft.MachineLearningServices/workspaces/scoring-dev"
	lakeID      = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data-dev/providers/" +
		"Microsoft.Storage/storageAccounts/contosolakedev"
	ann   = "33333333-3333-4333-8333-333333333333"
	bob   = "44444444-4444-4444-8444-444444444444"
	team  = "22222222-2222-4222-8222-222222222222"
	ofCPU = "77777777-7777-4777-8777-777777777777"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		switch ctx.Project() {
		case "platform":
			return platform(ctx)
		case "scoring":
			return scoring(ctx)
		case "readers":
			return readers(ctx)
		case "handover":
			return handover(ctx)
		case "starters":
			return starters(ctx)
		case "later":
			return later(ctx)
		default:
			return fmt.Errorf("no part is called %s", ctx.Project())
		}
	})
}

func platform(ctx *pulumi.Context) error {
	// At the resource group, so that it is assignable everywhere in it.
	role, err := components.NewInvokerRole(ctx, "invoker",
		&components.InvokerRoleArgs{Scope: pulumi.String(group), Name: "Starts batch jobs"})
	if err != nil {
		return err
	}
	ctx.Export("roleDefinitionId", role.RoleDefinitionID)
	return nil
}

// scoring exports nothing. The name of its application's credential is configuration.
func scoring(ctx *pulumi.Context) error {
	credential := "main"
	if name, is := ctx.GetConfig("scoring:credential"); is {
		credential = name
	}
	if _, err := components.NewServicePrincipal(ctx, "scorer", &components.ServicePrincipalArgs{
		FederatedCredentials: map[string]signin.FederatedCredential{credential: {
			Issuer: "https://token.example.com", Subject: "scorer"}},
	}); err != nil {
		return err
	}
	other, err := pulumi.NewStackReference(ctx, "organization/platform/dev", nil)
	if err != nil {
		return err
	}
	if _, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
		WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{VMSize: pulumi.String("Standard_DS3_v2"),
			Location: pulumi.String("westeurope")},
	}); err != nil {
		return err
	}
	_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
		Scope:            pulumi.String(workspaceID),
		RoleDefinitionID: other.GetStringOutput(pulumi.String("roleDefinitionId")),
		Invokers:         withAnn(ctx, map[string]components.AssigneeArgs{}),
	})
	return err
}

// withAnn adds ann, under the name in the configuration, with the name that she had before: ann=bea, was=ann.
func withAnn(ctx *pulumi.Context, to map[string]components.AssigneeArgs) map[string]components.AssigneeArgs {
	name, was := "ann", ""
	if given, is := ctx.GetConfig(ctx.Project() + ":ann"); is {
		name = given
	}
	if given, is := ctx.GetConfig(ctx.Project() + ":was"); is {
		was = given
	}
	to[name] = components.AssigneeArgs{PrincipalID: pulumi.String(ann), PrincipalType: "User", Was: was}
	return to
}

func readers(ctx *pulumi.Context) error {
	cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
		WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{VMSize: pulumi.String("Standard_DS3_v2"),
			Location: pulumi.String("westeurope")},
	})
	if err != nil {
		return err
	}
	_, err = components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: pulumi.String(lakeID), Container: "scores",
		Principals: withAnn(ctx, map[string]components.AssigneeArgs{
			"cluster": {PrincipalID: cluster.PrincipalID, PrincipalType: "ServicePrincipal"},
			"team":    {PrincipalID: pulumi.String(team), PrincipalType: "Group"},
		}),
	})
	return err
}

// handover has components first and second, in this order. The configuration says which of ann and bob each has:
// handover:first=ann,bob; without it there is no such component. With handover:quiet the stack has no outputs.
func handover(ctx *pulumi.Context) error {
	for _, name := range []string{"first", "second"} {
		who, is := ctx.GetConfig("handover:" + name)
		if !is {
			continue
		}
		invokers := map[string]components.InvokerArgs{}
		for _, one := range strings.Split(who, ",") {
			invokers[one] = components.InvokerArgs{Kind: access.User,
				ObjectID: pulumi.String(map[string]string{"ann": ann, "bob": bob}[one])}
		}
		if _, err := components.NewBatchEndpointAccess(ctx, name, &components.BatchEndpointAccessArgs{
			WorkspaceID: pulumi.String(workspaceID), Invokers: invokers,
			Clusters:        map[string]components.ClusterArgs{"cpu": {Existing: true, PrincipalID: pulumi.String(ofCPU)}},
			StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID).ToStringOutput()}, // as a resource's
			DataInputs: map[string]access.DataInput{
				"patients": {Kind: access.Blob, StorageAccount: "lake", Container: "patients"}},
		}); err != nil {
			return err
		}
	}
	if _, quiet := ctx.GetConfig("handover:quiet"); !quiet {
		ctx.Export("first", pulumi.String("there"))
	}
	return nil
}

// starters has two InvokerRoles, of which the second assigns the role that the first makes. Who has it of each, and
// what they are called there, is configuration: starters:first=x:ann,y:bob.
func starters(ctx *pulumi.Context) error {
	var role pulumi.StringInput
	for _, name := range []string{"first", "second"} {
		invokers := map[string]components.AssigneeArgs{}
		who, _ := ctx.GetConfig("starters:" + name)
		for _, one := range strings.FieldsFunc(who, func(r rune) bool { return r == ',' }) {
			called, id, _ := strings.Cut(one, ":")
			invokers[called] = components.AssigneeArgs{PrincipalType: "User",
				PrincipalID: pulumi.String(map[string]string{"ann": ann, "bob": bob}[id])}
		}
		made, err := components.NewInvokerRole(ctx, name, &components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
			RoleDefinitionID: role, Invokers: invokers})
		if err != nil {
			return err
		}
		role = made.RoleDefinitionID
	}
	ctx.Export("role", role)
	return nil
}

// later has a reader of an identity that the program makes only after it. What the identity is called there is
// configuration.
func later(ctx *pulumi.Context) error {
	called, _ := ctx.GetConfig("later:called")
	id, resolve, reject := ctx.NewOutput()
	if _, err := components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: pulumi.String(lakeID), Container: "scores",
		Principals: map[string]components.AssigneeArgs{called: {PrincipalType: "ServicePrincipal",
			PrincipalID: id.ApplyT(func(v any) string { return v.(string) }).(pulumi.StringOutput)}},
	}); err != nil {
		return err
	}
	identity, err := components.NewManagedIdentity(ctx, "robot", &components.ManagedIdentityArgs{
		ResourceGroupName: pulumi.String("scoring-dev"), Location: pulumi.String("westeurope")})
	if err != nil {
		reject(err)
		return err
	}
	resolve(identity.PrincipalID)
	ctx.Export("there", pulumi.String("yes"))
	return nil
}
