package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/roles"
)

var options = review.Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Guardrails: guardrails.DefaultConfig()}

var renderers = map[string]func(io.Writer, review.Review) error{
	"text": review.Text, "markdown": review.Markdown, "json": review.JSON, "sarif": review.SARIF,
	"html": review.HTML,
}

func reviewOf(t require.TestingT, text string) review.Review {
	p, err := engine.Read(strings.NewReader(text))
	require.NoError(t, err)
	return review.Make(p, options)
}

// The real engine made the previews; tests/engine makes them again and compares them with these.
func TestRealPreviews(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict string
		met     []string
	}{
		"first": {"High risk: 4 principals gain access, 5 jobs start to work, 4 indirect ways open, 1 federated credential " +
			"changes, 1 client secret to look at", []string{"new-access", "high", "medium", "secrets"}},
		"nochange": {"No change of access", nil},
		"invoker": {"High risk: 1 principal gains access, 2 jobs start to work, 2 indirect ways open",
			[]string{"new-access", "high", "medium"}},
		"scope":   {"High risk: 3 principals gain access", []string{"new-access", "high", "medium"}},
		"role":    {"Low risk: 3 principals lose access, 1 role narrowed", nil},
		"rotated": {"Medium risk: 1 client secret to look at", []string{"medium", "secrets"}},
		"identity": {"Medium risk: 1 principal gains access, 1 principal loses access, 1 managed identity changes, 1 " +
			"interruption or rename",
			[]string{"new-access", "medium"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewOf(t, testdata(t, name))
			assert.Empty(t, r.Unread)
			assert.Empty(t, r.Guardrails)
			assert.Equal(t, c.verdict, r.Verdict)
			var all []string
			for _, condition := range review.Conditions() {
				all = append(all, condition.Name)
			}
			met, err := r.Met(all)
			require.NoError(t, err)
			assert.Equal(t, c.met, met)

			long := reviewOf(t, strings.ReplaceAll(testdata(t, name), "::access", "::"+strings.Repeat("access-to-patients-", 5)))
			assert.Equal(t, c.verdict, long.Verdict, "whatever the component is called")
		})
	}
}

func TestWhatIsNotKnownIsNamedForWhatItWillBe(t *testing.T) {
	t.Parallel()
	var who []string
	for _, c := range reviewOf(t, testdata(t, "first")).Access {
		who = append(who, c.Principal.String())
	}
	assert.Contains(t, who, "invoker partner (service principal partner, not made yet)")
	assert.Contains(t, who, "cluster cpu (cluster identity cpu, not made yet)")
	var text bytes.Buffer
	for name, render := range renderers {
		require.NoError(t, render(&text, reviewOf(t, testdata(t, "identity"))), name)
	}
	assert.NotContains(t, text.String(), "04da6b54", "the stand-in for what is not known")
}

// withCluster is the preview of an assignment that shows as replaced because the ID of its principal, a cluster
// identity, is not known yet. The cluster itself is edited.
func withCluster(t *testing.T, edit func(step, inputs map[string]any)) review.Review {
	t.Helper()
	var preview struct {
		Steps         []map[string]any `json:"steps"`
		ChangeSummary map[string]int   `json:"changeSummary"`
	}
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "identity")), &preview))
	preview.Steps = slices.DeleteFunc(preview.Steps, func(s map[string]any) bool { return s["op"] == "create" })
	delete(preview.ChangeSummary, "create")
	for _, step := range preview.Steps {
		old, now := step["oldState"].(map[string]any), step["newState"].(map[string]any)
		switch {
		case step["op"] == "replace":
			now["propertyDependencies"] = old["propertyDependencies"]
		case old["type"] == guardrails.Compute:
			now["propertyDependencies"] = old["propertyDependencies"]
			now["inputs"] = maps.Clone(old["inputs"].(map[string]any))
			edit(step, now["inputs"].(map[string]any))
		default:
			now["inputs"] = old["inputs"]
		}
	}
	text, err := json.Marshal(preview)
	require.NoError(t, err)
	return reviewOf(t, string(text))
}

func TestAnIDThatIsNotKnownYetIsNoChangeOfAccess(t *testing.T) {
	t.Parallel()
	const says = "access.lake.patients.reader.cluster.cpu shows as replaced because the ID of cluster identity cpu is " +
		"not known before the deployment; its principal is the same."
	for name, c := range map[string]struct {
		edit func(step, inputs map[string]any)
		same bool
	}{
		"a bigger machine": {func(_, inputs map[string]any) { inputs["tags"] = "x" }, true},
		"one more identity": {func(_, inputs map[string]any) {
			inputs["identity"] = identity("SystemAssigned,UserAssigned",
				"/x/a")
		}, true},
		"another kind of identity": {func(_, inputs map[string]any) { inputs["identity"] = identity("UserAssigned", "/x/a") },
			false},
		"a cluster that is made again": {func(step, _ map[string]any) { step["op"] = "replace" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := withCluster(t, c.edit)
			assert.Equal(t, c.same, len(r.Access) == 0)
			assert.Equal(t, c.same, slices.Contains(r.Notes, says))
		})
	}
}

