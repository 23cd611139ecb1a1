package facts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/roles"
)

func productAnswers() asked {
	return asked{
		"invoking takes": func(_ *testing.T, input string) string {
			return yes(slices.Contains(roles.InvokerActions(), input))
		},
		"condition": func(t *testing.T, input string) string {
			text, r := conditionCase(t, input)
			c, problems := condition.Parse(text)
			if problems.Err() != nil {
				return "refused"
			}
			return c.Evaluate(asProduct(r)).String()
		},
		"role id": func(t *testing.T, input string) string { return builtIn(t, input).ID },
		"role allows": func(t *testing.T, input string) string {
			name, action := pair(input)
			return decided(builtIn(t, name), roles.Action{Name: action})
		},
		"role opens data": func(t *testing.T, input string) string {
			name, action := pair(input)
			return decided(builtIn(t, name), roles.Action{Name: action, Data: true})
		},
		"role invokes": func(t *testing.T, input string) string {
			worst := "yes"
			for _, action := range roles.InvokerActions() {
				switch answer := decided(builtIn(t, input), roles.Action{Name: action}); {
				case answer == "no":
					return answer
				case answer != "yes":
					worst = answer
				}
			}
			return worst
		},
		"cluster name": func(_ *testing.T, input string) string {
			m := model()
			m.Clusters = map[string]access.Cluster{"cpu": {ComputeName: input}}
			return accepted(deployable(m))
		},
		"cluster identity": func(_ *testing.T, input string) string {
			m := model()
			m.DataInputs = nil // a cluster without an identity reads none
			m.Clusters = map[string]access.Cluster{"cpu": {Identity: access.ClusterIdentity(input)}}
			return accepted(deployable(m))
		},
		"endpoint name": func(_ *testing.T, input string) string {
			m := model()
			m.Endpoints = map[string]access.Endpoint{input: {Cluster: "cpu", Inputs: []string{"rows"}}}
			return accepted(deployable(m))
		},
		"deployment name": func(_ *testing.T, input string) string {
			m := model()
			m.Endpoints = map[string]access.Endpoint{"heart": {Cluster: "cpu", Deployment: input, Inputs: []string{"rows"}}}
			return accepted(deployable(m))
		},
		"github token": func(t *testing.T, input string) string {
			described := words(input)
			issuer, subject, _ := signin.FederatedCredential{GitHub: &signin.GitHubSubject{
				Repository: described["repository"], Branch: described["branch"], Tag: described["tag"],
				Environment: described["environment"],
				PullRequest: described["pullRequest"] != "", OwnerID: number(t,
					described["ownerId"]), RepositoryID: number(t, described["repositoryId"]),
			}}.Claims()
			return issuer + " " + subject
		},
		"workload token": func(t *testing.T, input string) string {
			issuer, subject, audience := workload(t, input).Claims()
			return issuer + " " + subject + " " + audience
		},
		"federated credential": func(_ *testing.T, input string) string {
			name, f := credential(input)
			m := model()
			m.Invokers["ci"] = access.Invoker{Kind: access.ServicePrincipal,
				FederatedCredentials: map[string]signin.FederatedCredential{name: f}}
			return accepted(deployable(m))
		},
		"identity credential": func(_ *testing.T, input string) string {
			name, f := credential(input)
			m := model()
			m.Invokers["ci"] = access.Invoker{Kind: access.ManagedIdentity,
				FederatedCredentials: map[string]signin.FederatedCredential{name: f}}
			return accepted(deployable(m))
		},
		"identity region": func(_ *testing.T, input string) string {
			return accepted(signin.FederatesIdentities(input))
		},
		"audience that invokes": func(_ *testing.T,
			input string) string {
			return accepted(input == access.Model{}.Audience())
		},
		"job input": func(_ *testing.T, input string) string {
			kind, uri := pair(input)
			request := jobrequest.Request{Properties: jobrequest.Properties{InputData: map[string]jobrequest.Input{
				"in": {JobInputType: kind, URI: strings.ReplaceAll(uri, "{workspace}", workspace)},
			}}}
			return accepted(request.Complete(workspace) == nil)
		},
		"job output": func(_ *testing.T, input string) string {
			kind, uri := pair(input)
			request := jobrequest.Request{Properties: jobrequest.Properties{OutputData: map[string]jobrequest.Output{
				"out": {JobOutputType: kind, URI: strings.ReplaceAll(uri, "{workspace}", workspace)},
			}}}
			return accepted(request.Complete(workspace) == nil)
		},
		"condition of": func(t *testing.T, input string) string {
			_, problems := condition.Parse(longCondition(t, input))
			return accepted(problems.Err() == nil)
		},
		"custom role": func(t *testing.T, input string) string {
			d := roles.Definition{RoleName: "r",
				Permissions: roles.Permissions{{Actions: []string{"Microsoft.Storage/storageAccounts/read"}}}}
			r := customRole(t, input)
			d.AssignableScopes = r.scopes
			if r.name != "" {
				d.RoleName = r.name
			}
			d.Description = r.description
			if r.action != "" {
				d.Permissions[0].Actions = []string{r.action}
			}
			return accepted(d.Validate() == nil)
		},
	}
}

