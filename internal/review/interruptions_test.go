package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// steps is a preview of several: op, type with those of its parents, name, inputs before, inputs after.
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
		dates  = `"startDate": "2026-11-01T00:00:00Z", "endDate": "2027-11-01T00:00:00Z"`
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
		want    []string // change, first of who, and a part of what, from or to
	}{
		"a cluster made anew, and its system-assigned identity": {steps([5]string{"replace", inCluster, "access.cpu",
			f(system, "1"), f(system, "2")}), []string{"interrupted", "whoever starts jobs on it", "system-assigned identity"}},
		"a cluster made anew with an identity that stays": {steps([5]string{"replace", inCluster, "access.cpu",
			f(user, "1"), f(user, "2")}), []string{"interrupted", "whoever starts jobs on it", "the creation of"}},
		"a cluster made anew beside the old one": {steps([5]string{"replace", inCluster, "access.cpu",
			f(user, "1"), strings.Replace(f(user, "2"), "cpu", "gpu", 1)}), nil},
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
		"a secret in one step": {steps([5]string{"delete", principal + "$" + guardrails.Password, "access.bot.2026",
			dates, ""}, [5]string{"create", principal + "$" + guardrails.Password, "access.bot.2027", "", dates}),
			[]string{"interrupted", "whoever signs in with client secret 2026", "in one step"}},
		"a secret beside the old one": {steps([5]string{"create", principal + "$" + guardrails.Password,
			"access.bot.2027", "", dates}), nil},
		"secrets of two": {steps([5]string{"delete", principal + "$" + guardrails.Password, "access.bot.2026",
			dates, ""}, [5]string{"create", principal + "$" + guardrails.Password, "access.other.2027", "", dates}), nil},
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
			assert.Equal(t, c.want[:2], []string{i.Change, i.Who[0]})
			assert.Contains(t, strings.Join([]string{i.What, i.From, i.To}, "; "), c.want[2])
			assert.Equal(t, "not known", i.Running)
			for _, render := range []func(*bytes.Buffer) error{
				func(b *bytes.Buffer) error { return review.Text(b, r) },
				func(b *bytes.Buffer) error { return review.Markdown(b, r) },
			} {
				var out bytes.Buffer
				require.NoError(t, render(&out))
				assert.Contains(t, strings.ToLower(out.String()), "goes without for a while")
			}
		})
	}
}

// assertInSARIF holds the only interruption of a review: a rule with help, its resource, and what a reader has to know.
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
