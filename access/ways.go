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
	// Who are invokers, cluster:<name> for the code that runs as a cluster identity, or in words those whom the model
	// does not name, such as the owners of a group.
	Who []string `json:"who"`
	// Input or Output is the data that it ends at; both are "" where it ends at something else.
	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
	// Writes is set where it certainly writes the data too. Whoever writes an output by it reads it too.
	Writes bool `json:"writes,omitempty"`
	// Ends is what it ends at that is no data: an identity to act as (an invoker, or cluster:<name>), a secret, role
	// assignments. "" for a way to data.
	Ends string `json:"ends,omitempty"`
	Hops []Hop  `json:"hops"`
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
	last := w.Hops[len(w.Hops)-1]
	switch {
	case w.Input != "":
		verb := map[bool]string{true: "read and write", false: "read"}[w.Writes]
		fmt.Fprintf(&out, "%s %s as %s", verb, w.Input, last.Identity)
	case w.Output != "":
		fmt.Fprintf(&out, "write %s as %s", w.Output, last.Identity)
	default:
		fmt.Fprintf(&out, "reach %s", w.Ends)
	}
	for i, h := range w.Hops {
		if h.Kind == ReadHop || h.Kind == WriteHop {
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
	c.becomes = c.identitiesToBecome()
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
	all = append(all, p.Model.waysIn()...)
	slices.SortStableFunc(all, func(a, b Way) int { return cmp.Compare(a.Input, b.Input) })
	return all
}

// waysIn are those by which somebody whom the model does not name becomes one of its invokers.
func (m Model) waysIn() (all []Way) {
	for _, name := range sorted(m.Invokers) {
		i := m.Invokers[name]
		for _, key := range sorted(i.FederatedCredentials) {
			// facts/federation.md, Issuers and subjects: any pull request has this subject.
			if g := i.FederatedCredentials[key].GitHub; g != nil && g.PullRequest {
				who := "pull requests of " + g.Repository
				all = append(all, Way{Who: []string{who}, Ends: name, Hops: []Hop{{Kind: IdentityHop, Identity: who,
					Needs: "a token of GitHub with their subject", GivenBy: "the federated credential " + key}}})
			}
		}
		if i.Kind == Group && len(i.Members) == 0 {
			// facts/grants-access.md, Entra: an owner adds members.
			who := "owners of " + name
			all = append(all, Way{Who: []string{who}, Ends: name, Hops: []Hop{{Kind: IdentityHop, Identity: who,
				Needs: "to own the group", GivenBy: "adding themselves to the group", Undecided: true,
				Missing: "who owns a group that exists is not known here"}}})
		}
	}
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

// identitiesToBecome are those that a way may lead to.
func (c checker) identitiesToBecome() map[Principal]bool {
	all := map[Principal]bool{}
	for _, name := range sorted(c.Model.Clusters) {
		if own, acts := c.identity[ClusterPrincipal(name)]; acts {
			all[own] = true
		}
	}
	sure, unsure := c.attachable(Principal{})
	for _, s := range slices.Concat(sure, unsure) {
		all[s.as] = true
	}
	return all
}

func (c checker) classOf(p Principal) string {
	var key []string
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			if g.Scope.OfInvokers() {
				key = append(key, g.Role+" "+g.Scope.String()+c.through(p, holder))
			}
		}
	}
	if own := c.identity[p]; c.becomes[own] || len(key) == 0 {
		key = append(key, own.String()) // an identity leads to others, and not to itself
	}
	slices.Sort(key)
	return strings.Join(key, "\n")
}

// A datum is a data input or output, by its name.
type datum struct {
	name   string
	output bool
}

func (m Model) data() (all []datum) {
	for _, name := range sorted(m.DataInputs) {
		all = append(all, datum{name, false})
	}
	for _, name := range sorted(m.DataOutputs) {
		all = append(all, datum{name, true})
	}
	return all
}

func (m Model) at(d datum) DataInput {
	if d.output {
		return m.DataOutputs[d.name].data()
	}
	return m.DataInputs[d.name]
}

// A stage is what somebody has on the way: an identity to act as, the key of a storage account, or the credential of
// the data store of an input or output.
type stage struct {
	as      Principal
	account string
	store   datum
}

