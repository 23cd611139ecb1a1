package guardrails

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

// PermissionsOf reads the permissions in a role definition's inputs. ok is false if any of them is unknown.
func PermissionsOf(inputs map[string]any) (ps roles.Permissions, ok bool) {
	list, ok := inputs["permissions"].([]any)
	if !ok {
		return nil, false
	}
	for _, item := range list {
		m, isMap := item.(map[string]any)
		if !isMap {
			return nil, false
		}
		var p roles.Permission
		if m["condition"] != nil { // only Azure's own roles have one, and it is not evaluated
			return nil, false
		}
		for key, into := range map[string]*[]string{
			"actions": &p.Actions, "notActions": &p.NotActions, "dataActions": &p.DataActions,
			"notDataActions": &p.NotDataActions,
		} {
			entries, isList := m[key].([]any)
			if *into = texts(m[key]); len(*into) != len(entries) || m[key] != nil && !isList {
				return nil, false
			}
		}
		ps = append(ps, p)
	}
	return ps, true
}

// unreadable reports a role whose permissions can't be judged.
func unreadable(p *report) {
	p.undecided("permissions", lookAgain, "can't be judged: not all of them are known")
}

// notInAction matches what no action contains, by all documents.
var notInAction = regexp.MustCompile(`[\s%\\?#\p{C}\p{Z}]|//`)

var grantsAccess = roles.RiskyActions(roles.GrantsAccess)

func customRole(r Resource, _ Config, p *report) {
	if r.Kind() != RoleDefinition {
		return
	}
	ps, ok := PermissionsOf(r.Inputs)
	if !ok {
		unreadable(p)
		return
	}
	for _, permission := range ps {
		for _, entry := range slices.Concat(permission.Actions, permission.DataActions) {
			if strings.Contains(entry, "*") {
				p.find("permissions", "list the actions that it stands for", "holds the wildcard %s", entry)
			}
			if strings.Trim(entry, "/") != entry || notInAction.MatchString(entry) {
				p.undecided("permissions", "write it as Azure does, such as Microsoft.Storage/storageAccounts/read",
					"%q is not understood as an action", entry)
			}
		}
	}
	for _, a := range grantsAccess {
		switch {
		case ps.Allows(a):
			p.find("permissions", "take the action out; assign a separate, watched role to whoever gives access",
				"allows %s, which grants access", a.Name)
		case ps.MayAllow(a):
			p.undecided("permissions", "list the actions that the wildcard stands for",
				"may allow %s, which grants access: %s", a.Name, ps.Decide(a).Undecided)
		}
	}
}

// RoleGUID returns the GUID in the ID of a role definition, in lower case; "" if the text is no such ID. Every rule
// calls it for every assignment, so it has no regular expression: those took half the time of a large review.
func RoleGUID(id string) string {
	const below, length = "providers/Microsoft.Authorization/roleDefinitions/", 36
	at := len(id) - length
	if at < 0 || strings.Trim(id[at:], "0123456789abcdefABCDEF-") != "" {
		return ""
	}
	path, guid := id[:at], strings.ToLower(id[at:])
	if path == "" {
		return guid
	}
	from := len(path) - len(below)
	if from < 0 || !strings.EqualFold(path[from:], below) {
		return ""
	}
	scope := path[:from]
	if scope != "" && (!strings.HasSuffix(scope, "/") || strings.Contains(scope, "//") ||
		notInSegment.MatchString(scope)) {
		return ""
	}
	return guid
}

// assigned returns the role of an assignment, if it is known what the role allows.
func assigned(r Resource) (roles.Definition, bool) {
	if r.Kind() != RoleAssignment {
		return roles.Definition{}, false
	}
	id, _ := r.Inputs["roleDefinitionId"].(string)
	if d, ok := roles.BuiltIn(RoleGUID(id)); ok {
		return d, true
	}
	if r.Role != nil {
		return *r.Role, true
	}
	return roles.Definition{}, false
}

