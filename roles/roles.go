// Package roles holds role definitions as data and decides what they allow.
//
// It knows Azure's form of role definitions, Azure's limits on them, and the one role that this project exists for: the
// 35 actions that starting a batch job needs. It knows nothing of role assignments, of Pulumi, or of any network.
package roles

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// A Permission is one entry of a role definition's permissions: what is allowed, less what is not.
// Patterns are matched without regard to case, and `*` stands for any run of characters.
type Permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
	// Condition under which this permission allows anything; "" for none. Only Microsoft's own roles have one.
	Condition        string `json:"condition,omitempty"`
	ConditionVersion string `json:"conditionVersion,omitempty"`
}

// Permissions are the permissions of one role. The role allows what any of them allows.
type Permissions []Permission

// A Definition is a role definition: custom, or built into Azure.
type Definition struct {
	ID               string      // GUID; empty where Azure or the deployment has not named it yet
	RoleName         string      // unique in the tenant; at most 512 characters
	Description      string      // at most 2,048 characters
	AssignableScopes []string    // ARM IDs at or below which the role may be assigned
	Permissions      Permissions // at least one
	BuiltIn          bool        // made by Microsoft, assignable everywhere
}

var (
	//go:embed batch_endpoint_invoker.json
	invokerJSON []byte

	invoker = mustInvoker()
)

// Invoker returns the role that the article lists for invoking batch endpoints: its 35 actions, in its order, and
// nothing else. It has no assignable scopes: the deployment adds them.
func Invoker() Definition { return invoker.clone() }

// InvokerActions returns the article's 35 actions in its order.
func InvokerActions() []string { return slices.Clone(invoker.Permissions[0].Actions) }

// DefinitionID returns the ARM ID of a role definition by its GUID, in the form that needs no subscription.
func DefinitionID(guid string) string {
	return "/providers/Microsoft.Authorization/roleDefinitions/" + guid
}

func (d Definition) clone() Definition {
	d.AssignableScopes = slices.Clone(d.AssignableScopes)
	d.Permissions = slices.Clone(d.Permissions)
	for i, p := range d.Permissions {
		d.Permissions[i] = Permission{
			Actions: slices.Clone(p.Actions), NotActions: slices.Clone(p.NotActions),
			DataActions: slices.Clone(p.DataActions), NotDataActions: slices.Clone(p.NotDataActions),
			Condition: p.Condition, ConditionVersion: p.ConditionVersion,
		}
	}
	return d
}

// A document is a role definition as Resource Manager and the portal write it, with properties, or as the Azure CLI
// writes it, flat.
type document struct {
	properties
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Type       string      `json:"type"`
	Properties *properties `json:"properties"`
	// `az role definition create` also takes one permission, flat.
	Permission
	IsCustom bool `json:"isCustom"`
}

// properties are what defines a role, and what Azure adds to its answers.
type properties struct {
	RoleName         string      `json:"roleName"`
	Description      string      `json:"description"`
	AssignableScopes []string    `json:"assignableScopes"`
	Permissions      Permissions `json:"permissions"`
	answered
}

type answered struct {
	RoleType  string `json:"roleType"`
	Type      string `json:"type"`
	CreatedOn string `json:"createdOn"`
	UpdatedOn string `json:"updatedOn"`
	CreatedBy string `json:"createdBy"`
	UpdatedBy string `json:"updatedBy"`
}

func (doc document) definition() Definition {
	p := doc.properties
	if doc.Properties != nil {
		p = *doc.Properties
	}
	d := Definition{
		ID: doc.Name, RoleName: p.RoleName, Description: p.Description,
		AssignableScopes: p.AssignableScopes, Permissions: p.Permissions,
	}
	if d.RoleName == "" && doc.Properties == nil { // for `az role definition create` the name is the role's
		d.ID, d.RoleName = "", doc.Name
	}
	if one := doc.Permission; len(one.Actions)+len(one.NotActions)+len(one.DataActions)+len(one.NotDataActions) > 0 {
		d.Permissions = append(d.Permissions, one)
	}
	return d
}

// forms are the forms that Parse reads, for its errors.
const forms = "write it as the portal exports it, " +
	`{"properties": {"roleName", "description", "assignableScopes", "permissions"}}, ` +
	"or as `az role definition list --name <role> --query [0]` prints it"

// Parse reads a role definition in the form of Resource Manager and the portal:
//
//	{"properties": {"roleName": …, "description": …, "assignableScopes": […], "permissions": [{"actions": […], …}]}}
//
// or in one of the forms of the Azure CLI, which are flat. Keys that Azure adds to its answers (id, type, createdOn, …)
// are ignored. A key of no form is a problem, as is anything that Validate finds.
func Parse(data []byte) (Definition, problem.List) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	var doc document
	wrong := func(fix, what string, args ...any) (Definition, problem.List) {
		return Definition{}, problem.List{{What: "reading role definition: " + fmt.Sprintf(what, args...), Fix: fix}}
	}
	if err := dec.Decode(&doc); err != nil {
		return wrong(forms, "%v", err)
	}
	flat := doc.definition()
	switch {
	case dec.More():
		return wrong("keep one role a file", "more than one JSON value")
	case doc.Properties == nil && flat.RoleName == "" && len(flat.Permissions) == 0:
		return wrong(forms, `no "properties"`)
	case doc.Properties != nil && (doc.RoleName != "" || len(doc.Permissions)+len(doc.Actions)+len(doc.DataActions) > 0):
		return wrong("keep one of them", `"properties" and the flat form at once`)
	}
	return flat, flat.Validate()
}

func mustInvoker() Definition {
	var doc document
	if err := json.Unmarshal(invokerJSON, &doc); err != nil {
		panic("roles: batch_endpoint_invoker.json: " + err.Error())
	}
	return doc.definition()
}
