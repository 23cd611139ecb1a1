package access

import "github.com/batchaccess/batchaccess/internal/problem"

// Problems are everything that is wrong with a model, in the order of the model. Each says where it is, what is wrong,
// and what to write instead.
type Problems = problem.List
