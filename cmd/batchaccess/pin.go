package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/jsonform"
)

func newPin() *cobra.Command {
	var from source
	var form form
	var to output
	var yes bool
	cmd := &cobra.Command{
		Use:   "pin",
		Short: "Write what was looked up in Azure into a stack's configuration",
		Long: `Pin previews a stack and lists what was looked up for it: the object IDs of principals that the
configuration only names, whether data stores hold credentials and where they point, the clusters of endpoints, the
identities of clusters. With --yes it writes the values beside the names (pulumi config set). From then on nothing is
looked up: a preview needs no permission to read the directory or the workspace, and does not see a change in Azure
until you remove the values again.

It exits with 0 if everything is written, with 1 if something is not written yet, and with 2 if it can't preview.`,
		Example: `  batchaccess pin --stack dev         # what was looked up
  batchaccess pin --stack dev --yes   # write it to Pulumi.dev.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := form.check(); err != nil {
				return err
			}
			var given *stackOf
			if from.preview != "" {
				var err error
				if given, err = from.fromPreview(cmd); err != nil {
					return err
				}
				from.stack = given.name
			}
			p, stack, err := openStack(from.dir, from.stack)
			if err != nil {
				return err
			}
			if given != nil && given.Project != p.name {
				return fmt.Errorf("--preview %s is of project %s, and the project in %s is %s; name its folder with -C",
					from.preview, given.Project, p.dir, p.name)
			}
			values, err := config.ReadStack(p.dir, stack)
			if err != nil {
				return err
			}
			find := findPreviewer
			if given != nil {
				find = findPulumi
			}
			pulumi, err := find(ctx, p, stack, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			program := engine.Program{}
			if given != nil {
				program = given.Program
			} else {
				shown := newProgress(cmd.ErrOrStderr())
				shown.Step("pulumi preview")
				program, err = pulumi.program(ctx)
				shown.done()
			}
			var inputs map[string]any
			if err == nil {
				inputs, err = componentInputs(program, from.component)
			}
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			found := pins("", inputs, values, slices.Sorted(maps.Keys(inputs)))
			err = to.print(cmd, "pins", func(w io.Writer) error { return reportPins(w, found, form.format == "json") })
			if err != nil {
				return err
			}
			switch {
			case len(found) == 0:
				return nil
			case values["invokers"] == nil:
				fmt.Fprintln(cmd.ErrOrStderr(), "the program gives these arguments itself, not from the stack's configuration: "+
					"write them there")
				return errFailed
			case !yes:
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing is written yet; add --yes to write it")
				return errFailed
			}
			return pulumi.pin(ctx, p.name, found)
		},
	}
	cmd.Flags().StringVarP(&from.stack, "stack", "s", "", "stack to pin (default: the only one)")
	cmd.Flags().StringVarP(&from.dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().StringVar(&from.preview, "preview", "", "file with what pulumi preview --json --show-sames printed of "+
		"Azure; - for standard input (default: preview it)")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "write it")
	componentFlag(cmd, &from.component)
	form.flags(cmd, "table", "json")
	to.flags(cmd)
	return cmd
}

// A foundPin is one value that was looked up, with its path in the configuration.
type foundPin struct {
	Path  string `json:"path"`
	Value any    `json:"value"` // text, or true or false
}

// pinsForm is pin's JSON.
type pinsForm struct {
	Version int        `json:"version"`
	Pins    []foundPin `json:"pins"`
}

// pinned are the arguments that look-ups complete.
var pinned = []string{"invokers", "clusters", "dataInputs", "dataOutputs", "endpoints", "workspace"}

// program previews the stack.
func (p pulumiOf) program(ctx context.Context) (program engine.Program, err error) {
	text, err := p.Preview(ctx)
	if err != nil {
		return program, err
	}
	preview, err := engine.Read(bytes.NewReader(text))
	if err != nil {
		return program, err
	}
	return preview.Program()
}

// componentInputs returns the inputs of the BatchEndpointAccess: the arguments, completed by look-ups.
func componentInputs(program engine.Program, component string) (map[string]any, error) {
	part, err := program.One(component)
	if err != nil {
		return nil, err
	}
	inputs := map[string]any{}
	for _, key := range pinned {
		if of, ok := part.Inputs[key]; ok {
			inputs[key] = of
		}
	}
	return inputs, nil
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// pins returns the values that the inputs have and the configuration does not.
func pins(path string, inputs, values map[string]any, keys []string) (found []foundPin) {
	for _, key := range keys {
		at := path + `["` + key + `"]`
		if plainKey.MatchString(key) {
			at = strings.TrimPrefix(path+"."+key, ".")
		}
		switch in := inputs[key].(type) {
		case map[string]any:
			given, _ := values[key].(map[string]any)
			found = append(found, pins(at, in, given, slices.Sorted(maps.Keys(in)))...)
		case string, bool:
			if _, given := values[key]; !given && in != config.Unknown {
				found = append(found, foundPin{at, in})
			}
		}
	}
	return found
}

func reportPins(w io.Writer, found []foundPin, asJSON bool) error {
	if asJSON {
		return jsonform.Write(w, pinsForm{jsonVersion, found})
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "everything is written already: nothing was looked up")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range found {
		fmt.Fprintf(t, "%s\t%v\n", p.Path, p.Value)
	}
	return t.Flush()
}

// pin writes the values. Pulumi would read a text that looks like a number, or like true, as one.
func (p pulumiOf) pin(ctx context.Context, project string, found []foundPin) error {
	args := []string{"config", "set-all", "--path"}
	for _, pin := range found {
		if text, ok := pin.Value.(string); ok {
			if _, err := strconv.ParseFloat(text, 64); err == nil || text == "true" || text == "false" {
				return errors.New(pin.Path + ": write it by hand, in quotes: pulumi config set would not keep it as text")
			}
		}
		args = append(args, "--plaintext", fmt.Sprintf("%s:%s=%v", project, pin.Path, pin.Value))
	}
	_, err := p.Run(ctx, nil, args...)
	return err
}
