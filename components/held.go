package components

import (
	"cmp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// A held is an assignment in the state before that one of our components made.
type held struct{ urn, name, principal string }

// A roleAt is a role at a scope: the role's GUID and the scope's ARM ID, in lower case.
type roleAt struct{ role, scope string }

const roleAssignmentToken = "azure-native:authorization:RoleAssignment"

// heldAs returns the option of an assignment that takes over one of the state before with another name, because the
// first name of an identity has gone or because another component had it. It waits for the IDs in the background: the
// program may make their resources only later.
func (p *program) heldAs(ctx *pulumi.Context, parent pulumi.Resource, name string, of triple) []pulumi.ResourceOption {
	before := p.before.known(ctx)
	if before.assigned[name] {
		return nil
	}
	claims, lacks := p.lacks(before)
	if !lacks {
		return nil
	}
	own := part{id: access.Later(nil), in: pulumi.CreateURN(pulumi.String(name), pulumi.String(roleAssignmentToken),
		parent.URN().ToStringOutput(), pulumi.String(ctx.Project()), pulumi.String(ctx.Stack())).ToStringOutput(),
		read: func(urn string) string { return urn }}
	found, resolve, _ := ctx.NewOutput()
	go func() {
		urn := own.settle(ctx).id.Text() // that of a resource that is its own alias changes nothing
		role, scope, principal := of.role.settle(ctx).id, of.scope.settle(ctx).id, of.principal.settle(ctx).id
		if !role.Later() && !scope.Later() && !principal.Later() {
			urn = cmp.Or(p.takeOver(before.held[roleAt{role.Text(), scope.Text()}], principal.Text(), name, claims), urn)
		}
		resolve(pulumi.URN(urn))
	}()
	urn := found.ApplyT(func(v any) pulumi.URN { return v.(pulumi.URN) }).(pulumi.URNOutput)
	return []pulumi.ResourceOption{pulumi.Aliases([]pulumi.Alias{{URN: urn}})}
}

// takeOver returns the URN of the assignment, among some of the state before, that is for the principal; "" for none.
// It leaves out an assignment that had its own name in the program when there were so many claims: Pulumi can't give
// the place of one resource to another while the first one exists. A component that claims that name later does not
// make the assignment, because it is the same one.
func (p *program) takeOver(some []held, principal, name string, claims int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range some {
		claim, is := p.claimed[one.name]
		if strings.EqualFold(principal, one.principal) && (!is || claim >= claims) && p.places[one.name] == "" {
			p.places[one.name] = name
			return one.urn
		}
	}
	return ""
}

// takes records that an assignment is registered under its own name. It returns the assignment that has taken over the
// one with that name in the state before; "" for none.
func (p *program) takes(name string) (other string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if other = p.places[name]; other == "" || other == name { // a name may be there below several parents
		p.places[name] = name
		return ""
	}
	return other
}

// lacks reports whether the state before has an assignment that no component has claimed yet, and how many are claimed.
func (p *program) lacks(before deployed) (claims int, lacks bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range before.held {
		for _, one := range all {
			if _, is := p.claimed[one.name]; !is {
				return len(p.claimed), true
			}
		}
	}
	return len(p.claimed), false
}

// claim records the names of a component's assignments, before the first of them is registered.
func (p *program) claim(prefix string, principals []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, principal := range principals {
		if _, is := p.claimed[prefix+"."+principal]; !is {
			p.claimed[prefix+"."+principal] = len(p.claimed)
		}
	}
}

func (p *program) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, is := p.claimed[name]
	return is
}
