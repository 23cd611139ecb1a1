package guardrails_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

type inputs = map[string]any

const (
	stack     = "urn:pulumi:dev::p::"
	workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.MachineLearningServices/workspaces/ws"
	issuer = "https://token.actions.githubusercontent.com"
)

func resource(types, typ string, in inputs) guardrails.Resource {
	return guardrails.Resource{Type: typ, URN: stack + types + typ + "::it", Inputs: in}
}

func assignment(types string, change inputs) guardrails.Resource {
	in := inputs{"scope": workspace, "principalId": "x", "principalType": "Group",
		"roleDefinitionId": roles.DefinitionID("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")}
	for k, v := range change {
		in[k] = v
	}
	return resource(types, guardrails.RoleAssignment, in)
}

func definition(types string, actions ...string) guardrails.Resource {
	list := []any{}
	for _, a := range actions {
		list = append(list, a)
	}
	return resource(types, guardrails.RoleDefinition, inputs{"assignableScopes": []any{workspace},
		"permissions": []any{inputs{"actions": list}}})
}

func assignableAt(scopes ...any) guardrails.Resource {
	return resource("", guardrails.RoleDefinition, inputs{"assignableScopes": scopes, "permissions": []any{}})
}

func builtIn(name string) inputs {
	d, _ := roles.BuiltIn(name)
	return inputs{"roleDefinitionId": "/subscriptions/s" + roles.DefinitionID(d.ID)}
}

func cluster(change func(top, outer, inner inputs)) guardrails.Resource {
	inner := inputs{"remoteLoginPortPublicAccess": "Disabled"}
	outer := inputs{"computeType": "AmlCompute", "disableLocalAuth": true, "properties": inner}
	top := inputs{"identity": inputs{"type": "SystemAssigned"}, "properties": outer}
	change(top, outer, inner)
	return resource("", guardrails.Compute, top)
}

func componentCluster(identity any) guardrails.Resource {
	return resource("", guardrails.ComputeCluster, inputs{"cluster": inputs{"computeName": "cpu",
		"userAssignedIdentityId": identity}})
}

func password(start, end any) guardrails.Resource {
	return resource("", guardrails.Password, inputs{"startDate": start, "endDate": end})
}

func federated(iss, subject any) guardrails.Resource {
	return resource("", guardrails.Federation, inputs{"issuer": iss, "subject": subject})
}

const (
	invokerRole = "batchaccess:index:InvokerRole$"
	reader      = "batchaccess:index:StorageReader$"
)

const existingRole = "/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-4777-8777-777777777777"

// invokerRoleOf is the component itself. Resources that it makes are judged themselves; resources that it gets by ID
// are not.
func invokerRoleOf(in inputs) guardrails.Resource {
	return resource("", strings.TrimSuffix(invokerRole, "$"), in)
}

func roleJSON(actions ...string) string {
	text, _ := json.Marshal(inputs{"properties": inputs{"roleName": "Given",
		"permissions": []inputs{{"actions": actions}}}})
	return string(text)
}

func TestAnExistingRoleIsJudgedByItsDefinition(t *testing.T) {
	t.Parallel()
	found := guardrails.Check(invokerRoleOf(inputs{"roleDefinitionId": guardrails.Unknown,
		"definition": roleJSON("Microsoft.MachineLearningServices/workspaces/delete")}), guardrails.DefaultConfig())
	require.Len(t, found, 1)
	assert.Equal(t, "invoker-role", found[0].Rule)
	assert.False(t, found[0].Undecided)
	assert.Contains(t, found[0].What, "Given allows more than starting a job takes: "+
		"Microsoft.MachineLearningServices/workspaces/delete")
}