// end is what a way to the stage ends at.
func (c checker) end(s stage) string {
	switch {
	case s.store != datum{}:
		return "the credential of data store " + cmp.Or(c.Model.at(s.store).DataStore, "of "+s.store.name)
	case s.account != "":
		return "the keys of storage account " + s.account
	}
	return s.as.asserted()
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
				for n := range steps[from] {
					if from == start && len(of.members) > 1 {
						steps[from][n].hop.Identity = "each of them"
					}
				}
			}
			for _, s := range steps[from] {
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
			if what := s.hop.Needs; len(s.to) == 0 && !ended[what] {
				ended[what] = true
				all = append(all, Way{Who: who, Ends: what, Hops: append(slices.Clip(hops[from]), s.hop)})
			}
		}
	}
	for _, to := range order[1:] {
		all = append(all, Way{Who: who, Ends: c.end(to), Hops: hops[to]})
	}
	for _, d := range c.Model.data() {
		if c.Model.at(d).Mechanism() == ByAnyone {
			continue
		}
		var without []string
		for _, p := range of.members {
			if !c.has(p, d) {
				without = append(without, p.asserted())
			}
		}
		if len(without) == 0 {
			continue
		}
		var best, writing Way
		for _, from := range order[1:] {
			hop, writes := c.ends(from, d)
			if hop == nil {
				continue
			}
			w := Way{Who: without, Input: d.name, Writes: writes || d.output, Hops: append(slices.Clip(hops[from]), *hop)}
			if d.output {
				w.Input, w.Output = "", d.name
			}
			best = surer(best, w)
			if w.Writes {
				writing = surer(writing, w)
			}
		}
		if best.Hops != nil {
			all = append(all, best)
		}
		if writing.Hops != nil && !best.Writes {
			all = append(all, writing)
		}
	}
	return all
}

// surer is the second way where it is decided and the first is not, or is none; else the first.
func surer(a, b Way) Way {
	if a.Hops == nil || a.Undecided() && !b.Undecided() {
		return b
	}
	return a
}

// has reports whether a principal reads an input, or writes an output, by itself and not by a key.
func (c checker) has(p Principal, d datum) bool {
	if !d.output {
		_, granted := c.granted(p, d.name, false)
		_, acled := c.acled(p, d.name)
		return granted || acled
	}
	at := c.Model.at(d)
	if at.Mechanism() == ByStoreCredential && !p.IsCluster() {
		endpoints := c.Model.EffectiveEndpoints()
		return slices.ContainsFunc(sorted(endpoints), func(endpoint string) bool {
			_, able := c.starts(p, endpoint)
			return able && slices.Contains(endpoints[endpoint].Outputs, d.name)
		})
	}
	_, able := c.writes(p, at)
	return able
}

// writes reports whether anything of the data is open to a principal to write.
func (c checker) writes(p Principal, d DataInput) (how string, able bool) {
	at := d.place(nil)
	scope := at.Scope()
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			covers := (g.Scope.Contains(scope) || scope.Contains(g.Scope)) && limitsMeet(g.Paths, at.limit())
			if storageRoleMay[g.Role][roles.WriteBlobs] && covers {
				return "writes by " + g.String() + c.through(p, holder), true
			}
			writes := c.role.Permissions.MayAllow(roles.Action{Name: roles.WriteBlobs, Data: true}) || !c.Model.Role.Told()
			if g.Scope.OfInvokers() && d.StorageAccount != "" && c.roleCovers(d.StorageAccount) && writes {
				return "writes by " + g.String() + c.through(p, holder), true
			}
		}
	}
	return "", false
}

