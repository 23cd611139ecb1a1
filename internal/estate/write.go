package estate

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

func definition(d roles.Definition) string {
	text, err := json.Marshal(map[string]any{
		"roleName": d.RoleName, "description": d.Description, "assignableScopes": d.AssignableScopes,
		"permissions": d.Permissions,
	})
	if err != nil {
		panic(err) // text and lists of text
	}
	return `{"properties":` + string(text) + "}"
}

var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*[A-Za-z0-9-]*$`)

// word writes a text so that YAML reads it back.
func word(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(s)
	}
	if plainWord.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

func words(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, word(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// YAML returns the stack file. project is the name of the Pulumi project, environment is the cloud's, "" for public
// Azure.
func (s *Stack) YAML(project, environment string) []byte {
	var y strings.Builder
	line := func(text string, args ...any) { fmt.Fprintf(&y, text+"\n", args...) }
	key := func(name string) string { return "  " + project + ":" + name + ":" }
	comments := func(title string, lines []string) {
		if len(lines) > 0 {
			line("#\n# %s", title)
		}
		for _, text := range lines {
			line("# - %s", visible.Text(text))
		}
	}
	m := s.Model
	line("# What Azure has of workspace %s. Next: batchaccess adopt --yes.", m.WorkspaceID.Text())
	comments("Not in Azure, so pulumi up would make it:", s.Missing)
	comments("To tighten: granted in Azure, and not kept by this stack. Take it away where nobody needs it:", s.NotKept)
	comments("Not in this stack:", s.Left)
	line("config:")
	line("%s %s", key("workspaceId"), word(m.WorkspaceID.Text()))
	line("%s %s", key("location"), word(s.Location))
	if environment != "" {
		line("%s %s", key("environment"), word(environment))
	}
	line("%s", key("role"))
	if m.Role.Scope != access.AtWorkspace {
		line("    scope: %s", m.Role.Scope)
	}
	if m.Role.BuiltIn != "" {
		line("    builtIn: %s", word(m.Role.BuiltIn))
	} else {
		line("    roleDefinitionId: %s", word(m.Role.RoleDefinitionID.Text()))
		line("    definition: '%s'", strings.ReplaceAll(m.Role.Definition, "'", "''"))
	}
	line("%s", key("invokers"))
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		i := m.Invokers[name]
		line("    %s: { kind: %s, %s: %s }", word(name), i.Kind, i.Kind.IDKey(), word(i.PrincipalID.Text()))
	}
	section(line, key("clusters"), m.Clusters, func(c access.Cluster) string {
		return "{ existing: true, principalId: " + word(c.PrincipalID.Text()) + " }"
	})
	section(line, key("storageAccounts"), m.StorageAccounts, func(id access.ID) string { return word(id.Text()) })
	section(line, key("dataInputs"), m.DataInputs, func(d access.DataInput) string {
		scope := ""
		if d.Scope != "" {
			scope = ", scope: " + string(d.Scope)
		}
		return fmt.Sprintf("{ kind: %s, storageAccount: %s, container: %s%s }", d.Kind, word(d.StorageAccount),
			word(d.Container), scope)
	})
	section(line, key("endpoints"), m.Endpoints, func(e access.Endpoint) string {
		on := "cluster: " + word(e.Cluster)
		if len(e.Deployments) > 0 {
			var all []string
			for _, name := range slices.Sorted(maps.Keys(e.Deployments)) {
				all = append(all, word(name)+": { cluster: "+word(e.Deployments[name].Cluster)+" }")
			}
			on = "deployments: { " + strings.Join(all, ", ") + " }"
		}
		return fmt.Sprintf("{ %s, inputs: %s, invokers: %s }", on, words(e.Inputs), words(e.Invokers))
	})
	section(line, key("assignmentNames"), s.Names, word)
	return []byte(y.String())
}

func section[V any](line func(string, ...any), key string, all map[string]V, of func(V) string) {
	if len(all) > 0 {
		line("%s", key)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		line("    %s: %s", word(name), of(all[name]))
	}
}
