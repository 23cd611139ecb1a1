package inference

import (
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// An operation is one request for data that a job sends. perhaps: only some clients send it.
type operation struct {
	condition.Request
	perhaps bool
}

type operations []operation

// utc is the form of a time in a condition (facts/conditions.md, Operators).
const utc = "2006-01-02T15:04:05.0000000Z"

// storage has the operations of a job on one input or output (facts/conditions.md, the operations of blobs). A folder
// is listed, with everything that may be below it, and each of its blobs is read. With a hierarchical namespace the
// folder's own properties are also read, and it may be listed without the final slash. An output is written.
func (h hops) storage(where place, action string) operations {
	path := strings.Trim(where.path, "/")
	inside := path
	if path != "" {
		inside += "/"
	}
	account := h.st.Resources[armid.Key(where.accountID)]
	at := func(path condition.Value) operation { return h.operation(where, action, "", path, condition.Absent()) }
	list := func(prefix condition.Value) operation {
		return h.operation(where, action, "Blob.List", condition.Absent(), prefix)
	}
	switch {
	case !h.folder:
		return operations{at(condition.Text(path))}
	case action == writeBlobs:
		return operations{at(condition.Below(inside))}
	}
	all := operations{list(condition.Text(inside)), list(condition.Below(inside)), at(condition.Below(inside))}
	if account.Properties["isHnsEnabled"] == true && path != "" {
		bare := list(condition.Text(path))
		bare.perhaps = true
		all = append(all, at(condition.Text(path)), bare)
	}
	return all
}

// operation has the attributes whose value the sandbox knows, and those that the request lacks: no job asks for a
// version or a snapshot. Networks, tags, encryption scopes and custom security attributes are unknown.
func (h hops) operation(where place, action, suboperation string, path, prefix condition.Value) operation {
	return operation{Request: condition.Request{
		Action: action, Suboperation: &suboperation,
		Attributes: map[string]condition.Value{
			condition.AccountName:   condition.Text(armid.Parse(where.accountID).Name()),
			condition.ContainerName: condition.Text(where.container),
			condition.BlobPath:      path, condition.BlobPrefix: prefix,
			condition.VersionID: condition.Absent(), condition.Snapshot: condition.Absent(),
			condition.UTCNow: condition.Text(h.st.Lag.Now().UTC().Format(utc)),
		},
	}}
}

// Blob reports whether a principal may do the data action on one blob, by roles or ACLs. Its token was issued at
// tokenAt, zero for a new one. The path is inside the container, without a slash at its beginning.
func Blob(
	st *state.State, account *state.Resource, container, path, principalID string, tokenAt time.Time, action string,
) role.Answer {
	where := place{accountID: account.ID, container: container, path: path}
	answer := hops{st: st}.storage(where, action).may(rbac.ByToken(st, principalID, where.scope(), tokenAt))
	if answer != role.Denied && answer != role.Yes && byACL(st, where, false, principalID, tokenAt, action) {
		return role.Yes
	}
	return answer
}

// List reports whether a principal may list, by roles, the blobs with a prefix in a container, given by its ARM ID; the
// prefix "" means all of it.
func List(st *state.State, containerID, principalID, prefix string) role.Answer {
	id := armid.Parse(containerID)
	where := place{accountID: armid.Parse(id.Parent()).Parent(), container: id.Name()}
	asked := condition.Absent()
	if prefix != "" {
		asked = condition.Text(prefix)
	}
	all := operations{hops{st: st}.operation(where, readBlobs, "Blob.List", condition.Absent(), asked)}
	return all.may(rbac.Of(st, principalID, containerID))
}

// Closed reports whether a storage account has a firewall, or no public network.
func Closed(account *state.Resource) bool { return closed(account) }

// may reports whether all operations are allowed.
func (all operations) may(access rbac.Access) role.Answer {
	answer := role.Yes
	for _, o := range all {
		one := access.Request(o.Request, true)
		if o.perhaps && one == role.No {
			one = role.Undecided
		}
		answer = min(answer, one)
	}
	return answer
}
