package review_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// steps is a preview of several steps: op, type with its parents' types, name, inputs before, inputs after.
func steps(all ...[5]string) string {
	var texts []string
	for _, s := range all {
		typ := s[1][strings.LastIndex(s[1], "$")+1:]
		state := func(inputs string) string {
			if inputs == "" {
				return "null"
			}
			return fmt.Sprintf(`{"type": %q, "inputs": {%s}, "custom": %v}`, typ, inputs,
				!strings.HasPrefix(typ, "batchaccess:"))
		}
		texts = append(texts, fmt.Sprintf(`{"op": %q, "urn": "urn:pulumi:dev::p::%s::%s", "oldState": %s, "newState": %s}`,
			s[0], s[1], s[2], state(s[3]), state(s[4])))
	}
	return `{"steps": [` + strings.Join(texts, ",\n") + `], "changeSummary": {}}`
}

func TestWhoGoesWithoutForAWhile(t *testing.T) {
	t.Parallel()
	const (
		bea        = "batchaccess:index:BatchEndpointAccess"
		ofIdentity = "azure-native:managedidentity:FederatedIdentityCredential"
		inCluster  = bea + "$" + guardrails.ComputeCluster + "$" + guardrails.Compute
		inRole     = bea + "$" + guardrails.InvokerRole + "$"
		principal  = bea + "$batchaccess:index:ServicePrincipal"
		system     = `"computeName": "cpu", "identity": {"type": "SystemAssigned"}, "tags": "%s"`
		user       = `"computeName": "cpu", "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/x/a"]}, ` +
			`"tags": "%s"`
		role   = `"roleName": %q, "scope": "/subscriptions/s"`
		claims = `"issuer": "https://i", "subject": %q`
		access = `"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/g/providers/` +
			`Microsoft.MachineLearningServices/workspaces/w", "invokers": {"ann": {"kind": "user", "objectId": ` +
			`"22222222-2222-4222-8222-222222222222"}}, "clusters": {"cpu": {}}, "storageAccounts": {"lake": ` +
			`"/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/g/providers/Microsoft.Storage/` +
			`storageAccounts/lake"}, "dataInputs": {"in": {"kind": "adlsGen2", "storageAccount": "lake", ` +
			`"container": "patients"%s}}`
	)
	account := assigned("/subscriptions/s/resourceGroups/a", "")
	f := fmt.Sprintf
	for name, c := range map[string]struct {
		preview string
		want    []string // change, the first of who, and a part of what, from or to
	}{
		"a cluster made anew, and its system-assigned identity": {steps([5]string{"replace", inCluster, "access.cpu",
			f(system, "1"), f(system, "2")}), []string{"interrupted", "whoever starts jobs on it", "system-assigned identity"}},
		"a cluster made anew with an identity that stays": {steps([5]string{"replace", inCluster, "access.cpu",
			f(user, "1"), f(user, "2")}), []string{"interrupted", "whoever starts jobs on it", "the creation of"}},
		"a cluster made anew under another name": {steps([5]string{"replace", inCluster, "access.cpu",
			f(user, "1"), strings.Replace(f(user, "2"), "cpu", "gpu", 1)}), []string{"interrupted",
			"whoever starts jobs on it", "jobs on cluster cpu"}},
		"somebody else's cluster made anew under another name": {steps([5]string{"replace", guardrails.Compute, "cpu",
			f(user, "1"), strings.Replace(f(user, "2"), "cpu", "gpu", 1)}), []string{"interrupted",
			"whoever starts jobs on it", "deleteBeforeReplace: false"}},
		"a cluster that changes in place": {steps([5]string{"update", inCluster, "access.cpu", f(system, "1"),
			f(system, "2")}), nil},
		"a cluster to its own identity": {steps([5]string{"update", inCluster, "access.cpu", f(user, "1"),
			f(system, "1")}), []string{"interrupted", "whoever starts jobs on it", "that this update makes"}},
		"a cluster to a user-assigned identity": {steps([5]string{"update", inCluster, "access.cpu", f(system, "1"),
			f(user, "1")}), []string{"interrupted", "whoever starts jobs on it", "up to 10 minutes"}},
		"somebody else's cluster to a user-assigned identity": {steps([5]string{"update", guardrails.Compute, "cpu",
			f(system, "1"), f(user, "1")}), []string{"interrupted", "whoever starts jobs on it", "assigns roles to its new"}},
		"a cluster without identity gets one": {steps([5]string{"update", inCluster, "access.cpu", `"computeName": "cpu"`,
			f(system, "1")}), nil},
		"those who use the cluster": {steps([5]string{"same", bea, "access", f(access, ""), f(access, "")},
			[5]string{"replace", inCluster, "access.cpu", f(user, "1"), f(user, "2")}),
			[]string{"interrupted", "invoker ann", "jobs on"}},
		"those who use the cluster, and did": {steps([5]string{"update", bea, "access", f(access, ""), strings.Replace(
			f(access, ""), `"invokers": {`, `"invokers": {"bob": {"kind": "user", "objectId": `+
				`"33333333-3333-4333-8333-333333333333"}, `, 1)},
			[5]string{"replace", inCluster, "access.cpu", f(user, "1"), f(user, "2")}),
			[]string{"interrupted", "invoker ann", "jobs on"}},
		"those who use the cluster, renamed": {steps([5]string{"update", bea, "access", f(access, ""), strings.Replace(
			f(access, ""), `"ann": {`, `"zoe": {"was": "ann", `, 1)},
			[5]string{"replace", inCluster, "access.cpu", f(user, "1"), f(user, "2")}),
			[]string{"interrupted", "invoker zoe", "jobs on"}},
		"a role of a fixed name": {steps([5]string{"replace", inRole + guardrails.RoleDefinition, "access",
			f(role, "Scorers"), f(role, "Scorers")}), []string{"interrupted", "whoever has the role", "deletion of its"}},
		"a role of another name": {steps([5]string{"replace", inRole + guardrails.RoleDefinition, "access",
			f(role, "Scorers"), f(role, "Graders")}), nil},
		"an assignment of ours": {steps([5]string{"replace", inRole + guardrails.RoleAssignment, "access.ann", account,
			assigned("/subscriptions/s/resourceGroups/b", "")}), nil},
		"an assignment of somebody else": {steps([5]string{"replace", guardrails.RoleAssignment, "ann", account,
			assigned("/subscriptions/s/resourceGroups/b", "")}), []string{"interrupted", "principal of ann " +
			"(ann)", "deleteBeforeReplace"}},
		"roles to ACLs": {steps([5]string{"update", bea, "access", f(access, ""), f(access, `, "grantedBy": "acl"`)}),
			[]string{"interrupted", "cluster cpu", "aclCommands"}},
		"another subject in place": {steps([5]string{"update", principal + "$" + guardrails.Federation,
			"access.bot.main", f(claims, "a"), f(claims, "b")}), []string{"interrupted",
			"whoever signs in by federated credential bot.main", "add another"}},
		"another audience in place": {steps([5]string{"update", principal + "$" + guardrails.Federation,
			"access.bot.main", f(claims, "a"), f(claims, "a") + `, "audiences": ["x"]`}), nil},
		"a credential renamed": {steps([5]string{"delete", principal + "$" + guardrails.Federation,
			"access.bot.main", f(claims, "a"), ""}, [5]string{"create", principal + "$" + guardrails.Federation,
			"access.bot.trunk", "", f(claims, "a")}), []string{"renamed", "federated credential main", "write was: main"}},
		"a credential of an identity, another subject": {steps([5]string{"update", principal + "$" + ofIdentity,
			"access.bot.main", f(claims, "a"), f(claims, "b")}), []string{"interrupted",
			"whoever signs in by federated credential bot.main", "add another"}},
		"a credential of an identity renamed": {steps([5]string{"delete", principal + "$" + ofIdentity,
			"access.bot.main", f(claims, "a"), ""}, [5]string{"create", principal + "$" + ofIdentity,
			"access.bot.trunk", "", f(claims, "a")}), []string{"renamed", "federated credential main", "write was: main"}},
		"a credential beside another": {steps([5]string{"delete", principal + "$" + guardrails.Federation,
			"access.bot.main", f(claims, "a"), ""}, [5]string{"create", principal + "$" + guardrails.Federation,
			"access.bot.trunk", "", f(claims, "b")}), nil},
		"a service principal renamed": {steps([5]string{"delete", principal, "access.bot", `"signIn": "none"`, ""},
			[5]string{"create", principal, "access.robot", "", `"signIn": "none"`}),
			[]string{"renamed", "service principal bot", "robot is made: if that is its new name, write was: bot"}},
		"a service principal that goes": {steps([5]string{"delete", principal, "access.bot", `"signIn": "none"`, ""}),
			nil},
		"one goes and one of another kind comes": {steps([5]string{"delete", principal, "access.bot", `"x": "y"`, ""},
			[5]string{"create", bea + "$batchaccess:index:ManagedIdentity", "access.robot", "", `"x": "y"`}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewOf(t, c.preview)
			var sarif bytes.Buffer
			require.NoError(t, review.SARIF(&sarif, r))
			if c.want == nil {
				assert.Empty(t, r.Interruptions)
				assert.NotRegexp(t, `"ruleId": "(interrupted|renamed)"`, sarif.String())
				return
			}
			assertInSARIF(t, sarif.Bytes(), c.want)
			require.Len(t, r.Interruptions, 1)
			i := r.Interruptions[0]
			assert.NotContains(t, i.Who, "invoker bob", "who comes has nothing to go without")
			assert.Equal(t, c.want[:2], []string{i.Change, i.Who[0]})
			assert.Contains(t, strings.Join([]string{i.What, i.From, i.To}, "; "), c.want[2])
			assert.Equal(t, "not known", i.Running)
			for _, render := range []func(*bytes.Buffer) error{
				func(b *bytes.Buffer) error { return review.Text(b, r) },
				func(b *bytes.Buffer) error { return review.Markdown(b, r) },
			} {
				var out bytes.Buffer
				require.NoError(t, render(&out))
				assert.Contains(t, strings.ToLower(out.String()), "loses access for a while")
			}
		})
	}
}

