// Package arm reads the IDs of Azure Resource Manager. It works on text alone: it knows no network and no model.
package arm

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// The resource types that this project refers to by ARM ID.
const (
	Workspace            = "Microsoft.MachineLearningServices/workspaces"
	StorageAccount       = "Microsoft.Storage/storageAccounts"
	ContainerRegistry    = "Microsoft.ContainerRegistry/registries"
	MLRegistry           = "Microsoft.MachineLearningServices/registries"
	UserAssignedIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities"
	DataFactory          = "Microsoft.DataFactory/factories"
	Site                 = "Microsoft.Web/sites" // an App Service or a Function App
	VirtualMachine       = "Microsoft.Compute/virtualMachines"
	KeyVault             = "Microsoft.KeyVault/vaults"
)

// IdentityTypes are the types of resources whose managed identity can be looked up by their ARM ID: user-assigned
// identities, and resources that may have a system-assigned one.
var IdentityTypes = []string{UserAssignedIdentity, DataFactory, Site, VirtualMachine}

// An ID is the parsed ID of a top-level resource.
type ID struct{ SubscriptionID, ResourceGroup, Type, Name string }

var (
	guidForm = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	idForm   = regexp.MustCompile(`(?i)^/subscriptions/([^/\s]+)/resourceGroups/([^/\s]+)/providers/([^/\s]+/[^/` +
		`\s]+)/([^/\s]+)$`)
)

// IsGUID reports whether s is a GUID as Azure writes it, in either case.
func IsGUID(s string) bool { return guidForm.MatchString(s) }

// NoGUID is the empty GUID, which many tools write for none. Entra gives it to nobody; in a deny assignment it means
// everybody (azure-docs, deny-assignments.md, beside facts/grants-access.md).
const NoGUID = "00000000-0000-0000-0000-000000000000"

// Parse parses the ID of a top-level resource and checks that it has one of the wanted types, such as Workspace; the
// result has the spelling of the wanted one. The error is a problem.Problem without a path.
func Parse(id string, wanted ...string) (ID, error) {
	fix := "write /subscriptions/<id>/resourceGroups/<group>/providers/" + strings.Join(wanted, " or ") + "/<name>"
	m := idForm.FindStringSubmatch(id)
	if m == nil {
		return ID{}, problem.Problem{What: fmt.Sprintf("%q is not the ARM ID of a resource", id), Fix: fix}
	}
	parsed := ID{SubscriptionID: m[1], ResourceGroup: m[2], Name: m[4]}
	for _, t := range wanted {
		if strings.EqualFold(m[3], t) {
			parsed.Type = t
		}
	}
	if parsed.Type == "" {
		return ID{}, problem.Problem{What: fmt.Sprintf("%q is the ID of a %s", id, m[3]), Fix: fix}
	}
	if !IsGUID(parsed.SubscriptionID) {
		return ID{}, problem.Problem{What: fmt.Sprintf("%q: the subscription %q is not a GUID", id, parsed.SubscriptionID),
			Fix: fix}
	}
	return parsed, nil
}

// Subscription returns the scope of the ID's subscription.
func (id ID) Subscription() string { return "/subscriptions/" + id.SubscriptionID }

// Group returns the scope of the ID's resource group.
func (id ID) Group() string { return id.Subscription() + "/resourceGroups/" + id.ResourceGroup }

// Container returns the ARM ID of a container (or file system) of a storage account; without a container, of the
// account.
func Container(accountID, container string) string {
	if container == "" {
		return accountID
	}
	return accountID + "/blobServices/default/containers/" + container
}

// BatchEndpoint returns the ARM ID of a batch endpoint of a workspace.
func BatchEndpoint(workspaceID, name string) string { return workspaceID + "/batchEndpoints/" + name }

// Last returns the last segment of an ID: the name of a resource, or the GUID of a role definition.
func Last(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// Same reports whether Azure takes two texts as one ID: letter case and slashes around it do not count.
func Same(a, b string) bool { return strings.EqualFold(strings.Trim(a, "/"), strings.Trim(b, "/")) }
