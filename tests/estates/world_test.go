package estates

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// A world is everything in Azure and Entra besides the stack.
type world struct {
	TenantID   string `yaml:"tenantId"`
	Principals map[string]struct {
		Kind     string `yaml:"kind"`
		ObjectID string `yaml:"objectId"`
	} `yaml:"principals"`
	Groups map[string]struct {
		ObjectID string   `yaml:"objectId"`
		Members  []string `yaml:"members"`
		Owners   []string `yaml:"owners"`
		Roles    bool     `yaml:"isAssignableToRole"`
	} `yaml:"groups"`
	Applications map[string]struct {
		DisplayName string   `yaml:"displayName"`
		ObjectID    string   `yaml:"objectId"`
		AppID       string   `yaml:"appId"`
		Owners      []string `yaml:"owners"`
		Federated   []struct {
			Name, Issuer, Subject string
			Audiences             []string
		} `yaml:"federatedIdentityCredentials"`
	} `yaml:"applications"`
	ServicePrincipals map[string]struct {
		DisplayName string   `yaml:"displayName"`
		ObjectID    string   `yaml:"objectId"`
		AppID       string   `yaml:"appId"`
		Owners      []string `yaml:"owners"`
		// AppRoles are permissions of Microsoft Graph.
		AppRoles []string `yaml:"appRoles"`
	} `yaml:"servicePrincipals"`
	// DirectoryRoles are roles of Entra, with their holders.
	DirectoryRoles map[string][]string `yaml:"directoryRoles"`
	Identities     map[string]struct {
		ID          string `yaml:"id"`
		ClientID    string `yaml:"clientId"`
		PrincipalID string `yaml:"principalId"`
		Federated   []struct {
			Name, Issuer, Subject string
			Audiences             []string
		} `yaml:"federatedIdentityCredentials"`
	} `yaml:"identities"`
	Workspace struct {
		Mode           string              `yaml:"systemDatastoresAuthMode"`
		StorageAccount struct{ ID string } `yaml:"storageAccount"`
		KeyVault       struct {
			ID       string `yaml:"id"`
			Roles    bool   `yaml:"enableRbacAuthorization"`
			Policies []struct {
				Principal                   string
				Secrets, Keys, Certificates []string
			} `yaml:"accessPolicies"`
		} `yaml:"keyVault"`
	} `yaml:"workspace"`
	Workspaces map[string]struct {
		ID        string                              `yaml:"id"`
		Endpoints map[string]struct{ Cluster string } `yaml:"endpoints"`
	} `yaml:"workspaces"`
	Clusters map[string]struct {
		Workspace string `yaml:"workspace"`
		Identity  struct {
			Type         string   `yaml:"type"`
			UserAssigned []string `yaml:"userAssigned"`
		} `yaml:"identity"`
	} `yaml:"clusters"`
	ComputeInstances map[string]struct {
		AssignedUser string   `yaml:"assignedUser"`
		Sharing      string   `yaml:"applicationSharingPolicy"`
		UserAssigned []string `yaml:"userAssigned"`
	} `yaml:"computeInstances"`
	// Resources run code with an identity: a principal of the stack.
	Resources       map[string]struct{ ID, Identity string } `yaml:"resources"`
	StorageAccounts map[string]struct {
		ID     string `yaml:"id"`
		HNS    *bool  `yaml:"isHnsEnabled"`
		Keys   *bool  `yaml:"allowSharedKeyAccess"`
		Public *bool  `yaml:"allowBlobPublicAccess"`
	} `yaml:"storageAccounts"`
	DataStores map[string]struct {
		Workspace string            `yaml:"workspace"` // "" for the stack's
		Kind      string            `yaml:"credentialsType"`
		Account   string            `yaml:"storageAccountId"`
		Container string            `yaml:"container"`
		ClientID  string            `yaml:"clientId"`
		SAS       map[string]string `yaml:"sas"`
	} `yaml:"dataStores"`
	RoleDefinitions map[string]struct {
		AssignableScopes []string `yaml:"assignableScopes"`
		Permissions      []struct {
			Actions        []string `yaml:"actions"`
			NotActions     []string `yaml:"notActions"`
			DataActions    []string `yaml:"dataActions"`
			NotDataActions []string `yaml:"notDataActions"`
		} `yaml:"permissions"`
	} `yaml:"roleDefinitions"`
	RoleAssignments []struct {
		Principal string `yaml:"principal"`
		Role      string `yaml:"role"`
		Scope     string `yaml:"scope"`
		Condition string `yaml:"condition"`
		Version   string `yaml:"conditionVersion"`
	} `yaml:"roleAssignments"`
	DenyAssignments []struct {
		Name        string `yaml:"name"`
		Scope       string `yaml:"scope"`
		OnlyHere    bool   `yaml:"doNotApplyToChildScopes"`
		Permissions []struct {
			Actions        []string `yaml:"actions"`
			NotActions     []string `yaml:"notActions"`
			DataActions    []string `yaml:"dataActions"`
			NotDataActions []string `yaml:"notDataActions"`
		} `yaml:"permissions"`
		Principals []struct{ ID, Type string } `yaml:"principals"`
		Exclude    []struct{ ID, Type string } `yaml:"excludePrincipals"`
	} `yaml:"denyAssignments"`
	ManagementGroups map[string]struct {
		Parent        string   `yaml:"parent"`
		Children      []string `yaml:"children"`
		Subscriptions []string `yaml:"subscriptions"`
	} `yaml:"managementGroups"`
	Data map[string]struct {
		Account   string `yaml:"storageAccountId"`
		Container string `yaml:"container"`
		Path      string `yaml:"path"`
	} `yaml:"data"`
}

