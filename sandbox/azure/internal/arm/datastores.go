package arm

import (
	"net/http"
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// datastoreKeys are those of stores in Blob storage and Data Lake Storage Gen2 (Microsoft.MachineLearningServices
// 2024-10-01, Datastore/AzureBlobWAccountKey/createOrUpdate.json).
var datastoreKeys = []string{
	"properties.datastoreType", "properties.accountName", "properties.containerName", "properties.filesystem",
	"properties.endpoint", "properties.protocol", "properties.subscriptionId", "properties.resourceGroup",
	"properties.serviceDataAccessAuthIdentity", "properties.description", "properties.tags.*", "properties.properties.*",
	"properties.isDefault", "properties.credentials.credentialsType", "properties.credentials.secrets.secretsType",
	"properties.credentials.secrets.key",
}

// putDatastore makes a data store, or makes an existing one point elsewhere: Microsoft's own client offers to
// overwrite (https://azure.github.io/azureml-sdk-for-r/reference/register_azure_blob_container_datastore.html,
// overwrite). A key is accepted only if it is one of the account's; Azure's answer to another key is not known.
func putDatastore(c *call) (wire.Reply, error) {
	workspace := c.id.Parent()
	if c.st.Resources[armid.Key(workspace)] == nil {
		return wire.Reply{}, c.absent(armid.Parse(workspace))
	}
	var body computeBody
	if err := c.decode(&body, datastoreKeys); err != nil {
		return wire.Reply{}, err
	}
	text := func(of map[string]any, key string) string { value, _ := of[key].(string); return value }
	credentials, _ := body.Properties["credentials"].(map[string]any)
	secrets, _ := credentials["secrets"].(map[string]any)
	kind := text(credentials, "credentialsType")
	account := c.st.StorageAccount(text(body.Properties, "accountName"))
	switch {
	case !slices.Contains([]string{"AzureBlob", "AzureDataLakeGen2"}, text(body.Properties, "datastoreType")):
		return wire.Reply{}, wire.NotModelled("a data store of the type " + text(body.Properties, "datastoreType"))
	case account == nil:
		return wire.Reply{}, wire.NotModelled("a data store in a storage account that the sandbox does not have")
	case (text(body.Properties, "containerName") == "") == (text(body.Properties, "filesystem") == ""):
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "ValidationError",
			"a data store has a containerName or a filesystem")
	case kind == "AccountKey" && !slices.Contains(c.st.Content(account).Keys[:], text(secrets, "key")):
		return wire.Reply{}, wire.NotModelled("a data store with a key that is none of its account's")
	case kind != "AccountKey" && kind != "None":
		return wire.Reply{}, wire.NotModelled("a data store with credentials of the kind " + kind)
	}
	at := armid.Parse(account.ID)
	defaults(body.Properties, map[string]any{"endpoint": clouds.Of(c.st.Cloud).Storage, "protocol": "https",
		"isDefault":                     false,
		"serviceDataAccessAuthIdentity": "None", "subscriptionId": at.Subscription(), "resourceGroup": at.ResourceGroup()})
	body.Properties["credentials"] = map[string]any{"credentialsType": kind} // answers have no secrets
	store := &state.Resource{ID: c.id.String(), Properties: body.Properties,
		CreatedBy: c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now}
	status := http.StatusCreated
	if old := c.st.Resources[c.id.Key()]; old != nil {
		status = http.StatusOK
		store.ID, store.Seeded, store.CreatedAt, store.CreatedBy = old.ID, old.Seeded, old.CreatedAt, old.CreatedBy
	}
	c.st.Resources[c.id.Key()] = store
	c.st.Touch(state.Resources, c.id.Key())
	return wire.Reply{Status: status, Body: c.render(store)}, nil
}
