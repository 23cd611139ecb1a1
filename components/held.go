package components

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// A held is an assignment in the state before that one of our components made.
type held struct{ urn, name, principal string }

// A roleAt is a role at a scope: the role's GUID and the scope's ARM ID, in lower case.
type roleAt struct{ role, scope string }

// heldAs returns the URN under which the state before has an assignment that now has another name, because the first
// name of an identity has gone or because another component had the assignment. "" for none. An assignment whose old
// name this program still uses is not taken: Pulumi can't give a resource's place to another while the first one
// exists.
func (p *program) heldAs(ctx *pulumi.Context, name string, of triple) string {
	if of.role.id.Later() {
		return ""
	}
	before := p.before.known(ctx)
	if before.assigned[name] || !p.lacks(before) {
		return ""
	}
	// Only where a principal came and another went: otherwise no ID is waited for.
	scope := of.scope.settle(ctx).id
	if scope.Later() {
		return ""
	}
	for _, one := range before.held[roleAt{of.role.id.Text(), scope.Text()}] {
		if p.has(one.name) {
			continue
		}
		if id := of.principal.settle(ctx).id; !id.Later() && strings.EqualFold(id.Text(), one.principal) {
			return one.urn
		}
	}
	return ""
}

// lacks reports whether the state before has an assignment that no component has registered yet.
func (p *program) lacks(before deployed) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range before.held {
		for _, one := range all {
			if !p.claimed[one.name] {
				return true
			}
		}
	}
	return false
}

// claim records the names of a component's assignments, before the first of them is registered.
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
