// Package accesstest lets the tests of a stack that imports the components check, without Azure, who may start and read
// what:
//
//	func TestWhoReadsPayroll(t *testing.T) {
//		stack := accesstest.Run(t, deploy)
//		stack.Require(t, access.Assertion{Only: []string{"payroll-run", "cluster:cpu"}, Read: "payroll"})
//		stack.Require(t, access.Assertion{Can: []string{"analysts"}, Start: "scoring"})
//	}
//
// The program runs under Pulumi's mocks, which answer like Azure if the components depend on the answer. The tests
// judge the model of every BatchEndpointAccess that the program registers, however its arguments were computed.
// Components outside of one, such as an InvokerRole, have no model; their role assignments are judged one by one:
//
//	const start = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"
//	stack.RequireCan(t, "pipeline", start, workspaceID)
//	stack.RequireCannot(t, "pipeline", "readsSecrets", lakeID)
//
// To try the same in the embedded Azure, give Model to rehearsal.Run (package sandbox/rehearsal).
package accesstest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// A Stack is a program that ran under mocks.
type Stack struct {
	models      map[string]access.Model // the models of each BatchEndpointAccess, by its name
	resources   []string
	assignments []Assignment
	principals  map[string][]string // names of the principals that Try made up, by object ID
	groups      map[string][]string // object IDs of a principal's groups in the program, by its object ID
	ids         map[string]string   // ARM IDs that Try made up, by the resource's name in Resources
}

// Run runs the program as a deployment of stack "test", with its options, such as one that sets configuration. The test
// fails if the program does, or if it registers nothing that can be judged.
func Run(t testing.TB, program pulumi.RunFunc, options ...pulumi.RunOption) *Stack {
	t.Helper()
	s, err := Try(program, options...)
	if err != nil {
		t.Fatalf("running the program: %v", err)
	}
	if len(s.models)+len(s.assignments) == 0 {
		t.Fatal("the program registers no BatchEndpointAccess and no role assignment, so there is nothing to judge")
	}
	return s
}

// Try runs any program, and returns its error.
func Try(program pulumi.RunFunc, options ...pulumi.RunOption) (*Stack, error) {
	m := &mocks{models: map[string]access.Model{}, principals: map[string][]string{}, made: map[string]bool{},
		ids: map[string]string{}, outputs: map[string]resource.PropertyMap{}}
	if err := pulumi.RunErr(program, append([]pulumi.RunOption{pulumi.WithMocks("project", "test", m)},
		options...)...); err != nil {
		return nil, err
	}
	slices.Sort(m.resources)
	return &Stack{m.models, m.resources, m.assignments(), m.principals, m.memberships(), m.ids}, nil
}

// Resources lists what the program registers, sorted: the name of the type and the name of the resource.
func (s *Stack) Resources() []string { return slices.Clone(s.resources) }

// ID returns the ARM ID that was made up for a storage account, a workspace or a user-assigned identity of the program:
// the scope of assignments there. The resource has its name in Resources: "StorageAccount lake".
func (s *Stack) ID(t testing.TB, resource string) string {
	t.Helper()
	id, ok := s.ids[resource]
	if !ok {
		t.Fatalf("no ID was made up for %q; there is one of %s", resource,
			strings.Join(slices.Sorted(maps.Keys(s.ids)), ", "))
	}
	return id
}

// Model returns the model of the BatchEndpointAccess with that name; "" for the only one.
func (s *Stack) Model(t testing.TB, name string) access.Model {
	t.Helper()
	names := slices.Sorted(maps.Keys(s.models))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	model, ok := s.models[name]
	if !ok {
		t.Fatalf("there is no BatchEndpointAccess %q; there is %s", name, strings.Join(names, ", "))
	}
	return model
}

// Require fails the test unless the assertion holds for every BatchEndpointAccess of the stack. The message says who
// gains it and how, or what is missing. A wrong assertion, such as one that names nobody, fails the test too.
func (s *Stack) Require(t testing.TB, a access.Assertion) {
	t.Helper()
	if len(s.models) == 0 {
		t.Fatal("the program registers no BatchEndpointAccess, so there is no model to judge; ask RequireCan and " +
			"RequireCannot about its role assignments")
	}
	for _, name := range slices.Sorted(maps.Keys(s.models)) {
		model := s.models[name]
		model.Assertions = map[string]access.Assertion{"required": a}
		if _, ps := access.Compile(model); ps.Err() != nil {
			err := ps.Err()
			t.Fatalf("BatchEndpointAccess %q: %v", name, err)
		}
	}
}

