package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// identity is the ARM ID and the client ID of a user-assigned identity of the stack, as the sandbox's owner sees it.
func (w *walker) identity(ctx context.Context, of access.Principal) (id, client string, err error) {
	principal := w.principal(of.Name)
	if of.IsCluster() {
		principal = w.principal("cluster:" + of.Name)
	}
	workspace, err := w.r.Model.Workspace()
	if err != nil {
		return "", "", err
	}
	subscriptions := map[string]bool{workspace.SubscriptionID: true}
	for _, given := range []string{w.r.Model.Invokers[of.Name].ResourceID,
		w.r.Model.Clusters[of.Name].UserAssignedIdentityID.Text()} {
		if parsed, err := arm.Parse(given, arm.UserAssignedIdentity); err == nil {
			subscriptions[parsed.SubscriptionID] = true
		}
	}
	for _, subscription := range slices.Sorted(maps.Keys(subscriptions)) {
		var found struct {
			Value []struct {
				ID         string
				Properties struct{ PrincipalID, ClientID string }
			}
		}
		err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+"/subscriptions/"+subscription+"/providers/"+
			arm.UserAssignedIdentity+"?api-version="+identityVersion, nil, &found)
		if err != nil {
			return "", "", err
		}
		for _, i := range found.Value {
			if strings.EqualFold(i.Properties.PrincipalID, principal) {
				return i.ID, i.Properties.ClientID, nil
			}
		}
	}
	return "", "", errNotWalked("the sandbox has no user-assigned identity " + of.String())
}

// federate gives a user-assigned identity a federated credential of the actor's own, and signs in with it
// (facts/federation.md).
func federate(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	const issuer = "https://issuer.example"
	id, client, err := w.identity(ctx, hop.Opens.As)
	if err != nil {
		return at, err
	}
	subject, audience := "walk of "+way.Who[0], w.r.azure.Cloud().Exchange
	if err := w.ask(ctx, at.actor, http.MethodPut, id+"/federatedIdentityCredentials/walked", identityVersion,
		map[string]any{"properties": map[string]any{
			"issuer": issuer, "subject": subject, "audiences": []string{audience},
		}}, nil); err != nil {
		return at, fmt.Errorf("adding a federated credential: %w", err)
	}
	e := entraOf(w.r.azure, client, w.r.azure.Cloud().MachineLearning)
	return position{actor: func(ctx context.Context, resource string) (string, error) {
		credential, err := azidentity.NewClientAssertionCredential(w.r.azure.Deployer().TenantID, client,
			func(context.Context) (string, error) { return w.r.azure.FederatedAssertion(issuer, subject, audience) },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: e.options, DisableInstanceDiscovery: true})
		if err != nil {
			return "", err
		}
		text, err := token(ctx, credential, resource)
		if failed, is := errors.AsType[*azidentity.AuthenticationFailedError](err); is {
			return "", refusal{"signing in by the new credential", failed.Error()}
		}
		return text, err
	}}, nil
}

// giveRole assigns Owner to the actor, at the scope of the actor's role, and continues as an Owner.
func giveRole(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	scope, known := w.r.Model.RoleScopeID()
	if !known {
		return at, errNotWalked("where the role lies is not known")
	}
	who, kind := w.principal(way.Who[0]), "ServicePrincipal"
	switch i := w.r.Model.Invokers[way.Who[0]]; {
	case hop.Opens == access.Opened{}:
		who, kind = made("stranger"), "User" // the way ends at the assignment, whoever gets it
	case i.Kind == access.User || i.Kind == access.Group:
		kind = "User"
	}
	err := w.ask(ctx, at.actor, http.MethodPut, scope+"/providers/Microsoft.Authorization/roleAssignments/"+
		made("walk", who), authorizationVersion, map[string]any{"properties": map[string]any{"principalId": who,
		"principalType": kind, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + ownerRole},
	}, nil)
	if answer, is := errors.AsType[refusal](err); err != nil && (!is || !strings.Contains(answer.text, alreadyAssigned)) {
		return at, fmt.Errorf("assigning a role: %w", err)
	}
	return asOwner(ctx, w, at, hop, way)
}

// changeRole adds every action to the actor's custom role, and continues as an Owner.
func changeRole(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	scope, known := w.r.Model.RoleScopeID()
	if !known {
		return at, errNotWalked("where the role lies is not known")
	}
	var found struct {
		Value []struct {
			ID         string
			Properties map[string]any
		}
	}
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions"
	if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+scope+definitions+"?api-version="+
		authorizationVersion+"&$filter=type+eq+'CustomRole'", nil, &found); err != nil {
		return at, err
	}
	n := slices.IndexFunc(found.Value, func(d struct {
		ID         string
		Properties map[string]any
	}) bool {
		return strings.EqualFold(arm.Last(d.ID), arm.Last(w.d.RoleDefinitionID))
	})
	if n < 0 {
		return at, errNotWalked("they have no custom role that could be changed")
	}
	was := found.Value[n].Properties
	err := w.ask(ctx, at.actor, http.MethodPut, scope+definitions+"/"+arm.Last(found.Value[n].ID), authorizationVersion,
		map[string]any{"properties": map[string]any{"roleName": was["roleName"], "type": was["type"],
			"assignableScopes": was["assignableScopes"],
			"permissions":      []any{map[string]any{"actions": []string{"*"}}}}}, nil)
	if err != nil {
		return at, fmt.Errorf("changing what their role allows: %w", err)
	}
	return asOwner(ctx, w, at, hop, way)
}

// asOwner continues with every action at the scope of the actor's role.
func asOwner(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	if err := w.r.azure.Settle(); err != nil { // a late grant has effect in the end
		return at, err
	}
	switch o := hop.Opens; {
	case o == access.Opened{}:
		return at, nil
	case o.Account != "":
		return keysBy("listKeys", nil)(ctx, w, at, hop, way)
	case o.As.IsCluster() && w.r.Model.Clusters[o.As.Name].EffectiveIdentity() != access.UserAssigned,
		w.clusterOf(o.As).IsCluster():
		return changeDeployment(ctx, w, at, hop, way)
	}
	return federate(ctx, w, at, hop, way)
}

// alreadyAssigned is Azure's code for a second assignment of a role (azure-facts.md, Role definitions and assignments).
const alreadyAssigned = "RoleAssignmentExists"

// ownerRole is Owner (azure-facts.md names the roles that allow everything; facts/grants-access.md, Built-in roles that
// can grant).
const ownerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