// unknownRole reports roles that nothing else judges: neither built in, nor made by the program (their definition is
// judged), nor given by an InvokerRole (the rule invoker-role checks those).
func unknownRole(r Resource, _ Config, p *report) {
	id := r.Inputs["roleDefinitionId"]
	if r.Kind() != RoleAssignment || id == nil || r.MadeBy(InvokerRole) && !r.Whole {
		return
	}
	if _, ok := assigned(r); ok || len(definitionsOf(r)) == 1 {
		return
	}
	const remedy = "assign a built-in role or one that the program makes, or waive this rule for this resource in " +
		"guardrails.yaml"
	if text, is := id.(string); is {
		f := p.undecided("roleDefinitionId", remedy, "can't be judged: it is not known what the role %s allows",
			text[strings.LastIndex(text, "/")+1:])
		f.Origin = Written
	} else {
		p.undecided("roleDefinitionId", remedy, "can't be judged: which role it is is %v", id).Origin = Later
	}
}

// definitionsOf returns the program's role definitions that an assignment's role comes from. If a resource of another
// kind is among its sources, the role is not known.
func definitionsOf(r Resource) (urns []string) {
	for _, urn := range r.Dependencies["roleDefinitionId"] {
		if kindOfURN(urn) == RoleDefinition {
			urns = append(urns, urn)
		}
	}
	return urns
}

// An effect is what the rules need to know about permissions. Thousands of assignments give a few roles, so each is
// worked out once.
type effect struct {
	grants bool // it may allow an action that grants access
	// more is the index in notForReading of the first action that it may allow, moreData of the first data action; -1
	// for none.
	more, moreData int
}

// effects of assigned roles: built-in ones by ID, others by the address of their permissions, which do not change.
var effects sync.Map

func effectOfRole(d roles.Definition) effect {
	if len(d.Permissions) == 0 {
		return effectOf(nil)
	}
	var key any = &d.Permissions[0]
	if d.BuiltIn {
		key = d.ID
	}
	found, done := effects.Load(key)
	if !done {
		found, _ = effects.LoadOrStore(key, effectOf(d.Permissions))
	}
	return found.(effect)
}

func effectOf(ps roles.Permissions) effect {
	return effect{
		grants: slices.ContainsFunc(grantsAccess, ps.MayAllow), more: slices.IndexFunc(notForReading, ps.MayAllow),
		moreData: slices.IndexFunc(notForReading, func(a roles.Action) bool { return a.Data && ps.MayAllow(a) }),
	}
}

func privilegedRole(r Resource, c Config, p *report) {
	if d, ok := assigned(r); ok && !c.allowsRole(d) && effectOfRole(d).grants {
		p.find("roleDefinitionId", "assign a role without that, or allow the role in allowedRoles",
			"assigns %s, which grants access", d.RoleName)
	}
}

const (
	accounts = "Microsoft.Storage/storageAccounts/"
	blobs    = accounts + "blobServices/containers/blobs/"
)

// notForReading are actions that a reader of data does not need: changing data, and reading the keys of an account.
var notForReading = func() (all []roles.Action) {
	for _, verb := range []string{
		"write", "delete", "add/action", "move/action", "deleteBlobVersion/action", "permanentDelete/" +
			"action", "immutableStorage/runAsSuperUser/action",
		"modifyPermissions/action", "manageOwnership/action", "tags/write",
	} {
		all = append(all, roles.Action{Name: blobs + verb, Data: true})
	}
	for _, action := range []string{
		"fileServices/fileshares/files/write", "fileServices/fileshares/files/delete", "fileServices/" +
			"writeFileBackupSemantics/action",
		"fileServices/fileshares/files/modifypermissions/action", "queueServices/queues/messages/write", "queueServices/" +
			"queues/messages/add/action",
		"queueServices/queues/messages/delete", "tableServices/tables/entities/write", "tableServices/tables/entities/" +
			"add/action", "tableServices/tables/entities/delete",
	} {
		all = append(all, roles.Action{Name: accounts + action, Data: true})
	}
	for _, action := range []string{"listkeys/action", "regeneratekey/action", "listAccountSas/action",
		"listServiceSas/action", "localusers/write", "localusers/listKeys/action", "localusers/regeneratePassword/action"} {
		all = append(all, roles.Action{Name: accounts + action})
	}
	return all
}()