// mocks answer like Azure, if the components look at the answer.
type mocks struct {
	mu         sync.Mutex
	models     map[string]access.Model
	resources  []string
	registered []registration                  // resources by which role assignments are judged
	principals map[string][]string             // names for each object ID that was made up here
	made       map[string]bool                 // every ID that was made up here
	ids        map[string]string               // ARM IDs among them, by the resource's name in Resources
	outputs    map[string]resource.PropertyMap // outputs of other stacks, by name
}

func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == stackReference {
		return m.otherStack(args)
	}
	label := args.TypeToken[strings.LastIndex(args.TypeToken, ":")+1:] + " " + args.Name
	m.mu.Lock()
	m.resources = append(m.resources, label)
	m.mu.Unlock()
	m.note(args)
	if args.TypeToken == components.BatchEndpointAccessToken {
		return "", nil, m.keep(args)
	}
	id := args.Name + "-id"
	state := args.Inputs.Copy()
	give := func(keys ...string) {
		for _, key := range keys {
			state[resource.PropertyKey(key)] = m.makeUp(label, args.Name, key)
		}
	}
	kind := guardrails.Resource{Type: args.TypeToken}.Kind() // for any version of its API
	switch kind {
	case "azure-native:authorization:RoleDefinition":
		id = fmt.Sprintf("%s/providers/Microsoft.Authorization/roleDefinitions/%s", textOf(args.Inputs, "scope"),
			textOf(args.Inputs, "roleDefinitionId"))
	case "azure-native:managedidentity:UserAssignedIdentity":
		give("principalId", "clientId", "tenantId")
	case "azure-native:machinelearningservices:Compute":
		state["identity"] = resource.NewProperty(m.identityOf(label, args.Name, state["identity"]))
	case "azuread:index/application:Application":
		id = "/applications/" + args.Name
		give("clientId", "objectId")
	case "azuread:index/group:Group":
		id = "/groups/" + args.Name
		give("objectId")
	case "azuread:index/servicePrincipal:ServicePrincipal":
		id = "/servicePrincipals/" + args.Name
		give("objectId", "applicationTenantId")
	case "azuread:index/applicationPassword:ApplicationPassword":
		give("keyId")
		state["value"] = resource.MakeSecret(resource.NewProperty("not a secret"))
	}
	if top, ok := topLevel[guardrails.Key(args.TypeToken)]; ok {
		group, own := cmp.Or(textOf(args.Inputs, "resourceGroupName"), "made-up"), cmp.Or(textOf(args.Inputs, top.name),
			args.Name)
		id = "/subscriptions/" + madeUpSubscription + "/resourceGroups/" + group + "/providers/" + top.armType + "/" + own
		m.mu.Lock()
		m.made[id], m.ids[label] = true, id
		m.mu.Unlock()
	}
	return id, state, nil
}

// topLevel are the types of resources whose ARM IDs the components take, by Pulumi's types: Azure's type, and the input
// that names a resource. A component refuses an ID of another form.
var topLevel = map[string]struct {
	armType string
	name    resource.PropertyKey
}{
	guardrails.Key("azure-native:managedidentity:UserAssignedIdentity"): {arm.UserAssignedIdentity, "resourceName"},
	guardrails.Key("azure-native:storage:StorageAccount"):               {arm.StorageAccount, "accountName"},
	guardrails.Key("azure-native:machinelearningservices:Workspace"):    {arm.Workspace, "workspaceName"},
}

const madeUpSubscription = "00000000-0000-4000-8000-000000000000"

