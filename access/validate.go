package access

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A validator finds everything that is wrong with a model.
type validator struct {
	m     Model
	code  problem.Code // of the problems that are added now
	found identities
	jobs  []job
	Problems
}

// model checks everything except what needs a plan: limits, and whether assertions hold.
func (v *validator) model() {
	v.workspace()
	v.invokers()
	var scope ID
	if id, ok := v.m.RoleScopeID(); ok {
		scope = Known(id)
	}
	v.role("role", v.m.Role, scope)
	v.clusters()
	v.identities()
	v.storageAccounts()
	v.dataInputs()
	v.dataOutputs()
	v.endpoints()
	v.limitedToEndpoints()
	v.quotas()
	v.workspaceServices()
	v.until()
	v.owners()
	v.assertions()
}

func (v *validator) add(path, fix, what string, args ...any) {
	v.AddCode(v.code, path, fix, what, args...)
}

func (v *validator) warn(path, fix, what string, args ...any) {
	v.Warn(v.code, path, fix, what, args...)
}

// take adds problems of a part of the model.
func (v *validator) take(found Problems) {
	for _, p := range found {
		p.Code = cmp.Or(p.Code, v.code)
		v.Problems = append(v.Problems, p)
	}
}

// lookUp adds a problem of something that is missing and that a deployment looks up.
func (v *validator) lookUp(path, fix, what string, args ...any) {
	v.AddCode(problem.LookUp, path, fix+"; or have it looked up: pulumi preview does, and batchaccess pin writes down "+
		"what it finds",
		what, args...)
}

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// facts/compute-clusters.md: the pattern that the REST API itself returns in its error.
	computeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$`)
	// Names of data stores and assets are segments of ARM IDs and URIs.
	assetForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$`)
)

// name checks a key of one of the model's maps, which names resources.
func (v *validator) name(path, name string) {
	if !nameForm.MatchString(name) {
		v.add(path, "use 1 to 64 letters, digits, hyphens and underscores, beginning with a letter or digit",
			"the name %q can't name resources", name)
	}
}

// oneOf checks a value that must be one of a few words.
func (v *validator) oneOf(path, value string, known []string) bool {
	return v.OneOf(v.code, path, value, known)
}

// A names holds the names that a reference may use.
type names struct {
	has func(name string) bool
	all func() []string // in the order in which an error names them
}

func keysOf[V any](m map[string]V) names {
	return names{func(name string) bool { _, is := m[name]; return is }, func() []string { return sorted(m) }}
}

func listed(all []string) names {
	is := make(map[string]bool, len(all))
	for _, name := range all {
		is[name] = true
	}
	return names{func(name string) bool { return is[name] }, func() []string { return all }}
}

// refers checks a reference to one of the model's names.
func (v *validator) refers(path, name, what string, known names) {
	if !known.has(name) {
		v.add(path, problem.DidYouMean(name, known.all()), "no %s is called %q", what, name)
	}
}

// renamed checks the earlier names of a map's entries.
func renamed[V any](v *validator, path string, all map[string]V, was func(V) string) {
	v.earlier(path, sorted(all), func(name string) string { return was(all[name]) },
		func(name string) string { return path + "." + name + ".was" })
}

// earlier checks the earlier names of some entries: each must be gone, and must be the earlier name of one entry. at is
// the path of an entry's earlier name.
func (v *validator) earlier(path string, all []string, was, at func(name string) string) {
	became := map[string]string{}
	for _, name := range all {
		old, at := was(name), at(name)
		stays := slices.Contains(all, old)
		switch {
		case old == "":
			continue
		case old == name:
			v.add(at, "leave it out, or write the name that it had before", "is the name that it has")
		case stays && was(old) != "":
			v.add(at, movedOn(path, name, was), "%s.%s is still there", path, old)
		case stays:
			v.add(at, "write the name that it had before, or leave it out if it is new", "%s.%s is still there", path, old)
		case became[old] != "":
			v.add(at, "keep it at the one of the two that it became", "%s was %s too", became[old], old)
		default:
			v.name(at, old)
		}
		became[old] = path + "." + name
	}
}

// movedOn is the remedy where an entry takes a name that another entry gives up in the same deployment. was returns the
// earlier name of an entry; "" if it has none or is no entry.
func movedOn(path, name string, was func(string) string) string {
	seen := map[string]bool{}
	for at := name; at != "" && !seen[at]; at = was(at) {
		seen[at] = true
		if was(at) == name {
			return fmt.Sprintf("names are exchanged with one rename in each deployment: in the first call %s.%s by a third "+
				"name, with was: %s, and leave the others as they were", path, name, was(name))
		}
	}
	return fmt.Sprintf("deploy %s first, with %s.%s still called %s, and rename that in a second deployment", name, path,
		was(name), was(was(name)))
}

func (v *validator) workspace() {
	if !v.m.WorkspaceID.Given() {
		v.add("workspaceId", "write /subscriptions/<id>/resourceGroups/<group>/providers/"+arm.Workspace+"/<name>",
			"is missing")
		return
	}
	v.armID("workspaceId", v.m.WorkspaceID, arm.Workspace)
}

