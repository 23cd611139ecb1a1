package tests

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

// The dates are far in the past or the future, so that the clock does not matter.
const (
	longAgo = "2001-01-31"
	farOff  = "9999-01-31"
)

func TestAfterItsEndAnInvokerIsGrantedNothingAndKeepsWhatWasMade(t *testing.T) {
	t.Parallel()
	github := map[string]signin.FederatedCredential{"main": {GitHub: &signin.GitHubSubject{Repository: "o/r",
		Branch: "main"}}}
	ending := func(until string) *recorder {
		return run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewBatchEndpointAccess(ctx, "access", &components.BatchEndpointAccessArgs{
				WorkspaceID: pulumi.String(workspaceID), Location: pulumi.String("westeurope"), Ended: "2020-01-01",
				Invokers: map[string]components.InvokerArgs{
					"alice":    {Kind: access.User, ObjectID: pulumi.String(alice)},
					"guest":    {Kind: access.User, ObjectID: pulumi.String(existingMI), Until: until},
					"robot":    {Kind: access.ServicePrincipal, FederatedCredentials: github, Until: until},
					"worker":   {Kind: access.ManagedIdentity, FederatedCredentials: github, Until: until},
					"pipeline": {Kind: access.ServicePrincipal, SignIn: "none"},
					"tester":   {Kind: access.ServicePrincipal, SignIn: "none"},
					"team": {Kind: access.Group, Members: []string{"pipeline", "tester"},
						MembersUntil: map[string]string{"tester": until}},
				},
			})
			return nil, err
		})
	}
	names := func(r *recorder, kind string) (all []string) {
		for _, one := range r.ofType(kind) {
			all = append(all, one.Name)
		}
		return all
	}
	before, after := ending(farOff), ending(longAgo)
	assert.Equal(t, []string{"access.alice", "access.guest", "access.robot", "access.team", "access.worker"},
		names(before, roleAssignment))
	assert.Equal(t, []string{"access.alice", "access.team", "access.tester"}, names(after, roleAssignment),
		"who is in the group no more has what it is granted by itself")
	assert.Equal(t, []string{"access.team.pipeline", "access.team.tester"}, names(before, groupMember))
	assert.Equal(t, []string{"access.team.pipeline"}, names(after, groupMember))
	for _, kind := range []string{application, servicePrincipal, federated, userAssigned, ofIdentity, securityGroup} {
		assert.Equal(t, names(before, kind), names(after, kind), "what was made stays: %s", kind)
	}
	of := func(r *recorder) any { return r.one(components.BatchEndpointAccessToken, "access").at("ended") }
	assert.Nil(t, of(before), "what is given is not looked at")
	assert.Equal(t, longAgo, of(after), "a review sees that it has ended")
	assert.Empty(t, before.logs)
	require.Len(t, after.logs, 4)
	for _, log := range after.logs {
		assert.Contains(t, log, "ended with 2001-01-31, UTC: from the next deployment on nothing is granted for it")
	}
}

// Somebody who has left may be gone from Entra.
func TestWhoseAccessHasEndedIsNotLookedUp(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	r.world = map[string]any{}
	r.run(func(ctx *pulumi.Context) (pulumi.Map, error) {
		_, err := components.NewBatchEndpointAccess(ctx, "access", &components.BatchEndpointAccessArgs{
			WorkspaceID: pulumi.String(workspaceID),
			Invokers: map[string]components.InvokerArgs{
				"alice": {Kind: access.User, ObjectID: pulumi.String(alice)},
				"guest": {Kind: access.User, UserPrincipalName: "guest@example.com", Until: longAgo},
				"host": {Kind: access.ManagedIdentity, Until: longAgo, ResourceID: "/subscriptions/" + subscription +
					"/resourceGroups/rg/providers/Microsoft.DataFactory/factories/f"},
			},
		})
		return nil, err
	})
	assert.Empty(t, r.calls)
	assert.Equal(t, 1, len(r.ofType(roleAssignment)))
	assert.Empty(t, r.ofType(userAssigned), "nothing is made in the place of who existed")
}
