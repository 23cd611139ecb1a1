package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	previews "github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

// A Version is the stack before or after the change.
type Version struct {
	// ProjectDir is the folder with Pulumi.yaml. Required.
	ProjectDir string
	// StackFile is the stack's settings, if they are not beside Pulumi.yaml.
	StackFile string
	// Model is what the settings describe. Required.
	Model access.Model
	// Location of the workspace; default DefaultLocation.
	Location string
	// Component, Beside, Inputs and SubscriptionID are as in Options.
	Component      string
	Beside         []access.Model
	Inputs         map[string]any
	SubscriptionID string
}

// ChangeOptions say which change of a stack to rehearse, and how.
type ChangeOptions struct {
	Stack string
	// Old is deployed first, then New over it. Both are of one project.
	Old, New Version
	// World and Tenants are as in Options. The World has what both versions refer to. For each data store it has one
	// place, and for each deployment one cluster, whatever the versions say.
	World   *world.World
	Tenants map[string]string
	// Start is an Azure in which Old is deployed already; nil if it is not.
	Start *Start
	// Beside changes Azure after Old is deployed, as somebody outside the stack would; nil for nothing. Pulumi does not
	// know of it, unless Refresh makes it look before New is deployed.
	Beside  func(context.Context, *azure.Azure) error
	Refresh bool
	// Preview gets the output of pulumi preview --json before the change is deployed; nil if nobody needs it.
	Preview io.Writer
	// StateDir is the folder for everything that the rehearsal writes. Required.
	StateDir string
	// Pulumi and StandIns are as in Options.
	Pulumi   string
	StandIns []string
	// Weather of the sandbox while the change is deployed. Propagation takes no time: its effect is calculated.
	Weather azure.Weather
	// Kills is how often the change is started again from the beginning, killed at a random write, and resumed.
	Kills int
	// KillSeed picks those writes.
	KillSeed uint64
	// Command is the path of batchaccess, which resumes a killed change. Required for Kills.
	Command  string
	Progress Progress
	Logger   *slog.Logger
}

