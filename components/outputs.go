package components

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// outputs sets the outputs that other stacks and people read.
func (b *builder) outputs(a *BatchEndpointAccess) error {
	invokers, clusters := pulumi.StringMap{}, pulumi.StringMap{}
	for p, id := range b.principals {
		if p.IsCluster() {
			clusters[p.Name] = id
		} else {
			invokers[p.Name] = id
		}
	}
	report, err := b.report()
	if err != nil {
		return err
	}
	a.RoleDefinitionID = b.role.RoleDefinitionID
	if a.EndpointRoleDefinitionID = pulumi.String("").ToStringOutput(); a.EndpointRole != nil {
		a.EndpointRoleDefinitionID = a.EndpointRole.RoleDefinitionID
	}
	a.PrincipalIDs = invokers.ToStringMapOutput()
	a.ClusterPrincipalIDs = clusters.ToStringMapOutput()
	a.ClientIDs = b.clientIDs.ToStringMapOutput()
	a.ClientSecrets = pulumi.ToSecret(b.clientSecrets.ToStringMapMapOutput()).(pulumi.StringMapMapOutput)
	a.AccessReport = report
	a.HowToInvoke = b.howToInvoke()
	a.ACLCommands = b.aclCommands()
	return nil
}

// aclCommands writes the commands that set the POSIX ACLs, which the user runs.
func (b *builder) aclCommands() pulumi.StringArrayOutput {
	commands := pulumi.StringArray{}
	for _, acl := range b.plan.ACLs {
		kind := "user"
		if !acl.Principal.IsCluster() && b.args.Invokers[acl.Principal.Name].Kind == access.Group {
			kind = "group"
		}
		path, err := url.PathUnescape(acl.Path) // the model has it as a job's URL does, and the command takes the name
		if err != nil {
			path = acl.Path
		}
		commands = append(commands, derive(func(v []string) (string, error) {
			return fmt.Sprintf("az storage fs access update-recursive --auth-mode login --account-name %s --file-system %s "+
				"--path %s --acl %s"+
				"  # %s; the folders above need --x",
				quoted(lastSegment(v[0])), quoted(acl.Container), quoted(path), quoted(acl.Entries(kind,
					v[1])), acl.Principal), nil
		}, b.args.StorageAccounts[acl.StorageAccount], b.principals[acl.Principal]))
	}
	return commands.ToStringArrayOutput()
}

// unquotable matches words that a POSIX shell takes without quotes.
var unquotable = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted returns a word for a POSIX shell, in quotes if it needs them.
func quoted(word string) string {
	if unquotable.MatchString(word) {
		return word
	}
	return jobrequest.Quote(word)
}

// report returns the model's report as the JSON of package access.
func (b *builder) report() (pulumi.MapOutput, error) {
	text, err := json.Marshal(b.plan.Report())
	if err != nil {
		return pulumi.MapOutput{}, fmt.Errorf("writing the access report: %w", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return pulumi.MapOutput{}, fmt.Errorf("writing the access report: %w", err)
	}
	return pulumi.ToMap(plain).ToMapOutput(), nil
}