// builtIn is an empty role if the product does not know it: no fact fits that.
func builtIn(t *testing.T, name string) roles.Definition {
	t.Helper()
	d, ok := roles.BuiltIn(name)
	if !ok {
		t.Logf("the product knows no role %s", name)
	}
	return d
}

func decided(d roles.Definition, action roles.Action) string {
	if d.ID == "" {
		return "unknown role"
	}
	decision := d.Permissions.Action(action.Name)
	if action.Data {
		decision = d.Permissions.DataAction(action.Name)
	}
	if strings.HasPrefix(decision.String(), "undecided") {
		return "undecided"
	}
	return yes(decision.Allowed)
}

// model has one resource of each kind.
func model() access.Model {
	return access.Model{
		WorkspaceID:     access.Known(workspace),
		Invokers:        map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(ann)}},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lake)},
		DataInputs:      map[string]access.DataInput{"rows": {Kind: access.Blob, StorageAccount: "lake", Container: "rows"}},
	}
}

// words reads key=value pairs.
func words(input string) map[string]string {
	all := map[string]string{}
	for _, word := range strings.Fields(input) {
		key, value, _ := strings.Cut(word, "=")
		all[key] = value
	}
	return all
}

func number(t *testing.T, text string) int {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

type roleInput struct {
	name, description, action string
	scopes                    []string
}

// customRole reads the description of a custom role.
func customRole(t *testing.T, input string) roleInput {
	t.Helper()
	r := roleInput{scopes: []string{subscription}}
	var n int
	switch what, rest, _ := strings.Cut(input, " "); what {
	case "name", "description":
		_, err := fmt.Sscanf(rest, "of %d characters", &n)
		require.NoError(t, err)
		r.name, r.description = strings.Repeat("n", n), ""
		if what == "description" {
			r.name, r.description = "", strings.Repeat("d", n)
		}
	case "scope":
		r.scopes = []string{strings.ReplaceAll(rest, "{subscription}", subscription)}
	case "action":
		r.action = rest
	default:
		if _, err := fmt.Sscanf(input, "%d management groups", &n); err == nil {
			for i := range n { // the sandbox's deployer may write no roles at them
				r.scopes = append(r.scopes, fmt.Sprintf("/providers/Microsoft.Management/managementGroups/g%d", i))
			}
			break
		}
		_, err := fmt.Sscanf(input, "%d scopes", &n)
		require.NoError(t, err)
		r.scopes = nil
		for i := range n {
			r.scopes = append(r.scopes, fmt.Sprintf("%s/resourceGroups/g%d", subscription, i))
		}
	}
	return r
}

// longCondition is a condition with that many characters.
func longCondition(t *testing.T, input string) string {
	t.Helper()
	var n int
	_, err := fmt.Sscanf(input, "%d characters", &n)
	require.NoError(t, err)
	const start, end = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals '", "'"
	return start + strings.Repeat("x", n-len(start)-len(end)) + end
}

// deployable reports whether the model has no problems.
func deployable(m access.Model) bool {
	_, problems := access.Compile(m)
	return problems.Err() == nil
}

// workload is a credential in words: the provider, and its fields.
func workload(t *testing.T, input string) signin.FederatedCredential {
	t.Helper()
	kind, rest, _ := strings.Cut(input, " ")
	w := words(rest)
	switch kind {
	case "github":
		return signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: w["repository"], Branch: w["branch"],
			Environment: w["environment"], Claims: strings.Split(w["claims"], ",")}}
	case "gitlab":
		return signin.FederatedCredential{GitLab: &signin.GitLabSubject{Instance: w["instance"], Project: w["project"],
			ProjectID: number(t, w["projectId"]), Branch: w["branch"], Tag: w["tag"]}}
	case "azureDevOps":
		return signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: w["organizationId"],
			Organization: w["organization"], Project: w["project"], ServiceConnection: w["connection"],
			TenantID: w["tenant"], EntraPrefix: w["prefix"], ConnectionID: w["connectionId"]}}
	case "kubernetes":
		return signin.FederatedCredential{Kubernetes: &signin.KubernetesSubject{Issuer: w["issuer"],
			Namespace: w["namespace"], ServiceAccount: w["account"]}}
	case "terraform":
		return signin.FederatedCredential{Terraform: &signin.TerraformSubject{Organization: w["organization"],
			Project: w["project"], Workspace: w["workspace"], RunPhase: w["phase"], EU: w["eu"] != ""}}
	case "esc":
		return signin.FederatedCredential{PulumiESC: &signin.PulumiESCSubject{Organization: w["organization"],
			Project: w["project"], Environment: w["environment"]}}
	}
	require.Fail(t, "unknown workload", kind)
	return signin.FederatedCredential{}
}

// credential is a valid one, except for what the input says.
func credential(input string) (name string, f signin.FederatedCredential) {
	name, f = "main", signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "s"}
	of, length := "", 0
	if _, err := fmt.Sscanf(input, "%s of %d characters", &of, &length); err != nil {
		if n, is := strings.CutPrefix(input, "name "); is {
			name = n
		}
		return name, f
	}
	text := strings.Repeat("x", length)
	switch of {
	case "name":
		name = text
	case "subject":
		f.Subject = text
	case "issuer":
		f.Issuer = "https://" + text[len("https://"):]
	case "description":
		f.Description = text
	}
	return name, f
}
