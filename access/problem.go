package access

import "github.com/batchaccess/batchaccess/internal/problem"

// A Problem is one thing that is wrong with a model: where it stands, what is wrong, and what to write instead.
type Problem = problem.Problem

// Problems are all that is wrong with a model, in the order of the model.
type Problems = problem.List
