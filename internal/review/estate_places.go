package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// A shape says how the ARM ID of a type's resources is made of their inputs.
type shape struct {
	typ string // of Resource Manager
	// names are the inputs with the names of its segments; "=x" is the text x. For "a
	// b" the first that is set is used.
	names []string
	above string // the classic provider's input with the parent's ID, instead of names
}

// shapes by guardrails.Key.
var shapes = func() map[string]*shape {
	const ml = arm.Workspace + "/"
	all := map[string]*shape{}
	for token, of := range map[string]shape{
		"azure-native:resources:ResourceGroup azure:core:ResourceGroup": {"", []string{"resourceGroupName|name"}, ""},
		"azure-native:storage:StorageAccount azure:storage:Account": {arm.StorageAccount, []string{"accountName|name"},
			""},
		"azure-native:storage:BlobContainer azure:storage:Container azure:storage:DataLakeGen2Filesystem": {
			arm.StorageAccount + "/blobServices/containers",
			[]string{"accountName|storageAccountName", "=default", "containerName|name"}, "storageAccountId"},
		"azure-native:machinelearningservices:Workspace azure:machinelearning:Workspace": {arm.Workspace,
			[]string{"workspaceName|name"}, ""},
		"azure-native:machinelearningservices:Compute azure-native:machinelearningservices:MachineLearningCompute " +
			"azure:machinelearning:ComputeCluster azure:machinelearning:ComputeInstance": {ml + "computes",
			[]string{"workspaceName", "computeName|name"}, "machineLearningWorkspaceId"},
		"azure-native:machinelearningservices:BatchEndpoint": {ml + "batchEndpoints",
			[]string{"workspaceName", "endpointName"}, ""},
		"azure-native:machinelearningservices:BatchDeployment": {ml + "batchEndpoints/deployments",
			[]string{"workspaceName", "endpointName", "deploymentName"}, ""},
		"azure-native:machinelearningservices:Datastore": {ml + "datastores", []string{"workspaceName", "name"}, ""},
		"azure-native:machinelearningservices:MachineLearningDatastore": {ml + "datastores",
			[]string{"workspaceName", "datastoreName"}, ""},
		"azure:machinelearning:DatastoreBlobstorage azure:machinelearning:DatastoreDatalakeGen2": {ml + "datastores",
			[]string{"workspaceName", "name"}, "workspaceId"},
		"azure-native:managedidentity:UserAssignedIdentity azure:authorization:UserAssignedIdentity": {
			arm.UserAssignedIdentity, []string{"resourceName|name"}, ""},
		"azure-native:keyvault:Vault azure:keyvault:KeyVault": {arm.KeyVault, []string{"vaultName|name"}, ""},
		"azure-native:keyvault:AccessPolicy azure:keyvault:AccessPolicy": {arm.KeyVault + "/accessPolicies",
			[]string{"vaultName", "=policy"}, "keyVaultId"},
		"azure-native:compute:VirtualMachine azure:compute:LinuxVirtualMachine azure:compute:WindowsVirtualMachine": {
			arm.VirtualMachine, []string{"vmName|name"}, ""},
		"azure-native:web:WebApp azure:appservice:LinuxFunctionApp azure:appservice:WindowsFunctionApp " +
			"azure:appservice:LinuxWebApp azure:appservice:WindowsWebApp": {arm.Site, []string{"name"}, ""},
		"azure-native:containerinstance:ContainerGroup azure:containerservice:Group": {
			"Microsoft.ContainerInstance/containerGroups", []string{"containerGroupName|name"}, ""},
		"azure-native:automation:AutomationAccount azure:automation:Account": {"Microsoft.Automation/automationAccounts",
			[]string{"automationAccountName|name"}, ""},
		"azure-native:logic:Workflow azure:logicapps:Workflow": {"Microsoft.Logic/workflows", []string{"workflowName|name"},
			""},
		"azure-native:datafactory:Factory azure:datafactory:Factory": {arm.DataFactory, []string{"factoryName|name"}, ""},
	} {
		for _, t := range strings.Fields(token) {
			all[guardrails.Key(t)] = &of
		}
	}
	return all
}()

