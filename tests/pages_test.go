package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/sources"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

// pages are the texts for users, by their path in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	require.NoError(t, err)
	for _, name := range []string{"README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"} {
		files = append(files, filepath.Join(repository, name))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		path, err := filepath.Rel(repository, file)
		require.NoError(t, err)
		all[path] = string(text)
	}
	return all
}

func TestTheReadmeIsShort(t *testing.T) {
	t.Parallel()
	assert.Less(t, len(strings.Fields(pages(t)["README.md"])), 900, "words of README.md")
}

func TestEachPageOpensWithItsQuestionAndNamesItsLimits(t *testing.T) {
	t.Parallel()
	for path, text := range pages(t) {
		if strings.HasPrefix(path, "docs") {
			paragraphs := strings.SplitN(text, "\n\n", 3)
			asks := strings.HasSuffix(paragraphs[0], "?") || strings.HasSuffix(paragraphs[1], "?")
			assert.True(t, asks, "%s does not open with a question", path)
			assert.Contains(t, text, "\n## Limitations\n", path)
		}
	}
}

// block is a block of code, with the line above it and its language.
var block = regexp.MustCompile("(?ms)^([^\n]*)\n *```([a-z]*)$.*?^ *```$")

// unwritten are the blocks with the output of a command (they name no language, or text) that no test writes. These
// tests write them: TestTheDocsShowWhatTheCommandsPrint, and TestTheSamplePasses of sandbox/rehearsal.
// TestTheDocsHaveEveryCommand writes all of docs/commands.md.
func unwritten(path, text string) (outputs int, wrong []string) {
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if path == "docs/commands.md" || found[2] != "" && found[2] != "text" {
			continue
		}
		outputs++
		above := strings.TrimSpace(found[1])
		if !strings.HasPrefix(above, "<!-- $ batchaccess ") && !strings.HasPrefix(above, "<!-- rehearsal of the sample: ") {
			wrong = append(wrong, found[0])
		}
	}
	return outputs, wrong
}

func TestEveryOutputInTheDocsIsWrittenByATest(t *testing.T) {
	t.Parallel()
	shown := 0
	for path, text := range pages(t) {
		outputs, wrong := unwritten(path, text)
		assert.Empty(t, wrong, path)
		shown += outputs
	}
	assert.Greater(t, shown, 10, "the outputs are found")
	const printed = "\n```\n3 of 3 paths work\n```\n"
	for _, text := range []string{
		"It prints:\n" + printed, "1. It prints:\n   ```text\n   3 of 3\n   ```\n", "<!-- $ -->" + printed,
		"```sh\nbatchaccess explain\n```\n" + printed, "<!-- go a_test.go F -->" + printed,
		"<!-- $ batchaccess explain -->\n```sh\nbatchaccess explain\n```\n" + printed,
	} {
		_, wrong := unwritten("docs/parts.md", text)
		assert.Len(t, wrong, 1, text)
	}
	_, wrong := unwritten("docs/parts.md", "<!-- $ batchaccess explain -->"+printed+"\n```sh\nbatchaccess explain\n```\n")
	assert.Empty(t, wrong)
}

// shellLines are the lines for a shell on the pages, by their beginning, with the test that runs the same.
var shellLines = map[string]string{
	"make rehearse ": "sandbox/rehearsal.TestTheSamplePasses",
	"make test ":     "tests.TestTheDocsNameTargetsOfTheMakefile",
	"go get github.com/batchaccess/batchaccess ": "tests.TestAModuleGetsTheComponentsAsTheDocsSay",
	"go mod edit ":                  "tests.TestTheDocsShowAModuleWhereTheComponentsAre",
	"go mod tidy":                   "tests.TestAModuleGetsTheComponentsAsTheDocsSay",
	"batchaccess sandbox --exists ": "cmd/batchaccess.TestWhatAStackOfPartsRefersToExists",
	"pulumi package add ":           "tests.TestPulumiReadsThePackageOfTheDocs",
	"pulumi preview --policy-pack ": "tests/engine.TestThePoliciesStopWhatTheConfigurationAllows",
}

