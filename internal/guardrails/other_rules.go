package guardrails

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const waiveIt = "take it out, or waive this rule for this resource in guardrails.yaml"

// otherAccess checks the ways of facts/grants-access.md that are neither role assignments nor federation.
func otherAccess(r Resource, _ Config, p *report) {
	l := p.look
	if l.Gives != "" && !l.Unseen {
		p.find(orType(l.Inputs), waiveIt, "%s", l.Sentence(r))
	}
	if r.Kind() == GroupMember && !r.Gone && r.joins() {
		p.find("groupObjectId", waiveIt, "joins a group that is not made here, with all that it has: %s",
			strings.Join(r.givesTo(), "; ")).Origin = Written
	}
	for _, id := range l.Identities {
		if id == "" {
			p.undecided("identity", lookAgain, "can't be judged: which identity it runs as is %s", Unknown).Origin = Later
			continue
		}
		p.find("identity", waiveIt, "runs as %s, an identity that is not made here, with all that it has",
			id[strings.LastIndex(id, "/")+1:]).Origin = Written
	}
}

func orType(inputs []string) string {
	if len(inputs) == 0 {
		return "type"
	}
	return strings.Join(inputs, ", ")
}

// Sentence says what the change gives, to whom and where, as far as the resource shows it.
func (l Look) Sentence(r Resource) string {
	text := l.Gives
	if r.Gone {
		text = "is taken away, and " + text
	}
	if len(l.Inputs) > 0 {
		text += " (" + strings.Join(l.Inputs, ", ") + ")"
	}
	if given := r.givesTo(); len(given) > 0 {
		text += ": " + strings.Join(given, "; ")
	}
	return text
}

func unseen(r Resource, _ Config, p *report) {
	if l := p.look; l.Gives != "" && l.Unseen {
		p.undecided("type", waiveIt, "%s", l.Sentence(r))
	}
}

// AccessComponent is the component whose assertions must stay.
const AccessComponent = "batchaccess:index:BatchEndpointAccess"

// assertionWeakened compares the assertions of a component before and after. An assertion that is added, or that
// requires more, is fine.
func assertionWeakened(r Resource, _ Config, p *report) {
	if r.Type != AccessComponent {
		return
	}
	old, _ := r.Old["assertions"].(map[string]any)
	now, known := r.Inputs["assertions"].(map[string]any)
	if !known && r.Inputs["assertions"] != nil {
		p.known("assertions", r.Inputs["assertions"])
	}
	const remedy = "leave it as it is, or waive this rule for this resource in guardrails.yaml"
	for _, name := range slices.Sorted(maps.Keys(old)) {
		property := "assertions." + name
		is, there := now[name].(map[string]any)
		was, _ := old[name].(map[string]any)
		switch {
		case !there && now[name] == nil:
			p.find(property, remedy, "is removed")
		case !there:
			p.find(property, remedy, "can't be judged: it is no assertion any more")
		default:
			if what := weaker(was, is); what != "" {
				p.find(property, remedy, "%s", what)
			}
		}
	}
}

// weaker says how an assertion requires less than before; "" if it does not. An assertion that can't be compared counts
// as weaker.
func weaker(was, is map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(union(was, is))) {
		old, now := was[key], is[key]
		if reflect.DeepEqual(old, now) || isUnset(old) && isUnset(now) && key != "only" {
			continue
		}
		oldNames, newNames := texts(old), texts(now)
		more, fewer := without(newNames, oldNames), without(oldNames, newNames)
		switch {
		case slices.Contains([]string{"can", "cannot"}, key) && !isUnset(old) && !isUnset(now) && len(fewer) == 0:
			continue
		case slices.Contains([]string{"can", "cannot"}, key) && !isUnset(old) && !isUnset(now):
			return fmt.Sprintf("is weakened: %s no longer names %s", key, strings.Join(fewer, ", "))
		case key == "how" && now == "byNoWay":
			continue
		case key == "how" && !isUnset(now) && now != "directly":
			return fmt.Sprintf("asks something else: how is %v", now)
		case key == "how":
			return "is weakened: what is reached indirectly is no longer asked"
		case key == "only" && old != nil && now != nil && len(more) == 0:
			continue
		case key == "only" && old != nil && now != nil:
			return "is weakened: only names " + strings.Join(more, ", ") + " too"
		default:
			return fmt.Sprintf("asks something else: %s is %v, and was %v", key, orNone(now), orNone(old))
		}
	}
	return ""
}

func union(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return all
}

// without returns the items of a list that another list does not have.
func without(list, others []string) (left []string) {
	for _, s := range list {
		if !slices.Contains(others, s) {
			left = append(left, s)
		}
	}
	return left
}

func isUnset(v any) bool { return v == nil || v == "" || isEmpty(v) }

func orNone(v any) any {
	if isUnset(v) {
		return "not set"
	}
	return v
}
