package guardrails

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// PermissionsOf reads the permissions out of a role definition's inputs. It is not ok if any of them is not known.
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
		for key, into := range map[string]*[]string{
			"actions": &p.Actions, "notActions": &p.NotActions, "dataActions": &p.DataActions, "notDataActions": &p.NotDataActions,
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
	p.undecided("permissions", "look again where they are known: at the deployment", "can't be judged: not all of them are known")
}

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
		}
	}
	for _, a := range grantsAccess {
		switch {
		case ps.Allows(a):
			p.find("permissions", "take the action out; assign a separate, watched role to whoever gives access", "allows %s, which grants access", a.Name)
		case ps.MayAllow(a):
			p.undecided("permissions", "list the actions that the wildcard stands for",
				"may allow %s, which grants access: %s", a.Name, ps.Decide(a).Undecided)
		}
	}
}

// assigned is the built-in role that an assignment gives.
func assigned(r Resource) (roles.Definition, bool) {
	if r.Kind() != RoleAssignment {
		return roles.Definition{}, false
	}
	id, _ := r.Inputs["roleDefinitionId"].(string) // a role made by the same stack is judged by its definition
	return roles.BuiltIn(id[strings.LastIndex(id, "/")+1:])
}

func privilegedRole(r Resource, c Config, p *report) {
	d, ok := assigned(r)
	if ok && !c.allowsRole(d) && slices.ContainsFunc(grantsAccess, d.Permissions.MayAllow) {
		p.find("roleDefinitionId", "assign a role without that, or allow the role in allowedRoles", "assigns %s, which grants access", d.RoleName)
	}
}

const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"

func storageRole(r Resource, c Config, p *report) {
	d, ok := assigned(r)
	if !ok || c.allowsRole(d) || r.MadeBy(StorageReader) && d.RoleName == roles.StorageBlobDataContributor {
		return
	}
	for _, verb := range []string{"write", "delete", "add/action", "move/action"} {
		if d.Permissions.MayAllow(roles.Action{Name: blobs + verb, Data: true}) {
			p.find("roleDefinitionId", "assign "+roles.StorageBlobDataReader+", set `write` on a StorageReader, or allow the role in allowedRoles", "assigns %s, which allows %s", d.RoleName, blobs+verb)
			return
		}
	}
}

// invokerRoleBreadth judges by effect: by what the role allows that the 35 actions and the additions do not.
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
		d, err := roles.Parse([]byte(text))
		if err != nil {
			p.undecided("roleDefinitionId", "give the role's JSON as definition beside it", "can't be judged: it is not known here what the role allows")
			return
		}
		ps, what = d.Permissions, d.RoleName
	default:
		return
	}
	narrow, _ := roles.Invoker().With(c.InvokerAdditions...)
	if more := ps.Beyond(narrow.Permissions); len(more) > 0 {
		names := make([]string, 0, len(more))
		for _, a := range more[:min(3, len(more))] {
			names = append(names, a.String())
		}
		rest := map[bool]string{true: ", …"}[len(more) > len(names)]
		p.find("permissions", "keep to the documented actions and ask for more by name (role.additions), or allow it", "%s allows more than starting a job takes: %s%s", what, strings.Join(names, ", "), rest)
	}
}
