package components

import (
	"runtime"
	"strings"
	"sync"
	"weak"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// A program is what the components of one run of a Pulumi program have in common.
type program struct {
	mu          sync.Mutex
	assignments map[assignmentKey]*assignment
	before      stateBefore
}

// An assignmentKey is what Azure tells assignments apart by.
type assignmentKey struct {
	scope, role string
	principal   access.ID
}

// An assignment is made by the first component that needs it.
type assignment struct {
	sync.Mutex
	made *authorization.RoleAssignment
}

var programs sync.Map // of *program, by weak.Pointer[pulumi.Context]

// programOf returns the program that runs in the context. It goes when the context does.
func programOf(ctx *pulumi.Context) *program {
	key := weak.Make(ctx)
	found, there := programs.LoadOrStore(key, &program{assignments: map[assignmentKey]*assignment{}})
	if !there {
		runtime.AddCleanup(ctx, func(key weak.Pointer[pulumi.Context]) { programs.Delete(key) }, key)
	}
	return found.(*program)
}

// assignment returns the place of an assignment. Where it can't be told from the arguments which one it is, the place
// is new.
func (p *program) assignment(scope, principal, role pulumi.StringInput) *assignment {
	at, known := plain(scope)
	of, alsoKnown := plain(role)
	id := idOf(principal)
	if !known || !alsoKnown || id == access.Later(nil) {
		return &assignment{}
	}
	if !id.Later() {
		id = access.Known(strings.ToLower(id.Text()))
	}
	key := assignmentKey{strings.ToLower(strings.TrimSuffix(at, "/")), strings.ToLower(lastSegment(of)), id}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.assignments[key] == nil {
		p.assignments[key] = &assignment{}
	}
	return p.assignments[key]
}
