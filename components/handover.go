package components

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// A handover finds what the component with that name has made and now names as existing. Pulumi would delete it, since
// nothing makes it any more, although it is still used.
type handover struct {
	name                 string
	before, outputs, now resource.PropertyMap
	// made reports whether the stack's state has a resource of that type and name; a resource that was taken out of the
	// state belongs to somebody else.
	made func(typ, name string) bool
	// output returns one output of a component of that type and name in the stack's state; "" if it has none.
	output func(typ, name, key string) string
}

// A madeIdentity is an identity that the component made and makes no more, with its IDs and names.
type madeIdentity struct {
	what        string
	ids         []string // object, client and ARM IDs
	displayName string   // of a group, which is found by it too
}

func (h handover) problems() (ps access.Problems) {
	add := func(path, what string) {
		ps.Add(path, "leave it out, so that this stack keeps it; to hand it over, take it out of the state first, with "+
			"pulumi state delete --target-dependents, and then what it is granted back in, with batchaccess adopt",
			"this stack made %s, and pulumi up would delete it", what)
	}
	are, were := clustersOf(h.now), clustersOf(h.before)
	for _, key := range sortedKeys(are) {
		for _, oldKey := range sortedKeys(were) {
			c, old := are[key], were[oldKey]
			called := nameOfCluster(c, key)
			if truth(c["existing"]) && !truth(old["existing"]) && h.sameWorkspace() &&
				strings.EqualFold(called, nameOfCluster(old, oldKey)) && h.made(":Compute", h.child(oldKey)) {
				add(pathOfCluster(key)+".existing", "cluster "+called)
			}
		}
	}
	gone := h.gone()
	for _, one := range h.named() {
		for _, identity := range gone {
			same := func(id string) bool { return id != "" && arm.Same(id, one.id) }
			if slices.ContainsFunc(identity.ids, same) || one.group && identity.displayName != "" &&
				strings.EqualFold(identity.displayName, one.id) {
				add(one.path, identity.what)
			}
		}
	}
	return ps
}

// A naming is a place in the inputs that names an existing identity.
type naming struct {
	path, id string
	group    bool // id is the display name of a group
}

// named returns every naming, in the order of their paths.
func (h handover) named() (all []naming) {
	add := func(path string, v resource.PropertyValue) {
		if id := textOf(v); id != "" {
			all = append(all, naming{path: path, id: id})
		}
	}
	for _, input := range []resource.PropertyKey{"existingId", "principalId"} { // inputs of a ManagedIdentity
		add(string(input), h.now[input])
	}
	clusters := clustersOf(h.now)
	for _, key := range sortedKeys(clusters) {
		path := pathOfCluster(key)
		add(path+".userAssignedIdentityId", clusters[key]["userAssignedIdentityId"])
		if more := bare(clusters[key]["moreIdentityIds"]); more.IsArray() {
			for i, id := range more.ArrayValue() {
				add(fmt.Sprintf("%s.moreIdentityIds[%d]", path, i), id)
			}
		}
		add(path+".principalId", clusters[key]["principalId"])
	}
	invokers := objectsIn(h.now["invokers"])
	for _, key := range sortedKeys(invokers) {
		i, path := invokers[key], "invokers."+key
		for _, input := range []resource.PropertyKey{"objectId", "principalId", "clientId", "resourceId"} {
			add(path+"."+string(input), i[input])
		}
		if textOf(i["kind"]) == string(access.Group) && existed(i) && !i.HasValue("objectId") {
			all = append(all, naming{path + ".displayName", textOf(i["displayName"]), true})
		}
	}
	return all
}

// gone returns the identities that the component made and makes no more.
func (h handover) gone() (all []madeIdentity) {
	output := func(key string) string { return textOf(h.outputs[resource.PropertyKey(key)]) }
	by := func(key, name string) string {
		return textOf(objectOf(h.outputs[resource.PropertyKey(key)])[resource.PropertyKey(name)])
	}
	if _, is := h.before["resourceGroupName"]; is && (h.now.HasValue("existingId") || h.now.HasValue("principalId")) &&
		h.made(":UserAssignedIdentity", h.name) { // of a ManagedIdentity
		all = append(all, madeIdentity{what: "the identity",
			ids: []string{output("resourceId"), output("principalId"), output("clientId")}})
	}
	invokers, had := objectsIn(h.now["invokers"]), objectsIn(h.before["invokers"])
	for _, key := range sortedKeys(had) {
		old := had[key]
		if existed(old) || stays(invokers, key, func(i resource.PropertyMap) bool {
			return !existed(i) && textOf(i["kind"]) == textOf(old["kind"])
		}) {
			continue
		}
		child := h.child(key)
		made := false
		for _, typ := range []string{":UserAssignedIdentity", ":Application", ":Group"} {
			made = made || h.made(typ, child)
		}
		if made {
			all = append(all, madeIdentity{what: "invoker " + key, ids: []string{by("principalIds", key), by("clientIds", key),
				h.output(ManagedIdentityToken, child, "resourceId")}, displayName: h.output(groupToken, child, "displayName")})
		}
	}
	clusters, were := clustersOf(h.now), clustersOf(h.before)
	for _, key := range sortedKeys(were) {
		old, child := were[key], h.child(key)
		kind := identityOfCluster(old)
		if kind == "" || h.sameWorkspace() && stays(clusters, key, func(c resource.PropertyMap) bool {
			return identityOfCluster(c) == kind
		}) {
			continue
		}
		identity := madeIdentity{what: "the identity of cluster " + nameOfCluster(old, key),
			ids: []string{by("clusterPrincipalIds", key)}}
		if key == "" {
			identity.ids = []string{output("principalId")}
		}
		switch {
		case kind == access.SystemAssigned && h.made(":Compute", child):
			all = append(all, identity)
		case kind == access.UserAssigned && h.made(":UserAssignedIdentity", child+".identity"):
			for _, id := range []string{"resourceId", "principalId", "clientId"} {
				identity.ids = append(identity.ids, h.output(ManagedIdentityToken, child+".identity", id))
			}
			all = append(all, identity)
		}
	}
	return all
}

