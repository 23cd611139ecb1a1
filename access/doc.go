// Package access is the article "Authorization on batch endpoints" as a model: who may start batch jobs, which
// credential then reads the data, and what has to be granted for it.
//
// In the article's order: invokers and their tokens (invoker.go), the role that invoking takes (role.go), the table
// of credentials by data input (credentials.go), the clusters that mount the data (cluster.go). Three pure functions
// answer for the whole Model: Validate (what is wrong with it), Grants (the least set of role assignments it needs)
// and Explain (every path from an invoker to its data, hop by hop).
//
// What must and must not be possible can be said too: an Assertion, which Validate and CheckAssertions hold against the
// grants (assertions.go, assertion_gains.go).
//
// The model works on names. IDs are carried where they are known, and checked, but nothing is decided by them, so the
// answers are the same at a preview, when IDs do not exist yet. The package knows nothing of Pulumi and does no I/O.
package access
