package rehearsal

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
)

// undeclared reports principals that may do more than is declared: more than the endpoints read and write, or more than
// invoking needs. It reads this from the configuration here, not from package access, which calculates the grants.
func (r *rehearsal) undeclared(report *Report, d deployed) {
	reads, writes, _ := r.declared()
	all := r.principals(d)
	starters := r.starters()
	r.formerHolders(report)
	for _, p := range all {
		for _, place := range r.places() {
			scope := containerID(r.Model.StorageAccounts[place.account].Text(), place.container)
			reading, writing, whole := false, false, false
			for _, same := range all { // clusters may share an identity, which may also be an invoker
				if strings.EqualFold(same.id, p.id) {
					writing = writing || writes.has(same.name, place)
					reading = reading || writing || reads.has(same.name, place)
					whole = whole || reads.whole(same.name, place) || writes.whole(same.name, place)
				}
			}
			r.mayNotUnless(report, p, scope, readBlobs, true, reading)
			r.mayNotUnless(report, p, scope, writeBlobs, true, writing)
			if !whole {
				r.mayNotUnless(report, p, scope, deleteContainers, false, false)
				report.add(mayDo(p, "the list of all at "+scope, r.azure.AllowsList(p.id, scope, "")))
			}
		}
		r.undeclaredInStores(report, p, all)
		ownRole := r.Model.Role.BuiltIn != "" || r.Model.Role.RoleDefinitionID.Given() || r.Model.Role.Definition != ""
		if !ownRole || !slices.ContainsFunc(all, func(same holder) bool {
			return strings.EqualFold(same.id, p.id) && !same.cluster // which may be a role for anything
		}) {
			r.neverNeeded(report, p)
		}
		if p.cluster || ownRole {
			continue
		}
		for _, action := range notForInvoking {
			if !slices.ContainsFunc(r.Model.Role.Additions,
				func(a string) bool { return strings.EqualFold(a, action.addition) }) {
				r.mayNotUnless(report, p, r.Model.WorkspaceID.Text(), action.name, false, false)
			}
		}
		for id, named := range starters {
			for _, action := range startsJobs {
				r.mayNotUnless(report, p, id, action, false, slices.ContainsFunc(all, func(same holder) bool {
					return strings.EqualFold(same.id, p.id) && slices.Contains(named, same.name)
				}))
			}
		}
		// The default is the workspace, by the configuration's documentation and not by the code that deploys.
		if slices.Contains([]access.Level{"", access.AtEndpoint, access.AtWorkspace}, r.Model.Role.Scope) {
			group := r.Model.WorkspaceID.Text()[:strings.Index(r.Model.WorkspaceID.Text(), "/providers/")]
			r.mayNotUnless(report, p, group, mlActions+"read", false, false)
		}
	}
}

const (
	mlActions  = "Microsoft.MachineLearningServices/workspaces/"
	inStorage  = "Microsoft.Storage/storageAccounts/"
	readBlobs  = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	writeBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"

	deleteContainers = inStorage + "blobServices/containers/delete"
)

// notForInvoking are actions that the article does not list, with the addition that gives each (azure-facts.md).
var notForInvoking = []struct{ name, addition string }{
	{mlActions + "batchEndpoints/jobs/read", "pollJobs"},
	{mlActions + "jobs/cancel/action", "cancelJobs"},
	{"Microsoft.MachineLearningServices/registries/assets/read", "readRegistryAssets"},
	{mlActions + "write", ""}, {mlActions + "delete", ""}, {mlActions + "listKeys/action", ""},
	{mlActions + "computes/write", ""}, {mlActions + "computes/delete", ""}, {mlActions + "jobs/write", ""},
	{mlActions + "batchEndpoints/delete", ""}, {mlActions + "models/write", ""},
	{"Microsoft.Authorization/roleAssignments/write", ""}, {"Microsoft.Authorization/roleDefinitions/write", ""},
	{"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", ""},
}

// mayNotUnless adds an outcome for an action that is not declared. Jobs try those that are.
func (r *rehearsal) mayNotUnless(report *Report, p holder, scope, action string, data, declared bool) {
	if declared {
		return
	}
	report.add(mayDo(p, action+" at "+scope, r.azure.Allows(p.id, scope, action, data)))
}

// neverNeeded reports a principal that may change an account or a registry itself, or what is in a registry of images:
// no job needs that, whatever is declared. What it may not is no control of its own.
func (r *rehearsal) neverNeeded(report *Report, p holder) {
	try := func(id string, data bool, actions ...string) {
		for _, action := range actions {
			if o := mayDo(p, action+" at "+id, r.azure.Allows(p.id, id, action, data)); o.Got != o.Want {
				report.add(o)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Model.StorageAccounts)) {
		try(r.Model.StorageAccounts[name].Text(), false, inStorage+"write", inStorage+"delete", inStorage+"listKeys/action")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Model.Registries)) {
		try(r.Model.Registries[name].Text(), false, "Microsoft.MachineLearningServices/registries/write",
			"Microsoft.MachineLearningServices/registries/delete")
	}
	if id := r.Model.Services.ContainerRegistry; id != "" {
		const images = "Microsoft.ContainerRegistry/registries/"
		try(id, false, images+"write", images+"delete", images+"push/write")
		try(id, true, images+"repositories/content/write")
	}
}

