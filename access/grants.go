package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A Grant is one role assignment and why it exists.
type Grant struct {
	Principal Principal `json:"principal"`
	Role      string    `json:"role"` // invokerRole, one of its parts, existingRole, or a built-in role's name
	Scope     Scope     `json:"scope"`
	// Paths in the container that the grant's condition limits the role to: folders, which end in a slash, and files.
	// Empty where the role is not limited.
	Paths     []string `json:"paths,omitempty"`
	Condition string   `json:"condition,omitempty"`
	Reasons   []string `json:"reasons"`
	// Owner answers for the principal, DataOwners for the data that it is granted for; empty where the model does not
	// say.
	Owner      string   `json:"owner,omitempty"`
	DataOwners []string `json:"dataOwners,omitempty"`
	// HeldBy is the stack that makes the assignment, as project/stack; "" for this one.
	HeldBy string `json:"heldBy,omitempty"`
}

// String returns the role and its scope, without the principal.
func (g Grant) String() string { return g.Role + " on " + g.where() }

// where returns the scope as text for people, or the paths in it, such as "lake/rows/in/2026/".
func (g Grant) where() string { return where(g.Scope, g.Paths) }

// Writes reports whether the grant is a storage role that writes blobs.
func (g Grant) Writes() bool {
	return g.Role == roles.StorageBlobDataContributor || g.Role == roles.StorageBlobPathWriter
}

// OfService reports whether the grant is of a role that only services need: registries, images, the workspace's own
// stores.
func (g Grant) OfService() bool {
	return slices.Contains(roles.OfStores(), g.Role) || !g.Scope.InStorage() && !g.Scope.OfInvokers()
}

// ResourceName is the name of the component, below the one that grants it, that assigns the grant's role: it is made of
// the place and the role. For the invokers' roles it is "".
func (g Grant) ResourceName() string {
	switch {
	case g.Scope.Level == AtImages:
		return "images"
	case g.Scope.Level == AtRegistry:
		return "registries." + g.Scope.Registry
	}
	name := g.Scope.StorageAccount + "."
	if g.Scope.Container != "" {
		name += g.Scope.Container + "."
	}
	return name + inStorageAs(g.Role)
}

func inStorageAs(role string) string {
	switch role {
	case roles.StorageBlobDataContributor, roles.StorageBlobPathWriter:
		return "contributor"
	case roles.StorageFileDataPrivilegedContributor:
		return "files"
	case roles.StorageTableDataContributor:
		return "tables"
	case roles.StorageQueueDataContributor:
		return "queues"
	default:
		return "reader"
	}
}

func where(at Scope, paths []string) string {
	if len(paths) == 0 {
		return at.String()
	}
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = at.String() + "/" + path
	}
	return strings.Join(all, " and ")
}

// leastGrants returns the least set of role assignments that meets the needs, in a stable order. Each identity is
// granted once, by its first name, with the reasons of all its names. No assignment is made that another one implies,
// and members of a group that the stack makes are not granted what the group is.
func (p *Plan) leastGrants() []Grant {
	all := collection{at: map[holding]int{}, groups: p.groups}
	for _, n := range p.Needs {
		if n.Role != "" {
			all.add(p.identity[n.Principal], n, p.Model.dataOwner(n))
		}
	}
	for i, g := range all.grants {
		all.grants[i].Paths = leastPaths(g.Paths)
	}
	grants := all.least()
	for i, g := range grants {
		if len(g.Paths) > 0 { // pathLimits reports the problems
			grants[i].Condition, _ = roles.PathCondition(g.Paths, p.Model.KindOf(g.Scope.StorageAccount), g.Role)
		}
	}
	return grants
}

// A holding identifies an assignment: two grants with the same holding are one assignment.
type holding struct {
	principal Principal
	role      string
	scope     Scope
}

func (g Grant) holding() holding { return holding{g.Principal, g.Role, g.Scope} }

// A collection gathers grants. Those of one holding become one grant, with the reasons of all.
type collection struct {
	grants []Grant
	at     map[holding]int   // where in grants
	groups map[string]string // by member
}

