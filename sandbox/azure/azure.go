// Package azure is an Azure on this machine: Resource Manager, Microsoft Graph, Entra's token endpoints, the
// managed-identity endpoints and batch endpoints, over HTTPS on one loopback address. It enforces what Azure enforces,
// with Azure's status codes and error codes, so that a stack that works here has been granted what it needs.
//
// It must know nothing of Pulumi, nor of the access model that the stacks are made from: if it did, a mistake there
// would be repeated here instead of being found.
package azure

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/blob"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/ca"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/entra"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/graph"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
)

// Options say where a sandbox keeps its state and where it listens.
type Options struct {
	// StateFile keeps the state from one run to the next, with the keys beside it in the same folder; "" keeps all in
	// memory. One process at a time may use it; the error that another one gets names the first.
	StateFile string
	// From is the content with which this Azure starts: a snapshot of another one. It can't be combined with
	// StateFile.
	From Snapshot
	// Listen is a loopback address; default "127.0.0.1:0", which takes the port of the last run if it is free.
	Listen string
	// Weather is what makes this Azure slower and less reliable; default calm.
	Weather Weather
	// Logger gets every request at level Debug, without secrets; default none.
	Logger *slog.Logger
}

// Azure is a running sandbox.
type Azure struct {
	store          *state.Store
	authority      *ca.Authority
	issuer         *token.Issuer
	entra          *entra.Service
	server         *http.Server
	host           string
	secret         string
	identityHeader string
	client         func() *http.Client
	front          http.Handler
	watched        *watched
	started        time.Time
	close          func() error
}

// Start opens the state and serves it until Close, or until ctx is done.
func Start(ctx context.Context, o Options) (*Azure, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.Weather.check(); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	store, err := state.Open(o.StateFile)
	if err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	if store.Earlier() {
		o.Logger.Warn("the state file is of an earlier sandbox; it is written again, and that sandbox will not read it",
			"file", o.StateFile)
	}
	store.SetLag(o.Weather.Replication, o.Weather.Propagation, o.Weather.IdentityTokens)
	if len(o.From) > 0 {
		if err := store.Restore(o.From); err != nil {
			return nil, errors.Join(fmt.Errorf("starting the sandbox: %w", err), store.Close())
		}
	}
	a := &Azure{store: store, identityHeader: rand.Text(), watched: &watched{}, started: store.Now()}
	if err := a.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the sandbox: %w", err), store.Close())
	}
	return a, nil
}

func (a *Azure) start(ctx context.Context, o Options) (err error) {
	dir := ""
	if o.StateFile != "" {
		dir = filepath.Dir(o.StateFile)
	}
	if a.authority, err = ca.Load(dir); err != nil {
		return err
	}
	a.client = sync.OnceValue(func() *http.Client { return newClient(a.CAPool()) })
	if a.issuer, err = token.NewIssuer(dir, a.store.Now); err != nil {
		return err
	}
	if err := a.enrolDeployer(); err != nil {
		return err
	}
	return a.serve(ctx, o)
}

