package components

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/hooks"
)

// A stateBefore is the stack's state before this deployment: outputs by URN, without secrets. It is read once.
type stateBefore struct {
	sync.Once
	there     atomic.Bool // there is a state: one of its components is updated
	resources deployed    // empty if nothing was deployed or the state can't be read
	err       error

	asked      sync.Once
	hasOutputs bool
	noAnswer   error
}

// kept are the outputs by which renames and things that are now named as existing are found.
var kept = []string{"issuer", "subject", "resourceId", "principalId", "clientId", "name", "displayName", "scope",
	"roleDefinitionId"}

// ask calls a function of the engine's own provider, which reads the state.
func (*stateBefore) ask(ctx *pulumi.Context, function, key string) (map[string]any, error) {
	stack := ctx.Stack()
	if ctx.Organization() != "" {
		stack = ctx.Organization() + "/" + ctx.Project() + "/" + stack
	}
	var answer map[string]any
	_, err := ctx.InvokePackageRaw("pulumi:pulumi:"+function, map[string]any{key: stack}, &answer, "")
	outputs, _ := answer["outputs"].(map[string]any)
	return outputs, err
}

// prepare makes the engine start its own provider, by asking for the stack's outputs. If a hook were the first to ask,
// it would wait for that provider, whose start waits for one of the engine's workers. All of them (--parallel) may be
// in such a hook, and then the deployment would hang.
func (s *stateBefore) prepare(ctx *pulumi.Context) {
	s.asked.Do(func() {
		var outputs map[string]any
		outputs, s.noAnswer = s.ask(ctx, "readStackOutputs", "name")
		s.hasOutputs = len(outputs) > 0
	})
}

// read asks the engine for the stack's own state. The engine of CLI 3.276 crashes when a stack without a state is asked
// for its resources (backendClient.GetStackResourceOutputs in pkg/backend/backend.go). So if none of its components is
// updated and it has no outputs, the state is not known.
func (s *stateBefore) read(ctx *pulumi.Context) (deployed, error) {
	s.Do(func() {
		s.prepare(ctx)
		if !s.there.Load() && !s.hasOutputs {
			s.err = s.noAnswer
			return
		}
		found, err := s.ask(ctx, "readStackResourceOutputs", "stackName")
		if err != nil {
			s.err = err
			return
		}
		outputs := map[string]map[string]any{}
		for urn, one := range found {
			resource, _ := one.(map[string]any)
			outputs[urn], _ = resource["outputs"].(map[string]any)
		}
		s.resources = deployedOf(outputs)
	})
	return s.resources, s.err
}

// known returns the state before, for use before the program's resources are registered. It is empty if the stack has
// no outputs, which show that there is a state. It is needed even if nothing changes: a component with the same
// arguments may take over what another component had.
func (s *stateBefore) known(ctx *pulumi.Context) deployed {
	if hooks.Off(ctx.Context()) {
		return deployed{}
	}
	if s.prepare(ctx); !s.hasOutputs {
		return deployed{}
	}
	before, _ := s.read(ctx) // an error shows when something is made
	return before
}

// has reports whether the state has a resource with this name whose type token ends in typ. If the state can't be read,
// it reports true.
func (s *stateBefore) has(ctx *pulumi.Context, typ, name string) bool {
	before, err := s.read(ctx)
	for urn := range before.outputs {
		if strings.HasSuffix(urn, typ+"::"+name) {
			return true
		}
	}
	return err != nil
}

// output returns an output, one of kept, of the resource with this name whose type token ends in typ; "" if the state
// has none or can't be read.
func (s *stateBefore) output(ctx *pulumi.Context, typ, name, key string) string {
	before, _ := s.read(ctx)
	for urn, outputs := range before.outputs {
		if strings.HasSuffix(urn, typ+"::"+name) {
			text, _ := outputs[key].(string)
			return text
		}
	}
	return ""
}

