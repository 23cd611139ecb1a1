package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const oneInput = oneUser + `  batchaccess:storageAccounts:
    lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/` +
	`storageAccounts/lake
  batchaccess:dataInputs:
    rows: { kind: blob, storageAccount: lake, container: rows }
`

func TestExplainNeedsTheConfigurationAlone(t *testing.T) {
	t.Parallel()
	const violated = "  batchaccess:assertions: { closed: { only: [], read: rows } }\n"
	for name, c := range map[string]struct {
		stack string
		args  []string
		code  int
		says  string
	}{
		"what works": {oneInput, nil, 0, "stack dev: 1 of 1 declared path work"},
		"a role that lacks": {oneInput + "  batchaccess:role: { builtIn: AzureML Data Scientist }\n", nil, exitFailed,
			"BROKEN"},
		"a violated assertion": {oneInput + violated, nil, exitFailed, "VIOLATED  closed: nobody can directly read rows"},
		"the same in a page":   {oneInput + violated, []string{"--format", "html"}, exitFailed, "VIOLATED"},
		"a comment":            {oneInput, []string{"--format", "markdown"}, 0, "## Access of stack dev"},
		"a chart":              {oneInput, []string{"--format", "mermaid"}, 0, "flowchart LR"},
		"a story": {oneInput, []string{"--why", "ann", "rows"}, 0,
			"ann starts a job on cpu with rows: it works."},
		"all of an invoker": {oneInput, []string{"--why", "ann"}, 0, "ann starts a job on cpu with rows: it works."},
		"an ended secret": {strings.Replace(oneInput, "  batchaccess:invokers:\n",
			"  batchaccess:invokers:\n    partner: { kind: servicePrincipal, clientSecrets: { old: { startDate: 2024-01-01, "+
				"endDate: 2025-01-01 } } }\n", 1), nil, 0, "invokers.partner.clientSecrets.old.endDate: the secret ended on " +
			"2025-01-01"},
		"one endpoint": {oneInput, []string{"--endpoint", "cpu", "--invoker", "ann"}, 0, "ann      cpu       rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": c.stack})
			code, stdout, stderr := execute(t, append([]string{"explain", "--dir", dir}, c.args...)...)
			assert.Equal(t, c.code, code, stderr)
			assert.Contains(t, stdout, c.says)
			assert.NotContains(t, stdout, "\x1b[", "no colour but on a terminal")
			assert.Empty(t, stderr)
		})
	}
}

func TestExplainForMachinesAndIntoAFile(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneInput})
	code, stdout, stderr := execute(t, "explain", "--dir", dir, "--json")
	require.Equal(t, 0, code, stderr)
	var x struct {
		Version int
		Paths   []struct {
			Invoker string
			Works   bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &x))
	assert.Equal(t, 2, x.Version)
	require.Len(t, x.Paths, 1)
	assert.True(t, x.Paths[0].Works)

	file := filepath.Join(dir, "access.json")
	code, printed, stderr := execute(t, "explain", "--dir", dir, "--format", "json", "--output", file)
	require.Equal(t, 0, code, stderr)
	assert.Empty(t, printed)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, stdout, string(written))
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	good := projectWith(t, map[string]string{"dev": oneInput})
	wrong := projectWith(t, map[string]string{"dev": strings.ReplaceAll(oneInput, "kind: blob", "kind: blobs")})
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a wrong configuration": {[]string{"--dir", wrong},
			`dataInputs.rows.kind: unknown value "blobs"; did you mean "blob"?`},
		"an unknown format": {[]string{"--dir", good, "--format", "htm"},
			`--format: unknown value "htm"; did you mean "html"?`},
		"two formats": {[]string{"--dir", good, "--format", "html", "--json"}, "none of the others can be"},
		"an unknown invoker": {[]string{"--dir", good, "--invoker", "anne"},
			`no invoker is called "anne"; did you mean "ann"?`},
		"an unknown endpoint": {[]string{"--dir", good, "--endpoint", "cpus"},
			`no endpoint is called "cpus"; did you mean "cpu"?`},
		"why of nobody": {[]string{"--dir", good, "--why"}, "--why: name one invoker, and one input if you like"},
		"why of an unknown": {[]string{"--dir", good, "--why", "ann", "row"},
			`no endpoint reads a data input called "row"; did you mean "rows"?`},
		"a word too many": {[]string{"--dir", good, "ann"}, `unknown command "ann"`},
		"a file in no folder": {[]string{"--dir", good, "--output", filepath.Join(good, "none", "x")},
			"writing the explanation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, append([]string{"explain"}, c.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.says)
		})
	}
}
