package lookup

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	ml "github.com/batchaccess/batchaccess/sdks/machinelearningservices"
)

// readsWorkspace is the permission that the deployer needs for questions to the workspace.
const readsWorkspace = "Reader on the workspace"

// A DataStore is what the workspace answers about a data store.
type DataStore struct {
	HasCredential bool
	// Account is the name of the storage account, Container the name of the container or file system.
	Account, Container string
}

// DataStore asks the workspace whether the data store holds a credential, and which storage it is on.
func (a *Asker) DataStore(path, name string) (DataStore, access.Problems) {
	found, err := ml.GetDatastore(a.ctx, &ml.GetDatastoreArgs{
		Name: name, ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
	}, a.native...)
	if err != nil {
		return DataStore{}, refused(path, fmt.Sprintf("the data store %q", name), err, readsWorkspace,
			"correct the name (az ml datastore list), or write credentialInStore, storageAccount and container")
	}
	if ps := a.elsewhere(path, found.Id); len(ps) > 0 {
		return DataStore{}, ps
	}
	// Azure adds types of data stores; datastoreType distinguishes a new one from a broken answer.
	var store struct {
		Type        string `json:"datastoreType"`
		AccountName string `json:"accountName"`
		Container   string `json:"containerName"`
		FileSystem  string `json:"filesystem"`
		Credentials struct {
			Type string `json:"credentialsType"`
		} `json:"credentials"`
	}
	if err := convert(found.DatastoreProperties, &store); err != nil {
		return DataStore{}, problem(path, "write credentialInStore, storageAccount and container",
			"the answer about the data store %q can't be read: %v", name, err)
	}
	answer := DataStore{HasCredential: store.Credentials.Type != "None", Account: store.AccountName,
		Container: store.Container}
	switch {
	case store.Credentials.Type == "":
		return DataStore{}, problem(path, "write credentialInStore, storageAccount and container",
			"the workspace does not say whether the data store %q holds a credential", name)
	case store.Type == "AzureDataLakeGen2":
		answer.Container = store.FileSystem
	case store.Type != "AzureBlob" && !answer.HasCredential:
		return DataStore{}, problem(path, "use a Blob or an Azure Data Lake Storage Gen2 data store",
			"the data store %q is of type %s and holds no credential; the documented ways to read by identity are Blob "+
				"storage and Azure Data Lake Storage Gen2", name, store.Type)
	}
	return answer, nil
}

var assetURI = regexp.MustCompile(`(?i)^azureml://` +
	`(?:(subscriptions/[^/]+/resourcegroups/[^/]+)` +
	`(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/([^/]+)/)?` +
	`datastores/([^/]+)/paths/?(.*)$`)

// A DataAsset is what the workspace answers about a version of a data asset.
type DataAsset struct {
	// DataStore is the name of its data store, Path the path in it.
	DataStore, Path string
	// Type is file, or "" for a folder.
	Type string
}

// assetTypes are the types that a batch endpoint takes, by their names in the workspace.
var assetTypes = map[string]string{"uri_folder": "", "uri_file": "file"}

// DataAsset asks the workspace for the data store of a version of a data asset, and its path there.
func (a *Asker) DataAsset(path, name, version string) (DataAsset, access.Problems) {
	found, err := ml.GetDataVersion(a.ctx, &ml.GetDataVersionArgs{
		Name: name, Version: version, ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
	}, a.native...)
	if err != nil {
		return DataAsset{}, refused(path, fmt.Sprintf("version %s of the data asset %q", version, name), err, readsWorkspace,
			"correct name and version (az ml data list --name "+name+"), or write dataStore")
	}
	if ps := a.elsewhere(path, found.Id); len(ps) > 0 {
		return DataAsset{}, ps
	}
	var asset struct {
		Type string `json:"dataType"`
		URI  string `json:"dataUri"`
	}
	if err := convert(found.DataVersionBaseProperties, &asset); err != nil {
		return DataAsset{}, problem(path, "write dataStore", "the answer about the data asset %q can't be read: %v", name,
			err)
	}
	kind, taken := assetTypes[asset.Type]
	if !taken {
		return DataAsset{}, problem(path, "use an asset that is a file or a folder (uri_file, uri_folder)",
			"version %s of the data asset %q is of type %s, which batch endpoints do not take", version, name, asset.Type)
	}
	parts := assetURI.FindStringSubmatch(asset.URI)
	if parts == nil {
		return DataAsset{}, problem(path, "declare what it points to: an input of kind blob or adlsGen2",
			"version %s of the data asset %q lies in no data store, but at %s", version, name, asset.URI)
	}
	// Names of workspaces are unique in a resource group only.
	own := "subscriptions/" + a.workspace.SubscriptionID + "/resourcegroups/" + a.workspace.ResourceGroup
	if parts[1] != "" && !(strings.EqualFold(parts[1], own) && strings.EqualFold(parts[2], a.workspace.Name)) {
		return DataAsset{}, problem(path, "write credentialInStore, dataStore, storageAccount and container",
			"version %s of the data asset %q lies in a data store of another workspace, %s in "+
				"%s", version, name, parts[2], parts[1])
	}
	return DataAsset{DataStore: parts[3], Path: parts[4], Type: kind}, nil
}