var testForm = regexp.MustCompile(`^([a-z/]+)\.(Test\w+)$`)

// unrun are the lines for a shell on a page that shellLines does not have. used notes those that it has.
func unrun(text string, used map[string]bool) (lines []string) {
	for _, found := range shellBlocks.FindAllStringSubmatch(text, -1) {
	next:
		for line := range strings.Lines(strings.TrimSpace(found[1]) + "\n") {
			for begins := range shellLines {
				if strings.HasPrefix(strings.TrimLeft(line, " "), begins) {
					used[begins] = true
					continue next
				}
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestEveryLineForAShellIsRunByATest(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for path, text := range pages(t) {
		assert.Empty(t, unrun(text, used), "%s: name in shellLines the test that runs this", path)
	}
	for begins, by := range shellLines {
		assert.True(t, used[begins], "no page has a line that begins with %q", begins)
		test := testForm.FindStringSubmatch(by)
		require.NotNil(t, test, by)
		files, err := filepath.Glob(filepath.Join(repository, test[1], "*_test.go"))
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(source), "func "+test[2]+"(")
		}), "there is no test %s", by)
	}
	assert.Len(t, unrun("```sh\nmake rehearse # all\nbatchaccess fly\n```\n1. a\n   ```sh\n   rm -r x\n   ```\n", used), 2)
}

// alike is how many words in a row may be the same on two pages: names of commands, keys and roles are.
const alike = 9

// saidTwice are the runs of words that are on two pages, with the pages. Text that tests write is left out: outputs,
// code, help, and the tables of keys.
func saidTwice(all map[string]string) map[string][]string {
	first, twice := map[string]string{}, map[string][]string{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if path == "docs/commands.md" || path == "CHANGELOG.md" {
			continue
		}
		text := written.ReplaceAllString(fenced.ReplaceAllString(all[path], ""), "")
		words := wordOf.FindAllString(strings.ToLower(link.ReplaceAllString(text, "]")), -1)
		for i := range max(0, len(words)-alike) {
			run := strings.Join(words[i:i+alike+1], " ")
			if first[run] == "" {
				first[run] = path
			} else if first[run] != path {
				twice[run] = []string{first[run], path}
			}
		}
	}
	return twice
}

var (
	written = regexp.MustCompile(`(?s)<!-- keys -->.*<!-- end of keys -->|<!-- failures -->.*<!-- end of failures -->`)
	wordOf  = regexp.MustCompile(`[\pL\pN_']+`)
)

func TestNothingIsSaidOnTwoPages(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for run, paths := range saidTwice(all) {
		// The scenarios are alike on purpose, and the README repeats the questions with which pages open.
		if !strings.Contains(paths[0], "/scenario-") && !(paths[0] == "README.md" && asksFirst(all[paths[1]], run)) {
			t.Errorf("%s and %s both say %q: let one link the other", paths[0], paths[1], run)
		}
	}
	const said = "Azure acts on a new assignment only after some minutes, as a rule ten."
	assert.NotEmpty(t, saidTwice(map[string]string{"docs/a.md": "# A\n\n" + said, "docs/b.md": "# B\n\n" + said}))
	assert.Empty(t, saidTwice(map[string]string{"docs/a.md": "# A\n\n" + said + "\n" + said, "docs/b.md": "# B\n"}))
}

