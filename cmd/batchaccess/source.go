package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// A source is what a command reads, with the same flags in every command: --stack, -C, --preview and --exists.
type source struct {
	stack, dir, preview string
	component           string // if a command takes one: see componentFlag
	exists              []string
}

const previewHelp = `The stack may be of any Pulumi program that uses the components. A stack of this repository's
own program is read from its configuration alone. Any other program is previewed in the sandbox, without credentials;
or give --preview the file that "pulumi preview --json --show-sames" wrote.`

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.stack, "stack", "s", "", "stack to look at (default: the only one)")
	cmd.Flags().StringVarP(&s.dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().StringVar(&s.preview, "preview", "", "file with what pulumi preview --json --show-sames printed; - for "+
		"standard input (default: the configuration, or a preview in the sandbox)")
	addExists(cmd, &s.exists)
}

// componentFlag adds --component, for commands that read one BatchEndpointAccess.
func componentFlag(cmd *cobra.Command, component *string) {
	cmd.Flags().StringVar(component, "component", "", "name of the BatchEndpointAccess, if the program has several")
}

// A stackOf is the access that a stack of a program declares.
type stackOf struct {
	project project // empty if a preview was given and no folder has its project
	name    string
	file    string // its settings, where they are not those beside Pulumi.yaml
	engine.Program
	// own is set for this repository's own program, which is read from its configuration.
	own bool
	// several is set if the program has several BatchEndpointAccess, of which one is selected.
	several bool
	// location is the workspace's region, if the program gives it; else "".
	location string
	// given are the regions in the configuration of our own program.
	given map[string]string
}

// open reads the program.
func (s source) open(cmd *cobra.Command) (*stackOf, error) {
	if s.preview != "" {
		return s.fromPreview(cmd)
	}
	p, name, err := openStack(s.dir, s.stack)
	if err != nil {
		return nil, err
	}
	return s.openAt(cmd, &stackOf{project: p, name: name})
}

// openAt reads the program of a project and a stack that are known.
func (s source) openAt(cmd *cobra.Command, read *stackOf) (_ *stackOf, err error) {
	p, name := read.project, read.name
	if read.file != "" {
		if p.dir, err = withSettings(p.dir, name, read.file); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	}
	c, problems, err := p.read(name)
	switch {
	case errors.Is(err, errOwnProgram):
		err = read.previewed(cmd, s.exists)
		return read, err
	case err != nil:
		return nil, err
	}
	// A violated assertion prevents a deployment, but not an explanation.
	err = problems.Without(problem.Violation).Err()
	if err == nil && c.Plan == nil {
		err = c.Wrong.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration of stack %s:\n%w", name, err)
	}
	read.own, read.location, read.given = true, location(c), c.Regions
	read.Program = engine.Program{Project: p.name, Stack: name, Parts: []engine.Part{{
		Declared: c.Model, Plan: c.Plan, Problems: append(c.Wrong, byTime(c.Model, time.Now())...),
	}}}
	return read, nil
}

