package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

var alice = access.Known("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa")

// simple is a model of one invoker, one cluster and one input.
func simple(input access.DataInput) access.Model {
	return access.Model{
		WorkspaceID:     workspaceID,
		Invokers:        map[string]access.Invoker{"alice": {Kind: access.User, PrincipalID: alice}},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
		DataInputs:      map[string]access.DataInput{"in": input},
		Endpoints:       map[string]access.Endpoint{"scorer": {Cluster: "cpu", Inputs: []string{"in"}}},
	}
}

// Each row of the article's table, with its grants and its readers.
func TestRowsOfTheCredentialTable(t *testing.T) {
	t.Parallel()
	role := access.Grant{Principal: access.InvokerPrincipal("alice"), Role: "Batch Endpoint Invoker",
		Scope: access.Scope{Level: "workspace"}, Reasons: []string{"start jobs"}}
	reader := func(scope access.Scope) []access.Grant {
		return []access.Grant{
			role,
			{Principal: access.InvokerPrincipal("alice"), Role: "Storage Blob Data Reader", Scope: scope,
				Reasons: []string{"read in through scorer"}},
			{Principal: access.ClusterPrincipal("cpu"), Role: "Storage Blob Data Reader", Scope: scope,
				Reasons: []string{"mount in for scorer"}},
		}
	}
	container, account := access.Scope{Level: "container", StorageAccount: "lake",
		Container: "raw"}, access.Scope{Level: "account", StorageAccount: "lake"}
	only := []access.Grant{role}
	for name, c := range map[string]struct {
		input     access.DataInput
		mechanism access.Mechanism
		grants    []access.Grant
		hops      []access.HopKind
	}{
		"data store, credential": {access.DataInput{Kind: access.DataStore, CredentialInStore: boolPtr(true), DataStore: "s",
			Path: "p"}, access.ByStoreCredential, only,
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.ReadHop}},
		"data asset, credential": {access.DataInput{Kind: access.DataAsset, CredentialInStore: boolPtr(true), DataStore: "s",
			DataAsset: "a", Version: "1"}, access.ByStoreCredential, only,
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.ReadHop}},
		"data store, none": {access.DataInput{Kind: access.DataStore, CredentialInStore: boolPtr(false), DataStore: "s",
			Path: "p", StorageAccount: "lake", Container: "raw"}, access.ByRBAC, reader(container),
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
		"data asset, none": {access.DataInput{Kind: access.DataAsset, CredentialInStore: boolPtr(false), DataStore: "s",
			DataAsset: "a", Version: "1", StorageAccount: "lake"}, access.ByRBAC, reader(account),
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
		"blob": {access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"}, access.ByRBAC,
			reader(container),
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
		"blob at the account": {access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw",
			Scope: access.AtAccount}, access.ByRBAC, reader(account),
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
		"gen2": {access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw"}, access.ByRBAC,
			reader(container),
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
		"gen2 by ACL": {access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw",
			GrantedBy: access.ByACL}, access.ByACL, only,
			[]access.HopKind{access.TokenHop, access.InvokeHop, access.MountHop, access.ReadHop}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := simple(c.input)
			require.NoError(t, validate(m).Err())
			assert.Equal(t, c.mechanism, c.input.Mechanism())
			assert.Equal(t, c.grants, compile(m).Grants)
			paths := compile(m).Paths()
			require.Len(t, paths, 1)
			assert.True(t, paths[0].Works())
			var kinds []access.HopKind
			for _, hop := range paths[0].Hops {
				kinds = append(kinds, hop.Kind)
			}
			assert.Equal(t, c.hops, kinds)
		})
	}
	assert.Equal(t, access.ByACL, access.DataInput{Kind: access.ADLSGen1}.Mechanism(), "known, though refused")
	assert.Empty(t, access.DataInput{Kind: "mltable"}.Mechanism())
}

