package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// The properties of Graph's objects, from its reference (learn.microsoft.com/graph/api/resources: application,
// servicePrincipal, group, user, federatedIdentityCredential, passwordCredential), v1.0 and beta. Any other property is
// refused in a body and in a $filter, as in Graph. Extensions of an application are the caller's own.
var properties = map[string][]string{
	"applications": strings.Fields("addIns api appId appRoles applicationTemplateId authenticationBehaviors " +
		"certification createdByAppId createdDateTime defaultRedirectUri deletedDateTime description " +
		"disabledByMicrosoftStatus displayName groupMembershipClaims id identifierUris info isDeviceOnlyAuthSupported " +
		"isDisabled isFallbackPublicClient keyCredentials logo nativeAuthenticationApisEnabled notes " +
		"oauth2RequirePostResponse onPremisesPublishing optionalClaims orgRestrictions parentalControlSettings " +
		"passwordCredentials publicClient publisherDomain requestSignatureVerification requiredResourceAccess " +
		"samlMetadataUrl serviceManagementReference servicePrincipalLockConfiguration signInAudience spa tags " +
		"tokenEncryptionKeyId uniqueName verifiedPublisher web windows"),
	"servicePrincipals": strings.Fields("accountEnabled addIns alternativeNames appDescription appDisplayName appId " +
		"appOwnerOrganizationId appRoleAssignmentRequired appRoles applicationTemplateId createdByAppId createdDateTime " +
		"customSecurityAttributes deletedDateTime description disabledByMicrosoftStatus displayName errorUrl homepage id " +
		"info isDisabled keyCredentials loginUrl logoutUrl notes notificationEmailAddresses oauth2PermissionScopes " +
		"passwordCredentials passwordSingleSignOnSettings preferredSingleSignOnMode " +
		"preferredTokenSigningKeyEndDateTime preferredTokenSigningKeyThumbprint publishedPermissionScopes publisherName " +
		"replyUrls resourceSpecificApplicationPermissions samlMetadataUrl samlSingleSignOnSettings servicePrincipalNames " +
		"servicePrincipalType signInAudience tags tokenEncryptionKeyId verifiedPublisher"),
	"groups": strings.Fields("accessType allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers " +
		"classification createdByAppId createdDateTime deletedDateTime description displayName expirationDateTime " +
		"groupTypes hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients id infoCatalogs isArchived " +
		"isAssignableToRole isFavorite isManagementRestricted isSubscribedByMail licenseProcessingState mail mailEnabled " +
		"mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime " +
		"onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier " +
		"onPremisesSyncEnabled organizationId preferredDataLocation preferredLanguage proxyAddresses renewedDateTime " +
		"resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier " +
		"serviceProvisioningErrors theme uniqueName unseenConversationsCount unseenCount visibility " +
		"writebackConfiguration"),
	"users": strings.Fields("accountEnabled ageGroup assignedLicenses assignedPlans businessPhones city companyName " +
		"consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime department " +
		"displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState " +
		"externalUserStateChangeDateTime faxNumber givenName id identities imAddresses isManagementRestricted " +
		"isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification mail mailNickname mobilePhone " +
		"officeLocation onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes " +
		"onPremisesImmutableId onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName " +
		"onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies " +
		"postalCode preferredDataLocation preferredLanguage provisionedPlans proxyAddresses " +
		"securityIdentifier showInAddressList signInActivity signInSessionsValidFromDateTime state streetAddress surname " +
		"usageLocation userPrincipalName userType"),
	"federatedIdentityCredentials": {"audiences", "claimsMatchingExpression", "description", "id", "issuer", "name",
		"subject"},
	"roleDefinitions": {"allowedPrincipalTypes", "description", "displayName", "id", "isBuiltIn", "isEnabled",
		"resourceScopes", "rolePermissions", "templateId", "version"},
	"roleAssignments": {"appScopeId", "condition", "directoryScopeId", "id", "principalId", "roleDefinitionId"},
	"roleEligibilityScheduleInstances": {"appScopeId", "directoryScopeId", "endDateTime", "id", "memberType",
		"principalId", "roleDefinitionId", "roleEligibilityScheduleId", "startDateTime"},
	"eligibilityScheduleInstances": {"accessId", "eligibilityScheduleId", "endDateTime", "groupId", "id", "memberType",
		"principalId", "startDateTime"},
	"appRoleAssignedTo": {"appRoleId", "createdDateTime", "deletedDateTime", "id", "principalDisplayName", "principalId",
		"principalType", "resourceDisplayName", "resourceId"},
	"addPassword":    {"passwordCredential"},
	"removePassword": {"keyId"},
	"$ref":           {},
	"getByIds":       {"ids", "types"},
}

