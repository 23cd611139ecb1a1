package config

import "github.com/batchaccess/batchaccess/access"

// Whoever needs the model alone asks for it here: each package that names the arguments' type compiles the generic
// types of Pulumi's inputs again, which takes 3.5 s of CPU and 30 MB.

// Model reads values as Decode does, into a model. If one of the problems is an error, it must not be used.
func Model(values map[string]any) (access.Model, access.Problems) {
	args, problems := Decode(values)
	return args.Model(), problems
}

// StackModel reads a stack's whole configuration as DecodeStack does, into a model.
func StackModel(values map[string]any) (access.Model, access.Problems) {
	args, problems := DecodeStack(values)
	return args.Model(), problems
}

// Plan reads values as Decode does, and makes the plan too; nil if none can be made.
func Plan(values map[string]any) (access.Model, *access.Plan, access.Problems) {
	args, problems := Decode(values)
	plan, _ := args.Compile()
	return args.Model(), plan, problems
}
