package engine

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/batchaccess/batchaccess/internal/filelock"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// prepareState makes the state folder ready, and removes leftovers of an engine that was killed.
func (e *Engine) prepareState() error {
	for _, dir := range []string{e.options.StateDir, e.paths.backend, e.paths.home} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the engine's folder: %w", err)
		}
	}
	lock, err := filelock.Take(e.paths.lock)
	if err != nil {
		return fmt.Errorf("the sandbox in %s is in use (%w): wait for the other command, or choose another state folder",
			e.options.StateDir, err)
	}
	e.stops = append(e.stops, lock.Close)
	if err := removeStaleLocks(filepath.Join(e.paths.backend, ".pulumi", "locks")); err != nil {
		return err
	}
	if err := makePassphrase(e.paths.passphrase); err != nil {
		return err
	}
	if e.key, err = readKey(e.paths.key); err != nil {
		return err
	}
	if err := keepNoLogs(filepath.Join(e.paths.home, "logs")); err != nil {
		return err
	}
	if err := e.linkPlugins(); err != nil {
		return err
	}
	if err := e.linkCommands(); err != nil {
		return err
	}
	return e.writeCertificates()
}

// makePassphrase keeps a passphrase for stacks that a user makes in the sandbox besides the project's, and for stacks
// of an earlier sandbox. It protects nothing of value.
func makePassphrase(file string) error {
	if exists(file) {
		return nil
	}
	if err := wholefile.Write(file, []byte(rand.Text())); err != nil {
		return fmt.Errorf("keeping the passphrase of the sandbox's stacks: %w", err)
	}
	return nil
}

// keepNoLogs puts a file where Pulumi 3.276 would make the folder of its automatic logs: it then keeps none. A log has
// every property of every resource, and writing it takes a tenth of the engine's CPU. --logtostderr works as before. A
// folder that is there already stays.
func keepNoLogs(file string) error {
	if exists(file) {
		return nil
	}
	if err := wholefile.Write(file, []byte("In the sandbox Pulumi keeps no logs.\n")); err != nil {
		return fmt.Errorf("keeping Pulumi from writing logs: %w", err)
	}
	return nil
}

// linkPlugins lets Pulumi use the user's installed plugins, but not the user's Pulumi home, which holds logins.
func (e *Engine) linkPlugins() error {
	installed, link := userPlugins(), filepath.Join(e.paths.home, "plugins")
	if !exists(installed) || isLinkTo(link, installed) {
		return nil
	}
	// A link to another place is replaced; a folder that Pulumi filled is kept.
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Symlink(installed, link); err != nil {
		return fmt.Errorf("giving the sandbox the installed plugins: %w", err)
	}
	return nil
}

// linkCommands makes the folder of the commands that come first on PATH. It makes it anew each time, because an
// executable may have moved.
func (e *Engine) linkCommands() error {
	if err := errors.Join(os.RemoveAll(e.paths.commands), os.MkdirAll(e.paths.commands, 0o700)); err != nil {
		return fmt.Errorf("making the folder of the sandbox's commands: %w", err)
	}
	for name, executable := range e.options.Commands {
		if err := os.Symlink(executable, e.commandPath(name)); err != nil {
			return fmt.Errorf("giving the sandbox the command %s: %w", name, err)
		}
	}
	return nil
}

func (e *Engine) commandPath(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(e.paths.commands, name)
}

func isLinkTo(link, target string) bool {
	found, err := os.Readlink(link)
	return err == nil && found == target
}

// removeStaleLocks removes the locks that a killed `pulumi` left on the sandbox's stacks; Pulumi itself would ask for
// `pulumi cancel`. A lock holds the ID of the process that took it.
func removeStaleLocks(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var lock struct {
			PID int `json:"pid"`
		}
		if json.Unmarshal(content, &lock) == nil && running(lock.PID) {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the locks that a killed command left: %w", err)
	}
	return nil
}

// systemRoots are the files in which systems keep the certificates that they trust.
var systemRoots = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// writeCertificates writes the certificates that a command trusts: the system's, and the embedded Azure's.
func (e *Engine) writeCertificates() error {
	var bundle []byte
	for _, file := range append([]string{os.Getenv("SSL_CERT_FILE")}, systemRoots...) {
		if file == "" {
			continue
		}
		if content, err := os.ReadFile(file); err == nil {
			bundle = append(content, '\n')
			break
		}
	}
	if err := wholefile.Write(e.paths.certificates, append(bundle, e.options.Azure.CAPEM()...)); err != nil {
		return fmt.Errorf("writing the certificates that commands trust: %w", err)
	}
	return nil
}