// The ways that are found in Azure are exactly those that the expert lists.
func TestEstatesInAzure(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	count := 0
	for _, file := range files {
		e, plan := read(t, file)
		if e.World == nil {
			continue
		}
		count++
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			estate := e.World.estate(t, plan)
			found := estate.Ways()
			expected := map[pair][]listed{}
			for _, w := range e.Ways {
				p := pair{w.Who, w.Verb, w.What}
				expected[p] = append(expected[p], w)
			}
			for p, all := range expected {
				undecided := !slices.ContainsFunc(all, func(w listed) bool { return w.Decided == "yes" })
				is := matching(estate, found, p)
				if !assert.NotEmpty(t, is, "missed: %v", p) {
					continue
				}
				assert.Equal(t, undecided, is[0].Undecided(), "%v is found as: %s", p, is[0])
				assert.True(t, slices.ContainsFunc(all, func(w listed) bool { return goneAs(estate, is[0], w.As) }),
					"%v is found as: %s", p, is[0])
			}
			for _, w := range e.None {
				for _, is := range matching(estate, found, pair{w.Who, w.Verb, w.What}) {
					t.Errorf("invented: %s; %s", is, w.Why)
				}
			}
		})
	}
	assert.GreaterOrEqual(t, count, 25)
}

// Every way comes with a change that cuts it, and that was tried.
func TestEveryWayIsCut(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		e, plan := read(t, file)
		if e.World == nil {
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			estate := e.World.estate(t, plan)
			for _, w := range estate.Ways() {
				if cut := estate.Cuts(w); w.Hops[0].GivenBy != "what could not be listed" {
					assert.NotEmpty(t, cut, "nothing cuts: %s", w)
				}
			}
		})
	}
}

