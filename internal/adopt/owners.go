package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

// notSaid is the owner of things that have no mark in Azure.
const notSaid = "not said"

// markedByGrants finds which stack made a thing by the assignments to its principals: clusters and identities have no
// mark, but the stack that made one granted it something.
func (f *Finder) markedByGrants(
	ctx context.Context, found Found, k kind, r Resource, answer map[string]any,
) (Found, error) {
	at := found.ID
	if k.within != "" {
		var err error
		if at, err = armIDOf(k.within, r); err != nil {
			return found, err
		}
		answer = nil
		if _, err = f.client.Get(ctx, azure.ResourceManager, azure.Version(at, k.apiVersion, ""), &answer); err != nil {
			return found, err
		}
	}
	stacks, whole, err := f.stacksThatGrant(ctx, at, k.principals(answer))
	switch {
	case err != nil:
		return found, err
	case slices.Contains(stacks, r.Stack):
		found.Owner = "stack " + r.Stack + ", by what it is granted"
	case len(stacks) > 0:
		found.Stack = stacks[0]
	case !whole:
		found.Owner = "not known: role assignments of the whole subscription may not be read"
	}
	return found, nil
}

// stacksThatGrant returns the stacks that made assignments to principals, sorted, in the subscription of the resource
// with these principals. If the account may not list those, it looks in the resource group alone, and whole is false.
func (f *Finder) stacksThatGrant(
	ctx context.Context, of string, principals []string,
) (stacks []string, whole bool, err error) {
	const list = "/providers/Microsoft.Authorization/roleAssignments"
	parts := strings.SplitN(of, "/", 6) // "", subscriptions, its ID, resourceGroups, its name, the rest
	if len(parts) < 6 {
		return nil, false, fmt.Errorf("%s is no ID in a resource group", of)
	}
	whole = true
	all := map[string]bool{}
	for _, principal := range principals {
		filter := "principalId eq " + quoted(principal)
		assignments, err := f.listARM(ctx, strings.Join(parts[:3], "/")+list, azure.AuthorizationVersion, filter)
		if refusal := new(azure.Refusal); errors.As(err, &refusal) {
			whole = false
			assignments, err = f.listARM(ctx, strings.Join(parts[:5], "/")+list, azure.AuthorizationVersion, filter)
		}
		if err != nil {
			return nil, false, err
		}
		for _, a := range assignments {
			if stack, _ := arm.AssignedBy(a.Properties.Description); stack != "" {
				all[stack] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all)), whole, nil
}

func principalOfIdentity(answer map[string]any) []string {
	properties, _ := answer["properties"].(map[string]any)
	return given(text(properties, "principalId"))
}

// principalsOfCluster returns the cluster's own principal, or that of the user-assigned identity that a ComputeCluster
// makes for it. The grants of other identities do not say which stack made the cluster: stacks share identities.
func principalsOfCluster(answer map[string]any) (all []string) {
	identity, _ := answer["identity"].(map[string]any)
	all = given(text(identity, "principalId"))
	id := strings.Split(text(answer, "id"), "/")
	assigned, _ := identity["userAssignedIdentities"].(map[string]any)
	for name, one := range assigned {
		if len(id) > 2 && strings.EqualFold(lastSegment(name), id[len(id)-3]+"-"+id[len(id)-1]+"-identity") {
			has, _ := one.(map[string]any)
			all = append(all, given(text(has, "principalId"))...)
		}
	}
	return all
}

func given(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}
