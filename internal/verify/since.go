package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Since is the difference to an earlier report of the same stack.
type Since struct {
	Asked time.Time `json:"asked"` // time of the earlier report
	// Paths with another status, with both. A path that is only in one of the reports is "absent" in the other.
	Paths []string `json:"paths,omitempty"`
	// More is what is beyond need, with its holder, that was not in the earlier report; Less is what is gone since.
	More []string `json:"more,omitempty"`
	Less []string `json:"less,omitempty"`
	// Unasked are the questions without an answer that had one.
	Unasked []string `json:"unasked,omitempty"`
}

// worse reports whether anything is granted beyond need that was not before.
func (s *Since) worse() bool { return s != nil && len(s.More) > 0 }

func (s *Since) lines() (all []string) {
	for _, part := range []struct {
		mark string
		of   []string
	}{{"path: ", s.Paths}, {"+ ", s.More}, {"- ", s.Less}, {"no answer now: ", s.Unasked}} {
		for _, text := range part.of {
			all = append(all, part.mark+text)
		}
	}
	if len(all) == 0 {
		return []string{"nothing has changed"}
	}
	return all
}

const howToReport = "make one with batchaccess verify --report report.json"

// ReadReport reads a report that WriteJSON wrote. The error says why the text is no report, and what to do.
func ReadReport(from io.Reader) (Report, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return Report{}, fmt.Errorf("reading the earlier report: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return Report{}, errors.New("the earlier report is empty; " + howToReport)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var r Report
	if err := d.Decode(&r); err != nil {
		return Report{}, fmt.Errorf("the earlier report is not one of verify (%w); %s", err, howToReport)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Report{}, errors.New("there is more in the file after the earlier report; give each report a file of its own")
	}
	switch {
	case r.Version != version:
		return Report{}, fmt.Errorf("the earlier report is of version %d, and this is %d; %s", r.Version, version,
			howToReport)
	case r.Stack == "" || r.Asked.IsZero() || r.Paths == nil || r.Excess == nil:
		return Report{}, errors.New("the earlier report is not a whole report of verify; " + howToReport)
	}
	return r, nil
}

// Compare records in the report the difference to an earlier one. It fails for a report of another stack, or one that
// is not earlier.
func (r *Report) Compare(earlier Report) error {
	if earlier.Stack != r.Stack {
		return fmt.Errorf("the earlier report is of stack %s, and this one is of %s", plain(earlier.Stack), r.Stack)
	}
	if earlier.Asked.After(r.Asked) {
		return fmt.Errorf("the earlier report is of %s, which is later than now", earlier.Asked.UTC().Format(time.DateTime))
	}
	s := &Since{Asked: earlier.Asked}
	then, now := earlier.states(), r.states()
	for _, name := range union(then, now) {
		if was, is := then[name], now[name]; was != is {
			s.Paths = append(s.Paths, fmt.Sprintf("%s: %s → %s", name, orAbsent(was), orAbsent(is)))
		}
	}
	before, after := earlier.excesses(), r.excesses()
	for _, id := range union(before, after) {
		switch was, is := before[id], after[id]; {
		case was.text == "":
			s.More = append(s.More, is.text)
		case is.text == "":
			s.Less = append(s.Less, was.text)
		case was.all != is.all:
			s.More = append(s.More, is.text+" (before: "+was.text+")")
		}
	}
	for _, question := range r.Unasked {
		if !slices.Contains(earlier.Unasked, question) {
			s.Unasked = append(s.Unasked, question)
		}
	}
	r.Since = s
	return nil
}

// states returns the status of each path, by the path. Settling counts as granted, like working.
func (r Report) states() map[string]string {
	all := map[string]string{}
	for _, p := range r.Paths {
		name := p.Invoker + " on " + p.Target()
		if p.Input != "" {
			name += " with " + p.Input
		}
		p.Status = map[bool]Status{true: Works, false: p.Status}[p.Status == Settling]
		all[name] = p.outcome()
	}
	return all
}

// An excess is what is beyond need: its text, and everything that decides whether it has changed.
type excess struct{ text, all string }

// excesses returns what is beyond need, and the strangers, by the assignment and its holder.
func (r Report) excesses() map[string]excess {
	all := map[string]excess{}
	for _, e := range r.Excess {
		text := fmt.Sprintf("%s: %s on %s", e.Principal, e.Role, e.Scope)
		actions := strings.Join(slices.Sorted(slices.Values(e.Actions)), ", ")
		all[strings.ToLower(e.Assignment)+" "+e.Principal.String()] = excess{text + ": " + some(e.Actions),
			text + actions + e.Condition}
	}
	for _, s := range r.Strangers {
		all[strings.ToLower(s.ID)+" in "+s.Group] = excess{text: fmt.Sprintf("group %s: member %s (%s)", s.Group,
			s.Name, s.ID)}
	}
	for _, s := range r.SignIns {
		if s.Extra {
			all[strings.Join([]string{cmp.Or(s.Secret, "federated"), s.Invoker, s.Issuer, s.Subject,
				s.Audience, s.Ends}, "\n")] = excess{text: s.String()}
		}
	}
	return all
}

func union[T any](a, b map[string]T) (all []string) {
	for _, of := range []map[string]T{a, b} {
		for name := range of {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func orAbsent(state string) string {
	if state == "" {
		return "absent"
	}
	return state
}
