package engine

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is everything that the sample shows to anybody, in the order of its life: the output of each command, with its
// errors, goes to the file of that name. $OUT is the folder of these files, $ROOT the project's own.
var shown = []struct{ file, command string }{
	{"preview.json", "pulumi preview --json --show-sames"},
	{"import.txt", `pulumi preview --import-file "$OUT/import.json"`},
	{"up.txt", "pulumi up --yes --diff --debug"},
	{"refresh.txt", "pulumi refresh --yes --diff --debug"},
	{"same.json", "pulumi preview --json --show-sames"},
	{"rotate.txt",
		`pulumi config set --plaintext --path 'batchaccess:invokers.partner.clientSecrets["2026"].endDate' "$LATER" &&
			sed "s/\("2026".* endDate: \)[0-9-]*/\1$LATER/" Pulumi.dev.yaml >new.yaml && mv new.yaml Pulumi.dev.yaml`},
	{"rotated.json", "pulumi preview --json --show-sames"},
	{"rotated.txt", "pulumi up --yes --diff --debug"},
	{"outputs.json", "pulumi stack output --json"},
	{"outputs.sh", "pulumi stack output --shell"},
	{"state.json", "pulumi stack export"},
	{"stack.txt", "pulumi stack --show-ids --show-urns"},
	{"history.json", "pulumi stack history --json"},
	// by its client secret
	{"partner.txt",
		"batchaccess --debug invoke --as-invoker partner --endpoint heart-classifier --input patients --wait"},
	// by a federated token
	{"pipeline.txt",
		"batchaccess --debug invoke --as-invoker pipeline --endpoint image-tagger --input images --wait --json"},
	// by az
	{"analysts.txt",
		"batchaccess --debug invoke --as-invoker analysts --endpoint heart-classifier --input patients --wait"},
	// by its identity
	{"scheduler.txt", "batchaccess --debug invoke --as-invoker scheduler --endpoint image-tagger --input images"},
	// with how to grant it
	{"refused.txt",
		"! batchaccess --debug invoke --as-invoker scheduler --endpoint heart-classifier --input patients --wait"},
	{"request.txt",
		"batchaccess --debug invoke --as-invoker partner --endpoint heart-classifier --input patients --print-request"},
	{"verify.json", "batchaccess --debug verify --propagation 0s --json"},
	{"verify.txt", "batchaccess --debug verify --propagation 0s"},
	{"pin.txt", "batchaccess --debug pin"},
	{"adopt.txt", "batchaccess --debug adopt"},
	{"login.txt", "az login --username release-manager && az account show"},
	{"explain.txt", "batchaccess --debug explain"},
	{"explain.html", "batchaccess explain --format html"},
	{"explain.json", "batchaccess explain --format json"},
	{"explain.mmd", "batchaccess explain --format mermaid"},
	{"explain.md", "batchaccess explain --format markdown"},
	{"review.txt", `batchaccess --debug review "$OUT/rotated.json"`},
	{"review.md", `batchaccess review "$OUT/rotated.json" --format markdown`},
	{"review.json", `batchaccess review "$OUT/rotated.json" --format json`},
	{"review.sarif", `batchaccess review "$OUT/rotated.json" --format sarif`},
	{"review-new.json", `batchaccess review "$OUT/preview.json" --format json`},
	{"ci.txt", `cd "$ROOT" && sh ci/review.sh dev "$OUT/ci"`},
	{"comment.md",
		`cd "$ROOT" && go run ./ci/comment -print -stack dev -access "$OUT/ci/access.md" -resources "$OUT/ci/resources.txt"`},
	{"drift.txt", `cd "$ROOT" && sh ci/drift.sh dev "$OUT/drift"`},
}

// meant are the values that the sandbox keeps in plain text, for its user alone: they open this sandbox and nothing
// else.
var meant = map[string]string{
	"azure/ca-key.pem":    "a private key", // of the certificate authority, which signs for loopback only
	"azure/token-key.pem": "a private key", // of the tokens, which only this sandbox accepts
	"passphrase":          "the passphrase of stacks beside the project's",
	"key":                 "the stacks' key",
}

