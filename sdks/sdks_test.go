package sdks_test

import (
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sdks/azuread"
	"github.com/batchaccess/batchaccess/sdks/machinelearningservices"
)

const (
	azureADVersion     = "6.10.0"
	azureNativeVersion = "2.92.3"
)

// engine stands for Pulumi's engine and records the requests.
type engine struct {
	mu        sync.Mutex
	resources map[string]pulumi.MockResourceArgs // by name
	calls     map[string]pulumi.MockCallArgs     // by token
	answer    resource.PropertyMap               // to every call
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resources[args.Name] = args
	return args.Name + "-id", args.Inputs, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls[args.Token] = args
	return e.answer, nil
}

func newEngine() *engine {
	return &engine{resources: map[string]pulumi.MockResourceArgs{}, calls: map[string]pulumi.MockCallArgs{}}
}

func (e *engine) run(t *testing.T, program pulumi.RunFunc) {
	t.Helper()
	require.NoError(t, pulumi.RunErr(program, pulumi.WithMocks("project", "stack", e)))
}

func TestResourcesRegisterUnderTheRealTokenAndVersion(t *testing.T) {
	t.Parallel()
	s := pulumi.String("value")
	for token, tc := range map[string]struct {
		version string
		make    func(ctx *pulumi.Context) error
	}{
		"azuread:index/application:Application": {azureADVersion, func(ctx *pulumi.Context) error {
			_, err := azuread.NewApplication(ctx, "it", &azuread.ApplicationArgs{DisplayName: s})
			return err
		}},
		"azuread:index/servicePrincipal:ServicePrincipal": {azureADVersion, func(ctx *pulumi.Context) error {
			_, err := azuread.NewServicePrincipal(ctx, "it", &azuread.ServicePrincipalArgs{ClientId: s})
			return err
		}},
		"azuread:index/applicationPassword:ApplicationPassword": {azureADVersion, func(ctx *pulumi.Context) error {
			_, err := azuread.NewApplicationPassword(ctx, "it", &azuread.ApplicationPasswordArgs{ApplicationId: s})
			return err
		}},
		"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential": {
			azureADVersion, func(ctx *pulumi.Context) error {
				_, err := azuread.NewApplicationFederatedIdentityCredential(ctx, "it",
					&azuread.ApplicationFederatedIdentityCredentialArgs{
						ApplicationId: s, DisplayName: s, Issuer: s, Subject: s, Audiences: pulumi.StringArray{s},
					})
				return err
			},
		},
		"azuread:index/group:Group": {azureADVersion, func(ctx *pulumi.Context) error {
			_, err := azuread.NewGroup(ctx, "it", &azuread.GroupArgs{DisplayName: s})
			return err
		}},
		"azuread:index/groupMember:GroupMember": {azureADVersion, func(ctx *pulumi.Context) error {
			_, err := azuread.NewGroupMember(ctx, "it", &azuread.GroupMemberArgs{GroupObjectId: s, MemberObjectId: s})
			return err
		}},
		"azure-native:machinelearningservices:Compute": {azureNativeVersion, func(ctx *pulumi.Context) error {
			_, err := machinelearningservices.NewCompute(ctx, "it",
				&machinelearningservices.ComputeArgs{ResourceGroupName: s, WorkspaceName: s})
			return err
		}},
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			e := newEngine()
			e.run(t, tc.make)
			assert.Equal(t, token, e.resources["it"].TypeToken)
			assert.Equal(t, tc.version, e.resources["it"].RegisterRPC.GetVersion())
		})
	}
}

func TestAnApplicationPasswordsValueIsASecretFromTheStart(t *testing.T) {
	t.Parallel()
	e := newEngine()
	e.run(t, func(ctx *pulumi.Context) error {
		_, err := azuread.NewApplicationPassword(ctx, "it",
			&azuread.ApplicationPasswordArgs{ApplicationId: pulumi.String("/applications/1")})
		return err
	})
	assert.Equal(t, []string{"value"}, e.resources["it"].RegisterRPC.GetAdditionalSecretOutputs())
}

