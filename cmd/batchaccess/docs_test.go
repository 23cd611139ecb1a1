package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

var update = flag.Bool("update", false, "write what the commands print into the docs")

const repository = "../.."

// shown is an example in the docs: the command in a comment, and below it its output. `| nothing` shows its exit code
// instead, `| drawing` a diagram without its comments.
var shown = regexp.MustCompile("(<!-- \\$ batchaccess (.+) -->\n```[a-z]*\n)((?s:.*?))(```\n)")

func TestTheDocsShowWhatTheCommandsPrint(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	files = append(files, filepath.Join(repository, "README.md"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		examples := 0
		now := shown.ReplaceAllStringFunc(string(text), func(example string) string {
			examples++
			parts := shown.FindStringSubmatch(example)
			return parts[1] + printed(t, parts[2]) + parts[4]
		})
		now = replaceRules(now)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o600))
		}
		assert.Equal(t, string(text), now, "go test ./cmd/batchaccess -run Docs -update writes %s again", file)
		assert.Equal(t, strings.Count(string(text), "<!-- $"), examples, "an example of %s has no block to print into", file)
	}
}

func printed(t *testing.T, command string) string {
	t.Helper()
	command, quiet := strings.CutSuffix(command, " | nothing")
	command, drawing := strings.CutSuffix(command, " | drawing")
	args := strings.Fields(command)
	for i, arg := range args {
		if strings.Contains(arg, "testdata/") || strings.HasPrefix(arg, "examples/") {
			args[i] = filepath.Join(repository, arg)
		}
	}
	if args[0] == "explain" && !slices.Contains(args, "-C") {
		args = append(args, "--dir", repository)
	}
	var out bytes.Buffer
	var stdout io.Writer = &out
	if quiet {
		stdout = io.Discard
	}
	code := runWith(t.Context(), args, stdout, &out)
	if quiet {
		fmt.Fprintf(&out, "exit code %d\n", code)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		if drawing && strings.HasPrefix(line, "%%") {
			continue
		}
		lines = append(lines, strings.TrimRight(line, " \n")+"\n")
	}
	return strings.Join(lines, "")
}

// replaceRules writes the table of the guardrails.
func replaceRules(text string) string {
	head := "| rule | what it asks for |\n|---|---|\n"
	before, after, found := strings.Cut(text, head)
	if !found {
		return text
	}
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	var rows strings.Builder
	for _, r := range guardrails.Rules() {
		fmt.Fprintf(&rows, "| `%s` | %s |\n", r.ID, r.Title)
	}
	return before + head + rows.String() + after
}
