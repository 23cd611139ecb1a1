package verify

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/rolediff"
)

// A Shared is a grant that another stack should hold and does not, or not for certain.
type Shared struct {
	access.Grant
	// Holder is the stack that has made the assignment; "" if there is none, or it does not say.
	Holder string `json:"holder,omitempty"`
	Why    string `json:"why"`
	Fix    string `json:"fix"`
}

// shared compares each grant of another stack with the stack that made its assignment. Access that is held in another
// way is not missing, but it is not what the configuration says, and may end at any time.
func (h *holdings) shared(r *Report) error {
	for _, g := range h.plan.Grants {
		if g.HeldBy == "" {
			continue
		}
		place, err := h.m.ScopeID(g.Scope)
		if err != nil {
			return err
		}
		if h.unknown(g.Principal, place) != "" {
			continue // reported where it is asked
		}
		at := slices.IndexFunc(h.own[g.Principal], func(a Assignment) bool {
			return strings.EqualFold(a.Scope, place) && strings.EqualFold(a.PrincipalID, h.ids[g.Principal]) &&
				len(rolediff.Difference(h.permissions(g), a.Permissions)) == 0
		})
		s := Shared{Grant: g}
		if at >= 0 {
			s.Holder = h.own[g.Principal][at].Stack
		}
		switch {
		case at < 0:
			s.Why = "stack " + g.HeldBy + " does not hold it"
			s.Fix = "deploy that stack, or take the grant out of sharedGrants and deploy this one"
		case s.Holder == "":
			s.Why = "the assignment does not say which stack made it"
			s.Fix = "pulumi up of stack " + g.HeldBy + " marks it, if it is that stack's"
		case s.Holder != g.HeldBy:
			s.Why = "stack " + s.Holder + " holds it, not " + g.HeldBy
			s.Fix = "write by: " + s.Holder
		default:
			continue
		}
		r.Shared = append(r.Shared, s)
	}
	return nil
}