// armID returns the ID of a resource: its own, or the one that its inputs make. A segment that is not known yet begins
// with ways.Later.
func (x *estate) armID(s *engine.State, depth int) string {
	sh := shapes[guardrails.Key(s.Type)]
	if strings.HasPrefix(s.ID, "/subscriptions/") {
		return strings.TrimSuffix(s.ID, "/")
	}
	if depth > 4 { // a resource that refers to itself
		return ways.Later + s.URN
	}
	subscription := "/subscriptions/" + cmp.Or(x.p.SubscriptionID, ways.Later)
	if sh.typ == "" {
		return subscription + "/resourceGroups/" + x.segment(s, sh.names[0])
	}
	segments := strings.Split(sh.typ, "/") // the provider, and then one type for each name
	last := len(sh.names) - 1
	parent := ""
	if above := text(s.Inputs[sh.above]); sh.above != "" && above != "" {
		parent = strings.TrimSuffix(above, "/")
		if len(sh.names) == 3 { // a container: its account's ID lacks the service
			parent += "/blobServices/default"
		}
	}
	if parent == "" && last > 0 {
		parent = x.parentID(s, sh, depth)
	}
	if parent == "" {
		group := x.segment(s, "resourceGroupName")
		parent = subscription + "/resourceGroups/" + group
		for _, urn := range s.Dependencies["resourceGroupName"] {
			if other := x.index.state(urn, x.when); other != nil && shapes[guardrails.Key(other.Type)] != nil &&
				shapes[guardrails.Key(other.Type)].typ == "" && strings.HasPrefix(group, ways.Later) {
				parent = x.armID(other, depth+1)
			}
		}
		parent += "/providers/" + segments[0]
		for i := range last {
			parent += "/" + segments[i+1] + "/" + x.segment(s, sh.names[i])
		}
	}
	return parent + "/" + segments[len(segments)-1] + "/" + x.segment(s, sh.names[last])
}

// parentID returns the ID of the resource's parent, if the preview shows it and the name is the parent's; else "".
func (x *estate) parentID(s *engine.State, sh *shape, depth int) string {
	for i := len(sh.names) - 2; i >= 0; i-- {
		for _, property := range append(strings.Split(sh.names[i], "|"), sh.above) {
			for _, urn := range s.Dependencies[property] {
				other := x.index.state(urn, x.when)
				if other == nil || shapes[guardrails.Key(other.Type)] == nil ||
					!strings.HasPrefix(sh.typ, shapes[guardrails.Key(other.Type)].typ+"/") ||
					shapes[guardrails.Key(other.Type)].typ == "" {
					continue
				}
				id := x.armID(other, depth+1)
				if name := text(s.Inputs[property]); name != "" && property != sh.above && name != arm.Last(id) {
					continue // a name that the program composes
				}
				types := strings.Split(sh.typ, "/")
				for n := i + 1; n < len(sh.names)-1; n++ {
					id += "/" + types[n+1] + "/" + x.segment(s, sh.names[n])
				}
				return id
			}
		}
	}
	return ""
}

// segment returns the name in an input.
func (x *estate) segment(s *engine.State, inputs string) string {
	if literal, is := strings.CutPrefix(inputs, "="); is {
		return literal
	}
	for _, input := range strings.Split(inputs, "|") {
		switch v := s.Inputs[input].(type) {
		case string:
			if v != "" {
				return v
			}
		case guardrails.Marker:
			if from := s.Dependencies[input]; len(from) > 0 {
				return ways.Later + strings.ReplaceAll(strings.Join(from, "+"), "/", "|")
			}
			return ways.Later + strings.ReplaceAll(s.URN, "/", "|") + "." + input
		}
	}
	return ways.Later + strings.ReplaceAll(s.URN, "/", "|")
}

