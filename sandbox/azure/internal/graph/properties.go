package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// What Graph's objects have, from its reference (learn.microsoft.com/graph/api/resources: application,
// servicePrincipal, group, user, federatedIdentityCredential, passwordCredential), v1.0 and beta. A property that is
// not here is refused in a body and in a $filter, as Graph does. Extensions of an application are the caller's own.
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
	"addPassword": {"passwordCredential"},
	"passwordCredential": {"customKeyIdentifier", "displayName", "endDateTime", "hint", "keyId", "secretText",
		"startDateTime"},
	"removePassword": {"keyId"},
	"$ref":           {},
	"getByIds":       {"ids", "types"},
}

// kind is what the path's collection or function is about: of an owner, a member or any object of the directory "".
func (c *call) kind() string {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if _, is := properties[parts[i]]; is && (i != 1 || parts[i] == "getByIds") { // the second is an ID
			return parts[i]
		}
		if slices.Contains([]string{"owners", "members", "transitiveMembers", "memberOf", "transitiveMemberOf",
			"directoryObjects"}, parts[i]) {
			return ""
		}
	}
	return ""
}

// checkBody refuses a property that the object does not have: one of a password in it too.
func (c *call) checkBody() error {
	unknown := func(kind string, body map[string]any) error {
		for _, key := range slices.Sorted(maps.Keys(body)) {
			if !strings.Contains(key, "@odata.") && !hasProperty(kind, key) {
				return bad("Invalid property '%s'.", key)
			}
		}
		return nil
	}
	kind := c.kind()
	if password, is := c.body["passwordCredential"].(map[string]any); is && kind == "addPassword" {
		if err := unknown("passwordCredential", password); err != nil {
			return err
		}
	}
	return unknown(kind, c.body)
}

func hasProperty(kind, name string) bool {
	if kind == "" { // objects of any kind
		return slices.ContainsFunc([]string{"applications", "servicePrincipals", "groups", "users"},
			func(one string) bool { return hasProperty(one, name) })
	}
	return slices.Contains(properties[kind], name) || strings.HasPrefix(name, "extension_")
}

// checkQuery refuses options that are not served: to disregard one would answer another question. Of a single object
// there is nothing to filter, to count or to order.
func (c *call) checkQuery(body any) error {
	object, _ := body.(map[string]any)
	_, isList := object["value"]
	served := []string{"$select", "$format"}
	if isList {
		served = queryOptions
	}
	for option, values := range c.r.URL.Query() {
		switch {
		case strings.HasPrefix(option, "$") && !slices.Contains(served, option):
			return unsupported("the sandbox does not serve the query option %s of %s; it serves %s", option, c.r.URL.Path,
				strings.Join(served, ", "))
		case len(values) > 1:
			return bad("Query option '%s' was specified more than once, but it must be specified at most once.", option)
		}
	}
	return nil
}

// checkFilter refuses a property that no object of the list has.
func (c *call) checkFilter(filter odata.Filter) error {
	for _, term := range filter {
		if name, _, _ := strings.Cut(term.Field, "/"); name != "" && !hasProperty(c.kind(), name) {
			return wire.Errorf(http.StatusBadRequest, "BadRequest",
				"Invalid filter clause: Could not find a property named '%s'.",
				name)
		}
	}
	return nil
}
