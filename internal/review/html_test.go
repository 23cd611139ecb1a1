package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/page"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/review"
)

func pageOf(t *testing.T, r review.Review) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, review.HTML(&out, r))
	return out.String()
}

// ofFilter are the classes by which a reader chooses.
var ofFilter = regexp.MustCompile(` [ped]\d*\b`)

// drawn are the lines of a page, by their text, with the style of each.
func drawn(text string) map[string]string {
	lines := map[string]string{}
	for _, l := range regexp.MustCompile(`<path class="([^"]*)" d="[^"]*"><title>([^<]*)</title>`).
		FindAllStringSubmatch(text, -1) {
		lines[html.UnescapeString(l[2])] = strings.TrimSpace(ofFilter.ReplaceAllString(l[1], ""))
	}
	return lines
}

// nodes are the boxes of a page: the label, and the text below it.
func nodes(text string) map[string]string {
	found := map[string]string{}
	for _, n := range regexp.MustCompile(`<text x="10" y="17">([^<]*)</text><text class="below"[^>]*>([^<]*)<`).
		FindAllStringSubmatch(text, -1) {
		found[n[1]] = n[2]
	}
	return found
}

func scoring() access.Model {
	lake := "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/lake"
	return access.Model{
		WorkspaceID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers: map[string]access.Invoker{
			"ann": {Kind: access.User, PrincipalID: access.Known("33333333-3333-4333-8333-333333333333")},
			"bob": {Kind: access.User, PrincipalID: access.Known("44444444-4444-4444-8444-444444444444")},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lake)},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.Blob, StorageAccount: "lake", Container: "patients"},
			"images":   {Kind: access.Blob, StorageAccount: "lake", Container: "images"},
		},
		Endpoints: map[string]access.Endpoint{
			"heart": {Cluster: "cpu", Inputs: []string{"patients"}, Invokers: []string{"ann", "bob"}},
			"tags":  {Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"ann"}},
		},
	}
}

// One picture has both sides: parts that stay, come and go. None of them hides another.
func TestThePageDrawsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Model)
		lines  map[string]string // some of the lines
		nodes  map[string]string
	}{
		"nothing": {func(*access.Model) {}, map[string]string{
			"ann to heart: patients stays": "reads", "heart to patients: data of jobs stays": "reads",
		}, map[string]string{"ann": "invoker", "heart": "endpoint", "patients": "input"}},
		"somebody comes, and somebody goes": {func(m *access.Model) {
			m.Invokers["eve"] = access.Invoker{Kind: access.User,
				PrincipalID: access.Known("55555555-5555-4555-8555-555555555555")}
			delete(m.Invokers, "bob")
			m.Endpoints["heart"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"patients"},
				Invokers: []string{"ann", "eve"}}
		}, map[string]string{
			"eve to heart: patients comes": "gained", "bob to heart: patients goes": "lost", "ann to heart: patients " +
				"stays": "reads",
		}, map[string]string{"+ eve": "invoker, new", "− bob": "invoker, goes"}},
		"a job more on the same endpoint": {func(m *access.Model) {
			m.Endpoints["heart"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"images", "patients"},
				Invokers: []string{"ann", "bob"}}
		}, map[string]string{
			"ann to heart: images comes; patients stays": "gained", "heart to images: data of jobs comes": "gained",
		}, map[string]string{"images": "input"}},
		"one job for another": {func(m *access.Model) {
			m.Endpoints["heart"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"ann", "bob"}}
			m.Endpoints["tags"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"patients"}, Invokers: []string{"ann"}}
		}, map[string]string{
			"ann to heart: images comes; patients goes": "undeclared", "heart to patients: data of jobs goes": "lost",
		}, nil},
		"who reads what is there already": {func(m *access.Model) {
			m.Endpoints["tags"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"ann", "bob"}}
		}, map[string]string{"bob to tags: images comes": "gained", "tags to images: data of jobs stays": "reads"}, nil},
		"it is undecided now": {func(m *access.Model) {
			m.Role.RoleDefinitionID = access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/providers/" +
				"Microsoft.Authorization/roleDefinitions/66666666-6666-4666-8666-666666666666")
		}, map[string]string{"ann to heart: patients is undecided": "undeclared"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := scoring()
			c.change(&now)
			text := pageOf(t, review.Compare("dev", review.Configured{Plan: plans.Of(scoring())},
				review.Configured{Plan: plans.Of(now)}, options))
			for line, class := range c.lines {
				assert.Equal(t, class, drawn(text)[line], "%s in %v", line, drawn(text))
			}
			for label, below := range c.nodes {
				assert.Equal(t, below, nodes(text)[label], "%s in %v", label, nodes(text))
			}
		})
	}
}

func TestThePageDrawsIndirectWaysAndAssignments(t *testing.T) {
	t.Parallel()
	text := pageOf(t, reviewOf(t, testdata(t, "first")))
	to := map[string]int{}
	for says, class := range drawn(text) {
		if strings.HasSuffix(class, "indirect") {
			_, end, _ := strings.Cut(says, " to ")
			end, _, _ = strings.Cut(end, ": ")
			to[end+", "+class]++
		}
	}
	assert.Equal(t, map[string]int{"patients, gained indirect": 1,
		"analysts, undeclared indirect": 1, "by the 35 actions, undeclared indirect": 3}, to)
	lines := drawn(pageOf(t, reviewOf(t, testdata(t, "identity"))))
	assert.Equal(t, "undeclared", lines["cluster cpu to container contosolakedev/patients: "+
		"gains Storage Blob Data Reader; loses Storage Blob Data Reader"], "another identity of the cluster: %v", lines)
}

