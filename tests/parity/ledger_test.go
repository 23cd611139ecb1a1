package parity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// ledger is the text of docs/parity.md. Every operation that the sandbox serves must have a case.
func ledger(t *testing.T, outcomes []outcome, bodies []body) string {
	t.Helper()
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	kinds := map[string]int{}
	for _, o := range outcomes {
		kind, _, _ := strings.Cut(o.source, " ")
		kinds[kind]++
	}
	p("# Parity\n\nWhat does the sandbox know about Azure, and from where?\n")
	p("The sandbox serves what is in the tables, and refuses the rest: an unknown collection gets a 404, and an\n" +
		"unknown key, filter or api-version gets Azure's refusal. If Azure's answer depends on something that the sandbox\n" +
		"does not model, such as networks, the answer is `NotModelledBySandbox` (501, or a failed job).\n")
	p("`go test ./tests/parity -update` writes this page from `tests/parity/cases.txt`, whose lines have a request,\n" +
		"its answer and a source, and from `tests/parity/bodies.txt`, which has the fields of Azure's API\n" +
		"specification. The tests send every request to the sandbox.\n")
	p("%d requests on %d operations. Of the answers, %d are known from the API specification, %d from fact sheets or\n"+
		"the article, %d from answers of Azure that azure-ai-ml's tests recorded, and %d from other people's clients and\n"+
		"code, which depend on them, or from issues and reference pages that quote them. %d are the sandbox's own refusals\n"+
		"of what it does not model, and %d are guesses, most of them the code of a refusal that no document names.\n",
		len(outcomes), len(shortened()), kinds["spec"], kinds["sheet"]+kinds["page"]+kinds["seed"], kinds["recording"],
		kinds["client"]+kinds["code"]+kinds["issue"]+kinds["docs"], kinds["sandbox"], kinds["guess"])
	p("## Guesses\n\nNo document confirms these. A rehearsal names those that its result depends on.\n")
	p("| guess | what the sandbox does |\n|---|---|")
	for _, g := range azure.Guesses() {
		p("| %s | %s |", g.Name, g.What)
	}
	p("\n## Operations\n\nA resource type is named by its last word; with a `/` at the end it is the collection.\n")
	p("| operation | answers | refuses | known from |\n|---|---|---|---|")
	names := shortened()
	tried := map[string][]outcome{}
	for _, o := range outcomes {
		tried[o.operation] = append(tried[o.operation], o)
	}
	for _, operation := range sorted(names) {
		var answers, refuses, sources []string
		for _, o := range tried[operation] {
			list := &refuses
			if strings.HasPrefix(o.answer, "2") {
				list = &answers
			}
			*list = appendNew(*list, o.answer)
			sources = appendNew(sources, o.source)
		}
		assert.NotEmpty(t, tried[operation], "cases.txt has no case of %s", operation)
		p("| `%s` | %s | %s | %s |", operation, strings.Join(answers, ", "), strings.Join(refuses, ", "),
			strings.Join(sources, "; "))
	}
	p("\n## Bodies\n\nEach field that the sandbox answers is one of Azure's, of its type. What it leaves out:\n")
	p("| body | compared with | fields answered | left out |\n|---|---|---|---|")
	for _, body := range bodies {
		p("| %s | %s | %d | %s |", body.name, body.from, len(body.answered), strings.Join(body.leftOut, ", "))
	}
	p("\nBesides, it answers these, which the examples lack:\n\n| field | known from |\n|---|---|")
	for _, field := range sorted(beyond) {
		p("| %s | %s |", field, beyond[field])
	}
	p("\n## Limitations\n\nThe guesses may be wrong, and nothing here was run against Azure.")
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func appendNew(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
