package standin

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// resourceType says how to manage one type of resource. Its functions take and return plain values: no secrets, no
// unknowns. id is the ID in Pulumi's state.
type resourceType interface {
	traits() traits
	// create may return an ID and an error: the resource exists, but is not as it should be.
	create(ctx context.Context, c *client, in map[string]any) (id string, out map[string]any, err error)
	// read returns no outputs if the resource does not exist. state is its earlier state, if there is one.
	read(ctx context.Context, c *client, id string, state map[string]any) (out map[string]any, err error)
	update(ctx context.Context, c *client, id string, was, in, state map[string]any) (out map[string]any, err error)
	delete(ctx context.Context, c *client, id string) error
	// located returns the inputs that the ID holds.
	located(id string) map[string]any
}

// traits are what Check and Diff need to know about a type besides its schema.
type traits struct {
	name     string // the input that is named automatically; empty if none
	naming   naming
	path     []string // the inputs that the ID is made of: two resources can't have the same
	replace  []string // the inputs whose change replaces, besides those that the schema names
	sets     []string // the arrays among the inputs whose order means nothing
	location bool     // the default of the input location is the provider's
	defaults map[string]any
	limits   map[string]limit // for inputs that are texts
}

// function answers an invoke.
type function func(ctx context.Context, c *client, args map[string]any) (map[string]any, error)

type provider struct {
	plugin.UnimplementedProvider

	pkg    loadedPackage
	config Config
	client *client // set by Configure
	// location is the provider's default for resources with a location.
	location string
}

func (p *provider) Attach(string) error { return nil }

func (p *provider) Close() error { return nil }

func (p *provider) SignalCancellation(context.Context) error { return nil }

func (p *provider) Handshake(
	context.Context, plugin.ProviderHandshakeRequest,
) (*plugin.ProviderHandshakeResponse, error) {
	return &plugin.ProviderHandshakeResponse{
		AcceptSecrets: true, AcceptResources: true, AcceptOutputs: false, SupportsAutonamingConfiguration: true,
	}, nil
}

func (p *provider) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	version, err := semver.Parse(p.pkg.schema.Version)
	if err != nil {
		return plugin.PluginInfo{}, fmt.Errorf("version of the schema: %w", err)
	}
	return plugin.PluginInfo{Version: &version}, nil
}

func (p *provider) GetSchema(context.Context, plugin.GetSchemaRequest) (plugin.GetSchemaResponse, error) {
	return plugin.GetSchemaResponse{Schema: p.pkg.document}, nil
}

func (p *provider) CheckConfig(_ context.Context, req plugin.CheckConfigRequest) (plugin.CheckConfigResponse, error) {
	return plugin.CheckConfigResponse{Properties: req.News}, nil
}

// DiffConfig never replaces a provider: its resources stay where they are.
func (p *provider) DiffConfig(_ context.Context, req plugin.DiffConfigRequest) (plugin.DiffConfigResponse, error) {
	return diff(schema{}, nil, traits{}, req.OldInputs, req.NewInputs), nil
}

func (p *provider) Configure(_ context.Context, req plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	text := func(key resource.PropertyKey) string {
		if v := unwrap(req.Inputs[key]); v.IsString() {
			return v.StringValue()
		}
		return ""
	}
	cfg := p.config
	for _, setting := range []struct {
		key   resource.PropertyKey
		value *string
		mine  bool // a value that the stand-in was started with wins
	}{
		{"metadataHost", &cfg.MetadataHost, true},
		{"clientId", &cfg.ClientID, true},
		{"clientSecret", &cfg.ClientSecret, true},
		{"tenantId", &cfg.TenantID, false},
		{"subscriptionId", &cfg.SubscriptionID, false},
	} {
		given := text(setting.key)
		switch {
		case given == "" || given == *setting.value:
		case setting.mine && *setting.value != "":
			cfg.Logger.Warn("the provider's configuration is disregarded: the stand-in has its own", "setting", setting.key)
		default:
			*setting.value = given
		}
	}
	p.location = text("location")
	p.client = newClient(cfg)
	return plugin.ConfigureResponse{}, nil
}

// find returns the type and its schema for a token.
func (p *provider) find(token string) (resourceType, resourceSpec, error) {
	plain, version := unversioned(token)
	rt, known := p.pkg.resources[plain]
	if arm, ok := rt.(armType); ok && version != "" {
		arm.apiVersion = version
		rt = arm
	}
	spec, described := p.pkg.schema.Resources[plain]
	if !known || !described {
		return nil, resourceSpec{}, fmt.Errorf(
			"the stand-in for %s has no resource %s: use the real plugin for it", p.pkg.schema.Name, token)
	}
	return rt, spec, nil
}

