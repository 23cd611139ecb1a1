package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// repository is the working tree of a git repository.
type repository struct {
	root  string
	files []string // tracked, or new and not ignored; relative to the root
}

func open(folder string) (*repository, error) {
	r := &repository{root: folder}
	root, err := r.git("rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	r.root = strings.TrimSpace(root)
	r.files, err = r.list("-co", "--exclude-standard")
	return r, err
}

func (r *repository) git(args ...string) (string, error) {
	var said bytes.Buffer
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stderr = r.root, &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return string(out), nil
}

// list returns what `git ls-files` lists, without files that are deleted.
func (r *repository) list(args ...string) ([]string, error) {
	out, err := r.git(append([]string{"ls-files", "-z"}, args...)...)
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(out, "\x00") {
		if info, err := os.Lstat(r.path(name)); name != "" && err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	return files, nil
}

func (r *repository) path(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

// head returns the first bytes of a file.
func (r *repository) head(name string, size int64) ([]byte, error) {
	file, err := os.Open(r.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, size))
}
