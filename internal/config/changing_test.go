package config

import (
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/sandbox/standin"
)

// changing says, by key, what the changes in testdata/changing.yaml do to the stack's resources: by Pulumi's own rules,
// with what the providers say of each property.
var changing = sync.OnceValues(func() (map[string]string, error) {
	var file struct {
		Base    map[string]any
		Changes []struct {
			Key      string
			From, To any
			With     map[string]any
			For      string // the key, where the change is made at a place above it
		}
	}
	text, err := os.ReadFile("testdata/changing.yaml")
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	providers := map[string]plugin.Provider{}
	for _, name := range standin.Names() {
		if providers[name], err = standin.New(name, standin.Config{}); err != nil {
			return nil, err
		}
	}
	keys := keysBelow(reflect.TypeFor[components.BatchEndpointAccessArgs](), "", "")
	says, stacks := map[string][]string{}, map[string]map[string]made{}
	stack := func(with map[string]any, place string, value any) (map[string]made, error) {
		values := merged(merged(file.Base, with), below(place, value))
		text := fmt.Sprint(values)
		if stacks[text] == nil {
			if stacks[text], err = registered(values); err != nil {
				return nil, fmt.Errorf("%s: %v: %w", place, value, err)
			}
		}
		return stacks[text], nil
	}
	for _, c := range file.Changes {
		key := c.For
		if key == "" {
			key = documented(keys, c.Key)
		}
		before, err := stack(c.With, c.Key, c.From)
		if err != nil {
			return nil, err
		}
		after, err := stack(c.With, c.Key, c.To)
		if err != nil {
			return nil, err
		}
		effect, err := effects(providers, before, after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Key, err)
		}
		if !slices.Contains(says[key], effect) {
			says[key] = append(says[key], effect)
		}
	}
	all := map[string]string{}
	for key, effects := range says {
		all[key] = strings.Join(effects, ", or ")
	}
	return all, nil
})

// The page says of a change what its effects were, and the changes have all kinds of effects.
func TestTheDocsSayWhatAChangeDoes(t *testing.T) {
	t.Parallel()
	all, err := changing()
	require.NoError(t, err)
	const deleted = "replaces the cluster: the old one is deleted first, and its jobs end"
	const grants = "makes new grants before the old ones go"
	for key, want := range map[string]string{
		"clusters.<name>.vmSize":       deleted,
		"clusters.<name>.maxNodeCount": "updates the cluster in place",
		"clusters.<name>.was":          "nothing in Azure",
		"dataInputs.<name>.container":  grants,
		"role.assignableScope":         "replaces the role: the new one is made first; " + grants,
		"protect":                      "nothing in Azure",

		"invokers.<name>.clientSecrets.<name>.endDate":       "replaces the secret: the new one is made first",
		"invokers.<name>.federatedCredentials.<name>.issuer": "updates the federated credential in place",
	} {
		assert.Equal(t, want, all[key], key)
	}
	for _, k := range keysBelow(reflect.TypeFor[components.BatchEndpointAccessArgs](), "", "") {
		assert.NotEmpty(t, all[k.path], "testdata/changing.yaml has no change of %s", k.path)
	}
}

// documented is the key of a place, with <name> for names; the place itself if there is no such key.
func documented(keys []key, place string) string {
	words := strings.Split(place, ".")
	for _, k := range keys {
		parts := strings.Split(k.path, ".")
		if slices.EqualFunc(parts, words, func(part, word string) bool { return part == word || part == "<name>" }) {
			return k.path
		}
	}
	return place
}

// below is a stack that has only the value at the place.
func below(place string, value any) map[string]any {
	for _, word := range slices.Backward(strings.FieldsFunc(place, func(r rune) bool { return r == '.' })) {
		value = map[string]any{word: value}
	}
	return value.(map[string]any)
}

// merged lays other values over values; null removes a value.
func merged(values, others map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, values)
	for name, other := range others {
		inner, _ := all[name].(map[string]any)
		if more, isMap := other.(map[string]any); isMap {
			all[name] = merged(inner, more)
		} else if other == nil {
			delete(all, name)
		} else {
			all[name] = other
		}
	}
	return all
}

