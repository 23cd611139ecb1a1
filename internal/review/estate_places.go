package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/ways"
)

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
