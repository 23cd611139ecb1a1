// Package randommodel draws valid access models for property tests. It uses few names, so that grants often meet in one
// account, one container and one endpoint, and so that an invoker and a cluster have the same name. It is for tests
// alone.
package randommodel

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

const subscription = "11111111-1111-4111-8111-111111111111"

var workspaceID = access.Known("/subscriptions/" + subscription +
	"/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring")

func storageID(name string) access.ID {
	return access.Known("/subscriptions/" + subscription +
		"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/" + name)
}

func objectID(n int) access.ID {
	return access.Known(fmt.Sprintf("%08d-0000-4000-8000-00000000abcd", n)) // with letters, which have a case
}

func boolPtr(b bool) *bool { return &b }

// Models draws valid models with invokers, clusters, inputs and outputs of every kind.
var Models = rapid.Custom(func(t *rapid.T) access.Model {
	m := access.Model{
		WorkspaceID: workspaceID,
		Role: access.Role{Scope: rapid.SampledFrom([]access.Level{"", access.AtWorkspace, access.AtResourceGroup,
			access.AtSubscription}).Draw(t, "role scope")},
		Invokers:        map[string]access.Invoker{},
		Clusters:        map[string]access.Cluster{},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake"), "shared": storageID("shared")},
		DataInputs:      map[string]access.DataInput{},
		DataOutputs:     map[string]access.DataOutput{},
		Endpoints:       map[string]access.Endpoint{},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "invokers") {
		kind := rapid.SampledFrom([]access.PrincipalKind{access.User, access.Group, access.ServicePrincipal,
			access.ManagedIdentity}).Draw(t, "kind of principal")
		invoker := access.Invoker{Kind: kind, PrincipalID: objectID(i)}
		if kind == access.ManagedIdentity && rapid.Bool().Draw(t, "made here") {
			invoker.PrincipalID = access.ID{}
		}
		m.Invokers[fmt.Sprintf("name%d", i)] = invoker
	}
	if rapid.Bool().Draw(t, "a group that is made") {
		members := slices.DeleteFunc(keys(m.Invokers),
			func(name string) bool { return m.Invokers[name].Kind == access.Group })
		if in := someOf(t, members); len(in) > 0 {
			m.Invokers["name3"] = access.Invoker{Kind: access.Group, Members: in, ManagedIdentities: true}
		}
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "clusters") {
		m.Clusters[fmt.Sprintf("name%d", i+1)] = access.Cluster{
			Identity: rapid.SampledFrom([]access.ClusterIdentity{"", access.SystemAssigned, access.UserAssigned}).Draw(t,
				"identity"),
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "inputs") {
		m.DataInputs[fmt.Sprintf("input%d", i)] = inputs(i).Draw(t, "input")
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "outputs") {
		inStore := rapid.Bool().Draw(t, "output's credential in store")
		d := access.DataOutput{DataStore: fmt.Sprintf("out%d", i), CredentialInStore: &inStore, Path: "p"}
		if !inStore {
			d.StorageAccount, d.Container, d.Scope = location(t, false)
		}
		m.DataOutputs[fmt.Sprintf("output%d", i)] = d
	}
	paths(t, &m)
	for i := range rapid.IntRange(0, 3).Draw(t, "endpoints") {
		e := access.Endpoint{
			Cluster: rapid.SampledFrom(keys(m.Clusters)).Draw(t, "cluster"),
			Inputs:  someOf(t, keys(m.DataInputs)),
			Outputs: someOf(t, keys(m.DataOutputs)),
		}
		if rapid.Bool().Draw(t, "names invokers") {
			e.Invokers = append([]string{}, someOf(t, keys(m.Invokers))...) // an empty list means nobody
		}
		m.Endpoints[fmt.Sprintf("endpoint%d", i)] = e
	}
	if len(m.Endpoints) > 0 && rapid.IntRange(0, 3).Draw(t, "role at endpoints") == 0 {
		m.Role.Scope = access.AtEndpoint
	}
	ends(t, m)
	m.Ended = rapid.SampledFrom([]string{"", dates[0], dates[1]}).Draw(t, "ended")
	m.Assertions = map[string]access.Assertion{}
	for i := range rapid.IntRange(0, 2).Draw(t, "assertions") {
		m.Assertions[fmt.Sprintf("assertion%d", i)] = Assertions(m).Draw(t, "assertion")
	}
	plan, ps := access.Compile(m)
	if plan == nil {
		t.Fatalf("the generator drew a model that is not valid: %v", ps.Err())
	}
	for _, v := range plan.Verdicts {
		if !v.Holds { // a model with a violated assertion is not valid
			delete(m.Assertions, v.Name)
		}
	}
	return m
})

// dates are the days on which access ends.
var dates = []string{"2026-01-31", "2026-06-30", "2027-03-31"}

// ends draws the last days of some invokers, members and invokers at endpoints.
func ends(t *rapid.T, m access.Model) {
	some := func(names []string) map[string]string {
		until := map[string]string{}
		for _, name := range names {
			if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
				until[name] = rapid.SampledFrom(dates).Draw(t, "until")
			}
		}
		return until
	}
	for name, date := range some(keys(m.Invokers)) {
		i := m.Invokers[name]
		i.Until = date
		m.Invokers[name] = i
	}
	for _, name := range keys(m.Invokers) {
		i := m.Invokers[name]
		i.MembersUntil = some(i.Members)
		m.Invokers[name] = i
	}
	for _, name := range keys(m.Endpoints) {
		e := m.Endpoints[name]
		if e.InvokersUntil = some(e.Invokers); e.Invokers == nil {
			e.InvokersUntil = some(keys(m.Invokers))
		}
		m.Endpoints[name] = e
	}
}