func TestRules(t *testing.T) {
	t.Parallel()
	privileged := []string{"privileged-role"}
	for name, c := range map[string]struct {
		r     guardrails.Resource
		rules []string // the broken rules, in order
	}{
		"a reader":          {assignment(reader, nil), nil},
		"no principal type": {assignment("", inputs{"principalType": nil}), []string{"principal-type"}},
		"a strange principal type": {assignment("", inputs{"principalType": "Robot"}),
			[]string{"principal-type"}},
		"at a subscription": {assignment("",
			inputs{"scope": "/subscriptions/11111111-1111-4111-8111-111111111111/"}), []string{"assignment-scope"}},
		"at a management group": {assignment("",
			inputs{"scope": "/providers/microsoft.management/managementGroups/mg"}), []string{"assignment-scope"}},
		"at the root":         {assignment("", inputs{"scope": "/"}), []string{"assignment-scope"}},
		"at a resource group": {assignment("", inputs{"scope": "/subscriptions/s/resourceGroups/rg"}), nil},
		"a scope that is not known": {assignment("", inputs{"scope": guardrails.Unknown}),
			[]string{"assignment-scope"}},
		"a role that may let identities act": {assignment("", builtIn("Managed Identity Operator")), privileged},
		"one that assigns on a condition":    {assignment("", builtIn("DevCenter Owner")), privileged},
		"an owner of blobs": {assignment("", builtIn("Storage Blob Data Owner")), append(privileged,
			"storage-role")},
		"Owner": {assignment("", builtIn("Owner")), []string{"privileged-role"}},
		"a contributor of blobs": {assignment("", builtIn("Storage Blob Data Contributor")),
			[]string{"storage-role"}},
		"a contributor that was asked for": {assignment(reader, builtIn("Storage Blob Data Contributor")), nil},
		"a built-in role for invokers": {assignment(invokerRole, builtIn("AzureML Data Scientist")),
			[]string{"invoker-role"}},
		"the 35 actions": {definition(invokerRole, roles.InvokerActions()...), nil},
		"the 35 and a named addition": {definition(invokerRole, append(roles.InvokerActions(),
			"microsoft.machinelearningservices/workspaces/jobs/read")...), nil},
		"the 35 and one that is not named": {definition(invokerRole, append(roles.InvokerActions(),
			"Microsoft.MachineLearningServices/workspaces/delete")...), []string{"invoker-role"}},
		"an existing role, not known": {invokerRoleOf(inputs{"roleDefinitionId": existingRole}),
			[]string{"invoker-role"}},
		"one whose ID is not known either": {invokerRoleOf(inputs{"roleDefinitionId": guardrails.Unknown}),
			[]string{"invoker-role"}},
		"an existing role, given": {invokerRoleOf(inputs{"roleDefinitionId": existingRole,
			"definition": roleJSON(roles.InvokerActions()...)}), nil},
		"a built-in role by its ID": {invokerRoleOf(inputs{
			"roleDefinitionId": roles.DefinitionID("f6c7c914-8db3-469d-8ca1-694a8f32e121")}), nil},
		"a role of the stack's": {invokerRoleOf(inputs{"definition": roleJSON("Microsoft.Insights/*")}), nil},
		"a wildcard":            {definition("", "Microsoft.Insights/*"), []string{"custom-role"}},
		"a wildcard for invokers": {definition(invokerRole, "Microsoft.Insights/*"),
			[]string{"custom-role", "invoker-role"}},
		"a role that grants access": {definition("", "Microsoft.Authorization/roleAssignments/write"),
			[]string{"custom-role"}},
		"assignable in a subscription": {assignableAt("/subscriptions/s"), []string{"assignment-scope"}},
		"permissions that are not known": {resource("", guardrails.RoleDefinition,
			inputs{"permissions": guardrails.Unknown}), []string{"custom-role"}},
		"another version of azure-native": {resource("", "azure-native:authorization/v20220401:RoleAssignment",
			inputs{"scope": workspace}), []string{"principal-type"}},
		"two years": {password("2026-01-01T00:00:00Z", "2028-01-02T00:00:00Z"), nil},
		"two years and a day": {password("2026-01-01T00:00:00Z", "2028-01-03T00:00:00Z"),
			[]string{"secret-lifetime"}},
		"no end":   {password("2026-01-01T00:00:00Z", nil), []string{"secret-lifetime"}},
		"no start": {password(nil, "2028-01-02T00:00:00Z"), []string{"secret-lifetime"}},
		"an end that is not known": {password("2026-01-01T00:00:00Z", guardrails.Unknown),
			[]string{"secret-lifetime"}},
		"a branch":                      {federated(issuer, "repo:o/r:ref:refs/heads/main"), nil},
		"a branch by immutable subject": {federated(issuer, "repo:o@1/r@2:ref:refs/heads/main"), nil},
		"an environment":                {federated(issuer, "repo:o/r:environment:prod"), nil},
		"pull requests":                 {federated(issuer, "repo:o/r:pull_request"), []string{"federation-subject"}},
		"a tag": {federated(issuer, "repo:o/r:ref:refs/tags/v1"),
			[]string{"federation-subject"}},
		"any branch": {federated(issuer, "repo:o/r:ref:refs/heads/*"),
			[]string{"federation-subject"}},
		"a repository alone": {federated(issuer, "repo:o/r"), []string{"federation-subject"}},
		"a GitHub enterprise's issuer": {federated(issuer+"/contoso", "repo:o/r:pull_request"),
			[]string{"federation-subject"}},
		"another issuer": {federated("https://oidc.example", "system:serviceaccount:ns:name"), nil},
		"a wildcard of another issuer": {federated("https://oidc.example", "system:serviceaccount:ns:*"),
			[]string{"federation-subject"}},
		"a closed cluster": {cluster(func(_, _, _ inputs) {}), nil},
		"a cluster without identity": {cluster(func(top, _, _ inputs) { delete(top, "identity") }),
			[]string{"cluster-identity"}},
		"a cluster with local authentication": {cluster(func(_, outer,
			_ inputs) {
			outer["disableLocalAuth"] = false
		}), []string{"cluster-local-auth"}},
		"a cluster that does not say": {cluster(func(_, outer, _ inputs) {
			delete(outer,
				"disableLocalAuth")
		}), []string{"cluster-local-auth"}},
		"a cluster not known": {resource("", guardrails.Compute,
			inputs{"properties": guardrails.Unknown}), []string{"cluster-identity", "cluster-local-auth", "cluster-ssh"}},
		"an identity not known": {cluster(func(top, _,
			_ inputs) {
			top["identity"] = guardrails.Unknown
		}), []string{"cluster-identity"}},
		"a kind of identity not known": {cluster(func(top, _,
			_ inputs) {
			top["identity"] = inputs{"type": guardrails.Unknown}
		}), []string{"cluster-identity"}},
		"local authentication not known": {cluster(func(_, outer,
			_ inputs) {
			outer["disableLocalAuth"] = guardrails.Unknown
		}), []string{"cluster-local-auth"}},
		"SSH not known": {cluster(func(_, _,
			inner inputs) {
			inner["remoteLoginPortPublicAccess"] = guardrails.Unknown
		}), []string{"cluster-ssh"}},
		"nodes of which all is not known": {cluster(func(_, outer,
			_ inputs) {
			outer["properties"] = guardrails.Unknown
		}), []string{"cluster-ssh"}},
		"assignable where is not known": {resource("", guardrails.RoleDefinition,
			inputs{"assignableScopes": guardrails.Unknown, "permissions": []any{}}), []string{"assignment-scope"}},
		"assignable here, else not known": {assignableAt(workspace, guardrails.Unknown), []string{"assignment-scope"}},
		"a cluster with SSH": {cluster(func(_, _,
			inner inputs) {
			inner["remoteLoginPortPublicAccess"] = "Enabled"
		}), []string{"cluster-ssh"}},
		"a cluster that leaves SSH to Azure": {cluster(func(_, _, inner inputs) {
			delete(inner,
				"remoteLoginPortPublicAccess")
		}), []string{"cluster-ssh"}},
		"a resource that no rule is about":      {resource("", "aws:s3:Bucket", inputs{}), nil},
		"a cluster given an identity":           {componentCluster("/x/shared"), []string{"other-access"}},
		"a cluster given one, not known":        {componentCluster(guardrails.Unknown), []string{"other-access"}},
		"a cluster with an identity of its own": {componentCluster(nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken []string
			for _, f := range guardrails.Check(c.r, guardrails.DefaultConfig()) {
				broken = append(broken, f.Rule)
				assert.NotEmpty(t, f.What)
				assert.NotEmpty(t, f.Remedy)
				assert.NotEmpty(t, f.Property)
				assert.Equal(t, "it", f.Resource)
				assert.Equal(t, guardrails.Mandatory, f.Level, "what can't be judged has not passed")
				assert.Equal(t, strings.Contains(name, "not known"), f.Undecided)
			}
			assert.Equal(t, c.rules, broken)
		})
	}
}

