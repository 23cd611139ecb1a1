package azure

import (
	"fmt"
	"maps"
	"path"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/blob"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// BlobURL is the address of a storage account's Blob service, by the account's name. In Azure each account has a host
// of its own.
func (a *Azure) BlobURL(account string) string { return a.URL() + "/blob/" + account }

// PutBlob writes a blob into a container, given by its ARM ID, without asking for a permission: it stands for whoever
// put the data there.
func (a *Azure) PutBlob(containerID, at string, content []byte) error {
	return a.store.Update(func(st *state.State) error {
		if st.Resources[armid.Key(containerID)] == nil {
			return fmt.Errorf("writing a blob: there is no container %s", containerID)
		}
		account := st.Resources[armid.Key(accountOf(containerID))]
		st.Content(account).Blobs[blob.Key(path.Base(containerID), at)] = content
		return nil
	})
}

// OnNode issues a token to the code that a job runs, as the cluster's identity: what the managed-identity endpoint of
// the node would answer. It also returns the version of the code that the deployment named when the job began. It
// fails if there is no such job, if the job ran no code, or if its cluster has no identity.
func (a *Azure) OnNode(job, resource string) (token, code string, err error) {
	var identity string
	err = a.store.View(func(st *state.State) error {
		j := st.Jobs[job]
		if j == nil {
			return fmt.Errorf("there is no job %q", job)
		}
		if identity, code = inference.OnNode(st, j); identity == "" {
			return fmt.Errorf("job %s ran no code, or its cluster has no identity", job)
		}
		return nil
	})
	if err == nil {
		token, err = a.entra.SignIn(identity, resource)
	}
	if err != nil {
		return "", "", fmt.Errorf("signing in on a node: %w", err)
	}
	return token, code, nil
}

// ReadBy is the content that the code of a job finds at a path of one of its inputs; the path is "" for an input that
// is a file. It fails if the job did not run to its end, if it has no such input, or if there is nothing at the path.
func (a *Azure) ReadBy(job, input, at string) (content []byte, err error) {
	err = a.store.View(func(st *state.State) error {
		j := st.Jobs[job]
		if j == nil {
			return fmt.Errorf("reading the input of a job: there is no job %q", job)
		}
		container, below := inference.InputOf(st, j, input)
		if container == "" {
			return fmt.Errorf("job %s failed, or has no input %q", job, input)
		}
		of := st.Contents[armid.Key(accountOf(container))]
		there := false
		if of != nil {
			content, there = of.Blobs[blob.Key(path.Base(container), path.Join(below, at))]
		}
		if !there {
			return fmt.Errorf("job %s finds nothing at %q of its input %q", job, at, input)
		}
		return nil
	})
	return content, err
}

// accountOf returns the ID of a container's storage account.
func accountOf(containerID string) string {
	return path.Dir(path.Dir(path.Dir(path.Dir(containerID))))
}

// AccountKey is a key of a storage account, given by its ARM ID. It stands for what the account's owner knows.
func (a *Azure) AccountKey(accountID string) (key string, err error) {
	err = a.store.Update(func(st *state.State) error {
		account := st.Resources[armid.Key(accountID)]
		if account == nil {
			return fmt.Errorf("asking for a key: there is no storage account %s", accountID)
		}
		key = st.Content(account).Keys[0]
		return nil
	})
	return key, err
}

// WorkspaceAccount returns the ARM ID of a workspace's own storage account, and makes the container there. If the
// sandbox knows no such account, other becomes it.
func (a *Azure) WorkspaceAccount(workspaceID, other, container string) (accountID string, err error) {
	err = a.store.Update(func(st *state.State) error {
		workspace := st.Resources[armid.Key(workspaceID)]
		if workspace == nil {
			return fmt.Errorf("asking for the storage account of a workspace: there is no workspace %s", workspaceID)
		}
		s := &seeding{st: st, now: a.store.Now()}
		if accountID, _ = workspace.Properties["storageAccount"].(string); accountID == "" {
			accountID = other
			changed := *workspace
			changed.Properties = maps.Clone(workspace.Properties)
			changed.Properties["storageAccount"] = other
			st.Resources[armid.Key(workspaceID)] = &changed
			st.Touch(state.Resources, armid.Key(workspaceID))
		}
		if st.Resources[armid.Key(accountID)] == nil {
			s.storageAccount(StorageAccount{ID: accountID})
		}
		s.container(accountID, container)
		return nil
	})
	return accountID, err
}
