package arm

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// computeName is Azure's rule for the name of a cluster, as the REST API states it (facts/compute-clusters.md).
var computeName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]$`)

// The properties that Azure can't change in a cluster (facts/compute-clusters.md): those of AmlCompute, and those
// around them.
var (
	fixedInside = []string{
		"vmSize", "vmPriority", "subnet", "enableNodePublicIp", "remoteLoginPortPublicAccess", "userAccountCredentials",
	}
	fixedOutside = []string{"computeLocation", "disableLocalAuth", "description"}
)

// clusterDefaults are the values that Azure fills in for an AmlCompute cluster, and its answers for an idle one.
var clusterDefaults = map[string]any{
	"vmPriority": "Dedicated", "osType": "Linux", "remoteLoginPortPublicAccess": "NotSpecified",
	"enableNodePublicIp": true,
	"isolatedNetwork":    false, "allocationState": "Steady", "errors": nil, "currentNodeCount": 0, "targetNodeCount": 0,
	"nodeStateCounts": map[string]any{
		"idleNodeCount": 0, "runningNodeCount": 0, "preparingNodeCount": 0, "unusableNodeCount": 0, "leavingNodeCount": 0,
		"preemptedNodeCount": 0,
	},
}

type computeBody struct {
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags"`
	SKU        any               `json:"sku"`
	Kind       string            `json:"kind"` // of resources other than computes
	Identity   *identityBody     `json:"identity"`
	Properties map[string]any    `json:"properties"`
}

type identityBody struct {
	Type string `json:"type"`
	// UserAssigned keeps the order in which the IDs were sent: the first is the cluster's default.
	UserAssigned ordered `json:"userAssignedIdentities"`
}

// putCompute makes or changes a cluster. It answers at once and points to an operation that ends a little later. The
// cluster can be used from the start.
func putCompute(c *call) (wire.Reply, error) {
	workspace := c.st.Resources[armid.Key(c.id.Parent())]
	if workspace == nil {
		return wire.Reply{}, parentNotFound(c.id, c.id.Parent())
	}
	var body computeBody
	if err := c.decode(&body, computeKeys); err != nil {
		return wire.Reply{}, err
	}
	old := c.st.Resources[c.id.Key()]
	properties, err := c.clusterProperties(body, old)
	if err != nil {
		return wire.Reply{}, err
	}
	if err := c.fitsComputes(properties["computeLocation"].(string)); err != nil {
		return wire.Reply{}, err
	}
	identity, err := c.readIdentity(body.Identity)
	if err != nil {
		return wire.Reply{}, err
	}
	if c.deleting(c.id.Key()) != nil {
		return wire.Reply{}, wire.Errorf(http.StatusConflict, "Conflict",
			"compute %s is being deleted; wait for the end of that operation", c.id)
	}
	resource := &state.Resource{
		ID: c.id.String(), Location: body.Location, Tags: body.Tags, SKU: body.SKU, Properties: properties,
		CreatedBy: c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now,
	}
	status, provisioning := http.StatusCreated, "Creating"
	if old != nil {
		status, provisioning = http.StatusOK, "Updating"
		resource.ID, resource.Seeded, resource.CreatedAt, resource.CreatedBy = old.ID, old.Seeded, old.CreatedAt,
			old.CreatedBy
	}
	resource.Identity = c.applyIdentity(old, identity, SystemIdentityName(c.id))
	c.letPull(old, resource.Identity)
	c.st.Resources[c.id.Key()] = resource
	c.st.Touch(state.Resources, c.id.Key())
	header := c.startOperation(resource, provisioning)
	return wire.Reply{Status: status, Header: header, Body: c.render(resource)}, nil
}

