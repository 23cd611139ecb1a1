package arm

import "regexp"

// markForm is whose an assignment is: project/stack, and the name of the resource.
var markForm = regexp.MustCompile(`\[batchaccess:([^\]/]+/[^\]/]+)/([^\]]+)\]$`)

// AssignedBy reads from an assignment's description which stack made it, as project/stack, and under which name. Both
// are "" where it does not say.
func AssignedBy(description string) (stack, name string) {
	m := markForm.FindStringSubmatch(description)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
