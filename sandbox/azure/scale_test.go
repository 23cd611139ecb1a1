package azure_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// The cost of a request in a subscription that is nearly full of role assignments, with and without a state file.
func BenchmarkAtNearly4000Assignments(b *testing.B) {
	b.Run("kept", func(b *testing.B) { atNearly4000(b, filepath.Join(b.TempDir(), "state.json")) })
	b.Run("in memory", func(b *testing.B) { atNearly4000(b, "") })
}

func atNearly4000(b *testing.B, file string) {
	a, err := azure.Start(b.Context(), azure.Options{StateFile: file})
	require.NoError(b, err)
	b.Cleanup(func() { _ = a.Close() })
	require.NoError(b, a.Seed(seed()))
	w := &world{Azure: a, t: b, client: a.Client()}
	w.invoker(alice)
	w.assign(alice, readerRole, account)
	w.assign(machine, readerRole, account)
	require.NoError(b, w.Change(func(st *state.State) { crowd(st, account, 3900) }))
	for name, request := range map[string]func(){
		"PUT and DELETE of an assignment": func() {
			w.arm(http.MethodDelete, w.assign(bob, readerRole, container), nil)
		},
		"a job": func() { require.Equal(b, http.StatusCreated, w.invoke(alice, blob).status) },
		"a list of one principal's": func() {
			const list = account + "/providers/Microsoft.Authorization/roleAssignments"
			w.arm(http.MethodGet, list+"?$filter=principalId%20eq%20'"+alice+"'", nil)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				request()
			}
		})
	}
}
