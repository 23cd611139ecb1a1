package components

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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

// scopeForm is the ARM ID of a subscription, a resource group or a workspace, each in a group of its own.
var scopeForm = regexp.MustCompile(`(?i)^/subscriptions/([^/\s]+)(/resourceGroups/[^/\s]+(/providers/` +
	regexp.QuoteMeta(arm.Workspace) + `/[^/\s]+)?)?$`)

// checkScope refuses what the invokers' role can't be assigned at.
func checkScope(scope string) error {
	m := scopeForm.FindStringSubmatch(scope)
	switch {
	case m == nil && scopeForm.MatchString(strings.TrimRight(scope, "/")):
		return fmt.Errorf("scope: %q ends in a slash; take it off", scope)
	case m == nil || !arm.IsGUID(m[1]):
		return fmt.Errorf("scope: %q is not a scope of jobs; give the ARM ID of a workspace, a resource group or a "+
			"subscription: "+
			"/subscriptions/<id>, and perhaps /resourceGroups/<group> and /providers/%s/<name> behind "+
			"it", scope, arm.Workspace)
	}
	return nil
}

// emptyInputs are the paths of the arguments that were given as an empty text: by a variable that is not set, mostly.
// What is
// left out has a default; an empty text has none. A tag may be empty.
func emptyInputs(args any) (paths []string) {
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if _, isInput := v.Interface().(pulumi.Input); isInput {
				if text, ok := plain(v.Interface()); ok && text == "" && !v.IsNil() {
					paths = append(paths, path)
				}
			} else {
				walk(path, v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("pulumi"), ","); key != "" {
					walk(strings.TrimPrefix(path+"."+key, "."), v.Field(i))
				}
			}
		case reflect.Map:
			for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int {
				return strings.Compare(a.String(), b.String())
			}) {
				walk(path+"."+key.String(), v.MapIndex(key))
			}
		}
	}
	walk("", reflect.ValueOf(args))
	return paths
}

func emptyInput(path string) error {
	return fmt.Errorf("%s: is empty; give a value, or leave it out", path)
}

// withEmpty adds the empty arguments that none of the problems is about yet.
func withEmpty(problems []error, args any) []error {
	for _, path := range emptyInputs(args) {
		said := func(err error) bool { return err != nil && strings.Contains("\n"+err.Error(), "\n"+path+": ") }
		if !slices.ContainsFunc(problems, said) {
			problems = append(problems, emptyInput(path))
		}
	}
	return problems
}

// problemOf takes an error of the form "path: what; fix" apart.
func problemOf(err error) problem.Problem {
	path, rest, _ := strings.Cut(err.Error(), ": ")
	what, fix, _ := strings.Cut(rest, "; ")
	return problem.Problem{Path: path, What: what, Fix: fix}
}

// Entra's limits on the names of applications and groups, and on the tags of applications (facts/graph-calls.md says
// who
// sends them; the limits are those of Microsoft Graph's reference).
const (
	maxDisplayName = 256
	maxTag         = 256
)

// checkDirectoryNames refuses names of an application or a group that Entra would refuse: what people see, and what
// tells
// which stack made it, under the name of the resource.
func checkDirectoryNames(ctx *pulumi.Context, resource, display string) error {
	if n := utf8.RuneCountInString(display); n > maxDisplayName {
		return fmt.Errorf("%q has %d characters, and Entra allows %d; give a shorter displayName", display, n, maxDisplayName)
	}
	if tag := madeBy(ctx.Project(), ctx.Stack(), resource); utf8.RuneCountInString(tag) > maxTag {
		return fmt.Errorf("the names of project, stack and component make the tag %q, of %d characters, and Entra allows "+
			"%d; shorten one of them",
			tag, utf8.RuneCountInString(tag), maxTag)
	}
	return nil
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
