package components

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/batchaccess/batchaccess/access"
)

// handedOver finds what the component that is called name has made, and is to find as something that exists already
// from now on: Pulumi would delete it, as nothing makes it any more, with all that still uses it. made reports whether
// the stack's state has a resource of that type and name; what was taken out of it is somebody else's.
func handedOver(
	name string, before, outputs, now resource.PropertyMap, made func(typ, name string) bool,
) (ps access.Problems) {
	add := func(path, what string) {
		ps.Add(path, "leave it out, so that this stack keeps it; to hand it over, take it out of the state first, with "+
			"pulumi state delete --target-dependents, and then what it is granted back in, with batchaccess adopt",
			"this stack made %s, and pulumi up would delete it", what)
	}
	sameWorkspace := strings.EqualFold(textOf(before["workspaceId"]), textOf(now["workspaceId"]))
	clusters := func(of resource.PropertyMap) map[string]resource.PropertyMap {
		all := objectsIn(of["clusters"])
		if one := objectOf(of["cluster"]); one != nil { // of a ComputeCluster
			all[""] = one
		}
		return all
	}
	are, were := clusters(now), clusters(before)
	for _, key := range sortedKeys(are) {
		for _, oldKey := range sortedKeys(were) {
			c, old := are[key], were[oldKey]
			called := nameOfCluster(c, key)
			path := "clusters." + key + ".existing"
			resourceName := name + "." + oldKey
			if key == "" {
				path, resourceName = "cluster.existing", name
			}
			if truth(c["existing"]) && !truth(old["existing"]) && sameWorkspace &&
				strings.EqualFold(called, nameOfCluster(old, oldKey)) && made(":Compute", resourceName) {
				add(path, "cluster "+called)
			}
		}
	}
	invokers, had := objectsIn(now["invokers"]), objectsIn(before["invokers"])
	maps.DeleteFunc(had, func(_ string, i resource.PropertyMap) bool { // those that existed already
		return slices.ContainsFunc([]resource.PropertyKey{"objectId", "principalId", "resourceId", "userPrincipalName",
			"mail"}, i.HasValue)
	})
	for _, key := range sortedKeys(invokers) {
		for _, input := range []string{"objectId", "principalId", "clientId"} {
			id := textOf(invokers[key][resource.PropertyKey(input)])
			for _, oldKey := range sortedKeys(had) {
				for _, output := range []string{"principalIds", "clientIds"} {
					was := textOf(objectOf(outputs[resource.PropertyKey(output)])[resource.PropertyKey(oldKey)])
					if id == "" || !strings.EqualFold(id, was) {
						continue
					}
					for _, typ := range []string{":UserAssignedIdentity", ":Application", ":Group"} {
						if made(typ, name+"."+oldKey) {
							add("invokers."+key+"."+input, "invoker "+oldKey)
						}
					}
				}
			}
		}
	}
	return ps
}

// nameOfCluster is its name in the workspace.
func nameOfCluster(c resource.PropertyMap, key string) string {
	return cmp.Or(textOf(c["computeName"]), textOf(c["was"]), key)
}

// bare is a value that is known, without what says that it is secret or an output.
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
