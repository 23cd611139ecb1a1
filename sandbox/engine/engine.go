// Package engine is the environment in which Pulumi's real engine runs against the embedded Azure: its own state
// backend and secrets, the stand-in plugins, a Go language host if there is none, and the sandbox's credentials in
// place of the user's. Any command can run in it.
//
// It leaves the user's files and settings alone: files that Pulumi would write beside the program go to a shadow of the
// project in the state folder. It must not know what the program deploys, nor how the embedded Azure works.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/golang"
	"github.com/batchaccess/batchaccess/sandbox/standin"
)

// Options say where the engine keeps its files, and what it works with.
type Options struct {
	// StateDir is the engine's own folder: Pulumi's state, its key and home, the shadow of the project. The engine
	// makes it if needed (0700), and one engine at a time can use it. Required.
	StateDir string
	// Azure is the embedded Azure to deploy to. Required.
	Azure *azure.Azure
	// ProjectDir is the folder with Pulumi.yaml. Empty means that commands run without a project.
	ProjectDir string
	// StackFiles has, by stack, settings files to use in place of those beside Pulumi.yaml.
	StackFiles map[string]string
	// Named: every command names its stack, so that no stack is selected, which would start Pulumi once more.
	Named bool
	// Pulumi is the path of the CLI. Required.
	Pulumi string
	// StandIns are the providers that get a stand-in; nil means NotInstalled, an empty list none.
	StandIns []string
	// Commands has executables by the names that a command calls them by; they come first on its PATH. One executable
	// may have several names.
	Commands map[string]string
	// Env has more variables for commands, in the form of os.Environ.
	Env []string
	// Stdout and Stderr take what commands print; nil means os.Stdout and os.Stderr.
	Stdout, Stderr io.Writer
	Logger         *slog.Logger // nil means slog.Default()
}

// Engine is a started environment. Close it when done.
type Engine struct {
	options Options
	paths   paths
	env     []string
	key     string   // in base64
	project *project // nil without a project
	stops   []func() error
}

// paths are the parts of the state folder.
type paths struct {
	lock, backend, home, shadow, passphrase, key, certificates, azureCLI, commands string
}

func pathsIn(dir string) paths {
	return paths{
		lock:         filepath.Join(dir, "lock"),
		backend:      filepath.Join(dir, "backend"),
		home:         filepath.Join(dir, "home"),
		shadow:       filepath.Join(dir, "project"),
		passphrase:   filepath.Join(dir, "passphrase"),
		key:          filepath.Join(dir, "key"),
		certificates: filepath.Join(dir, "certificates.pem"),
		azureCLI:     filepath.Join(dir, "azure-cli"),
		commands:     filepath.Join(dir, "bin"),
	}
}

// Start makes the environment ready: after it, Env and Run serve any number of commands until Close. Each
// Pulumi.<stack>.yaml of the project gets a stack in the sandbox's backend.
func Start(ctx context.Context, o Options) (_ *Engine, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	e := &Engine{options: o, paths: pathsIn(o.StateDir)}
	defer func() {
		if err != nil {
			_ = e.Close()
		}
	}()
	if err := e.prepareState(); err != nil {
		return nil, err
	}
	if o.ProjectDir != "" {
		if e.project, err = shadow(o.ProjectDir, e.paths.shadow, o.StackFiles, o.Logger); err != nil {
			return nil, err
		}
	}
	if err := e.serve(ctx); err != nil {
		return nil, err
	}
	if e.project != nil {
		if err := e.createStacks(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (o *Options) complete() error {
	switch {
	case o.StateDir == "":
		return errors.New("the engine needs a folder for its state")
	case o.Azure == nil:
		return errors.New("the engine needs an embedded Azure")
	case o.Pulumi == "":
		return errors.New("the engine needs the path of a pulumi CLI")
	}
	for _, path := range []*string{&o.StateDir, &o.Pulumi, &o.ProjectDir} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("finding %s: %w", *path, err)
		}
		*path = absolute
	}
	if o.StandIns == nil {
		o.StandIns = NotInstalled()
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// serve starts the stand-ins and the language host, and sets the variables by which Pulumi finds them.
func (e *Engine) serve(ctx context.Context) error {
	credentials := e.options.Azure.Deployer()
	var providers []string
	for _, name := range e.options.StandIns {
		port, stop, err := standin.Serve(ctx, name, standin.Config{
			MetadataHost: e.options.Azure.Host(),
			TenantID:     credentials.TenantID, SubscriptionID: credentials.SubscriptionID,
			ClientID: credentials.ClientID, ClientSecret: credentials.ClientSecret,
			RootCAs: e.options.Azure.CAPool(), Logger: e.options.Logger,
		})
		if err != nil {
			return err
		}
		e.stops = append(e.stops, stop)
		providers = append(providers, name+":"+strconv.Itoa(port))
	}
	slices.Sort(providers)
	e.env = e.environment(os.Environ(), providers)
	key, err := e.serveKey(ctx)
	if err != nil {
		return err
	}
	e.env = append(e.env, key...)
	if e.hasLanguageHost() {
		return nil
	}
	port, stop, err := golang.Serve(ctx, golang.Options{
		Env: e.env, Output: e.options.Stderr, Logger: e.options.Logger,
	})
	if err != nil {
		return err
	}
	e.stops = append(e.stops, stop)
	e.env = append(e.env, "PULUMI_DEBUG_LANGUAGES=go:"+strconv.Itoa(port))
	return e.nameLanguageHost()
}

// Env is the environment for a command that runs in the sandbox, in the form of os.Environ.
func (e *Engine) Env() []string { return slices.Clone(e.env) }

// Close ends the stand-ins and the language host, and releases the state folder. The caller closes the embedded Azure.
func (e *Engine) Close() error {
	var errs []error
	for _, stop := range slices.Backward(e.stops) {
		errs = append(errs, stop())
	}
	e.stops = nil
	return errors.Join(errs...)
}

// createStacks makes the stacks that the sandbox's backend does not have. A project's only stack is also selected.
func (e *Engine) createStacks(ctx context.Context) error {
	for _, stack := range e.project.stacks {
		if file := e.checkpointFile(stack); exists(file) || exists(file+".gz") {
			continue
		}
		if e.options.Named {
			if err := e.writeStack(stack); err != nil {
				return fmt.Errorf("creating stack %s in the sandbox: %w", stack, err)
			}
			continue
		}
		args := []string{"stack", "init", stack, "--secrets-provider", secretsProvider, "--non-interactive", "--color",
			"never"}
		if len(e.project.stacks) > 1 {
			args = append(args, "--no-select")
		}
		var output strings.Builder
		if err := e.command(ctx, &output, &output, e.options.Pulumi, args...).Run(); err != nil {
			return fmt.Errorf("creating stack %s in the sandbox: %w\n%s", stack, err, strings.TrimSpace(output.String()))
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
