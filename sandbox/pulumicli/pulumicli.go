// Package pulumicli finds a Pulumi CLI that is recent enough to run the project's stacks, and builds one from the Go
// module proxy if there is none. It knows the CLI and the Go tool; it must not know stacks, the sandbox or Azure.
package pulumicli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

const (
	// Version is the version of the Pulumi CLI that Find builds. The module in tools/ pins it, and it is the version of
	// the Pulumi SDK in go.mod, so that engine and program agree.
	Version = "3.276.0"

	// MinVersion is the oldest Pulumi CLI on PATH that is used: the SDK needs it for the transforms and hooks that the
	// project relies on. Policy packs that are executables need 3.255.0.
	MinVersion = "3.256.0"

	// Override is the environment variable with the path of the Pulumi CLI to use instead of any other.
	Override = "BATCHACCESS_PULUMI"
)

// Find returns the path of a Pulumi CLI: the one that Override names, else the one on PATH if it is MinVersion or
// later, else one that an earlier Find has built, else a new build of Version, which is kept under os.UserCacheDir.
//
// It writes to progress which CLIs it does not use and why, and how far a build is. Only a build needs Go and the
// network. When several processes build at once, one does and the others wait for it. If ctx is cancelled, the build
// stops and leaves nothing unfinished.
func Find(ctx context.Context, progress io.Writer) (path string, err error) {
	if path := os.Getenv(Override); path != "" {
		return overridden(ctx, path, progress)
	}
	if path, ok := onPath(ctx, progress); ok {
		return path, nil
	}
	c, err := userCache()
	if err != nil {
		return "", fmt.Errorf("finding a folder to keep a Pulumi CLI in: %w; or set %s to the path of a pulumi", err,
			Override)
	}
	if c.has() {
		return c.binary(), nil
	}
	unlock, err := c.lock(ctx, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if c.has() { // built by the process that held the lock
		return c.binary(), nil
	}
	if err := c.build(ctx, progress); err != nil {
		return "", fmt.Errorf("building pulumi %s: %w\n"+
			"Instead of building it, install Pulumi %s or later, or set %s to the path of "+
			"one", Version, err, MinVersion, Override)
	}
	return c.binary(), nil
}

// cache is the folder of the CLIs that Find has built.
type cache struct{ folder string }

// userCache is the user's own.
func userCache() (cache, error) {
	caches, err := os.UserCacheDir()
	return cache{folder: filepath.Join(caches, "batchaccess")}, err
}

// binary is where the CLI of this Version is, or will be.
func (c cache) binary() string {
	name := "pulumi"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(c.folder, "pulumi-"+Version, name)
}

// has reports whether the CLI was built. It is complete if it exists, because a rename puts it there.
func (c cache) has() bool {
	info, err := os.Stat(c.binary())
	return err == nil && info.Mode().IsRegular()
}

// place moves a built CLI to the path that binary returns.
func (c cache) place(built string) error {
	return errors.Join(
		os.MkdirAll(filepath.Dir(c.binary()), 0o700),
		os.Chmod(built, 0o700),
		os.Rename(built, c.binary()),
	)
}
