// Package verify asks Azure what the principals of a stack really have, and compares it with what the stack's model
// needs.
//
// Look asks Resource Manager and Microsoft Graph, and only reads: role assignments at, above and below the stack's
// scopes, role definitions, deny assignments, the groups of each principal, the identity of each cluster; also on which
// cluster the workspace runs each endpoint, where its data stores point, and whether storage accounts and containers
// allow what the paths need. Judge decides from that, without any I/O, which paths work, what is missing and what is
// granted beyond need. Package access has the rules of what a job needs, and package roles what a role allows.
//
// If Azure does not answer a question, only what depends on it is undecided, and the rest is reported.
//
// It can't know whether a listed assignment acts yet, or whether a deleted one still does; POSIX ACLs; whether a
// private endpoint is reachable; and whether anyone's credentials are valid. It can't decide some conditions.
package verify
