package tests

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// Every text Input of every component is given as an empty text, which an unset variable gives, or as white space.
func TestAnEmptyTextIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	for name, of := range everyComponent() {
		args, _ := of()
		fields := map[string]int{}
		given(reflect.ValueOf(args), "", fields, func(text string) pulumi.Input { return pulumi.String(text) })
		for field := range fields {
			for _, empty := range []string{"", " \t"} {
				args, p := of()
				emptied(reflect.ValueOf(args), "", field, empty)
				said := refused(t, p)
				assert.True(t, strings.Contains(said, "is empty") || strings.Contains(said, "is missing") ||
					strings.Contains(said, strconv.Quote(empty)), "%s, %s, %q: %s", name, field, empty, said)
			}
		}
	}
}

// emptied makes the text Inputs of one field empty.
func emptied(v reflect.Value, path, field, empty string) {
	switch {
	case v.Kind() == reflect.Interface && !v.IsNil() && (v.Type() == stringInput || v.Type() == stringPtrInput):
		if path == field {
			v.Set(reflect.ValueOf(pulumi.String(empty)))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			emptied(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, field, empty)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		emptied(v.Elem(), path, field, empty)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			emptied(item, path, field, empty)
			v.SetMapIndex(key, item)
		}
	}
}

func TestAnIDThatTurnsOutToBeEmptyAssignsNothing(t *testing.T) {
	t.Parallel()
	empty := pulumi.String("").ToStringOutput()
	for name, p := range map[string]program{
		"object ID": func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageReader(ctx, "it", &components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID),
				Principals:       map[string]components.AssigneeArgs{"a": {PrincipalID: empty, PrincipalType: "User"}},
			})
			return nil, err
		},
		"principal's object ID": func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageReader(ctx, "it", &components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID),
				Principals: map[string]components.AssigneeArgs{"a": {PrincipalType: "User",
					PrincipalID: pulumi.String("00000000-0000-0000-0000-000000000000").ToStringOutput()}},
			})
			return nil, err
		},
		"storageAccountId": func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewStorageReader(ctx, "it", &components.StorageReaderArgs{
				StorageAccountID: empty,
				Principals: map[string]components.AssigneeArgs{"a": {PrincipalID: pulumi.String(alice),
					PrincipalType: "User"}},
			})
			return nil, err
		},
	} {
		r := newRecorder(t)
		require.ErrorContains(t, r.try(p), name)
		assert.Empty(t, r.ofType(roleAssignment), name)
	}
}

func TestNamesThatNobodyWroteAreLookedAtBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 128)
	invoker := func(kind access.PrincipalKind, i components.InvokerArgs) components.BatchEndpointAccessArgs {
		i.Kind = kind
		args := components.BatchEndpointAccessArgs{WorkspaceID: pulumi.String(workspaceID),
			Location: pulumi.String("westeurope")}
		args.Invokers = map[string]components.InvokerArgs{"robot": i, "alice": {Kind: access.User,
			ObjectID: pulumi.String(alice)}}
		return args
	}
	none := components.InvokerArgs{SignIn: "none"}
	group := components.InvokerArgs{Members: []string{"alice"}}
	for name, c := range map[string]struct {
		stack, component string
		args             components.BatchEndpointAccessArgs
		says             string
	}{
		"a dot in the stack's name": {"dev.eu", "access", invoker(access.ManagedIdentity, components.InvokerArgs{}),
			`invokers.robot.displayName: is not given, and the default, "access-dev.eu-robot", can't name a managed identity`},
		"a long stack's name": {long, "access", invoker(access.ManagedIdentity, components.InvokerArgs{}),
			"can't name a managed identity"},
		"an application's": {long + long, "access", invoker(access.ServicePrincipal, none),
			"invokers.robot.displayName: "},
		"an application's tag": {strings.Repeat("x", 240), "a", invoker(access.ServicePrincipal, none),
			"make the tag"},
		"a group's": {long + long, "access", invoker(access.Group, group), "invokers.robot.displayName: "},
		"a displayName does for one": {"dev.eu", "access", invoker(access.ManagedIdentity,
			components.InvokerArgs{DisplayName: "robot"}), ""},
		"nothing is wrong with a dot": {"dev.eu", "access", invoker(access.ServicePrincipal, none), ""},
	} {
		r := newRecorder(t)
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			_, err := components.NewBatchEndpointAccess(ctx, c.component, &c.args)
			return err
		}, pulumi.WithMocks(project, c.stack, r))
		if c.says == "" {
			assert.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
		assert.Empty(t, r.names(), name)
	}
	assert.Contains(t, refused(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		_, err := components.NewManagedIdentity(ctx, "a:b",
			&components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("rg")})
		return nil, err
	}), `resourceName: is not given, and the default, "a:b", can't name a managed identity`)
	assert.Contains(t, refused(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		_, err := components.NewServicePrincipal(ctx, long+long+"x", &components.ServicePrincipalArgs{SignIn: "none"})
		return nil, err
	}), "displayName: ")
}