// kind is the kind of object that the path's collection or function returns; "" for an owner, a member or any object of
// the directory.
func (c *call) kind() string {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if _, is := properties[parts[i]]; is && (i != 1 || parts[i] == "getByIds") { // the second segment is an ID
			return parts[i]
		}
		if slices.Contains([]string{"owners", "members", "transitiveMembers", "memberOf", "transitiveMemberOf",
			"directoryObjects"}, parts[i]) {
			return ""
		}
	}
	return ""
}

// within has the properties of the objects inside Graph's objects, by the name of the property that holds one or a list
// of them; also from the reference (apiApplication, permissionScope, preAuthorizedApplication, addIn, appRole,
// informationalUrl, keyCredential, optionalClaims, implicitGrantSettings, requiredResourceAccess and more). A property
// that is missing here holds no objects that the sandbox accepts.
var within = map[string][]string{
	"accessToken": optionalClaim,
	"addIns":      {"id", "properties", "type"},
	"api": {"acceptMappedClaims", "knownClientApplications", "oauth2PermissionScopes", "preAuthorizedApplications",
		"requestedAccessTokenVersion", "tokenEncryptionSetting"},
	"appRoles": {"allowedMemberTypes", "description", "displayName", "id", "isEnabled", "isPreAuthorizationRequired",
		"isPrivate", "origin", "value"},
	"assignedLabels":          {"displayName", "labelId"},
	"assignedLicenses":        {"disabledPlans", "skuId"},
	"authenticationBehaviors": {"blockAzureADGraphAccess", "removeUnverifiedEmailClaim", "requireClientServicePrincipal"},
	"certification": {"certificationDetailsUrl", "certificationExpirationDateTime", "isCertifiedByMicrosoft",
		"isPublisherAttested", "lastCertificationDateTime"},
	"claimsMatchingExpression": {"languageVersion", "value"},
	"fields":                   {"customizedLabel", "defaultLabel", "fieldId", "type"},
	"idToken":                  optionalClaim,
	"implicitGrantSettings":    {"enableAccessTokenIssuance", "enableIdTokenIssuance"},
	"info":                     {"logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl"},
	"keyCredentials": {"customKeyIdentifier", "displayName", "endDateTime", "hasExtendedValue", "key", "keyId",
		"startDateTime", "type", "usage"},
	"licenseProcessingState":                 {"state"},
	"oauth2PermissionScopes":                 permissionScope,
	"onPremisesProvisioningErrors":           {"category", "occurredDateTime", "propertyCausingError", "value"},
	"optionalClaims":                         {"accessToken", "idToken", "saml2Token"},
	"parentalControlSettings":                {"countriesBlockedForMinors", "legalAgeGroupRule"},
	"passwordCredential":                     passwordCredential,
	"passwordCredentials":                    passwordCredential,
	"passwordSingleSignOnSettings":           {"fields"},
	"preAuthorizedApplications":              {"appId", "delegatedPermissionIds", "permissionIds"},
	"properties":                             {"key", "value"},
	"publicClient":                           {"redirectUris"},
	"publishedPermissionScopes":              permissionScope,
	"redirectUriSettings":                    {"index", "uri"},
	"requestSignatureVerification":           {"allowedWeakAlgorithms", "isSignedRequestRequired"},
	"requiredResourceAccess":                 {"resourceAccess", "resourceAppId"},
	"resourceAccess":                         {"id", "type"},
	"resourceSpecificApplicationPermissions": {"description", "displayName", "id", "isEnabled", "value"},
	"saml2Token":                             optionalClaim,
	"samlSingleSignOnSettings":               {"relayState"},
	"serviceProvisioningErrors":              {"createdDateTime", "isResolved", "serviceInstance"},
	"servicePrincipalLockConfiguration": {"allProperties", "credentialsWithUsageSign", "credentialsWithUsageVerify",
		"identifierUris", "isEnabled", "tokenEncryptionKeyId"},
	"spa":                    {"redirectUris"},
	"tokenEncryptionSetting": {"audience", "scheme"},
	"verifiedPublisher":      {"addedDateTime", "displayName", "verifiedPublisherId"},
	"web": {"homePageUrl", "implicitGrantSettings", "logoutUrl", "oauth2AllowImplicitFlow", "redirectUris",
		"redirectUriSettings"},
	"windows":                {"packageSid", "redirectUris"},
	"writebackConfiguration": {"isEnabled", "onPremisesGroupType"},
}

