package inference

import (
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// aclProperty holds, on a container, POSIX permissions by object ID and path. Resource Manager does not show it, for
// ACLs are of the data plane.
const aclProperty = "acl"

// SetACL notes POSIX permissions of a principal on a path of a file system and all below it.
func SetACL(container *state.Resource, path, principalID, permissions string) {
	acl, _ := container.Properties[aclProperty].(map[string]any)
	if acl == nil {
		acl = map[string]any{}
	}
	acl[strings.ToLower(principalID)+cleaned(path)] = permissions
	if container.Properties == nil {
		container.Properties = map[string]any{}
	}
	container.Properties[aclProperty] = acl
}

// cleaned is a path with a slash before it and none behind it; "/" for the root.
func cleaned(path string) string { return "/" + strings.Trim(path, "/") }

// byACL reports whether an ACL on the place, or on a folder above it, lets the principal, or a group it is in, read or
// write. Azure asks ACLs where roles do not allow, and only in an account with a hierarchical namespace.
func byACL(st *state.State, where place, principalID, action string) bool {
	account := st.Resources[armid.Key(where.accountID)]
	container := st.Resources[armid.Key(where.scope())]
	if account == nil || container == nil || account.Properties["isHnsEnabled"] != true {
		return false
	}
	acl, _ := container.Properties[aclProperty].(map[string]any)
	needed := "rx"
	if action == writeBlobs {
		needed = "wx"
	}
	for _, holder := range append(st.ActsAs(principalID, time.Time{}), strings.ToLower(principalID)) {
		for at := cleaned(where.path); ; at = cleaned(at[:strings.LastIndex(at, "/")]) {
			permissions, _ := acl[holder+at].(string)
			if strings.Contains(permissions, needed[:1]) && strings.Contains(permissions, needed[1:]) {
				return true
			}
			if at == "/" {
				break
			}
		}
	}
	return false
}
