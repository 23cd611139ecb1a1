// Package programs builds Go programs and keeps them: a program is linked again only if something that it is made of
// has changed. Everybody shares one folder, so that a program is built once for all rehearsals, all commands in a
// sandbox and all tests.
//
// It knows the Go tool; it must not know what the programs are for.
package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/filelock"
)

// A Program says what to build, and how.
type Program struct {
	// Dir is the folder that the Go tool runs in.
	Dir string
	// Package is the main package, as the Go tool takes it: a path such as ./cmd/x, or an import path. Default: the one
	// in Dir.
	Package string
	// Env is the environment of the Go tool, as os.Environ gives it; nil means this process's own.
	Env []string
}

// Folder is the folder for the programs of this user, below os.UserCacheDir.
func Folder() (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a folder to keep built programs in: %w", err)
	}
	return filepath.Join(caches, "batchaccess", "programs"), nil
}

// Build returns the path of the built program, below folder, or below Folder for "". If nothing has changed, it is an
// earlier build. A second builder of the same program waits for the first. The file never changes: a program from other
// sources gets another path. A program that nobody has asked for in a few days is removed.
//
// The error of a build that fails holds the Go tool's output.
func Build(ctx context.Context, folder string, p Program) (string, error) {
	b := &build{Program: p}
	var err error
	if folder == "" {
		if folder, err = Folder(); err != nil {
			return "", err
		}
	}
	if b.Dir, err = filepath.Abs(b.Dir); err != nil {
		return "", fmt.Errorf("finding the program: %w", err)
	}
	if b.Package == "" {
		b.Package = "."
	}
	if err := b.settings(ctx); err != nil {
		return "", err
	}
	b.folder = filepath.Join(folder, b.name())
	if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return "", fmt.Errorf("making a folder for the built program: %w", err)
	}
	unlock, err := wait(ctx, filepath.Join(b.folder, "lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for whoever builds %s in %s: %w", b.Package, b.Dir, err)
	}
	defer unlock()
	if path, ok := b.kept(); ok {
		now := time.Now()
		return path, os.Chtimes(path, now, now) // the file's time is when the program was last asked for
	}
	path, err := b.make(ctx)
	if err != nil {
		return "", err
	}
	return path, removeOld(folder)
}

// build is one program in its folder of the cache.
type build struct {
	Program
	folder string
	env    map[string]string // all settings of the Go tool
}

// make builds the program, and stores what it is made of.
func (b *build) make(ctx context.Context) (string, error) {
	began, err := b.now()
	if err != nil {
		return "", err
	}
	of, err := b.sources(ctx)
	var before print
	if err == nil {
		before, err = of.print()
	}
	known := err == nil // the build below fails for the same reason, or its sources are not known
	target := filepath.Join(b.folder, "new")
	if err := b.link(ctx, target); err != nil {
		return "", err
	}
	after, err := of.print()
	if known = known && err == nil && before.sum == after.sum && after.newest.Before(began) && !of.Unknown; !known {
		// Somebody is changing the sources: the program is used this once, and not kept.
		after.sum = fmt.Sprintf("once-%d", time.Now().UnixNano())
	}
	path := b.path(after.sum)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Rename(target, path)); err != nil {
		return "", fmt.Errorf("keeping the built program: %w", err)
	}
	if !known {
		return path, nil
	}
	return path, b.remember(of)
}

// link has the Go tool build the program for this machine: without debug information, and without the commit in it.
func (b *build) link(ctx context.Context, target string) error {
	args := []string{"build", "-buildvcs=false", "-o", target}
	if !strings.Contains(b.env["GOFLAGS"], "-ldflags") {
		args = append(args, "-ldflags=-s -w")
	}
	cmd := b.tool(ctx, append(args, b.Package)...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s failed (%w):\n%s", b.Dir, err, bytes.TrimSpace(output))
	}
	return nil
}

// tool is a call of the Go tool in the program's folder.
func (b *build) tool(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = b.Dir, b.Env
	return cmd
}

// kept returns the program that was built from the present sources.
func (b *build) kept() (string, bool) {
	of, err := b.recall()
	if err != nil {
		return "", false
	}
	now, err := of.print()
	if err != nil {
		return "", false
	}
	path := b.path(now.sum)
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular()
}

// path is the file of the program with that checksum.
func (b *build) path(sum string) string { return filepath.Join(b.folder, sum, "program") }

// now is the time by the clock of the file system.
func (b *build) now() (time.Time, error) {
	file := filepath.Join(b.folder, "began")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return time.Time{}, fmt.Errorf("building a program: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}, fmt.Errorf("building a program: %w", err)
	}
	return info.ModTime(), nil
}

// wait takes the lock when nobody else has it.
func wait(ctx context.Context, path string) (unlock func(), err error) {
	for {
		lock, err := filelock.Take(path)
		if err == nil {
			return func() { _ = lock.Close() }, nil
		}
		if !errors.Is(err, filelock.ErrTaken) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unused is how long a program is kept after it was last asked for.
const unused = 3 * 24 * time.Hour

// removeOld removes the programs that nobody has asked for in a while.
func removeOld(folder string) error {
	found, err := filepath.Glob(filepath.Join(folder, "*", "*", "program"))
	if err != nil {
		return err
	}
	for _, path := range found {
		// Another process may remove it at the same time.
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > unused {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	return nil
}
