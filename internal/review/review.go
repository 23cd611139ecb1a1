// Package review turns a Pulumi preview into what a security reviewer wants to know: who gains and loses what, which
// roles grow, which secrets are made or removed, and which jobs start or stop working.
//
// Read reads a preview, Make judges it, and the renderers write it (markdown.go, text.go, json.go, sarif.go). What was
// not understood is always part of the result: a review is never clean because it saw nothing. The package does I/O
// only through readers and writers, asks nobody, and keeps no value of a secret.
package review

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

// A Risk ranks a change.
type Risk string

// The risks. High: a principal can do something new that reads secrets, changes what others run or grants access, or
// that can't be judged. Medium: a principal can do anything else that is new, or there is a new way to sign in. Low:
// access is removed, or nothing changes in effect.
const (
	High   Risk = "high"
	Medium Risk = "medium"
	Low    Risk = "low"
	None   Risk = "none"
)

var ranks = []Risk{None, Low, Medium, High}

func (r Risk) rank() int { return slices.Index(ranks, r) }

// A Review is a preview, read as access.
type Review struct {
	Version int    `json:"version"`
	Stack   string `json:"stack,omitempty"`
	Project string `json:"project,omitempty"`
	Verdict string `json:"verdict"` // one line, for a person
	Risk    Risk   `json:"risk"`
	// NewAccess is set if anybody can do anything anywhere that they could not do before, as far as the preview shows.
	NewAccess bool `json:"newAccess"`
	// Unread says what could not be read or judged. With any of it, the review is partial, and not clean.
	Unread []string `json:"unread,omitempty"`
	// Notes are what a reader should know about how the review was made.
	Notes []string `json:"notes,omitempty"`

	Access     []AccessChange       `json:"access,omitempty"`
	Roles      []RoleChange         `json:"roles,omitempty"`
	Jobs       []JobChange          `json:"jobs,omitempty"`
	Ways       []WayChange          `json:"ways,omitempty"`
	Secrets    []SecretChange       `json:"secrets,omitempty"`
	Federation []FederationChange   `json:"federation,omitempty"`
	Identities []IdentityChange     `json:"identities,omitempty"`
	Other      []OtherAccess        `json:"other,omitempty"`
	Unjudged   []UnjudgedType       `json:"unjudged,omitempty"`
	Guardrails []guardrails.Finding `json:"guardrails,omitempty"`
	// Interruptions are principals that lose access for a while, and names that may have changed.
	Interruptions []Interruption `json:"interruptions,omitempty"`

	made    string // commit and day, for people
	file    StackFile
	lines   map[string]int
	reached []reached // for pictures
}

// Partial reports whether something could not be read.
func (r Review) Partial() bool { return len(r.Unread) > 0 }

// Options say how to judge.
type Options struct {
	Now        time.Time         // the time for secrets that end soon and the ends of waivers; required
	ExpireSoon time.Duration     // default: 30 days
	Guardrails guardrails.Config // see guardrails.DefaultConfig
	StackFile  StackFile         // for the places of findings in SARIF; its zero value if there is none
	Commit     string            // the project's, for the page; "" if it is not known
}

// made says for which commit and on which day, in UTC, a review was made.
func (o Options) made() string {
	day := o.Now.UTC().Format(time.DateOnly)
	if o.Commit == "" {
		return day
	}
	return "commit " + o.Commit + ", " + day
}

// Version of the JSON form: raised when something in it is renamed or removed, not when something is added.
const Version = 1

// Make reviews a preview.
func Make(p engine.Preview, o Options) Review {
	o.ExpireSoon = cmp.Or(o.ExpireSoon, 30*24*time.Hour)
	o.Guardrails.Now = o.Now
	r := Review{Version: Version, made: o.made(), file: o.StackFile, lines: o.StackFile.lines(), Stack: p.Stack,
		Project: p.Project,
		Unread:  slices.Clone(p.Unread)}
	m := maker{p: p, o: o, r: &r, index: newIndex(p), compared: map[string][]roles.Action{},
		risks: map[any]Risk{}, said: map[string]bool{}}
	m.models()
	m.owned()
	m.assignments()
	m.roleChanges()
	m.identities()
	m.jobs()
	m.waysBeside()
	m.secrets()
	m.federation()
	m.interruptions()
	m.others()
	m.guard()
	m.finish()
	return r
}

type maker struct {
	p     engine.Preview
	o     Options
	r     *Review
	index index
	// components are the BatchEndpointAccess components of the preview, by URN.
	components map[string]component
	compared   map[string][]roles.Action
	risks      map[any]Risk
	// members are the keys of the members that stay in the groups of components, by the group's key.
	members map[string][]string
	said    map[string]bool // texts of notes and unread parts that have been written
	cut     int             // ways that open, for which cuts are tried
}

// isNew reports whether a text has not been written yet: a preview may be the reason for a hundred thousand.
func (m *maker) isNew(text string) bool {
	before := len(m.said)
	m.said[text] = true
	return len(m.said) > before
}

func (m *maker) note(text string) {
	if m.isNew("note " + text) {
		m.r.Notes = append(m.r.Notes, text)
	}
}

func (m *maker) unread(text string) {
	if m.isNew("unread "+text) && !slices.Contains(m.p.Unread, text) {
		m.r.Unread = append(m.r.Unread, text)
	}
}

// guard checks every resource that exists afterwards, or that is deleted, against the guardrails.
func (m *maker) guard() {
	waived := map[string][]string{} // resources by waiver: a waiver is for one resource
	for _, s := range m.p.Steps {
		if engine.IsForeign(s.Op) {
			continue
		}
		found := guardrails.Check(m.resource(s), m.o.Guardrails)
		for i := range found {
			found[i].What = m.named(found[i].What)
		}
		for _, w := range m.o.Guardrails.Waivers {
			id := w.Rule + " of " + w.Resource
			if w.Is(s.URN) && !slices.Contains(waived[id], s.URN) && slices.ContainsFunc(found,
				func(f guardrails.Finding) bool { return f.Rule == w.Rule }) {
				waived[id] = append(waived[id], s.URN)
			}
		}
		m.r.Guardrails = append(m.r.Guardrails, found...)
	}
	for id, urns := range waived {
		if len(urns) > 1 {
			m.unread(fmt.Sprintf("the waiver %s is for one resource, and %d are called so; write the URN of the one", id,
				len(urns)))
		}
	}
	slices.SortStableFunc(m.r.Guardrails, func(a, b guardrails.Finding) int {
		return cmp.Or(cmp.Compare(Risk(b.Severity).rank(), Risk(a.Severity).rank()),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.URN, b.URN), cmp.Compare(a.Property, b.Property))
	})
}

// riskOf returns the risk of actions; for a list from difference it is worked out once.
func (m *maker) riskOf(actions []roles.Action) Risk {
	if len(actions) == 0 {
		return None
	}
	type list struct {
		first *roles.Action
		n     int
	}
	key := list{&actions[0], len(actions)}
	risk, done := m.risks[key]
	if !done {
		risk = riskOf(actions)
		m.risks[key] = risk
	}
	return risk
}

// riskOf ranks actions that a principal gains.
func riskOf(actions []roles.Action) Risk {
	risk := None
	for _, a := range actions {
		risk = higher(risk, Medium)
		if r := a.Risk(); r == roles.GrantsAccess || r == roles.ReadsSecrets || r == roles.ChangesCode {
			risk = High
		}
	}
	return risk
}

func higher(a, b Risk) Risk {
	if b.rank() > a.rank() {
		return b
	}
	return a
}
