package rehearsal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const storage = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
	"Microsoft.Storage/storageAccounts/"

// limited reads below two paths, in an account with and one without a hierarchical namespace, and writes below another.
const limited = `config:
  batchaccess:workspaceId: ` + workspace + `
  batchaccess:location: westeurope
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
    bob: { kind: user, objectId: 44444444-4444-4444-8444-444444444444 }
  batchaccess:clusters:
    cpu: {}
  batchaccess:storageAccounts:
    lake: ` + storage + `lake
    blob: ` + storage + `blob
  batchaccess:storageAccountKinds: { blob: flat }
  batchaccess:dataInputs:
    rows: { kind: blob, storageAccount: blob, container: rows, path: in/2026, scope: path }
    file: { kind: blob, storageAccount: blob, container: rows, path: in/2025/a.csv, type: file, scope: path }
    deep: { kind: adlsGen2, storageAccount: lake, container: rows, path: in/2026, scope: path }
  batchaccess:dataOutputs:
    scores: { dataStore: scores, credentialInStore: false, path: out/ada, storageAccount: blob, container: scores,
      scope: path }
  batchaccess:endpoints:
    scorer: { cluster: cpu, inputs: [rows, deep, file], outputs: [scores], invokers: [ann] }
    other: { cluster: cpu, inputs: [deep], invokers: [bob] }
`

// Grants that are limited to a path let a job read and write there, and nowhere beside it.
func TestPathsAreRehearsedAndWhatLiesBesideThem(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), options(t, limited))
	require.NoError(t, err)
	assert.True(t, report.Passed(), report.Failures())
	refused, worked := map[string]string{}, 0
	for _, o := range report.Outcomes {
		if strings.Contains(o.Input, " at ") && o.Invoker == "ann" {
			refused[o.Input] = o.Got
		}
		if !o.Control && o.Got == works {
			worked++
		}
	}
	assert.Equal(t, map[string]string{
		"rows at in/2026-beside": "fails at mount", "rows at in": "fails at mount", "rows at IN/2026": "fails at mount",
		"file at in/2025/a.csv-beside": "fails at mount", "file at in/2025": "fails at mount",
		"file at IN/2025/A.CSV":  "fails at mount",
		"deep at in/2026-beside": "fails at mount", "deep at in": "fails at mount", "deep at IN/2026": "fails at mount",
		"scores at out/ada-beside": "fails at write", "scores at out": "fails at write",
		"scores at OUT/ADA": "fails at write",
	}, refused)
	assert.Equal(t, 5, worked, "what is declared, and deep through the other endpoint for ann")
}
