package ways

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

type finder struct {
	*Estate
	names      map[string][]string
	isGroup    map[string]bool
	memberOf   map[string][]int
	ownerOf    map[string][]int
	assignedTo map[string][]int
	held       map[string][]*held
	allows     map[*roles.Permission]map[string]bool
	steps      map[stage][]step
	codes      map[[2]string]codes
	stores     map[string]Store
	accounts   map[string]string // names by ID
	readings   map[stage][]reading
	// Data by the accounts and the data stores that it lies in, in the order of Data.
	ofAccount, ofStore map[string][]int
	// elsewhere says of principals why they may hold more than the estate has.
	elsewhere map[string]string
	// lets are the roles that conditions let somebody assign.
	lets map[string]let
	// special are the principals that have something that no other has.
	special map[string]bool
}

func fold(id string) string { return strings.ToLower(strings.Trim(id, "/")) }

func newFinder(e *Estate) *finder {
	f := &finder{Estate: e, names: map[string][]string{}, isGroup: map[string]bool{}, memberOf: map[string][]int{},
		ownerOf: map[string][]int{}, assignedTo: map[string][]int{}, held: map[string][]*held{},
		allows: map[*roles.Permission]map[string]bool{}, steps: map[stage][]step{}, codes: map[[2]string]codes{},
		stores: map[string]Store{}, accounts: map[string]string{}, readings: map[stage][]reading{},
		ofAccount: map[string][]int{},
		ofStore:   map[string][]int{}, special: map[string]bool{}, elsewhere: map[string]string{}, lets: map[string]let{}}
	for _, p := range e.Principals {
		if p.Elsewhere != "" {
			f.elsewhere[fold(p.ID)], f.special[fold(p.ID)] = p.Elsewhere, true
		}
		f.names[fold(p.ID)] = append(f.names[fold(p.ID)], p.Names...)
	}
	for n, g := range e.Groups {
		f.isGroup[fold(g.ID)] = true
		f.names[fold(g.ID)] = append(f.names[fold(g.ID)], g.Name)
		for _, id := range g.Members {
			f.memberOf[fold(id)] = append(f.memberOf[fold(id)], n)
		}
		for _, id := range g.Owners {
			f.ownerOf[fold(id)] = append(f.ownerOf[fold(id)], n)
		}
	}
	for n, a := range e.Assignments {
		f.assignedTo[fold(a.Principal)] = append(f.assignedTo[fold(a.Principal)], n)
		f.special[fold(a.Principal)] = true
	}
	f.index()
	return f
}

// index finds data by where it lies, and the principals that are like no other.
func (f *finder) index() {
	for _, a := range f.Accounts {
		f.accounts[fold(a.ID)] = a.Name
	}
	inStore := map[string][]string{} // stores by account and container
	for _, w := range f.Workspaces {
		for _, s := range w.Stores {
			f.stores[storeID(w, s)] = s
			if s.Container != "" {
				at := fold(s.Account) + " " + strings.ToLower(s.Container)
				inStore[at] = append(inStore[at], storeID(w, s))
			}
		}
		for _, c := range w.Clusters {
			f.special[fold(c.Principal)] = true
		}
		for _, i := range w.Instances {
			f.special[fold(i.User)] = true
		}
	}
	for _, p := range f.Powers {
		f.special[fold(p.Principal)] = true
	}
	for _, v := range f.Vaults {
		for _, id := range v.Readers {
			f.special[fold(id)] = true
		}
	}
	for n, d := range f.Data {
		f.ofAccount[fold(d.Account)] = append(f.ofAccount[fold(d.Account)], n)
		in := inStore[fold(d.Account)+" "+strings.ToLower(d.Container)]
		for _, w := range f.Workspaces {
			id := storeID(w, Store{Name: d.Store})
			if _, there := f.stores[id]; there && d.Store != "" && !slices.Contains(in, id) {
				in = append(slices.Clip(in), id)
			}
		}
		for _, id := range in {
			f.ofStore[id] = append(f.ofStore[id], n)
		}
	}
	for id := range f.ownerOf {
		f.special[id] = true
	}
	for _, i := range f.Identities {
		f.special[fold(i.Principal)] = true
	}
	for _, a := range f.Applications {
		f.special[fold(a.Principal)] = true
		for _, id := range a.Owners {
			f.special[fold(id)] = true
		}
		for _, c := range a.Federated {
			f.special[fold(c.Subject)] = true
		}
	}
	for _, d := range f.Denials {
		for _, id := range slices.Concat(d.Principals, d.Exclude) {
			f.special[fold(id)] = true
		}
	}
}

