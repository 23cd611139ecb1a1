package access

import (
	"cmp"
)

// A ClusterIdentity says which managed identities a compute cluster has.
type ClusterIdentity string

// The identities that a cluster may have. The default identity is the one that mounts data.
const (
	SystemAssigned ClusterIdentity = "systemAssigned"
	UserAssigned   ClusterIdentity = "userAssigned"
	BothAssigned   ClusterIdentity = "both" // refused: Azure does not support it
	NoIdentity     ClusterIdentity = "none"
)

// clusterIdentities are the values that a cluster may have. BothAssigned is known, and refused.
var clusterIdentities = []string{string(SystemAssigned), string(UserAssigned), string(NoIdentity)}

// A Cluster is a compute cluster on which deployments run. Its managed identity mounts the data of every job.
type Cluster struct {
	// Owner is the person or team that answers for the cluster, in free text; "" where the model does not say.
	Owner string
	// ComputeName is the cluster's name in the workspace: 3 to 32 letters, digits and hyphens. Default: Was, or else
	// its name in the model.
	ComputeName string
	// Was is the cluster's earlier name in the model; "" if it has not been renamed.
	Was string
	// Existing is set where the cluster exists before the stack does. Its identity is then looked up, unless
	// PrincipalID gives its object ID.
	Existing    bool
	PrincipalID ID
	// Identity of a cluster made by the stack. Default: systemAssigned.
	Identity ClusterIdentity
	// UserAssignedIdentityID is the ARM ID of an identity that exists; not given if the stack makes the identity.
	UserAssignedIdentityID ID
	// MoreIdentityIDs are the ARM IDs of further user-assigned identities that exist. None of them mounts data; the code
	// of jobs may sign in as each.
	MoreIdentityIDs []ID
}

// EffectiveIdentity is Identity, or its default.
func (c Cluster) EffectiveIdentity() ClusterIdentity { return cmp.Or(c.Identity, SystemAssigned) }

// NameOr returns the cluster's name in the workspace; name is its name in the model. A cluster that was renamed in the
// model keeps its name in Azure, which can't be changed.
func (c Cluster) NameOr(name string) string { return cmp.Or(c.ComputeName, c.Was, name) }

// Problems returns what is wrong with a cluster, looked at alone; the paths are names of its own fields.
func (c Cluster) Problems() Problems {
	var v validator
	v.cluster("", c)
	return v.Problems
}
