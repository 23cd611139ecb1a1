package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/batchaccess/batchaccess/internal/filelock"
)

// environments are the environments that this process has looked for, by their requirements.
var environments sync.Map

// Python returns the interpreter of an environment with the requirements, in which every package is pinned as pip
// freeze prints it. packages names the most important ones, for a message. The environment is made once for each
// requirements and Python, in the user's cache: the first time takes up to minutes. If another process is making it,
// this one waits.
func Python(t testing.TB, packages string, requirements []byte) string {
	t.Helper()
	once, _ := environments.LoadOrStore(string(requirements), sync.OnceValues(func() (string, error) {
		return environment(context.Background(), requirements)
	}))
	var python string
	Needs(t, "Python 3.10 or later with venv (https://python.org), and "+packages+" from PyPI", func() (err error) {
		python, err = once.(func() (string, error))()
		return err
	})
	return python
}

func environment(ctx context.Context, requirements []byte) (string, error) {
	version, err := exec.CommandContext(ctx, "python3", "-c",
		"import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.version, sys.prefix)").Output()
	if err != nil {
		return "", fmt.Errorf("looking for Python: %w", reason(err))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w", err)
	}
	hash := sha256.New()
	_, _ = hash.Write(append(version, requirements...))
	dir := filepath.Join(cache, "batchaccess", fmt.Sprintf("python-%x", hash.Sum(nil)[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := filelock.Take(filepath.Join(dir, "lock"))
	for ; errors.Is(err, filelock.ErrTaken); lock, err = filelock.Take(filepath.Join(dir, "lock")) {
		time.Sleep(time.Second)
	}
	if err != nil {
		return "", err
	}
	python, complete := filepath.Join(dir, "env", "bin", "python"), filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err != nil {
		err = install(ctx, dir, python, requirements)
		if err == nil {
			err = os.WriteFile(complete, nil, 0o600)
		}
		if err != nil {
			return "", errors.Join(err, lock.Close())
		}
	}
	return python, lock.Close()
}

func install(ctx context.Context, dir, python string, requirements []byte) error {
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, requirements, 0o600); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", filepath.Join(dir, "env")},
		// Most modules are never imported, and Python compiles the others at their first import.
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--requirement", file},
	} {
		if _, err := exec.CommandContext(ctx, command[0], command[1:]...).Output(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(command[:4], " "), reason(err))
		}
	}
	return nil
}

// reason adds what a command printed.
func reason(err error) error {
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
