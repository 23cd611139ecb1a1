package clients_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// authorityFolder holds the certificate authority of the sandboxes that newTrustedWorld starts.
var authorityFolder string

// TestMain makes a certificate authority that this process trusts like the system's. HashiCorp's SDK accepts no other:
// like the azuread plugin, it finds it by SSL_CERT_FILE, which a process reads once.
func TestMain(m *testing.M) {
	code, err := withAuthority(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		code = 1
	}
	os.Exit(code)
}

func withAuthority(run func() int) (code int, err error) {
	log.SetOutput(io.Discard) // the SDK's log, which has each attempt
	if authorityFolder, err = os.MkdirTemp("", "clients"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(authorityFolder)) }()
	a, err := azure.Start(context.Background(), azure.Options{StateFile: filepath.Join(authorityFolder, "first.json")})
	if err != nil {
		return 0, err
	}
	file := filepath.Join(authorityFolder, "trusted.pem")
	err = errors.Join(os.WriteFile(file, a.CAPEM(), 0o600), os.Setenv("SSL_CERT_FILE", file), a.Close())
	if err != nil {
		return 0, err
	}
	return run(), nil
}

// newTrustedWorld is a sandbox whose certificate this process trusts by itself.
func newTrustedWorld(t *testing.T, weather azure.Weather) *world {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("SSL_CERT_FILE has no effect on this system")
	}
	name := strings.ReplaceAll(t.Name(), "/", " ") + ".json"
	return start(t, azure.Options{StateFile: filepath.Join(authorityFolder, name), Weather: weather})
}