func (p *provider) Check(ctx context.Context, req plugin.CheckRequest) (plugin.CheckResponse, error) {
	rt, spec, err := p.find(string(req.Type))
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	t, in := rt.traits(), withoutNulls(req.News)
	if _, ok := in[resource.PropertyKey(t.name)]; t.name != "" && !ok {
		name, madeUp, err := autoName(req, t)
		if err != nil {
			return plugin.CheckResponse{}, fmt.Errorf("naming %s: %w", req.URN.Name(), err)
		}
		if name.IsNull() {
			return plugin.CheckResponse{Failures: []plugin.CheckFailure{{
				Property: resource.PropertyKey(t.name),
				Reason:   fmt.Sprintf("property %q must be set: automatic naming is switched off", t.name),
			}}}, nil
		}
		in[resource.PropertyKey(t.name)] = name
		if madeUp {
			in[createFirst] = resource.NewProperty(true)
		}
	}
	if _, ok := in["location"]; t.location && !ok {
		if location := p.defaultLocation(ctx, req.Olds, in); !location.IsNull() {
			in["location"] = location
		}
	}
	for name, property := range spec.InputProperties {
		if _, ok := in[resource.PropertyKey(name)]; !ok && property.Default != nil {
			in[resource.PropertyKey(name)] = resource.NewPropertyValue(property.Default)
		}
	}
	if p.pkg.bridged {
		fillIn(t.defaults, req.Olds, in)
	}
	failures := p.pkg.schema.validate(spec.InputProperties, spec.RequiredInputs, in, p.pkg.refuseUnknown, "")
	return plugin.CheckResponse{Properties: in, Failures: append(failures, broken(t.limits, in)...)}, nil
}

// defaultLocation is the location of a resource if the program sets none (provider.go, getDefaultLocation): its present
// one, else the provider's, else its resource group's; null if none is known.
func (p *provider) defaultLocation(ctx context.Context, olds, in resource.PropertyMap) resource.PropertyValue {
	if old, ok := olds["location"]; ok && !old.IsNull() {
		return old
	}
	if p.location != "" {
		return resource.NewProperty(p.location)
	}
	group := unwrap(in["resourceGroupName"])
	switch {
	case group.IsComputed():
		return resource.MakeComputed(resource.NewProperty(""))
	case !group.IsString() || p.client == nil:
		return resource.NewNullProperty()
	}
	found, err := p.client.getARM(ctx, "/subscriptions/"+p.client.cfg.SubscriptionID+"/resourceGroups/"+
		group.StringValue(), resourceGroups)
	location, _ := found["location"].(string)
	if err != nil || location == "" {
		return resource.NewNullProperty()
	}
	return resource.NewProperty(location)
}

func (p *provider) Diff(_ context.Context, req plugin.DiffRequest) (plugin.DiffResponse, error) {
	rt, spec, err := p.find(string(req.Type))
	if err != nil {
		return plugin.DiffResponse{}, err
	}
	was, is := p.compared(spec, req.OldInputs, req.OldOutputs, req.NewInputs)
	return diff(p.pkg.schema, spec.InputProperties, rt.traits(), was, is), nil
}

func (p *provider) Create(ctx context.Context, req plugin.CreateRequest) (plugin.CreateResponse, error) {
	rt, spec, err := p.find(string(req.Type))
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	if req.Preview {
		return plugin.CreateResponse{Properties: p.previewed(spec, req.Properties)}, nil
	}
	in := plain(req.Properties)
	id, out, err := rt.create(about(ctx, req.URN), p.client, in)
	if err != nil {
		err = fmt.Errorf("creating %s %q: %w", req.Type, req.URN.Name(), err)
		if id == "" {
			return plugin.CreateResponse{}, err
		}
		if out == nil {
			out = in // with what the creation stored there
		}
		return plugin.CreateResponse{}, p.initFailed(spec, id, req.Properties, out, err)
	}
	return plugin.CreateResponse{ID: resource.ID(id), Properties: p.outputs(spec, req.Properties, out)}, nil
}

func (p *provider) Read(ctx context.Context, req plugin.ReadRequest) (plugin.ReadResponse, error) {
	rt, spec, err := p.find(string(req.Type))
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	state := plain(req.State)
	out, err := rt.read(about(ctx, req.URN), p.client, string(req.ID), state)
	if err != nil {
		return plugin.ReadResponse{}, fmt.Errorf("reading %s %q: %w", req.Type, req.URN.Name(), err)
	}
	if out == nil {
		return plugin.ReadResponse{}, nil
	}
	outputs := p.outputs(spec, req.Inputs, out)
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{
		ID: req.ID, Outputs: outputs, Inputs: p.readInputs(rt, spec, string(req.ID), req.Inputs, state, plain(outputs)),
	}}, nil
}

