package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/verify"
)

const reading = oneUser + `  batchaccess:role: { additions: [pollJobs] }
  batchaccess:storageAccounts:
    shared: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/` +
	`storageAccounts/contososhared
  batchaccess:dataInputs:
    images: { kind: blob, storageAccount: shared, container: images }
`

// After --wait, the grants have effect: the very next job is accepted, although the weather delays new assignments.
func TestVerifyAsksOfWhatIsDeployed(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": reading})
	in := func(command ...string) (int, string, string) {
		return execute(t, append([]string{"sandbox", "--dir", dir, "--weather", "propagation=20s", "--"}, command...)...)
	}
	code, _, stderr := in("batchaccess", "verify", "--dir", dir)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "not deployed")

	code, stdout, stderr := in("sh", "-c", "pulumi up --yes --skip-preview --non-interactive --stack dev >&2 && "+
		"batchaccess verify --dir "+dir+" --propagation 20s --json; "+
		"batchaccess verify --dir "+dir+" --propagation 20s --wait 2m >&2 && batchaccess invoke --dir "+dir+" --stack dev "+
		"--endpoint cpu --as-invoker ann --input images --wait >&2")
	require.Equal(t, 0, code, "verify, its wait, or the job: %s", stderr)
	var report verify.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), stdout)
	require.Len(t, report.Paths, 1)
	assert.Equal(t, verify.Settling, report.Paths[0].Status)
	require.Len(t, report.Limits, 2)
	assert.Equal(t, []int{4, 1}, []int{report.Limits[0].Used, report.Limits[1].Used},
		"assignments: the deployer's own, ann's two, the cluster's; roles: the stack's")
	assert.Contains(t, stderr, "1 are granted and may not act yet (--wait waits for them); asking again in ")
	assert.Contains(t, stderr, "stack dev: 1 of 1 declared paths work")

	code, stdout, stderr = in("batchaccess", "verify", "--dir", dir, "--propagation", "0s", "--strict")
	assert.Equal(t, 0, code, stdout+stderr)
}
