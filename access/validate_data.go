package access

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

func (v *validator) clusters() {
	renamed(v, "clusters", v.m.Clusters, func(c Cluster) string { return c.Was })
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

func (v *validator) cluster(path string, c Cluster) {
	if !computeForm.MatchString(c.ComputeName) {
		v.add(path+".computeName", "use 3 to 32 letters, digits and hyphens, beginning with a letter",
			"%q (%d characters) can't name a compute cluster", c.ComputeName, len(c.ComputeName))
	}
	if c.Existing {
		if c.Identity != "" || c.UserAssignedIdentityID.Given() || len(c.MoreIdentityIDs) > 0 {
			v.add(path, "leave out identity, userAssignedIdentityId and moreIdentityIds: they are looked up",
				"an existing cluster keeps the identity that it has")
		}
		v.guid(path+".principalId", c.PrincipalID, "write the object ID of the cluster's identity, or leave it out: it is "+
			"looked up")
		return
	}
	if c.PrincipalID.Given() {
		v.add(path+".principalId", "leave it out, or say existing: true", "only goes with a cluster that exists")
	}
	if c.Identity == BothAssigned { // facts/compute-clusters.md
		v.add(path+".identity", "write systemAssigned or userAssigned",
			"a compute cluster takes a system-assigned identity or user-assigned ones, and Azure does not support both at once")
	} else if c.Identity != "" {
		v.oneOf(path+".identity", string(c.Identity), clusterIdentities)
	}
	if c.UserAssignedIdentityID.Given() {
		v.armID(path+".userAssignedIdentityId", c.UserAssignedIdentityID, arm.UserAssignedIdentity)
		if id := c.EffectiveIdentity(); id != UserAssigned && id != BothAssigned {
			v.add(path+".userAssignedIdentityId", "set identity to userAssigned", "is given, but identity is %s", id)
		}
	}
	v.moreIdentities(path, c)
}

// moreIdentities checks the further user-assigned identities of a cluster.
func (v *validator) moreIdentities(path string, c Cluster) {
	if len(c.MoreIdentityIDs) == 0 {
		return
	}
	if id := c.EffectiveIdentity(); id != UserAssigned {
		v.add(path+".moreIdentityIds", "set identity to userAssigned", "is given, but identity is %s", id)
		return
	}
	seen := map[any]string{}
	for _, key := range idKey("ARM ID", "", c.UserAssignedIdentityID) {
		seen[key.of] = "userAssignedIdentityId"
	}
	for i, id := range c.MoreIdentityIDs {
		name := fmt.Sprintf("moreIdentityIds[%d]", i)
		at := path + "." + name
		if !id.Given() || !id.Later() && id.Text() == "" {
			v.add(at, "write the ARM ID of an identity, or take the line out", "is empty")
			continue
		}
		v.armID(at, id, arm.UserAssignedIdentity)
		if p, wrong := arm.CheckDefaultIdentity(c.UserAssignedIdentityID.Text(), id.Text()); wrong {
			v.add(at, p.Fix, "%s", p.What)
		}
		for _, key := range idKey("ARM ID", "", id) {
			if other := seen[key.of]; other != "" {
				v.add(at, "keep one of the two", "is the same identity as %s", other)
			}
			seen[key.of] = name
		}
	}
	v.warn(path+".moreIdentityIds", "give them no more than every job on the cluster may do",
		"the code of any job on this cluster can sign in as each of these identities; no report of this stack shows what "+
			"they may do")
}

func (v *validator) storageAccounts() {
	const were = "storageAccountsWere" // which are not in the same map as the accounts
	for _, name := range sorted(v.m.StorageAccountsWere) {
		v.refers(were+"."+name, name, "storage account", keysOf(v.m.StorageAccounts))
		if v.m.StorageAccountsWere[name] == "" {
			v.add(were+"."+name, "write the name that the account had before, or take the line out", "is empty")
		}
	}
	v.earlier("storageAccounts", sorted(v.m.StorageAccounts), func(name string) string {
		return v.m.StorageAccountsWere[name]
	}, func(name string) string { return were + "." + name })
	v.accountKinds()
	seen := map[any]string{} // the path of each, by its ID or its source
	for _, name := range sorted(v.m.StorageAccounts) {
		path, id := "storageAccounts."+name, v.m.StorageAccounts[name]
		v.name(path, name)
		v.onceNamed(path, id, arm.StorageAccount, "account", seen)
	}
}

// onceNamed checks the ARM ID of something that may have only one name in the model. seen holds the paths of the IDs
// before it. It reports whether an ID is given.
func (v *validator) onceNamed(path string, id ID, resourceType, what string, seen map[any]string) bool {
	if !id.Given() {
		v.add(path, "write its ARM ID, or leave it out", "is empty")
		return false
	}
	v.armID(path, id, resourceType)
	for _, k := range idKey("ARM ID", "", id) {
		if other := seen[k.of]; other != "" {
			v.add(path, "keep one of the two", "is the same %s as %s", what, other)
		}
		seen[k.of] = path
	}
	return true
}

func (v *validator) dataInputs() {
	read := map[string]bool{}
	for _, j := range v.jobs {
		for _, l := range j.inputs {
			read[l.data] = true
		}
	}
	for _, name := range sorted(v.m.DataInputs) {
		path := "dataInputs." + name
		d := v.m.DataInputs[name]
		v.name(path, name)
		if d.Kind == ADLSGen1 {
			v.add(path+".kind", "move the data to Azure Data Lake Storage Gen2 and use adlsGen2",
				"Azure Data Lake Storage Gen1 was retired on 2024-02-29")
			continue
		}
		if !v.oneOf(path+".kind", string(d.Kind), inputKinds) {
			continue
		}
		v.dataInput(path, d)
		if !read[name] {
			v.warn(path, "name it in the inputs of an endpoint, or leave it out",
				"no endpoint reads it, so nothing is granted for it")
		}
	}
}

func (v *validator) dataInput(path string, d DataInput) {
	v.inStore(path, d)
	if d.Kind == DataStore {
		v.pathGiven(path, d.Path)
	}
	v.inLake(path, d)
	if d.Type != "" {
		v.oneOf(path+".type", d.Type, []string{"folder", "file"})
	}
	if d.GrantedBy != "" && (d.Kind != ADLSGen2 || d.GrantedBy != ByRBAC && d.GrantedBy != ByACL) {
		v.add(path+".grantedBy", "leave it out; adlsGen2 alone has the choice of rbac and acl", "unknown value %q for %s",
			d.GrantedBy, d.Kind)
	}
	if d.Kind == Public {
		v.public(path, d)
		return
	}
	if d.URL != "" {
		v.add(path+".url", "leave it out, or choose kind: public", "means nothing for %s", d.Kind)
	}
	v.location(path, d.StorageAccount, d.Container, d.Scope, d.Mechanism() != ByStoreCredential, !d.InWorkspace())
	v.limited(path, d)
}

// public checks data that anyone may read: the URL alone says where it is.
func (v *validator) public(path string, d DataInput) {
	if d.URL == "" {
		v.add(path+".url", "write the https URL of a file or folder in a container that anyone may read", "is missing")
	} else if p, wrong := arm.CheckDataURL(d.URL); wrong {
		v.add(path+".url", p.Fix, "%s", p.What)
	} else {
		v.publicHost(path, d.URL)
	}
	for _, given := range []struct{ key, value string }{
		{"storageAccount", d.StorageAccount}, {"container", d.Container}, {"path", d.Path}, {"scope", string(d.Scope)},
	} {
		if given.value != "" {
			v.add(path+"."+given.key, "leave it out: the URL says where public data is", "means nothing for %s", d.Kind)
		}
	}
}

// publicHost warns of a host that is not in the storage of the stack's cloud: jobs are documented to read from there
// (facts/batch-endpoints.md, Inputs and outputs). Custom domains can be names of that storage too.
func (v *validator) publicHost(path, address string) {
	here, known := cloud.ByEnvironment(v.m.Environment)
	if there, is := cloud.ByStorageURL(address); !known || is && there.Name == here.Name {
		return
	}
	v.warn(path+".url", "write the URL of a blob or a folder in an account of *.blob."+here.Storage+" or *.dfs."+
		here.Storage, "is at no storage account of this cloud, so it is not known whether jobs can read it")
}

// inLake checks names of things in a store or a workspace: each is one segment of a longer text, or a path.
func (v *validator) inLake(path string, d DataInput) {
	for _, name := range []struct{ key, value, fix string }{
		{"dataStore", d.DataStore, "write the name of the data store alone: letters, digits and underscores"},
		{"dataAsset", d.DataAsset, "write the name of the data asset alone, and its version as version"},
	} {
		if name.value != "" && !assetForm.MatchString(name.value) {
			v.add(path+"."+name.key, name.fix, "%q is not a name in the workspace", name.value)
		}
	}
	if d.Version != "" {
		if p, wrong := arm.CheckAssetVersion(d.Version); wrong {
			v.add(path+".version", p.Fix, "%s", p.What)
		}
	}
	v.path(path+".path", d.Path)
}

// path checks a path in a container or data store, which becomes a part of a URI. A text that is no path is one
// problem; each thing that a path can't hold is one of its own.
func (v *validator) path(at, p string) {
	const inside = "write the path inside the container or data store alone"
	read, err := url.PathUnescape(p)
	read = cmp.Or(read, p)
	parts := strings.Split(strings.Trim(read, "/"), "/")
	switch {
	case p == "":
		return
	case strings.Contains(p, "://") || strings.HasPrefix(strings.ToLower(p), "azureml:"):
		v.add(at, inside, "%q is a URI", p)
		return
	case strings.HasPrefix(strings.ToLower(strings.TrimPrefix(p, "/")), "subscriptions/") &&
		strings.Contains(strings.ToLower(p), "/providers/"):
		v.add(at, inside, "%q is an ARM ID", p)
		return
	}
	for _, fault := range []struct {
		is        bool
		fix, says string
	}{
		{strings.Contains(read, `\`), "write / between folders", "holds a backslash"},
		{strings.ContainsFunc(read, unicode.IsControl), "leave it out of the path", "holds a control character"},
		{strings.ContainsAny(p, "?#"), "leave out what comes after it: a SAS would be a secret in plain text; a name " +
			"that holds one can't be read by its path", "holds ? or #"},
		{err != nil, "write % as %25", "holds a % that begins no escape"},
		{slices.ContainsFunc(parts, func(part string) bool { return part == "." || part == ".." }),
			"write the path from the top of the container, without . and ..", "leaves its folder"},
		{strings.Contains(strings.TrimSuffix(strings.TrimPrefix(p, "/"), "/"), "//") || strings.HasPrefix(p, "//"),
			"write one / between folders", "holds a folder without a name"},
		{strings.Contains(p, "*"), "write the folder: a job reads all that is in it",
			"holds a wildcard, which no input takes"},
		{strings.TrimFunc(p, func(r rune) bool { return unicode.IsSpace(r) && !unicode.IsControl(r) }) != p, "take it off",
			"begins or ends with a space"},
	} {
		if fault.is {
			v.add(at, fault.fix, "%q %s", p, fault.says)
		}
	}
}

// inStore checks the fields that only data stores and data assets have.
func (v *validator) inStore(path string, d DataInput) {
	store := d.InWorkspace()
	asset := d.DataAsset != "" && d.Version != ""
	for _, field := range []struct {
		key          string
		given, wants bool
		known        bool // the workspace can be asked, by the other fields
		fix          string
	}{
		{"credentialInStore", d.CredentialInStore != nil, store, d.DataStore != "" || asset,
			"say true if the data store holds an access key or SAS, false if not"},
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
		d := v.m.DataOutputs[name].data()
		v.name(path, name)
		if d.DataStore == "" {
			v.add(path+".dataStore", "write the name of a Blob data store in the workspace: batch endpoints write nowhere else",
				"is missing")
		}
		if d.CredentialInStore == nil && d.DataStore != "" {
			v.lookUp(path+".credentialInStore", "say true if the data store holds an access key or SAS, false if not",
				"is missing")
		}
		v.pathGiven(path, d.Path)
		v.inLake(path, d)
		v.location(path, d.StorageAccount, d.Container, d.Scope, d.CredentialInStore != nil && d.byIdentity(), false)
		v.limited(path, d)
	}
}

// pathGiven checks the path in a data store. A job names its data as <data store>/paths/<path>.
func (v *validator) pathGiven(path, in string) {
	if strings.Trim(in, "/") == "" {
		v.add(path+".path", "write the path of the data in the data store", "is missing")
	}
}

// location checks where data lies. Identities need the account; a URL needs the container too.
func (v *validator) location(path, account, container string, scope Level, byIdentity, byURL bool) {
	switch {
	case account != "":
		v.refers(path+".storageAccount", account, "storage account", keysOf(v.m.StorageAccounts))
	case byIdentity && !byURL:
		v.lookUp(path+".storageAccount", "name one of storageAccounts: identities access it, so they need a role on it",
			"is missing")
	case byIdentity:
		v.add(path+".storageAccount", "name one of storageAccounts: identities access it, so they need a role on it",
			"is missing")
	}
	switch {
	case container == "" && byURL:
		v.add(path+".container", "write the container (file system) that holds the data", "is missing")
	case container == "" && (scope == AtContainer || scope == AtPath):
		v.add(path+".container", "write the container that holds the data, or set scope to account",
			"is missing, but scope is %s", scope)
	case container != "" && !arm.IsContainerName(container):
		v.add(path+".container", "use 3 to 63 lower-case letters, digits and single hyphens",
			"%q is not the name of a container", container)
	}
	if scope != "" {
		v.oneOf(path+".scope", string(scope), []string{string(AtPath), string(AtContainer), string(AtAccount)})
	}
}

func (v *validator) endpoints() {
	oneCase(v, "endpoints", "endpoint", v.m.Endpoints)
	for _, name := range sorted(v.m.Endpoints) {
		path := "endpoints." + name
		e := v.m.Endpoints[name]
		if !arm.IsEndpointName(name) {
			v.add(path, "write the endpoint's name in the workspace: 3 to 32 letters, digits and single hyphens, beginning "+
				"with a letter",
				"%q is not the name of a batch endpoint", name)
		}
		v.deployments(path, e)
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
		if e.Invokers != nil && len(e.Invokers) == 0 {
			v.warn(path+".invokers", "name those who are to start jobs on it, or leave invokers out for every invoker",
				"names nobody, so nobody gets its data")
		}
	}
	v.mounts()
	v.stores()
}

// oneCase refuses names that differ only in letter case: Resource Manager takes them as one name.
func oneCase[V any](v *validator, path, what string, all map[string]V) {
	seen := map[string]string{}
	for _, name := range sorted(all) {
		if other, is := seen[strings.ToLower(name)]; is {
			v.AddCode(problem.Contradiction, path+"."+name, "keep one of the two, as it is called in Azure",
				"is the same %s as %s.%s: letter case makes no difference there", what, path, other)
		}
		seen[strings.ToLower(name)] = name
	}
}

// deployments checks the deployments of an endpoint and their clusters.
func (v *validator) deployments(path string, e Endpoint) {
	cluster := func(path, name string) {
		if name == "" {
			v.lookUp(path+".cluster", "name the cluster that its deployment runs on", "is missing")
		} else {
			v.refers(path+".cluster", name, "cluster", keysOf(v.m.Clusters))
		}
	}
	deployment := func(path, name string) {
		if !arm.IsEndpointName(name) {
			v.add(path, "write the deployment's name: 3 to 32 letters, digits and single hyphens, beginning with a letter",
				"%q is not the name of a deployment", name)
		}
	}
	if e.Deployments == nil {
		cluster(path, e.Cluster)
		if e.Deployment != "" {
			deployment(path+".deployment", e.Deployment)
		}
		return
	}
	oneCase(v, path+".deployments", "deployment", e.Deployments)
	if len(e.Deployments) == 0 {
		v.add(path+".deployments", "name the endpoint's deployments, or leave it out and write cluster", "is empty")
	}
	if e.Cluster != "" {
		v.add(path+".cluster", "leave it out: each of deployments names its cluster", "does not go with deployments")
	}
	for _, name := range sorted(e.Deployments) {
		at := path + ".deployments." + name
		deployment(at, name)
		cluster(at, e.Deployments[name].Cluster)
	}
	if e.Deployment != "" {
		v.refers(path+".deployment", e.Deployment, "deployment of the endpoint", keysOf(e.Deployments))
	}
}

// stores refuses two contradicting descriptions of one data store or one data asset.
func (v *validator) stores() {
	seen := map[string]string{} // from the store or asset to its description
	check := func(path, what, fields, description string) {
		if other, again := seen[strings.ToLower(what)]; again && other != description {
			v.add(path, "give "+fields+" alike", "%s is described in another way before", what)
		}
		seen[strings.ToLower(what)] = description
	}
	store := func(path, name string, inStore *bool, account, container string) {
		if name != "" && inStore != nil {
			check(path+".dataStore", fmt.Sprintf("data store %q", name), "credentialInStore, storageAccount and container",
				fmt.Sprint(*inStore, account, container))
		}
	}
	for _, name := range sorted(v.m.DataInputs) {
		path, d := "dataInputs."+name, v.m.DataInputs[name]
		store(path, d.DataStore, d.CredentialInStore, d.StorageAccount, d.Container)
		if d.DataAsset != "" {
			check(path+".dataAsset", fmt.Sprintf("version %s of data asset %q", d.Version, d.DataAsset),
				"dataStore, path and type", fmt.Sprint(d.DataStore, "/", d.Path, d.Type))
		}
	}
	for _, name := range sorted(v.m.DataOutputs) {
		d := v.m.DataOutputs[name]
		store("dataOutputs."+name, d.DataStore, d.CredentialInStore, d.StorageAccount, d.Container)
	}
}

// mounts refuses a cluster without a managed identity if the article's table says that its identity mounts data.
func (v *validator) mounts() {
	for _, j := range v.jobs {
		c, ok := v.m.Clusters[j.cluster.Name]
		if !ok || c.Existing || c.EffectiveIdentity() != NoIdentity {
			continue
		}
		for _, l := range slices.Concat(j.inputs, j.outputs) {
			if l.byIdentity() && !l.lookedUp {
				v.add("clusters."+j.cluster.Name+".identity", "give it systemAssigned or userAssigned",
					"is none, but the cluster identity mounts %s for endpoint %s", l.data, target(j.endpoint, j.deployment))
			}
		}
	}
}
