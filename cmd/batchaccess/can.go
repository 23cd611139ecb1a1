package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/verify"
)

func newCan() *cobra.Command {
	var from source
	var form form
	var to output
	var live bool
	var propagation time.Duration
	cmd := &cobra.Command{
		Use:   "can <who> <" + strings.Join(explain.Verbs(), "|") + "> <what>",
		Short: "Answer one question: who can start, read, write or do what",
		Long: `Can answers one question, and shows every step that the answer hangs on.

  start  a job on the endpoint works with every input that it declares
  read   a job reads the data input, or what is granted reads it outside of jobs
  write  a job writes the data output, or what is granted writes it outside of jobs
  do     an action of Azure in full, or any of a risk: grantsAccess, readsSecrets, changesCode, destroysData

Who is an invoker, or cluster:<name> for a cluster identity. Where a program has several BatchEndpointAccess, write the
component's name and a colon before it if more than one has that name.

` + previewHelp + `
With --live Azure is asked who holds what, as verify does; actions (do) can't be asked then.

The answer is about what is held directly. Indirect ways to a data input or output, by a secret or as somebody else, are
shown beside it, those to an input with what cuts them; with --live they are not looked for.

It exits with 0 for yes, with 1 for no, and with 2 if it is undecided or could not be asked.`,
		Example: `  batchaccess can analysts start heart-classifier --stack dev
  batchaccess can cluster:cpu read patients --stack dev
  batchaccess can pipeline do readsSecrets -C examples/go --json
  batchaccess can analysts read patients --stack dev --live`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 3 {
				return fmt.Errorf("%d words were given, and it takes three: who, what they are to do, and with what, such as: "+
					"batchaccess can analysts start heart-classifier", len(args))
			}
			if !slices.Contains(explain.Verbs(), args[1]) {
				return fmt.Errorf("unknown verb %q; %s", args[1], problem.DidYouMean(args[1], explain.Verbs()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := form.check(); err != nil {
				return err
			}
			if live && args[1] == "do" {
				return errors.New("--live can't answer do: verify --strict lists what Azure grants beyond need")
			}
			s, err := from.open(cmd)
			if err != nil {
				return err
			}
			part, who, err := s.partOf(args[0])
			if err != nil {
				return err
			}
			var paths []explain.Path
			if live {
				if part, err = s.narrow(part.URN); err == nil {
					err = s.complete(cmd, part)
				}
				if err != nil {
					return err
				}
				part = s.Parts[0]
				if paths, err = s.livePaths(cmd, propagation); err != nil {
					return err
				}
			}
			answer, err := explain.Ask(s.name, part.Plan, paths, who, args[1], args[2])
			if err != nil {
				return err
			}
			err = to.print(cmd, "answer", func(w io.Writer) error {
				if form.format == "json" {
					return jsonform.Write(w, answer)
				}
				return explain.WriteAnswer(w, answer)
			})
			switch {
			case err != nil:
				return err
			case answer.Answer == explain.No:
				return errFailed
			case answer.Answer == explain.Undecided:
				return errUndecided
			}
			return nil
		},
	}
	from.flags(cmd)
	form.flags(cmd, "table", "json")
	to.flags(cmd)
	cmd.Flags().BoolVar(&live, "live", false, "ask Azure who holds what, rather than the plan")
	cmd.Flags().DurationVar(&propagation, "propagation", azurePropagation,
		"with --live: for how long an assignment may not act "+
			"after it was made")
	return cmd
}

// partOf finds the component that an invoker or cluster is of, and the name without the component's.
func (s *stackOf) partOf(who string) (engine.Part, string, error) {
	var found []engine.Part
	has := func(p engine.Part, name string) bool {
		cluster, is := strings.CutPrefix(name, "cluster:")
		_, invoker := p.Plan.Model.Invokers[name]
		_, owned := p.Plan.Model.Clusters[cluster]
		return invoker || is && owned
	}
	for _, p := range s.Parts {
		if own, is := strings.CutPrefix(who, p.Name+":"); is && len(s.Parts) > 1 && has(p, own) {
			return p, own, nil
		}
		if has(p, who) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], who, nil
	case len(found) > 1:
		return engine.Part{}, "", fmt.Errorf("%s is in several components; write one before it: %s", who,
			strings.Join(s.Names(), ":"+who+", ")+":"+who)
	case len(s.Parts) < 2:
		part, err := s.One("")
		return part, who, err // Ask says whom it knows
	default:
		return engine.Part{}, "", fmt.Errorf("no component has an invoker or cluster %s; the components are %s", who,
			strings.Join(s.Names(), ", "))
	}
}

// livePaths asks Azure as verify does. What has not settled yet is undecided.
func (s *stackOf) livePaths(cmd *cobra.Command, propagation time.Duration) (paths []explain.Path, err error) {
	report, err := s.verified(cmd, 0, propagation)
	if err != nil {
		return nil, err
	}
	paths = []explain.Path{}
	for _, p := range report.Paths {
		paths = append(paths, explain.Path{
			Path: p.Path, Works: p.Status == verify.Works, Why: p.Why,
			Undecided: p.Status == verify.Settling || p.Status == verify.Undecided,
		})
	}
	return paths, nil
}
