// Package wholefile writes files so that a reader finds them complete or not at all, even if the writer dies.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces a file in one step; only its owner can read it. A writer that is killed leaves <name>.<digits>.tmp
// behind.
func Write(name string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp") // 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