// clusterProperties checks a cluster's properties and fills in Azure's defaults. It does not keep a password that was
// sent.
func (c *call) clusterProperties(body computeBody, old *state.Resource) (map[string]any, error) {
	invalid := func(format string, args ...any) error {
		return wire.Errorf(http.StatusBadRequest, "InvalidRequest", format, args...)
	}
	if !computeName.MatchString(c.id.Name()) {
		return nil, invalid("compute name %q does not match %s", c.id.Name(), computeName)
	}
	if body.Location == "" {
		return nil, wire.Errorf(http.StatusBadRequest, "LocationRequired", "the location property is required for %s", c.id)
	}
	if kind := body.Properties["computeType"]; kind != "AmlCompute" {
		return nil, invalid("properties.computeType is %v; the sandbox has AmlCompute only", kind)
	}
	sent, _ := body.Properties["properties"].(map[string]any)
	if size, _ := sent["vmSize"].(string); size == "" {
		return nil, invalid("properties.properties.vmSize is required")
	}
	if err := c.checkSubnet(sent["subnet"]); err != nil {
		return nil, err
	}
	scale, err := scaleSettings(sent["scaleSettings"])
	if err != nil {
		return nil, err
	}
	cluster := maps.Clone(clusterDefaults)
	for key, value := range sent {
		if value != nil {
			cluster[key] = value
		}
	}
	cluster["scaleSettings"] = scale
	if account, ok := cluster["userAccountCredentials"].(map[string]any); ok {
		account = maps.Clone(account)
		delete(account, "adminUserPassword")
		cluster["userAccountCredentials"] = account
	}
	created := c.now
	if old != nil {
		created = old.CreatedAt
		if !strings.EqualFold(old.Location, body.Location) {
			return nil, wire.Errorf(http.StatusConflict, "InvalidResourceLocation",
				"%s already exists in location %s and cannot be moved to %s", c.id, old.Location, body.Location)
		}
		before, _ := old.Properties["properties"].(map[string]any)
		if key := changed(fixedInside, before, cluster); key != "" {
			return nil, invalid("properties.properties.%s of an existing cluster cannot be changed; delete the "+
				"cluster first", key)
		}
		if key := changed(fixedOutside, old.Properties, body.Properties); key != "" {
			return nil, invalid("properties.%s of an existing cluster cannot be changed; delete the cluster first", key)
		}
	}
	// computeLocation says where the nodes are; location does not (facts/compute-clusters.md).
	where, _ := body.Properties["computeLocation"].(string)
	if where == "" && old != nil {
		where, _ = old.Properties["computeLocation"].(string)
	}
	where = cmp.Or(where, body.Location)
	properties := map[string]any{
		"description": nil, "disableLocalAuth": false, "resourceId": nil,
	}
	maps.Copy(properties, body.Properties)
	maps.Copy(properties, map[string]any{
		"computeLocation": where, "provisioningState": "Succeeded", "provisioningErrors": nil, "isAttachedCompute": false,
		"createdOn": stamp(created), "modifiedOn": stamp(c.now), "properties": cluster,
	})
	return properties, nil
}

// checkSubnet refuses a subnet that the nodes can't join: one in another subscription than the workspace's, and any
// subnet if Azure manages the workspace's network, unless it is empty (facts/compute-clusters.md, Network). The codes
// are not documented.
func (c *call) checkSubnet(value any) error {
	subnet, _ := value.(map[string]any)
	text, _ := subnet["id"].(string)
	if text == "" {
		return nil
	}
	id := armid.Parse(text)
	managed, _ := c.st.Resources[armid.Key(c.id.Parent())].Properties["managedNetwork"].(map[string]any)
	mode, _ := managed["isolationMode"].(string)
	switch {
	case !id.Is("Microsoft.Network/virtualNetworks/subnets"):
		return wire.Errorf(http.StatusBadRequest, "InvalidRequest", "properties.properties.subnet.id %q is not the ID of a "+
			"subnet", text)
	case !strings.EqualFold(id.Subscription(), c.id.Subscription()):
		return wire.Errorf(http.StatusBadRequest, "InvalidRequest", "the subnet %s is not in the subscription of the "+
			"workspace, %s", text, c.id.Subscription())
	case mode != "" && !strings.EqualFold(mode, "Disabled"):
		return wire.Errorf(http.StatusBadRequest, "InvalidRequest", "the workspace has a managed network, so that its "+
			"clusters take no subnet")
	}
	return nil
}

