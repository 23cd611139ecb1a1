package engine

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(content)
}

func makeShadow(t *testing.T, users, dir string) *project {
	t.Helper()
	p, err := shadow(users, dir, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return p
}

func TestTheShadowLeadsToTheUsersProgram(t *testing.T) {
	t.Parallel()
	users, dir := t.TempDir(), t.TempDir()
	write(t, users, "Pulumi.yaml", "name: p\nruntime: go\nmain: cmd/p\nbackend: {url: s3://theirs}\n"+
		"plugins: {providers: [{name: x, path: ../bin}]}\n")
	write(t, users, "other.txt", "x")
	assert.Equal(t, "p", makeShadow(t, users, dir).name)
	got := read(t, dir, "Pulumi.yaml")
	assert.Contains(t, got, "main: "+filepath.Join(users, "cmd/p"))
	assert.Contains(t, got, "path: "+filepath.Join(filepath.Dir(users), "bin"))
	assert.NotContains(t, got, "theirs")
	assert.Equal(t, "x", read(t, dir, "other.txt"))
}

func TestAStackLosesItsEncryptionAndItsCredentials(t *testing.T) {
	t.Parallel()
	users, dir := t.TempDir(), t.TempDir()
	write(t, users, "Pulumi.yaml", "name: p\nruntime: go\n")
	theirs := `encryptionsalt: theirs
secretsprovider: azurekeyvault://theirs
config:
  azure-native:location: westeurope
  azure-native:clientSecret:
    secure: theirs
  p:open: shown
  p:token:
    secure: theirs
  p:nested:
    list:
      - secure: theirs
`
	write(t, users, "Pulumi.dev.yaml", theirs)
	p := makeShadow(t, users, dir)
	assert.Equal(t, []string{"dev"}, p.stacks)
	assert.Equal(t, []string{"Pulumi.dev.yaml: p:nested", "Pulumi.dev.yaml: p:token"}, p.placeholders)
	got := read(t, dir, "Pulumi.dev.yaml")
	assert.NotContains(t, got, "theirs")
	assert.NotContains(t, got, "clientSecret")
	assert.Contains(t, got, "p:open: shown")
	assert.Contains(t, got, "p:token: "+placeholder)
	assert.Equal(t, theirs, read(t, users, "Pulumi.dev.yaml"))
}

func TestEachStackIsEncryptedWithTheSandboxsKey(t *testing.T) {
	t.Parallel()
	users, dir := t.TempDir(), t.TempDir()
	write(t, users, "Pulumi.yaml", "name: p\nruntime: go\n")
	write(t, users, "Pulumi.dev.yaml", "config: {p:a: first}\n")
	write(t, users, "Pulumi.gone.yaml", "config: {}\n")
	makeShadow(t, users, dir)
	write(t, dir, "Pulumi.dev.yaml", read(t, dir, "Pulumi.dev.yaml")+"encryptionsalt: of an earlier sandbox\n")

	write(t, users, "Pulumi.dev.yaml", "config: {p:a: second}\n")
	require.NoError(t, os.Remove(filepath.Join(users, "Pulumi.gone.yaml")))
	p := makeShadow(t, users, dir)
	got := read(t, dir, "Pulumi.dev.yaml")
	assert.Contains(t, got, "secretsprovider: "+secretsProvider)
	assert.NotContains(t, got, "encryptionsalt")
	assert.Contains(t, got, "second")
	assert.Equal(t, []string{"dev"}, p.stacks)
	assert.NoFileExists(t, filepath.Join(dir, "Pulumi.gone.yaml"))
}

func TestLocksOfProcessesThatEndedAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const unused = 1 << 30 // no process has so high an ID
	write(t, dir, "ended.json", fmt.Sprintf(`{"pid": %d}`, unused))
	write(t, dir, "running.json", fmt.Sprintf(`{"pid": %d}`, os.Getpid()))
	require.NoError(t, removeStaleLocks(dir))
	assert.NoFileExists(t, filepath.Join(dir, "ended.json"))
	assert.FileExists(t, filepath.Join(dir, "running.json"))
}
