package azure

// An Identity has the managed identities of a resource, as Resource Manager answers them: the object IDs of the
// system-assigned one ("" for none), and of the user-assigned ones by ARM ID.
type Identity struct {
	PrincipalID  string `json:"principalId"`
	UserAssigned map[string]struct {
		PrincipalID string `json:"principalId"`
	} `json:"userAssignedIdentities"`
}
