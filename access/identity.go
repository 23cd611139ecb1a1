package access

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A Principal is what a grant is for, by its name in the model: an invoker, or the managed identity of a cluster.
type Principal struct {
	Kind string `json:"kind"` // invoker or cluster
	Name string `json:"name"` // its key in the model
}

const (
	invokerKind = "invoker"
	clusterKind = "cluster"
)

// InvokerPrincipal returns the principal of the named invoker.
func InvokerPrincipal(name string) Principal { return Principal{invokerKind, name} }

// ClusterPrincipal returns the principal of the named cluster's identity.
func ClusterPrincipal(name string) Principal { return Principal{clusterKind, name} }

// IsCluster reports whether the principal is a cluster identity.
func (p Principal) IsCluster() bool { return p.Kind == clusterKind }

func (p Principal) String() string { return p.Kind + " " + p.Name }

// path is the principal's path in the configuration.
func (p Principal) path() string { return p.Kind + "s." + p.Name }

// An Identity is one principal of Azure, with every name that it has in the model: two clusters may share a
// user-assigned identity, and an invoker may be a cluster's identity. It is granted everything once, by its first name.
type Identity struct {
	Names []Principal `json:"names"` // an invoker before clusters
	ID    ID          `json:"-"`     // the object ID, if it or its source is known
}

// String returns all names of the identity.
func (i Identity) String() string {
	names := make([]string, len(i.Names))
	for n, name := range i.Names {
		names[n] = name.String()
	}
	return strings.Join(names, " = ")
}

// identities are the identities of a model.
type identities struct {
	all   []Identity
	first map[Principal]Principal // from each name of an identity to its first name
	byKey map[any]int             // index into all
}

// A key identifies an identity: names with equal keys are one identity.
type key struct {
	kind string // such as "object ID"
	path string // in the configuration, below the principal
	of   any
}

// idKey makes a key of an ID; nil if the ID is not given or nothing is known of its source.
func idKey(kind, path string, id ID) []key {
	switch {
	case id.Later() && id.source != nil:
		return []key{{kind, path, id.source}}
	case id.Text() != "":
		return []key{{kind, path, strings.ToLower(id.Text())}}
	default:
		return nil
	}
}

// keys returns the keys of an existing invoker. A name counts if the invoker is looked up by it, because it finds one
// principal.
func (i Invoker) keys() []key {
	all := idKey("object ID", i.Kind.IDKey(), i.PrincipalID)
	if len(i.Members) > 0 {
		return all
	}
	if i.Kind == ManagedIdentity && i.ResourceID != "" {
		all = append(all, idKey("ARM ID", "resourceId", Known(i.ResourceID))...)
	}
	if i.Kind == ServicePrincipal || i.Kind == ManagedIdentity {
		all = append(all, idKey("client ID", "clientId", i.ClientID)...)
	}
	if name, value := i.Named(); name == "userPrincipalName" || name == "mail" || name == "displayName" {
		all = append(all, idKey(name, name, value)...)
	}
	return all
}

func (c Cluster) keys() []key {
	if c.EffectiveIdentity() == NoIdentity && !c.Existing {
		return nil
	}
	return append(idKey("object ID", "principalId", c.PrincipalID),
		idKey("ARM ID", "userAssignedIdentityId", c.UserAssignedIdentityID)...)
}

// identities finds the names of the model that are one identity, and contradictions between them.
func (v *validator) identities() {
	v.found = identities{first: map[Principal]Principal{}, byKey: map[any]int{}}
	made := map[string]string{} // the path of each managed identity that is made, by its name
	workspace, err := v.m.Workspace()
	for _, name := range sorted(v.m.Invokers) {
		i := v.m.Invokers[name]
		keys := i.keys()
		if i.Kind != ManagedIdentity || i.Exists() {
			v.identify(InvokerPrincipal(name), i.PrincipalID, keys)
			continue
		}
		called := strings.ToLower(name)
		if i.DisplayName != "" {
			called = "named " + strings.ToLower(i.DisplayName) // with a space, so never equal to a key of the map
		}
		if other := made[called]; other != "" {
			v.AddCode(problem.Contradiction, "invokers."+name, "rename one, or give it another displayName",
				"would be made under the same name as %s: letter case makes no difference between managed identities", other)
		} else if i.DisplayName != "" && err == nil { // it is made beside the workspace
			keys = append(keys, idKey("ARM ID", "displayName", Known(workspace.Group()+"/providers/"+
				arm.UserAssignedIdentity+"/"+i.DisplayName))...)
		}
		v.identify(InvokerPrincipal(name), i.PrincipalID, keys)
		made[called] = "invokers." + name
	}
	v.madeGroups()
	for _, name := range sorted(v.m.Clusters) {
		c := v.m.Clusters[name]
		v.identify(ClusterPrincipal(name), c.PrincipalID, c.keys())
	}
}

// madeGroups refuses a group that is made under the name by which another one is looked up: after the deployment, the
// name would find two.
func (v *validator) madeGroups() {
	for _, name := range sorted(v.m.Invokers) {
		made := v.m.Invokers[name]
		if len(made.Members) == 0 || made.DisplayName == "" {
			continue
		}
		for _, key := range idKey("displayName", "", Known(made.DisplayName)) {
			if i, there := v.found.byKey[key]; there {
				v.AddCode(problem.Contradiction, "invokers."+name+".displayName", "write another one",
					"is the name by which %s is looked up, and then it would find two", v.found.all[i].Names[0].path())
			}
		}
	}
}

// identify adds a name to the identity that has one of its keys, or makes a new identity.
func (v *validator) identify(p Principal, id ID, keys []key) {
	f := &v.found
	at, by := -1, key{}
	for _, k := range keys {
		i, there := f.byKey[key{kind: k.kind, of: k.of}]
		switch {
		case there && at < 0:
			at, by = i, k
		case there && at != i:
			v.AddCode(problem.Contradiction, p.path()+"."+k.path, "correct one of the two",
				"is the %s of %s, but %s is that of %s", k.kind, f.all[i].Names[0].path(), by.path, f.all[at].Names[0].path())
		}
	}
	if at < 0 {
		at = len(f.all)
		f.all = append(f.all, Identity{ID: id})
	} else {
		v.sameIdentity(p, id, f.all[at], by)
	}
	of := &f.all[at]
	of.Names = append(of.Names, p)
	if !of.ID.Given() {
		of.ID = id
	}
	f.first[p] = of.Names[0]
	for _, k := range keys {
		f.byKey[key{kind: k.kind, of: k.of}] = at
	}
}

// sameIdentity refuses contradictions between two names of one identity, and an invoker that is declared twice.
func (v *validator) sameIdentity(p Principal, id ID, other Identity, by key) {
	first := other.Names[0]
	path, kind := p.path()+"."+by.path, v.m.Invokers[first.Name].Kind
	switch {
	case !p.IsCluster():
		v.AddCode(problem.Contradiction, path, "keep one of the two", "is the same principal as %s", first.path())
	case !first.IsCluster() && kind != ManagedIdentity && kind != ServicePrincipal:
		v.AddCode(problem.Contradiction, path, fmt.Sprintf("write the object ID of the cluster's identity, or correct %s",
			first.path()),
			"is the same principal as %s, which is a %s: a cluster's identity is a managed identity", first.path(), kind)
	case id.Text() != "" && other.ID.Text() != "" && !strings.EqualFold(id.Text(), other.ID.Text()):
		v.AddCode(problem.Contradiction, path, "correct one of the two, or leave one out: it is looked up",
			"has the %s of %s, but another object ID", by.kind, first.path())
	}
}
