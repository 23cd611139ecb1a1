package components

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// A held is an assignment of the state before that a component of ours has made.
type held struct{ urn, name, principal string }

// A roleAt is a role at a scope: the role's GUID and the scope's ARM ID, in lower case.
type roleAt struct{ role, scope string }

// heldAs is the URN under which the state before has an assignment that has another name now: it is the first name of
// an identity that went, or another component had it. "" for none. What still has its own name in this program is left
// to it: Pulumi can't give one resource's place to another while the first one is there.
func (p *program) heldAs(ctx *pulumi.Context, name string, of triple) string {
	if of.scope.id.Later() || of.role.id.Later() {
		return ""
	}
	before := p.before.known(ctx)
	if before.assigned[name] {
		return ""
	}
	for _, one := range before.held[roleAt{of.role.id.Text(), of.scope.id.Text()}] {
		if p.has(one.name) {
			continue
		}
		// of whoever came, where somebody went: else nobody's ID is waited for
		if id := of.principal.settle(ctx).id; !id.Later() && strings.EqualFold(id.Text(), one.principal) {
			return one.urn
		}
	}
	return ""
}

// claim notes the assignments that a component registers, before the first of them is registered.
func (p *program) claim(prefix string, principals []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, principal := range principals {
		p.claimed[prefix+"."+principal] = true
	}
}

func (p *program) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claimed[name]
}

// change finds out whether this deployment makes or changes a component, with what is below it: then who had an
// assignment before may be asked for. Where the engine would wait for outputs first, it is taken to.
func (s *stateBefore) change(ctx *pulumi.Context, component pulumi.Resource, args any, after bool) {
	if after || waits(reflect.ValueOf(args)) {
		s.changes.Store(true)
		return
	}
	// The hooks note it; what fails the engine says.
	_, _ = internals.UnsafeAwaitOutput(ctx.Context(), component.URN())
}

// waits reports whether there is an output in arguments.
func waits(v reflect.Value) bool {
	if !v.IsValid() {
		return false
	}
	if _, is := v.Interface().(pulumi.Output); is {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return waits(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && waits(v.Field(i)) {
				return true
			}
		}
	case reflect.Map:
		return slices.ContainsFunc(v.MapKeys(), func(key reflect.Value) bool { return waits(v.MapIndex(key)) })
	case reflect.Slice:
		for i := range v.Len() {
			if waits(v.Index(i)) {
				return true
			}
		}
	}
	return false
}
