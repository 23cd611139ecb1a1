package pulumicli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
)

const (
	project      = "github.com/batchaccess/batchaccess"
	pulumiModule = "github.com/pulumi/pulumi/pkg/v3"
	mainPackage  = pulumiModule + "/cmd/pulumi"
)

// flags change what is compiled, so listing and building take the same. The version is set because Pulumi refuses to
// compare plugins and projects with a CLI that has none.
var flags = []string{
	"-trimpath",
	"-ldflags", "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v" + Version,
}

// build makes the CLI and places it in the cache.
func (c cache) build(ctx context.Context, progress io.Writer) error {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("it takes the Go tool: %w", err)
	}
	// Beside the cache, so that a rename puts it there. We hold the lock: any leftover is from a build that died.
	const prefix = "build-" + Version + "-"
	if left, err := filepath.Glob(filepath.Join(c.folder, prefix+"*")); err == nil {
		for _, folder := range left {
			os.RemoveAll(folder)
		}
	}
	work, err := os.MkdirTemp(c.folder, prefix)
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer os.RemoveAll(work)

	fmt.Fprintf(progress, "there is no pulumi to use on PATH: building pulumi %s from the Go module proxy into %s\n"+
		"this happens once; from nothing it takes about 7 minutes of processor time\n", Version, filepath.Dir(c.binary()))
	report := newReport(progress)
	defer report.stop()

	report.phase("fetching modules")
	module, err := pinnedModule()
	if err != nil {
		return err
	}
	if module == "" {
		if module, err = temporaryModule(ctx, work); err != nil {
			return err
		}
	}
	var packages bytes.Buffer
	args := append([]string{"list", "-deps"}, flags...)
	if err := goTool(ctx, module, &packages, io.Discard, append(args, mainPackage)...); err != nil {
		return err
	}

	report.compiling(bytes.Count(packages.Bytes(), []byte("\n")))
	built := filepath.Join(work, "pulumi")
	args = append([]string{"build", "-v", "-o", built}, flags...)
	if err := goTool(ctx, module, io.Discard, report, append(args, mainPackage)...); err != nil {
		return err
	}
	if err := c.place(built); err != nil {
		return fmt.Errorf("placing it in the cache: %w", err)
	}
	return nil
}

// pinnedModule returns the project's tools folder if the working directory is inside the project and its tools pin
// Version, else an empty string. That folder's go.sum has the checksum of every module.
func pinnedModule() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the project's tools: %w", err)
	}
	for {
		if data, err := os.ReadFile(filepath.Join(folder, "go.mod")); err == nil && modfile.ModulePath(data) == project {
			break
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", nil
		}
		folder = parent
	}
	tools := filepath.Join(folder, "tools")
	if pin, err := pinned(tools); err != nil || pin != "v"+Version {
		return "", nil // build then makes its own module
	}
	return tools, nil
}

// pinned returns the version of Pulumi that the go.mod in folder requires, such as v3.259.0.
func pinned(folder string) (string, error) {
	name := filepath.Join(folder, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	file, err := modfile.Parse(name, data, nil)
	if err != nil {
		return "", err
	}
	for _, require := range file.Require {
		if require.Mod.Path == pulumiModule {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", name, pulumiModule)
}

// temporaryModule makes a module that requires Version: `go install module@version` refuses a module with replacements,
// such as Pulumi's.
func temporaryModule(ctx context.Context, work string) (string, error) {
	module := filepath.Join(work, "module")
	if err := os.Mkdir(module, 0o700); err != nil {
		return "", fmt.Errorf("making a module to build in: %w", err)
	}
	if err := goTool(ctx, module, io.Discard, io.Discard, "mod", "init", "pulumi.invalid/build"); err != nil {
		return "", err
	}
	return module, goTool(ctx, module, io.Discard, io.Discard, "get", mainPackage+"@v"+Version)
}

// goTool runs the Go tool for this machine. Its error holds the end of the tool's standard error.
func goTool(ctx context.Context, folder string, stdout, stderr io.Writer, args ...string) error {
	var said tail
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	// The user's workspace, or settings for another platform, are for other code than this.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = stdout, io.MultiWriter(stderr, &said)
	cmd.Cancel = func() error { // after an interrupt, go removes its temporary files
		if err := cmd.Process.Signal(os.Interrupt); err != nil { // Windows has no interrupts
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("running `go %s`: %w\n%s", strings.Join(args[:2], " "), err, said.String())
	}
	return nil
}

// tail keeps the last lines written to it.
type tail struct{ lines bytes.Buffer }

const tailSize = 2000 // bytes: some twenty lines

func (t *tail) Write(p []byte) (int, error) {
	t.lines.Write(p)
	if extra := t.lines.Len() - tailSize; extra > 0 {
		t.lines.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.lines.String()) }
