package access

import (
	"fmt"
	"regexp"
	"strings"
)

// The resource types that a model refers to by ARM ID.
const (
	WorkspaceType            = "Microsoft.MachineLearningServices/workspaces"
	StorageAccountType       = "Microsoft.Storage/storageAccounts"
	UserAssignedIdentityType = "Microsoft.ManagedIdentity/userAssignedIdentities"
)

// An ARMID is the ID of a top-level resource in Resource Manager, taken apart.
type ARMID struct {
	SubscriptionID, ResourceGroup, Type, Name string
}

var (
	guidForm  = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	armIDForm = regexp.MustCompile(`(?i)^/subscriptions/([^/\s]+)/resourceGroups/([^/\s]+)/providers/([^/\s]+/[^/\s]+)/([^/\s]+)$`)
)

// IsGUID reports whether s is a GUID as Azure writes it, in either case.
func IsGUID(s string) bool { return guidForm.MatchString(s) }

// ParseARMID takes apart the ID of a top-level resource and checks that it is of the wanted type, such as
// WorkspaceType. The error says what is wrong with the ID and what one of the type looks like.
func ParseARMID(id, wantType string) (ARMID, error) {
	want := fmt.Sprintf("write /subscriptions/<id>/resourceGroups/<group>/providers/%s/<name>", wantType)
	m := armIDForm.FindStringSubmatch(id)
	if m == nil {
		return ARMID{}, fmt.Errorf("%q is not the ARM ID of a resource; %s", id, want)
	}
	parsed := ARMID{SubscriptionID: m[1], ResourceGroup: m[2], Type: m[3], Name: m[4]}
	if !strings.EqualFold(parsed.Type, wantType) {
		return ARMID{}, fmt.Errorf("%q is the ID of a %s; %s", id, parsed.Type, want)
	}
	if !IsGUID(parsed.SubscriptionID) {
		return ARMID{}, fmt.Errorf("%q: the subscription %q is not a GUID; %s", id, parsed.SubscriptionID, want)
	}
	return parsed, nil
}

// Subscription is the scope of the ID's subscription.
func (id ARMID) Subscription() string { return "/subscriptions/" + id.SubscriptionID }

// Group is the scope of the ID's resource group.
func (id ARMID) Group() string { return id.Subscription() + "/resourceGroups/" + id.ResourceGroup }

// ContainerID is the ARM ID of a container (or file system) of a storage account; of the account itself for no container.
func ContainerID(accountID, container string) string {
	if container == "" {
		return accountID
	}
	return accountID + "/blobServices/default/containers/" + container
}

// ScopeID is the ARM ID of a scope of the model. The error says which ID of the model is wrong or not known.
func (m Model) ScopeID(s Scope) (string, error) {
	if s.StorageAccount != "" {
		id := m.StorageAccounts[s.StorageAccount]
		if _, err := ParseARMID(id, StorageAccountType); err != nil {
			return "", fmt.Errorf("storageAccounts.%s: %w (if it is encrypted, write it in plain text: it is no secret)", s.StorageAccount, err)
		}
		return ContainerID(id, s.Container), nil
	}
	workspace, err := ParseARMID(m.WorkspaceID, WorkspaceType)
	if err != nil {
		return "", fmt.Errorf("workspaceId: %w (if it is encrypted, write it in plain text: it is no secret)", err)
	}
	switch RoleScope(s.Level) {
	case AtSubscription:
		return workspace.Subscription(), nil
	case AtResourceGroup:
		return workspace.Group(), nil
	default:
		return m.WorkspaceID, nil
	}
}

// RoleScopeID returns the ARM ID of the scope at which the invokers' role is assigned, if the workspace is known.
func (m Model) RoleScopeID() (string, bool) {
	id, err := m.ScopeID(Scope{Level: string(m.Role.EffectiveScope())})
	return id, err == nil
}