// previewed previews the program in the sandbox.
func (s *stackOf) previewed(cmd *cobra.Command, exists []string) error {
	seed, err := seedOf(exists)
	if err != nil {
		return err
	}
	cli, err := pulumicli.Find(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := s.project.canRun(cli); err != nil {
		return err
	}
	state, err := os.MkdirTemp("", "batchaccess-preview-")
	if err != nil {
		return fmt.Errorf("making a folder for the preview: %w", err)
	}
	defer func() { _ = os.RemoveAll(state) }()
	shown := newProgress(cmd.ErrOrStderr())
	text, err := rehearsal.Preview(cmd.Context(), rehearsal.Options{
		ProjectDir: s.project.dir, StackFile: s.file, Stack: s.name, StateDir: state, Pulumi: cli, Progress: shown,
		Logger: logger(cmd),
	}, seed)
	shown.done()
	if err != nil {
		return fmt.Errorf("stack %s of project %s, in the sandbox: %w\nWhat the program looks up and the sandbox can't "+
			"know is given with --exists, or by a preview of Azure: pulumi preview --json --show-sames > preview.json, and "+
			"--preview preview.json",
			s.name, s.project.name, err)
	}
	return s.take(text)
}

func (s *stackOf) take(text []byte) error {
	preview, err := engine.Read(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	s.Program, err = preview.Program()
	for _, p := range s.Parts {
		if at, ok := p.Inputs["location"].(string); ok && s.location == "" {
			s.location = at
		}
	}
	return err
}

// fromPreview reads the given preview. It has to be of the given stack and project.
func (s source) fromPreview(cmd *cobra.Command) (*stackOf, error) {
	args := []string{s.preview}
	preview, err := readPreview(cmd.InOrStdin(), args)
	if err != nil {
		return nil, fmt.Errorf("--preview: %w", err)
	}
	read := &stackOf{name: preview.Stack}
	if read.Program, err = preview.Program(); err != nil {
		return nil, fmt.Errorf("--preview %s: %w", s.preview, err)
	}
	if s.stack != "" && baseName(s.stack) != preview.Stack {
		return nil, fmt.Errorf("--preview %s is of stack %s, and --stack is %s; preview the stack that is meant", s.preview,
			preview.Stack, s.stack)
	}
	p, err := openProject(s.dir)
	switch {
	case err == nil && p.name == preview.Project:
		read.project = p
		read.project.asked = s.stack
	case err == nil && cmd.Flags().Changed("dir"):
		return nil, fmt.Errorf("--preview %s is of project %s, and the project in %s is %s; preview the program that is "+
			"meant",
			s.preview, preview.Project, s.dir, p.name)
	case err != nil && cmd.Flags().Changed("dir"):
		return nil, err
	}
	return read, nil
}

// baseName is the stack's own name in org/project/stack.
func baseName(stack string) string { return stack[strings.LastIndex(stack, "/")+1:] }

// narrow selects the BatchEndpointAccess with that name, or the only one.
func (s *stackOf) narrow(component string) (engine.Part, error) {
	part, err := s.One(component)
	if err != nil {
		return part, err
	}
	s.several = s.several || len(s.Parts) > 1
	s.Parts = []engine.Part{part}
	return part, nil
}

// title is what a report calls the stack or component.
func (s *stackOf) title() string {
	if s.several {
		return s.name + ", component " + s.Parts[0].Name
	}
	return s.name
}

// deployed reads the BatchEndpointAccess with the given name, or the only one, if it can be deployed.
func (s source) deployed(cmd *cobra.Command) (*stackOf, error) {
	read, err := s.open(cmd)
	if err != nil {
		return nil, err
	}
	part, err := read.narrow(s.component)
	if err != nil {
		return nil, err
	}
	return read, read.complete(cmd, part)
}

// complete takes from the stack's state what a preview in the sandbox can't know yet.
func (s *stackOf) complete(cmd *cobra.Command, part engine.Part) error {
	if m := part.Plan.Model; m.WorkspaceID.Later() || anyLater(m.StorageAccounts) {
		if s.own {
			return nil // encrypted in the configuration
		}
		known, err := s.outputs(cmd.Context(), cmd, false)
		if err != nil {
			return err
		}
		part.Inputs = engine.Fill(part.Inputs, known.Inputs)
		if part.Declared, part.Plan, part.Problems, err = engine.Plan(part.Inputs); err != nil {
			return fmt.Errorf("BatchEndpointAccess %s:\n%w", part.Name, err)
		}
		s.Parts[0] = part
	}
	if err := part.Problems.Err(); err != nil {
		return fmt.Errorf("the configuration of stack %s:\n%w", s.name, err)
	}
	return nil
}

func anyLater(ids map[string]access.ID) bool {
	for _, id := range ids {
		if id.Later() {
			return true
		}
	}
	return false
}

// model returns the model of the only BatchEndpointAccess.
func (s *stackOf) model() access.Model { return s.Parts[0].Plan.Model }

// canRun returns an error if the machine lacks something for running the project's program.
func (p project) canRun(cli string) error {
	text, err := os.ReadFile(filepath.Join(p.dir, "Pulumi.yaml"))
	if err != nil {
		return fmt.Errorf("reading the project: %w", err)
	}
	var settings struct{ Runtime yaml.Node }
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Join(p.dir, "Pulumi.yaml"), err)
	}
	var named struct {
		Name    string
		Options struct{ Binary string }
	}
	if settings.Runtime.Kind == yaml.ScalarNode {
		named.Name = settings.Runtime.Value
	} else if err := settings.Runtime.Decode(&named); err != nil {
		return fmt.Errorf("reading %s: runtime: %w", filepath.Join(p.dir, "Pulumi.yaml"), err)
	}
	if named.Options.Binary != "" {
		return nil
	}
	if err := rehearsal.LanguageHost(cli, named.Name); err != nil {
		return fmt.Errorf("%s: runtime: %w", filepath.Join(p.dir, "Pulumi.yaml"), err)
	}
	return nil
}
