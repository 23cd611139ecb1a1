package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// The hops of a Way that no job takes.
const (
	SecretHop   HopKind = "secret"   // takes a key, SAS or token
	CodeHop     HopKind = "code"     // changes what runs, and so acts as who runs it
	IdentityHop HopKind = "identity" // attaches an identity, or signs in as it
	GrantHop    HopKind = "grant"    // gives itself, or others, more
	DataHop     HopKind = "data"     // points what a name stands for elsewhere
)

// A Way is an indirect one: by it somebody reaches what no job of theirs and no grant of their own gives them. Whoever
// has several ways to one thing is shown the one with the fewest undecided hops, and of those the shortest. What the
// model does not name, such as other clusters of the workspace, is on no way.
type Way struct {
	Who []string `json:"who"` // invokers, and cluster:<name> for the code that runs as a cluster identity
	// Input is the data input that it ends at; "" where it ends at what its last hop takes.
	Input string `json:"input,omitempty"`
	Hops  []Hop  `json:"hops"`
}

// Undecided reports whether it can't be told if the way is open.
func (w Way) Undecided() bool {
	return slices.ContainsFunc(w.Hops, func(h Hop) bool { return h.Undecided })
}

// String is the way in one line.
func (w Way) String() string { return strings.Join(w.Who, ", ") + " " + w.how() }

// how is the way without who goes it.
func (w Way) how() string {
	var out strings.Builder
	out.WriteString(map[bool]string{true: "may ", false: "can "}[w.Undecided()])
	if w.Input != "" {
		fmt.Fprintf(&out, "read %s as %s", w.Input, w.Hops[len(w.Hops)-1].Identity)
	} else {
		fmt.Fprintf(&out, "reach %s", w.Hops[len(w.Hops)-1].Needs)
	}
	for i, h := range w.Hops {
		if h.Kind == ReadHop {
			break
		}
		out.WriteString(map[bool]string{true: ", by ", false: ", then "}[i == 0] + h.GivenBy)
	}
	for _, h := range w.Hops {
		if h.Undecided {
			out.WriteString("; undecided: " + h.Missing)
		}
	}
	return out.String()
}

// Ways returns every indirect way of the invokers and cluster identities, by what it ends at.
func (p *Plan) Ways() []Way {
	c := checker{explainer: newExplainer(p, p.Grants)}
	classes := map[string]*class{}
	var order []*class
	for _, of := range c.everybody() {
		key := c.classOf(of)
		if classes[key] == nil {
			classes[key] = &class{first: of}
			order = append(order, classes[key])
		}
		classes[key].members = append(classes[key].members, of)
	}
	var all []Way
	for _, of := range order {
		all = append(all, c.waysOf(*of)...)
	}
	slices.SortStableFunc(all, func(a, b Way) int { return cmp.Compare(a.Input, b.Input) })
	return all
}

// asserted is the principal as assertions name it.
func (p Principal) asserted() string {
	if p.IsCluster() {
		return clusterPrefix + p.Name
	}
	return p.Name
}

func shortAction(name string) string {
	return strings.TrimPrefix(name, "Microsoft.MachineLearningServices/workspaces/")
}

// Readers are those who read each data input by themselves, by its name: an invoker by a job, a grant or an ACL, the
// code of a cluster as its identity.
func (p *Plan) Readers() map[string][]string {
	c := checker{explainer: newExplainer(p, p.Grants)}
	all := map[string][]string{}
	for _, input := range sorted(p.Model.DataInputs) {
		for _, of := range c.everybody() {
			if _, able := c.reaches(of, input); able {
				all[input] = append(all[input], of.asserted())
			}
		}
	}
	return all
}

// A class are those who go the same indirect ways: what they are granted outside of storage is the same.
type class struct {
	first   Principal
	members []Principal
}

func (c checker) everybody() (all []Principal) {
	for _, name := range c.Model.Acting() {
		all = append(all, InvokerPrincipal(name))
	}
	for _, name := range sorted(c.Model.Clusters) {
		if _, acts := c.identity[ClusterPrincipal(name)]; acts {
			all = append(all, ClusterPrincipal(name))
		}
	}
	return all
}

func (c checker) classOf(p Principal) string {
	var key []string
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			if !g.Scope.InStorage() {
				key = append(key, g.Role+" "+g.Scope.String()+c.through(p, holder))
			}
		}
	}
	if own := c.identity[p]; own.IsCluster() || len(key) == 0 {
		key = append(key, own.String()) // an identity leads to others, and not to itself
	}
	slices.Sort(key)
	return strings.Join(key, "\n")
}

