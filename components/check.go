package components

import (
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
func checkGUID(path string, in pulumi.StringInput) (ps access.Problems) {
	switch id, ok := plain(in); {
	case !ok:
	case id == arm.NoGUID:
		ps.Add(path, "write the ID that Entra shows", "is the empty GUID, all zeros")
	case !arm.IsGUID(id):
		ps.Add(path, "write the ID that Entra shows, not a name", "%q is not a GUID", id)
	}
	return ps
}

// checkARMID refuses a plain text that is not an ARM ID of the wanted type; missing if nothing is given.
func checkARMID(path string, in any, wantType string) (ps access.Problems) {
	switch id := idOf(in); {
	case id.Later():
	case id.Text() == "":
		ps.Add(path, "give the ARM ID of a "+wantType, "is missing")
	default:
		if _, err := arm.Parse(id.Text(), wantType); err != nil {
			ps = append(ps, problem.Of(err).At(path))
		}
	}
	return ps
}

// scopeForm matches the ARM ID of a subscription, a resource group or a workspace, with a regexp group for each part.
var scopeForm = regexp.MustCompile(`(?i)^/subscriptions/([^/\s]+)(/resourceGroups/[^/\s]+(/providers/` +
	regexp.QuoteMeta(arm.Workspace) + `/[^/\s]+)?)?$`)

// checkScope refuses a scope at which the invokers' role can't be assigned.
func checkScope(scope string) (ps access.Problems) {
	m := scopeForm.FindStringSubmatch(scope)
	switch {
	case m == nil && scopeForm.MatchString(strings.TrimRight(scope, "/")):
		ps.Add("scope", "take it off", "%q ends in a slash", scope)
	case m == nil || !arm.IsGUID(m[1]):
		ps.Add("scope", "give the ARM ID of a workspace, a resource group or a subscription: /subscriptions/<id>, and "+
			"perhaps /resourceGroups/<group> and /providers/"+arm.Workspace+"/<name> behind it", "%q is not a scope of "+
			"jobs", scope)
	}
	return ps
}

// eachText calls do with every text of the arguments that is known now, and its path. isInput is set for an Input: one
// that is left out has a default, but an empty text has none. Tags are left out, since one may be empty.
func eachText(args any, do func(path, text string, isInput bool)) {
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if _, isInput := v.Interface().(pulumi.Input); !isInput {
				walk(path, v.Elem())
			} else if text, ok := plain(v.Interface()); ok && !v.IsNil() {
				do(path, text, true)
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
		case reflect.Slice:
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
		case reflect.String:
			do(path, v.String(), false)
		}
	}
	walk("", reflect.ValueOf(args))
}

// withTexts adds errors about texts that no component takes and that no other error is about: an Input that is empty or
// white space, mostly because a variable is not set, and bytes that are no UTF-8, which Pulumi can't send.
func withTexts(ps access.Problems, args any) access.Problems {
	eachText(args, func(path, text string, isInput bool) {
		if slices.ContainsFunc(ps, func(p problem.Problem) bool { return p.Path == path && !p.Warning }) {
			return
		}
		switch {
		case isInput && strings.TrimSpace(text) == "":
			ps.Add(path, "give a value, or leave it out", "is empty")
		case !utf8.ValidString(text):
			ps.Add(path, "write it in UTF-8", "%q holds bytes that are no UTF-8", text)
		}
	})
	return ps
}

// Entra's limits on the names of applications and groups, and on the tags of applications. They are from Microsoft
// Graph's reference; facts/graph-calls.md says who sends them.
const (
	maxDisplayName = 256
	maxTag         = 256
)

// checkDirectoryNames refuses names of an application or a group that Entra would refuse: the display name, and the tag
// that says which stack made it. The problem has the path of the resource's name.
func checkDirectoryNames(ctx *pulumi.Context, path, resource, display string) (ps access.Problems) {
	if n := utf8.RuneCountInString(display); n > maxDisplayName {
		ps.Add(path, "give a shorter displayName", "%q has %d characters, and Entra allows %d", display, n, maxDisplayName)
	}
	if tag := madeBy(ctx.Project(), ctx.Stack(), resource); utf8.RuneCountInString(tag) > maxTag {
		ps.Add(path, "shorten one of them", "the names of project, stack and component make the tag %q, of %d characters, "+
			"and Entra allows %d", tag, utf8.RuneCountInString(tag), maxTag)
	}
	return ps
}

// fail makes an error of problems, with the component's name before each.
func fail(component, name string, ps ...access.Problems) error {
	if err := slices.Concat(ps...).Err(); err != nil {
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
