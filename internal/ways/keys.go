package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// writes returns the surest hops by which a principal writes blobs anywhere in an account.
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

// opens returns the hops to an account's keys if they open it, or can be made to (facts/grants-access.md, Storage); nil
// if they open nothing.
func (f *finder) opens(id, account string, keys []access.Hop) []access.Hop {
	a := f.accounts[fold(account)]
	switch {
	case keys == nil:
		return nil
	case a.KeysOff:
		on := f.best(id, roles.Escalation{Action: roles.Action{Name: writeAccount}}, account)
		if on == nil {
			return nil
		}
		return append(kinded(access.GrantHop, on), keys...)
	case a.KeysUnknown != "":
		return maybe(keys, a.KeysUnknown)
	}
	return keys
}

// keyLeads open a whole storage account.
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
