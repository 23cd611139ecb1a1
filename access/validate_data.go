package access

import (
	"fmt"
	"strings"
)

func (v *validator) clusters() {
	seen := map[string]string{} // compute name -> path
	for _, name := range sorted(v.m.Clusters) {
		path, c := "clusters."+name, v.m.Clusters[name]
		v.name(path, name)
		c.ComputeName = c.NameOr(name)
		v.cluster(path, c)
		if other := seen[strings.ToLower(c.ComputeName)]; other != "" {
			v.add(path+".computeName", "keep one of the two", "is the same cluster as %s", other)
		}
		seen[strings.ToLower(c.ComputeName)] = path
	}
}

// ValidateCluster checks a cluster by itself; the paths are those of its own fields.
func ValidateCluster(c Cluster) Problems {
	var v validator
	v.cluster("", c)
	return v.Problems
}

func (v *validator) cluster(path string, c Cluster) {
	if !computeForm.MatchString(c.ComputeName) {
		v.add(path+".computeName", "use 3 to 32 letters, digits and hyphens, beginning with a letter", "%q (%d characters) can't name a compute cluster", c.ComputeName, len(c.ComputeName))
	}
	if c.Existing {
		if c.Identity != "" || c.UserAssignedIdentityID != "" {
			v.add(path, "leave out identity and userAssignedIdentityId: they are looked up", "an existing cluster keeps the identity that it has")
		}
		if c.PrincipalID != "" && c.PrincipalID != Unknown && !IsGUID(c.PrincipalID) {
			v.add(path+".principalId", "write the object ID of the cluster's identity, or leave it out: it is looked up", "%q is not a GUID", c.PrincipalID)
		}
		return
	}
	if c.PrincipalID != "" {
		v.add(path+".principalId", "leave it out, or say existing: true", "only goes with a cluster that exists")
	}
	if c.Identity == BothAssigned { // facts/compute-clusters.md
		v.add(path+".identity", "write systemAssigned or userAssigned",
			"a compute cluster takes a system-assigned identity or user-assigned ones, and Azure does not support both at once")
	} else if c.Identity != "" {
		v.oneOf(path+".identity", string(c.Identity), ClusterIdentities())
	}
	if c.UserAssignedIdentityID != "" {
		v.armID(path+".userAssignedIdentityId", c.UserAssignedIdentityID, UserAssignedIdentityType)
		if id := c.EffectiveIdentity(); id != UserAssigned && id != BothAssigned {
			v.add(path+".userAssignedIdentityId", "set identity to userAssigned", "is given, but identity is %s", id)
		}
	}
}

func (v *validator) storageAccounts() {
	seen := map[string]string{} // ARM ID -> path
	for _, name := range sorted(v.m.StorageAccounts) {
		path, id := "storageAccounts."+name, v.m.StorageAccounts[name]
		v.name(path, name)
		v.armID(path, id, StorageAccountType)
		if other := seen[strings.ToLower(id)]; other != "" && id != Unknown {
			v.add(path, "keep one of the two", "is the same account as %s", other)
		}
		seen[strings.ToLower(id)] = path
	}
}

func (v *validator) dataInputs() {
	read := map[string]bool{}
	for _, e := range v.m.EffectiveEndpoints() {
		for _, input := range e.Inputs {
			read[input] = true
		}
	}
	for _, name := range sorted(v.m.DataInputs) {
		path := "dataInputs." + name
		d := v.m.DataInputs[name]
		v.name(path, name)
		if d.Kind == ADLSGen1 {
			v.add(path+".kind", "move the data to Azure Data Lake Storage Gen2 and use adlsGen2", "Azure Data Lake Storage Gen1 was retired on 2024-02-29")
			continue
		}
		if !v.oneOf(path+".kind", string(d.Kind), InputKinds()) {
			continue
		}
		v.inStore(path, d)
		if d.Kind == DataStore {
			v.path(path, d.Path)
		}
		if d.Type != "" {
			v.oneOf(path+".type", d.Type, []string{"folder", "file"})
		}
		if d.GrantedBy != "" && (d.Kind != ADLSGen2 || d.GrantedBy != ByRBAC && d.GrantedBy != ByACL) {
			v.add(path+".grantedBy", "leave it out; adlsGen2 alone has the choice of rbac and acl", "unknown value %q for %s", d.GrantedBy, d.Kind)
		}
		v.location(path, d.StorageAccount, d.Container, d.Scope, d.Mechanism() != ByStoreCredential, !d.InWorkspace())
		if !read[name] {
			v.warn(path, "name it in the inputs of an endpoint, or leave it out", "no endpoint reads it, so nothing is granted for it")
		}
	}
}

