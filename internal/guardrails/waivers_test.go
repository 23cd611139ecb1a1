package guardrails_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// owning is an assignment of Owner, which privileged-role refuses.
func owning(urn string) guardrails.Resource {
	return guardrails.Resource{Type: guardrails.RoleAssignment, URN: urn, Inputs: map[string]any{
		"principalId": "33333333-3333-4333-8333-333333333333", "principalType": "User",
		"scope":            "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg",
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}}
}

var today = time.Date(2026, 11, 28, 23, 59, 59, 0, time.UTC)

const owningURN = "urn:pulumi:dev::p::" + guardrails.RoleAssignment + "::people"

func TestTheErrorListsAllThatIsWrongWithAFile(t *testing.T) {
	t.Parallel()
	waiver := func(resource, more string) string {
		return "waivers: [{rule: privileged-role, resource: '" + resource + "', " + more + "}]"
	}
	const fine = "reason: r, owner: o, ends: 2027-01-31"
	names := "names no resource; write its URN, or the end of it: <type>::<name>"
	for text, want := range map[string][]string{
		waiver("azure-native:authorization:RoleAssignment::people", fine):         nil,
		waiver("azure-native:authorization/v20220401:RoleAssignment::a::b", fine): nil,
		waiver("urn:pulumi:dev::p::x:index:C$azure-native:a:B::people", fine):     nil,
		waiver("", fine):               {`waivers[0].resource: "" ` + names},
		waiver("::", fine):             {`waivers[0].resource: "::" ` + names},
		waiver(" :: ", fine):           {`waivers[0].resource: " :: " ` + names},
		waiver("people", fine):         {`waivers[0].resource: "people" ` + names},
		waiver("a:b:C::", fine):        {`waivers[0].resource: "a:b:C::" ` + names},
		waiver("a:b:C::people ", fine): {`waivers[0].resource: "a:b:C::people " ` + names},
		waiver("RoleAssignment::people", fine): {`waivers[0].resource: "RoleAssignment::people" ` +
			names},
		waiver("a:b:*::people", fine): {`waivers[0].resource: "a:b:*::people" ` + names},
		waiver("a:b:C::*", fine):      {`waivers[0].resource: "a:b:C::*" ` + names},
		waiver("urn:pulumi:::", fine): {`waivers[0].resource: "urn:pulumi:::" ` + names},
		waiver("urn:pulumi:dev::p::a:b:C::",
			fine): {`waivers[0].resource: "urn:pulumi:dev::p::a:b:C::" ` + names},
		waiver("urn:pulumi:dev::p::C::people",
			fine): {`waivers[0].resource: "urn:pulumi:dev::p::C::people" ` + names},
		waiver("urn:pulumi:::p::a:b:C::people",
			fine): {`waivers[0].resource: "urn:pulumi:::p::a:b:C::people" ` + names},
		waiver("a:b:C::x", "reason: ' ', owner: o, ends: 2027-01-31"): {"waivers[0].reason: is missing"},
		waiver("a:b:C::x", `reason: "\u200b", owner: "a\nb", ends: 2027-01-31`): {
			`waivers[0].owner: "a\nb" holds line ends or characters that are not shown`,
			`waivers[0].reason: "\u200b" holds line ends or characters that are not shown`},
		waiver("a:b:C::x", "reason: r, owner: o"):                             {`waivers[0].ends: "" is not a day`},
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2027-02-30"):           {`waivers[0].ends: "2027-02-30" is not a day`},
		waiver("a:b:C::x", "reason: r, owner: o, ends: tomorrow"):             {`waivers[0].ends: "tomorrow" is not a day`},
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2027-01-31T00:00:00Z"): {"waivers[0].ends: "},
		waiver("a:b:C::x", "reason: r, owner: o, end: 2027-01-31"): {
			"waivers[0].end: field end not found; use ends, owner, reason, resource, rule (nearest: ends)",
			`waivers[0].ends: "" is not a day`},
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2026-11-27"): nil, // it has ended, as a finding says
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2027-11-29"): nil,
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2027-11-30"): {
			"waivers[0].ends: 2027-11-30 is more than 366 days ahead; write a nearer day"},
		waiver("a:b:C::x", "reason: r, owner: o, ends: 2076-01-31"): {"waivers[0].ends: 2076-01-31 " +
			"is more than 366 days ahead"},
		waiver("a:b:C::x", "reason: r, owner: o, ends: 9999-12-31"): {"waivers[0].ends: 9999-12-31 " +
			"is more than 366 days ahead"},
		"maxWaiverDays: 30\n" + waiver("a:b:C::x", "reason: r, owner: o, ends: 2026-12-28"): nil,
		"maxWaiverDays: 30\n" + waiver("a:b:C::x", "reason: r, owner: o, ends: 2026-12-29"): {
			"waivers[0].ends: 2026-12-29 is more than 30 days ahead"},
		"maxWaiverDays: 20000\n" + waiver("a:b:C::x", "reason: r, owner: o, ends: 2076-01-31"): nil,
		"maxWaiverDays: 0":    {"maxWaiverDays: is 0; write a number of days, 1 or more"},
		"maxWaiverDays: -1":   {"maxWaiverDays: is -1; write a number of days, 1 or more"},
		"maxWaiverDays: soon": {"maxWaiverDays: "},
		"waivers: [{}]": {"waivers[0].ends: ", "waivers[0].owner: is missing", "waivers[0].reason: is missing",
			"waivers[0].resource: ", `waivers[0].rule: unknown rule ""; use custom-role`},
		"waivers: [{rule: privileged-roles, resource: 'a:b:C::x', " + fine + "}]": {
			`waivers[0].rule: unknown rule "privileged-roles"; use custom-role`},
		"waivers:\n- {rule: unseen, resource: 'a:b:C::x', " + fine + "}\n- {rule: unseen, resource: 'a:b:C::x', reason: s, " +
			"owner: p, ends: 2027-02-28}": {"waivers[1]: says the same as waivers[0]; keep one of the two"},
		"waivers:\n- {rule: unseen, resource: 'a:b:C::x', " + fine + "}\n- {rule: privileged-role, resource: 'a:b:C::x', " +
			fine + "}": nil,
		"decidedTypes: [{type: 'azure-native:network:VirtualNetwork', reason: r}, {type: 'azure-native:network/v20200101:" +
			"VirtualNetwork', reason: s}]": {"decidedTypes[1]: says the same as decidedTypes[0]"},
		"decidedTypes: [{type: 'azure-native:keyvault:Vault', reason: r}, {type: 'command:local:Command', reason: r}]": nil,
		"decidedTypes: [{type: 'a::b', ends: soon}]": {`decidedTypes[0].ends: "soon" is not a day`,
			"decidedTypes[0].reason: is missing", `decidedTypes[0].type: "a::b" is no type`},
		"allowedRoles: ['']":     {`allowedRoles[0]: "" is no built-in role`},
		"allowedScopes: ['']":    {`allowedScopes[0]: unknown value ""`},
		"allowedSubjects: ['']":  {"allowedSubjects[0]: is empty"},
		"levels: {'': disabled}": {"levels.: unknown rule; use custom-role"},
		"waivers:":               {"waivers: has no value; leave the key out, or write a list"},
		"Waivers: []":            {"Waivers: field Waivers not found; use allowedRoles, "},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := guardrails.ParseConfig([]byte(text), today)
			if len(want) == 0 {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(want), err)
			for i, line := range lines {
				assert.True(t, strings.HasPrefix(line, want[i]), "%q is not %q", line, want[i])
			}
		})
	}
}

