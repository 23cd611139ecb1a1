package standin_test

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/standin"
)

const (
	subscription = "22222222-2222-4222-8222-222222222222"
	group        = "/subscriptions/" + subscription + "/resourceGroups/rg"
	scope        = "/subscriptions/" + subscription

	roleDefinition = "azure-native:authorization:RoleDefinition"
	roleAssignment = "azure-native:authorization:RoleAssignment"
	identity       = "azure-native:managedidentity:UserAssignedIdentity"
	workspace      = "azure-native:machinelearningservices:Workspace"
	compute        = "azure-native:machinelearningservices:Compute"
	account        = "azure-native:storage:StorageAccount"
	container      = "azure-native:storage:BlobContainer"
	registry       = "azure-native:containerregistry:Registry"
	application    = "azuread:index/application:Application"
	password       = "azuread:index/applicationPassword:ApplicationPassword"
)

type props = resource.PropertyMap

func text(s string) resource.PropertyValue { return resource.NewProperty(s) }

func startAzure(t *testing.T) *azure.Azure { t.Helper(); return startAzureIn(t, azure.Weather{}) }

func startAzureIn(t *testing.T, weather azure.Weather) *azure.Azure {
	t.Helper()
	return startAzureWith(t, azure.Options{Logger: slog.New(slog.DiscardHandler), Weather: weather})
}

func startAzureWith(t *testing.T, o azure.Options) *azure.Azure {
	t.Helper()
	a, err := azure.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	require.NoError(t, a.Seed(azure.Seed{
		SubscriptionIDs: []string{subscription}, ResourceIDs: []string{group},
		Workspaces: []azure.Workspace{{
			ID: group + "/providers/Microsoft.MachineLearningServices/workspaces/wsp", Location: "westeurope",
		}},
	}))
	return a
}

func configFor(a *azure.Azure) standin.Config {
	who := a.Deployer()
	return standin.Config{
		MetadataHost: a.Host(), TenantID: who.TenantID, SubscriptionID: who.SubscriptionID,
		ClientID: who.ClientID, ClientSecret: who.ClientSecret, RootCAs: a.CAPool(),
		Logger: slog.New(slog.DiscardHandler),
	}
}

// provider is an attached stand-in as an engine sees it.
type provider struct {
	t *testing.T
	pulumirpc.ResourceProviderClient
}

func attach(t *testing.T, name string, cfg standin.Config) provider {
	t.Helper()
	return attachIn(t, name, cfg, "westeurope")
}

// attachIn attaches one with a default location, "" for none.
func attachIn(t *testing.T, name string, cfg standin.Config, location string) provider {
	t.Helper()
	port, stop, err := standin.Serve(t.Context(), name, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = stop() })
	conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	p := provider{t, pulumirpc.NewResourceProviderClient(conn)}
	_, err = p.Handshake(t.Context(), &pulumirpc.ProviderHandshakeRequest{})
	require.NoError(t, err)
	args := props{}
	if location != "" {
		args["location"] = text(location)
	}
	_, err = p.Configure(t.Context(), &pulumirpc.ConfigureRequest{AcceptSecrets: true, Args: p.pack(args)})
	require.NoError(t, err)
	return p
}

var marshal = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true}

func (p provider) pack(m props) *structpb.Struct {
	p.t.Helper()
	packed, err := plugin.MarshalProperties(m, marshal)
	require.NoError(p.t, err)
	return packed
}

func (p provider) unpack(s *structpb.Struct) props {
	p.t.Helper()
	m, err := plugin.UnmarshalProperties(s, marshal)
	require.NoError(p.t, err)
	return m
}

func urn(token string) string { return "urn:pulumi:dev::p::" + token + "::thing" }

func (p provider) check(token string, in props) (props, []string) {
	p.t.Helper()
	res, err := p.Check(p.t.Context(), &pulumirpc.CheckRequest{
		Urn: urn(token), News: p.pack(in), RandomSeed: []byte("thirty-two bytes of random seed!"),
	})
	require.NoError(p.t, err)
	var failed []string
	for _, f := range res.GetFailures() {
		failed = append(failed, f.GetProperty())
	}
	return p.unpack(res.GetInputs()), failed
}