func identity(kind string, ids ...any) map[string]any {
	return map[string]any{"type": kind, "userAssignedIdentities": ids}
}

func TestANameThatStandsForAnotherPrincipalIsReportedByItsIDs(t *testing.T) {
	t.Parallel()
	state := func(id string) string {
		return fmt.Sprintf(`{"type": %q, "inputs": {"principalId": %q, "principalType": "Group", "scope": `+
			`"/subscriptions/s/resourceGroups/rg", "roleDefinitionId": %q}}`,
			guardrails.RoleAssignment, id, roles.DefinitionID(roles.BuiltIns()[0].ID))
	}
	r := reviewOf(t,
		fmt.Sprintf(`{"steps": [{"op": "replace", "urn": "urn:pulumi:dev::p::batchaccess:index:InvokerRole$%s::`+
			`access.analysts", "oldState": %s, "newState": %s}], "changeSummary": {"replace": 1}}`,
			guardrails.RoleAssignment, state("22222222-2222-4222-8222-222222222222"), state(
				"99999999-9999-4999-8999-999999999999")))
	assert.True(t, r.NewAccess)
	var out bytes.Buffer
	require.NoError(t, review.Text(&out, r))
	assert.Regexp(t, `analysts \(99999999-.*gains`, out.String())
	assert.Regexp(t, `analysts \(22222222-.*loses`, out.String())
}

func TestAnIdentityThatIsReplacedRevokes(t *testing.T) {
	t.Parallel()
	r := reviewOf(t, testdata(t, "identity"))
	require.Len(t, r.Identities, 1)
	assert.Equal(t, "system-assigned", r.Identities[0].Before)
	assert.Equal(t, "user-assigned (managed identity cpu.identity, not known yet)", r.Identities[0].After)
	assert.Contains(t, r.Identities[0].What, "lost without a warning")
}

func TestARoleIsReportedActionByAction(t *testing.T) {
	t.Parallel()
	text := testdata(t, "role")
	r := reviewOf(t, text)
	require.Len(t, r.Roles, 1)
	assert.Equal(t, "narrowed", r.Roles[0].Change)
	assert.Len(t, r.Roles[0].Lost, 3)
	// The reverse: the new role has a wildcard, and the review shows what that really adds.
	at := strings.LastIndex(text, `"Microsoft.MachineLearningServices/workspaces/environments/readSecrets/action"`)
	r = reviewOf(t, text[:at]+`"Microsoft.Storage/storageAccounts/list*",`+text[at:])
	require.Len(t, r.Roles, 1)
	assert.Equal(t, review.High, r.Roles[0].Risk)
	assert.Contains(t, r.Roles[0].Gained, roles.Action{Name: "Microsoft.Storage/storageAccounts/listkeys/action"})
	assert.True(t, r.NewAccess)
	assert.Equal(t, "custom-role", r.Guardrails[0].Rule)
}

func TestAJobThatBreaksIsReported(t *testing.T) {
	t.Parallel()
	// A preview that removes an invoker's reader, and leaves the model as it is.
	text := strings.Replace(testdata(t, "invoker"), `"op": "create"`, `"op": "delete"`, 1)
	text = strings.Replace(text, `"newState": {
        "urn": "urn:pulumi:dev::batchaccess::batchaccess:index:BatchEndpointAccess$batchaccess:index:`+
		`StorageReader$azure-native`, `"oldState": {
        "urn": "urn:pulumi:dev::batchaccess::batchaccess:index:BatchEndpointAccess$batchaccess:index:`+
		`StorageReader$azure-native`, 1)
	r := reviewOf(t, text)
	var broken []string
	for _, j := range r.Jobs {
		if j.Broken {
			broken = append(broken, j.Invoker+" "+j.Input+" "+j.After)
		}
	}
	assert.Equal(t, []string{"auditor patients fails at read: invoker auditor needs Storage Blob Data Reader on " +
		"lake/patients"}, broken)
}

func TestSecretsThatEndAreReported(t *testing.T) {
	t.Parallel()
	p, err := engine.Read(strings.NewReader(testdata(t, "invoker"))) // the secret itself is not shown
	require.NoError(t, err)
	for days, change := range map[int]string{31: "", 30: "ends soon", 0: "ended"} {
		o := options
		o.Now = time.Date(2028, 10, 31, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -days)
		r := review.Make(p, o)
		if change == "" {
			assert.Empty(t, r.Secrets)
			continue
		}
		require.Len(t, r.Secrets, 1)
		assert.Equal(t, change, r.Secrets[0].Change)
	}
}

