package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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

// Dependencies on others stay where they are needed: roles and access know no Pulumi and no network, a user's stack no
// engine and no Azure SDK. The table of the house in CONTRIBUTING.md says which of our own packages know each other.
func TestWhatOthersMadeStaysWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	const (
		pulumi, engine = "github.com/pulumi/pulumi/sdk/v3", "github.com/pulumi/pulumi/pkg/v3"
		azureSDK       = "github.com/Azure/azure-sdk-for-go"
		flags, random  = "github.com/spf13/cobra", "pgregory.net/rapid"
	)
	stack := []string{engine, azureSDK, random}
	heart := append([]string{pulumi, "net", flags}, stack...)
	report := []string{pulumi, azureSDK, flags, "net/http"}
	for name, never := range map[string][]string{
		"roles": heart, "access": heart, "stack": stack, "accesstest": stack,
		"internal/explain": report, "internal/guardrails": report,
		"internal/review": {engine, azureSDK}, "policy": {engine, azureSDK}, "internal/adopt": {engine},
		"internal/invoke": {pulumi, flags}, "ci/comment": {pulumi, azureSDK},
		"sandbox/azure": {pulumi, azureSDK}, "sandbox/standin": {azureSDK},
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

// A new colleague relies on the table of the house in CONTRIBUTING.md: each package has a row, and the row says which
// others it imports. The imports of a small package of internal without a row count for those that import it.
func TestTheHouseIsAsContributingSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	quoted := regexp.MustCompile("`([^`]+)`")
	says := map[string][]string{} // the imports in a folder's row
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 {
			continue
		}
		for _, folder := range quoted.FindAllStringSubmatch(columns[1], -1) {
			says[folder[1]] = []string{strings.TrimSpace(columns[3])}
			if imports := quoted.FindAllStringSubmatch(columns[3], -1); len(imports) > 0 || columns[3] == " " {
				says[folder[1]] = nil
				for _, i := range imports {
					says[folder[1]] = append(says[folder[1]], i[1])
				}
			}
		}
	}
	row := func(path string) string { // the row of a package: the nearest folder above it that has one
		for at := strings.TrimPrefix(path, module+"/"); at != "."; at = filepath.Dir(at) {
			if _, ok := says[at]; ok {
				return at
			}
		}
		return ""
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`,
		module+"/...").Output()
	require.NoError(t, err)
	direct := map[string][]string{} // by package, ours only
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		direct[words[0]] = slices.DeleteFunc(words[1:], func(i string) bool { return !strings.HasPrefix(i, module+"/") })
	}
	var imported func(path string) []string // the rows of a package's imports
	imported = func(path string) (rows []string) {
		for _, i := range direct[path] {
			if of := row(i); of != "" {
				rows = append(rows, of)
			} else {
				rows = append(rows, imported(i)...)
			}
		}
		return rows
	}
	imports := map[string][]string{}
	for path := range direct {
		folder := row(path)
		if path == module || folder == "tests" || folder == "" && strings.HasPrefix(path, module+"/internal/") {
			continue
		}
		require.NotEmpty(t, folder, "%s has no row", path)
		imports[folder] = append(imports[folder], "") // a package without imports has a row too
		for _, of := range imported(path) {
			if of != folder {
				imports[folder] = append(imports[folder], of)
			}
		}
	}
	for folder, all := range imports {
		slices.Sort(all)
		if all = slices.Compact(all)[1:]; !slices.Equal(says[folder], []string{"most"}) {
			assert.ElementsMatch(t, says[folder], all, "what %s imports", folder)
		}
	}
}

// public are the packages that others import.
var public = []string{
	"access", "access/services", "access/signin", "accesstest", "components", "roles", "stack",
}

// exports counts a package's exported types, functions, constants and variables, and exported methods.
func exports(t *testing.T, folder string) (names, methods int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range file.Decls {
			switch d := declared.(type) {
			case *ast.FuncDecl:
				switch {
				case !d.Name.IsExported():
				case d.Recv == nil:
					names++
				case ofExported(d.Recv.List[0].Type):
					methods++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					for _, name := range declares(spec) {
						if name.IsExported() {
							names++
						}
					}
				}
			}
		}
	}
	return names, methods
}

func declares(spec ast.Spec) []*ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// ofExported reports whether the receiver of a method is of an exported type.
func ofExported(receiver ast.Expr) bool {
	switch r := receiver.(type) {
	case *ast.StarExpr:
		return ofExported(r.X)
	case *ast.IndexExpr:
		return ofExported(r.X)
	case *ast.Ident:
		return r.IsExported()
	}
	return false
}

// CONTRIBUTING.md says how much there is to take in. Whoever adds more has to change these figures.
func TestTheDocsMeasureTheHouse(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "git", "-C", repository, "ls-files", "-co", "--exclude-standard")
	out, err := list.Output()
	require.NoError(t, err)
	folders := map[string]bool{}
	widest, in := 0, ""
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		if folder, _, is := strings.Cut(file, "/"); is && !strings.HasPrefix(folder, ".") {
			folders[folder] = true
		}
		if filepath.Ext(file) != ".go" || strings.HasPrefix(file, "sdks/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(repository, file))
		if os.IsNotExist(err) { // deleted, but not yet in git
			continue
		}
		require.NoError(t, err)
		if lines := strings.Count(string(text), "\n"); lines > widest {
			widest, in = lines, file
		}
	}
	assert.LessOrEqual(t, len(folders), 16, "folders at the top")
	assert.LessOrEqual(t, widest, 1100, "lines of %s: part it where it has a seam", in)

	var table strings.Builder
	table.WriteString("| public package | exports |\n|---|---|\n")
	for _, folder := range public {
		names, methods := exports(t, folder)
		fmt.Fprintf(&table, "| `%s` | %d names, %d methods |\n", folder, names, methods)
	}
	page := filepath.Join(repository, "CONTRIBUTING.md")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	measured := regexp.MustCompile(`(?m)^\| public package .*\n(?:\|.*\n)+`)
	require.Regexp(t, measured, string(text))
	if *update {
		now := measured.ReplaceAllLiteralString(string(text), table.String())
		require.NoError(t, os.WriteFile(page, []byte(now), 0o600))
	}
	assert.Equal(t, table.String(), measured.FindString(string(text)),
		"go test ./tests -run TheDocs -update writes CONTRIBUTING.md again")
}
