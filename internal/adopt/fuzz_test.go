package adopt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
)

// A state that can be read can be written, with the same resources and nothing pending.
func FuzzReadState(f *testing.F) {
	for _, seed := range []string{
		`{"version": 3, "deployment": {"resources": [{"urn": "urn:pulumi:s::p::t::n", "type": "t"}], ` +
			`"pending_operations": [{"resource": {"urn": "urn:pulumi:s::p::t::m"}, "type": "creating"}]}}`,
		`{"version": 3, "deployment": {}}`, `{"version": 3, "deployment": null}`, `{"version": 2, "deployment": ` +
			`{"resources": null}}`, `null`, `{"version": 3, "deployment": {"resources": [null]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, export []byte) {
		state, err := adopt.ReadState(export)
		if err != nil {
			return
		}
		after, err := state.After(nil)
		if err != nil {
			return // refused, and so nothing is lost
		}
		again, err := adopt.ReadState(after)
		require.NoError(t, err)
		require.Empty(t, again.Pending)
		require.Len(t, again.Resources, len(state.Resources))
	})
}
