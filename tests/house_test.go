package tests

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/batchaccess/batchaccess"

// Arrows point one way: what a stack imports stays small, and the heart knows nothing of what is built around it.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	pulumi, azureSDK := "github.com/pulumi/pulumi/sdk/v3", "github.com/Azure/azure-sdk-for-go"
	around := []string{module + "/sandbox", module + "/cmd", module + "/invoke", module + "/tests", module + "/internal", "github.com/pulumi/pulumi/pkg/v3", azureSDK, "pgregory.net/rapid"}
	for name, never := range map[string][]string{
		"roles":         append([]string{pulumi, module + "/access", module + "/components", "net"}, around...),
		"access":        append([]string{pulumi, module + "/components", module + "/config", "net"}, around...),
		"lookup":        append([]string{module + "/components", module + "/config"}, around...),
		"components":    append([]string{module + "/config", module + "/stack"}, around...),
		"config":        append([]string{module + "/stack"}, around...),
		"stack":         around,
		"accesstest":    append([]string{module + "/explain", module + "/review"}, around...),
		"explain":       {pulumi, module + "/components", module + "/config", module + "/sandbox", module + "/cmd", module + "/internal", azureSDK, "net/http", "github.com/spf13/cobra"},
		"guardrails":    {pulumi, module + "/components", module + "/config", module + "/review", module + "/sandbox", module + "/cmd", azureSDK, "net/http", "github.com/spf13/cobra"},
		"review":        {module + "/sandbox", module + "/cmd", module + "/invoke", module + "/existing", "github.com/pulumi/pulumi/pkg/v3", azureSDK},
		"policy":        {module + "/review", module + "/components", module + "/sandbox", module + "/cmd", module + "/invoke", "github.com/pulumi/pulumi/pkg/v3", azureSDK},
		"existing":      {module + "/components", module + "/sandbox", module + "/cmd", "github.com/pulumi/pulumi/pkg/v3", "github.com/spf13/cobra"},
		"ci/comment":    {pulumi, module + "/access", module + "/sandbox", module + "/cmd", azureSDK},
		"invoke":        {pulumi, module + "/sandbox", module + "/components", module + "/cmd", "github.com/spf13/cobra"},
		"sandbox/azure": {pulumi, module + "/access", module + "/components", module + "/config", module + "/sandbox/engine", azureSDK},
		"sandbox/standin": {
			module + "/access", module + "/components", module + "/config", module + "/sandbox/azure", module + "/sandbox/engine", azureSDK,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+name).Output()
			require.NoError(t, err)
			for dependency := range strings.Lines(string(out)) {
				dependency = strings.TrimSpace(dependency)
				for _, forbidden := range never {
					assert.False(t, dependency == forbidden || strings.HasPrefix(dependency, forbidden+"/"), "%s must not depend on %s", name, dependency)
				}
			}
		})
	}
}
