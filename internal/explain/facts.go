package explain

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// Facts are what only the page shows, beside the names in an explanation.
type Facts struct {
	// Commit of the configuration, and Day when it was read, as they are shown; "" if not known.
	Commit, Day string
	// Location is the workspace's region; Regions are the regions of clusters' nodes by the clusters' names, if given.
	Location string
	Regions  map[string]string

	people   []person
	clusters []cluster
	accounts []account
	data     []datum
	outputs  map[string][]string // by endpoint
	takes    map[taking]string
}

// A taking is data that jobs on an endpoint or deployment read or write; the data of outputs are outputKeys.
// Facts.takes has the roles that the job's identities need for it, or the text instead of a role.
type taking struct{ target, data string }

const storeCredential = "the store's credential"

// takesOf returns the takings of a plan.
func takesOf(p *access.Plan) map[taking]string {
	all := map[taking]string{}
	for target, e := range p.Model.EffectiveEndpoints() {
		for _, name := range e.Inputs {
			if d := p.Model.DataInputs[name]; d.InWorkspace() && d.CredentialInStore != nil && *d.CredentialInStore {
				all[taking{target, name}] = storeCredential
			}
		}
		for _, name := range e.Outputs {
			if held := p.Model.DataOutputs[name].CredentialInStore; held != nil && *held {
				all[taking{target, outputKey(name)}] = storeCredential
			}
		}
	}
	for _, n := range p.Needs {
		name := n.Data
		switch n.Hop {
		case access.ReadHop:
		case access.WriteHop:
			name = outputKey(name)
		default:
			continue
		}
		target := access.Path{Endpoint: n.Endpoint, Deployment: n.Deployment}.Target()
		all[taking{target, name}] = cmp.Or(n.Role, "a POSIX ACL")
	}
	return all
}

// A person is a person, a program or a group that may start jobs.
type person struct {
	Name, Kind, Who, Owner string
	SignIns                []signIn
}

// A signIn is one way in which a principal signs in.
type signIn struct{ How, Name, Detail string }

type cluster struct{ Name, ComputeName, Identity, Region string }

type account struct{ Name, Account, Group, Subscription string }

// A datum is an input or an output.
type datum struct {
	Name     string
	Output   bool
	Kind, At string
	Owner    string
}

func factsOf(p *access.Plan) Facts {
	m := p.Model
	f := Facts{outputs: map[string][]string{}, takes: takesOf(p)}
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		i := m.Invokers[name]
		f.people = append(f.people, person{name, string(i.Kind), whoIs(i), i.Owner, signInsOf(i)})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
		c := m.Clusters[name]
		identity := string(c.EffectiveIdentity())
		if c.Existing {
			identity = "exists"
		}
		if id := cmp.Or(c.UserAssignedIdentityID.Text(), c.PrincipalID.Text()); id != "" {
			identity += " " + id
		}
		f.clusters = append(f.clusters, cluster{Name: name, ComputeName: c.NameOr(name), Identity: identity})
	}
	for _, name := range slices.Sorted(maps.Keys(m.StorageAccounts)) {
		id := m.StorageAccounts[name]
		a := account{Name: name, Account: id.String()}
		if parsed, err := arm.Parse(id.Text(), arm.StorageAccount); err == nil {
			a.Account, a.Group, a.Subscription = parsed.Name, parsed.ResourceGroup, parsed.SubscriptionID
		}
		f.accounts = append(f.accounts, a)
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		d := m.DataInputs[name]
		at := []string{d.URL, called("data asset", d.DataAsset, d.Version), called("data store", d.DataStore),
			place(d.StorageAccount, d.Container, d.Path), credential(d.InWorkspace(), d.CredentialInStore)}
		f.data = append(f.data, datum{Name: name, Kind: string(d.Kind), At: joined(at), Owner: d.Owner})
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataOutputs)) {
		d := m.DataOutputs[name]
		at := []string{called("data store", d.DataStore), place(d.StorageAccount, d.Container, d.Path),
			credential(true, d.CredentialInStore)}
		f.data = append(f.data, datum{name, true, "output", joined(at), d.Owner})
	}
	for name, e := range m.EffectiveEndpoints() {
		f.outputs[name] = slices.Sorted(slices.Values(e.Outputs))
	}
	return f
}

