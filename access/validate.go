package access

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// Validate returns everything that is wrong with the model, each with its path, and what to do about it. Warnings are
// among them: see Problems.Err and Problems.Warnings.
func Validate(m Model) Problems {
	v := validator{m: m}
	v.workspace()
	v.invokers()
	scope, _ := m.RoleScopeID()
	v.role(m.Role, scope)
	v.clusters()
	v.storageAccounts()
	v.dataInputs()
	v.dataOutputs()
	v.endpoints()
	v.assertions()
	v.limits()
	return v.Problems
}

type validator struct {
	m Model
	Problems
}

var (
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	computeForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$`) // facts/compute-clusters.md
	containerForm = regexp.MustCompile(`^(\$root|\$logs|\$web|[a-z0-9](-?[a-z0-9])*)$`)
	endpointForm  = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}[a-z0-9]$`)
)

// name checks a key of one of the model's maps, which names resources.
func (v *validator) name(path, name string) {
	if !nameForm.MatchString(name) {
		v.add(path, "use 1 to 64 letters, digits, hyphens and underscores, beginning with a letter or digit", "the name %q can't name resources", name)
	}
}

// oneOf checks a value that must be one of a few words.
func (v *validator) oneOf(path, value string, known []string) bool {
	if slices.Contains(known, value) {
		return true
	}
	if value == "" {
		v.add(path, "use "+strings.Join(known, ", "), "is missing")
	} else {
		v.add(path, DidYouMean(value, known), "unknown value %q", value)
	}
	return false
}

// names are what something may refer to.
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
		v.add(path, DidYouMean(name, known.all()), "no %s is called %q", what, name)
	}
}

func (v *validator) workspace() {
	switch v.m.WorkspaceID {
	case "":
		v.add("workspaceId", "write /subscriptions/<id>/resourceGroups/<group>/providers/"+WorkspaceType+"/<name>", "is missing")
	case Unknown:
	default:
		v.armID("workspaceId", v.m.WorkspaceID, WorkspaceType)
	}
}

func (v *validator) armID(path, id, wantType string) {
	if id == Unknown {
		return
	}
	if _, err := ParseARMID(id, wantType); err != nil {
		what, fix, _ := strings.Cut(err.Error(), "; ")
		v.add(path, fix, "%s", what)
	}
}

func (v *validator) invokers() {
	if len(v.m.Invokers) == 0 {
		v.add("invokers", "declare at least one principal that may start jobs", "is empty: nobody may invoke")
	}
	seen := map[string]string{} // object ID -> path
	groups := v.m.Groups()
	for _, name := range sorted(v.m.Invokers) {
		path := "invokers." + name
		i := v.m.Invokers[name]
		v.name(path, name)
		if !v.oneOf(path+".kind", string(i.Kind), PrincipalKinds()) {
			continue
		}
		v.named(path, i)
		v.members(path, name, i, groups)
		v.ids(path, i, seen)
		if i.Kind == ManagedIdentity && i.DisplayName != "" && !i.Exists() && !IsIdentityName(i.DisplayName) {
			v.add(path+".displayName", "use 3 to 128 letters, digits, hyphens and underscores", "%q can't name a managed identity", i.DisplayName)
		}
		v.signIn(path, i)
	}
}

// ids checks the object ID and the client ID of an invoker; seen are the object IDs of those before it.
func (v *validator) ids(path string, i Invoker, seen map[string]string) {
	idPath := path + "." + i.Kind.idKey()
	switch {
	case !i.Exists() && (i.Kind == User || i.Kind == Group && len(i.Members) == 0):
		v.add(idPath, "write the object ID that Entra shows for the "+string(i.Kind)+", or "+map[PrincipalKind]string{User: "its userPrincipalName or mail", Group: "its displayName, or members to have one made"}[i.Kind], "is missing")
	case i.PrincipalID == "" || i.PrincipalID == Unknown:
	case !IsGUID(i.PrincipalID):
		v.add(idPath, "write the object ID that Entra shows for the principal, a GUID, not its name or mail", "%q is not a GUID", i.PrincipalID)
	case seen[strings.ToLower(i.PrincipalID)] != "":
		v.add(idPath, "keep one of the two", "is the same principal as %s", seen[strings.ToLower(i.PrincipalID)])
	default:
		seen[strings.ToLower(i.PrincipalID)] = path
	}
	if i.ClientID != "" && i.ClientID != Unknown && !IsGUID(i.ClientID) {
		v.add(path+".clientId", "write the application (client) ID that Entra shows, a GUID, not the display name", "%q is not a GUID", i.ClientID)
	} else if i.ClientID != "" && i.ClientID != Unknown && strings.EqualFold(i.ClientID, i.PrincipalID) {
		v.add(idPath, "write the object ID of the service principal (az ad sp show --id <client ID> --query id)", "is the client ID; a role is assigned to the object ID")
	}
}

// named checks the names by which the ID of a principal that exists can be looked up.
func (v *validator) named(path string, i Invoker) {
	first, _ := i.Named()
	for _, n := range i.names() {
		at := path + "." + n.key
		switch only := n.key == "userPrincipalName" || n.key == "mail" || n.key == "resourceId"; {
		case n.value == "" || n.value == Unknown && n.key != "clientId":
		case only && !slices.Contains(n.kinds, i.Kind):
			v.add(at, "leave it out, or choose another kind", "only goes with kind %s", n.kinds[0])
		case i.PrincipalID == "" && slices.Contains(n.kinds, i.Kind) && n.key != first:
			v.add(at, "keep one of the two", "names the principal a second time, beside %s", first)
		case i.PrincipalID == "" && n.key == first && n.value == Unknown:
			v.add(at, "write it in plain text, or give "+i.Kind.idKey(), "is known only after a deployment, so it can't be looked up")
		case only && n.key != "resourceId" && !strings.Contains(n.value, "@"):
			v.add(at, "write it as name@domain", "%q has no domain", n.value)
		case n.key == "resourceId":
			v.identityOf(at, n.value)
		}
	}
}

