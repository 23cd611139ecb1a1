package standin

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// plain returns the values of a map without marks. Unknown values are left out.
func plain(m resource.PropertyMap) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if v := unwrap(v); !v.IsComputed() && !v.IsNull() {
			out[string(k)] = plainValue(v)
		}
	}
	return out
}

func plainValue(v resource.PropertyValue) any {
	switch v = unwrap(v); {
	case v.IsObject():
		return plain(v.ObjectValue())
	case v.IsArray():
		items := []any{}
		for _, item := range v.ArrayValue() {
			items = append(items, plainValue(item))
		}
		return items
	case v.IsComputed():
		return nil
	}
	return v.V
}

func withoutNulls(m resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for k, v := range m {
		if !v.IsNull() {
			out[k] = v
		}
	}
	return out
}
