package lookup

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/sdks/managedidentity"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// A Principal is the principal that a name belongs to.
type Principal struct {
	ObjectID string
	ClientID string // "" for users and groups, and for the system-assigned identity of a resource
	names    map[string]string
}

// permissions are what the deployer needs for questions to Entra, by the kind of principal.
var permissions = map[access.PrincipalKind]string{
	access.User:             "the Microsoft Graph permission User.Read.All",
	access.Group:            "the Microsoft Graph permission Group.Read.All",
	access.ServicePrincipal: "the Microsoft Graph permission Application.Read.All",
	access.ManagedIdentity:  "the Microsoft Graph permission Application.Read.All",
}

// Principal looks up the invoker at the path by its name. If its ID is given, it checks that the ID belongs to a
// principal of that kind and with the given name: it recognises the client ID of a service principal that is given
// instead of its object ID.
func (a *Asker) Principal(path string, i access.Invoker) (Principal, access.Problems) {
	key, id := i.Named()
	if i.PrincipalID.Given() {
		key, id = i.Kind.IDKey(), i.PrincipalID
	}
	name := id.Text()
	at := path + "." + key
	var found Principal
	var ps access.Problems
	switch {
	case i.Kind == access.User:
		found, ps = a.user(at, key, name)
	case i.Kind == access.Group:
		found, ps = a.group(at, key, name)
	case key == "resourceId":
		found, ps = a.identity(at, name)
	default:
		found, ps = a.servicePrincipal(at, key, name, i.Kind)
	}
	if len(ps) > 0 {
		return found, ps
	}
	if given := i.ClientID.Text(); arm.IsGUID(given) && found.ClientID != "" && !strings.EqualFold(given, found.ClientID) {
		return found, problem(at, "write clientId: "+found.ClientID+", or leave it out",
			"is another principal than clientId %s", given)
	}
	if !i.PrincipalID.Given() {
		return found, nil
	}
	return found, a.namesake(path, i, found)
}

// namesake checks that the name beside an ID is the principal's: readers of the configuration rely on it.
func (a *Asker) namesake(path string, i access.Invoker, found Principal) access.Problems {
	id := i.PrincipalID.Text()
	i.PrincipalID = access.ID{}
	key, given := i.Named()
	name := given.Text()
	if key == "resourceId" {
		if resource, known := withIdentity(name); !known || !a.reaches(resource) {
			return nil // it can't be asked
		}
		of, ps := a.identity(path+"."+key, name)
		if len(ps) == 0 && !strings.EqualFold(of.ObjectID, id) {
			ps = problem(path+"."+i.Kind.IDKey(), "write "+i.Kind.IDKey()+": "+of.ObjectID+", or correct resourceId",
				"%s is not the identity of %s", id, name)
		}
		return ps
	}
	if own := found.names[key]; own != "" && !strings.EqualFold(own, name) {
		return problem(path+"."+key, "write "+own+", or leave out "+i.Kind.IDKey()+" to have the name looked up",
			"is %q, but %s %s is %q", name, i.Kind.IDKey(), id, own)
	}
	return nil
}

func (a *Asker) user(path, key, name string) (Principal, access.Problems) {
	args := &azuread.GetUserArgs{}
	switch key {
	case "userPrincipalName":
		args.UserPrincipalName = &name
	case "mail":
		args.Mail = &name
	default:
		args.ObjectId = &name
	}
	found, err := azuread.GetUser(a.ctx, args, a.entra...)
	if err != nil {
		if key == "objectId" {
			return Principal{}, a.otherKind(path, name, access.User, err)
		}
		shows := "az ad user show --id '" + name + "' --query id"
		if key == "mail" {
			shows = `az ad user list --filter "mail eq '` + name + `'" --query [].id`
		}
		return Principal{}, refused(path, "the user "+name, err, permissions[access.User],
			"correct the name, or write objectId, as "+shows+" prints it")
	}
	return Principal{ObjectID: found.ObjectId, names: map[string]string{"userPrincipalName": found.UserPrincipalName,
		"mail": found.Mail}}, nil
}

