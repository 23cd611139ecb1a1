package components

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/lookup"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// concurrentLookUps is low, so that Azure does not throttle a large stack.
const concurrentLookUps = 8

// A completion holds the arguments after the look-up of everything that they leave out.
type completion struct {
	args     *BatchEndpointAccessArgs // the given ones, if nothing was missing
	plan     *access.Plan
	region   pulumi.StringPtrInput // of the clusters that are made; nil if none is or it is not known
	problems access.Problems
}

// complete looks up what is missing, and the workspace's region if clusters are made in it. It does not change the
// arguments. It asks nothing while anything else is wrong with them.
func (args *BatchEndpointAccessArgs) complete(ctx *pulumi.Context, opts []pulumi.ResourceOption) (completion, error) {
	plan, ps := args.Compile()
	l := &lookUps{given: args, args: args.copy(), model: args.Model()}
	missing, first := ps.With(problem.LookUp), args.region(ctx, opts, l)
	wrong := ps.WithoutLookUps()
	if wrong.Err() != nil || len(missing)+len(l.principals())+len(l.clusters())+len(first)+len(l.services()) == 0 {
		return completion{args: args, plan: plan, problems: wrong}, nil
	}
	var err error
	if l.Asker, err = lookup.New(ctx, l.model.WorkspaceID, opts...); err != nil {
		return completion{args: args, plan: plan}, err
	}
	if l.model.WorkspaceID.Later() {
		if asked := append(l.data(), l.endpoints()...); len(asked) > 0 {
			l.problems.Add("workspaceId", "give the workspace's ID as plain text, or write "+paths(missing),
				"is known only after a deployment, so the workspace can't be asked about data stores and endpoints")
			return completion{args: args, problems: l.problems}, nil
		}
		l.run(first)
	} else {
		l.run(slices.Concat(first, l.data(), l.endpoints()))
		l.run(l.clusters()) // with those that endpoints() has found
	}
	l.run(l.principals())
	l.run(l.services()) // they name storage accounts
	if len(l.problems) > 0 {
		slices.SortFunc(l.problems, func(a, b problem.Problem) int { return strings.Compare(a.Path, b.Path) })
		return completion{args: args, problems: l.problems}, nil
	}
	plan, ps = l.args.Compile()
	return completion{l.args, plan, l.region, append(ps, l.warnings...)}, nil
}

// region looks up the workspace's region, if a cluster is made in it.
func (args *BatchEndpointAccessArgs) region(
	ctx *pulumi.Context, opts []pulumi.ResourceOption, l *lookUps,
) (questions []question) {
	for _, c := range args.Clusters {
		if c.Existing {
			continue
		}
		return []question{func() (func(), access.Problems) {
			region, ps, err := clusterRegion(ctx, args.WorkspaceID, args.Location, opts)
			if err != nil {
				ps = append(ps, problem.Of(err))
			}
			if ps.Err() != nil {
				return nil, ps
			}
			return func() { l.region, l.warnings = region, ps }, nil
		}}
	}
	return nil
}

func paths(ps access.Problems) string {
	var paths []string
	for _, p := range ps {
		paths = append(paths, p.Path)
	}
	return strings.Join(paths, ", ")
}

// copy returns a copy with its own maps.
func (args *BatchEndpointAccessArgs) copy() *BatchEndpointAccessArgs {
	c := *args
	c.Invokers, c.Clusters = maps.Clone(c.Invokers), maps.Clone(c.Clusters)
	c.StorageAccounts, c.Registries = maps.Clone(c.StorageAccounts), maps.Clone(c.Registries)
	c.DataInputs, c.DataOutputs, c.Endpoints = maps.Clone(c.DataInputs), maps.Clone(c.DataOutputs), maps.Clone(c.Endpoints)
	if c.Clusters == nil {
		c.Clusters = map[string]ClusterArgs{}
	}
	return &c
}

// lookUps are the look-ups of one component.
type lookUps struct {
	*lookup.Asker
	given *BatchEndpointAccessArgs // the arguments before the look-ups
	args  *BatchEndpointAccessArgs // the arguments with what was found
	model access.Model             // of the given arguments

	problems access.Problems
	warnings access.Problems
	region   pulumi.StringPtrInput
}

