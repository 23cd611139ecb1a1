package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// propagationFlag has the name of the weather setting that it sets.
const propagationFlag = "propagation"

func newRehearse() *cobra.Command {
	var from source
	var weather, worldFile string
	var propagation time.Duration
	var form form
	var to output
	var keep bool
	var change changeFlags
	cmd := &cobra.Command{
		Use:   "rehearse",
		Short: "Deploy a stack to the embedded Azure and let every invoker start every job",
		Long: `Rehearse deploys a stack's configuration with the real Pulumi engine to the embedded Azure, signs in as
every invoker, starts a job on every endpoint with every input over HTTP, prints what worked, and destroys the stack
again.

` + previewHelp + `

It exits with 1 if a path that should work does not, one that should not work does, or something is left behind, and
with 2 if the configuration can't be deployed at all.

--from rehearses a change: it deploys the earlier version of the stack, and then the present one over it. After every
write to Azure in between, each invoker starts the jobs that work for it in both versions. An interruption says who
could not start which job, and between which writes. --from takes a commit, branch or tag, whose program it runs in
another folder; a folder with the earlier program; or an older Pulumi.<stack>.yaml, for the present program. The
program of a commit uses what npm or pip has installed here, if the files that say what to install are the same.
--propagation 10m shows the change as in Azure, where assignments act late; the rehearsal does not really wait that
long. --kill 10 also makes the change ten more times, kills the engine at a random write, continues (pulumi cancel,
batchaccess adopt, pulumi up), and requires the same result. It exits with 1 if the change fails or interrupts
somebody, or if a job that should work does not, after the change or (without --world) before it, and with 2 if the
earlier version can't be deployed.

--world takes a file about the real Azure that batchaccess export wrote. Without it, the workspace, endpoints,
deployments, data stores and principals are guessed from the stack. A world of another tenant, cloud or workspace, or
one that lacks what the stack refers to, is refused. Roles that principals hold there already exist in the rehearsal
too: if one of them gives somebody access that the stack does not give, the rehearsal fails and names it. What the stack
itself has made is left out. With --from, the world must have what both versions refer to.

--world needs a program that does not make the workspace or a storage account itself. Others are refused. With --from, a
workspace or account that the program makes must be the same in both versions.

With --weather, jobs are started when every assignment acts, however late that is; the rehearsal does not really wait
that long. The report names the weather, so that the rehearsal can be repeated.`,
		Example: `  batchaccess rehearse --stack dev
  batchaccess rehearse --stack dev --json | jq '.outcomes[] | select(.ok | not)'
  batchaccess rehearse --stack dev --weather stormy,seed=7
  batchaccess export --stack dev --output dev.world.json && batchaccess rehearse --stack dev --world dev.world.json
  batchaccess rehearse --stack dev --from origin/main
  batchaccess rehearse --stack dev --from origin/main --propagation 10m --kill 10

  # keep the stack, and look at it
  batchaccess rehearse --stack dev --keep
  batchaccess sandbox --state-dir .batchaccess/rehearsal-dev -- pulumi stack`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(); err != nil {
				return err
			}
			if cmd.Flags().Changed(propagationFlag) {
				weather = strings.TrimPrefix(weather+","+propagationFlag+"="+propagation.String(), ",")
			}
			today, err := azure.ParseWeather(weather)
			if err != nil {
				return err
			}
			if change.from == "" && change.kills > 0 {
				return errors.New("--kill needs a change: name the earlier version of the stack with --from")
			}
			if change.kills == 0 && cmd.Flags().Changed("kill-seed") {
				return errors.New("--kill-seed selects the writes at which --kill kills: give --kill too")
			}
			if change.from != "" && from.preview != "" {
				return errors.New("--from: a preview is of one version, and the change is from one to another; leave out --preview")
			}
			real, err := readWorld(cmd, worldFile)
			if err != nil {
				return err
			}
			stack, err := from.open(cmd)
			if err != nil {
				return err
			}
			now, err := stack.version(from.component, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if stack.project.dir == "" {
				return fmt.Errorf("a rehearsal deploys the program; name the folder of project %s with -C", stack.Project)
			}
			tenants, err := stack.project.tenants(stack.name)
			if err != nil {
				return err
			}
			real = real.Without(stack.Project+"/"+stack.name, now.Model) // a rehearsal makes that anew
			if change.from != "" {
				return rehearseChange(cmd, from, stack, now, change, inWorld{real, tenants}, today, form, to)
			}
			cli, err := pulumicli.Find(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			state, cleanUp, err := rehearsalFolder(stack.project, stack.name, keep)
			if err != nil {
				return err
			}
			defer cleanUp()
			standIns, err := chosenStandIns(cmd)
			if err != nil {
				return err
			}
			shown := newProgress(cmd.ErrOrStderr())
			report, err := rehearsal.Run(cmd.Context(), rehearsal.Options{
				ProjectDir: now.ProjectDir, Stack: stack.name, Model: now.Model, Location: now.Location,
				World: real, Tenants: tenants, Component: now.Component, Inputs: now.Inputs, Beside: now.Beside,
				SubscriptionID: now.SubscriptionID, StateDir: state, Pulumi: cli, StandIns: standIns,
				Keep: keep, Weather: today, Progress: shown, Logger: logger(cmd),
			})
			shown.done()
			if err != nil {
				return err
			}
			return printRehearsal(cmd, to, form, report, report)
		},
	}
	from.flags(cmd)
	componentFlag(cmd, &from.component)
	form.flags(cmd, "table", "json")
	to.flags(cmd)
	addStandIn(cmd)
	addWeather(cmd, &weather)
	cmd.Flags().DurationVar(&propagation, propagationFlag, 0, "how long Azure takes to act on an assignment, at most 10m "+
		"in Azure; short for --weather propagation= (default: at once)")
	addWorld(cmd, &worldFile)
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the stack up, in .batchaccess/rehearsal-<stack>")
	cmd.Flags().StringVar(&change.from, "from", "", "rehearse the change from a commit, branch, tag, folder or stack file")
	cmd.Flags().IntVar(&change.kills, "kill", 0, "how many times to kill the change and continue it")
	cmd.Flags().Uint64Var(&change.seed, "kill-seed", 0, "select the writes at which it is killed (default: random)")
	cmd.MarkFlagsMutuallyExclusive("keep", "from")
	return cmd
}

// location returns the region of the endpoints, if the configuration has it in plain text.
func location(c config.Configuration) string {
	if location, known := c.Regions[""]; known {
		return location
	}
	return rehearsal.DefaultLocation
}

// rehearsalFolder is a new folder, which is removed after the rehearsal, or one in the project for a stack that is
// kept.
func rehearsalFolder(p project, stack string, keep bool) (string, func(), error) {
	if !keep {
		dir, err := os.MkdirTemp("", "batchaccess-rehearsal-")
		if err != nil {
			return "", nil, fmt.Errorf("making a folder for the rehearsal: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil
	}
	dir, err := p.kept("rehearsal-" + stack)
	return dir, func() {}, err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// progress shows what is being done: on a terminal in one line that is rewritten, elsewhere in a line for each step.
type progress struct {
	w        io.Writer
	terminal bool
	step     string
	began    time.Time
	lines    int
}

func newProgress(w io.Writer) *progress { return &progress{w: w, terminal: isTerminal(w)} }

func (p *progress) Step(what string) {
	p.done()
	p.step, p.began, p.lines = what, time.Now(), 0
	if p.terminal {
		fmt.Fprintf(p.w, "%s …", what)
	}
}

func (p *progress) Line(string) {
	p.lines++
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s … line %d, %.0f s", p.step, p.lines, time.Since(p.began).Seconds())
	}
}

func (p *progress) done() {
	if p.step == "" {
		return
	}
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "%s: %.1f s\n", p.step, time.Since(p.began).Seconds())
	p.step = ""
}
