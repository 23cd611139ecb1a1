package azure

import (
	"fmt"
	"path"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/blob"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// BlobURL is where the Blob service of a storage account answers, by the account's name. In Azure it is a host.
func (a *Azure) BlobURL(account string) string { return a.URL() + "/blob/" + account }

// PutBlob writes a blob into a container, by the container's ARM ID: it stands for whoever put the data there.
func (a *Azure) PutBlob(containerID, at string, content []byte) error {
	return a.store.Update(func(st *state.State) error {
		if st.Resources[armid.Key(containerID)] == nil {
			return fmt.Errorf("writing a blob: there is no container %s", containerID)
		}
		account := st.Resources[armid.Key(path.Dir(path.Dir(path.Dir(path.Dir(containerID)))))]
		st.Content(account).Blobs[blob.Key(path.Base(containerID), at)] = content
		return nil
	})
}

// OnNode issues a token to the code that a job runs, as the identity of its cluster: what the code asks of the node's
// managed-identity endpoint. It also returns the version of code that the deployment named when the job began. The
// error is that there is no such job, that it ran no code, or that its cluster has no identity.
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