// A question asks Azure, concurrently with others; note then records the answer, one at a time.
type question func() (note func(), ps access.Problems)

// run asks several questions at a time and notes the answers in the order of the questions, so that the result is
// always the same.
func (l *lookUps) run(questions []question) {
	var all sync.WaitGroup
	slots := make(chan struct{}, concurrentLookUps)
	notes, problems := make([]func(), len(questions)), make([]access.Problems, len(questions))
	for i, ask := range questions {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			notes[i], problems[i] = ask()
		})
	}
	all.Wait()
	for i, ps := range problems {
		if l.problems = append(l.problems, ps...); len(ps) == 0 {
			notes[i]()
		}
	}
}

func (l *lookUps) problem(path, fix, what string, args ...any) access.Problems {
	return access.Problems{{Path: path, What: fmt.Sprintf(what, args...), Fix: fix}}
}

func (l *lookUps) principals() (questions []question) {
	for _, name := range sortedKeys(l.model.Invokers) {
		i := l.model.Invokers[name]
		if l.model.IsOver(name) {
			continue // Entra may not have it any more
		}
		named, _ := i.Named()
		check := l.given.CheckPrincipals && i.PrincipalID.Text() != ""
		if named == "" && !check {
			continue
		}
		questions = append(questions, func() (func(), access.Problems) {
			found, ps := l.Principal("invokers."+name, i)
			return func() {
				i := l.args.Invokers[name]
				if i.id() == nil && i.Kind == access.ManagedIdentity {
					i.PrincipalID = pulumi.String(found.ObjectID)
				} else if i.id() == nil {
					i.ObjectID = pulumi.String(found.ObjectID)
				}
				if i.ClientID == nil && found.ClientID != "" {
					i.ClientID = pulumi.String(found.ClientID)
				}
				l.args.Invokers[name] = i
			}, ps
		})
	}
	return questions
}

func (l *lookUps) data() (questions []question) {
	for _, name := range sortedKeys(l.given.DataInputs) {
		d, path := l.given.DataInputs[name], "dataInputs."+name
		inAsset := d.LimitedWithin()
		if !d.InWorkspace() || !inAsset && d.DataStore != "" && d.CredentialInStore != nil &&
			(*d.CredentialInStore || d.StorageAccount != "") {
			continue
		}
		questions = append(questions, func() (func(), access.Problems) {
			if d.DataStore == "" || inAsset {
				asset, ps := l.DataAsset(path+".dataAsset", d.DataAsset, d.Version)
				if len(ps) > 0 {
					return nil, ps
				}
				if d.Type != "" && (d.Type == "file") != (asset.Type == "file") {
					return nil, l.problem(path+".type", "leave it out", "is %s, but version %s of the data asset %q is a %s", d.Type,
						d.Version, d.DataAsset, cmp.Or(asset.Type, "folder"))
				}
				is := strings.Trim(asset.Path, "/")
				if is == "" && inAsset {
					return nil, l.problem(path+".scope", "set it to container, or leave it out",
						"is path, but version %s of the data asset %q is all of its data store", d.Version, d.DataAsset)
				}
				if d.Path != "" && strings.Trim(d.Path, "/") != is {
					return nil, l.problem(path+".path", "write "+is+", or leave it out",
						"is %s, but version %s of the data asset %q lies at %s", d.Path, d.Version, d.DataAsset, is)
				}
				if d.DataStore != "" && !strings.EqualFold(d.DataStore, asset.DataStore) {
					return nil, l.problem(path+".dataStore", "write "+asset.DataStore+", or leave it out",
						"is %s, but version %s of the data asset %q lies in %s", d.DataStore, d.Version, d.DataAsset, asset.DataStore)
				}
				d.DataStore, d.Path, d.Type = asset.DataStore, cmp.Or(d.Path, asset.Path), cmp.Or(d.Type, asset.Type)
			}
			ps := l.store(path, d.DataStore, &d.CredentialInStore, &d.StorageAccount, &d.Container)
			return func() { l.args.DataInputs[name] = d }, ps
		})
	}
	for _, name := range sortedKeys(l.given.DataOutputs) {
		d := l.given.DataOutputs[name]
		if d.CredentialInStore != nil && (*d.CredentialInStore || d.StorageAccount != "") {
			continue
		}
		questions = append(questions, func() (func(), access.Problems) {
			ps := l.store("dataOutputs."+name, d.DataStore, &d.CredentialInStore, &d.StorageAccount, &d.Container)
			return func() { l.args.DataOutputs[name] = d }, ps
		})
	}
	return questions
}

