package facts

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	inPlace        = "in place"
	anotherCluster = "another cluster"
)

// ofClusters are the product's answers about clusters.
func ofClusters() asked {
	return asked{
		"cluster change": func(t *testing.T, input string) string {
			if slices.Contains(madeOf(t, components.ClusterArgs{}).rpc.GetReplaceOnChanges(), input) {
				return anotherCluster
			}
			return inPlace
		},
		"nodes in another region than the workspace": func(t *testing.T, input string) string {
			sent := madeOf(t, components.ClusterArgs{Location: pulumi.StringPtr(input)}).inputs
			location, nodes := sent["location"], sent["properties"].(map[string]any)["computeLocation"]
			if location == "westeurope" && nodes == input {
				return "identity works"
			}
			return "identity does not work"
		},
		"nodes without a region of their own": func(t *testing.T, input string) string {
			require.Equal(t, "workspace in westeurope", input)
			return madeOf(t, components.ClusterArgs{}).inputs["location"].(string)
		},
		"default identity": func(_ *testing.T, input string) string {
			first, more := pair(input)
			m := model()
			m.Clusters["cpu"] = access.Cluster{Identity: access.UserAssigned,
				UserAssignedIdentityID: access.Known(identityNamed(first)),
				MoreIdentityIDs:        []access.ID{access.Known(identityNamed(more))}}
			if !deployable(m) {
				return "refused"
			}
			return first
		},
		"image is pulled": func(_ *testing.T, input string) string {
			mode, role := pair(input)
			needed := services.WorkspaceServices{RegistryPermissions: services.RegistryPermissions(mode)}.PullRole()
			return yes(needed == "" || needed == role)
		},
		"cluster subnet": func(t *testing.T, input string) string {
			err := pulumi.RunErr(func(ctx *pulumi.Context) error {
				_, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
					WorkspaceID: pulumi.String(workspace), Location: pulumi.String("westeurope"),
					Cluster: components.ClusterArgs{SubnetID: pulumi.String(subnetOf(t, input))},
				})
				return err
			}, pulumi.WithMocks("facts", "test", &registered{}))
			return accepted(err == nil)
		},
		"size retires": func(_ *testing.T, input string) string {
			_, ps := config.Decode(map[string]any{"clusters": map[string]any{"cpu": map[string]any{"vmSize": input}}})
			for _, p := range ps {
				if _, when, is := strings.Cut(p.What, "whose retirement Azure has set for "); is {
					return when
				}
			}
			return "no"
		},
	}
}

// subnetOf is the subnet in a "cluster subnet" input.
func subnetOf(t *testing.T, input string) string {
	t.Helper()
	const network = group + "/providers/Microsoft.Network/virtualNetworks/v"
	switch input {
	case "of another subscription":
		return strings.Replace(network, subscription, "/subscriptions/"+tenant, 1) + "/subnets/s"
	case "a virtual network":
		return network
	case "an empty one in a workspace with a managed network":
		return ""
	case "of the workspace's subscription", "in a workspace with a managed network",
		"in a workspace whose managed network is disabled":
		return network + "/subnets/s"
	}
	require.Fail(t, "unknown subnet", input)
	return ""
}

func identityNamed(name string) string {
	return group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
}

type registered struct {
	rpc    *pulumirpc.RegisterResourceRequest
	inputs map[string]any
	mu     sync.Mutex
}

// madeOf are the inputs of the cluster that the component registers.
func madeOf(t *testing.T, args components.ClusterArgs) *registered {
	t.Helper()
	r := &registered{}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
			WorkspaceID: pulumi.String(workspace), Location: pulumi.String("westeurope"), Cluster: args,
		})
		return err
	}, pulumi.WithMocks("facts", "test", r))
	require.NoError(t, err)
	require.NotNil(t, r.rpc)
	return r
}

func (r *registered) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if args.Custom {
		r.rpc, r.inputs = args.RegisterRPC, args.Inputs.Mappable()
	}
	state := args.Inputs.Copy()
	state["identity"] = resource.NewProperty(resource.PropertyMap{
		"type": resource.NewProperty("SystemAssigned"), "principalId": resource.NewProperty(cluster)})
	return workspace + "/computes/cpu", state, nil
}

func (*registered) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return resource.PropertyMap{}, nil
}