// A made is a resource that a stack registers.
type made struct {
	args   pulumi.MockResourceArgs
	state  resource.PropertyMap
	former []string // names that it may have had
}

// register keeps the resources that a stack registers, and answers as Azure might.
type register struct {
	location string // of what is looked up
	mu       sync.Mutex
	all      map[string]made     // by type and name
	parents  map[string][]string // the former names of components, by type and name
}

// registered are the resources of a stack with these values.
func registered(values map[string]any) (map[string]made, error) {
	args, problems := Decode(values)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	r := &register{location: values["location"].(string), all: map[string]made{}, parents: map[string][]string{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := components.NewBatchEndpointAccess(ctx, "access", args)
		return err
	}, pulumi.WithMocks("batchaccess", "dev", r))
	return r.all, err
}

func madeUp(of string) resource.PropertyValue {
	return resource.NewProperty(uuid.NewSHA1(uuid.NameSpaceOID, []byte(of)).String())
}

func (r *register) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	former := r.formerNames(args)
	if !args.Custom {
		r.parents[args.TypeToken+" "+args.Name] = former
		return "", nil, nil
	}
	oldest := args.Name // what is renamed stays what it is
	if len(former) > 0 {
		oldest = former[0]
	}
	id := oldest + "-" + text(args.Inputs, "roleDefinitionId")
	state := args.Inputs.Copy()
	for _, name := range []resource.PropertyKey{"principalId", "clientId", "objectId", "applicationTenantId", "keyId"} {
		if state[name].IsNull() {
			state[name] = madeUp(args.TypeToken + oldest + string(name))
		}
	}
	switch {
	case strings.HasSuffix(args.TypeToken, ":UserAssignedIdentity"):
		id = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.ManagedIdentity/userAssignedIdentities/" + text(args.Inputs, "resourceName")
	case strings.HasSuffix(args.TypeToken, ":Compute"):
		state["identity"] = identityOf(oldest)
	}
	r.all[args.TypeToken+" "+args.Name] = made{args, state, former}
	return id, state, nil
}

func text(inputs resource.PropertyMap, name resource.PropertyKey) string {
	if !inputs[name].IsString() {
		return ""
	}
	return inputs[name].StringValue()
}

func identityOf(of string) resource.PropertyValue {
	return resource.NewProperty(resource.PropertyMap{"type": resource.NewProperty("SystemAssigned"),
		"principalId": madeUp(of)})
}

// Call answers every look-up.
func (r *register) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	state := args.Args.Copy()
	for _, name := range []resource.PropertyKey{"principalId", "clientId", "objectId"} {
		if state[name].IsNull() {
			state[name] = madeUp(args.Token + fmt.Sprint(args.Args.Mappable()) + string(name))
		}
	}
	state["identity"] = identityOf(args.Token + fmt.Sprint(args.Args.Mappable()))
	state["securityEnabled"], state["location"] = resource.NewProperty(true), resource.NewProperty(r.location)
	return state, nil
}

// kinds are the kinds of resources, in the order in which a sentence names them, with what else a replacement of one
// does.
var kinds = []struct {
	types     []string
	what      string
	replacing string
}{
	{[]string{"RoleDefinition"}, "the role", ""},
	{[]string{"Compute"}, "the cluster", ", and its jobs end"},
	{[]string{"UserAssignedIdentity"}, "the managed identity", ", and who uses it has no access meanwhile"},
	{[]string{"Application", "ServicePrincipal"}, "the application", ""},
	{[]string{"FederatedIdentityCredential", "ApplicationFederatedIdentityCredential"}, "the federated credential", ""},
	{[]string{"ApplicationPassword"}, "the secret", ""},
	{[]string{"Group"}, "the group", ""},
	{[]string{"GroupMember"}, "memberships", ""},
	{[]string{"RoleAssignment"}, "grants", ""},
}

