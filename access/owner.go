package access

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// maxOwner is how many characters an owner may have: it is shown in a table cell.
const maxOwner = 200

// An Owned is a part of the model with its owner, in free text; "" where the model does not say.
type Owned struct {
	Path  string `json:"path"` // path in the configuration, such as dataInputs.rows
	Owner string `json:"owner"`
	At    Scope  `json:"-"` // where its data lies; set by OwnedPlaces alone
}

// Owners returns every part of the model that may have an owner, by kind and name.
func (m Model) Owners() (all []Owned) {
	all = append(all, ownersOf("invokers", m.Invokers, func(i Invoker) string { return i.Owner })...)
	all = append(all, ownersOf("clusters", m.Clusters, func(c Cluster) string { return c.Owner })...)
	all = append(all, ownersOf("dataInputs", m.DataInputs, func(d DataInput) string { return d.Owner })...)
	all = append(all, ownersOf("dataOutputs", m.DataOutputs, func(d DataOutput) string { return d.Owner })...)
	return append(all, ownersOf("endpoints", m.Endpoints, func(e Endpoint) string { return e.Owner })...)
}

func ownersOf[V any](path string, parts map[string]V, owner func(V) string) (all []Owned) {
	for _, name := range sorted(parts) {
		all = append(all, Owned{Path: path + "." + name, Owner: owner(parts[name])})
	}
	return all
}

// OwnedPlaces returns the data inputs and outputs whose owner and storage account the model gives.
func (m Model) OwnedPlaces() (all []Owned) {
	add := func(path string, d DataInput, owner string) {
		if owner != "" && d.StorageAccount != "" {
			all = append(all, Owned{path, owner, storageScope(d.StorageAccount, d.Container, "")})
		}
	}
	for _, name := range sorted(m.DataInputs) {
		add("dataInputs."+name, m.DataInputs[name], m.DataInputs[name].Owner)
	}
	for _, name := range sorted(m.DataOutputs) {
		add("dataOutputs."+name, m.DataOutputs[name].data(), m.DataOutputs[name].Owner)
	}
	return all
}

// OwnerOf returns the owner of a principal of the model; "" where the model does not say.
func (m Model) OwnerOf(p Principal) string {
	if p.IsCluster() {
		return m.Clusters[p.Name].Owner
	}
	return m.Invokers[p.Name].Owner
}

// dataOwner returns the owner of the data of a need; "" for none.
func (m Model) dataOwner(n Need) string {
	if n.output {
		return m.DataOutputs[n.Data].Owner
	}
	return m.DataInputs[n.Data].Owner
}

// ownedBy sets the owners of the plan's grants. An identity with several names has the owners of all.
func (p *Plan) ownedBy() {
	names := map[Principal][]Principal{}
	for _, i := range p.Identities {
		names[i.Names[0]] = i.Names
	}
	for i, g := range p.Grants {
		var owners []string
		for _, name := range names[g.Principal] {
			if owner := p.Model.OwnerOf(name); owner != "" && !slices.Contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
		p.Grants[i].Owner = strings.Join(owners, ", ")
	}
}

// owners refuses owners with hidden characters or more than one line.
func (v *validator) owners() {
	for _, o := range v.m.Owners() {
		at, fix := o.Path+".owner", "write who answers for it in one line, such as a team's name or mail, or leave it out"
		n := utf8.RuneCountInString(o.Owner)
		switch {
		case o.Owner == "":
		case strings.TrimSpace(o.Owner) == "":
			v.add(at, fix, "is blank")
		case strings.ContainsFunc(o.Owner, visible.Hidden) || !utf8.ValidString(o.Owner):
			v.add(at, fix, "holds line ends or characters that are not shown: %q", fmt.Sprintf("%.60s", o.Owner))
		case n > maxOwner:
			v.add(at, fix, "has %d characters, of which at most %d are allowed", n, maxOwner)
		}
	}
}

// Owners returns one line with the owners of the grant's principal and of its data; "" where the model does not say.
func (g Grant) Owners() string {
	var all []string
	if g.Owner != "" {
		all = append(all, g.Owner)
	}
	if len(g.DataOwners) > 0 {
		all = append(all, "data: "+strings.Join(g.DataOwners, ", "))
	}
	return strings.Join(all, "; ")
}
