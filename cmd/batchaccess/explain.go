package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/problem"
)

type explainFlags struct {
	source
	form
	to                         output
	invoker, endpoint, against string
	why                        bool
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [--why INVOKER [INPUT]]",
		Short: "Report who can start which job on which data, of any program with the components",
		Long: `Explain prints the access matrix of a stack: invoker by endpoint by input, with every hop and what is
missing; its grants; whether its assertions hold; and what a reviewer should know. It needs no Azure and no network.

` + previewHelp + `

If a program has several BatchEndpointAccess, each name begins with that of its component.

With --against it compares the configuration with that of a commit, branch or tag, as review compares a preview:
for pull requests from forks, which get no credentials to preview with.

It exits with 1 if a declared path does not work or an assertion does not hold, and with 2 if the
configuration can't be read or is wrong.`,
		Example: `  batchaccess explain --stack dev
  batchaccess explain --stack dev --why analysts patients
  batchaccess explain --stack dev --format html --output access.html
  batchaccess explain -C examples/go
  batchaccess explain --preview preview.json
  batchaccess explain --stack dev --against origin/main
  batchaccess explain --stack dev --json | jq '.paths[] | select(.works)'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.why && (len(args) < 1 || len(args) > 2) {
				return errors.New("--why: name one invoker, and one input if you like, such as: batchaccess explain --why " +
					"analysts patients")
			}
			if f.why {
				return nil
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runExplain(cmd, f, args) },
	}
	f.source.flags(cmd)
	f.form.flags(cmd, "table", "json", "markdown", "mermaid", "html")
	f.to.flags(cmd)
	cmd.Flags().StringVar(&f.invoker, "invoker", "", "show this invoker alone")
	cmd.Flags().StringVar(&f.endpoint, "endpoint", "", "show this endpoint alone")
	cmd.Flags().BoolVar(&f.why, "why", false, "explain in sentences why the jobs of an invoker work or fail, "+
		"with one input or with each")
	cmd.Flags().StringVar(&f.against, "against", "", "compare with the configuration at this commit, branch or tag of "+
		"git: who gains and loses what (table, json, markdown or html)")
	cmd.MarkFlagsMutuallyExclusive("against", "preview")
	cmd.MarkFlagsMutuallyExclusive("against", "why")
	cmd.MarkFlagsMutuallyExclusive("against", "invoker")
	cmd.MarkFlagsMutuallyExclusive("against", "endpoint")
	cmd.MarkFlagsMutuallyExclusive("why", "format")
	cmd.MarkFlagsMutuallyExclusive("why", "json")
	cmd.MarkFlagsMutuallyExclusive("why", "invoker")
	return cmd
}

func runExplain(cmd *cobra.Command, f explainFlags, args []string) error {
	if err := f.form.check(); err != nil {
		return err
	}
	if f.against != "" {
		p, stack, err := openStack(f.dir, f.stack)
		if err != nil {
			return err
		}
		f.stack = stack
		return runAgainst(cmd, p, f)
	}
	s, err := f.open(cmd)
	if err != nil {
		return err
	}
	whole := s.explained()
	if f.format == "html" {
		r := s.regions()
		whole.Facts.Commit, whole.Facts.Day = s.project.commit(cmd.Context()), today()
		whole.Facts.Location, whole.Facts.Regions = r[""], r
	}
	x, err := filtered(whole, f.invoker, f.endpoint)
	if err != nil {
		return err
	}
	colour := f.to.file == "" && isTerminal(cmd.OutOrStdout()) && os.Getenv("NO_COLOR") == ""
	err = f.to.print(cmd, "explanation", func(w io.Writer) error { return render(w, x, f, args, colour) })
	if err != nil {
		return err
	}
	if x.Failed() {
		return errFailed
	}
	return nil
}

// explained explains what the program makes possible.
func (s *stackOf) explained() explain.Explanation {
	var each []explain.Explanation
	for _, part := range s.Parts {
		each = append(each, explain.Make(s.name, part.Plan, part.Problems))
	}
	x := explain.Together(s.name, s.Names(), each)
	for _, a := range s.Alone {
		x.Alone = append(x.Alone, explain.Assignment(a))
	}
	return x
}

func render(w io.Writer, x explain.Explanation, f explainFlags, args []string, colour bool) error {
	switch {
	case f.why && len(args) == 2:
		return explain.WriteWhy(w, x, args[0], args[1])
	case f.why:
		return explain.WriteWhy(w, x, args[0], "")
	case f.format == "json":
		return explain.WriteJSON(w, x)
	case f.format == "markdown":
		return explain.WriteMarkdown(w, x)
	case f.format == "mermaid":
		return explain.WriteMermaid(w, x)
	case f.format == "html":
		return explain.WriteHTML(w, x)
	default:
		return explain.WriteTable(w, x, colour)
	}
}

// filtered refuses names with which nothing would be left.
func filtered(x explain.Explanation, invoker, endpoint string) (explain.Explanation, error) {
	var invokers, endpoints []string
	for _, i := range x.Invokers {
		invokers = append(invokers, i.Name)
	}
	for _, e := range x.Endpoints {
		endpoints = append(endpoints, e.Name)
	}
	if invoker != "" && !slices.Contains(invokers, invoker) {
		return x, fmt.Errorf("--invoker: no invoker is called %q; %s", invoker, problem.DidYouMean(invoker, invokers))
	}
	if endpoint != "" && !slices.Contains(endpoints, endpoint) {
		return x, fmt.Errorf("--endpoint: no endpoint is called %q; %s", endpoint, problem.DidYouMean(endpoint, endpoints))
	}
	return x.Only(invoker, endpoint), nil
}
