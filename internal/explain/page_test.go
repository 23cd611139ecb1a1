package explain_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/page/browser"
)

// peopled is the model with everything that only the page shows.
func peopled() access.Model {
	m := model()
	m.Invokers["ann"] = access.Invoker{Kind: access.User, UserPrincipalName: "ann@contoso.com",
		PrincipalID: access.Known("33333333-3333-4333-8333-333333333333")}
	m.Invokers["crew"] = access.Invoker{Kind: access.Group, DisplayName: "scoring-crew", Members: []string{"partner"}}
	m.Invokers["partner"] = access.Invoker{Kind: access.ServicePrincipal, ClientSecrets: map[string]signin.ClientSecret{
		"2026": {StartDate: "2026-11-01", EndDate: "2028-10-31 00:00:00 +0000 UTC"}}}
	m.Clusters["gpu"] = access.Cluster{ComputeName: "gpu-scoring"}
	return m
}

func page(t *testing.T) (string, explain.Explanation) {
	t.Helper()
	x := made("dev", peopled())
	x.Facts.Commit, x.Facts.Day, x.Facts.Location = "0123456789ab", "2026-11-28", "westeurope"
	x.Facts.Regions = map[string]string{"gpu": "northeurope"}
	return write(t, "html", x), x
}

// rowOf is the text of a row of a table in a section.
func rowOf(t *testing.T, page, section, name string) string {
	t.Helper()
	part := regexp.MustCompile(`(?s)<section id="` + section + `".*?</section>`).FindString(page)
	row := regexp.MustCompile(`<tr[^>]*><th scope="row">` + name + `</th>.*</tr>`).FindString(part)
	require.NotEmpty(t, row, "%s in %s", name, section)
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(row, " "))
}

func TestThePageSaysWhoAndWhatTheNamesStandFor(t *testing.T) {
	t.Parallel()
	got, x := page(t)
	assert.Contains(t, got, `<p class="id">region westeurope, commit 0123456789ab, 2026-11-28</p>`)
	for name, says := range map[string][]string{
		"ann": {"user", "ann@contoso.com", "object ID 33333333-3333-4333-8333-333333333333"},
		"pipeline": {"repo:contoso/scoring:ref:refs/heads/main", "https://token.actions.githubusercontent.com",
			"made by the stack"},
		"partner": {"secret", "2026", "ends 2028-10-31 "},
		"crew":    {"scoring-crew", "made by the stack, of partner"},
	} {
		for _, s := range says {
			assert.Contains(t, rowOf(t, got, "people", name), s)
		}
	}
	assert.Regexp(t, `cpu\s+cpu\s+systemAssigned\s+westeurope`, rowOf(t, got, "places", "cpu"))
	assert.Regexp(t, `gpu\s+gpu-scoring\s+systemAssigned\s+northeurope`, rowOf(t, got, "places", "gpu"))
	assert.Regexp(t, `lake\s+lake\s+data\s+11111111-1111-4111-8111-111111111111`, rowOf(t, got, "places", "lake"))
	assert.Contains(t, rowOf(t, got, "places", "archive"), "data store archive, 2025, by the store's credential")
	assert.Contains(t, rowOf(t, got, "places", "scores"), "data store scores, lake/scores/s, by identities")

	graph := regexp.MustCompile(`(?s)<svg.*</svg>`).FindString(got)
	assert.Contains(t, graph, "<title>jobs on heart write scores</title>")
	assert.Contains(t, graph, `<title>scores, data output</title>`)
	indirect := 0
	for _, w := range x.Ways {
		does := "reads " + w.Input
		switch {
		case w.Output != "":
			does = "writes " + w.Output
		case w.Ends != "":
			continue
		}
		for _, who := range w.Who {
			if strings.HasPrefix(who, "cluster:") {
				continue
			}
			indirect++
			assert.Contains(t, graph, "<title>"+who+", indirectly: "+does+"</title>")
		}
	}
	assert.NotZero(t, indirect)
	assert.NotContains(t, graph, "indirectly: reaches", "what every invoker reaches alike is not drawn")
	for _, w := range x.Ways {
		assert.Contains(t, html.UnescapeString(got), w.How())
	}
}

