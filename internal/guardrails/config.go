package guardrails

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A Config sets limits and levels. Its zero value is not the default: see DefaultConfig.
type Config struct {
	// Levels by rule ID: advisory, mandatory or disabled. Default: each rule's own.
	Levels map[string]Level `json:"levels,omitempty" yaml:"levels"`
	// AllowedScopes are scopes wider than a resource group at which a role may be assigned or assignable: the words
	// subscription, managementGroup and root, or ARM IDs. Default: none.
	AllowedScopes []string `json:"allowedScopes,omitempty" yaml:"allowedScopes"`
	// AllowedRoles are built-in roles, by name or GUID, that may be assigned although a rule refuses them: storage
	// roles above reader, roles that grant access, and invokers' roles wider than the 35 actions. A StorageReader
	// component with the old argument `write` needs no entry. Default: none.
	AllowedRoles []string `json:"allowedRoles,omitempty" yaml:"allowedRoles"`
	// AllowedSubjects are full federated subjects that may sign in though they are no branch or environment. Default:
	// none.
	AllowedSubjects []string `json:"allowedSubjects,omitempty" yaml:"allowedSubjects"`
	// InvokerAdditions are the additions that the invokers' role may have to the 35 actions. Default: every addition.
	InvokerAdditions []string `json:"invokerAdditions" yaml:"invokerAdditions"`
	// MaxSecretDays is how many days a client secret may live, from its start to its end. Default: 731, two years, as
	// Entra's.
	MaxSecretDays int `json:"maxSecretDays,omitempty" yaml:"maxSecretDays"`
	// MaxWaiverDays is how many days a waiver may last, from now. Default: 366, a year.
	MaxWaiverDays int `json:"maxWaiverDays,omitempty" yaml:"maxWaiverDays"`
	// Waivers allow one resource to break one rule, until a day. Default: none.
	Waivers []Waiver `json:"waivers,omitempty" yaml:"waivers"`
	// DecidedTypes are types of resources that are not judged here and of which a team has decided that they give no
	// access. For a type that is judged, or will be by a later version, a decision has no effect, and a review says so.
	// Default: none.
	DecidedTypes []DecidedType `json:"decidedTypes,omitempty" yaml:"decidedTypes"`

	// Now is the time for the ends of waivers and decisions. If it is zero, all that have an end have ended.
	Now time.Time `json:"-" yaml:"-"`
}

// A Waiver allows one resource to break one rule until the end of a day. All its fields are required.
type Waiver struct {
	// Rule is the ID of a rule.
	Rule string `json:"rule" yaml:"rule"`
	// Resource is its URN, or the end of it: <type>::<name>.
	Resource string `json:"resource" yaml:"resource"`
	// Reason and Owner are for the reader of the finding: why it is acceptable, and whom to ask.
	Reason string `json:"reason" yaml:"reason"`
	Owner  string `json:"owner" yaml:"owner"`
	// Ends is the last day on which it holds, such as 2027-01-31; at most MaxWaiverDays from now.
	Ends string `json:"ends" yaml:"ends"`
}

// A DecidedType is a type of which a team has decided that it gives no access.
type DecidedType struct {
	// Type is a Pulumi type token; an API version in it makes no difference.
	Type string `json:"type" yaml:"type"`
	// Reason is for the reader.
	Reason string `json:"reason" yaml:"reason"`
	// Ends is the last day on which the decision holds. Default: none.
	Ends string `json:"ends,omitempty" yaml:"ends"`
}

// maxSecretDays is the longest lifetime of a client secret in the components: Entra's default.
var maxSecretDays = int(signin.ClientSecret{}.MaxLifetime() / (24 * time.Hour))

// DefaultConfig allows what the components make by default, and no more.
func DefaultConfig() Config {
	return Config{InvokerAdditions: roles.AdditionNames(), MaxSecretDays: maxSecretDays, MaxWaiverDays: 366}
}

// ParseConfig reads a configuration from YAML, or JSON, which is YAML too. Keys that it does not set have their
// defaults. Everything that is wrong is one error, with a line for each: the path, what is wrong, the known words and
// the nearest of them. The ends of waivers are compared with now.
func ParseConfig(text []byte, now time.Time) (Config, error) {
	c := DefaultConfig()
	c.Now = now
	return ParseConfigOver(c, text)
}

