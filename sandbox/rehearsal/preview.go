package rehearsal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandbox "github.com/batchaccess/batchaccess/sandbox/engine"
)

// previewRounds is more than any program needs: each round finds more of what it refers to.
const previewRounds = 20

// Preview previews the stack of any program against the embedded Azure, without credentials, and returns the output of
// `pulumi preview --json`. Workspaces, storage accounts, clusters, identities and their hosts exist if the program
// looks them up; everything else has to be in the seed. Model and Weather of the options are not used.
func Preview(ctx context.Context, o Options, exists azure.Seed) (text []byte, err error) {
	if o.Progress == nil {
		o.Progress = silent{}
	}
	asked := &missing{next: slog.DiscardHandler, seen: map[string]bool{}}
	if o.Logger != nil {
		asked.next = o.Logger.Handler()
	}
	a, err := azure.Start(ctx, azure.Options{Logger: slog.New(asked)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Seed(exists); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	e, err := sandbox.Start(ctx, sandbox.Options{
		StateDir: o.StateDir, Azure: a, ProjectDir: o.ProjectDir, StackFiles: o.stackFiles(), Named: true,
		Pulumi: o.Pulumi, StandIns: o.StandIns, Stdout: &said, Stderr: &said, Logger: slog.New(asked.next),
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	for range previewRounds {
		o.Progress.Step("pulumi preview in the sandbox")
		var out bytes.Buffer
		said.Reset()
		args := append(engine.PreviewArgs(), "--stack", o.Stack, "--non-interactive", "--color", "never")
		failed := e.Pulumi(ctx, &out, args...)
		if failed == nil {
			return out.Bytes(), nil
		}
		more, found := asked.seed(o.Location)
		if !found || ctx.Err() != nil {
			err := engine.PreviewFailed(fmt.Errorf("%w\n%s", failed, strings.TrimSpace(said.String())), out.Bytes())
			return nil, fmt.Errorf("%v", err) // not wrapped: Pulumi's exit code is not ours
		}
		if err := a.Seed(more); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("after %d previews the program still looks up what is not in the sandbox", previewRounds)
}

// missing reads the embedded Azure's log, and collects what was asked for and does not exist.
type missing struct {
	next slog.Handler
	lock sync.Mutex
	ids  []string
	seen map[string]bool
}

func (m *missing) Enabled(context.Context, slog.Level) bool { return true }
func (m *missing) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m *missing) WithGroup(string) slog.Handler            { return m }

func (m *missing) Handle(ctx context.Context, r slog.Record) error {
	var method, path string
	var status int64
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "method":
			method = a.Value.String()
		case "path":
			path = a.Value.String()
		case "status":
			status = a.Value.Int64()
		}
		return true
	})
	if method == http.MethodGet && status == http.StatusNotFound && strings.HasPrefix(path, "/subscriptions/") {
		m.lock.Lock()
		m.ids = append(m.ids, path)
		m.lock.Unlock()
	}
	if m.next.Enabled(ctx, r.Level) {
		return m.next.Handle(ctx, r)
	}
	return nil
}

// seed has what was found missing since the last call; false if nothing new can be made up.
func (m *missing) seed(location string) (s azure.Seed, found bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	location = cmp.Or(location, DefaultLocation)
	for _, id := range m.ids {
		if m.seen[strings.ToLower(id)] {
			continue
		}
		m.seen[strings.ToLower(id)] = true
		is := func(armType string) bool { _, err := arm.Parse(id, armType); return err == nil }
		workspace, cluster, inWorkspace := strings.Cut(id, "/computes/")
		switch {
		case is(arm.Workspace):
			s.Workspaces = append(s.Workspaces, azure.Workspace{ID: id, Location: location})
		case is(arm.StorageAccount):
			s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: id, HNS: true})
		case is(arm.UserAssignedIdentity):
			s.UserAssignedIdentities = append(s.UserAssignedIdentities, azure.UserAssignedIdentity{
				ID: id, PrincipalID: made("principal", id), ClientID: made("client", id), Location: location,
			})
		case inWorkspace && !strings.Contains(cluster, "/"):
			s.Computes = append(s.Computes, azure.Compute{
				WorkspaceID: workspace, Name: cluster, SystemAssignedPrincipalID: made("principal", id),
			})
		case slices.ContainsFunc(hosts, is):
			s.Hosts = append(s.Hosts, azure.Host{ID: id, Location: location, PrincipalID: made("principal", id)})
		default:
			continue
		}
		found = true
	}
	m.ids = nil
	return s, found
}

// hosts are the types of resources on which code runs with the resource's identity.
var hosts = []string{"Microsoft.DataFactory/factories", "Microsoft.Web/sites", "Microsoft.Compute/virtualMachines"}

// languageNeeds says what a program in each of Pulumi's languages needs on the machine.
type languageNeeds struct{ commands, advice string }

// LanguageHost returns an error that names what to install if the machine can't run the project's program.
func LanguageHost(cli, name string) error {
	const brings = "install the Pulumi CLI, which brings pulumi-language-"
	needs, known := map[string]languageNeeds{
		"go":     {"go", "install Go, of the version that go.mod names or later"},
		"yaml":   {"pulumi-language-yaml", brings + "yaml"},
		"nodejs": {"pulumi-language-nodejs node npm", brings + "nodejs, and Node.js 20 or later with npm"},
		"python": {"pulumi-language-python python3", brings + "python, and Python 3.9 or later"},
		"dotnet": {"pulumi-language-dotnet dotnet", brings + "dotnet, and the .NET SDK"},
		"java":   {"pulumi-language-java java", brings + "java, and a JDK 11 or later"},
	}[name]
	if !known {
		needs = languageNeeds{"pulumi-language-" + name, "install the language host of that name"}
	}
	var lacking []string
	for _, command := range strings.Fields(needs.commands) {
		_, onPath := exec.LookPath(command)
		_, beside := exec.LookPath(filepath.Join(filepath.Dir(cli), command))
		if onPath != nil && beside != nil {
			lacking = append(lacking, command)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return fmt.Errorf("the program's runtime is %s, and %s is not on PATH: %s (https://www.pulumi.com/docs/install/); "+
		"or give a preview from where it is, with --preview", name, strings.Join(lacking, ", "), needs.advice)
}
