package inference

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// The actions that the steps of a job need at the container or above (facts/built-in-roles.json: Storage Blob Data
// Reader, Contributor).
const (
	readContainer = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
	readBlobs     = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	writeBlobs    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
)

// Azure's codes for storage that could not be opened: by the cluster, by the job identity, and for an output by either
// (facts/failures.md).
const (
	mountCode    = "ScriptExecution.StreamAccess.Authentication"
	mountMessage = "ScriptExecutionException was caused by StreamAccessException. " +
		"StreamAccessException was caused by AuthenticationException."
	readCode      = "DataAccessError(PermissionDenied)"
	writeCode     = "ScriptExecution.WriteStreams.Authentication"
	notFoundCode  = "DataAccessError(NotFound)"
	undecidedCode = wire.NotModelledCode
)

// run tries a job's inputs and then its outputs, each in the order of their names, and returns the first failure; nil
// if there is none. Literals are not data.
//
// Before that, the job uses the workspace's own stores, image and registries.
func run(st *state.State, job *state.Job) *state.Failure {
	for _, step := range []func(*state.State, *state.Job) *state.Failure{sharedRegistries, image, ownStores} {
		if failure := step(st, job); failure != nil {
			return failure
		}
	}
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
			h := hops{st: st, job: job, what: state.Detail{Code: pass.kind, Message: name},
				folder: entry["JobInputType"] == "UriFolder" || entry["JobOutputType"] == "UriFolder"}
			if failure := h.access(uri, pass.hop, pass.action); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// hops runs the hops of one input or output.
type hops struct {
	st   *state.State
	job  *state.Job
	what state.Detail
	// folder: the data is a folder, not a file.
	folder bool
}

// access follows the article's table. A data store with credentials opens itself. For all other data, the cluster
// identity mounts the storage, and the job identity, which is the invoker, reads or writes it.
func (h hops) access(uri, hop, action string) *state.Failure {
	where, err := locate(h.st, armid.Parse(h.job.Endpoint).Parent(), uri)
	if err != nil {
		return h.fail("mount", notFoundCode, "", uri, err.Error())
	}
	cluster := h.st.Resources[armid.Key(h.job.Compute)]
	if cluster == nil {
		return h.fail("mount", "ComputeNotFound", "", where.scope(),
			fmt.Sprintf("the compute %s does not exist", h.job.Compute))
	}
	if where.storeHasCredentials {
		return nil
	}
	account := h.st.Resources[armid.Key(where.accountID)]
	if closed(account) {
		return h.fail("mount", undecidedCode, "", where.scope(), fmt.Sprintf(
			"the sandbox does not model networks: whether the cluster reaches %s, which is closed to public "+
				"networks, is not known", account.ID))
	}
	if action == readBlobs && public(account, h.st.Resources[armid.Key(where.scope())]) {
		return nil
	}
	if failure := h.mount(cluster, where, action); failure != nil {
		return failure
	}
	if h.st.Resources[armid.Key(where.scope())] == nil {
		return h.fail("mount", notFoundCode, "", where.scope(),
			fmt.Sprintf("the container %q does not exist in %s", where.container, where.accountID))
	}
	answer := h.storage(where, action).may(rbac.ByToken(h.st, h.job.InvokerID, where.scope(), h.job.TokenAt))
	if answer == role.Yes || answer != role.Denied &&
		byACL(h.st, where, h.folder, h.job.InvokerID, h.job.TokenAt, action) {
		return nil
	}
	code := readCode
	if action == writeBlobs {
		code = writeCode
	}
	return h.refuse(hop, code, answer, h.job.InvokerID, where.scope(), fmt.Sprintf(
		"%s: the job identity %s may not perform data action %s at %s", code, h.job.InvokerID, action, where.scope()))
}

// closed reports whether a storage account has a firewall, or no public network.
func closed(account *state.Resource) bool {
	acls, _ := account.Properties["networkAcls"].(map[string]any)
	network, _ := account.Properties["publicNetworkAccess"].(string)
	action, _ := acls["defaultAction"].(string)
	return network != "" && !strings.EqualFold(network, "Enabled") || strings.EqualFold(action, "Deny")
}

// public reports whether anyone may read a container: both the container and its account must allow it
// (facts/batch-endpoints.md).
func public(account, container *state.Resource) bool {
	if container == nil || account.Properties["allowBlobPublicAccess"] != true {
		return false
	}
	level, _ := container.Properties["publicAccess"].(string)
	return strings.EqualFold(level, "Container") || strings.EqualFold(level, "Blob")
}

// mount succeeds if the cluster's default identity can see and read the container, as Storage Blob Data Reader can, and
// for an output can write blobs to it. That an output needs nothing more is inferred: the article speaks of inputs
// only.
func (h hops) mount(cluster *state.Resource, where place, action string) *state.Failure {
	hop, code, message, verb := "mount", mountCode, mountMessage, "mount"
	if action == writeBlobs { // the sheet has one error for any identity that may not write
		hop, code, message, verb = "write", writeCode, writeCode+":", "write to"
	}
	identity := defaultIdentity(h.st, cluster)
	if identity == "" {
		return h.fail(hop, code, "", where.scope(), fmt.Sprintf(
			"%s the compute %s has no managed identity with which to %s %s", message, cluster.ID, verb, where.scope()))
	}
	access := rbac.Of(h.st, identity, where.scope())
	answer := h.storage(where, action).may(access)
	if action == readBlobs {
		answer = min(answer, access.Action(readContainer))
	}
	if answer == role.Yes || answer != role.Denied && byACL(h.st, where, h.folder, identity, time.Time{}, action) {
		return nil
	}
	return h.refuse(hop, code, answer, identity, where.scope(), fmt.Sprintf(
		"%s the cluster identity %s of %s may not %s %s", message, identity, cluster.ID, verb, where.scope()))
}

// defaultIdentity is the object ID that a cluster mounts with (facts/compute-clusters.md): its system-assigned
// identity, or the first user-assigned one; "" if it has none. The identity of a cluster in another location than its
// workspace does not work, without any error from Azure.
func defaultIdentity(st *state.State, cluster *state.Resource) string {
	workspace := st.Resources[armid.Key(armid.Parse(cluster.ID).Parent())]
	if cluster.Identity == nil || workspace == nil || !armid.SameLocation(cluster.Location, workspace.Location) {
		return ""
	}
	if cluster.Identity.SystemPrincipalID != "" || len(cluster.Identity.UserAssigned) == 0 {
		return cluster.Identity.SystemPrincipalID
	}
	identity := st.Resources[armid.Key(cluster.Identity.UserAssigned[0])]
	if identity == nil {
		return ""
	}
	principal, _ := identity.Properties["principalId"].(string)
	return principal
}

// beforeCode are the hops of a job before its code runs.
var beforeCode = []string{"registry", "image", "stores", "mount"}

// OnNode is the object ID of the identity that the code of a job asks for data with, and the version of that code. The
// identity is the cluster's default (facts/compute-clusters.md, Identity: code on the node finds its client ID). It is
// "" for a job that failed before its data was mounted: it ran no code.
func OnNode(st *state.State, job *state.Job) (identity, code string) {
	cluster := st.Resources[armid.Key(job.Compute)]
	if cluster == nil || job.Failure != nil && slices.Contains(beforeCode, job.Failure.Hop()) {
		return "", ""
	}
	return defaultIdentity(st, cluster), job.Code
}

// InputOf is where the code of a job finds an input: the container's ARM ID, and the path in it. Both are "" for a job
// that failed before it read the input, or has no such input.
func InputOf(st *state.State, job *state.Job, name string) (containerID, path string) {
	entry, _ := job.Inputs[name].(map[string]any)
	uri, _ := entry["Uri"].(string)
	if uri == "" || job.Failure != nil {
		return "", ""
	}
	where, err := locate(st, armid.Parse(job.Endpoint).Parent(), uri)
	if err != nil {
		return "", ""
	}
	return where.scope(), where.path
}

// refuse is the failure of an identity that may not open storage, or for which that is undecided.
func (h hops) refuse(hop, code string, answer role.Answer, identity, storage, message string) *state.Failure {
	if answer == role.Undecided {
		code = undecidedCode
	}
	return h.fail(hop, code, identity, storage, message)
}

func (h hops) fail(hop, code, identity, storage, message string) *state.Failure {
	return &state.Failure{Code: code, Message: message, Details: []state.Detail{
		{Code: "hop", Message: hop}, h.what, {Code: "identity", Message: identity}, {Code: "storage", Message: storage},
	}}
}