func TestAFindingNamesTheResource(t *testing.T) {
	t.Parallel()
	for urn, name := range map[string]string{
		stack + guardrails.RoleAssignment + "::access.analysts": "access.analysts",
		stack + guardrails.RoleAssignment + "::a::b":            "a::b",
		"no URN": "no URN",
		"":       "",
	} {
		r := guardrails.Resource{Type: guardrails.RoleAssignment, URN: urn, Inputs: inputs{"scope": "/"}}
		for _, f := range guardrails.Check(r, guardrails.DefaultConfig()) {
			assert.Equal(t, name, f.Resource)
		}
		assert.Equal(t, name, r.Name())
	}
}

func TestAConfigurationAllowsWhatItNames(t *testing.T) {
	t.Parallel()
	atSubscription := assignment("", inputs{"scope": "/subscriptions/s"})
	for name, c := range map[string]struct {
		config string
		r      guardrails.Resource
		broken int
	}{
		"a kind of scope":   {"allowedScopes: [subscription]", atSubscription, 0},
		"another kind":      {"allowedScopes: [managementGroup]", atSubscription, 1},
		"one scope":         {"allowedScopes: [/SUBSCRIPTIONS/S]", atSubscription, 0},
		"another scope":     {"allowedScopes: [/subscriptions/t]", atSubscription, 1},
		"one of two scopes": {"allowedScopes: [/subscriptions/s]", assignableAt("/subscriptions/s", "/subscriptions/t"), 1},
		"both of two scopes": {"allowedScopes: [/subscriptions/s, /subscriptions/t]",
			assignableAt("/subscriptions/s", "/subscriptions/t"), 0},
		"a role by name": {"allowedRoles: [owner]", assignment("", builtIn("Owner")), 0},
		"a subject":      {`{"allowedSubjects": ["repo:o/r:pull_request"]}`, federated(issuer, "repo:o/r:pull_request"), 0},
		"a shorter life": {"maxSecretDays: 30", password("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), 1},
		"no additions": {"invokerAdditions: []", definition(invokerRole,
			append(roles.InvokerActions(), "Microsoft.MachineLearningServices/workspaces/jobs/read")...), 1},
		"a rule switched off": {"levels: {assignment-scope: disabled}", atSubscription, 0},
		"nothing":             {"", atSubscription, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := guardrails.ParseConfig([]byte(c.config), time.Time{})
			require.NoError(t, err)
			assert.Len(t, guardrails.Check(c.r, config), c.broken)
		})
	}
	config, err := guardrails.ParseConfig([]byte("levels: {assignment-scope: advisory}"), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, guardrails.Advisory, guardrails.Check(atSubscription, config)[0].Level)
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"level: {}":                        "field level not found",
		"levels: {no-such-rule: advisory}": "levels.no-such-rule: unknown rule; use custom-role",
		"levels: {custom-role: loud}":      `levels.custom-role: unknown level "loud"`,
		"allowedRoles: [Ownr]":             `allowedRoles[0]: "Ownr" is no built-in role`,
		"allowedScopes: [subscriptions]":   `allowedScopes[0]: unknown value "subscriptions"; use subscription`,
		"invokerAdditions: [poll]":         `invokerAdditions[0]: unknown value "poll"; use pollJobs`,
		"maxSecretDays: 01000":             "maxSecretDays: is 01000, which YAML reads as 512",
		"maxWaiverDays: 0x10":              "maxWaiverDays: is 0x10, which YAML reads as 16",
		"maxWaiverDays: 1_0":               "maxWaiverDays: is 1_0, which YAML reads as 10",
		"maxSecretDays: 0":                 "maxSecretDays: is 0",
		"maxSecretDays: many":              "cannot unmarshal",
	} {
		_, err := guardrails.ParseConfig([]byte(text), time.Time{})
		assert.ErrorContains(t, err, says)
	}
}
