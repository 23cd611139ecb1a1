package examples

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/machine"
)

var typeScript = filepath.Join(root, "examples", "typescript")

// install does, once, what `pulumi install` does in examples/typescript if Pulumi's language host for Node.js is there:
// it generates the SDK from the plugin's schema and has npm install it with everything else that the stack needs.
var install = sync.OnceValue(func() error {
	schema, err := filepath.Abs(filepath.Join(root, "plugin", "schema.json"))
	if err != nil {
		return err
	}
	stamp, err := installation(schema, filepath.Join(typeScript, "package.json"),
		filepath.Join(typeScript, "package-lock.json"))
	if err != nil {
		return err
	}
	// deleted with any of it
	stampFile := filepath.Join(typeScript, "node_modules", "@batchaccess", "batchaccess", "bin", ".installed-by-tests")
	if installed, err := os.ReadFile(stampFile); err == nil && string(installed) == stamp {
		return nil
	}
	sdk, err := filepath.Abs(filepath.Join(typeScript, "sdks", "batchaccess-batchaccess"))
	if err != nil {
		return err
	}
	for _, command := range []*exec.Cmd{
		in(filepath.Join(root, "tools"), "go", "run", "./gensdk", "-language", "nodejs", "-schema", schema, "-to", sdk),
		in(typeScript, "npm", "ci", "--no-audit", "--no-fund"),
	} {
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s in %s: %w\n%s", command, command.Dir, err, output)
		}
	}
	return os.WriteFile(stampFile, []byte(stamp), 0o600)
})

// installation is a checksum of the files that decide what is installed: those of the language, and those from which
// every SDK is generated. It shows whether the installed packages are up to date.
func installation(files ...string) (string, error) {
	hash := sha256.New()
	for _, name := range append(files, filepath.Join(root, "tools", "go.mod"),
		filepath.Join(root, "tools", "gensdk", "language.go")) {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, len(content))
		hash.Write(content)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}

func in(folder, name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = folder
	return command
}

// program runs the stack as Pulumi's language host for Node.js does. The module proxy does not have that host.
const program = `#!/bin/sh
PULUMI_NODEJS_TYPESCRIPT=true exec node node_modules/@pulumi/pulumi/cmd/run --organization "$PULUMI_ORGANIZATION" \
	--project "$PULUMI_PROJECT" --root-directory "$PULUMI_ROOT_DIRECTORY" --stack "$PULUMI_STACK" --dry-run ` +
	`"$PULUMI_DRY_RUN" \
	--parallel "$PULUMI_PARALLEL" --monitor "$PULUMI_MONITOR" --engine "$PULUMI_ENGINE" .
`

// typeScriptProject is examples/typescript, ready to run.
func typeScriptProject(t *testing.T) string {
	t.Helper()
	machine.NodeJS(t)
	require.NoError(t, install())
	return builtProject(t, typeScript, "nodejs", program)
}

// builtProject is an example as a project with a built program, which the language host for Go runs whatever its
// language is: script replaces the host of the example's runtime.
func builtProject(t *testing.T, example, runtime, script string) string {
	t.Helper()
	folder, err := filepath.Abs(example)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(folder, "Pulumi.yaml"))
	require.NoError(t, err)
	var settings struct {
		Runtime  any               `yaml:"runtime"`
		Main     string            `yaml:"main"`
		Packages map[string]string `yaml:"packages"`
		Rest     map[string]any    `yaml:",inline"`
	}
	require.NoError(t, yaml.Unmarshal(text, &settings))
	if named, ok := settings.Runtime.(map[string]any); ok {
		settings.Runtime = named["name"]
	}
	require.Equal(t, runtime, settings.Runtime)

	project := t.TempDir()
	run := filepath.Join(project, "run")
	require.NoError(t, os.WriteFile(run, []byte(script), 0o700))
	settings.Runtime = map[string]any{"name": "go", "options": map[string]any{"binary": run}}
	settings.Main = folder
	settings.Packages["batchaccess"] = filepath.Join(folder, settings.Packages["batchaccess"])
	text, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(project, "Pulumi.yaml"), text, 0o600))
	text, err = os.ReadFile(filepath.Join(folder, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(project, "Pulumi.dev.yaml"), text, 0o600))
	return project
}

