package review

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/visible"
)

type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Short   sarifText `json:"shortDescription"`
		Help    sarifText `json:"help"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
		Logical []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

// The SARIF rules beside the guardrails: for what the review itself finds.
var sarifRules = []struct{ id, level, title, help string }{
	{"access-gained", "warning", "Somebody can do something new",
		"A principal gains actions at a place where nothing gave them before. Decided by effect, not by text."},
	{"other-way", "error", "Access is given in another way",
		"A resource gives access that no role assignment shows, or a preview does not show what it does."},
	{"not-judged", "error", "A changed resource is not judged",
		"It is not known what access a resource of this type gives. Decide on the type in guardrails.yaml, or take it " +
			"out."},
	{"job-stops", "warning", "A job stops working", "A path from an invoker to its data works before the change and not " +
		"after it, or is declared and does not work."},
	{"indirect-way", "error", "An indirect way opens",
		"By a secret, or as somebody else, somebody reaches data, an identity, secrets or role assignments that no job and " +
			"no grant of theirs gives them."},
	{"secret", "note", "A client secret comes, goes, is rotated or ends", "Whoever uses the secret has to act."},
	{"federation", "warning", "Who may sign in by federation changes",
		"Tokens with another subject may sign in as the application."},
	{"identity-changed", "warning", "A managed identity changes",
		"What the old identity was given is lost without a warning."},
	{interrupted, "warning", "Somebody who keeps access loses it for a while",
		"One step of the change ends it, and another one restores it. What happens to running jobs is not " +
			"known."},
	{renamed, "warning", "Something looks renamed, without was",
		"One is deleted with all that it was given, and another is made. If they are the same, write was with the old name."},
	{"partial-review", "error", "The review is partial", "Something in the preview could not be read, so nothing can be " +
		"concluded from what was not found."},
}

var sarifLevels = map[Risk]string{High: "error", Medium: "warning", Low: "note", None: "note"}

// SARIF writes the review as SARIF 2.1.0, for code scanning. A result has a place in the stack's configuration, if that
// was given and names what the finding is about, or else in the project file. It names its resource by URN. Its
// fingerprint stays the same from run to run.
func SARIF(w io.Writer, r Review) error {
	var rules []sarifRule
	for _, g := range guardrails.Rules() {
		rule := sarifRule{ID: g.ID, Short: sarifText{g.Title}, Help: sarifText{g.Why}}
		rule.Default.Level = sarifLevels[Risk(g.Severity)]
		rules = append(rules, rule)
	}
	for _, s := range sarifRules {
		rule := sarifRule{ID: s.id, Short: sarifText{s.title}, Help: sarifText{s.help}}
		rule.Default.Level = s.level
		rules = append(rules, rule)
	}
	log := map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool": map[string]any{"driver": map[string]any{
				"name": "batchaccess review", "informationUri": "https://github.com/batchaccess/batchaccess", "rules": rules,
			}},
			"results": r.sarifResults(),
		}},
	}
	if err := jsonform.Write(w, log); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}

func (r Review) sarifResults() []sarifResult {
	results := []sarifResult{} // an empty list, not null: SARIF requires it
	seen := map[string]int{}
	// of has everything that makes two findings different, and nothing that changes by itself, such as the days left.
	add := func(rule, level, urn, text string, of ...string) {
		print := strings.Join(append([]string{rule, urn}, of...), "\n")
		if seen[print]++; seen[print] > 1 {
			print += fmt.Sprint("\n", seen[print])
		}
		sum := sha256.Sum256([]byte(print))
		l := sarifLocation{}
		l.Physical.Artifact.URI, l.Physical.Region.StartLine = r.place(urn, of)
		if urn != "" {
			l.Logical = []sarifLogical{{visible.Terminal.Escape(urn), "resource"}}
		}
		results = append(results, sarifResult{
			rule, level, sarifText{visible.SARIF.Escape(text)}, []sarifLocation{l}, map[string]string{"batchaccess/" +
				"v2": hex.EncodeToString(sum[:16])},
		})
	}
	for _, text := range r.Unread {
		add("partial-review", "error", "", text, text)
	}
	for _, u := range r.Unjudged {
		add("not-judged", "error", "", fmt.Sprintf("%d of %s change and are not judged: %s", u.Count, u.Type,
			strings.Join(u.Resources, ", ")), u.Type, strings.Join(u.Inputs, ","))
	}
	for _, f := range r.Guardrails {
		level := sarifLevels[Risk(f.Severity)]
		if f.Level == guardrails.Advisory {
			level = "note"
		}
		add(f.Rule, level, f.URN, f.String(), f.Property, f.What)
	}
	for _, c := range r.Access {
		if len(c.New) > 0 {
			add("access-gained", sarifLevels[c.Risk], c.URN, c.Principal.String()+" "+c.sentence(), c.Principal.Name, c.Role,
				c.After)
		}
	}
	for _, i := range r.Interruptions {
		text := fmt.Sprintf("%s: %s; from %s until %s; jobs that run then: %s", strings.Join(i.Who, ", "), i.What, i.From,
			i.To, i.Running)
		add(i.Change, "warning", i.URN, text, append([]string{i.What}, i.Who...)...)
	}
	for _, o := range r.Other {
		if o.Risk != Low {
			add("other-way", sarifLevels[o.Risk], o.URN, o.Resource+" "+o.What, o.What)
		}
	}
	for _, j := range r.Jobs {
		if j.Change != "starts" {
			text := fmt.Sprintf("%s on %s with %s: %s; it %s", j.Invoker, j.Endpoint, j.Input, j.Change, j.After)
			add("job-stops", sarifLevels[j.Risk], "", text, j.Invoker, j.Endpoint, j.Input)
		}
	}
	for _, w := range r.wayRows() {
		if w.change != closes {
			add("indirect-way", sarifLevels[w.risk], "", w.text, w.change, w.whole)
		}
	}
	for _, s := range r.Secrets {
		add("secret", sarifLevels[s.Risk], s.URN, s.Secret+" "+s.Change+": "+s.What, s.Secret, s.Change)
	}
	for _, f := range r.Federation {
		text := fmt.Sprintf("%s %s: before %s, after %s", f.Name, f.Change, orDash(f.Before), orDash(f.After))
		add("federation", sarifLevels[f.Risk], f.URN, text, f.Before, f.After)
	}
	for _, i := range r.Identities {
		text := fmt.Sprintf("%s %s, from %s to %s: %s", i.Of, i.Change, i.Before, i.After, i.What)
		add("identity-changed", sarifLevels[i.Risk], i.URN, text, i.Before, i.After)
	}
	return results
}

// A StackFile is the configuration of the reviewed stack, for the places of findings.
type StackFile struct {
	Path string // in the repository
	Text []byte
}

// lines returns the lines of a stack's configuration with the names of its parts, by name.
func (f StackFile) lines() map[string]int {
	var root yaml.Node
	if yaml.Unmarshal(f.Text, &root) != nil || len(root.Content) == 0 {
		return nil
	}
	lines := map[string]int{}
	each := func(n *yaml.Node, do func(key string, k, v *yaml.Node)) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			do(n.Content[i].Value, n.Content[i], n.Content[i+1])
		}
	}
	each(root.Content[0], func(key string, _, config *yaml.Node) {
		if key != "config" {
			return
		}
		each(config, func(key string, k, section *yaml.Node) {
			part, ours := strings.CutPrefix(key, "batchaccess:")
			if !ours {
				return
			}
			lines[part] = k.Line
			each(section, func(name string, k, _ *yaml.Node) {
				if _, there := lines[name]; !there {
					lines[name] = k.Line
				}
				lines[part+"."+name] = k.Line
			})
		})
	})
	return lines
}

// place returns the place of a finding: the line of the configuration that names the innermost part of the resource, or
// what the finding is about.
func (r Review) place(urn string, of []string) (file string, line int) {
	if r.file.Path == "" {
		return "Pulumi.yaml", 1
	}
	parts := strings.Split(engine.NameOf(urn), ".")
	slices.Reverse(parts)
	for _, word := range append(parts, of...) {
		if line, ok := r.lines[word]; ok {
			return r.file.Path, line
		}
	}
	if line, ok := r.lines["role"]; ok && strings.Contains(urn, guardrails.InvokerRole) {
		return r.file.Path, line
	}
	return r.file.Path, 1
}
