package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// seededNames are the kinds and the last parts of the IDs in a seed.
func seededNames(s azure.Seed) (names []string) {
	add := func(kind, id string) { names = append(names, kind+" "+id[strings.LastIndex(id, "/")+1:]) }
	for _, w := range s.Workspaces {
		add("workspace", w.ID)
	}
	for _, a := range s.StorageAccounts {
		add("account", a.ID)
	}
	for _, u := range s.Users {
		add("user", u.ObjectID[:4])
	}
	for _, e := range s.Endpoints {
		add("endpoint", e.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A fault in one key does not keep the resources of other keys out of the seed.
func TestWhatHasNoProblemIsSeeded(t *testing.T) {
	t.Parallel()
	const (
		group     = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/"
		workspace = "  batchaccess:workspaceId: " + group + "Microsoft.MachineLearningServices/workspaces/ws\n"
		location  = "  batchaccess:location: westeurope\n"
		invokers  = "  batchaccess:invokers:\n    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }\n"
		clusters  = "  batchaccess:clusters:\n    cpu: {}\n"
		accounts  = "  batchaccess:storageAccounts:\n    lake: " + group + "Microsoft.Storage/storageAccounts/lake\n"
		data      = "  batchaccess:dataInputs:\n    scans: { kind: blob, storageAccount: lake, container: scans }\n"
		endpoints = "  batchaccess:endpoints:\n    heart: { cluster: cpu, inputs: [scans] }\n"
	)
	all := []string{"account lake", "endpoint heart", "user 3333", "workspace ws"}
	less := func(gone ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(gone, name) })
	}
	tests := map[string]struct {
		keys []string
		want []string
	}{
		"no location": {[]string{workspace, invokers, clusters, accounts, data, endpoints}, all},
		"no invokers": {[]string{workspace, location, clusters, accounts, data, endpoints}, less("user 3333")},
		"an unknown key": {[]string{workspace, location, invokers, clusters, accounts, data, endpoints,
			"  batchaccess:invoker: {}\n"}, all},
		"a wrong kind of invoker": {[]string{workspace, location, invokers + "    bob: { kind: usre }\n", clusters, accounts,
			data,
			endpoints}, all},
		"an invoker without its ID": {[]string{workspace, location, invokers + "    bob: { kind: user }\n", clusters,
			accounts, data,
			endpoints}, all},
		"no workspace": {[]string{location, invokers, clusters, accounts, data, endpoints}, []string{"account lake"}},
		"a workspace that is none": {[]string{"  batchaccess:workspaceId: ws\n", location, invokers, clusters, accounts, data,
			endpoints}, []string{"account lake"}},
		"an account that is none": {[]string{workspace, location, invokers, clusters, accounts + "    pond: pond\n", data,
			endpoints}, all},
		"data in an account that is not declared": {[]string{workspace, location, invokers, clusters, accounts,
			data + "    lost: { kind: blob, storageAccount: sea, container: scans }\n", endpoints}, all},
		"an endpoint on a cluster that is not declared": {[]string{workspace, location, invokers, clusters, accounts, data,
			endpoints + "    liver: { cluster: gpu }\n"}, all},
		"a role that there is not": {[]string{workspace, location, invokers, clusters, accounts, data, endpoints,
			"  batchaccess:role: { builtIn: Nobody }\n"}, all},
		"a cloud that there is not": {[]string{workspace, location, invokers, clusters, accounts, data, endpoints,
			"  batchaccess:environment: moon\n"}, all},
		"an assertion that does not hold": {[]string{workspace, location, invokers, clusters, accounts, data, endpoints,
			"  batchaccess:assertions:\n    none: { nobodyReads: scans }\n"}, all},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": "config:\n" + strings.Join(test.keys, "")})
			p, err := openProject(dir)
			require.NoError(t, err)
			cmd := &cobra.Command{}
			said := &strings.Builder{}
			cmd.SetErr(said)
			s, _, found := seedOfTheRest(cmd, p, "dev")
			assert.True(t, found)
			assert.Equal(t, test.want, slices.DeleteFunc(seededNames(s), func(name string) bool {
				return !slices.Contains(all, name) // the controls of a rehearsal
			}), said)
			a, err := azure.Start(t.Context(), azure.Options{})
			require.NoError(t, err)
			defer func() { _ = a.Close() }()
			assert.NoError(t, a.Seed(s), "it can exist")
		})
	}
	for name, text := range map[string]string{
		"another program's": "config:\n  batchaccess:other: x\n", "nothing": "config: {}\n", "no YAML": "config: [\n",
	} {
		p, err := openProject(projectWith(t, map[string]string{"dev": text}))
		require.NoError(t, err)
		_, _, found := seedOfTheRest(&cobra.Command{}, p, "dev")
		assert.False(t, found, name)
	}
}

