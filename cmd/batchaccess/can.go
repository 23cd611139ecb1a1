package main

import (
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
	"github.com/batchaccess/batchaccess/internal/visible"
)

func newCan() *cobra.Command {
	var from source
	var form form
	var to output
	var live bool
	var propagation time.Duration
	cmd := &cobra.Command{
		Use:   "can <who> <" + strings.Join(explain.Verbs(), "|") + "> <what> [at <where>]",
		Short: "Answer one question: who can start, read, write or do what",
		Long: `Can answers one question, and shows every step that the answer depends on.

  start  a job on the endpoint works with every input that it declares
  read   a job reads the data input, or a grant allows reading it outside of jobs
  write  a job writes the data output, or a grant allows writing it outside of jobs
  do     an action of Azure, in full, or any action of a risk: grantsAccess, readsSecrets, changesCode, destroysData

<who> is an invoker, or cluster:<name> for a cluster identity. If several BatchEndpointAccess of a program have that
name, write the component's name and a colon before it.

` + previewHelp + `

<where>, only with do, is a place as the reports name it (workspace, resourceGroup, subscription, endpoint <name>, an
account, <account>/<container>, registry <name>), or its ARM ID. A principal holds an action there if a role with it is
assigned there or above. Without <where>, any place of the stack counts.

With --live it asks Azure who holds what, like verify: in, below and above the resource groups of the stack's workspace,
storage accounts and registries. A deny assignment has priority over any role. The answer is undecided if it depends on
a condition, on a role that can't be read, or on a role for which somebody is only eligible (PIM).

For a data input or output there are two answers: whether it is read or written directly, and whether it is indirectly,
by a secret or as another identity. Each indirect way is shown with its hops; a way of the plan to an input also with
the changes that close it. With --live the second answer is undecided if Azure could not be asked who else may become
somebody that reads it.

It exits with 0 for yes, with 1 for no, and with 2 if the answer is undecided or could not be found. Only the direct
answer counts. To require that there is no indirect way, write an assertion with how: byNoWay.`,
		Example: `  batchaccess can analysts start heart-classifier --stack dev
  batchaccess can cluster:cpu read patients --stack dev
  batchaccess can pipeline do readsSecrets -C examples/go --json
  batchaccess can analysts read patients --stack dev --live
  batchaccess can analysts do grantsAccess at workspace --stack dev --live`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 3 {
				return fmt.Errorf("%d words are given, and can takes three: who, does what, with what, such as: "+
					"batchaccess can analysts start heart-classifier", len(args))
			}
			if len(args) == 4 || len(args) > 3 && args[3] != "at" {
				return fmt.Errorf("after %q comes nothing, or a place, such as: at workspace; put a name with spaces between "+
					"quotes", args[2])
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
			s, err := from.open(cmd)
			if err != nil {
				return err
			}
			part, who, err := s.partOf(args[0])
			if err != nil {
				return err
			}
			ask := explain.Question{Who: who, Verb: args[1], What: args[2]}
			if len(args) > 3 {
				ask.At = strings.Join(args[4:], " ")
			}
			var said *explain.Live
			if live {
				if part, err = s.narrow(part.URN); err == nil {
					err = s.complete(cmd, part)
				}
				if err != nil {
					return err
				}
				part = s.Parts[0]
				asked := ask
				if strings.HasPrefix(ask.At, "/") { // Azure knows more places than the stack
					asked.At = ""
				}
				if _, err := explain.Ask(s.name, part.Plan, asked, nil); err != nil {
					return err // Azure is not asked about what the stack does not know
				}
				if said, err = s.live(cmd, propagation); err != nil {
					return err
				}
			}
			answer, err := explain.Ask(s.name, part.Plan, ask, said)
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

// partOf finds the component of an invoker or cluster, and the name without the component's.
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
		return part, who, err // Ask lists the names that it knows
	default:
		return engine.Part{}, "", fmt.Errorf("no component has an invoker or cluster %s; the components are %s", who,
			strings.Join(s.Names(), ", "))
	}
}

// live asks Azure like verify. What has not settled yet is undecided.
func (s *stackOf) live(cmd *cobra.Command, propagation time.Duration) (*explain.Live, error) {
	subjects, observer, err := s.observer(cmd)
	if err != nil {
		return nil, err
	}
	facts, err := observer.Look(cmd.Context(), s.model(), subjects)
	if err != nil {
		return nil, err
	}
	plan := s.Parts[0].Plan
	report, err := verify.Judge(s.title(), plan, subjects, facts, propagation)
	if err != nil {
		return nil, err
	}
	for _, note := range facts.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", visible.Text(note))
	}
	said := &explain.Live{Doubts: report.Doubts, Does: verify.NewHeld(plan, subjects, facts, propagation).Does}
	for _, w := range report.Ways {
		said.Ways = append(said.Ways, w.Way)
	}
	for _, p := range report.Paths {
		said.Paths = append(said.Paths, explain.Path{
			Path: p.Path, Works: p.Status == verify.Works, Why: p.Why,
			Undecided: p.Status == verify.Settling || p.Status == verify.Undecided,
		})
	}
	return said, nil
}