// inStore checks what only goes with data stores and data assets, and what they need.
func (v *validator) inStore(path string, d DataInput) {
	store := d.InWorkspace()
	asset := d.DataAsset != "" && d.Version != ""
	for _, field := range []struct {
		key          string
		given, wants bool
		known        bool // to the workspace, by what else is given
		fix          string
	}{
		{"credentialInStore", d.CredentialInStore != nil, store, d.DataStore != "" || asset, "say true if the data store holds an access key or SAS, false if not"},
		{"dataStore", d.DataStore != "", store, asset, "write the name of the data store in the workspace"},
		{"dataAsset", d.DataAsset != "", d.Kind == DataAsset, false, "write the name of the data asset"},
		{"version", d.Version != "", d.Kind == DataAsset, false, "write the version of the data asset"},
	} {
		switch {
		case field.wants && !field.given && field.known:
			v.lookUp(path+"."+field.key, field.fix, "is missing")
		case field.wants && !field.given:
			v.add(path+"."+field.key, field.fix, "is missing")
		case field.given && !field.wants:
			v.add(path+"."+field.key, "leave it out, or choose another kind", "means nothing for %s", d.Kind)
		}
	}
}

func (v *validator) dataOutputs() {
	for _, name := range sorted(v.m.DataOutputs) {
		path := "dataOutputs." + name
		d := v.m.DataOutputs[name]
		v.name(path, name)
		if d.DataStore == "" {
			v.add(path+".dataStore", "write the name of a Blob data store in the workspace: batch endpoints write nowhere else", "is missing")
		}
		if d.CredentialInStore == nil && d.DataStore != "" {
			v.lookUp(path+".credentialInStore", "say true if the data store holds an access key or SAS, false if not", "is missing")
		}
		v.path(path, d.Path)
		v.location(path, d.StorageAccount, d.Container, d.Scope, d.byIdentity(), false)
	}
}

// path checks the path in a data store: a job names its data there by <data store>/paths/<path>.
func (v *validator) path(path, in string) {
	if strings.Trim(in, "/") == "" {
		v.add(path+".path", "write the path of the data in the data store", "is missing")
	}
}

// location checks where data lies. Identities need the account; a URL needs the container too.
func (v *validator) location(path, account, container string, scope GrantScope, byIdentity, byURL bool) {
	switch {
	case account != "":
		v.refers(path+".storageAccount", account, "storage account", keysOf(v.m.StorageAccounts))
	case byIdentity && !byURL:
		v.lookUp(path+".storageAccount", "name one of storageAccounts: identities access it, so they need a role on it", "is missing")
	case byIdentity:
		v.add(path+".storageAccount", "name one of storageAccounts: identities access it, so they need a role on it", "is missing")
	}
	switch {
	case container == "" && byURL:
		v.add(path+".container", "write the container (file system) that holds the data", "is missing")
	case container == "" && scope == AtContainer:
		v.add(path+".container", "write the container that holds the data, or set scope to account", "is missing, but scope is container")
	case container != "" && !IsContainerName(container):
		v.add(path+".container", "use 3 to 63 lower-case letters, digits and single hyphens", "%q is not the name of a container", container)
	}
	if scope != "" {
		v.oneOf(path+".scope", string(scope), []string{string(AtContainer), string(AtAccount)})
	}
}