// add adds what a principal needs. Azure takes one assignment of a role to a principal at a scope, so all its paths are
// in one grant; a need without a path makes the grant unlimited.
func (c *collection) add(p Principal, n Need, dataOwner string) {
	h := holding{p, n.Role, n.At}
	i, there := c.at[h]
	if !there {
		i = len(c.grants)
		c.at[h] = i
		c.grants = append(c.grants, Grant{Principal: p, Role: n.Role, Scope: n.At})
	}
	g := &c.grants[i]
	g.because(Grant{Reasons: []string{n.reason()}, DataOwners: []string{dataOwner}})
	switch {
	case n.Path == "":
		g.Paths = nil
	case !there || len(g.Paths) > 0:
		g.Paths = append(g.Paths, n.Path)
	}
}

// because adds the reasons and the data owners of another grant, each once. A group may have the same ones as its
// member, and one identity the same under several names.
func (g *Grant) because(other Grant) {
	for _, reason := range other.Reasons {
		if !slices.Contains(g.Reasons, reason) {
			g.Reasons = append(g.Reasons, reason)
		}
	}
	for _, owner := range other.DataOwners {
		if owner != "" && !slices.Contains(g.DataOwners, owner) {
			g.DataOwners = append(g.DataOwners, owner)
		}
	}
}

// least sorts the grants and leaves out each that another grant of the same principal or of its group covers. The
// covering grant takes over its reasons.
func (c *collection) least() (kept []Grant) {
	slices.SortFunc(c.grants, compareGrants) // none is there twice, so none is equal to another
	for i, g := range c.grants {
		c.at[g.holding()] = i
	}
	for i, g := range c.grants {
		if by := c.implying(g); by != i {
			c.grants[by].because(g)
		}
	}
	for i, g := range c.grants {
		if c.implying(g) == i {
			kept = append(kept, g)
		}
	}
	return kept
}

// implying finds the grant that implies g and that no other grant implies: the widest role comes first, then the widest
// scope, then the group before its member. It is g itself if no other grant implies it.
func (c *collection) implying(g Grant) int {
	holders := []Principal{g.Principal}
	if group := c.groups[g.Principal.Name]; group != "" && !g.Principal.IsCluster() {
		holders = []Principal{InvokerPrincipal(group), g.Principal}
	}
	wider, scopes := grantedRoles, []Scope{storageScope(g.Scope.StorageAccount, "", AtAccount), g.Scope}
	if !g.Scope.InStorage() {
		wider, scopes = []string{g.Role}, []Scope{g.Scope}
	}
	for _, role := range wider {
		for _, scope := range scopes {
			for _, p := range holders {
				if by, there := c.at[holding{p, role, scope}]; there && (role == g.Role || covers[role][g.Role]) &&
					c.grants[by].reaches(g) {
					return by
				}
			}
		}
	}
	return c.at[g.holding()]
}

// reaches reports whether the paths of a grant, whose role and scope are wider, contain those of another one.
func (g Grant) reaches(other Grant) bool {
	if len(other.Paths) == 0 {
		return len(g.Paths) == 0
	}
	return !slices.ContainsFunc(other.Paths, func(path string) bool { return !limitsHold(g.Paths, path) })
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
			strings.Compare(a.Scope.Endpoint, b.Scope.Endpoint),
			strings.Compare(a.Scope.Registry, b.Scope.Registry),
			cmp.Compare(a.Scope.Level, b.Scope.Level),
		)
	}
}

// grantedRoles are the storage roles that this package grants, the wider first.
var grantedRoles = []string{roles.StorageBlobDataContributor, roles.StorageBlobPathWriter, roles.StorageBlobDataReader,
	roles.StorageFileDataPrivilegedContributor, roles.StorageTableDataContributor, roles.StorageQueueDataContributor}

// covers[wide][narrow] is set where the first role allows everything that the second does. PathWriter does not cover
// Storage Blob Data Reader, which reads containers too: the article gives that role to readers, and it is not known
// whether a mount asks for its container.
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
