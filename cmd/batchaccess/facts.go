package main

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// regions returns the given regions of clusters' nodes, by the clusters' names, and of the workspace, by "". With
// several parts of a program, names begin with the part's.
func (s *stackOf) regions() map[string]string {
	if s.own {
		return s.given
	}
	r := map[string]string{}
	for _, p := range s.Parts {
		of := ""
		if len(s.Parts) > 1 {
			of = p.Name + ":"
		}
		if at, ok := p.Inputs["location"].(string); ok && of == "" {
			r[""] = at
		}
		clusters, _ := p.Inputs["clusters"].(map[string]any)
		for name, c := range clusters {
			values, _ := c.(map[string]any)
			if at, ok := values["location"].(string); ok {
				r[of+name] = at
			}
		}
	}
	return r
}

// commit returns the commit of a project's configuration, and says if there are uncommitted changes; "" without git.
func (p project) commit(ctx context.Context) string {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = p.dir
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	if p.dir == "" {
		return ""
	}
	at, err := git("rev-parse", "--verify", "--quiet", "--short=12", "HEAD")
	if err != nil {
		return ""
	}
	changed, err := git("status", "--porcelain", "--", ".")
	if err != nil {
		return ""
	}
	if changed != "" {
		at += " with changes that are not committed"
	}
	return at
}

// today is the day that a page shows as the day when it was made.
var today = func() string { return time.Now().UTC().Format(time.DateOnly) }