func TestNoSecretIsReported(t *testing.T) {
	t.Parallel()
	const canary = "canary-in-a-coal-mine"
	secret := fmt.Sprintf(`{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": %q}`,
		canary)
	text := strings.ReplaceAll(testdata(t, "rotated"), `"[secret]"`, secret)
	text = strings.ReplaceAll(text, `"displayName": "2026"`, `"displayName": `+secret)
	text = strings.ReplaceAll(text, `"config": {`, `"config": {"batchaccess:x": "`+canary+`",`)
	text = strings.ReplaceAll(text, `"changeSummary"`,
		`"diagnostics": [{"severity": "error", "message": "`+canary+`"}], "changeSummary"`)
	require.Contains(t, text, canary)
	r := reviewOf(t, text)
	require.Len(t, r.Secrets, 1)
	told := reviewOf(t, one(guardrails.Federation, `"audiences": [`+secret+`]`, `"audiences": `+secret))
	r.Federation = told.Federation
	require.Len(t, r.Federation, 1)
	for name, render := range renderers {
		var out bytes.Buffer
		require.NoError(t, render(&out, r))
		assert.NotContains(t, out.String(), canary, name)
	}
}

// bigPreview makes the preview of n assignments of a few roles.
func bigPreview(n int) string {
	var steps []string
	builtIns := roles.BuiltIns()
	for i := range n {
		steps = append(steps, fmt.Sprintf(`{"op": "create", "urn": "urn:pulumi:dev::p::%s::a%d", "newState": {"type": `+
			`%q, "inputs": {"principalId": "id-%d", "principalType": "User",
			"scope": "/subscriptions/s/resourceGroups/rg%d", "roleDefinitionId": `+
			`%q}}}`, guardrails.RoleAssignment, i, guardrails.RoleAssignment, i/4, i%7, roles.DefinitionID(builtIns[i%5].ID)))
	}
	return fmt.Sprintf(`{"steps": [%s], "changeSummary": {"create": %d}}`, strings.Join(steps, ","), n)
}

func TestACommentFitsAndSaysWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	r := reviewOf(t, bigPreview(2000))
	var out bytes.Buffer
	require.NoError(t, review.Markdown(&out, r))
	text := out.String()
	assert.LessOrEqual(t, utf8.RuneCountInString(text), review.MaxComment)
	assert.Contains(t, text, "rows are left out")
	assert.Equal(t, strings.Count(text, "<details>"), strings.Count(text, "</details>"))
}

func TestNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(testdata(t, "invoker"), "auditor",
		`<img src=x>|@everyone #7 www.evil.example **b** [l](https://evil.example)\u001b[31m\"]`)
	text = strings.ReplaceAll(text, `"batchaccess:`, `"x`) // the config, in which names are JSON inside JSON
	r := reviewOf(t, text)
	var markdown, terminal bytes.Buffer
	require.NoError(t, review.Markdown(&markdown, r))
	require.NoError(t, review.Text(&terminal, r))
	for _, markup := range []string{"<img", "@everyone", "**b**", "[l](", "https://evil", "\x1b"} {
		assert.NotContains(t, markdown.String(), markup)
	}
	// GitHub looks for these in rendered text outside of code.
	seen := regexp.MustCompile("(?s)```mermaid.*?```").ReplaceAllString(markdown.String(), "")
	seen = html.UnescapeString(strings.ReplaceAll(seen, "\\", ""))
	assert.Contains(t, seen, "@\u200beveryone")
	for _, taken := range []string{"@everyone", "#7", "www.evil", "https://evil"} {
		assert.NotContains(t, seen, taken)
	}
	assert.NotContains(t, terminal.String(), "\x1b")
}

func TestTheGraphHasWhoGainsWhat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, review.Markdown(&out, reviewOf(t, testdata(t, "identity"))))
	assert.Contains(t, out.String(), "```mermaid\ngraph LR\n")
	assert.Contains(t, out.String(), `n0(["cluster cpu"]) == "gains Storage Blob Data Reader" ==> n1[("container `+
		`contosolakedev/patients")]`)
	assert.Contains(t, out.String(), `n0 -. "loses Storage Blob Data Reader" .-> n1`)
}

func TestSARIFNamesItsRules(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(testdata(t, "first"), "repo:contoso/scoring:ref:refs/heads/main",
		"repo:contoso/scoring:pull_request")
	var out bytes.Buffer
	require.NoError(t, review.SARIF(&out, reviewOf(t, text)))
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID   string
						Help struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &log))
	assert.Equal(t, "2.1.0", log.Version)
	help := map[string]string{}
	for _, rule := range log.Runs[0].Tool.Driver.Rules {
		help[rule.ID] = rule.Help.Text
	}
	var found []string
	for _, result := range log.Runs[0].Results {
		assert.NotEmpty(t, help[result.RuleID], result.RuleID)
		assert.NotEmpty(t, result.Message.Text)
		assert.Contains(t, []string{"error", "warning", "note"}, result.Level)
		assert.Equal(t, "Pulumi.yaml", result.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		found = append(found, result.RuleID)
	}
	assert.Contains(t, found, "federation-subject")
	assert.Contains(t, found, "access-gained")
}

func BenchmarkReview5000Steps(b *testing.B) {
	text := bigPreview(5000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		reviewOf(b, text)
	}
}
