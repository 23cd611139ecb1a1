package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// What a job uses through the workspace, beside the data that it reads and writes. By default the model does not look
// at any of it and grants nothing for it.

// A service is something that one identity of a job uses beside the data. It has the roles that this takes at a place,
// or the reason why it takes none, or why that is undecided.
type service struct {
	hop       HopKind
	ofInvoker bool // the invoker uses it, else the cluster identity
	roles     []string
	at        Scope
	identity  string // who takes the hop, where no role of an identity is needed
	needs     string // what it needs then
	givenBy   string
	undecided string // why it is undecided; "" if it is decided
	// elsewhere says who assigns the roles if the stack does not; else "".
	elsewhere string
}

// services returns the services of the jobs on one deployment, in the order in which a job uses them.
func (m Model) services(endpoint string, on runsOn) []service {
	return slices.Concat(m.registries(endpoint, on), m.images(on.cluster), m.ownStores(on.parallel))
}

// registries returns the shared registries of a deployment's models and environments (facts/batch-endpoints.md, Inputs
// and outputs).
func (m Model) registries(endpoint string, on runsOn) (all []service) {
	for _, name := range slices.Sorted(slices.Values(on.registries)) {
		all = append(all, service{hop: RegistryHop, ofInvoker: true, roles: []string{roles.AzureMLRegistryUser},
			at: Scope{Level: AtRegistry, Registry: name}})
	}
	if on.registries != nil || !m.Services.LookUp {
		return all
	}
	return []service{{hop: RegistryHop, identity: "the invoker",
		needs: roles.AzureMLRegistryUser + " on the registries of the deployment's model and environment",
		undecided: fmt.Sprintf("an answer: which registries these are is not known here; az resource show --ids "+
			"%s/batchEndpoints/%s/deployments/%s --query \"[properties.model.assetId, properties.environmentId]\" "+
			"names them; write them as endpoints.%s.registries, [] for none",
			cmp.Or(m.WorkspaceID.Text(), "<workspace ID>"), endpoint, cmp.Or(on.deployment, "<deployment>"), endpoint)}}
}

// images returns how the cluster's identity pulls the image of a job.
func (m Model) images(cluster string) []service {
	w, c := m.Services, m.Clusters[cluster]
	const who, pull = "the cluster identity", "to be let in by the registry"
	s := service{hop: ImageHop, roles: []string{w.PullRole()},
		at: Scope{Level: AtImages, Registry: arm.Last(w.ContainerRegistry)}}
	switch by := w.ImagePull[cluster]; {
	case w.RegistryPermissions == "" && !w.LookUp:
		return nil
	case w.RegistryPermissions == services.ByAdminUser:
		return []service{{hop: ImageHop, identity: who, needs: pull, givenBy: "the registry's admin user, which is on"}}
	case w.ContainerRegistry == "":
		return []service{{hop: ImageHop, identity: who, needs: pull,
			undecided: m.askWorkspace("from which container registry images are pulled", "containerRegistry",
				"workspace.containerRegistry, and what it asks for as workspace.registryPermissions")}}
	case w.RegistryPermissions == "":
		return []service{{hop: ImageHop, identity: who, needs: pull + ", " + s.at.String(),
			undecided: fmt.Sprintf("an answer: what the registry requires is not known here; az resource show --ids "+
				"%s --query \"[properties.adminUserEnabled, properties.roleAssignmentMode]\" shows it; write it "+
				"as workspace.registryPermissions", w.ContainerRegistry)}}
	case by == services.Assigned:
		s.elsewhere = fmt.Sprintf("%s on %s, which workspace.imagePull.%s says is assigned", s.roles[0], s.at, cluster)
	case by == services.Assign || w.RegistryPermissions == services.ByABAC:
	case c.Existing: // by hand, if it came before the registry
		s.undecided = fmt.Sprintf("an answer: whether %s is assigned to it is not known here; az role assignment "+
			"list --scope %s --role %s shows it; write workspace.imagePull.%s: assigned, or assign",
			s.roles[0], w.ContainerRegistry, s.roles[0], cluster)
	case c.EffectiveIdentity() == SystemAssigned:
		s.elsewhere = fmt.Sprintf("%s on %s, which Azure assigns to the identity of a cluster that is made after its "+
			"registry",
			s.roles[0], s.at)
	}
	return []service{s}
}

