package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// The conditions on which the pipelines fail: ci/review.sh, which ci's tests compare with this.
var pipeline = []string{"guardrails", "jobs", "unjudged"}

// tests/engine/corpus_test.go made the previews of the corpus with the real engine. cases.yaml says what the review of
// each must say. All that hand out access are stopped or are new access, and those that hand out none pass.
func TestTheCorpus(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/corpus/cases.yaml")
	require.NoError(t, err)
	var file struct {
		Guardrails string
		Cases      []struct {
			Case, Says        string
			Stopped, Reported bool
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	config, err := guardrails.ParseConfig([]byte(file.Guardrails), time.Time{})
	require.NoError(t, err)
	text, err = os.ReadFile("testdata/corpus/previews.json")
	require.NoError(t, err)
	var previews map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &previews))
	require.Len(t, previews, len(file.Cases), "a case, and one of its name")
	var stopped, reported, passed []string
	for _, c := range file.Cases {
		switch {
		case c.Stopped:
			stopped = append(stopped, c.Case)
		case c.Reported:
			reported = append(reported, c.Case)
		default:
			passed = append(passed, c.Case)
		}
		t.Run(c.Case, func(t *testing.T) {
			t.Parallel()
			o := options
			o.Guardrails = config
			said := func(preview []byte) (review.Review, string) {
				p, err := engine.Read(bytes.NewReader(preview))
				require.NoError(t, err)
				r := review.Make(p, o)
				var out bytes.Buffer
				require.NoError(t, review.Text(&out, r))
				return r, out.String()
			}
			r, text := said(previews[c.Case])
			if !c.Stopped { // a preview in which nothing is known is partial, which stops a pipeline too
				assert.Empty(t, r.Unread)
			}
			met, err := r.Met(pipeline)
			require.NoError(t, err)
			assert.Equal(t, c.Stopped, len(met) > 0, "%v: %s", met, text)
			if c.Reported {
				assert.True(t, r.NewAccess, text)
			}
			if !c.Stopped && !c.Reported {
				assert.False(t, r.NewAccess, text)
			}
			assert.Contains(t, text, c.Says)
			met, err = r.Met(append([]string{"new-access"}, pipeline...))
			require.NoError(t, err)
			assert.Equal(t, c.Stopped || c.Reported, len(met) > 0, "%v: %s", met, text)
			if c.Stopped {
				assert.NotContains(t, text, "No change of access")
			}
			_, again := said(shuffled(t, previews[c.Case]))
			assert.Equal(t, text, again, "in another order of steps")
		})
	}
	assert.GreaterOrEqual(t, len(stopped)+len(reported), 120)
	assert.GreaterOrEqual(t, len(passed), 40)
	table := fmt.Sprintf("| previews | number | a pipeline as it comes | one that sets `new-access` too "+
		"|\n|---|---|---|---|\n"+
		"| hand out access that no rule allows, or what is not judged | %d | stops all | stops all |\n"+
		"| hand out access within the rules | %[2]d | reports all as new access, for a person to approve | stops all |\n"+
		"| hand out nothing | %[3]d | passes all | passes all |\n", len(stopped), len(reported), len(passed))
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	require.NoError(t, err)
	assert.True(t, strings.Contains(string(docs), table), "docs/evidence.md must have this table:\n%s", table)
}

// shuffled puts the steps of a preview in another order.
func shuffled(t *testing.T, preview []byte) []byte {
	t.Helper()
	var digest map[string]any
	require.NoError(t, json.Unmarshal(preview, &digest))
	steps := digest["steps"].([]any)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	text, err := json.Marshal(digest)
	require.NoError(t, err)
	return text
}