var (
	optionalClaim   = []string{"additionalProperties", "essential", "name", "source"}
	permissionScope = []string{"adminConsentDescription", "adminConsentDisplayName", "id", "isEnabled", "isPrivate",
		"origin", "type", "userConsentDescription", "userConsentDisplayName", "value"}
	passwordCredential = []string{"customKeyIdentifier", "displayName", "endDateTime", "hint", "keyId", "secretText",
		"startDateTime"}
)

// tenantsOwn are properties whose keys a tenant defines itself.
const tenantsOwn = "customSecurityAttributes"

// annotations are the OData annotations that a body may have.
var annotations = []string{"@odata.type", "@odata.id", "@odata.context", "@odata.etag", "@odata.bind"}

// longest are the most characters that a text of an application, a service principal or a group has: Microsoft Graph's
// reference (Create group; issue microsoftgraph/microsoft-graph-docs#6675 for the description).
var longest = map[string]int{"displayName": 256, "tags": 256, "mailNickname": 64, "description": 1024}

// checkLength refuses a text that is too long, in a property or in its list.
func checkLength(property string, value any) error {
	texts, isList := value.([]any)
	if !isList {
		texts = []any{value}
	}
	for _, one := range texts {
		text, _ := one.(string)
		if most := longest[property]; most > 0 && utf8.RuneCountInString(text) > most {
			return bad("Invalid value specified for property '%s': it has %d characters, and at most %d are allowed.", property,
				utf8.RuneCountInString(text), most)
		}
	}
	return nil
}

// checkBody refuses a property that the object, or an object inside it, can't have, and a text that is too long.
func (c *call) checkBody() error {
	kind := c.kind()
	for _, key := range slices.Sorted(maps.Keys(c.body)) {
		name, _, annotated := strings.Cut(key, "@")
		switch {
		case annotated && !slices.Contains(annotations, key[len(name):]),
			!(annotated && slices.Contains([]string{"", "owners", "members"}, name)) && !hasProperty(kind, name):
			return bad("Invalid property '%s'.", key)
		case annotated || name == tenantsOwn:
			continue
		}
		if unknown := unknownWithin(name, c.body[key]); unknown != "" {
			return bad("Invalid property '%s'.", unknown)
		}
		if err := checkLength(name, c.body[key]); err != nil {
			return err
		}
	}
	return nil
}

// unknownWithin is the first unknown property of the objects inside a property; "" if there is none.
func unknownWithin(property string, value any) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if unknown := unknownWithin(property, item); unknown != "" {
				return unknown
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			name, _, annotated := strings.Cut(key, "@")
			known := slices.Contains(within[property], name)
			if annotated && slices.Contains(annotations, key[len(name):]) && (name == "" || known) {
				continue
			}
			if annotated || !known {
				return key
			}
			if unknown := unknownWithin(name, value[key]); unknown != "" {
				return unknown
			}
		}
	}
	return ""
}

func hasProperty(kind, name string) bool {
	if kind == "" { // objects of any kind
		return slices.ContainsFunc([]string{"applications", "servicePrincipals", "groups", "users"},
			func(one string) bool { return hasProperty(one, name) })
	}
	return slices.Contains(properties[kind], name) || strings.HasPrefix(name, "extension_")
}

