package access

import (
	"cmp"
	"fmt"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A ClusterIdentity says which managed identities a compute cluster has.
type ClusterIdentity string

// The identities that a cluster may have. Where it has both, its default identity, the one that mounts, is the
// system-assigned one.
const (
	SystemAssigned ClusterIdentity = "systemAssigned"
	UserAssigned   ClusterIdentity = "userAssigned"
	BothAssigned   ClusterIdentity = "both" // refused: Azure does not support it
	NoIdentity     ClusterIdentity = "none"
)

// clusterIdentities are the values; both is known, and refused.
var clusterIdentities = []string{string(SystemAssigned), string(UserAssigned), string(NoIdentity)}

// A Cluster is a compute cluster on which deployments run. Its managed identity mounts the data of every job.
type Cluster struct {
	// Owner is who answers for it, in free text; "" where the model does not say.
	Owner string
	// ComputeName is its name in the workspace: 3 to 32 letters, digits and hyphens. "" for Was, or its name in the model.
	ComputeName string
	// Was is the name that the cluster had in the model before; "" where it has always had this one.
	Was string
	// Existing is set where the cluster is there before the stack is; its identity is then looked up, unless PrincipalID
	// gives its object ID.
	Existing    bool
	PrincipalID ID
	// Identity of a cluster made by the stack. Default: systemAssigned.
	Identity ClusterIdentity
	// UserAssignedIdentityID is the ARM ID of an identity that exists; not given if the stack makes one.
	UserAssignedIdentityID ID
	// MoreIdentityIDs are the ARM IDs of further user-assigned identities that exist. None of them mounts data; the code
	// of jobs may sign in as each.
	MoreIdentityIDs []ID
}

// EffectiveIdentity is Identity, or its default.
func (c Cluster) EffectiveIdentity() ClusterIdentity { return cmp.Or(c.Identity, SystemAssigned) }

// NameOr returns the cluster's name in the workspace; name is its name in the model. One that was renamed there keeps
// the name that it has in Azure, which can't be changed.
func (c Cluster) NameOr(name string) string { return cmp.Or(c.ComputeName, c.Was, name) }

// CheckDefaultIdentity returns what is wrong where the first of a cluster's user-assigned identities, by their ARM IDs,
// is meant to be its default one. Azure takes the first (facts/compute-clusters.md), and is sent an object whose keys
// encoding/json has sorted, so only what is first in that order can be. That Azure goes by the order of what it is sent
// is inferred. Texts that are not known are left out.
func CheckDefaultIdentity(first string, more ...string) (p problem.Problem, wrong bool) {
	for _, other := range more {
		if first != "" && other != "" && other < first {
			return problem.Problem{What: fmt.Sprintf("%s stands before %s in the alphabetical order in which Azure is sent "+
				"them, and "+
				"Azure takes the first identity for the default one, which mounts data", arm.Last(other), first),
				Fix: "make " + arm.Last(other) + " the userAssignedIdentityId, or use an identity with a later name"}, true
		}
	}
	return problem.Problem{}, false
}

// Problems returns what is wrong with a cluster by itself; the paths are those of its own fields.
func (c Cluster) Problems() Problems {
	var v validator
	v.cluster("", c)
	return v.Problems
}