// class is the same for principals that go the same ways: they are in the same groups, and have nothing of their own.
func (f *finder) class(id string) string {
	if f.special[id] {
		return id
	}
	var in []string
	for _, h := range f.holders(id)[1:] {
		in = append(in, h.id)
	}
	return strings.Join(in, "\n") + "\n"
}

// name is what a principal is called, or else its ID.
func (f *finder) name(id string) string {
	if names := f.names[fold(id)]; len(names) > 0 {
		return names[0]
	}
	return id
}

// place is a scope for people to read.
func (f *finder) place(scope string) string {
	for _, w := range f.Workspaces {
		if fold(w.ID) == fold(scope) {
			return "workspace " + arm.Last(w.ID)
		}
	}
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	switch {
	case strings.Trim(scope, "/") == "":
		return "the whole tenant"
	case len(parts) == 2:
		return "subscription " + parts[1]
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "resource group " + parts[3]
	case strings.EqualFold(parts[0], "providers"):
		return "management group " + parts[len(parts)-1]
	case len(parts) < 2 || parts[len(parts)-2] == "": // no ID of Azure's
		return scope
	default:
		return strings.ToLower(parts[len(parts)-2][:1]) + strings.TrimSuffix(parts[len(parts)-2][1:], "s") + " " +
			parts[len(parts)-1]
	}
}

const managementGroups = "providers/microsoft.management/managementgroups/"

// covers reports whether what is assigned at a scope holds at a place; why says why that is undecided, and then it may.
func (f *finder) covers(scope, place string) (covers bool, why string) {
	scope, place = fold(scope), fold(place)
	switch {
	case scope == "", scope == place, strings.HasPrefix(place, scope+"/"):
		return true, ""
	case strings.Contains(scope+place, Later):
		return perhapsBelow(scope, place)
	case !strings.HasPrefix(scope, managementGroups):
		return false, ""
	case f.Above:
		return true, ""
	case f.Parents == nil:
		return true, "which subscriptions lie in " + f.place(scope) + " is not known here"
	}
	parts := strings.Split(place, "/")
	if len(parts) < 2 {
		return false, ""
	}
	queue, seen := []string{strings.Join(parts[:2], "/")}, map[string]bool{}
	if strings.HasPrefix(place, managementGroups) {
		queue[0] = place
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		for _, above := range f.Parents[at] {
			if fold(above) == scope {
				return true, ""
			}
			queue = append(queue, fold(above))
		}
	}
	return false, ""
}

// Later begins a segment of an ID that is not known yet; two that are alike are one.
const Later = "?"

// perhapsBelow is covers for IDs of which segments are not known yet.
func perhapsBelow(scope, place string) (covers bool, why string) {
	above, below := strings.Split(scope, "/"), strings.Split(place, "/")
	if len(above) > len(below) {
		return false, ""
	}
	for i, segment := range above {
		switch later := strings.HasPrefix(segment, Later) || strings.HasPrefix(below[i], Later); {
		case segment == below[i]:
		case !later:
			return false, ""
		default:
			why = "whether " + arm.Last(place) + " lies in " + arm.Last(scope) + " is known only after the deployment"
		}
	}
	return true, why
}

// A stage is what somebody has on a way, of which one is set: a principal to act as, the keys of a storage account, the
// credential of a data store.
type stage struct{ principal, account, store string }

// A step leads to a stage, or, where it has none, to what it ends at.
type step struct {
	hops []access.Hop
	to   stage
	ends string
}

