// Package rehearsal deploys a stack with the real Pulumi engine to the embedded Azure, lets every invoker start a job
// on every endpoint with every input, and compares the results with the stack's configuration.
//
// A test can rehearse a stack of its own module that imports the components, from that module's folder:
//
//	stack := accesstest.Run(t, deploy, accesstest.Configured(t, ".", "dev"))
//	report, err := rehearsal.Run(t.Context(), rehearsal.Options{
//		ProjectDir: ".", Stack: "dev", Model: stack.Model(t, ""), StateDir: t.TempDir(),
//	})
//	if err != nil {
//		t.Fatal(err)
//	}
//	_ = report.Write(t.Output(), false)
//	if !report.Passed() {
//		t.Error("the rehearsal failed")
//	}
//
// The stack's outputs say who the principals are: the stack must export BatchEndpointAccess.Outputs under their names.
//
// Only the sandbox, which knows nothing of package access, decides whether a path works. Which paths should work, the
// configuration declares. Which should not, access.Plan.Paths says, and the controls: a principal without a role and a
// cluster without a reader get nowhere, and nobody may do more than is declared. Requests, tokens and the reading of
// failures are the package's own. The report names what it did not check.
package rehearsal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandbox "github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

// Options say what to rehearse, and where.
type Options struct {
	// ProjectDir is the folder with Pulumi.yaml, Stack the name of the stack. Required.
	ProjectDir, Stack string
	// StackFile is the stack's settings, where they are not those beside Pulumi.yaml.
	StackFile string
	// Model is what the stack's configuration describes. Required.
	Model access.Model
	// Location of the workspace and its endpoints; default DefaultLocation.
	Location string
	// World is what Azure has, in place of guesses from the model; nil means guesses. Tenants are the stack's tenants,
	// by the setting that names them.
	World   *world.World
	Tenants map[string]string
	// StateDir is the folder for everything that the rehearsal writes. Required.
	StateDir string
	// Pulumi is the path of the CLI; default: the one that pulumicli.Find finds or builds.
	Pulumi string
	// StandIns are the providers that get a stand-in; nil means those whose real plugin is not installed.
	StandIns []string
	// Component is the URN of the BatchEndpointAccess that Model is of; "" for a program that exports its Outputs.
	// Beside are the models of the program's others: what they refer to exists too.
	Component string
	Beside    []access.Model
	// Inputs are the inputs of Component in a preview, if the program makes the workspace or a storage account itself.
	// Their IDs are then taken from the deployment. Nil for none.
	Inputs map[string]any
	// SubscriptionID is the subscription of the program's provider. It must exist before the program makes the first
	// resource in it. "" if it is not known.
	SubscriptionID string
	// Keep leaves the stack deployed at the end.
	Keep bool
	// Weather of the sandbox; default calm.
	Weather azure.Weather
	// Progress gets each step; nil for none.
	Progress Progress
	Logger   *slog.Logger

	// afterUp lets a test change the deployment before the invokers try their jobs.
	afterUp func(context.Context, *rehearsal, deployed) error
}

// Progress gets each step as it begins, and each line that Pulumi prints in it.
type Progress interface {
	Step(what string)
	Line(text string)
}

type silent struct{}

func (silent) Step(string) {}

func (silent) Line(string) {}