// create checks and creates, and also returns the checked inputs.
func (p provider) create(token string, in props) (id string, inputs, out props) {
	p.t.Helper()
	in, failed := p.check(token, in)
	require.Empty(p.t, failed)
	res, err := p.Create(p.t.Context(), &pulumirpc.CreateRequest{Urn: urn(token), Properties: p.pack(in)})
	require.NoError(p.t, err)
	return res.GetId(), in, p.unpack(res.GetProperties())
}

func TestInputsAreCheckedAgainstTheSchema(t *testing.T) {
	t.Parallel()
	native, ad := attach(t, "azure-native", standin.Config{}), attach(t, "azuread", standin.Config{})
	tests := []struct {
		name     string
		provider provider
		token    string
		in       props
		failed   []string
	}{
		{"required ones missing", native, roleAssignment, props{"scope": text(scope)},
			[]string{"principalId", "roleDefinitionId"}},
		{"wrong type", ad, application, props{"displayName": resource.NewProperty(1.0)}, []string{"displayName"}},
		{"wrong type in a list", ad, application, props{
			"displayName": text("a"),
			"tags":        resource.NewProperty([]resource.PropertyValue{text("a"), resource.NewProperty(true)}),
		}, []string{"tags[1]"}},
		{"azuread refuses what it does not know", ad, application, props{"displayName": text("a"), "dispalyName": text("a")},
			[]string{"dispalyName"}},
		{"azure-native disregards it", native, roleDefinition, props{"scope": text(scope), "rolName": text("a")}, nil},
		{"an unknown value is of any type", ad, application, props{"displayName": resource.MakeComputed(text(""))}, nil},
		{"a secret is of its value's type", ad, application,
			props{"displayName": resource.MakeSecret(resource.NewProperty(1.0))}, []string{"displayName"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, failed := test.provider.check(test.token, test.in)
			assert.Equal(t, test.failed, failed)
		})
	}
}

func TestCheckNamesAndLocatesWhatTheProgramLeavesOpen(t *testing.T) {
	t.Parallel()
	native := attach(t, "azure-native", standin.Config{})
	role, _ := native.check(roleDefinition, props{"scope": text(scope)})
	assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, role["roleDefinitionId"].StringValue())
	again, _ := native.check(roleDefinition, props{"scope": text(scope)})
	assert.Equal(t, role["roleDefinitionId"], again["roleDefinitionId"], "the same seed, the same GUID")
	made, _ := native.check(identity, props{"resourceGroupName": text("rg")})
	assert.Regexp(t, `^thing[0-9a-f]{8}$`, made["resourceName"].StringValue())
	assert.Equal(t, "westeurope", made["location"].StringValue())
	assert.Equal(t, resource.NewProperty(true), made["__createBeforeDelete"], "a replacement has another name")
	res, err := native.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn(identity), Olds: native.pack(made),
		News: native.pack(props{"resourceGroupName": text("rg")})})
	require.NoError(t, err)
	assert.Equal(t, made["resourceName"], native.unpack(res.GetInputs())["resourceName"])
	assert.Equal(t, resource.NewProperty(true), native.unpack(res.GetInputs())["__createBeforeDelete"])
	named, _ := native.check(identity, props{"resourceGroupName": text("rg"), "resourceName": text("mine")})
	assert.Equal(t, "mine", named["resourceName"].StringValue())
	assert.NotContains(t, named, resource.PropertyKey("__createBeforeDelete"))
}

