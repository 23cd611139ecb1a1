package invoke

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the failures of docs/troubleshooting.md again")

// docs/troubleshooting.md has every failure that is recognised, with its cause and remedy.
func TestTheDocsHaveEveryFailure(t *testing.T) {
	t.Parallel()
	const page, start, end = "../../docs/troubleshooting.md", "<!-- failures -->\n", "<!-- end of failures -->\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), start)
	require.True(t, found)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found)
	var rows strings.Builder
	rows.WriteString("| text | cause | remedy |\n|---|---|---|\n")
	for _, s := range slices.Concat(signIns, notStarted, atStart, onData, notOfAccess) {
		said := slices.Concat(s.codes, s.phrases)
		if s.form != nil {
			said = append(said, s.form.String())
		}
		require.NotEmpty(t, said)
		for i := range said {
			said[i] = "`" + said[i] + "`"
		}
		cells := []string{strings.Join(said, ", "), s.means, strings.Join(s.remedy, "; ")}
		for _, grant := range s.grants {
			who := "the invoker"
			if grant.cluster {
				who = "the cluster identity"
			}
			cells[2] = strings.TrimPrefix(cells[2]+"; grant "+who+" "+grant.role, "; ")
		}
		for i := range cells {
			cells[i] = strings.NewReplacer("|", "\\|", "<", "\\<").Replace(cells[i])
		}
		fmt.Fprintf(&rows, "| %s |\n", strings.Join(cells, " | "))
	}
	now := before + start + rows.String() + end + after
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(now), 0o644))
		return
	}
	assert.True(t, now == string(text), "go test ./internal/invoke -run TheDocs -update writes %s again", page)
}
