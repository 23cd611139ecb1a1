package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// replace makes folder hold exactly these files, so that code for a removed part of a schema is deleted.
func replace(folder string, files map[string][]byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// differences lists, in order, files of folder that are missing, changed or no longer generated.
func differences(folder string, files map[string][]byte) ([]string, error) {
	var stale []string
	for name, want := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		have, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			stale = append(stale, path+": missing")
		case err != nil:
			return nil, err
		case !bytes.Equal(have, want):
			stale = append(stale, path+": changed")
		}
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return fmt.Errorf("naming %s: %w", path, err)
		}
		if _, ok := files[filepath.ToSlash(name)]; !ok {
			stale = append(stale, path+": no longer generated")
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	slices.Sort(stale)
	return stale, nil
}
