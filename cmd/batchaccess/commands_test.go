package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// commandsHead and commandsTail have ' in place of the backtick, which no raw string can hold.
const (
	commandsHead = `# Commands

What does each command do, what does it print, and with what does it exit?

This page is what 'batchaccess <command> --help' prints.

| command | does |
|---|---|
`
	commandsTail = `
Without an installation, 'go run ./cmd/batchaccess <command>' runs a command. It exits with 1 for
every other code than 0.

The commands that ask Azure ('verify', 'pin', 'adopt', 'init', 'invoke') can be tried in the sandbox, where
everyone can sign in. There 'az' is a stand-in that signs in at the sandbox and nowhere else. The SDKs of Azure for
Go and Python and that of HashiCorp work against the sandbox.

    batchaccess sandbox -- batchaccess invoke --stack dev --endpoint heart-classifier --as-invoker analysts --wait

## What every command has

A test runs each row on each command, except on those in the second column.

| what holds | except for |
|---|---|
`
	commandsEnd = `
## Limitations

Programs should read the JSON of a command, whose schema is [json.schema.json](json.schema.json). Text for people may
change in any version.
`
)

// docs/commands.md is every command's --help, in the order in which help lists them.
func TestTheDocsHaveEveryCommand(t *testing.T) {
	var want bytes.Buffer
	fmt.Fprint(&want, strings.ReplaceAll(commandsHead, "'", "`"))
	for _, command := range newRoot().Commands() {
		if command.IsAvailableCommand() {
			fmt.Fprintf(&want, "| [`batchaccess %s`](#%[1]s) | %s |\n", command.Name(), command.Short)
		}
	}
	fmt.Fprint(&want, strings.ReplaceAll(commandsTail, "'", "`"))
	for _, c := range contract {
		var not []string
		for _, name := range slices.Sorted(maps.Keys(c.not)) {
			not = append(not, "`"+name+"`: "+c.not[name])
		}
		fmt.Fprintf(&want, "| %s | %s |\n", c.row, strings.Join(not, "; "))
	}
	fmt.Fprint(&want, strings.ReplaceAll(commandsEnd, "'", "`"))
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
