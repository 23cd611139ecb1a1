package arm

import (
	"strings"

	"github.com/google/uuid"
)

// nameSpace is the namespace of the GUIDs that this project derives. Changing it replaces every assignment.
var nameSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/batchaccess/batchaccess"))

// GUID derives a GUID from its parts, letter case aside: the same parts, the same GUID, on every machine and in every
// run.
func GUID(parts ...string) string {
	return uuid.NewSHA1(nameSpace, []byte(strings.ToLower(strings.Join(parts, "|")))).String()
}

// AssignmentGUID is the name of the assignment of a role, by its GUID or ARM ID, to a principal at a scope.
func AssignmentGUID(scope, principalID, roleDefinitionID string) string {
	return GUID(strings.TrimSuffix(scope, "/"), principalID, Last(roleDefinitionID))
}