// Cluster asks the endpoint and its deployment ("" for the default one) on which compute cluster jobs run.
func (a *Asker) Cluster(path, endpoint, deployment string) (computeName string, ps access.Problems) {
	found, ps := a.deployment(path, endpoint, &deployment, "cluster")
	if len(ps) > 0 {
		return "", ps
	}
	if found.Compute == nil || *found.Compute == "" {
		return "", problem(path, "write cluster", "the deployment %q of the batch endpoint %q names no compute", deployment,
			endpoint)
	}
	return arm.Last(*found.Compute), nil
}

// deployment asks for a deployment; "" becomes the name of the endpoint's default one. instead is what to write if
// there is no answer.
func (a *Asker) deployment(path, endpoint string, name *string, instead string) (
	found ml.BatchDeploymentResponse, ps access.Problems,
) {
	if *name == "" {
		of, err := ml.GetBatchEndpoint(a.ctx, &ml.GetBatchEndpointArgs{
			EndpointName: endpoint, ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
		}, a.native...)
		if err != nil {
			return found, refused(path, fmt.Sprintf("the batch endpoint %q", endpoint), err, readsWorkspace,
				"correct the name (az ml batch-endpoint list), or write "+instead)
		}
		if ps := a.elsewhere(path, of.Id); len(ps) > 0 {
			return found, ps
		}
		if d := of.BatchEndpointProperties.Defaults; d == nil || d.DeploymentName == nil || *d.DeploymentName == "" {
			return found, problem(path, "write deployment or "+instead, "the batch endpoint %q has no default deployment",
				endpoint)
		}
		*name = *of.BatchEndpointProperties.Defaults.DeploymentName
	}
	answer, err := ml.GetBatchDeployment(a.ctx, &ml.GetBatchDeploymentArgs{
		DeploymentName: *name, EndpointName: endpoint,
		ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
	}, a.native...)
	if err != nil {
		return found, refused(path, fmt.Sprintf("the deployment %q of the batch endpoint %q", *name, endpoint), err,
			readsWorkspace, "correct the name (az ml batch-deployment list), or write "+instead)
	}
	return answer.BatchDeploymentProperties, a.elsewhere(path, answer.Id)
}

// Region asks for the workspace's region, such as westeurope; "" if nobody answers, as under mocks.
func (a *Asker) Region(path string) (string, access.Problems) {
	const instead = "write the region of the workspace (az ml workspace show --query location)"
	found, err := ml.GetWorkspace(a.ctx, &ml.GetWorkspaceArgs{
		ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
	}, a.native...)
	if err != nil {
		return "", refused(path, "the region of the workspace "+a.workspace.Name, err, readsWorkspace, instead)
	}
	if ps := a.elsewhere(path, found.Id); len(ps) > 0 {
		return "", ps
	}
	if found.Location != nil && *found.Location != "" {
		return *found.Location, nil
	}
	if found.Id == "" {
		return "", nil
	}
	return "", problem(path, instead, "the answer about the workspace %s holds no region", a.workspace.Name)
}

// Services are what the workspace answers about its services.
type Services struct {
	AuthMode         string // how its own stores are opened; "" if the answer has none
	StorageAccountID string // its own account; "" if the answer has none
	// ContainerRegistryID is its container registry; "" if it has none yet, or the answer has none.
	ContainerRegistryID string
}

// servicesToken names a version of azure-native that has systemDatastoresAuthMode; its default version, 2023-04-01,
// does not.
const servicesToken = "azure-native:machinelearningservices/v20241001:getWorkspace"

