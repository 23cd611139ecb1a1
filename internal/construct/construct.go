// Package construct carries from the component package's provider to a component what a Go program's components have in
// common by themselves: which run of a program it is made in, and what it depends on there.
package construct

import "context"

// A Request is that of another language for one component.
type Request struct {
	Run       string   // which preview or deployment it is of
	URN       string   // of the component
	DependsOn []string // URNs
}

type key struct{}

// With returns a context in which components know the request that they are made for.
func With(ctx context.Context, r Request) context.Context { return context.WithValue(ctx, key{}, r) }

// Of is the request of the context; none in a Go program.
func Of(ctx context.Context) Request {
	r, _ := ctx.Value(key{}).(Request)
	return r
}
