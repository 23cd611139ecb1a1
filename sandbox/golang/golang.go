// Package golang is a Pulumi language host for Go programs, for machines that have Go but not `pulumi-language-go`:
// Pulumi attaches to it with PULUMI_DEBUG_LANGUAGES=go:<port>. It builds a program with the `go` command and runs it.
//
// It generates no code. It must not know which providers a program uses.
package golang

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
	"github.com/batchaccess/batchaccess/sandbox/standin/attach"
)

// Options say how programs run.
type Options struct {
	// Env is the environment of `go build` and of the programs, in the form of os.Environ. Nil means this process's
	// own. A program also gets the variables by which it finds its engine.
	Env []string
	// Output gets what a program prints if there is no engine to show it. Nil means os.Stderr.
	Output io.Writer
	// CacheDir keeps built programs, so that a later host need not link them again. Empty means programs.Folder; if the
	// machine has none, a temporary folder.
	CacheDir string
	Logger   *slog.Logger // nil means slog.Default()
}

// Serve starts the host on a port of 127.0.0.1 and returns the port. It serves until stop is called or ctx ends.
func Serve(ctx context.Context, o Options) (port int, stop func() error, err error) {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Output == nil {
		o.Output = os.Stderr
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	remove := func() error { return nil }
	if o.CacheDir == "" {
		o.CacheDir, err = programs.Folder()
	}
	if err != nil {
		if o.CacheDir, err = os.MkdirTemp("", "batchaccess-programs-"); err != nil {
			return 0, nil, fmt.Errorf("making a folder for built programs: %w", err)
		}
		remove = func() error { return os.RemoveAll(o.CacheDir) }
	}
	building := new(sync.Mutex)
	port, end, err := attach.Serve(&pulumirpc.LanguageRuntime_ServiceDesc, func() any {
		return &host{options: o, building: building}
	})
	if err != nil {
		return 0, nil, errors.Join(err, remove())
	}
	stop = sync.OnceValue(func() error { return errors.Join(end(), remove()) })
	context.AfterFunc(ctx, func() { _ = stop() })
	return port, stop, nil
}

// host serves one `pulumi` process. It refuses what it does not implement (project and code generation).
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	options  Options
	building *sync.Mutex // held while a program is built into a file of the user's; shared by all connections

	mu     sync.Mutex
	engine string // address of the engine that attached
}

// Handshake receives the engine's address. A host that the engine starts gets it on its command line instead.
func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.engine = req.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) engineAddress() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.engine
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

// GetRequiredPlugins names none: when the program registers its resources, the engine learns which providers it needs.
// That is early enough for plugins that are attached or installed.
func (h *host) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

// GetRequiredPackages names none, for the same reason.
func (h *host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// RuntimeOptionsPrompts asks nothing: Go has no option that must be chosen.
func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Cancel does nothing: a program runs within its call, and ends with it.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