// A command in the sandbox works on the project of the sandbox's -C, unless it names another. Other relative paths are
// relative to the user's folder.
func TestACommandInTheSandboxFollowsItsFolder(t *testing.T) {
	here, dir := t.TempDir(), projectWith(t, map[string]string{"dev": oneUser})
	other := projectWith(t, map[string]string{"prod": strings.ReplaceAll(oneUser, "ann:", "zoe:")})
	t.Chdir(here)
	relative, err := filepath.Rel(here, dir)
	require.NoError(t, err)
	run := func(args ...string) (string, string) {
		code, stdout, stderr := execute(t, append([]string{"sandbox", "-C", relative, "--"}, args...)...)
		assert.Zero(t, code, stderr)
		return stdout, stderr
	}
	stdout, _ := run("batchaccess", "explain")
	assert.Contains(t, stdout, "ann")
	stdout, _ = run("sh", "-c", "batchaccess explain --output plan.txt && batchaccess explain -C "+other)
	assert.Contains(t, stdout, "zoe", "a folder that the command names is looked at")
	written, err := os.ReadFile(filepath.Join(here, "plan.txt"))
	require.NoError(t, err, "a relative path is in the user's folder")
	assert.Contains(t, string(written), "ann")

	code, _, stderr := execute(t, "sandbox", "-C", dir, "--", "batchaccess", "explain", "--preview", "none.json")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "none.json")
	assert.NotContains(t, stderr, dir)
	t.Setenv(projectVariable, filepath.Join(here, "gone"))
	code, _, stderr = execute(t, "explain")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "there is no folder")
}

// Two stacks of one project may have an endpoint of the same name, in regions that their files do not give.
func TestTheStackThatACommandNamesIsSeededBeforeOthers(t *testing.T) {
	t.Parallel()
	const dev = oneUser + "  batchaccess:endpoints: { heart: { cluster: cpu } }\n"
	prod := strings.ReplaceAll(dev, "workspaces/ws", "workspaces/prod")
	for name, c := range map[string]struct {
		args []string
		left string
	}{
		"the first":             {[]string{"true", "--stack", "dev"}, "prod"},
		"the last":              {[]string{"true", "--stack", "prod"}, "dev"},
		"in another way":        {[]string{"true", "-s=me/batchaccess/prod"}, "dev"},
		"none":                  {[]string{"true"}, "prod"},
		"a flag without a name": {[]string{"true", "--stack"}, "prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": dev, "prod": prod})
			state := t.TempDir()
			code, _, stderr := execute(t, append([]string{"sandbox", "-C", dir, "--state-dir", state, "--"}, c.args...)...)
			assert.Zero(t, code, stderr)
			assert.Contains(t, stderr, "sandbox: stack "+c.left+" is left out, ")
			assert.Equal(t, 1, strings.Count(stderr, "is left out"))
			// Resources that exist already are not removed.
			code, _, stderr = execute(t, "sandbox", "-C", dir, "--state-dir", state, "--", "true", "--stack", c.left)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, "batchaccess: stack "+c.left+": seeding the sandbox: ")
			assert.Contains(t, stderr, "; or give it a sandbox of its own with --state-dir")
		})
	}
}
