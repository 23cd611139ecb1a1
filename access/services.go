package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// The rest of a job's way: what it uses through the workspace, beside the data that it reads and writes. By default
// none of it is looked at, and nothing is granted for it.

// The hops of the rest of the way. A job takes them after it has been started, and before it mounts anything.
const (
	StoresHop HopKind = "stores" // both identities use the workspace's own stores: code, logs, the state of parallel runs
)

// An AuthMode says how the workspace's own stores are opened, as the workspace calls it (facts/batch-endpoints.md,
// "Workspace with identity-based system stores").
type AuthMode string

// The modes.
const (
	ByAccessKey AuthMode = "accesskey" // with the storage account's key: nothing to grant
	ByIdentity  AuthMode = "identity"  // by whoever uses them: both identities need roles on the storage account
)

// AuthModes are the modes.
var AuthModes = []string{string(ByAccessKey), string(ByIdentity)}

// WorkspaceServices are what a job uses through the workspace, beside its data.
type WorkspaceServices struct {
	// LookUp has what is left out here looked up in the workspace. What can't be looked up leaves its hop undecided, and
	// nothing is granted for it. Default: false; what is left out is not looked at.
	LookUp bool `pulumi:"lookUp,optional"`
	// SystemDatastoresAuthMode says how the workspace's own stores are opened: accesskey, for which nothing is granted,
	// or identity. With identity each invoker is granted Storage Blob Data Contributor and Storage File Data Privileged
	// Contributor on StorageAccount, and each cluster identity Storage Blob, Table and Queue Data Contributor: model
	// deployments are parallel runs. Default: not looked at.
	SystemDatastoresAuthMode AuthMode `pulumi:"systemDatastoresAuthMode,optional"`
	// StorageAccount is the name, in storageAccounts, of the workspace's own account. Required with
	// systemDatastoresAuthMode identity, unless it is looked up.
	StorageAccount string `pulumi:"storageAccount,optional"`
}

// What each identity needs on the storage account of a workspace whose own stores are opened by identities
// (facts/batch-endpoints.md). That the cluster needs to write blobs, for outputs and logs, is inferred there; that a
// principal which is no user needs what a user does is inferred here.
var (
	storesOfInvoker = []string{roles.StorageBlobDataContributor, roles.StorageFileDataPrivilegedContributor}
	storesOfCluster = []string{roles.StorageBlobDataContributor, roles.StorageTableDataContributor,
		roles.StorageQueueDataContributor}
)

// A service is what one identity of a job uses beside the data: roles at a place, or the reason for which it needs
// none, or why that is undecided.
type service struct {
	hop       HopKind
	ofInvoker bool // the invoker uses it, else the cluster identity
	roles     []string
	at        Scope
	identity  string // who takes the hop, where it takes no role of an identity
	needs     string // what that takes
	givenBy   string
	undecided string // why; "" where it is decided
}

// services are those of every job of the model.
func (m Model) services() []service {
	return m.ownStores()
}

func (m Model) ownStores() []service {
	const job, key = "a job", "the key of the workspace's account"
	w := m.Services
	account := storageScope(w.StorageAccount, "", AtAccount)
	switch {
	case w.SystemDatastoresAuthMode == ByAccessKey:
		return []service{{hop: StoresHop, identity: job, needs: key, givenBy: "systemDatastoresAuthMode accesskey"}}
	case w.SystemDatastoresAuthMode == ByIdentity && w.StorageAccount != "":
		return []service{
			{hop: StoresHop, ofInvoker: true, roles: storesOfInvoker, at: account},
			{hop: StoresHop, roles: storesOfCluster, at: account},
		}
	case w.SystemDatastoresAuthMode == ByIdentity:
		return []service{{hop: StoresHop, identity: job, needs: "roles of both identities",
			undecided: m.askWorkspace("which storage account is the workspace's own", "storageAccount",
				"workspace.storageAccount")}}
	case w.LookUp:
		return []service{{hop: StoresHop, identity: job, needs: key + ", or roles of both identities",
			undecided: m.askWorkspace("how the workspace's own stores are opened", "systemDatastoresAuthMode",
				"workspace.systemDatastoresAuthMode")}}
	}
	return nil
}

// open is the key of what is looked up of the workspace's own stores; "" for nothing.
func (w WorkspaceServices) open() string {
	switch {
	case w.LookUp && w.SystemDatastoresAuthMode == "":
		return "systemDatastoresAuthMode"
	case w.LookUp && w.SystemDatastoresAuthMode == ByIdentity && w.StorageAccount == "":
		return "storageAccount"
	}
	return ""
}

// askWorkspace says what is not known of the workspace, and the command that answers it.
func (m Model) askWorkspace(what, property, key string) string {
	id := cmp.Or(m.WorkspaceID.Text(), "<workspace ID>")
	return fmt.Sprintf("an answer to %s, which is not known here: az resource show --ids %s --query properties.%s; "+
		"write it as %s", what, id, property, key)
}