// readInputs returns the inputs after a read: the old ones, changed where Azure's answer differs. Without old inputs,
// as in an import, they come from the ID and the answer; for azure-native also whenever there are no outputs, because
// it keeps its inputs among them.
func (p *provider) readInputs(
	rt resourceType, spec resourceSpec, id string, in resource.PropertyMap, before, now map[string]any,
) resource.PropertyMap {
	if len(in) == 0 || p.pkg.openIsUnknown && len(before) == 0 {
		all := p.pkg.schema.asInputs(spec.InputProperties, now)
		if p.pkg.bridged {
			all = imported(spec, rt.traits().defaults, all)
		}
		maps.Copy(all, rt.located(id))
		return resource.NewPropertyMapFromMap(all)
	}
	t := rt.traits()
	was := asSets(t, resource.NewPropertyMapFromMap(p.pkg.schema.asInputs(spec.InputProperties, before)))
	is := asSets(t, resource.NewPropertyMapFromMap(p.pkg.schema.asInputs(spec.InputProperties, now)))
	in = in.Copy()
	located := rt.located(id)
	for name := range spec.InputProperties {
		key := resource.PropertyKey(name)
		if _, fixed := located[name]; fixed || was[key].DeepEquals(is[key]) {
			continue
		}
		// In a bridged plugin only an existing input can have changed; other changes show in the comparison with the
		// state.
		if _, given := in[key]; !given && p.pkg.bridged {
			continue
		}
		if v, ok := is[key]; ok {
			in[key] = v
		} else {
			delete(in, key)
		}
	}
	return in
}

func (p *provider) Update(ctx context.Context, req plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	rt, spec, err := p.find(string(req.Type))
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	if req.Preview {
		return plugin.UpdateResponse{
			Properties: p.previewedUpdate(spec, req.OldInputs, req.NewInputs, req.OldOutputs),
		}, nil
	}
	was, _ := p.compared(spec, req.OldInputs, req.OldOutputs, req.NewInputs)
	out, err := rt.update(about(ctx, req.URN), p.client, string(req.ID), plain(was), plain(req.NewInputs),
		plain(req.OldOutputs))
	if err != nil {
		return plugin.UpdateResponse{}, fmt.Errorf("updating %s %q: %w", req.Type, req.URN.Name(), err)
	}
	return plugin.UpdateResponse{Properties: p.outputs(spec, req.NewInputs, out)}, nil
}

func (p *provider) Delete(ctx context.Context, req plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	rt, _, err := p.find(string(req.Type))
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	if err := rt.delete(about(ctx, req.URN), p.client, string(req.ID)); err != nil {
		return plugin.DeleteResponse{}, fmt.Errorf("deleting %s %q: %w", req.Type, req.URN.Name(), err)
	}
	return plugin.DeleteResponse{}, nil
}

func (p *provider) Invoke(ctx context.Context, req plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	call, known := p.pkg.functions[string(req.Tok)]
	spec, described := p.pkg.schema.Functions[string(req.Tok)]
	if !known || !described {
		return plugin.InvokeResponse{}, fmt.Errorf(
			"the stand-in for %s has no function %s: use the real plugin for it", p.pkg.schema.Name, req.Tok)
	}
	args := withoutNulls(req.Args)
	failures := p.pkg.schema.validate(spec.Inputs.Properties, spec.Inputs.Required, args, p.pkg.refuseUnknown, "")
	if len(failures) > 0 {
		return plugin.InvokeResponse{Failures: failures}, nil
	}
	if args.ContainsUnknowns() {
		return plugin.InvokeResponse{}, fmt.Errorf("%s: an argument is not known yet", req.Tok)
	}
	out, err := call(ctx, p.client, plain(args))
	if err != nil {
		return plugin.InvokeResponse{}, fmt.Errorf("%s: %w", req.Tok, err)
	}
	return plugin.InvokeResponse{
		Properties: resource.NewPropertyMapFromMap(p.pkg.schema.keep(spec.Outputs, out)),
	}, nil
}

// outputs makes the state from Azure's answer. Values that the schema or the program marks secret are secret.
func (p *provider) outputs(spec resourceSpec, in resource.PropertyMap, out map[string]any) resource.PropertyMap {
	state := resource.NewPropertyMapFromMap(p.pkg.schema.keep(spec.objectSpec, out))
	for name, property := range spec.Properties {
		key := resource.PropertyKey(name)
		if v, ok := state[key]; ok && (property.Secret || in[key].ContainsSecrets()) {
			state[key] = resource.MakeSecret(v)
		}
	}
	return state
}

// initFailed is the error for a resource that exists but is not as it should be. The engine keeps it in the state, and
// repairs it with the next update.
func (p *provider) initFailed(
	spec resourceSpec, id string, in resource.PropertyMap, out map[string]any, cause error,
) error {
	marshal := plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true}
	inputs, inErr := plugin.MarshalProperties(in, marshal)
	properties, outErr := plugin.MarshalProperties(p.outputs(spec, in, out), marshal)
	if err := errors.Join(inErr, outErr); err != nil {
		return errors.Join(cause, err)
	}
	failed, err := status.New(codes.Unknown, cause.Error()).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: properties, Inputs: inputs, Reasons: []string{cause.Error()},
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	return failed.Err()
}
