// Package access is the article "Authorization on batch endpoints" as a model: who may start batch jobs, which
// credential then reads the data, and what has to be granted for it.
//
// Compile works out everything that a Model needs, or everything that is wrong with it. What else is known is a
// function of its Plan: Paths (every job, hop by hop), Report (for a preview's difference), Ways (what is reached
// indirectly). An Assertion says what must and must not be possible, and is held against the plan's grants.
//
// An identity is what Azure takes it for: names with one ID are one identity. An ID may be known only later; until
// then, what the arguments say of it counts. The package knows nothing of Pulumi and does no I/O.
package access