// changed is the first of the keys whose value was sent and differs. Text is compared without regard to case. An
// empty or false value equals one that was never sent.
func changed(keys []string, before, after map[string]any) string {
	text := func(value any) string {
		if value == nil || value == false {
			return ""
		}
		return fmt.Sprint(value)
	}
	for _, key := range keys {
		if after[key] != nil && !strings.EqualFold(text(before[key]), text(after[key])) {
			return key
		}
	}
	return ""
}

func scaleSettings(value any) (map[string]any, error) {
	sent, _ := value.(map[string]any)
	settings := map[string]any{"minNodeCount": 0.0, "nodeIdleTimeBeforeScaleDown": "PT120S"}
	maps.Copy(settings, sent)
	least, _ := settings["minNodeCount"].(float64)
	most, ok := settings["maxNodeCount"].(float64)
	if !ok || most < 1 || least < 0 || least > most {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidRequest",
			"properties.properties.scaleSettings must have a maxNodeCount of at least 1 and a minNodeCount from 0 to "+
				"maxNodeCount")
	}
	return settings, nil
}

// readIdentity checks an identity block. The caller needs permission to assign a user-assigned identity.
func (c *call) readIdentity(body *identityBody) (*identityBody, error) {
	if body == nil {
		return &identityBody{}, nil
	}
	var system, user bool
	switch body.Type {
	case "", "None":
	case "SystemAssigned":
		system = true
	case "UserAssigned":
		user = true
	case "SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned":
		system, user = true, true
	default:
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidIdentityType",
			"identity.type %q must be None, SystemAssigned, UserAssigned, or both of these", body.Type)
	}
	if system && user && c.id.Is(typeCompute) { // facts/compute-clusters.md
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidIdentityType",
			"identity.type %q: a compute cluster has one system-assigned identity, or user-assigned ones, not both", body.Type)
	}
	if user != (len(body.UserAssigned.keys) > 0) {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidIdentityValues",
			"identity.userAssignedIdentities must hold identities if, and only if, identity.type has UserAssigned")
	}
	read := &identityBody{}
	if system {
		read.Type = "SystemAssigned"
	}
	for _, id := range body.UserAssigned.keys {
		parsed := armid.Parse(id)
		if !parsed.Is(typeIdentity) || c.st.Resources[parsed.Key()] == nil {
			return nil, wire.Errorf(http.StatusBadRequest, "FailedIdentityOperation",
				"the identity %s in identity.userAssignedIdentities was not found", id)
		}
		if err := c.require(typeIdentity+"/assign/action", parsed.String(), "LinkedAuthorizationFailed"); err != nil {
			return nil, err
		}
		read.UserAssigned.keys = append(read.UserAssigned.keys, parsed.String())
	}
	return read, nil
}

// applyIdentity gives a resource the requested identities. A system-assigned identity, which gets the display name,
// keeps its principal as long as it is requested, and loses it for good when it is not.
func (c *call) applyIdentity(old *state.Resource, wanted *identityBody, displayName string) *state.Identity {
	identity := &state.Identity{UserAssigned: wanted.UserAssigned.keys}
	if old != nil && old.Identity != nil {
		identity.SystemPrincipalID = old.Identity.SystemPrincipalID
	}
	switch system := wanted.Type == "SystemAssigned"; {
	case system && identity.SystemPrincipalID == "":
		identity.SystemPrincipalID = uuid.NewString()
		c.st.ServicePrincipals[identity.SystemPrincipalID] = &state.ServicePrincipal{
			ID: identity.SystemPrincipalID, AppID: uuid.NewString(), Type: "ManagedIdentity", Enabled: true,
			ResourceID: c.id.String(), CreatedAt: c.now,
			Attributes: map[string]any{"displayName": displayName},
		}
		c.st.Touch(state.ServicePrincipals, identity.SystemPrincipalID)
	case !system && identity.SystemPrincipalID != "":
		c.st.DeletePrincipal(identity.SystemPrincipalID)
		identity.SystemPrincipalID = ""
	}
	if identity.SystemPrincipalID == "" && len(identity.UserAssigned) == 0 {
		return nil
	}
	return identity
}

