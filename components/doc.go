// Package components turns an access model into Azure resources: six Pulumi components, one file each.
//
// Every component is registered under a constant token, parents its children, takes Inputs for values and plain maps
// for what decides which resources exist, and names its children by the keys of those maps, so that the order of a
// configuration changes nothing. Whatever can be wrong with the arguments is an error before any resource is
// registered. The rules themselves are those of package access; nothing here decides who needs what.
package components