// Ways returns every indirect way of every principal: to data, to secrets, to identities and to role assignments. Of
// several ways to one thing it is the surest, and of those the shortest. Each is of one principal, by its first name.
func (e *Estate) Ways() (all []access.Way) {
	f := newFinder(e)
	seen, classes := map[string]bool{}, map[string][]access.Way{}
	for _, p := range e.Principals {
		if id := fold(p.ID); !seen[id] {
			seen[id] = true
			class := f.class(id)
			if _, done := classes[class]; !done {
				classes[class] = f.waysOf(id)
			}
			all = append(all, as(f.name(id), classes[class])...)
		}
		if p.Unknown != "" {
			all = append(all, access.Way{Who: p.Names[:1], Ends: whatever, Hops: []access.Hop{{
				Kind: access.IdentityHop, Identity: p.Names[0], Needs: "what it is in, and holds", Undecided: true,
				GivenBy: "what could not be listed", Missing: p.Unknown}}})
		}
	}
	from := func(who, to, needs, by, missing string) {
		all = append(all, access.Way{Who: []string{who}, Ends: to, Hops: []access.Hop{{Kind: access.IdentityHop,
			Identity: who, Needs: needs, GivenBy: by, Undecided: missing != "", Missing: missing}}})
	}
	for _, u := range f.unread() {
		from(u.Who, f.name(u.To), u.Needs, u.By, u.Missing)
	}
	for _, a := range e.Applications {
		for _, secret := range a.Secrets {
			from("whoever knows the "+secret, f.name(a.Principal), "the "+secret, "the "+secret+" of "+f.name(a.Principal), "")
		}
		for _, c := range a.Federated {
			if f.names[fold(c.Subject)] != nil {
				continue // a way of that principal
			}
			who := "whoever has the subject " + cmp.Or(c.Subject, "that an expression matches") + " of " + c.Issuer
			from(who, f.name(a.Principal), "a token with the subject", "the federated credential of "+f.name(a.Principal), "")
		}
	}
	return all
}

// Readers are those who read each datum, or write each output, by themselves and for certain, by its name.
func (e *Estate) Readers() map[string][]string {
	all := map[string][]string{}
	for _, w := range e.Directly() {
		if !w.Undecided() {
			all[w.Input+w.Output] = append(all[w.Input+w.Output], w.Who[0])
		}
	}
	return all
}

// Directly are the ways of one hop, which Ways has not: who reads each datum, or writes each output, by themselves.
func (e *Estate) Directly() (all []access.Way) {
	f := newFinder(e)
	for _, p := range e.Principals {
		all = append(all, f.directly(fold(p.ID))...)
	}
	return all
}

func (f *finder) directly(id string) (all []access.Way) {
	for _, r := range f.readsBy(stage{principal: id}) {
		if len(r.hops) == 1 {
			all = append(all, f.to(r, f.name(id), nil))
		}
	}
	return all
}

// to is the way of somebody to a datum, by what they do first and how it is then read.
func (f *finder) to(r reading, who string, first []access.Hop) access.Way {
	d := f.Data[r.datum]
	w := access.Way{Who: []string{who}, Input: d.Name, Hops: append(slices.Clip(first), r.hops...)}
	if d.Output {
		w.Input, w.Output, w.Writes = "", d.Name, true
	}
	return w
}

// Together makes one way of those that several go by the same hops to the same end. apart says which others are
// to be kept apart; nil for none.
func Together(all []access.Way, apart func(access.Way) string) (told []access.Way) {
	at := map[string]int{}
	for _, w := range all {
		var key strings.Builder
		for _, hop := range w.Hops {
			key.WriteString(hop.GivenBy + "\n" + hop.Missing + "\n")
		}
		key.WriteString(w.Input + "\n" + w.Output + "\n" + w.Ends)
		if apart != nil {
			key.WriteString("\n" + apart(w))
		}
		if n, there := at[key.String()]; there {
			told[n].Who = append(told[n].Who, w.Who...)
			told[n].Hops[0].Identity = "each of them"
			continue
		}
		at[key.String()] = len(told)
		w.Who, w.Hops = slices.Clone(w.Who), slices.Clone(w.Hops)
		told = append(told, w)
	}
	return told
}

// as are the ways as another one goes them.
func as(who string, all []access.Way) []access.Way {
	all = slices.Clone(all)
	for i, w := range all {
		if w.Who[0] == who {
			continue
		}
		was := w.Who[0]
		all[i].Who, all[i].Hops = []string{who}, slices.Clone(w.Hops)
		for n := range all[i].Hops {
			if all[i].Hops[n].Identity == was {
				all[i].Hops[n].Identity = who
			}
		}
	}
	return all
}

