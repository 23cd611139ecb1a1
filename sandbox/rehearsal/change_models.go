package rehearsal

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// movedAccounts refuses accounts that were moved to another group or subscription. Names of accounts are unique in
// all of Azure, so the sandbox can't have the account at both places, as a rehearsal would need. Assignments at a
// resource do not move with it
// (learn.microsoft.com/azure/azure-resource-manager/management/move-resource-group-and-subscription).
func movedAccounts(old, now access.Model) error {
	was := map[string]string{} // ID by name
	for _, id := range old.StorageAccounts {
		was[strings.ToLower(path.Base(id.Text()))] = id.Text()
	}
	var ps access.Problems
	for _, name := range slices.Sorted(maps.Keys(now.StorageAccounts)) {
		id := now.StorageAccounts[name].Text()
		if before, there := was[strings.ToLower(path.Base(id))]; there && !strings.EqualFold(before, id) {
			ps.Add("storageAccounts."+name, "rehearse the new version by itself, without --from, and deploy it right after the "+
				"account is moved: assignments at its old ID do not move with it", "is %s, moved from %s, and Azure has one "+
				"account of a name, so that the change can't be rehearsed", id, before)
		}
	}
	return ps.Err()
}

// apart is the new model, with another name for everything that somebody has to change in the workspace by hand: a data
// store that points elsewhere, an endpoint in another workspace.
func (c *change) apart() access.Model {
	old, m := c.Old.Model, c.New.Model
	const next = "next"
	type place struct {
		account, container string
		credential         bool
	}
	at := func(m access.Model, account, container string, credential *bool) place {
		return place{strings.ToLower(m.StorageAccounts[account].Text()), container, credential != nil && *credential}
	}
	stores := map[string]place{}
	for _, d := range old.DataInputs {
		stores[d.DataStore] = at(old, d.StorageAccount, d.Container, d.CredentialInStore)
	}
	for _, d := range old.DataOutputs {
		stores[d.DataStore] = at(old, d.StorageAccount, d.Container, d.CredentialInStore)
	}
	moved := func(store string, now place) bool {
		was, there := stores[store]
		return store != "" && there && was != now
	}
	m.DataInputs, m.DataOutputs = maps.Clone(m.DataInputs), maps.Clone(m.DataOutputs)
	for name, d := range m.DataInputs {
		if moved(d.DataStore, at(m, d.StorageAccount, d.Container, d.CredentialInStore)) {
			d.DataStore += next
			if d.DataAsset != "" {
				d.DataAsset += next
			}
			m.DataInputs[name] = d
		}
	}
	for name, d := range m.DataOutputs {
		if moved(d.DataStore, at(m, d.StorageAccount, d.Container, d.CredentialInStore)) {
			d.DataStore += next
			m.DataOutputs[name] = d
		}
	}
	if !strings.EqualFold(old.WorkspaceID.Text(), m.WorkspaceID.Text()) {
		endpoints := map[string]access.Endpoint{}
		for name, e := range m.EffectiveEndpoints() {
			endpoints[name+"-"+next] = e
		}
		m.Endpoints = endpoints
	}
	return m
}

// beside gives deployments that get another cluster a name of their own, and returns those names by
// endpoint/deployment: in Azure too somebody moves a deployment when the new cluster exists. Containers of an account
// that are in one seed are in both.
func beside(old azure.Seed, after *azure.Seed) map[string]string {
	renamed := map[string]string{}
	for i, e := range after.Endpoints {
		at := slices.IndexFunc(old.Endpoints, func(o azure.Endpoint) bool {
			return strings.EqualFold(o.WorkspaceID+"/"+o.Name, e.WorkspaceID+"/"+e.Name)
		})
		if at < 0 {
			continue
		}
		was := old.Endpoints[at]
		after.Endpoints[i].DefaultDeployment = ""
		for j, d := range e.Deployments {
			if slices.ContainsFunc(was.Deployments, func(o azure.Deployment) bool {
				return strings.EqualFold(o.Name, d.Name) && !strings.EqualFold(o.ComputeName, d.ComputeName)
			}) {
				e.Deployments[j].Name = "next-" + d.Name[:min(len(d.Name), 26)]
				renamed[e.Name+"/"+d.Name] = e.Deployments[j].Name
			}
		}
	}
	for i, a := range after.StorageAccounts {
		for _, o := range old.StorageAccounts {
			if strings.EqualFold(o.ID, a.ID) {
				after.StorageAccounts[i].HNS = a.HNS || o.HNS
				after.StorageAccounts[i].PublicContainers = append(a.PublicContainers, o.PublicContainers...)
			}
		}
	}
	return renamed
}

// deploymentOf is the deployment that a job on the path asks for by name, because the versions may have different
// defaults. With a World the endpoint has its own default, whatever the versions say.
func (c *change) deploymentOf(m access.Model, p access.Path) string {
	named := cmp.Or(p.Deployment, m.EffectiveEndpoints()[p.Endpoint].Deployment)
	if c.World != nil {
		return named
	}
	return cmp.Or(named, deployment)
}
