// Package ci has the scripts that the pipelines of GitHub Actions and Azure Pipelines run, and the tests of both.
package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const root = ".."

var scripts = regexp.MustCompile(`ci/[a-z]+\.sh|\./ci/[a-z]+|\./cmd/batchaccess`)

// pipelines reads every pipeline, by its path.
func pipelines(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{".github/workflows/*.yml", ".azure-pipelines/*.yml", ".azure-pipelines/*/*.yml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			found[file] = string(text)
		}
	}
	return found
}

func TestWhatPipelinesRunIsThere(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for file, text := range pipelines(t) {
		var any map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(text), &any), file)
		for _, script := range scripts.FindAllString(text, -1) {
			used[strings.TrimPrefix(script, "./")] = true
			info, err := os.Stat(filepath.Join(root, script))
			require.NoError(t, err, file)
			assert.True(t, info.IsDir() || info.Mode()&0o111 != 0, "%s runs %s, which is not executable", file, script)
		}
		for _, template := range regexp.MustCompile(`template: (\S+)`).FindAllStringSubmatch(text, -1) {
			assert.FileExists(t, filepath.Join(filepath.Dir(file), template[1]), file)
		}
	}
	own, err := filepath.Glob("*.sh")
	require.NoError(t, err)
	for _, script := range own {
		assert.True(t, used["ci/"+script], "nothing runs ci/%s", script)
	}
}

func TestWorkflowsAskForNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	for file, text := range pipelines(t) {
		if !strings.Contains(file, ".github") {
			continue
		}
		var workflow struct {
			On          map[string]any
			Permissions *map[string]string
			Jobs        map[string]struct {
				Environment string
				Permissions map[string]string
				Env         map[string]string
				Steps       []struct {
					Uses, Run string
					With      map[string]any
					Env       map[string]string
				}
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &workflow), file)
		require.NotNil(t, workflow.Permissions, "%s: without it a token may do what the repository's settings say", file)
		assert.Empty(t, *workflow.Permissions, file)
		assert.NotContains(t, workflow.On, "pull_request_target", "%s: it runs a pull request's code with the rights of main",
			file)
		for name, job := range workflow.Jobs {
			where := fmt.Sprint(file, ": ", name)
			write := map[string]bool{}
			for scope, right := range job.Permissions {
				write[scope] = right == "write"
			}
			delete(write, "contents")
			signsIn := write["id-token"]
			delete(write, "id-token")
			delete(write, "pull-requests")
			if strings.HasSuffix(file, "review.yml") {
				delete(write, "security-events") // code scanning accepts the SARIF file
			}
			assert.Empty(t, write, where)
			if !strings.HasSuffix(file, "release.yml") || name != "draft" { // it pushes a tag, and drafts the release
				assert.NotEqual(t, "write", job.Permissions["contents"], where)
			}
			assert.Equal(t, signsIn, job.Environment != "", "%s: who signs in does so in an environment, which approves and "+
				"which Entra trusts", where)
			assert.NotContains(t, fmt.Sprint(job.Env), "secrets.", "%s: every step, and every action of others, would see it",
				where)
			for _, step := range job.Steps {
				if strings.Contains(fmt.Sprint(step.Env), "secrets.") {
					runs := step.Run
					if command, ok := step.With["command"].(string); ok {
						runs = step.Uses + " " + command
					}
					assert.Regexp(t, `^ci/(review|drift|deploy)\.sh "\$STACK"$`, runs,
						"%s: only what runs Pulumi on the stack needs a secret", where)
				}
				assert.NotContains(t, step.Run, "${{", "%s: what comes from outside goes in by env, not into the script", where)
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], where)
				}
				if action, at, uses := strings.Cut(step.Uses, "@"); uses && len(at) != 40 {
					assert.Contains(t, []string{"pulumi/actions", "github/codeql-action/upload-sarif"}, action,
						"%s: pin %s by its commit", where, step.Uses)
				}
				if strings.HasPrefix(step.Uses, "pulumi/actions@") {
					assert.Equal(t, "pulumi/actions@v7", step.Uses, where)
				}
			}
		}
	}
}

// GitHub gives a fork no secret and no token to sign in with. Nor does Azure Pipelines, unless a setting says so. The
// pipelines do not rely on that alone. Only a push to main deploys.
func TestAForkSignsInNowhereAndAPullRequestDeploysNothing(t *testing.T) {
	t.Parallel()
	signIns, deploys := 0, 0
	for file, text := range pipelines(t) {
		if strings.Contains(text, "ci/deploy.sh") || strings.Contains(text, "pulumi up") || strings.Contains(text,
			"command: up") {
			deploys++
			assert.Regexp(t,
				`(?m)^(on:\n  push:\n    branches: \[main\]\n|trigger:\n  branches:\n    include: \[main\]\npr: `+
					`none\n)`, text, file)
			assert.NotContains(t, text, "pull_request", file)
		}
		switch {
		case strings.HasSuffix(file, ".github/workflows/review.yml"):
			var workflow struct {
				Jobs map[string]struct {
					If          string
					Permissions map[string]string
				}
			}
			require.NoError(t, yaml.Unmarshal([]byte(text), &workflow))
			for name, job := range workflow.Jobs {
				if job.Permissions["id-token"] == "write" || job.Permissions["pull-requests"] == "write" {
					signIns++
					assert.Equal(t, "github.event.pull_request.head.repo.full_name == github.repository", job.If, name)
				}
			}
		case strings.HasSuffix(file, ".azure-pipelines/review.yml"):
			var pipeline struct {
				Stages []struct {
					Stage, Condition string
					Jobs             yaml.Node
				}
			}
			require.NoError(t, yaml.Unmarshal([]byte(text), &pipeline))
			for _, stage := range pipeline.Stages {
				jobs, err := yaml.Marshal(&stage.Jobs)
				require.NoError(t, err)
				if strings.Contains(string(jobs), "steps/as.yml") {
					signIns++
					assert.Equal(t, "and(succeeded(), ne(variables['System.PullRequest.IsFork'], 'True'))", stage.Condition,
						stage.Stage)
				}
			}
		}
	}
	assert.Equal(t, 3, signIns, "one of each, and the comment of a run that begins")
	assert.Equal(t, 2, deploys, "one of each")
}

// Whoever may start a run of Azure Pipelines may set its parameters: with them, a run for a pull request would deploy.
func TestStackNamesAreNoParametersOfARun(t *testing.T) {
	t.Parallel()
	for file, text := range pipelines(t) {
		if strings.Contains(file, ".azure-pipelines/") && !strings.Contains(file, "/steps/") {
			var pipeline map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(text), &pipeline))
			assert.NotContains(t, pipeline, "parameters", file)
		}
	}
}

// Every pipeline that reviews stops at unjudged resources, deploys under the policies, and verifies what it deployed.
func TestThePipelinesFailClosed(t *testing.T) {
	t.Parallel()
	script := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	assert.Contains(t, script("review.sh"), "${FAIL_ON-guardrails,jobs,unjudged}")
	for _, name := range []string{"review.sh", "deploy.sh"} {
		assert.Contains(t, script(name), `--policy-pack "$PWD/policy"`, name)
	}
	assert.Contains(t, script("deploy.sh"), "verify --stack")
	assert.NotContains(t, script("review.sh"), `"$out"/*`, "it deletes nothing that it did not make")
	for file, text := range pipelines(t) {
		if strings.HasSuffix(file, "/review.yml") {
			assert.Contains(t, text, "-begin", file)
			assert.Contains(t, text, "ci/review.sh", file)
		}
	}
}
