package guardrails_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// An accepted configuration is valid, and means the same after it is written and read again.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"", "levels: {no-wildcards: disabled}", "invokerAdditions: [pollJobs]",
		"maxSecretDays: 90", "maxSecretDays: -1", "{}: 1", "allowedRoles: [Reader]", "levels: [a]", "a: &a [*a]",
		"<<: {maxSecretDays: 1}", "levels: &l {unseen: disabled}\nlevels: *l", "maxSecretDays: 1e2", "maxSecretDays: ~",
		"levels: {? [unseen] : disabled}", "levels: {Unseen: disabled}", "\ufefflevels: {unseen: advisory}",
		"---\n---\nlevels: {unseen: disabled}", "levels: !!binary dW5zZWVu", "allowedScopes: ['']", "allowedScopes: [' ']",
		"allowedRoles: [null]", "allowedSubjects: ['*']", "waivers: [{}]", "waivers: {}", "waivers: [null]",
		"decidedTypes: [{type: '*', reason: x}]", "decidedTypes: [{type: 'a:b:C', reason: ' '}]",
		"waivers: [{rule: unseen, resource: '*', reason: x, owner: y, ends: 2026-12-01}]",
		"waivers: [{rule: unseen, resource: 'a:b:C::d', reason: x, owner: y, ends: 2026-12-01T00:00:00Z}]",
		"invokerAdditions: ~", "invokerAdditions: ['']", "\tlevels: {}", "levels: {unseen: [disabled]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := guardrails.ParseConfig(text, today)
		if err != nil {
			return
		}
		require.NoError(t, c.Validate())
		written, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := guardrails.ParseConfig(written, today)
		require.NoError(t, err)
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(rewritten))
	})
}
