// Package hooks lets tests run components on an engine without resource hooks, such as the mocked one of
// pulumi-go-provider: it would silently not make a resource with a hook.
package hooks

import "context"

type off struct{}

// Without returns a context in which components register no hooks.
func Without(ctx context.Context) context.Context { return context.WithValue(ctx, off{}, true) }

// Off reports whether the context is from Without.
func Off(ctx context.Context) bool { return ctx.Value(off{}) != nil }
