package explain_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
)

// withOwners is the model with an owner of each part. Their names are markup in every format.
func withOwners() access.Model {
	m := model()
	owner := func(of string) string { return of + " <b>|`@all` $x$ #1" }
	ann, archive, scores := m.Invokers["ann"], m.DataInputs["archive"], m.DataOutputs["scores"]
	patients, heart, cpu := m.DataInputs["patients"], m.Endpoints["heart"], m.Clusters["cpu"]
	ann.Owner, archive.Owner, scores.Owner = owner("Ann Inc"), owner("Archive"), owner("Scores")
	patients.Owner, heart.Owner, cpu.Owner = owner("Clinic"), owner("Heart"), owner("Cluster")
	m.Invokers["ann"], m.DataInputs["archive"], m.DataOutputs["scores"] = ann, archive, scores
	m.DataInputs["patients"], m.Endpoints["heart"], m.Clusters["cpu"] = patients, heart, cpu
	return m
}

func TestEveryFormatSaysWhoAnswersForWhat(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"txt": {"owner: Ann Inc <b>|`@all` $x$ #1; data: Clinic <b>|`@all` $x$ #1", "\nOWNERS\n",
			"endpoints.heart", "Heart <b>|", "dataInputs.archive (owner: Archive <b>|"},
		"md": {"| Ann Inc &#60;b&#62;&#124;&#96;&#64;&#8203;all&#96; &#36;&#8203;x&#36;&#8203; &#35;&#8203;1; data: Clinic ",
			"### Owners", "| endpoints.heart | Heart ", "**dataInputs.archive (owner: Archive &#60;b&#62;"},
		"html": {"<td>Ann Inc &lt;b&gt;|`@all` $x$ #1; data: Clinic &lt;b&gt;", `<section id="owners"`,
			"<td>Archive &lt;b&gt;", "<dt>dataInputs.archive (owner: Archive &lt;b&gt;",
			`<th scope="row">endpoints.heart</th><td>Heart &lt;b&gt;`, `<th scope="row">clusters.cpu</th><td>Cluster &lt;b&gt;`},
		"json": {`"path": "endpoints.heart"`, `"owner": "Heart <b>|`, `"dataOwners": [`},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.NoError(t, formats[format](&out, made("dev", withOwners())))
			for _, text := range want {
				assert.Contains(t, out.String(), text)
			}
			if format == "md" || format == "html" {
				assert.NotContains(t, out.String(), "<b>|")
			}
		})
	}
}

// A column without a single entry only takes room.
func TestNobodyAnswersForAnythingAndNoColumnIsForIt(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"md", "html"} {
		var out bytes.Buffer
		require.NoError(t, formats[format](&out, made("dev", model())))
		assert.NotContains(t, strings.ToLower(out.String()), "owner", format)
	}
}

func TestOwnersOfSeveralComponentsStandApart(t *testing.T) {
	t.Parallel()
	x := made("dev", withOwners())
	all := explain.Together("dev", []string{"one", "two"}, []explain.Explanation{x, x})
	assert.Len(t, all.Owners, 2*len(x.Owners))
	assert.Equal(t, "two:"+x.Owners[0].Path, all.Owners[len(x.Owners)].Path)
}