// A resource inside another one has its name in Pulumi, which is not made up: a replacement waits until the name is
// free.
func TestWhatLiesInAnotherResourceIsNamedAsInPulumi(t *testing.T) {
	t.Parallel()
	native := attach(t, "azure-native", standin.Config{})
	for token, name := range map[string]resource.PropertyKey{compute: "computeName", container: "containerName",
		"azure-native:managedidentity:FederatedIdentityCredential":    "federatedIdentityCredentialResourceName",
		"azure-native:storage/v20230101:BlobContainer":                "containerName",
		"azure-native:machinelearningservices/v20241001:Compute":      "computeName",
		"azure-native:managedidentity/v20230131:UserAssignedIdentity": "", workspace: "", account: "", registry: "",
		"azure-native:resources:ResourceGroup": "",
	} {
		in, _ := native.check(token, props{})
		if name == "" {
			assert.Equal(t, resource.NewProperty(true), in["__createBeforeDelete"], token)
			continue
		}
		assert.Equal(t, text("thing"), in[name], token)
		assert.NotContains(t, in, resource.PropertyKey("__createBeforeDelete"), token)
	}
}

// Which name is used if the project configures Pulumi's autonaming.
func TestAutonamingOfTheProjectIsHeeded(t *testing.T) {
	t.Parallel()
	native := attach(t, "azure-native", standin.Config{})
	const (
		propose = pulumirpc.CheckRequest_AutonamingOptions_PROPOSE
		enforce = pulumirpc.CheckRequest_AutonamingOptions_ENFORCE
		disable = pulumirpc.CheckRequest_AutonamingOptions_DISABLE
		guid    = `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`
	)
	for name, c := range map[string]struct {
		token, input string
		mode         pulumirpc.CheckRequest_AutonamingOptions_Mode
		olds         props
		want         string // a pattern; "" for a failure
	}{
		"a name that is proposed":          {identity, "resourceName", propose, nil, "^proposed$"},
		"a child's name that is proposed":  {compute, "computeName", propose, nil, "^proposed$"},
		"no name of a child":               {compute, "computeName", disable, nil, ""},
		"a name that is enforced":          {identity, "resourceName", enforce, nil, "^proposed$"},
		"no names":                         {identity, "resourceName", disable, nil, ""},
		"a GUID where a name is proposed":  {roleDefinition, "roleDefinitionId", propose, nil, guid},
		"no GUID where a name is enforced": {roleDefinition, "roleDefinitionId", enforce, nil, "^proposed$"},
		"no GUID where there are none":     {roleDefinition, "roleDefinitionId", disable, nil, ""},
		"the name of before, whatever is said": {identity, "resourceName", enforce, props{"resourceName": text("old")},
			"^old$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := native.Check(t.Context(), &pulumirpc.CheckRequest{
				Urn: urn(c.token), Olds: native.pack(c.olds),
				News:       native.pack(props{"scope": text(scope), "resourceGroupName": text("rg"), "workspaceName": text("wsp")}),
				RandomSeed: []byte("thirty-two bytes of random seed!"),
				Autonaming: &pulumirpc.CheckRequest_AutonamingOptions{Mode: c.mode, ProposedName: "proposed"},
			})
			require.NoError(t, err)
			if c.want == "" {
				require.NotEmpty(t, res.GetFailures())
				assert.Equal(t, c.input, res.GetFailures()[0].GetProperty())
				return
			}
			assert.Empty(t, res.GetFailures())
			assert.Regexp(t, c.want, native.unpack(res.GetInputs())[resource.PropertyKey(c.input)].StringValue())
		})
	}
}

