package verify

import (
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// Subject is a principal of the stack as the directory knows it.
type Subject struct {
	Principal access.Principal
	ID        string // object ID
	Kind      access.PrincipalKind
}

// Facts are what Azure says.
type Facts struct {
	// Asked is when it was asked.
	Asked       time.Time
	Assignments []Assignment
	Denials     []Denial
	// Groups are those that a principal is in, however deep, by its object ID in lower case.
	Groups map[string][]Group
	// Members are those of the groups that the stack makes, by the group's object ID in lower case.
	Members map[string][]Member
	// Gone says why a principal can't act at all.
	Gone map[access.Principal]string
	// Strays say why what is granted for an endpoint, an input or an output fits no longer, by its path in the configuration.
	Strays map[string]string
	// Notes are what a person should know besides.
	Notes []string
}

// An Assignment is a role assignment with what its role allows now.
type Assignment struct {
	ID, Scope   string
	PrincipalID string
	Role        string // its name
	RoleID      string // GUID
	Permissions roles.Permissions
	Condition   string    // "" for most
	Made        time.Time // or its role was changed, whichever was later
}

// A Denial is one permission of a deny assignment.
type Denial struct {
	Name, Scope string
	// OnlyHere is set where it does not hold below its scope.
	OnlyHere            bool
	Permissions         roles.Permissions
	Condition           string   // "" for most
	Principals, Exclude []string // object IDs; everyone is the GUID of zeros
}

// A Group of the directory.
type Group struct{ ID, Name string }

// A Member of a group: a user, a service principal, or a group in it.
type Member struct{ ID, Name string }

// everyone stands for all principals in a deny assignment.
const everyone = "00000000-0000-0000-0000-000000000000"

// covers reports whether what is at the scope reaches the place. The scopes of the tenant and of management groups are
// above every place that is asked about: others are not listed.
func covers(scope, place string) bool {
	scope, place = strings.ToLower(strings.Trim(scope, "/")), strings.ToLower(strings.Trim(place, "/"))
	return scope == "" || strings.HasPrefix(scope, managementGroups) || scope == place || strings.HasPrefix(place, scope+"/")
}

const managementGroups = "providers/microsoft.management/managementgroups/"
