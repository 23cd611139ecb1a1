package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// existsHelp explains --exists.
const existsHelp = `--exists says what else exists in the sandbox, for stacks that use single components: the ARM ID
of a workspace, of a storage account or of a container in one; or user:, group:, servicePrincipal: or managedIdentity:
followed by an object ID. It can be repeated. Give it once: the state keeps it.`

func addExists(cmd *cobra.Command, things *[]string) {
	cmd.Flags().StringSliceVar(things, "exists", nil, "ARM ID of a workspace, storage account or container, or "+
		"<kind>:<object ID> of a principal, that exists in the sandbox")
}

var containerForm = regexp.MustCompile(`(?i)^(.+)/blobServices/default/containers/([^/\s]+)$`)

// seedOf reads the values of --exists.
func seedOf(things []string) (azure.Seed, error) {
	var s azure.Seed
	for _, thing := range things {
		if !strings.HasPrefix(thing, "/") {
			if err := principalOf(&s, thing); err != nil {
				return s, fmt.Errorf("--exists: %w", err)
			}
			continue
		}
		account, containers := thing, []string(nil)
		if m := containerForm.FindStringSubmatch(thing); m != nil {
			account, containers = m[1], m[2:]
		}
		if _, err := arm.Parse(account, arm.StorageAccount); err == nil {
			s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: account, HNS: true, Containers: containers})
		} else if _, err := arm.Parse(thing, arm.Workspace); err == nil {
			s.Workspaces = append(s.Workspaces, azure.Workspace{ID: thing})
		} else {
			return s, fmt.Errorf("--exists: %q is not the ARM ID of a workspace, a storage account or a container; write "+
				"/subscriptions/<id>/resourceGroups/<group>/providers/%s/<name>, or %s/<name> and for a container "+
				"/blobServices/default/containers/<name> after it",
				thing, arm.Workspace, arm.StorageAccount)
		}
	}
	return s, nil
}

// seededKinds are the kinds of principals that principalOf makes exist.
var seededKinds = []string{
	string(access.User), string(access.Group), string(access.ServicePrincipal), string(access.ManagedIdentity),
}

func principalOf(s *azure.Seed, thing string) error {
	kind, id, found := strings.Cut(thing, ":")
	switch {
	case !found:
		return fmt.Errorf("%q is neither an ARM ID, which begins with /, nor <kind>:<object ID>", thing)
	case !slices.Contains(seededKinds, kind):
		return fmt.Errorf("%q: unknown kind %q; %s", thing, kind, problem.DidYouMean(kind, seededKinds))
	case !arm.IsGUID(id):
		return fmt.Errorf("%q: %q is not an object ID, which is a GUID", thing, id)
	}
	switch access.PrincipalKind(kind) {
	case access.User:
		s.Users = append(s.Users, azure.User{ObjectID: id, UserPrincipalName: id + "@sandbox.example", DisplayName: id})
	case access.Group:
		s.Groups = append(s.Groups, azure.Group{ObjectID: id, DisplayName: id})
	case access.ServicePrincipal:
		s.ServicePrincipals = append(s.ServicePrincipals, azure.ServicePrincipal{ObjectID: id, DisplayName: id})
	case access.ManagedIdentity:
		s.ServicePrincipals = append(s.ServicePrincipals, azure.ServicePrincipal{ObjectID: id, DisplayName: id,
			Type: "ManagedIdentity"})
	}
	return nil
}
