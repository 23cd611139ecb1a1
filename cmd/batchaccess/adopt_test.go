package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/engine"
)

func TestAdoptReportsWhatBecomesOfEach(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::p::x:y:C$a:b:T::"
	a := adopt.Adoption{Resources: []adopt.Adoptee{
		{URN: urn + "access", Type: "a:b:T", Outcome: adopt.Exists, IDs: []string{"/one"}, Owner: "stack p/dev"},
		{URN: urn + "access.other", Type: "a:b:T", Outcome: adopt.ToMake},
		{URN: urn + "access.partner", Type: "a:b:T", Outcome: adopt.Several, IDs: []string{"/two", "/three"},
			Why: "more than one"},
	}}
	var table, machine, none bytes.Buffer
	require.NoError(t, reportAdoption(&table, a, false))
	assert.Equal(t, `exists   access          a:b:T  /one  owner: stack p/dev
new      access.other    a:b:T
several  access.partner  a:b:T  /two
several  access.partner  a:b:T  /three

access.partner: more than one
`, table.String())

	require.NoError(t, reportAdoption(&machine, a, true))
	var back adopt.Adoption
	require.NoError(t, json.Unmarshal(machine.Bytes(), &back))
	assert.Equal(t, a, back)
	require.NoError(t, reportAdoption(&none, adopt.Adoption{}, true))
	assert.JSONEq(t, `{"version": 1, "resources": []}`, none.String())
}

func TestAdoptsExitCodeSaysWhetherSomethingIsLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome adopt.Outcome
		file    string
		failed  bool
		says    string
	}{
		"to import":            {adopt.Exists, "{}", true, "  pulumi import --stack dev --file "},
		"new":                  {adopt.ToMake, "", false, "nothing is left to import; next: pulumi preview --stack dev"},
		"an application alike": {adopt.Alike, "", false, "nothing is left"},
		"later":                {adopt.Later, "", false, "nothing is left"},
		"lost":                 {adopt.Lost, "", false, "nothing is left"},
		"taken":                {adopt.Taken, "", true, "to be looked at by hand: 1 resource, "},
		"several":              {adopt.Several, "", true, "by hand"},
		"unknown":              {adopt.Unknown, "", true, "by hand"},
		"later, for a change": {adopt.Later, "changing", true,
			"undecided, whether they exist: 1 resource, those under later"},
		"new, and a change": {adopt.ToMake, "changing", false, "nothing is left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			a := adopt.Adoption{Resources: []adopt.Adoptee{{Outcome: test.outcome}}}
			switch test.file {
			case "":
			case "changing":
				a.Changing, test.file = []string{"urn:one"}, ""
			default:
				a.File = []byte(test.file)
			}
			to := output{file: filepath.Join(t.TempDir(), "import.json")}
			err := finishAdoption(&said, a, to, "dev", nil)
			if test.failed {
				require.ErrorIs(t, err, errFailed)
			} else {
				require.NoError(t, err)
			}
			assert.Contains(t, said.String(), test.says)
			info, err := os.Stat(to.file)
			if test.file == "" {
				assert.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			assert.Contains(t, said.String(), "batchaccess adopt --stack dev --imported "+to.file+" --yes --import-file "+
				""+to.file)
			require.NoError(t, os.WriteFile(to.file, []byte("somebody's"), 0o600))
			other := filepath.Join(filepath.Dir(to.file), "other.json")
			require.NoError(t, os.WriteFile(other, nil, 0o600))
			for _, imported := range [][]string{nil, {other}} {
				require.ErrorContains(t, finishAdoption(io.Discard, a, to, "dev", imported), "is there already; name another file")
				text, err := os.ReadFile(to.file)
				require.NoError(t, err)
				require.Equal(t, "somebody's", string(text))
			}
			again := filepath.Dir(to.file) + "/./import.json"
			require.ErrorIs(t, finishAdoption(io.Discard, a, to, "dev", []string{again}), errFailed, "it was asked for")
			require.NoError(t, os.WriteFile(to.file, []byte("somebody's"), 0o600))
			to.force = true
			require.ErrorIs(t, finishAdoption(io.Discard, a, to, "dev", nil), errFailed, "it was asked for")
			text, err := os.ReadFile(to.file)
			require.NoError(t, err)
			require.Equal(t, test.file, string(text))
		})
	}
}

func TestAdoptRefusesAFileThatIsThereBeforeItAsksAnything(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	code, _, stderr := execute(t, "adopt", "--yes", "--import-file", file, "-C", filepath.Dir(file))
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "--import-file: "+file+" is there already; name another file")
}

