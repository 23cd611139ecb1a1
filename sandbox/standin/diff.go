package standin

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// diff compares inputs property by property. A value that is not known yet counts as a change, a secret by its value.
func diff(
	s schema, properties map[string]propertySpec, t traits, olds, news resource.PropertyMap,
) plugin.DiffResult {
	named := olds[createFirst].IsBool() && olds[createFirst].BoolValue()
	olds, news = asSets(t, bare(olds)), asSets(t, bare(news))
	sameLocations(t, olds, news)
	detailed := plugin.NewDetailedDiffFromObjectDiff(olds.Diff(news, internal), true)
	if len(detailed) == 0 {
		return plugin.DiffResult{Changes: plugin.DiffNone}
	}
	result := plugin.DiffResult{Changes: plugin.DiffSome, DetailedDiff: detailed}
	for path, change := range detailed {
		property := path
		if end := strings.IndexAny(path, ".["); end > 0 {
			property = path[:end]
		}
		key := resource.PropertyKey(property)
		if !slices.Contains(result.ChangedKeys, key) {
			result.ChangedKeys = append(result.ChangedKeys, key)
		}
		if !properties[property].WillReplaceOnChanges && !slices.Contains(t.replace, property) {
			continue
		}
		detailed[path] = change.ToReplace()
		if !slices.Contains(result.ReplaceKeys, key) {
			result.ReplaceKeys = append(result.ReplaceKeys, key)
		}
	}
	// Whatever changes: azure-native looks at the name alone (provider.go, Diff). A program that needs the new resource
	// first says deleteBeforeReplace: false.
	result.DeleteBeforeReplace = len(result.ReplaceKeys) > 0 && len(t.path) > 0 && !named
	return result
}

// sameLocations gives the new location the spelling of the old one if they are one region: azure-native ignores case
// and spaces (diff.go, applyAzureSpecificDiff).
func sameLocations(t traits, olds, news resource.PropertyMap) {
	const key = "location"
	plain := func(v resource.PropertyValue) string {
		return strings.ToLower(strings.ReplaceAll(v.StringValue(), " ", ""))
	}
	if was, is := olds[key], news[key]; t.location && was.IsString() && is.IsString() && plain(was) == plain(is) {
		news[key] = was
	}
}

// internal reports whether Pulumi added the property for itself.
func internal(key resource.PropertyKey) bool { return strings.HasPrefix(string(key), "__") }

// bare returns the map without nulls and without the marks of secrets, in nested objects too.
func bare(m resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for k, v := range m {
		if v := bareValue(v); !v.IsNull() {
			out[k] = v
		}
	}
	return out
}

func bareValue(v resource.PropertyValue) resource.PropertyValue {
	switch v = unwrap(v); {
	case v.IsObject():
		return resource.NewProperty(bare(v.ObjectValue()))
	case v.IsArray():
		items := make([]resource.PropertyValue, 0, len(v.ArrayValue()))
		for _, item := range v.ArrayValue() {
			items = append(items, bareValue(item))
		}
		return resource.NewProperty(items)
	}
	return v
}

// asSets sorts the arrays whose order means nothing. A set is named by its path, with dots.
func asSets(t traits, m resource.PropertyMap) resource.PropertyMap {
	out := m.Copy()
	for _, set := range t.sets {
		sortAt(out, strings.Split(set, "."))
	}
	return out
}

func sortAt(m resource.PropertyMap, path []string) {
	key := resource.PropertyKey(path[0])
	v := m[key]
	switch {
	case len(path) > 1 && v.IsObject():
		inner := v.ObjectValue().Copy()
		sortAt(inner, path[1:])
		m[key] = resource.NewProperty(inner)
	case len(path) == 1 && v.IsArray():
		items := slices.Clone(v.ArrayValue())
		slices.SortFunc(items, func(a, b resource.PropertyValue) int { return strings.Compare(a.String(), b.String()) })
		m[key] = resource.NewProperty(items)
	}
}
