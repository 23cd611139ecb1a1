package access

import "github.com/batchaccess/batchaccess/internal/problem"

// Problems are all that is wrong with a model, in the order of the model. Each says where it stands, what is wrong, and
// what to write instead.
type Problems = problem.List
