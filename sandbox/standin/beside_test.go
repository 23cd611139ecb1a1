package standin_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func objectOf(m props) resource.PropertyValue { return resource.NewProperty(m) }

// beside are the resources that programs make besides the components, each in the resource group "rg".
var beside = map[string]struct {
	in, change props // change has properties that change in place
	fixed      string
	shows      map[resource.PropertyKey]resource.PropertyValue
}{
	"azure-native:resources:ResourceGroup": {
		in: props{"resourceGroupName": text("mine")}, change: props{"tags": objectOf(props{"team": text("heart")})},
		fixed: "location", shows: props{"name": text("mine"), "location": text("westeurope")},
	},
	"azure-native:storage:StorageAccount": {
		in: props{
			"resourceGroupName": text("rg"), "accountName": text("mine"), "kind": text("StorageV2"),
			"sku": objectOf(props{"name": text("Standard_LRS")}), "allowSharedKeyAccess": resource.NewProperty(false),
			"isHnsEnabled": resource.NewProperty(true), "identity": objectOf(props{"type": text("SystemAssigned")}),
			"networkRuleSet": objectOf(props{"defaultAction": text("Deny"), "bypass": text("AzureServices")}),
		},
		change: props{"allowSharedKeyAccess": resource.NewProperty(true),
			"networkRuleSet": objectOf(props{"defaultAction": text("Allow"), "bypass": text("AzureServices")})},
		fixed: "isHnsEnabled", shows: props{"name": text("mine"), "isHnsEnabled": resource.NewProperty(true)},
	},
	"azure-native:storage:BlobContainer": {
		in:     props{"resourceGroupName": text("rg"), "accountName": text("theirs"), "containerName": text("rows")},
		change: props{"publicAccess": text("None")}, fixed: "containerName", shows: props{"name": text("rows")},
	},
	"azure-native:machinelearningservices:Workspace": {
		in: props{"resourceGroupName": text("rg"), "workspaceName": text("mine"),
			"identity": objectOf(props{"type": text("SystemAssigned")}), "friendlyName": text("Mine")},
		change: props{"publicNetworkAccess": text("Disabled")}, fixed: "storageAccount",
		shows: props{"name": text("mine"), "friendlyName": text("Mine"), "hbiWorkspace": resource.NewProperty(false)},
	},
	"azure-native:managedidentity:UserAssignedIdentity": {
		in:     props{"resourceGroupName": text("rg"), "resourceName": text("mine")},
		change: props{"tags": objectOf(props{"team": text("heart")})}, fixed: "resourceName",
		shows: props{"name": text("mine")},
	},
	"azure-native:containerregistry:Registry": {
		in: props{"resourceGroupName": text("rg"), "registryName": text("pictures"),
			"sku": objectOf(props{"name": text("Premium")})},
		change: props{"adminUserEnabled": resource.NewProperty(true)}, fixed: "registryName",
		shows: props{"name": text("pictures"), "adminUserEnabled": resource.NewProperty(false),
			"loginServer": text("pictures.azurecr.io")},
	},
}

// The names of each type in another API version of azure-native.
var versions = map[string]string{
	"azure-native:resources:ResourceGroup":              "v20240301",
	"azure-native:storage:StorageAccount":               "v20230101",
	"azure-native:storage:BlobContainer":                "v20240101",
	"azure-native:machinelearningservices:Workspace":    "v20241001preview",
	"azure-native:managedidentity:UserAssignedIdentity": "v20230731preview",
	"azure-native:containerregistry:Registry":           "v20230701",
}

func theirAccount() props {
	return props{"resourceGroupName": text("rg"), "accountName": text("theirs"), "kind": text("StorageV2"),
		"sku": objectOf(props{"name": text("Standard_LRS")})}
}

