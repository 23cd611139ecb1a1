package access

import (
	"slices"
	"strings"
)

// An ACL is a POSIX permission that a principal needs on data which is granted by ACLs. ACLs are not resources of Azure
// Resource Manager, so no stack can set them: whoever asked for them does.
type ACL struct {
	Principal      Principal `json:"principal"`
	StorageAccount string    `json:"storageAccount"`
	Container      string    `json:"container"`
	Path           string    `json:"path"` // "/" for all of the container
	Permissions    string    `json:"permissions"`
	// File is set where the path is a file. A folder takes a default ACL too, which what is added later inherits.
	File bool `json:"file,omitempty"`
}

// Entries are what is to be set at the path for the object ID of a kind of principal, user or group.
func (a ACL) Entries(kind, objectID string) string {
	entry := kind + ":" + objectID + ":" + a.Permissions
	if a.File {
		return entry
	}
	return entry + ",default:" + entry
}

// ACLs returns the permissions that the model leaves to ACLs, each once, in the order of endpoints and inputs: r-x for the
// cluster that mounts the data and for each invoker who reads it, unless the invoker's group has the same. The folders above
// the path need --x.
func ACLs(m Model) (acls []ACL) {
	endpoints := m.EffectiveEndpoints()
	seen := map[ACL]bool{}
	add := func(p Principal, d DataInput) {
		acl := ACL{p, d.StorageAccount, d.Container, rooted(d.Path), "r-x", d.Type == "file"}
		if !seen[acl] {
			seen[acl] = true
			acls = append(acls, acl)
		}
	}
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		for _, input := range slices.Sorted(slices.Values(e.Inputs)) {
			d := m.DataInputs[input]
			if d.Mechanism() != ByACL {
				continue
			}
			add(ClusterPrincipal(e.Cluster), d)
			for _, invoker := range m.InvokersOf(e) {
				add(InvokerPrincipal(invoker), d)
			}
		}
	}
	groupOf := m.Groups()
	return slices.DeleteFunc(acls, func(acl ACL) bool {
		ofGroup := acl
		ofGroup.Principal.Name = groupOf[acl.Principal.Name]
		return !acl.Principal.IsCluster() && seen[ofGroup]
	})
}

func (a ACL) place() place { return place{a.StorageAccount, a.Container, a.Path} }

// place is where data lies in storage.
type place struct{ account, container, path string }

func (p place) scope() Scope { return storageScope(p.account, p.container, "") }

// holds reports whether data at the inner place is at this one too, or in a folder below it.
func (p place) holds(inner place) bool {
	path, below := rooted(p.path), rooted(inner.path)
	return p.account == inner.account && p.container == inner.container &&
		(path == "/" || below == path || strings.HasPrefix(below, path+"/"))
}

// rooted is a path in a container as ACLs have it: "/" for all of it, and no slash at its end.
func rooted(path string) string { return "/" + strings.Trim(path, "/") }