// asksFirst reports whether a run of words is part of the question with which the page opens.
func asksFirst(page, run string) bool {
	question := strings.ToLower(strings.Join(strings.SplitN(page, "\n\n", 3)[:2], " "))
	return strings.Contains(strings.Join(wordOf.FindAllString(question, -1), " "), run)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// broken are the links of a page to files and headings that do not exist.
func broken(path, text string, all map[string]string) (links []string) {
	for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		if strings.Contains(found[1], "://") {
			continue
		}
		to, anchor, _ := strings.Cut(found[1], "#")
		at := path
		if to != "" {
			at = filepath.Join(filepath.Dir(path), to)
		}
		_, err := os.Stat(filepath.Join(repository, at))
		if err != nil || anchor != "" && !slices.Contains(anchors(all[at]), anchor) {
			links = append(links, found[1])
		}
	}
	return links
}

// anchors are GitHub's anchors of a page's headings.
func anchors(text string) (all []string) {
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for path, text := range all {
		assert.Empty(t, broken(path, text, all), path)
	}
	page := "# One\n[a](none.md) [b](#two) [c](../README.md#none) [d](#one) [e](../README.md) [f](https://example.com)"
	assert.Equal(t, []string{"none.md", "#two", "../README.md#none"}, broken("docs/parts.md", page, map[string]string{
		"docs/parts.md": page, "README.md": all["README.md"],
	}))
}

func TestEveryPageIsLinked(t *testing.T) {
	t.Parallel()
	all := pages(t)
	linked := map[string]bool{"README.md": true}
	for path, text := range all {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			to, _, _ := strings.Cut(found[1], "#")
			linked[filepath.Join(filepath.Dir(path), to)] = true
		}
	}
	for path := range all {
		assert.True(t, linked[path], "no page links %s", path)
	}
}

func TestTheReadmeNamesTheVersionsThatAreUsed(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	require.NoError(t, err)
	of := func(text []byte, pattern string) string {
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(t, found, pattern)
		return string(found[1])
	}
	schema, err := os.ReadFile(filepath.Join(repository, "sdks", "schemas", "azuread.json"))
	require.NoError(t, err)
	readme := pages(t)["README.md"]
	for _, row := range []string{
		"| Go | " + of(module, `(?m)^go (\S+)$`) + " or later |",
		"| Pulumi CLI | " + pulumicli.MinVersion + " or later |",
		"| Pulumi SDK | " + of(module, `pulumi/sdk/v3 v(\S+)`) + " |",
		"| azure-native | " + of(module, `pulumi-azure-native-sdk/v2 v(\S+)`) + " |",
		"| azuread | " + of(schema, `"version": "([^"]+)"`) + " |",
	} {
		assert.Contains(t, readme, row)
	}
}

// docs/evidence.md has each fuzz target with the property in its comment, and with what people wrote of its runs.
func TestTheDocsHaveEveryFuzzTarget(t *testing.T) {
	t.Parallel()
	const head = "| fuzz target | what it holds | runs |\n|---|---|---|\n"
	text := pages(t)["docs/evidence.md"]
	before, after, found := strings.Cut(text, head)
	require.True(t, found)
	runs := map[string]string{}
	for strings.HasPrefix(after, "|") {
		var line string
		line, after, _ = strings.Cut(after, "\n")
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		runs[cells[0]] = cells[len(cells)-1]
	}
	var rows []string
	require.NoError(t, sources.Walk(repository, func(path string) error {
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range parsed.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			folder, err := filepath.Rel(repository, filepath.Dir(path))
			if err != nil {
				return err
			}
			holds := strings.Join(strings.Fields(f.Doc.Text()), " ")
			assert.NotEmpty(t, holds, "%s.%s: write above it what it holds", folder, f.Name.Name)
			target := fmt.Sprintf("`%s.%s`", folder, f.Name.Name)
			assert.NotEmpty(t, runs[target], "%s: write into docs/evidence.md how often it ran", target)
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", target, strings.ReplaceAll(holds, "|", "\\|"), runs[target]))
		}
		return nil
	}))
	slices.Sort(rows)
	now := before + head + strings.Join(rows, "") + after
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "evidence.md"), []byte(now), 0o600))
		return
	}
	assert.Equal(t, now, text, "go test ./tests -run TheDocs -update writes docs/evidence.md again")
}
