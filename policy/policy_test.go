package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

type inputs = map[string]any

const (
	workspace = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
	invokers  = "batchaccess:index:InvokerRole$"
)

// made is a resource as Pulumi gives it to a policy.
func made(types, kind string, in inputs) policyx.AnalyzerResource {
	return policyx.AnalyzerResource{
		Type: kind, URN: "urn:pulumi:dev::p::" + types + kind + "::it", Name: "it",
		Properties: resource.FromResourcePropertyMap(resource.NewPropertyMapFromMap(in)),
	}
}

func assignment(types, role string) policyx.AnalyzerResource {
	definition, _ := roles.BuiltIn(role)
	return made(types, guardrails.RoleAssignment, inputs{
		"scope": workspace, "principalType": "Group", "roleDefinitionId": roles.DefinitionID(definition.ID),
	})
}

func at(scope any) policyx.AnalyzerResource {
	return made("", guardrails.RoleAssignment, inputs{"scope": scope, "principalType": "Group"})
}

func password(end any) policyx.AnalyzerResource {
	return made("", guardrails.Password, inputs{"startDate": "2026-01-01T00:00:00Z", "endDate": end})
}

// reported collects the reports of a policy.
type reported struct{ violations, warnings []string }

func (m *reported) ReportViolation(message, _ string) { m.violations = append(m.violations, message) }

func ask(t *testing.T, policy string, r policyx.AnalyzerResource, config inputs) reported {
	t.Helper()
	return askOver(t, true, guardrails.DefaultConfig(), policy, r, config)
}

func askOver(t *testing.T, preview bool, base guardrails.Config, policy string, r policyx.AnalyzerResource,
	config inputs) reported {
	t.Helper()
	var m reported
	for _, rule := range guardrails.Rules() {
		if rule.ID == policy {
			p := newPolicy(rule, preview, base, func(what string) error { m.warnings = append(m.warnings, what); return nil })
			require.NoError(t, p.Validate(t.Context(), policyx.ResourceValidationArgs{Manager: &m, Resource: r, Config: config}))
			return m
		}
	}
	require.Fail(t, "no such policy", policy)
	return m
}

func TestEachRuleIsAPolicy(t *testing.T) {
	t.Parallel()
	pctx, err := pulumi.NewContext(t.Context(), pulumi.RunInfo{})
	require.NoError(t, err)
	pack, err := newPack(pctx)
	require.NoError(t, err)
	rules := slices.DeleteFunc(guardrails.Rules(), func(r guardrails.Rule) bool { return r.Change })
	require.Len(t, pack.Policies(), len(rules))
	for i, p := range pack.Policies() {
		assert.Equal(t, rules[i].ID, p.Name())
		assert.Equal(t, rules[i].Title+". "+rules[i].Why, p.Description())
		assert.Equal(t, levels[rules[i].Level], p.EnforcementLevel())
	}
}

func TestAPolicyAsksItsOwnRuleOnly(t *testing.T) {
	t.Parallel()
	broken := made("", guardrails.RoleAssignment, inputs{"scope": "/subscriptions/s"}) // has no principal type either
	assert.Equal(t, []string{"it: scope: holds at /subscriptions/s: a subscription\nremedy: name a workspace, a " +
		"storage account, a container or a resource group, or allow subscription in allowedScopes"},
		ask(t, "assignment-scope", broken, nil).violations)
	assert.Len(t, ask(t, "principal-type", broken, nil).violations, 1)
	assert.Empty(t, ask(t, "storage-role", broken, nil).violations)
}

func TestWhatAPreviewCannotKnowStopsItAndNoDeploymentHalfWay(t *testing.T) {
	t.Parallel()
	unknown := ask(t, "assignment-scope", at(resource.MakeComputed(resource.NewProperty(""))), nil)
	require.Len(t, unknown.violations, 1, "a rule that saw nothing has not passed")
	assert.Contains(t, unknown.violations[0], "it: scope: can't be judged: the value is not known before the deployment")
	assert.Len(t, ask(t, "assignment-scope", at("/subscriptions/s"), nil).violations, 1)

	// Which role it is depends on other resources of the program, which a policy does not see. A role that is given by
	// a literal ID is judged in the preview, but never in a deployment, which can't see whether it was a literal.
	by := func(preview bool, id any) reported {
		r := made("", guardrails.RoleAssignment, inputs{"scope": workspace, "principalType": "Group", "roleDefinitionId": id})
		return askOver(t, preview, guardrails.DefaultConfig(), "unknown-role", r, nil)
	}
	const strange = "/x/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-4777-8777-777777777777"
	assert.Len(t, by(true, strange).violations, 1)
	assert.Empty(t, by(false, strange).violations)
	assert.Len(t, by(false, strange).warnings, 1)
	later := by(true, resource.MakeComputed(resource.NewProperty("")))
	assert.Empty(t, later.violations)
	assert.Len(t, later.warnings, 1)
}