func (f *finder) waysOf(id string) (all []access.Way) {
	start := stage{principal: id}
	reached := map[stage][]access.Hop{start: {}}
	order := []stage{start}
	for _, sure := range []bool{true, false} {
		for i := 0; i < len(order); i++ {
			from := order[i]
			for _, s := range f.stepsOf(from) {
				if _, there := reached[s.to]; there || s.to == (stage{}) || sure && undecided(s.hops) {
					continue
				}
				reached[s.to] = append(slices.Clip(reached[from]), s.hops...)
				order = append(order, s.to)
			}
		}
	}
	who := []string{f.name(id)}
	ends := map[string]access.Way{}
	var named []string
	end := func(what string, hops []access.Hop) {
		old, there := ends[what]
		if !there {
			named = append(named, what)
		}
		if !there || weight(hops) < weight(old.Hops) {
			ends[what] = access.Way{Who: who, Ends: what, Hops: hops}
		}
	}
	for _, from := range order {
		if from != start {
			end(f.end(from), reached[from])
		}
		for _, s := range f.stepsOf(from) {
			if s.ends != "" && s.ends != Holdings+who[0] {
				end(s.ends, append(slices.Clip(reached[from]), s.hops...))
			}
		}
	}
	for _, what := range named {
		all = append(all, ends[what])
	}
	best := make([]*access.Way, len(f.Data))
	direct := make([][]access.Hop, len(f.Data))
	for _, from := range order {
		for _, r := range f.readsBy(from) {
			if from == start && len(r.hops) == 1 {
				direct[r.datum] = r.hops
				continue
			}
			n := weight(reached[from]) + weight(r.hops)
			if best[r.datum] != nil && n >= weight(best[r.datum].Hops) {
				continue
			}
			way := f.to(r, who[0], reached[from])
			if best[r.datum] == nil || weight(way.Hops) < weight(best[r.datum].Hops) {
				best[r.datum] = &way
			}
		}
	}
	for n, way := range best {
		if way != nil && (direct[n] == nil || undecided(direct[n]) && !way.Undecided()) {
			all = append(all, *way)
		}
	}
	return all
}

// end is what a way to a stage ends at.
func (f *finder) end(s stage) string {
	switch {
	case s.account != "":
		return "the keys of storage account " + f.account(s.account)
	case s.store != "":
		return "the credential of data store " + arm.Last(s.store)
	}
	return f.name(s.principal)
}

func (f *finder) account(id string) string {
	if name := f.accounts[fold(id)]; name != "" {
		return name
	}
	return arm.Last(id)
}

// A reading is how a stage reads or writes a datum: the last hop, after what is done first.
type reading struct {
	datum int
	hops  []access.Hop
}

// readsBy is what a stage reads and writes.
func (f *finder) readsBy(from stage) []reading {
	all, done := f.readings[from]
	if !done {
		all = f.readingsBy(from)
		f.readings[from] = all
	}
	return all
}

func (f *finder) readingsBy(from stage) (all []reading) {
	last := func(n int) access.Hop {
		kind := access.ReadHop
		if f.Data[n].Output {
			kind = access.WriteHop
		}
		return access.Hop{Kind: kind, Needs: "to " + string(kind) + " " + f.Data[n].Name, GivenBy: "it"}
	}
	switch {
	case from.account != "":
		for _, n := range f.ofAccount[from.account] {
			hop := last(n)
			hop.Identity, hop.Needs = "the key of "+f.account(from.account), "the key"
			all = append(all, reading{n, []access.Hop{hop}})
		}
		return all
	case from.store != "":
		store := f.stores[from.store]
		off := f.keysOff(store.Account)
		if off && store.Kind == AccountKey {
			return nil
		}
		for _, n := range f.ofStore[from.store] {
			hop := last(n)
			hop.Identity, hop.Needs = "the credential of its data store", "the credential"
			if !slices.Contains([]string{AccountKey, SAS, ServicePrincipal, SomeCredential, ""}, store.Kind) {
				hop.Undecided, hop.Missing = true, "what a credential of the kind "+store.Kind+" opens"
			}
			if off && store.Kind != ServicePrincipal {
				hop.Undecided, hop.Missing = true, "shared keys are off, and no SAS that a key signed opens the account"
			}
			all = append(all, reading{n, []access.Hop{hop}})
		}
		return all
	}
	for n, d := range f.Data {
		action := map[bool]string{true: roles.WriteBlobs, false: roles.ReadBlobs}[d.Output]
		if first, how, missing, ok := f.reads(from.principal, d, action); ok {
			hop := last(n)
			hop.Identity, hop.GivenBy, hop.Missing = f.name(from.principal), how, missing
			hop.Undecided = missing != ""
			all = append(all, reading{n, append(slices.Clip(first), hop)})
		}
	}
	return all
}