// Services asks how the workspace's own stores are opened. Under mocks nobody answers, and the result is empty.
func (a *Asker) Services(path string) (Services, access.Problems) {
	var found struct {
		ID       string  `pulumi:"id"`
		AuthMode *string `pulumi:"systemDatastoresAuthMode"`
		Account  *string `pulumi:"storageAccount"`
		Registry *string `pulumi:"containerRegistry"`
	}
	asked := struct {
		ResourceGroupName string `pulumi:"resourceGroupName"`
		WorkspaceName     string `pulumi:"workspaceName"`
	}{a.workspace.ResourceGroup, a.workspace.Name}
	if err := a.ctx.Invoke(servicesToken, &asked, &found, a.native...); err != nil {
		return Services{}, refused(path, "how the workspace's own stores are opened", err, readsWorkspace,
			"write it (az resource show --ids <workspace ID> --query properties.systemDatastoresAuthMode)")
	}
	if ps := a.elsewhere(path, found.ID); len(ps) > 0 {
		return Services{}, ps
	}
	var s Services
	if found.AuthMode != nil {
		s.AuthMode = *found.AuthMode
	}
	if found.Registry != nil {
		s.ContainerRegistryID = *found.Registry
	}
	if found.Account != nil {
		s.StorageAccountID = *found.Account
	}
	return s, nil
}

// AdminUser asks whether the admin user of a container registry is on; known is false if the answer does not say.
// azure-native's version of the registry (2022-12-01) does not say which roles the registry uses if it is off.
func (a *Asker) AdminUser(path, registryID string) (on, known bool, ps access.Problems) {
	id, err := arm.Parse(registryID, arm.ContainerRegistry)
	if err != nil {
		return false, false, problem(path, "write workspace.containerRegistry", "the workspace's registry is %q", registryID)
	}
	var found struct {
		ID    string `pulumi:"id"`
		Admin *bool  `pulumi:"adminUserEnabled"`
	}
	asked := struct {
		ResourceGroupName string `pulumi:"resourceGroupName"`
		RegistryName      string `pulumi:"registryName"`
	}{id.ResourceGroup, id.Name}
	if err := a.ctx.Invoke("azure-native:containerregistry:getRegistry", &asked, &found, a.native...); err != nil {
		return false, false, refused(path, "the container registry "+id.Name, err, "Reader on the registry",
			"write workspace.registryPermissions")
	}
	if ps := elsewhere(path, found.ID, id.SubscriptionID); len(ps) > 0 {
		return false, false, ps
	}
	return found.Admin != nil && *found.Admin, found.Admin != nil, nil
}

// Registries asks a deployment ("" for the endpoint's default one) for the names of the shared registries of its model
// and its environment.
func (a *Asker) Registries(path, endpoint, deployment string) (names []string, ps access.Problems) {
	const instead = "the registries of its model and environment, [] for none"
	found, ps := a.deployment(path, endpoint, &deployment, instead)
	if len(ps) > 0 {
		return nil, ps
	}
	var of struct {
		Model struct {
			AssetID string `json:"assetId"`
		} `json:"model"`
		EnvironmentID string `json:"environmentId"`
	}
	if err := convert(map[string]any{"model": found.Model, "environmentId": found.EnvironmentId}, &of); err != nil {
		return nil, problem(path, "write "+instead, "the answer about the deployment %q can't be read: %v", deployment, err)
	}
	names = []string{}
	for _, asset := range []string{of.Model.AssetID, of.EnvironmentID} {
		if name, is := services.RegistryOf(asset); is && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Compute asks for the identities of a cluster.
func (a *Asker) Compute(path, name string) (*ml.ManagedServiceIdentityResponse, access.Problems) {
	found, err := ml.LookupCompute(a.ctx, &ml.LookupComputeArgs{
		ComputeName: name, ResourceGroupName: a.workspace.ResourceGroup, WorkspaceName: a.workspace.Name,
	}, a.native...)
	if err != nil {
		return nil, refused(path, fmt.Sprintf("the compute cluster %q", name), err, readsWorkspace,
			"correct the name (az ml compute list), leave out existing to have it made, or write principalId")
	}
	return found.Identity, a.elsewhere(path, found.Id)
}

// RoleAssignment asks for an assignment by its scope and its name.
func (a *Asker) RoleAssignment(scope, name string) (*authorization.LookupRoleAssignmentResult, error) {
	return authorization.LookupRoleAssignment(a.ctx,
		&authorization.LookupRoleAssignmentArgs{Scope: scope, RoleAssignmentName: name}, a.native...)
}

// elsewhere is the problem with an answer from another subscription than the workspace's.
func (a *Asker) elsewhere(path, answered string) access.Problems {
	return elsewhere(path, answered, a.workspace.SubscriptionID)
}

// convert reads an answer for which the SDK has no type.
func convert(answer any, into any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
