package components

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
)

// An ID that changes only in letter case is found wherever it is now. Nothing else is, and no secret is printed.
func TestIDsInOtherLettersAreFound(t *testing.T) {
	t.Parallel()
	const lake, other = "/subscriptions/s/resourceGroups/g/lake", "/subscriptions/s/resourcegroups/G/lake"
	type m = map[string]any
	text := resource.NewProperty[string]
	for name, c := range map[string]struct {
		before, now resource.PropertyMap
		want        []string
	}{
		"the same":      {before: mapOf(m{"scope": lake}), now: mapOf(m{"scope": lake})},
		"another ID":    {before: mapOf(m{"scope": lake}), now: mapOf(m{"scope": lake + "2"})},
		"a new input":   {before: mapOf(m{}), now: mapOf(m{"scope": other})},
		"no ID":         {before: mapOf(m{"kind": "User"}), now: mapOf(m{"kind": "user"})},
		"both were":     {before: mapOf(m{"a": lake, "b": other}), now: mapOf(m{"a": other, "b": lake})},
		"other letters": {before: mapOf(m{"scope": lake}), now: mapOf(m{"scope": other}), want: []string{"scope: " + lake}},
		"under a new key": {before: mapOf(m{"accounts": m{"a": lake}}), now: mapOf(m{"accounts": m{"b": other}}),
			want: []string{"accounts.b: " + lake}},
		"in a list": {before: mapOf(m{"ids": []any{"x", lake}}), now: mapOf(m{"ids": []any{other}}),
			want: []string{"ids[0]: " + lake}},
		"a resource group": {before: mapOf(m{"resourceGroupName": "ml"}), now: mapOf(m{"resourceGroupName": "ML"}),
			want: []string{"resourceGroupName: ml"}},
		"a compute's name": {before: mapOf(m{"clusters": m{"cpu": m{"computeName": "cpu"}}}),
			now: mapOf(m{"clusters": m{"cpu": m{"computeName": "CPU"}}}), want: []string{"clusters.cpu.computeName: cpu"}},
		"a compute's name is no resource group's": {before: mapOf(m{"resourceGroupName": "ml"}),
			now: mapOf(m{"computeName": "ML"})},
		"an output": {before: resource.PropertyMap{"scope": text(lake)},
			now: resource.PropertyMap{"scope": resource.NewProperty(
				resource.Output{Element: text(other), Known: true})}, want: []string{"scope: " + lake}},
		"an output that is not known": {before: resource.PropertyMap{"scope": text(lake)},
			now: resource.PropertyMap{"scope": resource.MakeComputed(text(""))}},
		"a secret": {before: resource.PropertyMap{"scope": resource.MakeSecret(text(lake))},
			now: resource.PropertyMap{"scope": resource.MakeSecret(text(other))}, want: []string{"scope: it as before"}},
		"a secret output": {before: resource.PropertyMap{"scope": resource.MakeSecret(text(lake))},
			now: resource.PropertyMap{"scope": resource.NewProperty(resource.Output{Element: text(other), Known: true,
				Secret: true})}, want: []string{"scope: it as before"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range respelled(c.before, c.now) {
				got = append(got, p.Path+": "+p.Fix[len("write "):])
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func mapOf(m map[string]any) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }
