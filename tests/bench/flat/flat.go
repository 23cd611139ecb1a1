// Package flat deploys the workload as a person would without components: each resource is registered directly, with
// literal IDs and GUIDs that were made up beforehand. The components are compared with it, so it must not use them or
// the access model.
package flat

import (
	"strings"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/roles"
	ml "github.com/batchaccess/batchaccess/sdks/machinelearningservices"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// reader is the ID of Storage Blob Data Reader, as Azure answers it for an assignment in the subscription.
const reader = "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/" +
	"roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"

// The first GUIDs of the resources; those of the principals are smaller.
const (
	roleGUID = 100 + iota
	invokerGUID
	readerGUID // one more for each input
)

// Deploy registers the workload's resources and exports the IDs that a person would want to know.
func Deploy(ctx *pulumi.Context, w workload.Workload) error {
	role, err := makeRole(ctx)
	if err != nil {
		return err
	}
	principals := pulumi.StringMap{}
	for n, i := range w.Invokers {
		principals[i.Name] = pulumi.String(i.PrincipalID)
		if err := assign(ctx, "invoker-"+i.Name, &authorization.RoleAssignmentArgs{
			Scope:              pulumi.String(workload.WorkspaceID),
			RoleAssignmentName: pulumi.String(workload.GUID(invokerGUID, n)),
			RoleDefinitionId:   role.ID(),
			PrincipalId:        pulumi.String(i.PrincipalID),
			PrincipalType:      pulumi.String(i.PrincipalType),
			Description:        described(ctx, "Starts batch jobs: "+i.Name, i.Name),
		}); err != nil {
			return err
		}
	}
	clusters := pulumi.StringMap{}
	for _, name := range workload.Clusters {
		if clusters[name], err = makeCluster(ctx, name); err != nil {
			return err
		}
	}
	for n, input := range w.Inputs {
		if err := makeReaders(ctx, w, n, input, clusters); err != nil {
			return err
		}
	}
	ctx.Export("roleDefinitionId", role.ID())
	ctx.Export("principalIds", principals)
	ctx.Export("clusterPrincipalIds", clusters)
	return nil
}

func makeRole(ctx *pulumi.Context) (*authorization.RoleDefinition, error) {
	d := roles.Invoker()
	permissions := authorization.PermissionArray{}
	for _, p := range d.Permissions {
		permissions = append(permissions, authorization.PermissionArgs{
			Actions: pulumi.ToStringArray(p.Actions), NotActions: pulumi.ToStringArray(p.NotActions),
			DataActions: pulumi.ToStringArray(p.DataActions), NotDataActions: pulumi.ToStringArray(p.NotDataActions),
		})
	}
	group, _, _ := strings.Cut(workload.WorkspaceID, "/providers/")
	return authorization.NewRoleDefinition(ctx, "invoker", &authorization.RoleDefinitionArgs{
		Scope:            pulumi.String(group),
		RoleDefinitionId: pulumi.String(workload.GUID(roleGUID, 0)),
		RoleName:         pulumi.String(d.RoleName + " (" + workload.WorkspaceName + ")"),
		RoleType:         pulumi.String("CustomRole"),
		Description:      pulumi.String(d.Description),
		AssignableScopes: pulumi.StringArray{pulumi.String(group)},
		Permissions:      permissions,
	}, pulumi.DeleteBeforeReplace(false))
}

// described is the description that the components write with an assignment: its purpose, and the stack that made it.
func described(ctx *pulumi.Context, text, name string) pulumi.String {
	return pulumi.String(text + " [batchaccess:" + ctx.Project() + "/" + ctx.Stack() + "/access." + name + "]")
}

// makeCluster makes a cluster and returns the principal of its system-assigned identity.
func makeCluster(ctx *pulumi.Context, name string) (pulumi.StringOutput, error) {
	cluster, err := ml.NewCompute(ctx, name, &ml.ComputeArgs{
		ResourceGroupName: pulumi.String(workload.ResourceGroup),
		WorkspaceName:     pulumi.String(workload.WorkspaceName),
		ComputeName:       pulumi.String(name),
		Location:          pulumi.String(workload.Location),
		Identity:          ml.ManagedServiceIdentityArgs{Type: pulumi.String("SystemAssigned")},
		Properties: ml.AmlComputeArgs{
			ComputeType:      pulumi.String("AmlCompute"),
			DisableLocalAuth: pulumi.Bool(true),
			Properties: ml.AmlComputePropertiesArgs{
				VmSize:                      pulumi.String("Standard_DS3_v2"),
				RemoteLoginPortPublicAccess: pulumi.String("Disabled"),
				ScaleSettings:               ml.ScaleSettingsArgs{MinNodeCount: pulumi.Int(0), MaxNodeCount: pulumi.Int(4)},
			},
		},
	}, pulumi.DeleteBeforeReplace(true), pulumi.ReplaceOnChanges([]string{
		"location", "properties.computeLocation", "properties.description", "properties.disableLocalAuth",
		"properties.properties.vmSize", "properties.properties.vmPriority", "properties.properties.osType",
		"properties.properties.subnet", "properties.properties.enableNodePublicIp", "properties.properties.isolatedNetwork",
		"properties.properties.remoteLoginPortPublicAccess", "properties.properties.userAccountCredentials",
		"properties.properties.virtualMachineImage",
	}))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return cluster.Identity.PrincipalId().Elem(), nil
}

// makeReaders lets the clusters mount the n-th input and the invokers read it.
func makeReaders(ctx *pulumi.Context, w workload.Workload, n int, input workload.Input,
	clusters pulumi.StringMap) error {
	assigned := 0
	read := func(name, who string, principal pulumi.StringInput, principalType string) error {
		assigned++
		return assign(ctx, input.Name+"-"+name, &authorization.RoleAssignmentArgs{
			Scope:              pulumi.String(input.Scope()),
			RoleAssignmentName: pulumi.String(workload.GUID(readerGUID+n, assigned)),
			RoleDefinitionId:   pulumi.String(reader),
			PrincipalId:        principal,
			PrincipalType:      pulumi.String(principalType),
			Description: described(ctx, "Storage Blob Data Reader: "+who,
				input.Account.Name+"."+input.Container+".reader."+who),
		})
	}
	for _, name := range workload.Clusters {
		if err := read(name, "cluster."+name, clusters[name], "ServicePrincipal"); err != nil {
			return err
		}
	}
	for _, i := range w.Invokers {
		if err := read(i.Name, "invoker."+i.Name, pulumi.String(i.PrincipalID), i.PrincipalType); err != nil {
			return err
		}
	}
	return nil
}

// assign registers an assignment with the options that make it safe to change: Azure can't change an assignment, and
// refuses two equal ones.
func assign(ctx *pulumi.Context, name string, args *authorization.RoleAssignmentArgs) error {
	_, err := authorization.NewRoleAssignment(ctx, name, args,
		pulumi.DeleteBeforeReplace(false), pulumi.ReplaceOnChanges([]string{"roleDefinitionId"}))
	return err
}
