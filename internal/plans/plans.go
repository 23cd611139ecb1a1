// Package plans compiles models that are known to be valid. It is for tests alone.
package plans

import "github.com/batchaccess/batchaccess/access"

// Of returns the plan of a model. It panics if the model has none.
func Of(m access.Model) *access.Plan {
	plan, problems := access.Compile(m)
	if plan == nil {
		panic(problems.Err())
	}
	return plan
}