// Change rehearses a change: it deploys the old version, then the new one over it. After every write to Azure in
// between, everybody who can start a job both before and after the change starts it. An error means that the old
// version, or the sandbox, failed; a change that fails is in the report.
func Change(ctx context.Context, o ChangeOptions) (_ *ChangeReport, err error) {
	o.complete()
	c := &change{ChangeOptions: o, report: &ChangeReport{Stack: o.Stack, Weather: o.Weather.String()}}
	if o.Pulumi == "" {
		if c.Pulumi, err = pulumicli.Find(ctx, lines(o.Progress)); err != nil {
			return nil, err
		}
	}
	if o.Start == nil {
		if o.Start, err = Deploy(ctx, c.ChangeOptions); err != nil {
			return nil, err
		}
	} else if err := engine.Copy(o.Start.folder, o.StateDir); err != nil {
		return nil, err
	}
	c.Start = o.Start
	for _, v := range []*Version{&c.Old, &c.New} {
		if err := v.placed(o.Start.made); err != nil {
			return nil, err
		}
	}
	c.before, c.names, c.report.was = o.Start.outputs, maps.Clone(o.Start.names), o.Start.was
	lag := azure.Weather{Propagation: o.Weather.Propagation, IdentityTokens: o.Weather.IdentityTokens,
		Replication: o.Weather.Replication}
	c.azure, err = azure.Start(ctx, azure.Options{From: o.Start.azure, Weather: o.Weather, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	c.calm = c.azure.Calm()
	defer func() { err = errors.Join(err, c.azure.Close()) }()
	if err := c.seed(); err != nil {
		return nil, err
	}
	// What was deployed in calm weather has effect: otherwise nothing would work before the change, and nobody could
	// lose it.
	if err := c.azure.Settle(); err != nil {
		return nil, err
	}
	if c.old, err = c.version(c.Old, c.oldProbe, lag); err != nil {
		return nil, fmt.Errorf("before the change: %w", err)
	}
	if c.new, err = c.version(c.New, c.newProbe, lag); err != nil {
		return nil, fmt.Errorf("after the change: %w", err)
	}
	if err := c.old.byHand(c.before); err != nil { // a container that is seeded again has lost its ACLs
		return nil, fmt.Errorf("before the change: %w", err)
	}
	return c.report, c.deployNew(ctx)
}

// A Start is the old version of a stack, deployed in calm weather. Any number of changes may begin there, also at the
// same time.
type Start struct {
	folder  string // the state folder of its engine
	azure   azure.Snapshot
	seed    azure.Seed
	outputs deployed
	made    map[string]any // as madeBy
	was     map[string]Resource
	names   map[string]string // as in change
}

// Deploy deploys the old version of a change to an Azure of its own. It uses these options: Stack, Old, StateDir,
// Pulumi, StandIns, Progress and Logger. Changes can begin there as long as StateDir exists.
func Deploy(ctx context.Context, o ChangeOptions) (_ *Start, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("before the change: %w", err)
		}
	}()
	o.complete()
	c := &change{ChangeOptions: o, report: &ChangeReport{}}
	if c.Pulumi == "" {
		if c.Pulumi, err = pulumicli.Find(ctx, lines(o.Progress)); err != nil {
			return nil, err
		}
	}
	s := &Start{folder: o.StateDir}
	seeds, err := c.options(c.Old, c.Old.Model, azure.Weather{}).seedsBefore()
	if err != nil {
		return nil, fmt.Errorf("preparing the sandbox: %w", err)
	}
	s.seed = seeds[len(seeds)-1]
	if c.azure, err = azure.Start(ctx, azure.Options{Logger: c.Logger}); err != nil {
		return nil, err
	}
	c.calm = c.azure
	defer func() { err = errors.Join(err, c.azure.Close()) }()
	for _, seed := range seeds {
		if err := c.azure.Seed(seed); err != nil {
			return nil, err
		}
	}
	model := c.Old.Model
	model.Assertions = nil // they are of the end of a change
	if c.old, err = c.version(c.Old, model, azure.Weather{}); err != nil {
		return nil, err
	}
	if err := c.start(ctx, c.old, func() error { return c.deployOld(ctx, s) }); err != nil {
		return nil, err
	}
	s.azure, err = c.azure.Snapshot()
	return s, err
}