// named returns the name in an ID, for people; for an unknown ID, the resource's name in the program.
func named(id string) string {
	last := arm.Last(id)
	if later, is := strings.CutPrefix(last, ways.Later); is {
		return engine.ShownName(later)
	}
	return engine.Clip(last)
}

// refers returns the ARM IDs that an input gives: its own, or those of the resources of a type that it comes from.
// later is set if only the latter are known.
func (x *estate) refers(s *engine.State, property string, value any, typ string) (ids []string, later bool) {
	if id := text(value); strings.HasPrefix(id, "/") {
		return []string{strings.TrimSuffix(id, "/")}, false
	}
	if _, is := value.(guardrails.Marker); !is {
		return nil, false
	}
	for _, urn := range s.Dependencies[property] {
		if other := x.index.state(urn, x.when); other != nil && x.ids[urn] != "" &&
			(typ == "" || shapes[guardrails.Key(other.Type)].typ == typ) {
			ids = append(ids, x.ids[urn])
		}
	}
	return ids, true
}

// whoIs adds a resource as a principal, if it is or has one.
func (x *estate) whoIs(s *engine.State) {
	id := x.keyOf(s)
	out := func(key string) string { return cmp.Or(text(s.Outputs[key]), text(s.Inputs[key])) }
	switch k := kind(s.Type); k {
	case "azuread:index/user:User":
		x.principal(ways.Principal{ID: id, Names: []string{cmp.Or(out("userPrincipalName"), out("displayName"),
			engine.ShownName(s.URN))}})
	case servicePrincipal:
		x.principal(ways.Principal{ID: id, Names: []string{"service principal " + cmp.Or(out("displayName"),
			engine.NameOf(s.URN))}})
		a := ways.Application{Name: engine.NameOf(s.URN), AppID: out("clientId"), Principal: id,
			Owners: x.who(s, "owners", s.Inputs["owners"])}
		x.e.Applications = append(x.e.Applications, a)
	case group, "azuread:index/groupWithoutMembers:GroupWithoutMembers":
		g := x.group(id, "group "+cmp.Or(out("displayName"), engine.NameOf(s.URN)))
		g.Members = append(g.Members, x.who(s, "members", s.Inputs["members"])...)
		g.Owners = append(g.Owners, x.who(s, "owners", s.Inputs["owners"])...)
	case userAssignedIdentity:
		name := "managed identity " + named(x.ids[s.URN])
		x.principal(ways.Principal{ID: id, Names: []string{name}})
		x.e.Identities = append(x.e.Identities, ways.Identity{Name: name, ID: x.ids[s.URN], Principal: id})
	default:
		if x.acts(s) {
			x.principal(ways.Principal{ID: id, Names: []string{"identity of " + engine.NameOf(s.URN)}})
		}
	}
}

// place adds a resource that holds data, keys or secrets.
func (x *estate) place(s *engine.State) {
	sh := shapes[guardrails.Key(s.Type)]
	if sh == nil {
		return
	}
	id := x.ids[s.URN]
	switch sh.typ {
	case arm.StorageAccount:
		a := x.account(id)
		if x.isForeign(s.URN) {
			return
		}
		a.KeysUnknown = ""
		keys := s.Inputs["allowSharedKeyAccess"]
		if keys == nil {
			keys = s.Inputs["sharedAccessKeyEnabled"] // the classic provider's word
		}
		switch on := keys.(type) {
		case bool:
			a.KeysOff = !on
		case guardrails.Marker:
			a.KeysUnknown = "whether shared keys open " + a.Name + " is " + string(on)
		}
	case arm.StorageAccount + "/blobServices/containers":
		if account, _, is := strings.Cut(id, "/blobServices/"); is {
			x.account(account)
			x.datum(account, arm.Last(id), "")
		}
	case arm.Workspace:
		x.ofWorkspace(s, x.workspace(id))
	case arm.KeyVault:
		x.ofVault(s, id)
	case arm.KeyVault + "/accessPolicies":
		x.byPolicy(s)
	}
}

