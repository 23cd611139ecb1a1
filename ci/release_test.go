package ci

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A release is drafted once, with the files that were built, after the plugin's tag is published: without the tag, the
// release can't be used as a module.
func TestAReleaseIsDraftedOnce(t *testing.T) {
	t.Parallel()
	const archive = "batchaccess-v0.1.0-linux-amd64.tar.gz"
	sum := fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte("built")), archive)
	fit := map[string]string{archive: "built", "checksums.txt": sum, "notes.md": "- a\n"}
	for name, test := range map[string]struct {
		version       string
		files         map[string]string
		there, tagged bool
		says          string // empty if it succeeds
	}{
		"a release":     {"v0.1.0", fit, false, true, ""},
		"before one":    {"v0.1.0-rc.1", fit, false, true, ""},
		"there already": {"v0.1.0", fit, true, true, "there is a release v0.1.0 already"},
		"without a tag": {"v0.1.0", fit, false, false, "plugin/v0.1.0"},
		"without notes": {"v0.1.0", map[string]string{archive: "built", "checksums.txt": sum}, false, true, "no "},
		"with empty ones": {"v0.1.0", map[string]string{archive: "built", "checksums.txt": sum, "notes.md": ""}, false, true,
			"no "},
		"other bytes": {"v0.1.0", map[string]string{archive: "other", "checksums.txt": sum, "notes.md": "- a\n"}, false, true,
			archive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clone, remote, bin := t.TempDir(), t.TempDir(), t.TempDir()
			run := func(args ...string) string {
				cmd := exec.Command("git", args...)
				cmd.Dir = clone
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, string(out))
				return string(out)
			}
			run("init", "-q")
			run("init", "-q", "--bare", remote)
			run("remote", "add", "origin", remote)
			run("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "a")
			if test.tagged {
				run("tag", "plugin/"+test.version)
			}
			require.NoError(t, os.Mkdir(filepath.Join(clone, "out"), 0o700))
			for file, text := range test.files {
				require.NoError(t, os.WriteFile(filepath.Join(clone, "out", file), []byte(text), 0o600))
			}
			// gh writes down its arguments, and which tags the remote has by then.
			gh := "#!/bin/sh\necho \"$@\" >>../gh\ngit --git-dir '" + remote + "' tag >>../gh\n" +
				"case \"$2\" in view) exit " + map[bool]string{true: "0", false: "1"}[test.there] + ";; esac\n"
			gh = strings.ReplaceAll(gh, "../gh", filepath.Join(bin, "said"))
			require.NoError(t, os.WriteFile(filepath.Join(bin, "gh"), []byte(gh), 0o700))
			script, err := filepath.Abs("release.sh")
			require.NoError(t, err)
			cmd := exec.CommandContext(t.Context(), script, test.version, "out")
			cmd.Dir = clone
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			said, _ := os.ReadFile(filepath.Join(bin, "said"))
			if test.says != "" {
				require.Error(t, err)
				assert.Contains(t, string(out), test.says)
				assert.NotContains(t, string(said), "release create")
				return
			}
			require.NoError(t, err, string(out))
			early := ""
			if strings.Contains(test.version, "-") {
				early = " --prerelease"
			}
			assert.Equal(t, "auth setup-git\nrelease view "+test.version+"\nplugin/"+test.version+"\nrelease create "+
				test.version+" --draft --verify-tag --title "+test.version+" --notes-file out/notes.md"+early+
				" out/"+archive+" out/checksums.txt\nplugin/"+test.version+"\n", string(said))
		})
	}
}
