package inference

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

const (
	typeDatastore   = "Microsoft.MachineLearningServices/workspaces/datastores"
	typeDataVersion = "Microsoft.MachineLearningServices/workspaces/data/versions"
)

// place is where data lies.
type place struct {
	accountID, container, path string
	// datastore and its type are empty for data that is given by URL.
	datastore, datastoreType string
	// storeHasCredentials: the data store's own key opens the storage.
	storeHasCredentials bool
}

// scope is the container's ARM ID. A grant counts at or above it.
func (p place) scope() string {
	return p.accountID + "/blobServices/default/containers/" + p.container
}

// locate finds the storage container of a URI that checkURI has accepted, for an endpoint of the workspace. The error
// names what does not exist.
func locate(st *state.State, workspaceID, uri string) (place, error) {
	if strings.HasPrefix(uri, "https://") {
		return locateURL(st, uri)
	}
	if short, ok := strings.CutPrefix(uri, shortStore); ok {
		uri = workspaceID + "/datastores/" + short
	}
	id, path := splitPaths(uri)
	if armid.Parse(id).Is(typeDatastore) {
		return locateDatastore(st, id, path)
	}
	asset := st.Resources[armid.Key(id)]
	if asset == nil {
		return place{}, fmt.Errorf("the data asset %s does not exist", id)
	}
	dataURI, _ := asset.Properties["dataUri"].(string)
	short, ok := strings.CutPrefix(dataURI, "azureml://")
	if !ok {
		return locateURL(st, dataURI)
	}
	// azureml:// leaves out the resource provider that an ARM ID names.
	store, path := splitPaths("/" + short)
	long := strings.Replace(store, "/workspaces/", "/providers/Microsoft.MachineLearningServices/workspaces/", 1)
	return locateDatastore(st, long, path)
}

// splitPaths splits a data store's ID from the path in it.
func splitPaths(uri string) (id, path string) {
	if i := strings.Index(strings.ToLower(uri), "/paths/"); i >= 0 {
		return uri[:i], uri[i+len("/paths/"):]
	}
	return uri, ""
}

// The kinds of credentials that a data store may hold. With noCredential, identities open the storage.
const noCredential = "None"

var credentialKinds = []string{noCredential, "AccountKey", "Sas", "ServicePrincipal", "Certificate"}

func locateDatastore(st *state.State, id, path string) (place, error) {
	store := st.Resources[armid.Key(id)]
	if store == nil {
		return place{}, fmt.Errorf("the data store %s does not exist", id)
	}
	text := func(key string) string { value, _ := store.Properties[key].(string); return value }
	account := st.StorageAccount(text("accountName"))
	if account == nil {
		return place{}, fmt.Errorf("the storage account %q of data store %s does not exist", text("accountName"), id)
	}
	credentials, _ := store.Properties["credentials"].(map[string]any)
	kind, _ := credentials["credentialsType"].(string)
	if !slices.Contains(credentialKinds, kind) {
		return place{}, fmt.Errorf("the data store %s has credentials of the unknown kind %q", id, kind)
	}
	return place{
		// a store has one of the two
		accountID: account.ID, container: text("containerName") + text("filesystem"), path: path,
		datastore: id, datastoreType: text("datastoreType"),
		storeHasCredentials: kind != noCredential,
	}, nil
}

func locateURL(st *state.State, text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil {
		return place{}, fmt.Errorf("the URL %q cannot be read", text)
	}
	cloud := clouds.Of(st.Cloud)
	if other, ok := clouds.OfStorage(u.Hostname()); ok && other.Name != cloud.Name {
		return place{}, fmt.Errorf("%q lies in %s, and the workspace in %s", text, other.Name, cloud.Name)
	}
	for _, service := range []string{".blob.", ".dfs."} {
		name, ok := strings.CutSuffix(strings.ToLower(u.Hostname()), service+cloud.Storage)
		if !ok {
			continue
		}
		container, path, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		account := st.StorageAccount(name)
		switch {
		case account == nil:
			return place{}, fmt.Errorf("the storage account %q does not exist", name)
		case container == "":
			return place{}, fmt.Errorf("the URL %q names no container", text)
		}
		return place{accountID: account.ID, container: container, path: path}, nil
	}
	return place{}, fmt.Errorf("%q is neither in Blob storage nor in Azure Data Lake Storage Gen2", text)
}
