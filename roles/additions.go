package roles

import (
	"fmt"
	"slices"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// An Addition is a named set of actions that an invoker may be given on top of the article's 35. The article lists
// none of them, so none is ever given unless it is asked for by name.
type Addition struct {
	Name    string
	Purpose string // what the invoker can do with it, to complete "lets the invoker …"
	Actions []string
}

const workspaces = "Microsoft.MachineLearningServices/workspaces/"

var additions = []Addition{
	{"pollJobs", "read the state of a job that it started", []string{
		workspaces + "batchEndpoints/jobs/read",
		workspaces + "batchEndpoints/deployments/jobs/read",
		workspaces + "jobs/read",
	}},
	{"cancelJobs", "cancel a job", []string{
		workspaces + "jobs/cancel/action",
	}},
	{"readRegistryAssets", "read models, environments and data of a registry, where the role's scope contains the " +
		"registry", []string{
		"Microsoft.MachineLearningServices/registries/assets/read",
	}},
}

// Additions returns the named sets, in a fixed order.
func Additions() []Addition {
	all := slices.Clone(additions)
	for i := range all {
		all[i].Actions = slices.Clone(all[i].Actions)
	}
	return all
}

// AdditionNames returns the names that With takes.
func AdditionNames() []string {
	names := make([]string, len(additions))
	for i, a := range additions {
		names[i] = a.Name
	}
	return names
}

// With returns the definition with the named additions after its own actions. The order of the names does not matter,
// and a name given twice counts once. An unknown name is a problem that lists the known ones. An addition that the
// role's own notActions take away again is a problem too.
func (d Definition) With(names ...string) (Definition, problem.List) {
	var ps problem.List
	for i, name := range names {
		if known := AdditionNames(); !slices.Contains(known, name) {
			ps.Add(fmt.Sprintf("additions[%d]", i), problem.DidYouMean(name, known), "unknown value %q", name)
		}
	}
	if ps != nil {
		return d, ps
	}
	d = d.clone()
	for _, a := range additions {
		if slices.Contains(names, a.Name) {
			d.Permissions[0].Actions = append(d.Permissions[0].Actions, a.Actions...)
		}
	}
	for _, a := range additions {
		if !slices.Contains(names, a.Name) {
			continue
		}
		for _, action := range a.Actions {
			if by := d.Permissions.Action(action); !by.Allowed && by.DeniedBy != "" {
				ps.Add("additions", "leave out the addition, or take it out of notActions",
					"%s adds %s, which notActions (%s) take away again", a.Name, action, by.DeniedBy)
			}
		}
	}
	return d, ps
}