// A stage is what somebody has on the way: an identity to act as, the key of a storage account, or the credential of
// an input's data store.
type stage struct {
	as             Principal
	account, store string
}

// A step leads to stages, or, where it has none, to what its hop takes.
type step struct {
	hop Hop
	to  []stage
}

func (c checker) waysOf(of class) (all []Way) {
	start := stage{as: c.identity[of.first]}
	hops := map[stage][]Hop{start: {}}
	order := []stage{start}
	steps := map[stage][]step{}
	for _, undecided := range []bool{false, true} {
		for i := 0; i < len(order); i++ {
			from := order[i]
			if steps[from] == nil {
				steps[from] = c.steps(from)
			}
			for _, s := range steps[from] {
				if from == start && len(of.members) > 1 {
					s.hop.Identity = "each of them"
				}
				if s.hop.Undecided && !undecided {
					continue
				}
				for _, to := range s.to {
					if _, there := hops[to]; !there {
						hops[to] = append(slices.Clip(hops[from]), s.hop)
						order = append(order, to)
					}
				}
			}
		}
	}
	var who []string
	for _, p := range of.members {
		who = append(who, p.asserted())
	}
	ended := map[string]bool{}
	for _, from := range order {
		for _, s := range steps[from] {
			if what := string(s.hop.Kind) + s.hop.Needs; len(s.to) == 0 && !ended[what] {
				ended[what] = true
				all = append(all, Way{Who: who, Hops: append(slices.Clip(hops[from]), s.hop)})
			}
		}
	}
	for _, input := range sorted(c.Model.DataInputs) {
		if c.Model.DataInputs[input].Mechanism() == ByAnyone {
			continue
		}
		var without []string
		for _, p := range of.members {
			if _, able := c.reaches(p, input); !able {
				without = append(without, p.asserted())
			}
		}
		for _, from := range order[1:] {
			if hop := c.ends(from, input); hop != nil && len(without) > 0 {
				all = append(all, Way{Who: without, Input: input, Hops: append(slices.Clip(hops[from]), *hop)})
				break
			}
		}
	}
	return all
}

// ends is the hop by which a stage reads an input; nil if it does not.
func (c checker) ends(at stage, input string) *Hop {
	d := c.Model.DataInputs[input]
	switch {
	case at.store == input:
		return &Hop{Kind: ReadHop, Identity: "the credential of its data store", Needs: "the credential", GivenBy: "it"}
	case at.account != "" && at.account == d.StorageAccount:
		return &Hop{Kind: ReadHop, Identity: "the key of " + at.account, Needs: "the key", GivenBy: "it"}
	case at.as == Principal{}:
		return nil
	}
	by, able := c.reaches(at.as, input)
	if !able {
		return nil
	}
	hop := &Hop{Kind: ReadHop, Identity: at.as.String(), Needs: "to read " + input, GivenBy: by}
	if !c.Model.Role.Told() && c.roleCovers(d.StorageAccount) {
		hop.Undecided, hop.Missing = true, notTold
	}
	return hop
}

// steps are where a stage leads, the decided ones first.
func (c checker) steps(from stage) (all []step) {
	switch {
	case from.store != "":
		d := c.Model.DataInputs[from.store]
		if d.StorageAccount == "" {
			return nil
		}
		return []step{{Hop{Kind: SecretHop, Identity: "the credential of " + from.store, Needs: "it to be a key",
			GivenBy: "the store's credential", Undecided: true,
			Missing: "a key opens all of " + d.StorageAccount + ", a SAS what it says; which of them the store holds is " +
				"not known here"}, []stage{{account: d.StorageAccount}}}}
	case from.account != "":
		return nil
	}
	for _, l := range c.leadings(from.as) {
		kind, to := c.targets(l.Lead, from.as)
		l.hop.Kind = kind
		if l.Lead == roles.ToWorkspaceStorage {
			l.hop.Undecided = true
			l.hop.Missing = cmp.Or(l.hop.Missing, "which account is the workspace's own is not known here")
		}
		switch l.Lead {
		case roles.ToGrants, roles.ToSecrets, roles.ToData: // they are worth something by themselves
			end := l.hop
			end.Needs = string(l.Lead)
			all = append(all, step{hop: end})
		}
		if to != nil {
			all = append(all, step{l.hop, to})
		}
		if l.Lead == roles.ToIdentities {
			if _, unsure := c.attachable(from.as); unsure != nil {
				l.hop.Undecided, l.hop.Missing = true, cmp.Or(l.hop.Missing, "where the identity lies is not known here")
				all = append(all, step{l.hop, unsure})
			}
		}
	}
	return all
}

