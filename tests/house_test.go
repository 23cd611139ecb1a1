package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	around := []string{
		module + "/sandbox", module + "/cmd", module + "/internal/invoke", module + "/tests",
		"github.com/pulumi/pulumi/pkg/v3", azureSDK, "pgregory.net/rapid",
	}
	// The embedded Azure is a witness: what it knows of roles and access is its own.
	witness := []string{
		pulumi, module + "/roles", module + "/internal/condition", module + "/access", module + "/components", module +
			"/internal/config", module + "/stack",
		module + "/internal/lookup", module + "/sdks", module + "/internal/invoke", module + "/internal/explain", module +
			"/internal/review",
		module + "/internal/guardrails", module + "/policy", module + "/internal/verify", module +
			"/internal/adopt", azureSDK,
		module + "/sandbox/engine", module + "/sandbox/standin", module + "/sandbox/rehearsal",
	}
	for name, never := range map[string][]string{
		"roles": append([]string{
			pulumi, module + "/access", module + "/components", "net",
		}, around...),
		"access": append([]string{
			pulumi, module + "/components", module + "/internal/config", "net", module + "/internal/lookup",
		}, around...),
		"internal/lookup": append([]string{module + "/components", module + "/internal/config"}, around...),
		"components":      append([]string{module + "/internal/config", module + "/stack"}, around...),
		"internal/config": append([]string{module + "/stack"}, around...),
		"stack":           around,
		"accesstest": append([]string{
			module + "/internal/explain", module + "/internal/review",
		}, around...),
		"internal/explain": {
			pulumi, module + "/components", module + "/internal/config", module + "/sandbox", module + "/cmd",
			azureSDK, "net/http", "github.com/spf13/cobra",
		},
		"internal/guardrails": {
			pulumi, module + "/components", module + "/internal/config", module + "/internal/review",
			module + "/sandbox", module + "/cmd", azureSDK, "net/http", "github.com/spf13/cobra",
		},
		"internal/review": {
			module + "/sandbox", module + "/cmd", module + "/internal/invoke", module + "/internal/adopt",
			"github.com/pulumi/pulumi/pkg/v3", azureSDK,
		},
		"policy": {
			module + "/internal/review", module + "/components", module + "/sandbox", module + "/cmd",
			module + "/internal/invoke", "github.com/pulumi/pulumi/pkg/v3", azureSDK,
		},
		"internal/adopt": {
			module + "/sandbox", module + "/cmd", "github.com/pulumi/pulumi/pkg/v3",
		},
		"ci/comment": {pulumi, module + "/access", module + "/sandbox", module + "/cmd", azureSDK},
		"internal/invoke": {
			pulumi, module + "/sandbox", module + "/components", module + "/cmd", "github.com/spf13/cobra",
		},
		"sandbox/azure": witness,
		"sandbox/standin": {
			module + "/access", module + "/components", module + "/internal/config",
			module + "/sandbox/azure", module + "/sandbox/engine", azureSDK,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+name).Output()
			require.NoError(t, err)
			for dependency := range strings.Lines(string(out)) {
				dependency = strings.TrimSpace(dependency)
				for _, forbidden := range never {
					// Every way to a network goes through package net itself; net/url is text.
					below := forbidden != "net" && strings.HasPrefix(dependency, forbidden+"/")
					assert.False(t, dependency == forbidden || below, "%s must not depend on %s", name, dependency)
				}
			}
		})
	}
}

// The table of the house in CONTRIBUTING.md is what a new colleague goes by: each package has a row, and the row says
// which others it imports.
func TestTheHouseIsAsContributingTells(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	quoted := regexp.MustCompile("`([^`]+)`")
	told := map[string][]string{} // what a folder's row says that it imports, the folder itself left out
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 {
			continue
		}
		for _, folder := range quoted.FindAllStringSubmatch(columns[1], -1) {
			told[folder[1]] = []string{strings.TrimSpace(columns[3])}
			if imports := quoted.FindAllStringSubmatch(columns[3], -1); len(imports) > 0 || columns[3] == " " {
				told[folder[1]] = nil
				for _, i := range imports {
					told[folder[1]] = append(told[folder[1]], i[1])
				}
			}
		}
	}
	row := func(path string) string { // the row that a package belongs to: the nearest folder around it that has one
		for at := strings.TrimPrefix(path, module+"/"); at != "."; at = filepath.Dir(at) {
			if _, ok := told[at]; ok {
				return at
			}
		}
		return ""
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`,
		module+"/...").Output()
	require.NoError(t, err)
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		folder := row(words[0])
		if words[0] == module || folder == "tests" || folder == "" && strings.HasPrefix(words[0], module+"/internal/") {
			continue
		}
		require.NotEmpty(t, folder, "%s has no row", words[0])
		imports[folder] = append(imports[folder], "") // a package of no imports has a row too
		for _, i := range words[1:] {
			if of := row(i); strings.HasPrefix(i, module+"/") && of != folder {
				imports[folder] = append(imports[folder], of)
			}
		}
	}
	for folder, all := range imports {
		slices.Sort(all)
		if all = slices.Compact(all)[1:]; !slices.Equal(told[folder], []string{"most"}) {
			assert.ElementsMatch(t, told[folder], all, "what %s imports", folder)
		}
	}
}
