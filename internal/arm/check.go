package arm

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
)

var (
	endpointForm = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)
	// Versions of assets are segments of ARM IDs and URIs.
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
)

// IsEndpointName reports whether an endpoint or a deployment may have the name: 3 to 32 characters, a letter first,
// single hyphens inside (facts/batch-endpoints.md).
func IsEndpointName(name string) bool {
	return len(name) >= 3 && len(name) <= 32 && endpointForm.MatchString(name)
}

// CheckAssetVersion returns what is wrong with a version of a data asset. Only clients know labels, and turn them into
// versions; the service takes versions (facts/batch-endpoints.md).
func CheckAssetVersion(version string) (p problem.Problem, wrong bool) {
	switch {
	case strings.EqualFold(version, "latest") || strings.Contains(version, "@"):
		return problem.Problem{What: fmt.Sprintf("%q is a label and not a version", version),
			Fix: "write the version's own name, such as 3 (az ml data list)"}, true
	case !versionForm.MatchString(version):
		return problem.Problem{What: fmt.Sprintf("%q is not the version of a data asset", version),
			Fix: "write the version alone, such as 3"}, true
	}
	return problem.Problem{}, false
}

// CheckDefaultIdentity returns what is wrong if the first of a cluster's user-assigned identities, given by ARM ID,
// can't be its default one. Azure takes the first as the default (facts/compute-clusters.md). It is sent an object
// whose keys encoding/json sorts, so only the first in that order can be it. That Azure keeps the order of the keys is
// inferred. Leave out texts that are not known.
func CheckDefaultIdentity(first string, more ...string) (p problem.Problem, wrong bool) {
	for _, other := range more {
		if first != "" && other != "" && other < first {
			return problem.Problem{What: fmt.Sprintf("%s stands before %s in the alphabetical order in which Azure is sent "+
				"them, and "+
				"Azure takes the first identity for the default one, which mounts data", Last(other), first),
				Fix: "make " + Last(other) + " the userAssignedIdentityId, or use an identity with a later name"}, true
		}
	}
	return problem.Problem{}, false
}
