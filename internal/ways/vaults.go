package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// policyWriters can write access policies (learn.microsoft.com/azure/key-vault/general/rbac-access-policy). Switching a
// vault from roles to policies needs more (learn.microsoft.com/azure/key-vault/general/rbac-guide).
var policyWriters = []roles.Escalation{{Action: roles.Action{Name: "Microsoft.KeyVault/vaults/accessPolicies/write"}},
	{Action: roles.Action{Name: "Microsoft.KeyVault/vaults/write"}}}

// toVaults leads to the secrets of key vaults that are not known to be a workspace's own.
func (f *finder) toVaults(id string) (all []step) {
	for _, v := range f.Vaults {
		kept := slices.ContainsFunc(f.Workspaces, func(w Workspace) bool { return arm.Same(w.Vault, v.ID) })
		if hops := f.secretsIn(id, v); hops != nil && !kept {
			all = append(all, step{hops: kinded(access.SecretHop, hops), ends: "the secrets of key vault " + arm.Last(v.ID)})
		}
	}
	return all
}

// vault returns the surest hops by which a principal reads the secrets of data stores in a workspace's key vault.
func (f *finder) vault(id string, w Workspace) []access.Hop {
	for _, v := range f.Vaults {
		if w.Vault != "" && arm.Same(v.ID, w.Vault) {
			return f.secretsIn(id, v)
		}
	}
	return nil
}

// secretsIn returns the surest hops by which a principal reads secrets in a key vault.
func (f *finder) secretsIn(id string, v Vault) (best []access.Hop) {
	add := func(first []access.Hop, hop access.Hop) {
		hops := append(append([]access.Hop{}, first...), hop)
		if v.Unknown != "" {
			hops = maybe(hops, v.Unknown)
		}
		if best == nil || weight(hops) < weight(best) {
			best = hops
		}
	}
	get := roles.Escalation{Action: roles.Action{Name: getSecret, Data: true}}
	if !v.ByPolicies {
		if hops := f.best(id, get, v.ID); hops != nil {
			add(hops[:len(hops)-1], hops[len(hops)-1])
		}
		for _, h := range f.holds(id) {
			if !strings.HasPrefix(fold(h.Scope), fold(v.ID)+"/secrets/") {
				continue
			}
			if hop := f.hopBy(id, h, get, h.Scope); hop != nil {
				add(h.first, maybe([]access.Hop{*hop}, "it is not known here whose secret it is")[0])
			}
		}
	}
	if v.ByPolicies || v.Unknown != "" {
		by := access.Hop{Identity: f.name(id), Needs: getSecret, GivenBy: "an access policy of key vault " + arm.Last(v.ID)}
		for _, reader := range v.Readers {
			if h := f.holderOf(id, reader); h != nil {
				hop := by
				if h.through != "" {
					hop.GivenBy += ", through group " + h.through
				}
				add(h.first, hop)
			}
		}
		for _, l := range policyWriters {
			if hops := f.best(id, l, v.ID); hops != nil {
				hop := by
				hop.GivenBy = "an access policy of its own"
				add(kinded(access.GrantHop, hops), hop)
			}
		}
	}
	return best
}

// ReadsSecrets reports whether a permission in an access policy allows its holder to read secrets.
func ReadsSecrets(word string) bool {
	return strings.EqualFold(word, "get") || strings.EqualFold(word, "all")
}
