package review_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/review"
)

// The page's first line has the colour of the gravest thing that the review says: nothing that is milder, or that is
// not known, takes it away.
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
			page := pageOf(t, reviewOf(t, `{"steps":[`+strings.Join(c.steps, ",")+`],"changeSummary":{}}`))
			assert.Contains(t, page, `<p class="verdict `+c.class+`">`)
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
		"0123456789ab and what is not <b>in it": `<p class="id">` +
			`commit 0123456789ab and what is not &lt;b&gt;in it, 2026-11-29</p>`,
	} {
		assert.Contains(t, pageOf(t, review.Make(p, review.Options{Now: at, Commit: commit})), want)
	}
}