func matching(e *ways.Estate, found []access.Way, p pair) (all []access.Way) {
	for _, w := range found {
		last := w.Hops[len(w.Hops)-1]
		anything := p.what == "anything"
		is := map[string]bool{
			"reads":  w.Input == p.what || w.Output == p.what,
			"actsAs": w.Ends != "" && oneOf(e, w.Ends, strings.TrimPrefix(p.what, "identity:")),
			"grants": strings.HasPrefix(w.Ends, ways.Grants) && (anything || w.Ends == ways.Grants+p.what),
			"holdsSecretsOf": last.Kind == access.SecretHop && w.Ends != "" && (anything ||
				w.Ends == "the keys of "+p.what || w.Ends == "the credential of "+p.what),
		}
		// Pull requests of a repository have the subject repo:<repository>:pull_request (facts/federation.md).
		repository, outside := strings.CutPrefix(p.who, "pull requests of ")
		who := oneOf(e, w.Who[0], p.who) || outside && strings.Contains(w.Who[0], " repo:"+repository+":pull_request ")
		if is[p.verb] && who {
			all = append(all, w)
		}
	}
	return all
}

// oneOf reports whether two names mean one principal.
func oneOf(e *ways.Estate, a, b string) bool {
	return a == b || slices.ContainsFunc(e.Principals, func(p ways.Principal) bool {
		return slices.Contains(p.Names, a) && slices.Contains(p.Names, b)
	})
}

func goneAs(e *ways.Estate, w access.Way, as string) bool {
	last := w.Hops[len(w.Hops)-1]
	switch {
	case as == "", w.Ends != "":
		return true
	case as == "account key":
		return strings.HasPrefix(last.Identity, "the key of ")
	case as == "data store credential":
		return last.Identity == "the credential of its data store"
	}
	return oneOf(e, last.Identity, strings.TrimPrefix(as, "identity:"))
}

