package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/plans"
)

func TestOutputsNameEveryPrincipal(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	scheduler, _, _ := strings.Cut(r.one(userAssigned, "access.scheduler").at("resourceName").(string), "\n")
	schedulerID := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + scheduler
	gpuIdentity := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/scoring-gpu-scoring-identity"
	assert.Equal(t, map[string]any{
		"alice": alice, "staff": staff, "robot": existingSP, "factory": existingMI,
		"pipeline": guidOf("servicePrincipal", "access.pipeline"), "partner": guidOf("servicePrincipal", "access.partner"),
		"scheduler": guidOf("principal", schedulerID),
	}, r.output("principalIds"))
	assert.Equal(t, map[string]any{
		"pipeline": guidOf("client", "access.pipeline"), "partner": guidOf("client", "access.partner"),
		"robot": bob, "scheduler": guidOf("client", schedulerID),
	}, r.output("clientIds"))
	assert.Equal(t, map[string]any{
		"cpu": guidOf("system", cpuID), "gpu": guidOf("principal", gpuIdentity),
	}, r.output("clusterPrincipalIds"))
	assert.Equal(t, group("ml")+"/providers/Microsoft.Authorization/roleDefinitions/"+
		r.one(roleDefinition, "access").at("roleDefinitionId").(string), r.output("roleDefinitionId"))
}

func TestSecretsAreSecretFromTheFirstMoment(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	require.True(t, r.outputs["clientSecrets"].IsSecret())
	assert.Equal(t, map[string]any{"partner": map[string]any{"2026": secretText + "access.partner.2026"}},
		unwrapped(r.outputs["clientSecrets"]).Mappable(), "the text that the test looks for is there")
	assert.NotContains(t, r.plainText(), secretText)
	for key, v := range r.outputs {
		if key != "clientSecrets" {
			assert.False(t, v.ContainsSecrets(), "%s is made of no secret, so it can be read", key)
		}
	}
}

func TestASecretThatTheCallerGivesStaysOne(t *testing.T) {
	t.Parallel()
	const key = "ssh-ed25519 guarded"
	args := environment()
	args.Clusters["cpu"] = components.ClusterArgs{SSH: &components.SSHArgs{
		AdminUserName: pulumi.String("a"), AdminUserSSHPublicKey: pulumi.ToSecret(pulumi.String(key)).(pulumi.StringOutput),
	}}
	r := run(t, batchEndpointAccess(args))
	assert.Equal(t, key, r.one(compute, "access.cpu").at("properties", "properties", "userAccountCredentials",
		"adminUserSshPublicKey"))
	assert.NotContains(t, r.plainText(), key)
}

func TestTheAccessReportIsTheModels(t *testing.T) {
	t.Parallel()
	args := environment()
	r := run(t, batchEndpointAccess(args))
	report := r.output("accessReport").(map[string]any)
	want, err := json.Marshal(plans.Of(args.Model()).Report())
	require.NoError(t, err)
	got, err := json.Marshal(report)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))

	granted := 0
	for _, of := range report["grants"].(map[string]any) {
		granted += len(of.(map[string]any))
	}
	assert.Len(t, r.ofType(roleAssignment), granted, "as many grants as assignments")
	for _, path := range plans.Of(args.Model()).Paths() {
		of := report["paths"].(map[string]any)[path.Invoker].(map[string]any)
		told := of[path.Endpoint].(map[string]any)[path.Input].(string)
		assert.Equal(t, path.Works(), told == "works", "%+v", path)
	}
}