// NotLookedAt names the hops of the rest of the way of which the model says nothing, each with the keys that have it
// looked at.
func (m Model) NotLookedAt() (all []string) {
	if w := m.Services; !w.LookUp && w.SystemDatastoresAuthMode == "" {
		all = append(all, string(StoresHop)+" (workspace.systemDatastoresAuthMode, or workspace.lookUp)")
	}
	return all
}

// serves is what the services need of a job's identities: one role at a time.
func (p *Plan) serves(j job) (all []Need) {
	for _, s := range j.services {
		for _, role := range s.roles {
			n := Need{Principal: j.cluster, Hop: s.hop, Endpoint: j.endpoint, Deployment: j.deployment, By: ByRBAC,
				Role: role, At: s.at}
			if !s.ofInvoker {
				all = append(all, n)
				continue
			}
			for _, invoker := range j.invokers {
				n.Principal = InvokerPrincipal(invoker)
				all = append(all, n)
			}
		}
	}
	return all
}

// service is the hop of a service that a principal takes.
func (x explainer) service(s service, p Principal) Hop {
	if len(s.roles) == 0 {
		return Hop{Kind: s.hop, Identity: s.identity, Needs: s.needs, GivenBy: s.givenBy, Missing: s.undecided,
			Undecided: s.undecided != ""}
	}
	hop := Hop{Kind: s.hop, Identity: p.String(), Needs: listing(s.roles) + " on " + s.at.String()}
	if hop.Missing = x.cannotAct(p); hop.Missing != "" {
		return hop
	}
	var by, missing []string
	for _, role := range s.roles {
		held := x.held.Has(p, role, s.at)
		if held.Missing == "" {
			by = append(by, held.GivenBy)
			continue
		}
		missing, hop.Undecided = append(missing, held.Missing), held.Undecided && (hop.Undecided || len(missing) == 0)
	}
	slices.Sort(by)
	slices.Sort(missing)
	if by, missing = slices.Compact(by), slices.Compact(missing); len(missing) > 0 {
		hop.Missing = listing(missing)
	} else {
		hop.GivenBy = listing(by)
	}
	return hop
}

// listing is a list for people to read.
func listing(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// ServiceActions are what has to be allowed for a role of the rest of the way to count as held: a sheet names the role
// that an identity needs, and no document which of its data actions are used.
func ServiceActions(role string) (all []roles.Action) {
	for _, p := range mustBuiltIn(role) {
		for _, action := range p.DataActions {
			all = append(all, roles.Action{Name: action, Data: true})
		}
	}
	return all
}

// Has looks at the scope and above it.
func (x granted) Has(p Principal, role string, at Scope) Ruling {
	for _, holder := range x.Holders(p) {
		for _, g := range x.grantsOf[holder] {
			if (g.Role == role || covers[g.Role][role]) && len(g.Paths) == 0 && g.Scope.Contains(at) {
				return Ruling{GivenBy: g.String() + x.through(p, holder)}
			}
		}
	}
	return Ruling{Missing: role + " on " + at.String()}
}

// workspaceServices checks what the model says of the rest of the way.
func (v *validator) workspaceServices() {
	w := v.m.Services
	const path = "workspace"
	if w.SystemDatastoresAuthMode != "" {
		v.oneOf(path+".systemDatastoresAuthMode", string(w.SystemDatastoresAuthMode), AuthModes)
	}
	if open := v.m.Services.open(); open != "" {
		v.Warn(problem.LookUp, path+"."+open, "pulumi preview looks it up, and batchaccess pin writes down what it finds; "+
			"or "+
			"write it", "is not known here, so it is undecided whether jobs get past the workspace's own stores")
	}
	switch {
	case w.StorageAccount != "":
		v.refers(path+".storageAccount", w.StorageAccount, "storage account", keysOf(v.m.StorageAccounts))
		if w.SystemDatastoresAuthMode == "" && !w.LookUp {
			v.add(path+".systemDatastoresAuthMode", "write accesskey or identity (az resource show --ids <workspace ID> "+
				"--query properties.systemDatastoresAuthMode), or lookUp: true", "is missing, and storageAccount is given")
		}
	case w.SystemDatastoresAuthMode == ByIdentity && !w.LookUp:
		v.add(path+".storageAccount", "name the workspace's own account, one of storageAccounts (az resource show --ids "+
			"<workspace ID> --query properties.storageAccount), or write lookUp: true",
			"is missing: identities open it, so they need roles on it")
	}
	for _, j := range v.jobs {
		c, is := v.m.Clusters[j.cluster.Name]
		if !is || c.Existing || c.EffectiveIdentity() != NoIdentity || len(j.invokers) == 0 {
			continue
		}
		for _, s := range j.services {
			if !s.ofInvoker && len(s.roles) > 0 {
				v.add("clusters."+j.cluster.Name+".identity", "give it systemAssigned or userAssigned",
					"is none, but for jobs on %s the cluster identity needs %s", target(j.endpoint, j.deployment), listing(s.roles))
			}
		}
	}
}
