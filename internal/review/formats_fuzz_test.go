package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

var namesOfStrangers = []string{"a", "](https://x.test)", "[a](b)", `\[`, "$x$", "GH-12", "@all", "#1", "a|b", "|\n|",
	"<!-- batchaccess review -->", "</details>", "\u202egnp", "```", "%20", "AB#1", "www.x.test", "", "::", "\x00",
	"##vso[task.complete result=Succeeded;]", "##[error]x", "::error::x", " ::stop-commands::x", "&#64;all", "\ufeffa",
	"<!--", "~~~", "<details>", "\u2066x", "http://x.test", "!x", "1. x", "=x", "\u00ad", "{{x}}",
	"0123456789abcdef0123456789abcdef01234567", strings.Repeat("ö", 300)}

// withNames is the review of a preview in which strangers chose the names in every section: owners of a subscription, a
// role, a role of the directory, a type that is not judged, a secret, a federated credential, an identity that goes,
// members, a data store, imported resources and resources that stay.
func withNames(t *testing.T, first, second string) review.Review {
	t.Helper()
	type object = map[string]any
	make := func(typ, name string, inputs object) object {
		return object{"op": "create", "urn": "urn:pulumi:dev::p::" + typ + "::" + name,
			"newState": object{"type": typ, "inputs": inputs}}
	}
	gone := func(typ, name string, inputs object, stays bool) object {
		return object{"op": "delete", "urn": "urn:pulumi:dev::p::" + typ + "::" + name,
			"oldState": object{"type": typ, "id": name, "inputs": inputs, "retainOnDelete": stays}}
	}
	owner := object{"principalId": first, "scope": "/subscriptions/" + second,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}
	text, err := json.Marshal(object{"config": object{}, "steps": []object{
		make(guardrails.RoleAssignment, first, owner), make(guardrails.RoleAssignment, second, owner),
		make("azuread:index/directoryRoleAssignment:DirectoryRoleAssignment", first, object{"principalObjectId": second}),
		make("some:index:Thing", second, object{"a": first}),
		make("azuread:index/applicationPassword:ApplicationPassword", first, object{"displayName": second,
			"applicationId": first, "endDate": second}),
		make(guardrails.Federation, second, object{"applicationId": first, "issuer": "https://" + second, "subject": first,
			"audiences": []string{second}}),
		make(guardrails.RoleDefinition, first, object{"roleName": second, "scope": "/", "permissions": []object{{
			"actions": []string{first, "*"}}}, "assignableScopes": []string{second}}),
		make("azuread:index/user:User", second, object{"displayName": first, "userPrincipalName": second}),
		make(guardrails.GroupMember, second, object{"groupObjectId": first, "memberObjectId": second}),
		make("azure-native:machinelearningservices:Datastore", second, object{"name": first}),
		make(guardrails.Compute, second, object{"workspaceName": first, "identity": object{"type": "UserAssigned",
			"userAssignedIdentities": object{"/x/" + first: object{}}}, "properties": object{"computeType": second}}),
		gone("azure-native:managedidentity:UserAssignedIdentity", first, object{"resourceName": second}, false),
		gone("azure-native:authorization:ManagementLockByScope", second, object{"scope": first}, true),
	}, "changeSummary": object{"create": 11, "delete": 2}})
	require.NoError(t, err)
	return reviewOf(t, string(text))
}

// SARIF is read by machines, which ignore results that break its rules: each result has a declared rule, a level, a
// place, and a fingerprint of its own.
func FuzzSARIF(f *testing.F) {
	for i, name := range namesOfStrangers {
		f.Add(name, namesOfStrangers[(i+1)%len(namesOfStrangers)])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		var out bytes.Buffer
		r := withNames(t, first, second)
		require.NoError(t, review.SARIF(&out, r))
		var log struct {
			Version string
			Runs    []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
				Results []struct {
					RuleID, Level string
					Message       struct{ Text string }
					Locations     []struct {
						PhysicalLocation struct {
							ArtifactLocation struct{ URI string }
							Region           struct{ StartLine int }
						}
					}
					PartialFingerprints map[string]string
				}
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &log))
		require.Equal(t, "2.1.0", log.Version)
		require.Len(t, log.Runs, 1)
		rules, prints := map[string]bool{}, map[string]bool{}
		for _, rule := range log.Runs[0].Tool.Driver.Rules {
			require.False(t, rules[rule.ID], rule.ID)
			rules[rule.ID] = true
		}
		unlinked := strings.NewReplacer(`\\`, "", `\[`, "", `\]`, "")
		for _, result := range log.Runs[0].Results {
			require.True(t, rules[result.RuleID], result.RuleID)
			require.Contains(t, []string{"error", "warning", "note"}, result.Level)
			require.NotContains(t, unlinked.Replace(result.Message.Text), "](", "a link")
			require.Len(t, result.Locations, 1)
			require.NotEmpty(t, result.Locations[0].PhysicalLocation.ArtifactLocation.URI)
			require.Positive(t, result.Locations[0].PhysicalLocation.Region.StartLine)
			require.Len(t, result.PartialFingerprints, 1)
			for _, p := range result.PartialFingerprints {
				require.False(t, prints[p], "two findings with one fingerprint")
				prints[p] = true
			}
		}
		for _, rule := range []string{"privileged-role", "access-gained", "other-way", "not-judged", "secret"} {
			require.Contains(t, out.String(), fmt.Sprintf(`"ruleId": %q`, rule))
		}
	})
}

// Markup in the Markdown of GitHub and Azure DevOps, once escaped text is removed: emphasis, links, pictures, code,
// mentions, references, formulas, addresses, entities, HTML.
var (
	escapes = regexp.MustCompile(`\\[!-/:-@\[-\x60{-~]|&#\d+;`)
	markup  = regexp.MustCompile(`[*_\[\]~\x60@#$!<>&\\]|://|www\.|(?i:\bGH-\d)|\b[0-9a-f]{40}\b|\bAB#`)
)

// Whatever the names are, the comment is a series of Markdown tables: each row has as many cells as its head, our
// marker is there once, and there is no HTML but ours.
func FuzzComment(f *testing.F) {
	for i, name := range namesOfStrangers {
		f.Add(name, namesOfStrangers[(i+1)%len(namesOfStrangers)])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		var out bytes.Buffer
		require.NoError(t, review.Markdown(&out, withNames(t, first, second)))
		text := out.String()
		require.True(t, utf8.ValidString(text))
		require.LessOrEqual(t, len(text), review.MaxComment)
		require.True(t, strings.HasPrefix(text, review.Marker+"\n"))
		require.Equal(t, 1, strings.Count(text, "<!--"), "a marker of somebody else's")
		own := strings.NewReplacer(review.Marker, "", "<details>", "", "</details>", "", "<summary>", "", "</summary>", "")
		require.NotContains(t, own.Replace(text), "<")
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "> ") {
				continue
			}
			plain := escapes.ReplaceAllString(strings.TrimLeft(line, "> "), "\u200b")
			require.NotRegexp(t, markup, plain)
		}
		cells := 0
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "|") {
				cells = 0
				continue
			}
			n := strings.Count(line, "|")
			require.True(t, cells == 0 || n == cells, "%d cells in place of %d: %s", n, cells, line)
			cells = n
		}
		for _, title := range []string{"### Who gains access", "### What else gives access", "### Guardrails",
			"### Changed, and not judged", "### Client secrets",
			"### Who may sign in by federation", "### Managed identities"} {
			require.Contains(t, text, "\n"+title)
		}
	})
}
