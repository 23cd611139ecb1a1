package inference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// What the hops of a job need at the container or above (Azure: Storage Blob Data Reader and Contributor).
const (
	readContainer = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
	readBlobs     = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	writeBlobs    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
)

// streamAccess is how Azure reports storage that an identity may not open.
const streamAccess = "ScriptExecutionException was caused by StreamAccessException. StreamAccessException was caused by AuthenticationException."

// run lets a job go through its inputs and then its outputs, each in the order of their names, and returns the first
// failure; nil when it completes. Literals are not data.
func run(st *state.State, job *state.Job) *state.Failure {
	for _, pass := range []struct {
		kind, hop, action string
		list              map[string]any
	}{
		{"input", "read", readBlobs, job.Inputs},
		{"output", "write", writeBlobs, job.Outputs},
	} {
		for _, name := range slices.Sorted(maps.Keys(pass.list)) {
			entry, _ := pass.list[name].(map[string]any)
			uri, _ := entry["Uri"].(string)
			if uri == "" {
				continue
			}
			h := hops{st: st, job: job, what: state.Detail{Code: pass.kind, Message: name}}
			if failure := h.access(uri, pass.hop, pass.action); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// hops are those of one input or output.
type hops struct {
	st   *state.State
	job  *state.Job
	what state.Detail
}

// access keeps the seed's table: a data store with credentials opens itself; of everything else the cluster identity
// mounts the storage, and the job identity, who is the invoker, reads or writes it.
func (h hops) access(uri, hop, action string) *state.Failure {
	where, err := locate(h.st, uri)
	if err != nil {
		return h.fail("mount", "NotFound", "", uri, err.Error())
	}
	cluster := h.st.Resources[armid.Key(h.job.Compute)]
	if cluster == nil {
		return h.fail("mount", "ComputeNotFound", "", where.scope(), fmt.Sprintf("the compute %s does not exist", h.job.Compute))
	}
	if where.storeHasCredentials {
		return nil
	}
	if failure := h.mount(cluster, where, action); failure != nil {
		return failure
	}
	if h.st.Resources[armid.Key(where.scope())] == nil {
		return h.fail("mount", "ContainerNotFound", "", where.scope(), fmt.Sprintf("the container %q does not exist in %s", where.container, where.accountID))
	}
	if rbac.Of(h.st, h.job.InvokerID, where.scope()).DataAction(action) || byACL(h.st, where, h.job.InvokerID, action) {
		return nil
	}
	return h.fail(hop, "ScriptExecution.StreamAccess.Authentication", h.job.InvokerID, where.scope(), fmt.Sprintf(
		"%s the job identity %s may not perform data action %s at %s", streamAccess, h.job.InvokerID, action, where.scope()))
}

// mount succeeds when any of the cluster's identities that may be used can read the container, and for an output write
// to it (inferred: the seed speaks of inputs alone).
func (h hops) mount(cluster *state.Resource, where place, action string) *state.Failure {
	identities := clusterIdentities(h.st, cluster)
	if len(identities) == 0 {
		return h.fail("mount", "ScriptExecution.StreamAccess.Authentication", "", where.scope(), fmt.Sprintf(
			"%s the compute %s has no managed identity with which to mount %s", streamAccess, cluster.ID, where.scope()))
	}
	for _, identity := range identities {
		access := rbac.Of(h.st, identity, where.scope())
		if access.Action(readContainer) && access.DataAction(action) || byACL(h.st, where, identity, action) {
			return nil
		}
	}
	return h.fail("mount", "ScriptExecution.StreamAccess.Authentication", strings.Join(identities, ","), where.scope(), fmt.Sprintf(
		"%s the cluster identity %s of %s may not mount %s", streamAccess, strings.Join(identities, ", "), cluster.ID, where.scope()))
}

// clusterIdentities are the object IDs with which a cluster mounts: its system-assigned identity if it has one, else
// any of its user-assigned ones.
func clusterIdentities(st *state.State, cluster *state.Resource) []string {
	if cluster.Identity == nil {
		return nil
	}
	if cluster.Identity.SystemPrincipalID != "" {
		return []string{cluster.Identity.SystemPrincipalID}
	}
	var ids []string
	for _, id := range cluster.Identity.UserAssigned {
		if identity := st.Resources[armid.Key(id)]; identity != nil {
			if principal, ok := identity.Properties["principalId"].(string); ok {
				ids = append(ids, principal)
			}
		}
	}
	return ids
}

func (h hops) fail(hop, code, identity, storage, message string) *state.Failure {
	return &state.Failure{Code: code, Message: message, Details: []state.Detail{
		{Code: "hop", Message: hop}, h.what, {Code: "identity", Message: identity}, {Code: "storage", Message: storage},
	}}
}
