package adopt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/azure"
)

// A Resource is one as Pulumi's engine has it.
type Resource struct {
	// Type is Pulumi's token, such as azure-native:authorization:RoleAssignment.
	Type string
	// Inputs are plain values that its provider has checked. Secret ones are not needed.
	Inputs map[string]any
	// SubscriptionID of its provider.
	SubscriptionID string
	// Stack that the resource is of, as project/stack.
	Stack string
}

// A Found is what Azure has at the place of a resource.
type Found struct {
	// ID for `pulumi import`.
	ID string
	// Lost says why it can't become the resource; "" if it can. Then it has to be removed and made again.
	Lost string
	// Others says why it may be somebody else's, though it looks like the resource. Owned is set if its owner is not
	// the deployer: a stack makes nothing with another owner.
	Others string
	Owned  bool
	// Stack is the other stack that made it, as project/stack; "" if it does not say.
	Stack string
	// Owner says whose it is, as text for people: by its mark, or that it has none.
	Owner string
}

// errUnknownType is wrapped by the error for a type of resource that this package can't find.
var errUnknownType = errors.New("it is not known where in Azure a resource of this type would be")

// A kind says how resources of one type are found.
type kind struct {
	// armID is the ID of a resource of Resource Manager, with {part} for each input; apiVersion is for the GET.
	armID, apiVersion string
	// other reports that the thing with the ID is something else, which can't become the resource.
	other func(answer map[string]any) bool
	// others says why the thing with the ID may be somebody else's; "" for no reason. Nil if it can't be.
	others func(ctx context.Context, f *Finder, id string) (string, error)
	// madeBy returns the stack that made the thing with the ID; "" if it does not say. Nil if no such thing says so.
	madeBy func(properties map[string]any) string
	// principals returns the principals of the thing with the ID: their assignments say which stack it is of. Nil if it
	// has none.
	principals func(answer map[string]any) []string
	// part says what it is a part of, which has the same owner; "" if it is a thing of its own in Azure.
	part string
	// within is the template of the ID of what it is a part of, which has the mark; "" if it is no part.
	within string
	// instead says what to do if another stack, STACK, made what is there.
	instead string
	// find looks for any other resource.
	find func(ctx context.Context, f *Finder, r Resource) ([]Found, error)
	// needs are the inputs that find and rival read, beside the parts of armID.
	needs []string
	// rival looks for what blocks a resource that does not exist; nil if nothing can.
	rival func(ctx context.Context, f *Finder, r Resource) (Rival, error)
	// remove deletes one; nil if nothing is ever left over, because its ID is derived.
	remove func(ctx context.Context, f *Finder, id string) error
	// open are inputs, with everything below them, that Azure sets if the program does not. See settle.
	open []string
}

const (
	inGroup         = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/"
	computeID       = inGroup + "Microsoft.MachineLearningServices/workspaces/{workspaceName}/computes/{computeName}"
	identityID      = inGroup + "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
	heldByOther     = "let that stack keep it, and name it here under sharedGrants, with by: STACK"
	identityOfOther = "name it here with resourceId, as one that exists, or give this stack's another displayName"
	secretLost      = "only the deployment that made it was given its secret, which can't be read again"
)

