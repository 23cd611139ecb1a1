package ways

import (
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
)

// place returns a scope as text for people.
func (f *finder) place(scope string) string {
	for _, w := range f.Workspaces {
		if arm.Same(w.ID, scope) {
			return "workspace " + arm.Last(w.ID)
		}
	}
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	switch {
	case strings.Trim(scope, "/") == "":
		return "the whole tenant"
	case len(parts) == 2:
		return "subscription " + parts[1]
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "resource group " + parts[3]
	case strings.EqualFold(parts[0], "providers"):
		return "management group " + parts[len(parts)-1]
	case len(parts) < 2 || parts[len(parts)-2] == "": // not an ID of Azure
		return scope
	default:
		return strings.ToLower(parts[len(parts)-2][:1]) + strings.TrimSuffix(parts[len(parts)-2][1:], "s") + " " +
			parts[len(parts)-1]
	}
}

const managementGroups = "providers/microsoft.management/managementgroups/"

// covers reports whether an assignment at a scope holds at a place. If that is undecided, covers is true and why says
// why. It is asked again and again, and worked out once.
func (f *finder) covers(scope, place string) (covers bool, why string) {
	key := [2]string{scope, place}
	known, done := f.covered[key]
	if !done {
		known.is, known.why = f.isCovered(scope, place)
		f.covered[key] = known
	}
	return known.is, known.why
}

type covered struct {
	is  bool
	why string
}

func (f *finder) isCovered(scope, place string) (covers bool, why string) {
	scope, place = fold(scope), fold(place)
	switch {
	case scope == "", scope == place, strings.HasPrefix(place, scope+"/"):
		return true, ""
	case strings.Contains(scope+place, Later):
		return perhapsBelow(scope, place)
	case !strings.HasPrefix(scope, managementGroups):
		return false, ""
	case f.Above:
		return true, ""
	case f.Parents == nil:
		return true, "which subscriptions lie in " + f.place(scope) + " is not known here"
	}
	parts := strings.Split(place, "/")
	if len(parts) < 2 {
		return false, ""
	}
	queue, seen := []string{strings.Join(parts[:2], "/")}, map[string]bool{}
	if strings.HasPrefix(place, managementGroups) {
		queue[0] = place
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		for _, above := range f.Parents[at] {
			if fold(above) == scope {
				return true, ""
			}
			queue = append(queue, fold(above))
		}
	}
	return false, ""
}

// Later begins a segment of an ID that is not known yet; two equal ones are the same.
const Later = "?"

// perhapsBelow is covers for IDs with segments that are not known yet.
func perhapsBelow(scope, place string) (covers bool, why string) {
	above, below := strings.Split(scope, "/"), strings.Split(place, "/")
	if len(above) > len(below) {
		return false, ""
	}
	for i, segment := range above {
		switch later := strings.HasPrefix(segment, Later) || strings.HasPrefix(below[i], Later); {
		case segment == below[i]:
		case !later:
			return false, ""
		default:
			why = "whether " + arm.Last(place) + " lies in " + arm.Last(scope) + " is known only after the deployment"
		}
	}
	return true, why
}
