package golang

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// output sends what a program prints to the engine, which shows it under the stack. The engine of an attached host does
// not see the host's own stdout and stderr.
type output struct {
	conn     *grpc.ClientConn
	fallback io.Writer
	streams  []*lines
}

// dialOutput connects to the engine. Pulumi serves the connection without TLS on a port of this machine.
func (h *host) dialOutput() (*output, error) {
	o := &output{fallback: h.options.Output}
	address := h.engineAddress()
	if address == "" {
		return o, nil
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to the engine at %s: %w", address, err)
	}
	o.conn = conn
	return o, nil
}

// stream takes what the program prints on one of its streams.
func (o *output) stream(ctx context.Context) io.Writer {
	write := func(line string) { _, _ = io.WriteString(o.fallback, line) }
	if o.conn != nil {
		engine := pulumirpc.NewEngineClient(o.conn)
		write = func(line string) {
			// A line that cannot be shown is no reason to stop the program.
			_, _ = engine.Log(ctx, &pulumirpc.LogRequest{Severity: pulumirpc.LogSeverity_INFO, Message: line})
		}
	}
	l := &lines{write: write}
	o.streams = append(o.streams, l)
	return l
}

// close shows text without a line end, and disconnects from the engine. Call it when the program has ended.
func (o *output) close() {
	for _, l := range o.streams {
		l.flush()
	}
	if o.conn != nil {
		_ = o.conn.Close()
	}
}

// lines passes text on line by line. One goroutine may write to it.
type lines struct {
	rest  []byte
	write func(line string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		l.write(string(l.rest[:end+1]))
		l.rest = l.rest[end+1:]
	}
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.write(string(l.rest) + "\n")
		l.rest = nil
	}
}

// pluginStream sends what a plugin prints to whoever asked to run it. A gRPC stream takes one sender at a time, but a
// process has two outputs.
type pluginStream struct {
	mu     sync.Mutex
	stream pulumirpc.LanguageRuntime_RunPluginServer
}

func (s *pluginStream) send(r *pulumirpc.RunPluginResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.Send(r)
}

func (s *pluginStream) writer(wrap func([]byte) *pulumirpc.RunPluginResponse) io.Writer {
	return writerFunc(func(p []byte) (int, error) { return len(p), s.send(wrap(bytes.Clone(p))) })
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