// transpiled makes a project's program run without a check of its types each time. The compiler's own test checks them,
// and so does the rehearsal.
func transpiled(t *testing.T, project string) {
	t.Helper()
	text := strings.Replace(program, "PULUMI_NODEJS_TYPESCRIPT=true ",
		"PULUMI_NODEJS_TYPESCRIPT=true PULUMI_NODEJS_TRANSPILE_ONLY=true ", 1)
	require.NotEqual(t, program, text)
	require.NoError(t, os.WriteFile(filepath.Join(project, "run"), []byte(text), 0o700))
}

// complaint is a line of the compiler: file, place, and fault. Indented lines continue it.
var complaint = regexp.MustCompile(`^(?:.*/)?([^/]+)\.ts\(\d+,\d+\): error (.*\n(?: .*\n)*)`)

// compile has the compiler check programs, and returns its complaints by the name of the program. All are checked
// together, because most of the time goes to Pulumi's own types.
func compile(t *testing.T, programs map[string]string) map[string][]string {
	t.Helper()
	machine.NodeJS(t)
	require.NoError(t, install())
	require.NoError(t, os.MkdirAll(filepath.Join(typeScript, "bin"), 0o700))
	// below node_modules, where the compiler looks for packages
	folder, err := os.MkdirTemp(filepath.Join(typeScript, "bin"), "check-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	var files []string
	for name, text := range programs {
		files = append(files, name+".ts")
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".ts"), []byte(text), 0o600))
	}
	settings, err := json.Marshal(map[string]any{"extends": "../../tsconfig.json", "files": files})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tsconfig.json"), settings, 0o600))

	project, err := filepath.Abs(folder)
	require.NoError(t, err)
	output, err := in(typeScript, "node", "node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--pretty", "false",
		"--project", project).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	said := map[string][]string{}
	for rest := string(output); rest != ""; {
		found := complaint.FindStringSubmatch(rest)
		require.NotNil(t, found, "the compiler says: %s", rest)
		said[found[1]] = append(said[found[1]], found[2])
		rest = rest[len(found[0]):]
	}
	return said
}

func TestTheCompilerSaysWhatIsWrongInTypeScript(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(typeScript, "index.ts"))
	require.NoError(t, err)
	tests := map[string]struct{ old, new, want string }{
		"the-example": {"", "", ""},
		"an-ID-that-is-known-later": {`objectId: "22222222-2222-4222-8222-222222222222"`, `objectId: scheduler.principalId`,
			""},
		"an-account-that-is-known-later": {`lake: settings.require("storageAccountId")`, `lake: pulumi.output("an ID")`, ""},

		"misspelt":            {"dataInputs:", "dataInput:", "'dataInput' does not exist in type 'BatchEndpointAccessArgs'"},
		"misspelt-in-depth":   {"repository:", "repo:", "'repo' does not exist in type 'GitHubSubjectArgs'"},
		"lacking":             {`workspaceId: settings.require("workspaceId"),`, "", "'workspaceId' is missing"},
		"lacking-in-depth":    {`kind: "group", `, "", "'kind' is missing"},
		"no-such-kind":        {`kind: "group"`, `kind: "team"`, `'"team"' is not assignable`},
		"a-number-for-a-text": {`vmSize: "Standard_DS3_v2"`, "vmSize: 3", "'number' is not assignable"},
		"a-text-for-a-list":   {`additions: ["pollJobs"]`, `additions: "pollJobs"`, "'string' is not assignable"},
		"a-role-known-later": {`role: { additions: ["pollJobs"] }`, `role: pulumi.output({ additions: ["pollJobs"] })`,
			"is not assignable to type 'RoleArgs"},
		"names-known-later": {`["analysts", "pipeline"]`, `[pulumi.output("analysts")]`,
			"is not assignable to type 'string'"},
		"no-such-output": {"scoring.howToInvoke", "scoring.howtoInvoke",
			"'howtoInvoke' does not exist on type 'BatchEndpointAccess'"},
		"an-output-as-text": {"export const howToInvoke =", "export const howToInvoke: string =",
			"is not assignable to type 'string'"},
	}
	programs := map[string]string{}
	for name, test := range tests {
		require.Contains(t, string(text), test.old, name)
		programs[name] = strings.Replace(string(text), test.old, test.new, 1)
	}
	said := compile(t, programs)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.want == "" {
				assert.Empty(t, said[name])
				return
			}
			require.Len(t, said[name], 1)
			assert.Contains(t, said[name][0], test.want)
		})
	}
}
