package azure_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	blobAccount = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.Storage/storageAccounts/keyedstore"
	rawContainer = blobAccount + "/blobServices/default/containers/raw"
)

// Azure's own client signs with a key of the account; a signature with any other key is refused.
func TestBlobsByKey(t *testing.T) {
	t.Parallel()
	a := startBlobs(t)
	require.NoError(t, a.Seed(keyed()))
	require.NoError(t, a.PutBlob(rawContainer, "in/a b+c.csv", []byte("content")))
	keys := keysOf(t, a, blobAccount)
	require.Len(t, keys, 2)
	for name, test := range map[string]struct{ account, key, path, code string }{
		"the first key":  {"keyedstore", keys[0], "in/a b+c.csv", ""},
		"the second key": {"keyedstore", keys[1], "in/a b+c.csv", ""},
		"a key of another account": {"keyedstore", keysOf(t, a, blobAccount+"2")[0], "in/a b+c.csv",
			"AuthenticationFailed"},
		"a key cut short":             {"keyedstore", keys[0][:len(keys[0])-4], "in/a b+c.csv", "AuthenticationFailed"},
		"another account":             {"keyedstore2", keys[0], "in/a b+c.csv", "AuthenticationFailed"},
		"a blob that is not there":    {"keyedstore", keys[0], "in/none", "BlobNotFound"},
		"an account that is not here": {"nosuch", keys[0], "in/none", "ResourceNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := byKey(t, a, test.account, test.key).DownloadStream(t.Context(), "raw", test.path, nil)
			if test.code != "" {
				assert.True(t, bloberror.HasCode(err, bloberror.Code(test.code)), "%v", err)
				return
			}
			require.NoError(t, err)
			content, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			assert.Equal(t, "content", string(content))
		})
	}
	_, err := byKey(t, a, "keyedstore", keys[0]).UploadBuffer(t.Context(), "raw", "out/b", []byte("more"), nil)
	require.NoError(t, err)
	_, err = byKey(t, a, "keyedstore", keys[1]).DownloadStream(t.Context(), "raw", "out/b", nil)
	require.NoError(t, err)
	snapshot, err := a.Snapshot()
	require.NoError(t, err)
	require.NoError(t, a.Restore(snapshot))
	assert.Equal(t, keys, keysOf(t, a, blobAccount), "a snapshot holds the keys")
}

// A request that is changed on its way is refused, because its signature no longer fits.
func TestASignatureIsOfOneRequest(t *testing.T) {
	t.Parallel()
	a := startBlobs(t)
	require.NoError(t, a.Seed(keyed()))
	require.NoError(t, a.PutBlob(rawContainer, "one", []byte("1")))
	require.NoError(t, a.PutBlob(rawContainer, "two", []byte("2")))
	key := keysOf(t, a, blobAccount)[0]
	for name, change := range map[string]func(*http.Request){
		"another blob":   func(r *http.Request) { r.URL.Path = "/blob/keyedstore/raw/two" },
		"another header": func(r *http.Request) { r.Header.Set("x-ms-version", "2019-01-01") },
		"another date":   func(r *http.Request) { r.Header.Set("x-ms-date", "Mon, 01 Jan 2024 00:00:00 GMT") },
		"no date":        func(r *http.Request) { r.Header.Del("x-ms-date") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credential, err := azblob.NewSharedKeyCredential("keyedstore", key)
			require.NoError(t, err)
			options := &azblob.ClientOptions{}
			options.Transport = changing{a.Client(), func(r *http.Request) {
				for name, values := range r.Header { // as they are on the wire
					delete(r.Header, name)
					r.Header[http.CanonicalHeaderKey(name)] = values
				}
				change(r)
			}}
			client, err := azblob.NewClientWithSharedKeyCredential(a.BlobURL("keyedstore"), credential, options)
			require.NoError(t, err)
			_, err = client.DownloadStream(t.Context(), "raw", "one", nil)
			assert.True(t, bloberror.HasCode(err, bloberror.AuthenticationFailed), "%v", err)
		})
	}
}

const keyReader = "22222222-2222-4222-8222-222222222222"

// keyed has two accounts, and somebody who may list their keys.
func keyed() azure.Seed {
	return azure.Seed{
		StorageAccounts: []azure.StorageAccount{
			{ID: blobAccount, Containers: []string{"raw"}},
			{ID: blobAccount + "2", Containers: []string{"raw"}},
		},
		Users: []azure.User{{ObjectID: keyReader, UserPrincipalName: "key@example.com", DisplayName: "key"}},
		RoleAssignments: []azure.RoleAssignment{{ID: keyReader, PrincipalID: keyReader, PrincipalType: "User",
			Scope: "/subscriptions/11111111-1111-1111-1111-111111111111",
			// Storage Account Key Operator Service Role
			RoleID: "81a9662b-bebf-436f-a333-f67b29880f12"}},
	}
}

func keysOf(t *testing.T, a *azure.Azure, account string) (keys []string) {
	t.Helper()
	token, err := a.SignIn(t.Context(), keyReader, a.URL())
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		a.URL()+account+"/listKeys?api-version=2023-05-01", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := a.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var answer struct{ Keys []struct{ Value string } }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	for _, key := range answer.Keys {
		keys = append(keys, key.Value)
	}
	return keys
}

type changing struct {
	*http.Client
	change func(*http.Request)
}

func (c changing) Do(r *http.Request) (*http.Response, error) {
	c.change(r)
	return c.Client.Do(r)
}

func startBlobs(t *testing.T) *azure.Azure {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func byKey(t *testing.T, a *azure.Azure, account, key string) *azblob.Client {
	t.Helper()
	credential, err := azblob.NewSharedKeyCredential(account, key)
	require.NoError(t, err)
	client, err := azblob.NewClientWithSharedKeyCredential(a.BlobURL(account), credential,
		&azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: a.Client()}})
	require.NoError(t, err)
	return client
}

// A question about a job, an account or a workspace that does not exist is an error.
func TestWhatIsNotThereHasNoKeyAndReadsNothing(t *testing.T) {
	t.Parallel()
	a := startBlobs(t)
	require.NoError(t, a.Seed(keyed()))
	_, err := a.ReadBy("none", "data", "x")
	require.ErrorContains(t, err, `no job "none"`)
	_, err = a.AccountKey(blobAccount + "x")
	require.ErrorContains(t, err, "no storage account")
	key, err := a.AccountKey(blobAccount)
	require.NoError(t, err)
	assert.Equal(t, keysOf(t, a, blobAccount)[0], key)
	_, err = a.WorkspaceAccount(blobAccount+"x", blobAccount, "own")
	require.ErrorContains(t, err, "no workspace")
}
