package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oneLine is help without line breaks.
func oneLine(help string) string { return strings.Join(strings.Fields(help), " ") }

func TestHelpIsNarrow(t *testing.T) {
	t.Parallel()
	for _, cmd := range append(newRoot().Commands(), newRoot()) {
		var out strings.Builder
		cmd.SetOut(&out)
		require.NoError(t, cmd.Help())
		help, _, _ := strings.Cut(out.String(), "\nExamples:")
		_, flags, _ := strings.Cut(out.String(), "\nFlags:")
		for line := range strings.Lines(help + flags) {
			assert.LessOrEqual(t, len(line), 101, "%s: %s", cmd.Name(), line)
		}
		// Each line of an example that is pasted is a command, or continues one.
		for line := range strings.Lines(cmd.Example) {
			assert.True(t, line == "\n" || strings.HasPrefix(line, "  "), "%s: %s", cmd.Name(), line)
		}
	}
}

func TestHelpIsBrokenByParagraphsAndRows(t *testing.T) {
	t.Parallel()
	assert.Equal(t, strings.Join([]string{
		"one two",
		"three",
		"",
		"four:",
		"  a    five",
		"       six",
		"  b c  seven",
		"       eight",
		"nine",
	}, "\n"), wrapped("one\ntwo three\n\nfour:\n  a    five six\n  b c  seven\n       eight\nnine", 12))
}
