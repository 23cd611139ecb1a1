package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

// Each scenario works as its page says: exactly the jobs that should run in the embedded Azure do.
func TestEveryScenarioDoesWhatItsPageSays(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(root, "examples", "scenarios")
	files, err := filepath.Glob(filepath.Join(dir, "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 6)
	var pages strings.Builder // TestTheDocsShowWhatTheCommandsPrint checks a page's text
	docs, err := filepath.Glob(filepath.Join(root, "docs", "scenario-*.md"))
	require.NoError(t, err)
	require.Len(t, docs, 5)
	for _, doc := range docs {
		text, err := os.ReadFile(doc)
		require.NoError(t, err)
		pages.Write(text)
	}
	for _, file := range files {
		stack := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, pages.String(), "explain -C examples/scenarios --stack "+stack+" -->", "no page shows it")
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			page := regexp.MustCompile(`docs/scenario-[a-z-]+\.md`).Find(text)
			require.NotNil(t, page, "it names its page")
			assert.FileExists(t, filepath.Join(root, string(page)))

			values, err := config.ReadStack(dir, stack)
			require.NoError(t, err)
			model, problems := config.Model(values)
			require.NoError(t, problems.Err())
			x := explain.Make(stack, plans.Of(model), nil)
			assert.False(t, x.Failed(), "a path or an assertion fails")
			require.NotEmpty(t, x.Paths)

			report, err := inprocess.Rehearse(t.Context(), values, "westeurope")
			require.NoError(t, err)
			assert.True(t, report.Passed(), "%v %v", report.Failures(), report.Violated())
			assert.GreaterOrEqual(t, len(report.Outcomes), len(x.Paths))
		})
	}
}
