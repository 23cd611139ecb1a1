package review

import (
	"cmp"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// peopleOf finds what people know principals by, where the preview shows the principal itself.
func peopleOf(p engine.Preview) map[string]string {
	people := map[string]string{}
	for _, s := range p.Steps {
		for _, state := range []*engine.State{s.Old, s.New} {
			if state == nil {
				continue
			}
			out := func(key string) string { return cmp.Or(text(state.Outputs[key]), text(state.Inputs[key])) }
			id, name := text(state.Outputs["objectId"]), ""
			switch kind(engine.TypeOf(s.URN)) {
			case "azuread:index/user:User":
				name = out("userPrincipalName")
			case group:
				name = out("displayName")
			case servicePrincipal:
				name = out("displayName")
				if client := out("clientId"); client != "" {
					name = strings.TrimPrefix(name+", application "+client, ", ")
				}
			case userAssignedIdentity:
				id, name = text(state.Outputs["principalId"]), cmp.Or(out("resourceName"), out("name"))
			case guardrails.Compute:
				if identity, is := state.Outputs["identity"].(map[string]any); is {
					id, name = text(identity["principalId"]), "identity of "+cmp.Or(text(state.Inputs["computeName"]), engine.NameOf(s.URN))
				}
			}
			if id != "" && name != "" {
				people[strings.ToLower(id)] = engine.Clip(name)
			}
		}
	}
	return people
}

// knownAs is what an invoker of a model is known by: name, mail, application.
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

// introduce gives a principal what people know it by.
func (m *maker) introduce(p *Principal) {
	if p.Known == "" && p.ID != "" {
		p.Known = m.index.people[strings.ToLower(p.ID)]
	}
}
