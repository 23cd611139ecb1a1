package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
)

// programs are the commands that look at a program, with the arguments that they get here besides -C and --stack.
var programs = map[string]string{
	"explain": "", "can": "ann start cpu", "review": "", "rehearse": "", "verify": "", "invoke": "--endpoint e --as user",
	"pin": "", "adopt": "", "export": "",
}

// files are the files of a folder, with their content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	return all
}

func component(stack, project, name, workspace string) string {
	return fmt.Sprintf(`{"op": "create", "urn": "urn:pulumi:%s::%s::batchaccess:index:BatchEndpointAccess::%s", `+
		`"newState": {"inputs": {"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/`+
		`providers/Microsoft.MachineLearningServices/workspaces/%s", "location": "westeurope", "clusters": {"cpu": {}}, `+
		`"invokers": {"ann": {"kind": "user", "objectId": "33333333-3333-4333-8333-333333333333"}}}}}`,
		stack, project, name, workspace)
}

func TestBadInputIsRefusedByEveryCommand(t *testing.T) {
	t.Parallel()
	preview := func(steps, diagnostics string) string {
		return `{"steps": [` + steps + `], "diagnostics": [` + diagnostics + `], "changeSummary": {"create": 1}}`
	}
	other := `{"op": "create", "urn": "urn:pulumi:dev::batchaccess::x:y:Z::z", "newState": {}}`
	const failed = `{"severity": "error", "message": "boom"}`
	const shop = "name: shop\nruntime: cobol\n"
	for name, c := range map[string]struct {
		preview string   // "" for none
		project string   // Pulumi.yaml; "" for this repository's
		args    []string // in place of --stack dev
		says    []string // where, what, and the remedy
		not     []string // commands that the row does not apply to; the table says why
	}{
		"a program without a component of ours": {preview(other, ""), "", nil,
			[]string{"the program of project batchaccess has no component of batchaccess", "; add a BatchEndpointAccess"},
			[]string{"adopt", "review"}}, // adopt takes no preview; review names what it can't judge in any program
		"a program without one, reviewed": {preview(other, ""), "", nil,
			[]string{"not all of the preview could be read: there is no role", "; preview again with --show-sames"},
			except("review")},
		"several components": {preview(component("dev", "batchaccess", "a", "w")+", "+component("dev", "batchaccess", "b",
			"v"), ""), "", nil,
			[]string{"has 2 BatchEndpointAccess; name one with --component: a, b"},
			[]string{"explain", "review", "can", "adopt"}}, // all commands take it: see contract_test.go
		"several components, and who is in both": {preview(component("dev", "batchaccess", "a", "w")+", "+
			component("dev", "batchaccess", "b", "v"), ""), "", nil,
			[]string{"ann is in several components; write one before it: a:ann, b:ann"}, except("can")},
		"a preview that failed": {preview(component("dev", "batchaccess", "a", "w"), failed), "", nil,
			[]string{"the preview failed with errors (1)", "mend them and preview again"}, []string{"adopt"}},
		"no preview": {"{}", "", nil, []string{"preview"}, []string{"adopt"}},
		"no JSON":    {"Previewing update (dev):", "", nil, []string{"pulumi preview --json"}, []string{"adopt"}},
		"a preview of another program": {preview(component("dev", "scoring", "a", "w"), ""), "", nil,
			[]string{"is of project scoring, and the project in ", " is batchaccess; "}, []string{"adopt"}},
		"a preview of another stack": {preview(component("prod", "batchaccess", "a", "w"), ""), "", nil,
			[]string{"is of stack prod, and --stack is dev; preview the stack that is meant"}, []string{"adopt"}},
		"a runtime that is not there": {"", shop, nil, []string{"Pulumi.yaml: runtime: the program's runtime is cobol",
			"pulumi-language-cobol is not on PATH: install"}, nil},
		"no runtime": {"", "name: shop\n", nil, []string{"Pulumi.yaml", "runtime"}, nil},
		"a stack that does not exist": {"", "", []string{"--stack", "prod"},
			[]string{`stack "prod" has no Pulumi.prod.yaml in `, "; use dev"}, []string{"review"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for command, rest := range programs {
				if slices.Contains(c.not, command) {
					continue
				}
				dir := projectWith(t, map[string]string{"dev": oneUser})
				if c.project != "" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte(c.project), 0o600))
					require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config: {}\n"), 0o600))
				}
				args := append([]string{command, "-C", dir}, strings.Fields(rest)...)
				if c.args == nil {
					args = append(args, "--stack", "dev")
				}
				if c.preview != "" {
					file := filepath.Join(dir, "preview.json")
					require.NoError(t, os.WriteFile(file, []byte(c.preview), 0o600))
					args = append(args, "--preview", file)
				}
				before := files(t, dir)
				code, stdout, stderr := execute(t, append(args, c.args...)...)
				assert.Equal(t, exitUsage, code, "%s: %s", command, stderr)
				if command != "review" { // it shows what it could read
					assert.Empty(t, stdout, command)
				}
				for _, says := range c.says {
					assert.Contains(t, stderr, says, command)
				}
				assert.Equal(t, before, files(t, dir), "%s writes nothing", command)
			}
		})
	}
}

