package verify

import (
	"context"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
)

const (
	readVault = "Microsoft.KeyVault/vaults/read"
	// vaultVersion is Microsoft.KeyVault's API version (learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get).
	vaultVersion = "2023-07-01"
)

// A compute is Resource Manager's answer about a compute of the workspace: a cluster or an instance.
type compute struct {
	Name       string         `json:"name"`
	Identity   azure.Identity `json:"identity"`
	Properties struct {
		Type       string `json:"computeType"`
		Properties struct {
			Sharing  string `json:"applicationSharingPolicy"`
			Personal struct {
				User struct {
					ID string `json:"objectId"`
				} `json:"assignedUser"`
			} `json:"personalComputeInstanceSettings"`
			Created struct {
				ID string `json:"userId"`
			} `json:"createdBy"`
		} `json:"properties"`
	} `json:"properties"`
}

// principals returns the object IDs of its identities.
func (c compute) principals() (all []string) {
	if c.Identity.PrincipalID != "" {
		all = append(all, c.Identity.PrincipalID)
	}
	for _, identity := range c.Identity.UserAssigned {
		all = append(all, identity.PrincipalID)
	}
	slices.Sort(all)
	return all
}

// neighbours asks for the parts of the workspace that the model does not have and that indirect ways use: its key
// vault, and its other computes.
func (o *Observer) neighbours(ctx context.Context, m access.Model, f *Facts) {
	var answer struct {
		Properties struct {
			Vault   string `json:"keyVault"`
			Account string `json:"storageAccount"`
		} `json:"properties"`
	}
	_, err := o.get(ctx, m.WorkspaceID.Text(), azure.ServicesVersion, "asking where the workspace keeps its own",
		readWorkspace, &answer)
	f.Account = answer.Properties.Account
	if f.unanswered(err) == "" && answer.Properties.Vault != "" {
		f.Vault = o.vault(ctx, answer.Properties.Vault, f)
	}
	f.Computes, err = list[compute](ctx, o, "asking for the computes of the workspace", readComputes,
		azure.Version(m.WorkspaceID.Text()+"/computes", azure.WorkspaceVersion, ""))
	f.UnlistedComputes = f.unanswered(err)
	for _, c := range f.Computes {
		for id, identity := range c.Identity.UserAssigned {
			f.Resources[strings.ToLower(identity.PrincipalID)] = id
		}
	}
}

func (o *Observer) vault(ctx context.Context, id string, f *Facts) ways.Vault {
	var answer struct {
		Properties struct {
			Roles    bool `json:"enableRbacAuthorization"`
			Policies []struct {
				ID          string `json:"objectId"`
				Permissions struct {
					Secrets []string `json:"secrets"`
				} `json:"permissions"`
			} `json:"accessPolicies"`
		} `json:"properties"`
	}
	there, err := o.get(ctx, id, vaultVersion, "asking who opens the key vault "+arm.Last(id), readVault, &answer)
	if why := f.unanswered(err); why != "" {
		return ways.Vault{ID: id, Unknown: why}
	}
	if !there {
		return ways.Vault{}
	}
	v := ways.Vault{ID: id, ByPolicies: !answer.Properties.Roles}
	for _, p := range answer.Properties.Policies {
		if slices.ContainsFunc(p.Permissions.Secrets, ways.ReadsSecrets) {
			v.Readers = append(v.Readers, p.ID)
		}
	}
	return v
}

// neighbours adds those parts to the estate.
func (h *holdings) neighbours(e *ways.Estate) {
	w := &e.Workspaces[0]
	if h.facts.Vault.ID != "" {
		w.Vault, e.Vaults = h.facts.Vault.ID, append(e.Vaults, h.facts.Vault)
	}
	w.Registry = h.facts.Workspace.ContainerRegistry
	if why := h.facts.UnlistedComputes; why != "" {
		w.Unlisted = "other clusters of the workspace are not known: " + why
	}
	for _, c := range h.facts.Computes {
		instance := strings.EqualFold(c.Properties.Type, "ComputeInstance")
		own := slices.IndexFunc(w.Clusters, func(of ways.Cluster) bool {
			return strings.EqualFold(h.m.Clusters[of.Name].NameOr(of.Name), c.Name)
		})
		principals := c.principals()
		if own >= 0 {
			// facts/compute-clusters.md, Identity: the first mounts; code may ask for a token of any by its client ID.
			principals = slices.DeleteFunc(principals, func(id string) bool {
				return strings.EqualFold(id, w.Clusters[own].Principal)
			})
			c.Name = w.Clusters[own].Name
		}
		for _, id := range principals {
			if !slices.ContainsFunc(e.Principals, func(p ways.Principal) bool { return strings.EqualFold(p.ID, id) }) {
				name := "identity " + id + " of compute " + c.Name
				e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{name},
					Elsewhere: "what " + name + " holds outside of the stack's resource groups is not asked"})
			}
			if !instance {
				w.Clusters = append(w.Clusters, ways.Cluster{Name: c.Name, Principal: id})
			}
		}
		if of := c.Properties.Properties; instance {
			user := of.Personal.User.ID
			if user == "" {
				user = of.Created.ID
			}
			if user != "" {
				stranger(e, user, "user of compute "+c.Name)
			}
			w.Instances = append(w.Instances, ways.Instance{Name: c.Name, User: user,
				Shared: strings.EqualFold(of.Sharing, "Shared"), Principals: principals})
		}
	}
	for i := range e.Accounts {
		e.Accounts[i].KeysOff = h.facts.KeysOff[strings.ToLower(e.Accounts[i].ID)]
	}
	for _, t := range h.facts.Trusted {
		n := slices.IndexFunc(e.Applications, func(a ways.Application) bool { return strings.EqualFold(a.Principal, t.Of) })
		if n < 0 {
			n, e.Applications = len(e.Applications), append(e.Applications, ways.Application{Name: t.Name, Principal: t.Of})
		}
		if t.Secret != "" {
			e.Applications[n].Secrets = append(e.Applications[n].Secrets, t.Secret)
			continue
		}
		e.Applications[n].Federated = append(e.Applications[n].Federated,
			ways.Federated{Issuer: t.Issuer, Subject: t.Subject})
	}
}
