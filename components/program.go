package components

import (
	"cmp"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/construct"
)

// A program is what the components of one run of a Pulumi program share.
type program struct {
	mu          sync.Mutex
	assignments *assignments
	before      stateBefore
	names       map[string]string // of assignments that existed before the stack, by derived GUID
	claimed     map[string]int    // the names of the assignments that components are to register, counted
	places      map[string]string // by which assignment what the state before has under a name is taken up
	hooks       map[string]int    // the names of hooks, counted
	// made returns the problem with the name of each thing that is made; refused is set once a problem was reported.
	made    map[string]func(before deployed) string
	refused bool
}

// keepNames adds the names in Azure of existing assignments.
func (p *program) keepNames(names map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for derived, name := range names {
		p.names[strings.ToLower(derived)] = strings.ToLower(name)
	}
}

// nameInAzure returns the name of an assignment: the derived GUID, or the name that somebody had given it before.
func (p *program) nameInAzure(derived string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.names[derived], derived)
}

// An assignment is made by the first component that needs it.
type assignment struct {
	sync.Mutex
	triple
	of        pulumi.Resource // the component that first asked for it
	called    string          // that component and its name for the assignment
	condition string
	made      *authorization.RoleAssignment
	maker     string // URN of that component, if the program is in another language
}

// assignments are those of one run of a program.
type assignments struct {
	mu     sync.Mutex
	all    map[[3]access.ID]*assignment // by IDs that can be compared: known ones, and equal outputs
	list   []*assignment
	warned map[[2]pulumi.Resource]bool
	unmade map[pulumi.Output]bool // IDs of what the program makes: while unknown, they equal no other ID
	takers map[string]string      // which component makes what has a name in Azure
}

var runs sync.Map // of *assignments, by construct.Request.Run

// assignmentsOf returns the assignments of the context's run: components in other languages each have their own
// context.
func assignmentsOf(ctx *pulumi.Context) *assignments {
	made := &assignments{all: map[[3]access.ID]*assignment{}, warned: map[[2]pulumi.Resource]bool{},
		unmade: map[pulumi.Output]bool{}, takers: map[string]string{}}
	if run := construct.Of(ctx.Context()).Run; run != "" {
		found, _ := runs.LoadOrStore(run, made)
		return found.(*assignments)
	}
	return made
}

// refuse says why a component may not use the assignment that another component makes. In other languages the order of
// the two may change from one deployment to the next, and then the assignment would belong to the other one: Pulumi
// would delete it after the other one has taken it over.
func (a *assignment) refuse(of construct.Request) error {
	if a.maker == of.URN || slices.Contains(of.DependsOn, a.maker) {
		return nil
	}
	urn := resource.URN(a.maker)
	return fmt.Errorf("%s %s of this program assigns the same role there, and Azure allows one assignment of it; have "+
		"this component depend on that one (dependsOn, in Python depends_on), and it is assigned once",
		urn.Type().Name(), urn.Name())
}

var programs sync.Map // of *program, by weak.Pointer[pulumi.Context]

// programOf returns the program that runs in the context. It is freed with the context.
func programOf(ctx *pulumi.Context) *program {
	key := weak.Make(ctx)
	if found, there := programs.Load(key); there {
		return found.(*program)
	}
	found, there := programs.LoadOrStore(key, &program{
		assignments: assignmentsOf(ctx), names: map[string]string{}, claimed: map[string]int{},
		places: map[string]string{}, hooks: map[string]int{},
	})
	if !there {
		runtime.AddCleanup(ctx, func(key weak.Pointer[pulumi.Context]) { programs.Delete(key) }, key)
	}
	return found.(*program)
}

// once records who makes what has a name in Azure, and returns who makes it too; "" for nobody. Azure would refuse the
// second in the middle of the deployment.
func (p *program) once(inAzure, by string) (other string) {
	p.assignments.mu.Lock()
	defer p.assignments.mu.Unlock()
	key := strings.ToLower(inAzure)
	if other = p.assignments.takers[key]; other == "" || other == by {
		p.assignments.takers[key] = by
		return ""
	}
	return other
}

// makes records the ID of a resource that the program makes.
func (p *program) makes(id pulumi.Output) {
	p.assignments.mu.Lock()
	defer p.assignments.mu.Unlock()
	p.assignments.unmade[id] = true
}

// assignment returns the entry of an assignment that a component asks for. If Azure would take it as another one of the
// program, it returns that one. If the arguments do not show that, it waits for the IDs, which are outputs of resources
// that were registered before. If a preview does not know them even then, it warns.
func (p *program) assignment(ctx *pulumi.Context, of pulumi.Resource, name string, scope place,
	principal, role pulumi.StringInput) *assignment {
	made := &assignment{of: of, called: fmt.Sprintf("%s %s", reflect.TypeOf(of).Elem().Name(), name)}
	p.assignments.mu.Lock()
	defer p.assignments.mu.Unlock()
	made.triple = triple{p.part(scope, slashless), p.part(principal, strings.ToLower), p.part(role, lowerGUID)}
	key := made.key()
	if found := p.assignments.all[key]; found != nil {
		return found
	}
	for _, other := range p.assignments.list {
		if made.known() && other.known() {
			continue
		}
		switch made.compare(ctx, other.triple) {
		case same:
			return other
		case undecided:
			if other.of != of { // else each two outputs of one component would be warned of
				p.warn(ctx, other, made)
			}
		}
	}
	if !slices.Contains(key[:], access.Later(nil)) {
		p.assignments.all[key] = made
	}
	p.assignments.list = append(p.assignments.list, made)
	return made
}

// warn says once that two components may ask for the same assignment.
func (p *program) warn(ctx *pulumi.Context, first, second *assignment) {
	pair := [2]pulumi.Resource{first.of, second.of}
	request := construct.Of(ctx.Context())
	if !ctx.DryRun() || p.assignments.warned[pair] || slices.Contains(request.DependsOn, first.maker) {
		return
	}
	p.assignments.warned[pair] = true
	then := fmt.Sprintf("is made once, as %s", first.called)
	if request.URN != "" {
		then = "fails, unless the second component depends on the first (dependsOn, in Python depends_on)"
	}
	_ = ctx.Log.Warn(fmt.Sprintf("%s and %s may be one assignment in Azure, which allows no two alike. This preview "+
		"can't know, for their IDs are known only after the deployment; if they are one, it %s. Give both components the "+
		"same output, or the ID in plain text, and the preview knows", first.called, second.called, then), nil)
}

// byHand reports whether the assignment existed before the stack, as far as its IDs are known now.
func (p *program) byHand(scope, principal, role pulumi.StringInput) bool {
	at, known := plain(scope)
	of, alsoKnown := plain(role)
	id := idOf(principal)
	if !known || !alsoKnown || id.Later() {
		return false
	}
	derived := arm.AssignmentGUID(at, id.Text(), of)
	return p.nameInAzure(derived) != derived
}

// checkAssignmentNames refuses names that no assignment can have, and one name for two assignments.
func checkAssignmentNames(names map[string]string) (ps access.Problems) {
	seen := map[string]string{}
	for _, derived := range sortedKeys(names) {
		path, name := "assignmentNames."+derived, strings.ToLower(names[derived])
		if !arm.IsGUID(derived) || !arm.IsGUID(name) {
			ps.Add(path, "write the GUID that batchaccess init gives, followed by the last part of the assignment's ID",
				"%q: %q is no pair of GUIDs", derived, names[derived])
		} else if other, is := seen[name]; is {
			ps.Add(path, "keep one of the two", "is the same assignment as %s", other)
		}
		seen[name] = path
	}
	return ps
}
