// Package tests holds the unit tests of the components under Pulumi's mocks: what they register, with which inputs and
// options, and what they refuse. It knows the components from outside, as a stack that imports them does.
package tests

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
)

// A registration is one resource in the program's request to the engine.
type registration struct {
	Type, Name string
	Inputs     resource.PropertyMap // secrets and unknowns are kept apart from plain values
	RPC        *pulumirpc.RegisterResourceRequest
}

// URN is made by the mocks, as by the engine, from type, name and the type of the parent.
func (r registration) URN() string {
	parentType := ""
	if urn := resource.URN(r.RPC.GetParent()); urn != "" && urn.QualifiedType() != resource.RootStackType {
		parentType = string(urn.QualifiedType()) + "$"
	}
	return fmt.Sprintf("urn:pulumi:%s::%s::%s%s::%s", stack, project, parentType, r.Type, r.Name)
}

// at follows keys into the inputs and returns the plain value there; nil if there is none.
func (r registration) at(keys ...string) any {
	v := resource.NewProperty(r.Inputs)
	for _, key := range keys {
		if v.IsSecret() {
			v = v.SecretValue().Element
		}
		if !v.IsObject() {
			return nil
		}
		v = v.ObjectValue()[resource.PropertyKey(key)]
	}
	return unwrapped(v).Mappable()
}

// dependsOn lists the URNs that one input depends on.
func (r registration) dependsOn(input string) []string {
	return r.RPC.GetPropertyDependencies()[input].GetUrns()
}

const (
	project = "batchaccess"
	stack   = "test"
	// probeType is a resource for tests only: its inputs are the outputs that a test wants to see.
	probeType = "tests:index:Probe"
)

// recorder stands for the engine: it keeps every request, and answers as Azure would.
type recorder struct {
	t       *testing.T
	preview bool
	// a preview answers the identity of a cluster as it was asked for, without a principal
	echoes   bool
	computes map[string]resource.PropertyMap // what an existing compute answers, by name
	region   func() (string, error)          // where the workspace lies; nil for westeurope
	world    map[string]any                  // what other look-ups answer, by lookUpKey: an object, or an error

	mu         sync.Mutex
	registered []registration
	calls      []pulumi.MockCallArgs
	logs       []string
	outputs    resource.PropertyMap
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	inputs, err := plugin.UnmarshalProperties(args.RegisterRPC.GetObject(), plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
	})
	if err != nil {
		return "", nil, fmt.Errorf("reading the inputs of %s: %w", args.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if args.TypeToken == probeType {
		r.outputs = inputs
		return "", resource.PropertyMap{}, nil
	}
	reg := registration{args.TypeToken, args.Name, inputs, args.RegisterRPC}
	r.registered = append(r.registered, reg)
	if !args.Custom {
		if !strings.HasPrefix(args.TypeToken, "batchaccess:index:") {
			r.t.Errorf("the mocks know no component %s", args.TypeToken)
		}
		return "", resource.PropertyMap{}, nil
	}
	known, ok := azure[args.TypeToken]
	if !ok {
		r.t.Errorf("the mocks know no resource type %s", args.TypeToken)
		return "", nil, fmt.Errorf("unknown resource type %s", args.TypeToken)
	}
	if err := known.check(inputs); err != nil {
		r.t.Errorf("%s %s: %v", args.TypeToken, args.Name, err)
	}
	if r.preview {
		// As in a preview: no ID, and no output that only Azure knows. azure-native leaves the principal inside an
		// identity unknown, and if a part of it is unknown, the SDK treats all of it as unknown.
		state := args.Inputs.Copy()
		if !r.echoes {
			delete(state, "identity")
		}
		return "", state, nil
	}
	id, state := known.create(args.Name, args.Inputs)
	for _, secret := range args.RegisterRPC.GetAdditionalSecretOutputs() {
		if v, ok := state[resource.PropertyKey(secret)]; ok {
			state[resource.PropertyKey(secret)] = resource.MakeSecret(v)
		}
	}
	return id, state, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if args.Token == "pulumi:pulumi:readStackOutputs" { // a question to the engine, not to Azure: the stack is new
		return resource.PropertyMap{}, nil
	}
	r.calls = append(r.calls, args)
	return r.answer(args)
}

// recorder is also the program's log.
func (r *recorder) log(severity, msg string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, severity+": "+msg)
	return nil
}

