package access

import (
	"slices"
	"time"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A PrincipalKind is the kind of security principal that an invoker is.
type PrincipalKind string

// The kinds of principals that may invoke.
const (
	User             PrincipalKind = "user"
	Group            PrincipalKind = "group"
	ServicePrincipal PrincipalKind = "servicePrincipal"
	ManagedIdentity  PrincipalKind = "managedIdentity"
)

// A kindOf holds what is known about one kind of principal.
type kindOf struct {
	kind   PrincipalKind
	entra  string   // what Resource Manager calls it in a role assignment: a managed identity is a service principal there
	idKey  string   // what the configuration calls the object ID
	names  []string // the keys by which an existing principal can be looked up
	signIn string   // how it gets a token, unless the model says more
}

// kinds are the kinds of principals, the most familiar first.
var kinds = []kindOf{
	{User, "User", "objectId", []string{"userPrincipalName", "mail"}, "the user's own sign-in"},
	{Group, "Group", "objectId", []string{"displayName"}, "the user's own sign-in"},
	{ServicePrincipal, "ServicePrincipal", "objectId", []string{"clientId"}, "a sign-in that is set up elsewhere"},
	{ManagedIdentity, "ServicePrincipal", "principalId", []string{"resourceId", "clientId"},
		"the managed identity's endpoint on its host"},
}

func (k PrincipalKind) row() kindOf {
	for _, row := range kinds {
		if row.kind == k {
			return row
		}
	}
	return kindOf{entra: "ServicePrincipal", idKey: "objectId"}
}

// principalKinds returns the names of the kinds.
func principalKinds() (all []string) {
	for _, row := range kinds {
		all = append(all, string(row.kind))
	}
	return all
}

// PrincipalType is Resource Manager's name for the kind in a role assignment: User, Group or ServicePrincipal.
func (k PrincipalKind) PrincipalType() string { return k.row().entra }

// IDKey is the configuration's key for the object ID of a principal of this kind.
func (k PrincipalKind) IDKey() string { return k.row().idKey }

// An Invoker is a principal that may start jobs; while its job runs, it is the job identity.
type Invoker struct {
	Kind PrincipalKind
	// Owner is the person or team that answers for the invoker, in free text; "" where the model does not say.
	Owner string
	// Was is the invoker's earlier name in the model; "" if it has not been renamed.
	Was string
	// PrincipalID is the object ID of a principal that exists; not given if the stack makes the principal or looks it
	// up.
	PrincipalID ID
	// ClientID is the application (client) ID of a principal that exists, where given.
	ClientID ID
	// UserPrincipalName and Mail name a user, ResourceID (an ARM ID) the Azure resource whose managed identity it is.
	UserPrincipalName, Mail, ResourceID string
	// DisplayName is the name in Entra: of a principal that the stack makes ("" for the default), or of a group that
	// exists.
	DisplayName string
	// Members are the invokers in a group that the stack makes: see group.go.
	Members []string
	// Until is the last day of the invoker's access, the whole day in UTC, such as 2027-03-31; "" for no end. The end
	// of a group that the stack makes holds for its members too.
	Until string
	// MembersUntil holds the last days of members in the group, by their names. After that day they are no members.
	MembersUntil map[string]string
	// ManagedIdentities allows managed identities among the members.
	ManagedIdentities bool
	// FederatedCredentials are how a service principal or managed identity that the stack makes signs in. ClientSecrets
	// do the same for a service principal.
	FederatedCredentials map[string]signin.FederatedCredential
	ClientSecrets        map[string]signin.ClientSecret
	// SignIn is "none" where the user says that the stack makes no credential for the principal; else "".
	SignIn string
	// Caller is the service that starts jobs as a managed identity; "" where the model does not say.
	Caller signin.Caller
}

// Exists reports whether the principal exists before the stack does.
func (i Invoker) Exists() bool {
	key, _ := i.Named()
	return i.PrincipalID.Given() || key != ""
}

// Named returns the key and the value by which an existing principal without an ID can be looked up; "" if it has none.
func (i Invoker) Named() (key string, value ID) {
	if i.PrincipalID.Given() {
		return "", ID{}
	}
	for _, n := range i.names() {
		if n.value.Given() && n.finds {
			return n.key, n.value
		}
	}
	return "", ID{}
}

// A principalName is one of the names that an invoker may have.
type principalName struct {
	key   string
	value ID
	finds bool // a principal of this kind can be looked up by it
}

func (i Invoker) names() []principalName {
	text := func(key, value string) principalName {
		n := principalName{key: key}
		if value != "" {
			n.value = Known(value)
		}
		return n
	}
	all := []principalName{
		text("userPrincipalName", i.UserPrincipalName), text("mail", i.Mail), text("resourceId", i.ResourceID),
		text("displayName", i.DisplayName), {key: "clientId", value: i.ClientID},
	}
	for n, name := range all {
		all[n].finds = slices.Contains(i.Kind.row().names, name.key) && len(i.Members) == 0 // else it is made
	}
	return all
}

// How principals sign in.
const (
	// signInNone is the value of Invoker.SignIn that asks for a service principal without credentials.
	signInNone = "none"
	// maxFederatedCredentials is Entra's limit for one application or managed identity.
	maxFederatedCredentials = 20
	// maxClientSecrets leaves room for two secrets that overlap, so that a rotation interrupts nobody: add the second,
	// move its users over, remove the first.
	maxClientSecrets = 2
)

// SecretsAt warns of the invoker's client secrets that have ended at the given time, and of later times in which none
// is valid. Validate does not: a correct model must not become wrong by the clock, and a stack that has made the secret
// before it ended is still deployed.
func (i Invoker) SecretsAt(path string, now time.Time) (ps Problems) {
	for _, name := range sorted(i.ClientSecrets) {
		if _, end, wrong := i.ClientSecrets[name].Period(); wrong == nil && !end.After(now) {
			ps.Warn(problem.SignIn, path+".clientSecrets."+name+".endDate",
				"write a successor's dates: Entra does not make a secret that has ended, and nobody could sign in with it",
				"the secret ended on %s", end.Format(time.DateOnly))
		}
	}
	for _, gap := range signin.Gaps(i.ClientSecrets, now) {
		from := "now"
		if gap.Before != "" {
			from = gap.From.Format(time.RFC3339) + ", when " + gap.Before + " ends"
		}
		ps.Warn(problem.SignIn, path+".clientSecrets."+gap.After+".startDate",
			"write a start before that, so that nobody goes without a valid secret",
			"no client secret is valid from %s, until this one begins on %s", from, gap.To.Format(time.RFC3339))
	}
	return ps
}

// SecretsAt does the same for every invoker.
func (m Model) SecretsAt(now time.Time) (ps Problems) {
	for _, name := range sorted(m.Invokers) {
		ps = append(ps, m.Invokers[name].SecretsAt("invokers."+name, now)...)
	}
	return ps
}
