package estate

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// A Stack is the content of a stack file for the estate.
type Stack struct {
	Model    access.Model
	Location string
	// Names are the names of the model's assignments in Azure, by those that the stack would give them.
	Names map[string]string
	// Missing are grants of the model that Azure does not have. NotKept is access in Azure that the stack does not
	// keep. Left is what a stack can't express. Each is one line for a person.
	Missing, NotKept, Left []string
}

// starts is the action without which no job starts (one of the article's 35).
const starts = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"

// Stack works out the stack that grants what principals have in Azure, and nothing else.
func (e *Estate) Stack() (*Stack, error) {
	b := &builder{Estate: e, s: &Stack{Location: e.Location, Names: map[string]string{}}, invokers: map[string]string{},
		clusterIDs: map[string]string{}, accounts: map[string]string{}}
	b.s.Model = access.Model{
		WorkspaceID: access.Known(e.ID), Invokers: map[string]access.Invoker{}, Clusters: map[string]access.Cluster{},
		StorageAccounts: map[string]access.ID{}, DataInputs: map[string]access.DataInput{},
		Endpoints: map[string]access.Endpoint{},
	}
	b.clusters()
	if err := b.role(); err != nil {
		return nil, err
	}
	b.data()
	plan, problems := access.Compile(b.s.Model)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("what Azure has can't be a stack: %w", err)
	}
	return b.s, b.compare(plan)
}

type builder struct {
	*Estate
	s          *Stack
	roleID     string            // GUID of the invokers' role
	invokers   map[string]string // names by object ID
	clusterIDs map[string]string // names by object ID
	accounts   map[string]string // names by ARM ID in lower case
	items      []item
}

// An item is a data store that may be an input, granted at its container or at its whole account.
type item struct {
	input string
	scope string // in lower case
}

func (b *builder) left(text string, args ...any) {
	b.s.Left = append(b.s.Left, fmt.Sprintf(text, args...))
}

// clusters adds the clusters on which endpoints run.
func (b *builder) clusters() {
	used := map[string]bool{}
	for _, p := range b.endpoints {
		e, whole := access.Endpoint{Inputs: []string{}, Deployments: map[string]access.Deployment{}}, true
		on := ""
		for _, d := range p.deployments {
			at := "endpoint " + p.Name + ", deployment " + d.Name
			key := strings.ToLower(arm.Last(d.Properties.Compute))
			c, there := b.Estate.clusters[key]
			id, why := "", "the workspace has no compute "+key
			if key == "" {
				why = "Azure names no compute for it"
			} else if there {
				id, why = c.principal()
			}
			if why != "" {
				b.left("%s: %s; its jobs are not in this stack", at, why)
				whole = false
				continue
			}
			used[key] = true
			b.s.Model.Clusters[c.Name] = access.Cluster{Existing: true, PrincipalID: access.Known(id)}
			b.clusterIDs[id] = c.Name
			e.Deployments[d.Name] = access.Deployment{Cluster: c.Name}
			if d.Name == p.Properties.Defaults.Deployment {
				on = c.Name
			}
		}
		switch {
		case len(e.Deployments) == 0:
			b.left("endpoint %s: it has no deployment that this stack can hold", p.Name)
			continue
		case len(e.Deployments) == 1 && whole && on != "":
			e.Cluster, e.Deployments = on, nil
		}
		b.s.Model.Endpoints[p.Name] = e
	}
	for _, key := range slices.Sorted(maps.Keys(b.Estate.clusters)) {
		if !used[key] {
			b.left("compute %s: no endpoint runs on it", b.Estate.clusters[key].Name)
		}
	}
}

// clustersOf returns the object IDs of the identities that mount for the jobs of an endpoint.
func (b *builder) clustersOf(e access.Endpoint) (ids []string) {
	names := map[string]bool{e.Cluster: e.Cluster != ""}
	for _, d := range e.Deployments {
		names[d.Cluster] = true
	}
	for id, name := range b.clusterIDs {
		if names[name] {
			ids = append(ids, id)
		}
	}
	return ids
}

