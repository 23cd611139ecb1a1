package clients_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (w *world) machineLearning() *armmachinelearning.ClientFactory {
	w.t.Helper()
	factory, err := armmachinelearning.NewClientFactory(subscriptionID, w.deployer(), w.armOptions())
	require.NoError(w.t, err)
	return factory
}

func cluster(most int32) armmachinelearning.ComputeResource {
	return armmachinelearning.ComputeResource{
		Location: ptr("westeurope"),
		Identity: &armmachinelearning.ManagedServiceIdentity{
			Type: ptr(armmachinelearning.ManagedServiceIdentityTypeSystemAssigned),
		},
		Properties: &armmachinelearning.AmlCompute{
			ComputeType: ptr(armmachinelearning.ComputeTypeAmlCompute), DisableLocalAuth: ptr(true),
			Properties: &armmachinelearning.AmlComputeProperties{
				VMSize: ptr("STANDARD_DS3_V2"),
				ScaleSettings: &armmachinelearning.ScaleSettings{MinNodeCount: ptr[int32](0), MaxNodeCount: ptr(most),
					NodeIdleTimeBeforeScaleDown: ptr("PT5M")},
			},
		},
	}
}

var everySecond = &runtime.PollUntilDoneOptions{Frequency: time.Second}

func TestTheSDKManagesAClusterThroughItsLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.machineLearning().NewComputeClient(), t.Context()
	creating, err := client.BeginCreateOrUpdate(ctx, "rg-ml", "ws", "cpu", cluster(2), nil)
	require.NoError(t, err)
	assert.False(t, creating.Done(), "an operation takes time")
	made, err := creating.PollUntilDone(ctx, everySecond)
	require.NoError(t, err)
	compute := made.Properties.(*armmachinelearning.AmlCompute)
	assert.Equal(t, armmachinelearning.ProvisioningStateSucceeded, *compute.ProvisioningState)
	assert.Equal(t, armmachinelearning.AllocationStateSteady, *compute.Properties.AllocationState)
	assert.NotEmpty(t, *made.Identity.PrincipalID)

	updating, err := client.BeginUpdate(ctx, "rg-ml", "ws", "cpu", armmachinelearning.ClusterUpdateParameters{
		Properties: &armmachinelearning.ClusterUpdateProperties{Properties: &armmachinelearning.ScaleSettingsInformation{
			ScaleSettings: &armmachinelearning.ScaleSettings{MinNodeCount: ptr[int32](1), MaxNodeCount: ptr[int32](4)},
		}},
	}, nil)
	require.NoError(t, err)
	assert.False(t, updating.Done())
	changed, err := updating.PollUntilDone(ctx, everySecond)
	require.NoError(t, err)
	assert.EqualValues(t, 4, *changed.Properties.(*armmachinelearning.AmlCompute).Properties.ScaleSettings.MaxNodeCount)
	assert.Equal(t, *made.Identity.PrincipalID, *changed.Identity.PrincipalID, "an update of the scale keeps the identity")

	listed, _ := all(t, client.NewListPager("rg-ml", "ws", nil),
		func(page armmachinelearning.ComputeClientListResponse) []*armmachinelearning.ComputeResource {
			return page.Value
		})
	require.Len(t, listed, 1)
	assert.Equal(t, "cpu", *listed[0].Name)

	deleting, err := client.BeginDelete(ctx, "rg-ml", "ws", "cpu", armmachinelearning.UnderlyingResourceActionDelete, nil)
	require.NoError(t, err)
	assert.False(t, deleting.Done())
	_, err = deleting.PollUntilDone(ctx, everySecond)
	require.NoError(t, err)
	_, err = client.Get(ctx, "rg-ml", "ws", "cpu", nil)
	assertCode(t, err, "ResourceNotFound", http.StatusNotFound)
	again, err := client.BeginDelete(ctx, "rg-ml", "ws", "cpu", armmachinelearning.UnderlyingResourceActionDelete, nil)
	require.NoError(t, err)
	assert.True(t, again.Done())
}

func TestTheSDKIsRefusedAWrongCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.machineLearning().NewComputeClient(), t.Context()
	_, err := client.BeginCreateOrUpdate(ctx, "rg-ml", "ws", "a-name-of-more-than-thirty-two-characters", cluster(1), nil)
	assertCode(t, err, "InvalidRequest", http.StatusBadRequest)
	both := cluster(1)
	both.Identity.Type = ptr(armmachinelearning.ManagedServiceIdentityTypeSystemAssignedUserAssigned)
	both.Identity.UserAssignedIdentities = map[string]*armmachinelearning.UserAssignedIdentity{identity: {}}
	_, err = client.BeginCreateOrUpdate(ctx, "rg-ml", "ws", "cpu", both, nil)
	assertCode(t, err, "InvalidIdentityType", http.StatusBadRequest)
	_, err = client.BeginCreateOrUpdate(ctx, "rg-ml", "elsewhere", "cpu", cluster(1), nil)
	assertCode(t, err, "ParentResourceNotFound", http.StatusNotFound)
	_, err = client.BeginCreateOrUpdate(ctx, "rg-ml", "ws", "cpu", cluster(0), nil)
	assertCode(t, err, "InvalidRequest", http.StatusBadRequest)
}

func TestTheSDKReadsWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.machineLearning().NewWorkspacesClient()
	got, err := client.Get(t.Context(), "rg-ml", "ws2", nil)
	require.NoError(t, err)
	assert.Equal(t, workspace+"2", *got.ID)
	assert.Equal(t, armmachinelearning.PublicNetworkAccessDisabled, *got.Properties.PublicNetworkAccess)
	byGroup, _ := all(t, client.NewListByResourceGroupPager("rg-ml", nil),
		func(page armmachinelearning.WorkspacesClientListByResourceGroupResponse) []*armmachinelearning.Workspace {
			return page.Value
		})
	assert.Len(t, byGroup, 2)
	bySubscription, _ := all(t, client.NewListBySubscriptionPager(nil),
		func(page armmachinelearning.WorkspacesClientListBySubscriptionResponse) []*armmachinelearning.Workspace {
			return page.Value
		})
	assert.Len(t, bySubscription, 2)
	_, err = client.Get(t.Context(), "rg-ml", "none", nil)
	assertCode(t, err, "ResourceNotFound", http.StatusNotFound)
}

func TestTheSDKReadsDataStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.machineLearning().NewDatastoresClient()
	keyed, err := client.Get(t.Context(), "rg-ml", "ws", "keyed", nil)
	require.NoError(t, err)
	blob := keyed.Properties.(*armmachinelearning.AzureBlobDatastore)
	assert.Equal(t, "mydata", *blob.AccountName)
	assert.Equal(t, "raw", *blob.ContainerName)
	assert.IsType(t, &armmachinelearning.AccountKeyDatastoreCredentials{}, blob.Credentials)
	keyless, err := client.Get(t.Context(), "rg-ml", "ws", "keyless", nil)
	require.NoError(t, err)
	assert.IsType(t, &armmachinelearning.NoneDatastoreCredentials{},
		keyless.Properties.(*armmachinelearning.AzureBlobDatastore).Credentials)
	lake, err := client.Get(t.Context(), "rg-ml", "ws", "lake", nil)
	require.NoError(t, err)
	assert.Equal(t, "raw", *lake.Properties.(*armmachinelearning.AzureDataLakeGen2Datastore).Filesystem)
	listed, _ := all(t, client.NewListPager("rg-ml", "ws", nil),
		func(page armmachinelearning.DatastoresClientListResponse) []*armmachinelearning.Datastore {
			return page.Value
		})
	assert.Len(t, listed, 3)
}

func TestTheSDKReadsDataAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.machineLearning().NewDataVersionsClient()
	folder, err := client.Get(t.Context(), "rg-ml", "ws", "heart", "1", nil)
	require.NoError(t, err)
	assert.Contains(t, *folder.Properties.(*armmachinelearning.URIFolderDataVersion).DataURI,
		"/datastores/keyless/paths/heart/2024")
	file, err := client.Get(t.Context(), "rg-ml", "ws", "heart", "2", nil)
	require.NoError(t, err)
	assert.IsType(t, &armmachinelearning.URIFileDataVersion{}, file.Properties)
	listed, _ := all(t, client.NewListPager("rg-ml", "ws", "heart", nil),
		func(page armmachinelearning.DataVersionsClientListResponse) []*armmachinelearning.DataVersionBase {
			return page.Value
		})
	assert.Len(t, listed, 2)
	containers, _ := all(t, w.machineLearning().NewDataContainersClient().NewListPager("rg-ml", "ws", nil),
		func(page armmachinelearning.DataContainersClientListResponse) []*armmachinelearning.DataContainer {
			return page.Value
		})
	require.Len(t, containers, 1)
	assert.Equal(t, "2", *containers[0].Properties.LatestVersion)
}

func TestTheSDKReadsEndpointsAndDeployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	endpoints := w.machineLearning().NewBatchEndpointsClient()
	endpoint, err := endpoints.Get(t.Context(), "rg-ml", "ws", "heart", nil)
	require.NoError(t, err)
	assert.Equal(t, "blue", *endpoint.Properties.Defaults.DeploymentName)
	assert.Equal(t, armmachinelearning.EndpointAuthModeAADToken, *endpoint.Properties.AuthMode)
	assert.Equal(t, w.URL()+"/inference/westeurope/heart/jobs", *endpoint.Properties.ScoringURI)
	listed, _ := all(t, endpoints.NewListPager("rg-ml", "ws", nil),
		func(page armmachinelearning.BatchEndpointsClientListResponse) []*armmachinelearning.BatchEndpoint {
			return page.Value
		})
	assert.Len(t, listed, 1)
	deployments := w.machineLearning().NewBatchDeploymentsClient()
	deployment, err := deployments.Get(t.Context(), "rg-ml", "ws", "heart", "green", nil)
	require.NoError(t, err)
	assert.Equal(t, workspace+"/computes/gpu", *deployment.Properties.Compute)
	both, _ := all(t, deployments.NewListPager("rg-ml", "ws", "heart", nil),
		func(page armmachinelearning.BatchDeploymentsClientListResponse) []*armmachinelearning.BatchDeployment {
			return page.Value
		})
	assert.Len(t, both, 2)
	_, err = deployments.Get(t.Context(), "rg-ml", "ws", "heart", "red", nil)
	assertCode(t, err, "UserError", http.StatusNotFound)
}

func TestTheSDKListsStorageContainers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.arm().send(http.MethodGet, account+"/blobServices/default/containers?api-version=2023-05-01", nil,
		http.StatusOK)
	require.Len(t, got.values(), 2)
	assert.Equal(t, "out", got.values()[0].(object)["name"])
	assert.Empty(t, w.arm().send(http.MethodGet, account+"2/blobServices/default/containers?api-version=2023-05-01", nil,
		http.StatusOK).values())
	none := w.arm().send(http.MethodGet, account+"x/blobServices/default/containers?api-version=2023-05-01", nil,
		http.StatusNotFound)
	assert.Equal(t, "ParentResourceNotFound", none.at("error", "code"))
}
