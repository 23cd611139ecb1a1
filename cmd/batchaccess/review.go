package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/review"
)

// reviewFormats are the renderers, by the values of --format.
var reviewFormats = []struct {
	name   string
	render func(io.Writer, review.Review) error
}{{"table", review.Text}, {"markdown", review.Markdown}, {"json", review.JSON}, {"sarif", review.SARIF},
	{"html", review.HTML}}

func newReview() *cobra.Command {
	var form form
	var to output
	var guards, stack, dir, given string
	var failOn []string
	var conditions strings.Builder
	for _, c := range review.Conditions() {
		fmt.Fprintf(&conditions, "  %-10s  %s\n", c.Name, c.When)
	}
	cmd := &cobra.Command{
		Use:   "review [preview.json|-]",
		Short: "Report what access a Pulumi preview gives and takes, before it is merged",
		Long: `Review reads the output of "pulumi preview --json" as access: who gains and loses what, which
actions each role gains, which secrets are made or removed, which jobs start or stop working, and which guardrails the
change breaks.

A preview leaves out what does not change, so a review can't know which access a principal keeps by an unchanged
assignment. Add --show-sames to the preview, so that everything is judged. With --stack and no file, review runs the
preview itself.

Every changed resource is judged, or known to give access and reported, or listed as not judged. The file of
--guardrails has a team's decisions about types that are not judged here, and its waivers.

--fail-on takes a list of
` + conditions.String() + `
It exits with 1 if a condition of --fail-on is met, with 2 if the preview can't be read completely, and otherwise with
0. With 2 it prints what it could read; do not rely on it.`,
		Example: `  pulumi preview --json --show-sames --stack dev > preview.json
  batchaccess review preview.json --fail-on new-access,guardrails,unjudged
  batchaccess review --stack dev
  batchaccess review preview.json --format markdown --output comment.md
  batchaccess review preview.json --format html --output review.html
  pulumi preview --json --stack dev | batchaccess review - --format sarif`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := form.check(); err != nil {
				return err
			}
			render, err := rendererOf(form.format)
			if err != nil {
				return err
			}
			if _, err := (review.Review{}).Met(failOn); err != nil {
				return fmt.Errorf("--fail-on: %w", err)
			}
			rules, err := readGuardrails(guards)
			if err != nil {
				return err
			}
			if given != "" {
				if len(args) > 0 {
					return errors.New("a preview is given twice, by --preview and as an argument; give one")
				}
				args = []string{given}
			}
			var preview engine.Preview
			if stack != "" && len(args) == 0 {
				preview, err = runPreview(cmd, dir, stack)
			} else {
				preview, err = readPreview(cmd.InOrStdin(), args)
			}
			if err != nil {
				return err
			}
			if err := sameProgram(cmd, preview, dir, stack); err != nil {
				return err
			}
			o := review.Options{Now: time.Now(), Guardrails: rules, StackFile: stackFile(dir, cmp.Or(stack, preview.Stack))}
			if p, err := openProject(dir); err == nil {
				o.Commit = p.commit(cmd.Context())
			}
			r := review.Make(preview, o)
			if err := to.print(cmd, "review", func(w io.Writer) error { return render(w, r) }); err != nil {
				return err
			}
			if r.Partial() {
				return errors.New("not all of the preview could be read: " + strings.Join(r.Unread, "\n"))
			}
			met, err := r.Met(failOn)
			if err != nil {
				return err
			}
			if len(met) > 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "batchaccess: failed on", strings.Join(met, ", "))
				return errFailed
			}
			return nil
		},
	}
	form.flags(cmd, formatNames()...)
	to.flags(cmd)
	cmd.Flags().StringSliceVar(&failOn, "fail-on", nil, "conditions to exit with 1 on, see above (default: none)")
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "stack to preview, if no preview is given; else the stack whose "+
		"Pulumi.<stack>.yaml has the places for SARIF")
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().StringVar(&given, "preview", "", "the same as the argument: file with a preview, - for standard input")
	cmd.Flags().StringVar(&guards, "guardrails", "", "JSON or YAML file with limits and levels of the guardrails "+
		"(default: each rule's own)")
	return cmd
}

func formatNames() (names []string) {
	for _, f := range reviewFormats {
		names = append(names, f.name)
	}
	return names
}

func rendererOf(format string) (func(io.Writer, review.Review) error, error) {
	for _, f := range reviewFormats {
		if f.name == format {
			return f.render, nil
		}
	}
	return nil, fmt.Errorf("--format: unknown value %q; %s", format, problem.DidYouMean(format, formatNames()))
}

func readGuardrails(file string) (guardrails.Config, error) {
	if file == "" {
		return guardrails.DefaultConfig(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return guardrails.Config{}, fmt.Errorf("reading --guardrails: %w", err)
	}
	c, err := guardrails.ParseConfig(text, time.Now())
	if err != nil {
		return c, fmt.Errorf("%s:\n%w", file, err)
	}
	return c, nil
}

// runPreview previews the stack with Pulumi.
func runPreview(cmd *cobra.Command, dir, stack string) (engine.Preview, error) {
	p, err := openProject(dir)
	if err != nil {
		return engine.Preview{}, err
	}
	pulumi, err := findPreviewer(cmd.Context(), p, stack, cmd.ErrOrStderr())
	if err != nil {
		return engine.Preview{}, err
	}
	shown := newProgress(cmd.ErrOrStderr())
	shown.Step("pulumi preview")
	text, err := pulumi.Preview(cmd.Context())
	shown.done()
	if err != nil {
		return engine.Preview{}, fmt.Errorf("stack %s: %w", stack, err)
	}
	return engine.Read(bytes.NewReader(text))
}

// sameProgram refuses a preview of another stack or project than the given one.
func sameProgram(cmd *cobra.Command, preview engine.Preview, dir, stack string) error {
	if stack != "" && preview.Stack != "" && baseName(stack) != preview.Stack {
		return fmt.Errorf("the preview is of stack %s, and --stack is %s; preview the stack that is meant", preview.Stack,
			stack)
	}
	if !cmd.Flags().Changed("dir") {
		return nil
	}
	p, err := openProject(dir)
	if err == nil && preview.Project != "" && p.name != preview.Project {
		err = fmt.Errorf("the preview is of project %s, and the project in %s is %s; preview the program that is meant",
			preview.Project, dir, p.name)
	}
	return err
}

// stackFile returns the configuration of the stack, with its path from the working folder; empty if there is none.
func stackFile(dir, stack string) review.StackFile {
	p, err := openProject(dir)
	if err != nil || stack == "" || strings.ContainsAny(stack, `/\`) {
		return review.StackFile{}
	}
	file := filepath.Join(p.dir, "Pulumi."+stack+".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return review.StackFile{}
	}
	if here, err := filepath.Abs("."); err == nil {
		if path, err := filepath.Rel(here, file); err == nil {
			file = path
		}
	}
	return review.StackFile{Path: filepath.ToSlash(file), Text: text}
}

func readPreview(stdin io.Reader, args []string) (engine.Preview, error) {
	if len(args) == 0 || args[0] == "-" {
		return engine.Read(stdin)
	}
	file, err := os.Open(args[0])
	if err != nil {
		return engine.Preview{}, fmt.Errorf("opening the preview: %w", err)
	}
	defer file.Close()
	p, err := engine.Read(file)
	if err != nil {
		return p, fmt.Errorf("%s: %w", args[0], err)
	}
	return p, nil
}
