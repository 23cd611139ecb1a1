package components

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// environmentOf is the cloud that the providers take from their configuration, or else from ARM_ENVIRONMENT; "" for
// public Azure, so that what is written down for it stays as it is.
func environmentOf(ctx *pulumi.Context) string {
	for _, key := range []string{"azure-native:environment", "azuread:environment"} {
		if word, ok := ctx.GetConfig(key); ok && word != "" {
			return EnvironmentWord(word)
		}
	}
	return EnvironmentWord(os.Getenv("ARM_ENVIRONMENT"))
}

// EnvironmentWord is the word that BatchEndpointAccessArgs.Environment has for a cloud that a provider's
// configuration names: "" for public Azure, and the word itself where it is not known, so that it can be reported.
func EnvironmentWord(word string) string {
	c, ok := cloud.ByEnvironment(word)
	switch {
	case !ok:
		return word
	case c.Name == cloud.Public().Name:
		return ""
	}
	return c.Environment
}
