package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// addPackage adds the package to a project as users do: from the archive, and from a git remote that has the tag.
func (r *release) addPackage(ctx context.Context, clone string) error {
	work, err := os.MkdirTemp("", "batchaccess-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	remote, err := serve(clone, filepath.Join(work, "ca.pem"))
	if err != nil {
		return err
	}
	defer remote.Close()
	version := strings.TrimPrefix(r.version, "v")
	here := system{runtime.GOOS, runtime.GOARCH}
	archive, err := filepath.Abs(filepath.Join(r.out, programs[1].archive(r.version, here)))
	if err != nil {
		return err
	}
	if _, err := run(command(ctx, work, "tar", "-xzf", strings.Replace(archive, programs[1].name, programs[0].name,
		1))); err != nil {
		return err
	}
	for name, steps := range map[string][][]string{
		"the archive": {
			{"plugin", "install", "resource", "batchaccess", version, "--file", archive},
			{"package", "get-schema", "batchaccess@" + version},
		},
		"a git remote": {
			{"package", "get-schema", remote.URL + "/batchaccess/batchaccess/plugin@" + r.version},
		},
	} {
		folder := filepath.Join(work, strings.ReplaceAll(name, " ", "-"))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for file, text := range map[string]string{"Pulumi.yaml": "name: try\nruntime: go\n",
			"Pulumi.dev.yaml": "config: {}\n"} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
				return err
			}
		}
		var said string
		for _, args := range steps {
			// The sandbox's language host for Go builds a package from a remote, if the CLI has no such host.
			args = append([]string{"sandbox", "-C", folder, "--state-dir", filepath.Join(folder, "state"), "--", "env",
				"SSL_CERT_FILE=" + filepath.Join(work, "ca.pem"), r.pulumi}, args...)
			if said, err = run(command(ctx, folder, filepath.Join(work, programs[0].file(here)), args...)); err != nil {
				return fmt.Errorf("the package from %s: %w", name, err)
			}
		}
		if !strings.Contains(said, `"version": "`+version+`"`) {
			return fmt.Errorf("the package from %s has another version: %.200s", name, said)
		}
		fmt.Fprintf(os.Stderr, "the package from %s has version %s\n", name, version)
	}
	return nil
}

// serve serves a clone by git's protocol over HTTPS on loopback, because Pulumi accepts no other remote, and writes the
// certificate to trust.
func serve(clone, certificate string) (*httptest.Server, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	server := httptest.NewTLSServer(http.StripPrefix("/batchaccess/batchaccess.git", &cgi.Handler{
		Path: path, Args: []string{"http-backend"}, Dir: clone,
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(clone, ".git"), "GIT_HTTP_EXPORT_ALL=1"},
	}))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}
