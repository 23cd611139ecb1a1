package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/tests/bench/usage"
)

// builder builds packages of this module.
type builder struct {
	root string // folder of the module
	dir  string // folder for the output
}

// moduleRoot is the folder of the module that the benchmark runs in. It must be this module.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module with the `go` command: %w; run the benchmark in a clone of the project",
			err)
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if path != "github.com/batchaccess/batchaccess" {
		return "", fmt.Errorf("the benchmark measures github.com/batchaccess/batchaccess, and is run in module %s; run it "+
			"in a clone of the project", path)
	}
	return dir, nil
}

// build builds a package, given as a path in the module, and returns what the go command and its compilers used.
func (b builder) build(ctx context.Context, pkg, to string, env []string, flags ...string) (usage.Usage, error) {
	args := append([]string{"build", "-o", to}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), env...)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return usage.Usage{}, fmt.Errorf("go build %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	return usage.Of(cmd.ProcessState, time.Since(began))
}

// size is how large the package's program is, in bytes, as go build makes it.
func (b builder) size(ctx context.Context, pkg, name string) (int64, error) {
	to := filepath.Join(b.dir, name)
	if _, err := b.build(ctx, pkg, to, nil); err != nil {
		return 0, err
	}
	info, err := os.Stat(to)
	if err != nil {
		return 0, fmt.Errorf("looking at the program of %s: %w", pkg, err)
	}
	return info.Size(), nil
}

// incremental builds the package again after a change in one of its files. The file stays as it is: the compiler gets
// another one in its place.
func (b builder) incremental(ctx context.Context, pkg, file string, change int) (usage.Usage, error) {
	original := filepath.Join(b.root, file)
	content, err := os.ReadFile(original)
	if err != nil {
		return usage.Usage{}, fmt.Errorf("reading the file to change: %w", err)
	}
	// A new value, and not a comment: if the result of compiling is the same, Go does not link again.
	content = fmt.Appendf(content, "\nvar changedByTheBenchmark = \"%d at %d\"\n", change, time.Now().UnixNano())
	changed, overlay := filepath.Join(b.dir, "changed.go"), filepath.Join(b.dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err == nil {
		err = errors.Join(os.WriteFile(changed, content, 0o600), os.WriteFile(overlay, replace, 0o600))
	}
	if err != nil {
		return usage.Usage{}, fmt.Errorf("writing the changed file: %w", err)
	}
	return b.build(ctx, pkg, filepath.Join(b.dir, "incremental-"+strings.Trim(filepath.Base(pkg), ".")), nil, "-overlay",
		overlay)
}

// coldBuild builds the package with an empty build cache; the modules are downloaded already.
func (b builder) coldBuild(ctx context.Context, pkg string) (_ usage.Usage, err error) {
	cache, err := os.MkdirTemp(b.dir, "cache-")
	if err != nil {
		return usage.Usage{}, fmt.Errorf("making an empty build cache: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	return b.build(ctx, pkg, filepath.Join(b.dir, "cold"), []string{"GOCACHE=" + cache})
}
