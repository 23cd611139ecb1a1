package python_test

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed az.py
var starterProgram string

// starter is a Python that starts Azure CLIs, one at a time.
type starter struct {
	cmd      *exec.Cmd
	in       io.Closer
	commands *json.Encoder
	codes    *json.Decoder
}

// idle are the starters that no test uses at this moment.
var idle = make(chan *starter, 1000)

func newStarter(t *testing.T, python string) *starter {
	t.Helper()
	cmd := exec.Command(python, "-I", "-c", starterProgram) // it outlives the test
	cmd.Env, cmd.Stderr = []string{"LANG=C.UTF-8"}, os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return &starter{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}
}

func TestMain(m *testing.M) {
	code := m.Run()
	close(idle)
	for s := range idle {
		if err := errors.Join(s.in.Close(), s.cmd.Wait()); err != nil {
			fmt.Fprintln(os.Stderr, "the starter of Azure CLIs:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// az is an Azure CLI with settings of its own, in which somebody may be signed in.
type az struct {
	w   *world
	t   *testing.T
	env []string
}

func (w *world) az(t *testing.T, env ...string) az {
	t.Helper()
	return az{w, t, w.env(t.TempDir(), append([]string{w.metadata()}, env...)...)}
}

func (a az) try(args ...string) (stdout, stderr string, code int) {
	a.t.Helper()
	var s *starter
	select {
	case s = <-idle:
	default:
		s = newStarter(a.t, a.w.python)
	}
	environment := map[string]string{}
	for _, variable := range a.env {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	files := a.t.TempDir()
	out, errs := filepath.Join(files, "stdout"), filepath.Join(files, "stderr")
	require.NoError(a.t, s.commands.Encode(map[string]any{
		"arguments": args, "environment": environment, "folder": a.t.TempDir(), "stdout": out, "stderr": errs,
	}))
	require.NoError(a.t, s.codes.Decode(&code))
	idle <- s
	printed, err := os.ReadFile(out)
	require.NoError(a.t, err)
	failure, err := os.ReadFile(errs)
	require.NoError(a.t, err)
	return string(printed), string(failure), code
}

// run returns a command's answer, which must be JSON or empty.
func (a az) run(args ...string) any {
	a.t.Helper()
	stdout, stderr, code := a.try(args...)
	require.Zero(a.t, code, "az %s: %s", strings.Join(args, " "), stderr)
	if strings.TrimSpace(stdout) == "" {
		return nil
	}
	var value any
	require.NoError(a.t, json.Unmarshal([]byte(stdout), &value), stdout)
	return value
}

// refused runs a command that must fail, and checks its error for each of the words.
func (a az) refused(words []string, args ...string) {
	a.t.Helper()
	stdout, stderr, code := a.try(args...)
	if !assert.Positive(a.t, code, "az %s is to fail, and answers %s", strings.Join(args, " "), stdout) {
		return
	}
	for _, word := range words {
		assert.Contains(a.t, stderr, word, "az %s", strings.Join(args, " "))
	}
}

// deployer is signed in as the service principal that deploys stacks.
func (w *world) deployer(t *testing.T) az {
	t.Helper()
	d, a := w.Deployer(), w.az(t)
	a.run("login", "--service-principal", "--username", d.ClientID, "--password="+d.ClientSecret, "--tenant", d.TenantID)
	return a
}