// identityOf checks the ARM ID of a resource that has a managed identity.
func (v *validator) identityOf(path, id string) {
	m := armIDForm.FindStringSubmatch(id)
	if m == nil || !slices.ContainsFunc(IdentityTypes(), func(t string) bool { return strings.EqualFold(t, m[3]) }) {
		v.add(path, "write the ARM ID of a "+strings.Join(IdentityTypes(), ", ")+"; of any other resource, write principalId", "%q is not the ARM ID of one whose identity can be looked up", id)
		return
	}
	v.armID(path, id, m[3])
}

var identityForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)

// IsIdentityName reports whether a user-assigned managed identity may have the name.
func IsIdentityName(name string) bool { return identityForm.MatchString(name) }

// idKey is what the configuration calls the ID of an existing principal of the kind.
func (k PrincipalKind) idKey() string {
	if k == ManagedIdentity {
		return "principalId"
	}
	return "objectId"
}

// ValidateRole does the same for a role by itself. Its scope is given by ARM ID, "" or Unknown while not known; the paths
// begin with "role.".
func ValidateRole(r Role, scopeID string) Problems {
	var v validator
	v.role(r, scopeID)
	return v.Problems
}

func (v *validator) role(r Role, scopeID string) {
	if r.Scope != "" {
		v.oneOf("role.scope", string(r.Scope), RoleScopes())
	}
	if r.RoleDefinitionID != "" && !v.existingRole(r) {
		return
	}
	if r.BuiltIn != "" {
		v.builtInRole(r)
		return
	}
	for i, name := range r.Additions {
		v.oneOf(fmt.Sprintf("role.additions[%d]", i), name, roles.AdditionNames())
	}
	if slices.ContainsFunc(r.Additions, func(name string) bool { return !slices.Contains(roles.AdditionNames(), name) }) {
		return
	}
	d, err := r.Resolve()
	if err != nil {
		for line := range strings.Lines(strings.TrimPrefix(err.Error(), "definition: ")) {
			what, fix, ok := strings.Cut(strings.TrimSpace(line), "; ")
			if !ok {
				fix = "correct the role definition"
			}
			v.add("role.definition", fix, "%s", what)
		}
		return
	}
	if err := d.Validate(); err != nil && !d.BuiltIn {
		v.add("role.name", fmt.Sprintf("give a name of at most %d characters", roles.MaxRoleName), "%v", err)
	}
	if scopeID != "" && scopeID != Unknown && len(d.AssignableScopes) > 0 && !d.AssignableAt(scopeID) {
		v.add("role.definition", "add the scope to assignableScopes, leave them out, or choose another role.scope",
			"the role would be assigned at %s, outside its assignable scopes (%s)", scopeID, strings.Join(d.AssignableScopes, ", "))
	}
	at := map[bool]string{false: "role.definition", true: "role.roleDefinitionId"}[d.BuiltIn]
	v.lacks(at, "add what is missing, or expect a 403", d)
	if slices.Contains(r.Additions, "readRegistryAssets") && strings.Contains(strings.ToLower(scopeID), strings.ToLower(WorkspaceType)) {
		v.warn("role.additions", "set role.scope to resourceGroup or subscription if it holds the registry", "readRegistryAssets has no effect at a workspace: a registry lies outside of it")
	}
}

var roleDefinitionForm = regexp.MustCompile(`(?i)^(/[^\s]+)?/providers/Microsoft\.Authorization/roleDefinitions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// existingRole checks a role that is given by its ID, and reports whether there is more to check: what it allows.
func (v *validator) existingRole(r Role) (more bool) {
	if r.Name != "" || r.BuiltIn != "" || len(r.Additions) > 0 {
		v.add("role.roleDefinitionId", "leave out name, builtIn and additions, or roleDefinitionId", "a role that exists can't be renamed, added to or chosen twice")
		return false
	}
	if r.RoleDefinitionID != Unknown && !roleDefinitionForm.MatchString(r.RoleDefinitionID) {
		v.add("role.roleDefinitionId", "write …/providers/Microsoft.Authorization/roleDefinitions/<GUID>, as `az role definition list --name <role> --query [].id` prints it", "%q is not the ARM ID of a role definition", r.RoleDefinitionID)
		return false
	}
	if !r.Told() {
		v.warn("role.roleDefinitionId", "give its JSON as role.definition beside it, to have it judged and rehearsed; `batchaccess verify` asks Azure", "what the role allows is not known here, so it can't be told whether it starts jobs, nor what else it does")
	}
	return r.Told()
}

func (v *validator) builtInRole(r Role) {
	if r.Name != "" || r.Definition != "" || len(r.Additions) > 0 {
		v.add("role.builtIn", "leave out name, additions and definition, or builtIn", "a built-in role can't be renamed or added to")
	}
	if !v.oneOf("role.builtIn", r.BuiltIn, roles.InvokerBuiltIns()) {
		return
	}
	d, _ := roles.BuiltIn(r.BuiltIn)
	v.lacks("role.builtIn", "leave out builtIn to get the custom role, which names every action", d)
}

// lacks warns of the actions that a role lacks, and of those of which it is undecided whether it allows them.
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
