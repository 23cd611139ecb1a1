package access

import (
	"fmt"
	"slices"
)

// The stack makes a group that has members. With it a few role assignments serve many invokers, because each member
// has what the group is granted. The group is an invoker that endpoints may name, which names its members too. It
// never acts by itself, so it has no paths of its own, and an assertion that names it means its members.

// Groups returns, by member, the group that the stack makes and the member is in: an invoker is in one at most.
func (m Model) Groups() map[string]string {
	of := map[string]string{}
	for name, i := range m.Invokers {
		for _, member := range i.Members {
			of[member] = name
		}
	}
	return of
}

// Acting returns the names of the invokers that act by themselves, sorted: all except the groups that the stack makes.
func (m Model) Acting() []string {
	return slices.DeleteFunc(sorted(m.Invokers), func(name string) bool { return len(m.Invokers[name].Members) > 0 })
}

// withMembers adds the members of the groups among the names. The result is sorted, and has each name once.
func (m Model) withMembers(names []string) []string {
	all := slices.Clone(names)
	for _, name := range names {
		all = append(all, m.Invokers[name].Members...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// members checks a group that the stack makes, and its members.
func (v *validator) members(path, name string, i Invoker, groups map[string]string) {
	if i.Kind != Group || len(i.Members) == 0 {
		for _, given := range []struct {
			key string
			is  bool
		}{{"members", i.Members != nil && i.Kind != Group}, {"managedIdentities", i.ManagedIdentities}} {
			if given.is {
				v.add(path+"."+given.key, "leave it out, or name members in a group without objectId",
					"only goes with a group that the stack makes")
			}
		}
		if i.Members != nil && i.Kind == Group { // else a group of others that has this name would get all
			v.add(path+".members", "name members, or leave it out for a group that exists", "names nobody")
		}
		return
	}
	if i.PrincipalID.Given() {
		v.add(path+".members", "leave out objectId, to have a group made, or members",
			"are of a group that the stack makes, and this one exists: who is in it is said where it was made")
	}
	reason := fmt.Sprintf("is a managed identity: its tokens are cached for up to %d hours, so that it gets in, and "+
		"loses what the group has, that much later", managedIdentityTokenHours)
	seen := map[string]bool{}
	for n, member := range i.Members {
		at := fmt.Sprintf("%s.members[%d]", path, n)
		other, is := v.m.Invokers[member]
		switch {
		case !is:
			v.refers(at, member, "invoker", keysOf(v.m.Invokers))
		case seen[member]:
			v.add(at, "keep it once", "names %q a second time", member)
		case other.Kind == Group:
			v.add(at, "name its members here, or name both groups where they are to invoke",
				"%q is a group itself, and groups in groups are not made", member)
		case groups[member] != name:
			v.add(at, "keep it in one, and name it by itself where it needs more", "%q is a member of %s too", member,
				groups[member])
		case other.Kind == ManagedIdentity && !i.ManagedIdentities:
			v.add(at, "leave it out and name it by itself, or accept that with managedIdentities: true", "%q %s", member, reason)
		case other.Kind == ManagedIdentity:
			v.warn(at, "name it by itself if it must lose access at once", "%q %s", member, reason)
		}
		seen[member] = true
	}
}

// managedIdentityTokenHours is how long Azure caches the token of a managed identity, with the groups that it names,
// and does not refresh it (Microsoft, "Limitation of using managed identities for authorization").
const managedIdentityTokenHours = 24