func TestAClusterArrivesInAzuresForm(t *testing.T) {
	t.Parallel()
	e := newEngine()
	e.run(t, func(ctx *pulumi.Context) error {
		_, err := machinelearningservices.NewCompute(ctx, "it", &machinelearningservices.ComputeArgs{
			ComputeName: pulumi.String("cpu"), ResourceGroupName: pulumi.String("rg"), WorkspaceName: pulumi.String("ws"),
			Identity: machinelearningservices.ManagedServiceIdentityArgs{
				Type:                   pulumi.String("SystemAssigned,UserAssigned"),
				UserAssignedIdentities: pulumi.StringArray{pulumi.String("/subscriptions/1/id")},
			},
			Properties: machinelearningservices.AmlComputeArgs{
				ComputeType: pulumi.String("AmlCompute"),
				Properties: machinelearningservices.AmlComputePropertiesArgs{
					VmSize: pulumi.String("STANDARD_DS3_V2"),
					ScaleSettings: machinelearningservices.ScaleSettingsArgs{
						MinNodeCount: pulumi.Int(0), MaxNodeCount: pulumi.Int(2),
						NodeIdleTimeBeforeScaleDown: pulumi.String("PT5M"),
					},
				},
			},
		})
		return err
	})
	assert.Equal(t, map[string]any{
		"computeName": "cpu", "resourceGroupName": "rg", "workspaceName": "ws",
		"identity": map[string]any{
			"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": []any{"/subscriptions/1/id"},
		},
		"properties": map[string]any{
			"computeType": "AmlCompute",
			"properties": map[string]any{
				"vmSize": "STANDARD_DS3_V2",
				"scaleSettings": map[string]any{
					"minNodeCount": 0.0, "maxNodeCount": 2.0, "nodeIdleTimeBeforeScaleDown": "PT5M",
				},
			},
		},
	}, e.resources["it"].Inputs.Mappable())
}

func TestAClustersIdentitiesAreReadFromAzuresMap(t *testing.T) {
	t.Parallel()
	e := newEngine()
	e.answer = resource.NewPropertyMapFromMap(map[string]any{
		"id": "/computes/cpu", "name": "cpu",
		"identity": map[string]any{
			"principalId": "system", "type": "SystemAssigned,UserAssigned",
			"userAssignedIdentities": map[string]any{"/id": map[string]any{"principalId": "user", "clientId": "client"}},
		},
		"properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{"vmSize": "STANDARD_DS3_V2"}},
	})
	var got *machinelearningservices.LookupComputeResult
	e.run(t, func(ctx *pulumi.Context) error {
		var err error
		got, err = machinelearningservices.LookupCompute(ctx, &machinelearningservices.LookupComputeArgs{
			ComputeName: "cpu", ResourceGroupName: "rg", WorkspaceName: "ws",
		})
		return err
	})
	require.NotNil(t, got.Identity)
	assert.Equal(t, "system", got.Identity.PrincipalId)
	assert.Equal(t, "user", got.Identity.UserAssignedIdentities["/id"].PrincipalId)
	assert.Equal(t, map[string]any{
		"computeType": "AmlCompute", "properties": map[string]any{"vmSize": "STANDARD_DS3_V2"},
	}, got.Properties)
}

func TestFunctionsCallTheRealTokens(t *testing.T) {
	t.Parallel()
	e := newEngine()
	e.answer = resource.PropertyMap{}
	s := pulumi.String("value")
	e.run(t, func(ctx *pulumi.Context) error {
		azuread.GetUserOutput(ctx, azuread.GetUserOutputArgs{UserPrincipalName: s})
		azuread.LookupGroupOutput(ctx, azuread.LookupGroupOutputArgs{DisplayName: s})
		azuread.LookupServicePrincipalOutput(ctx, azuread.LookupServicePrincipalOutputArgs{ClientId: s})
		azuread.GetClientConfigOutput(ctx)
		machinelearningservices.LookupComputeOutput(ctx, machinelearningservices.LookupComputeOutputArgs{
			ComputeName: s, ResourceGroupName: s, WorkspaceName: s,
		})
		machinelearningservices.GetWorkspaceOutput(ctx, machinelearningservices.GetWorkspaceOutputArgs{
			ResourceGroupName: s, WorkspaceName: s,
		})
		machinelearningservices.GetDatastoreOutput(ctx, machinelearningservices.GetDatastoreOutputArgs{
			Name: s, ResourceGroupName: s, WorkspaceName: s,
		})
		machinelearningservices.GetBatchEndpointOutput(ctx, machinelearningservices.GetBatchEndpointOutputArgs{
			EndpointName: s, ResourceGroupName: s, WorkspaceName: s,
		})
		machinelearningservices.GetBatchDeploymentOutput(ctx, machinelearningservices.GetBatchDeploymentOutputArgs{
			DeploymentName: s, EndpointName: s, ResourceGroupName: s, WorkspaceName: s,
		})
		machinelearningservices.GetDataVersionOutput(ctx, machinelearningservices.GetDataVersionOutputArgs{
			Name: s, Version: s, ResourceGroupName: s, WorkspaceName: s,
		})
		return nil
	})
	var tokens []string
	for token := range e.calls {
		tokens = append(tokens, token)
	}
	assert.ElementsMatch(t, []string{
		"azuread:index/getUser:getUser", "azuread:index/getGroup:getGroup",
		"azuread:index/getServicePrincipal:getServicePrincipal", "azuread:index/getClientConfig:getClientConfig",
		"azure-native:machinelearningservices:getCompute", "azure-native:machinelearningservices:getWorkspace",
		"azure-native:machinelearningservices:getDatastore", "azure-native:machinelearningservices:getBatchEndpoint",
		"azure-native:machinelearningservices:getBatchDeployment", "azure-native:machinelearningservices:getDataVersion",
	}, tokens)
}