// role chooses the role and the scope that most principals have who may start jobs: a stack has one role.
func (b *builder) role() error {
	type choice struct{ role, scope string }
	m := &b.s.Model
	have := map[choice]map[string]string{}
	levels := map[string]access.Level{}
	for _, level := range []access.Level{access.AtWorkspace, access.AtResourceGroup, access.AtSubscription} {
		id, err := m.ScopeID(access.Scope{Level: level})
		if err != nil {
			return err
		}
		levels[strings.ToLower(id)] = level
	}
	for _, a := range b.assignments {
		d := b.roles[a.role()]
		named := !d.BuiltIn || slices.Contains(roles.InvokerBuiltIns(), d.RoleName)
		if levels[a.scope()] == "" || a.Properties.Condition != "" || b.kind(a.principal()) == "" || !named ||
			b.clusterIDs[a.principal()] != "" || !d.Permissions.Action(starts).Allowed {
			continue
		}
		at := choice{a.role(), a.scope()}
		if have[at] == nil {
			have[at] = map[string]string{}
		}
		have[at][a.principal()] = b.nameOf(a.principal())
	}
	if len(have) == 0 {
		return fmt.Errorf("nobody in the directory has a role at workspace %s, its resource group or its subscription "+
			"that starts jobs (%s), without a condition; write the first invoker by hand, from the README", b.ID, starts)
	}
	best := slices.SortedFunc(maps.Keys(have), func(x, y choice) int {
		wide := func(c choice) int { // roles that allow much more than starting jobs come last
			if d := b.roles[c.role]; d.RoleName == roles.Owner || d.RoleName == roles.Contributor {
				return 1
			}
			return 0
		}
		return cmp.Or(wide(x)-wide(y), len(have[y])-len(have[x]), len(y.scope)-len(x.scope), strings.Compare(x.role, y.role))
	})[0]
	b.roleID = best.role
	d := b.roles[best.role]
	if m.Role.Scope = levels[best.scope]; d.BuiltIn {
		m.Role.BuiltIn = d.RoleName
	} else {
		m.Role.RoleDefinitionID = access.Known(b.Workspace.Subscription() + roles.DefinitionID(best.role))
		m.Role.Definition = definition(d)
	}
	for _, id := range slices.Sorted(maps.Keys(have[best])) {
		name := have[best][id]
		for n := 2; m.Invokers[name].Kind != ""; n++ {
			name = fmt.Sprintf("%s-%d", have[best][id], n)
		}
		m.Invokers[name] = access.Invoker{Kind: b.kind(id), PrincipalID: access.Known(id)}
		b.invokers[id] = name
	}
	return nil
}

// kind returns the kind of a principal; "" for one that a stack can't name or that does not exist any more.
func (b *builder) kind(id string) access.PrincipalKind {
	o := b.directory[id]
	switch o.Type {
	case "#microsoft.graph.user":
		return access.User
	case "#microsoft.graph.group":
		return access.Group
	case "#microsoft.graph.servicePrincipal":
		if o.ServicePrincipalType == "ManagedIdentity" {
			return access.ManagedIdentity
		}
		return access.ServicePrincipal
	}
	return ""
}

var noName = regexp.MustCompile(`[^A-Za-z0-9]+`)

// nameOf returns the principal's name in the stack.
func (b *builder) nameOf(id string) string {
	o := b.directory[id]
	text, _, _ := strings.Cut(o.UserPrincipalName, "@")
	return slug(cmp.Or(text, o.DisplayName), id)
}

func slug(text, otherwise string) string {
	name := strings.Trim(noName.ReplaceAllString(strings.ToLower(text), "-"), "-")
	return cmp.Or(strings.TrimRight(name[:min(len(name), 40)], "-"), otherwise)
}

// data adds, endpoint by endpoint, the data stores that the clusters may read, and the invokers who may read the same.
func (b *builder) data() {
	m := &b.s.Model
	reads := map[string]map[string]bool{} // by scope, the object IDs
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	for _, a := range b.assignments {
		if a.role() == reader.ID && a.Properties.Condition == "" {
			if reads[a.scope()] == nil {
				reads[a.scope()] = map[string]bool{}
			}
			reads[a.scope()][a.principal()] = true
		}
	}
	inputs := b.inputs()
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(m.Endpoints)) {
		e := m.Endpoints[name]
		e.Invokers = []string{}
		may := map[string][]item{} // by invoker; "" for the clusters together
		for _, it := range b.items {
			clusters := b.clustersOf(e)
			if slices.ContainsFunc(clusters, func(id string) bool { return !reads[it.scope][id] }) {
				continue
			}
			may[""] = append(may[""], it)
			for id, invoker := range b.invokers {
				if reads[it.scope][id] {
					may[invoker] = append(may[invoker], it)
				}
			}
		}
		// An endpoint's declaration holds for all its inputs and invokers: take the one with most pairs that Azure has
		// already.
		most := -1
		for _, of := range slices.Sorted(maps.Keys(may)) {
			var who []string
			for _, invoker := range slices.Sorted(maps.Values(b.invokers)) {
				if !slices.ContainsFunc(may[of], func(it item) bool { return !slices.Contains(may[invoker], it) }) {
					who = append(who, invoker)
				}
			}
			if pairs := len(may[of]) * len(who); pairs > most && len(who) > 0 {
				most, e.Inputs, e.Invokers = pairs, nil, who
				for _, it := range may[of] {
					e.Inputs = append(e.Inputs, it.input)
				}
			}
		}
		for _, input := range e.Inputs {
			used[input] = true
		}
		m.Endpoints[name] = e
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if used[name] {
			m.DataInputs[name] = inputs[name]
		}
	}
	for name := range m.StorageAccounts {
		if !slices.ContainsFunc(slices.Collect(maps.Values(m.DataInputs)), func(d access.DataInput) bool {
			return d.StorageAccount == name
		}) {
			delete(m.StorageAccounts, name)
		}
	}
}

