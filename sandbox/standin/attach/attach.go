// Package attach serves a Pulumi plugin (a provider or a language host) on a loopback port, for Pulumi's
// PULUMI_DEBUG_PROVIDERS and PULUMI_DEBUG_LANGUAGES.
//
// Pulumi starts a plugin process for each provider instance, but only connects to an attached one. So one attached
// plugin serves several instances, each with its own configuration, and several `pulumi` processes one after the other.
// Each has its own connection, so this package keeps a server value for each connection.
//
// It knows nothing of what the plugins do.
package attach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// maxMessage is Pulumi's own limit of a message in bytes; gRPC's default of 4 MB is too small for large stacks.
const maxMessage = 400 << 20

// grace is how long stop waits for running calls.
const grace = 2 * time.Second

// Serve answers the calls of the service on 127.0.0.1, at a port that the system chooses. newServer makes the value
// that serves one connection; it must implement the service. stop ends the server: it waits shortly for running calls
// and then cancels them.
func Serve(service *grpc.ServiceDesc, newServer func() any) (port int, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("serving %s: %w", service.ServiceName, err)
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.StatsHandler(connections{newServer}))
	server.RegisterService(perConnection(service), nil)

	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	stop = func() error {
		hard := time.AfterFunc(grace, server.Stop)
		defer hard.Stop()
		server.GracefulStop()
		if err := <-done; !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began, which is no error
			return err
		}
		return nil
	}
	return listener.Addr().(*net.TCPAddr).Port, stop, nil
}

type connectionKey struct{}

// connections puts a new server value into the context of each connection. gRPC derives the context of every call from
// it.
type connections struct{ newServer func() any }

func (c connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, c.newServer())
}

func (connections) HandleConn(context.Context, stats.ConnStats) {}

func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (connections) HandleRPC(context.Context, stats.RPCStats) {}

// perConnection is the service with handlers that call the server value of their connection.
func perConnection(service *grpc.ServiceDesc) *grpc.ServiceDesc {
	routed := *service
	routed.HandlerType = (*any)(nil)
	routed.Methods = nil
	for _, method := range service.Methods {
		handle := method.Handler
		method.Handler = func(_ any, ctx context.Context, dec func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
			return handle(ctx.Value(connectionKey{}), ctx, dec, i)
		}
		routed.Methods = append(routed.Methods, method)
	}
	routed.Streams = nil
	for _, stream := range service.Streams {
		handle := stream.Handler
		stream.Handler = func(_ any, s grpc.ServerStream) error {
			return handle(s.Context().Value(connectionKey{}), s)
		}
		routed.Streams = append(routed.Streams, stream)
	}
	return &routed
}
