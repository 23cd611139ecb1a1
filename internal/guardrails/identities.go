package guardrails

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// attached returns the user-assigned identities that a resource gets and did not have, except those that come from
// resources of the same program.
func (r Resource) attached() (ids []string) {
	_, hidden := r.Inputs["identity"].(Marker)
	if r.Gone || r.Kind() == Compute && (hidden || r.MadeBy(ComputeCluster) && !r.Whole) {
		return nil // for a cluster, its component has the identity, and a rule reports an unknown one
	}
	if r.Type == ComputeCluster {
		return append(r.givenTo("cluster.userAssignedIdentityId"), r.givenBeside("cluster.moreIdentityIds")...)
	}
	had := map[string]bool{}
	for _, id := range IdentityIDs(r.Old["identity"]) {
		had[strings.ToLower(id)] = true
	}
	made := 0
	for _, urn := range r.Dependencies["identity"] {
		if kindOfURN(urn) == UserAssignedIdentity {
			made++
		}
	}
	now := IdentityIDs(r.Inputs["identity"])
	slices.SortStableFunc(now, func(a, b string) int { // unknown ones are made here, and come first
		return cmp.Compare(min(len(a), 1), min(len(b), 1))
	})
	for _, id := range now {
		switch {
		case had[strings.ToLower(id)] && id != "", slices.Contains(r.Named, strings.ToLower(id)),
			id == "" && r.Old != nil && !r.differs("identity", r.Old["identity"], r.Inputs["identity"]):
		case made > 0:
			made--
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

// joins reports whether a membership is new and of a group that the program does not make.
func (r Resource) joins() bool {
	made := slices.ContainsFunc(r.Dependencies["groupObjectId"], func(urn string) bool {
		kind := Key(kindOfURN(urn))
		return kind == Key(entra+"Group") || kind == Key(entra+"GroupWithoutMembers")
	})
	return !made && !r.Kept && !r.Ours && (r.Whole || !r.MadeBy(AccessComponent)) &&
		(r.Old == nil || r.Replaced || len(r.changes()) > 0)
}

// givenTo returns the identity that a component gets by an input and did not have before.
func (r Resource) givenTo(input string) []string {
	now := at(r.Inputs, input)
	made := slices.ContainsFunc(r.Dependencies[top(input)],
		func(urn string) bool { return kindOfURN(urn) == UserAssignedIdentity })
	if now == nil || now == "" || made || r.Old != nil && !r.differs(top(input), at(r.Old, input), now) {
		return nil
	}
	id, _ := now.(string)
	return []string{id}
}

// givenBeside returns the identities in a component's list that were not in it before; "" for an unknown one.
func (r Resource) givenBeside(input string) (ids []string) {
	list := func(v any) []string { return IdentityIDs(map[string]any{"identityIds": v}) }
	if r.Old != nil && !r.differs(top(input), at(r.Old, input), at(r.Inputs, input)) {
		return nil
	}
	had := map[string]bool{}
	for _, id := range list(at(r.Old, input)) {
		had[strings.ToLower(id)] = id != ""
	}
	for _, id := range list(at(r.Inputs, input)) {
		if !had[strings.ToLower(id)] {
			ids = append(ids, id)
		}
	}
	return ids
}

// IdentityIDs returns the ARM IDs in an identity, in either provider's form; "" for an unknown one.
func IdentityIDs(identity any) (ids []string) {
	if _, hidden := identity.(Marker); hidden {
		return []string{""}
	}
	in, is := identity.(map[string]any)
	if !is {
		if list, isList := identity.([]any); isList { // the classic provider's older form
			for _, item := range list {
				ids = append(ids, IdentityIDs(item)...)
			}
		}
		return ids
	}
	for _, key := range []string{"userAssignedIdentities", "identityIds"} {
		switch list := in[key].(type) {
		case []any:
			for _, id := range list {
				text, _ := id.(string)
				ids = append(ids, text)
			}
		case map[string]any:
			ids = append(ids, slices.Sorted(maps.Keys(list))...)
		case Marker:
			ids = append(ids, "")
		}
	}
	return ids
}

func kindOfURN(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return Resource{Type: parts[2][strings.LastIndex(parts[2], "$")+1:]}.Kind()
}