// armID checks the ARM ID of a resource, if it is known.
func (v *validator) armID(path string, id ID, wantTypes ...string) {
	if id.Later() {
		return
	}
	if _, err := arm.Parse(id.Text(), wantTypes...); err != nil {
		p := problem.Of(err)
		v.add(path, p.Fix, "%s", p.What)
	}
}

// guid checks an ID of Entra, if it is given and known, and reports whether it may be right.
func (v *validator) guid(path string, id ID, fix string) bool {
	switch text := id.Text(); {
	case !id.Given() || id.Later():
		return true
	case text == "":
		v.add(path, fix+", or leave it out", "is empty")
	case text == arm.NoGUID:
		v.add(path, fix+", or leave it out", "is the empty GUID, all zeros")
	case !arm.IsGUID(text):
		v.add(path, fix, "%q is not a GUID", text)
	default:
		return true
	}
	return false
}

func (v *validator) invokers() {
	if len(v.m.Invokers) == 0 && v.m.Ended == "" {
		v.add("invokers", "declare at least one principal that may start jobs", "is empty: nobody may invoke")
	}
	renamed(v, "invokers", v.m.Invokers, func(i Invoker) string { return i.Was })
	groups := v.m.Groups()
	for _, name := range sorted(v.m.Invokers) {
		path := "invokers." + name
		i := v.m.Invokers[name]
		v.name(path, name)
		if !v.oneOf(path+".kind", string(i.Kind), principalKinds()) {
			continue
		}
		v.named(path, i)
		v.members(path, name, i, groups)
		v.ids(path, i)
		if i.Kind == ManagedIdentity && i.DisplayName != "" && !i.Exists() && !arm.IsIdentityName(i.DisplayName) {
			v.add(path+".displayName", "use 3 to 128 letters, digits, hyphens and underscores",
				"%q can't name a managed identity", i.DisplayName)
		}
		v.signIn(path, i)
	}
}

// ids checks the object ID and the client ID of an invoker.
func (v *validator) ids(path string, i Invoker) {
	idPath := path + "." + i.Kind.IDKey()
	if !i.Exists() && (i.Kind == User || i.Kind == Group && len(i.Members) == 0) {
		other := map[PrincipalKind]string{User: "its userPrincipalName or mail",
			Group: "its displayName, or members to have one made"}
		v.add(idPath, "write the object ID that Entra shows for the "+string(i.Kind)+", or "+other[i.Kind], "is missing")
	}
	v.guid(idPath, i.PrincipalID, "write the object ID that Entra shows for the principal, a GUID, not its name or mail")
	right := v.guid(path+".clientId", i.ClientID, "write the application (client) ID that Entra shows, a GUID, not the "+
		"display name")
	if client := i.ClientID.Text(); right && client != "" && strings.EqualFold(client, i.PrincipalID.Text()) {
		v.add(idPath, "write the object ID of the service principal (az ad sp show --id <client ID> --query id)",
			"is the client ID; a role is assigned to the object ID")
	}
}

// named checks the names by which an existing principal's ID can be looked up.
func (v *validator) named(path string, i Invoker) {
	first, _ := i.Named()
	for _, n := range i.names() {
		at := path + "." + n.key
		switch only := kindsNamed(n.key); {
		case !n.value.Given():
		case len(only) == 1 && only[0] != i.Kind && n.key != "displayName": // a displayName also names what the stack makes
			v.add(at, "leave it out, or choose another kind", "only goes with kind %s", only[0])
		case n.key == "displayName" && strings.TrimSpace(i.DisplayName) == "":
			v.add(at, "write a name, or leave it out", "is blank")
		case !i.PrincipalID.Given() && n.finds && n.key != first:
			v.add(at, "keep one of the two", "names the principal a second time, beside %s", first)
		case !i.PrincipalID.Given() && n.key == first && n.value.Later():
			v.add(at, "write it in plain text, or give "+i.Kind.IDKey(),
				"is known only after a deployment, so it can't be looked up")
		case (n.key == "userPrincipalName" || n.key == "mail") && !mailForm.MatchString(n.value.Text()):
			v.add(at, "write it as name@domain", "%q "+
				map[bool]string{false: "has no domain", true: "is no name that Entra knows"}[strings.Contains(n.value.Text(), "@")],
				n.value.Text())
		case n.key == "resourceId":
			v.identityOf(at, n.value)
		}
	}
}