// store fills in what is not given about a data store, and refuses what differs from the store.
func (l *lookUps) store(path, name string, inStore **bool, account, container *string) access.Problems {
	found, ps := l.DataStore(path+".dataStore", name)
	if len(ps) > 0 {
		return ps
	}
	if *inStore != nil && **inStore != found.HasCredential {
		return l.problem(path+".credentialInStore", fmt.Sprintf("write %t, or leave it out", found.HasCredential),
			"is %t, but the data store %q says otherwise", **inStore, name)
	}
	*inStore = &found.HasCredential
	if found.HasCredential {
		return nil // nothing is granted, so the store's account does not matter
	}
	if *container != "" && *container != found.Container {
		return l.problem(path+".container", fmt.Sprintf("write %s, or leave it out", found.Container),
			"is %s, but the data store %q points to container %s", *container, name, found.Container)
	}
	*container = found.Container
	for key, id := range l.model.StorageAccounts {
		if parsed, err := arm.Parse(id.Text(), arm.StorageAccount); err != nil ||
			!strings.EqualFold(parsed.Name, found.Account) {
			continue
		}
		if *account != "" && *account != key {
			return l.problem(path+".storageAccount", "write "+key+", or leave it out",
				"is %s, but the data store %q points to account %s", *account, name, found.Account)
		}
		*account = key
		return nil
	}
	return l.problem(path+".storageAccount", "add its ARM ID to storageAccounts (az storage account show --name "+
		found.Account+" --query id)",
		"the data store %q points to the storage account %s, which is none of storageAccounts", name, found.Account)
}

// endpoints asks on which cluster a deployment runs, if the arguments do not say.
func (l *lookUps) endpoints() (questions []question) {
	ask := func(path, endpoint, deployment string, note func(e *access.Endpoint, cluster string)) {
		questions = append(questions, func() (func(), access.Problems) {
			compute, ps := l.Cluster(path, endpoint, deployment)
			if len(ps) == 0 {
				ps = l.otherCluster(path, compute)
			}
			return func() {
				e := l.args.Endpoints[endpoint]
				note(&e, l.clusterOf(compute))
				l.args.Endpoints[endpoint] = e
			}, ps
		})
	}
	for _, name := range sortedKeys(l.given.Endpoints) {
		e, path := l.given.Endpoints[name], "endpoints."+name
		if len(e.Deployments) == 0 && e.Cluster == "" {
			ask(path, name, e.Deployment, func(e *access.Endpoint, cluster string) { e.Cluster = cluster })
		}
		for _, deployment := range sortedKeys(e.Deployments) {
			if e.Deployments[deployment].Cluster == "" {
				ask(path+".deployments."+deployment, name, deployment, func(e *access.Endpoint, cluster string) {
					e.Deployments = maps.Clone(e.Deployments)
					one := e.Deployments[deployment]
					one.Cluster = cluster
					e.Deployments[deployment] = one
				})
			}
		}
	}
	return questions
}

