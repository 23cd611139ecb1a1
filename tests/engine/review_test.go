package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

func (d *deployment) review(flags ...string) review.Review {
	d.t.Helper()
	p, err := engine.Read(strings.NewReader(d.pulumi(append([]string{"preview", "--json", "--non-interactive"},
		flags...)...)))
	require.NoError(d.t, err)
	return review.Make(p, review.Options{Now: time.Now(), Guardrails: guardrails.DefaultConfig()})
}

// The previews in internal/review/testdata are of another, smaller stack. The engine's previews of this one have the
// same form, and review finds the change in them, whether or not unchanged resources are shown.
func TestReviewUnderstandsTheEngine(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	d := deploy(t, state)
	first := d.review()
	assert.Empty(t, first.Unread)
	assert.Empty(t, first.Guardrails, "the sample is clean")
	assert.True(t, first.NewAccess)
	d.up()
	for _, flags := range [][]string{nil, {"--show-sames"}} {
		assert.Equal(t, "No change of access", d.review(flags...).Verdict)
	}
	d.close()
	for name, c := range map[string]struct {
		edit    [2]string
		verdict string
	}{
		"an action more": {[2]string{"additions: [pollJobs]", "additions: [pollJobs, cancelJobs]"},
			"Medium risk: 6 principals gain access, 1 role widened"},
		"an action less": {[2]string{"additions: [pollJobs]", "additions: []"},
			"Low risk: 6 principals lose access, 1 role narrowed"},
		"a wider scope": {[2]string{"additions: [pollJobs]", "{ scope: resourceGroup, additions: [pollJobs] }"},
			"High risk: 6 principals gain access"},
		"a reader more": {[2]string{"invokers: [release-manager, pipeline, scheduler]",
			"invokers: [release-manager, pipeline, scheduler, partner]"}, "Medium risk: 1 principal gains access, 1 job " +
			"starts to work"},
		"a reader less": {[2]string{"invokers: [release-manager, pipeline, scheduler]",
			"invokers: [release-manager, pipeline]"}, "Low risk: 1 principal loses access, 2 jobs stop working"},
		// Azure can't give the cluster this: it makes another one, with another identity
		"a bigger machine": {
			[2]string{"vmSize: Standard_D4ds_v5", "vmSize: Standard_D8ds_v5"},
			"Medium risk: 1 principal gains access, 1 principal loses access, 1 managed identity changes, " +
				"1 interruption or rename",
		},
	} {
		if strings.HasPrefix(c.edit[1], "{") { // another form of the same object
			c.edit = [2]string{"role:\n    additions: [pollJobs]", "role: " + c.edit[1]}
		}
		d := deploy(t, state, c.edit[0], c.edit[1])
		for _, flags := range [][]string{nil, {"--show-sames"}} {
			r := d.review(flags...)
			assert.Empty(t, r.Unread, name)
			assert.Equal(t, c.verdict, r.Verdict, "%s %v", name, flags)
		}
		d.close()
	}
}

// Every key that a step in review's test data has, the engine still writes, and the reverse.
func TestTheEngineStillWritesWhatReviewWasTestedWith(t *testing.T) {
	t.Parallel()
	d := deploy(t, t.TempDir())
	defer d.close()
	const own = "batchaccess:index:BatchEndpointAccess$batchaccess:index:InvokerRole$azure-native:authorization:" +
		"RoleAssignment::access.analysts"
	stored, err := os.ReadFile(filepath.Join(root, "internal", "review", "testdata", "first.json"))
	require.NoError(t, err)
	assert.Equal(t, formOf(t, stored, own), formOf(t, []byte(d.pulumi("preview", "--json", "--non-interactive")), own))
}

// formOf is the step of a resource without its values: texts only say whether they are known.
func formOf(t *testing.T, preview []byte, urnEnd string) any {
	t.Helper()
	var digest struct {
		Steps []map[string]any `json:"steps"`
	}
	require.NoError(t, json.Unmarshal(preview, &digest))
	for _, s := range digest.Steps {
		if strings.HasSuffix(s["urn"].(string), urnEnd) {
			return form(s)
		}
	}
	require.Fail(t, "no such step", urnEnd)
	return nil
}

func form(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for key, item := range v {
			if key != "stackTrace" && key != "sourcePosition" { // they name a machine's paths
				m[key] = form(item)
			}
		}
		return m
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = form(v[i])
		}
		return all
	case string:
		return map[bool]string{true: "unknown", false: "text"}[v == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]
	default:
		return v
	}
}