// kinds are the types of resources that the components register.
var kinds = map[string]kind{
	"azure-native:authorization:RoleDefinition": {
		armID:      "{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
		apiVersion: azure.AuthorizationVersion, rival: roleOfSameName,
	},
	"azure-native:authorization:RoleAssignment": {
		armID:      "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
		apiVersion: azure.AuthorizationVersion, rival: assignmentOfOtherName, madeBy: assignedBy, instead: heldByOther,
	},
	"azure-native:managedidentity:UserAssignedIdentity": {
		armID: identityID, apiVersion: azure.IdentityVersion, others: credentialsOfIdentity, principals: principalOfIdentity,
		instead: identityOfOther,
	},
	"azure-native:managedidentity:FederatedIdentityCredential": {
		armID:      identityID + "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
		apiVersion: azure.IdentityVersion, rival: identityCredentialOfSameSubject, within: identityID,
		principals: principalOfIdentity, instead: identityOfOther,
	},
	"azure-native:machinelearningservices:Compute": {
		armID: computeID, apiVersion: azure.WorkspaceVersion, other: noCluster, rival: computeOfOtherKind,
		open: []string{"properties"}, principals: principalsOfCluster,
		instead: "name it here with existing: true, and computeName with the name that it has, or give this stack's " +
			"another computeName",
	},
	"azuread:index/application:Application": {
		find: findApplication, needs: []string{"tags"}, rival: applicationsAlike, remove: removeObject,
		open: []string{"signInAudience", "owners", "templateId", "featureTags"},
	},
	"azuread:index/group:Group": {
		find: findGroup, needs: []string{"description", "displayName"}, rival: groupsAlike, remove: removeObject,
		open: []string{"owners", "members", "behaviors", "provisioningOptions", "types", "mailEnabled", "mailNickname",
			"visibility"},
	},
	"azuread:index/groupMember:GroupMember": {
		find: findMember, part: "group", needs: []string{"groupObjectId", "memberObjectId"},
	},
	"azuread:index/servicePrincipal:ServicePrincipal": {
		find: findServicePrincipal, part: "application", needs: []string{"clientId"}, remove: removeObject,
		open: []string{"accountEnabled", "owners", "features", "featureTags"},
	},
	"azuread:index/applicationPassword:ApplicationPassword": {
		find: findPassword, part: "application", needs: []string{"applicationId"}, remove: removePassword,
	},
	"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential": {
		find: findFederatedCredential, part: "application", needs: []string{"applicationId"},
		rival: credentialOfSameSubject, remove: removeFederatedCredential,
	},
}

// marks are the properties that say which stack made an object of the directory, by type.
var marks = map[string]string{"azuread:index/application:Application": "its tag",
	"azuread:index/group:Group": "its description"}

// Find returns what exists in Azure as the resource: nothing or one thing; several only for applications, whose names
// are not unique. The error wraps errUnknownType for a type that is not in kinds.
func (f *Finder) Find(ctx context.Context, r Resource) ([]Found, error) {
	k, ok := kinds[r.Type]
	if !ok {
		return nil, fmt.Errorf("%s: %w", r.Type, errUnknownType)
	}
	if k.find != nil {
		return k.find(ctx, f, r)
	}
	id, err := armIDOf(k.armID, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Type, err)
	}
	var answer map[string]any
	there, err := f.client.Get(ctx, azure.ResourceManager, azure.Version(id, k.apiVersion, ""), &answer)
	if err != nil || !there || k.other != nil && k.other(answer) {
		return nil, err
	}
	found := Found{ID: id, Owner: notSaid}
	if k.madeBy != nil {
		properties, _ := answer["properties"].(map[string]any)
		stack := k.madeBy(properties)
		if stack != "" {
			found.Owner = "stack " + stack
		}
		if stack != k.madeBy(r.Inputs) {
			found.Stack = stack
		}
	}
	if k.principals != nil {
		if found, err = f.markedByGrants(ctx, found, k, r, answer); err != nil {
			return nil, err
		}
	}
	if k.others != nil {
		found.Others, err = k.others(ctx, f, id)
	}
	return []Found{found}, err
}

// Remove deletes what Find found and the stack can't use.
func (f *Finder) Remove(ctx context.Context, resourceType string, found Found) error {
	k := kinds[resourceType]
	if k.remove == nil {
		return fmt.Errorf("removing %s: nothing of type %s is ever removed", found.ID, resourceType)
	}
	if err := k.remove(ctx, f, found.ID); err != nil {
		return fmt.Errorf("removing %s: %w", found.ID, err)
	}
	return nil
}

// needs returns the inputs that are needed to find a resource of the type, or what blocks it.
func needs(resourceType string) []string {
	k := kinds[resourceType]
	names := slices.Clone(k.needs)
	for _, m := range part.FindAllStringSubmatch(k.armID, -1) {
		names = append(names, m[1])
	}
	return names
}

