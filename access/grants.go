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

// InvokerPrincipal is the invoker of that name.
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

// String tells a grant without its principal: the role and where it holds.
func (g Grant) String() string { return g.Role + " on " + g.Scope.String() }

// Grants returns the least set of role assignments that the model needs, in a stable order: each invoker's role and, for
// every input that identities read, a reader role for the cluster that mounts it and for each invoker who reads it, at the
// scope that the input asks for. No assignment is there twice, and none that another one implies; what ACLs give beside
// them does not count. Members of a group that the stack makes are not granted what the group is. The model must be valid.
func Grants(m Model) []Grant {
	all := collection{at: map[holding]int{}, groups: m.Groups()}
	for _, name := range sorted(m.Invokers) {
		all.add(InvokerPrincipal(name), m.Role.grantName(), Scope{Level: string(m.Role.EffectiveScope())}, "start jobs")
	}
	endpoints := m.EffectiveEndpoints()
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		invokers := m.InvokersOf(e)
		for _, input := range slices.Sorted(slices.Values(e.Inputs)) {
			if d := m.DataInputs[input]; d.Mechanism() == ByRBAC {
				all.addStorage(e.Cluster, invokers, roles.StorageBlobDataReader, d.scope(), "read "+input+" through "+name, "mount "+input+" for "+name)
			}
		}
		for _, output := range slices.Sorted(slices.Values(e.Outputs)) {
			if d := m.DataOutputs[output]; d.byIdentity() {
				all.addStorage(e.Cluster, invokers, roles.StorageBlobDataContributor, d.scope(), "write "+output+" through "+name, "mount "+output+" for "+name)
			}
		}
	}
	return all.least()
}

// holding is what tells one grant from another.
type holding struct {
	principal Principal
	role      string
	scope     Scope
}

func (g Grant) holding() holding { return holding{g.Principal, g.Role, g.Scope} }

// collection gathers grants: those that are alike become one, with the reasons of all.
type collection struct {
	grants []Grant
	at     map[holding]int   // where in grants
	groups map[string]string // by member
}

func (c *collection) add(p Principal, role string, scope Scope, reason string) {
	h := holding{p, role, scope}
	if i, there := c.at[h]; there {
		c.grants[i].Reasons = append(c.grants[i].Reasons, reason)
		return
	}
	c.at[h] = len(c.grants)
	c.grants = append(c.grants, Grant{p, role, scope, []string{reason}})
}

func (c *collection) addStorage(cluster string, invokers []string, role string, scope Scope, invokerReason, clusterReason string) {
	c.add(ClusterPrincipal(cluster), role, scope, clusterReason)
	for _, name := range invokers {
		c.add(InvokerPrincipal(name), role, scope, invokerReason)
	}
}

// least sorts the grants, leaves out each that another one of the same principal or of its group covers, role and scope,
// and hands its reasons on.
func (c *collection) least() (kept []Grant) {
	slices.SortFunc(c.grants, compareGrants) // none is there twice, so none is equal to another
	for i, g := range c.grants {
		c.at[g.holding()] = i
	}
	for i, g := range c.grants {
		if by := c.implying(g); by != i {
			for _, reason := range g.Reasons {
				if !slices.Contains(c.grants[by].Reasons, reason) { // a group may have the same reason as its member
					c.grants[by].Reasons = append(c.grants[by].Reasons, reason)
				}
			}
		}
	}
	for i, g := range c.grants {
		if c.implying(g) == i {
			kept = append(kept, g)
		}
	}
	return kept
}

// implying finds the grant that implies g and that no other one implies: the widest role comes first, then the widest scope,
// then the group before its member. It is g itself if no other grant implies it.
func (c *collection) implying(g Grant) int {
	holders := []Principal{g.Principal}
	if group := c.groups[g.Principal.Name]; group != "" && !g.Principal.IsCluster() {
		holders = []Principal{InvokerPrincipal(group), g.Principal}
	}
	wider, scopes := grantedRoles, []Scope{storageScope(g.Scope.StorageAccount, "", AtAccount), g.Scope}
	if g.Scope.StorageAccount == "" {
		wider, scopes = []string{g.Role}, []Scope{g.Scope}
	}
	for _, role := range wider {
		for _, scope := range scopes {
			for _, p := range holders {
				if by, there := c.at[holding{p, role, scope}]; there && (role == g.Role || covers[role][g.Role]) {
					return by
				}
			}
		}
	}
	return c.at[g.holding()]
}

// compareGrants puts invokers first, and what each is granted in the order of roles and places.
func compareGrants(a, b Grant) int {
	switch {
	case a.Principal.Kind != b.Principal.Kind:
		return -strings.Compare(a.Principal.Kind, b.Principal.Kind)
	case a.Principal.Name != b.Principal.Name:
		return strings.Compare(a.Principal.Name, b.Principal.Name)
	case a.Role != b.Role:
		return strings.Compare(a.Role, b.Role)
	default:
		return cmp.Or(
			strings.Compare(a.Scope.StorageAccount, b.Scope.StorageAccount),
			strings.Compare(a.Scope.Container, b.Scope.Container),
			strings.Compare(a.Scope.Level, b.Scope.Level),
		)
	}
}

// grantedRoles are the storage roles that this package grants, the wider first.
var grantedRoles = []string{roles.StorageBlobDataContributor, roles.StorageBlobDataReader}

// covers[wide][narrow] is set where the first role allows everything that the second does.
var covers = func() map[string]map[string]bool {
	table := map[string]map[string]bool{}
	for _, wide := range grantedRoles {
		table[wide] = map[string]bool{}
		for _, narrow := range grantedRoles {
			table[wide][narrow] = allowsAll(storageRoles[wide], storageRoles[narrow])
		}
	}
	return table
}()

func allowsAll(wide, narrow roles.Permissions) bool {
	for _, p := range narrow {
		for _, action := range p.Actions {
			if !wide.Action(action).Allowed {
				return false
			}
		}
		for _, action := range p.DataActions {
			if !wide.DataAction(action).Allowed {
				return false
			}
		}
	}
	return true
}
