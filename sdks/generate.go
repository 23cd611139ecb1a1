// Package sdks holds Go SDKs of Pulumi packages that the module proxy does not carry. They are generated from the
// small schemas in sdks/schemas: azuread is all that this project uses of azuread 6.10.0, machinelearningservices and
// managedidentity all that it uses of azure-native 2.92.3's modules of those names. The real plugins serve them.
//
// To change one, change its schema and run go generate. `go test ./...` in tools fails while they disagree.
package sdks

//go:generate go run -C ../tools ./gensdk