// Run rehearses the stack. The report says which attempts had the right result. An error means that there is no report,
// because the configuration can't be deployed or the sandbox failed.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if o.Progress == nil {
		o.Progress = silent{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	seeds, err := o.seedsBefore()
	if err != nil {
		return nil, fmt.Errorf("preparing the sandbox: %w", err)
	}
	o.Model = identifiedIn(o.World, o.Model)
	r := &rehearsal{Options: o, all: o.Model, since: time.Now()}
	if r.plan, r.Model, err = planAt(r.all, r.since); err != nil {
		return nil, err
	}
	if r.Pulumi == "" {
		if r.Pulumi, err = pulumicli.Find(ctx, lines(o.Progress)); err != nil {
			return nil, err
		}
	}
	a, err := azure.Start(ctx, azure.Options{StateFile: o.stateFile(), Weather: o.Weather, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	for _, seed := range seeds {
		if err := a.Seed(seed); err != nil {
			return nil, err
		}
	}
	r.azure = a
	r.engine, err = sandbox.Start(ctx, sandbox.Options{
		StateDir: o.StateDir, Azure: a, ProjectDir: o.ProjectDir, StackFiles: o.stackFiles(), Named: true, Pulumi: r.Pulumi,
		StandIns: o.StandIns, Env: collectRarely(), Stdout: io.Discard, Stderr: &r.errors, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.engine.Close()) }()
	return r.run(ctx)
}

// stackFiles are the settings that are not those beside Pulumi.yaml, by stack.
func (o Options) stackFiles() map[string]string {
	if o.StackFile == "" {
		return nil
	}
	return map[string]string{o.Stack: o.StackFile}
}

// stateFile is the embedded Azure's state file; "" if it is not needed, because everything ends with the rehearsal.
func (o Options) stateFile() string {
	file := filepath.Join(o.StateDir, "azure", "state.json")
	if _, err := os.Stat(file); err == nil || o.Keep {
		return file // state of a rehearsal that was kept, or will be
	}
	return ""
}

type rehearsal struct {
	Options
	plan   *access.Plan
	all    access.Model // with the access that was over at that time
	since  time.Time
	azure  *azure.Azure
	engine *sandbox.Engine
	errors bytes.Buffer // standard error of Pulumi and the program
}

func (r *rehearsal) run(ctx context.Context) (*Report, error) {
	r.Progress.Step("pulumi up") // with its preview, which may fail although the deployment would not
	if err := r.pulumi(ctx, "up", "--yes", "--stack", r.Stack, "--non-interactive", "--color", "never"); err != nil {
		return nil, err
	}
	d, err := r.outputs(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.complete(ctx); err != nil {
		return nil, err
	}
	report := &Report{Version: 1, Stack: r.Stack, Weather: r.Weather.String(),
		NotChecked: notChecked(r.Model, r.World, r.Weather),
		Guesses:    guesses(r.Model)}
	if err := r.byHandFor(report, d); err != nil {
		return nil, err
	}
	if r.afterUp != nil {
		if err := r.afterUp(ctx, r, d); err != nil {
			return nil, err
		}
	}
	if err := r.settle(); err != nil {
		return nil, err
	}
	r.Progress.Step("starting jobs")
	if err := r.invoke(ctx, report, d); err != nil {
		return nil, err
	}
	if r.Keep {
		report.Kept = r.StateDir
		return report, nil
	}
	r.Progress.Step("pulumi destroy")
	if err := r.destroy(ctx); err != nil {
		return nil, err
	}
	report.Left = r.azure.Inventory()
	return report, nil
}

// madePlaces are the workspace and the storage accounts that the program makes itself, as the configuration calls them.
func madePlaces(m access.Model) (made []string) {
	if m.WorkspaceID.Later() {
		made = append(made, "workspaceId")
	}
	for _, name := range slices.Sorted(maps.Keys(m.StorageAccounts)) {
		if m.StorageAccounts[name].Later() {
			made = append(made, "storageAccounts."+name)
		}
	}
	return made
}

// seedsBefore are what exists before the program is deployed: what the other components refer to, and last what this
// one does.
func (o Options) seedsBefore() (all []azure.Seed, err error) {
	for _, m := range o.Beside {
		seed, err := SeedBefore(m, o.Location)
		if err != nil {
			return nil, err
		}
		all = append(all, seed)
	}
	made := madePlaces(o.Model)
	var own azure.Seed
	switch {
	case len(made) == 0 || o.Inputs == nil:
		own, err = SeedFrom(o.World, o.Model, o.Tenants, o.Location)
	case o.World != nil:
		return nil, fmt.Errorf("--world: the file is of a workspace and accounts that exist, and the program makes "+
			"some itself (%s); leave out --world, or give their IDs in plain text", strings.Join(made, ", "))
	default:
		own, err = SeedBefore(o.Model, o.Location)
		if o.SubscriptionID != "" {
			own.SubscriptionIDs = append(own.SubscriptionIDs, o.SubscriptionID)
		}
	}
	return append(all, own), err
}

// madeBy are the inputs of the component as it was deployed; none for a program that exports its Outputs.
func (r *rehearsal) madeBy() (map[string]any, error) {
	if r.Component == "" {
		return nil, nil
	}
	state, err := r.engine.State(r.Stack)
	if err != nil {
		return nil, err
	}
	for _, one := range state.Resources {
		if string(one.URN) == r.Component && !one.Delete {
			deployed := engine.State{Inputs: one.Inputs}
			return deployed.Known(), nil
		}
	}
	return nil, fmt.Errorf("the state of stack %s has no %s", r.Stack, r.Component)
}

// complete puts the IDs of deployed resources into the model, and seeds what the model refers to inside them:
// endpoints, data stores and controls. Seeding never changes what a stack has made.
func (r *rehearsal) complete(ctx context.Context) error {
	if len(madePlaces(r.Model)) == 0 || r.Inputs == nil {
		return nil
	}
	made, err := r.madeBy()
	if err != nil {
		return err
	}
	declared, plan, _, err := engine.Plan(engine.Fill(r.Inputs, made))
	if err != nil {
		return fmt.Errorf("the access of the stack, as it was deployed:\n%w", err)
	}
	seed, err := Seed(plan.Model, r.Location)
	var workspace struct {
		Properties struct{ ContainerRegistry string }
	}
	if err == nil {
		err = manage(ctx, r.azure, http.MethodGet, r.azure.URL()+plan.Model.WorkspaceID.Text()+"?api-version="+
			machineLearningVersion, nil, &workspace)
	}
	if registry := workspace.Properties.ContainerRegistry; registry != "" {
		for _, by := range []services.RegistryPermissions{services.ByPullRole, services.ByABAC} { // whichever mode it has
			seed.RoleAssignments = append(seed.RoleAssignments, controlsPull(plan.Model.WorkspaceID.Text(), registry, by)...)
		}
	}
	if err == nil {
		err = r.azure.Seed(seed)
	}
	if err != nil {
		return fmt.Errorf("preparing the sandbox: %w", err)
	}
	r.all = Identified(declared)
	r.plan, r.Model, err = planAt(r.all, r.since)
	return err
}

// destroy destroys the stack, protected resources too.
func (r *rehearsal) destroy(ctx context.Context) error {
	protects, err := r.engine.Protects(r.Stack)
	if err == nil && protects {
		err = r.pulumi(ctx, "state", "unprotect", "--all", "--yes", "--stack", r.Stack)
	}
	if err != nil {
		return err
	}
	return r.print(ctx, r.engine.PulumiSavingOnce, "destroy", "--yes", "--skip-preview", "--stack", r.Stack,
		"--non-interactive", "--color", "never")
}

// settle gives every change its effect, however late the weather makes it. Trying until a job works would be as quick,
// but would miss a late grant that lets in somebody who should stay out.
func (r *rehearsal) settle() error {
	if r.Weather.Propagation == 0 && r.Weather.IdentityTokens == 0 && r.Weather.Replication == 0 {
		return nil
	}
	return r.azure.Settle()
}

// invoke lets everyone try everything.
func (r *rehearsal) invoke(ctx context.Context, report *Report, d deployed) error {
	j, tokens, err := r.signIn(ctx, report, d)
	if err != nil {
		return err
	}
	for _, path := range r.plan.Paths() {
		if token, ok := tokens[path.Invoker]; ok {
			if err := r.try(ctx, j, report, token, path); err != nil {
				return err
			}
		}
	}
	r.allTried(report, tokens)
	if err := r.printed(ctx, j, report, d); err != nil {
		return err
	}
	known, err := r.asDeclared(ctx, report, d)
	if err != nil {
		return err
	}
	if err := r.roleAsDeclared(ctx, report, d); err != nil {
		return err
	}
	if err := r.signInAsDeclared(ctx, report, d); err != nil {
		return err
	}
	if err := r.controls(ctx, j, report, tokens); err != nil {
		return err
	}
	if err := r.beside(ctx, j, report, tokens, d); err != nil {
		return err
	}
	r.undeclared(report, d)
	if err := r.assertions(ctx, j, report, tokens, d); err != nil {
		return err
	}
	if known { // otherwise a way would not end at the right identity, whatever it opens
		if err := r.walk(ctx, report, d); err != nil {
			return err
		}
	}
	r.heldBefore(report, d)
	return sameEnds(r.all, r.since, r.azure.Now())
}

// heldBefore adds, to each outcome that is wrong, the roles that its invoker had in the world before.
func (r *rehearsal) heldBefore(report *Report, d deployed) {
	if r.World == nil {
		return
	}
	for _, p := range r.principals(d) {
		held := holds(r.World, p.id)
		for i, o := range report.Outcomes {
			if o.Invoker == p.name && !o.OK && held != "" {
				report.Outcomes[i].Detail += "; holds already, not by this stack: " + held
			}
		}
	}
}

// signIn gets a token for each invoker. An invoker that can't sign in is an outcome that is wrong.
func (r *rehearsal) signIn(ctx context.Context, report *Report, d deployed) (*jobs, map[string]string, error) {
	j := newJobs(r.azure, r.Model)
	tokens := map[string]string{}
	for _, name := range r.Model.Acting() {
		ways, err := signIns(ctx, r.azure, name, r.Model.Invokers[name], d, r.azure.Cloud().MachineLearning)
		if err != nil {
			report.add(Outcome{Invoker: name, Want: works, Got: failsAt(access.TokenHop), Detail: err.Error()})
			continue
		}
		tokens[name] = ways[slices.Min(slices.Collect(maps.Keys(ways)))]
	}
	return j, tokens, nil
}

// try tries one path. A declared path should work; for any other the model decides.
func (r *rehearsal) try(ctx context.Context, j *jobs, report *Report, token string, path access.Path) error {
	deployment := cmp.Or(path.Deployment, r.Model.EffectiveEndpoints()[path.Endpoint].Deployment)
	got, err := j.run(ctx, token, path.Endpoint, deployment, path.Input)
	if err != nil {
		return err
	}
	o := Outcome{Invoker: path.Invoker, Endpoint: path.Target(), Input: path.Input, Want: works, Got: failsAt(got.Hop),
		Detail: got.Message}
	if !path.Declared {
		o.Want = failsAt(shownAt(path))
	}
	report.add(o)
	return nil
}

// controls tries what no stack may allow.
func (r *rehearsal) controls(ctx context.Context, j *jobs, report *Report, tokens map[string]string) error {
	stranger, err := r.azure.SignIn(ctx, made("stranger"), r.azure.Cloud().MachineLearning)
	if err != nil {
		return err
	}
	endpoints := r.Model.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		got, err := j.run(ctx, stranger, name, endpoints[name].Deployment, "")
		if err != nil {
			return err
		}
		report.add(Outcome{Control: true, Invoker: strangerName, Endpoint: name, Want: failsAt(access.InvokeHop),
			Got: failsAt(got.Hop), Detail: got.Message})
	}
	for _, invoker := range slices.Sorted(maps.Keys(tokens)) {
		for _, input := range slices.Sorted(maps.Keys(r.Model.DataInputs)) {
			if err := r.onBareCluster(ctx, j, report, invoker, tokens[invoker], input); err != nil {
				return err
			}
		}
	}
	return nil
}

// onBareCluster reads an input on the cluster that has no reader: only a store's own credential opens it there.
func (r *rehearsal) onBareCluster(ctx context.Context, j *jobs, report *Report, invoker, token, input string) error {
	got, err := j.run(ctx, token, bareEndpoint, "", input)
	if err != nil {
		return err
	}
	o := Outcome{Control: true, Invoker: invoker, Endpoint: bareEndpoint, Input: input, Want: failsAt(access.MountHop),
		Got: failsAt(got.Hop), Detail: got.Message}
	if by := r.Model.DataInputs[input].Mechanism(); by == access.ByStoreCredential || by == access.ByAnyone {
		o.Want = works
	}
	if r.storesByIdentity() ||
		r.World != nil && strings.EqualFold(r.World.Workspace.SystemDatastoresAuthMode, string(services.ByIdentity)) {
		// a job uses these first, and the cluster has no role there either
		o.Want = failsAt(access.StoresHop)
	}
	if r.Model.Role.Scope == access.AtEndpoint { // it has no principal in the outputs
		o.Want = failsAt(access.InvokeHop)
	}
	report.add(o)
	return nil
}
