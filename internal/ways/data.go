package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// to is the way of somebody to a datum, by what they do first and how it is then read.
func (f *finder) to(r reading, who string, first []access.Hop) access.Way {
	d := f.Data[r.datum]
	w := access.Way{Who: []string{who}, Input: d.Name, Hops: append(slices.Clip(first), r.hops...)}
	if d.Output {
		w.Input, w.Output, w.Writes = "", d.Name, true
	}
	return w
}

// A reading is how a stage reads or writes a datum: the last hop, and the hops before it.
type reading struct {
	datum int
	hops  []access.Hop
}

// readsBy returns what a stage reads and writes.
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
	case from.public != "":
		for n, d := range f.Data {
			if at := fold(d.place()); !d.Output && (at == from.public || strings.HasPrefix(at, from.public+"/")) {
				hop := last(n)
				hop.Identity, hop.Needs = "anybody", "nothing"
				all = append(all, reading{n, []access.Hop{hop}})
			}
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
		if first, how, missing, as, ok := f.reads(from.principal, d, action); ok {
			hop := last(n)
			hop.Identity, hop.GivenBy, hop.Missing = as, how, missing
			hop.Undecided = missing != ""
			all = append(all, reading{n, append(slices.Clip(first), hop)})
		}
	}
	return all
}

// toPublic leads to data that a principal opens to everyone, or copies.
func (f *finder) toPublic(id string) (all []step) {
	seen := map[string]bool{}
	for _, d := range f.Data {
		place := d.place()
		if d.Container == "" {
			place = d.Account
		}
		if seen[fold(place)] {
			continue
		}
		seen[fold(place)] = true
		var best []access.Hop
		for _, l := range publishing {
			hops := f.best(id, l, place)
			if hops != nil && l.Action == roles.OpenContainer {
				if on := f.best(id, roles.Escalation{Action: roles.OpenAccount}, d.Account); on != nil {
					hops = append(slices.Clip(on), f.best(id, roles.Escalation{Action: l.Action}, place)...)
				}
			}
			if hops != nil && (best == nil || weight(hops) < weight(best)) {
				best = hops
			}
		}
		if best != nil {
			all = append(all, step{hops: kinded(access.GrantHop, best), to: stage{public: fold(place)}})
		}
	}
	return all
}

// publishing are the actions by which what an account holds is read without its key.
var publishing = func() (all []roles.Escalation) {
	for _, l := range roles.Escalations() {
		if l.To == roles.ToAccountData {
			all = append(all, l)
		}
	}
	return all
}()

func (f *finder) storeOf(id string) (Store, bool) {
	s, there := f.stores[id]
	return s, there
}

func storeID(w Workspace, s Store) string { return fold(w.ID + "/datastores/" + s.Name) }

func (f *finder) keysOff(account string) bool {
	return f.accounts[fold(account)].KeysOff
}

// fromStore returns what else the credential of a store opens, beside its data.
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
		hop.Undecided, hop.Missing = true, "it is not known here which principal has the client secret"
		return []step{{hops: []access.Hop{hop}, ends: storesPrincipal + store.Name}}
	case store.Account == "":
		return nil
	}
	hop.Undecided, hop.Missing = true, "a key opens all of the account, a SAS what it says; which of them the store "+
		"holds is not known here"
	return []step{{hops: []access.Hop{hop}, to: stage{account: fold(store.Account)}}}
}
