// Release builds a release of batchaccess from a commit, never from the working tree: the command and the component
// package's plugin for all systems, their checksums, the notes, and the tag of the module plugin. With -try it needs no
// tag, and adds the package to a project as users do. docs/release.md says when to run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	var r release
	var only string
	flag.StringVar(&r.version, "version", "", "the tag, such as v0.1.0")
	flag.StringVar(&r.out, "out", "", "a folder to make, for archives, checksums.txt and notes.md")
	flag.StringVar(&only, "systems", "", "build for these only, such as linux/amd64,windows/arm64; default: all")
	flag.BoolVar(&r.tag, "tag", false, "tag the module plugin in the repository, once all else is done")
	flag.BoolVar(&r.try, "try", false, "need no tag, take the notes from Unreleased where there are none, "+
		"and add the package to a project from the archive and from a git remote")
	flag.StringVar(&r.pulumi, "pulumi", "", "path of the Pulumi CLI; -try needs it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := r.choose(only)
	if err == nil {
		err = r.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one release, with its options.
type release struct {
	version, out string
	systems      []system
	tag, try     bool
	pulumi       string

	root   string // the repository
	commit string // of HEAD
	notes  string
}

// choose sets the systems to build for: those in the list, or all if it is empty.
func (r *release) choose(only string) error {
	if only == "" {
		r.systems = systems
		return nil
	}
	var unknown []string
	for name := range strings.SplitSeq(only, ",") {
		if s, ok := systemOf(name); ok {
			r.systems = append(r.systems, s)
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("-systems: %q is none that is built for; take some of %v", unknown, systems)
	}
	return nil
}

func (r *release) run(ctx context.Context) error {
	if err := r.check(ctx); err != nil {
		return err
	}
	clone, err := os.MkdirTemp("", "batchaccess-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(clone)
	if err := r.cloneInto(ctx, clone); err != nil {
		return err
	}
	plugin, err := r.pluginCommit(ctx, clone)
	if err != nil {
		return err
	}
	if err := r.build(ctx, clone); err != nil {
		return err
	}
	if err := r.asks(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "notes.md"), []byte(r.notes), 0o644); err != nil {
		return err
	}
	if r.try {
		if err := r.addPackage(ctx, clone); err != nil {
			return err
		}
	}
	if r.tag {
		return r.tagPlugin(ctx, clone, plugin)
	}
	return nil
}
