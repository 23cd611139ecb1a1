package adopt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// An Outcome says what was found about one resource that the stack would make.
type Outcome string

// The outcomes.
const (
	Exists  Outcome = "exists"  // it exists where the stack would make it, and can be imported
	ToMake  Outcome = "new"     // nothing is there
	Alike   Outcome = "alike"   // nothing is there; something that looks like it is elsewhere, and is left alone
	Later   Outcome = "later"   // its place depends on others, which have to be imported or made first
	Lost    Outcome = "lost"    // it exists, and can't be imported: the stack makes another
	Taken   Outcome = "taken"   // something else is in its way: Azure will refuse it
	Several Outcome = "several" // more than one could be it
	Unknown Outcome = "unknown" // this package can't look for one of its type
)

// An Adoptee is a resource that the stack would make, and what was found about it.
type Adoptee struct {
	URN     string  `json:"urn"`
	Type    string  `json:"type"`
	Outcome Outcome `json:"outcome"`
	// IDs of what was found: Pulumi's ID of the resource, or the IDs of what Why is about.
	IDs []string `json:"ids,omitempty"`
	// Owner says whose the found thing is, as far as Azure says it; "" if nothing was found.
	Owner string `json:"owner,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Adoption is everything that can be adopted.
type Adoption struct {
	Resources []Adoptee `json:"resources"` // by URN
	// Changing are the URNs of resources of the state that the stack would change or replace. Until that is done, what
	// depends on one of them is Later.
	Changing []string `json:"changing,omitempty"`
	// File is the input of `pulumi import --file`: what Exists, and the components around it. If nothing else is left
	// to make, it has all components. Nil if it would be empty.
	File []byte `json:"-"`
}

// Count counts the resources with one of the outcomes.
func (a Adoption) Count(outcomes ...Outcome) (n int) {
	for _, r := range a.Resources {
		if slices.Contains(outcomes, r.Outcome) {
			n++
		}
	}
	return n
}

// A looked is one resource that the stack would make, and the answers of Azure about it.
type looked struct {
	urn      string
	resource Resource
	found    []Found
	rival    Rival // asked for if nothing was found
	unknown  error // if nothing can be asked about a resource of this type
}

// Adopt looks in Azure for everything that a preview would create, and for what blocks it. placeholders is the file of
// the same run of `pulumi preview --import-file`. The state says what the stack owns already, under another name.
// subscriptionID is the default for a provider whose inputs have none.
func (f *Finder) Adopt(
	ctx context.Context, p engine.Preview, state State, placeholders []byte, subscriptionID string,
) (Adoption, error) {
	answers, err := f.look(ctx, p, subscriptionID)
	if err != nil {
		return Adoption{}, err
	}
	return adoption(p, state, placeholders, answers)
}

// look asks Azure about everything that a preview would create.
func (f *Finder) look(ctx context.Context, p engine.Preview, subscriptionID string) (all []looked, err error) {
	subscriptions := map[string]string{}
	for _, step := range p.Steps {
		if step.New != nil {
			subscriptions[step.URN] = text(step.New.Written, "subscriptionId")
		}
	}
	subscriptionID = cmp.Or(p.SubscriptionID, subscriptionID)
	for _, s := range p.Steps {
		if s.Op != "create" || !ofProvider(s) {
			continue
		}
		provider, _, _ := cutLast(s.New.Provider, "::")
		one := looked{urn: s.URN, resource: Resource{s.New.Type, s.New.Written,
			cmp.Or(subscriptions[provider], subscriptionID), stackOf(s.URN)}}
		if _, unknown := one.resource.hidden(); !unknown {
			err = f.ask(ctx, &one)
		}
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", s.URN, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (f *Finder) ask(ctx context.Context, one *looked) (err error) {
	one.found, err = f.Find(ctx, one.resource)
	if errors.Is(err, errUnknownType) {
		one.unknown = err
		return nil
	}
	if rival := kinds[one.resource.Type].rival; err == nil && len(one.found) == 0 && rival != nil {
		one.rival, err = rival(ctx, f, one.resource)
	}
	return err
}

// ofProvider reports whether a step is about a resource that a provider other than Pulumi's own has.
func ofProvider(s engine.Step) bool {
	return s.New != nil && !s.New.Component && !strings.HasPrefix(s.New.Type, "pulumi:")
}

// adoption judges the answers.
func adoption(p engine.Preview, state State, placeholders []byte, answers []looked) (a Adoption, err error) {
	for _, s := range p.Steps {
		if ofProvider(s) && (s.Op == "update" || s.Op == "replace") {
			a.Changing = append(a.Changing, s.URN)
		}
	}
	for _, one := range answers {
		r := one.adoptee()
		if r.Outcome == Exists {
			r = state.ownedAlready(r)
		}
		a.Resources = append(a.Resources, r)
	}
	slices.SortFunc(a.Resources, func(a, b Adoptee) int { return strings.Compare(a.URN, b.URN) })
	a.takenTwice()
	found := map[string]string{}
	for _, r := range a.Resources {
		if r.Outcome == Exists {
			found[r.URN] = r.IDs[0]
		}
	}
	var components []string
	if len(found) == len(a.Resources) { // otherwise pulumi up makes the rest, with the components that are empty
		components = componentsOf(p)
	}
	if len(found)+len(components) == 0 {
		return a, nil
	}
	file, err := readImports(placeholders, p)
	if err != nil {
		return a, err
	}
	a.File, err = file.fill(found, components)
	return a, err
}

// componentsOf returns the URNs of the components that the stack would create; one may be empty, if what it would make
// exists already.
func componentsOf(p engine.Preview) (urns []string) {
	for _, s := range p.Steps {
		if s.Op == "create" && s.New != nil && s.New.Component && !strings.HasPrefix(s.New.Type, "pulumi:") {
			urns = append(urns, s.URN)
		}
	}
	return urns
}

// ownedAlready changes the outcome of what exists if the state may have it already: if two resources were one thing in
// Azure, deleting one would delete it for both.
func (s State) ownedAlready(r Adoptee) Adoptee {
	at := slices.IndexFunc(s.Resources, func(one apitype.ResourceV3) bool {
		return (string(one.URN) != r.URN || one.Delete) && isIn(one, r.IDs[0])
	})
	if at < 0 {
		return r
	}
	one := s.Resources[at]
	r.Outcome, r.Owner = Taken, "this stack, as "+one.URN.Name()
	r.Why = "the state has it as " + one.URN.Name() + " already: where that was renamed, write was, and pulumi up " +
		"takes it over"
	switch {
	case one.Delete:
		r.Why = "the state has it as " + one.URN.Name() + " already, to be deleted, and the next pulumi up would delete " +
			"it: have the state forget it (pulumi state delete '" + string(one.URN) + "'), and adopt again"
	case string(one.Type) != r.Type:
		r.Why = "the state has it as " + one.URN.Name() + " already, of type " + string(one.Type) +
			": take that out of the " +
			"program, have the state forget it (pulumi state delete '" + string(one.URN) + "'), and adopt again"
	}
	return r
}

// isIn reports whether a resource of the state has this ID in Azure, whichever provider version made it: the classic
// provider appends
// and the scope to a role's ID, and earlier versions of azuread have the bare GUID of an object (pulumi.com/registry,
// azure.authorization.RoleDefinition and azuread, imports). A resource that the program only reads is not its own, and
// one that waits for its replacement is not in Azure any more.
func isIn(one apitype.ResourceV3, id string) bool {
	if !one.Custom || one.External || one.PendingReplacement || one.ID == "" {
		return false
	}
	has, _, _ := strings.Cut(string(one.ID), "|")
	ofDirectory := strings.HasPrefix(string(one.Type), "azuread:") && strings.Count(id, "/") == 2
	return arm.Same(has, id) || ofDirectory && strings.EqualFold(has, lastSegment(id))
}

// takenTwice refuses to import one thing in Azure as two resources of the program: deleting one of them would delete
// it for both.
func (a Adoption) takenTwice() {
	makers := map[string][]int{}
	for i, r := range a.Resources {
		if r.Outcome == Exists {
			id := strings.ToLower(strings.Trim(r.IDs[0], "/"))
			makers[id] = append(makers[id], i)
		}
	}
	for _, same := range makers {
		for _, i := range same {
			var others []string
			for _, other := range same {
				if other != i {
					others = append(others, resource.URN(a.Resources[other].URN).Name())
				}
			}
			if len(others) > 0 {
				a.Resources[i].Outcome = Taken
				a.Resources[i].Why = "the program makes it as " + strings.Join(others, " and as ") + " too, and Azure has one: " +
					"take all but one out of the program"
			}
		}
	}
}

// stackOf returns the stack of a resource, as project/stack.
func stackOf(urn string) string {
	u := resource.URN(urn)
	if !u.IsValid() {
		return ""
	}
	return string(u.Project()) + "/" + string(u.Stack())
}

// hidden returns an input by which the resource is found and whose value a preview does not show; "" if there is none.
// unknown reports whether there is one.
func (r Resource) hidden() (secret string, unknown bool) {
	for _, name := range needs(r.Type) {
		switch {
		case guardrails.Holds(r.Inputs[name], guardrails.Secret):
			return name, true
		case guardrails.Holds(r.Inputs[name], guardrails.Unknown):
			return "", true
		}
	}
	return "", false
}

func (l looked) adoptee() Adoptee {
	r := l.resource
	a := Adoptee{URN: l.urn, Type: r.Type, Outcome: ToMake}
	switch secret, unknown := r.hidden(); {
	case secret != "":
		a.Outcome, a.Why = Unknown, "it is found by "+secret+", which is a secret, and a preview shows none: import it by "+
			"hand with pulumi import, if it exists"
		return a
	case unknown:
		a.Outcome = Later
		return a
	case l.unknown != nil:
		a.Outcome, a.Why = Unknown, l.unknown.Error()
		return a
	}
	if part := kinds[r.Type].part; part != "" && len(l.found) > 0 {
		a.Owner = "that of its " + part
	}
	for _, one := range l.found {
		a.IDs = append(a.IDs, one.ID)
		a.Why, a.Owner = cmp.Or(a.Why, one.Lost), cmp.Or(one.Owner, a.Owner)
		if one.Stack != "" {
			a.Outcome, a.Owner, a.Why = Taken, "stack "+one.Stack, "stack "+one.Stack+" made it, and would lose it with this "+
				"stack: "+strings.ReplaceAll(kinds[r.Type].instead, "STACK", one.Stack)
		}
		if one.Owned {
			a.Outcome, a.Why = Taken, "it is marked as the stack's, but "+one.Others+", who can act through it: remove that "+
				"owner if it is the stack's, or the mark ("+marks[r.Type]+") if it is not"
		}
	}
	switch {
	case a.Outcome == Taken:
	case a.Why != "":
		a.Outcome = Lost
	case len(l.found) == 1:
		a.Outcome = Exists
	case len(l.found) > 1:
		a.Outcome, a.Why = Several, "more than one could be it: delete those that are of no use, or import the right one "+
			"with pulumi import"
	default:
		a.IDs, a.Why, a.Owner = l.rival.IDs, l.rival.Why, l.rival.Owner
		switch {
		case l.rival.Blocks:
			a.Outcome = Taken
		case len(l.rival.IDs) > 0:
			a.Outcome = Alike
		}
	}
	return a
}
