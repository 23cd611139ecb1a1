package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/commands.md is every command's --help, in the order in which help lists them.
func TestTheDocsHaveEveryCommand(t *testing.T) {
	var want bytes.Buffer
	fmt.Fprint(&want, "# The commands\n\nWhat `batchaccess <command> --help` prints. `go test ./cmd/batchaccess -run "+
		"Docs -update` writes this page.\n")
	for _, command := range newRoot().Commands() {
		if !command.IsAvailableCommand() {
			continue
		}
		assert.NotEmpty(t, command.Example, "%s shows how it is used", command.Name())
		var help bytes.Buffer
		require.Zero(t, runWith(t.Context(), []string{command.Name(), "--help"}, &help, &help))
		fmt.Fprintf(&want, "\n## %s\n\n```text\n%s```\n", command.Name(), help.String())
	}
	file := filepath.Join(repository, "docs", "commands.md")
	if *update {
		require.NoError(t, os.WriteFile(file, want.Bytes(), 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, want.String() == string(have), "docs/commands.md is not what --help prints; go test "+
		"./cmd/batchaccess -run Docs -update writes it again")
}
