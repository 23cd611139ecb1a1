// Package access models the article "Authorization on batch endpoints": who may start batch jobs, which identity or
// credential then reads the data, and what has to be granted for it.
//
// Compile works out everything that a Model needs, or everything that is wrong with it. All else is computed from its
// Plan: Paths (every job, hop by hop), Report (one line a fact, for the difference in a preview), Ways (what somebody
// reaches indirectly). An Assertion says what must or must not be possible, and is checked against the plan's grants.
//
// An identity is one principal of Azure: names with the same ID are one identity. Where an ID is known only after the
// deployment, the arguments decide. The package knows nothing of Pulumi and does no I/O.
package access