func storageRole(r Resource, c Config, p *report) {
	var e effect
	what, property, remedy := "allows", "permissions", "take the action out, or waive this rule for this resource in "+
		"guardrails.yaml"
	switch r.Kind() {
	case RoleDefinition:
		ps, _ := PermissionsOf(r.Inputs) // what is not known is a finding of custom-role
		if r.MadeBy(StorageContributor) && len(rolediff.Difference(ps, roles.PathWriter().Permissions)) == 0 {
			return // the role of those who write below a path
		}
		e = effectOf(ps)
	case RoleAssignment:
		d, ok := assigned(r)
		if r.MadeBy(JobService) && slices.Contains(roles.OfStores(), d.RoleName) { // its other roles are not about storage
			return // of a workspace whose own stores are opened by identities
		}
		if !ok || r.Role != nil && !d.BuiltIn || c.allowsRole(d) || (r.MadeBy(StorageContributor) ||
			r.MadeBy(StorageReader)) && d.RoleName == roles.StorageBlobDataContributor { // as which it was known before
			return // a role that the program makes is judged by its definition
		}
		e, property = effectOfRole(d), "roleDefinitionId"
		what = "assigns " + d.RoleName + ", which allows"
		remedy = "assign " + roles.StorageBlobDataReader + ", use a StorageContributor, or allow the role in allowedRoles"
	default:
		return
	}
	i := e.more
	if e.grants { // custom-role and privileged-role report it, and who can grant access needs no keys
		i = e.moreData
	}
	if i >= 0 {
		p.find(property, remedy, "%s %s", what, notForReading[i].Name)
	}
}

// invokerRoleBreadth judges the effect: what the role allows beyond the 35 actions and the additions.
func invokerRoleBreadth(r Resource, c Config, p *report) {
	if r.Type != InvokerRole && !r.MadeBy(InvokerRole) {
		return
	}
	var ps roles.Permissions
	what := "the role"
	switch r.Kind() {
	case RoleDefinition:
		var ok bool
		if ps, ok = PermissionsOf(r.Inputs); !ok {
			unreadable(p)
			return
		}
	case RoleAssignment:
		d, ok := assigned(r)
		if !ok || c.allowsRole(d) {
			return
		}
		ps, what = d.Permissions, d.RoleName
	case InvokerRole:
		id, isText := r.Inputs["roleDefinitionId"].(string)
		_, builtIn := roles.BuiltIn(id[strings.LastIndex(id, "/")+1:])
		if r.Inputs["roleDefinitionId"] == nil || isText && (id == "" || builtIn) {
			return // its definition or its assignments are judged
		}
		text, _ := r.Inputs["definition"].(string)
		d, wrong := roles.Parse([]byte(text))
		if wrong != nil {
			p.undecided("roleDefinitionId", "give the role's JSON as definition beside it",
				"can't be judged: it is not known here what the role allows")
			return
		}
		ps, what = d.Permissions, d.RoleName
	default:
		return
	}
	narrow, _ := roles.Invoker().With(c.InvokerAdditions...)
	if more := rolediff.Difference(ps, narrow.Permissions); len(more) > 0 {
		names := make([]string, 0, len(more))
		for _, a := range more[:min(3, len(more))] {
			names = append(names, a.String())
		}
		rest := map[bool]string{true: ", …"}[len(more) > len(names)]
		p.find("permissions", "keep to the documented actions and ask for more by name (role.additions), or allow it",
			"%s allows more than starting a job takes: %s%s", what, strings.Join(names, ", "), rest)
	}
}
