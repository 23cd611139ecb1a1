package engine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/batchaccess/batchaccess/sandbox/standin"
	"github.com/batchaccess/batchaccess/sdks/schemas"
)

// pluginVersions are the versions of the real plugins that the generated SDKs ask for.
var pluginVersions = map[string]string{
	"azuread":      versionOf(schemas.AzureAD),
	"azure-native": versionOf(schemas.MachineLearningServices),
}

func versionOf(schema []byte) string {
	var head struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(schema, &head); err != nil || head.Version == "" {
		panic("engine: a schema of sdks/schemas has no version")
	}
	return head.Version
}

// NotInstalled are the providers that need a stand-in: Pulumi would not find their real plugin in the version that the
// SDKs ask for. It is never nil.
func NotInstalled() []string {
	missing := []string{}
	for _, name := range standin.Names() {
		_, err := exec.LookPath("pulumi-resource-" + name)
		if err != nil && !exists(filepath.Join(userPlugins(), "resource-"+name+"-v"+pluginVersions[name])) {
			missing = append(missing, name)
		}
	}
	return missing
}

// userPlugins is the folder in which the user's Pulumi keeps its plugins; a path that does not exist if there is no
// home.
func userPlugins() string {
	home := os.Getenv("PULUMI_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return filepath.Join(os.DevNull, "plugins")
		}
		home = filepath.Join(user, ".pulumi")
	}
	return filepath.Join(home, "plugins")
}