func (x *estate) ofWorkspace(s *engine.State, w *ways.Workspace) {
	first := func(properties ...string) (string, bool) {
		for _, property := range properties {
			if ids, _ := x.refers(s, property, s.Inputs[property], ""); len(ids) > 0 {
				return ids[0], true
			}
		}
		return "", false
	}
	if account, known := first("storageAccount", "storageAccountId"); known {
		w.Account = account
		x.account(account)
	}
	if !x.isMade(s.URN) {
		w.Unlisted = "other clusters and data stores of workspace " + named(w.ID) + " are not known: " + notShown
	}
	if vault, known := first("keyVault", "keyVaultId"); known {
		w.Vault = vault
		x.vault(vault)
	}
}

// somebody adds a principal of which only the ID is known.
func (x *estate) somebody(id, principalType string) {
	switch {
	case x.named[strings.ToLower(id)]:
	case strings.EqualFold(principalType, "Group"):
		x.outside(id)
	default:
		x.principal(ways.Principal{ID: id, Names: []string{x.known(id)}})
	}
}

// within adds a resource that lies in a workspace, or that runs code with an identity.
func (x *estate) within(s *engine.State) {
	sh := shapes[guardrails.Key(s.Type)]
	if sh == nil {
		return
	}
	id := x.ids[s.URN]
	in, _, lies := strings.Cut(id, map[string]string{arm.Workspace + "/computes": "/computes/",
		arm.Workspace + "/batchEndpoints/deployments": "/batchEndpoints/", arm.Workspace + "/datastores": "/datastores/",
		arm.Workspace + "/batchEndpoints": "/batchEndpoints/"}[sh.typ])
	switch sh.typ {
	case arm.Workspace + "/computes":
		w := x.inWorkspace(in)
		for _, p := range x.attachedTo(s) {
			x.plain = true
			w.Clusters = append(w.Clusters, ways.Cluster{Name: named(id), Principal: p})
		}
	case arm.Workspace + "/batchEndpoints/deployments":
		x.deployment(s, x.inWorkspace(in), arm.Last(strings.TrimSuffix(id, "/deployments/"+arm.Last(id))))
	case arm.Workspace + "/batchEndpoints":
		x.endpoint(x.inWorkspace(in), arm.Last(id))
	case arm.Workspace + "/datastores":
		if lies {
			x.store(s, x.inWorkspace(in), named(id))
		}
	case arm.StorageAccount, arm.UserAssignedIdentity, arm.Workspace, arm.KeyVault, "":
	default:
		if principals := x.attachedTo(s); len(principals) > 0 {
			x.plain = true
			x.e.Hosts = append(x.e.Hosts, ways.Host{Name: engine.NameOf(s.URN), ID: id, Type: sh.typ,
				Principals: principals})
		}
	}
}

// inWorkspace returns the workspace, which the preview may not show.
func (x *estate) inWorkspace(id string) *ways.Workspace {
	isNew := !slices.ContainsFunc(x.e.Workspaces, func(w ways.Workspace) bool { return arm.Same(w.ID, id) })
	w := x.workspace(id)
	if isNew {
		w.Unlisted = "other clusters and data stores of workspace " + named(id) + " are not known: " + notShown
	}
	return w
}

func (x *estate) endpoint(w *ways.Workspace, name string) *ways.Endpoint {
	n := slices.IndexFunc(w.Endpoints, func(e ways.Endpoint) bool { return strings.EqualFold(e.Name, name) })
	if n < 0 {
		n, w.Endpoints = len(w.Endpoints), append(w.Endpoints, ways.Endpoint{Name: name})
	}
	return &w.Endpoints[n]
}

func (x *estate) deployment(s *engine.State, w *ways.Workspace, name string) {
	e := x.endpoint(w, name)
	properties, _ := s.Inputs["batchDeploymentProperties"].(map[string]any)
	ids, _ := x.refers(s, "batchDeploymentProperties", properties["compute"], arm.Workspace+"/computes")
	for _, id := range ids {
		e.Clusters = append(e.Clusters, named(id))
	}
}