// mailForm is what Entra looks users up by: one @, and no white space.
var mailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+$`)

// kindsNamed returns the kinds of principals that a name with this key can find.
func kindsNamed(key string) (of []PrincipalKind) {
	for _, row := range kinds {
		if slices.Contains(row.names, key) {
			of = append(of, row.kind)
		}
	}
	return of
}

// identityOf checks the ARM ID of a resource that has a managed identity.
func (v *validator) identityOf(path string, id ID) {
	if _, err := arm.Parse(id.Text(), arm.IdentityTypes...); err != nil {
		v.add(path, "write the ARM ID of a "+strings.Join(arm.IdentityTypes,
			", ")+"; of any other resource, write principalId",
			"%q is not the ARM ID of one whose identity can be looked up", id.Text())
	}
}

// role checks the invokers' role, which is assigned at the scope.
func (v *validator) role(path string, r Role, scope ID) {
	v.code = problem.Role
	defer func() { v.code = "" }()
	scopeID := scope.Text()

	if r.Scope != "" {
		v.oneOf(path+".scope", string(r.Scope), roleScopes)
	}
	if r.ByEndpoint() && !v.parted(path, r) {
		return
	}
	for n, name := range r.Additions {
		if slices.Contains(r.Additions[:n], name) {
			v.add(fmt.Sprintf("%s.additions[%d]", path, n), "keep it once", "names %q a second time", name)
		}
	}
	if r.RoleDefinitionID.Given() && !v.existingRole(path, r) {
		return
	}
	if r.BuiltIn != "" {
		v.builtInRole(path, r)
		return
	}
	d, wrong := r.Resolve()
	for _, p := range wrong {
		v.add(path+"."+p.Path, p.Fix, "%s", p.What)
	}
	if len(wrong) > 0 {
		return
	}
	if !d.BuiltIn {
		named := d
		if r.ByEndpoint() {
			_, named = d.Parts() // with the longer of the two names
		}
		for _, p := range named.Validate() { // the definition is valid; the user's name for it may not be
			v.add(path+".name", p.Fix, "%s", p.What)
		}
	}
	if scopeID != "" && len(d.AssignableScopes) > 0 && !d.AssignableAt(scopeID) {
		v.add(path+".definition", "add the scope to assignableScopes, leave them out, or choose another role.scope",
			"the role would be assigned at %s, outside its assignable scopes (%s)", scopeID, strings.Join(d.AssignableScopes,
				", "))
	}
	at := path + map[bool]string{false: ".definition", true: ".roleDefinitionId"}[d.BuiltIn]
	v.lacks(at, "add what is missing, or expect a 403", d)
	if slices.Contains(r.Additions, "readRegistryAssets") &&
		strings.Contains(strings.ToLower(scopeID), strings.ToLower(arm.Workspace)) {
		v.warn(path+".additions", "set role.scope to resourceGroup or subscription if it holds the registry",
			"readRegistryAssets has no effect at a workspace: a registry lies outside of it")
	}
}

var roleDefinitionForm = regexp.MustCompile(
	`(?i)^(/[^\s]+)?/providers/Microsoft\.Authorization/roleDefinitions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// existingRole checks a role that is given by its ID. more reports whether its definition is to be checked too.
func (v *validator) existingRole(path string, r Role) (more bool) {
	if r.Name != "" || r.BuiltIn != "" || len(r.Additions) > 0 {
		v.add(path+".roleDefinitionId", "leave out name, builtIn and additions, or roleDefinitionId",
			"a role that exists can't be renamed, added to or chosen twice")
		return false
	}
	if id := r.RoleDefinitionID; !id.Later() && !roleDefinitionForm.MatchString(id.Text()) {
		v.add(path+".roleDefinitionId", "write …/providers/Microsoft.Authorization/roleDefinitions/<GUID>, as `az role "+
			"definition list --name <role> --query [].id` prints it", "%q is not the ARM ID of a role definition", id.Text())
		return false
	}
	if !r.Known() {
		v.warn(path+".roleDefinitionId", "give its JSON as role.definition beside it, to have it judged and rehearsed; "+
			"`batchaccess verify` asks Azure", "what the role allows is not known here, so it is undecided whether it starts "+
			"jobs, and what else it does")
	}
	return r.Known()
}

func (v *validator) builtInRole(path string, r Role) {
	if r.Name != "" || r.Definition != "" || len(r.Additions) > 0 {
		v.add(path+".builtIn", "leave out name, additions and definition, or builtIn",
			"a built-in role can't be renamed or added to")
	}
	if !v.oneOf(path+".builtIn", r.BuiltIn, roles.InvokerBuiltIns()) {
		return
	}
	d, _ := roles.BuiltIn(r.BuiltIn)
	v.lacks(path+".builtIn", "leave out builtIn to get the custom role, which names every action", d)
}

// lacks warns of actions that a role lacks, or of which it is undecided whether it allows them.
func (v *validator) lacks(path, fix string, d roles.Definition) {
	var lacks []string
	if missing := d.Permissions.Missing(); len(missing) > 0 {
		lacks = append(lacks, fmt.Sprintf("lacks %d of the %d actions that starting a job takes: %s",
			len(missing), len(roles.InvokerActions()), strings.Join(missing, ", ")))
	}
	if undecided := d.Permissions.Undecided(); len(undecided) > 0 {
		lacks = append(lacks, fmt.Sprintf("it is undecided whether %s allows %s (%s)",
			cmp.Or(d.RoleName, "the role"), strings.Join(undecided, ", "), d.Permissions.Action(undecided[0]).Undecided))
	}
	if len(lacks) > 0 {
		v.warn(path, fix, "%s", strings.Join(lacks, ", and "))
	}
}
