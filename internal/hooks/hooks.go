// Package hooks lets tests run components on an engine that has no resource hooks, such as the mocked one of
// pulumi-go-provider: it would make no resource that has any, and say nothing of it.
package hooks

import "context"

type off struct{}

// Without returns a context in which components register no hooks.
func Without(ctx context.Context) context.Context { return context.WithValue(ctx, off{}, true) }

// Off reports whether the context is one of those.
func Off(ctx context.Context) bool { return ctx.Value(off{}) != nil }
