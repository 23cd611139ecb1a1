package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// A form is how a command prints, in the same way for every command: --format, and --json for --format json.
type form struct {
	format  string
	json    bool
	formats []string // the first is the default
}

func (f *form) flags(cmd *cobra.Command, formats ...string) {
	f.formats = formats
	said := formats[0]
	if last := len(formats) - 1; last > 0 {
		said = strings.Join(formats[:last], ", ") + " or " + formats[last]
	}
	cmd.Flags().StringVar(&f.format, "format", formats[0], "how to print: "+said)
	cmd.Flags().BoolVar(&f.json, "json", false, "the same as --format json")
	cmd.MarkFlagsMutuallyExclusive("json", "format")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// check decides on the format.
func (f *form) check() error {
	if f.json {
		f.format = "json"
	}
	if !slices.Contains(f.formats, f.format) {
		return fmt.Errorf("--format: unknown value %q; %s", f.format, problem.DidYouMean(f.format, f.formats))
	}
	return nil
}

// An output is where a report goes: --output and --force.
type output struct {
	file  string
	force bool
}

func (o *output) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "file to write to (default: standard output)")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite a file that batchaccess did not make")
}

// made matches what reports of this command contain: a file without any of it is somebody else's. A report without any
// of it begins with reportMark in a file.
var made = regexp.MustCompile(`(?m)\A` + reportMark +
	`|^INVOKER +ENDPOINT|^stack \S+: \d|^## Access of stack |^%% access of stack |` +
	`<title>Access (review )?of stack |^<!-- batchaccess review -->|"name": "batchaccess review"|^  "version": \d+,$`)

const reportMark = "# batchaccess "

// mayWrite refuses to overwrite a file that this command did not make.
func (o output) mayWrite() error {
	if o.file == "" {
		return nil
	}
	there, err := os.ReadFile(o.file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (o.force || len(there) == 0 || made.Match(there)):
		return nil
	case err != nil:
		return fmt.Errorf("--output: %w; name a file", err)
	}
	return fmt.Errorf("--output: %s is there, and batchaccess did not make it; name another file, or say --force to "+
		"write over it",
		o.file)
}

// mayWrite refuses --output before the command asks or does anything.
func mayWrite(cmd *cobra.Command) error {
	file, force := cmd.Flags().Lookup("output"), cmd.Flags().Lookup("force")
	if file == nil || force == nil {
		return nil
	}
	return output{file.Value.String(), force.Value.String() == "true"}.mayWrite()
}

// print writes the output of render, in the requested format.
func (o output) print(cmd *cobra.Command, what string, render func(io.Writer) error) error {
	var text bytes.Buffer
	if err := render(&text); err != nil {
		return err
	}
	if o.file == "" {
		_, err := cmd.OutOrStdout().Write(text.Bytes())
		return err
	}
	report := text.Bytes()
	if !made.Match(report) {
		report = append(fmt.Appendf(nil, "%s%s: %s\n", reportMark, cmd.Name(), what), report...)
	}
	err := o.mayWrite()
	if err == nil {
		err = os.WriteFile(o.file, report, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the %s: %w", what, err)
	}
	return nil
}

// jsonVersion of the JSON that commands print themselves: raised when something in it is renamed or removed.
const jsonVersion = 1
