package graph

import (
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

// reading has the permissions that are each enough to read a collection, the least first; writing those to change it.
// They are the application permissions in Graph's reference (learn.microsoft.com/graph, "Permissions" of each call),
// without those that the deployer never has. Application.ReadWrite.OwnedBy reads every application.
var (
	reading = map[string][]string{
		"applications": {
			"Application.Read.All", "Application.ReadWrite.OwnedBy", "Directory.Read.All",
		},
		"servicePrincipals": {
			"Application.Read.All", "Application.ReadWrite.OwnedBy", "Directory.Read.All",
		},
		"groups":           {"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"},
		"users":            {"User.Read.All", "Directory.Read.All"},
		"directoryObjects": {"Directory.Read.All"},
	}
	writing = map[string][]string{
		"applications":      {"Application.ReadWrite.OwnedBy"},
		"servicePrincipals": {"Application.ReadWrite.OwnedBy"},
		"groups":            {"Group.ReadWrite.All"},
	}
)

// deployerMay reports whether the deployer's remaining permissions on Graph allow the request. A collection that is not
// in the tables is refused.
func deployerMay(lacks []string, r *http.Request) bool {
	collection, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if i := strings.IndexByte(collection, '('); i >= 0 { // servicePrincipals(appId='...')
		collection = collection[:i]
	}
	if collection == "me" { // an application has no /me, whatever its permissions
		return true
	}
	enough := writing[collection]
	if r.Method == http.MethodGet || r.URL.Path == byIDs {
		enough = mayRead(collection, r.URL.Path)
		if of := managing[r.URL.Path]; of != nil {
			enough = of
		}
	}
	return slices.ContainsFunc(role.DeployerPermissions, func(p role.DeployerPermission) bool {
		return slices.Contains(enough, p.Name) && !slices.Contains(lacks, p.Name)
	})
}
