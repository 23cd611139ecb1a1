package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandboxengine "github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/sandbox/standin"
)

// passedOn is the exit of the command that ran in the sandbox: this command ends in the same way.
type passedOn struct{ *exec.ExitError }

func newSandbox() *cobra.Command {
	var dir, stateDir, weather, worldFile string
	var exists []string
	var standInAz bool
	cmd := &cobra.Command{
		Use:   "sandbox [flags] -- <command> [arguments]",
		Short: "Run a command, such as pulumi up, against the embedded Azure",
		Long: `Sandbox runs any command with the embedded Azure: Pulumi finds a state backend, plugins, a Go language
host and credentials there, and nothing leaves this machine. Everything that the configurations of the project's stacks
refer to exists in the sandbox, even if other keys are missing or wrong. The state is kept from one command to the next.
With -C, a batchaccess that runs in the sandbox uses that project too, unless it has its own -C; relative paths still
start at your folder.

` + existsHelp + `

--world takes a file about the real Azure that batchaccess export wrote: for the stacks of its workspace the sandbox has
what the file has, and guesses nothing. A file that lacks what they refer to is refused.

Everyone can sign in: az is a stand-in for the Azure CLI, which signs in at the sandbox and nowhere else (az login
--username <name>), and batchaccess invoke --as-invoker <name> uses the sign-in of any invoker of the stacks. If the
Azure CLI is installed, it handles all calls of az except the sign-in of a person: that needs a browser, and the
stand-in does it.

It exits with the exit code of the command.`,
		Example: `  batchaccess sandbox -- pulumi preview --stack dev --diff
  batchaccess sandbox -- pulumi up --stack dev --yes
  batchaccess sandbox -- batchaccess invoke --stack dev --endpoint heart-classifier --as-invoker analysts --wait
  batchaccess sandbox -- sh -c 'az login --username release-manager && az account get-access-token --resource ` +
			`https://ml.azure.com'
  batchaccess sandbox --exists /subscriptions/<id>/resourceGroups/<group>/providers/` +
			`Microsoft.MachineLearningServices/workspaces/<name> -- pulumi up
  batchaccess sandbox --weather stormy,seed=7 -- pulumi destroy --stack dev --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no command to run; write it after --, such as: batchaccess sandbox -- pulumi preview")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			p, err := openProject(dir)
			if err != nil {
				return err
			}
			if stateDir == "" {
				if stateDir, err = p.kept("sandbox"); err != nil {
					return err
				}
			}
			today, err := azure.ParseWeather(weather)
			if err != nil {
				return err
			}
			more, err := seedOf(exists)
			if err != nil {
				return err
			}
			real, err := p.world(cmd, worldFile)
			if err != nil {
				return err
			}
			models, seeds, err := seedsOf(cmd, p, exists, real)
			if err != nil {
				return err
			}
			cli, err := pulumicli.Find(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			stateFile := filepath.Join(stateDir, "azure", "state.json")
			_, kept := os.Stat(stateFile)
			a, err := azure.Start(cmd.Context(), azure.Options{StateFile: stateFile, Weather: today, Logger: logger(cmd)})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			if of := a.Deployer().TenantID; real != nil && kept == nil && !strings.EqualFold(of, real.TenantID) {
				return fmt.Errorf("--world %s is of tenant %s, and the sandbox in %s is of %s; name another folder with "+
					"--state-dir, or delete that one", worldFile, real.TenantID, stateDir, of)
			}
			if err := seedAll(cmd, a, seeds, models, stackOfCommand(args)); err != nil {
				return err
			}
			if err := a.Seed(more); err != nil {
				return err
			}
			ways, err := offerSignIns(cmd.Context(), filepath.Join(stateDir, "sign-in"), a, models)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, ways.Close()) }()
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding this command's own executable: %w", err)
			}
			o := sandboxengine.Options{
				StateDir: stateDir, Azure: a, ProjectDir: p.dir, Pulumi: cli,
				Commands: map[string]string{azName: self, "batchaccess": self}, Env: []string{signInsVariable + "=" + ways.dir},
				Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Logger: logger(cmd),
			}
			installed := ""
			if !standInAz {
				installed = installedAz(self)
			}
			o.Env = append(o.Env, installedAzVariable+"="+installed)
			if cmd.Flags().Changed("dir") {
				o.Env = append(o.Env, projectVariable+"="+p.dir)
			}
			if o.StandIns, err = chosenStandIns(cmd); err != nil {
				return err
			}
			e, err := sandboxengine.Start(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, e.Close()) }()
			err = e.Run(cmd.Context(), args[0], args[1:]...)
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				return passedOn{exit}
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().StringVar(&stateDir, "state-dir", "", "folder that keeps the sandbox (default: .batchaccess/sandbox in "+
		"the project)")
	addStandIn(cmd)
	cmd.Flags().BoolVar(&standInAz, "stand-in-az", false,
		"serve the stand-in for the Azure CLI even if the CLI is installed")
	addExists(cmd, &exists)
	addWeather(cmd, &weather)
	addWorld(cmd, &worldFile)
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// projectVariable names the project's folder for a batchaccess that runs in the sandbox, if the user gave -C. Relative
// paths still start at the user's folder.
const projectVariable = "BATCHACCESS_PROJECT"

// followProject sets -C of a command without one to the project of the sandbox around it.
func followProject(cmd *cobra.Command) error {
	dir, set := os.LookupEnv(projectVariable)
	flag := cmd.Flags().Lookup("dir")
	if !set || flag == nil || flag.Changed {
		return nil
	}
	return flag.Value.Set(dir) // not through the flag set, since the user has not set the flag here
}

// A stackSeed is what a stack refers to.
type stackSeed struct {
	stack string
	seed  azure.Seed
}

// stackOfCommand returns the stack in a command line, by its own name; "" if there is none.
func stackOfCommand(args []string) string {
	for n, arg := range args {
		flag, value, given := strings.Cut(arg, "=")
		if flag != "--stack" && flag != "-s" {
			continue
		}
		if !given && n+1 < len(args) {
			value = args[n+1]
		}
		return baseName(value)
	}
	return ""
}

// seedAll seeds the stack in the command line, and then the others. A stack that can't exist beside those before it,
// such as one with an endpoint of the same name in the same region, is left out: the command may not be about it.
func seedAll(
	cmd *cobra.Command, a *azure.Azure, seeds []stackSeed, models map[string]access.Model, named string,
) error {
	place := func(s stackSeed) int { return map[bool]int{true: 0, false: 1}[s.stack == named] }
	slices.SortStableFunc(seeds, func(x, y stackSeed) int { return cmp.Compare(place(x), place(y)) })
	for _, one := range seeds {
		err := a.Seed(one.seed)
		switch {
		case err == nil:
		case one.stack == named:
			return fmt.Errorf("stack %s: %w; or give it a sandbox of its own with --state-dir", one.stack, err)
		default:
			delete(models, one.stack)
			fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: stack %s is left out, for what it refers to can't all exist beside "+
				"other stacks: %v; or give it a sandbox of its own with --state-dir\n", one.stack, err)
		}
	}
	return nil
}

// seedsOf returns what the stacks refer to, in the order for seeding, and their models by stack. If a configuration has
// problems, only its correct parts are seeded: the program that the command runs reports the problems.
func seedsOf(
	cmd *cobra.Command, p project, exists []string, real *world.World,
) (map[string]access.Model, []stackSeed, error) {
	stacks, err := p.stacks()
	if err != nil {
		return nil, nil, err
	}
	models, used := map[string]access.Model{}, false
	var bare, seeds []stackSeed
	for _, stack := range stacks {
		read, err := source{stack: stack, dir: p.dir, exists: exists}.open(cmd)
		if err != nil {
			what := "nothing is seeded"
			if s, m, found := seedOfTheRest(cmd, p, stack); found {
				what = "only what has no problem is seeded"
				seeds, models[stack] = append(seeds, stackSeed{stack, s}), m
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: %s for stack %s; --exists or --world says what exists:\n  %s\n", what,
				stack, strings.ReplaceAll(err.Error(), "\n", "\n  "))
			continue
		}
		for _, part := range read.Parts {
			if err := part.Problems.Err(); err != nil {
				what := "nothing is seeded"
				if s, m, found := seedOfTheRest(cmd, p, stack); found && read.own {
					what = "only what has no problem is seeded"
					seeds, models[stack] = append(seeds, stackSeed{stack, s}), m
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: %s for stack %s: its configuration has problems:\n  %s\n", what, stack,
					strings.ReplaceAll(err.Error(), "\n", "\n  "))
				continue
			}
			its := real
			if real != nil && !strings.EqualFold(part.Plan.Model.WorkspaceID.Text(), real.Workspace.ID) {
				fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: the workspace of stack %s is not that of --world, so what it refers to "+
					"is guessed\n", stack)
				its = nil // Azure has other workspaces
			}
			for _, other := range stacks { // each of them is deployed in this sandbox
				its = its.Without(read.Project+"/"+other, part.Plan.Model)
			}
			var s azure.Seed
			if its == nil && !read.own {
				s, err = rehearsal.SeedBefore(part.Plan.Model, read.location)
			} else {
				s, err = rehearsal.SeedFrom(its, part.Plan.Model, nil, read.location)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("stack %s: %w", stack, err)
			}
			used = used || its != nil
			seeds = append(seeds, stackSeed{stack, s})
			models[stack] = rehearsal.Identified(part.Plan.Model) // of several, only the last one's invokers sign in
		}
		referred, err := seedOf(referredTo(read.Program))
		if err != nil {
			return nil, nil, fmt.Errorf("stack %s: %w", stack, err)
		}
		if arm.IsGUID(read.SubscriptionID) { // the program may make the subscription's first resource
			referred.SubscriptionIDs = append(referred.SubscriptionIDs, read.SubscriptionID)
		}
		for i := range referred.Workspaces {
			referred.Workspaces[i].Location = read.location
		}
		bare = append(bare, stackSeed{stack, referred})
	}
	if real != nil && !used {
		return nil, nil, fmt.Errorf("--world: no stack of the project is in its workspace, %s; write the world of one with "+
			"batchaccess export", real.Workspace.ID)
	}
	return models, append(bare, seeds...), nil // models say more about the same things, so they come last
}

// referredTo returns what a program refers to beside its models, in the form of --exists.
func referredTo(p engine.Program) (things []string) {
	for _, a := range p.Alone {
		is := func(kind string) bool { return strings.EqualFold(kind, a.PrincipalType) }
		if at := slices.IndexFunc(seededKinds, is); at >= 0 && arm.IsGUID(a.PrincipalID) {
			things = append(things, seededKinds[at]+":"+a.PrincipalID)
		}
	}
	for _, id := range p.Refers {
		if _, err := seedOf([]string{id}); err == nil {
			things = append(things, id)
		}
	}
	return things
}

// addStandIn adds the flag that selects the plugins with stand-ins.
func addStandIn(cmd *cobra.Command) {
	cmd.Flags().StringSlice("stand-in", nil, "providers to serve stand-ins for: "+strings.Join(standin.Names(),
		", ")+`, or "" for none (default: those not installed)`)
	cmd.Flags().Lookup("stand-in").Annotations = map[string][]string{mayBeEmpty: nil}
}

// chosenStandIns reads the flag: nil if it was not given.
func chosenStandIns(cmd *cobra.Command) ([]string, error) {
	names, err := cmd.Flags().GetStringSlice("stand-in")
	if err != nil || !cmd.Flags().Changed("stand-in") {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(standin.Names(), name) {
			return nil, fmt.Errorf("--stand-in: there is no stand-in for %q; %s", name,
				problem.DidYouMean(name, standin.Names()))
		}
	}
	return append([]string{}, names...), nil
}