// ParseConfigOver is ParseConfig with other defaults.
func ParseConfigOver(defaults Config, text []byte) (Config, error) {
	c := defaults
	problems := append(decode(text, &c), c.problems()...)
	slices.Sort(problems)
	return c, joined(slices.Compact(problems))
}

func joined(problems []string) error {
	var all []error
	for _, p := range problems {
		all = append(all, errors.New(p))
	}
	return errors.Join(all...)
}

// Validate returns everything that is wrong with the configuration, joined.
func (c Config) Validate() error {
	problems := c.problems()
	slices.Sort(problems)
	return joined(problems)
}

func (c Config) problems() (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	known := make([]string, len(rules))
	for i, r := range rules {
		known[i] = r.ID
	}
	levels := []string{string(Advisory), string(Mandatory), string(Disabled)}
	for id, level := range c.Levels {
		if !slices.Contains(known, id) {
			bad("levels.%s: unknown rule; %s", id, choices(id, known))
		}
		if !slices.Contains(levels, string(level)) {
			bad("levels.%s: unknown level %q; %s", id, level, choices(string(level), levels))
		}
	}
	for i, role := range c.AllowedRoles {
		if _, ok := roles.BuiltIn(role); !ok {
			bad("allowedRoles[%d]: %q is no built-in role known here; write its name as Azure does, or its GUID%s", i, role,
				nearestRole(role))
		}
	}
	for i, scope := range c.AllowedScopes {
		switch kind := wideScope(scope); {
		case slices.Contains(wideScopes, scope):
		case scope == "/":
			bad("allowedScopes[%d]: %q holds everywhere; to allow that, write root", i, scope)
		case kind == notUnderstood && strings.HasPrefix(scope, "/"):
			bad("allowedScopes[%d]: %q is not understood as a scope; use %s or an ARM ID in full", i, scope,
				strings.Join(wideScopes, ", "))
		case kind == notUnderstood:
			bad("allowedScopes[%d]: unknown value %q; %s, or an ARM ID in full", i, scope, choices(scope, wideScopes))
		}
	}
	for i, subject := range c.AllowedSubjects {
		if strings.TrimSpace(subject) == "" {
			bad("allowedSubjects[%d]: is empty; write a subject in full", i)
		}
	}
	for i, name := range c.InvokerAdditions {
		if !slices.Contains(roles.AdditionNames(), name) {
			bad("invokerAdditions[%d]: unknown value %q; %s", i, name, choices(name, roles.AdditionNames()))
		}
	}
	if c.MaxSecretDays < 1 {
		bad("maxSecretDays: is %d; write a number of days, 1 or more", c.MaxSecretDays)
	}
	if c.MaxWaiverDays < 1 {
		bad("maxWaiverDays: is %d; write a number of days, 1 or more", c.MaxWaiverDays)
	}
	first := map[string]string{} // the first path, by content
	again := func(at, same string) {
		if before, there := first[same]; there {
			bad("%s: says the same as %s; keep one of the two", at, before)
			return
		}
		first[same] = at
	}
	for i, w := range c.Waivers {
		at := fmt.Sprintf("waivers[%d].", i)
		if !slices.Contains(known, w.Rule) {
			bad("%srule: unknown rule %q; %s", at, w.Rule, choices(w.Rule, known))
		}
		if namesResource(w.Resource) {
			again(strings.TrimSuffix(at, "."), "waiver "+w.Rule+" "+w.Resource)
		} else {
			bad("%sresource: %q names no resource; write its URN, or the end of it: <type>::<name>, such as %s::people", at,
				w.Resource, RoleAssignment)
		}
		toRead(at+"reason", w.Reason, "write why it is fine, for whoever reads the finding", bad)
		toRead(at+"owner", w.Owner, "write whom to ask, for whoever reads the finding", bad)
		switch end, err := day(w.Ends); {
		case err != nil:
			bad("%sends: %q is not a day; write the last one on which the waiver holds, such as 2027-01-31", at, w.Ends)
		case !c.Now.IsZero() && c.MaxWaiverDays > 0 && end.After(c.Now.AddDate(0, 0, c.MaxWaiverDays+1)):
			bad("%sends: %s is more than %d days ahead; write a nearer day, and look at it again then, or raise maxWaiverDays",
				at, w.Ends, c.MaxWaiverDays)
		}
	}
	for i, d := range c.DecidedTypes {
		at := fmt.Sprintf("decidedTypes[%d].", i)
		switch {
		case !isToken(d.Type):
			bad("%stype: %q is no type; write a type token in full, such as azure-native:network:VirtualNetwork", at, d.Type)
		default:
			again(strings.TrimSuffix(at, "."), "type "+Key(d.Type))
		}
		toRead(at+"reason", d.Reason, "write why the type gives no access", bad)
		if _, err := day(d.Ends); d.Ends != "" && err != nil {
			bad("%sends: %q is not a day; write the last one on which the decision holds, such as 2027-01-31", at, d.Ends)
		}
	}
	return problems
}

