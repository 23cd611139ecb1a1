package config

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// Whoever does not need the arguments themselves asks here: each package that names their type compiles the generic
// types of Pulumi's inputs again, which takes 4 s of CPU and 30 MB.

// A Configuration is what a stack's configuration comes to.
type Configuration struct {
	Model access.Model
	// Plan is nil if none can be made. Wrong is all that is wrong with it, violated assertions included.
	Plan  *access.Plan
	Wrong access.Problems
	// Regions are those in plain text: the workspace's, by "", and those of clusters' nodes, by the clusters' names.
	Regions map[string]string
}

// DecodeAt reads a stack's whole configuration as DecodeStack does, for a time: what has ended by then is granted no
// more. For the zero time nothing has.
func DecodeAt(values map[string]any, now time.Time) (c Configuration, problems access.Problems) {
	args, problems := DecodeStack(values)
	args = args.At(now)
	c.Model, c.Regions = args.Model(), map[string]string{}
	c.Plan, c.Wrong = args.Compile()
	inputs := map[string]pulumi.StringPtrInput{"": args.Location}
	for name, cluster := range args.Clusters {
		inputs[name] = cluster.Location
	}
	for name, input := range inputs {
		if text, known := input.(pulumi.String); known {
			c.Regions[name] = string(text)
		}
	}
	return c, problems
}

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
