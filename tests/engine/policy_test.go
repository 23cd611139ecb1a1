package engine

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/roles"
)

// guarded runs a command of the CLI with the policy pack, configured or not, and returns its exit code and its output.
func (d *deployment) guarded(config string, args ...string) (code int, said string) {
	d.t.Helper()
	pack, err := filepath.Abs(filepath.Join(root, "policy"))
	require.NoError(d.t, err)
	args = append(args, "--stack", "dev", "--non-interactive", "--suppress-outputs", "--color", "never", "--policy-pack",
		pack)
	if config != "" {
		file := filepath.Join(d.t.TempDir(), "guardrails.json")
		require.NoError(d.t, os.WriteFile(file, []byte(config), 0o600))
		args = append(args, "--policy-pack-config", file)
	}
	var out bytes.Buffer
	err = d.engine.Pulumi(d.t.Context(), &out, args...)
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(d.t, err, &exit, out.String())
		return exit.ExitCode(), out.String()
	}
	return 0, out.String()
}

func TestTheSamplePassesThePolicies(t *testing.T) {
	t.Parallel()
	d := deploy(t, t.TempDir())
	defer d.close()
	for _, args := range [][]string{{"preview"}, {"up", "--yes", "--skip-preview"}} {
		code, said := d.guarded("", args...)
		assert.Zero(t, code, said)
		assert.Contains(t, said, "✅ batchaccess-guardrails@v", args)
		for _, trouble := range []string{"[mandatory]", "[advisory]", "warning:", "can't be judged"} {
			assert.NotContains(t, said, trouble, args)
		}
	}
}

func TestThePoliciesStopWhatTheConfigurationAllows(t *testing.T) {
	t.Parallel()
	definition, err := json.Marshal(map[string]any{"properties": map[string]any{
		"roleName": "Widened", "permissions": []any{map[string]any{"actions": append(roles.InvokerActions(),
			"Microsoft.Insights/*")}},
	}})
	require.NoError(t, err)
	d := deploy(t, t.TempDir(),
		"additions: [pollJobs]", "scope: subscription\n    definition: '"+string(definition)+"'",
		"branch: main", "pullRequest: true",
	)
	defer d.close()
	const shorter = `"secret-lifetime": {"maxSecretDays": 60}`

	code, said := d.guarded("{"+shorter+"}", "up", "--yes")
	assert.NotZero(t, code)
	for what, says := range map[string][]string{
		"a wildcard": {"[mandatory]  custom-role  (azure-native:authorization:RoleDefinition: access)",
			"access: permissions: holds the wildcard Microsoft.Insights/*", "remedy: list the actions that it stands for"},
		"more than the 35": {"[mandatory]  invoker-role  (azure-native:authorization:RoleDefinition: access)",
			"access: permissions: the role allows more than starting a job takes: Microsoft.Insights/"},
		"a subscription": {"[mandatory]  assignment-scope  (azure-native:authorization:RoleAssignment: access.analysts)",
			"access.analysts: scope: holds at /subscriptions/11111111-1111-4111-8111-111111111111: a subscription", "or allow " +
				"subscription in allowedScopes"},
		"where it may be used": {"access: assignableScopes: holds at /subscriptions/11111111-1111-4111-8111-111111111111"},
		"pull requests": {"[mandatory]  federation-subject  (", "access.pipeline.main: subject: ",
			":pull_request\" is not limited to a branch or an environment", "remedy: name a branch " +
				"(repo:owner/name:ref:refs/heads/main)"},
		"a long-lived secret": {"[mandatory]  secret-lifetime  (", "access.partner.2026: endDate: lives for ",
			"the limit is 60", "remedy: end it earlier, and rotate; or raise maxSecretDays"},
	} {
		for _, s := range says {
			assert.Contains(t, said, s, what)
		}
	}
	assert.Empty(t, d.azure.Inventory(), "nothing is made")

	code, said = d.guarded(`{"all": "advisory", `+shorter+`}`, "preview")
	assert.Zero(t, code, said)
	assert.Contains(t, said, "[advisory]  secret-lifetime")
	assert.NotContains(t, said, "[mandatory]")

	code, said = d.guarded(`{"all": "disabled", "custom-role": "mandatory"}`, "preview")
	assert.NotZero(t, code)
	assert.Equal(t, 1, strings.Count(said, "[mandatory]"), said)

	code, said = d.guarded(`{"custom-role": "disabled", "invoker-role": "disabled", "federation-subject": `+
		`{"allowedSubjects": ["repo:contoso@1001/scoring@2002:pull_request"]},
		"assignment-scope": {"allowedScopes": ["subscription"]}}`, "preview")
	assert.Zero(t, code, said)
	assert.NotContains(t, said, "[mandatory]")
}

func TestAWrongPolicyConfigurationStopsThePreview(t *testing.T) {
	t.Parallel()
	d := deploy(t, t.TempDir())
	defer d.close()
	for config, says := range map[string]string{
		`{"secret-lifetime": {"maxSecretDays": 0}}`:    "secret-lifetime: maxSecretDays: Must be greater than or equal to 1",
		`{"secret-lifetime": {"maxSecretDays": "90"}}`: "secret-lifetime: maxSecretDays: Invalid type",
		`{"secret-lifetime": {"maxSecretDay": 90}}`:    `policy secret-lifetime has the unknown setting "maxSecretDay"`,
		`{"storage-role": {"allowedRoles": ["Ownr"]}}`: `policy storage-role: allowedRoles[0]: "Ownr" is no built-in role`,
	} {
		code, said := d.guarded(config, "preview")
		assert.NotZero(t, code, config)
		assert.Contains(t, said, says, config)
	}
}
