package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

var updateCorpus = flag.Bool("update", false, "write the previews of review's corpus again")

const corpus = "../../internal/review/testdata/corpus/"

// A changed resource of the corpus: its inputs before and after, nil if it does not exist then.
type changed struct {
	Name, Type string
	Replace    bool
	Import     bool // the new resource exists in Azure
	Read       bool // the program only reads it
	ReadBefore bool `yaml:"readBefore"` // the program only read it before
	// From now on the program only reads it: by its own ID ("same"), or by another resource's ("other").
	ReadAfter string `yaml:"readAfter"`
	Retain    bool   // it stays in Azure when it leaves the stack
	// DeletedWith is the name of the resource with which it is deleted, by the program's option.
	DeletedWith string `yaml:"deletedWith"`
	Old, New    map[string]any
}

type corpusCase struct {
	Case    string
	changed `yaml:",inline"`
	Also    []changed
}

// cases are the cases of review's corpus, by the beginning of their resources' names.
func cases(t *testing.T) (all []corpusCase) {
	t.Helper()
	text, err := os.ReadFile(corpus + "cases.yaml")
	require.NoError(t, err)
	var file struct{ Cases []corpusCase }
	require.NoError(t, yaml.Unmarshal(text, &file))
	for i := range file.Cases {
		file.Cases[i].Name = "self"
	}
	return file.Cases
}

