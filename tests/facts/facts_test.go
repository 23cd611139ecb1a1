// Package facts checks product and sandbox against one table of what is believed about Azure. Neither was written from
// the other, nor from the table: a belief that only one of them has makes a test fail here.
package facts

import (
	"bufio"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fact struct{ kind, input, expected, by, source string }

// asked answers the input of a fact. Product and sandbox have a case for each kind, except kinds about which one of
// them has nothing to say.
type asked map[string]func(t *testing.T, input string) string

func TestProductAndSandboxHoldTheFacts(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	product, sandbox := productAnswers(), world.answers()
	for _, more := range []asked{ofClouds(), ofClusters(), ofFederation(), ofQuotas()} {
		maps.Copy(product, more)
	}
	for _, more := range []asked{cloudsOfSandbox(), world.clustersOfSandbox(), world.federationOfSandbox(),
		world.assignmentsOfSandbox(), world.quotasOfSandbox()} {
		maps.Copy(sandbox, more)
	}
	count := map[string]int{}
	for _, f := range read(t) {
		t.Run(f.kind+": "+f.input, func(t *testing.T) {
			if f.by != "product" {
				require.Contains(t, sandbox, f.kind, "the sandbox has no answer to facts of this kind")
				assert.Equal(t, f.expected, sandbox[f.kind](t, f.input), "the sandbox; %s", f.source)
			}
			switch f.by {
			case "both", "product":
				require.Contains(t, product, f.kind, "the product has no answer to facts of this kind")
				assert.Equal(t, f.expected, product[f.kind](t, f.input), "the product; %s", f.source)
			case "sandbox first":
				if held := product[f.kind](t, f.input) == f.expected; held && *update {
					write(t, f)
				} else if held {
					assert.Fail(t, "the product holds this now", "run go test ./tests/facts -update, which writes both")
				}
			}
		})
		count[f.by]++
	}
	t.Logf("%d facts hold in product and sandbox, %d more in the product alone and %d in the sandbox alone, of which the "+
		"product is to hold %d", count["both"], count["product"], count["sandbox"]+count["sandbox first"],
		count["sandbox first"])
}

var update = flag.Bool("update", false, "write in the table what the product holds now")

// write writes into the table that both hold a fact.
func write(t *testing.T, f fact) {
	t.Helper()
	text, err := os.ReadFile("cases.txt")
	require.NoError(t, err)
	line := func(by string) string {
		return strings.Join([]string{f.kind, f.input, f.expected, by, f.source},
			" | ") + "\n"
	}
	text = []byte(strings.Replace(string(text), line(f.by), line("both"), 1))
	require.NoError(t, os.WriteFile("cases.txt", text, 0o600))
}

// read reads the table, and refuses a line that neither would check.
func read(t *testing.T) (facts []fact) {
	t.Helper()
	file, err := os.Open("cases.txt")
	require.NoError(t, err)
	defer file.Close()
	seen := map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		columns := strings.Split(lines.Text(), " | ")
		require.Len(t, columns, 5, lines.Text())
		f := fact{columns[0], columns[1], columns[2], columns[3], columns[4]}
		require.False(t, seen[f.kind+f.input], "twice: %s", lines.Text())
		seen[f.kind+f.input] = true
		require.True(t, slices.Contains([]string{"both", "product", "sandbox", "sandbox first"}, f.by), lines.Text())
		require.NotEmpty(t, f.source)
		facts = append(facts, f)
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(facts), 150)
	return facts
}

// yes is an answer in the table's words.
func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func accepted(is bool) string {
	if is {
		return "accepted"
	}
	return "refused"
}

// pair splits an input of two parts.
func pair(input string) (first, second string) {
	first, second, _ = strings.Cut(input, " ; ")
	return first, second
}