func TestHowToInvokeHasEachInvokersOwnWay(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	how := r.output("howToInvoke").(map[string]any)
	require.Len(t, how, 7)
	for name, want := range map[string][]string{
		"alice": {"az login --allow-no-subscriptions\n", "https://classifier.westeurope.inference.ml.azure.com/jobs",
			"https://tagger.westeurope.inference.ml.azure.com/jobs"},
		"pipeline": {"uses: azure/login@", `client-id: "` + guidOf("client", "access.pipeline"), `tenant-id: "` + tenant,
			"github.ref == 'refs/heads/main'"},
		"partner": {"--service-principal", guidOf("client", "access.partner"), "--tenant " + tenant,
			`--password="$CLIENT_SECRET"`},
		"scheduler": {"az login --identity"},
		"factory":   {"az login --identity"},
	} {
		for _, part := range append(want, "az account get-access-token --resource https://ml.azure.com ") {
			assert.Contains(t, how[name], part, name)
		}
	}
	assert.NotContains(t, how["partner"], "classifier.westeurope", "an endpoint that it is not to invoke")
	assert.NotContains(t, how["alice"], "management.azure.com")
	assert.NotContains(t, resource.NewProperty(r.outputs["howToInvoke"].ObjectValue()).String(), secretText)
}

// cmd/batchaccess runs the texts in the sandbox (TestEveryInvokerOfTheSampleStartsAJobWithOneCommand).
func TestHowToInvokeIsInTheFormThatTheCallerTakes(t *testing.T) {
	t.Parallel()
	const factory = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
		"Microsoft.DataFactory/factories/f"
	mi := func(caller signin.Caller) components.InvokerArgs {
		return components.InvokerArgs{Kind: access.ManagedIdentity, Caller: caller}
	}
	existing := mi("")
	existing.PrincipalID, existing.ResourceID = pulumi.String(existingMI), factory
	devops := &signin.AzureDevOpsSubject{OrganizationID: bob, Organization: "contoso", Project: "p",
		ServiceConnection: "scoring: prod"}
	named := &signin.AzureDevOpsSubject{OrganizationID: bob, TenantID: bob, ConnectionID: bob,
		EntraPrefix: "/eid1/c/pub/t/a/a/b", ServiceConnection: "scoring: prod"}
	for name, c := range map[string]struct {
		invoker  components.InvokerArgs
		has, not []string
	}{
		"a Data Factory by its ID": {existing, []string{"# Data Factory: a pipeline", `"type": "MSI"`}, []string{"az login"}},
		"a Data Factory with an identity that is made": {mi(signin.DataFactory), []string{`"UserAssignedManagedIdentity"`,
			"/userAssignedIdentities/access-test-one"}, []string{`"MSI"`}},
		"Synapse": {mi(signin.Synapse), []string{"# Synapse: a pipeline"}, []string{"Data Factory"}},
		"a Logic App": {mi(signin.LogicApp), []string{"ManagedServiceIdentity", `"audience": "https://ml.azure.com"`},
			nil},
		"a Function App":    {mi(signin.FunctionApp), []string{"X-IDENTITY-HEADER", "client_id"}, []string{"169.254"}},
		"a virtual machine": {mi(signin.VirtualMachine), []string{"169.254.169.254", "client_id"}, []string{"X-IDENTITY"}},
		"a host that nobody names": {mi(""), []string{"az login --identity --client-id", "invokers.one.caller"},
			[]string{"urllib"}},
		"Azure Pipelines": {components.InvokerArgs{Kind: access.ServicePrincipal,
			FederatedCredentials: map[string]signin.FederatedCredential{"main": {AzureDevOps: devops}}},
			[]string{`azureSubscription: "scoring: prod"`, "AzureCLI@2"}, []string{"az login"}},
		"Azure Pipelines, the new form": {components.InvokerArgs{Kind: access.ServicePrincipal,
			FederatedCredentials: map[string]signin.FederatedCredential{"main": {AzureDevOps: named}}},
			[]string{`azureSubscription: "scoring: prod"`}, []string{"<name of"}},
		"GitHub of two repositories, in an environment and for pull requests": {components.InvokerArgs{
			Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{
				"cred-a": {GitHub: &signin.GitHubSubject{Repository: "contoso/a", Environment: "prod"}},
				"cred-b": {GitHub: &signin.GitHubSubject{Repository: "contoso/b", PullRequest: true}},
				"cred-c": {GitHub: &signin.GitHubSubject{Repository: "contoso/b", Tag: "v'1"}}}},
			[]string{"a workflow of contoso/a", `environment: "prod"`, "on: [pull_request, workflow_dispatch]",
				"'refs/tags/v''1'"}, []string{"az login"}},
		"GitLab": {components.InvokerArgs{Kind: access.ServicePrincipal,
			FederatedCredentials: map[string]signin.FederatedCredential{
				"main": {GitLab: &signin.GitLabSubject{Project: "g/p", Branch: "main"}}}},
			[]string{"AZURE_ID_TOKEN", `if: "$CI_COMMIT_BRANCH == \"main\""`, `aud: "api://AzureADTokenExchange"`}, nil},
		"a principal whose credentials are elsewhere": {components.InvokerArgs{Kind: access.ServicePrincipal,
			ObjectID: pulumi.String(existingSP)}, []string{"set up elsewhere", "--username '<client ID>'"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := environment()
			args.Assertions, args.Invokers = nil, map[string]components.InvokerArgs{"one": c.invoker}
			for endpoint, e := range args.Endpoints {
				e.Invokers, e.Deployment = nil, "blue"
				args.Endpoints[endpoint] = e
			}
			how := run(t, batchEndpointAccess(args)).output("howToInvoke").(map[string]any)["one"].(string)
			for _, part := range append(c.has, "https://classifier.westeurope.inference.ml.azure.com/jobs",
				"https://tagger.westeurope.inference.ml.azure.com/jobs", "https://lake.dfs.core.windows.net/patients/",
				"workspaces/scoring/datastores/scores/paths/out", "azureml-model-deployment",
				"# classifier also reads", "/data/baseline/versions/3") {
				assert.Contains(t, how, part)
			}
			for _, part := range c.not {
				assert.NotContains(t, how, part)
			}
		})
	}
}

func TestACallerThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	const vm = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
		"Microsoft.Compute/virtualMachines/v"
	for name, c := range map[string]struct {
		invoker components.InvokerArgs
		says    string
	}{
		"unknown": {components.InvokerArgs{Kind: access.ManagedIdentity, Caller: "logicapp"},
			`unknown value "logicapp"; write one of dataFactory, synapse, logicApp`},
		"of a user": {components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(alice), Caller: signin.Synapse},
			"only goes with kind managedIdentity"},
		"of a service principal that is made": {components.InvokerArgs{Kind: access.ServicePrincipal, SignIn: "none",
			Caller: signin.Synapse}, "only goes with kind managedIdentity"},
		"of another resource": {components.InvokerArgs{Kind: access.ManagedIdentity, PrincipalID: pulumi.String(existingMI),
			ResourceID: vm, Caller: signin.DataFactory}, "is dataFactory, but resourceId is of a virtualMachine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := environment()
			args.Assertions, args.Endpoints = nil, nil
			args.Invokers = map[string]components.InvokerArgs{"one": c.invoker}
			said := refused(t, batchEndpointAccess(args))
			assert.Contains(t, said, "invokers.one.caller")
			assert.Contains(t, said, c.says)
		})
	}
}

// facts/clouds.md: in another cloud, every address and audience in the outputs is that cloud's.
func TestAnotherCloudHasAddressesAndAudiencesOfItsOwn(t *testing.T) {
	t.Parallel()
	args := environment()
	args.Environment = "usgovernment"
	r := run(t, batchEndpointAccess(args))
	how := r.output("howToInvoke").(map[string]any)
	for _, part := range []string{
		"az cloud set --name AzureUSGovernment\n", "--resource https://ml.azure.us " +
			"", "https://tagger.westeurope.inference.ml.azure.us/jobs",
	} {
		assert.Contains(t, how["alice"], part)
	}
	credentials := r.ofType("azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential")
	require.NotEmpty(t, credentials)
	for _, c := range credentials {
		assert.Equal(t, []any{"api://AzureADTokenExchangeUSGov"}, c.at("audiences"))
	}
	assert.NotContains(t, fmt.Sprint(how), "ml.azure.com")
}