func (o *ChangeOptions) complete() {
	if o.Progress == nil {
		o.Progress = silent{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Old.Model, o.New.Model = identifiedIn(o.World, o.Old.Model), identifiedIn(o.World, o.New.Model)
}

// change is the rehearsal of a change from one version of a stack to another.
type change struct {
	ChangeOptions
	report      *ChangeReport
	azure, calm *azure.Azure
	old, new    *rehearsal
	// The models to try. Parts of the workspace that somebody changes, and that are no resource of the stack, have two
	// names.
	oldProbe, newProbe access.Model
	deployments        map[string]string // names in the new model, by endpoint/deployment, if they differ

	before, after deployed
	moments       []moment
	names         map[string]string // the stack's resources by ID, lower case
	// answers are the results of this moment, by request. Most jobs are the same before and after the change.
	answers map[string]failure
}

func (c *change) version(v Version, probe access.Model, w azure.Weather) (*rehearsal, error) {
	plan, m, err := planAt(probe, time.Now())
	if err != nil {
		return nil, err
	}
	return &rehearsal{Options: c.options(v, m, w), plan: plan, azure: c.calm}, nil
}

func (c *change) options(v Version, m access.Model, w azure.Weather) Options {
	return Options{
		ProjectDir: v.ProjectDir, StackFile: v.StackFile, Stack: c.Stack, Model: m, Location: v.Location,
		Component: v.Component, Beside: v.Beside, Inputs: v.Inputs, SubscriptionID: v.SubscriptionID,
		StateDir: c.StateDir, Pulumi: c.Pulumi, StandIns: c.StandIns, Weather: w, Progress: c.Progress, Logger: c.Logger,
		World: c.World, Tenants: c.Tenants,
	}
}

// start runs fn with the version's project in an engine.
func (c *change) start(ctx context.Context, r *rehearsal, fn func() error) (err error) {
	r.engine, err = engine.Start(ctx, engine.Options{
		StateDir: r.StateDir, Azure: c.azure, ProjectDir: r.ProjectDir, StackFiles: r.stackFiles(), Named: true,
		Pulumi: r.Pulumi, StandIns: r.StandIns, Env: collectRarely(), Stdout: io.Discard, Stderr: &r.errors, Logger: r.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.engine.Close()) }()
	return fn()
}

func (r *rehearsal) up(ctx context.Context) error { return r.pulumi(ctx, r.upArgs()...) }

// upOnly is up without a preview.
func (r *rehearsal) upOnly(ctx context.Context) error {
	return r.print(ctx, r.engine.PulumiSavingOnce, append(r.upArgs(), "--skip-preview")...)
}

func (r *rehearsal) upArgs() []string {
	return []string{"up", "--yes", "--suppress-outputs", "--stack", r.Stack, "--non-interactive", "--color", "never"}
}

func (c *change) deployOld(ctx context.Context, s *Start) (err error) {
	c.Progress.Step("pulumi up, before the change")
	if err := c.old.upOnly(ctx); err != nil {
		return err
	}
	if s.outputs, err = c.old.outputs(ctx); err != nil {
		return err
	}
	if s.made, err = c.old.madeBy(); err != nil {
		return err
	}
	if err := c.old.complete(ctx); err != nil {
		return err
	}
	if len(madePlaces(c.Old.Model)) > 0 {
		if s.seed, err = Seed(c.old.Model, c.Old.Location); err != nil {
			return fmt.Errorf("preparing the sandbox: %w", err)
		}
	}
	if err := c.old.byHand(s.outputs); err != nil {
		return err
	}
	if err := c.azure.Settle(); err != nil {
		return err
	}
	s.names, err = c.resources(c.old, nil)
	s.was = c.report.was
	return err
}

func (c *change) deployNew(ctx context.Context) error {
	return c.start(ctx, c.new, func() error {
		base, err := c.base()
		if err != nil {
			return err
		}
		if err := c.beside(ctx); err != nil {
			return err
		}
		c.Progress.Step("trying every job before the change")
		w := c.watcher(ctx)
		if err := w.begin(); err != nil {
			return err
		}
		c.azure.Watch(w.hooks())
		c.Progress.Step("pulumi up, and every job after each write")
		failed := c.previewAndUp(ctx)
		c.azure.Watch(nil)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), failed)
		}
		c.report.Writes = len(w.writes)
		if failed != nil {
			c.report.Failed = failed.Error()
			return w.end(nil, c.before)
		}
		if c.names, err = c.resources(c.new, c.names); err != nil {
			return err
		}
		if c.after, err = c.new.outputs(ctx); err != nil {
			return err
		}
		if err := c.stayed(); err != nil {
			return err
		}
		if err := w.end(func() error { return c.new.byHand(c.after) }, c.after); err != nil {
			return err
		}
		return c.kill(ctx, base, w)
	})
}

func (c *change) previewAndUp(ctx context.Context) error {
	if c.Preview == nil {
		return c.new.up(ctx)
	}
	var out bytes.Buffer
	args := append(previews.PreviewArgs(), "--stack", c.Stack, "--non-interactive")
	err := c.new.engine.Pulumi(ctx, io.MultiWriter(c.Preview, &out), args...)
	if err != nil {
		return previews.PreviewFailed(err, out.Bytes())
	}
	return c.new.upOnly(ctx)
}

// beside changes Azure outside the stack, and with Refresh makes Pulumi look at it.
func (c *change) beside(ctx context.Context) error {
	if c.Beside != nil {
		if err := c.Beside(ctx, c.calm); err != nil {
			return fmt.Errorf("changing Azure beside the stack: %w", err)
		}
	}
	if !c.Refresh {
		return nil
	}
	c.Progress.Step("pulumi refresh")
	return c.new.pulumi(ctx, "refresh", "--yes", "--skip-preview", "--suppress-outputs", "--stack", c.Stack,
		"--non-interactive", "--color", "never")
}

