package rehearsal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// keysBy asks for the keys of a storage account by an operation on it.
func keysBy(operation string, body any) step {
	return func(ctx context.Context, w *walker, at position, hop access.Hop, _ access.Way) (position, error) {
		id := w.r.Model.StorageAccounts[hop.Opens.Account].Text()
		if id == "" {
			return at, errNotWalked("where the storage account lies is not known")
		}
		var found struct{ Keys []struct{ Value string } }
		if err := w.ask(ctx, at.actor, http.MethodPost, id+"/"+operation, storageVersion, body, &found); err != nil {
			return at, fmt.Errorf("asking for the keys: %w", err)
		}
		if len(found.Keys) == 0 {
			return at, errors.New("the answer has no keys")
		}
		return position{account: arm.Last(id), key: found.Keys[0].Value}, nil
	}
}

// listSecrets asks for the credential of a data store: a key of its account.
func listSecrets(ctx context.Context, w *walker, at position, hop access.Hop, _ access.Way) (position, error) {
	of := datum{cmp.Or(hop.Opens.Input, hop.Opens.Output), hop.Opens.Output != ""}
	lies, err := w.locate(ctx, of)
	if err != nil {
		return at, err
	}
	var found struct{ Key string }
	if err := w.ask(ctx, at.actor, http.MethodPost, w.r.Model.WorkspaceID.Text()+"/datastores/"+w.data(of).DataStore+
		"/listSecrets", machineLearningVersion, map[string]any{}, &found); err != nil {
		return at, fmt.Errorf("asking for the credential: %w", err)
	}
	return position{account: lies.account, key: found.Key}, nil
}

// read reads a blob whose content is known.
func (w *walker) read(ctx context.Context, at position, lies located, content []byte) error {
	client, err := w.blobs(at, lies.account)
	if err != nil {
		return err
	}
	got, err := client.DownloadStream(ctx, lies.container, lies.path, nil)
	if err != nil {
		return blobRefusal("reading", lies, err)
	}
	read, err := io.ReadAll(got.Body)
	if err = errors.Join(err, got.Body.Close()); err != nil {
		return err
	}
	if !bytes.Equal(read, content) {
		return fmt.Errorf("what was read of %s/%s is not what was written there", lies.container, lies.path)
	}
	return nil
}

// reach reads the content of a blob in the input, and overwrites it if the way says so; or it writes a blob to the
// output.
func (w *walker) reach(ctx context.Context, at position, way access.Way) error {
	of := datum{cmp.Or(way.Input, way.Output), way.Output != ""}
	lies, err := w.locate(ctx, of)
	if err != nil {
		return err
	}
	client, err := w.blobs(at, lies.account)
	if err != nil {
		return err
	}
	content := []byte("the content of " + of.name)
	if !of.output {
		id := lies.id + "/blobServices/default/containers/" + lies.container
		if err := w.r.azure.PutBlob(id, lies.path, content); err != nil {
			return errNotWalked(err.Error())
		}
		if err := w.read(ctx, at, lies, content); err != nil {
			return err
		}
	}
	if way.Writes {
		if _, err := client.UploadBuffer(ctx, lies.container, lies.path, []byte("written"), nil); err != nil {
			return blobRefusal("writing", lies, err)
		}
	}
	return nil
}

// blobs is Azure's own client of a storage account, with its key or with tokens.
func (w *walker) blobs(at position, account string) (*azblob.Client, error) {
	options := &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.r.azure.Client()}}
	url := w.r.azure.BlobURL(account)
	if at.key == "" {
		return azblob.NewClient(url, at.actor, options)
	}
	credential, err := azblob.NewSharedKeyCredential(at.account, at.key)
	if err != nil {
		return nil, err
	}
	return azblob.NewClientWithSharedKeyCredential(url, credential, options)
}

func blobRefusal(what string, lies located, err error) error {
	answer, is := errors.AsType[*azcore.ResponseError](err)
	switch {
	case !is:
		return err
	case bloberror.HasCode(err, notModelled):
		return errNotWalked("the sandbox does not model what decides " + what + " " + lies.container + "/" + lies.path)
	}
	return refusal{what + " " + lies.container + "/" + lies.path, fmt.Sprintf("HTTP %d: %s", answer.StatusCode,
		answer.ErrorCode)}
}

// datum is a data input or output.
type datum struct {
	name   string
	output bool
}

// located is the place of a blob: the storage account's ID and name, its container, and the path in that.
type located struct{ id, account, container, path string }

// arrived checks the end of a way that reaches no data: the token must be that of the identity that the hop opens, or
// there must be a key.
func (w *walker) arrived(ctx context.Context, at position, opens access.Opened) error {
	switch {
	case opens == access.Opened{}:
		return nil // the step reached the way's end
	case opens.As == access.Principal{}:
		if at.key == "" {
			return errors.New("the key is empty")
		}
		return nil
	}
	text, err := at.actor(ctx, w.r.azure.Cloud().MachineLearning)
	if err != nil {
		return err
	}
	want := w.principal(opens.As.Name)
	if opens.As.IsCluster() {
		want = w.principal("cluster:" + opens.As.Name)
	}
	if got, err := objectID(text); err != nil || !strings.EqualFold(got, want) {
		return fmt.Errorf("the token is of %q and not of %s, which is %s: %w", got, opens.As, want, err)
	}
	return nil
}

// objectID is the object ID in an access token.
func objectID(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token has no payload")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct{ OID string }
	err = json.Unmarshal(text, &claims)
	return claims.OID, err
}

// data is the input with that name, or the output in the form of an input.
func (w *walker) data(of datum) access.DataInput {
	if !of.output {
		return w.r.Model.DataInputs[of.name]
	}
	o := w.r.Model.DataOutputs[of.name]
	return access.DataInput{Kind: access.DataStore, DataStore: o.DataStore, StorageAccount: o.StorageAccount,
		Container: o.Container, Path: o.Path}
}

// locate finds the place of data: the model has it, or its data store, which the sandbox's owner reads.
func (w *walker) locate(ctx context.Context, of datum) (lies located, err error) {
	if lies, known := w.places[of]; known {
		return lies, nil
	}
	d := w.data(of)
	lies = located{container: d.Container, id: w.r.Model.StorageAccounts[d.StorageAccount].Text(),
		path: strings.Trim(d.Path, "/")}
	if d.DataStore != "" {
		var store struct {
			Properties struct{ SubscriptionID, ResourceGroup, AccountName, ContainerName, Filesystem string }
		}
		if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+w.r.Model.WorkspaceID.Text()+"/datastores/"+
			d.DataStore+"?api-version="+machineLearningVersion, nil, &store); err != nil {
			return lies, err
		}
		p := store.Properties
		lies.container = p.ContainerName + p.Filesystem // it has one of them
		lies.id = "/subscriptions/" + p.SubscriptionID + "/resourceGroups/" + p.ResourceGroup + "/providers/" +
			arm.StorageAccount + "/" + p.AccountName
	}
	if lies.id == "" || lies.container == "" {
		return lies, errNotWalked("where " + of.name + " lies is not known")
	}
	lies.account = arm.Last(lies.id)
	if of.output || d.Type != "file" || lies.path == "" {
		lies.path = strings.TrimPrefix(lies.path+"/walked.csv", "/")
	}
	w.places[of] = lies
	return lies, nil
}
