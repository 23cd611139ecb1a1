package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/hooks"
)

// register registers a component. It refuses an update, in a preview too, in these cases:
//
// An ID among the inputs changes only in letter case. Azure takes both as one, but Pulumi would replace what is made
// with it by something of the same name: an assignment can't be made beside itself, and a cluster's system-assigned
// identity would be lost.
//
// The inputs now name as existing what the component made: it would be deleted and then looked for. Or an earlier name
// (was) is given that nothing had.
func register(
	ctx *pulumi.Context, token, name string, inputs pulumi.Map, component pulumi.ComponentResource,
	opts []pulumi.ResourceOption,
) error {
	kind := kindOf(token)
	if !hooks.Off(ctx.Context()) {
		if token == BatchEndpointAccessToken || token == ComputeClusterToken || token == ManagedIdentityToken {
			programOf(ctx).before.prepare(ctx) // a handover reads it in the hook
		}
		hook, err := ctx.RegisterResourceHook(programOf(ctx).hookName(ctx, "letter case of "+kind+" "+name),
			func(args *pulumi.ResourceHookArgs) error {
				before := &programOf(ctx).before
				before.there.Store(true)
				handed := handover{
					name: name, before: args.OldInputs, outputs: args.OldOutputs, now: args.NewInputs,
					made:   func(typ, name string) bool { return before.has(ctx, typ, name) },
					output: func(typ, name, key string) string { return before.output(ctx, typ, name, key) },
				}
				return fail(kind, name, respelled(args.OldInputs, args.NewInputs), handed.problems(),
					neverWas(args.OldInputs, args.NewInputs))
			}, &pulumi.ResourceHookOptions{OnDryRun: true})
		if err != nil {
			return fmt.Errorf("registering the check of %s %q: %w", kind, name, err)
		}
		opts = append(opts[:len(opts):len(opts)],
			pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}))
	}
	if err := ctx.RegisterComponentResourceV2(token, name, inputs, component, opts...); err != nil {
		return fmt.Errorf("registering %s %q: %w", kind, name, err)
	}
	return nil
}

// kindOf returns the last part of a component's token, such as ComputeCluster.
func kindOf(token string) string { return token[strings.LastIndex(token, ":")+1:] }

// respelled finds IDs that differ from the earlier inputs only in letter case. Of a secret it reports only the path.
func respelled(before, now resource.PropertyMap) (ps access.Problems) {
	was := map[string][]string{} // paths, by the ID in lower case
	eachID("", resource.NewProperty(before), false, func(id inputID) {
		was[id.key()] = append(was[id.key()], id.text)
	})
	eachID("", resource.NewProperty(now), false, func(id inputID) {
		old := was[id.key()]
		if len(old) == 0 || slices.Contains(old, id.text) {
			return
		}
		fix := "write " + old[0]
		if id.secret {
			fix = "write it as before"
		}
		ps.Add(id.path, fix, "has changed in letter case only: for Azure both are the same, and Pulumi would "+
			"replace the resource by another of the same name")
	})
	return ps
}

// An inputID is an ARM ID among the inputs, or a name that is a part of one.
type inputID struct {
	path, text string
	part       string // the input that holds the name; "" for an ARM ID
	secret     bool
}

func (id inputID) key() string { return id.part + " " + strings.ToLower(id.text) }

func eachID(path string, v resource.PropertyValue, secret bool, do func(inputID)) {
	switch {
	case v.IsSecret():
		eachID(path, v.SecretValue().Element, true, do)
	case v.IsOutput() && v.OutputValue().Known:
		eachID(path, v.OutputValue().Element, secret || v.OutputValue().Secret, do)
	case v.IsObject():
		for _, key := range v.ObjectValue().StableKeys() {
			eachID(strings.TrimPrefix(path+"."+string(key), "."), v.ObjectValue()[key], secret, do)
		}
	case v.IsArray():
		for i, one := range v.ArrayValue() {
			eachID(fmt.Sprintf("%s[%d]", path, i), one, secret, do)
		}
	case v.IsString():
		id := inputID{path: path, text: v.StringValue(), secret: secret}
		switch part := path[strings.LastIndex(path, ".")+1:]; {
		case strings.HasPrefix(id.text, "/"):
			do(id)
		case part == "resourceGroupName" || part == "computeName":
			id.part = part
			do(id)
		}
	}
}
