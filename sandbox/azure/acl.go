package azure

import (
	"fmt"
	"regexp"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

var aclForm = regexp.MustCompile(`^[r-][w-][x-]$`)

// SetACL gives a principal POSIX permissions, such as r-x, on a path of a file system of Azure Data Lake Storage Gen2
// and all below it. It stands for what an administrator does with `az storage fs access update-recursive`, and with
// --x on the folders above. containerID is the container's ARM ID; the path "/" is all of it.
func (a *Azure) SetACL(containerID, path, principalID, permissions string) error {
	if !aclForm.MatchString(permissions) {
		return fmt.Errorf("setting an ACL: %q are not POSIX permissions such as r-x", permissions)
	}
	return a.store.Update(func(st *state.State) error {
		container := st.Resources[armid.Key(containerID)]
		if container == nil {
			return fmt.Errorf("setting an ACL: there is no container %s", containerID)
		}
		inference.SetACL(container, path, principalID, permissions)
		st.Touch(state.Resources, armid.Key(containerID))
		return nil
	})
}
