package pulumicli

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersionIsTheOneThatToolsPin(t *testing.T) {
	t.Parallel()
	pin, err := pinned(filepath.Join("..", "..", "tools"))
	require.NoError(t, err)
	assert.Equal(t, "v"+Version, pin)
	assert.False(t, tooOld(Version), "the CLI that is built is recent enough")
}

func TestReportSaysHowFarABuildIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		total  int
		output []string
		want   string
	}{
		"before it compiles":   {0, nil, "fetching modules"},
		"nothing compiled yet": {200, nil, "compiled 0 of at most 200 packages, at least 0%"},
		"some compiled":        {200, []string{"a\nb", "\nc/d\n"}, "compiled 3 of at most 200 packages, at least 1%"},
		"the last one":         {200, []string{"a\n", mainPackage + "\n"}, "linking (compiled 2 packages)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &report{doing: "fetching modules", total: tc.total}
			for _, output := range tc.output {
				_, err := r.Write([]byte(output))
				require.NoError(t, err)
			}
			assert.Contains(t, r.line(61*time.Second), tc.want)
			assert.Contains(t, r.line(61*time.Second), "[1m1s]")
		})
	}
}