// except are all commands but those.
func except(one string) (all []string) {
	for command := range programs {
		if command != one {
			all = append(all, command)
		}
	}
	return all
}

// Each incomplete sign-in is refused by each command that asks Azure as the deployer does, before it asks.
func TestHalfASignInIsRefusedByEveryCommand(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]string
		says string
	}{
		"a client alone": {map[string]string{"ARM_CLIENT_ID": "x"},
			"ARM_CLIENT_ID is set, and nothing proves who it is: set "},
		"a secret alone": {map[string]string{"ARM_CLIENT_SECRET": "x"}, "(ARM_CLIENT_SECRET), set ARM_CLIENT_ID"},
		"a secret without a tenant": {map[string]string{"ARM_CLIENT_SECRET": "x", "ARM_CLIENT_ID": "x"},
			"(ARM_CLIENT_SECRET), set ARM_TENANT_ID"},
		"a certificate without a client": {map[string]string{"ARM_CLIENT_CERTIFICATE_PATH": "x", "ARM_TENANT_ID": "x"},
			"(ARM_CLIENT_CERTIFICATE_PATH), set ARM_CLIENT_ID"},
		"a password without a certificate": {map[string]string{"ARM_CLIENT_CERTIFICATE_PASSWORD": "x"},
			"is set without ARM_CLIENT_CERTIFICATE_PATH; set both, or neither"},
		"a token that is not used": {map[string]string{"ARM_OIDC_TOKEN": "x"},
			"is not used without ARM_USE_OIDC=true; set it"},
		"OpenID Connect without a token": {map[string]string{"ARM_USE_OIDC": "true", "ARM_CLIENT_ID": "x",
			"ARM_TENANT_ID": "x"}, "ARM_USE_OIDC is set, and there is no token: set "},
		"half of GitHub's": {map[string]string{"ARM_USE_OIDC": "true", "ARM_CLIENT_ID": "x", "ARM_TENANT_ID": "x",
			"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not; set both"},
		"half of Azure Pipelines'": {map[string]string{"ARM_USE_OIDC": "true", "ARM_CLIENT_ID": "x", "ARM_TENANT_ID": "x",
			"SYSTEM_OIDCREQUESTURI": "https://x"}, "SYSTEM_ACCESSTOKEN"},
		"a switch that is no truth": {map[string]string{"ARM_USE_OIDC": "1"}, `ARM_USE_OIDC is "1"; write true, or unset it`},
	} {
		for _, variable := range []string{"ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "ARM_USE_OIDC",
			"ARM_USE_MSI", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PASSWORD", "ARM_OIDC_TOKEN",
			"ARM_OIDC_TOKEN_FILE_PATH", "ARM_OIDC_REQUEST_URL", "ARM_OIDC_REQUEST_TOKEN", "SYSTEM_OIDCREQUESTURI",
			"SYSTEM_ACCESSTOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
			t.Setenv(variable, c.set[variable])
		}
		dir := projectWith(t, map[string]string{"dev": oneUser})
		for _, command := range []string{"verify", "can ann start cpu --live", "export", "adopt",
			"init --stack prod --workspace " + handMade} {
			before := files(t, dir)
			code, stdout, stderr := execute(t, append(strings.Fields(command), "-C", dir)...)
			assert.Equal(t, exitUsage, code, "%s, %s: %s", name, command, stderr)
			assert.Empty(t, stdout, command)
			assert.Contains(t, stderr, c.says, "%s, %s", name, command)
			assert.Equal(t, before, files(t, dir), command)
		}
	}
}

// If a program gives Pulumi no error, the command shows what the program wrote to standard error. For a missing plugin
// it names the command that installs it.
func TestAPreviewThatFailsSaysWhatTheProgramSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ diagnostics, says string }{
		"an error": {`{"severity": "error", "message": "boom\n"}, {"severity": "info#err", "message": "by the way"}`,
			"pulumi preview fails; put this right first\nboom"},
		"what the program wrote": {`{"severity": "info#err", "message": "\u001b[31mError\u001b[0m: no\n\n"}, ` +
			`{"severity": "warning", "message": "w"}`, "pulumi preview fails; put this right first\nError: no"},
		"a plugin": {`{"severity": "error", "message": "no resource plugin 'pulumi-resource-aws-native' found in the ` +
			`workspace"}`, "pulumi preview fails; put this right first\nno resource plugin 'pulumi-resource-aws-native' found " +
			"in " +
			"the workspace\ninstall it with pulumi plugin install resource aws-native, or preview where it is installed"},
		"nothing": {"", "pulumi preview fails; put this right first\nexit status 255"},
	} {
		assert.EqualError(t, engine.PreviewFailed(fmt.Errorf("exit status 255"), []byte(`{"diagnostics": [`+c.diagnostics+
			`]}`)), c.says, name)
	}
}
