package tests

import (
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

func TestComponentsArePassedToOneAnother(t *testing.T) {
	t.Parallel()
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		sp, err := components.NewServicePrincipal(ctx, "sp", &components.ServicePrincipalArgs{SignIn: "none"})
		if err != nil {
			return nil, err
		}
		identity, err := components.NewManagedIdentity(ctx, "identity",
			&components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("rg")})
		if err != nil {
			return nil, err
		}
		cluster, err := components.NewComputeCluster(ctx, "cpu",
			&components.ComputeClusterArgs{WorkspaceID: pulumi.String(workspaceID)})
		if err != nil {
			return nil, err
		}
		all := map[string]components.AssigneeArgs{"sp": sp.Assignee(), "identity": identity.Assignee(),
			"cpu": cluster.Assignee()}
		role, err := components.NewInvokerRole(ctx, "role", &components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
			Invokers: all})
		if err != nil {
			return nil, err
		}
		reader, err := components.NewStorageReader(ctx, "reader",
			&components.StorageReaderArgs{StorageAccountID: pulumi.String(lakeID), Principals: all})
		if err != nil {
			return nil, err
		}
		assert.NotNil(t, sp.Application)
		assert.NotNil(t, sp.Principal)
		assert.NotNil(t, identity.Identity)
		assert.NotNil(t, cluster.Compute)
		assert.NotNil(t, role.Definition)
		assert.Len(t, role.Assignments, 3)
		assert.Len(t, reader.Assignments, 3)
		return nil, nil
	})
	for name, id := range map[string]any{
		"sp":       guidOf("servicePrincipal", "sp"),
		"identity": guidOf("principal", group("rg")+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity"),
		"cpu":      guidOf("system", cpuID),
	} {
		for _, of := range []string{"role.", "reader."} {
			assert.Equal(t, id, r.one(roleAssignment, of+name).at("principalId"))
			assert.Equal(t, "ServicePrincipal", r.one(roleAssignment, of+name).at("principalType"))
		}
	}
}

func TestWhatAComponentMakesCanBeReachedFromIt(t *testing.T) {
	t.Parallel()
	args := environment()
	args.Invokers["scorers"] = components.InvokerArgs{Kind: access.Group, Members: []string{"alice", "partner"}}
	reached := map[pulumi.Resource]bool{}
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		a, err := components.NewBatchEndpointAccess(ctx, "access", &args)
		if err != nil {
			return nil, err
		}
		assert.NotNil(t, a.Role.Assignments["staff"])
		assert.NotNil(t, a.ServicePrincipals["pipeline"].Application)
		assert.NotNil(t, a.ManagedIdentities["scheduler"].Identity)
		assert.NotNil(t, a.Clusters["cpu"].Compute)
		assert.NotNil(t, a.Clusters["gpu"].Identity.Identity)
		assert.NotNil(t, a.Readers["access.lake.patients.reader"].Assignments["cluster.cpu"])
		assert.NotNil(t, a.GroupMembers["scorers"]["alice"])
		reach(reflect.ValueOf(a), reached)
		return nil, nil
	})
	assert.Len(t, reached, len(r.names()), "what the component is made of, and itself: %v", r.names())
}

// reach collects the resources that the exported fields of a component lead to, including the component.
func reach(v reflect.Value, all map[pulumi.Resource]bool) {
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			reach(v.MapIndex(key), all)
		}
	case reflect.Pointer:
		resource, is := v.Interface().(pulumi.Resource)
		if v.IsNil() || !is || all[resource] {
			return
		}
		all[resource] = true
		if _, is := resource.(pulumi.ComponentResource); !is {
			return
		}
		for i := range v.Elem().NumField() {
			if field := v.Elem().Type().Field(i); field.IsExported() && !field.Anonymous {
				reach(v.Elem().Field(i), all)
			}
		}
	}
}