// A name that Azure's specification does not allow is refused in a preview, also as part of a path. Other bad names are
// refused only by Azure.
func TestThePartsOfAPathAreChecked(t *testing.T) {
	t.Parallel()
	native := attach(t, "azure-native", standin.Config{})
	long := func(n int) string { return strings.Repeat("a", n) }
	const credential = "azure-native:managedidentity:FederatedIdentityCredential"
	for _, test := range []struct {
		token, input  string
		good, refused []string
	}{
		{credential, "federatedIdentityCredentialResourceName", []string{"abc", "a-b_c", "0ab", long(120)},
			[]string{"ab", "-ab", "a.b", "", long(121)}},
		{"azure-native:resources:ResourceGroup", "resourceGroupName", []string{"a", "a.b(c)-_", long(90)},
			[]string{"", "a b", "a/b", "a*", long(91)}},
		{identity, "resourceName", []string{"a", "ab", long(129)}, nil},
		{workspace, "workspaceName", []string{"abc", "0-_", long(33)}, []string{"ab", "-abc", "a.b", "a b", long(34), ""}},
		{compute, "computeName", []string{"a", "a_b", long(33)}, nil},
		{account, "accountName", []string{"abc", "ABC", long(24)}, []string{"ab", "", long(25)}},
		{container, "accountName", []string{"ab", long(25)}, nil}, // checked when the account is made
		{container, "containerName", []string{"abc", "$root", long(63)}, []string{"ab", long(64)}},
		{registry, "registryName", []string{"abcde", "Images1", long(50)}, []string{"abcd", "ab-cde", long(51)}},
		{roleDefinition, "roleDefinitionId", []string{"a", long(200)}, nil},
		{roleAssignment, "roleAssignmentName", []string{"a", long(200)}, nil},
	} {
		failed := func(value resource.PropertyValue) bool {
			_, failures := native.check(test.token, props{resource.PropertyKey(test.input): value})
			return slices.Contains(failures, test.input)
		}
		for _, name := range test.good {
			assert.False(t, failed(text(name)), "%s %s %q", test.token, test.input, name)
		}
		for _, name := range test.refused {
			assert.True(t, failed(text(name)), "%s %s %q", test.token, test.input, name)
			assert.True(t, failed(resource.MakeSecret(text(name))), "%s %s %q", test.token, test.input, name)
		}
		assert.False(t, failed(resource.MakeComputed(text(""))), "what is not known yet: %s %s", test.token, test.input)
	}
}

// A resource without a location stays where it is, or is in the provider's location, or in its group's.
func TestAResourceLiesWhereItsGroupDoes(t *testing.T) {
	t.Parallel()
	a := startAzure(t)
	p := attachIn(t, "azure-native", configFor(a), "")
	in := props{"resourceGroupName": text("away")}
	_, failures := p.check(identity, in)
	assert.Empty(t, failures)
	p.create("azure-native:resources:ResourceGroup", props{"resourceGroupName": text("away"), "location": text("eastus")})
	made, _ := p.check(identity, in)
	assert.Equal(t, text("eastus"), made["location"])
	unknown, _ := p.check(identity, props{"resourceGroupName": resource.MakeComputed(text(""))})
	assert.True(t, unknown["location"].IsComputed())
	for olds, want := range map[string]string{"": "westeurope", "northeurope": "northeurope"} {
		was := props{}
		if olds != "" {
			was["location"] = text(olds)
		}
		q := attach(t, "azure-native", configFor(a))
		res, err := q.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn(identity), News: q.pack(in), Olds: q.pack(was)})
		require.NoError(t, err)
		assert.Equal(t, text(want), q.unpack(res.GetInputs())["location"])
	}
}

