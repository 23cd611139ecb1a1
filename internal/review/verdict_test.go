package review_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// The first line of the page, and of the comment, has the colour of the gravest finding. Milder or unknown findings do
// not change it.
func TestTheVerdictHasTheColourOfTheGravest(t *testing.T) {
	t.Parallel()
	const (
		grave = `{"op":"create","urn":"urn:pulumi:dev::p::azuread:index/directoryRole:DirectoryRole::grave","newState":` +
			`{"type":"azuread:index/directoryRole:DirectoryRole","inputs":{"templateId":"t"}}}`
		unjudged = `{"op":"create","urn":"urn:pulumi:dev::p::some:index:Thing::unjudged","newState":` +
			`{"type":"some:index:Thing","inputs":{"a":1}}}`
		unread = `{"op":"strange","urn":"urn:pulumi:dev::p::some:index:Thing::unread"}`
		same   = `{"op":"same","urn":"urn:pulumi:dev::p::azuread:index/group:Group::g","newState":` +
			`{"type":"azuread:index/group:Group","inputs":{"displayName":"g"}}}`
	)
	for name, c := range map[string]struct {
		steps []string
		class string
	}{
		"nothing":                     {[]string{same}, "works"},
		"not judged":                  {[]string{same, unjudged}, "undeclared"},
		"not read":                    {[]string{same, unread}, "undeclared"},
		"grave":                       {[]string{grave}, "broken"},
		"grave and not judged":        {[]string{grave, unjudged}, "broken"},
		"grave and not read":          {[]string{unread, grave}, "broken"},
		"grave, not judged, not read": {[]string{unread, unjudged, grave}, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewOf(t, `{"steps":[`+strings.Join(c.steps, ",")+`],"changeSummary":{}}`)
			assert.Contains(t, pageOf(t, r), `<p class="verdict `+c.class+`">`)
			var comment bytes.Buffer
			require.NoError(t, review.Markdown(&comment, r))
			mark := map[string]string{"works": "🟢", "undeclared": "⚠️", "broken": "🔴"}[c.class]
			assert.Contains(t, comment.String(), "## "+mark, "the comment begins alike")
		})
	}
}

func TestThePageNamesCommitAndDay(t *testing.T) {
	t.Parallel()
	p, err := engine.Read(strings.NewReader(testdata(t, "first")))
	require.NoError(t, err)
	at := time.Date(2026, 11, 28, 23, 30, 0, 0, time.FixedZone("west", -3600))
	for commit, want := range map[string]string{
		"":             `<p class="id">2026-11-29</p>`,
		"0123456789ab": `<p class="id">commit 0123456789ab, 2026-11-29</p>`,
		"0123456789ab and what is not <b>in it": `<p class="id">commit 0123456789ab and what is not &lt;b&gt;in it, ` +
			`2026-11-29</p>`,
	} {
		assert.Contains(t, pageOf(t, review.Make(p, review.Options{Now: at, Commit: commit})), want)
	}
}

// A team may decide on types that the review does not judge. A decision on a type that it judges, perhaps since a later
// version, hides nothing.
func TestADecisionHidesNothingThatIsJudged(t *testing.T) {
	t.Parallel()
	p, err := engine.Read(strings.NewReader(steps(
		[5]string{"create", "azure-native:keyvault:Vault", "vault", "", `"properties": {"accessPolicies": [{"objectId": ` +
			`"33333333-3333-4333-8333-333333333333", "permissions": {"secrets": ["get"]}}]}`},
		[5]string{"create", "acme:index:Widget", "widget", "", `"size": "1"`})))
	require.NoError(t, err)
	o := review.Options{Guardrails: guardrails.DefaultConfig()}
	for _, typ := range []string{"azure-native:keyvault:Vault", "acme:index:Widget"} {
		o.Guardrails.DecidedTypes = append(o.Guardrails.DecidedTypes, guardrails.DecidedType{Type: typ, Reason: "fine"})
	}
	r := review.Make(p, o)
	assert.True(t, r.NewAccess)
	assert.Empty(t, r.Unjudged)
	var text bytes.Buffer
	require.NoError(t, review.Text(&text, r))
	assert.Contains(t, text.String(), "guardrails.yaml decides on azure-native:keyvault:Vault, without effect")
	assert.Contains(t, text.String(), "1 changed resources of a type that was decided on in guardrails.yaml: "+
		"acme:index:Widget: fine")
}
