package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

const packName = "batchaccess-guardrails"

var packVersion = semver.MustParse("0.1.0")

// fileVariable names the guardrails.yaml that `batchaccess review` also reads. With it, its levels, limits and waivers
// hold here, unless the pack's configuration says otherwise. Give an absolute path: a relative one starts in the folder
// in which the pack runs.
const fileVariable = "BATCHACCESS_GUARDRAILS"

// newPack makes the pack for one preview or deployment.
func newPack(pctx *pulumi.Context) (policyx.PolicyPack, error) {
	base, err := baseConfig(os.Getenv(fileVariable), time.Now())
	if err != nil {
		return nil, err
	}
	var policies []policyx.Policy
	for _, r := range guardrails.Rules() {
		if !r.Change { // a policy sees resources, not changes
			policies = append(policies, newPolicy(r, pctx.DryRun(), base,
				func(what string) error { return pctx.Log.Warn(what, nil) }))
		}
	}
	return policyx.NewPolicyPack(packName, packVersion, policyx.EnforcementLevelMandatory, policies)
}

// baseConfig returns the configuration in the file; without one, the default.
func baseConfig(file string, now time.Time) (guardrails.Config, error) {
	base := guardrails.DefaultConfig()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return base, fmt.Errorf("reading %s: %w", fileVariable, err)
		}
		if base, err = guardrails.ParseConfig(text, now); err != nil {
			return base, fmt.Errorf("%s:\n%w", file, err)
		}
	}
	base.Now = now
	return base, nil
}

// newPolicy makes a policy of a rule. If the rule can't be decided, that is a violation in the preview already, so that
// no deployment stops half-way. If it depends on the source of a value, which a policy does not see, it is a warning in
// the deployment, and in a preview that does not know the value. A waived finding is a warning too.
func newPolicy(rule guardrails.Rule, preview bool, base guardrails.Config,
	warn func(string) error) policyx.ResourceValidationPolicy {
	level := rule.Level
	if set, ok := base.Levels[rule.ID]; ok {
		level = set
	}
	return policyx.NewResourceValidationPolicy(rule.ID, policyx.ResourceValidationPolicyArgs{
		Description:      rule.Title + ". " + rule.Why,
		EnforcementLevel: levels[level],
		ConfigSchema:     schemaOf(rule.ID, base),
		ValidateResource: func(_ context.Context, args policyx.ResourceValidationArgs) error {
			config, err := configOf(rule.ID, base, args.Config)
			if err != nil {
				return err
			}
			for _, f := range judge(args.Resource, config) {
				text := rule.ID + ": " + message(f)
				if f.Waived != "" {
					text += "\nwaived " + f.Waived
				}
				if f.Waived != "" || f.Origin == guardrails.Later || f.Origin != "" && !preview {
					if err := warn(text); err != nil {
						return fmt.Errorf("reporting what stops nothing: %w", err)
					}
					continue
				}
				args.Manager.ReportViolation(message(f), f.URN)
			}
			return nil
		},
	})
}

// levels are Pulumi's names for the rules' levels. Pulumi decides which level holds: it knows the pack's configuration.
var levels = map[guardrails.Level]policyx.EnforcementLevel{
	guardrails.Advisory:  policyx.EnforcementLevelAdvisory,
	guardrails.Mandatory: policyx.EnforcementLevelMandatory,
	guardrails.Disabled:  policyx.EnforcementLevelDisabled,
}

// judge returns what is wrong with a resource. Secrets are judged by their values, or making a value secret would be a
// way around every rule; but a finding that depends on a secret is reported without its text.
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

// message is the text for a person whose change is stopped, below the policy's description.
func message(f guardrails.Finding) string {
	return fmt.Sprintf("%s: %s: %s\nremedy: %s", f.Resource, f.Property, f.What, f.Remedy)
}