func TestDiffNamesWhatChangesAndWhatReplaces(t *testing.T) {
	t.Parallel()
	native, ad := attach(t, "azure-native", standin.Config{}), attach(t, "azuread", standin.Config{})
	tags := func(all ...string) resource.PropertyValue {
		var list []resource.PropertyValue
		for _, tag := range all {
			list = append(list, text(tag))
		}
		return resource.NewProperty(list)
	}
	type kinds = map[string]pulumirpc.PropertyDiff_Kind
	const add, update, remove = pulumirpc.PropertyDiff_ADD, pulumirpc.PropertyDiff_UPDATE, pulumirpc.PropertyDiff_DELETE
	const replace, removeReplace = pulumirpc.PropertyDiff_UPDATE_REPLACE, pulumirpc.PropertyDiff_DELETE_REPLACE
	tests := []struct {
		name        string
		provider    provider
		token       string
		was, is     props
		want        kinds
		deleteFirst bool
	}{
		{"nothing", ad, application, props{"displayName": text("a")}, props{"displayName": text("a")}, nil, false},
		{"a secret of the same value", ad, application, props{"displayName": text("a")},
			props{"displayName": resource.MakeSecret(text("a"))}, nil, false},
		{"the order of a set", ad, application, props{"tags": tags("a", "b")}, props{"tags": tags("b", "a")}, nil, false},
		{"added", ad, application, props{}, props{"notes": text("a")}, kinds{"notes": add}, false},
		{"updated", ad, application, props{"notes": text("a")}, props{"notes": text("b")}, kinds{"notes": update}, false},
		{"removed", ad, application, props{"notes": text("a")}, props{}, kinds{"notes": remove}, false},
		{"not known yet", ad, application, props{"notes": text("a")}, props{"notes": resource.MakeComputed(text(""))},
			kinds{"notes": update}, false},
		{"a password's end", ad, password, props{"endDate": text("a")}, props{"endDate": text("b")},
			kinds{"endDate": replace}, false},
		{"a password's end removed", ad, password, props{"endDate": text("a")}, props{}, kinds{"endDate": removeReplace},
			false},
		{"an assignment's principal", native, roleAssignment, props{"principalId": text("a")},
			props{"principalId": text("b")}, kinds{"principalId": replace}, true},
		{"an assignment's scope", native, roleAssignment, props{"scope": text("a")}, props{"scope": text("b")},
			kinds{"scope": replace}, true},
		{"of an assignment that the plugin named", native, roleAssignment,
			props{"scope": text("a"), "__createBeforeDelete": resource.NewProperty(true)}, props{"scope": text("b")},
			kinds{"scope": replace}, false},
		{"of an assignment that the plugin did not name", native, roleAssignment,
			props{"scope": text("a"), "__createBeforeDelete": resource.NewProperty(false)}, props{"scope": text("b")},
			kinds{"scope": replace}, true},
		{"one region in two forms", native, identity, props{"location": text("westeurope")},
			props{"location": text("West Europe")}, nil, false},
		{"another region", native, identity, props{"location": text("westeurope")}, props{"location": text("North Europe")},
			kinds{"location": replace}, true},
		{"an assignment's role, which Azure refuses", native, roleAssignment, props{"roleDefinitionId": text("a")},
			props{"roleDefinitionId": text("b")}, kinds{"roleDefinitionId": update}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := test.provider
			res, err := p.Diff(t.Context(), &pulumirpc.DiffRequest{
				Urn: urn(test.token), Id: "x", OldInputs: p.pack(test.was), News: p.pack(test.is),
			})
			require.NoError(t, err)
			var got kinds
			for path, d := range res.GetDetailedDiff() {
				if got == nil {
					got = kinds{}
				}
				got[path] = d.GetKind()
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.want != nil, res.GetHasDetailedDiff())
			assert.Equal(t, test.want != nil, res.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME)
			assert.Equal(t, test.deleteFirst, res.GetDeleteBeforeReplace())
		})
	}
}

func TestAPreviewedCreationLeavesOpenWhatAzureMakesUp(t *testing.T) {
	t.Parallel()
	a := startAzure(t)
	native := attach(t, "azure-native", configFor(a))
	in := props{
		"resourceGroupName": text("rg"), "workspaceName": text("wsp"), "computeName": text("cpu"),
		"identity":   resource.NewProperty(props{"type": text("SystemAssigned")}),
		"properties": resource.NewProperty(props{"computeType": text("AmlCompute")}),
	}
	res, err := native.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(compute), Properties: native.pack(in),
		Preview: true})
	require.NoError(t, err)
	out := native.unpack(res.GetProperties())
	made := out["identity"].ObjectValue()
	assert.Equal(t, "SystemAssigned", made["type"].StringValue())
	assert.True(t, made["principalId"].IsComputed(), "the principal of an identity is not known before it is made")
	assert.True(t, out["name"].IsComputed())
	assert.Empty(t, res.GetId())
	assert.Empty(t, a.Inventory())
}

func TestAResourceIsMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	a := startAzure(t)
	native := attach(t, "azure-native", configFor(a))
	id, in, out := native.create(roleDefinition, props{
		"scope": text(scope), "roleName": text("thing reader"), "description": text("first"),
		"assignableScopes": resource.NewProperty([]resource.PropertyValue{text(scope)}),
		"permissions": resource.NewProperty([]resource.PropertyValue{resource.NewProperty(props{
			"actions": resource.NewProperty([]resource.PropertyValue{text("Microsoft.Storage/storageAccounts/read")}),
		})}),
	})
	assert.Contains(t, strings.ToLower(id), strings.ToLower("/providers/Microsoft.Authorization/roleDefinitions/"))

	read := func() *pulumirpc.ReadResponse {
		res, err := native.Read(t.Context(), &pulumirpc.ReadRequest{
			Id: id, Urn: urn(roleDefinition), Properties: native.pack(out), Inputs: native.pack(in),
		})
		require.NoError(t, err)
		return res
	}
	assert.True(t, native.unpack(read().GetInputs()).DeepEquals(in), "nothing changed, so no inputs do")

	changed := in.Copy()
	changed["description"] = text("second")
	_, err := native.Update(t.Context(), &pulumirpc.UpdateRequest{
		Id: id, Urn: urn(roleDefinition), OldInputs: native.pack(in), Olds: native.pack(out), News: native.pack(changed),
	})
	require.NoError(t, err)
	assert.Equal(t, "second", native.unpack(read().GetInputs())["description"].StringValue(), "drift reaches the inputs")

	imported, err := native.Read(t.Context(), &pulumirpc.ReadRequest{Id: id, Urn: urn(roleDefinition)})
	require.NoError(t, err)
	inputs := native.unpack(imported.GetInputs())
	assert.Equal(t, in["roleDefinitionId"], inputs["roleDefinitionId"], "an import reads the ID")
	assert.Equal(t, "thing reader", inputs["roleName"].StringValue())

	_, err = native.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(roleDefinition), Properties: native.pack(in)})
	require.ErrorContains(t, err, "already existing resource")

	_, err = native.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(roleDefinition),
		Properties: native.pack(out)})
	require.NoError(t, err)
	assert.Empty(t, read().GetId(), "what is gone has no ID")
	assert.Empty(t, a.Inventory())
}

func TestAPasswordIsSecretAndKeptOverARead(t *testing.T) {
	t.Parallel()
	ad := attach(t, "azuread", configFor(startAzure(t)))
	app, _, _ := ad.create(application, props{"displayName": text("app")})
	id, in, out := ad.create(password, props{"applicationId": text(app)})
	require.True(t, out["value"].IsSecret())
	assert.NotEmpty(t, out["value"].SecretValue().Element.StringValue())
	res, err := ad.Read(t.Context(), &pulumirpc.ReadRequest{
		Id: id, Urn: urn(password), Properties: ad.pack(out), Inputs: ad.pack(in),
	})
	require.NoError(t, err)
	assert.Equal(t, out["value"], ad.unpack(res.GetProperties())["value"])
}

func TestAnErrorOfAzureNamesCodeAndResource(t *testing.T) {
	t.Parallel()
	native := attach(t, "azure-native", configFor(startAzure(t)))
	in, _ := native.check(roleAssignment, props{
		"scope": text(scope), "principalId": text("99999999-9999-4999-8999-999999999999"),
		"roleDefinitionId": text(scope +
			"/providers/Microsoft.Authorization/roleDefinitions/99999999-9999-4999-8999-999999999999"),
	})
	_, err := native.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(roleAssignment), Properties: native.pack(in)})
	require.ErrorContains(t, err, "RoleDefinitionDoesNotExist")
	require.ErrorContains(t, err, `"thing"`)
}

// behind puts a proxy in front of Resource Manager, which answers a request itself if intercept does.
func behind(t *testing.T, a *azure.Azure, intercept func(http.ResponseWriter, *http.Request) bool) standin.Config {
	t.Helper()
	target, err := url.Parse(a.URL())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = a.Client().Transport
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !intercept(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Path != "/metadata/endpoints" {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		moved := strings.ReplaceAll(string(body), a.URL(), front.URL)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(moved)), int64(len(moved))
		r.Header.Set("Content-Length", strconv.Itoa(len(moved)))
		return err
	}
	cfg := configFor(a)
	cfg.MetadataHost = front.Listener.Addr().String()
	cfg.RootCAs = x509.NewCertPool()
	cfg.RootCAs.AddCert(front.Certificate())
	return cfg
}