// toRead checks a text for people: it is there, and has no hidden characters.
func toRead(at, text, fix string, bad func(format string, args ...any)) {
	if strings.ContainsFunc(text, visible.Hidden) {
		bad("%s: %q holds line ends or characters that are not shown; %s, in one line", at, text, fix)
	} else if strings.TrimSpace(text) == "" {
		bad("%s: is missing; %s", at, fix)
	}
}

// namesResource reports whether a text is a whole URN, or a type and a name as at the end of one.
func namesResource(s string) bool {
	if strings.Contains(s, "*") || strings.TrimSpace(s) != s || strings.ContainsFunc(s, visible.Hidden) {
		return false
	}
	if rest, is := strings.CutPrefix(s, "urn:pulumi:"); is {
		parts := strings.SplitN(rest, "::", 4)
		return len(parts) == 4 && !slices.Contains(parts, "") && isToken(parts[2][strings.LastIndex(parts[2], "$")+1:])
	}
	token, name, ok := strings.Cut(s, "::")
	return ok && name != "" && isToken(token)
}

// isToken reports whether a text has the form of a Pulumi type token: package:module:name.
func isToken(s string) bool {
	parts := strings.Split(s, ":")
	return len(parts) == 3 && !slices.Contains(parts, "") && !strings.ContainsAny(s, "* \t")
}

// choices lists the known words, and the one that is nearest.
func choices(word string, known []string) string {
	text := "use " + strings.Join(known, ", ")
	if near := nearest(word, known); near != "" {
		text += " (nearest: " + near + ")"
	}
	return text
}

func nearestRole(name string) string {
	var names []string
	for _, d := range roles.BuiltIns() {
		names = append(names, d.RoleName)
	}
	if near := nearest(name, names); near != "" {
		return " (nearest: " + near + ")"
	}
	return ""
}

// day returns the moment at which a day ends.
func day(text string) (time.Time, error) {
	first, err := time.Parse(time.DateOnly, text)
	return first.AddDate(0, 0, 1), err
}

func (c Config) ended(ends string) bool {
	end, err := day(ends)
	return ends != "" && (err != nil || c.Now.IsZero() || !c.Now.Before(end))
}

func (c Config) level(r Rule) Level { return cmp.Or(c.Levels[r.ID], r.Level) }

func (c Config) allowsRole(d roles.Definition) bool {
	return slices.ContainsFunc(c.AllowedRoles, func(s string) bool {
		return s != "" && (strings.EqualFold(s, d.RoleName) || strings.EqualFold(s, d.ID))
	})
}

// Is reports whether a waiver names the resource.
func (w Waiver) Is(urn string) bool {
	if strings.HasPrefix(w.Resource, "urn:pulumi:") {
		return w.Resource == urn
	}
	kind, name, _ := strings.Cut(w.Resource, "::")
	parts := strings.SplitN(urn, "::", 4)
	return len(parts) == 4 && parts[3] == name && Key(parts[2][strings.LastIndex(parts[2], "$")+1:]) == Key(kind)
}

// waive makes a finding advisory if a waiver for it has not ended.
func (c Config) waive(r Resource, f *Finding) {
	for _, w := range c.Waivers {
		switch {
		case w.Rule != f.Rule || !w.Is(r.URN):
		case c.ended(w.Ends):
			f.What += fmt.Sprintf(" (the waiver of %s ended on %s)", w.Owner, w.Ends)
		default:
			f.Level, f.Waived = Advisory, fmt.Sprintf("by %s until %s: %s", w.Owner, w.Ends, w.Reason)
			return
		}
	}
}

// Decided returns the decision about a type, if there is one that has not ended. There is none for a type that the
// rules judge: waive its resources one by one.
func (c Config) Decided(token string) (DecidedType, bool) {
	for _, d := range c.DecidedTypes {
		if Key(d.Type) == Key(token) && !c.ended(d.Ends) && Guessed(token) {
			return d, true
		}
	}
	return DecidedType{}, false
}
