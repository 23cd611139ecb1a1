package arm

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

// nameSpace is the namespace of the GUIDs that this project derives. Changing it replaces every assignment.
var nameSpace = version5([]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f,
	0xd4, 0x30,
	0xc8}, "https://github.com/batchaccess/batchaccess") // in the namespace of URLs: RFC 9562, 6.6

// version5 returns the UUID of a name in a namespace (RFC 9562, 5.5). github.com/google/uuid does the same, but imports
// the network, which the access model must not know.
func version5(space []byte, name string) []byte {
	sum := sha1.Sum(append(append([]byte{}, space...), name...))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return id
}

// GUID derives a GUID from its parts, without regard to letter case: the same parts give the same GUID, on every
// machine and in every run.
func GUID(parts ...string) string {
	s := hex.EncodeToString(version5(nameSpace, strings.ToLower(strings.Join(parts, "|"))))
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

// AssignmentGUID returns the name of the assignment of a role to a principal at a scope. It is derived from the three,
// so that a second run, or one after a lost state, finds the same assignment and does not get a 409. The role may be
// given as a GUID or as an ARM ID in either of Azure's two forms.
func AssignmentGUID(scope, principalID, roleDefinitionID string) string {
	return GUID(strings.TrimSuffix(scope, "/"), principalID, Last(roleDefinitionID))
}
