package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
)

// The page on groups shows a valid configuration, and its figures are right.
func TestTheGroupsOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/scenario-groups-at-scale.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)<!-- yaml invokers -->\n```yaml\n(.*?)```").FindStringSubmatch(string(page))
	require.NotNil(t, block)
	shown := strings.ReplaceAll("  "+strings.TrimSuffix(block[1], "\n"), "\n", "\n  ")
	shown = regexp.MustCompile(`(?m)^  (\w)`).ReplaceAllString(shown, "  batchaccess:$1")
	const rest = `
  batchaccess:location: westeurope
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/` +
		`Microsoft.MachineLearningServices/workspaces/ws
  batchaccess:clusters: { cpu: {} }
  batchaccess:storageAccounts: { lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/` +
		`providers/Microsoft.Storage/storageAccounts/lake }
  batchaccess:dataInputs: { sales: { kind: blob, storageAccount: lake, container: sales }, payroll: { kind: blob, ` +
		`storageAccount: lake, container: payroll } }
`
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: batchaccess\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config:\n"+shown+rest), 0o600))
	values, err := ReadStack(dir, "dev")
	require.NoError(t, err)
	args, problems := Decode(values)
	require.NoError(t, problems.Err())
	m := args.Model()
	require.Empty(t, problems)
	for _, p := range plans.Of(m).Paths() {
		assert.Equal(t, p.Declared, p.Works(), "%s on %s", p.Invoker, p.Endpoint)
	}

	crowd := m
	crowd.Invokers, crowd.DataInputs, crowd.Endpoints = map[string]access.Invoker{}, map[string]access.DataInput{}, nil
	var everyone []string
	for i := range 50 {
		name := fmt.Sprint("i", i)
		crowd.Invokers[name] = access.Invoker{Kind: access.User,
			PrincipalID: access.Known(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))}
		everyone = append(everyone, name)
	}
	for i := range 40 {
		crowd.DataInputs[fmt.Sprint("d", i)] = access.DataInput{Kind: access.Blob, StorageAccount: "lake",
			Container: fmt.Sprint("con", i)}
	}
	count := func() string {
		return strings.Replace(fmt.Sprintf("%d", len(plans.Of(crowd).Grants)), "2090", "2,090", 1)
	}
	alone := count()
	crowd.Invokers["all"] = access.Invoker{Kind: access.Group, Members: everyone}
	assert.Contains(t, string(page), fmt.Sprintf("50 people who read 40 containers on one cluster take %s assignments, "+
		"and %s in one group.", alone, count()))
}