// effects says what a change does to a stack's resources.
func effects(providers map[string]plugin.Provider, before, after map[string]made) (string, error) {
	happens := map[string]map[string]bool{} // by the kind of resource
	note := func(name, what string) {
		typ := name[strings.LastIndex(name[:strings.Index(name, " ")], ":")+1 : strings.Index(name, " ")]
		if happens[typ] == nil {
			happens[typ] = map[string]bool{}
		}
		happens[typ][what] = true
	}
	gone := maps.Clone(before)
	for name, is := range after {
		was, found := before[name]
		for _, former := range is.former {
			if !found {
				name := is.args.TypeToken + " " + former
				was, found = before[name]
				delete(gone, name)
			}
		}
		delete(gone, name)
		if !found {
			note(name, "made")
			continue
		}
		how, err := difference(providers, was, is)
		if err != nil {
			return "", err
		}
		if how != "" {
			note(name, how)
		}
	}
	for name := range gone {
		note(name, "deleted")
	}
	var all []string
	for _, kind := range kinds {
		what := map[string]bool{}
		for _, typ := range kind.types {
			maps.Copy(what, happens[typ])
			delete(happens, typ)
		}
		all = append(all, said(kind.what, kind.replacing, what)...)
	}
	if len(happens) > 0 {
		return "", fmt.Errorf("kinds has no words for %v", happens)
	}
	if len(all) == 0 {
		return "nothing in Azure", nil
	}
	return strings.Join(all, "; "), nil
}

func said(kind, replacing string, what map[string]bool) (all []string) {
	if what["replaced, deleted first"] {
		all = append(all, "replaces "+kind+": the old one is deleted first"+replacing)
	}
	switch {
	case what["replaced"], what["made"] && what["deleted"]:
		if strings.HasPrefix(kind, "the ") {
			all = append(all, "replaces "+kind+": the new one is made first"+replacing)
		} else {
			all = append(all, "makes new "+kind+" before the old ones go")
		}
	case what["made"], what["deleted"]:
		all = append(all, "makes or deletes "+kind)
	}
	if what["updated"] {
		all = append(all, "updates "+kind+" in place")
	}
	return all
}

// formerNames are the names that a resource may have had: by its aliases, and as the child of a renamed component.
func (r *register) formerNames(args pulumi.MockResourceArgs) (all []string) {
	for _, alias := range args.RegisterRPC.GetAliases() {
		if name := alias.GetSpec().GetName(); name != "" {
			all = append(all, name)
		}
	}
	if parent := resource.URN(args.RegisterRPC.GetParent()); parent != "" {
		for _, former := range r.parents[string(parent.Type())+" "+parent.Name()] {
			if rest, ok := strings.CutPrefix(args.Name, parent.Name()); ok {
				all = append(all, former+rest)
			}
		}
	}
	return all
}

// difference is what the engine does to a resource whose inputs change.
func difference(providers map[string]plugin.Provider, was, is made) (string, error) {
	rpc := is.args.RegisterRPC
	inputs := is.args.Inputs.Copy()
	for _, name := range rpc.GetIgnoreChanges() {
		inputs[resource.PropertyKey(name)] = was.args.Inputs[resource.PropertyKey(name)]
	}
	typ := tokens.Type(is.args.TypeToken)
	diff, err := providers[string(typ.Package())].Diff(context.Background(), plugin.DiffRequest{
		URN: resource.NewURN("dev", "batchaccess", "", typ, is.args.Name), Type: typ,
		OldInputs: was.args.Inputs, OldOutputs: was.state, NewInputs: inputs,
	})
	if err != nil {
		return "", err
	}
	replaces := len(diff.ReplaceKeys) > 0 ||
		fmt.Sprint(was.args.RegisterRPC.GetReplacementTrigger()) != fmt.Sprint(rpc.GetReplacementTrigger())
	for _, path := range rpc.GetReplaceOnChanges() {
		parsed, err := resource.ParsePropertyPath(path)
		if err != nil {
			return "", err
		}
		old, _ := parsed.Get(resource.NewProperty(was.args.Inputs))
		now, _ := parsed.Get(resource.NewProperty(inputs))
		replaces = replaces || !old.DeepEquals(now)
	}
	first := diff.DeleteBeforeReplace
	if rpc.GetDeleteBeforeReplaceDefined() {
		first = rpc.GetDeleteBeforeReplace()
	}
	switch {
	case replaces && first:
		return "replaced, deleted first", nil
	case replaces:
		return "replaced", nil
	case diff.Changes == plugin.DiffSome:
		return "updated", nil
	default:
		return "", nil
	}
}
