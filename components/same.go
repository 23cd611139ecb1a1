package components

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"github.com/batchaccess/batchaccess/access"
)

// A place is where a role is assigned.
type place struct {
	pulumi.StringInput
	account   access.ID // the storage account, if it lies in one
	container string    // "" for the whole account
}

// A triple is what makes two assignments different in Azure.
type triple struct{ scope, principal, role part }

// A part is one ID of a triple.
type part struct {
	id     access.ID // as compared
	unmade bool      // the ID of something that this program makes
	in     pulumi.StringInput
	read   func(string) string
	at     place // if it is a scope
}

func slashless(id string) string { return strings.ToLower(strings.TrimSuffix(id, "/")) }
func lowerGUID(id string) string { return strings.ToLower(lastSegment(id)) }

func (p *program) part(in pulumi.StringInput, read func(string) string) part {
	made := part{in: in, read: read}
	if at, is := in.(place); is {
		made.at, made.in = at, at.StringInput
	}
	made.id = idOf(made.in)
	if !made.id.Later() {
		made.id = access.Known(read(made.id.Text()))
	} else if out, is := made.in.(pulumi.Output); is && made.id != access.Later(nil) {
		made.unmade = p.assignments.unmade[out]
	}
	return made
}

func (t triple) key() [3]access.ID { return [3]access.ID{t.scope.id, t.principal.id, t.role.id} }

// known reports whether all three were given in plain text.
func (t triple) known() bool {
	return !t.scope.id.Later() && !t.principal.id.Later() && !t.role.id.Later()
}

// A sameness says whether two assignments are the same in Azure.
type sameness int

const (
	different sameness = iota
	same
	undecided
)

// compare waits for IDs only if nothing else shows that the two differ.
func (t triple) compare(ctx *pulumi.Context, other triple) sameness {
	pairs := [3][2]part{{t.role, other.role}, {t.scope, other.scope}, {t.principal, other.principal}}
	for _, p := range pairs {
		if p[0].compare(p[1]) == different {
			return different
		}
	}
	all := same
	for _, p := range pairs {
		a, b := p[0].settle(ctx), p[1].settle(ctx)
		if a.unmade && !b.id.Later() || b.unmade && !a.id.Later() {
			return different // a resource that is not made yet has no existing ID
		}
		switch a.compare(b) {
		case different:
			return different
		case undecided:
			all = undecided
		}
	}
	return all
}

func (p part) compare(other part) sameness {
	inOne := p.at.account.Given() && p.at.account == other.at.account && p.at.account != access.Later(nil)
	switch {
	case p.at.container != other.at.container && p.at.account.Given() && other.at.account.Given():
		return different
	case inOne, p.id == other.id && p.id != access.Later(nil):
		return same
	case !p.id.Later() && !other.id.Later(), p.unmade && other.unmade:
		return different
	}
	return undecided
}

// settle waits for the ID. A preview may not know it even then.
func (p part) settle(ctx *pulumi.Context) part {
	if !p.id.Later() {
		return p
	}
	found, err := internals.UnsafeAwaitOutput(ctx.Context(), p.in.ToStringOutput())
	if text, is := found.Value.(string); err == nil && found.Known && is {
		p.id, p.unmade = access.Known(p.read(text)), false
	}
	return p
}