// clustersOfSandbox are the sandbox's answers.
func (w *world) clustersOfSandbox() asked {
	return asked{
		"cluster change": func(t *testing.T, input string) string {
			body := func(value any) map[string]any {
				body := map[string]any{"location": "westeurope", "tags": map[string]any{},
					"identity": map[string]any{"type": "None"}, "properties": map[string]any{"computeType": "AmlCompute",
						"properties": map[string]any{"vmSize": "Standard_D4ds_v5",
							"scaleSettings": map[string]any{"maxNodeCount": 1}}}}
				if value != nil {
					set(body, value, strings.Split(input, ".")...)
				}
				return body
			}
			values, known := clusterValues[input]
			require.True(t, known, input)
			at := workspace + "/computes/c" + uuid.NewString()[:8]
			made := w.arm(t, http.MethodPut, at, "2024-04-01", body(values[0]))
			require.Equal(t, http.StatusCreated, made.status, made.body)
			if changed := w.arm(t, http.MethodPut, at, "2024-04-01", body(values[1])); changed.status != http.StatusOK {
				return anotherCluster
			}
			return inPlace
		},
		"cluster subnet": func(t *testing.T, input string) string {
			in := group + "/providers/Microsoft.MachineLearningServices/workspaces/w" + uuid.NewString()[:8]
			properties := map[string]any{}
			switch {
			case strings.HasSuffix(input, "with a managed network"):
				properties["managedNetwork"] = map[string]any{"isolationMode": "AllowInternetOutbound"}
			case strings.HasSuffix(input, "is disabled"):
				properties["managedNetwork"] = map[string]any{"isolationMode": "Disabled"}
			}
			made := w.arm(t, http.MethodPut, in, "2024-04-01",
				map[string]any{"location": "westeurope", "properties": properties})
			require.Equal(t, http.StatusOK, made.status, made.body)
			body := clusterBody("westeurope", "", nil)
			set(body, map[string]any{"id": subnetOf(t, input)}, "properties", "properties", "subnet")
			return accepted(w.arm(t, http.MethodPut, in+"/computes/cpu", "2024-04-01", body).status == http.StatusCreated)
		},
		"cluster PATCH": func(t *testing.T, input string) string {
			at := workspace + "/computes/p" + uuid.NewString()[:8]
			require.Equal(t, http.StatusCreated, w.compute(t, at[strings.LastIndex(at, "/")+1:], "westeurope", "None").status)
			body := map[string]any{}
			set(body, clusterValues[input][1], strings.Split(input, ".")...)
			return accepted(w.arm(t, http.MethodPatch, at, "2024-04-01", body).status == http.StatusOK)
		},
		"cluster DELETE": func(t *testing.T, input string) string {
			at := workspace + "/computes/d" + uuid.NewString()[:8]
			require.Equal(t, http.StatusCreated, w.compute(t, at[strings.LastIndex(at, "/")+1:], "westeurope", "None").status)
			version := strings.TrimSuffix("2024-04-01&"+strings.TrimPrefix(input, "no query"), "&")
			return accepted(w.arm(t, http.MethodDelete, at, version, nil).status < http.StatusBadRequest)
		},
		"nodes in another region than the workspace": func(t *testing.T, input string) string {
			made := w.arm(t, http.MethodPut, workspace+"/computes/in-"+input, "2024-04-01", clusterBody("westeurope", input,
				map[string]any{"type": "SystemAssigned"}))
			require.Equal(t, http.StatusCreated, made.status, made.body)
			if w.mounts(t, "in-"+input, made.at("identity", "principalId").(string)) {
				return "identity works"
			}
			return "identity does not work"
		},
		"nodes without a region of their own": func(t *testing.T, _ string) string {
			made := w.arm(t, http.MethodPut, workspace+"/computes/near", "2024-04-01", clusterBody("westeurope", "", nil))
			return made.at("properties", "computeLocation").(string)
		},
		"default identity": func(t *testing.T, input string) string {
			first, more := pair(input)
			principals := map[string]string{}
			block := map[string]any{}
			for _, name := range []string{first, more} {
				got := w.arm(t, http.MethodPut, identityNamed(name), "2023-01-31", map[string]any{"location": "westeurope"})
				principals[name] = got.at("properties", "principalId").(string)
				block[identityNamed(name)] = map[string]any{}
			}
			made := w.arm(t, http.MethodPut, workspace+"/computes/several", "2024-04-01", clusterBody("westeurope", "",
				map[string]any{"type": "UserAssigned", "userAssignedIdentities": block}))
			require.Equal(t, http.StatusCreated, made.status, made.body)
			for _, name := range []string{first, more} {
				if w.mounts(t, "several", principals[name]) {
					return name
				}
			}
			return "none"
		},
		"image is pulled": w.imageIsPulled,
	}
}

