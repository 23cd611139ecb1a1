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
}

// ACLs returns the permissions that the model leaves to ACLs, none twice, in the order of endpoints and inputs: r-x for
// the cluster that mounts the data and for each invoker who reads it, but for those whose group has the same. The folders
// above the path need --x.
func ACLs(m Model) (acls []ACL) {
	endpoints := m.EffectiveEndpoints()
	seen := map[ACL]bool{}
	add := func(p Principal, d DataInput) {
		acl := ACL{p, d.StorageAccount, d.Container, "/" + strings.Trim(d.Path, "/"), "r-x"}
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
	groups := m.Groups()
	return slices.DeleteFunc(acls, func(acl ACL) bool {
		of := acl
		of.Principal.Name = groups[acl.Principal.Name]
		return !acl.Principal.IsCluster() && seen[of]
	})
}

// covers reports whether the ACL holds for data at the place: on its path, or on a folder above it.
func (a ACL) covers(at data) bool {
	path := "/" + strings.Trim(at.path, "/")
	return a.StorageAccount == at.account && a.Container == at.container &&
		(a.Path == "/" || path == a.Path || strings.HasPrefix(path, a.Path+"/"))
}