// A waiver is for the one resource that it names in full, for the one rule, until the end of its last day. Nothing else
// that can be written waives anything.
func FuzzWaivers(f *testing.F) {
	for _, resource := range []string{owningURN, guardrails.RoleAssignment + "::people", "", "::", "*", "people",
		"azure-native:authorization/v20220401:RoleAssignment::people", "a:b:C::people", "urn:pulumi:dev::p::::people",
		"azure-native:authorization:roleassignment::PEOPLE"} {
		f.Add("privileged-role", resource, "why", "who", "2026-11-28")
	}
	f.Add("", owningURN, "why", "who", "2026-11-28")
	f.Add("unseen", owningURN, "why", "who", "2026-11-28")
	f.Add("privileged-role", owningURN, "", " ", "2026-11-27")
	f.Add("privileged-role", owningURN, "\u200b", "\n", "9999-99-99")
	f.Fuzz(func(t *testing.T, rule, resource, reason, owner, ends string) {
		text, err := json.Marshal(map[string]any{"waivers": []any{map[string]any{"rule": rule, "resource": resource,
			"reason": reason, "owner": owner, "ends": ends}}})
		require.NoError(t, err)
		c, err := guardrails.ParseConfig(text, today)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				require.Regexp(t, `^(waivers\[0\]|the file|can't be read as YAML)`, line)
			}
			return
		}
		require.NotEmpty(t, strings.TrimSpace(reason))
		require.NotEmpty(t, strings.TrimSpace(owner))
		for _, found := range guardrails.Check(owning(owningURN), c) {
			named := resource == owningURN
			if token, name, ok := strings.Cut(resource, "::"); ok && !strings.HasPrefix(resource, "urn:") {
				named = name == "people" && guardrails.Key(token) == guardrails.Key(guardrails.RoleAssignment)
			}
			want := named && rule == found.Rule && ends >= "2026-11-28" && ends <= "2027-11-29"
			require.Equal(t, want, found.Waived != "", "%s by %s", found.Rule, text)
			if !want {
				require.Equal(t, guardrails.Mandatory, found.Level)
			}
		}
	})
}