func (m Model) ownStores(parallel bool) []service {
	const job, key = "a job", "the key of the workspace's account"
	w := m.Services
	account := storageScope(w.StorageAccount, "", AtAccount)
	switch {
	case w.SystemDatastoresAuthMode == services.ByAccessKey:
		return []service{{hop: StoresHop, identity: job, needs: key, givenBy: "systemDatastoresAuthMode accesskey"}}
	case w.SystemDatastoresAuthMode == services.ByIdentity && w.StorageAccount != "":
		ofCluster := services.StoresOfCluster
		if parallel {
			ofCluster = slices.Concat(ofCluster, services.StoresOfParallelRuns)
		}
		return []service{
			{hop: StoresHop, ofInvoker: true, roles: services.StoresOfInvoker, at: account},
			{hop: StoresHop, roles: ofCluster, at: account},
		}
	case w.SystemDatastoresAuthMode == services.ByIdentity:
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

// askWorkspace says what is not known of the workspace, and which command answers it.
func (m Model) askWorkspace(what, property, key string) string {
	id := cmp.Or(m.WorkspaceID.Text(), "<workspace ID>")
	return fmt.Sprintf("an answer: %s is not known here; az resource show --ids %s --query properties.%s shows it; "+
		"write it as %s", what, id, property, key)
}

// NotLookedAt names the hops to services of which the model says nothing, each with the keys that make it look at them.
func (m Model) NotLookedAt() (all []string) {
	w := m.Services
	if w.LookUp {
		return nil
	}
	if !slices.ContainsFunc(m.jobs(), func(j job) bool { return j.registriesSaid }) {
		all = append(all, string(RegistryHop)+" (endpoints.<name>.registries, or workspace.lookUp)")
	}
	if w.RegistryPermissions == "" {
		all = append(all, string(ImageHop)+" (workspace.registryPermissions, or workspace.lookUp)")
	}
	if w.SystemDatastoresAuthMode == "" {
		all = append(all, string(StoresHop)+" (workspace.systemDatastoresAuthMode, or workspace.lookUp)")
	}
	return all
}

// serves returns the needs of a job's identities for services: one for each role.
func (p *Plan) serves(j job) (all []Need) {
	for _, s := range j.services {
		if s.elsewhere != "" || s.undecided != "" {
			continue
		}
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

// service returns the hop of a principal to a service.
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
		if _, byPlan := x.held.(granted); byPlan && held.Missing != "" { // only Azure knows who really has it
			switch {
			case s.elsewhere != "":
				held = Ruling{GivenBy: s.elsewhere}
			case s.undecided != "":
				held = Ruling{Missing: s.undecided, Undecided: true}
			}
		}
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

// listing joins names into a list for people.
func listing(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// Elsewhere returns the assignments that the plan counts on and that others make: Azure, or whoever the model names.
func (p *Plan) Elsewhere() (all []Grant) {
	for _, j := range p.jobs {
		for _, s := range j.services {
			for _, role := range s.roles {
				if s.elsewhere != "" || s.undecided != "" {
					all = append(all, Grant{Principal: p.identity[j.cluster], Role: role, Scope: s.at})
				}
			}
		}
	}
	return all
}

// Has looks for the role at the scope and above it.
func (x granted) Has(p Principal, role string, at Scope) Ruling {
	for _, holder := range x.Holders(p) {
		for _, g := range x.grantsOf[holder] {
			if g.Role == role && len(g.Paths) == 0 && g.Scope.Contains(at) {
				return Ruling{GivenBy: g.String() + x.through(p, holder)}
			}
		}
	}
	return Ruling{Missing: role + " on " + at.String()}
}

// workspaceServices checks the model's workspace services.
func (v *validator) workspaceServices() {
	w := v.m.Services
	const path = "workspace"
	if w.SystemDatastoresAuthMode != "" {
		v.oneOf(path+".systemDatastoresAuthMode", string(w.SystemDatastoresAuthMode), services.AuthModes)
	}
	for _, open := range v.m.Services.Open() {
		v.Warn(problem.LookUp, path+"."+open, "pulumi preview looks it up, and batchaccess pin writes down what it finds; "+
			"or write it", "is not known here, so it is undecided whether jobs get past that step")
	}
	v.imagePulls(w)
	switch {
	case w.StorageAccount != "":
		v.refers(path+".storageAccount", w.StorageAccount, "storage account", keysOf(v.m.StorageAccounts))
		if w.SystemDatastoresAuthMode == "" && !w.LookUp {
			v.add(path+".systemDatastoresAuthMode", "write accesskey or identity (az resource show --ids <workspace ID> "+
				"--query properties.systemDatastoresAuthMode), or lookUp: true", "is missing, and storageAccount is given")
		}
	case w.SystemDatastoresAuthMode == services.ByIdentity && !w.LookUp:
		v.add(path+".storageAccount", "name the workspace's own account, one of storageAccounts (az resource show --ids "+
			"<workspace ID> --query properties.storageAccount), or write lookUp: true",
			"is missing: identities open it, so they need roles on it")
	}
	v.registries()
	for _, j := range v.jobs {
		if w.LookUp && !j.registriesSaid {
			v.Warn(problem.LookUp, "endpoints."+strings.Replace(target(j.endpoint, j.deployment), "/", ".deployments.", 1)+
				".registries",
				"pulumi preview looks it up; or write it, [] for none",
				"is not known here, so it is undecided whether jobs get past the registries of models and environments")
		}
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

// imagePulls checks what the model says about the container registry.
func (v *validator) imagePulls(w services.WorkspaceServices) {
	const path = "workspace"
	if w.RegistryPermissions != "" {
		v.oneOf(path+".registryPermissions", string(w.RegistryPermissions), services.PermissionsOfRegistries)
	}
	switch {
	case w.ContainerRegistry != "":
		v.armID(path+".containerRegistry", Known(w.ContainerRegistry), arm.ContainerRegistry)
		if w.RegistryPermissions == "" && !w.LookUp {
			v.add(path+".registryPermissions", "write adminUser, rbac or abac (az resource show --ids <registry ID> --query "+
				"\"[properties.adminUserEnabled, properties.roleAssignmentMode]\"), or lookUp: true",
				"is missing, and containerRegistry is given")
		}
	case w.PullRole() != "" && !w.LookUp:
		v.add(path+".containerRegistry", "write the registry's ARM ID (az resource show --ids <workspace ID> --query "+
			"properties.containerRegistry), or lookUp: true", "is missing: a role is assigned there")
	}
	for _, cluster := range sorted(w.ImagePull) {
		at := path + ".imagePull." + cluster
		v.refers(at, cluster, "cluster", keysOf(v.m.Clusters))
		v.oneOf(at, string(w.ImagePull[cluster]), []string{string(services.Assign), string(services.Assigned)})
		if w.PullRole() == "" && !w.LookUp {
			v.add(at, "take it out, or write registryPermissions: rbac or abac", "means nothing: no role is needed to pull")
		}
	}
}

// registries checks the shared registries and the references to them.
func (v *validator) registries() {
	seen, used := map[any]string{}, map[string]bool{}
	for _, name := range sorted(v.m.Endpoints) {
		e, at := v.m.Endpoints[name], "endpoints."+name
		v.refersToRegistries(at, e.Registries, used)
		for _, deployment := range sorted(e.Deployments) {
			v.refersToRegistries(at+".deployments."+deployment, e.Deployments[deployment].Registries, used)
		}
	}
	for _, name := range sorted(v.m.Registries) {
		path, id := "registries."+name, v.m.Registries[name]
		v.name(path, name)
		if name == string(AtImages) {
			v.add(path, "choose another name", "is what the container registry of the workspace is called")
		}
		if !v.onceNamed(path, id, arm.MLRegistry, "registry", seen) {
			continue
		}
		if !used[name] && !v.m.Services.LookUp {
			v.warn(path, "name it in the registries of an endpoint, or leave it out",
				"no endpoint uses it, so nothing is granted for it")
		}
	}
}

func (v *validator) refersToRegistries(path string, names []string, used map[string]bool) {
	seen := map[string]bool{}
	for i, name := range names {
		at := fmt.Sprintf("%s.registries[%d]", path, i)
		v.refers(at, name, "registry", keysOf(v.m.Registries))
		if seen[name] {
			v.add(at, "keep one of the two", "names %q a second time", name)
		}
		seen[name], used[name] = true, true
	}
}
