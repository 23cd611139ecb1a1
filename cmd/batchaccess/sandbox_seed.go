package main

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// seedOfTheRest returns what a configuration of our own program refers to in its correct entries, if it has problems. A
// command that those do not stop then finds the same as in Azure. The model is returned if invokers can sign in.
func seedOfTheRest(cmd *cobra.Command, p project, stack string) (s azure.Seed, m access.Model, found bool) {
	// Not by p.read: the key that makes the program ours may be missing.
	values, err := config.ReadStack(p.dir, stack)
	if err != nil {
		return s, m, false
	}
	c, problems := config.DecodeAt(values, time.Time{})
	m = withoutProblems(c.Model, problems)
	if _, err := m.Workspace(); err == nil {
		if s, err = rehearsal.Seed(m, location(c)); err == nil {
			return s, rehearsal.Identified(m), true
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "sandbox: of stack %s, only the workspace and its storage accounts are seeded: %v\n",
			stack, err)
	}
	// These entries can be read without a workspace.
	s, m = azure.Seed{}, access.Model{}
	if id := c.Model.WorkspaceID.Text(); isID(id, arm.Workspace) {
		s.Workspaces = []azure.Workspace{{ID: id, Location: location(c)}}
	}
	for _, id := range c.Model.StorageAccounts {
		if isID(id.Text(), arm.StorageAccount) {
			s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: id.Text(), HNS: true})
		}
	}
	return s, m, len(s.Workspaces)+len(s.StorageAccounts) > 0
}

func isID(text, kind string) bool {
	_, err := arm.Parse(text, kind)
	return err == nil
}

// withoutProblems removes the entries with problems, and then those that are wrong without them, until no problem is
// left that an entry could solve.
func withoutProblems(m access.Model, problems access.Problems) access.Model {
	m.Invokers, m.Clusters = maps.Clone(m.Invokers), maps.Clone(m.Clusters)
	m.StorageAccounts, m.SharedGrants = maps.Clone(m.StorageAccounts), maps.Clone(m.SharedGrants)
	m.DataInputs, m.DataOutputs = maps.Clone(m.DataInputs), maps.Clone(m.DataOutputs)
	m.Endpoints, m.Assertions = maps.Clone(m.Endpoints), nil
	for left := true; left; _, problems = access.Compile(m) {
		left = false
		for _, p := range problems {
			if !p.Warning && leaveOut(&m, p.Path) {
				left = true
			}
		}
	}
	return m
}

// leaveOut removes the entry at a path, and reports whether there was one.
func leaveOut(m *access.Model, path string) bool {
	section, rest, _ := strings.Cut(path, ".")
	switch section {
	case "environment":
		was := m.Environment
		m.Environment = ""
		return was != ""
	case "role":
		was := m.Role.RoleDefinitionID.Given() || m.Role.BuiltIn != "" || m.Role.Name != ""
		m.Role = access.Role{}
		return was
	case "invokers":
		return without(m.Invokers, rest)
	case "clusters":
		return without(m.Clusters, rest)
	case "storageAccounts", "storageAccountKinds":
		return without(m.StorageAccounts, rest)
	case "sharedGrants":
		return without(m.SharedGrants, rest)
	case "dataInputs":
		return without(m.DataInputs, rest)
	case "dataOutputs":
		return without(m.DataOutputs, rest)
	case "endpoints":
		return without(m.Endpoints, rest)
	}
	return false
}

// without deletes the entry at the beginning of a path.
func without[V any](entries map[string]V, path string) bool {
	for name := range entries {
		if after, is := strings.CutPrefix(path, name); is && (after == "" || strings.ContainsAny(after[:1], ".[")) {
			delete(entries, name)
			return true
		}
	}
	return false
}
