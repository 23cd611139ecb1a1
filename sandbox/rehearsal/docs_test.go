package rehearsal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what a rehearsal of the sample prints into the docs")

// shown is an excerpt of the sample's rehearsal in the docs: in a comment the beginning of each line that is shown, and
// below it the lines, with … for lines that are left out.
var shown = regexp.MustCompile("(?s)(<!-- rehearsal of the sample: ([^>]*) -->\n```\n)(.*?)(```\n)")

func excerpt(t *testing.T, printed string, beginnings []string) string {
	t.Helper()
	var out strings.Builder
	left := false
	for line := range strings.Lines(printed) {
		line = strings.TrimRight(line, " \n")
		words := strings.Join(strings.Fields(line), " ")
		if len(beginnings) == 0 || !strings.HasPrefix(words, beginnings[0]) {
			left = true
			continue
		}
		if left {
			out.WriteString("…\n")
		}
		left = false
		out.WriteString(line + "\n")
		beginnings = beginnings[1:]
	}
	require.Empty(t, beginnings, "a rehearsal of the sample prints no line that begins so, or not in this order:\n%s",
		printed)
	return out.String()
}

// theDocsShow compares the docs with the output of the sample's rehearsal.
func theDocsShow(t *testing.T, report *Report) {
	t.Helper()
	var printed bytes.Buffer
	require.NoError(t, report.Write(&printed, false))
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	var are, should []string
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		now := shown.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := shown.FindStringSubmatch(block)
			lines := excerpt(t, printed.String(), strings.Split(parts[2], "; "))
			are, should = append(are, parts[3]), append(should, lines)
			return parts[1] + lines + parts[4]
		})
		if *update && now != string(text) {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o644))
		}
	}
	assert.NotEmpty(t, should, "no page shows a rehearsal")
	assert.Equal(t, should, are, "go test ./sandbox/rehearsal -run TestTheSamplePasses -update writes the docs again")
}
