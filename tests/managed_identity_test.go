package tests

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

func managedIdentity(args components.ManagedIdentityArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		identity, err := components.NewManagedIdentity(ctx, "ident", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"resourceId": identity.ResourceID, "principalId": identity.PrincipalID,
			"clientId": identity.ClientID, "tenantId": identity.TenantID}, nil
	}
}

func TestManagedIdentityIsMade(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{
		ResourceGroupName: pulumi.String("ml"), Location: pulumi.String(
			"westeurope"), Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
	}))
	made := r.one(userAssigned, "ident")
	assert.Equal(t, map[string]any{
		"resourceGroupName": "ml", "resourceName": "ident", "location": "westeurope",
		"tags": map[string]any{"team": "scoring"},
	}, made.Inputs.Mappable())
	assert.Equal(t, r.one(components.ManagedIdentityToken, "ident").URN(), made.RPC.GetParent())
	id := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ident"
	assert.Equal(t, id, r.output("resourceId"))
	assert.Equal(t, guidOf("principal", id), r.output("principalId"))
	assert.Equal(t, guidOf("client", id), r.output("clientId"))
	assert.Empty(t, r.calls)

	named := run(t, managedIdentity(components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml"),
		ResourceName: pulumi.String("caller")}))
	assert.Equal(t, "caller", named.one(userAssigned, "ident").at("resourceName"))
}

func TestManagedIdentityThatExistsIsLookedUp(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{ExistingID: pulumi.String(identityID)}))
	assert.Equal(t, []string{"ManagedIdentity ident"}, r.names(), "nothing is made")
	require.Len(t, r.calls, 1)
	assert.Equal(t, map[string]any{"resourceGroupName": "ids", "resourceName": "mounter"}, r.calls[0].Args.Mappable())
	assert.Equal(t, identityID, r.output("resourceId"))
	assert.Equal(t, guidOf("principal", identityID), r.output("principalId"))
	assert.Equal(t, guidOf("client", identityID), r.output("clientId"))
}

func TestManagedIdentityByPrincipalIDIsTaken(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{PrincipalID: pulumi.String(existingMI)}))
	assert.Equal(t, []string{"ManagedIdentity ident"}, r.names())
	assert.Empty(t, r.calls)
	assert.Equal(t, existingMI, r.output("principalId"))
	assert.Empty(t, r.output("resourceId"))
	assert.Empty(t, r.output("clientId"))
}

var theirs = signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "s"}

// crowdOf are federated credentials c00, c01 and so on.
func crowdOf(n int) map[string]signin.FederatedCredential {
	all := map[string]signin.FederatedCredential{}
	for i := range n {
		all[fmt.Sprintf("c%02d", i)] = signin.FederatedCredential{Issuer: "https://issuer.example", Subject: fmt.Sprint(i)}
	}
	return all
}

func federating(credentials map[string]signin.FederatedCredential) components.ManagedIdentityArgs {
	return components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml"), FederatedCredentials: credentials}
}

// facts/federation.md: writes to one identity must be one after another.
func TestAManagedIdentitysFederatedCredentialsAreMadeOneAfterAnother(t *testing.T) {
	t.Parallel()
	credentials := crowdOf(4)
	renamed := credentials["c02"]
	renamed.Was = "second"
	credentials["c02"] = renamed
	r := run(t, managedIdentity(federating(credentials)))
	identity, component := r.one(userAssigned, "ident"), r.one(components.ManagedIdentityToken, "ident")
	before := []string{identity.URN()}
	for i, made := range r.ofType(ofIdentity) {
		name := fmt.Sprintf("c%02d", i)
		assert.Equal(t, "ident."+name, made.Name)
		assert.Equal(t, map[string]any{
			"resourceGroupName": "ml", "resourceName": "ident", "federatedIdentityCredentialResourceName": name,
			"issuer": "https://issuer.example", "subject": fmt.Sprint(i), "audiences": []any{"api://AzureADTokenExchange"},
		}, made.Inputs.Mappable())
		assert.Equal(t, component.URN(), made.RPC.GetParent())
		assert.Equal(t, []string{identity.URN()}, made.dependsOn("resourceName"))
		assert.ElementsMatch(t, before, made.RPC.GetDependencies(),
			"of all before it: where those between are deleted, two that go still go one after another")
		assert.Equal(t, []string{"federatedIdentityCredentialResourceName"}, made.RPC.GetIgnoreChanges(),
			"Azure can't rename it, so a rename here replaces nothing")
		assert.False(t, made.RPC.GetDeleteBeforeReplace())
		before = append(before, made.URN())
	}
	assert.Len(t, before, 5)
	assert.Len(t, r.one(ofIdentity, "ident.c02").RPC.GetAliases(), 4, "what it was called, and azure-native's versions")
	assert.Equal(t, tenant, r.output("tenantId"), "who signs in by them names it")
}

