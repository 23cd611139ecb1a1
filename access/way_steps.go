package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

func shortAction(name string) string {
	return strings.TrimPrefix(name, "Microsoft.MachineLearningServices/workspaces/")
}

// identitiesToBecome returns the identities that a way may lead to.
func (c checker) identitiesToBecome() map[Principal]bool {
	all := map[Principal]bool{}
	for _, name := range sorted(c.Model.Clusters) {
		if own, acts := c.identity[ClusterPrincipal(name)]; acts {
			all[own] = true
		}
		for _, s := range c.furtherIdentities(ClusterPrincipal(name)) {
			all[s.as] = true
		}
	}
	for _, s := range c.hosted(Principal{}) {
		all[s.as] = true
	}
	sure, unsure := c.attachable(Principal{})
	for _, s := range slices.Concat(sure, unsure) {
		all[s.as] = true
	}
	return all
}

// A stage is what somebody has got on a way: an identity to act as, the key of a storage account, what an account holds
// without its key, or the credential of the data store of an input or output.
type stage struct {
	as      Principal
	account string
	public  string // an account, open to everyone or copied
	acls    string // an account whose ACLs they change, for themselves
	other   string // the ARM ID of an identity of which the model does not say what it holds
	store   datum
}

// Opened is what somebody has after a hop. One field is set: an identity to act as, a cluster's or an invoker's; a
// storage account whose keys are known, by its name in the model; an input or output whose data store's credential is
// known.
type Opened struct {
	As            Principal
	Account       string
	Input, Output string
}

func (s stage) opened() Opened {
	o := Opened{As: s.as, Account: s.account, Input: s.store.name}
	if s.store.output {
		o.Input, o.Output = "", s.store.name
	}
	return o
}

// end is the text for what a way to the stage ends at.
func (c checker) end(s stage) string {
	switch {
	case s.store != datum{}:
		return "the credential of data store " + cmp.Or(c.Model.at(s.store).DataStore, "of "+s.store.name)
	case s.account != "":
		return "the keys of storage account " + s.account
	case s.other != "":
		return "managed identity " + arm.Last(s.other)
	}
	return s.as.asserted()
}

// A step leads to stages or, if it has none, ends at what its hop needs.
type step struct {
	hop Hop
	to  []stage
}

// steps returns where a stage leads, the decided ones first.
func (c checker) steps(from stage) (all []step) {
	switch {
	case from.store != datum{}:
		account := c.Model.at(from.store).StorageAccount
		if account == "" {
			return nil
		}
		return []step{{Hop{Kind: SecretHop, Identity: "the credential of " + from.store.name, Needs: "it to be a key",
			GivenBy: "the store's credential", Undecided: true,
			Missing: "a key opens all of " + account + ", a SAS what it says; which of them the store holds is " +
				"not known here"}, []stage{{account: account}}}}
	case from.account+from.public+from.acls+from.other != "":
		return nil
	}
	_, unsure := c.attachable(from.as)
	for _, l := range c.escalations(from.as) {
		kind, to := c.targets(l.To, from.as)
		l.hop.Kind = kind
		switch l.To {
		case roles.ToGrants, roles.ToSecrets, roles.ToNotebooks, roles.ToData, roles.ToWorkspaceStorage:
			// These secrets are worth something by themselves.
			end := l.hop
			end.Needs = string(l.To)
			if l.To == roles.ToGrants {
				end.Needs += " at the " + string(c.Model.Role.EffectiveScope())
			}
			all = append(all, step{hop: end})
		}
		if l.To == roles.ToWorkspaceStorage {
			l.hop.Undecided = true
			l.hop.Missing = cmp.Or(l.hop.Missing, "which account is the workspace's own is not known here")
		}
		for _, s := range to {
			hop := c.onto(l.hop, s, from.as)
			if kind != CodeHop && slices.Contains(unsure, s) {
				hop.Undecided, hop.Missing = true, cmp.Or(hop.Missing, "where the identity lies is not known here")
			}
			all = append(all, step{hop, []stage{s}})
		}
	}
	return all
}