// inputs returns the data stores that identities read, at the container and at the account.
func (b *builder) inputs() map[string]access.DataInput {
	m, inputs := &b.s.Model, map[string]access.DataInput{}
	for _, s := range b.stores {
		is, why := s.byIdentity()
		if !is {
			b.left("data store %s %s", s.Name, why)
			continue
		}
		key := strings.ToLower(s.account)
		if b.accounts[key] == "" {
			b.accounts[key] = slug(arm.Last(s.account), "storage")
			m.StorageAccounts[b.accounts[key]] = access.Known(s.account)
		}
		in := access.DataInput{Kind: access.Blob, StorageAccount: b.accounts[key], Container: s.Container()}
		if strings.EqualFold(s.Properties.Type, lakeStore) {
			in.Kind = access.ADLSGen2
		}
		name := slug(s.Name, "data")
		inputs[name] = in
		b.items = append(b.items, item{name, strings.ToLower(arm.Container(s.account, s.Container()))})
		in.Scope = access.AtAccount
		inputs[name+"-account"] = in
		b.items = append(b.items, item{name + "-account", key})
	}
	return inputs
}

// compare compares the plan with the assignments: what both have is adopted, and the rest is reported.
func (b *builder) compare(plan *access.Plan) error {
	kept := map[string]bool{}
	ids := map[access.Principal]string{}
	for id, name := range b.invokers {
		ids[access.InvokerPrincipal(name)] = id
	}
	for id, name := range b.clusterIDs {
		ids[access.ClusterPrincipal(name)] = id
	}
	for _, g := range plan.Grants {
		scope, err := b.s.Model.ScopeID(g.Scope)
		if err != nil {
			return err
		}
		role := b.roleID
		if d, builtIn := roles.BuiltIn(g.Role); builtIn {
			role = d.ID
		}
		at := slices.IndexFunc(b.assignments, func(a assignment) bool {
			return a.role() == role && a.principal() == ids[g.Principal] && a.Properties.Condition == "" &&
				a.scope() == strings.ToLower(scope)
		})
		if at < 0 {
			b.s.Missing = append(b.s.Missing, fmt.Sprintf("%s: %s", g.Principal, g))
			continue
		}
		a := b.assignments[at]
		kept[a.ID] = true
		if derived := arm.AssignmentGUID(scope, ids[g.Principal], role); !strings.EqualFold(derived, a.Name) {
			b.s.Names[derived] = strings.ToLower(a.Name)
		}
	}
	for _, a := range b.assignments {
		if does := b.does(a); !kept[a.ID] && does != "" {
			b.s.NotKept = append(b.s.NotKept, fmt.Sprintf("%s has %s at %s, which %s (%s)", b.who(a.principal()),
				b.roles[a.role()].RoleName, cmp.Or(a.Properties.Scope, "/"), does, a.ID))
		}
	}
	return nil
}

// does returns what an assignment allows with the workspace's jobs and data; "" for nothing.
func (b *builder) does(a assignment) string {
	p, scope := b.roles[a.role()].Permissions, a.scope()
	var does []string
	lower := strings.ToLower(b.ID)
	if under(scope, lower) || under(lower, scope) {
		if p.MayAllow(roles.Action{Name: starts}) {
			does = append(does, "may start jobs")
		}
	}
	for _, s := range b.stores {
		at := strings.ToLower(s.account)
		if at == "" || !under(scope, at) && !under(at, scope) {
			continue
		}
		for _, one := range []struct{ action, says string }{
			{roles.ReadBlobs, "may read data"}, {roles.WriteBlobs, "may write data"},
		} {
			if p.MayAllow(roles.Action{Name: one.action, Data: true}) && !slices.Contains(does, one.says) {
				does = append(does, one.says)
			}
		}
	}
	if len(does) > 0 && a.Properties.Condition != "" {
		does = append(does, "on a condition, which init does not write")
	}
	return strings.Join(does, " and ")
}

// under reports whether an ID in lower case is the scope, or lies below it.
func under(scope, id string) bool {
	return scope == "" || id == scope || strings.HasPrefix(id, scope+"/")
}

func (b *builder) who(id string) string {
	o, there := b.directory[id]
	if !there {
		return "somebody who is not in the directory any more, " + id + ","
	}
	if name := b.clusterIDs[id]; name != "" {
		return "cluster " + name
	}
	return cmp.Or(o.UserPrincipalName, o.DisplayName, id)
}
