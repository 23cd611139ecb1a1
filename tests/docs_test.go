package tests

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the code of the tests into the docs")

const repository = ".."

// quoted is code in the docs: a comment with the file and the function, and below it a block.
var quoted = regexp.MustCompile("(<!-- go (\\S+) (\\S+) -->\n```go\n)((?s:.*?))(```\n)")

func TestTheDocsShowCodeThatTestsRun(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	require.NoError(t, err)
	files = append(files, filepath.Join(repository, "README.md"))
	shown := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		blocks := 0
		now := quoted.ReplaceAllStringFunc(string(text), func(block string) string {
			blocks++
			parts := quoted.FindStringSubmatch(block)
			shown[parts[3]] = true
			return parts[1] + codeOf(t, parts[2], parts[3]) + parts[5]
		})
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o600))
		}
		assert.Equal(t, now, string(text), "go test ./tests -run Docs -update writes %s again", file)
		assert.Equal(t, strings.Count(string(text), "<!-- go "), blocks, "a comment of %s has no block behind it", file)
		assert.Equal(t, strings.Count(string(text), "```go\n"), blocks,
			"a block of %s is run by no test: name its code in a comment above it", file)
	}
	for _, f := range functions(t, "components/example_test.go") {
		if strings.HasPrefix(f.Name.Name, "Example") {
			assert.True(t, shown[f.Name.Name], "no page in docs/ shows %s", f.Name.Name)
		}
	}
}

// ofPrograms is code of another language in the docs: a comment with its file, and below it a block.
var ofPrograms = regexp.MustCompile("(?s)([^\n]*)\n```(ts|typescript|js|py|python|csharp|java)\n(.*?)```\n")

// tests/examples deploys the programs of examples/ in other languages, so the lines of them in the docs work.
func TestTheDocsShowLinesOfProgramsThatTestsDeploy(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for path, text := range pages(t) {
		for _, block := range ofPrograms.FindAllStringSubmatch(text, -1) {
			file, ok := strings.CutPrefix(strings.TrimSuffix(block[1], " -->"), "<!-- from ")
			require.True(t, ok && strings.HasPrefix(file, "examples/"), "%s: name the file above\n%s", path, block[3])
			program, err := os.ReadFile(filepath.Join(repository, file))
			require.NoError(t, err)
			assert.Contains(t, string(program), block[3], "%s shows what %s has not", path, file)
			shown[block[2]] = true
		}
	}
	assert.Len(t, shown, 2, "a block of each language is found")
}

// A module of another team gets the components of a clone as examples/go does.
func TestTheDocsShowAModuleWhereTheComponentsAre(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(repository, "docs", "parts.md"))
	require.NoError(t, err)
	edit := regexp.MustCompile("(?m)^go (mod edit .*)$").FindSubmatch(page)
	require.NotNil(t, edit)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module scoring\n"), 0o600))
	command := exec.CommandContext(t.Context(), "go", strings.Fields(
		strings.Replace(string(edit[1]), "<clone>", "../..", 1))...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	example, err := os.ReadFile(filepath.Join(repository, "examples", "go", "go.mod"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		assert.Contains(t, string(example), strings.TrimSpace(strings.TrimPrefix(line, "require")))
	}
}

func functions(t *testing.T, file string) (all []*ast.FuncDecl) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, file), nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			all = append(all, f)
		}
	}
	return all
}

// codeOf is a function's source; for an example, the body of the program that it runs.
func codeOf(t *testing.T, file, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, file))
	require.NoError(t, err)
	for _, f := range functions(t, file) {
		if f.Name.Name != name {
			continue
		}
		from, to := f.Pos(), f.End()
		if strings.HasPrefix(name, "Example") {
			ast.Inspect(f, func(n ast.Node) bool {
				if program, ok := n.(*ast.FuncLit); ok {
					from, to = program.Body.Lbrace+1, program.Body.Rbrace
				}
				return from == f.Pos()
			})
		}
		return dedented(string(text[from-1 : to-1]))
	}
	t.Fatalf("%s has no function %s", file, name)
	return ""
}

// dedented removes the indentation of the first line from all lines.
func dedented(code string) string {
	lines := strings.Split(strings.Trim(code, "\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], "\t"))]
	for i := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(lines[i], indent), "\t ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
