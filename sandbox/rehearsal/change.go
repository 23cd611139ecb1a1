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
	"path"
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

func (r *rehearsal) up(ctx context.Context, more ...string) error {
	return r.pulumi(ctx, append(r.upArgs(), more...)...)
}

func (r *rehearsal) upArgs() []string {
	return []string{"up", "--yes", "--suppress-outputs", "--stack", r.Stack, "--non-interactive", "--color", "never"}
}

func (c *change) deployOld(ctx context.Context, s *Start) (err error) {
	c.Progress.Step("pulumi up, before the change")
	if err := c.old.print(ctx, c.old.engine.PulumiSavingOnce, append(c.old.upArgs(), "--skip-preview")...); err != nil {
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
	return c.new.up(ctx, "--skip-preview")
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

// placed takes into the model where the workspace and the accounts are that the program makes itself, from what the
// old version has made.
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
		return fmt.Errorf("the change makes %s, where nothing can be tried before; rehearse what is to be by itself, "+
			"without --from", strings.Join(first, ", "))
	}
	return nil
}

// stayed refuses a change that makes a workspace or an account anew: what was tried is in the one of before.
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
			return fmt.Errorf("the change makes another %s: %s in place of %s, where nothing can be tried before; rehearse "+
				"what is to be by itself, without --from", path, id, is[path])
		}
	}
	return nil
}

// movedAccounts refuses accounts that were moved to another group or subscription: a name is unique in all of Azure, so
// that an account can't be in both places, before and after the move. Assignments at a resource do not move with it
// (learn.microsoft.com/azure/azure-resource-manager/management/move-resource-group-and-subscription).
func movedAccounts(old, now access.Model) error {
	was := map[string]string{} // ID by name
	for _, id := range old.StorageAccounts {
		was[strings.ToLower(path.Base(id.Text()))] = id.Text()
	}
	var ps access.Problems
	for _, name := range slices.Sorted(maps.Keys(now.StorageAccounts)) {
		id := now.StorageAccounts[name].Text()
		if before, there := was[strings.ToLower(path.Base(id))]; there && !strings.EqualFold(before, id) {
			ps.Add("storageAccounts."+name, "rehearse the new version by itself, without --from, and deploy it right after the "+
				"account is moved: assignments at its old ID do not move with it", "is %s, moved from %s, and Azure has one "+
				"account of a name, so that the change can't be rehearsed", id, before)
		}
	}
	return ps.Err()
}

// apart is the new model, with another name for everything that somebody has to change in the workspace by hand: a data
// store that points elsewhere, an endpoint in another workspace.
func (c *change) apart() access.Model {
	old, m := c.Old.Model, c.New.Model
	const next = "next"
	type place struct {
		account, container string
		credential         bool
	}
	at := func(m access.Model, account, container string, credential *bool) place {
		return place{strings.ToLower(m.StorageAccounts[account].Text()), container, credential != nil && *credential}
	}
	stores := map[string]place{}
	for _, d := range old.DataInputs {
		stores[d.DataStore] = at(old, d.StorageAccount, d.Container, d.CredentialInStore)
	}
	for _, d := range old.DataOutputs {
		stores[d.DataStore] = at(old, d.StorageAccount, d.Container, d.CredentialInStore)
	}
	moved := func(store string, now place) bool {
		was, there := stores[store]
		return store != "" && there && was != now
	}
	m.DataInputs, m.DataOutputs = maps.Clone(m.DataInputs), maps.Clone(m.DataOutputs)
	for name, d := range m.DataInputs {
		if moved(d.DataStore, at(m, d.StorageAccount, d.Container, d.CredentialInStore)) {
			d.DataStore += next
			if d.DataAsset != "" {
				d.DataAsset += next
			}
			m.DataInputs[name] = d
		}
	}
	for name, d := range m.DataOutputs {
		if moved(d.DataStore, at(m, d.StorageAccount, d.Container, d.CredentialInStore)) {
			d.DataStore += next
			m.DataOutputs[name] = d
		}
	}
	if !strings.EqualFold(old.WorkspaceID.Text(), m.WorkspaceID.Text()) {
		endpoints := map[string]access.Endpoint{}
		for name, e := range m.EffectiveEndpoints() {
			endpoints[name+"-"+next] = e
		}
		m.Endpoints = endpoints
	}
	return m
}

