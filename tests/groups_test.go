package tests

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// withScorers is the environment with alice and partner in a group, which the tagger names in their place.
func withScorers() components.BatchEndpointAccessArgs {
	args := environment()
	args.Invokers["scorers"] = components.InvokerArgs{Kind: access.Group, Members: []string{"alice", "partner"}}
	tagger := args.Endpoints["tagger"]
	tagger.Invokers = []string{"scorers", "scheduler", "robot"}
	args.Endpoints["tagger"] = tagger
	return args
}

func TestAGroupIsMadeOfItsMembers(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(withScorers()))
	made := r.one(securityGroup, "access.scorers")
	assert.Equal(t, "access-test-scorers", made.at("displayName"))
	assert.Equal(t, "batchaccess:batchaccess/test/access.scorers", made.at("description"))
	assert.Equal(t, true, made.at("securityEnabled"))
	assert.Equal(t, alice, r.one(groupMember, "access.scorers.alice").at("memberObjectId"))
	partner := r.one(groupMember, "access.scorers.partner")
	assert.Contains(t, partner.dependsOn("memberObjectId"), r.one(servicePrincipal, "access.partner").URN())
	assert.Contains(t, partner.dependsOn("groupObjectId"), made.URN())
	assert.Len(t, r.ofType(groupMember), 2)

	assert.Equal(t, "Group", r.one(roleAssignment, "access.scorers").at("principalType"))
	assert.Contains(t, r.one(roleAssignment, "access.shared.images.reader.invoker.scorers").dependsOn("principalId"),
		made.URN())
	for _, gone := range []string{"access.alice", "access.partner", "access.shared.images.reader.invoker.alice",
		"access.shared.labels.reader.invoker.alice"} {
		assert.NotContains(t, r.names(), "RoleAssignment "+gone, "its group has it")
	}
	assert.Contains(t, r.names(), "RoleAssignment access.lake.patients.reader.invoker.alice",
		"named by itself for the classifier")

	how, _ := r.output("howToInvoke").(map[string]any)
	assert.NotContains(t, how, "scorers", "nobody signs in as a group")
	assert.Contains(t, how["partner"], "https://tagger.westeurope", "through its group")
	ids, _ := r.output("principalIds").(map[string]any)
	assert.NotEmpty(t, ids["scorers"])
}

func TestAGroupIsNamedProtectedAndSetOutAsItIsAsked(t *testing.T) {
	t.Parallel()
	args := withScorers()
	g := args.Invokers["scorers"]
	g.DisplayName = "Scorers of Contoso"
	slices.Reverse(g.Members)
	args.Invokers["scorers"], args.Protect = g, true
	args.DataInputs["images"] = access.DataInput{Kind: access.ADLSGen2, GrantedBy: access.ByACL, StorageAccount: "shared",
		Container: "images"}
	r := run(t, batchEndpointAccess(args))
	made := r.one(securityGroup, "access.scorers")
	assert.Equal(t, "Scorers of Contoso", made.at("displayName"))
	assert.True(t, made.RPC.GetProtect())
	assert.False(t, r.one(groupMember, "access.scorers.alice").RPC.GetProtect(),
		"a member that leaves the configuration leaves the group")
	commands, _ := r.output("aclCommands").([]any)
	var groups int
	for _, c := range commands {
		assert.NotContains(t, c, "invoker alice")
		if text, _ := c.(string); strings.Contains(text, "--acl group:") && strings.Contains(text, "# invoker scorers") {
			groups++
		}
	}
	assert.Equal(t, 1, groups, commands)
}

func TestAGroupThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	args := withScorers()
	args.Invokers["scorers"] = components.InvokerArgs{Kind: access.Group,
		Members: []string{"staff", "scheduler", "nobody"}, ObjectID: pulumi.String(existingSP)}
	said := refused(t, batchEndpointAccess(args))
	for _, want := range []string{"invokers.scorers.members[0]", "invokers.scorers.members[1]",
		`"scheduler" is a managed identity`, "invokers.scorers.members[2]", "this one exists"} {
		assert.Contains(t, said, want)
	}
}
