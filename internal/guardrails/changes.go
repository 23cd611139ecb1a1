package guardrails

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// changes returns the top-level inputs that have changed, except labels, sorted.
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

// changesIn returns the keys below a dotted path that have changed, sorted.
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

// pluginOf says which plugin a provider is, if its inputs name another than the usual one: its download address, and
// the provider that it is used for. The engine keeps both below __internal; earlier versions kept them at the top.
func pluginOf(inputs map[string]any) string {
	internal, readable := inputs["__internal"].(map[string]any)
	given := ""
	if inputs["__internal"] != nil && !readable {
		given = fmt.Sprint("__internal ", inputs["__internal"], "\n")
	}
	for _, key := range []string{"pluginDownloadURL", "parameterization"} {
		if v := cmp.Or(internal[key], inputs[key]); v != nil {
			given += fmt.Sprint(key, " ", v, "\n")
		}
	}
	return given
}

// differs reports whether an input has changed. A secret counts as changed unless the engine says otherwise.
func (r Resource) differs(key string, old, now any) bool {
	if !reflect.DeepEqual(old, now) {
		return true
	}
	return hasMarker(now) && !r.Kept && (len(r.Changed) == 0 || slices.Contains(r.Changed, key))
}

func hasMarker(v any) bool { return Holds(v, Unknown, Secret) }

// Holds reports whether a value is one of the markers, or contains one.
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

// opens reports whether the input gives access now and did not before.
func (g gate) opens(r Resource) bool {
	if r.Gone || g.of != "" && !strings.HasPrefix(Key(r.Type), g.of) {
		return false
	}
	if r.Replaced { // its replacement is a new resource
		r.Old = nil
	}
	old, now := at(r.Old, g.path), at(r.Inputs, g.path)
	if r.Old == nil && g.changeOnly || r.Old != nil && (!r.differs(top(g.path), old, now) || alike(old, now)) {
		return false
	}
	isSafe := func(v any) bool {
		return v == false || v == "false" || slices.ContainsFunc(g.safe,
			func(safe any) bool { return reflect.DeepEqual(safe, v) })
	}
	switch {
	case g.from != nil:
		return r.Old != nil && old == g.from
	case g.asRule && at(r.Inputs, g.path[:strings.LastIndex(g.path, ".")]) == Unknown:
		return false
	case now == nil || isEmpty(now):
		return g.unsetIsOpen || g.loss && r.Old != nil && old != nil && !isEmpty(old) || r.Old != nil &&
			old != nil && isSafe(old) // it was closed, and Azure keeps the rest
	case g.list && r.Old != nil && isPartOf(now, old), g.networks && narrows(r.Old != nil, old, now):
		return false
	default:
		return !isSafe(now)
	}
}

// alike reports whether two values differ at most in the order of lists. It is false for unknown values.
func alike(a, b any) bool { return !hasMarker(a) && !hasMarker(b) && inOrder(a) == inOrder(b) }

// inOrder returns a value as text, with its lists sorted.
func inOrder(v any) string {
	switch v := v.(type) {
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = inOrder(item)
		}
		slices.Sort(items)
		return fmt.Sprintf("%q", items)
	case map[string]any:
		var items []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			items = append(items, key, inOrder(v[key]))
		}
		return fmt.Sprintf("map%q", items)
	default:
		return fmt.Sprintf("%T %[1]v", v)
	}
}

// isPartOf reports whether every item of a list was in the old list, or an old item had the same and more in its own
// lists. It is false for unknown items.
func isPartOf(now, old any) bool {
	is, isList := now.([]any)
	was, wasList := old.([]any)
	if !isList || !wasList || hasMarker(now) {
		return false
	}
	known := map[string]bool{}
	for _, item := range was {
		known[inOrder(item)] = true
	}
	return !slices.ContainsFunc(is, func(item any) bool {
		return !known[inOrder(item)] && !slices.ContainsFunc(was, func(o any) bool { return lessOf(item, o) })
	})
}

// lessOf reports whether two maps have the same keys, and each list of one has only items of the other's list, and all
// else is equal.
func lessOf(now, old any) bool {
	is, isMap := now.(map[string]any)
	was, wasMap := old.(map[string]any)
	if !isMap || !wasMap || len(is) != len(was) {
		return false
	}
	for key, v := range is {
		list, isList := v.([]any)
		if o, there := was[key]; !there || !alike(v, o) && !(isList && len(list) > 0 && isPartOf(v, o)) {
			return false
		}
	}
	return true
}

// narrows reports whether rules allow no network, service or resource that was not allowed before. Without rules
// everything is allowed; for an existing resource it is not known whether another resource made rules for it.
func narrows(wasThere bool, old, now any) bool {
	is, isMap := now.(map[string]any)
	was, wasMap := old.(map[string]any)
	if !isMap || hasMarker(now) || hasMarker(old) || !denies(is) {
		return false
	}
	if !wasThere || wasMap && !denies(was) {
		return true
	}
	for key, v := range is {
		switch key {
		case "defaultAction":
		case "bypass", "bypasses":
			by, before := bypasses(v), bypasses(was[key])
			if slices.ContainsFunc(by, func(one string) bool { return !slices.Contains(before, one) }) {
				return false
			}
		default:
			if v != nil && !isEmpty(v) && !alike(v, was[key]) && !isPartOf(v, was[key]) {
				return false
			}
		}
	}
	for key, v := range was { // Azure's default allows its services
		if is[key] == nil && strings.HasPrefix(key, "bypass") && !slices.Contains(bypasses(v), "azureservices") {
			return false
		}
	}
	return true
}

func denies(rules map[string]any) bool {
	action, _ := rules["defaultAction"].(string)
	return strings.EqualFold(action, "Deny")
}

// bypasses returns who passes the rules: azure-native has a text with commas, the classic provider a list.
func bypasses(v any) (all []string) {
	parts := texts(v)
	switch text, is := v.(string); {
	case is:
		parts = strings.Split(text, ",")
	case v == nil:
		parts = []string{"AzureServices"}
	}
	for _, part := range parts {
		if part = strings.ToLower(strings.TrimSpace(part)); part != "none" {
			all = append(all, part)
		}
	}
	return all
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

// at returns the value at a dotted path; a marker above the path is returned for it.
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
