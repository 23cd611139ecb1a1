package access

import (
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A SharedGrant is an assignment that this stack needs and another stack makes. Azure allows one assignment of a role
// to a principal at a scope, so if two stacks need it, one of them holds it.
type SharedGrant struct {
	// By is the stack that holds it, as project/stack. Required.
	By string `pulumi:"by"`
	// Principal is the name of an invoker that exists, or cluster:<name> for a cluster with an identity that exists.
	// Required.
	Principal string `pulumi:"principal"`
	// StorageAccount is the name of the account where it reads or writes. Default: none, it is the invokers' role.
	StorageAccount string `pulumi:"storageAccount,optional"`
	// Container in the account. Default: the whole account.
	Container string `pulumi:"container,optional"`
	// Write is set for Storage Blob Data Contributor, of data outputs and of the workspace's own stores. Default:
	// false, for Storage Blob Data Reader.
	Write bool `pulumi:"write,optional"`
	// Registry is the name, in registries, of the shared registry if the role is AzureML Registry User, or
	// containerRegistry for the workspace's own. Default: none.
	Registry string `pulumi:"registry,optional"`
	// Role is the name of another built-in role for the workspace's own stores: Storage File Data Privileged
	// Contributor, Storage Table Data Contributor or Storage Queue Data Contributor. Default: by write.
	Role string `pulumi:"role,optional"`
}

var stackForm = regexp.MustCompile(`^[^/\s\[\]]+/[^/\s\[\]]+$`)

// sharedGrants marks the plan's grants that other stacks hold.
func (v *validator) sharedGrants(p *Plan) {
	for _, name := range sorted(v.m.SharedGrants) {
		path, s := "sharedGrants."+name, v.m.SharedGrants[name]
		if !stackForm.MatchString(s.By) {
			v.add(path+".by", "write project/stack, as the descriptions of its assignments have it", "%q names no stack", s.By)
		}
		if s.Registry != "" && (s.StorageAccount != "" || s.Write || s.Role != "") {
			v.add(path+".registry", "leave out storageAccount, container, write and role, or registry",
				"is given beside what is about storage")
			continue
		}
		if s.Role != "" && (s.Write || s.StorageAccount == "" || !slices.Contains(roles.OfStores(), s.Role)) {
			v.add(path+".role", "use "+strings.Join(roles.OfStores(),
				", ")+", with storageAccount and without write; or leave it out",
				"%q does not go with what is given", s.Role)
			continue
		}
		principal := InvokerPrincipal(s.Principal)
		if cluster, is := strings.CutPrefix(s.Principal, "cluster:"); is {
			principal = ClusterPrincipal(cluster)
		}
		at := slices.IndexFunc(p.Grants, func(g Grant) bool {
			return g.Principal == p.identity[principal] && s.of(g)
		})
		switch {
		case at < 0 && v.m.Ended != "": // it was one
			v.warn(path, "take it out", "is no grant that this stack needs any more: who had it has ended")
		case at < 0:
			v.add(path, "take it out, or write principal, storageAccount, container, registry, write and role as `batchaccess "+
				"explain` lists "+
				"the grant", "is no grant that this stack needs")
		case !v.m.exists(principal):
			v.add(path+".principal", "name one that exists, by its ID", "%s is made by this stack, so no other one grants it "+
				"anything", s.Principal)
		case s.StorageAccount+s.Registry == "" && v.m.Role.ByEndpoint():
			v.add(path, "take it out, or choose role.scope workspace and give role.roleDefinitionId",
				"is of the roles that this stack makes for role.scope endpoint, which no other one assigns")
		case s.StorageAccount+s.Registry == "" && v.m.Role.BuiltIn == "" && !v.m.Role.RoleDefinitionID.Given():
			v.add(path, "set role.roleDefinitionId to the role that both assign, or take it out",
				"is of the role that this stack makes, which no other one assigns")
		case p.Grants[at].Role == roles.StorageBlobPathWriter:
			v.add(path, "take it out, or set scope: container for the output",
				"is of the role that this stack makes for writers that are limited to paths, which no other one assigns")
		case p.Grants[at].HeldBy != "":
			v.add(path, "keep one of the two", "is the same grant as another one of sharedGrants")
		default:
			p.Grants[at].HeldBy = s.By
		}
	}
}

// Is reports whether the shared grant is the grant g.
func (s SharedGrant) Is(g Grant) bool {
	name := g.Principal.Name
	if g.Principal.IsCluster() {
		name = "cluster:" + name
	}
	return s.Principal == name && s.of(g)
}

// of reports the same, for any principal.
func (s SharedGrant) of(g Grant) bool {
	switch {
	case s.Registry != "" && s.Registry == string(AtImages):
		return g.Scope.Level == AtImages
	case s.Registry != "":
		return g.Scope == Scope{Level: AtRegistry, Registry: s.Registry}
	case s.StorageAccount == "":
		return g.Scope.OfInvokers()
	}
	return g.Scope.StorageAccount == s.StorageAccount && g.Scope.Container == s.Container && s.assigns(g.Role)
}

// assigns reports whether the shared role is the named one in storage.
func (s SharedGrant) assigns(role string) bool {
	switch {
	case s.Role != "":
		return role == s.Role
	case s.Write:
		return role == roles.StorageBlobDataContributor || role == roles.StorageBlobPathWriter
	default:
		return role == roles.StorageBlobDataReader
	}
}

// RoleName returns the name of the shared built-in role; "" where it is the invokers' role of the model.
func (s SharedGrant) RoleName(m Model) string {
	switch {
	case s.Registry == string(AtImages):
		return m.Services.PullRole()
	case s.Registry != "":
		return roles.AzureMLRegistryUser
	case s.StorageAccount == "":
		return ""
	case s.Role != "":
		return s.Role
	case s.Write:
		return roles.StorageBlobDataContributor
	default:
		return roles.StorageBlobDataReader
	}
}

// exists reports whether a principal exists before the stack does.
func (m Model) exists(p Principal) bool {
	if !p.IsCluster() {
		return m.Invokers[p.Name].Exists()
	}
	c := m.Clusters[p.Name]
	return c.Existing || c.UserAssignedIdentityID.Given()
}
