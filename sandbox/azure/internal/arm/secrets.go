package arm

import (
	"net/http"
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const typeDatastore = typeWorkspace + "/datastores"

// keyNames are Azure's names of an account's keys (Azure/azure-rest-api-specs, Microsoft.Storage 2023-05-01,
// examples/StorageAccountListKeys.json).
var keyNames = []string{"key1", "key2"}

// listKeys answers with the keys of a storage account: whoever has one can open everything in it
// (facts/grants-access.md, Storage).
func listKeys(c *call) (wire.Reply, error) {
	account := c.st.Resources[armid.Key(c.id.Parent())]
	if account == nil {
		return wire.Reply{}, c.absent(armid.Parse(c.id.Parent()))
	}
	return c.keys(account), nil
}

func (c *call) keys(account *state.Resource) wire.Reply {
	var keys []any
	for n, value := range c.st.Content(account).Keys {
		keys = append(keys, map[string]any{"keyName": keyNames[n], "permissions": "Full", "value": value})
	}
	return wire.OK(map[string]any{"keys": keys})
}

// regenerateKey makes a new key in place of one of them, and answers with both (the same,
// StorageAccountRegenerateKey.json).
func regenerateKey(c *call) (wire.Reply, error) {
	account := c.st.Resources[armid.Key(c.id.Parent())]
	if account == nil {
		return wire.Reply{}, c.absent(armid.Parse(c.id.Parent()))
	}
	var body struct {
		KeyName string `json:"keyName"`
	}
	if err := c.decode(&body, []string{"keyName"}); err != nil {
		return wire.Reply{}, err
	}
	n := slices.Index(keyNames, body.KeyName)
	if n < 0 {
		return wire.Reply{}, wire.NotModelled("the key " + body.KeyName + " of a storage account")
	}
	c.st.Content(account).NewKey(n)
	return c.keys(account), nil
}

// listSecrets answers with the credential of a data store, which is a key of its storage account
// (facts/batch-endpoints.md, Permissions; its form: Microsoft.MachineLearningServices 2024-10-01,
// Datastore/listSecrets.json).
func listSecrets(c *call) (wire.Reply, error) {
	store := c.st.Resources[armid.Key(c.id.Parent())]
	if store == nil {
		return wire.Reply{}, c.absent(armid.Parse(c.id.Parent()))
	}
	credentials, _ := store.Properties["credentials"].(map[string]any)
	if kind, _ := credentials["credentialsType"].(string); kind != "AccountKey" {
		return wire.Reply{}, wire.NotModelled("the secrets of a data store with credentials of the kind " + kind)
	}
	name, _ := store.Properties["accountName"].(string)
	account := c.st.StorageAccount(name)
	if account == nil {
		return wire.Reply{}, wire.Errorf(http.StatusNotFound, "ResourceNotFound",
			"the storage account %q of %s was not found", name, store.ID)
	}
	return wire.OK(map[string]any{"secretsType": "AccountKey", "key": c.st.Content(account).Keys[0]}), nil
}

// listWorkspaceKeys answers with a key of the workspace's own storage account (Microsoft.MachineLearningServices
// 2024-04-01, Workspace/listStorageAccountKeys.json; what the account holds: facts/batch-endpoints.md, Workspace with
// identity-based system stores).
func listWorkspaceKeys(c *call) (wire.Reply, error) {
	workspace := c.st.Resources[armid.Key(c.id.Parent())]
	if workspace == nil {
		return wire.Reply{}, c.absent(armid.Parse(c.id.Parent()))
	}
	own, _ := workspace.Properties["storageAccount"].(string)
	account := c.st.Resources[armid.Key(own)]
	if account == nil {
		return wire.Reply{}, wire.NotModelled("the storage account of a workspace that was made without one: " +
			workspace.ID)
	}
	return wire.OK(map[string]any{"userStorageKey": c.st.Content(account).Keys[0]}), nil
}