// seed seeds what the new version refers to.
func (c *change) seed() error {
	if err := movedAccounts(c.Old.Model, c.New.Model); err != nil {
		return err
	}
	c.oldProbe, c.newProbe = c.Old.Model, c.New.Model
	if c.World == nil {
		c.newProbe = c.apart()
	}
	c.oldProbe.Assertions, c.newProbe.Assertions = nil, nil
	location := c.New.Location
	if strings.EqualFold(c.Old.Model.WorkspaceID.Text(), c.New.Model.WorkspaceID.Text()) {
		location = c.Old.Location // a workspace does not move because a stack says that it is elsewhere
	}
	after, err := SeedFrom(c.World, c.newProbe, c.Tenants, location)
	if err != nil {
		return fmt.Errorf("preparing the sandbox for what is to be: %w", err)
	}
	if c.World == nil {
		c.deployments = beside(c.Start.seed, &after)
	}
	seeds := []azure.Seed{}
	for _, m := range c.New.Beside {
		more, err := SeedBefore(m, location)
		if err != nil {
			return fmt.Errorf("preparing the sandbox for what is to be: %w", err)
		}
		seeds = append(seeds, more)
	}
	for _, seed := range append(seeds, after) {
		seed.Computes = slices.DeleteFunc(seed.Computes, c.madeBefore)
		if err := c.azure.Seed(seed); err != nil {
			return err
		}
	}
	return nil
}

// madeBefore reports whether the old version has made a cluster, to which the new one only refers.
func (c *change) madeBefore(one azure.Compute) bool {
	for _, m := range append([]access.Model{c.Old.Model}, c.Old.Beside...) {
		for name, cluster := range m.Clusters {
			if !cluster.Existing && strings.EqualFold(one.WorkspaceID, m.WorkspaceID.Text()) &&
				strings.EqualFold(one.Name, cluster.NameOr(name)) {
				return true
			}
		}
	}
	return false
}

// placed adds to the model the IDs of the workspace and the accounts that the program itself makes, as the old
// version has made them.
func (v *Version) placed(made map[string]any) error {
	if v.Inputs == nil || len(madePlaces(v.Model)) == 0 {
		return nil
	}
	places := map[string]any{"workspaceId": made["workspaceId"], "storageAccounts": made["storageAccounts"]}
	declared, _, _, err := previews.Plan(previews.Fill(v.Inputs, places))
	if err != nil {
		return fmt.Errorf("the access of the stack, as it was deployed:\n%w", err)
	}
	v.Model = Identified(declared)
	if first := madePlaces(v.Model); len(first) > 0 {
		return fmt.Errorf("the change makes %s, and no job could be tried there before; rehearse the new version by itself, "+
			"without --from", strings.Join(first, ", "))
	}
	return nil
}

// stayed refuses a change that makes another workspace or account: the jobs were tried in the old one.
func (c *change) stayed() error {
	if c.New.Inputs == nil {
		return nil
	}
	made, err := c.new.madeBy()
	if err != nil {
		return err
	}
	m := access.Model{WorkspaceID: c.New.Model.WorkspaceID, StorageAccounts: c.New.Model.StorageAccounts}
	is := map[string]string{"workspaceId": m.WorkspaceID.Text()}
	was := map[string]any{"workspaceId": made["workspaceId"]}
	accounts, _ := made["storageAccounts"].(map[string]any)
	for name, id := range m.StorageAccounts {
		is["storageAccounts."+name], was["storageAccounts."+name] = id.Text(), accounts[name]
	}
	for _, path := range slices.Sorted(maps.Keys(is)) {
		if id, known := was[path].(string); known && !strings.EqualFold(id, is[path]) {
			return fmt.Errorf("the change makes another %s: %s in place of %s, and no job could be tried there before; "+
				"rehearse the new version by itself, without --from", path, id, is[path])
		}
	}
	return nil
}
