package ways

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// Of returns the estate of a plan's model. id returns the object ID of a principal of the model, or any text that no
// other principal has. The caller adds assignments, and the members of existing groups.
func Of(plan *access.Plan, id func(access.Principal) string) *Estate {
	m, e := plan.Model, &Estate{}
	for _, i := range plan.Identities {
		of := i.Names[0]
		if !of.IsCluster() && m.Invokers[of.Name].Kind == access.Group {
			e.Groups = append(e.Groups, group(m, of, id))
			continue
		}
		p := Principal{ID: id(of), Type: ServicePrincipal}
		if !of.IsCluster() && m.Invokers[of.Name].Kind == access.User {
			p.Type = userType
		}
		for _, name := range i.Names {
			p.Names = append(p.Names, asserted(name))
		}
		e.Principals = append(e.Principals, p)
		if resource := resourceOf(m, i); resource != "" {
			e.Identities = append(e.Identities, Identity{Name: p.Names[0], ID: resource, Principal: p.ID})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.StorageAccounts)) {
		e.Accounts = append(e.Accounts, Account{Name: name, ID: m.StorageAccounts[name].Text()})
	}
	e.Workspaces = []Workspace{workspaceOf(m, id)}
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		d := m.DataInputs[name]
		if d.Mechanism() == access.ByAnyone {
			continue
		}
		e.Data = append(e.Data, Datum{Name: name, Account: m.StorageAccounts[d.StorageAccount].Text(),
			Container: d.Container, Path: d.Path, Kind: m.KindOf(d.StorageAccount), Store: d.DataStore})
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataOutputs)) {
		d := m.DataOutputs[name]
		e.Data = append(e.Data, Datum{Name: name, Output: true, Account: m.StorageAccounts[d.StorageAccount].Text(),
			Container: d.Container, Path: d.Path, Kind: m.KindOf(d.StorageAccount), Store: d.DataStore})
	}
	return e
}

// The types of principals in conditions (facts/conditions.md, Attributes, for delegation: PrincipalType); a service
// principal's is ServicePrincipal.
const userType, groupType = "User", "Group"

func asserted(p access.Principal) string {
	if p.IsCluster() {
		return "cluster:" + p.Name
	}
	return p.Name
}

func group(m access.Model, of access.Principal, id func(access.Principal) string) Group {
	g := Group{ID: id(of), Name: of.Name}
	for _, member := range m.Invokers[of.Name].Members {
		g.Members = append(g.Members, id(access.InvokerPrincipal(member)))
	}
	return g
}

// resourceOf returns the ARM ID of the user-assigned identity that an identity of the plan is; "" if it is none, or its
// ID is not known.
func resourceOf(m access.Model, i access.Identity) string {
	for _, name := range i.Names {
		if resource := ResourceOf(m, name); resource != "" {
			return resource
		}
	}
	return ""
}

// ResourceOf is the ARM ID of the user-assigned identity that a model says a principal is; "" where it says of none.
func ResourceOf(m access.Model, p access.Principal) string {
	resource := m.Invokers[p.Name].ResourceID
	if p.IsCluster() {
		resource = m.Clusters[p.Name].UserAssignedIdentityID.Text()
	}
	if _, err := arm.Parse(resource, arm.UserAssignedIdentity); err != nil {
		return ""
	}
	return resource
}

func workspaceOf(m access.Model, id func(access.Principal) string) Workspace {
	w := Workspace{ID: m.WorkspaceID.Text(), Own: true, Account: m.StorageAccounts[m.Services.StorageAccount].Text()}
	for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
		w.Clusters = append(w.Clusters, Cluster{name, id(access.ClusterPrincipal(name))})
	}
	endpoints := m.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := Endpoint{Name: name}
		if cluster := endpoints[name].Cluster; cluster != "" {
			e.Clusters = append(e.Clusters, cluster)
		}
		for _, d := range slices.Sorted(maps.Keys(endpoints[name].Deployments)) {
			e.Clusters = append(e.Clusters, endpoints[name].Deployments[d].Cluster)
		}
		w.Endpoints = append(w.Endpoints, e)
	}
	stores := map[string]bool{}
	add := func(d access.DataInput) {
		if !d.InWorkspace() || d.DataStore == "" || stores[strings.ToLower(d.DataStore)] {
			return
		}
		stores[strings.ToLower(d.DataStore)] = true
		s := Store{Name: d.DataStore, Account: m.StorageAccounts[d.StorageAccount].Text(), Container: d.Container}
		switch {
		case d.CredentialInStore != nil && !*d.CredentialInStore:
			s.Kind = NoCredential
		case d.CredentialInStore != nil:
			s.Kind = SomeCredential
		}
		w.Stores = append(w.Stores, s)
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		add(m.DataInputs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataOutputs)) {
		o := m.DataOutputs[name]
		add(access.DataInput{Kind: access.DataStore, DataStore: o.DataStore, CredentialInStore: o.CredentialInStore,
			StorageAccount: o.StorageAccount, Container: o.Container})
	}
	return w
}

// Planned returns the assignments of a plan's grants. The error names a grant whose scope is not known before the
// deployment.
func Planned(plan *access.Plan, id func(access.Principal) string) (all []Assignment, err error) {
	for _, g := range plan.Grants {
		scope, err := plan.Model.ScopeID(g.Scope)
		if err != nil {
			return nil, err
		}
		a := Assignment{Principal: id(g.Principal), Role: g.Role, Scope: scope, Condition: g.Condition,
			For: g.Reasons}
		var known bool
		if a.Permissions, known = plan.Permissions(g); !known {
			a.Unread = "what the role " + g.Role + " allows is not known here"
		}
		all = append(all, a)
	}
	return all, nil
}
