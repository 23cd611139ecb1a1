package components

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkGUID refuses an ID that was given as plain text and is not a GUID.
func checkGUID(path string, in pulumi.StringInput) []error {
	if id, ok := plain(in); ok && !arm.IsGUID(id) {
		return []error{fmt.Errorf("%s: %q is not a GUID; write the ID that Entra shows, not a name", path, id)}
	}
	return nil
}

// checkARMID refuses an ID that was given as plain text and is not one of the wanted type; missing if it is not given.
func checkARMID(path string, in any, wantType string) []error {
	switch id := idOf(in); {
	case id.Later():
		return nil
	case id.Text() == "":
		return []error{fmt.Errorf("%s: is missing; give the ARM ID of a %s", path, wantType)}
	default:
		if _, err := arm.Parse(id.Text(), wantType); err != nil {
			return []error{problem.Of(err).At(path)}
		}
		return nil
	}
}

// under keeps the problems of a model that stand at a path or below it, with the path taken off: a component alone
// speaks of its own arguments.
func under(ps access.Problems, path string) (kept access.Problems) {
	for _, p := range ps {
		if p.Path == path {
			p.Path = "arguments"
		} else if rest, ok := strings.CutPrefix(p.Path, path+"."); ok {
			p.Path = rest
		} else {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// fail puts the component before what is wrong with its arguments.
func fail(component, name string, problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("%s %q:\n%w", component, name, err)
	}
	return nil
}

// warn logs the model's warnings on a component.
func warn(ctx *pulumi.Context, on pulumi.Resource, ps access.Problems) error {
	for _, p := range ps.Warnings() {
		if err := ctx.Log.Warn(p.String(), &pulumi.LogArgs{Resource: on}); err != nil {
			return fmt.Errorf("logging a warning: %w", err)
		}
	}
	return nil
}
