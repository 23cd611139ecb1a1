package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/existing"
)

func TestAdoptTellsWhatBecomesOfEach(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::p::x:y:C$a:b:T::"
	a := existing.Adoption{Resources: []existing.Adoptee{
		{URN: urn + "access", Type: "a:b:T", Outcome: existing.Exists, IDs: []string{"/one"}},
		{URN: urn + "access.other", Type: "a:b:T", Outcome: existing.ToMake},
		{URN: urn + "access.partner", Type: "a:b:T", Outcome: existing.Several, IDs: []string{"/two", "/three"}, Why: "more than one"},
	}}
	var table, machine, none bytes.Buffer
	require.NoError(t, tellAdoption(&table, a, false))
	assert.Equal(t, `exists   access          a:b:T  /one
new      access.other    a:b:T
several  access.partner  a:b:T  /two
several  access.partner  a:b:T  /three

access.partner: more than one
`, table.String())

	require.NoError(t, tellAdoption(&machine, a, true))
	var back existing.Adoption
	require.NoError(t, json.Unmarshal(machine.Bytes(), &back))
	assert.Equal(t, a, back)
	require.NoError(t, tellAdoption(&none, existing.Adoption{}, true))
	assert.JSONEq(t, `{"resources": []}`, none.String())
}

func TestAdoptsExitCodeTellsWhetherSomethingIsLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome existing.Outcome
		file    string
		failed  bool
		says    string
	}{
		"to import":            {existing.Exists, "{}", true, "  pulumi import --stack dev --file "},
		"new":                  {existing.ToMake, "", false, "nothing is left to import; next: pulumi preview --stack dev"},
		"an application alike": {existing.Alike, "", false, "nothing is left"},
		"later":                {existing.Later, "", false, "nothing is left"},
		"lost":                 {existing.Lost, "", false, "nothing is left"},
		"taken":                {existing.Taken, "", true, "1 resources have to be looked at by hand"},
		"several":              {existing.Several, "", true, "by hand"},
		"unknown":              {existing.Unknown, "", true, "by hand"},
		"later, for a change":  {existing.Later, "changing", true, "it can't be told of 1 resources, those under later, whether they exist"},
		"new, and a change":    {existing.ToMake, "changing", false, "nothing is left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			output := filepath.Join(t.TempDir(), "import.json")
			a := existing.Adoption{Resources: []existing.Adoptee{{Outcome: test.outcome}}}
			switch test.file {
			case "":
			case "changing":
				a.Changing, test.file = []string{"urn:one"}, ""
			default:
				a.File = []byte(test.file)
			}
			err := finishAdoption(&said, a, output, "dev")
			if test.failed {
				require.ErrorIs(t, err, errFailed)
			} else {
				require.NoError(t, err)
			}
			assert.Contains(t, said.String(), test.says)
			info, err := os.Stat(output)
			if test.file == "" {
				assert.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			assert.Contains(t, said.String(), "batchaccess adopt --stack dev --imported "+output+" --output "+output)
		})
	}
}

func TestAdoptSaysWhyItCannotLook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stack, script string
		code          int
		says          string
	}{
		"nothing exists yet": {oneUser, "adopt --json", 0, "nothing is left to import"},
		"no stack":           {oneUser, "adopt", exitUsage, "batchaccess: stack dev: it does not exist; make it, empty, with pulumi stack init dev"},
		"a configuration that can't be deployed": {
			strings.ReplaceAll(oneUser, "kind: user", "kind: usr"), "adopt", exitUsage, `invokers.ann.kind: unknown value "usr"; did you mean "user"?`,
		},
		"no such file": {oneUser, "adopt --imported nowhere.json", exitUsage, "--imported: open nowhere.json"},
		"both ways":    {oneUser, "adopt --yes --output x.json", exitUsage, "none of the others can be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": oneUser})
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(test.stack), 0o600))
			before := "true"
			if name == "no stack" {
				before = "pulumi stack rm --yes --force --preserve-config --stack dev >&2"
			}
			code, stdout, stderr := execute(t, "sandbox", "--dir", dir, "--", "sh", "-c", before+" && batchaccess "+test.script+" --stack dev --dir "+dir)
			assert.Equal(t, test.code, code, stdout+stderr)
			assert.Contains(t, stderr, test.says)
			assert.NotContains(t, stderr, `"steps"`, "of a preview that fails, what went wrong is enough")
			if test.code == 0 {
				var a existing.Adoption
				require.NoError(t, json.Unmarshal([]byte(stdout), &a), stdout)
				assert.NotEmpty(t, a.Resources)
				assert.Equal(t, len(a.Resources), a.Count(existing.ToMake, existing.Later), stdout)
			}
		})
	}
}
