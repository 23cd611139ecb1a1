package components

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// outputs fills in what the component tells other stacks and people.
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

// aclCommands writes the commands that set the POSIX ACLs which the model leaves to its user.
func (b *builder) aclCommands() pulumi.StringArrayOutput {
	commands := pulumi.StringArray{}
	for _, acl := range b.plan.ACLs {
		kind := "user"
		if !acl.Principal.IsCluster() && b.args.Invokers[acl.Principal.Name].Kind == access.Group {
			kind = "group"
		}
		commands = append(commands, derive(func(v []string) (string, error) {
			return fmt.Sprintf("az storage fs access update-recursive --auth-mode login --account-name %s --file-system %s "+
				"--path %s --acl %s"+
				"  # %s; the folders above need --x",
				quoted(lastSegment(v[0])), quoted(acl.Container), quoted(acl.Path), quoted(acl.Entries(kind,
					v[1])), acl.Principal), nil
		}, b.args.StorageAccounts[acl.StorageAccount], b.principals[acl.Principal]))
	}
	return commands.ToStringArrayOutput()
}

// unquotable is what a POSIX shell takes as it is.
var unquotable = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted is a word for a POSIX shell, which takes everything between single quotes as it is, but for these themselves.
func quoted(word string) string {
	if unquotable.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// report is the model's report, in the JSON that package access gives it.
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

// howToInvoke writes, for each invoker, the commands that get its token and start a job. A secret is only ever named.
func (b *builder) howToInvoke() pulumi.StringMapOutput {
	texts := pulumi.StringMap{}
	var location pulumi.StringInput = pulumi.String("<region>")
	if b.args.Location != nil {
		location = b.args.Location.ToStringPtrOutput().Elem()
	}
	for _, name := range b.plan.Model.Acting() {
		var clientID, tenantID pulumi.StringInput = pulumi.String("<client ID>"), pulumi.String("<tenant ID>")
		if id, ok := b.clientIDs[name]; ok {
			clientID = id
		}
		if id, ok := b.tenantIDs[name]; ok {
			tenantID = id
		}
		invoker, endpoints := b.plan.Model.Invokers[name], b.endpointsOf(name)
		texts[name] = derive(func(v []string) (string, error) {
			return b.instructions(invoker, name, v[0], v[1], v[2], endpoints), nil
		}, clientID, tenantID, location)
	}
	return texts.ToStringMapOutput()
}

// endpointsOf are the names of the declared endpoints that the invoker is to invoke.
func (b *builder) endpointsOf(invoker string) (names []string) {
	for _, name := range sortedKeys(b.plan.Model.Endpoints) {
		if slices.Contains(b.plan.Model.InvokersOf(b.plan.Model.Endpoints[name]), invoker) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(b.plan.Model.Endpoints) == 0 {
		names = []string{"<endpoint>"}
	}
	return names
}

func (b *builder) instructions(i access.Invoker, name, clientID, tenantID, location string, endpoints []string) string {
	login := "# sign in as " + name
	switch {
	case i.Kind == access.User:
		login = "az login"
	case i.Kind == access.Group:
		login = "az login  # as a member of the group"
	case len(i.FederatedCredentials) > 0:
		login = "az login --service-principal --username " + clientID + " --tenant " + tenantID +
			` --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")"`
		if i.Kind == access.ManagedIdentity {
			login += "  # or, on a host that has the identity: az login --identity --client-id " + clientID
		}
	case i.Kind == access.ManagedIdentity:
		login = "az login --identity --client-id " + clientID + "  # on a host that has the identity"
	case len(i.ClientSecrets) > 0:
		login = "az login --service-principal --username " + clientID + " --tenant " + tenantID +
			` --password="$CLIENT_SECRET"  # pulumi stack output clientSecrets --show-secrets`
	}
	az, _ := cloud.ByEnvironment(b.plan.Model.Environment)
	if az.Name != cloud.Public().Name {
		login = "az cloud set --name " + az.Name + "\n" + login
	}
	token := `TOKEN="$(az account get-access-token --resource ` + az.MLAudience + ` --query accessToken --output tsv)"`
	lines := []string{login, token}
	for _, endpoint := range endpoints {
		lines = append(lines, fmt.Sprintf("curl -X POST https://%s.%s.%s/jobs", endpoint, location, az.Scoring)+
			` -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d @request.json`)
	}
	return strings.Join(lines, "\n")
}