func (a *Asker) group(path, key, name string) (Principal, access.Problems) {
	args := &azuread.LookupGroupArgs{}
	if key == "displayName" {
		filtered := strings.ReplaceAll(name, "'", "''") // the provider does not escape it
		args.DisplayName = &filtered
	} else {
		args.ObjectId = &name
	}
	found, err := azuread.LookupGroup(a.ctx, args, a.entra...)
	if err != nil {
		if key == "objectId" {
			return Principal{}, a.otherKind(path, name, access.Group, err)
		}
		return Principal{}, refused(path, fmt.Sprintf("the group %q", name), err, permissions[access.Group],
			fmt.Sprintf("correct the name, or write objectId: names of groups need not be unique (az ad group list "+
				"--display-name \"%s\")", name))
	}
	if !found.SecurityEnabled {
		return Principal{}, problem(path, "use a security group",
			"the group %q is not security-enabled, so no role can be assigned to it", name)
	}
	return Principal{ObjectID: found.ObjectId, names: map[string]string{"displayName": found.DisplayName}}, nil
}

// entraTypes are Entra's types of service principals, by the kind of invoker.
var entraTypes = map[access.PrincipalKind]string{access.ServicePrincipal: "Application",
	access.ManagedIdentity: "ManagedIdentity"}

func (a *Asker) servicePrincipal(path, key, id string, kind access.PrincipalKind) (Principal, access.Problems) {
	byClientID := key == "clientId"
	found, err := a.servicePrincipalBy(byClientID, id)
	if err != nil {
		if other, otherErr := a.servicePrincipalBy(!byClientID, id); otherErr == nil {
			is, write := "the client ID", kind.IDKey()+": "+other.ObjectId
			if byClientID {
				is, write = "the object ID", kind.IDKey()+": "+id+" in place of clientId"
			}
			return Principal{}, problem(path, "write "+write, "%s is %s of %q, not what is asked for here", id, is,
				other.DisplayName)
		}
		if !byClientID {
			return Principal{}, a.otherKind(path, id, kind, err)
		}
		return Principal{}, refused(path, "the service principal with the client ID "+id, err, permissions[kind],
			"check that the application has a service principal in this tenant (az ad sp show --id "+id+"), or write "+
				kind.IDKey())
	}
	if want := entraTypes[kind]; found.Type != "" && found.Type != want {
		for other, entra := range entraTypes {
			if entra == found.Type {
				return Principal{}, problem(path, "write kind: "+string(other), "%q is of type %s in Entra, but kind is %s",
					found.DisplayName, found.Type, kind)
			}
		}
		return Principal{}, problem(path, "choose an application or a managed identity",
			"%q is of type %s in Entra, but kind is %s", found.DisplayName, found.Type, kind)
	}
	return Principal{ObjectID: found.ObjectId, ClientID: found.ClientId}, nil
}

func (a *Asker) servicePrincipalBy(clientID bool, id string) (*azuread.LookupServicePrincipalResult, error) {
	args := &azuread.LookupServicePrincipalArgs{ObjectId: &id}
	if clientID {
		args = &azuread.LookupServicePrincipalArgs{ClientId: &id}
	}
	return azuread.LookupServicePrincipal(a.ctx, args, a.entra...)
}

