package golang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Run builds the program and runs it to its end. Its output goes to the engine line by line.
func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	prog := programOf(req.GetInfo())
	bin, err := h.build(ctx, prog)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	env, err := runEnv(req, h.engineAddress())
	if err != nil {
		return nil, err
	}
	output, err := h.dialOutput()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, bin, req.GetArgs()...)
	cmd.Dir = prog.dir
	if req.GetPwd() != "" {
		cmd.Dir = req.GetPwd()
	}
	cmd.Env = append(h.environ(), env...)
	cmd.Stdout = output.stream(ctx)
	cmd.Stderr = output.stream(ctx)
	h.options.Logger.Debug("running program", "dir", cmd.Dir, "dryRun", req.GetDryRun())
	err = cmd.Run()
	output.close()
	return runResponse(err), nil
}

// runResponse says how a program ended. A program that has reported its errors to the engine ends with an exit code of
// its own, so that they are not reported twice.
func runResponse(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == constant.ExitStatusLoggedError:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit) && exit.Exited():
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with exit code %d", exit.ExitCode())}
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("running the program: %v", err)}
	}
}

// environ is a copy of the programs' environment, to which the caller may append.
func (h *host) environ() []string { return append([]string(nil), h.options.Env...) }

// runEnv returns the variables by which a program's SDK finds its engine, project and stack.
func runEnv(req *pulumirpc.RunRequest, engine string) ([]string, error) {
	config, err := json.Marshal(orEmpty(req.GetConfig()))
	if err != nil {
		return nil, fmt.Errorf("encoding the stack's config: %w", err)
	}
	secretKeys, err := json.Marshal(append([]string{}, req.GetConfigSecretKeys()...))
	if err != nil {
		return nil, fmt.Errorf("encoding the keys of the stack's secrets: %w", err)
	}
	return []string{
		pulumi.EnvOrganization + "=" + req.GetOrganization(),
		pulumi.EnvProject + "=" + req.GetProject(),
		pulumi.EnvPulumiRootDirectory + "=" + req.GetInfo().GetRootDirectory(),
		pulumi.EnvStack + "=" + req.GetStack(),
		pulumi.EnvConfig + "=" + string(config),
		pulumi.EnvConfigSecretKeys + "=" + string(secretKeys),
		pulumi.EnvDryRun + "=" + strconv.FormatBool(req.GetDryRun()),
		pulumi.EnvParallel + "=" + strconv.Itoa(int(req.GetParallel())),
		pulumi.EnvMonitor + "=" + req.GetMonitorAddress(),
		pulumi.EnvEngine + "=" + engine,
	}, nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// RunPlugin builds and runs a plugin that is installed as Go source: a component package or a policy pack.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	ctx := stream.Context()
	prog := programOf(req.GetInfo())
	bin, err := h.build(ctx, prog)
	if err != nil {
		return err
	}
	out := &pluginStream{stream: stream}
	cmd := exec.CommandContext(ctx, bin, req.GetArgs()...)
	cmd.Dir = req.GetPwd()
	cmd.Env = append(append(h.environ(), "PULUMI_ROOT_DIRECTORY="+prog.root), req.GetEnv()...)
	cmd.Stdout = out.writer(func(b []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: b}}
	})
	cmd.Stderr = out.writer(func(b []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: b}}
	})
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("running the plugin in %s: %w", prog.dir, err)
	}
	return out.send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(cmd.ProcessState.ExitCode())},
	})
}

// InstallDependencies fetches the modules that go.mod names. It does not tidy: that would change the user's files.
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, stream pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	prog := programOf(req.GetInfo())
	cmd := exec.CommandContext(stream.Context(), "go", "mod", "download")
	cmd.Dir, cmd.Env = prog.dir, h.environ()
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go mod download in %s: %w\n%s", prog.dir, err, output)
	}
	return stream.Send(&pulumirpc.InstallDependenciesResponse{Stdout: output})
}
