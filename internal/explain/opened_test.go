package explain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
)

// A store with a credential opens its data to whoever may start any job.
func TestAStoreOpensItsDataToWhoeverMayStartAJob(t *testing.T) {
	t.Parallel()
	anywhere := "ann, but any job they start on any endpoint can"
	named := "ann, but any job they start on any endpoint that names them can"
	for name, c := range map[string]struct {
		scope access.Level
		ping  []string // the invokers of an endpoint that reads nothing
		says  string   // "" for nothing
	}{
		"the workspace, open to all":       {"", nil, anywhere},
		"the workspace, open to one":       {access.AtWorkspace, []string{"ann"}, anywhere},
		"endpoints, one open to all":       {access.AtEndpoint, nil, named},
		"endpoints, one that names her":    {access.AtEndpoint, []string{"ann"}, named},
		"endpoints, none that names her":   {access.AtEndpoint, []string{"pipeline"}, ""},
		"endpoints, one that names no one": {access.AtEndpoint, []string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model()
			m.Assertions, m.Role.Scope = nil, c.scope
			delete(m.Endpoints, "heart") // an endpoint that names her
			m.Endpoints["ping"] = access.Endpoint{Cluster: "cpu", Invokers: c.ping}
			var found []string
			for _, f := range made("dev", m).Findings {
				if strings.Contains(f.What, "the store's own credential") && strings.Contains(f.What, "any job they start") {
					found = append(found, f.What)
				}
			}
			if c.says == "" {
				assert.Empty(t, found)
				return
			}
			assert.Contains(t, strings.Join(found, "; "), c.says)
		})
	}
}