func (v *validator) endpoints() {
	for _, name := range sorted(v.m.Endpoints) {
		path := "endpoints." + name
		e := v.m.Endpoints[name]
		if !endpointForm.MatchString(name) {
			v.add(path, "write the endpoint's name in the workspace: 3 to 32 lower-case letters, digits and hyphens", "%q is not the name of a batch endpoint", name)
		}
		if e.Cluster == "" {
			v.lookUp(path+".cluster", "name the cluster that its deployment runs on", "is missing")
		} else {
			v.refers(path+".cluster", e.Cluster, "cluster", keysOf(v.m.Clusters))
		}
		for _, list := range []struct {
			key, what string
			items     []string
			known     names
		}{
			{"inputs", "data input", e.Inputs, keysOf(v.m.DataInputs)},
			{"outputs", "data output", e.Outputs, keysOf(v.m.DataOutputs)},
			{"invokers", "invoker", e.Invokers, keysOf(v.m.Invokers)},
		} {
			seen := map[string]bool{}
			for i, item := range list.items {
				at := fmt.Sprintf("%s.%s[%d]", path, list.key, i)
				v.refers(at, item, list.what, list.known)
				if seen[item] {
					v.add(at, "keep one of the two", "names %q a second time", item)
				}
				seen[item] = true
			}
		}
	}
	v.identities()
	v.stores()
}

// stores refuses two descriptions of one data store, or of one data asset, that can't both be true.
func (v *validator) stores() {
	seen := map[string]string{} // what -> its description
	check := func(path, what, fields, description string) {
		if other, again := seen[what]; again && other != description {
			v.add(path, "give "+fields+" alike", "%s is described in another way before", what)
		}
		seen[what] = description
	}
	store := func(path, name string, inStore *bool, account, container string) {
		if name != "" && inStore != nil {
			check(path+".dataStore", fmt.Sprintf("data store %q", name), "credentialInStore, storageAccount and container", fmt.Sprint(*inStore, account, container))
		}
	}
	for _, name := range sorted(v.m.DataInputs) {
		path, d := "dataInputs."+name, v.m.DataInputs[name]
		store(path, d.DataStore, d.CredentialInStore, d.StorageAccount, d.Container)
		if d.DataAsset != "" {
			check(path+".dataAsset", fmt.Sprintf("version %s of data asset %q", d.Version, d.DataAsset), "dataStore, path and type", fmt.Sprint(d.DataStore, "/", d.Path, d.Type))
		}
	}
	for _, name := range sorted(v.m.DataOutputs) {
		d := v.m.DataOutputs[name]
		store("dataOutputs."+name, d.DataStore, d.CredentialInStore, d.StorageAccount, d.Container)
	}
}

// identities refuses a cluster without a managed identity where the seed's table needs one to mount.
func (v *validator) identities() {
	endpoints := v.m.EffectiveEndpoints()
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		c, ok := v.m.Clusters[e.Cluster]
		if !ok || c.Existing || c.EffectiveIdentity() != NoIdentity {
			continue
		}
		for _, input := range e.Inputs {
			d, ok := v.m.DataInputs[input]
			if unknown := d.InWorkspace() && d.CredentialInStore == nil; ok && !unknown && d.Mechanism() != ByStoreCredential {
				v.add("clusters."+e.Cluster+".identity", "give it systemAssigned or userAssigned", "is none, but the cluster identity mounts %s for endpoint %s", input, name)
			}
		}
		for _, output := range e.Outputs {
			if d, ok := v.m.DataOutputs[output]; ok && d.byIdentity() {
				v.add("clusters."+e.Cluster+".identity", "give it systemAssigned or userAssigned", "is none, but the cluster identity mounts %s for endpoint %s", output, name)
			}
		}
	}
}

// IsContainerName reports whether a storage container (or file system) may have the name.
func IsContainerName(name string) bool {
	return len(name) >= 3 && len(name) <= 63 && containerForm.MatchString(name)
}