// The stack of a stand-in for Pulumi has one resource, whose inputs in the state are the provider's.
const (
	standInURN   = "urn:pulumi:dev::p::a:b:T::r"
	standInState = `{"version": 3, "deployment": {"resources": [{"urn": "` + standInURN + `", "type": "a:b:T", ` +
		`"custom": true, "id": "x", "inputs": {}}], "pending_operations": [%s]}}`
	standInPreview = `{"steps": [{"op": "same", "urn": "` + standInURN + `", "oldState": {"inputs": {}}, "newState": ` +
		`{"type": "a:b:T", "custom": true, "inputs": {"__defaults": []}}}], "changeSummary": {"same": 1}}`
	standInImport = `{"resources": [{"type": "a:b:T", "name": "r", "id": "x"}]}`
)

// standIn is a script in place of Pulumi, in a folder with the stack's state, its preview and a log of its arguments.
// It fails at the call of a command that fails names, such as 2 stack export; at none for "".
func standIn(t *testing.T, pending, fails string) (p pulumiOf, read func(file string) string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"state": fmt.Sprintf(standInState, pending), "preview": standInPreview, "log": "", "pulumi": `#!/bin/sh
cd ` + dir + `
echo "$@" >> log
case "$(grep -c "^$1 $2" log) $1 $2" in
"` + fails + `") exit 1 ;;
*' stack export') cat state ;;
*' stack import') cat > state ;;
*' preview '*) cat preview
	for last in "$@"; do case $last in */import.json) echo '{"resources": []}' > $last ;; esac; done ;;
esac
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	}
	return pulumiOf{engine.Pulumi{CLI: filepath.Join(dir, "pulumi"), Dir: dir, Stack: "dev", Stderr: new(bytes.Buffer)}},
		func(file string) string {
			text, err := os.ReadFile(filepath.Join(dir, file))
			require.NoError(t, err)
			return string(text)
		}
}

// takeUp completes a deployment as the command does.
func takeUp(t *testing.T, p pulumiOf, forget []string, yes bool) (complete, error) {
	t.Helper()
	cmd := &cobra.Command{Use: "adopt"}
	cmd.SetContext(t.Context())
	cmd.SetOut(io.Discard)
	cmd.SetErr(p.Stderr)
	begin, ready, err := p.takeUp(cmd, adopt.New(nil), forget, yes, false)
	if err == nil && !ready {
		err = errFailed
	}
	return begin, err
}

// Only --yes writes the state, both after a deployment that was broken off and after an import.
func TestNothingIsWrittenWithoutYes(t *testing.T) {
	t.Parallel()
	const begun = standInURN + "2"
	for name, c := range map[string]struct {
		pending string
		run     func(p pulumiOf, yes bool) error
		writes  []string
	}{
		"what was imported": {"", func(p pulumiOf, yes bool) error {
			_, err := p.adopt(t.Context(), adopt.New(nil), complete{}, [][]byte{[]byte(standInImport)}, yes, yes)
			return err
		}, []string{"stack import"}},
		"what completing a deployment has added": {"", func(p pulumiOf, yes bool) error {
			_, err := p.adopt(t.Context(), adopt.New(nil), complete{added: []string{standInURN}}, nil, yes, yes)
			return err
		}, []string{"stack import"}},
		"what was broken off": {`{"type": "creating", "resource": {"urn": "` + begun + `", "type": "a:b:T", "custom": ` +
			`true, "inputs": {}}}`, func(p pulumiOf, yes bool) error {
			_, err := takeUp(t, p, []string{begun}, yes)
			return err
		}, []string{"stack import", "refresh --yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, yes := range []bool{false, true} {
				p, read := standIn(t, c.pending, "")
				before := read("state")
				err := c.run(p, yes)
				for _, what := range c.writes {
					assert.Equal(t, yes, strings.Contains(read("log"), what), "%s: %s", what, read("log"))
				}
				if yes {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, errFailed)
				assert.Contains(t, fmt.Sprint(p.Stderr), "add --yes to do it")
				assert.Equal(t, before, read("state"))
			}
		})
	}
}

// A start of Pulumi takes a fifth of a second: a state that is not written is read once. One that is written is read
// again just before it, as somebody else may have changed it during the preview.
func TestAdoptReadsAStateThatItDoesNotWriteOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files           [][]byte
		reads, previews int
	}{
		"nothing was imported": {nil, 1, 1},
		"a file was imported":  {[][]byte{[]byte(standInImport)}, 3, 2}, // and after it was written
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, read := standIn(t, "", "")
			begin, err := takeUp(t, p, nil, true)
			require.NoError(t, err)
			_, err = p.adopt(t.Context(), adopt.New(nil), begin, c.files, true, true)
			require.NoError(t, err)
			assert.Equal(t, c.reads, strings.Count(read("log"), "stack export"), "%s", read("log"))
			assert.Equal(t, c.previews, strings.Count(read("log"), "preview "), "%s", read("log"))
		})
	}
}

// What a recovery has added has the provider's values, which the next deployment would replace, until adopt has written
// the program's.
func TestAdoptWarnsOfWhatItCouldNotSettle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		added []string
		fails string
		warns bool
	}{
		"the preview fails":                      {[]string{standInURN}, "1 preview --json", true},
		"the state can't be read":                {[]string{standInURN}, "1 stack export", true},
		"the program's values can't be written":  {[]string{standInURN}, "1 stack import", true},
		"the preview after them fails":           {[]string{standInURN}, "2 preview --json", false},
		"nothing was added, and a preview fails": {nil, "1 preview --json", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := standIn(t, "", c.fails)
			_, err := p.adopt(t.Context(), adopt.New(nil), complete{added: c.added}, nil, true, true)
			require.Error(t, err)
			assert.Equal(t, c.warns, strings.Contains(err.Error(), "check that the next preview replaces nothing"), err)
		})
	}
}

// A creation that adopt can't look for is asked about, until --forget names it: then it is dropped.
func TestForgetDropsACreationThatNobodyCanLookFor(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::batchaccess::a:b:T::lost"
	dir := projectWith(t, map[string]string{"dev": oneUser})
	begun, cli := filepath.Join(dir, "begun"), filepath.Join(dir, "pulumi")
	require.NoError(t, os.WriteFile(begun, nil, 0o600))
	// The state has the creation until something is imported: Pulumi's own import would drop it too.
	require.NoError(t, os.WriteFile(cli, []byte(`#!/bin/sh
[ "$1 $2" = "stack import" ] && rm -f '`+begun+`'
if [ "$1 $2" = "stack export" ] && [ -e '`+begun+`' ]; then
	"$REAL" "$@" | sed 's|"deployment": {|"deployment": {"pending_operations": [{"type": "creating", "resource": {"urn": `+
		`"`+urn+`", "type": "a:b:T", "custom": true, "inputs": {}}}],|'
else
	exec "$REAL" "$@"
fi
`), 0o700))
	commands := []string{"adopt", "adopt --forget urn:of:another", "adopt --forget " + urn,
		"adopt --yes --forget " + urn + " --imported '" + filepath.Join(dir, "Pulumi.yaml") + "'",
		"adopt --yes --forget " + urn, "adopt"}
	script := "export REAL=$(command -v pulumi) BATCHACCESS_PULUMI='" + cli + "'\n"
	for _, command := range commands {
		script += "echo '# " + command + "'; batchaccess " + command + " --stack dev --dir '" + dir + "' 2>&1; echo exit $?\n"
	}
	_, stdout, stderr := execute(t, "sandbox", "--dir", dir, "--", "sh", "-c", script)
	said := strings.Split(stdout, "# ")[1:]
	require.Len(t, said, len(commands), stdout+stderr)
	for i, wants := range [][]string{
		{"ask ", urn, "name all of them with --forget", "exit 1"},
		{"ask ", urn, "name all of them with --forget", "exit 1"},
		{"clear ", "was not made", "add --yes to do it", "exit 1"},
		{"--imported: reading the file for `pulumi import`", "exit 2"}, // before anything is done
		{"clear ", "was not made", "exit 0"},
		{"nothing is left to import", "exit 0"},
	} {
		for _, want := range wants {
			assert.Contains(t, said[i], want, "%s", stderr)
		}
	}
	assert.NoFileExists(t, begun)
}