func TestNoSecretStandsInThePlain(t *testing.T) {
	t.Parallel()
	dir, _ := sampleIn(t)
	out, secrets := t.TempDir(), t.TempDir()
	absolute, err := filepath.Abs(root)
	require.NoError(t, err)

	script := "set -u\nexport PULUMI_OPTION_NON_INTERACTIVE=true\n"
	for _, s := range shown {
		script += fmt.Sprintf("( %s ) >\"$OUT/%s\" 2>&1 || { echo \"$? from %s\"; tail -n 20 \"$OUT/%s\"; exit 1; }\n",
			s.command, s.file, s.file, s.file)
		if s.file == "same.json" || s.file == "rotated.txt" {
			script += fmt.Sprintf("pulumi stack output --json --show-secrets >\"$SECRETS/outputs-%s\"\n", s.file)
		}
	}
	script += `az account get-access-token --resource https://ml.azure.com --query accessToken --output tsv ` +
		`>"$SECRETS/token"
cp "$BATCHACCESS_SIGN_INS/users.json" "$SECRETS/users.json"
printf %s "$ARM_CLIENT_SECRET" >"$SECRETS/deployer"
printf %s "$IDENTITY_HEADER" >"$SECRETS/header"
`
	cmd := exec.CommandContext(t.Context(), command(t), "--debug", "sandbox", "--dir", dir, "--", "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OUT="+out, "SECRETS="+secrets, "ROOT="+absolute, "LATER="+later)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", withoutLog(said))
	require.Contains(t, string(said), "level=DEBUG", "the sandbox's own log is looked through too")
	require.NoError(t, os.WriteFile(filepath.Join(out, "sandbox.log"), said, 0o600))
	for _, s := range shown {
		info, err := os.Stat(filepath.Join(out, s.file))
		require.NoError(t, err)
		require.True(t, info.Size() > 0 || s.file == "rotate.txt", "%s is empty", s.file)
	}

	state := filepath.Join(dir, ".batchaccess", "sandbox")
	look := secretsOf(t, secrets, state)
	assert.Empty(t, look.in(t, out), "what is shown")
	assert.Equal(t, meant, look.in(t, state), "what is kept; this also shows that what is there is found")
	for path := range meant {
		info, err := os.Stat(filepath.Join(state, path))
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
	}
	assert.Empty(t, look.in(t, dir, ".batchaccess"), "beside the project")

	t.Run("one that is planted is found", func(t *testing.T) {
		for what, secret := range look.values {
			for form, text := range formsOf(secret) {
				planted := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(planted, "plain"), []byte("before "+text+" after"), 0o600))
				var zipped bytes.Buffer
				z := gzip.NewWriter(&zipped)
				_, err := z.Write([]byte("before " + text + " after"))
				require.NoError(t, err)
				require.NoError(t, z.Close())
				require.NoError(t, os.WriteFile(filepath.Join(planted, "zipped"), zipped.Bytes(), 0o600))
				assert.Equal(t, map[string]string{"plain": what, "zipped": what}, look.in(t, planted), form)
			}
		}
	})
}

// noSecretInThePlain looks for the client secret in every file of the sandbox.
func (d *deployment) noSecretInThePlain() {
	d.t.Helper()
	look := search{values: map[string]string{"a client secret": secretIn(d.t, d.outputs())}}
	assert.Empty(d.t, look.in(d.t, d.state))
}

func secretIn(t *testing.T, outputs []byte) string {
	t.Helper()
	var found struct {
		ClientSecrets map[string]map[string]string `json:"clientSecrets"`
	}
	require.NoError(t, json.Unmarshal(outputs, &found))
	secret := found.ClientSecrets["partner"]["2026"]
	require.Greater(t, len(secret), 20)
	return secret
}

// A search is for values, in any form that a program writes them in, and for texts that look like a secret.
type search struct {
	values map[string]string
	looks  map[string]*regexp.Regexp
}

// secretsOf are the secrets that the run recorded, and every token and key.
func secretsOf(t *testing.T, noted, state string) search {
	t.Helper()
	read := func(dir, name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Greater(t, len(bytes.TrimSpace(text)), 20, name)
		return bytes.TrimSpace(text)
	}
	s := search{
		values: map[string]string{
			"a client secret": secretIn(t, read(noted, "outputs-rotated.txt")), "the one before it": secretIn(t,
				read(noted, "outputs-same.json")),
			"the deployer's secret": string(read(noted, "deployer")), "the identity header": string(read(noted, "header")),
			"the passphrase of stacks beside the project's": string(read(state, "passphrase")),
			"the stacks' key": string(read(state, "key")),
		},
		looks: map[string]*regexp.Regexp{
			"a token":       regexp.MustCompile(`eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}`),
			"a private key": regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`),
		},
	}
	require.NotEqual(t, s.values["a client secret"], s.values["the one before it"], "it was rotated")
	require.Regexp(t, s.looks["a token"], string(read(noted, "token")), "a token looks like one")
	var users []struct{ Password, UserPrincipalName string }
	require.NoError(t, json.Unmarshal(read(noted, "users.json"), &users))
	require.NotEmpty(t, users)
	for _, user := range users {
		s.values["the password of "+user.UserPrincipalName] = user.Password
	}
	return s
}

// formsOf are the forms in which a value may be written.
func formsOf(value string) map[string]string {
	quoted, _ := json.Marshal(value)
	return map[string]string{
		"as it is": value, "in JSON": strings.Trim(string(quoted),
			`"`), "in a URL": url.QueryEscape(value), "in base64": base64.StdEncoding.EncodeToString([]byte(value)),
	}
}

// in searches every file of the folder, and returns what it found, and where.
func (s search) in(t *testing.T, dir string, but ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && len(but) > 0 && entry.Name() == but[0] {
			return fs.SkipDir
		}
		// A built program was linked before there was any secret.
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "program" {
			return err
		}
		text, err := os.ReadFile(path)
		if z, zipErr := gzip.NewReader(bytes.NewReader(text)); zipErr == nil {
			text, err = io.ReadAll(z)
		}
		name, _ := filepath.Rel(dir, path)
		for what, value := range s.values {
			for _, form := range formsOf(value) {
				if bytes.Contains(text, []byte(form)) {
					found[filepath.ToSlash(name)] = what
				}
			}
		}
		for what, look := range s.looks {
			if look.Match(text) {
				found[filepath.ToSlash(name)] = what
			}
		}
		return err
	}))
	return found
}

// withoutLog leaves out the log, of which a failure need not show everything.
func withoutLog(text []byte) (rest string) {
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "level=DEBUG") {
			rest += line
		}
	}
	return rest
}
