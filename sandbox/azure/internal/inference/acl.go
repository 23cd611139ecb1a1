package inference

import (
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// aclProperty holds a container's POSIX permissions by object ID and path. Resource Manager does not show it, because
// ACLs belong to the data plane. Keys of default ACLs begin with inherited.
const (
	aclProperty = "acl"
	inherited   = "default:"
)

// SetACL stores a principal's POSIX permissions on a path of a file system and everything below it: access for existing
// files and folders, byDefault for new ones.
func SetACL(container *state.Resource, path, principalID, permissions string, access, byDefault bool) {
	acl, _ := container.Properties[aclProperty].(map[string]any)
	if acl == nil {
		acl = map[string]any{}
	}
	if access {
		acl[strings.ToLower(principalID)+cleaned(path)] = permissions
	}
	if byDefault {
		acl[inherited+strings.ToLower(principalID)+cleaned(path)] = permissions
	}
	if container.Properties == nil {
		container.Properties = map[string]any{}
	}
	container.Properties[aclProperty] = acl
}

// cleaned is a path with a slash at its beginning and none at its end; "/" for the root.
func cleaned(path string) string { return "/" + strings.Trim(path, "/") }

// byACL reports whether an ACL on the place, or on a folder above it, lets the principal or one of its groups read or
// write. Its token was issued at tokenAt, zero for a new one. Azure looks at ACLs if roles do not allow the request,
// and only in an account with a hierarchical namespace. The content of a folder is taken as newer than the folder's
// ACLs: its own ACL is the folder's default ACL.
func byACL(st *state.State, where place, folder bool, principalID string, tokenAt time.Time, action string) bool {
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
	for _, holder := range append(st.ActsAs(principalID, tokenAt), strings.ToLower(principalID)) {
		has := func(key string) bool {
			permissions, _ := acl[key].(string)
			return strings.Contains(permissions, needed[:1]) && strings.Contains(permissions, needed[1:])
		}
		itself, inIt, path := has(holder+cleaned(where.path)), false, cleaned(where.path)
		for at := path; ; at = cleaned(at[:strings.LastIndex(at, "/")]) {
			if has(inherited + holder + at) {
				inIt = true
				itself = itself || at != path
			}
			if at == "/" {
				break
			}
		}
		if itself && (inIt || !folder) {
			return true
		}
	}
	return false
}
