// Package managedidentity is the part of azure-native's module of that name that batchaccess uses, generated from a
// schema of its own, so that one version of azure-native serves all that a stack makes: the module proxy carries the
// real SDK in another version. Tokens, properties, aliases and version are the real ones, so the real plugin serves
// it. Left out: the provider resource.
package managedidentity
