package verify

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

// A way is how jobs get access to the data of an input or an output.
type way int

const (
	byIdentity  way = iota
	byKey           // the account's key, or a SAS signed with it
	bySAS           // a SAS signed by a key or by an identity: the data store does not say which
	byPrincipal     // a service principal whose secret is in the data store
	byNobody        // anonymous
)

// A use is the data of an input or an output in a storage account.
type use struct {
	path      string // path in the configuration
	account   string // the account's name
	id        string // the account's ARM ID; "" if it is not known
	container string // "" for the whole account
	way       way
}

// An account is a storage account's policies, with what was found about its containers.
type account struct {
	Properties struct {
		SharedKeys    *bool  `json:"allowSharedKeyAccess"` // Azure: not set is true
		Anonymous     *bool  `json:"allowBlobPublicAccess"`
		PublicNetwork string `json:"publicNetworkAccess"`
		Rules         struct {
			Default string `json:"defaultAction"`
			Subnets []struct {
				ID string `json:"id"`
			} `json:"virtualNetworkRules"`
		} `json:"networkAcls"`
	} `json:"properties"`

	there bool
	why   string // why it is not known
}

// A container is a container's answer about anonymous reading.
type container struct {
	Properties struct {
		PublicAccess string `json:"publicAccess"`
	} `json:"properties"`

	there bool
	why   string
}

// storage records what an account or a container refuses, or may refuse, whatever is granted.
func (o *Observer) storage(ctx context.Context, m access.Model, uses []use, f *Facts) {
	accounts, containers, nearby := map[string]account{}, map[string]container{}, map[string]string(nil)
	for _, u := range uses {
		if u.id == "" && nearby == nil {
			var err error
			if nearby, err = o.nearby(ctx, m); err != nil {
				f.unanswered(err)
			}
		}
		if u.id == "" {
			u.id = nearby[strings.ToLower(u.account)]
		}
		if u.id == "" {
			put(f.Doubts, u.path,
				fmt.Sprintf("storage account %s is not in the workspace's subscription, so its policies are not "+
					"known; add its ID to storageAccounts", u.account))
			continue
		}
		key := strings.ToLower(u.id)
		a, asked := accounts[key]
		if !asked {
			var err error
			a.there, err = o.get(ctx, u.id, azure.StorageVersion, "asking for the storage account "+u.account, readAccounts, &a)
			a.why = f.unanswered(err)
			accounts[key] = a
			f.KeysOff[key] = a.Properties.SharedKeys != nil && !*a.Properties.SharedKeys
		}
		put(f.Doubts, u.path, a.why)
		if a.why != "" {
			continue
		}
		put(f.Faults, u.path, a.refuses(u))
		put(f.Doubts, u.path, a.mayRefuse(u, m, f))
		if u.container == "" || !a.there {
			continue
		}
		at := u.id + "/blobServices/default/containers/" + url.PathEscape(u.container)
		c, asked := containers[strings.ToLower(at)]
		if !asked {
			var err error
			c.there, err = o.get(ctx, at, azure.StorageVersion, "asking for the container "+u.container+" of "+u.account,
				readContainers,
				&c)
			c.why = f.unanswered(err)
			containers[strings.ToLower(at)] = c
		}
		put(f.Doubts, u.path, c.why)
		if c.why == "" {
			put(f.Faults, u.path, c.refuses(u))
		}
	}
}

// refuses says why the account allows nobody to read in that way; "" if it may allow it.
func (a account) refuses(u use) string {
	p := a.Properties
	switch {
	case !a.there:
		return "storage account " + u.account + " is gone; correct " + u.path
	case u.way == byKey && p.SharedKeys != nil && !*p.SharedKeys:
		return fmt.Sprintf("storage account %s takes no keys (allowSharedKeyAccess is false), and the data store holds "+
			"one; make the store identity-based, and set %s.credentialInStore to false", u.account, u.path)
	case u.way == byNobody && (p.Anonymous == nil || !*p.Anonymous):
		return fmt.Sprintf("storage account %s lets nobody read without signing in "+
			"(allowBlobPublicAccess is not true); make %s "+
			"an input of kind blob or adlsGen2", u.account, u.path)
	}
	return ""
}

