package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/components"
)

const (
	readerGUID      = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	contributorGUID = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	roleIDs         = "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/"
)

func storageReader(args components.StorageReaderArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		s, err := components.NewStorageReader(ctx, "lake", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"scope": s.Scope}, nil
	}
}

func storageContributor(args components.StorageContributorArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		s, err := components.NewStorageContributor(ctx, "lake", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"scope": s.Scope}, nil
	}
}

func twoPrincipals() map[string]components.AssigneeArgs {
	return map[string]components.AssigneeArgs{
		"alice":   {PrincipalID: pulumi.String(alice), PrincipalType: "User"},
		"cluster": {PrincipalID: pulumi.String(existingMI), PrincipalType: "ServicePrincipal", Description: "mounts"},
	}
}

func TestStorageReaderAssignsTheRoleToEachPrincipal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		container   string
		write       bool
		scope, role string
	}{
		"account":               {"", false, lakeID, readerGUID},
		"container":             {"raw", false, lakeID + "/blobServices/default/containers/raw", readerGUID},
		"account, to write":     {"", true, lakeID, contributorGUID},
		"container, to write":   {"raw", true, lakeID + "/blobServices/default/containers/raw", contributorGUID},
		"a container of digits": {"123", false, lakeID + "/blobServices/default/containers/123", readerGUID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID), Container: c.container, Principals: twoPrincipals(),
			}
			r, token := run(t, storageReader(args)), components.StorageReaderToken
			if c.write {
				r, token = run(t, storageContributor(components.StorageContributorArgs(args))), components.StorageContributorToken
			}
			component := strings.TrimPrefix(token, "batchaccess:index:") + " lake"
			assert.Equal(t, []string{"RoleAssignment lake.alice", "RoleAssignment lake.cluster", component}, r.names())
			assert.Equal(t, c.scope, r.output("scope"))
			for principal, id := range map[string]string{"alice": alice, "cluster": existingMI} {
				a := r.one(roleAssignment, "lake."+principal)
				assert.Equal(t, c.scope, a.at("scope"))
				assert.Equal(t, roleIDs+c.role, a.at("roleDefinitionId"))
				assert.Equal(t, id, a.at("principalId"))
				assert.Equal(t, r.one(token, "lake").URN(), a.RPC.GetParent())
			}
			assert.Equal(t, "mounts [batchaccess:batchaccess/test/lake.cluster]", r.one(roleAssignment,
				"lake.cluster").at("description"))
			assert.Equal(t, "User", r.one(roleAssignment, "lake.alice").at("principalType"))
		})
	}
}

func TestStorageReaderRefuses(t *testing.T) {
	t.Parallel()
	good := func(change func(*components.StorageReaderArgs)) components.StorageReaderArgs {
		args := components.StorageReaderArgs{StorageAccountID: pulumi.String(lakeID), Principals: twoPrincipals()}
		change(&args)
		return args
	}
	one := func(a components.AssigneeArgs) components.StorageReaderArgs {
		return good(func(args *components.StorageReaderArgs) {
			args.Principals = map[string]components.AssigneeArgs{"p": a}
		})
	}
	for name, c := range map[string]struct {
		args components.StorageReaderArgs
		want []string
	}{
		"nothing": {components.StorageReaderArgs{}, []string{"storageAccountId: is missing; give the ARM ID",
			"principals: is empty"}},
		"a workspace's ID": {good(func(a *components.StorageReaderArgs) { a.StorageAccountID = pulumi.String(workspaceID) }),
			[]string{"storageAccountId: ", "is the ID of a Microsoft.MachineLearningServices/workspaces",
				"Microsoft.Storage/storageAccounts/<name>"}},
		"a container in capitals": {good(func(a *components.StorageReaderArgs) { a.Container = "Raw" }),
			[]string{`container: "Raw" is not the name of a container`}},
		"no principal ID": {one(components.AssigneeArgs{PrincipalType: "User"}),
			[]string{"principals.p.principalId: is missing"}},
		"a name for a GUID": {one(components.AssigneeArgs{PrincipalID: pulumi.String("alice"), PrincipalType: "User"}),
			[]string{`principals.p.principalId: "alice" is not a GUID`}},
		"no type": {one(components.AssigneeArgs{PrincipalID: pulumi.String(alice)}),
			[]string{`principals.p.principalType: `, "use User, Group, ServicePrincipal"}},
		"a type that is none": {one(components.AssigneeArgs{PrincipalID: pulumi.String(alice),
			PrincipalType: "ManagedIdentity"}), []string{`principals.p.principalType: unknown value "ManagedIdentity"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, storageReader(c.args))
			assert.Contains(t, got, `StorageReader "lake"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}

// Principals that are limited to paths get a condition. Those who write there get a role that can't delete the
// container.
func TestPrincipalsAreLimitedToPaths(t *testing.T) {
	t.Parallel()
	limited := func(paths ...string) map[string]components.AssigneeArgs {
		all := twoPrincipals()
		alice := all["alice"]
		alice.Paths = paths
		all["alice"] = alice
		return all
	}
	for name, c := range map[string]struct {
		args  components.StorageReaderArgs
		says  string // the problem
		wants string // in the condition
	}{
		"a folder": {components.StorageReaderArgs{Container: "raw", AccountKind: "flat", Principals: limited("in/")}, "",
			"StringStartsWith 'in/'"},
		"no container": {components.StorageReaderArgs{AccountKind: "flat", Principals: limited("in/")},
			"principals.alice.paths: is given without container", ""},
		"no kind": {components.StorageReaderArgs{Container: "raw", Principals: limited("in/")},
			"principals.alice.paths: is given without accountKind", ""},
		"another kind": {components.StorageReaderArgs{Container: "raw", AccountKind: "deep", Principals: limited("in/")},
			`accountKind: unknown value "deep"`, ""},
		"a quote": {components.StorageReaderArgs{Container: "raw", AccountKind: "flat", Principals: limited("it's/")},
			"principals.alice.paths: \"it's/\" holds a single quote", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.args.StorageAccountID = pulumi.String(lakeID)
			writers := storageContributor(components.StorageContributorArgs(c.args))
			if c.says != "" {
				assert.Contains(t, refused(t, storageReader(c.args)), c.says)
				assert.Contains(t, refused(t, writers), c.says)
				return
			}
			read, wrote := run(t, storageReader(c.args)), run(t, writers)
			for _, r := range []*recorder{read, wrote} {
				assert.Contains(t, r.one(roleAssignment, "lake.alice").at("condition"), c.wants)
				assert.Equal(t, "2.0", r.one(roleAssignment, "lake.alice").at("conditionVersion"))
				assert.Nil(t, r.one(roleAssignment, "lake.cluster").at("condition"), "nobody limits it")
			}
			assert.Equal(t, roleIDs+readerGUID, read.one(roleAssignment, "lake.alice").at("roleDefinitionId"))
			assert.NotContains(t, wrote.one(roleAssignment, "lake.alice").at("roleDefinitionId"), contributorGUID)
			assert.Equal(t, roleIDs+contributorGUID, wrote.one(roleAssignment, "lake.cluster").at("roleDefinitionId"))
			definitions := wrote.ofType("azure-native:authorization:RoleDefinition")
			if assert.Len(t, definitions, 1) {
				assert.Empty(t, read.ofType("azure-native:authorization:RoleDefinition"))
				assert.NotContains(t, fmt.Sprint(definitions[0].at("permissions")), "containers/delete")
			}
		})
	}
}
