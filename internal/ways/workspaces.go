package ways

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// place returns where an action of the table that leads into the workspace acts; "" for an action that is looked at
// separately.
func (w Workspace) place(l roles.Escalation) string {
	switch {
	case w.Vault != "" && strings.HasPrefix(l.Action.Name, "Microsoft.KeyVault/"):
		return ""
	case strings.HasPrefix(l.Action.Name, "Microsoft.ContainerRegistry/"):
		return cmp.Or(w.Registry, w.ID)
	}
	return w.ID
}

// escalate returns the surest hops by which a principal gets to where an action leads for which passes is true; at says
// where the action acts, "" for nowhere.
func (f *finder) escalate(id string, at func(roles.Escalation) string, passes func(roles.Escalation) bool) (
	best []access.Hop) {
	for _, l := range roles.Escalations() {
		place := at(l)
		if l.To == roles.Nowhere || !passes(l) || place == "" {
			continue
		}
		if hops := f.best(id, l, place); hops != nil && (best == nil || weight(hops) < weight(best)) {
			best = hops
		}
	}
	return best
}

// kinded sets the kind of the last hop.
func kinded(kind access.HopKind, hops []access.Hop) []access.Hop {
	hops = slices.Clone(hops)
	hops[len(hops)-1].Kind = kind
	return hops
}

// maybe returns the hops with the last one undecided.
func maybe(hops []access.Hop, missing string) []access.Hop {
	hops = slices.Clone(hops)
	last := &hops[len(hops)-1]
	last.Undecided, last.Missing = true, cmp.Or(last.Missing, missing)
	return hops
}

func to(targets ...roles.Target) func(roles.Escalation) bool {
	return func(l roles.Escalation) bool {
		return slices.Contains(targets, l.To) && !strings.HasPrefix(l.Action.Name, "Microsoft.Storage/")
	}
}

// codes has the surest hops by which a principal runs its own code in a workspace: on any cluster, and on the clusters
// of single endpoints.
type codes struct {
	anywhere []access.Hop
	at       map[string][]access.Hop // by endpoint
}

func (f *finder) codesOf(id string, w Workspace) codes {
	key := [2]string{id, w.ID}
	if c, done := f.codes[key]; done {
		return c
	}
	c := codes{anywhere: f.escalate(id, w.place, to(roles.ToClusters)), at: map[string][]access.Hop{}}
	write := roles.Escalation{Action: roles.WriteDeployment}
	if c.anywhere == nil || undecided(c.anywhere) {
		for _, e := range w.Endpoints {
			if hops := f.best(id, write, w.ID+"/batchEndpoints/"+e.Name); hops != nil {
				c.at[e.Name] = hops
			}
		}
	}
	f.codes[key] = c
	return c
}

// code returns those hops for one cluster; "" is a cluster that the principal makes.
func (f *finder) code(id string, w Workspace, cluster string) []access.Hop {
	c := f.codesOf(id, w)
	best := c.anywhere
	for _, e := range w.Endpoints {
		hops := c.at[e.Name]
		if hops == nil {
			continue
		}
		if !slices.Contains(e.Clusters, cluster) {
			hops = maybe(hops, "no document says whether a deployment may name a cluster on which its writer has no right")
		}
		if best == nil || weight(hops) < weight(best) {
			best = hops
		}
	}
	if best != nil && best[len(best)-1].Needs == roles.WriteDeployment.Name {
		best = slices.Clone(best)
		by := &best[len(best)-1]
		by.GivenBy = "changing " + cmp.Or(deploymentOn(w, cluster), "a deployment to run on it") + " (" + by.GivenBy + ")"
	}
	return best
}

func deploymentOn(w Workspace, cluster string) string {
	for _, e := range w.Endpoints {
		if slices.Contains(e.Clusters, cluster) {
			return "the deployment of " + e.Name
		}
	}
	return ""
}

