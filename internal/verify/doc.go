// Package verify asks Azure what the principals of a stack really have, and compares it with what the stack's model
// needs.
//
// Look asks Resource Manager and Microsoft Graph and only reads: role assignments at, above and below the stack's
// scopes, role definitions, deny assignments, the groups of each principal, the identity of each cluster; and on
// which cluster the workspace runs each endpoint, where its data stores point, and whether storage accounts and
// containers let in what the paths need. Judge decides from that, without any I/O, which paths work, what is missing
// and what is granted beyond need. The rules of what a job needs are package access's, and what a role allows is
// package roles'.
//
// A question that Azure does not answer costs that answer: what depends on it is undecided, and the rest is reported.
//
// It can't know whether an assignment that is listed acts yet, or one that is gone still does; POSIX ACLs; whether a
// private endpoint is reached; and whether anyone's credentials are good. Some conditions it can't decide.
package verify
