package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	modmodule "golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// pluginCommit makes the commit for the tag plugin/<version>, and returns its hash. On main, the module plugin uses a
// replace directive for the module around it. Go ignores that, or refuses it, if a module is used by its version, so
// this commit requires the version instead.
func (r *release) pluginCommit(ctx context.Context, clone string) (string, error) {
	changed := map[string][]byte{}
	text, err := os.ReadFile(filepath.Join(clone, "plugin", "go.mod"))
	if err != nil {
		return "", err
	}
	if changed["plugin/go.mod"], err = requires(text, r.version); err != nil {
		return "", err
	}
	sums, err := sumsOf(clone, r.version)
	if err != nil {
		return "", err
	}
	if text, err = os.ReadFile(filepath.Join(clone, "plugin", "go.sum")); err != nil {
		return "", err
	}
	lines := append(slices.Collect(strings.Lines(string(text))), sums...)
	slices.Sort(lines)
	changed["plugin/go.sum"] = []byte(strings.Join(lines, ""))
	return r.commitOf(ctx, clone, changed)
}

// requires returns plugin/go.mod with the version in place of the replace directive.
func requires(text []byte, version string) ([]byte, error) {
	file, err := modfile.Parse("plugin/go.mod", text, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range file.Replace {
		if r.Old.Path != module {
			return nil, fmt.Errorf("plugin/go.mod replaces %s, which does not hold for those who use it by its version: "+
				"require what is needed", r.Old.Path)
		}
	}
	if len(file.Replace) != 1 {
		return nil, fmt.Errorf("plugin/go.mod replaces %s %d times, and is to do so once", module, len(file.Replace))
	}
	if err := file.DropReplace(module, file.Replace[0].Old.Version); err != nil {
		return nil, err
	}
	if err := file.AddRequire(module, version); err != nil {
		return nil, err
	}
	file.Cleanup()
	return file.Format()
}

// sumsOf returns the lines of go.sum for the module around the plugin.
func sumsOf(clone, version string) ([]string, error) {
	packed, err := os.CreateTemp("", "batchaccess-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(packed.Name())
	defer packed.Close()
	if err := zip.CreateFromVCS(packed, modmodule.Version{Path: module, Version: version}, clone, version,
		""); err != nil {
		return nil, err
	}
	all, err := dirhash.HashZip(packed.Name(), dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(clone, "go.mod"))
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	})
	return []string{
		fmt.Sprintf("%s %s %s\n", module, version, all), fmt.Sprintf("%s %s/go.mod %s\n", module, version, mod),
	}, err
}

// commitOf commits changed files on top of the release's commit, with its author and dates, so that doing it again
// gives the same commit.
func (r *release) commitOf(ctx context.Context, clone string, changed map[string][]byte) (string, error) {
	index := "GIT_INDEX_FILE=" + filepath.Join(clone, ".git", "release-index")
	in := func(stdin []byte, args ...string) (string, error) {
		cmd := command(ctx, clone, "git", args...)
		cmd.Stdin, cmd.Env = bytes.NewReader(stdin), append(os.Environ(), index)
		return run(cmd)
	}
	if _, err := in(nil, "read-tree", r.commit); err != nil {
		return "", err
	}
	for name, text := range changed {
		blob, err := in(text, "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		if _, err := in(nil, "update-index", "--cacheinfo", "100644,"+blob+","+name); err != nil {
			return "", err
		}
	}
	tree, err := in(nil, "write-tree")
	if err != nil {
		return "", err
	}
	who, err := git(ctx, clone, "show", "-s", "--format=%an%n%ae%n%cI", r.commit)
	if err != nil {
		return "", err
	}
	lines := strings.Split(who, "\n")
	if len(lines) != 3 {
		return "", fmt.Errorf("git says %q of the author of %s", who, r.commit)
	}
	cmd := command(ctx, clone, "git", "commit-tree", tree, "-p", r.commit, "-m",
		"The module plugin at "+r.version+": requires "+module+" by its version")
	cmd.Env = os.Environ()
	for _, whose := range []string{"AUTHOR", "COMMITTER"} {
		cmd.Env = append(cmd.Env, "GIT_"+whose+"_NAME="+lines[0], "GIT_"+whose+"_EMAIL="+lines[1],
			"GIT_"+whose+"_DATE="+lines[2])
	}
	return run(cmd)
}

// tagPlugin fetches the plugin's commit into the repository, under its tag.
func (r *release) tagPlugin(ctx context.Context, clone, commit string) error {
	tag := "plugin/" + r.version
	if at, err := git(ctx, r.root, "rev-parse", "--verify", "--quiet", "refs/tags/"+tag+"^{commit}"); err == nil {
		if at == commit {
			return nil
		}
		return fmt.Errorf("the tag %s is at %.12s and not at %.12s: a tag that is published stays, so take another version",
			tag, at, commit)
	}
	if _, err := git(ctx, clone, "tag", tag, commit); err != nil {
		return err
	}
	_, err := git(ctx, r.root, "fetch", "--quiet", "--no-tags", clone, "refs/tags/"+tag+":refs/tags/"+tag)
	return err
}
