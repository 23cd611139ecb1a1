// Package roles holds role definitions as data and decides what they allow.
//
// It knows Azure's role-definition form, Azure's limits on it, and the one role this
// project exists for: the 35 actions that starting a batch job takes. It knows nothing of
// who is assigned a role, of Pulumi, or of any network.
package roles

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Permission is one entry of a role definition's permissions: what is allowed, less what is not.
// Patterns are matched without regard to case, and `*` stands for any run of characters.
type Permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
	// Condition under which this permission, and none beside it, acts; "" for none. Only Microsoft's own roles have any.
	Condition        string `json:"condition,omitempty"`
	ConditionVersion string `json:"conditionVersion,omitempty"`
}

// Permissions are the permissions of one role; what any of them allows, the role allows.
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

// Invoker returns the role that the seed lists for invoking batch endpoints: its 35 actions, in its order,
// and nothing else. It has no assignable scopes yet: the deployment gives it those.
func Invoker() Definition { return invoker.clone() }

// InvokerActions returns the seed's 35 actions in its order.
func InvokerActions() []string { return slices.Clone(invoker.Permissions[0].Actions) }

// DefinitionID is the ARM ID of a role definition by its GUID, in the form that needs no subscription.
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

// document is a role definition as Resource Manager and the portal write it.
type document struct {
	Name       string `json:"name,omitempty"`
	Properties *struct {
		RoleName         string      `json:"roleName"`
		Description      string      `json:"description"`
		AssignableScopes []string    `json:"assignableScopes"`
		Permissions      Permissions `json:"permissions"`
	} `json:"properties"`
}

func (doc document) definition() Definition {
	p := doc.Properties
	return Definition{
		ID: doc.Name, RoleName: p.RoleName, Description: p.Description,
		AssignableScopes: p.AssignableScopes, Permissions: p.Permissions,
	}
}

// Parse reads a role definition in the form of Resource Manager and the portal:
//
//	{"properties": {"roleName": …, "description": …, "assignableScopes": […], "permissions": [{"actions": […], …}]}}
//
// A key that the form does not have is an error, as is anything that Validate finds.
func Parse(data []byte) (Definition, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	var doc document
	if err := dec.Decode(&doc); err != nil {
		return Definition{}, fmt.Errorf(`reading role definition: %w (expected {"properties": {"roleName", "description", "assignableScopes", "permissions"}}, as the portal exports it)`, err)
	}
	if dec.More() {
		return Definition{}, errors.New("reading role definition: more than one JSON value; keep one role a file")
	}
	if doc.Properties == nil {
		return Definition{}, errors.New(`reading role definition: no "properties"; write the role in the form that the portal exports`)
	}
	d := doc.definition()
	return d, d.Validate()
}

func mustInvoker() Definition {
	var doc document
	if err := json.Unmarshal(invokerJSON, &doc); err != nil {
		panic("roles: batch_endpoint_invoker.json: " + err.Error())
	}
	return doc.definition()
}
