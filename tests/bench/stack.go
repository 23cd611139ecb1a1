package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/bench/model"
	"github.com/batchaccess/batchaccess/tests/bench/usage"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// A run is what one command of Pulumi used: the engine and the program separately.
type run struct{ engine, program usage.Usage }

// A deployment is a new stack on which commands were run.
type deployment struct {
	runs      map[string]run // by command
	resources inventory
}

// A command of Pulumi that is measured.
type command struct {
	name      string
	args, env []string
}

// Pulumi writes the whole state again with every resource. So most of the time of a large up is writing, which grows
// with the square of the stack, and which a file backend does in the engine. Therefore up is measured in two ways. Each
// list runs on its own stack.
var (
	// everyRound is short enough for several rounds; its up writes the state once, at the end.
	everyRound = []command{
		{"preview", []string{"preview"}, nil},
		{"up, state saved once", []string{"up", "--yes", "--skip-preview"},
			[]string{"PULUMI_EXPERIMENTAL=true", "PULUMI_SKIP_CHECKPOINTS=true"}},
	}
	// once is up as it is by default.
	once = []command{{"up", []string{"up", "--yes", "--skip-preview"}, nil}}
)

// stacks deploys built programs with Pulumi to embedded Azures.
type stacks struct {
	dir     string // folder for all output
	measure string // path of the command measure
	pulumi  string // path of the CLI
}

const stackName = "bench"

// deploy runs commands, the last of which deploys, with a new stack, state and Azure, and removes them.
func (s stacks) deploy(ctx context.Context, program string, size int, commands []command) (_ *deployment, err error) {
	dir, err := os.MkdirTemp(s.dir, "stack-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a stack: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	report := filepath.Join(dir, "program.json")
	if err := s.writeProject(dir, program, report, size); err != nil {
		return nil, err
	}
	a, err := startAzure(ctx, size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var output bytes.Buffer
	e, err := engine.Start(ctx, engine.Options{
		StateDir: filepath.Join(dir, "state"), Azure: a, ProjectDir: dir, Pulumi: s.pulumi,
		Stdout: &output, Stderr: &output, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()

	d := &deployment{runs: map[string]run{}}
	for _, c := range commands {
		output.Reset()
		_ = os.Remove(report) // leftovers of an earlier command do not count for this one
		own := filepath.Join(dir, "engine.json")
		args := slices.Concat(c.env, []string{s.measure, own, s.pulumi}, c.args,
			[]string{"--stack", stackName, "--non-interactive", "--color", "never"})
		if err := e.Run(ctx, "env", args...); err != nil {
			return nil, fmt.Errorf("pulumi %s: %w\n%s", c.args[0], err, strings.TrimSpace(output.String()))
		}
		var r run
		if r.engine, err = usage.Read(own); err != nil {
			return nil, err
		}
		if r.program, err = usage.Read(report); err != nil {
			return nil, err
		}
		d.runs[c.name] = r
	}
	var state bytes.Buffer
	if err := e.Pulumi(ctx, &state, "stack", "export", "--stack", stackName); err != nil {
		return nil, fmt.Errorf("pulumi stack export: %w\n%s", err, strings.TrimSpace(output.String()))
	}
	d.resources, err = readInventory(&state)
	return d, err
}

// startAzure starts an Azure with everything that the workload refers to, and keeps it in memory.
func startAzure(ctx context.Context, size int) (*azure.Azure, error) {
	seed, err := rehearsal.Seed(model.Of(size), workload.Location)
	if err != nil {
		return nil, fmt.Errorf("preparing the sandbox: %w", err)
	}
	a, err := azure.Start(ctx, azure.Options{})
	if err != nil {
		return nil, err
	}
	if err := a.Seed(seed); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// writeProject writes a project whose program is the built one, run under the command measure. The language host runs
// the project's program without arguments, so a script adds them.
func (s stacks) writeProject(dir, program, report string, size int) error {
	script := filepath.Join(dir, "program.sh")
	files := []struct {
		path, content string
		mode          os.FileMode
	}{
		{script, fmt.Sprintf("#!/bin/sh\nexec '%s' '%s' '%s'\n", s.measure, report, program), 0o700},
		{filepath.Join(dir, "Pulumi.yaml"), fmt.Sprintf("name: bench\nruntime: {name: go, options: {binary: %q}}\n", script),
			0o600},
		{filepath.Join(dir, "Pulumi."+stackName+".yaml"), fmt.Sprintf("config:\n  %s: %d\n", workload.AssignmentsKey, size),
			0o600},
	}
	for _, f := range files {
		if err := os.WriteFile(f.path, []byte(f.content), f.mode); err != nil {
			return fmt.Errorf("writing a project for the stack: %w", err)
		}
	}
	return nil
}