// Assertions draws assertions that a model may have, whether they hold or not.
func Assertions(m access.Model) *rapid.Generator[access.Assertion] {
	return rapid.Custom(func(t *rapid.T) access.Assertion {
		a := access.Assertion{}
		objects := []string{"start", "do"}
		if len(m.DataInputs) > 0 {
			objects = append(objects, "read")
		}
		who := keys(m.Invokers)
		object := rapid.SampledFrom(objects).Draw(t, "object")
		if object != "start" {
			for _, cluster := range keys(m.Clusters) {
				who = append(who, "cluster:"+cluster)
			}
		}
		switch object {
		case "start":
			a.Start = rapid.SampledFrom(keys(m.EffectiveEndpoints())).Draw(t, "endpoint")
		case "read":
			a.Read = rapid.SampledFrom(keys(m.DataInputs)).Draw(t, "input")
		default:
			a.Do = rapid.SampledFrom([]string{"grantsAccess", "readsSecrets", "changesCode", "destroysData",
				roles.ReadBlobs}).Draw(t, "what")
		}
		some := func(least int) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(who), least, len(who), rapid.ID[string]).Draw(t, "who")
		}
		switch rapid.SampledFrom([]string{"can", "cannot", "only"}).Draw(t, "subject") {
		case "can":
			a.Can = some(1)
		case "cannot":
			a.Cannot = some(1)
		default:
			a.Only = append([]string{}, some(0)...)
		}
		return a
	})
}

// inputs draws inputs of every row of the table.
func inputs(i int) *rapid.Generator[access.DataInput] {
	return rapid.Custom(func(t *rapid.T) access.DataInput {
		d := access.DataInput{Kind: rapid.SampledFrom([]access.InputKind{access.DataStore, access.DataAsset, access.Blob,
			access.ADLSGen2}).Draw(t, "kind of input")}
		byURL := d.Kind == access.Blob || d.Kind == access.ADLSGen2
		if !byURL {
			d.CredentialInStore, d.DataStore, d.Path = boolPtr(rapid.Bool().Draw(t,
				"credential in store")), fmt.Sprintf("store%d", i), "p"
			if *d.CredentialInStore {
				d.StorageAccount = ""
			}
		}
		if d.Kind == access.DataAsset {
			d.DataAsset, d.Version = fmt.Sprintf("asset%d", i), "1"
		}
		if d.Kind == access.ADLSGen2 {
			d.GrantedBy = rapid.SampledFrom([]access.Mechanism{"", access.ByRBAC, access.ByACL}).Draw(t, "granted by")
		}
		if byURL || !*d.CredentialInStore {
			d.StorageAccount, d.Container, d.Scope = location(t, byURL)
		}
		return d
	})
}

func location(t *rapid.T, needsContainer bool) (account, container string, scope access.Level) {
	account = rapid.SampledFrom([]string{"lake", "shared"}).Draw(t, "account")
	container = rapid.SampledFrom([]string{"raw", "curated"}).Draw(t, "container")
	scope = rapid.SampledFrom([]access.Level{"", access.AtContainer, access.AtAccount}).Draw(t, "scope")
	if !needsContainer && rapid.Bool().Draw(t, "the whole account") {
		container = ""
		if scope == access.AtContainer {
			scope = ""
		}
	}
	return account, container, scope
}

