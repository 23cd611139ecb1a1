package rehearsal

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestAReportNamesTheGuessesThatItRestsOn(t *testing.T) {
	t.Parallel()
	yes := true
	for name, test := range map[string]struct {
		inputs  []access.DataInput
		outputs int
		cluster access.Cluster
		rest    []string
	}{
		"no data":            {rest: nil},
		"a store with a key": {inputs: []access.DataInput{{Kind: access.DataStore, CredentialInStore: &yes}}},
		"a store without one": {inputs: []access.DataInput{{Kind: access.DataStore}},
			rest: []string{"mounting", "failed jobs"}},
		"public":          {inputs: []access.DataInput{{Kind: access.Public}}, rest: []string{"public data", "failed jobs"}},
		"outputs":         {outputs: 1, rest: []string{"mounting", "outputs", "failed jobs"}},
		"several outputs": {outputs: 2, rest: []string{"mounting", "outputs", "several outputs", "failed jobs"}},
		"several identities": {cluster: access.Cluster{MoreIdentityIDs: []access.ID{access.Known("/x")}},
			rest: []string{"default identity", "failed jobs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := access.Model{DataInputs: map[string]access.DataInput{}, DataOutputs: map[string]access.DataOutput{},
				Clusters: map[string]access.Cluster{"cpu": test.cluster}}
			for _, input := range test.inputs {
				m.DataInputs[name] = input
			}
			var outputs []string
			for i := range test.outputs {
				outputs = append(outputs, fmt.Sprint("scores", i))
				m.DataOutputs[outputs[i]] = access.DataOutput{}
			}
			m.Endpoints = map[string]access.Endpoint{"heart": {Cluster: "cpu", Outputs: outputs}}
			got := guesses(m)
			assert.Equal(t, append([]string{"actions at the endpoint"}, test.rest...), got)
			for _, name := range got {
				assert.True(t, slices.ContainsFunc(azure.Guesses(), func(g azure.Guess) bool { return g.Name == name }), name)
			}
		})
	}
}