// letPull assigns AcrPull to the system-assigned identity of a cluster, as Azure does if the workspace already has
// its registry (facts/compute-clusters.md, Image pull). That Azure does this for a registry of any mode is inferred.
func (c *call) letPull(old *state.Resource, identity *state.Identity) {
	workspace := c.st.Resources[armid.Key(c.id.Parent())]
	if workspace == nil || identity == nil || identity.SystemPrincipalID == "" ||
		old != nil && old.Identity != nil && old.Identity.SystemPrincipalID == identity.SystemPrincipalID {
		return
	}
	id, _ := workspace.Properties["containerRegistry"].(string)
	registry := c.st.Resources[armid.Key(id)]
	if registry == nil || registry.Properties["adminUserEnabled"] == true {
		return
	}
	pull, _ := role.BuiltInNamed("AcrPull")
	name := uuid.NewString()
	c.st.RoleAssignments[name] = &state.RoleAssignment{Name: name, Scope: registry.ID, RoleDefinition: pull.ID,
		PrincipalID: identity.SystemPrincipalID, PrincipalType: "ServicePrincipal", CreatedOn: c.now, UpdatedOn: c.now,
		Seeded: true}
	c.st.Touch(state.RoleAssignments, name)
}

// SystemIdentityName is the name of a cluster's system-assigned identity, as the article says: [workspace
// name]/computes/[compute cluster name].
func SystemIdentityName(cluster armid.ID) string {
	return armid.Parse(cluster.Parent()).Name() + "/computes/" + cluster.Name()
}

// clusterUpdateKeys are the keys that a PATCH accepts; identity and tags are changed by PUT
// (facts/compute-clusters.md).
var clusterUpdateKeys = []string{
	"properties.properties.scaleSettings.maxNodeCount", "properties.properties.scaleSettings.minNodeCount",
	"properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",
}

// patchCompute changes the scale settings, and nothing else.
func patchCompute(c *call) (wire.Reply, error) {
	old := c.st.Resources[c.id.Key()]
	if old == nil {
		return wire.Reply{}, c.absent(c.id)
	}
	var body computeBody
	if err := c.decode(&body, clusterUpdateKeys); err != nil {
		return wire.Reply{}, err
	}
	updated := *old
	updated.ModifiedAt = c.now
	if sent, ok := body.Properties["properties"].(map[string]any); ok {
		scale, err := scaleSettings(sent["scaleSettings"])
		if err != nil {
			return wire.Reply{}, err
		}
		before, _ := old.Properties["properties"].(map[string]any)
		cluster := maps.Clone(before)
		cluster["scaleSettings"] = scale
		updated.Properties = maps.Clone(old.Properties)
		updated.Properties["properties"] = cluster
	}
	c.st.Resources[c.id.Key()] = &updated
	c.st.Touch(state.Resources, c.id.Key())
	header := c.startOperation(&updated, "Updating")
	return wire.Reply{Status: http.StatusOK, Header: header, Body: c.render(&updated)}, nil
}

// deleteCompute removes the cluster at once, and shows it as being deleted until the operation ends.
func deleteCompute(c *call) (wire.Reply, error) {
	switch action := c.r.URL.Query().Get("underlyingResourceAction"); action {
	case "Delete", "Detach":
	default:
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidRequest",
			"the query parameter underlyingResourceAction must be Delete or Detach, not %q", action)
	}
	resource := c.st.Resources[c.id.Key()]
	if resource == nil {
		resource = c.deleting(c.id.Key())
	}
	if resource == nil {
		return wire.NoContent(), nil
	}
	gone := *resource
	c.remove(c.id.Key())
	header := c.startOperation(&gone, "Deleting")
	c.st.Deleting[c.id.Key()] = &gone
	c.st.Touch(state.Deleting, c.id.Key())
	return wire.Reply{Status: http.StatusAccepted, Header: header}, nil
}
