package inference

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// What is used on the storage account of a workspace whose own stores are opened by identities
// (facts/batch-endpoints.md, "Workspace with identity-based system stores"): the sheet names roles, by who needs them.
// That cluster identities write blobs there, for outputs and logs, and that a job of anybody but a user is no other, is
// inferred.
var (
	invokerUses = []string{"Storage Blob Data Contributor", "Storage File Data Privileged Contributor"}
	clusterUses = []string{"Storage Blob Data Contributor", "Storage Table Data Contributor",
		"Storage Queue Data Contributor"}
)

// storesCode is how storage refuses an identity without a data role (facts/failures.md, Reading and writing data); the
// phrase about the table is there too. Which of them a job shows first is not documented.
const (
	storesCode   = "AuthorizationPermissionMismatch"
	tableMessage = "Failed to create table due to authorization failure: "
)

// ownStores tries the stores that the workspace keeps code, logs and the state of parallel runs in. With keys they open
// themselves.
func ownStores(st *state.State, job *state.Job) *state.Failure {
	workspace := st.Resources[armid.Key(armid.Parse(job.Endpoint).Parent())]
	if workspace == nil {
		return nil // without one, nothing else works either
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
		return nil // said where something is mounted
	}
	if failure := h.uses("the job identity", job.InvokerID, account, invokerUses); failure != nil {
		return failure
	}
	return h.uses("the cluster identity of "+cluster.ID, defaultIdentity(st, cluster), account, clusterUses)
}

// uses tries all data actions of the roles: which of them a job needs is documented nowhere.
func (h hops) uses(who, identity, account string, names []string) *state.Failure {
	access := rbac.Of(h.st, identity, account)
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