func (f *finder) storeOf(id string) (Store, bool) {
	s, there := f.stores[id]
	return s, there
}

func storeID(w Workspace, s Store) string { return fold(w.ID + "/datastores/" + s.Name) }

// stepsOf are where a stage leads, worked out once.
func (f *finder) stepsOf(from stage) []step {
	all, done := f.steps[from]
	if done {
		return all
	}
	switch {
	case from.store != "":
		all = f.fromStore(from.store)
	case from.principal != "":
		all = slices.Concat(f.inWorkspaces(from.principal), f.toIdentities(from.principal), f.toHosts(from.principal),
			f.toKeys(from.principal), f.toVaults(from.principal), f.toGrants(from.principal),
			f.toApplications(from.principal), f.applicationsByPower(from.principal))
		if why := f.elsewhere[from.principal]; why != "" {
			name := f.name(from.principal)
			all = append(all, step{ends: Holdings + name, hops: []access.Hop{{Kind: access.IdentityHop, Identity: name,
				Needs: "what it holds", GivenBy: "what it holds besides", Undecided: true, Missing: why}}})
		}
	}
	f.steps[from] = all
	return all
}

func (f *finder) keysOff(account string) bool {
	return slices.ContainsFunc(f.Accounts, func(a Account) bool { return arm.Same(a.ID, account) && a.KeysOff })
}

// fromStore is what the credential of a store opens beside its data.
func (f *finder) fromStore(id string) []step {
	store, there := f.storeOf(id)
	hop := access.Hop{Kind: access.SecretHop, Identity: "the credential of " + store.Name, Needs: "the credential",
		GivenBy: "the store's credential"}
	switch {
	case !there:
		return nil
	case store.Kind == AccountKey && f.keysOff(store.Account):
		return nil
	case store.Kind == AccountKey && store.Account != "":
		return []step{{hops: []access.Hop{hop}, to: stage{account: fold(store.Account)}}}
	case store.Kind == SAS, store.Kind == NoCredential, store.Kind == AccountKey:
		return nil
	case store.Kind == ServicePrincipal:
		for _, a := range f.Applications {
			if store.ClientID != "" && strings.EqualFold(a.AppID, store.ClientID) {
				hop.GivenBy = "signing in with the client secret of the store"
				return []step{{hops: []access.Hop{hop}, to: stage{principal: fold(a.Principal)}}}
			}
		}
		hop.Undecided, hop.Missing = true, "which principal the client secret is of is not known here"
		return []step{{hops: []access.Hop{hop}, ends: storesPrincipal + store.Name}}
	case store.Account == "":
		return nil
	}
	hop.Undecided, hop.Missing = true, "a key opens all of the account, a SAS what it says; which of them the "+
		"store holds is "+
		"not known here"
	return []step{{hops: []access.Hop{hop}, to: stage{account: fold(store.Account)}}}
}

// place is where an action of the table acts that leads into the workspace; "" for one that is asked about by itself.
func (w Workspace) place(l roles.Escalation) string {
	switch {
	case w.Vault != "" && strings.HasPrefix(l.Action.Name, "Microsoft.KeyVault/"):
		return ""
	case strings.HasPrefix(l.Action.Name, "Microsoft.ContainerRegistry/"):
		return cmp.Or(w.Registry, w.ID)
	}
	return w.ID
}