// otherCluster refuses a compute cluster with the name of one of the arguments' clusters that is another one: a look-up
// never replaces what is declared.
func (l *lookUps) otherCluster(path, compute string) (ps access.Problems) {
	for _, name := range sortedKeys(l.given.Clusters) {
		if strings.EqualFold(l.given.Clusters[name].model().NameOr(name), compute) {
			return nil
		}
	}
	for _, name := range sortedKeys(l.given.Clusters) {
		if strings.EqualFold(name, compute) {
			ps.AddCode(problem.Contradiction, path+".cluster", fmt.Sprintf("declare that compute cluster under another name, "+
				"with computeName: %s and existing: true, and name it here; or write cluster: %s and move the "+
				"deployment", compute, name),
				"is missing, and the deployment runs on the compute cluster %s, while clusters.%s is the compute cluster %s",
				compute, name, l.given.Clusters[name].model().NameOr(name))
		}
	}
	return ps
}

// clusterOf returns the name in the model of a compute cluster. If the model lacks it, it is added as an existing one.
func (l *lookUps) clusterOf(compute string) string {
	for _, name := range sortedKeys(l.args.Clusters) {
		if strings.EqualFold(l.args.Clusters[name].model().NameOr(name), compute) {
			return name
		}
	}
	l.args.Clusters[compute] = ClusterArgs{Existing: true}
	return compute
}

// services asks for what workspace.lookUp leaves out: how the workspace's own stores are opened, what its container
// registry requires, and which shared registries deployments use. If there is no answer, the hop is undecided, and a
// warning says so.
func (l *lookUps) services() (questions []question) {
	given := l.given.Workspace
	const path = "workspace.lookUp"
	open := given.Open()
	deployments := l.openRegistries()
	if len(open)+len(deployments) == 0 {
		return nil
	}
	if l.model.WorkspaceID.Later() {
		return []question{func() (func(), access.Problems) {
			var ps access.Problems
			ps.Warn("", path, "give the workspace's ID as plain text, or write what is looked up",
				"nothing is looked up, for the workspace's ID is known only after a deployment")
			return func() { l.warnings = append(l.warnings, ps...) }, nil
		}}
	}
	if len(open) > 0 {
		questions = append(questions, func() (func(), access.Problems) {
			found, unanswered := l.Services(path)
			w, ps := given, access.Problems(nil)
			if len(unanswered) == 0 {
				ps = append(l.ownStores(&w, found.AuthMode, found.StorageAccountID), l.images(&w, found.ContainerRegistryID,
					&unanswered)...)
			}
			return func() {
				l.args.Workspace = w
				l.warn(unanswered)
			}, ps
		})
	}
	for _, d := range deployments {
		questions = append(questions, func() (func(), access.Problems) {
			at := "endpoints." + d.endpoint
			if d.named {
				at += ".deployments." + d.deployment
			}
			found, unanswered := l.Registries(at+".registries", d.endpoint, d.deployment)
			names, ps := l.registriesCalled(at+".registries", found)
			return func() {
				if l.warn(unanswered); len(unanswered) == 0 {
					l.noteRegistries(d, names)
				}
			}, ps
		})
	}
	return questions
}

// warn adds problems as warnings.
func (l *lookUps) warn(ps access.Problems) {
	for _, p := range ps {
		p.Warning = true
		l.warnings = append(l.warnings, p)
	}
}

// An openDeployment is a deployment whose registries are not given. named is set if it is one of several.
type openDeployment struct {
	endpoint, deployment string
	named                bool
}

func (l *lookUps) openRegistries() (all []openDeployment) {
	if !l.given.Workspace.LookUp {
		return nil
	}
	for _, name := range sortedKeys(l.given.Endpoints) {
		e := l.given.Endpoints[name]
		if e.Registries != nil {
			continue
		}
		if len(e.Deployments) == 0 {
			all = append(all, openDeployment{name, e.Deployment, false})
		}
		for _, deployment := range sortedKeys(e.Deployments) {
			if e.Deployments[deployment].Registries == nil {
				all = append(all, openDeployment{name, deployment, true})
			}
		}
	}
	return all
}

