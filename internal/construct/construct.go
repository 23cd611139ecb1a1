// Package construct passes to a component, from the component package's provider, two things that a Go program's
// components know by themselves: which run of a program it is part of, and what it depends on there.
package construct

import "context"

// A Request is another language's request for one component.
type Request struct {
	Run       string   // the preview or deployment that it is part of
	URN       string   // the component's
	DependsOn []string // URNs
}

type key struct{}

// With returns a context that gives components their request.
func With(ctx context.Context, r Request) context.Context { return context.WithValue(ctx, key{}, r) }

// Of returns the context's request; an empty one in a Go program.
func Of(ctx context.Context) Request {
	r, _ := ctx.Value(key{}).(Request)
	return r
}
