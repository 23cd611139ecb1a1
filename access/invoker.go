package access

import (
	"slices"
	"time"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A PrincipalKind is what kind of security principal an invoker is.
type PrincipalKind string

// The kinds of principals that may invoke.
const (
	User             PrincipalKind = "user"
	Group            PrincipalKind = "group"
	ServicePrincipal PrincipalKind = "servicePrincipal"
	ManagedIdentity  PrincipalKind = "managedIdentity"
)

// A kindOf is what is known of one kind of principal.
type kindOf struct {
	kind   PrincipalKind
	entra  string   // what Resource Manager calls it in a role assignment: a managed identity is a service principal there
	idKey  string   // what the configuration calls the object ID
	names  []string // the keys that name one that exists, and by which it can be looked up
	signIn string   // how it gets a token, where the model says no more
}

// kinds are the kinds of principals, in the order in which people meet them.
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

// principalKinds lists the kinds.
func principalKinds() (all []string) {
	for _, row := range kinds {
		all = append(all, string(row.kind))
	}
	return all
}

// PrincipalType is what Resource Manager calls the kind in a role assignment: User, Group or ServicePrincipal.
func (k PrincipalKind) PrincipalType() string { return k.row().entra }

// IDKey is what the configuration calls the object ID of a principal of the kind.
func (k PrincipalKind) IDKey() string { return k.row().idKey }

// An Invoker is a principal that may start jobs; while its job runs, it is the job identity.
type Invoker struct {
	Kind PrincipalKind
	// Owner is who answers for it, in free text; "" where the model does not say.
	Owner string
	// Was is the name that the invoker had in the model before; "" where it has always had this one.
	Was string
	// PrincipalID is the object ID of a principal that exists; not given if the stack makes it, or looks it up.
	PrincipalID ID
	// ClientID is the application (client) ID of a principal that exists, where given.
	ClientID ID
	// UserPrincipalName and Mail name a user, ResourceID (an ARM ID) the Azure resource whose managed identity it is.
	UserPrincipalName, Mail, ResourceID string
	// DisplayName is what the principal made by the stack is called, "" for the default; of a group that exists, its name
	// in Entra.
	DisplayName string
	// Members are the invokers that are in a group which the stack makes: see group.go.
	Members []string
	// Until is the last day of the invoker's access, whole and in UTC, as 2027-03-31; "" for no end. That of a group that
	// the stack makes is that of its members too.
	Until string
	// MembersUntil are the last days of members in the group, by their names: after it they are as if they were not named
	// among its members.
	MembersUntil map[string]string
	// ManagedIdentities lets managed identities be among them.
	ManagedIdentities bool
	// FederatedCredentials are how a service principal or managed identity made by the stack signs in, ClientSecrets how
	// a service principal does.
	FederatedCredentials map[string]signin.FederatedCredential
	ClientSecrets        map[string]signin.ClientSecret
	// SignIn is "none" where the user says that the principal gets no credential here; else "".
	SignIn string
	// Caller is where a managed identity starts jobs from; "" where nobody says.
	Caller signin.Caller
}

// Exists reports whether the invoker is there before the stack is.
func (i Invoker) Exists() bool {
	key, _ := i.Named()
	return i.PrincipalID.Given() || key != ""
}

// Named returns the key and the value that name a principal which exists and whose ID is not given: by them it can be
// looked up. "" where nothing does.
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
	// maxClientSecrets leaves room for two secrets that overlap, so that a rotation need not break anyone: add the second,
	// move its users over, take the first away.
	maxClientSecrets = 2
)

// SecretsAt warns of the invoker's client secrets that are over at that time, and of times after it in which none is
// valid. Validate does not: what is right is not to turn wrong by the clock, and a stack that has made the secret
// before it ended is deployed as ever.
func (i Invoker) SecretsAt(path string, now time.Time) (ps Problems) {
	for _, name := range sorted(i.ClientSecrets) {
		if _, end, wrong := i.ClientSecrets[name].Period(); wrong == nil && !end.After(now) {
			ps.Warn(problem.SignIn, path+".clientSecrets."+name+".endDate",
				"write a successor's dates: Entra makes no secret that is over, and nobody signs in with one",
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

// SecretsAt does so for every invoker.
func (m Model) SecretsAt(now time.Time) (ps Problems) {
	for _, name := range sorted(m.Invokers) {
		ps = append(ps, m.Invokers[name].SecretsAt("invokers."+name, now)...)
	}
	return ps
}