func waivedUntil(t *testing.T, ends string) guardrails.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guardrails.yaml")
	text := "waivers: [{rule: assignment-scope, resource: '" + guardrails.RoleAssignment +
		"::it', reason: a test, owner: data team, ends: " + ends + "}]"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	base, err := baseConfig(file, time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	return base
}

func TestAWaiverOfTheFileIsAWarningUntilItEnds(t *testing.T) {
	t.Parallel()
	holds := askOver(t, true, waivedUntil(t, "2026-11-28"), "assignment-scope", at("/subscriptions/s"), nil)
	assert.Empty(t, holds.violations)
	require.Len(t, holds.warnings, 1)
	assert.Contains(t, holds.warnings[0], "waived by data team until 2026-11-28: a test")
	ended := askOver(t, true, waivedUntil(t, "2026-11-27"), "assignment-scope", at("/subscriptions/s"), nil)
	require.Len(t, ended.violations, 1)
	assert.Contains(t, ended.violations[0], "the waiver of data team ended on 2026-11-27")
}

func TestAWarningThatCannotBeReportedIsAnError(t *testing.T) {
	t.Parallel()
	p := newPolicy(guardrails.Rule{ID: "assignment-scope"}, true, waivedUntil(t, "2026-11-28"),
		func(string) error { return errors.New("engine is gone") })
	err := p.Validate(t.Context(), policyx.ResourceValidationArgs{Manager: &reported{}, Resource: at("/subscriptions/s")})
	assert.ErrorContains(t, err, "reporting what stops nothing: engine is gone")
}

func TestASecretIsJudgedAndNotShown(t *testing.T) {
	t.Parallel()
	secret := func(s string) any { return resource.MakeSecret(resource.NewProperty(s)) }
	wide := ask(t, "assignment-scope", at(secret("/subscriptions/hidden")), nil)
	require.Len(t, wide.violations, 1)
	assert.Empty(t, wide.warnings)
	assert.NotContains(t, wide.violations[0], "hidden")
	assert.Contains(t, wide.violations[0], "it: scope: breaks the rule; its value is a secret and is not shown\nremedy: "+
		"name a workspace")
	assert.Empty(t, ask(t, "assignment-scope", at(secret(workspace)), nil))

	owner, _ := roles.BuiltIn("Owner")
	inside := made("", guardrails.RoleAssignment, inputs{"scope": workspace,
		"roleDefinitionId": secret(roles.DefinitionID(owner.ID))})
	assert.Len(t, ask(t, "privileged-role", inside, nil).violations, 1,
		"a rule that passes over markers can't be passed by with one")

	long := password("2029-01-01T00:00:00Z")
	long.Properties = long.Properties.Set("value", property.New("hunter2").WithSecret(true))
	assert.Contains(t, ask(t, "secret-lifetime", long, nil).violations[0], "lives for 1096 days",
		"what is no secret is shown")
}

func TestPropertiesKeepTheirForm(t *testing.T) {
	t.Parallel()
	r := made("", "x:y:Z", inputs{
		"text": "a", "number": 2.5, "yes": true, "none": nil, "unknown": resource.MakeComputed(resource.NewProperty("")),
		"list": []any{
			"a",
			resource.MakeSecret(resource.NewProperty("b"))}, "map": inputs{"k": resource.MakeSecret(
			resource.MakeComputed(resource.NewProperty("")))},
		"reference": resource.MakeCustomResourceReference("urn:pulumi:dev::p::x:y:Z::other", "id", ""),
	})
	want := guardrails.Resource{Type: "x:y:Z", URN: r.URN, Inputs: inputs{
		"text": "a", "number": 2.5, "yes": true, "none": nil, "unknown": guardrails.Unknown,
		"list": []any{"a", guardrails.Secret}, "map": inputs{"k": guardrails.Unknown}, "reference": guardrails.Unknown,
	}}
	assert.Equal(t, want, resourceOf(r, false))
	want.Inputs["list"] = []any{"a", "b"}
	assert.Equal(t, want, resourceOf(r, true))
}

