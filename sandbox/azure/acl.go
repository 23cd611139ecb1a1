package azure

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

var aclForm = regexp.MustCompile(`^[r-][w-][x-]$`)

// SetACL gives a principal POSIX permissions, such as r-x, on a path of a file system of Azure Data Lake Storage Gen2
// and on everything below it, also on what is added later. containerID is the container's ARM ID; the path "/" is the
// whole container. The sandbox assumes --x on the folders above.
func (a *Azure) SetACL(containerID, path, principalID, permissions string) error {
	return a.setACL(containerID, path, principalID, permissions, true, true)
}

// setACL sets the access ACL, which applies to what exists, and the default ACL, which everything that is added later
// inherits.
func (a *Azure) setACL(containerID, path, principalID, permissions string, access, inherited bool) error {
	if !aclForm.MatchString(permissions) {
		return fmt.Errorf("setting an ACL: %q are not POSIX permissions such as r-x", permissions)
	}
	return a.store.Update(func(st *state.State) error {
		container := st.Resources[armid.Key(containerID)]
		if container == nil {
			return fmt.Errorf("setting an ACL: there is no container %s", containerID)
		}
		inference.SetACL(container, path, principalID, permissions, access, inherited)
		st.Touch(state.Resources, armid.Key(containerID))
		return nil
	})
}

// aclCommand is the command of the Azure CLI that sets the ACLs of a folder and its content; aclFlags are the flags
// of it that the sandbox knows (learn.microsoft.com, "az storage fs access update-recursive").
var (
	aclCommand = []string{"az", "storage", "fs", "access", "update-recursive"}
	aclFlags   = []string{"--acl", "--account-name", "--auth-mode", "--file-system", "--path"}
)

// RunACLCommand changes the sandbox's storage as this command line would change Azure's if an administrator of the
// data ran it in a shell. The command line is one that sets ACLs.
func (a *Azure) RunACLCommand(line string) error {
	words, rest, err := Words(line)
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(rest) != "":
		return fmt.Errorf("there is more than one command: %s", rest)
	case len(words) < len(aclCommand) || !slices.Equal(words[:len(aclCommand)], aclCommand):
		return fmt.Errorf("the sandbox knows %s, and no other command that sets ACLs", strings.Join(aclCommand, " "))
	}
	given := map[string]string{}
	for args := words[len(aclCommand):]; len(args) > 0; args = args[2:] {
		if !slices.Contains(aclFlags, args[0]) || len(args) == 1 {
			return fmt.Errorf("%s is no flag that the sandbox knows, or has no value", args[0])
		}
		given[args[0]] = args[1]
	}
	for _, flag := range aclFlags {
		if given[flag] == "" {
			return fmt.Errorf("%s is missing", flag)
		}
	}
	if given["--auth-mode"] != "login" {
		return errors.New("--auth-mode is not login, and the sandbox sets ACLs with no key")
	}
	return a.setACLs(given)
}

func (a *Azure) setACLs(given map[string]string) error {
	var container string
	err := a.store.View(func(st *state.State) error {
		account := st.StorageAccount(given["--account-name"])
		if account == nil {
			return fmt.Errorf("there is no storage account %q", given["--account-name"])
		}
		container = account.ID + "/blobServices/default/containers/" + given["--file-system"]
		for entry := range strings.SplitSeq(given["--acl"], ",") {
			parts := strings.Split(strings.TrimPrefix(entry, "default:"), ":")
			if len(parts) != 3 {
				return fmt.Errorf("%q is no entry of an ACL: [default:]user|group:<object ID>:<permissions>", entry)
			}
			kind := st.PrincipalType(parts[1])
			if is := map[string]bool{"group": kind == "Group", "user": kind != "Group"}; kind == "" || !is[parts[0]] {
				return fmt.Errorf("%q lets nobody in: there is no %s of that object ID", entry, parts[0])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for entry := range strings.SplitSeq(given["--acl"], ",") {
		of, inherited := strings.CutPrefix(entry, "default:")
		parts := strings.Split(of, ":")
		if err := a.setACL(container, given["--path"], parts[1], parts[2], !inherited, inherited); err != nil {
			return err
		}
	}
	return nil
}