func mayDo(p holder, what, answer string) Outcome {
	o := Outcome{Control: true, Invoker: p.name, Want: mayNot, Got: mayNot, Detail: what}
	if answer != "no" && answer != "denied" {
		o.Got = "may do what is not declared: " + answer
	}
	return o
}

const mayNot = "may not"

// holder is a principal whose access is checked.
type holder struct {
	name, id string
	cluster  bool
}

func (r *rehearsal) principals(d deployed) (all []holder) {
	for _, name := range slices.Sorted(maps.Keys(r.Model.Invokers)) {
		if id := d.PrincipalIDs[name]; id != "" {
			all = append(all, holder{name, id, false})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Model.Clusters)) {
		if id := d.ClusterPrincipalIDs[name]; id != "" {
			all = append(all, holder{"cluster:" + name, id, true})
		}
	}
	return all
}

// place is a container of an account, or a path in it: a folder, which ends in a slash, or a file. "" means the whole
// account, or the whole container.
type place struct{ account, container, path string }

// holds reports whether the other place is entirely inside this one.
func (p place) holds(other place) bool {
	return p.account == other.account && (p.container == "" || p.container == other.container) &&
		(p.path == "" || p.path == other.path || strings.TrimSuffix(p.path, "/") == other.path ||
			strings.HasSuffix(p.path, "/") && strings.HasPrefix(other.path, p.path))
}

// places are the containers that the configuration names.
func (r *rehearsal) places() []place {
	all := map[place]bool{}
	for _, d := range r.Model.DataInputs {
		all[place{account: d.StorageAccount, container: d.Container}] = true
	}
	for _, d := range r.Model.DataOutputs {
		all[place{account: d.StorageAccount, container: d.Container}] = true
	}
	maps.DeleteFunc(all, func(p place, _ bool) bool { return p.account == "" || p.container == "" })
	return slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return strings.Compare(a.account+"/"+a.container, b.account+"/"+b.container)
	})
}

// clustersOf are the clusters that the endpoint's jobs run on.
func clustersOf(e access.Endpoint) (names []string) {
	for _, d := range e.Deployments {
		names = append(names, "cluster:"+d.Cluster)
	}
	if len(names) == 0 {
		names = append(names, "cluster:"+e.Cluster)
	}
	return names
}

type needs map[string]map[place]bool // by name of the principal

func (n needs) add(name string, p place) {
	if n[name] == nil {
		n[name] = map[place]bool{}
	}
	n[name][p] = true
}

// has reports whether something in a container, or in an account, is declared for a principal.
func (n needs) has(name string, p place) bool {
	for held := range n[name] {
		if held.path = ""; held.holds(p) {
			return true
		}
	}
	return false
}

// whole reports whether all of a place is declared for a principal.
func (n needs) whole(name string, p place) bool {
	for held := range n[name] {
		if held.holds(p) {
			return true
		}
	}
	return false
}

// starters are the invokers that each endpoint names, by its ARM ID, if the role is limited to endpoints.
func (r *rehearsal) starters() map[string][]string {
	named := map[string][]string{}
	for name, e := range r.Model.EffectiveEndpoints() {
		if r.Model.Role.Scope == access.AtEndpoint && e.Invokers != nil {
			id := r.Model.WorkspaceID.Text() + "/batchEndpoints/" + endpointName(r.Model, name)
			named[id] = r.named(e)
		}
	}
	return named
}

// startsJobs are the article's actions about an endpoint and its jobs. An invoker that is limited to endpoints has none
// of them at an endpoint that does not name it (facts/batch-endpoints.md).
var startsJobs = []string{
	mlActions + "batchEndpoints/write", mlActions + "batchEndpoints/read",
	mlActions + "batchEndpoints/jobs/write", mlActions + "batchEndpoints/deployments/read",
	mlActions + "batchEndpoints/deployments/write", mlActions + "batchEndpoints/deployments/jobs/write",
}

// declared returns, from the endpoints, who may read and write where by a role, and who may read by ACLs.
func (r *rehearsal) declared() (reads, writes, acls needs) {
	reads, writes, acls = needs{}, needs{}, needs{}
	m := r.Model
	for _, e := range m.EffectiveEndpoints() {
		who := r.named(e)
		if len(who) > 0 && r.storesByIdentity() {
			for _, name := range append(clustersOf(e), who...) {
				writes.add(name, place{account: m.Services.StorageAccount})
			}
		}
		if len(who) > 0 { // otherwise no job may run, and no cluster mounts
			who = append(who, clustersOf(e)...)
		}
		for _, name := range who {
			for _, input := range e.Inputs {
				d := m.DataInputs[input]
				switch path := limitOf(d.Path, d.Type); {
				case d.GrantedBy == access.ByACL:
					acls.add(name, place{d.StorageAccount, d.Container, path})
				case d.Kind != access.Public && !(d.InWorkspace() && isTrue(d.CredentialInStore)):
					reads.add(name, at(d.StorageAccount, d.Container, path, d.Scope))
				}
			}
			for _, output := range e.Outputs {
				if d := m.DataOutputs[output]; !isTrue(d.CredentialInStore) {
					writes.add(name, at(d.StorageAccount, d.Container, limitOf(d.Path, ""), d.Scope))
				}
			}
		}
	}
	return reads, writes, acls
}