// escalate gives the surest hops by which a principal gets where any action of the table leads that passes; at says
// where it acts, "" for nowhere.
func (f *finder) escalate(id string, at func(roles.Escalation) string, passes func(roles.Escalation) bool) (
	best []access.Hop) {
	for _, l := range roles.Escalations() {
		place := at(l)
		if l.To == roles.Nowhere || !passes(l) || place == "" {
			continue
		}
		if hops := f.best(id, l, place); hops != nil && (best == nil || weight(hops) < weight(best)) {
			best = hops
		}
	}
	return best
}

// kinded sets what kind of hop the last of them is.
func kinded(kind access.HopKind, hops []access.Hop) []access.Hop {
	hops = slices.Clone(hops)
	hops[len(hops)-1].Kind = kind
	return hops
}

// maybe are the hops, the last of which is undecided.
func maybe(hops []access.Hop, missing string) []access.Hop {
	hops = slices.Clone(hops)
	last := &hops[len(hops)-1]
	last.Undecided, last.Missing = true, cmp.Or(last.Missing, missing)
	return hops
}

func to(targets ...roles.Target) func(roles.Escalation) bool {
	return func(l roles.Escalation) bool {
		return slices.Contains(targets, l.To) && !strings.HasPrefix(l.Action.Name, "Microsoft.Storage/")
	}
}

// codes are the surest hops by which a principal has code of its own run in a workspace: on any cluster, and on those
// of the endpoints at which alone it may.
type codes struct {
	anywhere []access.Hop
	at       map[string][]access.Hop // by endpoint
}

func (f *finder) codesOf(id string, w Workspace) codes {
	key := [2]string{id, w.ID}
	if c, done := f.codes[key]; done {
		return c
	}
	c := codes{anywhere: f.escalate(id, w.place, to(roles.ToClusters)), at: map[string][]access.Hop{}}
	write := roles.Escalation{Action: roles.WriteDeployment}
	if c.anywhere == nil || undecided(c.anywhere) {
		for _, e := range w.Endpoints {
			if hops := f.best(id, write, w.ID+"/batchEndpoints/"+e.Name); hops != nil {
				c.at[e.Name] = hops
			}
		}
	}
	f.codes[key] = c
	return c
}

// code are those for one cluster; "" is one that the principal makes.
func (f *finder) code(id string, w Workspace, cluster string) []access.Hop {
	c := f.codesOf(id, w)
	best := c.anywhere
	for _, e := range w.Endpoints {
		hops := c.at[e.Name]
		if hops == nil {
			continue
		}
		if !slices.Contains(e.Clusters, cluster) {
			hops = maybe(hops, "no document says whether a deployment may name a cluster on which its writer has no right")
		}
		if best == nil || weight(hops) < weight(best) {
			best = hops
		}
	}
	if best != nil && best[len(best)-1].Needs == roles.WriteDeployment.Name {
		best = slices.Clone(best)
		by := &best[len(best)-1]
		by.GivenBy = "changing " + cmp.Or(deploymentOn(w, cluster), "a deployment to run on it") + " (" + by.GivenBy + ")"
	}
	return best
}

func deploymentOn(w Workspace, cluster string) string {
	for _, e := range w.Endpoints {
		if slices.Contains(e.Clusters, cluster) {
			return "the deployment of " + e.Name
		}
	}
	return ""
}

func (f *finder) inWorkspaces(id string) (all []step) {
	for _, w := range f.Workspaces {
		for _, c := range w.Clusters {
			if hops := f.code(id, w, c.Name); hops != nil && fold(c.Principal) != id {
				all = append(all, step{hops: kinded(access.CodeHop, hops), to: stage{principal: fold(c.Principal)}})
			}
		}
		all = append(all, f.toInstances(id, w)...)
		secrets, vault := f.escalate(id, w.place, to(roles.ToStores)), f.vault(id, w)
		for _, s := range w.Stores {
			for _, hops := range [][]access.Hop{secrets, vault} {
				if hops == nil || s.Kind == NoCredential {
					continue
				}
				hops = kinded(access.SecretHop, hops)
				if s.Kind == "" {
					hops = maybe(hops, "whether the data store holds a credential is not known here")
				}
				all = append(all, step{hops: hops, to: stage{store: storeID(w, s)}})
			}
		}
		if w.Unlisted != "" {
			others := func(what string, kind access.HopKind, hops []access.Hop) {
				if hops != nil {
					all = append(all, step{hops: maybe(kinded(kind, hops), w.Unlisted), ends: what + " of workspace " +
						arm.Last(w.ID)})
				}
			}
			others(othersClusters, access.CodeHop, f.code(id, w, ""))
			others(othersStores, access.SecretHop, secrets)
		}
		all = append(all, f.toWorkspaceKeys(id, w, vault)...)
		for _, target := range []roles.Target{roles.ToSecrets, roles.ToNotebooks, roles.ToData} {
			if hops := f.escalate(id, w.place, to(target)); hops != nil {
				kind := map[bool]access.HopKind{true: access.DataHop, false: access.SecretHop}[target == roles.ToData]
				all = append(all, step{hops: kinded(kind, hops), ends: string(target) + of(w)})
			}
		}
	}
	return all
}

