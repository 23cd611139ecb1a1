// Package machine is for tests that need more on the machine than Go and git. Without it such a test is skipped, for a
// reason that begins with "needs": `make test` prints it at its end. With CI=true the test fails.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// NodeJS requires a Node.js version that Pulumi's SDK supports, with npm.
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

// Needs skips the test, or in CI fails it, if there returns an error. what names what is needed.
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
