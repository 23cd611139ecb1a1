// A small program for the tests of package engine, with each type of resource that the stand-ins serve. The tests
// change it through its config: description (an update), member (a replacement).
package main

import (
	"fmt"

	"github.com/batchaccess/batchaccess/sdks/managedidentity"
	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/sdks/azuread"
	"github.com/batchaccess/batchaccess/sdks/machinelearningservices"
)

// group and workspace are seeded by the tests; storage is only a name in a role.
const (
	group     = "rg"
	workspace = "ws"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	fmt.Println("a line that the program prints")
	principals, err := directory(ctx)
	if err != nil {
		return err
	}
	version := pulumi.Version("2.92.3")
	client, err := authorization.GetClientConfig(ctx, version)
	if err != nil {
		return err
	}
	_, err = managedidentity.NewUserAssignedIdentity(ctx, "identity", &managedidentity.UserAssignedIdentityArgs{
		ResourceGroupName: pulumi.String(group),
	}, version)
	if err != nil {
		return err
	}
	cluster, err := machinelearningservices.NewCompute(ctx, "cluster", &machinelearningservices.ComputeArgs{
		ResourceGroupName: pulumi.String(group),
		WorkspaceName:     pulumi.String(workspace),
		ComputeName:       pulumi.String("cpu"),
		Identity: machinelearningservices.ManagedServiceIdentityArgs{
			Type: pulumi.String("SystemAssigned"),
		},
		Properties: machinelearningservices.AmlComputeArgs{
			ComputeType: pulumi.String("AmlCompute"),
			Properties: machinelearningservices.AmlComputePropertiesArgs{
				VmSize: pulumi.String("STANDARD_DS3_V2"),
				ScaleSettings: machinelearningservices.ScaleSettingsArgs{
					MinNodeCount: pulumi.Int(0), MaxNodeCount: pulumi.Int(1),
				},
			},
		},
	})
	if err != nil {
		return err
	}
	scope := pulumi.String("/subscriptions/" + client.SubscriptionId)
	description, _ := ctx.GetConfig("engine-test:description")
	role, err := authorization.NewRoleDefinition(ctx, "role", &authorization.RoleDefinitionArgs{
		Scope:            scope,
		RoleName:         pulumi.String("engine test reader"),
		Description:      pulumi.String(description),
		AssignableScopes: pulumi.StringArray{scope},
		Permissions: authorization.PermissionArray{authorization.PermissionArgs{
			Actions: pulumi.StringArray{pulumi.String("Microsoft.MachineLearningServices/workspaces/read")},
		}},
	}, version)
	if err != nil {
		return err
	}
	principals["cluster"] = cluster.Identity.PrincipalId().Elem()
	for _, name := range []string{"application", "cluster"} {
		_, err = authorization.NewRoleAssignment(ctx, name, &authorization.RoleAssignmentArgs{
			Scope:            scope,
			PrincipalId:      principals[name],
			PrincipalType:    pulumi.String("ServicePrincipal"),
			RoleDefinitionId: role.ID(),
		}, version)
		if err != nil {
			return err
		}
	}
	return nil
}

// directory makes the objects in Entra, and returns the object IDs of the principals.
func directory(ctx *pulumi.Context) (map[string]pulumi.StringInput, error) {
	app, err := azuread.NewApplication(ctx, "app", &azuread.ApplicationArgs{
		DisplayName: pulumi.String("engine test"), Tags: pulumi.StringArray{pulumi.String("b"), pulumi.String("a")},
	})
	if err != nil {
		return nil, err
	}
	principal, err := azuread.NewServicePrincipal(ctx, "principal", &azuread.ServicePrincipalArgs{ClientId: app.ClientId})
	if err != nil {
		return nil, err
	}
	password, err := azuread.NewApplicationPassword(ctx, "password", &azuread.ApplicationPasswordArgs{
		ApplicationId: app.ID(), EndDate: pulumi.String("2035-01-01T00:00:00Z"),
	})
	if err != nil {
		return nil, err
	}
	ctx.Export("password", password.Value)
	_, err = azuread.NewApplicationFederatedIdentityCredential(ctx, "federated",
		&azuread.ApplicationFederatedIdentityCredentialArgs{
			ApplicationId: app.ID(),
			DisplayName:   pulumi.String("main"),
			Issuer:        pulumi.String("https://token.actions.githubusercontent.com"),
			Subject:       pulumi.String("repo:example/example:ref:refs/heads/main"),
			Audiences:     pulumi.StringArray{pulumi.String("api://AzureADTokenExchange")},
		})
	if err != nil {
		return nil, err
	}
	team, err := azuread.NewGroup(ctx, "team", &azuread.GroupArgs{
		DisplayName: pulumi.String("engine test team"), SecurityEnabled: pulumi.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	name, _ := ctx.GetConfig("engine-test:user")
	user, err := azuread.GetUser(ctx, &azuread.GetUserArgs{UserPrincipalName: &name})
	if err != nil {
		return nil, err
	}
	member := pulumi.StringInput(pulumi.String(user.ObjectId))
	if who, _ := ctx.GetConfig("engine-test:member"); who == "principal" {
		member = principal.ObjectId
	}
	_, err = azuread.NewGroupMember(ctx, "member", &azuread.GroupMemberArgs{
		GroupObjectId: team.ObjectId, MemberObjectId: member,
	})
	return map[string]pulumi.StringInput{"application": principal.ObjectId}, err
}
