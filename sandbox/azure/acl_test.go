package azure_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestACommandThatSetsACLsIsRunAsItIsWritten(t *testing.T) {
	t.Parallel()
	const good = "az storage fs access update-recursive --auth-mode login --account-name mydata --file-system raw " +
		"--path '/heart' --acl 'user:" + alice + ":r-x,default:user:" + alice + ":r-x'  # for alice"
	w := newWorld(t)
	require.NoError(t, w.RunACLCommand(good))
	for what, c := range map[string]struct{ old, new, says string }{
		"another command":       {"update-recursive", "set-recursive", "update-recursive"},
		"an unknown flag":       {"--path", "--paths", "--paths"},
		"no path":               {"--path '/heart' ", "", "--path is missing"},
		"another account":       {"mydata", "mydate", "no storage account"},
		"another file system":   {"raw", "cooked", "no container"},
		"a key":                 {"login", "key", "--auth-mode"},
		"a user as a group":     {"default:user:", "default:group:", "no group of that object ID"},
		"nobody's ID":           {alice, strings.Repeat("9", 8) + alice[8:], "lets nobody in"},
		"permissions in words":  {"r-x'", "read'", "POSIX"},
		"an entry of two parts": {":r-x,default", ",default", "no entry"},
		"a second command":      {"# for alice", "; az logout", "more than one command"},
		"a quote that is open":  {"/heart'", "/heart", "not closed"},
	} {
		require.Contains(t, good, c.old, what)
		assert.ErrorContains(t, w.RunACLCommand(strings.Replace(good, c.old, c.new, 1)), c.says, what)
	}
}

func TestWordsAreThoseOfAShell(t *testing.T) {
	t.Parallel()
	words, rest, err := azure.Words("a 'b c'\\''d' \"e f\" \\\n  g#h # i\nj k")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b c'd", "e f", "g#h"}, words)
	assert.Equal(t, "j k", rest)
}
