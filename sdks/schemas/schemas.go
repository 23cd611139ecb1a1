// Package schemas holds the Pulumi package schemas that the SDKs in sdks are generated from, for whoever has to know
// what the real plugins take and give: the sandbox's stand-ins, above all. It must not know how they are used.
//
// The schemas are the project's own. Tokens, property names, what is required, what is secret and what replaces are
// those of the packages they stand for.
package schemas

import _ "embed" // for the schema files

// AzureAD is the schema of the part of azuread 6.10.0 that the project uses, as JSON.
//
//go:embed azuread.json
var AzureAD []byte

// MachineLearningServices is the schema of the part of azure-native 2.92.3's module machinelearningservices that the
// project uses, as JSON. Its package is named azure-native.
//
//go:embed azure-native-machinelearningservices.json
var MachineLearningServices []byte