// targets are the stages that a lead opens to an identity.
func (c checker) targets(lead roles.Lead, of Principal) (kind HopKind, all []stage) {
	m := c.Model
	clusters := func() (all []stage) {
		for _, name := range sorted(m.Clusters) {
			if own, acts := c.identity[ClusterPrincipal(name)]; acts && own != of {
				all = append(all, stage{as: own})
			}
		}
		return all
	}
	accounts := func() (all []stage) {
		for _, name := range sorted(m.StorageAccounts) {
			if c.roleCovers(name) {
				all = append(all, stage{account: name})
			}
		}
		return all
	}
	switch lead {
	case roles.ToClusters:
		return CodeHop, clusters()
	case roles.ToWorkspaceStorage:
		return SecretHop, clusters()
	case roles.ToAccounts:
		return SecretHop, accounts()
	case roles.ToStores:
		for _, input := range sorted(m.DataInputs) {
			if m.DataInputs[input].Mechanism() == ByStoreCredential {
				all = append(all, stage{store: input})
			}
		}
		return SecretHop, all
	case roles.ToIdentities:
		sure, _ := c.attachable(of)
		return IdentityHop, sure
	case roles.ToGrants:
		return GrantHop, append(clusters(), accounts()...)
	case roles.ToData:
		return DataHop, nil
	default:
		return SecretHop, nil
	}
}

// attachable are the user-assigned identities that the invokers' role reaches: whoever may attach one, or give it a
// federated credential, acts as it. Unsure are those of which it is not known where they lie. What the stack makes lies
// in the workspace's resource group; below a workspace lies none; a system-assigned one can do neither.
func (c checker) attachable(of Principal) (sure, unsure []stage) {
	scope, known := c.Model.RoleScopeID()
	level := c.Model.Role.EffectiveScope()
	above := level == AtResourceGroup || level == AtSubscription
	add := func(p Principal, exists bool, id string) {
		own, acts := c.identity[p]
		if workspace, err := c.Model.Workspace(); !exists && err == nil {
			id = workspace.Group()
		}
		switch {
		case !acts || own == of || !above:
		case !known || id == "":
			unsure = append(unsure, stage{as: own})
		case roles.Contains(scope, id):
			sure = append(sure, stage{as: own})
		}
	}
	for _, name := range sorted(c.Model.Invokers) {
		i := c.Model.Invokers[name]
		_, err := arm.Parse(i.ResourceID, arm.UserAssignedIdentity)
		if i.Kind == ManagedIdentity && (i.ResourceID == "" || err == nil) {
			add(InvokerPrincipal(name), i.Exists(), i.ResourceID)
		}
	}
	for _, name := range sorted(c.Model.Clusters) {
		if k := c.Model.Clusters[name]; k.EffectiveIdentity() == UserAssigned {
			add(ClusterPrincipal(name), k.Existing || k.UserAssignedIdentityID.Given(), k.UserAssignedIdentityID.Text())
		}
	}
	return sure, unsure
}

// A leading is one lead of an identity: by its surest action.
type leading struct {
	roles.Lead
	hop Hop
}

// leadings are where the grants of an identity lead, the decided ones first.
func (c checker) leadings(of Principal) []leading {
	var decided, undecided []leading
	for _, l := range roles.Leadings() {
		if l.Lead == roles.Nowhere {
			continue
		}
		g, through, untold := c.covering(of, l.Action, true)
		if g == nil {
			continue
		}
		hop := Hop{Identity: of.String(), Needs: l.Action.Name,
			GivenBy: shortAction(l.Action.Name) + " of " + g.String() + through}
		sure, _, _ := c.covering(of, l.Action, false)
		switch {
		case untold:
			hop.Missing = notTold
		case sure == nil:
			hop.Missing = "whether the role allows " + l.Action.Name
		case l.Inferred:
			hop.Missing = "no document says what " + l.Action.Name + " is enough for"
		}
		hop.Undecided = hop.Missing != ""
		same := func(other leading) bool { return other.Lead == l.Lead }
		switch {
		case slices.ContainsFunc(decided, same):
		case !hop.Undecided:
			decided = append(decided, leading{l.Lead, hop})
		case !slices.ContainsFunc(undecided, same):
			undecided = append(undecided, leading{l.Lead, hop})
		}
	}
	return append(decided, slices.DeleteFunc(undecided, func(l leading) bool {
		return slices.ContainsFunc(decided, func(other leading) bool { return other.Lead == l.Lead })
	})...)
}
