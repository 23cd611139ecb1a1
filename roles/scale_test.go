package roles_test

import (
	"testing"

	"github.com/batchaccess/batchaccess/roles"
)

// A review and a verification ask a role for each of the 35 actions, for every assignment.
func BenchmarkAction(b *testing.B) {
	for name, permissions := range map[string]roles.Permissions{"invoker": roles.Invoker().Permissions,
		"Contributor": builtIn(b, "Contributor").Permissions} {
		b.Run(name, func(b *testing.B) {
			actions := roles.InvokerActions()
			b.ReportAllocs()
			for b.Loop() {
				for _, action := range actions {
					if !permissions.Action(action).Allowed {
						b.Fatal("the role must allow " + action)
					}
				}
			}
		})
	}
}

func builtIn(tb testing.TB, name string) roles.Definition {
	d, ok := roles.BuiltIn(name)
	if !ok {
		tb.Fatal("no built-in role " + name)
	}
	return d
}