// Call answers the look-ups of existing things.
func (m *mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	state := args.Args.Copy()
	switch args.Token {
	case "azure-native:machinelearningservices:getCompute":
		name := textOf(args.Args, "computeName")
		state["identity"] = resource.NewProperty(m.identityOf("Compute "+name, name, resource.NewNullProperty()))
	case "azure-native:managedidentity:getUserAssignedIdentity":
		name := textOf(args.Args, "resourceName")
		for _, key := range []resource.PropertyKey{"principalId", "clientId", "tenantId"} {
			state[key] = m.makeUp("UserAssignedIdentity "+name, name, string(key))
		}
	case "azuread:index/getUser:getUser", "azuread:index/getGroup:getGroup", "azuread:index/getServicePrincipal:" +
		"getServicePrincipal":
		kind := args.Token[strings.LastIndex(args.Token, ":get")+len(":get"):]
		for _, name := range []resource.PropertyKey{"userPrincipalName", "mail", "displayName", "clientId", "objectId"} {
			who := textOf(args.Args, name)
			if kind == "Group" {
				who = strings.ReplaceAll(who, "''", "'") // the component doubles them for the provider
			}
			if name == "objectId" && who != "" {
				state["objectId"] = args.Args[name]
			} else if who != "" {
				state["objectId"] = m.makeUp(kind+" "+who, kind, who, "objectId")
			}
		}
		state["securityEnabled"] = resource.NewProperty(true)
	case "azure-native:datafactory:getFactory", "azure-native:web:getWebApp", "azure-native:compute:getVirtualMachine":
		kind := args.Token[strings.LastIndex(args.Token, ":get")+len(":get"):]
		name := textOf(args.Args, map[string]resource.PropertyKey{"Factory": "factoryName", "WebApp": "name",
			"VirtualMachine": "vmName"}[kind])
		state["identity"] = resource.NewProperty(m.identityOf(kind+" "+name, kind+" "+name, resource.NewNullProperty()))
	case "azure-native:machinelearningservices:getDatastore", "azure-native:machinelearningservices:getDataVersion",
		"azure-native:machinelearningservices:getBatchEndpoint", "azure-native:machinelearningservices:getBatchDeployment":
		return nil, errors.New("mocks can't know the workspace; write down what it answers, as batchaccess pin does")
	}
	return state, nil
}

// keep records the model with which a component is registered.
func (m *mocks) keep(args pulumi.MockResourceArgs) error {
	inputs, err := plugin.UnmarshalProperties(args.RegisterRPC.GetObject(),
		plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true})
	if err != nil {
		return fmt.Errorf("reading the inputs of %s: %w", args.Name, err)
	}
	values, _ := m.known(plain(resource.NewProperty(inputs))).(map[string]any)
	decoded, problems := config.Decode(values)
	if err := problems.Err(); err != nil {
		return fmt.Errorf("reading the inputs of %s: %w", args.Name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.models[args.Name] = decoded.Model()
	return nil
}

// plain returns values without their secret and output marks.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsOutput() && v.OutputValue().Known:
		return plain(v.OutputValue().Element)
	case v.IsComputed(), v.IsOutput():
		return config.Unknown
	case v.IsObject():
		object := map[string]any{}
		for key, item := range v.ObjectValue() {
			object[string(key)] = plain(item)
		}
		return object
	case v.IsArray():
		list := []any{}
		for _, item := range v.ArrayValue() {
			list = append(list, plain(item))
		}
		return list
	default:
		return v.Mappable()
	}
}

// makeUp makes an ID like Azure's that is the same in every run. For an object ID it records what the ID is of.
func (m *mocks) makeUp(label string, of ...string) resource.PropertyValue {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(of, "|"))).String()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made[id] = true
	if key := of[len(of)-1]; (key == "objectId" || key == "principalId") && !slices.Contains(m.principals[id], label) {
		m.principals[id] = append(m.principals[id], label)
	}
	return resource.NewProperty(id)
}

// known replaces IDs that were made up here by config.Unknown: a model has them as in a preview.
func (m *mocks) known(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = m.known(v[key])
		}
	case []any:
		for i := range v {
			v[i] = m.known(v[i])
		}
	case string:
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.made[v] {
			return config.Unknown
		}
	}
	return value
}

// identityOf returns the identity of a compute: principals for the given identities, or a system-assigned one if none
// is known.
func (m *mocks) identityOf(label, name string, given resource.PropertyValue) resource.PropertyMap {
	identity := resource.PropertyMap{"type": resource.NewProperty("SystemAssigned"),
		"principalId": m.makeUp(label, name, "principalId"), "tenantId": m.makeUp(label, "tenant")}
	if !given.IsObject() {
		return identity
	}
	identity["type"] = given.ObjectValue()["type"]
	if ids := given.ObjectValue()["userAssignedIdentities"]; ids.IsArray() {
		assigned := resource.PropertyMap{}
		for _, id := range ids.ArrayValue() {
			if id.IsString() {
				assigned[resource.PropertyKey(id.StringValue())] = resource.NewProperty(resource.PropertyMap{
					"principalId": m.makeUp(label, id.StringValue(), "principalId"), "clientId": m.makeUp(label, id.StringValue(),
						"clientId"),
				})
			}
		}
		identity["userAssignedIdentities"] = resource.NewProperty(assigned)
	}
	return identity
}

func textOf(m resource.PropertyMap, key resource.PropertyKey) string {
	if v := m[key]; v.IsString() {
		return v.StringValue()
	}
	return ""
}
