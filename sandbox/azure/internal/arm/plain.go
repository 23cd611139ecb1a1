package arm

import (
	"cmp"
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

// A plainType is a type of resource that the components only refer to, and that programs make beside them. The
// sandbox keeps such a resource with its identity and its properties as they were sent, and looks at those that
// matter for access.
type plainType struct {
	name     *regexp.Regexp
	located  bool   // it has a location, which must be sent
	identity bool   // it may have a system-assigned identity
	taken    string // the error code for a taken name, if Azure keeps names unique everywhere
	complete func(c *call, r *state.Resource)
	// answered is the status of a creation: 200 if the examples of Azure/azure-rest-api-specs have no 201 (storage
	// 2023-05-01 StorageAccountCreate, machinelearningservices 2024-10-01 Workspace/create). Default: 201.
	answered int
}

// Names: azure-docs, "Naming rules and restrictions for Azure resources".
var plainTypes = map[string]plainType{
	strings.ToLower(typeResourceGroup): {name: regexp.MustCompile(`^[\w.()-]{0,89}[\w()-]$`), located: true},
	strings.ToLower(typeWorkspace): {
		name: regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$`), located: true, identity: true,
		complete: completeWorkspace, answered: http.StatusOK,
	},
	strings.ToLower(typeStorageAccount): {
		name: regexp.MustCompile(`^[a-z0-9]{3,24}$`), located: true, identity: true, taken: "StorageAccountAlreadyTaken",
		complete: completeAccount, answered: http.StatusOK,
	},
	// The code for a taken name: MicrosoftDocs/azure-dev-docs issue 1303.
	strings.ToLower(typeImages): {
		name: regexp.MustCompile(`^[a-zA-Z0-9]{5,50}$`), located: true, identity: true, taken: "AlreadyInUse",
		complete: completeImages,
	},
	strings.ToLower(typeContainer): {name: regexp.MustCompile(`^(\$root|\$logs|\$web|[a-z0-9](-?[a-z0-9]){2,62})$`)},
}

const typeContainer = typeStorageAccount + "/blobServices/containers"

// plainKeys are the keys that the body of each type may have, besides the keys of all types. Their properties are
// those of armmachinelearning 4.0.0, armstorage 1.8.1, azure-mgmt-containerregistry and the clients of azure-ai-ml;
// newer ones are from public templates that set them.
var plainKeys = map[string][]string{
	strings.ToLower(typeResourceGroup): {"properties.provisioningState"},
	strings.ToLower(typeWorkspace): propertyKeys("allowPublicAccessWhenBehindVnet allowRoleAssignmentOnRG " +
		"applicationInsights associatedWorkspaces " +
		"containerRegistries containerRegistry description discoveryUrl enableDataIsolation " +
		"enableServiceSideCMKEncryption enableSoftwareBillOfMaterials encryption{cosmosDbResourceId " +
		"identity{userAssignedIdentity} keyVaultProperties{identityClientId keyIdentifier keyVaultArmId} " +
		"searchAccountResourceId status storageAccountResourceId} existingWorkspaces " +
		"featureStoreSettings{computeRuntime{sparkRuntimeVersion} offlineStoreConnectionName " +
		"onlineStoreConnectionName} friendlyName hbiWorkspace hubResourceId imageBuildCompute ipAllowlist " +
		"keyVault keyVaults managedNetwork{changeableIsolationModes enableNetworkMonitor firewallPublicIpAddress " +
		"firewallSku isolationMode managedNetworkKind networkId outboundRules{+{category destination{action " +
		"addressPrefixes portRanges protocol serviceResourceId serviceTag sparkEnabled sparkStatus " +
		"subresourceTarget} errorInformation fqdns parentRuleNames status type}} status{sparkReady status}} " +
		"mlFlowTrackingUri networkAcls{defaultAction ipRules{value}} notebookInfo{fqdn isPrivateLinkEnabled " +
		"notebookPreparationError{errorMessage statusCode} resourceId} primaryUserAssignedIdentity " +
		"privateEndpointConnections{" + connections + "} privateLinkCount provisionNetworkNow provisioningState " +
		"publicNetworkAccess " +
		"serverlessComputeSettings{serverlessComputeCustomSubnet serverlessComputeNoPublicIP} " +
		"serviceManagedResourcesSettings{cosmosDb{collectionsThroughput}} serviceProvisionedResourceGroup " +
		"sharedPrivateLinkResources{name properties{groupId privateLinkResourceId requestMessage status}} " +
		"softDeleteRetentionInDays storageAccount storageAccounts storageHnsEnabled systemDatastoresAuthMode " +
		"tenantId v1LegacyMode workspaceHubConfig{additionalWorkspaceStorageAccounts " +
		"defaultWorkspaceResourceGroup} workspaceId"),
	strings.ToLower(typeStorageAccount): propertyKeys("accessTier accountMigrationInProgress allowBlobPublicAccess " +
		"allowCrossTenantReplication " +
		"allowSharedKeyAccess allowSharedKeyAccessForServices{blob{enabled} file{enabled} queue{enabled} " +
		"table{enabled}} allowedCopyScope " +
		"azureFilesIdentityBasedAuthentication{activeDirectoryProperties{accountType azureStorageSid domainGuid " +
		"domainName domainSid forestName netBiosDomainName samAccountName} defaultSharePermission " +
		"directoryServiceOptions smbOAuthSettings{isSmbOAuthEnabled}} blobRestoreStatus{failureReason " +
		"parameters{blobRanges{endRange startRange} timeToRestore} restoreId status} creationTime " +
		"customDomain{name useSubDomainName} dataCollaborationPolicyProperties{allowCrossTenantDataSharing " +
		"allowStorageConnectors allowStorageDataShares} defaultToOAuthAuthentication dnsEndpointType " +
		"dualStackEndpointPreference{publishIpv6Endpoint} enableExtendedGroups " +
		"encryption{identity{federatedIdentityClientId userAssignedIdentity} keySource " +
		"keyvaultproperties{currentVersionedKeyExpirationTimestamp currentVersionedKeyIdentifier keyname " +
		"keyvaulturi keyversion lastKeyRotationTimestamp} requireInfrastructureEncryption services{blob{enabled " +
		"keyType lastEnabledTime} file{enabled keyType lastEnabledTime} queue{enabled keyType lastEnabledTime} " +
		"table{enabled keyType lastEnabledTime}}} failoverInProgress geoPriorityReplicationStatus{isBlobEnabled} " +
		"geoReplicationStats{canFailover canPlannedFailover lastSyncTime postFailoverRedundancy " +
		"postPlannedFailoverRedundancy status} immutableStorageWithVersioning{enabled " +
		"immutabilityPolicy{allowProtectedAppendWrites immutabilityPeriodSinceCreationInDays state}} isHnsEnabled " +
		"isLocalUserEnabled isNfsV3Enabled isSftpEnabled isSkuConversionBlocked keyCreationTime{key1 key2} " +
		"keyPolicy{keyExpirationPeriodInDays} largeFileSharesState lastGeoFailoverTime minimumTlsVersion " +
		"networkAcls{bypass defaultAction ipRules{action value} ipv6Rules{action value} " +
		"resourceAccessRules{resourceId tenantId} virtualNetworkRules{action id state}} primaryEndpoints{" + endpoints +
		"} primaryLocation privateEndpointConnections{" + connections +
		"} provisioningState publicNetworkAccess routingPreference{publishInternetEndpoints " +
		"publishMicrosoftEndpoints routingChoice} sasPolicy{expirationAction sasExpirationPeriod} " +
		"secondaryEndpoints{" + endpoints + "} secondaryLocation statusOfPrimary statusOfSecondary " +
		"storageAccountSkuConversionStatus{endTime " +
		"skuConversionStatus startTime targetSkuName} supportsHttpsTrafficOnly"),
	strings.ToLower(typeImages): propertyKeys("adminUserEnabled anonymousPullEnabled autoGeneratedDomainNameLabelScope " +
		"creationDate dataEndpointEnabled " +
		"dataEndpointHostNames encryption{keyVaultProperties{identity keyIdentifier keyRotationEnabled " +
		"lastKeyRotationTimestamp versionedKeyIdentifier} status} endpointProtocol loginServer metadataSearch " +
		"networkRuleBypassAllowedForTasks networkRuleBypassOptions networkRuleSet{defaultAction ipRules{action " +
		"value} virtualNetworkRules{action id virtualNetworkSubnetResourceId}} " +
		"policies{azureADAuthenticationAsArmPolicy{status} exportPolicy{status} quarantinePolicy{status} " +
		"retentionPolicy{days lastUpdatedTime status} softDeletePolicy{lastUpdatedTime retentionDays status} " +
		"trustPolicy{status type}} privateEndpointConnections{" + connections +
		"} provisioningState publicNetworkAccess regionalEndpointHostNames regionalEndpoints roleAssignmentMode " +
		"status{displayStatus message timestamp} writableCacheRepos zoneRedundancy"),
	strings.ToLower(typeContainer): propertyKeys("defaultEncryptionScope deleted deletedTime " +
		"denyEncryptionScopeOverride enableNfsV3AllSquash " +
		"enableNfsV3RootSquash hasImmutabilityPolicy hasLegalHold immutabilityPolicy{etag " +
		"properties{allowProtectedAppendWrites allowProtectedAppendWritesAll " +
		"immutabilityPeriodSinceCreationInDays state} updateHistory{allowProtectedAppendWrites " +
		"allowProtectedAppendWritesAll immutabilityPeriodSinceCreationInDays objectIdentifier tenantId timestamp " +
		"update upn}} immutableStorageWithVersioning{enabled migrationState timeStamp} lastModifiedTime " +
		"leaseDuration leaseState leaseStatus legalHold{hasLegalHold " +
		"protectedAppendWritesHistory{allowProtectedAppendWritesAll timestamp} tags{objectIdentifier tag tenantId " +
		"timestamp upn}} metadata{*} publicAccess remainingRetentionDays version"),
}

const (
	hosts     = "blob dfs file queue table web "
	endpoints = hosts + "internetEndpoints{" + hosts + "} microsoftEndpoints{" + hosts + "} ipv6Endpoints{" + hosts +
		"internetEndpoints{" + hosts + "} microsoftEndpoints{" + hosts + "}}"
	connections = "id name type location tags{*} identity{principalId tenantId type userAssignedIdentities{*}} " +
		"sku{capacity family name size tier} systemData{*} properties{groupIds privateEndpoint{id subnetArmId} " +
		"privateLinkServiceConnectionState{actionRequired actionsRequired description status} provisioningState}"
	computeErrors = "error{additionalInfo{*} code details{*} message target}"
)

// trackedKeys are the keys that all tracked resources have.
var trackedKeys = append([]string{
	"location", "tags.*", "kind", "managedBy", "extendedLocation.name", "extendedLocation.type", "identity.type",
	"identity.userAssignedIdentities.*", "identity.principalId", "identity.tenantId",
}, skuKeys...)

var skuKeys = []string{"sku.name", "sku.tier", "sku.size", "sku.family", "sku.capacity"}

// propertyKeys are the keys of properties: names, each followed by the names inside the object in braces. {*} is
// anything below, and + any one name.
func propertyKeys(names string) (keys []string) {
	at := []string{"properties"}
	for _, word := range propertyWord.FindAllString(names, -1) {
		switch word {
		case "{":
			at = append(at, keys[len(keys)-1][strings.LastIndex(keys[len(keys)-1], ".")+1:])
		case "}":
			at = at[:len(at)-1]
		default:
			keys = append(keys, strings.Join(at, ".")+"."+word)
		}
	}
	return keys
}

var propertyWord = regexp.MustCompile(`[\w*+]+|[{}]`)

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

// putPlain makes or changes a resource.
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
	if err := c.decode(&body, append(slices.Clone(trackedKeys), plainKeys[strings.ToLower(c.id.Type())]...)); err != nil {
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
	status := cmp.Or(t.answered, http.StatusCreated)
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

// deletePlain deletes a resource with everything in it, also if it is a resource group.
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
