package clients_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// code is the error code of Azure's refusal, and its status.
func code(t *testing.T, err error) (string, int) {
	t.Helper()
	var refusal *azcore.ResponseError
	require.ErrorAs(t, err, &refusal)
	return refusal.ErrorCode, refusal.StatusCode
}

func assertCode(t *testing.T, err error, want string, status int) {
	t.Helper()
	got, gotStatus := code(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, status, gotStatus)
}

func (w *world) authorization() *armauthorization.ClientFactory {
	w.t.Helper()
	factory, err := armauthorization.NewClientFactory(subscriptionID, w.deployer(), w.armOptions())
	require.NoError(w.t, err)
	return factory
}

func roleID(guid string) string {
	return subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + guid
}

func grant(principal, role string) armauthorization.RoleAssignmentCreateParameters {
	return armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		PrincipalID: ptr(principal), RoleDefinitionID: ptr(role),
	}}
}

// all has the items of every page of a list.
func all[T, I any](t *testing.T, pager *runtime.Pager[T], items func(T) []I) (found []I, pages int) {
	t.Helper()
	for pager.More() {
		page, err := pager.NextPage(t.Context())
		require.NoError(t, err)
		found = append(found, items(page)...)
		pages++
	}
	return found, pages
}

func TestTheSDKManagesRoleDefinitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.authorization().NewRoleDefinitionsClient(), t.Context()
	guid := uuid.NewString()
	role := armauthorization.RoleDefinition{Properties: &armauthorization.RoleDefinitionProperties{
		RoleName: ptr("Batch invoker"), RoleType: ptr("CustomRole"), Description: ptr("starts " +
			"jobs"), AssignableScopes: []*string{ptr(group)},
		Permissions: []*armauthorization.Permission{{Actions: []*string{ptr(
			"Microsoft.MachineLearningServices/workspaces/read")}}},
	}}
	made, err := client.CreateOrUpdate(ctx, group, guid, role, nil)
	require.NoError(t, err)
	assert.Equal(t, roleID(guid), *made.ID)
	got, err := client.Get(ctx, group, guid, nil)
	require.NoError(t, err)
	assert.Equal(t, "Batch invoker", *got.Properties.RoleName)
	assert.Equal(t, "CustomRole", *got.Properties.RoleType)
	assert.Equal(t, []*string{ptr(group)}, got.Properties.AssignableScopes)
	assert.Empty(t, got.Properties.Permissions[0].DataActions)
	byID, err := client.GetByID(ctx, "/providers/Microsoft.Authorization/roleDefinitions/"+guid, nil)
	require.NoError(t, err)
	assert.Equal(t, "Batch invoker", *byID.Properties.RoleName)

	list := func(filter string) []*armauthorization.RoleDefinition {
		found, _ := all(t, client.NewListPager(group,
			&armauthorization.RoleDefinitionsClientListOptions{Filter: ptr(filter)}),
			func(page armauthorization.RoleDefinitionsClientListResponse) []*armauthorization.RoleDefinition {
				return page.Value
			})
		return found
	}
	assert.Len(t, list("roleName eq 'Batch invoker'"), 1)
	assert.Len(t, list("type eq 'CustomRole'"), 1)
	assert.Equal(t, readerRole, *list("roleName eq 'Storage Blob Data Reader'")[0].Name)

	other := role
	_, err = client.CreateOrUpdate(ctx, group, uuid.NewString(), other, nil)
	assertCode(t, err, "RoleDefinitionWithSameNameExists", http.StatusConflict)

	assigned, err := w.authorization().NewRoleAssignmentsClient().Create(ctx, workspace, uuid.NewString(),
		grant(alice, roleID(guid)), nil)
	require.NoError(t, err)
	_, err = client.Delete(ctx, group, guid, nil)
	assertCode(t, err, "RoleDefinitionHasAssignments", http.StatusBadRequest)
	_, err = w.authorization().NewRoleAssignmentsClient().DeleteByID(ctx, *assigned.ID, nil)
	require.NoError(t, err)
	gone, err := client.Delete(ctx, group, guid, nil)
	require.NoError(t, err)
	assert.Equal(t, "Batch invoker", *gone.Properties.RoleName)
	_, err = client.Get(ctx, group, guid, nil)
	assertCode(t, err, "RoleDefinitionDoesNotExist", http.StatusNotFound)
	_, err = client.Delete(ctx, group, guid, nil)
	require.NoError(t, err, "what is gone already is deleted")
}

