package tests

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/components"
)

var (
	stringInput    = reflect.TypeFor[pulumi.StringInput]()
	stringPtrInput = reflect.TypeFor[pulumi.StringPtrInput]()
)

// idKinds are the forms, other than pulumi.String, in which a Go program has a text.
var idKinds = map[string]func(ctx *pulumi.Context, text string) pulumi.Input{
	"ID": func(_ *pulumi.Context, text string) pulumi.Input { return pulumi.ID(text) },
	"IDOutput": func(ctx *pulumi.Context, text string) pulumi.Input {
		return existing(ctx, text).ID()
	},
	"StringOutput of an ID": func(ctx *pulumi.Context, text string) pulumi.Input {
		return existing(ctx, text).ID().ToStringOutput()
	},
	"URN":       func(_ *pulumi.Context, text string) pulumi.Input { return pulumi.URN(text) },
	"ID or nil": func(_ *pulumi.Context, text string) pulumi.Input { return pulumi.IDPtr(pulumi.ID(text)) },
	"IDPtrOutput": func(ctx *pulumi.Context, text string) pulumi.Input {
		return pulumi.IDPtr(pulumi.ID(text)).ToIDPtrOutput()
	},
}

// existing is a resource of the program whose ID is the text.
func existing(ctx *pulumi.Context, text string) pulumi.CustomResource {
	r := &pulumi.CustomResourceState{}
	if err := ctx.RegisterResource(existingType, "existing "+text, pulumi.Map{"id": pulumi.String(text)}, r); err != nil {
		panic(err)
	}
	return r
}

// given replaces every text Input in the arguments by one of another kind, where the kind fits, and counts them by
// field.
func given(v reflect.Value, path string, counts map[string]int, as func(text string) pulumi.Input) {
	switch {
	case v.Kind() == reflect.Interface && !v.IsNil() && (v.Type() == stringInput || v.Type() == stringPtrInput):
		text := fmt.Sprint(reflect.Indirect(v.Elem()).Interface())
		if in := reflect.ValueOf(as(text)); in.Type().AssignableTo(v.Type()) {
			v.Set(in)
			counts[path]++
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			given(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, counts, as)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		given(v.Elem(), path, counts, as)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			given(item, path, counts, as)
			v.SetMapIndex(key, item)
		}
	}
}

// inputFields lists the fields of the arguments that take a text Input.
func inputFields(t reflect.Type, path string, all map[string]bool) {
	switch {
	case t == stringInput || t == stringPtrInput:
		all[path] = true
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			inputFields(t.Field(i).Type, t.Name()+"."+t.Field(i).Name, all)
		}
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Map:
		inputFields(t.Elem(), path, all)
	}
}

