package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A system is an operating system and a processor architecture, as Go names them.
type system struct{ os, arch string }

func (s system) String() string { return s.os + "/" + s.arch }

// systems are those for which the Pulumi CLI is published.
var systems = []system{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

func systemOf(name string) (system, bool) {
	i := slices.IndexFunc(systems, func(s system) bool { return s.String() == name })
	if i < 0 {
		return system{}, false
	}
	return systems[i], true
}

// A program is built and packed for each system.
type program struct {
	name   string // of the file, without .exe
	folder string // folder of its module, in the repository
	path   string // folder of its package, in the module
}

// programs are the command and the plugin. Pulumi finds a plugin among a release's files by their names:
// https://www.pulumi.com/docs/iac/packages-and-automation/pulumi-packages/authoring/, "Publish".
var programs = []program{
	{"batchaccess", ".", "./cmd/batchaccess"},
	{"pulumi-resource-batchaccess", "plugin", "."},
}

// file is the name of the program's file on a system.
func (p program) file(s system) string {
	if s.os == "windows" {
		return p.name + ".exe"
	}
	return p.name
}

func (p program) archive(version string, s system) string {
	return fmt.Sprintf("%s-%s-%s-%s.tar.gz", p.name, version, s.os, s.arch)
}

// cloneInto makes a clone of the commit with the version's tag, and without uncommitted files.
func (r *release) cloneInto(ctx context.Context, folder string) error {
	if _, err := git(ctx, folder, "clone", "--quiet", "--no-checkout", "--no-tags", r.root, "."); err != nil {
		return err
	}
	if _, err := git(ctx, folder, "checkout", "--quiet", "--detach", r.commit); err != nil {
		return err
	}
	_, err := git(ctx, folder, "tag", r.version, r.commit)
	return err
}

// build builds every program for every system from the clone, and writes the archives and their checksums. The same
// commit and the same version of Go give the same bytes.
func (r *release) build(ctx context.Context, clone string) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	license, err := os.ReadFile(filepath.Join(clone, "LICENSE"))
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, s := range r.systems {
		for _, p := range programs {
			fmt.Fprintf(os.Stderr, "building %s for %s\n", p.name, s)
			// In .git, so that the tree stays clean: the version of a program says if it was not.
			built := filepath.Join(clone, ".git", p.file(s))
			cmd := command(ctx, filepath.Join(clone, p.folder), "go", "build", "-trimpath", "-buildvcs=true",
				"-ldflags=-s -w", "-o", built, p.path)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS="+s.os, "GOARCH="+s.arch)
			if _, err := run(cmd); err != nil {
				return err
			}
			binary, err := os.ReadFile(built)
			if err != nil {
				return err
			}
			name := p.archive(r.version, s)
			sum, err := writeArchive(filepath.Join(r.out, name), []packed{
				{p.file(s), 0o755, binary}, {"LICENSE", 0o644, license},
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sum, name)
			if err := os.Remove(built); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(r.out, "checksums.txt"), []byte(sums.String()), 0o644)
}

// packed is a file in an archive.
type packed struct {
	name string
	mode int64
	data []byte
}

// writeArchive writes a new archive, the same whenever and by whomever it is written, and returns its SHA-256.
func writeArchive(path string, files []packed) (_ []byte, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	zipped := gzip.NewWriter(io.MultiWriter(file, sum))
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: time.Unix(0, 0)}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

// asks unpacks the programs for this machine, and compares the version that each prints.
func (r *release) asks(ctx context.Context) error {
	here := system{runtime.GOOS, runtime.GOARCH}
	if !slices.Contains(r.systems, here) {
		fmt.Fprintf(os.Stderr, "not asked for their versions: the programs, of which none is built for %s\n", here)
		return nil
	}
	for _, p := range programs {
		folder, err := os.MkdirTemp("", "batchaccess-release-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		path, err := filepath.Abs(filepath.Join(r.out, p.archive(r.version, here)))
		if err != nil {
			return err
		}
		if _, err := run(command(ctx, folder, "tar", "-xzf", path)); err != nil {
			return err
		}
		said, err := run(command(ctx, folder, filepath.Join(folder, p.file(here)), "--version"))
		if err != nil {
			return err
		}
		if !slices.Contains(strings.Fields(said), r.version) {
			return fmt.Errorf("%s of %s says that it is %q", p.name, r.version, said)
		}
		fmt.Fprintln(os.Stderr, said)
	}
	return nil
}
