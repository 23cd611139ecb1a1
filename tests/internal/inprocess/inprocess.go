// Package inprocess rehearses a stack of batchaccess's own program within one process, without engine and plugins. It
// takes a tenth of the time of a rehearsal by the command, and has no preview, no update and no deletion.
package inprocess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/sandbox/standin"
	"github.com/batchaccess/batchaccess/stack"
)

// Refused says why a stack could not be deployed: its configuration is wrong, or Azure refused a resource.
type Refused struct{ Why error }

func (r Refused) Error() string { return r.Why.Error() }

func (r Refused) Unwrap() error { return r.Why }

// Rehearse is RehearseIn for an Azure that has only what the values refer to, in the region. changes are made to that
// Azure before the jobs are tried.
func Rehearse(ctx context.Context, values map[string]any, location string,
	changes ...func(*azure.Azure) error) (*rehearsal.Report, error) {
	return rehearse(ctx, values, values, location, nil, changes...)
}

// RehearseIn deploys the values of a stack's configuration (by key, without the project's name) to an embedded Azure
// that has what the world has, and has every invoker start every job. The error is Refused if the stack is at fault.
func RehearseIn(ctx context.Context, values map[string]any, w *world.World) (*rehearsal.Report, error) {
	return rehearse(ctx, values, values, "", w)
}

// RehearseAsked is RehearseIn for a stack that leaves some of the values out and looks them up: shorter has the values
// that it keeps.
func RehearseAsked(
	ctx context.Context, values, shorter map[string]any, w *world.World,
) (*rehearsal.Report, error) {
	return rehearse(ctx, values, shorter, "", w)
}

func rehearse(
	ctx context.Context, values, deployed map[string]any, location string, w *world.World,
	changes ...func(*azure.Azure) error,
) (_ *rehearsal.Report, err error) {
	args, problems := config.Decode(values)
	if err := problems.Err(); err != nil {
		return nil, Refused{fmt.Errorf("the configuration is refused: %w", err)}
	}
	model := args.At(time.Now()).Model()
	w = w.Without("batchaccess/dev", model)
	seed, err := rehearsal.SeedFrom(w, model, nil, location)
	if err != nil {
		return nil, err
	}
	a, err := azure.Start(ctx, azure.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Seed(seed); err != nil {
		return nil, err
	}
	outputs, err := deploy(a, deployed)
	if err != nil {
		return nil, Refused{fmt.Errorf("the deployment fails: %w", err)}
	}
	for _, change := range changes {
		if err := change(a); err != nil {
			return nil, err
		}
	}
	return rehearsal.Judge(ctx, a, rehearsal.Options{Stack: "dev", Model: model, World: w}, outputs)
}

// deploy runs the program, with the stand-ins in place of an engine, and returns its outputs as JSON.
func deploy(a *azure.Azure, values map[string]any) ([]byte, error) {
	settings := map[string]string{}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			text = string(encoded)
		}
		settings["batchaccess:"+key] = text
	}
	if word, is := values["environment"].(string); is { // from where config.ReadStack has it
		settings["azure-native:environment"], settings["azuread:environment"] = word, word
	}
	e := &engine{providers: map[string]plugin.Provider{}}
	deployer := a.Deployer()
	for _, name := range standin.Names() {
		p, err := standin.New(name, standin.Config{
			MetadataHost: a.Host(), RootCAs: a.CAPool(), TenantID: deployer.TenantID, SubscriptionID: deployer.SubscriptionID,
			ClientID: deployer.ClientID, ClientSecret: deployer.ClientSecret, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return nil, err
		}
		e.providers[name] = p
	}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := stack.Deploy(ctx); err != nil {
			return err
		}
		exported := pulumi.Map{}
		for name, output := range ctx.GetCurrentExportMap() {
			exported[name] = output
		}
		return ctx.RegisterComponentResourceV2(probe, "probe", exported, &pulumi.ResourceState{})
	}, pulumi.WithMocks("batchaccess", "dev", e), func(info *pulumi.RunInfo) { info.Config = settings })
	if err != nil {
		return nil, err
	}
	return e.outputs, nil
}

// probe is a resource whose inputs are the stack's outputs.
const probe = "witness:index:Probe"

// engine passes each resource to its provider.
type engine struct {
	providers map[string]plugin.Provider
	outputs   []byte
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	switch {
	case args.TypeToken == probe:
		var err error
		if secrets := args.Inputs["clientSecrets"]; secrets.HasValue() && !secrets.ContainsSecrets() {
			return "", nil, errors.New("the output clientSecrets is in the plain")
		}
		e.outputs, err = json.Marshal(args.Inputs.MapRepl(nil, opened))
		return "", nil, err
	case !args.Custom:
		return "", nil, nil
	}
	p := e.providers[strings.SplitN(args.TypeToken, ":", 2)[0]]
	if p == nil {
		return "", nil, fmt.Errorf("no provider serves %s", args.TypeToken)
	}
	urn := resource.NewURN("dev", "batchaccess", "", tokens.Type(args.TypeToken), args.Name)
	checked, err := p.Check(context.Background(), plugin.CheckRequest{
		URN: urn, Name: args.Name, Type: tokens.Type(args.TypeToken), News: args.Inputs,
		RandomSeed: []byte(args.Name + args.TypeToken),
	})
	if err != nil {
		return "", nil, err
	}
	if len(checked.Failures) > 0 {
		return "", nil, fmt.Errorf("checking %s: %v", args.Name, checked.Failures)
	}
	made, err := p.Create(context.Background(), plugin.CreateRequest{
		URN: urn, Name: args.Name, Type: tokens.Type(args.TypeToken), Properties: checked.Properties,
	})
	if err != nil {
		return "", nil, err
	}
	return string(made.ID), made.Properties, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	p := e.providers[strings.SplitN(args.Token, ":", 2)[0]]
	if p == nil {
		return nil, fmt.Errorf("no provider serves %s", args.Token)
	}
	got, err := p.Invoke(context.Background(), plugin.InvokeRequest{Tok: tokens.ModuleMember(args.Token), Args: args.Args})
	return got.Properties, err
}

// opened is a value without the marks of secrets.
func opened(v resource.PropertyValue) (any, bool) {
	if !v.IsSecret() {
		return nil, false
	}
	return v.SecretValue().Element.MapRepl(nil, opened), true
}
