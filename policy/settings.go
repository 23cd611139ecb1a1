package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// settings are the settings of the policies: the fields of guardrails.Config by their names in JSON, except the levels,
// which Pulumi sets, and those that only a guardrails.yaml has (waivers and how long they last, decided types). The
// descriptions are those in guardrails: a test compares them.
var settings = []struct {
	name, about string
	policies    []string
}{
	{
		"allowedScopes",
		"AllowedScopes are scopes wider than a resource group at which a role may be assigned or assignable: the words " +
			"subscription, managementGroup and root, or ARM IDs. Default: none.",
		[]string{"assignment-scope"},
	},
	{
		"allowedRoles",
		"AllowedRoles are built-in roles, by name or GUID, that may be assigned although a rule refuses them: storage " +
			"roles above reader, roles that grant access, and invokers' roles wider than the 35 actions. A StorageReader " +
			"component with the old argument `write` needs no entry. Default: none.",
		[]string{"privileged-role", "storage-role", "invoker-role"},
	},
	{
		"allowedSubjects",
		"AllowedSubjects are full federated subjects that may sign in though they are no branch or environment. Default: " +
			"none.",
		[]string{"federation-subject"},
	},
	{
		"invokerAdditions",
		"InvokerAdditions are the additions that the invokers' role may have to the 35 actions. Default: every addition.",
		[]string{"invoker-role"},
	},
	{
		"maxSecretDays",
		"MaxSecretDays is how many days a client secret may live, from its start to its end. Default: 731, two years, as " +
			"Entra's.",
		[]string{"secret-lifetime"},
	},
}

// namesOf returns the names of the settings of a policy.
func namesOf(policy string) (names []string) {
	for _, s := range settings {
		if slices.Contains(s.policies, policy) {
			names = append(names, s.name)
		}
	}
	return names
}

// schemaOf describes the settings of a policy to Pulumi, which refuses wrong ones and fills in the defaults; nil if it
// has none.
func schemaOf(policy string, base guardrails.Config) *policyx.ConfigSchema {
	schema := &policyx.ConfigSchema{Properties: map[string]map[string]any{}}
	for _, s := range settings {
		if slices.Contains(s.policies, policy) {
			schema.Properties[s.name] = schemaOfSetting(s.name, s.about, base)
		}
	}
	if len(schema.Properties) == 0 {
		return nil
	}
	return schema
}

// schemaOfSetting returns the JSON schema of one setting, from the type of its field and its default.
func schemaOfSetting(name, about string, base guardrails.Config) map[string]any {
	defaults := reflect.ValueOf(base)
	for field, value := range defaults.Fields() {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != name {
			continue
		}
		switch value := value.Interface().(type) {
		case int:
			return map[string]any{"type": "integer", "minimum": 1, "default": value, "description": about}
		case []string:
			list := []any{} // the protocol takes no other list
			for _, s := range value {
				list = append(list, s)
			}
			return map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "default": list,
				"description": about}
		}
	}
	panic("policy: guardrails.Config has no number or list called " + name)
}

// configOf reads Pulumi's configuration of a policy, for that rule alone: other rules are other policies.
func configOf(policy string, base guardrails.Config, values map[string]any) (guardrails.Config, error) {
	for name := range values {
		if names := namesOf(policy); !slices.Contains(names, name) {
			return guardrails.Config{}, fmt.Errorf("the configuration of policy %s has the unknown setting %q; use "+
				"enforcementLevel%s", policy, name, list(names))
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return guardrails.Config{}, fmt.Errorf("reading the configuration of policy %s: %w", policy, err)
	}
	c, err := guardrails.ParseConfigOver(base, text)
	if err != nil {
		return c, fmt.Errorf("the configuration of policy %s: %w", policy, err)
	}
	c.Levels = map[string]guardrails.Level{}
	for _, r := range guardrails.Rules() {
		c.Levels[r.ID] = guardrails.Disabled
	}
	c.Levels[policy] = guardrails.Mandatory // Pulumi asks a policy only if it is not disabled
	return c, nil
}

func list(names []string) (s string) {
	for _, name := range names {
		s += ", " + name
	}
	return s
}
