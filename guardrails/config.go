package guardrails

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// A Config sets the limits and the levels. Its zero value is not the default: see DefaultConfig.
type Config struct {
	// Levels by rule ID: advisory, mandatory or disabled. Default: each rule's own.
	Levels map[string]Level `json:"levels,omitempty" yaml:"levels"`
	// AllowedScopes are where a role may be assigned or be assignable though it is wider than a resource group: the words
	// subscription, managementGroup and root, or ARM IDs. Default: none.
	AllowedScopes []string `json:"allowedScopes,omitempty" yaml:"allowedScopes"`
	// AllowedRoles are built-in roles, by name or GUID, that may be assigned although a rule refuses them: storage roles above
	// reader, roles that grant access, and invokers' roles wider than the 35 actions. What a StorageReader component assigns
	// because its `write` is set was asked for and needs no entry. Default: none.
	AllowedRoles []string `json:"allowedRoles,omitempty" yaml:"allowedRoles"`
	// AllowedSubjects are federated subjects, in full, that may sign in though they are no branch or environment. Default: none.
	AllowedSubjects []string `json:"allowedSubjects,omitempty" yaml:"allowedSubjects"`
	// InvokerAdditions are those that the invokers' role may have on top of the 35 actions. Default: all that have a name.
	InvokerAdditions []string `json:"invokerAdditions" yaml:"invokerAdditions"`
	// MaxSecretDays a client secret may live, from its start to its end. Default: 731, two years, as Entra's own.
	MaxSecretDays int `json:"maxSecretDays,omitempty" yaml:"maxSecretDays"`
}

// maxSecretDays is as long as the components let a client secret live: Entra's default lifetime.
const maxSecretDays = int(access.MaxSecretLifetime / (24 * time.Hour))

// DefaultConfig allows what the components make by default, and no more.
func DefaultConfig() Config {
	return Config{InvokerAdditions: roles.AdditionNames(), MaxSecretDays: maxSecretDays}
}

// ParseConfig reads a configuration from YAML, or JSON, which is YAML too. What it does not set has its default. An unknown
// key, rule, level, role or addition is an error that lists the known ones.
func ParseConfig(text []byte) (Config, error) {
	c := DefaultConfig()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("reading the guardrails' configuration: %w", err)
	}
	if c.InvokerAdditions == nil { // a key with nothing behind it
		c.InvokerAdditions = DefaultConfig().InvokerAdditions
	}
	return c, c.Validate()
}

// Validate returns all that is wrong with the configuration, joined.
func (c Config) Validate() error {
	var problems []error
	known := make([]string, len(rules))
	for i, r := range rules {
		known[i] = r.ID
	}
	for id, level := range c.Levels {
		if !slices.Contains(known, id) {
			problems = append(problems, fmt.Errorf("levels.%s: unknown rule; use %s", id, strings.Join(known, ", ")))
		}
		if !slices.Contains([]Level{Advisory, Mandatory, Disabled}, level) {
			problems = append(problems, fmt.Errorf("levels.%s: unknown level %q; use advisory, mandatory or disabled", id, level))
		}
	}
	for i, role := range c.AllowedRoles {
		if _, ok := roles.BuiltIn(role); !ok {
			problems = append(problems, fmt.Errorf("allowedRoles[%d]: %q is no built-in role known here; write its name as Azure does", i, role))
		}
	}
	for i, scope := range c.AllowedScopes {
		if !slices.Contains(wideScopes, scope) && !strings.HasPrefix(scope, "/") {
			problems = append(problems, fmt.Errorf("allowedScopes[%d]: unknown value %q; use %s or an ARM ID", i, scope, strings.Join(wideScopes, ", ")))
		}
	}
	for i, name := range c.InvokerAdditions {
		if !slices.Contains(roles.AdditionNames(), name) {
			problems = append(problems, fmt.Errorf("invokerAdditions[%d]: unknown value %q; use %s", i, name, strings.Join(roles.AdditionNames(), ", ")))
		}
	}
	if c.MaxSecretDays < 1 {
		problems = append(problems, fmt.Errorf("maxSecretDays: is %d; write a number of days, 1 or more", c.MaxSecretDays))
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

func (c Config) level(r Rule) Level {
	if level, ok := c.Levels[r.ID]; ok {
		return level
	}
	return r.Level
}

func (c Config) allowsRole(d roles.Definition) bool {
	return slices.ContainsFunc(c.AllowedRoles, func(s string) bool {
		return strings.EqualFold(s, d.RoleName) || strings.EqualFold(s, d.ID)
	})
}
