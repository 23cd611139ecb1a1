// Package adopt finds in Azure what a stack is about to make: what an interrupted deployment has left there, or what
// existed before the stack.
//
// It asks Resource Manager and Microsoft Graph, and changes nothing unless Remove is called. It knows the types of
// resources that this project's components register, and how Pulumi writes previews, import files and states, but not
// how to run Pulumi.
package adopt
