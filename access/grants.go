package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A Principal is who holds a grant: an invoker, or a cluster by its managed identity.
type Principal struct {
	Kind string `json:"kind"` // invoker or cluster
	Name string `json:"name"` // its key in the model
}

const (
	invokerKind = "invoker"
	clusterKind = "cluster"
)

// InvokerPrincipal and ClusterPrincipal name the two kinds of principals.
func InvokerPrincipal(name string) Principal { return Principal{invokerKind, name} }

// ClusterPrincipal is the cluster identity of the named cluster.
func ClusterPrincipal(name string) Principal { return Principal{clusterKind, name} }

// IsCluster tells a cluster identity from an invoker.
func (p Principal) IsCluster() bool { return p.Kind == clusterKind }

func (p Principal) String() string { return p.Kind + " " + p.Name }

// A Scope is where a grant holds: the workspace, its resource group or its subscription; or a storage account of the
// model, or a container in one.
type Scope struct {
	Level          string `json:"level"` // a RoleScope or a GrantScope
	StorageAccount string `json:"storageAccount,omitempty"`
	Container      string `json:"container,omitempty"`
}

func storageScope(account, container string, level GrantScope) Scope {
	if level == "" && container != "" {
		level = AtContainer
	}
	if level == AtContainer {
		return Scope{string(AtContainer), account, container}
	}
	return Scope{Level: string(AtAccount), StorageAccount: account}
}

func (s Scope) String() string {
	switch {
	case s.Container != "":
		return s.StorageAccount + "/" + s.Container
	case s.StorageAccount != "":
		return s.StorageAccount
	default:
		return s.Level
	}
}

// Contains reports whether what is granted at s holds at inner too.
func (s Scope) Contains(inner Scope) bool {
	if s.StorageAccount != inner.StorageAccount {
		return false
	}
	if s.StorageAccount != "" {
		return s.Container == "" || s.Container == inner.Container
	}
	return slices.Index(RoleScopes(), s.Level) >= slices.Index(RoleScopes(), inner.Level)
}

// A Grant is one role assignment and why it exists.
type Grant struct {
	Principal Principal `json:"principal"`
	Role      string    `json:"role"` // InvokerRole, ExistingRole, or the name of a built-in role
	Scope     Scope     `json:"scope"`
	Reasons   []string  `json:"reasons"`
}

// Grants returns the least set of role assignments that the model needs, in a stable order: each invoker's role, and
// for every input that identities read a reader for the cluster that mounts it and for each invoker who reads it, at the
// scope that the input asks for. None is there twice, and none that another one implies; what ACLs may give besides does
// not count. The model is taken to be valid.
func Grants(m Model) []Grant {
	var all []Grant
	for _, name := range sorted(m.Invokers) {
		all = append(all, Grant{InvokerPrincipal(name), m.Role.grantName(), Scope{Level: string(m.Role.EffectiveScope())}, []string{"start jobs"}})
	}
	endpoints := m.EffectiveEndpoints()
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		invokers := m.InvokersOf(e)
		for _, input := range slices.Sorted(slices.Values(e.Inputs)) {
			if d := m.DataInputs[input]; d.Mechanism() == ByRBAC {
				all = append(all, storageGrants(e.Cluster, invokers, roles.StorageBlobDataReader, d.scope(), "read "+input+" through "+name, "mount "+input+" for "+name)...)
			}
		}
		for _, output := range slices.Sorted(slices.Values(e.Outputs)) {
			if d := m.DataOutputs[output]; d.byIdentity() {
				all = append(all, storageGrants(e.Cluster, invokers, roles.StorageBlobDataContributor, d.scope(), "write "+output+" through "+name, "mount "+output+" for "+name)...)
			}
		}
	}
	return withoutImplied(merged(all))
}

func storageGrants(cluster string, invokers []string, role string, scope Scope, invokerReason, clusterReason string) []Grant {
	grants := []Grant{{ClusterPrincipal(cluster), role, scope, []string{clusterReason}}}
	for _, name := range invokers {
		grants = append(grants, Grant{InvokerPrincipal(name), role, scope, []string{invokerReason}})
	}
	return grants
}

// merged sorts the grants and makes one of those that are alike, with the reasons of all.
func merged(all []Grant) []Grant {
	slices.SortStableFunc(all, compareGrants)
	var out []Grant
	for _, g := range all {
		if n := len(out); n > 0 && compareGrants(out[n-1], g) == 0 {
			out[n-1].Reasons = append(out[n-1].Reasons, g.Reasons...)
			continue
		}
		out = append(out, g)
	}
	return out
}

func compareGrants(a, b Grant) int {
	return cmp.Or(
		-strings.Compare(a.Principal.Kind, b.Principal.Kind), // invokers first
		strings.Compare(a.Principal.Name, b.Principal.Name),
		strings.Compare(a.Role, b.Role),
		strings.Compare(a.Scope.StorageAccount, b.Scope.StorageAccount),
		strings.Compare(a.Scope.Container, b.Scope.Container),
		strings.Compare(a.Scope.Level, b.Scope.Level),
	)
}

// withoutImplied leaves out each grant that another one of the same principal covers, role and scope, and hands its
// reasons on. The grants are sorted, so those of a principal stand together.
func withoutImplied(all []Grant) []Grant {
	var kept []Grant
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(g Grant) bool { return g.Principal != all[0].Principal })
		if n < 0 {
			n = len(all)
		}
		kept = append(kept, widest(all[:n])...)
		all = all[n:]
	}
	return kept
}

// widest returns the grants of one principal that none of the others implies.
func widest(own []Grant) []Grant {
	implies := func(by, g Grant) bool {
		return compareGrants(by, g) != 0 && by.Scope.Contains(g.Scope) && covers(by.Role, g.Role)
	}
	var kept []Grant
	for _, g := range own {
		if !slices.ContainsFunc(own, func(by Grant) bool { return implies(by, g) }) {
			kept = append(kept, g)
		}
	}
	for _, g := range own {
		if by := slices.IndexFunc(kept, func(by Grant) bool { return implies(by, g) }); by >= 0 {
			kept[by].Reasons = append(kept[by].Reasons, g.Reasons...)
		}
	}
	return kept
}

// covers reports whether the storage role wide allows everything that the storage role narrow does.
func covers(wide, narrow string) bool {
	if wide == narrow {
		return true
	}
	w, ok := storageRoles[wide]
	n, known := storageRoles[narrow]
	if !ok || !known {
		return false
	}
	for _, p := range n {
		for _, action := range p.Actions {
			if !w.Action(action).Allowed {
				return false
			}
		}
		for _, action := range p.DataActions {
			if !w.DataAction(action).Allowed {
				return false
			}
		}
	}
	return true
}
