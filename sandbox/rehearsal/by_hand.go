package rehearsal

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// byHand does what the stack leaves to people: the ACLs in the output aclCommands, and the roles that, by imagePull,
// somebody else assigns. For an identity that the stack makes, nobody can have assigned them earlier.
func (r *rehearsal) byHand(d deployed) error {
	var pulls azure.Seed
	for _, name := range slices.Sorted(maps.Keys(r.Model.Clusters)) {
		if id := d.ClusterPrincipalIDs[name]; id != "" && r.World == nil &&
			r.Model.Services.ImagePull[name] == services.Assigned {
			pulls.RoleAssignments = append(pulls.RoleAssignments, pullOf(r.Model, id)...)
		}
	}
	if len(pulls.RoleAssignments) > 0 {
		if err := r.azure.Seed(pulls); err != nil {
			return err
		}
	}
	if len(r.plan.ACLs) > 0 && d.ACLCommands == nil {
		return errors.New("the stack has no output aclCommands, so nobody can set the ACLs of its data; export what " +
			"BatchEndpointAccess.Outputs returns, under the same names")
	}
	for _, command := range d.ACLCommands {
		words, _, err := azure.Words(command)
		if err != nil {
			return wrongCommand{command, err}
		}
		for _, entries := range after(words, "--acl") {
			if writesByACL.MatchString(entries) { // inputs alone have ACLs: jobs write by roles
				return wrongCommand{command, errors.New("it lets somebody write, and ACLs are for readers")}
			}
		}
		if err := r.azure.RunACLCommand(command); err != nil {
			return wrongCommand{command, err}
		}
	}
	return nil
}

// writesByACL matches ACL entries of which one has the permission to write.
var writesByACL = regexp.MustCompile(`:[r-]w[x-](,|$)`)

// A wrongCommand is a command that the stack prints and that does not do what it is printed for.
type wrongCommand struct {
	command string
	why     error
}

func (w wrongCommand) Error() string {
	return fmt.Sprintf("the output aclCommands, %s: %v", w.command, w.why)
}

// byHandFor is byHand for a report, which shows a wrong command as a failure.
func (r *rehearsal) byHandFor(report *Report, d deployed) error {
	err := r.byHand(d)
	if wrong := (wrongCommand{}); errors.As(err, &wrong) {
		report.add(Outcome{Invoker: "who sets the ACLs", Want: works, Got: "is refused", Detail: err.Error()})
		return nil
	}
	return err
}
