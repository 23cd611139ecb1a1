package tests

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// storageAssignments lists role, scope and principal of the assignments on storage, sorted.
func storageAssignments(r *recorder) []string {
	roleNames := map[any]string{roleIDs + readerGUID: "read", roleIDs + contributorGUID: "write"}
	var all []string
	for _, a := range r.ofType(roleAssignment) {
		if a.at("scope") != workspaceID {
			all = append(all, roleNames[a.at("roleDefinitionId")]+" "+a.at("scope").(string)+" "+a.at("principalId").(string))
		}
	}
	slices.Sort(all)
	return all
}

func TestEachKindOfInputCostsExactlyItsGrants(t *testing.T) {
	t.Parallel()
	cluster := guidOf("system", cpuID)
	both := func(role, scope string) []string {
		all := []string{role + " " + scope + " " + cluster, role + " " + scope + " " + alice}
		slices.Sort(all)
		return all
	}
	container := lakeID + "/blobServices/default/containers/raw"
	for name, c := range map[string]struct {
		input access.DataInput
		want  []string
	}{
		"data store with a credential": {access.DataInput{Kind: access.DataStore, DataStore: "s", CredentialInStore: yes(),
			Path: "p"}, nil},
		"data asset with a credential": {access.DataInput{Kind: access.DataAsset, DataStore: "s", DataAsset: "a",
			Version: "1", CredentialInStore: yes()}, nil},
		"data store without": {access.DataInput{Kind: access.DataStore, DataStore: "s", CredentialInStore: no(), Path: "p",
			StorageAccount: "lake", Container: "raw"}, both("read", container)},
		"data store without, no container": {access.DataInput{Kind: access.DataStore, DataStore: "s", CredentialInStore: no(),
			Path: "p", StorageAccount: "lake"}, both("read", lakeID)},
		"data asset without": {access.DataInput{Kind: access.DataAsset, DataStore: "s", DataAsset: "a", Version: "1",
			CredentialInStore: no(), StorageAccount: "lake", Container: "raw"}, both("read", container)},
		"blob": {access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"}, both("read", container)},
		"blob, granted at the account": {access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw",
			Scope: access.AtAccount}, both("read", lakeID)},
		"gen2 by RBAC": {access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw",
			GrantedBy: access.ByRBAC}, both("read", container)},
		"gen2 by default": {access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw"},
			both("read", container)},
		"gen2 by ACL": {access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw",
			GrantedBy: access.ByACL}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, batchEndpointAccess(components.BatchEndpointAccessArgs{
				WorkspaceID:     pulumi.String(workspaceID),
				Invokers:        map[string]components.InvokerArgs{"alice": {Kind: access.User, ObjectID: pulumi.String(alice)}},
				Clusters:        map[string]components.ClusterArgs{"cpu": {}},
				StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
				DataInputs:      map[string]access.DataInput{"in": c.input},
			}))
			assert.Equal(t, c.want, storageAssignments(r))
		})
	}
}

func TestOutputsCostContributorsAndReadersOfTheSameContainerNoMore(t *testing.T) {
	t.Parallel()
	container := lakeID + "/blobServices/default/containers/raw"
	args := func(inStore *bool) components.BatchEndpointAccessArgs {
		return components.BatchEndpointAccessArgs{
			WorkspaceID:     pulumi.String(workspaceID),
			Invokers:        map[string]components.InvokerArgs{"alice": {Kind: access.User, ObjectID: pulumi.String(alice)}},
			Clusters:        map[string]components.ClusterArgs{"cpu": {}},
			StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
			DataInputs:      map[string]access.DataInput{"in": {Kind: access.Blob, StorageAccount: "lake", Container: "raw"}},
			DataOutputs: map[string]access.DataOutput{"out": {DataStore: "s", CredentialInStore: inStore, Path: "p",
				StorageAccount: "lake", Container: "raw"}},
		}
	}
	of := func(role string) []string {
		all := []string{role + " " + container + " " + guidOf("system", cpuID), role + " " + container + " " + alice}
		slices.Sort(all)
		return all
	}
	assert.Equal(t, of("write"), storageAssignments(run(t, batchEndpointAccess(args(no())))),
		"who writes there may read there")
	assert.Equal(t, of("read"), storageAssignments(run(t, batchEndpointAccess(args(yes())))),
		"the store's credential writes")
}

func TestExistingClusterIsGrantedByItsLookedUpIdentity(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	r.computes = existingCompute("old")
	r.run(batchEndpointAccess(components.BatchEndpointAccessArgs{
		WorkspaceID:     pulumi.String(workspaceID),
		Invokers:        map[string]components.InvokerArgs{"alice": {Kind: access.User, ObjectID: pulumi.String(alice)}},
		Clusters:        map[string]components.ClusterArgs{"old": {Existing: true}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
		DataInputs:      map[string]access.DataInput{"in": {Kind: access.Blob, StorageAccount: "lake", Container: "raw"}},
	}))
	a := r.one(roleAssignment, "access.lake.raw.reader.cluster.old")
	assert.Equal(t, existingMI, a.at("principalId"))
	assert.Equal(t, map[string]any{"old": existingMI}, r.output("clusterPrincipalIds"))
}