func TestEndpointsThatAreEmptyAreNotOneForEachCluster(t *testing.T) {
	t.Parallel()
	args := environment()
	args.Assertions = nil
	args.Endpoints = map[string]access.Endpoint{}
	assert.Contains(t, refused(t, batchEndpointAccess(args)), "endpoints: is empty; name the endpoints")
	args.Endpoints = nil
	run(t, batchEndpointAccess(args))
}

// People paste the commands, so a shell runs them here, with an az that prints its arguments.
func TestACLCommandsAreTakenByAShellAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"plain/path", "a b", "it's", "$(touch ran)", "`touch ran`", `"; touch ran; "`, "a\\b",
		"${HOME}", "~", "*", "a\nb", "#x", "!x", "';touch ran;'", "-x", "--acl", "=x",
		"x=$(touch ran)", "é/日本", "a\tb", "a\rb",
		"a&&touch ran", "a|touch ran", "a>ran", "{a,b}", "[x]?", "%s", "\u202eb", "a'\"'\"'b", "'",
		"a b/c d", "$x", "a,b:c", "\x00", "\xff", "a%20b", "a%27b/%24(x)", "a%0ab", "a%5cb",
	} {
		for _, kind := range []string{"folder", "file"} {
			args := environment()
			args.Endpoints, args.Assertions, args.DataOutputs = nil, nil, nil
			args.Invokers = map[string]components.InvokerArgs{"alice": args.Invokers["alice"], "staff": args.Invokers["staff"]}
			args.Clusters = map[string]components.ClusterArgs{"cpu": {}}
			args.DataInputs = map[string]access.DataInput{
				"in": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw", Path: path, Type: kind,
					GrantedBy: access.ByACL},
			}
			r := newRecorder(t)
			if err := r.try(batchEndpointAccess(args)); err != nil {
				require.ErrorContains(t, err, "dataInputs.in.path", "what is no path is refused")
				continue
			}
			commands, _ := r.output("aclCommands").([]any)
			require.NotEmpty(t, commands)
			for _, command := range commands {
				dir := t.TempDir()
				shell := exec.CommandContext(t.Context(), "sh", "-c",
					"az() { for word; do printf '[%s]' \"$word\"; done; }\n"+command.(string))
				shell.Dir, shell.Env = dir, []string{"PATH=/usr/bin:/bin", "HOME=/nowhere"}
				out, err := shell.CombinedOutput()
				require.NoError(t, err, "%s: %s", command, out)
				name, err := url.PathUnescape(path) // as in the URL that a job reads
				require.NoError(t, err)
				assert.Contains(t, string(out), "[--path][/"+name+"]")
				left, err := filepath.Glob(filepath.Join(dir, "*"))
				require.NoError(t, err)
				assert.Empty(t, left, "%s ran something", command)
				entries := string(out)[strings.LastIndex(string(out), "[--acl]"):]
				assert.Regexp(t, `^\[--acl\]\[(user|group):[0-9a-f-]{36}:r-x`, entries)
				assert.Equal(t, kind == "folder", strings.Contains(entries, ",default:"), "what is added later inherits it: %s",
					entries)
			}
		}
	}
}

// Pulumi sends only text: bytes that are no text are refused by their path before anything is made, in any place.
func TestBytesThatAreNoTextAreRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	const bytes = "a\xffb"
	for path, change := range map[string]func(*components.BatchEndpointAccessArgs){
		"dataInputs.images.path": func(a *components.BatchEndpointAccessArgs) {
			in := a.DataInputs["images"]
			in.Path = bytes
			a.DataInputs["images"] = in
		},
		"role.name": func(a *components.BatchEndpointAccessArgs) { a.Role.Name = bytes },
		"clusters.cpu.description": func(a *components.BatchEndpointAccessArgs) {
			a.Clusters["cpu"] = components.ClusterArgs{Description: pulumi.String(bytes)}
		},
		"endpoints.tagger.invokers[0]": func(a *components.BatchEndpointAccessArgs) {
			a.Endpoints["tagger"].Invokers[0] = bytes
		},
		"invokers.pipeline.federatedCredentials.main.description": func(a *components.BatchEndpointAccessArgs) {
			f := a.Invokers["pipeline"].FederatedCredentials["main"]
			f.Description = bytes
			a.Invokers["pipeline"].FederatedCredentials["main"] = f
		},
	} {
		args := environment()
		change(&args)
		assert.Contains(t, refused(t, batchEndpointAccess(args)), "\n"+path+": ", path)
	}
}
