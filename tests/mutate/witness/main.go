// Command witness deploys stacks, each to an embedded Azure, and judges them, all in one process: no engine, no
// plugins. The mutations are tried on it. It prints "green", or "red:" and the reason of the first stack that is not
// green; it fails if it can't decide.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

func main() {
	verdict := "green"
	for _, stack := range stacksInOrder {
		var err error
		if verdict, err = judge(context.Background(), stack); err != nil {
			fmt.Fprintln(os.Stderr, "witness:", stack+":", err)
			os.Exit(1)
		}
		if verdict != "green" {
			break
		}
	}
	fmt.Println(verdict)
}

func judge(ctx context.Context, stack string) (verdict string, err error) {
	values, err := settings(stack)
	if err != nil {
		return "", err
	}
	w, err := worldOf(stack)
	if err != nil {
		return "", err
	}
	rehearse := func() (*rehearsal.Report, error) {
		return inprocess.Rehearse(ctx, values, fmt.Sprint(values["location"]))
	}
	if w != nil {
		shorter, err := settings(stack)
		if err != nil {
			return "", err
		}
		leaveOut(shorter)
		rehearse = func() (*rehearsal.Report, error) { return inprocess.RehearseAsked(ctx, values, shorter, w) }
	}
	report, err := rehearse()
	var refused inprocess.Refused
	switch {
	case errors.As(err, &refused):
		return "red: " + err.Error(), nil
	case err != nil:
		return "", err
	case report.Passed():
		return "green", nil
	}
	for _, o := range report.Failures() {
		return fmt.Sprintf("red: %s on %s with %s should be %q and is %q: %s", o.Invoker, o.Endpoint, o.Input, o.Want,
			o.Got, o.Detail), nil
	}
	for _, w := range report.Walks {
		if w.Refused {
			return fmt.Sprintf("red: not walked: %s: %s", w.Way, w.Why), nil
		}
	}
	return fmt.Sprint("red: ", report.Violated()), nil
}

// leaveOut removes from a stack the values that the program can look up in the workspace.
func leaveOut(values map[string]any) {
	each := func(key string, asked ...string) {
		all, _ := values[key].(map[string]any)
		for _, one := range all {
			fields, _ := one.(map[string]any)
			for _, name := range asked {
				delete(fields, name)
			}
			switch fields["kind"] {
			case "dataAsset":
				delete(fields, "dataStore")
				delete(fields, "path")
				delete(fields, "type")
				fallthrough
			case "dataStore":
				delete(fields, "storageAccount")
				if fields["scope"] != "path" { // with that scope it has to be given
					delete(fields, "container")
				}
			}
		}
	}
	each("dataInputs", "credentialInStore")
	each("endpoints", "cluster")
	endpoints, _ := values["endpoints"].(map[string]any)
	for _, one := range endpoints {
		fields, _ := one.(map[string]any)
		deployments, _ := fields["deployments"].(map[string]any)
		for name := range deployments {
			deployments[name] = map[string]any{}
		}
	}
}

// settings returns the settings of a stack of this folder, with a secret that is valid today, and ends of access that
// are over or nearly.
func settings(stack string) (map[string]any, error) {
	written, err := stacks.ReadFile(stack)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "witness")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	today := time.Now().UTC()
	yesterday := today.AddDate(0, 0, -1).Format(time.DateOnly)
	text := strings.NewReplacer("{yesterday}", yesterday, "{today}", today.Format(time.DateOnly), "{start}", yesterday,
		"{end}", today.AddDate(0, 3, 0).Format(time.DateOnly)).
		Replace(string(written))
	for name, content := range map[string]string{"Pulumi.yaml": "name: batchaccess\nruntime: go\n",
		"Pulumi.dev.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	return config.ReadStack(dir, "dev")
}