// registriesCalled returns the names in the arguments of registries with these names in Azure, which are unique there
// (deployments name them without subscription and group).
func (l *lookUps) registriesCalled(path string, inAzure []string) (names []string, ps access.Problems) {
	names = []string{}
	for _, called := range inAzure {
		is := func(name string) bool { return strings.EqualFold(arm.Last(l.model.Registries[name].Text()), called) }
		all := sortedKeys(l.model.Registries)
		if at := slices.IndexFunc(all, is); at >= 0 {
			if !slices.Contains(names, all[at]) { // letter case makes no difference in Azure
				names = append(names, all[at])
			}
			continue
		}
		ps = append(ps, l.problem(path, "add its ARM ID to registries (az resource list --name "+called+" --query [].id)",
			"the deployment uses the registry %s, which is none of registries", called)...)
	}
	return names, ps
}

func (l *lookUps) noteRegistries(d openDeployment, names []string) {
	e := l.args.Endpoints[d.endpoint]
	if !d.named {
		e.Registries = names
	} else {
		e.Deployments = maps.Clone(e.Deployments)
		one := e.Deployments[d.deployment]
		one.Registries = names
		e.Deployments[d.deployment] = one
	}
	l.args.Endpoints[d.endpoint] = e
}

// images fills in what the workspace and its container registry say about pulling images.
func (l *lookUps) images(w *services.WorkspaceServices, registryID string,
	unanswered *access.Problems) access.Problems {
	const path = "workspace"
	switch {
	case w.ContainerRegistry == "" && w.RegistryPermissions != services.ByAdminUser:
		w.ContainerRegistry = registryID
	case w.ContainerRegistry != "" && registryID != "" && !strings.EqualFold(w.ContainerRegistry, registryID):
		return nil // the user means another registry
	}
	if w.ContainerRegistry == "" || w.RegistryPermissions != "" {
		return nil
	}
	on, known, ps := l.AdminUser(path+".registryPermissions", w.ContainerRegistry)
	*unanswered = append(*unanswered, ps...)
	if known && on {
		w.RegistryPermissions = services.ByAdminUser
	}
	return nil
}

// ownStores fills in what the workspace says, and refuses what differs from it.
func (l *lookUps) ownStores(w *services.WorkspaceServices, mode, accountID string) access.Problems {
	const path = "workspace"
	var says services.AuthMode
	for _, known := range services.AuthModes {
		if strings.EqualFold(mode, known) {
			says = services.AuthMode(known)
		}
	}
	if w.SystemDatastoresAuthMode != "" && says != "" && says != w.SystemDatastoresAuthMode {
		return l.problem(path+".systemDatastoresAuthMode", fmt.Sprintf("write %s, or leave it out", says),
			"is %s, but the workspace says %s", w.SystemDatastoresAuthMode, says)
	}
	if w.SystemDatastoresAuthMode == "" {
		w.SystemDatastoresAuthMode = says
	}
	if w.SystemDatastoresAuthMode != services.ByIdentity || accountID == "" {
		return nil
	}
	for _, name := range sortedKeys(l.model.StorageAccounts) {
		if !strings.EqualFold(l.model.StorageAccounts[name].Text(), accountID) {
			continue
		}
		if w.StorageAccount != "" && w.StorageAccount != name {
			return l.problem(path+".storageAccount", "write "+name+", or leave it out",
				"is %s, but the workspace's own account is %s", w.StorageAccount, name)
		}
		w.StorageAccount = name
		return nil
	}
	return l.problem(path+".storageAccount", "add its ARM ID to storageAccounts: "+accountID,
		"identities open the workspace's own stores, and its account is none of storageAccounts")
}

func (l *lookUps) clusters() (questions []question) {
	for _, name := range sortedKeys(l.args.Clusters) {
		c := l.args.Clusters[name]
		if !c.lookedUp() {
			continue
		}
		path, compute := "clusters."+name, c.model().NameOr(name)
		questions = append(questions, func() (func(), access.Problems) {
			identity, ps := l.Compute(path, compute)
			if len(ps) > 0 {
				return nil, ps
			}
			principal, err := defaultPrincipal(compute, identity)
			if err != nil {
				return nil, access.Problems{problem.Of(err).At(path)}
			}
			return func() {
				c.PrincipalID = pulumi.String(principal)
				l.args.Clusters[name] = c
			}, nil
		})
	}
	return questions
}