// A deployed is the resources of the state before, indexed to find renames.
type deployed struct {
	outputs map[string]map[string]any // the outputs in kept, by URN
	names   map[string]bool
	// below are URN prefixes by type and owner. For the resource access.pipeline the owner is access, and the own part
	// of the name is pipeline. own are the own parts, by prefix.
	below map[typeAndOwner]string
	own   map[string][]string
	// assigned are the names of assignments, held those that our components made.
	assigned map[string]bool
	held     map[roleAt][]held
	// writers are the roles of those who write below paths, by the names of their components; at are the names of
	// components in storage, by what they are and where.
	writers map[string]customRole
	at      map[typeAndScope][]string
}

type typeAndOwner struct{ typ, owner string }

type typeAndScope struct{ typ, scope string }

// A customRole has its own GUID, and can be assigned below a scope.
type customRole struct{ guid, scope string }

// deployedOf indexes the state once, for all names that are looked for.
func deployedOf(outputs map[string]map[string]any) deployed {
	d := deployed{map[string]map[string]any{}, map[string]bool{}, map[typeAndOwner]string{}, map[string][]string{},
		map[string]bool{}, map[roleAt][]held{}, map[string]customRole{}, map[typeAndScope][]string{}}
	for urn, all := range outputs {
		d.outputs[urn] = map[string]any{}
		for _, key := range kept {
			if value, is := all[key]; is {
				d.outputs[urn][key] = value
			}
		}
		cut := strings.LastIndex(urn, "::")
		if cut < 0 {
			continue
		}
		types, name := urn[:cut], urn[cut+2:]
		typ := types[max(strings.LastIndex(types, "$")+1, strings.LastIndex(types, "::")+2):]
		text := func(key string) string { s, _ := all[key].(string); return s }
		d.names[name] = true
		switch {
		case typ == StorageReaderToken || typ == StorageContributorToken:
			at := typeAndScope{typ, slashless(text("scope"))}
			d.at[at] = append(d.at[at], name)
		case strings.HasSuffix(typ, ":RoleDefinition") && strings.Contains(types, StorageContributorToken+"$"):
			if scopes, _ := all["assignableScopes"].([]any); len(scopes) == 1 {
				scope, _ := scopes[0].(string)
				d.writers[name] = customRole{text("name"), slashless(scope)}
			}
		case strings.HasSuffix(typ, ":RoleAssignment"):
			d.assigned[name] = true
			if at := (roleAt{lowerGUID(text("roleDefinitionId")), slashless(text("scope"))}); strings.Contains(types,
				"::batchaccess:index:") {
				d.held[at] = append(d.held[at], held{urn, name, text("principalId")})
			}
		}
		for at, c := range name {
			if c == '.' {
				d.below[typeAndOwner{typ, name[:at]}] = urn[:cut+2+at+1]
			}
		}
		if dot := strings.LastIndex(name, "."); dot >= 0 {
			d.own[urn[:cut+2+dot+1]] = append(d.own[urn[:cut+2+dot+1]], name[dot+1:])
		}
	}
	return d
}

// writerGUID returns the GUID of the writers' role that the named component makes: the one in the state, under its
// present or an earlier name, if it can be assigned in the resource group; otherwise one that is derived from the
// component's name.
func (d deployed) writerGUID(group, name string, before []string, derive func(from string) string) string {
	for _, one := range append([]string{name}, before...) {
		if role := d.writers[one]; role.guid != "" && role.scope == slashless(group) {
			return role.guid
		}
	}
	if len(d.outputs) == 0 && len(before) > 0 { // nothing is known of the state: the mark is all there is
		return derive(before[0])
	}
	derived := derive(name)
	for other, role := range d.writers {
		if other != name && role.guid == derived { // what was called so before has it still
			return derive(derived)
		}
	}
	return derived
}

// urn returns the URN of what an owner makes under a name; "" if the owner made nothing of this type.
func (d deployed) urn(typ, owner, name string) string {
	return d.below[typeAndOwner{typ, owner}] + name
}