// onto returns the hop as it leads to one stage.
func (c checker) onto(hop Hop, to stage, of Principal) Hop {
	if to.store != (datum{}) && c.Model.at(to.store).CredentialInStore == nil {
		hop.Undecided = true
		hop.Missing = cmp.Or(hop.Missing, "whether the data store holds a credential is not known here")
	}
	if hop.Kind == CodeHop && c.isFurther(to) {
		hop.Takes = append(slices.Clip(hop.Takes), FurtherIdentity)
	}
	if hop.Needs == roles.WriteDeployment.Name {
		on := c.deploymentOn(to.as, c.endpointsOf(of))
		if on == "" && c.Model.Role.ByEndpoint() {
			// facts/batch-endpoints.md: each deployment may name another cluster.
			hop.Undecided = true
			hop.Missing = cmp.Or(hop.Missing, "no document says whether a deployment may name a cluster on which its writer "+
				"has no right")
		}
		hop.GivenBy = "changing " + cmp.Or(on, "a deployment to run on it") + " (" + hop.GivenBy + ")"
	}
	return hop
}

// deploymentOn returns the text for a deployment that runs as the identity; "" for none. If the role is assigned at
// endpoints, only deployments of those endpoints count.
func (c checker) deploymentOn(identity Principal, endpoints map[string]bool) string {
	for _, j := range c.jobs {
		if c.identity[j.cluster] != identity || c.Model.Role.ByEndpoint() && !endpoints[j.endpoint] {
			continue
		}
		if name := cmp.Or(j.deployment, c.Model.EffectiveEndpoints()[j.endpoint].Deployment); name != "" {
			return "the deployment " + target(j.endpoint, name)
		}
		return "the deployment of " + j.endpoint
	}
	return ""
}

