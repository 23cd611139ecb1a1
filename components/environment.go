package components

import (
	"cmp"
	"os"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// environmentOf is the cloud that the providers take from their configuration, or else from ARM_ENVIRONMENT; "" for
// public Azure, so that what is written down for it stays as it is.
func environmentOf(ctx *pulumi.Context) string {
	native, _ := ctx.GetConfig("azure-native:environment")
	entra, _ := ctx.GetConfig("azuread:environment")
	return EnvironmentWord(native, entra, os.Getenv("ARM_ENVIRONMENT"))
}

// EnvironmentWord is the word that BatchEndpointAccessArgs.Environment has for the cloud that the first of the words
// names which is not empty: "" for public Azure, and the word itself where it is not known, so that it can be reported.
// A later word counts where it says more of the same cloud: azure-native has no word for the Department of Defense.
func EnvironmentWord(words ...string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" })
	if len(words) == 0 {
		return ""
	}
	c, ok := cloud.ByEnvironment(words[0])
	if !ok {
		return words[0]
	}
	for _, word := range words[1:] {
		if more, ok := cloud.ByEnvironment(word); ok && more.Name == c.Name && c.Word == "" {
			c = more
		}
	}
	if c.Name == cloud.Public().Name {
		return ""
	}
	return cmp.Or(c.Word, c.Environment)
}