// mayRefuse says why it is undecided whether the account allows jobs in; "" if it does.
func (a account) mayRefuse(u use, m access.Model, f *Facts) string {
	p := a.Properties
	if u.way == bySAS && p.SharedKeys != nil && !*p.SharedKeys {
		return fmt.Sprintf("storage account %s takes no SAS that its key has signed "+
			"(allowSharedKeyAccess is false), and the data "+
			"store does not say who signed its SAS", u.account)
	}
	if p.PublicNetwork != "" && !strings.EqualFold(p.PublicNetwork, "Enabled") {
		return fmt.Sprintf("storage account %s has no public network (publicNetworkAccess is %s), and whether the "+
			"cluster reaches a private endpoint of it can't be asked", u.account, p.PublicNetwork)
	}
	if p.Rules.Default == "" || strings.EqualFold(p.Rules.Default, "Allow") {
		return ""
	}
	for _, cluster := range slices.Sorted(maps.Keys(m.Clusters)) {
		inside := slices.ContainsFunc(p.Rules.Subnets, func(s struct {
			ID string `json:"id"`
		}) bool {
			return s.ID != "" && strings.EqualFold(s.ID, f.subnets[cluster])
		})
		if !inside {
			return fmt.Sprintf("the firewall of storage account %s names no subnet of cluster %s, and whether another of "+
				"its rules lets the cluster in can't be asked", u.account, cluster)
		}
	}
	return ""
}

// refuses says why the container allows nobody to read in that way.
func (c container) refuses(u use) string {
	switch {
	case !c.there:
		return fmt.Sprintf("storage account %s has no container %s; make it, or correct %s", u.account, u.container, u.path)
	case u.way == byNobody && (c.Properties.PublicAccess == "" || strings.EqualFold(c.Properties.PublicAccess, "None")):
		return fmt.Sprintf("container %s of storage account %s is not public; make %s an input of kind blob or adlsGen2",
			u.container, u.account, u.path)
	}
	return ""
}

// uses returns the model's data in accounts. Data in a data store was found by stores.
func uses(m access.Model, stores map[string]store) (all []use) {
	byName := map[string]string{}
	for name := range m.StorageAccounts {
		id := m.StorageAccounts[name].Text()
		byName[strings.ToLower(arm.Last(id))] = id
	}
	add := func(u use) {
		if u.id == "" {
			u.id = byName[strings.ToLower(u.account)]
		}
		if u.account != "" {
			all = append(all, u)
		}
	}
	for _, in := range inStores(m) {
		s := stores[in.store]
		u := use{path: in.path, account: s.Properties.Account, container: s.Container(), id: s.AccountID()}
		if !s.there {
			continue // reported for the data store
		}
		if u.account == "" { // the store does not say; the model may
			u.account, u.id = arm.Last(m.StorageAccounts[in.account].Text()), m.StorageAccounts[in.account].Text()
		}
		switch strings.ToLower(s.Properties.Credentials.Type) {
		case "accountkey":
			u.way = byKey
		case "sas":
			u.way = bySAS
		case "serviceprincipal", "certificate":
			u.way = byPrincipal
		}
		add(u)
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		d := m.DataInputs[name]
		u := use{path: "dataInputs." + name, container: d.Container}
		switch {
		case d.InWorkspace() && d.DataStore != "": // above
		case d.Kind == access.Public:
			if at, err := url.Parse(d.URL); err == nil {
				u.account, _, _ = strings.Cut(at.Hostname(), ".")
				u.container, _, _ = strings.Cut(strings.TrimPrefix(at.Path, "/"), "/")
			}
			u.way = byNobody
			add(u)
		case d.StorageAccount != "":
			u.id = m.StorageAccounts[d.StorageAccount].Text()
			u.account = arm.Last(u.id)
			add(u)
		}
	}
	return all
}

// nearby returns the storage accounts of the workspace's subscription: IDs by name in lower case. Names are unique in
// all of Azure.
func (o *Observer) nearby(ctx context.Context, m access.Model) (map[string]string, error) {
	found := map[string]string{}
	workspace, err := arm.Parse(m.WorkspaceID.Text())
	if err != nil {
		return found, err
	}
	what := "asking for the storage accounts of " + workspace.Subscription()
	all, err := list[struct{ ID string }](ctx, o, what, readAccounts, azure.Version(workspace.Subscription()+
		"/providers/Microsoft.Storage/storageAccounts", azure.StorageVersion, ""))
	for _, a := range all {
		found[strings.ToLower(arm.Last(a.ID))] = a.ID
	}
	return found, err
}