// storesByIdentity reports whether identities open the workspace's own stores.
func (r *rehearsal) storesByIdentity() bool {
	w := r.Model.Services
	return w.SystemDatastoresAuthMode == services.ByIdentity && w.StorageAccount != ""
}

// undeclaredInStores looks at the other services of storage: invokers and clusters use files, tables and queues in the
// workspace's own account only.
func (r *rehearsal) undeclaredInStores(report *Report, p holder, all []holder) {
	_, writes, _ := r.declared()
	for _, account := range slices.Sorted(maps.Keys(r.Model.StorageAccounts)) {
		files, tables := false, false // what invokers use, and what parallel runs keep
		for _, same := range all {
			own := r.storesByIdentity() && account == r.Model.Services.StorageAccount &&
				writes.has(same.name, place{account: account})
			if strings.EqualFold(same.id, p.id) && own {
				files = files || !same.cluster
				tables = tables || same.cluster && r.parallel(same.name)
			}
		}
		id := r.Model.StorageAccounts[account].Text()
		r.mayNotUnless(report, p, id, inStorage+"fileServices/fileshares/files/write", true, files)
		r.mayNotUnless(report, p, id, inStorage+"tableServices/tables/entities/write", true, tables)
		r.mayNotUnless(report, p, id, inStorage+"queueServices/queues/messages/write", true, tables)
	}
}

// parallel reports whether a cluster has jobs that may be parallel runs, which keep their state in tables and queues
// (facts/batch-endpoints.md): the configuration says of which it has none.
func (r *rehearsal) parallel(cluster string) bool {
	for _, e := range r.Model.EffectiveEndpoints() {
		if len(r.named(e)) == 0 {
			continue
		}
		if len(e.Deployments) == 0 && "cluster:"+e.Cluster == cluster && mayRunInParallel(e.ParallelRuns) {
			return true
		}
		for _, d := range e.Deployments {
			if "cluster:"+d.Cluster == cluster && mayRunInParallel(d.ParallelRuns, e.ParallelRuns) {
				return true
			}
		}
	}
	return false
}

// mayRunInParallel reports whether jobs may be parallel runs, by the first of the settings that is given.
func mayRunInParallel(said ...*bool) bool {
	given := slices.IndexFunc(said, func(one *bool) bool { return one != nil })
	return given < 0 || *said[given]
}

func isTrue(b *bool) bool { return b != nil && *b }

// at is the place at which a role for data is granted.
func at(account, container, path string, scope access.Level) place {
	switch scope {
	case access.AtPath:
		return place{account, container, path}
	case access.AtAccount:
		return place{account: account}
	default:
		return place{account: account, container: container}
	}
}

// limitOf is the path of data, in a place's form.
func limitOf(path, kind string) string {
	if path = strings.Trim(path, "/"); path == "" || kind == "file" {
		return path
	}
	return path + "/"
}

// named are the invokers of an endpoint, with the members of groups that the stack makes.
func (r *rehearsal) named(e access.Endpoint) (all []string) {
	who := e.Invokers
	if who == nil {
		who = slices.Collect(maps.Keys(r.Model.Invokers))
	}
	for _, name := range who {
		all = append(append(all, name), r.Model.Invokers[name].Members...)
	}
	return all
}

// formerHolders looks at invokers whose access has ended and whose ID is known: they have nothing of the stack.
func (r *rehearsal) formerHolders(report *Report) {
	for _, name := range slices.Sorted(maps.Keys(r.all.Invokers)) {
		i := r.all.Invokers[name]
		same := func(other access.Invoker) bool {
			return strings.EqualFold(other.PrincipalID.Text(), i.PrincipalID.Text())
		}
		if _, is := r.Model.Invokers[name]; is || i.PrincipalID.Text() == "" ||
			slices.ContainsFunc(slices.Collect(maps.Values(r.Model.Invokers)), same) {
			continue
		}
		p := holder{name + " (ended)", i.PrincipalID.Text(), false}
		r.mayNotUnless(report, p, r.Model.WorkspaceID.Text(), mlActions+"read", false, false)
		r.mayNotUnless(report, p, r.Model.WorkspaceID.Text(), mlActions+"batchEndpoints/jobs/write", false, false)
		for _, place := range r.places() {
			scope := containerID(r.Model.StorageAccounts[place.account].Text(), place.container)
			r.mayNotUnless(report, p, scope, readBlobs, true, false)
			r.mayNotUnless(report, p, scope, writeBlobs, true, false)
		}
	}
}

func containerID(account, container string) string {
	return account + "/blobServices/default/containers/" + container
}