// of says which workspace it is, where that is not the stack's.
func of(w Workspace) string {
	if w.Own {
		return ""
	}
	return " of workspace " + arm.Last(w.ID)
}

// toWorkspaceKeys leads to the keys of a workspace's own storage account, where it keeps what runs.
func (f *finder) toWorkspaceKeys(id string, w Workspace, vault []access.Hop) (all []step) {
	what := "the keys of the workspace's storage account"
	if !w.Own {
		what = "the keys of the storage account of workspace " + arm.Last(w.ID)
	}
	best := f.escalate(id, w.place, to(roles.ToWorkspaceStorage))
	if w.Account != "" {
		for _, l := range keyLeads {
			if hops := f.best(id, l, w.Account); hops != nil && (best == nil || weight(hops) < weight(best)) {
				best = hops
			}
		}
	}
	if vault != nil && (best == nil || weight(vault) < weight(best)) {
		best = vault // facts/failures.md: the vault has the secrets of stores, and the default ones open the account
	}
	best = f.opens(id, w.Account, best)
	if best != nil {
		best = kinded(access.SecretHop, best)
		all = append(all, step{hops: best, ends: what})
		if w.Account != "" {
			all = append(all, step{hops: best, to: stage{account: fold(w.Account)}})
		}
	}
	if written := f.writes(id, w.Account); written != nil && (best == nil || weight(written) < weight(best)) {
		best = written
	}
	for _, c := range w.Clusters {
		if best != nil && fold(c.Principal) != id {
			all = append(all, step{hops: maybe(best, "no document says that what is overwritten in the workspace's storage "+
				"then runs"), to: stage{principal: fold(c.Principal)}})
		}
	}
	return all
}

// writes are the surest hops by which a principal writes blobs anywhere in an account.
func (f *finder) writes(id, account string) (best []access.Hop) {
	write := roles.Escalation{Action: roles.Action{Name: roles.WriteBlobs, Data: true}}
	for _, h := range f.holds(id) {
		place := account
		if within := fold(h.Scope); strings.HasPrefix(within, fold(account)+"/blobservices/") {
			place = within
		}
		if account == "" {
			continue
		}
		if hop := f.hopBy(id, h, write, place); hop != nil {
			if hops := append(slices.Clip(h.first), *hop); best == nil || weight(hops) < weight(best) {
				best = hops
			}
		}
	}
	if best != nil {
		best = kinded(access.DataHop, best)
	}
	return best
}

// opens are the hops to an account's keys where they open it, or are made to (facts/grants-access.md, Storage); nil
// where they open nothing.
func (f *finder) opens(id, account string, keys []access.Hop) []access.Hop {
	n := slices.IndexFunc(f.Accounts, func(a Account) bool { return account != "" && arm.Same(a.ID, account) })
	switch {
	case keys == nil || n < 0:
		return keys
	case f.Accounts[n].KeysOff:
		on := f.best(id, roles.Escalation{Action: roles.Action{Name: writeAccount}}, account)
		if on == nil {
			return nil
		}
		return append(kinded(access.GrantHop, on), keys...)
	case f.Accounts[n].KeysUnknown != "":
		return maybe(keys, f.Accounts[n].KeysUnknown)
	}
	return keys
}