// checkQuery refuses query options that are not served: without one, the answer would be to another question. A single
// object can't be filtered, counted or ordered.
func (c *call) checkQuery(body any) error {
	object, _ := body.(map[string]any)
	_, isList := object["value"]
	served := []string{"$select", "$format"}
	if isList {
		served = queryOptions
	}
	for option, values := range c.r.URL.Query() {
		value := strings.Join(values, "")
		switch {
		// The $ of a system query option is optional (Microsoft Graph, "Use query parameters").
		case (strings.HasPrefix(option, "$") || slices.Contains(systemOptions, strings.ToLower(option))) &&
			!slices.Contains(served, option):
			return unsupported("the sandbox does not serve the query option %s of %s; it serves %s", option, c.r.URL.Path,
				strings.Join(served, ", "))
		case len(values) > 1:
			return bad("Query option '%s' was specified more than once, but it must be specified at most once.", option)
		case option == "$count" && value != "true" && value != "false":
			return invalidQuery("Invalid value '%s' for $count query option found. Valid values are 'false' and 'true'.", value)
		case option == "$format" && value != "json" && !strings.HasPrefix(value, "application/json"):
			return unsupported("the sandbox does not serve the $format %q", value)
		}
	}
	for _, name := range c.selection() {
		if c.kind() != "$ref" && !hasProperty(c.kind(), name) { // hamilton selects id and url of a reference
			return invalidQuery("Parsing OData Select and Expand failed: Could not find a property named '%s'.", name)
		}
	}
	return nil
}

// systemOptions are the query options of OData, without the $.
var systemOptions = strings.Fields("apply compute count deltatoken expand filter format orderby search select skip " +
	"skiptoken top")

// filterable are the properties that the reference says $filter takes by eq, and the sandbox can compare: the same
// pages, and unifiedRoleDefinition, unifiedRoleAssignment, unifiedRoleScheduleInstanceBase and
// privilegedAccessGroupEligibilityScheduleInstance. The relations of an object are filtered by ID, or else by advanced
// queries, which are not served.
var filterable = map[string][]string{
	"":             {"id"},
	"applications": strings.Fields("appId displayName id identifierUris publisherDomain signInAudience tags uniqueName"),
	"servicePrincipals": strings.Fields("accountEnabled alternativeNames appId appRoleAssignmentRequired " +
		"applicationTemplateId displayName id servicePrincipalNames servicePrincipalType tags"),
	"groups": strings.Fields("description displayName groupTypes id isAssignableToRole mail mailEnabled mailNickname " +
		"proxyAddresses securityEnabled uniqueName"),
	"users": strings.Fields("accountEnabled displayName employeeId givenName id jobTitle mail mailNickname otherMails " +
		"proxyAddresses surname userPrincipalName userType"),
	"federatedIdentityCredentials":     {"name"},
	"roleDefinitions":                  {"displayName", "id", "isBuiltIn"},
	"roleAssignments":                  {"directoryScopeId", "principalId", "roleDefinitionId"},
	"roleEligibilityScheduleInstances": {"directoryScopeId", "principalId", "roleDefinitionId"},
	"eligibilityScheduleInstances":     {"accessId", "groupId", "principalId"},
}

// Those of them that are no text: true or false, and lists of texts.
var (
	booleans = strings.Fields("accountEnabled appRoleAssignmentRequired isAssignableToRole isBuiltIn mailEnabled " +
		"securityEnabled")
	lists = strings.Fields("alternativeNames groupTypes identifierUris otherMails proxyAddresses " +
		"servicePrincipalNames tags")
)

func invalidQuery(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "BadRequest", format, args...)
}

// checkFilter refuses a property that no object of the list has or that Graph does not filter by, and a value of
// another type than the property's: without that, nothing would match.
func (c *call) checkFilter(filter odata.Filter) error {
	for _, term := range filter {
		name, boolean := term.Field, slices.Contains(booleans, term.Field)
		switch {
		case name == "":
		case !hasProperty(c.kind(), name):
			return invalidQuery("Invalid filter clause: Could not find a property named '%s'.", name)
		case !slices.Contains(filterable[c.kind()], name):
			return unsupported("Unsupported or invalid query filter clause specified for property '%s' of %s.", name,
				c.r.URL.Path)
		case term.Any != slices.Contains(lists, name), term.Function != "" && boolean, term.Quoted == boolean,
			boolean && term.Value != "true" && term.Value != "false":
			return invalidQuery("Invalid filter clause: property '%s' is of another type than %s %q.", name, term.Function,
				term.Value)
		}
	}
	return nil
}