// ends is the hop by which a stage reads an input, or writes an output; nil if it does not. writes reports whether it
// certainly writes.
func (c checker) ends(at stage, d datum) (hop *Hop, writes bool) {
	kind, verb, data := ReadHop, "read", c.Model.at(d)
	if d.output {
		kind, verb = WriteHop, "write"
	}
	switch {
	case at.store == d && at.store != datum{}:
		return &Hop{Kind: kind, Identity: "the credential of its data store", Needs: "the credential", GivenBy: "it"}, false
	case at.account != "" && at.account == data.StorageAccount:
		return &Hop{Kind: kind, Identity: "the key of " + at.account, Needs: "the key", GivenBy: "it"}, true
	case at.as == Principal{}:
		return nil, false
	}
	how, able := c.writes(at.as, data)
	writes = able && c.Model.Role.Told()
	if !d.output {
		how, able = c.reaches(at.as, d.name)
	}
	if !able {
		return nil, false
	}
	hop = &Hop{Kind: kind, Identity: at.as.String(), Needs: "to " + verb + " " + d.name, GivenBy: how}
	switch _, granted := c.granted(at.as, d.name, true); {
	case !c.Model.Role.Told() && c.roleCovers(data.StorageAccount):
		hop.Undecided, hop.Missing = true, notTold
	case !d.output && !granted:
		// No stack can set ACLs: the plan asks for them and does not know whether they are there.
		hop.Undecided, hop.Missing = true, "whether the ACL is set, which no stack can do"
	}
	return hop, writes
}

// steps are where a stage leads, the decided ones first.
func (c checker) steps(from stage) (all []step) {
	switch {
	case from.store != datum{}:
		account := c.Model.at(from.store).StorageAccount
		if account == "" {
			return nil
		}
		return []step{{Hop{Kind: SecretHop, Identity: "the credential of " + from.store.name, Needs: "it to be a key",
			GivenBy: "the store's credential", Undecided: true,
			Missing: "a key opens all of " + account + ", a SAS what it says; which of them the store holds is " +
				"not known here"}, []stage{{account: account}}}}
	case from.account != "":
		return nil
	}
	_, unsure := c.attachable(from.as)
	for _, l := range c.leadings(from.as) {
		kind, to := c.targets(l.Lead, from.as)
		l.hop.Kind = kind
		switch l.Lead {
		case roles.ToGrants, roles.ToSecrets, roles.ToNotebooks, roles.ToData, roles.ToWorkspaceStorage:
			// They are worth something by themselves.
			end := l.hop
			end.Needs = string(l.Lead)
			if l.Lead == roles.ToGrants {
				end.Needs += " at the " + string(c.Model.Role.EffectiveScope())
			}
			all = append(all, step{hop: end})
		}
		if l.Lead == roles.ToWorkspaceStorage {
			l.hop.Undecided = true
			l.hop.Missing = cmp.Or(l.hop.Missing, "which account is the workspace's own is not known here")
		}
		for _, s := range to {
			hop := c.onto(l.hop, s, from.as)
			if kind != CodeHop && slices.Contains(unsure, s) {
				hop.Undecided, hop.Missing = true, cmp.Or(hop.Missing, "where the identity lies is not known here")
			}
			all = append(all, step{hop, []stage{s}})
		}
	}
	return all
}

// onto is the hop as it leads to one stage.
func (c checker) onto(hop Hop, to stage, of Principal) Hop {
	if to.store != (datum{}) && c.Model.at(to.store).CredentialInStore == nil {
		hop.Undecided = true
		hop.Missing = cmp.Or(hop.Missing, "whether the data store holds a credential is not known here")
	}
	if hop.Needs == roles.WriteDeployment.Name {
		on := c.deploymentOn(to.as, c.endpointsOf(of))
		if on == "" && c.Model.Role.ByEndpoint() {
			// facts/batch-endpoints.md: each deployment may name another cluster.
			hop.Undecided = true
			hop.Missing = cmp.Or(hop.Missing, "no document says whether a deployment may name a cluster on which its writer "+
				"has no right")
		}
		hop.GivenBy = "changing " + cmp.Or(on, "a deployment to run on it") + " (" + hop.GivenBy + ")"
	}
	return hop
}

// deploymentOn is a deployment that runs as the identity, for people to read; of the endpoints alone, where the role is
// assigned at endpoints. "" for none.
func (c checker) deploymentOn(identity Principal, endpoints map[string]bool) string {
	for _, j := range c.jobs {
		if c.identity[j.cluster] != identity || c.Model.Role.ByEndpoint() && !endpoints[j.endpoint] {
			continue
		}
		if name := cmp.Or(j.deployment, c.Model.EffectiveEndpoints()[j.endpoint].Deployment); name != "" {
			return "the deployment " + target(j.endpoint, name)
		}
		return "the deployment of " + j.endpoint
	}
	return ""
}