// The page has everything that the review says, and loads nothing.
func TestThePageHasAllThatTheTextHas(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "invoker", "role", "identity", "rotated", "scope"} {
		r := reviewOf(t, testdata(t, name))
		text := pageOf(t, r)
		assert.NotRegexp(t, `(?i)<script|<link|<img|<iframe|@import|url\(|\sstyle=|\ssrc=|javascript:`, text)
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(text)[1]
		assert.True(t, strings.HasPrefix(style, page.CSS))
		assert.Contains(t, html.UnescapeString(text), page.Policy(style))
		seen := html.UnescapeString(text)
		assert.Contains(t, seen, r.Verdict)
		for _, c := range r.Access {
			assert.Contains(t, seen, c.Principal.String())
		}
		for _, j := range r.Jobs {
			assert.Contains(t, text, fmt.Sprintf("<td>%s</td><td>%s</td><td>%s</td>", j.Invoker, j.Endpoint, j.Input))
		}
		for _, note := range r.Notes {
			assert.Contains(t, seen, note)
		}
	}
}

func TestNamesAreNoMarkupOfThePage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `</title></svg><b>`, `' class='gained`, `&lt;b&gt;`,
		`</style><b>`, "\u202eb", "\x1b[31m",
	} {
		quoted, err := json.Marshal(name)
		require.NoError(t, err)
		text := strings.ReplaceAll(testdata(t, "invoker"), "auditor", strings.Trim(string(quoted), `"`))
		text = strings.ReplaceAll(text, `"batchaccess:`, `"x`)
		got := pageOf(t, reviewOf(t, text))
		assert.NotRegexp(t, `<img|<script|<b>|onerror=alert\(1\)>|class='gained|\x{202e}|\x1b`, got)
		assert.Equal(t, 1, strings.Count(got, "</style>"))
		assert.Equal(t, strings.Count(got, "<svg"), strings.Count(got, "</svg>"))
		assert.NotContains(t, html.UnescapeString(regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(got, "")),
			"<br")
	}
}

// A choice of an endpoint shows the identity of its clusters; a choice of an invoker shows an identity that is made for
// it, and its own interruptions.
func TestThePageFiltersIdentitiesAndInterruptions(t *testing.T) {
	t.Parallel()
	var first map[string]any
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "first")), &first))
	const kind = "azure-native:managedidentity:UserAssignedIdentity"
	first["steps"] = append(first["steps"].([]any), map[string]any{"op": "delete", "urn": "urn:pulumi:dev::batchaccess::" +
		"batchaccess:index:BatchEndpointAccess$batchaccess:index:ManagedIdentity$" + kind + "::access.partner",
		"oldState": map[string]any{"type": kind, "custom": true, "id": "/x", "inputs": map[string]any{}}})
	first["changeSummary"].(map[string]any)["delete"] = 1
	edited, err := json.Marshal(first)
	require.NoError(t, err)
	r := reviewOf(t, string(edited))
	text := pageOf(t, r)
	letter := func(name string) string {
		choice := regexp.MustCompile(`<option class="([pe]\d+)">` + name + `</option>`).FindStringSubmatch(text)
		require.NotNil(t, choice, "%s can be chosen", name)
		return choice[1]
	}
	require.Len(t, r.Identities, 1)
	assert.Regexp(t, `<tr class="p `+letter("partner")+`"><td>\w+</td><td>`+r.Identities[0].Of, text)

	r = reviewOf(t, testdata(t, "identity"))
	text = pageOf(t, r)
	assert.Regexp(t, `<tr class="e `+letter("heart-classifier")+`"><td>\w+</td><td>`+r.Identities[0].Of, text)
	for _, i := range r.Interruptions {
		classes := []string{"p"}
		for _, who := range i.Who {
			classes = append(classes, letter(strings.TrimPrefix(who, "invoker ")))
		}
		assert.Regexp(t, `<tr class="`+strings.Join(classes, " ")+`"><td>interrupted</td><td>`+strings.Join(i.Who, ", "),
			text)
	}
	assert.NotEmpty(t, r.Interruptions)
}

// A choice of a person shows nobody else's credentials, except those whose owner only the program names.
func TestThePageFiltersCredentialsByWhomTheySignInAs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ preview, row string }{
		{"first", "federated credential pipeline."}, {"first", "client secret partner."},
	} {
		text := pageOf(t, reviewOf(t, testdata(t, c.preview)))
		who := strings.TrimSuffix(c.row[strings.LastIndex(c.row, " ")+1:], ".")
		choice := regexp.MustCompile(`<option class="(p\d+)">` + who + `</option>`).FindStringSubmatch(text)
		require.NotNil(t, choice, "%s can be chosen", who)
		assert.Regexp(t, `<tr class="p `+choice[1]+`"><td>\w+</td><td>`+regexp.QuoteMeta(c.row), text)
	}
	assert.Regexp(t, `<tr class=""><td>\w+</td><td>client secret partner\.`,
		pageOf(t, reviewOf(t, testdata(t, "rotated"))))
}

// Only a part of a huge change is drawn, and the page says so.
func TestAHugeChangeIsDrawnInPart(t *testing.T) {
	t.Parallel()
	got := pageOf(t, reviewOf(t, bigPreview(2000)))
	assert.Len(t, regexp.MustCompile(`<path `).FindAllString(got, -1), 400)
	assert.Regexp(t, `\d+ lines are left out; the tables have all that changes`, got)
	assert.LessOrEqual(t, strings.Count(got, "<rect "), 2*400)
}