func TestTheSDKManagesRoleAssignments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.authorization().NewRoleAssignmentsClient(), t.Context()
	name := uuid.NewString()
	made, err := client.Create(ctx, account, name, grant(alice, roleID(readerRole)), nil)
	require.NoError(t, err)
	assert.Equal(t, account, *made.Properties.Scope)
	assert.Equal(t, armauthorization.PrincipalTypeUser, *made.Properties.PrincipalType)
	got, err := client.Get(ctx, account, name, nil)
	require.NoError(t, err)
	assert.Equal(t, alice, *got.Properties.PrincipalID)
	assert.Equal(t, roleID(readerRole), *got.Properties.RoleDefinitionID)

	for want, test := range map[string]struct {
		name   string
		body   armauthorization.RoleAssignmentCreateParameters
		status int
	}{
		"RoleAssignmentExists":             {uuid.NewString(), grant(alice, roleID(readerRole)), http.StatusConflict},
		"RoleAssignmentUpdateNotPermitted": {name, grant(robot, roleID(readerRole)), http.StatusBadRequest},
		"PrincipalNotFound": {uuid.NewString(), grant(uuid.NewString(), roleID(readerRole)),
			http.StatusBadRequest},
		"RoleDefinitionDoesNotExist": {uuid.NewString(), grant(robot, roleID(uuid.NewString())), http.StatusBadRequest},
	} {
		_, err := client.Create(ctx, account, test.name, test.body, nil)
		assertCode(t, err, want, test.status)
	}
	_, err = client.Create(ctx, group+"x", uuid.NewString(), grant(alice, roleID(readerRole)), nil)
	assertCode(t, err, "ResourceGroupNotFound", http.StatusNotFound)

	_, err = client.Delete(ctx, account, name, nil)
	require.NoError(t, err)
	_, err = client.Get(ctx, account, name, nil)
	assertCode(t, err, "RoleAssignmentNotFound", http.StatusNotFound)
	_, err = client.Delete(ctx, account, name, nil)
	require.NoError(t, err)
}

func TestTheSDKPagesThroughRoleAssignments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.authorization().NewRoleAssignmentsClient(), t.Context()
	const many = 230
	for range many {
		body := grant(uuid.NewString(), roleID(readerRole))
		body.Properties.PrincipalType = ptr(armauthorization.PrincipalTypeServicePrincipal)
		_, err := client.Create(ctx, account, uuid.NewString(), body, nil)
		require.NoError(t, err)
	}
	_, err := client.Create(ctx, workspace, uuid.NewString(), grant(alice, roleID(readerRole)), nil)
	require.NoError(t, err)
	type assignments = []*armauthorization.RoleAssignment

	bySubscription, pages := all(t, client.NewListForSubscriptionPager(nil),
		func(page armauthorization.RoleAssignmentsClientListForSubscriptionResponse) assignments {
			return page.Value
		})
	assert.Len(t, bySubscription, many+2, "with the deployer's own")
	assert.Equal(t, 3, pages)
	names := map[string]bool{}
	for _, a := range bySubscription {
		names[*a.Name] = true
	}
	assert.Len(t, names, many+2, "each once")

	scoped := func(filter string) assignments {
		found, _ := all(t, client.NewListForScopePager(account,
			&armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: ptr(filter)}),
			func(page armauthorization.RoleAssignmentsClientListForScopeResponse) assignments { return page.Value })
		return found
	}
	assert.Len(t, scoped("atScope()"), many+1)
	assert.Len(t, scoped("principalId eq '"+*bySubscription[0].Properties.PrincipalID+"'"), 1)
	byGroup, _ := all(t, client.NewListForResourceGroupPager("rg-ml",
		&armauthorization.RoleAssignmentsClientListForResourceGroupOptions{Filter: ptr("assignedTo('" + alice + "')")}),
		func(page armauthorization.RoleAssignmentsClientListForResourceGroupResponse) assignments {
			return page.Value
		})
	assert.Len(t, byGroup, 1)
	byResource, _ := all(t, client.NewListForResourcePager("rg-ml", "Microsoft.MachineLearningServices", "workspaces",
		"ws", nil),
		func(page armauthorization.RoleAssignmentsClientListForResourceResponse) assignments {
			return page.Value
		})
	assert.Len(t, byResource, 2)

	_, err = client.NewListForScopePager(account,
		&armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: ptr("roleName eq 'x'")}).NextPage(ctx)
	var refusal *azcore.ResponseError
	require.True(t, errors.As(err, &refusal))
	assert.Equal(t, http.StatusBadRequest, refusal.StatusCode)
}