// targets are the stages that a lead opens to an identity.
func (c checker) targets(lead roles.Lead, of Principal) (kind HopKind, all []stage) {
	m := c.Model
	clusters := func() (all []stage) {
		for _, name := range sorted(m.Clusters) {
			if own, acts := c.identity[ClusterPrincipal(name)]; acts && own != of && !slices.Contains(all, stage{as: own}) {
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
	case roles.ToClusters, toDeployments:
		return CodeHop, clusters()
	case roles.ToWorkspaceStorage:
		return SecretHop, clusters()
	case roles.ToAccounts:
		return SecretHop, accounts()
	case roles.ToStores:
		for _, d := range m.data() {
			in := m.at(d)
			if in.Mechanism() == ByStoreCredential || in.InWorkspace() && in.CredentialInStore == nil {
				all = append(all, stage{store: d})
			}
		}
		return SecretHop, all
	case roles.ToIdentities, roles.ToAttach:
		sure, unsure := c.attachable(of)
		return IdentityHop, slices.Concat(sure, unsure)
	case roles.ToGrants:
		sure, unsure := c.attachable(of)
		return GrantHop, slices.Concat(clusters(), accounts(), sure, unsure)
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

// toDeployments leads to the clusters of those endpoints alone at which the role is assigned.
const toDeployments roles.Lead = "the deployments of endpoints"

// endpointsOf are the endpoints at which an identity is assigned a role.
func (c checker) endpointsOf(of Principal) map[string]bool {
	all := map[string]bool{}
	for _, holder := range c.Holders(of) {
		for _, g := range c.grantsOf[holder] {
			if g.Scope.Level == AtEndpoint {
				all[g.Scope.Endpoint] = true
			}
		}
	}
	return all
}

// leadings are where the grants of an identity lead, the decided ones first.
func (c checker) leadings(of Principal) []leading {
	var decided, undecided []leading
	add := func(lead roles.Lead, hop *Hop) {
		same := func(other leading) bool { return other.Lead == lead }
		switch {
		case hop == nil, slices.ContainsFunc(decided, same):
		case !hop.Undecided:
			decided = append(decided, leading{lead, *hop})
		case !slices.ContainsFunc(undecided, same):
			undecided = append(undecided, leading{lead, *hop})
		}
	}
	for _, l := range roles.Leadings() {
		switch {
		case l.Lead == roles.Nowhere, l.Lead == roles.ToAttach:
		case l.Action == roles.WriteDeployment && c.Model.Role.ByEndpoint():
			add(toDeployments, c.hopBy(of, l.Action, l.Inferred))
		default:
			add(l.Lead, c.hopBy(of, l.Action, l.Inferred))
		}
	}
	all := slices.Concat(decided, undecided)
	if assign := c.hopBy(of, roles.AssignIdentity, false); assign != nil {
		add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteScript, false)))
		if code := slices.IndexFunc(all, func(l leading) bool {
			return l.Lead == roles.ToClusters ||
				l.Lead == toDeployments
		}); code >= 0 {
			add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteCompute, false)).with(&all[code].hop))
		}
	}
	return append(decided, slices.DeleteFunc(undecided, func(l leading) bool {
		return slices.ContainsFunc(decided, func(other leading) bool { return other.Lead == l.Lead })
	})...)
}

// with is the hop that takes both; nil if one of them is not there.
func (h *Hop) with(other *Hop) *Hop {
	if h == nil || other == nil {
		return nil
	}
	both := *h
	both.Needs += " and " + other.Needs
	both.GivenBy += " with " + other.GivenBy
	both.Undecided, both.Missing = h.Undecided || other.Undecided, cmp.Or(h.Missing, other.Missing)
	return &both
}

// hopBy is the hop that an identity takes by an action; nil if nothing gives it.
func (c checker) hopBy(of Principal, action roles.Action, inferred bool) *Hop {
	g, through, untold := c.covering(of, action, true)
	if g == nil {
		return nil
	}
	hop := Hop{Identity: of.String(), Needs: action.Name,
		GivenBy: shortAction(action.Name) + " of " + g.String() + through}
	sure, _, _ := c.covering(of, action, false)
	switch {
	case untold:
		hop.Missing = notTold
	case sure == nil:
		hop.Missing = "whether the role allows " + action.Name
	case inferred:
		hop.Missing = "no document says what " + action.Name + " is enough for"
	}
	hop.Undecided = hop.Missing != ""
	return &hop
}
