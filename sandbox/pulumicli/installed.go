package pulumicli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/semver"
)

// overridden checks the CLI that the user names. An old one is used, with a warning.
func overridden(ctx context.Context, path string, progress io.Writer) (string, error) {
	version, err := versionOf(ctx, path)
	if err != nil {
		return "", fmt.Errorf("%s is %q, which does not run as the Pulumi CLI: %w; correct or unset it", Override, path, err)
	}
	if tooOld(version) {
		fmt.Fprintf(progress, "%s names pulumi %s; %s or later is known to work\n", Override, version, MinVersion)
	}
	return path, nil
}

// onPath returns the CLI on PATH if it can be used. progress gets the reason if it can't.
func onPath(ctx context.Context, progress io.Writer) (path string, ok bool) {
	path, err := exec.LookPath("pulumi")
	if errors.Is(err, exec.ErrNotFound) {
		return "", false
	}
	if err != nil {
		fmt.Fprintf(progress, "the pulumi on PATH is not used: %v\n", err)
		return "", false
	}
	version, err := versionOf(ctx, path)
	if err != nil {
		fmt.Fprintf(progress, "the pulumi on PATH (%s) is not used: %v\n", path, err)
		return "", false
	}
	if tooOld(version) {
		fmt.Fprintf(progress, "the pulumi on PATH (%s) is not used: it is %s, and %s or later is needed\n", path, version,
			MinVersion)
		return "", false
	}
	return path, true
}

// asked has the versions of CLIs, by path, size and time of change: to start one takes a fifth of a second.
var asked sync.Map

// versionOf is the version of a CLI, such as 3.259.0, without the v.
func versionOf(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("running `pulumi version`: %w", err)
	}
	if own, err := userCache(); err == nil {
		if built, err := os.Stat(own.binary()); err == nil && os.SameFile(info, built) {
			return Version, nil // it was built as that version
		}
	}
	file := fmt.Sprint(path, info.Size(), info.ModTime())
	if version, ok := asked.Load(file); ok {
		return version.(string), nil
	}
	version, err := askVersion(ctx, path)
	if err == nil {
		asked.Store(file, version)
	}
	return version, err
}

func askVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(os.Environ(), "PULUMI_SKIP_UPDATE_CHECK=true") // no network
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running `pulumi version`: %w", err)
	}
	version := strings.TrimSpace(string(out))
	if !semver.IsValid(version) {
		return "", fmt.Errorf("`pulumi version` answered %q, which is not a version", version)
	}
	return strings.TrimPrefix(version, "v"), nil
}

func tooOld(version string) bool { return semver.Compare("v"+version, "v"+MinVersion) < 0 }
