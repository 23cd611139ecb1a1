package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// whoIs adds a resource as a principal, if it is or has one.
func (x *estate) whoIs(s *engine.State) {
	id := x.keyOf(s)
	out := func(key string) string { return cmp.Or(text(s.Outputs[key]), text(s.Inputs[key])) }
	switch k := kind(s.Type); k {
	case "azuread:index/user:User":
		x.principal(ways.Principal{ID: id, Type: "User", Names: []string{cmp.Or(out("userPrincipalName"),
			out("displayName"), engine.ShownName(s.URN))}})
	case servicePrincipal:
		x.principal(ways.Principal{ID: id, Type: ways.ServicePrincipal, Names: []string{"service principal " +
			cmp.Or(out("displayName"), engine.NameOf(s.URN))}})
		a := ways.Application{Name: engine.NameOf(s.URN), AppID: out("clientId"), Principal: id,
			Owners: x.who(s, "owners", s.Inputs["owners"])}
		x.e.Applications = append(x.e.Applications, a)
	case group, "azuread:index/groupWithoutMembers:GroupWithoutMembers":
		g := x.group(id, "group "+cmp.Or(out("displayName"), engine.NameOf(s.URN)))
		g.Members = append(g.Members, x.who(s, "members", s.Inputs["members"])...)
		g.Owners = append(g.Owners, x.who(s, "owners", s.Inputs["owners"])...)
	case userAssignedIdentity:
		name := "managed identity " + named(x.ids[s.URN])
		x.principal(ways.Principal{ID: id, Type: ways.ServicePrincipal, Names: []string{name}})
		x.e.Identities = append(x.e.Identities, ways.Identity{Name: name, ID: x.ids[s.URN], Principal: id})
	default:
		if x.acts(s) {
			x.principal(ways.Principal{ID: id, Type: ways.ServicePrincipal,
				Names: []string{"identity of " + engine.NameOf(s.URN)}})
		}
	}
}

// somebody adds a principal of which only the ID is known, and the type if a role assignment says it.
func (x *estate) somebody(id, principalType string) {
	var typ string
	for _, known := range []string{"User", ways.ServicePrincipal} {
		if strings.EqualFold(principalType, known) {
			typ = known
		}
	}
	switch {
	case x.named[strings.ToLower(id)]:
		for _, n := range x.at[strings.ToLower(id)] {
			p := &x.e.Principals[n]
			p.Type = cmp.Or(p.Type, typ)
		}
	case strings.EqualFold(principalType, "Group"):
		x.outside(id)
	default:
		x.principal(ways.Principal{ID: id, Type: typ, Names: []string{x.known(id)}})
	}
}

// attachedTo returns the identities of a resource: its own, those that the preview shows, and others by their ARM IDs.
func (x *estate) attachedTo(s *engine.State) (all []string) {
	if x.acts(s) {
		all = append(all, x.keyOf(s))
	}
	identity := s.Inputs["identity"]
	hidden := 0
	for _, id := range guardrails.IdentityIDs(identity) {
		if !strings.HasPrefix(id, "/") {
			hidden++
			continue
		}
		all = append(all, x.identity(id))
	}
	if hidden == 0 {
		return all
	}
	found := 0
	for _, urn := range s.Dependencies["identity"] {
		state := x.index.state(urn, x.when)
		if state == nil || kind(state.Type) != userAssignedIdentity {
			continue
		}
		if key := x.keyOf(state); !slices.Contains(all, key) {
			found++
			all = append(all, key)
			x.whoIs(state) // it may be a component's
		}
	}
	if found < hidden {
		other := "identity of " + engine.NameOf(s.URN) + " that is not known yet"
		x.principal(ways.Principal{ID: s.URN + " later", Type: ways.ServicePrincipal, Names: []string{other},
			Elsewhere: "which identity it is is known only after the deployment"})
		all = append(all, s.URN+" later")
	}
	return all
}

// identity adds the user-assigned identity with an ARM ID, which may exist outside of the preview.
func (x *estate) identity(id string) string {
	for _, i := range x.e.Identities {
		if arm.Same(i.ID, id) {
			return i.Principal
		}
	}
	key := strings.ToLower(id)
	name := "managed identity " + named(id)
	x.principal(ways.Principal{ID: key, Type: ways.ServicePrincipal, Names: []string{name},
		Elsewhere: "what " + name + " holds is not known: " + notShown})
	x.e.Identities = append(x.e.Identities, ways.Identity{Name: name, ID: id, Principal: key})
	return key
}