func TestOutputsAreWrittenByBothIdentities(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"})
	m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "s", CredentialInStore: boolPtr(false), Path: "p",
		StorageAccount: "lake", Container: "raw"}}
	m.Endpoints["scorer"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"in"}, Outputs: []string{"out"}}
	scope := access.Scope{Level: "container", StorageAccount: "lake", Container: "raw"}
	assert.Equal(t, []access.Grant{
		{Principal: access.InvokerPrincipal("alice"), Role: "Batch Endpoint Invoker", Scope: access.Scope{Level: "workspace"},
			Reasons: []string{"start jobs"}},
		{Principal: access.InvokerPrincipal("alice"), Role: "Storage Blob Data Contributor", Scope: scope,
			Reasons: []string{"write out through scorer", "read in through scorer"}},
		{Principal: access.ClusterPrincipal("cpu"), Role: "Storage Blob Data Contributor", Scope: scope,
			Reasons: []string{"mount out for scorer", "mount in for scorer"}},
	}, compile(m).Grants, "who writes there reads there")
}

func TestOfTwoGrantsThatAllowTheSameTheFirstIsNamed(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw", Scope: access.AtAccount})
	first := access.Grant{Principal: access.InvokerPrincipal("alice"), Role: roles.StorageBlobDataContributor,
		Scope: access.Scope{Level: "container", StorageAccount: "lake", Container: "raw"}}
	grants := append([]access.Grant{first}, compile(m).Grants...)
	for _, p := range compile(m).PathsWith(grants) {
		require.True(t, p.Works())
		assert.Equal(t, first.String(), p.Hops[len(p.Hops)-1].GivenBy)
	}
}

func TestExplainSaysWhereAPathFails(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"})
	grants := compile(m).Grants
	for name, c := range map[string]struct {
		without  access.Principal
		role     string
		kind     access.HopKind
		identity string
		missing  string
	}{
		"the role": {access.InvokerPrincipal("alice"), "Batch Endpoint Invoker", access.InvokeHop, "invoker alice",
			"Microsoft.MachineLearningServices/workspaces/read (and 34 more)"},
		"the cluster's reader": {access.ClusterPrincipal("cpu"), "Storage Blob Data Reader", access.MountHop, "cluster cpu",
			"Storage Blob Data Reader on lake/raw"},
		"the invoker's reader": {access.InvokerPrincipal("alice"), "Storage Blob Data Reader", access.ReadHop,
			"invoker alice", "Storage Blob Data Reader on lake/raw"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var less []access.Grant
			for _, g := range grants {
				if g.Principal != c.without || g.Role != c.role {
					less = append(less, g)
				}
			}
			require.Len(t, less, len(grants)-1)
			hop := compile(m).PathsWith(less)[0].FailsAt()
			require.NotNil(t, hop)
			assert.Equal(t, c.kind, hop.Kind)
			assert.Equal(t, c.identity, hop.Identity)
			assert.Equal(t, c.missing, hop.Missing)
		})
	}
	t.Run("a built-in role that lacks actions", func(t *testing.T) {
		t.Parallel()
		m := simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"})
		m.Role.BuiltIn = "AzureML Data Scientist"
		hop := compile(m).Paths()[0].FailsAt()
		require.NotNil(t, hop)
		assert.Equal(t, "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action", hop.Missing)
	})
}

func TestInvokersThatAnEndpointLeavesOutReadNothingForIt(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"})
	m.Invokers["bob"] = access.Invoker{Kind: access.User, PrincipalID: objectID(1)}
	m.Endpoints["scorer"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"in"}, Invokers: []string{"alice"}}
	paths := compile(m).Paths()
	require.Len(t, paths, 2)
	assert.Equal(t, []any{"alice", true, true}, []any{paths[0].Invoker, paths[0].Declared, paths[0].Works()})
	assert.Equal(t, []any{"bob", false, false}, []any{paths[1].Invoker, paths[1].Declared, paths[1].Works()})
	assert.Equal(t, access.ReadHop, paths[1].FailsAt().Kind,
		"the role holds for the workspace, so bob's job starts, and mounts")
}
