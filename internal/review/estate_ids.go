package review

import (
	"cmp"
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