// beside gives deployments that get another cluster a name of their own, and returns those names by
// endpoint/deployment: in Azure too somebody moves a deployment when the new cluster exists. Containers of an account
// that are in one seed are in both.
func beside(old azure.Seed, after *azure.Seed) map[string]string {
	renamed := map[string]string{}
	for i, e := range after.Endpoints {
		at := slices.IndexFunc(old.Endpoints, func(o azure.Endpoint) bool {
			return strings.EqualFold(o.WorkspaceID+"/"+o.Name, e.WorkspaceID+"/"+e.Name)
		})
		if at < 0 {
			continue
		}
		was := old.Endpoints[at]
		after.Endpoints[i].DefaultDeployment = ""
		for j, d := range e.Deployments {
			if slices.ContainsFunc(was.Deployments, func(o azure.Deployment) bool {
				return strings.EqualFold(o.Name, d.Name) && !strings.EqualFold(o.ComputeName, d.ComputeName)
			}) {
				e.Deployments[j].Name = "next-" + d.Name[:min(len(d.Name), 26)]
				renamed[e.Name+"/"+d.Name] = e.Deployments[j].Name
			}
		}
	}
	for i, a := range after.StorageAccounts {
		for _, o := range old.StorageAccounts {
			if strings.EqualFold(o.ID, a.ID) {
				after.StorageAccounts[i].HNS = a.HNS || o.HNS
				after.StorageAccounts[i].PublicContainers = append(a.PublicContainers, o.PublicContainers...)
			}
		}
	}
	return renamed
}

// resources counts what happened to the stack's resources since the old version was deployed, and stores their names by
// ID.
func (c *change) resources(r *rehearsal, names map[string]string) (map[string]string, error) {
	all, err := r.engine.Resources(c.Stack)
	if err != nil {
		return nil, err
	}
	now := map[string]Resource{}
	for _, one := range all {
		if !one.Custom || one.Delete || one.ID == "" || strings.HasPrefix(string(one.Type), "pulumi:") {
			continue
		}
		created := time.Time{}
		if one.Created != nil {
			created = *one.Created
		}
		now[string(one.URN)] = Resource{
			Type: string(one.Type), Name: one.URN.Name(), id: strings.ToLower(string(one.ID)), created: created,
			aliases: aliases(c.New.Model, string(one.URN)),
		}
	}
	if names == nil {
		c.report.was, names = now, map[string]string{}
	} else {
		c.report.compare(now)
	}
	for _, one := range now {
		names[one.id] = one.Name
	}
	return names, nil
}

// label describes a write, with the resource's name in the stack if that is known.
func (c *change) label(w azure.Write) string {
	path := w.Path
	if strings.HasPrefix(strings.ToLower(path), "/graph/") {
		_, path, _ = strings.Cut(strings.TrimPrefix(path, "/graph/"), "/")
		path = "/" + path
	}
	kind := path
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if len(segments) > 1 {
		kind = segments[len(segments)-2]
	}
	name := c.names[strings.ToLower(strings.TrimRight(path, "/"))]
	if name == "" { // objects of the directory: applications/<id>/federatedIdentityCredentials/<id> and so on
		for id, is := range c.names {
			if len(segments) > 3 && strings.HasSuffix(id, "/"+strings.ToLower(segments[len(segments)-1])) {
				name = is
			}
		}
	}
	if name == "" {
		return w.Method + " " + path
	}
	return fmt.Sprintf("%s %s %s", w.Method, kind, name)
}

// deploymentOf is the deployment that a job on the path asks for by name, because the versions may have different
// defaults. With a World the endpoint has its own default, whatever the versions say.
func (c *change) deploymentOf(m access.Model, p access.Path) string {
	named := cmp.Or(p.Deployment, m.EffectiveEndpoints()[p.Endpoint].Deployment)
	if c.World != nil {
		return named
	}
	return cmp.Or(named, deployment)
}
