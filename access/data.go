package access

import (
	"cmp"

	"github.com/batchaccess/batchaccess/roles"
)

// An InputKind is a row of the article's table: the kind of thing that a job reads.
type InputKind string

// The kinds of data inputs.
const (
	DataStore InputKind = "dataStore"
	DataAsset InputKind = "dataAsset"
	Blob      InputKind = "blob"
	ADLSGen1  InputKind = "adlsGen1"
	ADLSGen2  InputKind = "adlsGen2"
	// Public is data that anyone may read without signing in, such as the article's own example.
	Public InputKind = "public"
)

// inputKinds are the kinds that a model may declare. ADLSGen1 is known, and refused.
var inputKinds = []string{string(DataStore), string(DataAsset), string(Blob), string(ADLSGen2), string(Public)}

// A Mechanism is what gives access to the data of an input.
type Mechanism string

// The mechanisms of the article's column "Access granted by".
const (
	ByStoreCredential Mechanism = "credential in store" // access key or SAS: nothing to grant
	ByRBAC            Mechanism = "rbac"                // role assignments
	ByACL             Mechanism = "acl"                 // POSIX ACLs of the file system
	// ByAnyone is anonymous access, which takes no role (facts/batch-endpoints.md: the article's public sample; that
	// neither cluster nor invoker needs a role is inferred).
	ByAnyone Mechanism = "anonymous access"
)

// credential is one row of the article's table.
type credential struct {
	kind       InputKind
	inStore    bool // the store holds a credential; only where store is set
	store      bool // the input lies in a data store of the workspace, which may hold a credential
	mechanisms []Mechanism
}

// The article's table, row by row. Where the mechanism is not the store's own credential, two identities need access:
// the cluster identity mounts, the job identity (the invoker) reads.
var credentials = []credential{
	{DataStore, true, true, []Mechanism{ByStoreCredential}},
	{DataAsset, true, true, []Mechanism{ByStoreCredential}},
	{DataStore, false, true, []Mechanism{ByRBAC}},
	{DataAsset, false, true, []Mechanism{ByRBAC}},
	{Blob, false, false, []Mechanism{ByRBAC}},
	{ADLSGen1, false, false, []Mechanism{ByACL}}, // the service was retired on 2024-02-29
	{ADLSGen2, false, false, []Mechanism{ByRBAC, ByACL}},
	{Public, false, false, []Mechanism{ByAnyone}}, // not in the article's table, but in its example
}

func rowOf(kind InputKind, inStore bool) (credential, bool) {
	for _, row := range credentials {
		if row.kind == kind && row.inStore == inStore {
			return row, true
		}
	}
	return credential{}, false
}

// A DataInput is what a job reads.
type DataInput struct {
	// Kind is dataStore, dataAsset, blob, adlsGen2 or public. Required. Azure retired adlsGen1 on 2024-02-29: it is
	// refused.
	Kind InputKind `pulumi:"kind"`
	// CredentialInStore says whether the data store holds a credential, such as an access key or SAS. It is for dataStore
	// and dataAsset, and has no meaning for the other kinds. Default: what the workspace answers.
	CredentialInStore *bool `pulumi:"credentialInStore,optional"`
	// StorageAccount is the name, in this model, of the account that holds the data. Required where identities read; for a
	// data store, default: what the workspace answers.
	StorageAccount string `pulumi:"storageAccount,optional"`
	// Container (file system, for adlsGen2) that holds the data. Required for blob and adlsGen2.
	Container string `pulumi:"container,optional"`
	// Path of the data in the container or data store. Required for dataStore; default for the others: all of it, and for
	// a dataAsset whose scope is path, what the workspace answers.
	Path string `pulumi:"path,optional"`
	// DataStore is the name of the data store in the workspace. Required for dataStore; for dataAsset, default: what the
	// workspace answers.
	DataStore string `pulumi:"dataStore,optional"`
	// DataAsset is the name of the data asset. Required for dataAsset.
	DataAsset string `pulumi:"dataAsset,optional"`
	// Version of the data asset. Required for dataAsset.
	Version string `pulumi:"version,optional"`
	// URL of public data: https, in a container that anyone may read. Required for public.
	URL string `pulumi:"url,optional"`
	// Type is folder or file. Default: folder.
	Type string `pulumi:"type,optional"`
	// Scope of the reader grants: path, container or account. With path, they are made at the container, with a
	// condition that allows only Path and what lies below it; see StorageAccountKinds. Default: container where one is
	// named, else account.
	Scope Level `pulumi:"scope,optional"`
	// GrantedBy is rbac or, for adlsGen2 alone, acl: then the stack assigns no role, and the user sets the POSIX ACLs.
	// Default: rbac.
	GrantedBy Mechanism `pulumi:"grantedBy,optional"`
	// Owner is the person or team that answers for it: free text of one line, at most 200 characters. explain and
	// review show it; it is not sent to Azure. Default: none.
	Owner string `pulumi:"owner,optional"`
}

