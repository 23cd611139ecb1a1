package review

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// vault returns the key vault with an ID; it adds one if there is none.
func (x *estate) vault(id string) *ways.Vault {
	n := slices.IndexFunc(x.e.Vaults, func(v ways.Vault) bool { return arm.Same(v.ID, id) })
	if n < 0 {
		n, x.e.Vaults = len(x.e.Vaults), append(x.e.Vaults, ways.Vault{ID: id,
			Unknown: "whether roles or policies open key vault " + named(id) + " is not known: " + notShown})
	}
	return &x.e.Vaults[n]
}

// ofVault adds who may open a key vault. The classic provider has its properties at the top, and two names for the mode
// with roles.
func (x *estate) ofVault(s *engine.State, id string) {
	v := x.vault(id)
	in, native := s.Inputs["properties"].(map[string]any)
	property := "properties"
	if !native {
		in, property = s.Inputs, "accessPolicies"
	}
	byRoles := in["enableRbacAuthorization"]
	if byRoles == nil {
		byRoles = in["rbacAuthorizationEnabled"]
	}
	if _, hidden := byRoles.(guardrails.Marker); hidden || x.isForeign(s.URN) {
		return
	}
	v.Unknown, v.ByPolicies = "", byRoles != true
	list, _ := in["accessPolicies"].([]any)
	for _, policy := range list {
		policy, _ := policy.(map[string]any)
		v.Readers = append(v.Readers, x.policy(s, property, policy)...)
	}
}

// byPolicy adds an access policy that is its own resource.
func (x *estate) byPolicy(s *engine.State) {
	var ids []string
	policy, property := s.Inputs, "objectId"
	if of, native := s.Inputs["policy"].(map[string]any); native {
		policy, property = of, "policy"
		ids = []string{strings.TrimSuffix(x.ids[s.URN], "/accessPolicies/"+arm.Last(x.ids[s.URN]))}
	} else {
		ids, _ = x.refers(s, "keyVaultId", s.Inputs["keyVaultId"], arm.KeyVault)
	}
	for _, id := range ids {
		readers := x.policy(s, property, policy)
		v := x.vault(id)
		v.Readers = append(v.Readers, readers...)
	}
}

// policy returns the principals whom a key vault's policy allows to read secrets.
func (x *estate) policy(s *engine.State, property string, policy map[string]any) (readers []string) {
	permissions, _ := policy["permissions"].(map[string]any)
	list, _ := permissions["secrets"].([]any)
	if permissions == nil {
		list, _ = policy["secretPermissions"].([]any) // the classic provider's word
	}
	gets := slices.ContainsFunc(list, func(v any) bool {
		return ways.ReadsSecrets(text(v)) || text(v) == ""
	})
	if !gets {
		return nil
	}
	x.plain = true
	readers = x.who(s, property, policy["objectId"])
	for _, id := range readers {
		x.somebody(id, "")
	}
	return readers
}
