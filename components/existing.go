package components

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/arm"
)

// described returns an assignment's description, followed by the name of the component that it belongs to.
func described(text, whose string) string {
	mark := " [" + whose + "]"
	most := maxAssignmentDescription - len([]rune(mark))
	if r := []rune(text); len(r) > most && most > 0 {
		text = string(r[:most-1]) + "…"
	}
	return text + mark
}

// refuseBefore returns the option of an assignment by which a preview refuses to make one that exists: Azure allows one
// assignment of a role to a principal at a scope. It asks Azure only about assignments that are to be created. It also
// refuses an earlier name (was) that nothing had.
func (c children) refuseBefore(
	ctx *pulumi.Context, prefix, principal string, to AssigneeArgs,
) (pulumi.ResourceOption, error) {
	own, name := ctx.Project()+"/"+ctx.Stack(), prefix+"."+principal
	return c.creations.beforeCreate(ctx, c.parent, name, func(args *pulumi.ResourceHookArgs) error {
		program := programOf(ctx)
		if to.Was != "" {
			before, _ := program.before.read(ctx) // if the state can't be read, nothing is refused
			if err := before.neverWas(prefix, principal, to.Was, program.has); err != nil {
				return err
			}
		}
		guid, scope := textOf(args.NewInputs["roleAssignmentName"]), textOf(args.NewInputs["scope"])
		if guid == "" || scope == "" {
			return nil // it will be known in the deployment
		}
		found, err := authorization.LookupRoleAssignment(ctx, &authorization.LookupRoleAssignmentArgs{
			Scope: scope, RoleAssignmentName: guid,
		}, c.lookup()...)
		if args.NewInputs["scope"].ContainsSecrets() {
			scope = "its scope"
		}
		if err != nil {
			if notThere.MatchString(err.Error()) {
				return nil
			}
			return ctx.Log.Warn(fmt.Sprintf("whether %s exists already is not known, since Azure does not say: %v; give "+
				"whoever previews Reader at %s", name, err, scope), nil)
		}
		description := ""
		if found.Description != nil {
			description = *found.Description
		}
		return anothers(ctx, own, string(args.URN), name, to.before(prefix), scope, description)
	})
}

// neverWas refuses an earlier name of a principal if its component had other principals and none with that name. A
// principal that is replaced under its own name may still have an old was. has reports which names the program has now.
func (d deployed) neverWas(prefix, principal, was string, has func(string) bool) error {
	if d.assigned[prefix+"."+principal] || d.assigned[prefix+"."+was] {
		return nil
	}
	fix, had := "take it out", false
	for _, name := range sortedKeys(d.assigned) {
		if old, is := strings.CutPrefix(name, prefix+"."); is {
			had = true
			if !has(name) {
				fix += ", or write what it was called: " + old
			}
		}
	}
	if !had {
		return nil // the component is new here
	}
	return fmt.Errorf("%s.%s.was: no principal of it was called %s; %s", prefix, principal, was, fix)
}

// notThere matches the provider's errors for an assignment, or its scope, that does not exist.
var notThere = regexp.MustCompile(`(?i)RoleAssignmentNotFound|ResourceNotFound|ResourceGroupNotFound|` +
	`SubscriptionNotFound|ParentResourceNotFound|status(?:code)?\W{0,2}404\b|\b404 Not Found`)

// anothers refuses an assignment that another stack made, or this one under another name. One that nobody marked, or
// that this stack made and its state does not have, is for batchaccess adopt, which needs a preview: it is a warning.
func anothers(ctx *pulumi.Context, own, urn, name string, before []string, scope, description string) error {
	stack, as := arm.AssignedBy(description)
	program := programOf(ctx)
	state, err := program.before.read(ctx)
	there := program.before.there.Load() || program.before.hasOutputs
	switch {
	case stack != "" && stack != own:
		return fmt.Errorf("%s: stack %s has this assignment at %s already, and Azure allows no second one of the same role "+
			"to the same principal there; let that stack hold it, and name it here under sharedGrants, with by: %s",
			name, stack, scope, stack)
	case stack != "" && as != name && !slices.Contains(before, as) && (err != nil || !there || state.assigned[as]):
		return fmt.Errorf("%s: this stack has it as %s already; %s", name, as,
			heldAlready(state, urn, as, name, err == nil && !program.before.hasOutputs, program.has(as)))
	}
	return ctx.Log.Warn(fmt.Sprintf("%s exists already at %s, so that pulumi up will fail: batchaccess adopt takes it "+
		"into the stack, where its state was lost or another tool made it; where an ID or the scope has changed in its "+
		"letter case alone, write it as before", name, scope), nil)
}

// heldAlready is the remedy for an assignment that this stack has under another name. A stack without outputs does not
// find it in its state by itself. stays reports whether the program still has that other name.
func heldAlready(state deployed, urn, as, name string, noOutputs, stays bool) string {
	old, is := renamedFrom(as, name)
	if noOutputs {
		seen := "this stack has no outputs, and so does not see what its state has of it: export any output, deploy that, " +
			"and then this change, and the assignment stays"
		if old == as || strings.HasPrefix(as, old+".") {
			return seen // the component is another one, and a component has no was
		}
		return fmt.Sprintf("%s; or, if %s was renamed to %s, write was: %s", seen, old, is, old)
	}
	if stays || state.assigned[name] {
		return state.inPlaceOf(urn, as, name, stays)
	}
	return fmt.Sprintf("what the state of this stack has can't be read; if %s was renamed to %s, write was: %s", old, is,
		old)
}

// inPlaceOf returns what to do if an assignment is to take the place that another one has in the state. Either the
// other one has a place of its own in the program, or this one had a place that goes. Pulumi first looks in the state
// for the resource's name, and then for its earlier names. urn is the URN of the name; "" if it is not known.
func (d deployed) inPlaceOf(urn, as, name string, stays bool) string {
	there := d.assigned[name]
	fix := fmt.Sprintf("give what is called %s now a name here that nothing had, without was, and deploy that", as)
	switch {
	case there && stays:
		fix = "the two change places, which takes names that neither had: give each of them another one, without was, and " +
			"deploy that; after it they may have their old names"
	case there:
		fix = fmt.Sprintf("what %s was goes: give it a name here that nothing had, without was, and deploy that", name)
	}
	types := strings.TrimSuffix(urn, name)
	if _, alike := d.outputs[types+as]; !alike {
		return fix
	}
	rename := func(from, to string) string { return fmt.Sprintf("pulumi state rename '%s' %s", types+from, to) }
	var commands []string
	switch aside := name + ".before"; {
	case there && stays:
		commands = []string{rename(name, aside), rename(as, name), rename(aside, as)}
	case there:
		commands = []string{rename(name, aside), rename(as, name)}
	default:
		commands = []string{rename(as, name)}
	}
	return fix + "; or have the state say so: " + strings.Join(commands, " && ")
}

// renamedFrom returns the parts in which two names of assignments differ.
func renamedFrom(was, is string) (old, name string) {
	from, to := strings.Split(was, "."), strings.Split(is, ".")
	if len(from) != len(to) {
		return was, is
	}
	for i := range from {
		if from[i] != to[i] {
			return from[i], to[i]
		}
	}
	return was, is
}