// attachedTo returns the identities of a resource: its own, those that the preview shows, and others by their ARM IDs.
func (x *estate) attachedTo(s *engine.State) (all []string) {
	if x.acts(s) {
		all = append(all, x.keyOf(s))
	}
	identity := s.Inputs["identity"]
	hidden := 0
	for _, id := range guardrails.IdentityIDs(identity) {
		if !strings.HasPrefix(id, "/") {
			hidden++
			continue
		}
		all = append(all, x.identity(id))
	}
	if hidden == 0 {
		return all
	}
	found := 0
	for _, urn := range s.Dependencies["identity"] {
		state := x.index.state(urn, x.when)
		if state == nil || kind(state.Type) != userAssignedIdentity {
			continue
		}
		if key := x.keyOf(state); !slices.Contains(all, key) {
			found++
			all = append(all, key)
			x.whoIs(state) // it may be a component's
		}
	}
	if found < hidden {
		other := "identity of " + engine.NameOf(s.URN) + " that is not known yet"
		x.principal(ways.Principal{ID: s.URN + " later", Names: []string{other},
			Elsewhere: "which identity it is is known only after the deployment"})
		all = append(all, s.URN+" later")
	}
	return all
}

// identity adds the user-assigned identity with an ARM ID, which may exist outside of the preview.
func (x *estate) identity(id string) string {
	for _, i := range x.e.Identities {
		if arm.Same(i.ID, id) {
			return i.Principal
		}
	}
	key := strings.ToLower(id)
	name := "managed identity " + named(id)
	x.principal(ways.Principal{ID: key, Names: []string{name}, Elsewhere: "what " + name + " holds is not known: " +
		notShown})
	x.e.Identities = append(x.e.Identities, ways.Identity{Name: name, ID: id, Principal: key})
	return key
}

// store adds a data store (facts/azure-native-2.92.3-machinelearningservices.json).
func (x *estate) store(s *engine.State, w *ways.Workspace, name string) {
	x.plain = true
	store := ways.Store{Name: name}
	properties, native := s.Inputs["datastoreProperties"].(map[string]any)
	if !native {
		x.classicStore(s, &store)
	} else {
		credentials, _ := properties["credentials"].(map[string]any)
		store.Kind, store.ClientID = text(credentials["credentialsType"]), text(credentials["clientId"])
		store.Container = cmp.Or(text(properties["containerName"]), text(properties["filesystem"]))
		account := text(properties["accountName"])
		for _, a := range x.e.Accounts { // names of accounts are unique in all of Azure
			if account != "" && strings.EqualFold(arm.Last(a.ID), account) {
				store.Account = a.ID
			}
		}
		if _, later := properties["accountName"].(guardrails.Marker); later && store.Account == "" {
			ids, _ := x.refers(s, "datastoreProperties", guardrails.Unknown, arm.StorageAccount)
			if len(ids) == 1 {
				store.Account = ids[0]
			}
		}
		if store.Account == "" && account != "" {
			store.Account = "/subscriptions/" + cmp.Or(text(properties["subscriptionId"]), ways.Later) + "/resourceGroups/" +
				cmp.Or(text(properties["resourceGroup"]), ways.Later) + "/providers/" + arm.StorageAccount + "/" + account
		}
	}
	if store.Account != "" {
		x.account(store.Account)
		x.datum(store.Account, store.Container, name)
	}
	w.Stores = append(w.Stores, store)
}

func (x *estate) classicStore(s *engine.State, store *ways.Store) {
	container, _ := x.refers(s, "storageContainerId", s.Inputs["storageContainerId"],
		arm.StorageAccount+"/blobServices/containers")
	if len(container) == 1 {
		account, name, is := strings.Cut(container[0], "/blobServices/default/containers/")
		if is {
			store.Account, store.Container = account, name
		}
	}
	switch has := func(property string) bool { return s.Inputs[property] != nil && s.Inputs[property] != "" }; {
	case has("accountKey"):
		store.Kind = ways.AccountKey
	case has("sharedAccessSignature"):
		store.Kind = ways.SAS
	case has("clientSecret"):
		store.Kind, store.ClientID = ways.ServicePrincipal, text(s.Inputs["clientId"])
	default:
		store.Kind = ways.NoCredential
	}
}

