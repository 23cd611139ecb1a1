package review

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
)

// peopleOf finds the names for people of principals, by ID, wherever the preview shows the principal itself: what it
// makes, changes, leaves or only reads.
func peopleOf(p engine.Preview) map[string]string {
	people := map[string]string{}
	for _, s := range p.Steps {
		for _, state := range []*engine.State{s.Old, s.New} {
			if state == nil {
				continue
			}
			for id, name := range principalsOf(s.URN, state) {
				people[id] = engine.Clip(name)
			}
		}
	}
	return people
}

// principalsOf returns the principals that a resource is or has, by ID, with their names for people.
func principalsOf(urn string, state *engine.State) map[string]string {
	found := map[string]string{}
	out := func(key string) string { return cmp.Or(text(state.Outputs[key]), text(state.Inputs[key])) }
	add := func(id string, names ...string) {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
		if id != "" && len(names) > 0 {
			found[strings.ToLower(id)] = strings.Join(slices.Compact(names), ", ")
		}
	}
	of := func(word, name string) string {
		if name == "" {
			return ""
		}
		return word + " " + name
	}
	// The azuread provider's IDs are object IDs, some after a word: /applications/<id>.
	objectID := cmp.Or(text(state.Outputs["objectId"]), lastSegment(state.ID))
	switch k := kind(engine.TypeOf(urn)); {
	case k == "azuread:index/user:User":
		add(objectID, out("displayName"), out("userPrincipalName"), out("mail"))
	case k == "azuread:index/invitation:Invitation":
		add(text(state.Outputs["userId"]), "guest", out("userDisplayName"), out("userEmailAddress"))
	case k == group || k == "azuread:index/groupWithoutMembers:GroupWithoutMembers":
		add(objectID, of("group", out("displayName")), out("mail"))
	case k == application || k == "azuread:index/applicationRegistration:ApplicationRegistration":
		client := text(state.Outputs["clientId"])
		add(objectID, of("application", out("displayName")), of("client ID", client))
		add(client, of("application", out("displayName")))
	case k == servicePrincipal:
		client := out("clientId")
		add(objectID, out("displayName"), of("application", client))
		add(client, of("application", out("displayName")))
	case k == userAssignedIdentity:
		name := cmp.Or(out("resourceName"), out("name"))
		add(text(state.Outputs["principalId"]), of("managed identity", name))
		add(text(state.Outputs["clientId"]), of("managed identity", name))
	}
	// Any resource of Azure may have identities.
	identity, is := state.Outputs["identity"].(map[string]any)
	if !is {
		return found
	}
	add(text(identity["principalId"]), "identity of "+cmp.Or(text(state.Inputs["computeName"]), engine.NameOf(urn)))
	assigned, _ := identity["userAssignedIdentities"].(map[string]any)
	for id, of := range assigned {
		if of, is := of.(map[string]any); is {
			add(text(of["principalId"]), "managed identity "+lastPart(id))
		}
	}
	return found
}

var guid = regexp.MustCompile(`\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`)

// named adds, after each ID in a text, the principal's name for people.
func (m *maker) named(s string) string {
	return guid.ReplaceAllStringFunc(s, func(id string) string {
		if known := m.index.people[strings.ToLower(id)]; known != "" {
			return id + " (" + known + ")"
		}
		return id
	})
}

// knownAs returns an invoker's name for people: name, mail, application.
func knownAs(i access.Invoker) string {
	var parts []string
	for _, part := range []string{i.DisplayName, i.UserPrincipalName, i.Mail} {
		if part != "" {
			parts = append(parts, engine.Clip(part))
		}
	}
	if client := i.ClientID.Text(); client != "" {
		parts = append(parts, "application "+engine.Clip(client))
	}
	if i.ResourceID != "" {
		parts = append(parts, engine.Clip(lastPart(i.ResourceID)))
	}
	return strings.Join(parts, ", ")
}

// introduce sets a principal's name for people.
func (m *maker) introduce(p *Principal) {
	if p.Known == "" && p.ID != "" {
		p.Known = m.index.people[strings.ToLower(p.ID)]
	}
}
