package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// A rotation is what happens to the client secrets of one application.
type rotation struct {
	goes  []string                       // URNs of valid secrets that are deleted or replaced
	comes bool                           // a secret is made
	stays map[string]signin.ClientSecret // by name
	now   map[string]signin.ClientSecret // the secrets that stay, and those that are made
	urn   string                         // URN of a changed secret
}

// rotations finds principals that can't sign in with a client secret for a while: because one secret replaces another
// in one step, or because the next one begins after the last one has ended. A valid secret that stays is a successor:
// whoever used the deleted one has been given it.
func (m *maker) rotations(add func(Interruption)) {
	for _, r := range m.rotated() {
		valid := func(s signin.ClientSecret) bool { return s.ValidAt(m.o.Now) }
		anyOf := func(secrets map[string]signin.ClientSecret) bool {
			return slices.ContainsFunc(slices.Collect(maps.Values(secrets)), valid)
		}
		gaps := signin.Gaps(r.now, m.o.Now)
		until := ""
		if len(gaps) > 0 && !anyOf(r.now) {
			until = "which begins to be valid on " + gaps[0].To.Format(time.RFC3339)
		}
		for _, urn := range r.goes {
			i := Interruption{URN: urn, Who: []string{"whoever signs in with client secret " + key(urn)},
				From: goes + key(urn)}
			switch {
			case anyOf(r.stays):
				continue
			case r.comes:
				i.To = strings.TrimSuffix("when they are given the new one, "+until, ", ")
				i.What = "it is rotated in one step: keep both, hand the new one out, and take the old one out in a second " +
					"deployment; if it was renamed, write was: " + key(urn)
			case until != "":
				i.To = "when they sign in with " + gaps[0].After + ", " + until
				i.What = "no other client secret is valid by then: keep it until another one is"
			default:
				continue // afterwards nobody uses a secret
			}
			add(i)
		}
		for _, gap := range gaps {
			if !gap.From.After(m.o.Now) || gap.Before == "" {
				continue // reported with the deleted one; or it has begun, and this change does not make it
			}
			add(Interruption{URN: r.urn, Who: []string{"whoever signs in with client secret " + engine.Clip(gap.Before)},
				From: "the end of " + engine.Clip(gap.Before) + " on " + gap.From.Format(time.RFC3339),
				To:   "the start of " + engine.Clip(gap.After) + " on " + gap.To.Format(time.RFC3339),
				What: "no client secret is valid then: have the next one begin before the last one ends"})
		}
	}
}

// rotated returns the applications with a secret that is made or deleted.
func (m *maker) rotated() map[string]*rotation {
	all := map[string]*rotation{}
	shown := map[string]bool{}
	of := func(s *engine.State) signin.ClientSecret {
		return signin.ClientSecret{StartDate: text(s.Inputs["startDate"]), EndDate: text(s.Inputs["endDate"])}
	}
	for _, s := range m.p.Steps {
		if kind(engine.TypeOf(s.URN)) != guardrails.Password || engine.IsForeign(s.Op) {
			continue
		}
		name := engine.NameOf(s.URN)
		owner := name[:max(0, strings.LastIndex(name, "."))]
		if owner == "" { // not made by a component: secrets of one application
			owner = text(cmp.Or(s.New, s.Old).Inputs[guardrails.Target])
		}
		if owner == "" {
			continue
		}
		r := all[owner]
		if r == nil {
			r = &rotation{stays: map[string]signin.ClientSecret{}, now: map[string]signin.ClientSecret{}}
			all[owner] = r
		}
		shown[owner+"."+key(s.URN)] = true
		replaced := s.Op == "replace"
		if !engine.IsContext(s.Op) {
			r.urn = s.URN
		}
		if s.Old != nil && (s.New == nil || replaced) && !engine.IsContext(s.Op) {
			if _, _, wrong := of(s.Old).Period(); wrong != nil || of(s.Old).ValidAt(m.o.Now) {
				r.goes = append(r.goes, s.URN) // it may still be valid
			}
		}
		if s.New == nil {
			continue
		}
		r.now[key(s.URN)] = of(s.New)
		r.comes = r.comes || s.Old == nil || replaced
		if s.Old != nil && !replaced {
			r.stays[key(s.URN)] = of(s.New)
		}
	}
	// A preview without unchanged resources lacks those secrets, but the component names them.
	for urn, c := range m.components {
		if c.now == nil {
			continue
		}
		for invoker, i := range c.now.Model.Invokers {
			owner := engine.NameOf(urn) + "." + invoker
			for name, secret := range i.ClientSecrets {
				if r := all[owner]; r != nil && !shown[owner+"."+name] {
					r.stays[name], r.now[name] = secret, secret
				}
			}
		}
	}
	maps.DeleteFunc(all, func(_ string, r *rotation) bool { return len(r.goes) == 0 && !r.comes })
	return all
}
