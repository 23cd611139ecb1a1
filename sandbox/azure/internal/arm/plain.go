package arm

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// A plainType is a resource that the components only refer to, and that programs make beside them: it exists, with
// its identity and what of it bears on access, and does nothing. Its properties are kept as they were sent.
type plainType struct {
	name     *regexp.Regexp
	located  bool   // it has a location, which must be sent
	identity bool   // it may have a system-assigned identity
	taken    string // the code by which a name that is taken is refused, where Azure keeps names unique everywhere
	complete func(c *call, r *state.Resource)
}

// Names: azure-docs, "Naming rules and restrictions for Azure resources".
var plainTypes = map[string]plainType{
	strings.ToLower(typeResourceGroup): {name: regexp.MustCompile(`^[\w.()-]{0,89}[\w()-]$`), located: true},
	strings.ToLower(typeWorkspace): {
		name: regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$`), located: true, identity: true,
		complete: completeWorkspace,
	},
	strings.ToLower(typeStorageAccount): {
		name: regexp.MustCompile(`^[a-z0-9]{3,24}$`), located: true, identity: true, taken: "StorageAccountAlreadyTaken",
		complete: completeAccount,
	},
	// The code for a taken name: MicrosoftDocs/azure-dev-docs issue 1303.
	strings.ToLower(typeImages): {
		name: regexp.MustCompile(`^[a-zA-Z0-9]{5,50}$`), located: true, identity: true, taken: "AlreadyInUse",
		complete: completeImages,
	},
	strings.ToLower(typeContainer): {name: regexp.MustCompile(`^(\$root|\$logs|\$web|[a-z0-9](-?[a-z0-9]){2,62})$`)},
}

const typeContainer = typeStorageAccount + "/blobServices/containers"

var plainKeys = []string{
	"location", "tags.*", "kind", "sku.*", "managedBy", "extendedLocation.*", "identity.type",
	"identity.userAssignedIdentities.*",
	"identity.principalId", "identity.tenantId", "properties.*",
}

func completeWorkspace(c *call, r *state.Resource) {
	defaults(r.Properties, map[string]any{
		"workspaceId": uuid.NewSHA1(uuid.NameSpaceURL, []byte(armid.Key(r.ID))).String(), "tenantId": c.st.TenantID,
		"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled", "hbiWorkspace": false,
		"storageHnsEnabled": false, "systemDatastoresAuthMode": "accesskey",
		"discoveryUrl": "https://" + r.Location + "." + clouds.Of(c.st.Cloud).Workspaces + "/discovery",
	})
}

func completeAccount(c *call, r *state.Resource) {
	name, suffix := armid.Parse(r.ID).Name(), clouds.Of(c.st.Cloud).Storage
	defaults(r.Properties, map[string]any{
		"provisioningState": "Succeeded", "isHnsEnabled": false, "supportsHttpsTrafficOnly": true,
		"publicNetworkAccess": "Enabled",
		"primaryEndpoints": map[string]any{
			"blob": "https://" + name + ".blob." + suffix + "/", "dfs": "https://" + name + ".dfs." + suffix + "/",
		},
	})
}

func completeImages(c *call, r *state.Resource) {
	if suffix := clouds.Of(c.st.Cloud).Registries; suffix != "" {
		defaults(r.Properties, map[string]any{"loginServer": strings.ToLower(armid.Parse(r.ID).Name()) + "." + suffix})
	}
	defaults(r.Properties, map[string]any{
		"provisioningState": "Succeeded", "adminUserEnabled": false, "publicNetworkAccess": "Enabled",
		"roleAssignmentMode": "LegacyRegistryPermissions",
	})
}

func defaults(properties, values map[string]any) {
	for key, value := range values {
		if properties[key] == nil {
			properties[key] = value
		}
	}
}

// putPlain makes a resource or changes one.
func putPlain(c *call) (wire.Reply, error) {
	t := plainTypes[strings.ToLower(c.id.Type())]
	if parent := c.id.Parent(); c.st.Resources[armid.Key(parent)] == nil {
		if err := c.missing(armid.Parse(parent)); err != nil {
			return wire.Reply{}, err
		}
		// An account's blob service comes with the account.
		if !c.id.Is(typeContainer) || c.st.Resources[armid.Key(armid.Parse(parent).Parent())] == nil {
			return wire.Reply{}, parentNotFound(c.id, parent)
		}
	}
	var body computeBody
	if err := c.decode(&body, plainKeys); err != nil {
		return wire.Reply{}, err
	}
	old := c.st.Resources[c.id.Key()]
	if err := c.checkPlain(t, body, old); err != nil {
		return wire.Reply{}, err
	}
	identity, err := c.readIdentity(body.Identity)
	if err != nil {
		return wire.Reply{}, err
	}
	resource := &state.Resource{
		ID: c.id.String(), Location: body.Location, Kind: body.Kind, Tags: body.Tags, SKU: body.SKU,
		Properties: body.Properties,
		CreatedBy:  c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now,
	}
	if resource.Properties == nil {
		resource.Properties = map[string]any{}
	}
	status := http.StatusCreated
	if old != nil {
		status = http.StatusOK
		resource.ID, resource.Seeded = old.ID, old.Seeded
		resource.CreatedAt, resource.CreatedBy = old.CreatedAt, old.CreatedBy
	}
	if t.complete != nil {
		t.complete(c, resource)
	}
	resource.Identity = c.applyIdentity(old, identity, c.id.Name())
	c.st.Resources[c.id.Key()] = resource
	c.st.Touch(state.Resources, c.id.Key())
	return wire.Reply{Status: status, Body: c.render(resource)}, nil
}

func (c *call) checkPlain(t plainType, body computeBody, old *state.Resource) error {
	switch {
	case !t.name.MatchString(c.id.Name()):
		return wire.Errorf(http.StatusBadRequest, "InvalidResourceName", "the name %q of %s does not match %s",
			c.id.Name(), c.id.Type(), t.name)
	case t.located && body.Location == "":
		return wire.Errorf(http.StatusBadRequest, "LocationRequired", "the location property is required for %s", c.id)
	case !t.identity && body.Identity != nil:
		return wire.Errorf(http.StatusBadRequest, "InvalidRequestContent", "%s has no identity", c.id.Type())
	case old != nil && !armid.SameLocation(old.Location, body.Location):
		return wire.Errorf(http.StatusConflict, "InvalidResourceLocation",
			"%s already exists in location %s and cannot be moved to %s", c.id, old.Location, body.Location)
	case t.taken != "" && old == nil && c.st.Named(c.id.Type(), c.id.Name()) != nil:
		return wire.Errorf(http.StatusConflict, t.taken, "the name %s of %s is already taken: it is unique in all of "+
			"Azure", c.id.Name(), c.id.Type())
	}
	return nil
}

// deletePlain takes a resource out with all that lies in it: of a resource group too.
func deletePlain(c *call) (wire.Reply, error) {
	if c.id.Is(typeWorkspace) && slices.ContainsFunc(c.computes(), func(r *state.Resource) bool { return !r.Seeded }) {
		return wire.Reply{}, wire.Errorf(http.StatusConflict, "Conflict", "workspace %s still has compute clusters", c.id)
	}
	return deleteResource(c)
}

func (c *call) computes() (found []*state.Resource) {
	for key, r := range c.st.Resources {
		if strings.HasPrefix(key, c.id.Key()+"/computes/") {
			found = append(found, r)
		}
	}
	return found
}