// Ends of ways that are no data, and that only some invokers reach, are nodes below the data: here the identity that
// one of them can become.
func TestThePageDrawsWhatOnlySomeReach(t *testing.T) {
	t.Parallel()
	m := peopled()
	const id = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
		"Microsoft.ManagedIdentity/userAssignedIdentities/robot"
	m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: id,
		PrincipalID: access.Known("44444444-4444-4444-8444-444444444444")}
	m.Clusters["own"] = access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: access.Known(id)}
	graph := regexp.MustCompile(`(?s)<svg.*</svg>`).FindString(write(t, "html", made("dev", m)))
	assert.Regexp(t, `<title>ann, indirectly: reaches (robot|cluster:own)</title>`, graph)
	assert.Regexp(t, `<title>(robot|cluster:own), no data</title>`, graph)
	assert.NotContains(t, graph, "robot, indirectly: reaches robot")
	assert.NotContains(t, graph, "reaches cluster:gpu", "all of them do")
}

func TestThePageSaysNothingThatIsNotKnown(t *testing.T) {
	t.Parallel()
	m := peopled()
	m.StorageAccounts["lake"] = access.Later(nil)
	got := write(t, "html", made("dev", m))
	assert.NotContains(t, got, "region ")
	assert.NotContains(t, got, "commit ")
	assert.Regexp(t, `lake\s+\S+ \S+`, rowOf(t, got, "places", "lake"), "known later, and no subscription")
	assert.NotContains(t, rowOf(t, got, "places", "lake"), "11111111")
}

// A real browser, if there is one, shows the page: light and dark, wide and narrow, and with a reader's choices.
func TestABrowserShowsThePage(t *testing.T) {
	t.Parallel()
	got, _ := page(t)
	for _, l := range browser.Look(t, got) {
		assert.Equal(t, []string{"ann", "partner", "pipeline"}, l.Rows["all"])
		assert.Equal(t, 4, l.Columns["all"])
		for _, who := range l.Rows["all"] {
			assert.Equal(t, []string{who}, l.Rows[who])
			assert.Equal(t, 4, l.Columns[who])
			assert.Less(t, l.Lines[who], l.Lines["all"])
		}
		for what, columns := range map[string]int{
			"heart": 1, "history": 2, "ping": 1, "patients": 1, "archive": 1, "records": 1, "scores (output)": 1,
		} {
			assert.Equal(t, columns, l.Columns[what], what)
			assert.Len(t, l.Rows[what], 3)
			assert.Less(t, l.Lines[what], l.Lines["all"], what)
		}
	}
}

// A name that equals a class of the page chooses nothing else: strangers choose names.
func TestNamesChooseNothingButThemselves(t *testing.T) {
	t.Parallel()
	m := model()
	m.Endpoints["p-2"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"patients"}, Outputs: []string{"scores"}}
	m.Invokers["p1"] = access.Invoker{Kind: access.User, PrincipalID: access.Known("77777777-7777-4777-8777-777777777777")}
	got := write(t, "html", made("dev", m))
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(got)[1]
	assert.NotContains(t, style, "heart")
	options := regexp.MustCompile(`<option class="(\w+)">`).FindAllStringSubmatch(got, -1)
	var classes []string
	for _, o := range options {
		assert.Regexp(t, `^[ped]\d+$`, o[1])
		classes = append(classes, o[1])
	}
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(classes))), len(classes), "no class twice")
}

// A path may be undecided for many reasons, not only because the role's permissions are not known.
func TestThePageSaysWhatUndecidedMeansWhereAPathIs(t *testing.T) {
	t.Parallel()
	m := model()
	assert.NotContains(t, write(t, "html", made("dev", m)), ">undecided<")
	m.Services = services.WorkspaceServices{LookUp: true}
	x := made("dev", m)
	require.True(t, slices.ContainsFunc(x.Paths, func(p explain.Path) bool { return p.Undecided }))
	got := write(t, "html", x)
	assert.Contains(t, got, `<span class="undeclared">undecided</span> it is not known here whether it works`)
	assert.Contains(t, got, "works undeclared or is undecided")
}