func TestEachSettingActsInEachPolicyThatHasIt(t *testing.T) {
	t.Parallel()
	polls := []any{}
	for _, a := range append(roles.InvokerActions(), "Microsoft.MachineLearningServices/workspaces/jobs/read") {
		polls = append(polls, a)
	}
	const pullRequest = "repo:o/r:pull_request"
	cases := map[string]struct {
		r      policyx.AnalyzerResource
		value  any
		broken [2]int // by default, and with the value
	}{
		"assignment-scope allowedScopes": {at("/subscriptions/s"), []any{"subscription"}, [2]int{1, 0}},
		"privileged-role allowedRoles":   {assignment("", "Owner"), []any{"Owner"}, [2]int{1, 0}},
		"storage-role allowedRoles": {assignment("", "Storage Blob Data Contributor"), []any{"Storage Blob Data Contributor"},
			[2]int{1, 0}},
		"invoker-role allowedRoles": {assignment(invokers, "Contributor"), []any{"Contributor"}, [2]int{1, 0}},
		"federation-subject allowedSubjects": {made("", guardrails.Federation,
			inputs{"issuer": "https://token.actions.githubusercontent.com",
				"subject": pullRequest}), []any{pullRequest}, [2]int{1, 0}},
		"invoker-role invokerAdditions": {made(invokers, guardrails.RoleDefinition,
			inputs{"permissions": []any{inputs{"actions": polls}}}), []any{}, [2]int{0, 1}},
		"secret-lifetime maxSecretDays": {password("2026-02-01T00:00:00Z"), 30.0, [2]int{0, 1}},
	}
	tried := 0
	for _, s := range settings {
		for _, policy := range s.policies {
			tried++
			c, ok := cases[policy+" "+s.name]
			require.True(t, ok, "%s: no case for %s", policy, s.name)
			defaults := inputs{s.name: schemaOf(policy,
				guardrails.DefaultConfig()).Properties[s.name]["default"]} // as Pulumi fills them in
			assert.Len(t, ask(t, policy, c.r, nil).violations, c.broken[0], "%s without %s", policy, s.name)
			assert.Len(t, ask(t, policy, c.r, defaults).violations, c.broken[0], "%s with the default of %s", policy, s.name)
			assert.Len(t, ask(t, policy, c.r, inputs{s.name: c.value}).violations, c.broken[1], "%s with %s", policy, s.name)
		}
	}
	assert.Len(t, cases, tried, "a policy lost a setting")
}

func TestSettingsAreThoseOfTheGuardrailsInTheirWords(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/guardrails/config.go", nil, parser.ParseComments)
	require.NoError(t, err)
	theirs := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Config" {
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
				theirs[tag] = strings.Join(strings.Fields(field.Doc.Text()), " ")
			}
		}
		return true
	})
	for _, name := range []string{"levels", "maxWaiverDays", "waivers", "decidedTypes",
		"-"} { // Pulumi's levels; what only guardrails.yaml says
		delete(theirs, name)
	}
	ours := map[string]string{}
	for _, s := range settings {
		ours[s.name] = s.about
	}
	assert.Equal(t, theirs, ours)
}

func TestAWrongSettingIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy string
		values inputs
		says   string
	}{
		"misspelt": {"secret-lifetime", inputs{"maxSecretDay": 90.0},
			`policy secret-lifetime has the unknown setting "maxSecretDay"; use enforcementLevel, maxSecretDays`},
		"another policy's": {"cluster-ssh", inputs{"maxSecretDays": 90.0},
			`policy cluster-ssh has the unknown setting "maxSecretDays"; use enforcementLevel`},
		"levels, which Pulumi sets": {"cluster-ssh", inputs{"levels": inputs{}}, `unknown setting "levels"`},
		"a value that Azure does not": {"storage-role", inputs{"allowedRoles": []any{"Ownr"}},
			`policy storage-role: allowedRoles[0]: "Ownr" is no built-in role`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := configOf(c.policy, guardrails.DefaultConfig(), c.values)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestThePackAsksForThePulumiThatTheProjectDoes(t *testing.T) {
	t.Parallel()
	read := func(file string) (settings struct {
		RequiredPulumiVersion string `yaml:"requiredPulumiVersion"`
	}) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(content, &settings))
		return settings
	}
	assert.NotEmpty(t, read("PulumiPolicy.yaml"))
	assert.Equal(t, read("../Pulumi.yaml"), read("PulumiPolicy.yaml"))
}