func TestWhatProgramsMakeBesideTheComponentsIsMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	for plain, test := range beside {
		module, name, _ := strings.Cut(strings.TrimPrefix(plain, "azure-native:"), ":")
		for _, token := range []string{plain, "azure-native:" + module + "/" + versions[plain] + ":" + name} {
			t.Run(token, func(t *testing.T) {
				t.Parallel()
				a := startAzure(t)
				p := attach(t, "azure-native", configFor(a))
				p.create("azure-native:storage:StorageAccount", theirAccount())
				existed := len(a.Inventory())

				id, in, out := p.create(token, test.in)
				for key, value := range test.shows {
					assert.Equal(t, value, out[key], key)
				}
				if _, asked := test.in["identity"]; asked {
					assert.NotEmpty(t, out["identity"].ObjectValue()["principalId"].StringValue())
				}
				read := func() (again, state props) {
					res, err := p.Read(t.Context(), &pulumirpc.ReadRequest{
						Id: id, Urn: urn(token), Properties: p.pack(out), Inputs: p.pack(in)})
					require.NoError(t, err)
					return p.unpack(res.GetInputs()), p.unpack(res.GetProperties())
				}
				again, state := read()
				assert.True(t, again.DeepEquals(in), "nothing changed, so no inputs do: %v", again)
				assert.True(t, state.DeepEquals(out), "a refresh finds what the creation gave: %v, %v", state, out)

				changed := in.Copy()
				for key, value := range test.change {
					changed[key] = value
				}
				diff := func(is props) *pulumirpc.DiffResponse {
					res, err := p.Diff(t.Context(), &pulumirpc.DiffRequest{Id: id, Urn: urn(token), OldInputs: p.pack(in),
						Olds: p.pack(out), News: p.pack(is)})
					require.NoError(t, err)
					return res
				}
				assert.Equal(t, pulumirpc.DiffResponse_DIFF_SOME, diff(changed).GetChanges())
				assert.Empty(t, diff(changed).GetReplaces())
				moved := in.Copy()
				moved[resource.PropertyKey(test.fixed)] = text("elsewhere")
				assert.NotEmpty(t, diff(moved).GetReplaces(), test.fixed)

				_, err := p.Update(t.Context(), &pulumirpc.UpdateRequest{Id: id, Urn: urn(token), OldInputs: p.pack(in),
					Olds: p.pack(out), News: p.pack(changed)})
				require.NoError(t, err)
				drifted, now := read()
				for key, value := range test.change {
					assert.True(t, drifted[key].DeepEquals(value), "%s: drift reaches the inputs: %v", key, drifted[key])
				}
				assert.True(t, now["identity"].DeepEquals(out["identity"]), "an identity stays what it was")

				imported, err := p.Read(t.Context(), &pulumirpc.ReadRequest{Id: id, Urn: urn(token)})
				require.NoError(t, err)
				inputs := p.unpack(imported.GetInputs())
				for key, value := range in {
					if _, other := test.change[key]; !other {
						assert.True(t, inputs[key].DeepEquals(value), "an import reads %s: %v", key, inputs[key])
					}
				}

				_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(token), Properties: p.pack(out)})
				require.NoError(t, err)
				assert.Len(t, a.Inventory(), existed)
			})
		}
	}
}

func TestABadResourceBesideTheComponentsIsRefused(t *testing.T) {
	t.Parallel()
	a := startAzure(t)
	p := attach(t, "azure-native", configFor(a))
	p.create("azure-native:storage:StorageAccount", theirAccount())
	images := props{"resourceGroupName": text("rg"), "registryName": text("pictures"),
		"sku": objectOf(props{"name": text("Basic")})}
	p.create("azure-native:containerregistry:Registry", images)
	p.create("azure-native:resources:ResourceGroup", props{"resourceGroupName": text("other")})
	with := func(of props, key string, value resource.PropertyValue) props {
		of = of.Copy()
		of[resource.PropertyKey(key)] = value
		return of
	}
	for name, test := range map[string]struct {
		token string
		in    props
		says  string
	}{
		"an account's name that is taken": {"azure-native:storage:StorageAccount",
			with(theirAccount(), "resourceGroupName", text("other")), "StorageAccountAlreadyTaken"},
		"an account's name that Azure does not take": {"azure-native:storage:StorageAccount",
			with(theirAccount(), "accountName", text("My-Account")), "InvalidResourceName"},
		"a registry's name that is taken, in another letter case": {"azure-native:containerregistry:Registry",
			with(with(images, "resourceGroupName", text("other")), "registryName", text("Pictures")), "AlreadyInUse"},
		"a group that is not": {"azure-native:storage:StorageAccount",
			with(with(theirAccount(), "resourceGroupName", text("nowhere")), "accountName", text("fresh")),
			"ResourceGroupNotFound"},
		"an account that is not": {"azure-native:storage:BlobContainer",
			props{"resourceGroupName": text("rg"), "accountName": text("nobodys"), "containerName": text("rows")}, "NotFound"},
		"a user-assigned identity that is not": {"azure-native:machinelearningservices:Workspace",
			props{"resourceGroupName": text("rg"), "workspaceName": text("mine"), "identity": objectOf(props{
				"type": text("UserAssigned"), "userAssignedIdentities": resource.NewProperty([]resource.PropertyValue{
					text(group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nobody")})})}, "nobody"},
		"a version that is not": {"azure-native:storage/v20010101:StorageAccount",
			with(theirAccount(), "accountName", text("fresh")), "InvalidApiVersionParameter"},
		"what exists": {"azure-native:containerregistry:Registry", images, "already existing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, failed := p.check(test.token, test.in)
			require.Empty(t, failed)
			_, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(test.token), Properties: p.pack(in)})
			require.ErrorContains(t, err, test.says)
		})
	}
	for token, missing := range map[string][]string{
		"azure-native:storage:StorageAccount":            {"kind", "resourceGroupName", "sku"},
		"azure-native:storage:BlobContainer":             {"accountName", "resourceGroupName"},
		"azure-native:machinelearningservices:Workspace": {"resourceGroupName"},
		"azure-native:containerregistry:Registry":        {"resourceGroupName", "sku"},
	} {
		_, failed := p.check(token, props{})
		assert.Equal(t, missing, failed, token)
	}
	_, err := p.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn("azure-native:storage/v2023:StorageAccount"),
		News: p.pack(props{})})
	require.ErrorContains(t, err, "has no resource azure-native:storage/v2023:StorageAccount")
}