func TestAdoptSaysWhyItCannotLook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stack, script string
		code          int
		says          string
	}{
		"nothing exists yet": {oneUser, "adopt --json", 0, "nothing is left to import"},
		"no stack": {oneUser, "adopt", exitUsage, "batchaccess: stack dev: it does not exist; make it, empty, with pulumi " +
			"stack init dev"},
		"a configuration that can't be deployed": {
			strings.ReplaceAll(oneUser, "kind: user",
				"kind: usr"), "adopt", exitUsage, `invokers.ann.kind: unknown value "usr"; did you mean "user"?`,
		},
		"no such file": {oneUser, "adopt --imported nowhere.json", exitUsage, "--imported: open nowhere.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": oneUser})
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(test.stack), 0o600))
			before := "true"
			if name == "no stack" {
				before = "pulumi stack rm --yes --force --preserve-config --stack dev >&2"
			}
			code, stdout, stderr := execute(t, "sandbox", "--dir", dir, "--", "sh", "-c",
				before+" && batchaccess "+test.script+" --stack dev --dir "+dir)
			assert.Equal(t, test.code, code, stdout+stderr)
			assert.Contains(t, stderr, test.says)
			assert.NotContains(t, stderr, `"steps"`, "of a preview that fails, what went wrong is enough")
			if test.code == 0 {
				var a adopt.Adoption
				require.NoError(t, json.Unmarshal([]byte(stdout), &a), stdout)
				assert.NotEmpty(t, a.Resources)
				assert.Equal(t, len(a.Resources), a.Count(adopt.ToMake, adopt.Later), stdout)
			}
		})
	}
}
