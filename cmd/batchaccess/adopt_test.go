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

// Only --yes writes the state, both after a deployment that was broken off and after an import.
func TestNothingIsWrittenWithoutYes(t *testing.T) {
	t.Parallel()
	const (
		urn   = "urn:pulumi:dev::p::a:b:T::r"
		state = `{"version": 3, "deployment": {"resources": [{"urn": "` + urn + `", "type": "a:b:T", "custom": true, ` +
			`"id": "x", "inputs": {}}], "pending_operations": [%s]}}`
		pending = `{"type": "creating", "resource": {"urn": "` + urn + `2", "type": "a:b:T", "custom": true, "inputs": {}}}`
		preview = `{"steps": [{"op": "same", "urn": "` + urn + `", "oldState": {"inputs": {}}, "newState": {"type": ` +
			`"a:b:T", "custom": true, "inputs": {"__defaults": []}}}], "changeSummary": {"same": 1}}`
		file = `{"resources": [{"type": "a:b:T", "name": "r", "id": "x"}]}`
	)
	for name, c := range map[string]struct {
		pending string
		run     func(p pulumiOf, yes bool) error
		writes  []string
	}{
		"what was imported": {"", func(p pulumiOf, yes bool) error {
			_, err := p.adopt(t.Context(), adopt.New(nil), complete{}, [][]byte{[]byte(file)}, yes, yes)
			return err
		}, []string{"stack import"}},
		"what completing a deployment has added": {"", func(p pulumiOf, yes bool) error {
			_, err := p.adopt(t.Context(), adopt.New(nil), complete{added: []string{urn}}, nil, yes, yes)
			return err
		}, []string{"stack import"}},
		"what was broken off": {pending, func(p pulumiOf, yes bool) error {
			cmd := &cobra.Command{Use: "adopt"}
			cmd.SetContext(t.Context())
			cmd.SetOut(io.Discard)
			cmd.SetErr(p.Stderr)
			_, ready, err := p.takeUp(cmd, adopt.New(nil), []string{urn + "2"}, yes, false)
			if err == nil && !ready {
				err = errFailed
			}
			return err
		}, []string{"stack import", "refresh --yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, yes := range []bool{false, true} {
				dir := t.TempDir()
				write := func(name, text string) {
					require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
				}
				write("state", fmt.Sprintf(state, c.pending))
				write("preview", preview)
				write("pulumi", "#!/bin/sh\ncd "+dir+"\necho \"$@\" >> log\ncase \"$1 $2\" in\n"+
					"'stack export') cat state ;;\n'stack import') cat > state ;;\npreview*) cat preview; "+
					"for last in \"$@\"; do case $last in */import.json) echo '{\"resources\": []}' > $last ;; esac; done ;;\nesac\n")
				var said bytes.Buffer
				p := pulumiOf{engine.Pulumi{CLI: filepath.Join(dir, "pulumi"), Dir: dir, Stack: "dev", Stderr: &said}}
				err := c.run(p, yes)
				log, readErr := os.ReadFile(filepath.Join(dir, "log"))
				require.NoError(t, readErr)
				for _, what := range c.writes {
					assert.Equal(t, yes, strings.Contains(string(log), what), "%s: %s", what, log)
				}
				if yes {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, errFailed)
				assert.Contains(t, said.String(), "add --yes to do it")
				after, err := os.ReadFile(filepath.Join(dir, "state"))
				require.NoError(t, err)
				assert.Equal(t, fmt.Sprintf(state, c.pending), string(after))
			}
		})
	}
}

// A start of Pulumi takes a fifth of a second: the state is not read again before anything has changed it.
func TestAdoptReadsTheStateOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pulumi"), []byte(`#!/bin/sh
cd `+dir+`
echo "$1 $2" >> log
case "$1" in
stack) echo '{"version": 3, "deployment": {}}' ;;
preview) echo '{"steps": [], "changeSummary": {}}'
	for last in "$@"; do case $last in */import.json) echo '{"resources": []}' > $last ;; esac; done ;;
esac
`), 0o700))
	p := pulumiOf{engine.Pulumi{CLI: filepath.Join(dir, "pulumi"), Dir: dir, Stack: "dev", Stderr: io.Discard}}
	cmd := &cobra.Command{Use: "adopt"}
	cmd.SetContext(t.Context())
	begin, ready, err := p.takeUp(cmd, adopt.New(nil), nil, true, false)
	require.NoError(t, err)
	require.True(t, ready)
	_, err = p.adopt(t.Context(), adopt.New(nil), begin, nil, true, true)
	require.NoError(t, err)
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(log), "stack export"), "%s", log)
	assert.Equal(t, 1, strings.Count(string(log), "preview "), "%s", log)
}

// What a recovery has added has the provider's values, which the next deployment would replace, until adopt has written
// the program's.
func TestAdoptWarnsOfWhatItCouldNotSettle(t *testing.T) {
	t.Parallel()
	const urn = "urn:pulumi:dev::p::a:b:T::r"
	for name, c := range map[string]struct {
		added []string
		fails string // the command of Pulumi, and how often it has begun by then
		warns bool
	}{
		"the preview fails":                      {[]string{urn}, "preview 1", true},
		"the state can't be read":                {[]string{urn}, "export 1", true},
		"the program's values can't be written":  {[]string{urn}, "import 1", true},
		"the preview after them fails":           {[]string{urn}, "preview 2", false},
		"nothing was added, and a preview fails": {nil, "preview 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "pulumi"), []byte(`#!/bin/sh
cd `+dir+`
[ "$1" = stack ] && shift
echo "$1" >> log
[ "$1 $(grep -c "$1" log)" = "`+c.fails+`" ] && exit 1
case "$1" in
export) echo '{"version": 3, "deployment": {"resources": [{"urn": "`+urn+`", "type": "a:b:T", "custom": true, '`+
				`'"id": "x", "inputs": {}}]}}' ;;
preview) echo '{"steps": [{"op": "same", "urn": "`+urn+`", "oldState": {"inputs": {}}, "newState": {"type": '`+
				`'"a:b:T", "custom": true, "inputs": {"__defaults": []}}}], "changeSummary": {"same": 1}}'
	for last in "$@"; do case $last in */import.json) echo '{"resources": []}' > $last ;; esac; done ;;
esac
`), 0o700))
			p := pulumiOf{engine.Pulumi{CLI: filepath.Join(dir, "pulumi"), Dir: dir, Stack: "dev", Stderr: io.Discard}}
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
