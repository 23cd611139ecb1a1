package inference

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// What jobs use on the workspace's storage account if identities open the workspace's own stores
// (facts/batch-endpoints.md, "Workspace with identity-based system stores"): the sheet names roles, by who needs them.
// Inferred: cluster identities write blobs there, for outputs and logs, and a job needs the same whether a user or
// another principal starts it.
var (
	invokerUses = []string{"Storage Blob Data Contributor", "Storage File Data Privileged Contributor"}
	clusterUses = []string{"Storage Blob Data Contributor"}
	// Actions of parallel runs, which model deployments are. The sandbox does not know whether a step of a pipeline
	// component is one, and does not try them for it.
	parallelUses = []string{"Storage Table Data Contributor", "Storage Queue Data Contributor"}
)

// storesCode is storage's code for an identity without a data role (facts/failures.md, Reading and writing data). The
// phrase about the table is from there too. Which of them a job shows first is not documented.
const (
	storesCode   = "AuthorizationPermissionMismatch"
	tableMessage = "Failed to create table due to authorization failure: "
)

// ownStores tries the workspace's stores for code, logs and the state of parallel runs. With keys they open themselves.
func ownStores(st *state.State, job *state.Job) *state.Failure {
	workspace := st.Resources[armid.Key(armid.Parse(job.Endpoint).Parent())]
	if workspace == nil {
		return nil // a cluster without an identity fails anyway
	}
	h := hops{st: st, job: job, what: state.Detail{Code: "store", Message: "system data stores"}}
	mode, _ := workspace.Properties["systemDatastoresAuthMode"].(string)
	account, _ := workspace.Properties["storageAccount"].(string)
	switch {
	case mode == "" || strings.EqualFold(mode, "accesskey"):
		return nil
	case !strings.EqualFold(mode, "identity"):
		return h.fail("stores", undecidedCode, "", account, fmt.Sprintf(
			"the sandbox does not know the systemDatastoresAuthMode %q", mode))
	case st.Resources[armid.Key(account)] == nil:
		return h.fail("stores", undecidedCode, "", account, fmt.Sprintf(
			"the sandbox has no storage account %q, which is the workspace's own, so who opens it is not known", account))
	}
	cluster := st.Resources[armid.Key(job.Compute)]
	if cluster == nil {
		return nil // the mount of an input or output reports it
	}
	if failure := h.uses("the job identity", job.InvokerID, job.TokenAt, account, invokerUses); failure != nil {
		return failure
	}
	identity, uses := defaultIdentity(st, cluster), clusterUses
	deployment := st.Resources[armid.Key(job.Endpoint+"/deployments/"+job.Deployment)]
	if deployment == nil || !pipeline(deployment) {
		uses = slices.Concat(clusterUses, parallelUses)
	}
	return h.uses("the cluster identity of "+cluster.ID, identity, time.Time{}, account, uses)
}

// pipeline reports whether a deployment is of a pipeline component. Property and value are from BatchDeployment of
// Microsoft.MachineLearningServices 2024-10-01.
func pipeline(deployment *state.Resource) bool {
	configuration, _ := deployment.Properties["deploymentConfiguration"].(map[string]any)
	kind, _ := configuration["deploymentConfigurationType"].(string)
	return strings.EqualFold(kind, "PipelineComponent")
}

// uses tries all data actions of the roles, because no document says which of them a job needs.
func (h hops) uses(who, identity string, tokenAt time.Time, account string, names []string) *state.Failure {
	access := rbac.ByToken(h.st, identity, account, tokenAt)
	for _, name := range names {
		d, _ := role.BuiltInNamed(name)
		for _, p := range d.Permissions {
			for _, action := range p.DataActions {
				request := condition.Request{Action: action, Attributes: map[string]condition.Value{
					condition.AccountName: condition.Text(armid.Parse(account).Name()),
				}}
				answer := access.Request(request, true)
				if answer == role.Yes {
					continue
				}
				message := fmt.Sprintf("%s: %s %s may not perform data action %s at %s", storesCode, who, identity, action, account)
				if strings.Contains(action, "/tableServices/") {
					message = tableMessage + message
				}
				return h.refuse("stores", storesCode, answer, identity, account, message)
			}
		}
	}
	return nil
}

