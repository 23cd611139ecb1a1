package components

import (
	"cmp"
	"os"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// environmentOf returns the cloud in the providers' configuration, or else in ARM_ENVIRONMENT; "" for public Azure, so
// that recorded inputs for it do not change.
func environmentOf(ctx *pulumi.Context) string {
	native, _ := ctx.GetConfig("azure-native:environment")
	entra, _ := ctx.GetConfig("azuread:environment")
	return EnvironmentWord(native, entra, os.Getenv("ARM_ENVIRONMENT"))
}

// EnvironmentWord returns the value of BatchEndpointAccessArgs.Environment for the first word that is not empty: "" for
// public Azure, and the word itself if it is unknown, so that it can be reported. A later word is used if it is more
// precise about the same cloud: azure-native has no word for the Department of Defense's.
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