func (a *Azure) serve(ctx context.Context, o Options) error {
	certificate, err := a.authority.Server()
	if err != nil {
		return err
	}
	listener, err := a.listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	a.host = listener.Addr().String()
	a.entra = entra.New(a.store, a.issuer, a.URL(), a.identityHeader)
	a.front = &front{
		azure:     a,
		arm:       arm.New(a.store, a.issuer, a.URL()),
		graph:     graph.New(a.store, a.issuer, a.URL()),
		inference: inference.New(a.store, a.issuer, a.URL()),
		blobs:     blob.New(a.store, a.issuer),
	}
	a.server = &http.Server{
		Handler:           chain(a.withWatch(a.front), o.Logger, o.Weather, a.store.Now),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	open := newConnections()
	a.server.ConnState = open.note
	done := make(chan error, 1)
	go func() { done <- a.server.ServeTLS(listener, "", "") }()
	a.close = sync.OnceValue(func() error {
		err := a.stopServing(open)
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return errors.Join(err, a.store.Close())
	})
	context.AfterFunc(ctx, func() { _ = a.close() })
	return nil
}

// stopServing accepts no more requests, answers those that are being served, and closes all connections.
func (a *Azure) stopServing(open *connections) error {
	const (
		grace  = 5 * time.Second
		linger = 10 * time.Millisecond // a finished answer may not have been sent yet
	)
	late, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	answered, done := context.WithCancel(late)
	defer done()
	a.server.RegisterOnShutdown(func() { // when it is called, no new connection is accepted
		open.idle(late)
		time.AfterFunc(linger, done)
	})
	err := a.server.Shutdown(answered)
	if errors.Is(err, context.Canceled) {
		err = nil // every request was answered
	}
	return errors.Join(err, a.server.Close())
}

// listen listens at the given address, or at the port of the last run, or at any free port, and records the port.
func (a *Azure) listen(ctx context.Context, address string) (net.Listener, error) {
	var last int
	_ = a.store.View(func(st *state.State) error { last = st.Port; return nil })
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("the listen address %q is not host:port: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the listen address %q is not on loopback; use 127.0.0.1:%s", address, port)
	}
	var config net.ListenConfig
	listener, err := net.Listener(nil), errors.New("no port noted")
	if port == "0" && last != 0 {
		listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(last)))
	}
	if err != nil {
		if listener, err = config.Listen(ctx, "tcp", address); err != nil {
			return nil, err
		}
	}
	taken := listener.Addr().(*net.TCPAddr).Port
	err = a.store.Update(func(st *state.State) error { st.Port = taken; return nil })
	return listener, err
}

// Close stops serving and writes the state to its file. It may be called more than once.
func (a *Azure) Close() error { return a.close() }

// URL is the sandbox's address, without a trailing slash.
func (a *Azure) URL() string { return "https://" + a.host }

// Cloud has the addresses and limits of one of Azure's clouds.
type Cloud = clouds.Cloud

// CloudNamed finds a cloud by its name or by azure-native's word for it; "" is public Azure.
func CloudNamed(name string) (Cloud, bool) { return clouds.Named(name) }

// Cloud is the cloud that the sandbox is in.
func (a *Azure) Cloud() (cloud Cloud) {
	_ = a.store.View(func(st *state.State) error { cloud = clouds.Of(st.Cloud); return nil })
	return cloud
}

// Now is the sandbox's time, and Started that of its start.
func (a *Azure) Now() time.Time     { return a.store.Now() }
func (a *Azure) Started() time.Time { return a.started }

// Host is the address in the form of the providers' setting metadataHost: host and port.
func (a *Azure) Host() string { return a.host }

// CAPool is a pool that trusts the sandbox's certificate authority and no other.
func (a *Azure) CAPool() *x509.CertPool { return a.authority.Pool() }

// CAPEM is the certificate of the sandbox's certificate authority.
func (a *Azure) CAPEM() []byte { return append([]byte(nil), a.authority.PEM...) }

// Client is an HTTP client that trusts the sandbox's certificate authority and no other. Every call returns the same
// client, so that connections are used again.
func (a *Azure) Client() *http.Client { return a.client() }

func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second,
	}}
}

// IdentityHeader is the value of X-IDENTITY-HEADER that the App Service identity endpoint, URL() + "/msi/token",
// requires. It differs in each run.
func (a *Azure) IdentityHeader() string { return a.identityHeader }

// SignIn issues an access token to a user, service principal or managed identity without asking for a proof. It
// stands for `az login` and `az account get-access-token --resource`, for principals whose proof the sandbox does not
// have. The error is Entra's: an unknown or disabled principal, an unknown resource.
func (a *Azure) SignIn(_ context.Context, objectID, resource string) (string, error) {
	access, err := a.entra.SignIn(objectID, resource)
	if err != nil {
		return "", fmt.Errorf("signing in as %s: %w", objectID, err)
	}
	return access, nil
}

// FederatedAssertion is the token that an issuer outside Entra, such as GitHub Actions, would sign for a subject. The
// token endpoint accepts it as client_assertion for ten minutes, in this run only.
func (a *Azure) FederatedAssertion(issuer, subject, audience string) (string, error) {
	return a.issuer.SignAssertion(issuer, subject, audience)
}
