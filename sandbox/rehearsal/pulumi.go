package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// collectRarely makes Pulumi, the program and the plugins of a rehearsal collect garbage a quarter as often as Go's
// default, unless the user has set how often. They end after seconds, and garbage collection would take a sixth of
// their CPU.
func collectRarely() []string {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return []string{"GOGC=400"}
}

// pulumi runs a command of the CLI. The error of a command that fails ends with its output.
func (r *rehearsal) pulumi(ctx context.Context, args ...string) error {
	return r.print(ctx, r.engine.Pulumi, args...)
}

func (r *rehearsal) print(
	ctx context.Context, pulumi func(context.Context, io.Writer, ...string) error, args ...string,
) error {
	var out bytes.Buffer
	r.errors.Reset()
	if err := pulumi(ctx, io.MultiWriter(&out, lines(r.Progress)), args...); err != nil {
		// Not wrapped: Pulumi's exit code is not ours.
		return fmt.Errorf("pulumi %s: %v\n%s\n%s",
			args[0], err, strings.TrimSpace(out.String()), strings.TrimSpace(r.errors.String()))
	}
	return nil
}

// lineWriter passes on whole lines.
type lineWriter struct {
	line func(string)
	rest []byte
}

func lines(p Progress) io.Writer { return &lineWriter{line: p.Line} }

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		text, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.line(string(text))
		w.rest = rest
	}
}

// outputs reads the stack's outputs about its principals.
func (r *rehearsal) outputs(ctx context.Context) (d deployed, err error) {
	all, err := r.engine.Outputs(ctx, r.Stack, r.Component)
	if err != nil {
		return d, err
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("reading the outputs of the stack: %w", err)
	}
	if d.PrincipalIDs == nil {
		return d, errors.New("the stack has no output principalIds, so nobody can sign in; export what " +
			"BatchEndpointAccess.Outputs returns, under the same names")
	}
	return d, nil
}