// neverWas finds existing things with an earlier name (was) that nothing had; those that are made are checked where
// they are made. A thing that had its present name before may still have an old was, which does no harm.
func neverWas(before, now resource.PropertyMap) (ps access.Problems) {
	check := func(path, name, was string, had, has []string) {
		if was == "" || slices.Contains(had, was) || slices.Contains(had, name) {
			return
		}
		fix := "take it out"
		gone := slices.DeleteFunc(had, func(old string) bool { return slices.Contains(has, old) })
		if len(gone) > 0 {
			fix += ", or write what it was called: " + strings.Join(gone, ", ")
		}
		ps.Add(path, fix, "this stack has nothing of this kind that was called %s", was)
	}
	exists := map[resource.PropertyKey]func(resource.PropertyMap) bool{
		"invokers": existed, "clusters": func(c resource.PropertyMap) bool { return truth(c["existing"]) }}
	for _, key := range []resource.PropertyKey{"clusters", "invokers"} {
		had, has := objectsIn(before[key]), objectsIn(now[key])
		for _, name := range sortedKeys(has) {
			if one := has[name]; exists[key](one) {
				check(string(key)+"."+name+".was", name, textOf(one["was"]), sortedKeys(had), sortedKeys(has))
			}
		}
	}
	names := func(of resource.PropertyValue) (names []string) {
		for _, name := range objectOf(of).StableKeys() {
			names = append(names, string(name))
		}
		return names
	}
	for _, name := range names(now["storageAccountsWere"]) {
		check("storageAccountsWere."+name, name, textOf(objectOf(now["storageAccountsWere"])[resource.PropertyKey(name)]),
			names(before["storageAccounts"]), names(now["storageAccounts"]))
	}
	return ps
}

const groupToken = "azuread:index/group:Group"

// stays reports whether the thing that had a name is still there, under it or under another one with was.
func stays(now map[string]resource.PropertyMap, name string, as func(resource.PropertyMap) bool) bool {
	for key, one := range now {
		if (textOf(one["was"]) == name || key == name) && as(one) {
			return true
		}
	}
	return false
}

// existed reports whether an invoker is one that the stack does not make.
func existed(i resource.PropertyMap) bool {
	switch access.PrincipalKind(textOf(i["kind"])) {
	case access.User:
		return true
	case access.Group:
		members := bare(i["members"])
		return !members.IsArray() || len(members.ArrayValue()) == 0
	}
	return slices.ContainsFunc([]resource.PropertyKey{"objectId", "principalId", "clientId", "resourceId"}, i.HasValue)
}

// identityOfCluster returns the kind of identity that is made for a cluster, or with it; "" for none.
func identityOfCluster(c resource.PropertyMap) access.ClusterIdentity {
	kind := access.Cluster{Identity: access.ClusterIdentity(textOf(c["identity"])),
		Existing: truth(c["existing"])}.EffectiveIdentity()
	if truth(c["existing"]) || kind == access.NoIdentity || c.HasValue("userAssignedIdentityId") {
		return ""
	}
	return kind
}

func (h handover) sameWorkspace() bool {
	return strings.EqualFold(textOf(h.before["workspaceId"]), textOf(h.now["workspaceId"]))
}

// child returns the name of what the component makes for a key of its inputs; "" for the component's own.
func (h handover) child(key string) string {
	if key == "" {
		return h.name
	}
	return h.name + "." + key
}

// clustersOf returns the clusters in inputs by name; the one of a ComputeCluster has the name "".
func clustersOf(inputs resource.PropertyMap) map[string]resource.PropertyMap {
	all := objectsIn(inputs["clusters"])
	if one := objectOf(inputs["cluster"]); one != nil {
		all[""] = one
	}
	return all
}

func pathOfCluster(key string) string {
	if key == "" {
		return "cluster"
	}
	return "clusters." + key
}

// nameOfCluster returns the cluster's name in the workspace.
func nameOfCluster(c resource.PropertyMap, key string) string {
	return cmp.Or(textOf(c["computeName"]), textOf(c["was"]), key)
}

// bare returns a known value without its secret and output marks.
func bare(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return bare(v.SecretValue().Element)
	case v.IsOutput() && v.OutputValue().Known:
		return bare(v.OutputValue().Element)
	}
	return v
}

func textOf(v resource.PropertyValue) string {
	if v = bare(v); v.IsString() {
		return v.StringValue()
	}
	return ""
}

func truth(v resource.PropertyValue) bool { v = bare(v); return v.IsBool() && v.BoolValue() }

func objectOf(v resource.PropertyValue) resource.PropertyMap {
	if v = bare(v); v.IsObject() {
		return v.ObjectValue()
	}
	return nil
}

func objectsIn(v resource.PropertyValue) map[string]resource.PropertyMap {
	all := map[string]resource.PropertyMap{}
	for key, one := range objectOf(v) {
		if of := objectOf(one); of != nil {
			all[string(key)] = of
		}
	}
	return all
}