func clusterBody(location, nodes string, identity map[string]any) map[string]any {
	properties := map[string]any{"computeType": "AmlCompute", "properties": map[string]any{
		"vmSize": "Standard_D4ds_v5", "scaleSettings": map[string]any{"maxNodeCount": 1}}}
	if nodes != "" {
		properties["computeLocation"] = nodes
	}
	body := map[string]any{"location": location, "properties": properties}
	if identity != nil {
		body["identity"] = identity
	}
	return body
}

// clusterValues are two values of a cluster's property; the first is nil if the property is not set at first.
var clusterValues = map[string][2]any{
	"tags":     {map[string]any{"a": "1"}, map[string]any{"a": "2"}},
	"identity": {map[string]any{"type": "None"}, map[string]any{"type": "SystemAssigned"}},
	"location": {"westeurope", "northeurope"},

	"properties.computeLocation":  {"westeurope", "northeurope"},
	"properties.description":      {"a", "b"},
	"properties.disableLocalAuth": {true, false},

	"properties.properties.vmSize":             {"Standard_D4ds_v5", "Standard_D8ds_v5"},
	"properties.properties.vmPriority":         {"Dedicated", "LowPriority"},
	"properties.properties.enableNodePublicIp": {true, false},
	"properties.properties.remoteLoginPortPublicAccess": {"Disabled",
		"Enabled"},
	"properties.properties.subnet": {nil, map[string]any{"id": group +
		"/providers/Microsoft.Network/virtualNetworks/v/subnets/s"}},
	"properties.properties.userAccountCredentials": {
		map[string]any{"adminUserName": "ann"}, map[string]any{"adminUserName": "bob"},
	},
	"properties.properties.scaleSettings": {map[string]any{"maxNodeCount": 1}, map[string]any{"maxNodeCount": 2}},
}

// set sets a value at a path of keys.
func set(body map[string]any, value any, keys ...string) {
	for ; len(keys) > 1; keys = keys[1:] {
		below, is := body[keys[0]].(map[string]any)
		if !is {
			below = map[string]any{}
			body[keys[0]] = below
		}
		body = below
	}
	body[keys[0]] = value
}

// mounts reports whether a job on the cluster gets its data if, besides ann, only the principal may read it.
func (w *world) mounts(t *testing.T, compute, principal string) bool {
	t.Helper()
	require.NoError(t, w.Seed(azure.Seed{Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart",
		DefaultDeployment: "blue", Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"},
			{Name: "away", ComputeName: "away"}, {Name: compute, ComputeName: compute}}}}}))
	defer w.grant(t, principal, reader, rows)()
	defer w.grant(t, ann, reader, rows)()
	started := w.start(t, ann, ml, compute, jobBody("InputData", "in", map[string]any{"JobInputType": "UriFolder",
		"Uri": "https://lake.blob.core.windows.net/rows/a"}))
	require.Equal(t, http.StatusCreated, started.status, started.body)
	return w.job(t, started.body["name"].(string)).at("properties", "status") == "Completed"
}

// imageIsPulled starts a job in a sandbox of its own, whose workspace has a container registry with this mode.
func (*world) imageIsPulled(t *testing.T, input string) string {
	mode, role := pair(input)
	const registry = group + "/providers/Microsoft.ContainerRegistry/registries/images"
	w := newWorld(t)
	require.NoError(t, w.Seed(azure.Seed{
		ContainerRegistries: []azure.ContainerRegistry{{ID: registry, AdminUser: mode == "adminUser", ABAC: mode == "abac"}},
		Workspaces:          []azure.Workspace{{ID: workspace, Location: "westeurope", ContainerRegistryID: registry}},
	}))
	if role != "nothing" {
		d, known := azure.BuiltInRole(role)
		require.True(t, known, role)
		w.grant(t, cluster, d.ID, registry)
	}
	defer w.grant(t, cluster, reader, rows)()
	defer w.grant(t, ann, reader, rows)()
	started := w.start(t, ann, ml, "blue", jobBody("InputData", "in", map[string]any{"JobInputType": "UriFolder",
		"Uri": "https://lake.blob.core.windows.net/rows/a"}))
	require.Equal(t, http.StatusCreated, started.status, started.body)
	job := w.job(t, started.body["name"].(string))
	if job.at("properties", "status") != "Completed" {
		require.Contains(t, job.at("properties", "error", "message"), "may not pull")
		return "no"
	}
	return "yes"
}
