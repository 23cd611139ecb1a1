package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// collections are Microsoft Graph's collections for the kinds of principals, directoryName the names of the kinds for
// people.
var (
	collections = map[access.PrincipalKind]string{
		access.User: "/users/", access.Group: "/groups/", access.ServicePrincipal: "/" +
			"servicePrincipals/", access.ManagedIdentity: "/servicePrincipals/",
	}
	directoryName = map[access.PrincipalKind]string{
		access.User: "user", access.Group: "group", access.ServicePrincipal: "service " +
			"principal", access.ManagedIdentity: "managed identity",
	}
)

// An object is a directory object.
type object struct {
	Type     string `json:"@odata.type"`
	ID       string `json:"id"`
	Name     string `json:"displayName"`
	Template string `json:"roleTemplateId"` // of a role of Entra
}

// groups returns the groups that a principal is in, also nested ones. there is false for a principal that the directory
// does not have.
func (o *Observer) groups(ctx context.Context, s Subject, f *Facts) (groups []Group, there bool, err error) {
	objects, there, err := o.objects(ctx, s, "/transitiveMemberOf",
		fmt.Sprintf("asking which groups %s is in", s.Principal))
	for _, object := range objects {
		if object.Type == "#microsoft.graph.group" { // others are directory roles and administrative units
			groups = append(groups, Group{object.ID, object.Name})
		} else if power := ways.PowerByID(object.Template); power != "" {
			f.held = append(f.held, ways.Power{Principal: s.ID, Name: power})
		}
	}
	return groups, there, err
}

// enabled records a principal that can't sign in because it is disabled. Graph gives a user's accountEnabled only if it
// is selected. A group does not sign in.
func (o *Observer) enabled(ctx context.Context, m access.Model, s Subject, f *Facts) {
	if s.Kind == access.Group {
		return
	}
	name := directoryName[s.Kind] + " " + s.ID
	var answer struct {
		Enabled *bool `json:"accountEnabled"`
	}
	there, err := o.client.Get(ctx, azure.Graph, collections[s.Kind]+url.PathEscape(s.ID)+"?$select=id,accountEnabled",
		&answer)
	if err != nil {
		err = failed("asking whether "+s.Principal.String()+" is enabled", readGroups, err)
	}
	switch why := f.unanswered(err); {
	case why != "":
		f.Unknown[s.Principal] = why
	case !there:
		f.Gone[s.Principal] = "a principal: the directory has no " + name + madeAnew(m, s.Principal)
	case answer.Enabled == nil:
		f.Unknown[s.Principal] = "to be enabled: the directory does not say whether " + name + " is"
	case !*answer.Enabled:
		f.Gone[s.Principal] = "to be enabled: " + name + " is disabled in the directory"
	}
}

// madeAnew is the remedy if a principal does not exist any more: if the stack made it, Pulumi makes it again after a
// refresh.
func madeAnew(m access.Model, p access.Principal) string {
	if p.IsCluster() && m.Clusters[p.Name].Existing || !p.IsCluster() && m.Invokers[p.Name].Exists() {
		return "; the stack only refers to it: correct it there"
	}
	return "; run pulumi refresh and pulumi up, which make it anew"
}

// members returns the members of a group. A member that is a group is listed as itself: the stack did not put it there.
func (o *Observer) members(ctx context.Context, s Subject) (members []Member, err error) {
	objects, _, err := o.objects(ctx, s, "/members", fmt.Sprintf("asking who is in the group of %s", s.Principal))
	for _, object := range objects {
		members = append(members, Member{object.ID, object.Name})
	}
	return members, err
}

// objects reads all pages of a collection of the directory below a principal.
func (o *Observer) objects(ctx context.Context, s Subject, below, what string) (all []object, there bool, err error) {
	all, there, err = azure.List[object](ctx, o.client, azure.Graph, collections[s.Kind]+url.PathEscape(s.ID)+below)
	if err != nil {
		err = failed(what, readGroups, err)
	}
	return all, there, err
}

// cluster records that a cluster has another identity than the stack knows: the stack's grants are then useless.
func (o *Observer) cluster(ctx context.Context, m access.Model, s Subject, f *Facts) error {
	gone := f.Gone
	name := m.Clusters[s.Principal.Name].NameOr(s.Principal.Name)
	var compute struct {
		Identity struct {
			Type         string         `json:"type"`
			PrincipalID  string         `json:"principalId"`
			UserAssigned firstPrincipal `json:"userAssignedIdentities"`
		} `json:"identity"`
		Properties struct {
			Properties struct {
				Subnet struct {
					ID string `json:"id"`
				} `json:"subnet"`
			} `json:"properties"`
		} `json:"properties"`
	}
	there, err := o.get(ctx, m.WorkspaceID.Text()+"/computes/"+url.PathEscape(name), azure.WorkspaceVersion,
		"asking for the identity of compute cluster "+name, readComputes, &compute)
	if err != nil {
		return err
	}
	f.subnets[s.Principal.Name] = compute.Properties.Properties.Subnet.ID
	var has []string // the system-assigned identity mounts, if there is one
	if id := compute.Identity.PrincipalID; id != "" {
		has = []string{id}
	} else if strings.Contains(strings.ToLower(compute.Identity.Type), "systemassigned") {
		return nil // while a cluster changes, Azure may leave out the ID
	} else if id := string(compute.Identity.UserAssigned); id != "" {
		has = []string{id}
	}
	switch {
	case !there:
		gone[s.Principal] = "a compute cluster: the workspace has none that is called " + name + madeAnew(m, s.Principal)
	case len(has) == 0:
		gone[s.Principal] = "a managed identity: compute cluster " + name + " has none now" + madeAnew(m, s.Principal)
	case !slices.ContainsFunc(has, func(id string) bool { return strings.EqualFold(id, s.ID) }):
		slices.Sort(has)
		gone[s.Principal] = fmt.Sprintf("its identity: compute cluster %s has %s now, and the stack grants to %s; run "+
			"pulumi refresh and pulumi up", name, strings.Join(has, " and "), s.ID)
	}
	return nil
}

// firstPrincipal is the object ID of the first of a cluster's user-assigned identities, in the order of the answer. It
// is the default one, which alone mounts (facts/compute-clusters.md). That the answer keeps the order is inferred.
type firstPrincipal string

func (p *firstPrincipal) UnmarshalJSON(text []byte) error {
	var all map[string]struct {
		PrincipalID string `json:"principalId"`
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		return err
	}
	from := json.NewDecoder(bytes.NewReader(text))
	for range 2 { // the brace, and the first key
		token, err := from.Token()
		if err != nil {
			return err
		}
		if key, is := token.(string); is {
			*p = firstPrincipal(all[key].PrincipalID)
		}
	}
	return nil
}
