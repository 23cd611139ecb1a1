package verify

import (
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// A Subject is a principal of the stack, with its ID in the directory.
type Subject struct {
	Principal access.Principal
	ID        string // object ID
	Kind      access.PrincipalKind
}

// Facts are Azure's answers.
type Facts struct {
	// Asked is the time of the questions.
	Asked       time.Time
	Assignments []Assignment
	Denials     []Denial
	// Groups are the groups that a principal is in, also nested ones, by its object ID in lower case.
	Groups map[string][]Group
	// Members are the members of groups that the stack makes, by the group's object ID in lower case.
	Members map[string][]Member
	// Owners are the owners of invokers.
	Owners []Owner
	// Others hold roles where it bears on the stack, and are none of its principals: by object ID in lower case.
	Others map[string]Other
	// Powers are the roles of Entra, and the permissions of Microsoft Graph, by which their holders become others.
	// UnlistedPowers say why not all of them are known.
	Powers         []ways.Power
	UnlistedPowers []string
	// Privileged is what Graph says of the privileges of groups, by object ID in lower case.
	Privileged map[string]Privileged
	// Resources are the ARM IDs of user-assigned identities, by their object IDs in lower case.
	Resources map[string]string
	// UnlistedOwners say why the owners of an invoker are not known, by its name in the model.
	UnlistedOwners map[string]string
	// Stores are the workspace's data stores, by their names in lower case.
	Stores map[string]azure.DataStore
	// Account is the workspace's own storage account; "" where it is not known.
	Account string
	// Vault is the workspace's key vault.
	Vault ways.Vault
	// Computes are all computes of the workspace; UnlistedComputes says why they are not known.
	Computes         []compute
	UnlistedComputes string
	// KeysOff are the storage accounts that no shared key opens, by ID in lower case.
	KeysOff map[string]bool
	// Trusted are the credentials of principals that existed before the stack, and of clusters' identities.
	Trusted []Trust
	// SignIns are the credentials that differ from the configuration.
	SignIns []SignIn
	// Gone says why a principal can't act at all.
	Gone map[access.Principal]string
	// Faults say why an endpoint, an input or an output does not work, whatever is granted, by its path in the
	// configuration.
	Faults map[string]string
	// Doubts say why it is undecided whether one of these works, by its path.
	Doubts map[string]string
	// Unknown says why it is undecided what a principal is or has.
	Unknown map[access.Principal]string
	// Unlisted says why the assignments and denials in a resource group are not all known, by the group's ID.
	Unlisted map[string]string
	// Workspace has the workspace's answers about its services, if it was asked.
	Workspace services.WorkspaceServices
	// Registries are the shared registries of a deployment's model and environment, by their names in the model, if the
	// model leaves them to a look-up. The keys are the targets of its paths.
	Registries map[string][]string
	// Eligible are the assignments that act only after their holder activates them (PIM).
	Eligible []Assignment
	// UnlistedEligible says why not all of those are known; "" if they are.
	UnlistedEligible string
	// Unasked are the questions that Azure did not answer, with its reason. Each affects only its own answer.
	Unasked []string
	// Notes are what else a person should know.
	Notes []string

	asked, failed int   // questions
	failure       error // the error of the first question that failed
	// subnets of the clusters, by name in the model; "" for one outside of the user's networks.
	subnets map[string]string
	listed  map[string]bool // assignments and eligible ones, by ID in lower case
	roles   map[string]roleOfEntra
	held    []ways.Power // by the principals themselves, as what they are in shows it
}

func newFacts() Facts {
	return Facts{
		Asked: time.Now(), Groups: map[string][]Group{}, Members: map[string][]Member{},
		Gone: map[access.Principal]string{}, Faults: map[string]string{}, Doubts: map[string]string{},
		Unknown: map[access.Principal]string{}, Unlisted: map[string]string{}, subnets: map[string]string{},
		Registries: map[string][]string{}, UnlistedOwners: map[string]string{}, Stores: map[string]azure.DataStore{},
		KeysOff: map[string]bool{}, Others: map[string]Other{}, Resources: map[string]string{},
		listed: map[string]bool{}, roles: map[string]roleOfEntra{}, Privileged: map[string]Privileged{},
	}
}

// unanswered counts a question, and records its error, if there is one. It returns "" for an answered question.
func (f *Facts) unanswered(err error) string {
	f.asked++
	if err == nil {
		return ""
	}
	f.failed++
	if f.failure == nil {
		f.failure = err
	}
	if why := err.Error(); !slices.Contains(f.Unasked, why) {
		f.Unasked = append(f.Unasked, why)
	}
	return "an answer of Azure: " + err.Error()
}

// A Trust is a credential by which others sign in as a principal, by its object ID: a federated one, or a Secret such
// as "client secret 2026".
type Trust struct{ Of, Name, Issuer, Subject, Secret string }

// put records a reason for a path of the configuration. The first one stays.
func put(reasons map[string]string, path, why string) {
	if reasons[path] == "" && why != "" {
		reasons[path] = why
	}
}

// An Assignment is a role assignment with what its role allows now.
type Assignment struct {
	ID, Scope   string
	PrincipalID string
	Kind        string // of the principal, in Azure's words: User, Group, ServicePrincipal
	Role        string // its name
	RoleID      string // the role's GUID
	Permissions roles.Permissions
	Unread      string    // why its role could not be read; "" where it was
	Condition   string    // "" if it has none
	Made        time.Time // when it was made or its role was changed, whichever was later
	Stack       string    // the stack that made it, as project/stack; "" if it does not say
	Assignable  []string  // assignable scopes of a custom role
}

// A Denial is one permission of a deny assignment.
type Denial struct {
	Name, Scope string
	// OnlyHere is set if it does not hold below its scope.
	OnlyHere            bool
	Permissions         roles.Permissions
	Condition           string   // "" if it has none
	Principals, Exclude []string // object IDs, and ways.Everyone
}

// A Group is a group of the directory.
type Group struct{ ID, Name string }

// A Member of a group is a user, a service principal, or a group.
type Member struct{ ID, Name string }

// covers reports whether something at the scope holds at the place. The scopes of the tenant and of management groups
// are above every place: others are not listed.
func covers(scope, place string) bool {
	scope, place = strings.ToLower(strings.Trim(scope, "/")), strings.ToLower(strings.Trim(place, "/"))
	return scope == "" || strings.HasPrefix(scope, managementGroups) || scope == place ||
		strings.HasPrefix(place, scope+"/")
}

const managementGroups = "providers/microsoft.management/managementgroups/"
