package access

import (
	"slices"
	"strings"
)

// An ACL is a POSIX permission that a principal needs on data for which the model grants by ACLs. ACLs are not
// resources of Azure Resource Manager, so no stack can set them: the user does, by the commands of aclCommands.
type ACL struct {
	Principal      Principal `json:"principal"`
	StorageAccount string    `json:"storageAccount"`
	Container      string    `json:"container"`
	Path           string    `json:"path"` // "/" for the whole container
	Permissions    string    `json:"permissions"`
	// File is set where the path is a file. A folder takes a default ACL too: what is added to the folder later
	// inherits it.
	File bool `json:"file,omitempty"`
}

// Entries returns the ACL entries to set at the path for an object ID. The kind is user or group.
func (a ACL) Entries(kind, objectID string) string {
	entry := kind + ":" + objectID + ":" + a.Permissions
	if a.File {
		return entry
	}
	return entry + ",default:" + entry
}

// String returns the ACL as text for people, without its principal.
func (a ACL) String() string {
	return "the ACL " + a.Permissions + " on " + a.StorageAccount + "/" + a.Container + a.Path
}

// acls returns the ACLs that meet the needs of kind ByACL, each once: r-x for the cluster that mounts the data and for
// each invoker who reads it, unless the invoker's group has the same ACL. The folders above the path need --x.
func (p *Plan) acls() (acls []ACL) {
	seen := map[ACL]bool{}
	for _, n := range p.Needs {
		if n.By != ByACL {
			continue
		}
		acl := ACL{p.identity[n.Principal], n.place.Account, n.place.Container, rooted(n.place.Path), "r-x",
			p.Model.DataInputs[n.Data].Type == "file"}
		if !seen[acl] {
			seen[acl] = true
			acls = append(acls, acl)
		}
	}
	return slices.DeleteFunc(acls, func(acl ACL) bool {
		ofGroup := acl
		ofGroup.Principal.Name = p.groups[acl.Principal.Name]
		return !acl.Principal.IsCluster() && seen[ofGroup]
	})
}

func (a ACL) place() Place {
	return Place{Account: a.StorageAccount, Container: a.Container, Path: a.Path}
}

// holds reports whether the inner place is this one, or lies in a folder below it.
func (p Place) holds(inner Place) bool {
	path, below := rooted(p.Path), rooted(inner.Path)
	return p.Account == inner.Account && p.Container == inner.Container &&
		(path == "/" || below == path || strings.HasPrefix(below, path+"/"))
}

// rooted returns a path in a container as ACLs write it: "/" for the whole container, and no slash at the end.
func rooted(path string) string { return "/" + strings.Trim(path, "/") }
