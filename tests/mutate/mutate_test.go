// Package mutate tries mistakes on the product: each must make a rehearsal fail. The files stay as they are; the
// compiler gets the changed file in place of the real one.
package mutate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var all = flag.Bool("all", false, "try every mutation, and not three")

// few is the number of mutations in a plain run. Which ones depends on the files that they change: if those change,
// other mutations are tried.
const few = 3

type mutation struct{ name, file, old, new string }

const root = "../.."

func TestMutationsTurnTheRehearsalRed(t *testing.T) {
	mutations := read(t)
	require.GreaterOrEqual(t, len(mutations), 25)
	files := sha256.New()
	for _, m := range mutations {
		text := m.source(t)
		require.Equal(t, 1, strings.Count(text, m.old), "mutation %q: %s must hold %q once", m.name, m.file, m.old)
		files.Write([]byte(text))
	}
	require.Equal(t, "green", witness(t, nil), "without any mutation")
	chosen := mutations
	if !*all {
		first := binary.BigEndian.Uint64(files.Sum(nil)) % uint64(len(mutations))
		chosen = nil
		for i := range uint64(few) { // far from one another, so that they are of different kinds
			at := (first + i*uint64(len(mutations))/few) % uint64(len(mutations))
			chosen = append(chosen, mutations[at])
		}
	}
	for _, m := range chosen {
		t.Run(m.name, func(t *testing.T) {
			said := witness(t, &m)
			t.Log(said)
			assert.True(t, strings.HasPrefix(said, "red: "), "nobody notices: %s", said)
		})
	}
}

func (m mutation) source(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, m.file))
	require.NoError(t, err)
	return string(text)
}

// quickly are the packages that a mutation has to compile again, each after those that it imports. Without
// optimizations, and without what a debugger reads, that takes half the time.
var quickly = []string{
	"roles", "access/services", "access/signin", "access", "internal/lookup", "components", "internal/config",
	"internal/guardrails", "internal/engine", "sandbox/rehearsal", "stack", "tests/internal/inprocess",
	"tests/mutate/witness",
}

// witness builds the witness, with a mutation if there is one, and returns its output.
func witness(t *testing.T, m *mutation) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "witness")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program)
	if m != nil {
		from := max(0, slices.Index(quickly, filepath.ToSlash(filepath.Dir(m.file)))) // Go has compiled those before it
		for _, folder := range quickly[from:] {
			build.Args = append(build.Args, "-gcflags=github.com/batchaccess/batchaccess/"+folder+"=-N -l -dwarf=false")
		}
		real, err := filepath.Abs(filepath.Join(root, m.file))
		require.NoError(t, err)
		changed := filepath.Join(dir, filepath.Base(m.file))
		require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(m.source(t), m.old, m.new, 1)), 0o600))
		overlay, err := json.Marshal(map[string]map[string]string{"Replace": {real: changed}})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
		build.Args = append(build.Args, "-overlay", filepath.Join(dir, "overlay.json"))
	}
	build.Args = append(build.Args, "./witness")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "the mutation must compile: %s", out)
	var said, failed bytes.Buffer
	run := exec.CommandContext(t.Context(), program)
	run.Stdout, run.Stderr = &said, &failed
	require.NoError(t, run.Run(), failed.String())
	return strings.TrimSpace(said.String())
}

// read reads mutations.txt: blocks of four lines, with empty lines between them.
func read(t *testing.T) (mutations []mutation) {
	t.Helper()
	text, err := os.ReadFile("mutations.txt")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		lines := strings.Split(block, "\n")
		require.Len(t, lines, 4, block)
		require.True(t, strings.HasPrefix(lines[2], "- ") && strings.HasPrefix(lines[3], "+"), block)
		require.False(t, seen[lines[0]], block)
		seen[lines[0]] = true
		mutations = append(mutations, mutation{lines[0], lines[1], lines[2][2:], strings.TrimPrefix(lines[3][1:], " ")})
	}
	return mutations
}