// targets returns the stages that a target of a role opens to an identity.
func (c checker) targets(to roles.Target, of Principal) (kind HopKind, all []stage) {
	m := c.Model
	clusters := func() (all []stage) {
		add := func(s stage) {
			if s.as != of && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
		for _, name := range sorted(m.Clusters) {
			if own, acts := c.identity[ClusterPrincipal(name)]; acts {
				add(stage{as: own})
			}
			for _, s := range c.furtherIdentities(ClusterPrincipal(name)) {
				add(s)
			}
		}
		return all
	}
	accounts := func() (all []stage) {
		for _, name := range sorted(m.StorageAccounts) {
			if c.roleCovers(name) {
				all = append(all, stage{account: name})
			}
		}
		return all
	}
	switch to {
	case roles.ToClusters, toDeployments:
		return CodeHop, clusters()
	case roles.ToWorkspaceStorage:
		return SecretHop, clusters()
	case roles.ToAccounts:
		return SecretHop, accounts()
	case roles.ToAccountData:
		for _, s := range accounts() {
			all = append(all, stage{public: s.account})
		}
		return GrantHop, all
	case roles.ToACLs:
		for _, s := range accounts() {
			if m.KindOf(s.account) != roles.Flat { // only a hierarchical namespace has ACLs
				all = append(all, stage{acls: s.account})
			}
		}
		return GrantHop, all
	case roles.ToStores:
		for _, d := range m.data() {
			in := m.at(d)
			if in.Mechanism() == ByStoreCredential || in.InWorkspace() && in.CredentialInStore == nil {
				all = append(all, stage{store: d})
			}
		}
		return SecretHop, all
	case roles.ToHosts:
		return CodeHop, c.hosted(of)
	case roles.ToIdentities, roles.ToAttach:
		sure, unsure := c.attachable(of)
		return IdentityHop, slices.Concat(sure, unsure)
	case roles.ToGrants:
		sure, unsure := c.attachable(of)
		return GrantHop, slices.Concat(clusters(), accounts(), sure, unsure)
	case roles.ToData:
		return DataHop, nil
	default:
		return SecretHop, nil
	}
}

// furtherIdentity is what code gets that signs in as a further identity of its cluster (facts/compute-clusters.md,
// Identity): one of the model's, or one of which the model says no more.
func (c checker) furtherIdentity(id ID) stage {
	for _, i := range c.Identities {
		for _, p := range i.Names {
			of := c.Model.Clusters[p.Name].UserAssignedIdentityID.Text()
			if !p.IsCluster() {
				of = c.Model.Invokers[p.Name].ResourceID
			}
			if of != "" && strings.EqualFold(of, id.Text()) {
				return stage{as: i.Names[0]}
			}
		}
	}
	return stage{other: cmp.Or(id.Text(), "known after the deployment")}
}

// furtherIdentities returns what code on a cluster gets beside the cluster's own identity.
func (c checker) furtherIdentities(cluster Principal) (all []stage) {
	for _, id := range c.Model.Clusters[cluster.Name].MoreIdentityIDs {
		if s := c.furtherIdentity(id); s != (stage{as: c.identity[cluster]}) && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// onCluster returns the steps of code that runs on a cluster and needs to change nothing for them.
func (c checker) onCluster(p Principal) (all []step) {
	if !p.IsCluster() {
		return nil
	}
	for _, to := range c.furtherIdentities(p) {
		all = append(all, step{Hop{Kind: IdentityHop, Identity: p.String(), Needs: "a token of " + c.end(to),
			GivenBy: FurtherIdentity, Takes: []string{FurtherIdentity}}, []stage{to}})
	}
	return all
}

// FurtherIdentity is among what a hop takes if code signs in as another identity of its cluster than the first.
const FurtherIdentity = "signing in as a further identity of the cluster"

// isFurther reports whether code gets to a stage as a further identity of a cluster alone.
func (c checker) isFurther(s stage) bool {
	for _, name := range sorted(c.Model.Clusters) {
		if own, acts := c.identity[ClusterPrincipal(name)]; acts && s == (stage{as: own}) {
			return false
		}
	}
	return slices.ContainsFunc(sorted(c.Model.Clusters), func(name string) bool {
		return slices.Contains(c.furtherIdentities(ClusterPrincipal(name)), s)
	})
}

// hosted returns the identities that may be attached to resources which the model does not have and which the
// invokers' role may change. Below a workspace there are none.
func (c checker) hosted(of Principal) (all []stage) {
	if level := c.Model.Role.EffectiveScope(); level != AtResourceGroup && level != AtSubscription {
		return nil
	}
	add := func(p Principal) {
		if own, acts := c.identity[p]; acts && own != of && !slices.Contains(all, stage{as: own}) {
			all = append(all, stage{as: own})
		}
	}
	for _, name := range sorted(c.Model.Invokers) {
		if c.Model.Invokers[name].Kind == ManagedIdentity {
			add(InvokerPrincipal(name))
		}
	}
	for _, name := range sorted(c.Model.Clusters) {
		if c.Model.Clusters[name].EffectiveIdentity() == UserAssigned {
			add(ClusterPrincipal(name))
		}
	}
	return all
}

// attachable returns the user-assigned identities in the scope of the invokers' role: whoever may attach one, or give
// it a federated credential, acts as it. unsure are those whose place is not known. Identities that the stack makes
// are in the workspace's resource group; none is below a workspace. A system-assigned identity can be neither
// attached nor given a credential.
func (c checker) attachable(of Principal) (sure, unsure []stage) {
	scope, known := c.Model.RoleScopeID()
	level := c.Model.Role.EffectiveScope()
	if level != AtResourceGroup && level != AtSubscription {
		return nil, nil
	}
	add := func(p Principal, exists bool, id string) {
		own, acts := c.identity[p]
		if workspace, err := c.Model.Workspace(); !exists && err == nil {
			id = workspace.Group()
		}
		switch {
		case !acts || own == of:
		case !known || id == "":
			unsure = append(unsure, stage{as: own})
		case roles.Contains(scope, id):
			sure = append(sure, stage{as: own})
		}
	}
	for _, name := range sorted(c.Model.Invokers) {
		i := c.Model.Invokers[name]
		if i.Kind != ManagedIdentity {
			continue
		}
		if _, err := arm.Parse(i.ResourceID, arm.UserAssignedIdentity); i.ResourceID == "" || err == nil {
			add(InvokerPrincipal(name), i.Exists(), i.ResourceID)
		}
	}
	for _, name := range sorted(c.Model.Clusters) {
		if k := c.Model.Clusters[name]; k.EffectiveIdentity() == UserAssigned {
			add(ClusterPrincipal(name), k.Existing || k.UserAssignedIdentityID.Given(), k.UserAssignedIdentityID.Text())
		}
	}
	return sure, unsure
}