// keyLeads open all of a storage account.
var keyLeads = func() (all []roles.Escalation) {
	for _, l := range roles.Escalations() {
		if l.To == roles.ToAccounts && !l.Action.Data {
			all = append(all, l)
		}
	}
	return all
}()

func (f *finder) toKeys(id string) (all []step) {
	for _, a := range f.Accounts {
		var best []access.Hop
		for _, l := range keyLeads {
			if hops := f.best(id, l, a.ID); hops != nil && (best == nil || weight(hops) < weight(best)) {
				best = hops
			}
		}
		if best = f.opens(id, a.ID, best); best != nil {
			all = append(all, step{hops: kinded(access.SecretHop, best), to: stage{account: fold(a.ID)}})
		}
	}
	return all
}

func (f *finder) toGrants(id string) (all []step) {
	seen := map[string]bool{}
	for _, h := range f.holds(id) {
		if h.given && !seen[fold(h.Scope)] {
			seen[fold(h.Scope)] = true
			all = append(all, step{hops: kinded(access.GrantHop, h.first), ends: Grants + f.place(h.Scope)})
			if !strings.HasPrefix(fold(h.Scope), managementGroups) {
				continue
			}
			for _, w := range f.Workspaces {
				if covers, why := f.covers(h.Scope, w.ID); covers && why == "" {
					all = append(all, step{hops: kinded(access.GrantHop, h.first), ends: Grants + f.place(w.ID)})
				}
			}
		}
	}
	return all
}

// whatever is what a way ends at of somebody of whom it is not known what they are in, and hold.
const whatever = "whatever it holds"

// Holdings begins what a way ends at that an identity may hold beside what the estate has.
const Holdings = "whatever else is held by "

// Grants begins what a way ends at that gives roles.
const Grants = "role assignments at "

// toIdentities leads to the user-assigned identities that a principal may attach, or give a credential.
func (f *finder) toIdentities(id string) (all []step) {
	for _, i := range f.Identities {
		at := stage{principal: fold(i.Principal)}
		if fold(i.Principal) == id {
			continue
		}
		if hops := f.escalate(id, func(roles.Escalation) string { return i.ID }, to(roles.ToIdentities)); hops != nil {
			all = append(all, step{hops: kinded(access.IdentityHop, hops), to: at})
		}
		assign := f.best(id, roles.Escalation{Action: roles.AssignIdentity}, i.ID)
		if assign == nil {
			continue
		}
		if hops := f.carries(id); hops != nil {
			all = append(all, step{hops: kinded(access.IdentityHop, append(slices.Clip(assign), hops...)), to: at})
		}
	}
	return all
}

// toApplications leads to the service principals of applications that a principal owns, or is the subject of
// (facts/grants-access.md, Entra; facts/federation.md, Rules).
func (f *finder) toApplications(id string) (all []step) {
	for _, a := range f.Applications {
		at := stage{principal: fold(a.Principal)}
		for _, owner := range a.Owners {
			hop := access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: "to own the application " + a.Name,
				GivenBy: "adding a credential to the application " + a.Name}
			switch h := f.holderOf(id, owner); {
			case h == nil || fold(a.Principal) == id:
				continue
			case fold(owner) != id:
				hop.Undecided, hop.Missing = true, "no document says whether the members of a group act as its owners' do"
				all = append(all, step{hops: append(slices.Clip(h.first), hop), to: at})
			default:
				all = append(all, step{hops: []access.Hop{hop}, to: at})
			}
		}
		for _, c := range a.Federated {
			issuer := "https://login.microsoftonline.com/" + f.Tenant + "/v2.0"
			if fold(c.Subject) != id || fold(a.Principal) == id {
				continue
			}
			hop := access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: "a token of " + c.Issuer,
				GivenBy: "the federated credential of the application " + a.Name}
			switch {
			case f.Tenant == "":
				hop.Undecided, hop.Missing = true, "in which tenant the estate is is not known here"
			case !strings.EqualFold(c.Issuer, issuer):
				continue
			}
			all = append(all, step{hops: []access.Hop{hop}, to: at})
		}
	}
	return all
}

func (f *finder) holderOf(id, of string) *holder {
	for _, h := range f.holders(id) {
		if h.id == fold(of) {
			return &h
		}
	}
	return nil
}
