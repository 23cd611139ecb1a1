package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/batchaccess/batchaccess/guardrails"
)

const packName = "batchaccess-guardrails"

var packVersion = semver.MustParse("0.1.0")

// newPack makes the pack for one preview or deployment.
func newPack(pctx *pulumi.Context) (policyx.PolicyPack, error) {
	var policies []policyx.Policy
	for _, r := range guardrails.Rules() {
		policies = append(policies, newPolicy(r, pctx.DryRun(), func(what string) error { return pctx.Log.Warn(what, nil) }))
	}
	return policyx.NewPolicyPack(packName, packVersion, policyx.EnforcementLevelMandatory, policies)
}

// newPolicy makes a rule a policy. What a preview can't decide yet is told to warn.
func newPolicy(rule guardrails.Rule, preview bool, warn func(string) error) policyx.ResourceValidationPolicy {
	return policyx.NewResourceValidationPolicy(rule.ID, policyx.ResourceValidationPolicyArgs{
		Description:      rule.Title + ". " + rule.Why,
		EnforcementLevel: levels[rule.Level],
		ConfigSchema:     schemaOf(rule.ID),
		ValidateResource: func(_ context.Context, args policyx.ResourceValidationArgs) error {
			config, err := configOf(rule.ID, args.Config)
			if err != nil {
				return err
			}
			for _, f := range judge(args.Resource, config) {
				// The same inputs are judged again at the deployment, where all are known. A warning, as a policy has but one level.
				if f.Undecided && preview {
					if err := warn(rule.ID + ": " + message(f)); err != nil {
						return fmt.Errorf("telling what can't be judged yet: %w", err)
					}
					continue
				}
				args.Manager.ReportViolation(message(f), f.URN)
			}
			return nil
		},
	})
}

// levels are Pulumi's words for those of the rules. Which one holds is Pulumi's to say: it knows the pack's configuration.
var levels = map[guardrails.Level]policyx.EnforcementLevel{
	guardrails.Advisory:  policyx.EnforcementLevelAdvisory,
	guardrails.Mandatory: policyx.EnforcementLevelMandatory,
	guardrails.Disabled:  policyx.EnforcementLevelDisabled,
}

// judge returns what is wrong with a resource. Its secrets are judged by their values, or making a value secret would be a
// way around every rule; but a finding that only they give away is told without saying what they are.
func judge(r policyx.AnalyzerResource, c guardrails.Config) []guardrails.Finding {
	found := guardrails.Check(resourceOf(r, true), c)
	if !property.New(r.Properties).HasSecrets() {
		return found
	}
	shown := guardrails.Check(resourceOf(r, false), c)
	for i, f := range found {
		if !slices.Contains(shown, f) {
			found[i].What = "breaks the rule; its value is a secret and is not shown"
		}
	}
	return found
}

// message is what the person reads whose change is stopped, below the policy's description.
func message(f guardrails.Finding) string {
	return fmt.Sprintf("%s: %s: %s\nremedy: %s", f.Resource, f.Property, f.What, f.Remedy)
}