// serviceCode is the code of jobs that fail before they reach their data: no code is documented, but the phrases are
// (facts/failures.md, The job fails at start).
const serviceCode = "UserError"

// The actions that the invoker needs at a shared registry (facts/batch-endpoints.md, Inputs and outputs).
var registryActions = []string{
	"Microsoft.MachineLearningServices/registries/read", "Microsoft.MachineLearningServices/registries/assets/read",
}

// ofRegistry matches the reference to a model or environment of a shared registry.
var ofRegistry = regexp.MustCompile(`^azureml://registries/([^/]+)/`)

// sharedRegistries tries, as the invoker, the registries of the deployment's model and environment.
func sharedRegistries(st *state.State, job *state.Job) *state.Failure {
	deployment := st.Resources[armid.Key(job.Endpoint+"/deployments/"+job.Deployment)]
	if deployment == nil {
		return nil
	}
	h := hops{st: st, job: job, what: state.Detail{Code: "deployment", Message: job.Deployment}}
	model, _ := deployment.Properties["model"].(map[string]any)
	for _, asset := range []any{model["assetId"], deployment.Properties["environmentId"]} {
		text, _ := asset.(string)
		named := ofRegistry.FindStringSubmatch(text)
		if named == nil {
			continue
		}
		registry := registryNamed(st, named[1])
		if registry == nil {
			return h.fail("registry", undecidedCode, "", text, fmt.Sprintf(
				"the sandbox has no registry %q, so who may use it is not known", named[1]))
		}
		for _, action := range registryActions {
			if answer := rbac.ByToken(st, job.InvokerID, registry.ID, job.TokenAt).Action(action); answer != role.Yes {
				return h.refuse("registry", serviceCode, answer, job.InvokerID, registry.ID, fmt.Sprintf(
					"User/tenant/subscription is not allowed to access registry %s: %s lacks %s", named[1], job.InvokerID, action))
			}
		}
	}
	return nil
}

// registryNamed finds a registry by its name: a deployment does not give its subscription and group.
func registryNamed(st *state.State, name string) *state.Resource {
	for _, r := range st.Resources {
		if id := armid.Parse(r.ID); id.Is("Microsoft.MachineLearningServices/registries") &&
			strings.EqualFold(id.Name(), name) {
			return r
		}
	}
	return nil
}

// image tries to pull from the workspace's container registry as the cluster identity (facts/compute-clusters.md, Image
// pull). For a workspace without a registry nothing is known, and nothing is tried.
func image(st *state.State, job *state.Job) *state.Failure {
	workspace := st.Resources[armid.Key(armid.Parse(job.Endpoint).Parent())]
	cluster := st.Resources[armid.Key(job.Compute)]
	if workspace == nil || cluster == nil {
		return nil
	}
	id, _ := workspace.Properties["containerRegistry"].(string)
	if id == "" {
		return nil
	}
	h := hops{st: st, job: job, what: state.Detail{Code: "deployment", Message: job.Deployment}}
	registry := st.Resources[armid.Key(id)]
	if registry == nil {
		return h.fail("image", undecidedCode, "", id, fmt.Sprintf("the sandbox has no container registry %q", id))
	}
	if registry.Properties["adminUserEnabled"] == true {
		return nil
	}
	identity := defaultIdentity(st, cluster)
	access := rbac.Of(st, identity, id)
	answer := access.Action("Microsoft.ContainerRegistry/registries/pull/read")
	if registry.Properties["roleAssignmentMode"] == "AbacRepositoryPermissions" { // it ignores AcrPull
		answer = role.Yes
		for _, action := range []string{"metadata/read", "content/read"} {
			answer = min(answer, access.Request(condition.Request{
				Action: "Microsoft.ContainerRegistry/registries/repositories/" + action}, true))
		}
	}
	if identity == "" {
		answer = role.No
	}
	if answer == role.Yes {
		return nil
	}
	return h.refuse("image", serviceCode, answer, identity, id, fmt.Sprintf(
		"failed to pull image from %s.%s: denied: the cluster identity %s of %s may not pull",
		armid.Parse(id).Name(), cmp.Or(clouds.Of(st.Cloud).Registries, "azurecr.io"), identity, cluster.ID))
}
