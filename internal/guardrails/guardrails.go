// Package guardrails holds the rules that a change of access must not break: one resource in, findings out.
//
// `batchaccess review` applies the rules to the resources of a preview, and a Pulumi policy pack to the resources of a
// running deployment. So the package knows resources only as a type, a URN and plain maps. It must not know the Pulumi
// SDK, where resources come from, or what is done about a finding.
package guardrails

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A Marker replaces a value in a resource's inputs that is not known or not shown. It has its own type, so that no rule
// reads it as text.
type Marker string

// The markers.
const (
	Unknown Marker = "not known before the deployment"
	Secret  Marker = "a secret"
)

// A Resource is a resource as a deployment would leave it.
type Resource struct {
	Type   string         // Pulumi type token, such as azure-native:authorization:RoleAssignment
	URN    string         // has the components that make it, and its name
	Inputs map[string]any // text, numbers (float64), booleans, lists, maps, and markers

	// Old are its present inputs; nil if it does not exist yet. Gone is set if it is to be deleted: then Inputs are
	// nil. Replaced is set if another one is made in its place.
	Old            map[string]any
	Gone, Replaced bool
	// Kept is set if the deployment does nothing to it. Its secrets have not changed then.
	Kept bool
	// Changed are the top-level inputs that the engine says are different, needed for secrets; nil if it does not say.
	Changed []string
	// Dependencies are the URNs of the resources that each input comes from.
	Dependencies map[string][]string
	// Role is the role of an assignment, if the caller knows it and it is not built into Azure.
	Role *roles.Definition
	// Whole is set if the caller has read the whole program: a role, or an identity of a cluster, that is not in Role
	// or Named is then nowhere in it, whichever component seems to make the resource.
	Whole bool
	// Ours is set for a membership that a component makes because its model says so.
	Ours bool
	// Named are the identities, in lower case, that the component of a cluster is given. The component is judged for
	// them.
	Named []string
}

// Name returns the resource's name in the program: the end of its URN, urn:pulumi:<stack>::<project>::<types>::<name>.
// A text that is no URN is returned as it is.
func (r Resource) Name() string {
	parts := strings.SplitN(r.URN, "::", 4)
	return parts[len(parts)-1]
}

// MadeBy reports whether a component of the type is the resource's parent.
func (r Resource) MadeBy(component string) bool {
	parts := strings.SplitN(r.URN, "::", 4)
	if len(parts) < 4 {
		return false
	}
	types := strings.Split(parts[2], "$")
	return len(types) > 1 && types[len(types)-2] == component
}

// The type tokens in the rules. Other versions of azure-native have a version after the module's name.
const (
	RoleAssignment = "azure-native:authorization:RoleAssignment"
	RoleDefinition = "azure-native:authorization:RoleDefinition"
	Compute        = "azure-native:machinelearningservices:Compute"
	Password       = "azuread:index/applicationPassword:ApplicationPassword"
	Certificate    = "azuread:index/applicationCertificate:ApplicationCertificate"
	Federation     = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	GroupMember    = "azuread:index/groupMember:GroupMember"

	UserAssignedIdentity = "azure-native:managedidentity:UserAssignedIdentity"

	// Components that make roles and assignments.
	InvokerRole    = "batchaccess:index:InvokerRole"
	StorageReader  = "batchaccess:index:StorageReader"
	JobService     = "batchaccess:index:JobService"
	ComputeCluster = "batchaccess:index:ComputeCluster"

	StorageContributor = "batchaccess:index:StorageContributor"
)

// A Level says what a finding of a rule does to the change.
type Level string

// The levels, with the names of Pulumi's policies.
const (
	Advisory  Level = "advisory"  // it is reported
	Mandatory Level = "mandatory" // it stops the change
	Disabled  Level = "disabled"  // the rule is not checked
)

// A Severity ranks rules by the harm that breaking them does.
type Severity string

// The severities, the gravest first.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

// A Finding is one way in which one resource breaks a rule.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Level    Level    `json:"level"`
	URN      string   `json:"urn"`
	Resource string   `json:"resource"` // its name in the program
	Property string   `json:"property"` // the input that is wrong, or missing
	What     string   `json:"what"`
	Remedy   string   `json:"remedy"`
	// Undecided is set if the input is not known, so that the rule can't be decided.
	Undecided bool `json:"undecided,omitempty"`
	// Origin is set if the finding depends on which other resource a value comes from. A caller that sees one resource
	// at a time can't decide it: a preview may not know the value, and the deployment knows it but not its source.
	Origin Origin `json:"-"`
	// Waived says who waived the finding, until when and why; the finding is then advisory.
	Waived string `json:"waived,omitempty"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s (%s); %s", f.Rule, f.Resource, f.What, f.Property, f.Remedy)
}

// An Origin says what is known about the source of a value, if the source matters.
type Origin string

// The origins: the value is written in the program, or it will come from another resource.
const (
	Written Origin = "written"
	Later   Origin = "later"
)

// A Rule is one guardrail.
type Rule struct {
	ID       string
	Title    string
	Why      string // for a person whose change is stopped
	Severity Severity
	Level    Level // unless the configuration says otherwise
	// Change is set if the rule is about a change: it needs a resource before and after, which a policy pack does not
	// have.
	Change bool
	// gone is set if the rule also checks resources that are to be deleted.
	gone  bool
	check func(Resource, Config, *report)
}

// Rules returns the rules in a fixed order.
func Rules() []Rule { return slices.Clone(rules) }

// Check returns the findings of every enabled rule about one resource. A waived finding is advisory.
func Check(r Resource, c Config) []Finding {
	p := &report{r: r.Canonical(), token: r.Type}
	p.look = LookAt(p.r)
	for _, p.rule = range rules {
		if p.level = c.level(p.rule); p.level != Disabled && (p.rule.gone || !r.Gone) {
			p.rule.check(p.r, c, p)
		}
	}
	for i := range p.found {
		c.waive(r, &p.found[i])
	}
	return p.found
}

// A report collects what a rule finds about a resource.
type report struct {
	found []Finding
	r     Resource
	token string // the program's type token
	rule  Rule
	level Level
	look  Look
}

func (p *report) find(property, remedy, what string, args ...any) *Finding {
	p.found = append(p.found, Finding{
		Rule: p.rule.ID, Severity: p.rule.Severity, Level: p.level, URN: p.r.URN, Resource: p.r.Name(),
		Property: property, What: fmt.Sprintf(what, args...), Remedy: remedy,
	})
	return &p.found[len(p.found)-1]
}

// undecided reports that the rule can't be decided. It stops a change like a broken rule: what nobody has looked at has
// not passed.
func (p *report) undecided(property, remedy, what string, args ...any) *Finding {
	f := p.find(property, remedy, what, args...)
	f.Undecided = true
	return f
}

// lookAgain is the remedy for a value that is not known before the deployment.
const lookAgain = "give the value itself, or waive this rule for this resource in guardrails.yaml"

// known reports whether a value can be judged. If it is a marker, the rule can't be decided, which is a finding: a rule
// that saw nothing has not passed.
func (p *report) known(property string, value any) bool {
	marker, is := value.(Marker)
	if is {
		p.undecided(property, lookAgain, "can't be judged: the value is %s", marker)
	}
	return !is
}

// text returns an input that is text, or ""; known is false if the rule can't be decided.
func (p *report) text(property string) (s string, known bool) {
	s, _ = p.r.Inputs[property].(string)
	return s, p.known(property, p.r.Inputs[property])
}