func TestAManagedIdentityInAnInvokersPlaceFederates(t *testing.T) {
	t.Parallel()
	invoker := components.InvokerArgs{Kind: access.ManagedIdentity,
		FederatedCredentials: map[string]signin.FederatedCredential{"main": theirs}}
	of := func(i components.InvokerArgs, location, environment string) program {
		return func(ctx *pulumi.Context) (pulumi.Map, error) {
			args := &components.BatchEndpointAccessArgs{WorkspaceID: pulumi.String(workspaceID), Environment: environment,
				Invokers: map[string]components.InvokerArgs{"ci": i}}
			if location != "" {
				args.Location = pulumi.String(location)
			}
			a, err := components.NewBatchEndpointAccess(ctx, "access", args)
			if err != nil {
				return nil, err
			}
			return pulumi.Map{"howToInvoke": a.HowToInvoke}, nil
		}
	}
	r := run(t, of(invoker, "westeurope", ""))
	made := r.one(ofIdentity, "access.ci.main")
	assert.Equal(t, "s", made.at("subject"))
	id := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/access-test-ci"
	how := r.output("howToInvoke").(map[string]any)["ci"]
	assert.Contains(t, how, "az login --service-principal --username "+guidOf("client", id)+" --tenant "+tenant+
		" --federated-token")
	assert.Contains(t, how, "az login --identity --client-id "+guidOf("client", id))

	for environment, audience := range map[string]string{"": "", "public": "", "usgovernment": "USGov", "china": "China"} {
		r = run(t, of(invoker, "westeurope", environment))
		assert.Equal(t, []any{"api://AzureADTokenExchange" + audience}, r.one(ofIdentity, "access.ci.main").at("audiences"))
	}

	assert.Contains(t, refused(t, of(invoker, "malaysiasouth", "")),
		"location: managed identities in malaysiasouth take no federated credentials")
	exists := invoker
	exists.PrincipalID = pulumi.String(existingMI)
	assert.Contains(t, refused(t, of(exists, "westeurope", "")), "invokers.ci.federatedCredentials: only goes with")
	other := invoker
	other.FederatedCredentials = map[string]signin.FederatedCredential{"main": {PulumiESC: &signin.PulumiESCSubject{
		Organization: "o", Project: "p", Environment: "e"}}}
	r = run(t, of(other, "westeurope", ""))
	require.Len(t, r.logs, 1)
	assert.Contains(t, r.logs[0],
		`warning: federatedCredentials.main: has the audience "azure:o"; of managed identities only `+
			`api://AzureADTokenExchange is documented`)
}

// A location from azure-native's defaults counts too, and so does one that is known only later.
func TestTheRegionOfAFederatedIdentityIsLookedAtWherever(t *testing.T) {
	t.Parallel()
	make := func(location pulumi.StringPtrInput) program {
		return func(ctx *pulumi.Context) (pulumi.Map, error) {
			args := federating(crowdOf(1))
			args.Location = location
			_, err := components.NewManagedIdentity(ctx, "ident", &args)
			return nil, err
		}
	}
	const want = "location: managed identities in malaysiasouth take no federated credentials"
	configured := func(info *pulumi.RunInfo) {
		info.Config = map[string]string{"azure-native:location": "malaysiasouth"}
	}
	r := newRecorder(t)
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := make(nil)(ctx)
		return err
	}, pulumi.WithMocks(project, stack, r), configured)
	require.ErrorContains(t, err, want)
	assert.Empty(t, r.names())
	later := pulumi.String("malaysiasouth").ToStringOutput().ToStringPtrOutput()
	r = newRecorder(t)
	require.ErrorContains(t, r.try(make(later)), want)
	assert.Empty(t, r.ofType(userAssigned), "before the identity is made")
}

func TestManagedIdentityRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args components.ManagedIdentityArgs
		want []string
	}{
		"nothing": {components.ManagedIdentityArgs{},
			[]string{"arguments: ", "resourceGroupName", "existingId", "principalId"}},
		"two ways": {components.ManagedIdentityArgs{ExistingID: pulumi.String(identityID),
			PrincipalID: pulumi.String(existingMI)}, []string{"arguments: "}},
		"a name for a GUID": {components.ManagedIdentityArgs{PrincipalID: pulumi.String("factory")},
			[]string{`principalId: "factory" is not a GUID`}},
		"no GUID": {components.ManagedIdentityArgs{PrincipalID: pulumi.String("00000000-0000-0000-0000-000000000000")},
			[]string{"principalId: is the empty GUID, all zeros"}},
		"a storage account": {components.ManagedIdentityArgs{ExistingID: pulumi.String(lakeID)},
			[]string{"existingId: ", "Microsoft.Storage/storageAccounts", "userAssignedIdentities/<name>"}},
		"a malformed ID": {components.ManagedIdentityArgs{ExistingID: pulumi.String("mounter")},
			[]string{`existingId: "mounter" is not the ARM ID`}},
		"several at once": {components.ManagedIdentityArgs{ExistingID: pulumi.String("mounter"),
			PrincipalID: pulumi.String("factory")}, []string{"arguments: ", "existingId: ", "principalId: "}},
		"an empty ARM ID": {components.ManagedIdentityArgs{ExistingID: pulumi.String("")},
			[]string{"existingId: is missing"}},
		"twenty-one credentials": {federating(crowdOf(21)), []string{"federatedCredentials: has 21 credentials",
			"Entra allows 20 for a managed identity"}},
		"credentials of one that exists": {components.ManagedIdentityArgs{ExistingID: pulumi.String(identityID),
			FederatedCredentials: crowdOf(1)}, []string{"federatedCredentials: only goes with a service principal or a " +
			"managed identity that the stack makes"}},
		"credentials of a principal": {components.ManagedIdentityArgs{PrincipalID: pulumi.String(existingMI),
			FederatedCredentials: crowdOf(1)}, []string{"federatedCredentials: only goes with"}},
		"a region without": {components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml"),
			Location: pulumi.String("Malaysia South"), FederatedCredentials: crowdOf(1)},
			[]string{"location: managed identities in Malaysia South take no federated credentials; make"}},
		"a name of 2 characters": {federating(map[string]signin.FederatedCredential{"ab": theirs}),
			[]string{`federatedCredentials.ab: the name "ab" can't be that of a federated credential; use 3 to 120`}},
		"names that differ in letter case": {federating(map[string]signin.FederatedCredential{"Main": theirs,
			"main": {Issuer: "https://issuer.example", Subject: "t"}}),
			[]string{"federatedCredentials.main: differs from Main in letter case alone"}},
		"the same twice": {federating(map[string]signin.FederatedCredential{"one": theirs, "two": theirs}),
			[]string{"federatedCredentials.two: has the same issuer and subject as", "federatedCredentials.one"}},
		"a description": {federating(map[string]signin.FederatedCredential{"main": {Issuer: "https://issuer.example",
			Subject: "s", Description: "d"}}), []string{"federatedCredentials.main.description: only goes with a service"}},
		"all at once": {federating(map[string]signin.FederatedCredential{"ab": theirs, "main": {Issuer: "x", Subject: "*"}}),
			[]string{"federatedCredentials.ab: ", "federatedCredentials.main.issuer: ", "federatedCredentials.main.subject: "}},
		"an empty object ID": {components.ManagedIdentityArgs{PrincipalID: pulumi.String("")}, []string{"principalId: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, managedIdentity(c.args))
			assert.Contains(t, got, `ManagedIdentity "ident"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}