// credential adds another way to sign in as an application or identity.
func (x *estate) credential(s *engine.State) {
	k := kind(s.Type)
	if !slices.Contains([]string{guardrails.Federation, guardrails.Password, guardrails.Certificate,
		"azuread:index/applicationOwner:ApplicationOwner"}, k) {
		return
	}
	x.plain = true
	of := x.signsInAs(s)
	n := slices.IndexFunc(x.e.Applications, func(a ways.Application) bool { return a.Principal == of })
	if n < 0 {
		x.somebody(of, "")
		n = len(x.e.Applications)
		x.e.Applications = append(x.e.Applications, ways.Application{Name: x.called(of), Principal: of})
	}
	a := &x.e.Applications[n]
	switch k {
	case guardrails.Federation:
		subject := text(s.Inputs["subject"])
		if ids := x.who(s, "subject", s.Inputs["subject"]); subject == "" && len(ids) == 1 {
			subject = ids[0]
		}
		a.Federated = append(a.Federated, ways.Federated{Issuer: text(s.Inputs["issuer"]), Subject: subject})
	case guardrails.Password, guardrails.Certificate:
		a.Secrets = append(a.Secrets, map[string]string{guardrails.Password: "client secret ",
			guardrails.Certificate: "certificate "}[k]+engine.NameOf(s.URN))
	default:
		owners := x.who(s, "ownerObjectId", s.Inputs["ownerObjectId"])
		for _, id := range owners {
			x.somebody(id, "")
		}
		a.Owners = append(a.Owners, owners...)
	}
}

// called returns the name of a principal.
func (x *estate) called(id string) string {
	for _, p := range x.e.Principals {
		if strings.EqualFold(p.ID, id) {
			return p.Names[0]
		}
	}
	return x.known(id)
}

// signsInAs returns the principal of a credential, by its source or by the ID in it.
func (x *estate) signsInAs(s *engine.State) string {
	target := text(s.Inputs[guardrails.Target])
	if target == "" {
		target = text(s.Inputs["applicationId"])
	}
	for _, property := range []string{"applicationId", "servicePrincipalId", "parentId", "userAssignedIdentityId",
		"resourceName"} {
		for _, urn := range s.Dependencies[property] {
			if other := x.index.state(urn, x.when); other != nil && (x.acts(other) || kind(other.Type) == application) {
				return x.principalOf(other)
			}
		}
	}
	for _, other := range x.states() {
		switch k := kind(other.Type); {
		case target == "":
		case k == userAssignedIdentity:
			id := x.ids[other.URN]
			if parsed, err := arm.Parse(id, arm.UserAssignedIdentity); arm.Same(id, target) ||
				err == nil && strings.EqualFold(parsed.ResourceGroup+"/"+parsed.Name, target) {
				return x.keyOf(other)
			}
		case (k == application || k == servicePrincipal) && slices.Contains([]string{lastSegment(other.ID),
			strings.ToLower(text(other.Outputs["clientId"])), strings.ToLower(text(other.Outputs["objectId"]))},
			lastSegment(target)):
			return x.principalOf(other)
		}
	}
	return cmp.Or(strings.ToLower(target), s.URN)
}

// principalOf returns the principal that acts as a resource; for an application, its service principal.
func (x *estate) principalOf(s *engine.State) string {
	if kind(s.Type) != application {
		return x.keyOf(s)
	}
	for _, other := range x.states() {
		client := text(s.Outputs["clientId"])
		if kind(other.Type) == servicePrincipal && (slices.Contains(slices.Concat(slices.Collect(maps.Values(
			other.Dependencies))...), s.URN) || client != "" && strings.EqualFold(text(other.Inputs["clientId"]), client)) {
			return x.keyOf(other)
		}
	}
	return x.keyOf(s)
}

// joined adds members of groups, and owners of applications.
func (x *estate) joined(s *engine.State) {
	switch kind(s.Type) {
	case groupMember:
		x.plain = true
		members := x.who(s, "memberObjectId", s.Inputs["memberObjectId"])
		for _, id := range x.who(s, "groupObjectId", s.Inputs["groupObjectId"]) {
			g := x.outside(id)
			g.Members = append(g.Members, members...)
		}
		for _, id := range members {
			x.somebody(id, "")
		}
	case group, "azuread:index/groupWithoutMembers:GroupWithoutMembers":
		for _, property := range []string{"members", "owners"} {
			for _, id := range x.who(s, property, s.Inputs[property]) {
				x.plain = true
				x.somebody(id, "")
			}
		}
	case application:
		owners := x.who(s, "owners", s.Inputs["owners"])
		of := x.principalOf(s)
		for i := range x.e.Applications {
			if a := &x.e.Applications[i]; a.Principal == of {
				a.Owners = append(a.Owners, owners...)
			}
		}
		for _, id := range owners {
			x.plain = true
			x.somebody(id, "")
		}
	}
}