// The real engine makes the previews of review's corpus: one deployment of everything that exists before, and one
// preview of everything that exists after, by a program of raw tokens and a plugin that accepts any type.
func TestTheEngineMakesTheCorpusOfReview(t *testing.T) {
	t.Parallel()
	all := cases(t)
	provider := serve(t, func(s *grpc.Server) { pulumirpc.RegisterResourceProviderServer(s, anything{}) })
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	dir, packages := t.TempDir(), map[string]bool{}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: corpus\nruntime: go\n"), 0o600))
	for _, c := range all {
		for _, r := range append(c.Also, c.changed) {
			pkg, _, _ := strings.Cut(r.Type, ":")
			packages[pkg] = true
		}
	}
	var plugins []string
	for pkg := range packages {
		plugins = append(plugins, fmt.Sprint(pkg, ":", provider))
	}
	run := func(after bool, args ...string) []byte {
		client := serve(t, func(s *grpc.Server) {
			pulumirpc.RegisterLanguageRuntimeServer(s, program{t: t, cases: all, after: after})
		})
		var out, errs bytes.Buffer
		cmd := exec.CommandContext(t.Context(), cli, append(args, "--stack", "dev", "--non-interactive", "--client",
			fmt.Sprint("127.0.0.1:", client))...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
		cmd.Env = append(os.Environ(), "PULUMI_DEBUG_PROVIDERS="+strings.Join(plugins, ","), "PULUMI_CONFIG_PASSPHRASE=x",
			"PULUMI_BACKEND_URL=file://"+dir, "PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_HOME="+dir)
		require.NoError(t, cmd.Run(), "%s%s", out.String(), errs.String())
		return out.Bytes()
	}
	create := exec.CommandContext(t.Context(), cli, "stack", "init", "dev", "--non-interactive")
	create.Dir = dir
	create.Env = append(os.Environ(), "PULUMI_CONFIG_PASSPHRASE=x", "PULUMI_BACKEND_URL=file://"+dir, "PULUMI_HOME="+dir)
	said, err := create.CombinedOutput()
	require.NoError(t, err, string(said))
	run(false, "up", "--yes", "--skip-preview")
	previews := divided(t, run(true, "preview", "--json", "--show-sames"), all)
	text, err := json.MarshalIndent(previews, "", " ")
	require.NoError(t, err)
	if *updateCorpus {
		require.NoError(t, os.WriteFile(corpus+"previews.json", append(text, '\n'), 0o600))
	}
	stored, err := os.ReadFile(corpus + "previews.json")
	require.NoError(t, err)
	assert.JSONEq(t, string(stored), string(text), "go test ./tests/engine -run Corpus -update writes it again")
}

// divided gives each case the steps of its own resources, and their summary.
func divided(t *testing.T, preview []byte, all []corpusCase) map[string]any {
	t.Helper()
	var digest struct {
		Steps []map[string]any `json:"steps"`
	}
	require.NoError(t, json.Unmarshal(preview, &digest))
	divided := map[string]any{}
	for i, c := range all {
		var steps []map[string]any
		summary := map[string]int{}
		for _, s := range digest.Steps {
			name := s["urn"].(string)
			name = name[strings.LastIndex(name, "::")+2:]
			if !strings.HasPrefix(name, prefix(i)) {
				continue
			}
			for _, key := range []string{"oldState", "newState"} {
				if state, is := s[key].(map[string]any); is {
					for _, noise := range []string{"created", "modified", "sourcePosition", "stackTrace", "provider"} {
						delete(state, noise)
					}
				}
			}
			delete(s, "provider") // its ID differs from run to run
			for _, key := range []string{"replaceReasons", "diffReasons"} {
				if reasons, is := s[key].([]any); is { // the order differs from run to run
					slices.SortFunc(reasons, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				}
			}
			if reasons, is := s["diffReasons"].([]any); is {
				slices.SortFunc(reasons, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			}
			steps = append(steps, s)
			summary[s["op"].(string)]++
		}
		require.NotEmpty(t, steps, c.Case)
		slices.SortFunc(steps, func(a, b map[string]any) int { // in the engine's order
			return strings.Compare(fmt.Sprint(a["urn"], a["op"]), fmt.Sprint(b["urn"], b["op"]))
		})
		divided[c.Case] = map[string]any{"steps": steps, "changeSummary": summary}
	}
	return divided
}

func prefix(i int) string { return fmt.Sprintf("c%03d.", i) }

// serve starts a gRPC server for the test, and returns its port.
func serve(t *testing.T, register func(*grpc.Server)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	register(s)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	return listener.Addr().(*net.TCPAddr).Port
}

// program registers the resources of all cases, before or after their change.
type program struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	t     *testing.T
	cases []corpusCase
	after bool
}

func (program) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (p program) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	pctx, err := pulumi.NewContext(ctx, pulumi.RunInfo{
		Project: req.GetProject(), Stack: req.GetStack(), Parallel: req.GetParallel(), DryRun: req.GetDryRun(),
		MonitorAddr: req.GetMonitorAddress(), EngineAddr: req.GetMonitorAddress(), Organization: req.GetOrganization(),
	})
	if err == nil {
		defer func() { _ = pctx.Close() }()
		err = pulumi.RunWithContext(pctx, p.register)
	}
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

// raw is a resource of any type.
type raw struct{ pulumi.CustomResourceState }

func (p program) register(ctx *pulumi.Context) error {
	for i, c := range p.cases {
		made := map[string]*raw{}
		// Resources that others refer to come first.
		list := append([]changed{c.changed}, c.Also...)
		if refersTo(c.changed, "self") == "" && len(c.Also) > 0 && refersTo(c.changed, c.Also[0].Name) != "" {
			list = append(append([]changed{}, c.Also...), c.changed)
		}
		for _, r := range list {
			inputs := r.Old
			if p.after {
				inputs = r.New
			}
			if inputs == nil {
				continue
			}
			args := pulumi.Map{}
			for key, v := range inputs {
				args[key] = valueOf(v, made)
			}
			var opts []pulumi.ResourceOption
			if r.Replace {
				opts = append(opts, pulumi.ReplaceOnChanges([]string{"*"}))
			}
			if r.Retain {
				opts = append(opts, pulumi.RetainOnDelete(true))
			}
			if with := made[r.DeletedWith]; with != nil {
				opts = append(opts, pulumi.DeletedWith(with))
			}
			made[r.Name] = &raw{}
			if r.ReadAfter == "same" && p.after {
				id := pulumi.ID("/id/of/" + prefix(i) + r.Name)
				if err := ctx.ReadResource(r.Type, prefix(i)+r.Name, id, args, made[r.Name]); err != nil {
					return err
				}
				continue
			}
			isRead := r.Read || r.ReadBefore && !p.after || r.ReadAfter == "other" && p.after
			if isRead || r.Import && p.after { // the plugin finds an existing resource by the ID
				there, err := json.Marshal(inputs)
				if err != nil {
					return err
				}
				if isRead {
					if err := ctx.ReadResource(r.Type, prefix(i)+r.Name, pulumi.ID(there), nil, made[r.Name]); err != nil {
						return err
					}
					continue
				}
				opts = append(opts, pulumi.Import(pulumi.ID(there)))
			}
			if err := ctx.RegisterResource(r.Type, prefix(i)+r.Name, args, made[r.Name], opts...); err != nil {
				return err
			}
		}
	}
	return nil
}

// refersTo finds a reference to a resource in the inputs of another.
func refersTo(r changed, name string) string {
	text, _ := json.Marshal([]any{r.Old, r.New})
	if at := strings.Index(string(text), `{"$ref":"`+name+"."); at >= 0 {
		return name
	}
	return ""
}

func valueOf(v any, made map[string]*raw) pulumi.Input {
	switch v := v.(type) {
	case map[string]any:
		if ref, is := v["$ref"].(string); is {
			name, _, _ := strings.Cut(ref, ".")
			return made[name].ID()
		}
		if secret, is := v["$secret"]; is {
			return pulumi.ToSecret(secret)
		}
		m := pulumi.Map{}
		for key, item := range v {
			m[key] = valueOf(item, made)
		}
		return m
	case []any:
		list := pulumi.Array{}
		for _, item := range v {
			list = append(list, valueOf(item, made))
		}
		return list
	default:
		return pulumi.Any(v)
	}
}

// anything is a plugin that accepts any type, and keeps its inputs.
type anything struct {
	pulumirpc.UnimplementedResourceProviderServer
}

func (anything) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (anything) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (anything) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

func (anything) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{}, nil
}

func (anything) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true}, nil
}

func (anything) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

func (anything) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	options := plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true}
	old, err := plugin.UnmarshalProperties(req.GetOldInputs(), options)
	if err != nil {
		return nil, err
	}
	news, err := plugin.UnmarshalProperties(req.GetNews(), options)
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	if diff := old.Diff(news); diff != nil {
		answer.Changes = pulumirpc.DiffResponse_DIFF_SOME
		for _, key := range diff.ChangedKeys() {
			answer.Diffs = append(answer.Diffs, string(key))
		}
	}
	return answer, nil
}

func (anything) Create(_ context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	return &pulumirpc.CreateResponse{Id: "/id/of/" + string(resource.URN(req.GetUrn()).Name()),
		Properties: req.GetProperties()}, nil
}

func (anything) Read(_ context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if req.GetProperties() != nil && len(req.GetProperties().GetFields()) > 0 {
		return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: req.GetProperties(), Inputs: req.GetInputs()}, nil
	}
	there := &structpb.Struct{}
	if err := there.UnmarshalJSON([]byte(req.GetId())); err != nil {
		return nil, err
	}
	return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: there, Inputs: there}, nil
}

func (anything) Update(_ context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	return &pulumirpc.UpdateResponse{Properties: req.GetNews()}, nil
}

func (anything) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
