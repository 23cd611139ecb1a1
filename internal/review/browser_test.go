package review_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/page/browser"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/review"
)

// replaced is a change in which one invoker goes, another comes, and an endpoint reads something else.
func replaced() review.Review {
	now := scoring()
	now.Invokers["eve"] = access.Invoker{Kind: access.User,
		UserPrincipalName: strings.Repeat("eve.of.a.long.name", 5) + "@x.test",
		PrincipalID:       access.Known("55555555-5555-4555-8555-555555555555")}
	delete(now.Invokers, "bob")
	now.Endpoints["heart"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"patients"},
		Invokers: []string{"ann", "eve"}}
	now.Endpoints["tags"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"images", "patients"},
		Invokers: []string{"ann"}}
	return review.Compare("dev", review.Configured{Plan: plans.Of(scoring())}, review.Configured{Plan: plans.Of(now)},
		options)
}

// A real browser, if there is one, shows the page of a change. A reader can keep one person, endpoint or input of it,
// before and after.
func TestABrowserShowsTheReview(t *testing.T) {
	t.Parallel()
	text := pageOf(t, replaced())
	if file := os.Getenv("REVIEW_PAGE"); file != "" { // a folder for pictures to look at
		assert.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	for _, l := range browser.Look(t, text) {
		about := func(choice string) string { return strings.Join(l.Listed[choice], "\n") }
		for _, who := range []string{"ann", "bob", "eve"} {
			assert.Contains(t, l.Lines, who)
			assert.NotZero(t, l.Lines[who], who)
			assert.Less(t, l.Lines[who], l.Lines["all"], who)
		}
		assert.Contains(t, about("eve"), "gains")
		assert.NotContains(t, about("eve"), "bob")
		assert.Contains(t, about("bob"), "loses")
		assert.NotContains(t, about("bob"), "invoker eve")
		for _, what := range []string{"heart", "tags", "images", "patients"} {
			assert.NotZero(t, l.Lines[what], what)
			assert.Less(t, l.Lines[what], l.Lines["all"], what)
		}
		assert.Contains(t, about("tags"), "starts")
		assert.NotContains(t, about("tags"), "stopsbobheart", "a job of another endpoint")
		assert.Contains(t, about("patients"), "stopsbobheart")
		assert.NotContains(t, about("images"), "stopsbobheart", "a job on other data")
	}
}