func (f *finder) inWorkspaces(id string) (all []step) {
	for _, w := range f.Workspaces {
		for _, c := range w.Clusters {
			if hops := f.code(id, w, c.Name); hops != nil && fold(c.Principal) != id {
				all = append(all, step{hops: kinded(access.CodeHop, hops), to: stage{principal: fold(c.Principal)}})
			}
		}
		all = append(all, f.toInstances(id, w)...)
		secrets, vault := f.escalate(id, w.place, to(roles.ToStores)), f.vault(id, w)
		for _, s := range w.Stores {
			for _, hops := range [][]access.Hop{secrets, vault} {
				if hops == nil || s.Kind == NoCredential {
					continue
				}
				hops = kinded(access.SecretHop, hops)
				if s.Kind == "" {
					hops = maybe(hops, "whether the data store holds a credential is not known here")
				}
				all = append(all, step{hops: hops, to: stage{store: storeID(w, s)}})
			}
		}
		if w.Unlisted != "" {
			others := func(what string, kind access.HopKind, hops []access.Hop) {
				if hops != nil {
					all = append(all, step{hops: maybe(kinded(kind, hops), w.Unlisted), ends: what + " of workspace " +
						arm.Last(w.ID)})
				}
			}
			others(othersClusters, access.CodeHop, f.code(id, w, ""))
			others(othersStores, access.SecretHop, secrets)
		}
		all = append(all, f.toWorkspaceKeys(id, w, vault)...)
		for _, target := range []roles.Target{roles.ToSecrets, roles.ToNotebooks, roles.ToData} {
			if hops := f.escalate(id, w.place, to(target)); hops != nil {
				kind := map[bool]access.HopKind{true: access.DataHop, false: access.SecretHop}[target == roles.ToData]
				all = append(all, step{hops: kinded(kind, hops), ends: ofWorkspace(target, w)})
			}
		}
	}
	return all
}

// ofWorkspace is the text for what a target is in a workspace; it names one that is not the stack's.
func ofWorkspace(to roles.Target, w Workspace) string {
	of := " of workspace " + arm.Last(w.ID)
	switch {
	case w.Own:
		return string(to)
	case to == roles.ToNotebooks:
		return "the secrets of the notebooks" + of
	case to == roles.ToData:
		return "what data stores and assets" + of + " stand for"
	}
	return string(to) + of
}

// toWorkspaceKeys leads to the keys of a workspace's own storage account, where the workspace keeps the code that runs.
func (f *finder) toWorkspaceKeys(id string, w Workspace, vault []access.Hop) (all []step) {
	what := "the keys of the workspace's storage account"
	if !w.Own {
		what = "the keys of the storage account of workspace " + arm.Last(w.ID)
	}
	best := f.escalate(id, w.place, to(roles.ToWorkspaceStorage))
	if w.Account != "" {
		for _, l := range keyLeads {
			if hops := f.best(id, l, w.Account); hops != nil && (best == nil || weight(hops) < weight(best)) {
				best = hops
			}
		}
	}
	if vault != nil && (best == nil || weight(vault) < weight(best)) {
		best = vault // facts/failures.md: the vault has the secrets of stores, and the default stores' open the account
	}
	best = f.opens(id, w.Account, best)
	if best != nil {
		best = kinded(access.SecretHop, best)
		all = append(all, step{hops: best, ends: what})
		if w.Account != "" {
			all = append(all, step{hops: best, to: stage{account: fold(w.Account)}})
		}
	}
	if written := f.writes(id, w.Account); written != nil && (best == nil || weight(written) < weight(best)) {
		best = written
	}
	for _, c := range w.Clusters {
		if best != nil && fold(c.Principal) != id {
			all = append(all, step{hops: maybe(best, "no document says that what is overwritten in the workspace's storage "+
				"then runs"), to: stage{principal: fold(c.Principal)}})
		}
	}
	return all
}
