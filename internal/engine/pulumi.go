package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// A Pulumi runs Pulumi's CLI on a stack.
type Pulumi struct {
	CLI, Dir, Stack string // the CLI's path, the project's folder, and the name of the stack
	Stderr          io.Writer
}

// Run returns the CLI's output, also if it fails.
func (p Pulumi) Run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.CLI, append(args, "--stack", p.Stack, "--non-interactive")...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Dir, bytes.NewReader(stdin), &out, p.Stderr
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out.Bytes()))
	}
	return out.Bytes(), nil
}

// PreviewArgs are the arguments of a preview that Read can read completely.
func PreviewArgs() []string { return []string{"preview", "--json", "--show-sames"} }

// Preview previews the stack. If it fails, the error has the message of the program or of Pulumi.
func (p Pulumi) Preview(ctx context.Context, args ...string) ([]byte, error) {
	var said bytes.Buffer
	quiet := p
	quiet.Stderr = io.MultiWriter(p.Stderr, &said)
	out, err := quiet.Run(ctx, nil, append(PreviewArgs(), args...)...)
	switch {
	case err != nil && strings.Contains(said.String(), "no stack named"):
		return nil, fmt.Errorf("it does not exist; make it, empty, with pulumi stack init %s, or log in "+
			"to the backend that has it with pulumi login", p.Stack)
	case err != nil:
		return nil, PreviewFailed(err, out)
	}
	return out, nil
}

// PreviewFailed finds the reason of a failure in a preview's JSON.
func PreviewFailed(err error, out []byte) error {
	var digest struct {
		Diagnostics []struct {
			Severity string `json:"severity"`
			Message  string `json:"message"`
		} `json:"diagnostics"`
	}
	problems := []error{errors.New("pulumi preview fails; put this right first")}
	if json.Unmarshal(out, &digest) == nil {
		for _, severity := range []string{"error", "info#err"} { // without errors, what the program wrote
			for _, d := range digest.Diagnostics {
				message := strings.TrimSpace(colours.ReplaceAllString(d.Message, ""))
				if d.Severity == severity && message != "" {
					problems = append(problems, errors.New(message))
				}
			}
			if len(problems) > 1 {
				break
			}
		}
	}
	if len(problems) == 1 {
		problems = append(problems, err)
	}
	if m := pluginMissing.FindStringSubmatch(errors.Join(problems...).Error()); m != nil {
		problems = append(problems, fmt.Errorf("install it with pulumi plugin install %s %s, or preview where it is "+
			"installed", m[1], strings.TrimPrefix(m[2], "pulumi-"+m[1]+"-")))
	}
	return errors.Join(problems...)
}

var (
	colours       = regexp.MustCompile("\x1b\\[[0-9;]*m")
	pluginMissing = regexp.MustCompile(`[Nn]o (resource|language) plugin '([^']+)'`)
)
