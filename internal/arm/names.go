package arm

import "regexp"

var (
	containerForm = regexp.MustCompile(`^(\$root|\$logs|\$web|[a-z0-9](-?[a-z0-9])*)$`)
	identityForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)
)

// IsContainerName reports whether a storage container (or file system) may have the name.
func IsContainerName(name string) bool {
	return len(name) >= 3 && len(name) <= 63 && containerForm.MatchString(name)
}

// IsIdentityName reports whether a user-assigned managed identity may have the name.
func IsIdentityName(name string) bool { return identityForm.MatchString(name) }