// credential adds another way to sign in as an application or identity.
func (x *estate) credential(s *engine.State) {
	k := kind(s.Type)
	if !slices.Contains([]string{guardrails.Federation, guardrails.Password, guardrails.Certificate,
		"azuread:index/applicationOwner:ApplicationOwner"}, k) {
		return
	}
	x.plain = true
	of := x.signsInAs(s)
	n := slices.IndexFunc(x.e.Applications, func(a ways.Application) bool { return a.Principal == of })
	if n < 0 {
		x.somebody(of, "")
		n = len(x.e.Applications)
		x.e.Applications = append(x.e.Applications, ways.Application{Name: x.called(of), Principal: of})
	}
	a := &x.e.Applications[n]
	switch k {
	case guardrails.Federation:
		subject := text(s.Inputs["subject"])
		if ids := x.who(s, "subject", s.Inputs["subject"]); subject == "" && len(ids) == 1 {
			subject = ids[0]
		}
		a.Federated = append(a.Federated, ways.Federated{Issuer: text(s.Inputs["issuer"]), Subject: subject})
	case guardrails.Password, guardrails.Certificate:
		a.Secrets = append(a.Secrets, map[string]string{guardrails.Password: "client secret ",
			guardrails.Certificate: "certificate "}[k]+engine.NameOf(s.URN))
	default:
		owners := x.who(s, "ownerObjectId", s.Inputs["ownerObjectId"])
		for _, id := range owners {
			x.somebody(id, "")
		}
		a.Owners = append(a.Owners, owners...)
	}
}

// called returns the name of a principal.
func (x *estate) called(id string) string {
	for _, p := range x.e.Principals {
		if strings.EqualFold(p.ID, id) {
			return p.Names[0]
		}
	}
	return x.known(id)
}

// signsInAs returns the principal of a credential, by its source or by the ID in it.
func (x *estate) signsInAs(s *engine.State) string {
	target := text(s.Inputs[guardrails.Target])
	if target == "" {
		target = text(s.Inputs["applicationId"])
	}
	for _, property := range []string{"applicationId", "servicePrincipalId", "parentId", "userAssignedIdentityId",
		"resourceName"} {
		for _, urn := range s.Dependencies[property] {
			if other := x.index.state(urn, x.when); other != nil && (x.acts(other) || kind(other.Type) == application) {
				return x.principalOf(other)
			}
		}
	}
	for _, other := range x.states() {
		switch k := kind(other.Type); {
		case target == "":
		case k == userAssignedIdentity:
			id := x.ids[other.URN]
			if parsed, err := arm.Parse(id, arm.UserAssignedIdentity); arm.Same(id, target) ||
				err == nil && strings.EqualFold(parsed.ResourceGroup+"/"+parsed.Name, target) {
				return x.keyOf(other)
			}
		case (k == application || k == servicePrincipal) && slices.Contains([]string{lastSegment(other.ID),
			strings.ToLower(text(other.Outputs["clientId"])), strings.ToLower(text(other.Outputs["objectId"]))},
			lastSegment(target)):
			return x.principalOf(other)
		}
	}
	return cmp.Or(strings.ToLower(target), s.URN)
}

// principalOf returns the principal that acts as a resource; for an application, its service principal.
func (x *estate) principalOf(s *engine.State) string {
	if kind(s.Type) != application {
		return x.keyOf(s)
	}
	for _, other := range x.states() {
		client := text(s.Outputs["clientId"])
		if kind(other.Type) == servicePrincipal && (slices.Contains(slices.Concat(slices.Collect(maps.Values(
			other.Dependencies))...), s.URN) || client != "" && strings.EqualFold(text(other.Inputs["clientId"]), client)) {
			return x.keyOf(other)
		}
	}
	return x.keyOf(s)
}

