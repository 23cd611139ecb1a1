package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var plugin = filepath.Join("..", "..", "plugin", "schema.json")

// This list is written from the components, not from the generator: what a reader of the Go types expects of the SDKs.
func TestWhatIsPlainRequiredAndSecretInEachLanguage(t *testing.T) {
	t.Parallel()
	for language, files := range map[string]map[string][]string{
		"nodejs": {
			"package.json": {`"name": "@batchaccess/batchaccess"`},
			"batchEndpointAccess.ts": {
				`invokers: {[key: string]: inputs.InvokerArgs};`, `workspaceId: pulumi.Input<string>;`,
				`role?: inputs.RoleArgs;`, `protect?: boolean;`, `storageAccounts?: {[key: string]: pulumi.Input<string>};`,
				`additionalSecretOutputs: ["clientSecrets"]`,
			},
			"servicePrincipal.ts": {`additionalSecretOutputs: ["clientSecrets"]`},
			"types/input.ts":      {`kind: enums.PrincipalKind;`, `objectId?: pulumi.Input<string | undefined>;`},
		},
		"python": {
			"pyproject.toml": {`name = "batchaccess_batchaccess"`},
			"batchaccess_batchaccess/batch_endpoint_access.py": {
				`invokers: Mapping[str, 'InvokerArgs'],`, `workspace_id: pulumi.Input[_builtins.str],`,
				`role: Optional['RoleArgs'] = None,`, `protect: Optional[_builtins.bool] = None,`,
				`storage_accounts: Optional[Mapping[str, pulumi.Input[_builtins.str]]] = None,`,
				`additional_secret_outputs=["clientSecrets"]`,
			},
			"batchaccess_batchaccess/service_principal.py": {`additional_secret_outputs=["clientSecrets"]`},
			"batchaccess_batchaccess/_inputs.py": {`kind: 'PrincipalKind'`,
				`object_id: pulumi.Input[Optional[_builtins.str]] = None,`},
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			generated, err := generateFor(language, plugin)
			require.NoError(t, err)
			for name, wants := range files {
				for _, want := range wants {
					// not Contains: it would print the file
					assert.True(t, strings.Contains(string(generated[name]), want), "%s should hold: %s", name, want)
				}
			}
		})
	}
}

func TestWritingAnSDKNeedsALanguageASchemaAndAFolder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ language, schema, folder, want string }{
		"a language that is not known": {"rust", plugin, "sdk",
			`-language "rust": is not known; give one of go, nodejs, python`},
		"no folder": {"nodejs", plugin, "", "-to: is empty"},
		"no schema": {"nodejs", "missing.json", "sdk", "missing.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := test.folder
			if folder != "" {
				folder = filepath.Join(t.TempDir(), folder)
			}
			require.ErrorContains(t, writeFor(test.language, test.schema, folder), test.want)
			if folder != "" {
				assert.NoDirExists(t, folder)
			}
		})
	}
}
