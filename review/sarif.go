package review

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/batchaccess/batchaccess/guardrails"
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

// The rules of SARIF that are no guardrails: what a review itself finds.
var sarifRules = []struct{ id, level, title, help string }{
	{"access-gained", "warning", "Somebody can do something new", "A principal gains actions at a place where nothing gave them before. Decided by effect, not by text."},
	{"job-stops", "warning", "A job stops working", "A path from an invoker to its data works before the change and not after it, or is declared and does not work."},
	{"secret", "note", "A client secret comes, goes, is rotated or ends", "Whoever uses the secret has to act."},
	{"federation", "warning", "Who may sign in by federation changes", "Tokens with another subject may sign in as the application."},
	{"identity-changed", "warning", "A managed identity changes", "What the old identity was given is lost without a word."},
	{"partial-review", "error", "The review is partial", "Something in the preview could not be read, so nothing can be concluded from what was not found."},
}

var sarifLevels = map[Risk]string{High: "error", Medium: "warning", Low: "note", None: "note"}

// SARIF writes the review as SARIF 2.1.0, for code scanning. Results are placed at the project file, as a preview does not
// know lines of configuration, and name their resource by URN.
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
	results := []sarifResult{} // an empty list, not null: SARIF wants it to be there
	add := func(rule, level, urn, text string) {
		l := sarifLocation{}
		l.Physical.Artifact.URI, l.Physical.Region.StartLine = "Pulumi.yaml", 1
		if urn != "" {
			l.Logical = []sarifLogical{{urn, "resource"}}
		}
		results = append(results, sarifResult{rule, level, sarifText{inSARIF.escape(text)}, []sarifLocation{l}, map[string]string{"batchaccess/v1": rule + " " + urn}})
	}
	for _, text := range r.Unread {
		add("partial-review", "error", "", text)
	}
	for _, f := range r.Guardrails {
		level := sarifLevels[Risk(f.Severity)]
		if f.Level == guardrails.Advisory {
			level = "note"
		}
		add(f.Rule, level, f.URN, f.String())
	}
	for _, c := range r.Access {
		if len(c.New) > 0 {
			add("access-gained", sarifLevels[c.Risk], c.URN, c.Principal.String()+" "+c.tell())
		}
	}
	for _, j := range r.Jobs {
		if j.Change != "starts" {
			add("job-stops", sarifLevels[j.Risk], "", fmt.Sprintf("%s on %s with %s: %s; it %s", j.Invoker, j.Endpoint, j.Input, j.Change, j.After))
			results[len(results)-1].Fingerprints["batchaccess/v1"] = "job-stops " + j.Invoker + " " + j.Endpoint + " " + j.Input
		}
	}
	for _, s := range r.Secrets {
		add("secret", sarifLevels[s.Risk], s.URN, s.Secret+" "+s.Change+": "+s.What)
	}
	for _, f := range r.Federation {
		add("federation", sarifLevels[f.Risk], f.URN, fmt.Sprintf("%s %s: before %s, after %s", f.Name, f.Change, orDash(f.Before), orDash(f.After)))
	}
	for _, i := range r.Identities {
		add("identity-changed", sarifLevels[i.Risk], i.URN, fmt.Sprintf("%s %s, from %s to %s: %s", i.Of, i.Change, i.Before, i.After, i.What))
	}
	log := map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "batchaccess review", "informationUri": "https://github.com/batchaccess/batchaccess", "rules": rules}},
			"results": results,
		}},
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(log); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}
