package guardrails

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// changes are the top-level inputs that are another than before, but for those that are labels, sorted.
func (r Resource) changes() (changed []string) {
	all := maps.Clone(r.Inputs)
	if all == nil {
		all = map[string]any{}
	}
	for key := range r.Old {
		if _, there := all[key]; !there {
			all[key] = nil
		}
	}
	for key, now := range all {
		if strings.HasPrefix(key, "__") || r.isPlain(key) {
			continue
		}
		if now != nil && r.Old == nil || r.Old != nil && r.differs(key, r.Old[key], now) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

// changesIn are the keys below a dotted path that are others than before, sorted.
func (r Resource) changesIn(path string) (changed []string) {
	if r.Gone {
		return nil
	}
	was, _ := at(r.Old, path).(map[string]any)
	is, _ := at(r.Inputs, path).(map[string]any)
	for key := range union(was, is) {
		if old, now := was[key], is[key]; r.Old == nil && now != nil || r.Old != nil && r.differs(top(path), old, now) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

// pluginOf says which plugin a provider is, as far as its inputs name another than the usual one: where it is fetched
// from, and what it is made to speak for. The engine keeps both below __internal, and kept them at the top.
func pluginOf(inputs map[string]any) string {
	internal, readable := inputs["__internal"].(map[string]any)
	told := ""
	if inputs["__internal"] != nil && !readable {
		told = fmt.Sprint("__internal ", inputs["__internal"], "\n")
	}
	for _, key := range []string{"pluginDownloadURL", "parameterization"} {
		if v := cmp.Or(internal[key], inputs[key]); v != nil {
			told += fmt.Sprint(key, " ", v, "\n")
		}
	}
	return told
}

// differs reports whether an input is another than before. What a secret hides is another unless the engine says
// otherwise.
func (r Resource) differs(key string, old, now any) bool {
	if !reflect.DeepEqual(old, now) {
		return true
	}
	return hasMarker(now) && !r.Kept && (len(r.Changed) == 0 || slices.Contains(r.Changed, key))
}

func hasMarker(v any) bool { return Holds(v, Unknown, Secret) }

// Holds reports whether a value is one of the markers, or one lies in it.
func Holds(v any, markers ...Marker) bool {
	switch v := v.(type) {
	case Marker:
		return slices.Contains(markers, v)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return Holds(item, markers...) })
	case map[string]any:
		for _, item := range v {
			if Holds(item, markers...) {
				return true
			}
		}
	}
	return false
}

func top(path string) string {
	first, _, _ := strings.Cut(path, ".")
	return first
}

// opens reports whether the input hands out access, and did not before.
func (g gate) opens(r Resource) bool {
	if r.Gone || g.of != "" && !strings.HasPrefix(Key(r.Type), g.of) {
		return false
	}
	if r.Replaced { // what is made in its place is a resource that was not there
		r.Old = nil
	}
	old, now := at(r.Old, g.path), at(r.Inputs, g.path)
	if r.Old == nil && g.changeOnly || r.Old != nil && !r.differs(top(g.path), old, now) {
		return false
	}
	isSafe := func(v any) bool {
		return v == false || slices.ContainsFunc(g.safe, func(safe any) bool { return reflect.DeepEqual(safe, v) })
	}
	switch {
	case g.from != nil:
		return r.Old != nil && old == g.from
	case g.asRule && at(r.Inputs, g.path[:strings.LastIndex(g.path, ".")]) == Unknown:
		return false
	case now == nil || isEmpty(now):
		return g.unsetIsOpen || g.loss && r.Old != nil && old != nil && !isEmpty(old) || r.Old != nil &&
			old != nil && isSafe(old) // what was shut is left to Azure
	case g.list && r.Old != nil && isPartOf(now, old):
		return false
	default:
		return !isSafe(now)
	}
}

// isPartOf reports whether every item of a list stood in another one. Of an item that is not known nobody can say so.
func isPartOf(now, old any) bool {
	is, isList := now.([]any)
	was, wasList := old.([]any)
	return isList && wasList && !hasMarker(now) && !slices.ContainsFunc(is, func(item any) bool {
		return !slices.ContainsFunc(was, func(o any) bool { return reflect.DeepEqual(item, o) })
	})
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// at is the value at a dotted path; a marker that stands above it stands for it too.
func at(inputs map[string]any, path string) any {
	var v any = inputs
	for _, key := range strings.Split(path, ".") {
		m, is := v.(map[string]any)
		if !is {
			if marker, is := v.(Marker); is {
				return marker
			}
			return nil
		}
		v = m[key]
	}
	return v
}