// joined adds members of groups, and owners of applications.
func (x *estate) joined(s *engine.State) {
	switch kind(s.Type) {
	case groupMember:
		x.plain = true
		members := x.who(s, "memberObjectId", s.Inputs["memberObjectId"])
		for _, id := range x.who(s, "groupObjectId", s.Inputs["groupObjectId"]) {
			g := x.outside(id)
			g.Members = append(g.Members, members...)
		}
		for _, id := range members {
			x.somebody(id, "")
		}
	case group, "azuread:index/groupWithoutMembers:GroupWithoutMembers":
		for _, property := range []string{"members", "owners"} {
			for _, id := range x.who(s, property, s.Inputs[property]) {
				x.plain = true
				x.somebody(id, "")
			}
		}
	case application:
		owners := x.who(s, "owners", s.Inputs["owners"])
		of := x.principalOf(s)
		for i := range x.e.Applications {
			if a := &x.e.Applications[i]; a.Principal == of {
				a.Owners = append(a.Owners, owners...)
			}
		}
		for _, id := range owners {
			x.plain = true
			x.somebody(id, "")
		}
	}
}

// assigned adds a role assignment.
func (x *estate) assigned(step engine.Step) {
	old, now := x.assignment(step, step.Old, before), x.assignment(step, step.New, after)
	x.keepPrincipal(step, old, now)
	a, s := now, step.New
	if x.when == before {
		a, s = old, step.Old
	}
	if a == nil {
		return
	}
	x.plain = true
	one := ways.Assignment{Role: a.role.name, Permissions: a.role.permissions, Condition: a.condition}
	// Thousands of assignments give a few roles: with the same slice of permissions the finder works out each role
	// once.
	if ps, there := x.allows[a.role.key]; there {
		one.Permissions = ps
	}
	x.allows[a.role.key] = one.Permissions
	if !a.role.known {
		one.Unread = "what " + a.role.name + " allows is not known: " + notShown
	}
	if a.kept != "" {
		one.Doubt = "its holder has to activate it (PIM), and who has to approve that is not known here"
	}
	ids := []string{cmp.Or(x.as[a.principal.key], strings.ToLower(a.principal.ID))}
	if ids[0] == "" {
		ids = x.from(s, "principalId")
	}
	if len(ids) == 0 {
		ids = []string{a.principal.key}
		x.principal(ways.Principal{ID: a.principal.key, Names: []string{a.principal.Name}})
	}
	if len(ids) > 1 {
		one.Doubt = cmp.Or(one.Doubt, "which principal it is for is known only after the deployment")
	}
	scopes, later := x.refers(s, "scope", s.Inputs["scope"], "")
	if later {
		one.Doubt = cmp.Or(one.Doubt, "where it holds is known only after the deployment")
	}
	if len(scopes) == 0 {
		scopes = []string{"/"}
		one.Doubt = cmp.Or(one.Doubt, "where it holds is not known here")
	}
	for _, scope := range scopes {
		x.scoped(scope)
		for _, id := range ids {
			x.somebody(id, text(s.Inputs["principalType"]))
			one.Principal, one.Scope = id, scope
			x.e.Assignments = append(x.e.Assignments, one)
		}
	}
}

// scoped adds what a scope names: it exists, whether or not the preview shows it.
func (x *estate) scoped(scope string) {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 8 {
		return
	}
	top := "/" + strings.Join(parts[:8], "/")
	switch typ := parts[5] + "/" + parts[6]; {
	case strings.EqualFold(typ, arm.Workspace):
		x.inWorkspace(top)
	case strings.EqualFold(typ, arm.KeyVault):
		x.vault(top)
	case strings.EqualFold(typ, arm.StorageAccount):
		x.account(top)
		if len(parts) > 11 && strings.EqualFold(parts[10], "containers") {
			x.datum(top, parts[11], "")
		} else if !slices.ContainsFunc(x.e.Data, func(d ways.Datum) bool { return arm.Same(d.Account, top) }) {
			x.datum(top, "", "")
		}
	}
}
