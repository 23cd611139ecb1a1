package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
)

func TestAnACLHoldsForItsFolderAndWhatLiesBelow(t *testing.T) {
	t.Parallel()
	input := func(container, path string) access.DataInput {
		return access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: container, Path: path, GrantedBy: access.ByACL}
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
	for _, p := range access.Explain(m) {
		if p.Invoker == "alice" {
			works[p.Input] = p.Works()
		}
	}
	assert.Equal(t, map[string]bool{"own": true, "below": true, "sibling": false, "above": false, "beside": false}, works)
}
