package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
)

func TestAnACLHoldsForItsFolderAndWhatLiesBelow(t *testing.T) {
	t.Parallel()
	input := func(container, path string) access.DataInput {
		return access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: container, Path: path,
			GrantedBy: access.ByACL}
	}
	m := access.Model{
		Invokers: map[string]access.Invoker{"alice": {Kind: access.User}, "bob": {Kind: access.User}},
		Clusters: map[string]access.Cluster{"cpu": {}},
		DataInputs: map[string]access.DataInput{
			"own":     input("raw", "/heart/"),
			"below":   input("raw", "heart/2026"),
			"sibling": input("raw", "heart-disease"),
			"above":   input("raw", ""),
			"beside":  input("curated", "heart"),
		},
		Endpoints: map[string]access.Endpoint{
			"hers": {Cluster: "cpu", Inputs: []string{"own"}, Invokers: []string{"alice"}},
			"his":  {Cluster: "cpu", Inputs: []string{"below", "sibling", "above", "beside"}, Invokers: []string{"bob"}},
		},
	}
	works := map[string]bool{}
	for _, p := range compile(m).Paths() {
		if p.Invoker == "alice" {
			works[p.Input] = p.Works()
		}
	}
	assert.Equal(t, map[string]bool{"own": true, "below": true, "sibling": false, "above": false, "beside": false}, works)
}

// An ACL on a part of an input opens some of it. Data that must not be read must not be read in part either.
func TestAnACLOnAPartOpensSomeOfTheWhole(t *testing.T) {
	t.Parallel()
	no := false
	m := access.Model{
		Invokers: map[string]access.Invoker{"alice": {Kind: access.User}, "bob": {Kind: access.User}},
		Clusters: map[string]access.Cluster{"cpu": {}},
		DataInputs: map[string]access.DataInput{
			"account": {Kind: access.DataStore, DataStore: "store", CredentialInStore: &no, StorageAccount: "lake",
				Path: "all"},
			"container": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw"},
			"elsewhere": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "curated"},
			"part": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw", Path: "heart",
				GrantedBy: access.ByACL},
		},
		Endpoints: map[string]access.Endpoint{
			"hers": {Cluster: "cpu", Inputs: []string{"account", "container", "elsewhere"}, Invokers: []string{"alice"}},
			"his":  {Cluster: "cpu", Inputs: []string{"part"}, Invokers: []string{"bob"}},
		},
		Assertions: map[string]access.Assertion{},
	}
	for input := range m.DataInputs {
		m.Assertions[input] = access.Assertion{Cannot: []string{"bob"}, Read: input}
	}
	because := map[string]string{}
	for _, v := range compile(m).Verdicts {
		because[v.Name] = v.Because
	}
	const byACL = "invoker bob: reads by the ACL r-x on lake/raw/heart"
	assert.Equal(t, map[string]string{
		"account": byACL, "container": byACL, "part": byACL, "elsewhere": "none of 1 principals asked gains it",
	}, because)
}

func TestAnACLToReadIsNoneToWrite(t *testing.T) {
	t.Parallel()
	no := false
	m := access.Model{
		Invokers: map[string]access.Invoker{"alice": {Kind: access.User}, "bob": {Kind: access.User}},
		Clusters: map[string]access.Cluster{"cpu": {}},
		DataInputs: map[string]access.DataInput{
			"heart": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw", GrantedBy: access.ByACL},
		},
		DataOutputs: map[string]access.DataOutput{
			"scores": {DataStore: "results", CredentialInStore: &no, StorageAccount: "lake", Container: "raw",
				Path: "scores.csv"},
		},
		Endpoints: map[string]access.Endpoint{
			"reads":  {Cluster: "cpu", Inputs: []string{"heart"}, Invokers: []string{"alice"}},
			"writes": {Cluster: "cpu", Outputs: []string{"scores"}, Invokers: []string{"bob"}},
		},
	}
	outcomes := map[string]string{}
	for _, p := range compile(m).Paths() {
		outcomes[p.Invoker+" on "+p.Endpoint] = p.Outcome()
	}
	assert.Equal(t, map[string]string{
		"alice on reads":  "works",
		"alice on writes": "fails at write: invoker alice needs Storage Blob Data Contributor on lake/raw",
		"bob on reads":    "works", // a writer may read
		"bob on writes":   "works",
	}, outcomes)
}
