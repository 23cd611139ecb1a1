// Package machine is for tests that need more on the machine than Go and git. Such a test runs where that is there, and
// is skipped elsewhere, for a reason that begins with "needs": `make test` prints it at its end. With CI=true it fails.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// NodeJS is Node.js in a version that Pulumi's SDK runs on, with npm.
func NodeJS(t testing.TB) {
	t.Helper()
	const least = 20
	Needs(t, fmt.Sprintf("Node.js %d or later, with npm (https://nodejs.org)", least), func() error {
		if _, err := exec.LookPath("npm"); err != nil {
			return err
		}
		out, err := exec.CommandContext(t.Context(), "node", "--version").Output()
		if err != nil {
			return err
		}
		major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
		if n, err := strconv.Atoi(major); err != nil || n < least {
			return fmt.Errorf("node is %s", strings.TrimSpace(string(out)))
		}
		return nil
	})
}

// Needs skips the test, or in CI fails it, where what it needs is not there: what names it, and there says why it is
// not.
func Needs(t testing.TB, what string, there func() error) {
	t.Helper()
	err := there()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("needs %s: %v", what, err)
	default:
		t.Skipf("needs %s: %v", what, err)
	}
}
