package components

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access/signin"
)

// Where another secret stays that is valid, whoever used the old one has been given it: no warning, however often one
// goes and another comes.
func TestARotationInOneStepIsWarnedOf(t *testing.T) {
	t.Parallel()
	const owner = "access.bot"
	const kind = "urn:pulumi:dev::p::azuread:index/applicationPassword:ApplicationPassword::" + owner
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	valid := signin.ClientSecret{StartDate: day(-10), EndDate: day(100)}
	over := signin.ClientSecret{StartDate: day(-100), EndDate: day(-10)}
	later := signin.ClientSecret{StartDate: day(10), EndDate: day(100)}
	for name, c := range map[string]struct {
		before []string
		now    map[string]signin.ClientSecret
		warns  bool
	}{
		"one step":           {[]string{"old"}, map[string]signin.ClientSecret{"new": valid}, true},
		"beside the old one": {[]string{"old"}, map[string]signin.ClientSecret{"new": valid, "old": valid}, false},
		"another stays": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": valid},
			false},
		"another stays, which is over": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": over}, true},
		"another stays, not begun": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": later},
			true},
		"another comes too": {[]string{"old"}, map[string]signin.ClientSecret{"new": valid, "b": valid}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := map[string]map[string]any{"urn:pulumi:dev::p::batchaccess:index:ServicePrincipal::" + owner: {}}
			for _, secret := range c.before {
				before[kind+"."+secret] = map[string]any{}
			}
			problem, warning := secretsRotated(owner, c.now).judge(before, kind+".new", "new")
			assert.Empty(t, problem)
			if !c.warns {
				assert.Empty(t, warning)
				return
			}
			assert.Contains(t, warning, "new is made, and old deleted: whoever signs in with the old secret")
		})
	}
}