// A secret changes: the months of 2026 and 2027 in which it is valid, before and after, counted from January 2026. The
// reviews are of 24 November 2026, month 10.
type secret struct {
	name     string
	old, now [2]int // from the first of one month to the first of another; twice the same for no secret
	foreign  bool
}

func (s secret) step() [5]string {
	const typ = "batchaccess:index:BatchEndpointAccess$batchaccess:index:ServicePrincipal$" + guardrails.Password
	dates := func(period [2]int) string {
		if period[0] == period[1] {
			return ""
		}
		day := func(month int) string {
			return time.Date(2026, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
		}
		return fmt.Sprintf(`"applicationId": "/applications/a", "startDate": %q, "endDate": %q`, day(period[0]),
			day(period[1]))
	}
	op := map[bool]string{true: "same", false: "replace"}[s.old == s.now]
	switch {
	case s.old == [2]int{}:
		op = "create"
	case s.now == [2]int{}:
		op = "delete"
	}
	step := [5]string{op, typ, "access.bot." + s.name, dates(s.old), dates(s.now)}
	if s.foreign {
		step[1], step[2] = guardrails.Password, s.name
	}
	return step
}

func TestWhoCanNotSignInWithASecretForAWhile(t *testing.T) {
	t.Parallel()
	valid, later, later2, over := [2]int{6, 18}, [2]int{10 + 1, 20}, [2]int{20, 24}, [2]int{0, 10}
	next := [2]int{10, 22}
	for name, c := range map[string]struct {
		secrets []secret
		want    []string // who, a part of from, a part of to; for each
	}{
		"in one step": {[]secret{{name: "a", old: valid}, {name: "b", now: next}},
			[]string{"a", "deletion of a", "given the new one"}},
		"in one step, foreign": {[]secret{{name: "a", old: valid, foreign: true}, {name: "b", now: next, foreign: true}},
			[]string{"a", "deletion of a", "given the new one"}},
		"other dates": {[]secret{{name: "a", old: valid, now: next}},
			[]string{"a", "deletion of a", "given the new one"}},
		"one more":          {[]secret{{name: "a", old: valid, now: valid}, {name: "b", now: next}}, nil},
		"the old one goes":  {[]secret{{name: "a", old: valid}, {name: "b", old: next, now: next}}, nil},
		"the only one goes": {[]secret{{name: "a", old: valid}}, nil},
		"two in rotation": {[]secret{{name: "a", old: valid}, {name: "b", old: next, now: next}, {name: "c", now: next}},
			nil},
		"two in rotation, again": {[]secret{{name: "a", old: valid, now: next}, {name: "b", old: next, now: next}}, nil},
		"two in rotation, the first over": {[]secret{{name: "a", old: over}, {name: "b", old: next, now: next},
			{name: "c", now: later}}, nil},
		"two in rotation, and what stays is over": {[]secret{{name: "a", old: valid}, {name: "b", old: over, now: over},
			{name: "c", now: next}}, []string{"a", "deletion of a", "given the new one"}},
		"two in rotation, and what stays begins later": {[]secret{{name: "a", old: valid},
			{name: "b", old: later, now: later},
			{name: "c", now: next}}, []string{"a", "deletion of a", "given the new one"}},
		"both at once": {[]secret{{name: "a", old: valid}, {name: "b", old: next}, {name: "c", now: next}},
			[]string{"a", "deletion of a", "given the new one", "b", "deletion of b", "given the new one"}},
		"the new one begins later": {[]secret{{name: "a", old: valid}, {name: "b", now: later}},
			[]string{"a", "deletion of a",
				"when they are given the new one, which begins to be valid on 2026-12-01T00:00:00Z"}},
		"the old one goes before the new one begins": {[]secret{{name: "a", old: valid}, {name: "b", old: later, now: later}},
			[]string{"a", "deletion of a", "when they sign in with b, which begins to be valid on 2026-12-01T00:00:00Z"}},
		"the new one begins after the old one has ended": {[]secret{{name: "a", old: valid, now: valid},
			{name: "b", now: later2}}, []string{"a", "the end of a on 2027-07-01T00:00:00Z", "the start of b on " +
			"2027-09-01T00:00:00Z"}},
		"an end and a start at once": {[]secret{{name: "a", old: valid, now: valid}, {name: "b", now: [2]int{18, 24}}}, nil},
		"what is over goes":          {[]secret{{name: "a", old: over}, {name: "b", now: next}}, nil},
		"what is over stays":         {[]secret{{name: "a", old: over, now: over}, {name: "b", now: later}}, nil},
		"nothing changes, with a gap": {[]secret{{name: "a", old: valid, now: valid},
			{name: "b", old: later2, now: later2}}, nil},
		"what never was valid goes": {[]secret{{name: "a", old: later}, {name: "b", now: next}}, nil},
		"one step and a gap": {[]secret{{name: "a", old: valid}, {name: "b", now: valid}, {name: "c", now: later2}},
			[]string{"a", "deletion of a", "given the new one", "b", "the end of b", "the start of c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all [][5]string
			for _, s := range c.secrets {
				all = append(all, s.step())
			}
			r := reviewOf(t, steps(all...))
			slices.SortFunc(r.Interruptions, func(a, b review.Interruption) int { return cmp.Compare(a.Who[0], b.Who[0]) })
			require.Len(t, r.Interruptions, len(c.want)/3, "%+v", r.Interruptions)
			for n, i := range r.Interruptions {
				want := c.want[3*n:]
				assert.Equal(t, []string{"interrupted", "whoever signs in with client secret " + want[0]},
					[]string{i.Change, i.Who[0]})
				assert.Contains(t, i.From, want[1])
				assert.Contains(t, i.To, want[2])
				assert.NotEmpty(t, i.URN)
			}
		})
	}
}

// A secret without a known date counts as one in use, but not as one that is valid in the meantime.
func TestASecretWithoutDatesIsNoSuccessor(t *testing.T) {
	t.Parallel()
	const typ = "batchaccess:index:BatchEndpointAccess$batchaccess:index:ServicePrincipal$" + guardrails.Password
	undated := `"displayName": "x"`
	r := reviewOf(t, steps([5]string{"delete", typ, "access.bot.a", undated, ""},
		[5]string{"same", typ, "access.bot.b", undated, undated}, [5]string{"create", typ, "access.bot.c", "", undated}))
	require.Len(t, r.Interruptions, 1)
	assert.Equal(t, []string{"whoever signs in with client secret a"}, r.Interruptions[0].Who)
}

// Without --show-sames, a preview lacks the secret that stays; the component names it.
func TestASecretThatStaysIsKnownFromTheComponent(t *testing.T) {
	t.Parallel()
	const (
		bea  = "batchaccess:index:BatchEndpointAccess"
		made = `"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/g/providers/` +
			`Microsoft.MachineLearningServices/workspaces/w", "clusters": {"cpu": {}}, "invokers": {"bot": {"kind": ` +
			`"servicePrincipal", "clientSecrets": {%s}}}`
		stays = `"b": {"startDate": "2026-11-01", "endDate": "2027-11-01"}, `
		goes  = `"a": {"startDate": "2026-06-01", "endDate": "2027-06-01"}`
		comes = `"c": {"startDate": "2026-11-20", "endDate": "2027-11-20"}`
	)
	for kept, want := range map[string]int{stays: 0, "": 1} {
		r := reviewOf(t, steps([5]string{"update", bea, "access", fmt.Sprintf(made, kept+goes),
			fmt.Sprintf(made, kept+comes)},
			secret{name: "a", old: [2]int{5, 17}}.step(), secret{name: "c", now: [2]int{10, 22}}.step()))
		assert.Len(t, r.Interruptions, want, kept)
	}
}

// assertInSARIF checks the only interruption of a review: a rule with help, its resource, and what a reader needs to
// know.
func assertInSARIF(t *testing.T, text []byte, want []string) {
	t.Helper()
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID   string
						Help struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID, Level       string
				Message             struct{ Text string }
				PartialFingerprints map[string]string
				Locations           []struct {
					LogicalLocations []struct{ FullyQualifiedName string }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &log))
	found := 0
	for _, r := range log.Runs[0].Results {
		if r.RuleID != want[0] {
			assert.NotContains(t, []string{"interrupted", "renamed"}, r.RuleID)
			continue
		}
		found++
		assert.Equal(t, "warning", r.Level)
		assert.Contains(t, r.Message.Text, want[1])
		assert.Contains(t, r.Message.Text, want[2])
		assert.Contains(t, r.Message.Text, "jobs that run then: not known")
		assert.NotEmpty(t, r.PartialFingerprints["batchaccess/v2"])
		require.Len(t, r.Locations[0].LogicalLocations, 1)
		assert.Contains(t, r.Locations[0].LogicalLocations[0].FullyQualifiedName, "urn:pulumi:dev::p::")
	}
	assert.Equal(t, 1, found)
	for _, rule := range log.Runs[0].Tool.Driver.Rules {
		if rule.ID == want[0] {
			assert.NotEmpty(t, rule.Help.Text)
			return
		}
	}
	assert.Fail(t, "no rule", want[0])
}