// paths draws the kinds of accounts, and limits some inputs and outputs to paths. Some paths lie in others, and some
// only begin with the same letters.
func paths(t *rapid.T, m *access.Model) {
	m.StorageAccountKinds = map[string]roles.AccountKind{}
	for _, account := range keys(m.StorageAccounts) {
		kind := rapid.SampledFrom([]roles.AccountKind{"", roles.Flat, roles.Hierarchical}).Draw(t, "kind of account")
		if kind != "" && m.KindOf(account) == "" {
			m.StorageAccountKinds[account] = kind
		}
	}
	limited := func(d access.DataInput) (path string, scope access.Level) {
		if d.Mechanism() != access.ByRBAC || d.Container == "" || m.KindOf(d.StorageAccount) == "" ||
			!rapid.Bool().Draw(t, "limited to a path") {
			return d.Path, d.Scope
		}
		return rapid.SampledFrom([]string{"p", "p/q", "pq"}).Draw(t, "path"), access.AtPath
	}
	for _, name := range keys(m.DataInputs) {
		d := m.DataInputs[name]
		d.Path, d.Scope = limited(d)
		m.DataInputs[name] = d
	}
	for _, name := range keys(m.DataOutputs) {
		d := m.DataOutputs[name]
		in := access.DataInput{Kind: access.DataStore, CredentialInStore: d.CredentialInStore, DataStore: d.DataStore,
			StorageAccount: d.StorageAccount, Container: d.Container, Path: d.Path, Scope: d.Scope}
		d.Path, d.Scope = limited(in)
		m.DataOutputs[name] = d
	}
}

func someOf(t *rapid.T, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, len(names), rapid.ID[string]).Draw(t, "some")
}

func keys[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Shared draws a valid model in which clusters share identities with one another and with an invoker: by object ID or
// ARM ID, in any letter case, or by one source that is known only later. Some principals have names that differ in
// letter case alone. It returns the identity of each principal in Azure.
func Shared(t *rapid.T) (access.Model, map[access.Principal]string) {
	m := Models.Draw(t, "model")
	m.Assertions = nil
	m.Invokers["Name0"] = access.Invoker{Kind: access.User, PrincipalID: objectID(99)}
	m.Clusters["name4"] = access.Cluster{}
	m.Endpoints["shared"] = access.Endpoint{Cluster: "name4", Inputs: someOf(t, keys(m.DataInputs)), Outputs: someOf(t,
		keys(m.DataOutputs))}
	azure := map[access.Principal]string{}
	for _, name := range keys(m.Invokers) {
		azure[access.InvokerPrincipal(name)] = name
	}
	sources := []*int{new(int), new(int)}
	armID := func(n int) access.ID {
		return otherCase(t, access.Known(fmt.Sprintf("/subscriptions/%s/resourceGroups/ml/providers/"+
			"Microsoft.ManagedIdentity/userAssignedIdentities/id%d", subscription, n)))
	}
	robot := access.Invoker{Kind: access.ManagedIdentity}
	switch of := access.InvokerPrincipal("robot"); rapid.IntRange(0, 2).Draw(t, "how the invoker is identified") {
	case 0:
		robot.PrincipalID, azure[of] = otherCase(t, objectID(100)), "object 0"
	case 1:
		robot.ResourceID, azure[of] = armID(0).Text(), "arm 0"
	default:
		robot.PrincipalID, azure[of] = access.Later(sources[0]), "later 0"
	}
	m.Invokers["robot"] = robot
	for _, name := range keys(m.Clusters) {
		p := access.ClusterPrincipal(name)
		n := rapid.IntRange(0, 1).Draw(t, "which")
		switch rapid.IntRange(0, 4).Draw(t, "how "+name+" is identified") {
		case 0:
			m.Clusters[name], azure[p] = access.Cluster{}, "own "+name
		case 1:
			m.Clusters[name] = access.Cluster{Existing: true, PrincipalID: otherCase(t, objectID(100+n))}
			azure[p] = fmt.Sprint("object ", n)
		case 2:
			m.Clusters[name] = access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: armID(n)}
			azure[p] = fmt.Sprint("arm ", n)
		case 3:
			m.Clusters[name] = access.Cluster{Existing: true, PrincipalID: access.Later(sources[n])}
			azure[p] = fmt.Sprint("later ", n)
		default:
			m.Clusters[name] = access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: access.Later(sources[n])}
			azure[p] = fmt.Sprint("identity later ", n)
		}
	}
	return m, azure
}

func otherCase(t *rapid.T, id access.ID) access.ID {
	if rapid.Bool().Draw(t, "in capitals") {
		return access.Known(strings.ToUpper(id.Text()))
	}
	return id
}
