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

// passedOn is how the command ended that was run in the sandbox: so ends this one.
type passedOn struct{ *exec.ExitError }

func newSandbox() *cobra.Command {
	var dir, stateDir, weather, worldFile string
	var exists []string
	var standInAz bool
	cmd := &cobra.Command{
		Use:   "sandbox [flags] -- <command> [arguments]",
		Short: "Run a command, such as pulumi up, against the embedded Azure",
		Long: `Sandbox runs any command with the embedded Azure behind it: Pulumi finds a state backend, plugins, a Go
language host and credentials of its own, and nothing leaves this machine. What the configuration of the project's
stacks refers to exists in the sandbox, also where other keys are missing or wrong. The state is kept from one command
to the next. With -C, batchaccess in the sandbox looks at that project too, unless it has a -C of its own; relative
paths stay those of the folder that you are in.

` + existsHelp + `

--world takes the file that batchaccess export wrote of the real Azure: the stacks of its workspace find there what it
has, and nothing of it is guessed. One that lacks what they refer to is refused.

Everyone can sign in: az is a stand-in for the Azure CLI, which signs in at the sandbox and nowhere else (az login
--username <name>), and batchaccess invoke --as-invoker <name> takes the sign-in of any invoker of the stacks. Where the
Azure CLI is installed, it does all that az is called for, but for the sign-in of a person: that takes a browser, and
stays the stand-in's.

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
				return errors.New("no command to run; write it behind --, such as: batchaccess sandbox -- pulumi preview")
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
		"serve the stand-in for the Azure CLI even where that is installed")
	addExists(cmd, &exists)
	addWeather(cmd, &weather)
	addWorld(cmd, &worldFile)
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// projectVariable names the folder of the project for the batchaccess that a sandbox runs, where the user named it
// with -C. Relative paths are those of the folder in which the user is.
const projectVariable = "BATCHACCESS_PROJECT"

// followProject lets a command that takes -C and was given none look at the project of the sandbox around it.
func followProject(cmd *cobra.Command) error {
	dir, set := os.LookupEnv(projectVariable)
	flag := cmd.Flags().Lookup("dir")
	if !set || flag == nil || flag.Changed {
		return nil
	}
	return flag.Value.Set(dir) // not by the set of flags: nobody has named this folder here
}

// A stackSeed is what a stack refers to.
type stackSeed struct {
	stack string
	seed  azure.Seed
}

// stackOfCommand is the stack that a command names, by its own name; "" where it names none.
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

// seedAll seeds the stack that the command names, and then the others. One that can't exist beside those before it,
// such as one with an endpoint of the same name in the same region, is left out: the command need not be about it.
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

// seedsOf are what the stacks refer to, in the order in which to seed it, and their models by stack. Of a configuration
// with problems it is what has none: the program that the command runs says what is wrong with it.
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
			fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: %s for stack %s; --exists says what exists:\n  %s\n", what, stack,
				strings.ReplaceAll(err.Error(), "\n", "\n  "))
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
				its = nil // Azure has other workspaces too
			}
			for _, other := range stacks { // each of them is deployed here
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
			models[stack] = rehearsal.Identified(part.Plan.Model) // of several, the last one's invokers can sign in
		}
		referred, err := seedOf(referredTo(read.Program))
		if err != nil {
			return nil, nil, fmt.Errorf("stack %s: %w", stack, err)
		}
		if arm.IsGUID(read.SubscriptionID) { // the program may make the first thing in it
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
	return models, append(bare, seeds...), nil // a model says more of the same thing, so it comes last
}

// referredTo is what a program refers to beside its models, as --exists has it.
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

// addStandIn adds the flag that chooses which plugins are stand-ins.
func addStandIn(cmd *cobra.Command) {
	cmd.Flags().StringSlice("stand-in", nil, "providers to serve stand-ins for: "+strings.Join(standin.Names(),
		", ")+`, or "" for none (default: those not installed)`)
	cmd.Flags().Lookup("stand-in").Annotations = map[string][]string{mayBeEmpty: nil}
}

// chosenStandIns reads the flag: nil where it was not given.
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