func TestAThrottledCallIsMadeAgain(t *testing.T) {
	t.Parallel()
	var refused atomic.Int32
	cfg := behind(t, startAzure(t), func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || refused.Add(1) > 2 {
			return false
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	id, _, _ := attach(t, "azure-native", cfg).create(identity, props{"resourceGroupName": text("rg")})
	assert.NotEmpty(t, id)
	assert.EqualValues(t, 3, refused.Load())
}

func TestAResourceThatWasMadeButNotFinishedIsNotLost(t *testing.T) {
	t.Parallel()
	// The operation's address leads to another host than the proxy: the stand-in must not send its token there.
	a := startAzure(t)
	native := attach(t, "azure-native", behind(t, a, func(http.ResponseWriter, *http.Request) bool { return false }))
	in, failed := native.check(compute, props{
		"resourceGroupName": text("rg"), "workspaceName": text("wsp"), "computeName": text("cpu"),
		"properties": resource.NewProperty(props{
			"computeType": text("AmlCompute"), "properties": resource.NewProperty(props{
				"vmSize":        text("STANDARD_DS3_V2"),
				"scaleSettings": resource.NewProperty(props{"maxNodeCount": resource.NewProperty(1.0)}),
			}),
		}),
	})
	require.Empty(t, failed)
	_, err := native.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(compute), Properties: native.pack(in)})
	require.ErrorContains(t, err, "not at Azure's Resource Manager")
	details := status.Convert(err).Details()
	require.Len(t, details, 1)
	partial, ok := details[0].(*pulumirpc.ErrorResourceInitFailed)
	require.True(t, ok)
	assert.Contains(t, partial.GetId(), "/computes/cpu")
	assert.NotEmpty(t, a.Inventory())
}

func TestEachConnectionHasItsOwnConfiguration(t *testing.T) {
	t.Parallel()
	port, stop, err := standin.Serve(t.Context(), "azure-native", standin.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = stop() })
	attached := map[string]provider{}
	for _, location := range []string{"westeurope", "northeurope"} {
		conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		p := provider{t, pulumirpc.NewResourceProviderClient(conn)}
		_, err = p.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: p.pack(props{"location": text(location)})})
		require.NoError(t, err)
		attached[location] = p
	}
	for location, p := range attached {
		in, _ := p.check(identity, props{"resourceGroupName": text("rg")})
		assert.Equal(t, location, in["location"].StringValue())
	}
}

// noted collects the values that a logger gets under one key.
type noted struct {
	slog.Handler
	key    string
	mu     sync.Mutex
	values []string
}

func (n *noted) Enabled(context.Context, slog.Level) bool { return true }

func (n *noted) Handle(_ context.Context, r slog.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == n.key && a.Value.String() != "" {
			n.values = append(n.values, a.Value.String())
		}
		return true
	})
	return nil
}

func TestEachCallNamesTheResourceThatItIsFor(t *testing.T) {
	t.Parallel()
	clients := &noted{Handler: slog.DiscardHandler, key: "client"}
	a := startAzureWith(t, azure.Options{Logger: slog.New(clients)})
	native := attach(t, "azure-native", configFor(a))
	id, in, out := native.create(identity, props{"resourceGroupName": text("rg"), "resourceName": text("thing")})
	made := len(clients.values)
	require.Positive(t, made)
	_, err := native.Read(t.Context(), &pulumirpc.ReadRequest{Id: id, Urn: urn(identity), Properties: native.pack(out),
		Inputs: native.pack(in)})
	require.NoError(t, err)
	_, err = native.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(identity), Properties: native.pack(out)})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(clients.values), made+2, "reading and deleting are calls too")
	for _, client := range clients.values {
		assert.Equal(t, standin.ClientRequestID(urn(identity)), client)
	}
	assert.NotEqual(t, standin.ClientRequestID(urn(identity)), standin.ClientRequestID(urn(application)))
}
