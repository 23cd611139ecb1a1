package ci

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stub replaces a command: it writes its call down, fails if this is the call that must fail, and otherwise does what
// the script needs.
const stub = `#!/bin/sh
n=$(($(wc -l <"$CALLS") + 1))
echo "$(basename "$0") $*" >>"$CALLS"
if test "$n" = "$FAIL_AT"; then
	if test "$FAIL_WITH" = kill; then kill -9 $PPID; fi
	exit "$FAIL_WITH"
fi
case "$(basename "$0")" in
pulumi) echo '{"steps":[]}' ;;
go) mkdir -p bin && cp "$STUBS/pulumi" bin/batchaccess ;;
batchaccess)
	while test $# -gt 1; do
		if test "$1" = --output; then echo "said of this run" >"$2"; fi
		shift
	done ;;
*) exec "/bin/$(basename "$0")" "$@" ;;
esac
`

// A run is one run of a script, in a folder of its own with the results of an earlier run.
type run struct {
	code  int
	calls []string
	out   string // the folder of its files
}

func runWith(t *testing.T, script string, failAt int, with string) run {
	t.Helper()
	dir, stubs := t.TempDir(), t.TempDir()
	calls, out := filepath.Join(stubs, "calls"), filepath.Join(dir, "out")
	for _, name := range []string{"pulumi", "go", "mkdir", "rm", "cat"} {
		require.NoError(t, os.WriteFile(filepath.Join(stubs, name), []byte(stub), 0o755))
	}
	require.NoError(t, os.WriteFile(calls, nil, 0o600))
	require.NoError(t, os.Mkdir(out, 0o755))
	for _, name := range []string{"access.md", "access.sarif", "resources.txt", "preview.json", "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(out, name), []byte("No change of access"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "guardrails.yaml"), nil, 0o600))
	file, err := filepath.Abs(script)
	require.NoError(t, err)
	_, err = os.ReadFile(file) // so that Go runs the test again when the script changes
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", file, "dev", out)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + stubs + ":/usr/bin:/bin", "CALLS=" + calls, "STUBS=" + stubs,
		"FAIL_AT=" + strconv.Itoa(failAt), "FAIL_WITH=" + with}
	_ = cmd.Run()
	text, err := os.ReadFile(calls)
	require.NoError(t, err)
	shown := strings.ReplaceAll(strings.TrimSpace(string(text)), dir, ".")
	return run{cmd.ProcessState.ExitCode(), strings.Split(shown, "\n"), out}
}

// Whichever command of a script fails or is killed, the run is red, and no result of an earlier run is left. The
// exception is the call that only shows the result to a person once more.
func TestAScriptIsRedWhicheverOfItsCommandsFails(t *testing.T) {
	t.Parallel()
	const onlyShown = "--format table"
	for script, atLeast := range map[string]int{"review.sh": 8, "deploy.sh": 3, "drift.sh": 4} {
		fine := runWith(t, script, 0, "0")
		require.Equal(t, 0, fine.code, "%s: %v", script, fine.calls)
		require.GreaterOrEqual(t, len(fine.calls), atLeast, "%s: %v", script, fine.calls)
		for at, call := range fine.calls {
			for _, with := range []string{"1", "2", "255", "kill"} {
				t.Run(fmt.Sprintf("%s, %d: %.40s, %s", script, at+1, call, with), func(t *testing.T) {
					t.Parallel()
					r := runWith(t, script, at+1, with)
					require.Equal(t, call, r.calls[at])
					if strings.Contains(call, onlyShown) && with != "kill" {
						assert.Equal(t, 0, r.code)
						return
					}
					assert.NotEqual(t, 0, r.code, "%v", r.calls)
					if script != "review.sh" {
						return
					}
					text, err := os.ReadFile(filepath.Join(r.out, "access.md"))
					require.NoError(t, err)
					if !strings.HasPrefix(call, "mkdir") { // nothing could be written yet
						assert.NotContains(t, string(text), "No change of access")
					}
					text, err = os.ReadFile(filepath.Join(r.out, "notes.txt"))
					require.NoError(t, err, "a file of somebody else's")
					assert.Equal(t, "No change of access", string(text))
				})
			}
		}
	}
}
