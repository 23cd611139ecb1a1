package examples

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEstate(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(filepath.Join("testdata", "estate"))
	require.NoError(t, err)
	files := "/tmp/estate"
	script := `rm -rf "$1"; mkdir "$1"; cd "$1"
pulumi preview --stack dev --json --show-sames >preview.json 2>preview.err; echo preview $?
pulumi up --stack dev --yes --skip-preview --non-interactive >up 2>&1; echo up $?
batchaccess verify -C "$2" --propagation 0s >verify2 2>&1; echo verify without $?
batchaccess verify -C "$2" --component heart --propagation 0s >verify 2>&1; echo verify $?
batchaccess can lung:ann read lung/patients -C "$2" --live --propagation 0s >can 2>&1; echo can live $?
batchaccess can lung:ann read patients -C "$2" >can2 2>&1; echo can $?
batchaccess explain -C "$2" >explain 2>&1; echo explain $?
batchaccess invoke -C "$2" --component heart --endpoint score --as user --wait >invoke 2>&1; echo invoke $?
batchaccess adopt -C "$2" --json >adopt.json 2>&1; echo adopt $?
batchaccess pin -C "$2" >pin2 2>&1; echo pin without $?
batchaccess pin -C "$2" --component lung >pin 2>&1; echo pin $?
pulumi config set --stack dev sharedKeys false 2>&1
pulumi up --stack dev --yes --skip-preview --non-interactive >change 2>&1; echo change $?
pulumi refresh --stack dev --yes --skip-preview --expect-no-changes --non-interactive >refresh 2>&1; echo refresh $?
pulumi preview --stack dev --expect-no-changes --non-interactive >same 2>&1; echo same $?
pulumi destroy --stack dev --yes --skip-preview --non-interactive >destroy 2>&1; echo destroy $?`
	code, stdout, stderr := batchaccess(t, "sandbox", "-C", dir, "--state-dir", t.TempDir(), "--", "sh", "-c", script,
		"sh", files, dir)
	t.Log(code, stdout, stderr)
}