// estate has everything of the stack's plan and of the world.
func (w *world) estate(t *testing.T, plan *access.Plan) *ways.Estate {
	t.Helper()
	ids := map[string]string{}
	for name, p := range w.Principals {
		ids[name] = p.ObjectID
	}
	for name, g := range w.Groups {
		ids[name] = g.ObjectID
	}
	for name, p := range w.ServicePrincipals {
		ids[name] = p.ObjectID
	}
	for name, i := range w.Identities {
		ids[name] = i.PrincipalID
	}
	for name, c := range w.Clusters {
		if all := c.Identity.UserAssigned; len(all) > 0 {
			ids["cluster:"+name] = ids[all[0]] // the default one
		}
	}
	id := func(p access.Principal) string {
		name := p.Name
		if p.IsCluster() {
			name = "cluster:" + name
		}
		if known := ids[name]; known != "" {
			return known
		}
		if own := plan.Model.Invokers[p.Name].PrincipalID.Text(); !p.IsCluster() && own != "" {
			return own
		}
		return name
	}
	of := func(name string) string {
		cluster, is := strings.CutPrefix(name, "cluster:")
		if is {
			return id(access.ClusterPrincipal(cluster))
		}
		return id(access.InvokerPrincipal(name))
	}
	all := func(names []string) (all []string) {
		for _, name := range names {
			all = append(all, of(name))
		}
		return all
	}
	e := ways.Of(plan, id)
	e.Tenant = w.TenantID
	var err error
	e.Assignments, err = ways.Planned(plan, id)
	require.NoError(t, err)
	for name, p := range w.Principals {
		require.Equal(t, "user", p.Kind)
		w.named(e, p.ObjectID, name, "User")
	}
	for name, p := range w.ServicePrincipals {
		w.named(e, p.ObjectID, name, ways.ServicePrincipal)
		a := ways.Application{Name: name, AppID: p.AppID, Principal: p.ObjectID, Owners: all(p.Owners)}
		for appName, app := range w.Applications {
			if app.AppID == p.AppID {
				a.Name = appName
				a.Owners = append(a.Owners, all(app.Owners)...)
				for _, f := range app.Federated {
					a.Federated = append(a.Federated, ways.Federated{Issuer: f.Issuer, Subject: f.Subject})
				}
			}
		}
		e.Applications = append(e.Applications, a)
		for _, permission := range p.AppRoles {
			e.Powers = append(e.Powers, ways.Power{Principal: p.ObjectID, Name: permission})
		}
	}
	for role, holders := range w.DirectoryRoles {
		for _, holder := range holders {
			e.Powers = append(e.Powers, ways.Power{Principal: of(holder), Name: role})
		}
	}
	for name, i := range w.Identities {
		w.named(e, i.PrincipalID, name, ways.ServicePrincipal)
		e.Identities = append(e.Identities, ways.Identity{Name: name, ID: i.ID, Principal: i.PrincipalID})
		if len(i.Federated) > 0 {
			a := ways.Application{Name: name, Principal: i.PrincipalID, Managed: true}
			for _, f := range i.Federated {
				a.Federated = append(a.Federated, ways.Federated{Issuer: f.Issuer, Subject: f.Subject})
			}
			e.Applications = append(e.Applications, a)
		}
	}
	for name, r := range w.Resources {
		typ, _, _ := strings.Cut(r.ID[strings.Index(r.ID, "/providers/")+len("/providers/"):], "/"+name)
		e.Hosts = append(e.Hosts, ways.Host{Name: name, ID: r.ID, Type: typ, Principals: []string{of(r.Identity)}})
	}
	for name, g := range w.Groups {
		n := slices.IndexFunc(e.Groups, func(have ways.Group) bool { return have.ID == g.ObjectID })
		if n < 0 {
			n, e.Groups = len(e.Groups), append(e.Groups, ways.Group{ID: g.ObjectID, Name: name})
		}
		e.Groups[n].Members, e.Groups[n].Owners, e.Groups[n].Roles = all(g.Members), all(g.Owners), g.Roles
	}
	for _, name := range slices.Sorted(maps.Keys(w.Workspaces)) {
		one := ways.Workspace{ID: w.Workspaces[name].ID}
		for endpoint, has := range w.Workspaces[name].Endpoints {
			one.Endpoints = append(one.Endpoints, ways.Endpoint{Name: endpoint, Clusters: []string{has.Cluster}})
		}
		for cluster, c := range w.Clusters {
			if c.Workspace == name {
				w.named(e, ids["cluster:"+cluster], "cluster:"+cluster, ways.ServicePrincipal)
				for _, identity := range c.Identity.UserAssigned {
					one.Clusters = append(one.Clusters, ways.Cluster{Name: cluster, Principal: ids[identity]})
				}
			}
		}
		for store, s := range w.DataStores {
			if s.Workspace == name {
				one.Stores = append(one.Stores, ways.Store{Name: store, Kind: s.Kind, Account: s.Account,
					Container: s.Container, ClientID: s.ClientID})
			}
		}
		e.Workspaces = append(e.Workspaces, one)
	}
	own := &e.Workspaces[0]
	for cluster, c := range w.Clusters {
		if c.Workspace == "" && len(c.Identity.UserAssigned) > 0 {
			for _, identity := range c.Identity.UserAssigned[1:] {
				own.Clusters = append(own.Clusters, ways.Cluster{Name: cluster, Principal: ids[identity]})
			}
		}
	}
	own.Account = w.Workspace.StorageAccount.ID
	vault := ways.Vault{ID: w.Workspace.KeyVault.ID, ByPolicies: !w.Workspace.KeyVault.Roles}
	for _, p := range w.Workspace.KeyVault.Policies {
		if slices.ContainsFunc(p.Secrets, ways.ReadsSecrets) {
			vault.Readers = append(vault.Readers, of(p.Principal))
		}
	}
	if vault.ID != "" {
		own.Vault, e.Vaults = vault.ID, append(e.Vaults, vault)
	}
	for name, i := range w.ComputeInstances {
		one := ways.Instance{Name: name, User: of(i.AssignedUser), Shared: i.Sharing == "Shared"}
		for _, identity := range i.UserAssigned {
			one.Principals = append(one.Principals, of(identity))
		}
		own.Instances = append(own.Instances, one)
	}
	for name, s := range w.DataStores {
		if s.Workspace != "" {
			continue
		}
		n := slices.IndexFunc(own.Stores, func(have ways.Store) bool { return have.Name == name })
		if n < 0 {
			n, own.Stores = len(own.Stores), append(own.Stores, ways.Store{Name: name})
		}
		own.Stores[n].Kind, own.Stores[n].Account, own.Stores[n].ClientID = s.Kind, s.Account, s.ClientID
		if s.Container != "" {
			own.Stores[n].Container = s.Container
		}
	}
	for name, a := range w.StorageAccounts {
		n := slices.IndexFunc(e.Accounts, func(have ways.Account) bool { return strings.EqualFold(have.ID, a.ID) })
		if n < 0 {
			n, e.Accounts = len(e.Accounts), append(e.Accounts, ways.Account{Name: name, ID: a.ID})
		}
		e.Accounts[n].KeysOff = a.Keys != nil && !*a.Keys
	}
	for _, name := range slices.Sorted(maps.Keys(w.Data)) {
		d := ways.Datum{Name: name, Account: w.Data[name].Account, Container: w.Data[name].Container,
			Path: w.Data[name].Path}
		for _, a := range w.StorageAccounts {
			if strings.EqualFold(a.ID, d.Account) && a.HNS != nil {
				d.Kind = map[bool]roles.AccountKind{true: roles.Hierarchical, false: roles.Flat}[*a.HNS]
			}
		}
		e.Data = append(e.Data, d)
	}
	for _, a := range w.RoleAssignments {
		one := ways.Assignment{Principal: of(a.Principal), Role: a.Role, Scope: a.Scope, Condition: a.Condition}
		if d, custom := w.RoleDefinitions[a.Role]; custom {
			one.Assignable = d.AssignableScopes
			for _, p := range d.Permissions {
				one.Permissions = append(one.Permissions, roles.Permission{Actions: p.Actions, NotActions: p.NotActions,
					DataActions: p.DataActions, NotDataActions: p.NotDataActions})
			}
		} else {
			d, known := roles.BuiltIn(a.Role)
			require.True(t, known, a.Role)
			one.Permissions = d.Permissions
		}
		e.Assignments = append(e.Assignments, one)
	}
	for _, d := range w.DenyAssignments {
		for _, p := range d.Permissions {
			one := ways.Denial{Name: d.Name, Scope: d.Scope, OnlyHere: d.OnlyHere, Permissions: roles.Permissions{{
				Actions: p.Actions, NotActions: p.NotActions, DataActions: p.DataActions, NotDataActions: p.NotDataActions}}}
			for _, of := range d.Principals {
				one.Principals = append(one.Principals, of.ID)
			}
			for _, of := range d.Exclude {
				one.Exclude = append(one.Exclude, of.ID)
			}
			e.Denials = append(e.Denials, one)
		}
	}
	const managementGroups = "providers/microsoft.management/managementgroups/"
	for name, g := range w.ManagementGroups {
		if e.Parents == nil {
			e.Parents = map[string][]string{}
		}
		for _, child := range g.Children {
			e.Parents[managementGroups+child] = append(e.Parents[managementGroups+child], managementGroups+name)
		}
		for _, child := range g.Subscriptions {
			key := strings.ToLower(strings.Trim(child, "/"))
			e.Parents[key] = append(e.Parents[key], managementGroups+name)
		}
	}
	return e
}

// named gives a principal a name, and adds the principal if it is missing.
func (w *world) named(e *ways.Estate, id, name, typ string) {
	n := slices.IndexFunc(e.Principals, func(p ways.Principal) bool { return strings.EqualFold(p.ID, id) })
	if n < 0 {
		e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{name}, Type: typ})
	} else if !slices.Contains(e.Principals[n].Names, name) {
		e.Principals[n].Names = append(e.Principals[n].Names, name)
	}
}
