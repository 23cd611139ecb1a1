// Package standin serves stand-ins for the Pulumi providers azure-native and azuread, for machines on which the real
// plugins are not installed. A stand-in turns a resource into the same HTTP calls that the real plugin makes: it finds
// Azure's addresses at the metadata host, signs in at Entra with a client secret, and calls Resource Manager or
// Microsoft Graph. It leaves every decision to Azure.
//
// It covers the resources and functions that this project uses: arm_resources.go and graph_resources.go list them. It
// must not know that the Azure it talks to is a sandbox, nor which program is deployed to it.
package standin

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/batchaccess/batchaccess/sandbox/standin/attach"
)

// Config says which Azure a stand-in talks to, and as whom. Empty fields are taken from the configuration of the Pulumi
// provider. Other fields win over it, so that a stand-in can't reach another Azure or use another credential; only
// TenantID and SubscriptionID are mere defaults.
type Config struct {
	MetadataHost   string // host:port, served over HTTPS
	TenantID       string
	SubscriptionID string
	ClientID       string
	ClientSecret   string
	RootCAs        *x509.CertPool // nil means the system's
	Logger         *slog.Logger   // nil means slog.Default()
}

// Names are the providers that have a stand-in.
func Names() []string { return slices.Sorted(maps.Keys(packages)) }

// Serve starts the stand-in for the named provider (one of Names) on a port of 127.0.0.1 and returns the port. Attach
// it with PULUMI_DEBUG_PROVIDERS=name:port. It serves until stop is called or ctx ends.
func Serve(ctx context.Context, name string, cfg Config) (port int, stop func() error, err error) {
	if _, err := New(name, cfg); err != nil {
		return 0, nil, err
	}
	port, end, err := attach.Serve(&pulumirpc.ResourceProvider_ServiceDesc, func() any {
		// Each connection needs its own server, with its own configuration. It can't fail: New worked above.
		p, _ := New(name, cfg)
		return server{plugin.NewProviderServer(p)}
	})
	if err != nil {
		return 0, nil, err
	}
	stop = sync.OnceValue(end)
	context.AfterFunc(ctx, func() { _ = stop() })
	return port, stop, nil
}

// New makes the stand-in for the named provider (one of Names), for programs that call it themselves.
func New(name string, cfg Config) (plugin.Provider, error) {
	pkg, ok := packages[name]
	if !ok {
		return nil, fmt.Errorf("there is no stand-in for the provider %q: choose from %s", name, strings.Join(Names(), ", "))
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	loaded, err := pkg.load()
	if err != nil {
		return nil, fmt.Errorf("loading the stand-in for %s: %w", name, err)
	}
	cfg.Logger = cfg.Logger.With("provider", name)
	return &provider{pkg: loaded, config: cfg, client: newClient(cfg)}, nil
}

// server is the SDK's server for a provider, with the parts that it lacks.
type server struct {
	pulumirpc.ResourceProviderServer
}

// Diff marks the diff as detailed, because the engine ignores the details otherwise, and marks deletions that replace.
func (s server) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	res, err := s.ResourceProviderServer.Diff(ctx, req)
	if err != nil {
		return nil, err
	}
	res.HasDetailedDiff = len(res.GetDetailedDiff()) > 0
	for _, path := range res.GetReplaces() {
		if d := res.GetDetailedDiff()[path]; d.GetKind() == pulumirpc.PropertyDiff_DELETE {
			d.Kind = pulumirpc.PropertyDiff_DELETE_REPLACE
		}
	}
	return res, nil
}
