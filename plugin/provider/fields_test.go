package provider

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
)

// smallest are the smallest arguments of each component.
var smallest = map[string]string{
	components.BatchEndpointAccessToken: `{"workspaceId": "` + workspace + `", "invokers": {"a": {"kind": "user", ` +
		`"objectId": "` + someone + `"}}}`,
	components.ComputeClusterToken:  `{"workspaceId": "` + workspace + `", "cluster": {"computeName": "cpu"}}`,
	components.InvokerRoleToken:     `{"scope": "` + workspace + `"}`,
	components.ManagedIdentityToken: `{"resourceGroupName": "rg"}`,
	components.ServicePrincipalToken: `{"clientSecrets": {"2026": {"startDate": "2026-11-01", ` +
		`"endDate": "9998-11-01"}}, "signIn": "none"}`,
	components.StorageContributorToken: `{"storageAccountId": "` + account + `", "principals": {"a": {"principalId": "` +
		someone + `", "principalType": "User"}}}`,
	components.StorageReaderToken: `{"storageAccountId": "` + account + `", "principals": {"a": {"principalId": "` +
		someone + `", "principalType": "User"}}}`,
}

// A field is an argument, or a part of one: x stands for a name that the caller chooses, and 0 for an entry of a list.
type field struct {
	path []string
	of   reflect.Type
}

// String is the field as errors name it.
func (f field) String() string {
	return strings.ReplaceAll(strings.Join(f.path, "."), ".0", "[0]")
}

func fieldsOf(t reflect.Type, path ...string) (all []field) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	here := field{append([]string{}, path...), t}
	if len(path) > 0 {
		all = append(all, here)
	}
	switch {
	case t.Implements(inputType):
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("pulumi"), ",")
			all = append(all, fieldsOf(t.Field(i).Type, append(here.path, name)...)...)
		}
	case t.Kind() == reflect.Map:
		all = append(all, fieldsOf(t.Elem(), append(here.path, "x")...)...)
	case t.Kind() == reflect.Slice:
		all = append(all, fieldsOf(t.Elem(), append(here.path, "0")...)...)
	}
	return all
}

// with are the smallest arguments with one field set.
func (f field) with(t *testing.T, token string, value property.Value) property.Map {
	t.Helper()
	var inputs map[string]any
	require.NoError(t, json.Unmarshal([]byte(smallest[token]), &inputs))
	delete(inputs, map[bool]string{true: "signIn", false: "-"}[f.path[0] == "clientSecrets"])
	return set(request(t, token, "it", inputs).Inputs, f.path, value)
}

func set(m property.Map, path []string, value property.Value) property.Map {
	if len(path) > 1 {
		inner, _ := m.GetOk(path[0])
		if path[1] == "0" {
			if len(path) > 2 {
				value = property.New(set(property.Map{}, path[2:], value))
			}
			value = property.New([]property.Value{value})
		} else if inner.IsMap() {
			value = property.New(set(inner.AsMap(), path[1:], value))
		} else {
			value = property.New(set(property.Map{}, path[1:], value))
		}
	}
	all := maps.Collect(m.All)
	if all == nil {
		all = map[string]property.Value{}
	}
	all[path[0]] = value
	return property.NewMap(all)
}

// tried makes a component with one field set, and returns its error.
func (f field) tried(t *testing.T, token string, value property.Value, preview bool) (made []string, err error) {
	t.Helper()
	r := &recorder{}
	construct := request(t, token, "it", nil)
	construct.Inputs, construct.DryRun = f.with(t, token, value), preview
	_, err = serve(t, r).Construct(construct)
	return r.sorted(), err
}

func eachField(t *testing.T, do func(t *testing.T, token string, f field)) {
	t.Helper()
	n := 0
	for _, c := range Components {
		for _, f := range fieldsOf(c.Args) {
			n++
			t.Run(c.Token+" "+f.String(), func(t *testing.T) {
				t.Parallel()
				do(t, c.Token, f)
			})
		}
	}
	assert.Greater(t, n, 200)
}

// A null is neither a default nor everybody: languages leave out an argument that is not given.
func TestAFieldThatIsNullIsRefusedByName(t *testing.T) {
	t.Parallel()
	eachField(t, func(t *testing.T, token string, f field) {
		made, err := f.tried(t, token, property.New(property.Null), false)
		last := f.path[len(f.path)-1]
		if last == "x" && f.of.Kind() == reflect.Struct { // an object with every default
			return
		}
		require.Error(t, err)
		assert.Contains(t, err.Error(), "\n"+f.String()+": is empty; give a value")
		assert.Empty(t, made)
	})
}

// A value of another type is refused with its place and the wanted type.
func TestAFieldOfAnotherTypeIsRefusedByName(t *testing.T) {
	t.Parallel()
	number := reflect.TypeFor[pulumi.IntPtrInput]()
	eachField(t, func(t *testing.T, token string, f field) {
		refused := 0
		for name, value := range map[string]property.Value{
			"text": property.New("text"), "a number": property.New(7.0), "yes": property.New(true),
			"a list":        property.New([]property.Value{property.New("text")}),
			"a map":         property.New(property.NewMap(map[string]property.Value{"some": property.New("text")})),
			"a secret list": property.New([]property.Value{}).WithSecret(true),
		} {
			made, err := f.tried(t, token, value, false)
			if err == nil {
				assert.NotEmpty(t, made, name)
				continue
			}
			assert.NotContains(t, err.Error(), "unmarshaling", name)
			assert.NotContains(t, err.Error(), "copying", name)
			assert.NotContains(t, err.Error(), "expected a", name)
			if strings.Contains(err.Error(), "\n"+f.String()+": is ") || strings.Contains(err.Error(), "\n"+f.String()+".some") {
				refused++
				assert.Empty(t, made, name)
			}
			if f.of == number && name != "a number" {
				assert.Contains(t, err.Error(), "\n"+f.String()+": is ", name)
				assert.Contains(t, err.Error(), "; write a whole number", name)
			}
		}
		assert.GreaterOrEqual(t, refused, 4, "all but those of its own type")
	})
}

// A value that is known only later is accepted for an Input, and refused by name if it decides which resources are
// made.
func TestAFieldThatIsKnownLaterIsTakenOrRefusedByName(t *testing.T) {
	t.Parallel()
	of := property.New(property.Computed).WithDependencies([]urn.URN{
		resource.NewURN("stack", "project", "", "azure-native:resources:ResourceGroup", "first"),
	})
	for name, later := range map[string]property.Value{
		"of a resource": of, "of no resource": property.New(property.Computed),
		"a secret": of.WithSecret(true), "a secret of no resource": property.New(property.Computed).WithSecret(true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isTakenOrRefused(t, later)
		})
	}
}

func isTakenOrRefused(t *testing.T, later property.Value) {
	t.Helper()
	eachField(t, func(t *testing.T, token string, f field) {
		made, err := f.tried(t, token, later, true)
		if !f.of.Implements(inputType) {
			require.ErrorContains(t, err, "\n"+f.String()+": is known only after a deployment, and decides what is made; give "+
				"it")
			assert.Empty(t, made)
			return
		}
		if err == nil {
			assert.NotEmpty(t, made)
			return
		}
		assert.NotContains(t, err.Error(), "expected a")
		assert.NotContains(t, err.Error(), "\n"+f.String()+": is empty")
		t.Logf("%s", err)
	})
}