var part = regexp.MustCompile(`\{(\w+)\}`)

// armIDOf replaces the template's parts by the inputs. {scope} is an ID itself.
func armIDOf(template string, r Resource) (string, error) {
	var missing []string
	id := part.ReplaceAllStringFunc(template, func(match string) string {
		name := strings.Trim(match, "{}")
		value := text(r.Inputs, name)
		if name == "subscriptionId" {
			value = r.SubscriptionID
		}
		if value == "" {
			missing = append(missing, name)
		}
		if name == "scope" { // the tenant's is /
			return slashed(value)
		}
		return url.PathEscape(value)
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("its ID needs %s", strings.Join(missing, " and "))
	}
	return id, nil
}

// A graphObject has the properties that are read of an object of the directory.
type graphObject struct {
	ID                  string `json:"id"`
	AppID               string `json:"appId"`
	DisplayName         string `json:"displayName"`
	Name                string `json:"name"`
	Issuer              string `json:"issuer"`
	Subject             string `json:"subject"`
	PasswordCredentials []struct {
		KeyID       string `json:"keyId"`
		DisplayName string `json:"displayName"`
	} `json:"passwordCredentials"`
	KeyCredentials []any `json:"keyCredentials"`
}

// credentialsOfIdentity says that a managed identity has federated credentials. An interrupted creation leaves none,
// since they are made after the state has the identity, and whoever signs in with them would have the stack's access.
func credentialsOfIdentity(ctx context.Context, f *Finder, id string) (string, error) {
	credentials, err := f.listARM(ctx, id+"/federatedIdentityCredentials", azure.IdentityVersion, "")
	if err != nil || len(credentials) == 0 {
		return "", err
	}
	return id + " has federated credentials", nil
}

func findServicePrincipal(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	objects, err := f.list(ctx, "/servicePrincipals", "appId eq "+quoted(text(r.Inputs, "clientId")))
	for _, o := range objects {
		found = append(found, Found{ID: "/servicePrincipals/" + o.ID})
	}
	return found, err
}

func findPassword(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	app := text(r.Inputs, "applicationId")
	var o graphObject
	if _, err := f.client.Get(ctx, azure.Graph, app, &o); err != nil {
		return nil, err
	}
	for _, p := range o.PasswordCredentials {
		if p.DisplayName == text(r.Inputs, "displayName") {
			found = append(found, Found{ID: strings.TrimPrefix(app, "/applications/") + passwordPart + p.KeyID,
				Lost: secretLost})
		}
	}
	return found, nil
}

func findFederatedCredential(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	app := text(r.Inputs, "applicationId")
	objects, err := f.list(ctx, app+"/federatedIdentityCredentials", "")
	for _, o := range objects {
		if o.Name == text(r.Inputs, "displayName") {
			found = append(found, Found{ID: strings.TrimPrefix(app, "/applications/") + federatedPart + o.ID})
		}
	}
	return found, err
}

// The parts between the IDs of an application and of what belongs to it, in Pulumi's IDs.
const (
	passwordPart  = "/password/"
	federatedPart = "/federatedIdentityCredential/"
)

func removeObject(ctx context.Context, f *Finder, id string) error {
	return f.client.Change(ctx, azure.Graph, http.MethodDelete, id, nil)
}

func removePassword(ctx context.Context, f *Finder, id string) error {
	app, key, _ := strings.Cut(id, passwordPart)
	return f.client.Change(ctx, azure.Graph, http.MethodPost, "/applications/"+app+"/removePassword",
		map[string]any{"keyId": key})
}

func removeFederatedCredential(ctx context.Context, f *Finder, id string) error {
	app, credential, _ := strings.Cut(id, federatedPart)
	return f.client.Change(ctx, azure.Graph, http.MethodDelete,
		"/applications/"+app+"/federatedIdentityCredentials/"+credential, nil)
}

func text(m map[string]any, key string) string { s, _ := m[key].(string); return s }

// quoted writes a string for a $filter.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