// InWorkspace reports whether the input is named by something in the workspace, so that the workspace can be asked
// about it.
func (d DataInput) InWorkspace() bool { return d.Kind == DataStore || d.Kind == DataAsset }

// LimitedWithin reports whether grants are limited to where a data asset lies, and the workspace has to say where.
func (d DataInput) LimitedWithin() bool {
	return d.Kind == DataAsset && d.Scope == AtPath && d.Path == ""
}

// Mechanism returns what gives access to the data: the article's table, and the user's choice where it leaves one.
func (d DataInput) Mechanism() Mechanism {
	row, ok := rowOf(d.Kind, d.CredentialInStore != nil && *d.CredentialInStore)
	if !ok {
		return ""
	}
	return cmp.Or(d.GrantedBy, row.mechanisms[0])
}

// byIdentity reports whether identities access the data, so that the cluster's and the job's identity both need access.
func (d DataInput) byIdentity() bool { return d.Mechanism() == ByRBAC || d.Mechanism() == ByACL }

// scope is where the roles of readers or writers are assigned.
func (d DataInput) scope() Scope { return storageScope(d.StorageAccount, d.Container, d.Scope) }

// limit is the path that grants are limited to; "" where they are not limited.
func (d DataInput) limit() string {
	if d.Scope != AtPath {
		return ""
	}
	return d.place(nil).limit()
}

func (d DataInput) place(kinds map[string]roles.AccountKind) Place {
	return Place{d.StorageAccount, d.Container, d.Path, d.Type == "file", kinds[d.StorageAccount],
		d.Kind == DataAsset && d.Path == ""}
}

// A DataOutput is a Blob data store that jobs write to; batch endpoints write nowhere else. No document states who
// writes. It is inferred from the article's table for inputs: the cluster identity mounts, the job identity writes, and
// both need to write.
type DataOutput struct {
	// DataStore is the name of the data store in the workspace. Required.
	DataStore string `pulumi:"dataStore"`
	// CredentialInStore says whether the data store holds an access key or SAS; then nothing is granted. Default: what the
	// workspace answers.
	CredentialInStore *bool `pulumi:"credentialInStore,optional"`
	// Path in the data store that jobs write to. Required.
	Path string `pulumi:"path"`
	// StorageAccount is the name, in this model, of the account that the data store is on. Default: what the workspace
	// answers.
	StorageAccount string `pulumi:"storageAccount,optional"`
	// Container that the data store is on. Default: what the workspace answers.
	Container string `pulumi:"container,optional"`
	// Scope of the grants: container or account, with Storage Blob Data Contributor; or path, with a custom role that
	// reads, writes, moves and deletes blobs and can't delete the container. Default: container where one is named,
	// else account.
	Scope Level `pulumi:"scope,optional"`
	// Owner is the person or team that answers for it: free text of one line, at most 200 characters. explain and
	// review show it; it is not sent to Azure. Default: none.
	Owner string `pulumi:"owner,optional"`
}

// data returns the output as an input of kind dataStore.
func (d DataOutput) data() DataInput {
	return DataInput{
		Kind: DataStore, CredentialInStore: d.CredentialInStore, StorageAccount: d.StorageAccount, Container: d.Container,
		Path: d.Path, DataStore: d.DataStore, Scope: d.Scope,
	}
}

// storageRoles are the permissions of the storage roles that this package grants.
var storageRoles = map[string]roles.Permissions{
	roles.StorageBlobDataReader:                mustBuiltIn(roles.StorageBlobDataReader),
	roles.StorageBlobDataContributor:           mustBuiltIn(roles.StorageBlobDataContributor),
	roles.StorageBlobPathWriter:                roles.PathWriter().Permissions,
	roles.StorageFileDataPrivilegedContributor: mustBuiltIn(roles.StorageFileDataPrivilegedContributor),
	roles.StorageTableDataContributor:          mustBuiltIn(roles.StorageTableDataContributor),
	roles.StorageQueueDataContributor:          mustBuiltIn(roles.StorageQueueDataContributor),
}

// storageRoleMay says which storage role allows which data action, and which reads containers. It is worked out once,
// since every hop of every path asks for it.
var storageRoleMay = func() map[string]map[string]bool {
	may := map[string]map[string]bool{}
	for name, permissions := range storageRoles {
		may[name] = map[string]bool{roles.ReadContainers: permissions.Action(roles.ReadContainers).Allowed}
		for _, action := range []string{roles.ReadBlobs, roles.WriteBlobs} {
			may[name][action] = permissions.DataAction(action).Allowed
		}
	}
	return may
}()

func mustBuiltIn(name string) roles.Permissions {
	d, ok := roles.BuiltIn(name)
	if !ok {
		panic("access: no built-in role " + name)
	}
	return d.Permissions
}
