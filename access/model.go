package access

import (
	"maps"
	"slices"

	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/roles"
)

// A Model is the access to one workspace. The keys of its maps are names by which its other parts refer to them.
type Model struct {
	WorkspaceID     ID     // ARM ID of the Azure Machine Learning workspace
	Environment     string // the cloud, as azure-native:environment names it; "" for public Azure
	Role            Role
	Invokers        map[string]Invoker
	Clusters        map[string]Cluster
	StorageAccounts map[string]ID // ARM IDs
	// StorageAccountsWere are the earlier names of storage accounts, by their present names.
	StorageAccountsWere map[string]string
	// StorageAccountKinds are flat or hierarchical, by the names of storage accounts.
	StorageAccountKinds map[string]roles.AccountKind
	// Services are what jobs use through the workspace, beside their data.
	Services services.WorkspaceServices
	// Registries are the ARM IDs of Azure Machine Learning registries that hold models and environments.
	Registries map[string]ID
	// SharedGrants are grants of the plan that another stack holds.
	SharedGrants map[string]SharedGrant
	DataInputs   map[string]DataInput
	DataOutputs  map[string]DataOutput
	Endpoints    map[string]Endpoint
	Assertions   map[string]Assertion
	// Ended is the latest end of access in the model that has passed, as LastEnd returns it; "" if none has.
	Ended string
}

// An Endpoint is a batch endpoint of the workspace. It names the clusters of its deployments and what its jobs read and
// write. The endpoint itself is made elsewhere; its name is its key in the model.
type Endpoint struct {
	// Cluster is the name, in this model, of the cluster that the deployment runs on. Default: looked up from the
	// endpoint's deployment.
	Cluster string `pulumi:"cluster,optional"`
	// Inputs are the names of the data inputs that its jobs read.
	Inputs []string `pulumi:"inputs,optional"`
	// Outputs are the names of the data outputs that its jobs write.
	Outputs []string `pulumi:"outputs,optional"`
	// Registries are the names of the shared registries that the models and environments of its deployments come from:
	// each of its invokers is granted AzureML Registry User there. An empty list means none. Default: with
	// workspace.lookUp, looked up from the deployments; without it, not looked at.
	Registries []string `pulumi:"registries,optional"`
	// ParallelRuns says whether its jobs are parallel runs, as jobs of models are. Where identities open the
	// workspace's own stores, a parallel run needs the table and queue roles too. Write false for a pipeline component
	// without a parallel step. Default: true.
	ParallelRuns *bool `pulumi:"parallelRuns,optional"`
	// Invokers are the names of the invokers who get data roles for this endpoint. Default: every invoker; an empty
	// list means nobody. An invoker who is left out gets no data for it, and may still start a job, unless role.scope
	// is endpoint. A group that the stack makes stands for its members too.
	Invokers []string `pulumi:"invokers,optional"`
	// InvokersUntil holds, by name, the last day of an invoker at this endpoint, such as 2027-03-31: from the following
	// midnight UTC on, the invoker gets no data for it.
	InvokersUntil map[string]string `pulumi:"invokersUntil,optional"`
	// Deployment is the name of the deployment to invoke. Default: the endpoint's own default.
	Deployment string `pulumi:"deployment,optional"`
	// Deployments are the endpoint's deployments by name, if it has several: whoever starts a job picks one, so
	// invokers get what each cluster needs. Deployments replace Cluster.
	Deployments map[string]Deployment `pulumi:"deployments,optional"`
	// Owner is the person or team that answers for it: free text of one line, at most 200 characters. explain and
	// review show it; it is not sent to Azure. Default: none.
	Owner string `pulumi:"owner,optional"`
}

// A Deployment is one of several deployments of an endpoint.
type Deployment struct {
	// Cluster is the name, in this model, of the cluster that it runs on. Default: looked up from the deployment.
	Cluster string `pulumi:"cluster,optional"`
	// Registries of this deployment, in place of the endpoint's. Default: the endpoint's.
	Registries []string `pulumi:"registries,optional"`
	// ParallelRuns says whether the jobs of this deployment are parallel runs. Default: the endpoint's value.
	ParallelRuns *bool `pulumi:"parallelRuns,optional"`
}

// EffectiveEndpoints returns the model's endpoints. If it has none, every cluster stands for an endpoint with its own
// name that reads every input, writes every output and may be invoked by everyone.
func (m Model) EffectiveEndpoints() map[string]Endpoint {
	if len(m.Endpoints) > 0 {
		return m.Endpoints
	}
	endpoints := make(map[string]Endpoint, len(m.Clusters))
	for name := range m.Clusters {
		endpoints[name] = Endpoint{Cluster: name, Inputs: sorted(m.DataInputs), Outputs: sorted(m.DataOutputs)}
	}
	return endpoints
}

// InvokersOf returns the names of those who may invoke the endpoint, with the groups that the stack makes for them,
// sorted.
func (m Model) InvokersOf(e Endpoint) []string {
	if e.Invokers == nil {
		return sorted(m.Invokers)
	}
	named := slices.DeleteFunc(slices.Clone(e.Invokers), func(name string) bool { _, is := m.Invokers[name]; return !is })
	return m.withMembers(named)
}

// A runsOn is one deployment: its cluster, its registries (nil where the model does not say), and whether its jobs are
// parallel runs. The name is "" for the only deployment of an endpoint.
type runsOn struct {
	deployment, cluster string
	registries          []string
	parallel            bool
}

// runsOn returns the endpoint's deployments, by name.
func (e Endpoint) runsOn() []runsOn {
	if len(e.Deployments) == 0 {
		return []runsOn{{"", e.Cluster, e.Registries, isParallel(e.ParallelRuns)}}
	}
	var all []runsOn
	for _, name := range sorted(e.Deployments) {
		d := e.Deployments[name]
		if d.Registries == nil {
			d.Registries = e.Registries
		}
		if d.ParallelRuns == nil {
			d.ParallelRuns = e.ParallelRuns
		}
		all = append(all, runsOn{name, d.Cluster, d.Registries, isParallel(d.ParallelRuns)})
	}
	return all
}

// Parallel reports whether the jobs of the named deployment are parallel runs; the name is "" for the only one.
func (e Endpoint) Parallel(deployment string) bool {
	for _, on := range e.runsOn() {
		if on.deployment == deployment {
			return on.parallel
		}
	}
	return isParallel(e.ParallelRuns)
}

func isParallel(said *bool) bool { return said == nil || *said }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