func (r *recorder) Debug(msg string, _ *pulumi.LogArgs) error { return r.log("debug", msg) }
func (r *recorder) Info(msg string, _ *pulumi.LogArgs) error  { return r.log("info", msg) }
func (r *recorder) Warn(msg string, _ *pulumi.LogArgs) error  { return r.log("warning", msg) }
func (r *recorder) Error(msg string, _ *pulumi.LogArgs) error { return r.log("error", msg) }

// program makes resources and returns the outputs that the test wants to see.
type program func(ctx *pulumi.Context) (pulumi.Map, error)

func newRecorder(t *testing.T) *recorder { return &recorder{t: t} }

// try runs a program and returns the recorder, with the program's error.
func (r *recorder) try(p program) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		ctx.Log = r
		outputs, err := p(ctx)
		if err != nil || outputs == nil {
			return err
		}
		if r.preview {
			delete(outputs, "clientSecrets") // the SDK's mocks can't hold a secret that is unknown
		}
		var probe pulumi.ResourceState
		return ctx.RegisterComponentResourceV2(probeType, "probe", outputs, &probe)
	}, pulumi.WithMocks(project, stack, r), func(info *pulumi.RunInfo) { info.DryRun = r.preview })
}

// run runs a program that must succeed.
func (r *recorder) run(p program) *recorder {
	r.t.Helper()
	require.NoError(r.t, r.try(p))
	return r
}

func run(t *testing.T, p program) *recorder {
	t.Helper()
	return newRecorder(t).run(p)
}

// refused runs a program that must fail before it registers anything, and returns its error.
func refused(t *testing.T, p program) string {
	t.Helper()
	r := newRecorder(t)
	err := r.try(p)
	require.Error(t, err)
	require.Empty(t, r.names(), "nothing may be registered before the arguments are right")
	require.Empty(t, r.calls, "nothing may be looked up before the arguments are right")
	return err.Error()
}

func (r *recorder) ofType(token string) (found []registration) {
	for _, reg := range r.registered {
		if reg.Type == token {
			found = append(found, reg)
		}
	}
	slices.SortFunc(found, func(a, b registration) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// one returns the resource of that type and name, of which there must be exactly one.
func (r *recorder) one(token, name string) registration {
	r.t.Helper()
	var found []registration
	for _, reg := range r.ofType(token) {
		if reg.Name == name {
			found = append(found, reg)
		}
	}
	require.Len(r.t, found, 1, "%s %q among %v", token, name, r.names())
	return found[0]
}

// names lists type and name of everything registered, sorted.
func (r *recorder) names() []string {
	var all []string
	for _, reg := range r.registered {
		all = append(all, reg.Type[strings.LastIndex(reg.Type, ":")+1:]+" "+reg.Name)
	}
	slices.Sort(all)
	return all
}

// output returns an output of the program, as a plain value.
func (r *recorder) output(key string) any {
	r.t.Helper()
	require.Contains(r.t, r.outputs, resource.PropertyKey(key))
	output := resource.NewProperty(resource.PropertyMap{"v": r.outputs[resource.PropertyKey(key)]})
	return output.Mappable().(map[string]any)["v"]
}

// plainText is the text of every request and log that anybody could read: secret values are left out.
func (r *recorder) plainText() string {
	var b strings.Builder
	write := func(m resource.PropertyMap) {
		fmt.Fprintln(&b, masked(resource.NewProperty(m)).Mappable())
	}
	for _, reg := range r.registered {
		write(reg.Inputs)
		fmt.Fprintln(&b, reg.RPC.GetName(), reg.RPC.GetAliases(), reg.RPC.GetIgnoreChanges())
	}
	for _, call := range r.calls {
		write(call.Args)
	}
	write(r.outputs)
	fmt.Fprintln(&b, strings.Join(r.logs, "\n"))
	return b.String()
}

func masked(v resource.PropertyValue) resource.PropertyValue {
	return replaceSecrets(v,
		func(resource.PropertyValue) resource.PropertyValue { return resource.NewProperty("[secret]") })
}

// unwrapped is the value with its secrets as plain text, for a test to look at.
func unwrapped(v resource.PropertyValue) resource.PropertyValue {
	return replaceSecrets(v, unwrapped)
}

func replaceSecrets(v resource.PropertyValue,
	by func(inner resource.PropertyValue) resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return by(v.SecretValue().Element)
	case v.IsObject():
		m := resource.PropertyMap{}
		for key, item := range v.ObjectValue() {
			m[key] = replaceSecrets(item, by)
		}
		return resource.NewProperty(m)
	case v.IsArray():
		var a []resource.PropertyValue
		for _, item := range v.ArrayValue() {
			a = append(a, replaceSecrets(item, by))
		}
		return resource.NewProperty(a)
	default:
		return v
	}
}
