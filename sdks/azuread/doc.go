// Package azuread is the part of Pulumi's azuread package that batchaccess uses, generated from a schema of its
// own because the module proxy does not carry the real SDK. Tokens, properties and version are the real ones, so
// the real plugin serves it. Left out: properties with nested types that nothing here sets (Application.password,
// ServicePrincipal.features, ServicePrincipal.oauth2PermissionScopes and the like), and the provider resource.
package azuread
