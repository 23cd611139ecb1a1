package arm

import "regexp"

// markForm matches the mark of an assignment: project/stack, and the name of the resource.
var markForm = regexp.MustCompile(`\[batchaccess:([^\]/]+/[^\]/]+)/([^\]]+)\]$`)

// AssignedBy returns the stack that made an assignment, as project/stack, and the name that it has there, by the
// assignment's description. Both are "" if it does not say.
func AssignedBy(description string) (stack, name string) {
	m := markForm.FindStringSubmatch(description)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