// everyComponent has arguments of each component that together set every text Input.
func everyComponent() map[string]func() (args any, p program) {
	all := map[string]func() (any, program){}
	add := func(name string, of func() (any, program)) { all[name] = of }
	full := components.ClusterArgs{
		Location: pulumi.String("westeurope"), Description: pulumi.String("scores"), VMSize: pulumi.String("Standard_DS3_v2"),
		VMPriority: pulumi.String("Dedicated"), NodeIdleTimeBeforeScaleDown: pulumi.String("PT5M"), OSType: pulumi.String(
			"Linux"),
		SubnetID: pulumi.String(subnetID), VirtualMachineImageID: pulumi.String(imageID),
		Identity: "userAssigned", UserAssignedIdentityID: pulumi.String(identityID), ComputeName: "full",
	}
	assignees := func() map[string]components.AssigneeArgs {
		return map[string]components.AssigneeArgs{"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}}
	}
	add("BatchEndpointAccess", func() (any, program) {
		args := environment()
		args.Registries = map[string]pulumi.StringInput{"firm": pulumi.String("/subscriptions/" + subscription +
			"/resourceGroups/shared/providers/Microsoft.MachineLearningServices/registries/firm")}
		tagger := args.Endpoints["tagger"]
		tagger.Registries = []string{"firm"}
		args.Endpoints["tagger"] = tagger
		args.Clusters["full"] = full
		args.Clusters["existing"] = components.ClusterArgs{Existing: true, PrincipalID: pulumi.String(existingMI)}
		args.Role.RoleDefinitionID = pulumi.String(roleIDs + readerGUID)
		args.Assertions = nil // nothing can be asserted about a role of which only the ID is known
		return &args, func(ctx *pulumi.Context) (pulumi.Map, error) { return batchEndpointAccess(args)(ctx) }
	})
	add("ComputeCluster", func() (any, program) {
		args := components.ComputeClusterArgs{WorkspaceID: pulumi.String(workspaceID),
			Location: pulumi.String("westeurope"), Cluster: full}
		args.Cluster.SSH = &components.SSHArgs{
			AdminUserName: pulumi.String("admin"), AdminUserSSHPublicKey: pulumi.String("ssh-ed25519 AAAA"),
		}
		return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewComputeCluster(ctx, "it", &args)
			return nil, err
		}
	})
	for name, args := range map[string]components.InvokerRoleArgs{
		"InvokerRole": {Scope: pulumi.String(workspaceID), Invokers: assignees()},
		"InvokerRole that exists": {Scope: pulumi.String(workspaceID), RoleDefinitionID: pulumi.String(roleIDs + readerGUID),
			Invokers: assignees()},
	} {
		add(name, func() (any, program) {
			args := args
			args.Invokers = assignees()
			return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
				_, err := components.NewInvokerRole(ctx, "it", &args)
				return nil, err
			}
		})
	}
	for name, args := range map[string]components.ManagedIdentityArgs{
		"ManagedIdentity": {ResourceGroupName: pulumi.String("rg"), ResourceName: pulumi.String("robot"),
			Location: pulumi.String("westeurope")},
		"ManagedIdentity that exists":         {ExistingID: pulumi.String(identityID)},
		"ManagedIdentity that is known by ID": {PrincipalID: pulumi.String(existingMI)},
	} {
		add(name, func() (any, program) {
			args := args
			return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
				_, err := components.NewManagedIdentity(ctx, "it", &args)
				return nil, err
			}
		})
	}
	add("ServicePrincipal", func() (any, program) {
		args := components.ServicePrincipalArgs{DisplayName: pulumi.String("it"), Description: pulumi.String("it"),
			SignIn: "none"}
		return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewServicePrincipal(ctx, "it", &args)
			return nil, err
		}
	})
	add("StorageReader", func() (any, program) {
		args := components.StorageReaderArgs{StorageAccountID: pulumi.String(lakeID), Container: "raw",
			Principals: assignees()}
		return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageReader(ctx, "it", &args)
			return nil, err
		}
	})
	add("StorageContributor", func() (any, program) {
		args := components.StorageContributorArgs{
			StorageAccountID: pulumi.String(lakeID), Container: "raw", Principals: assignees(),
		}
		return &args, func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageContributor(ctx, "it", &args)
			return nil, err
		}
	})
	return all
}

func TestATextIsTakenInEveryFormThatPulumiHasForIt(t *testing.T) {
	t.Parallel()
	tried := map[string]map[string]int{}
	for kind := range idKinds {
		tried[kind] = map[string]int{}
	}
	for name, of := range everyComponent() {
		_, plainly := of()
		want := run(t, plainly)
		for kind, as := range idKinds {
			of := func(ctx *pulumi.Context) (pulumi.Map, error) {
				args, p := of()
				given(reflect.ValueOf(args), "", tried[kind], func(text string) pulumi.Input { return as(ctx, text) })
				return p(ctx)
			}
			got := run(t, of)
			assert.Equal(t, made(want), made(got), "%s, given as %s", name, kind)
			preview(t, of)
		}
	}
	every := map[string]bool{}
	for _, of := range everyComponent() {
		args, _ := of()
		inputFields(reflect.TypeOf(args), "", every)
	}
	for field := range every {
		assert.Positive(t, tried["IDOutput"][field], "no case gives %s", field)
	}
}

// made lists the components' resources in a run, with every input.
func made(r *recorder) (all []string) {
	for _, reg := range r.registered {
		if reg.RPC.GetCustom() && reg.Type != existingType {
			one := fmt.Sprint(reg.Type, " ", reg.Name, " ", unwrapped(resource.NewProperty(reg.Inputs)).Mappable())
			all = append(all, strings.ReplaceAll(one, "computeLocation:<nil> ", "")) // null: not set
		}
	}
	slices.Sort(all)
	return all
}
