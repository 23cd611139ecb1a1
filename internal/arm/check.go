package arm

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
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

// dataForm is an https URL with a path behind its host.
var dataForm = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^\s\\]+$`)

// CheckDataURL returns what is wrong with a URL by which a job is told what to read: it says where the data is, and
// nothing more. Whoever may see the job would see a secret in it, and the article has data that is named by URL read by
// identities.
func CheckDataURL(text string) (p problem.Problem, wrong bool) {
	rest := strings.TrimPrefix(text, "https://")
	path, err := url.PathUnescape(rest)
	folders := strings.Split(path, "/")
	switch {
	case strings.ContainsAny(text, "?#@"):
		return problem.Problem{What: "holds more than the place of the data",
			Fix: "leave out what comes after ? or #, or before @: a SAS would be a secret in plain text; identities read " +
				"what is named by URL, or put the SAS into a data store and name that"}, true
	case !dataForm.MatchString(text) || err != nil:
		return problem.Problem{What: "is no https URL of a file or folder",
			Fix: "write https://<account>.blob.<storage of the cloud>/<container>/<path>, or dfs for blob with Data Lake " +
				"Gen2"}, true
	case slices.Contains(folders, ".") || slices.Contains(folders, ".."):
		return problem.Problem{What: "leaves its folder",
			Fix: "write the path from the top of the container, without . and .."}, true
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
				"them, and Azure takes the first identity for the default one, which mounts data", Last(other), first),
				Fix: "make " + Last(other) + " the userAssignedIdentityId, or use an identity with a later name"}, true
		}
	}
	return problem.Problem{}, false
}
