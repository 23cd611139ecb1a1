package golang

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
)

// program is the engine's description of a program.
type program struct {
	root  string // folder of Pulumi.yaml
	dir   string // folder of the program
	entry string // what to build, relative to dir
	// binary is the runtime option of Pulumi.yaml that names a built program, relative to dir.
	binary string
	// target is the runtime option `buildTarget`: the file for the built program, relative to dir.
	target string
}

func programOf(info *pulumirpc.ProgramInfo) program {
	options := info.GetOptions().GetFields()
	p := program{
		root:   info.GetRootDirectory(),
		dir:    info.GetProgramDirectory(),
		entry:  info.GetEntryPoint(),
		binary: options["binary"].GetStringValue(),
		target: options["buildTarget"].GetStringValue(),
	}
	if p.entry == "" {
		p.entry = "."
	}
	if p.entry != "." && !strings.HasPrefix(p.entry, ".") && !filepath.IsAbs(p.entry) {
		p.entry = "./" + filepath.ToSlash(p.entry) // `go build` would read a bare name as an import path
	}
	return p
}

// in is the path as seen from the program's folder.
func (p program) in(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.dir, path)
}

// build returns the path of the built program.
func (h *host) build(ctx context.Context, p program) (bin string, err error) {
	h.options.Logger.Debug("building program", "dir", p.dir, "entry", p.entry)
	switch {
	case p.binary != "":
		return prebuilt(p.in(p.binary))
	case p.target != "":
		return p.in(p.target), h.buildTo(ctx, p)
	}
	return programs.Build(ctx, h.options.CacheDir, programs.Program{Dir: p.dir, Package: p.entry, Env: h.environ()})
}

// buildTo builds a program into the file that Pulumi.yaml names.
func (h *host) buildTo(ctx context.Context, p program) error {
	h.building.Lock() // two builds of one program would write the same file
	defer h.building.Unlock()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", p.in(p.target), p.entry)
	cmd.Dir, cmd.Env = p.dir, h.environ()
	output, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return programs.ErrNoGo
	case err != nil:
		return fmt.Errorf("go build in %s failed (%w):\n%s", p.dir, err, bytes.TrimSpace(output))
	}
	return nil
}

// prebuilt checks the program that the runtime option `binary` names.
func prebuilt(bin string) (string, error) {
	info, err := os.Stat(bin)
	switch {
	case err != nil:
		return "", fmt.Errorf("runtime option `binary` of Pulumi.yaml: %w: build the program first, or drop the option", err)
	case info.IsDir():
		return "", fmt.Errorf("runtime option `binary` of Pulumi.yaml names the folder %s, not a program", bin)
	}
	return bin, nil
}

// About returns the version of Go that builds the programs.
func (h *host) About(ctx context.Context, _ *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("looking for the go command: %w", err)
	}
	version, err := exec.CommandContext(ctx, path, "env", "GOVERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	return &pulumirpc.AboutResponse{Executable: path, Version: strings.TrimSpace(string(version))}, nil
}

// GetProgramDependencies lists the modules that the program's module needs; if asked for, also what those need.
func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	const all, direct = `{{if not .Main}}{{.Path}} {{.Version}}{{end}}`,
		`{{if not (or .Main .Indirect)}}{{.Path}} {{.Version}}{{end}}`
	format := direct
	if req.GetTransitiveDependencies() {
		format = all
	}
	prog := programOf(req.GetInfo())
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", format, "all")
	cmd.Dir, cmd.Env = prog.dir, h.environ()
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", prog.dir, err)
	}
	var deps []*pulumirpc.DependencyInfo
	for line := range strings.Lines(string(output)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			deps = append(deps, &pulumirpc.DependencyInfo{Name: path, Version: version})
		}
	}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: deps}, nil
}
