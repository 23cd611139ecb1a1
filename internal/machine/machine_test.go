package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is a fake test that records what was done with it.
type asked struct {
	testing.TB
	done string
}

func (a *asked) Helper() {}
func (a *asked) Fatalf(format string, args ...any) {
	a.done = "failed: " + fmt.Sprintf(format, args...)
}
func (a *asked) Skipf(format string, args ...any) {
	a.done = "skipped: " + fmt.Sprintf(format, args...)
}

func TestATestRunsWhereWhatItNeedsIsThere(t *testing.T) {
	for name, test := range map[string]struct {
		node     string // what it answers; "" where there is none
		ci, done string
	}{
		"it is there":        {"v20.1.0", "true", ""},
		"it is later":        {"v100.0.0", "", ""},
		"it is not there":    {"", "", "skipped: needs Node.js 20 or later"},
		"it is too old":      {"v18.19.1", "", "later, with npm (https://nodejs.org): node is v18.19.1"},
		"it has no version":  {"none", "", "skipped: needs Node.js 20"},
		"not there in CI":    {"", "true", "failed: needs Node.js 20 or later"},
		"too old in CI":      {"v9.0.0", "true", "failed: needs Node.js 20"},
		"CI is off, by name": {"", "false", "skipped: needs"},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if test.node != "" {
				for _, command := range []string{"node", "npm"} {
					script := "#!/bin/sh\necho " + test.node + "\n"
					require.NoError(t, os.WriteFile(filepath.Join(bin, command), []byte(script), 0o700))
				}
			}
			t.Setenv("PATH", bin)
			t.Setenv("CI", test.ci)
			a := &asked{TB: t}
			NodeJS(a)
			if test.done == "" {
				assert.Empty(t, a.done)
			}
			assert.Contains(t, a.done, test.done)
		})
	}
}
