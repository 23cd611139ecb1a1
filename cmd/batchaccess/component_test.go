package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every command that looks at one component asks for it in the same words, before it asks Azure or starts anything.
func TestSeveralComponentsAreAskedForByName(t *testing.T) {
	t.Parallel()
	component := func(name string) string {
		return `{"op": "create", "urn": "urn:pulumi:dev::p::batchaccess:index:BatchEndpointAccess::` + name +
			`", "newState": {"inputs": {"clusters": {"cpu": {}}, "workspaceId": "/subscriptions/` +
			`11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/` +
			`workspaces/` + name + `", "invokers": {"ann": {"kind": "user", "objectId": ` +
			`"33333333-3333-4333-8333-333333333333"}}, "location": "westeurope"}}}`
	}
	file := filepath.Join(t.TempDir(), "preview.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"steps": [`+component("a")+`, `+component("b")+
		`], "changeSummary": {"create": 2}}`), 0o600))
	for _, command := range []string{"verify", "invoke --endpoint x --as user", "rehearse"} {
		args := append(strings.Fields(command), "--preview", file)
		code, stdout, stderr := execute(t, args...)
		assert.Equal(t, exitUsage, code, command)
		assert.Empty(t, stdout, command)
		assert.Contains(t, stderr, "the program of stack dev has 2 BatchEndpointAccess; name one with --component: a, b",
			command)

		code, _, stderr = execute(t, append(args, "--component", "c")...)
		assert.Equal(t, exitUsage, code, command)
		assert.Contains(t, stderr, `--component: the program of stack dev has no BatchEndpointAccess "c"`, command)

		_, _, stderr = execute(t, append(args, "--component", "b")...)
		assert.NotContains(t, stderr, "--component", command)
	}
	// for can, the question names the component
	code, _, stderr := execute(t, "can", "b:ann", "start", "cpu", "--live", "--preview", file)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "name the folder of project p with -C", "the stack's state is asked for")
	code, _, stderr = execute(t, "can", "ann", "start", "cpu", "--live", "--preview", file)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "ann is in several components; write one before it: a:ann, b:ann")
}

// A stack has two names: its own, as its file has it, and org/project/stack, by which Pulumi knows it everywhere.
func TestAStackIsNamedInBothWays(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneUser, "prod": oneUser})
	for name, c := range map[string]struct{ stack, says string }{
		"its own":               {"dev", ""},
		"with the organization": {"me/dev", ""},
		"with the project":      {"me/batchaccess/dev", ""},
		"of another project":    {"me/shop/dev", "project shop, and the project in " + dir + " is batchaccess"},
		"that is not there":     {"me/batchaccess/test", `stack "test" has no Pulumi.test.yaml`},
		"with more than that":   {"a/b/c/dev", `stack "a/b/c/dev" has no`},
		"without a name":        {"me/batchaccess/", "name a stack with --stack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, stack, err := openStack(dir, c.stack)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "dev", stack)
			pulumi, err := findPulumi(t.Context(), p, stack, t.Output())
			require.NoError(t, err)
			assert.Equal(t, c.stack, pulumi.Stack, "Pulumi is asked for it as the user names it")
		})
	}
}
