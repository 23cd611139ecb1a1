// Package role has Azure's roles, from the fact sheets and the article alone: the 35 actions that invoking needs, the
// built-in roles, what a role allows, and the rules for a custom role. It knows nothing of the project's own packages,
// so that it does not repeat a mistake of theirs.
package role

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the data
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Permission is one entry of a role's permissions: allowed actions, minus excluded ones. A condition applies to its
// entry alone (facts/built-in-roles.md).
type Permission struct {
	Actions          []string `json:"actions"`
	NotActions       []string `json:"notActions"`
	DataActions      []string `json:"dataActions"`
	NotDataActions   []string `json:"notDataActions"`
	Condition        string   `json:"condition,omitempty"`
	ConditionVersion string   `json:"conditionVersion,omitempty"`
}

// Definition is a role. ID is its GUID.
type Definition struct {
	ID, RoleName, Description string
	AssignableScopes          []string
	Permissions               []Permission
	BuiltIn                   bool
}

var (
	// seedText has the actions of seed/authorization-on-batch-endpoints.txt, one a line, in its order.
	//go:embed seed_actions.txt
	seedText string
	// builtInData is facts/built-in-roles.json, compressed: Azure's own list of 2026-08-22.
	//go:embed built_in_roles.json.gz
	builtInData []byte
)

// SeedActions are the 35 actions that the article wants granted to whoever invokes, in its order.
func SeedActions() []string { return strings.Fields(seedText) }

// catalogue is the built-in roles with indexes.
type catalogue struct {
	roles  []Definition
	byName map[string]int
	// control has the known actions, data the known actions on data: Azure does not accept one for the other.
	control, data vocabulary
}

// vocabulary has what roles name, in lower case: actions without a wildcard, patterns with one, and the namespaces of
// both.
type vocabulary struct{ actions, patterns, namespaces map[string]bool }

func newVocabulary() vocabulary {
	return vocabulary{map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

// builtIns is read on first use: most programs that start a sandbox need a role, but those that only sign in do not.
var builtIns = sync.OnceValue(func() catalogue {
	c, err := readCatalogue(rows())
	if err != nil {
		panic(fmt.Sprintf("the embedded built-in roles: %v", err))
	}
	return c
})

// rows is the list as text, one role a line: enough to find one role.
var rows = sync.OnceValue(func() []byte {
	text, err := gzip.NewReader(bytes.NewReader(builtInData))
	if err != nil {
		panic(fmt.Sprintf("the embedded built-in roles: %v", err))
	}
	all, err := io.ReadAll(text)
	if err != nil {
		panic(fmt.Sprintf("the embedded built-in roles: %v", err))
	}
	return all
})

// row is a role as it is in the list.
type row struct {
	ID, Name    string
	Permissions []Permission
}

func (r row) definition() Definition {
	return Definition{
		ID: strings.ToLower(r.ID), RoleName: r.Name, BuiltIn: true, AssignableScopes: []string{"/"},
		Permissions: r.Permissions,
	}
}

func readCatalogue(text []byte) (catalogue, error) {
	c := catalogue{byName: map[string]int{}, control: newVocabulary(), data: newVocabulary()}
	var all []row
	if err := json.Unmarshal(text, &all); err != nil {
		return c, fmt.Errorf("reading them: %w", err)
	}
	for i, r := range all {
		c.roles = append(c.roles, r.definition())
		c.byName[strings.ToLower(r.Name)] = i
		for _, p := range r.Permissions {
			c.control.note(slices.Concat(p.Actions, p.NotActions))
			c.data.note(slices.Concat(p.DataActions, p.NotDataActions))
		}
	}
	c.control.note(SeedActions())
	c.control.note(otherActions)
	return c, nil
}

// otherActions exist although neither the article nor a built-in role names them without a wildcard (azure-facts.md).
var otherActions = []string{
	"Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/read",
	"Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs/read",
	"Microsoft.MachineLearningServices/workspaces/jobs/read",
	// Named in facts/grants-access.md, Machine learning and neighbours. Each is the PUT of a resource
	// (Azure/azure-rest-api-specs, Microsoft.MachineLearningServices 2024-10-01).
	"Microsoft.MachineLearningServices/workspaces/jobs/write",
	"Microsoft.MachineLearningServices/workspaces/schedules/write",
	"Microsoft.MachineLearningServices/workspaces/components/versions/write",
	"Microsoft.MachineLearningServices/workspaces/environments/versions/write",
	"Microsoft.MachineLearningServices/workspaces/models/versions/write",
	"Microsoft.MachineLearningServices/workspaces/codes/versions/write",
	"Microsoft.MachineLearningServices/workspaces/jobs/cancel/action",
	"Microsoft.MachineLearningServices/workspaces/data/versions/read",
	"Microsoft.MachineLearningServices/workspaces/models/versions/read",
	"Microsoft.MachineLearningServices/workspaces/environments/versions/read",
	"Microsoft.MachineLearningServices/registries/assets/read",
	"Microsoft.Authorization/roleAssignments/write",
	"Microsoft.Authorization/roleAssignments/delete",
	"Microsoft.Authorization/roleDefinitions/write",
	"Microsoft.Authorization/roleDefinitions/delete",
	"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
	"Microsoft.ManagedIdentity/userAssignedIdentities/write",
	"Microsoft.ManagedIdentity/userAssignedIdentities/delete",
	"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
	"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
	"Microsoft.MachineLearningServices/workspaces/computes/write",
	"Microsoft.MachineLearningServices/workspaces/computes/delete",
}

func (v vocabulary) note(entries []string) {
	for _, entry := range entries {
		entry = strings.ToLower(entry)
		if strings.Contains(entry, "*") {
			v.patterns[entry] = true
		} else {
			v.actions[entry] = true
		}
		namespace, _, _ := strings.Cut(entry, "/")
		v.namespaces[namespace] = true
	}
}

// BuiltIns are Azure's built-in roles, by name. The slice is shared: do not change it.
func BuiltIns() []Definition { return builtIns().roles }

// found has the roles that BuiltIn has read, by GUID.
var found sync.Map

// BuiltIn finds a built-in role by its GUID. It reads only that one.
func BuiltIn(id string) (Definition, bool) {
	id = strings.ToLower(id)
	if d, ok := found.Load(id); ok {
		return d.(Definition), true
	}
	if uuid.Validate(id) != nil || len(id) != guidLength {
		return Definition{}, false
	}
	at := bytes.Index(rows(), []byte(`{"id":"`+id+`",`))
	if at < 0 {
		return Definition{}, false
	}
	line, _, _ := bytes.Cut(rows()[at:], []byte("\n"))
	var r row
	if err := json.Unmarshal(bytes.TrimSuffix(line, []byte(",")), &r); err != nil {
		panic(fmt.Sprintf("the embedded built-in role %s: %v", id, err))
	}
	found.Store(id, r.definition())
	return r.definition(), true
}

const guidLength = 36

// BuiltInNamed finds a built-in role by its name.
func BuiltInNamed(name string) (Definition, bool) {
	i, ok := builtIns().byName[strings.ToLower(name)]
	if !ok {
		return Definition{}, false
	}
	return builtIns().roles[i], true
}
