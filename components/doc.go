// Package components turns an access model into Azure resources: six Pulumi components, one file each.
//
// Every component is registered under a constant token and is the parent of its children. It takes Inputs for values,
// and plain maps for what decides which resources exist. Children are named by the keys of those maps, so the order of
// a configuration has no effect. Anything wrong with the arguments is an error before any resource is registered. The
// rules are those of package access; nothing here decides who needs what.
package components
