package rehearsal

import (
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
		rest    []string
	}{
		"no data":             {nil, 0, nil},
		"a store with a key":  {[]access.DataInput{{Kind: access.DataStore, CredentialInStore: &yes}}, 0, nil},
		"a store without one": {[]access.DataInput{{Kind: access.DataStore}}, 0, []string{"mounting"}},
		"public":              {[]access.DataInput{{Kind: access.Public}}, 0, []string{"public data"}},
		"outputs":             {nil, 1, []string{"mounting", "outputs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := access.Model{DataInputs: map[string]access.DataInput{}, DataOutputs: map[string]access.DataOutput{}}
			for _, input := range test.inputs {
				m.DataInputs[name] = input
			}
			if test.outputs > 0 {
				m.DataOutputs["scores"] = access.DataOutput{}
			}
			got := guesses(m)
			assert.Equal(t, append([]string{"actions at the endpoint"}, test.rest...), got)
			for _, name := range got {
				assert.True(t, slices.ContainsFunc(azure.Guesses(), func(g azure.Guess) bool { return g.Name == name }), name)
			}
		})
	}
}
