//go:build unix

package filelock

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockIsLetGoOfThoughAStartingProcessHasACopyOfTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lock")
	first, err := Take(file)
	require.NoError(t, err)
	inherited, err := syscall.Dup(int(first.Fd()))
	require.NoError(t, err)
	defer func() { _ = syscall.Close(inherited) }()

	_, err = Take(file)
	require.ErrorIs(t, err, ErrTaken)
	require.NoError(t, first.Close())
	second, err := Take(file)
	require.NoError(t, err, "what a starting process inherits keeps the lock")
	require.NoError(t, second.Close())
}