// whoIs is everything that the model says about who an invoker is.
func whoIs(i access.Invoker) string {
	if len(i.Members) > 0 {
		return joined([]string{i.DisplayName, "made by the stack, of " + strings.Join(i.Members, ", ")})
	}
	who := []string{i.DisplayName, i.UserPrincipalName, i.Mail, i.ResourceID}
	for _, id := range []struct {
		key string
		id  access.ID
	}{{"object ID", i.PrincipalID}, {"client ID", i.ClientID}} {
		if id.id.Given() {
			who = append(who, id.key+" "+id.id.String())
		}
	}
	if !i.Exists() {
		who = append(who, "made by the stack")
	}
	return joined(who)
}

func signInsOf(i access.Invoker) (all []signIn) {
	for _, name := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
		issuer, subject, _ := i.FederatedCredentials[name].Claims()
		all = append(all, signIn{"federated", name, subject + " of " + issuer})
	}
	for _, name := range slices.Sorted(maps.Keys(i.ClientSecrets)) {
		ends := "ends " + i.ClientSecrets[name].EndDate
		if _, end, wrong := i.ClientSecrets[name].Period(); wrong == nil {
			ends = "ends " + end.Format(time.DateOnly)
		}
		all = append(all, signIn{"secret", name, ends})
	}
	if i.SignIn != "" {
		all = append(all, signIn{"none", "", "gets no credential here"})
	}
	return all
}

func called(what string, names ...string) string {
	if names[0] == "" {
		return ""
	}
	return what + " " + joinedBy(":", names)
}

func place(parts ...string) string { return joinedBy("/", parts) }

// credential says who reads or writes the data in a data store.
func credential(inStore bool, held *bool) string {
	switch {
	case !inStore || held == nil:
		return ""
	case *held:
		return "by the store's credential"
	}
	return "by identities"
}

func joined(parts []string) string { return joinedBy(", ", parts) }

func joinedBy(by string, parts []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" }), by)
}

// named returns the facts with a component's name before each name.
func (f Facts) named(of string) Facts {
	f.people, f.clusters = slices.Clone(f.people), slices.Clone(f.clusters)
	f.accounts, f.data = slices.Clone(f.accounts), slices.Clone(f.data)
	for i := range f.people {
		f.people[i].Name = of + f.people[i].Name
	}
	for i := range f.clusters {
		f.clusters[i].Name = of + f.clusters[i].Name
	}
	for i := range f.accounts {
		f.accounts[i].Name = of + f.accounts[i].Name
	}
	for i := range f.data {
		f.data[i].Name = of + f.data[i].Name
	}
	outputs := map[string][]string{}
	for endpoint, names := range f.outputs {
		outputs[of+endpoint] = each(names, func(name string) string { return of + name })
	}
	f.outputs = outputs
	takes := map[taking]string{}
	for t, role := range f.takes {
		name, isOutput := strings.CutPrefix(t.data, outputKey(""))
		name = of + name
		if isOutput {
			name = outputKey(name)
		}
		takes[taking{of + t.target, name}] = role
	}
	f.takes = takes
	return f
}

// and joins the facts of two components.
func (f Facts) and(other Facts) Facts {
	f.people, f.clusters = append(f.people, other.people...), append(f.clusters, other.clusters...)
	f.accounts, f.data = append(f.accounts, other.accounts...), append(f.data, other.data...)
	outputs := maps.Clone(f.outputs)
	if outputs == nil {
		outputs = map[string][]string{}
	}
	maps.Copy(outputs, other.outputs)
	takes := maps.Clone(f.takes)
	if takes == nil {
		takes = map[taking]string{}
	}
	maps.Copy(takes, other.takes)
	f.outputs, f.takes = outputs, takes
	return f
}
