//go:build unix

package state

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockIsLetGoOfThoughAStartingProcessHasACopyOfTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	first, err := lock(file)
	require.NoError(t, err)
	inherited, err := syscall.Dup(int(first.Fd()))
	require.NoError(t, err)
	defer func() { _ = syscall.Close(inherited) }()

	_, err = lock(file)
	require.ErrorContains(t, err, "is in use by process")
	require.NoError(t, first.Close())
	second, err := lock(file)
	require.NoError(t, err, "what a starting process inherits keeps the lock")
	require.NoError(t, second.Close())
}