// otherKind says what the object ID belongs to, if not to a principal of the kind.
func (a *Asker) otherKind(path, id string, kind access.PrincipalKind, err error) access.Problems {
	is := ""
	if kind != access.User {
		if _, err := azuread.GetUser(a.ctx, &azuread.GetUserArgs{ObjectId: &id}, a.entra...); err == nil {
			is = string(access.User)
		}
	}
	if kind != access.Group && is == "" {
		if _, err := azuread.LookupGroup(a.ctx, &azuread.LookupGroupArgs{ObjectId: &id}, a.entra...); err == nil {
			is = string(access.Group)
		}
	}
	if kind == access.User || kind == access.Group {
		for _, byClientID := range []bool{false, true} {
			if found, err := a.servicePrincipalBy(byClientID, id); err == nil && is == "" {
				is = string(access.ServicePrincipal)
				if found.Type == entraTypes[access.ManagedIdentity] {
					is = string(access.ManagedIdentity)
				}
			}
		}
	}
	if is != "" {
		return problem(path, "write kind: "+is+", or the object ID of a "+string(kind), "%s is a %s, but kind is %s", id, is,
			kind)
	}
	return refused(path, "a "+string(kind)+" with the object ID "+id, err, permissions[kind],
		"write the object ID that Entra shows for the principal itself (for an application, the one under enterprise "+
			"applications)")
}

// systemAssigned are the provider's functions that read a resource with a system-assigned identity, by type, with their
// argument for its name. They are called by token: their SDKs are large, and only three fields are needed.
var systemAssigned = map[string]struct{ token, name string }{
	arm.DataFactory:    {"azure-native:datafactory:getFactory", "factoryName"},
	arm.Site:           {"azure-native:web:getWebApp", "name"},
	arm.VirtualMachine: {"azure-native:compute:getVirtualMachine", "vmName"},
}

// withIdentity parses the ID of a resource of a type whose managed identity can be looked up.
func withIdentity(id string) (resource arm.ID, known bool) {
	resource, err := arm.Parse(id, arm.IdentityTypes...)
	return resource, err == nil
}

// reaches reports whether the provider looks in the resource's subscription, as far as that is known.
func (a *Asker) reaches(resource arm.ID) bool {
	own := a.workspace.SubscriptionID
	return own == "" || strings.EqualFold(resource.SubscriptionID, own)
}

// identity looks up the managed identity of the resource with that ARM ID.
func (a *Asker) identity(path, id string) (Principal, access.Problems) {
	instead := "check that the resource exists (az resource show --ids " + id + "), or write principalId"
	const permission = "Reader on it"
	resource, known := withIdentity(id)
	if !known {
		return Principal{}, problem(path, "write principalId", "%s is not of a type whose identity can be looked up", id)
	}
	if !a.reaches(resource) {
		return Principal{}, problem(path, "write principalId, the object ID of its identity",
			"%s lies in another subscription than the workspace, where the provider does not look", id)
	}
	function, system := systemAssigned[resource.Type]
	if !system {
		found, err := managedidentity.LookupUserAssignedIdentity(a.ctx, &managedidentity.LookupUserAssignedIdentityArgs{
			ResourceGroupName: resource.ResourceGroup, ResourceName: resource.Name,
		}, a.native...)
		if err != nil {
			return Principal{}, refused(path, "the identity "+id, err, permission, instead)
		}
		return Principal{ObjectID: found.PrincipalId, ClientID: found.ClientId}, elsewhere(path, found.Id,
			resource.SubscriptionID)
	}
	var found struct {
		ID       string `pulumi:"id"`
		Identity *struct {
			PrincipalID string `pulumi:"principalId"`
		} `pulumi:"identity"`
	}
	args := map[string]any{"resourceGroupName": resource.ResourceGroup, function.name: resource.Name}
	if err := a.ctx.Invoke(function.token, args, &found, a.native...); err != nil {
		return Principal{}, refused(path, "the resource "+id, err, permission, instead)
	}
	if ps := elsewhere(path, found.ID, resource.SubscriptionID); len(ps) > 0 {
		return Principal{}, ps
	}
	if found.Identity == nil || found.Identity.PrincipalID == "" {
		return Principal{}, problem(path, "turn it on, or write the ARM ID of the user-assigned identity that it uses",
			"%s has no system-assigned identity", id)
	}
	return Principal{ObjectID: found.Identity.PrincipalID}, nil
}
