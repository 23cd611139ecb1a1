package components

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// howToInvoke writes, for each invoker, how to get a token and start a job. It names secrets, and never contains one.
func (b *builder) howToInvoke() pulumi.StringMapOutput {
	texts := pulumi.StringMap{}
	var location pulumi.StringInput = pulumi.String("<region>")
	if b.args.Location != nil {
		location = b.args.Location.ToStringPtrOutput().Elem()
	}
	accounts := sortedKeys(b.args.StorageAccounts)
	for _, name := range b.plan.Model.Acting() {
		given := func(ids pulumi.StringMap, none string) pulumi.StringInput {
			if id, ok := ids[name]; ok {
				return id
			}
			return pulumi.String(none)
		}
		invoker := b.plan.Model.Invokers[name]
		var identity pulumi.StringInput = pulumi.String("")
		if made, ok := b.made.ManagedIdentities[name]; ok {
			identity = made.ResourceID
		} else if _, err := arm.Parse(invoker.ResourceID, userAssignedIdentity); err == nil {
			identity = pulumi.String(invoker.ResourceID)
		}
		inputs := []pulumi.StringInput{given(b.clientIDs, "<client ID>"), given(b.tenantIDs, "<tenant ID>"), location,
			identity, b.args.WorkspaceID}
		fixed := len(inputs)
		for _, account := range accounts {
			inputs = append(inputs, b.args.StorageAccounts[account])
		}
		texts[name] = derive(func(v []string) (string, error) {
			m := b.plan.Model
			m.WorkspaceID, m.StorageAccounts = access.Known(v[4]), maps.Clone(m.StorageAccounts)
			for n, account := range accounts {
				m.StorageAccounts[account] = access.Known(v[fixed+n])
			}
			az, _ := cloud.ByEnvironment(m.Environment)
			h := howTo{Invoker: invoker, name: name, clientID: v[0], tenantID: v[1], identityID: v[3], cloud: az}
			for _, endpoint := range b.endpointsOf(name) {
				start, err := startOf(m, endpoint, v[2])
				if err != nil {
					return "", err
				}
				h.starts = append(h.starts, start)
			}
			return h.text()
		}, inputs...)
	}
	return texts.ToStringMapOutput()
}

// userAssignedIdentity is the type of identities that a host is given; resources of the other types have an identity of
// their own.
const userAssignedIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities"

// anyEndpoint is written for the endpoint's name if the model has none.
const anyEndpoint = "<endpoint>"

// endpointsOf returns the names of the declared endpoints that the invoker may invoke.
func (b *builder) endpointsOf(invoker string) (names []string) {
	for _, name := range sortedKeys(b.plan.Model.Endpoints) {
		if slices.Contains(b.plan.Model.InvokersOf(b.plan.Model.Endpoints[name]), invoker) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(b.plan.Model.Endpoints) == 0 {
		names = []string{anyEndpoint}
	}
	return names
}

// A start is a job of one endpoint.
type start struct {
	endpoint, uri, deployment string
	request                   jobrequest.Request
	others                    []string // the endpoint's other inputs, as a request writes them
}

// startOf returns the job that reads the first of the endpoint's inputs: a deployment of a model takes exactly one
// (facts/batch-endpoints.md).
func startOf(m access.Model, endpoint, location string) (start, error) {
	az, _ := cloud.ByEnvironment(m.Environment)
	e := m.Endpoints[endpoint]
	if endpoint == anyEndpoint {
		e = access.Endpoint{Inputs: sortedKeys(m.DataInputs), Outputs: sortedKeys(m.DataOutputs)}
		m.Endpoints = map[string]access.Endpoint{endpoint: e}
	}
	location = strings.ToLower(strings.ReplaceAll(location, " ", "")) // "West Europe" is the same region
	s := start{endpoint: endpoint, deployment: e.Deployment,
		uri: fmt.Sprintf("https://%s.%s.%s/jobs", endpoint, location, az.Scoring)}
	first := ""
	for n, name := range e.Inputs {
		if n == 0 {
			first = name
			continue
		}
		input, err := jobrequest.InputOf(m, name)
		if err != nil {
			return s, err
		}
		s.others = append(s.others, inJSON(map[string]jobrequest.Input{name: input}))
	}
	var err error
	s.request, err = jobrequest.Of(m, endpoint, first)
	return s, err
}

// notes are comments for the reader of a request.
func (s start) notes() (lines []string) {
	if len(s.others) > 0 {
		lines = append(lines, "# "+s.endpoint+" also reads what follows. A deployment of a model takes one input, so put it "+
			"in place of the one below; one of a pipeline component takes several, so put it beside.")
		for _, other := range s.others {
			lines = append(lines, "# "+other)
		}
	}
	return lines
}

// A howTo has what the text for one invoker is made of.
type howTo struct {
	access.Invoker
	name, clientID, tenantID string
	// identityID is the ARM ID of a user-assigned identity; "" for none, or if it is not known.
	identityID string
	cloud      cloud.Cloud
	starts     []start
}

// text returns one section for each way in which the invoker starts jobs.
func (h howTo) text() (string, error) {
	script, err := h.script()
	if err != nil {
		return "", err
	}
	var sections []string
	add := func(section string) { sections = append(sections, section) }
	inShell := func(login string) { add(h.setCloud() + login + "\n" + script) }
	repositories, elsewhere := map[string]map[string]signin.FederatedCredential{}, false
	for _, name := range sortedKeys(h.FederatedCredentials) {
		switch c := h.FederatedCredentials[name]; {
		case c.GitHub != nil:
			if repositories[c.GitHub.Repository] == nil {
				repositories[c.GitHub.Repository] = map[string]signin.FederatedCredential{}
			}
			repositories[c.GitHub.Repository][name] = c
		case c.AzureDevOps != nil:
			add(azurePipeline(*c.AzureDevOps, script))
		case c.GitLab != nil:
			add(h.gitLab(name, c, script))
		default:
			elsewhere = true
		}
	}
	for _, repository := range sortedKeys(repositories) {
		add(h.gitHub(repository, repositories[repository], script))
	}
	if elsewhere {
		login := h.federated(`"$(cat "$AZURE_FEDERATED_TOKEN_FILE")"`)
		if h.Kind == access.ManagedIdentity && h.Caller == "" {
			login += "  # or, on a host that has the identity: " + h.asIdentity()
		}
		inShell(login)
	}
	if len(h.ClientSecrets) > 0 {
		inShell("az login --service-principal --username " + h.clientID + " --tenant " + h.tenantID +
			` --password="$CLIENT_SECRET"` + noSubscriptions + `  # pulumi stack output clientSecrets --show-secrets`)
	}
	switch from := h.CalledFrom(); {
	case from == signin.DataFactory, from == signin.Synapse:
		add(h.webActivities(from))
	case from == signin.LogicApp:
		add(h.logicApp())
	case from != "":
		add(h.python(from))
	case h.Kind == access.ManagedIdentity && len(sections) == 0:
		inShell(h.asIdentity() + "  # on a host that has the identity; with invokers." + h.name +
			".caller this says how to from a Data Factory, Synapse, a Logic App, a Function App or a virtual machine")
	case h.Kind == access.User:
		inShell("az login" + noSubscriptions)
	case h.Kind == access.Group:
		inShell("az login" + noSubscriptions + "  # as a member of the group")
	case len(sections) == 0:
		inShell("# sign in as " + h.name + ", whose credentials are set up elsewhere, for example:\n" +
			"az login --service-principal --username " + quoted(h.clientID) + " --tenant " + quoted(h.tenantID) +
			` --password="$CLIENT_SECRET"` + noSubscriptions)
	}
	return strings.Join(sections, "\n\n"), nil
}

// noSubscriptions lets a principal sign in that sees no subscription: the Azure CLI fails without it (its profile
// module, "No subscriptions found"), and the role of an invoker does not read one.
const noSubscriptions = " --allow-no-subscriptions"

// setCloud is the command that switches the Azure CLI to a cloud other than its default.
func (h howTo) setCloud() string {
	if h.cloud.Name == cloud.Public().Name {
		return ""
	}
	return "az cloud set --name " + h.cloud.Name + "\n"
}

func (h howTo) federated(token string) string {
	return "az login --service-principal --username " + h.clientID + " --tenant " + h.tenantID + " --federated-token " +
		token + noSubscriptions
}

// asIdentity is the sign-in on a host; only a user-assigned identity is named.
func (h howTo) asIdentity() string {
	if h.identityID == "" && h.ResourceID != "" {
		return "az login --identity" + noSubscriptions
	}
	return "az login --identity --client-id " + h.clientID + noSubscriptions
}

// script gets a token for the account that is signed in to the Azure CLI, and starts the jobs.
func (h howTo) script() (string, error) {
	lines := []string{jobrequest.Token("", h.cloud.MLAudience)}
	for _, s := range h.starts {
		command, err := s.request.Curl(s.uri, s.deployment)
		if err != nil {
			return "", err
		}
		lines = append(append(lines, s.notes()...), command)
	}
	return strings.Join(lines, "\n"), nil
}

// gitHub writes a workflow of GitHub Actions: a job for each credential, since each is for other runs. The inputs of
// azure/login are from its documentation: github.com/Azure/login, README.md.
func (h howTo) gitHub(repository string, credentials map[string]signin.FederatedCredential, script string) string {
	on := map[string]bool{}
	var jobs []string
	for _, name := range sortedKeys(credentials) {
		c := credentials[name]
		g, when, trigger := c.GitHub, "", "workflow_dispatch"
		switch {
		case g.Branch != "":
			when = "    if: " + inJSON("github.ref == '"+inExpression("refs/heads/"+g.Branch)+"'") + "\n"
		case g.Tag != "":
			when = "    if: " + inJSON("github.ref == '"+inExpression("refs/tags/"+g.Tag)+"'") + "\n"
		case g.Environment != "":
			when = "    environment: " + inJSON(g.Environment) + "\n"
		default:
			trigger = "pull_request"
			when = "    if: github.event_name == 'pull_request'\n"
		}
		on[trigger] = true
		with := []string{"client-id: " + inJSON(h.clientID), "tenant-id: " + inJSON(h.tenantID),
			"allow-no-subscriptions: true"}
		if h.setCloud() != "" {
			with = append(with, "environment: "+h.cloud.Name)
		}
		if _, _, audience := c.Claims(); audience != cloud.Public().ExchangeAudience {
			with = append(with, "audience: "+inJSON(audience))
		}
		jobs = append(jobs, "  start-"+name+":\n"+when+`    runs-on: ubuntu-latest
    steps:
      - uses: azure/login@v2
        with:
          `+strings.Join(with, "\n          ")+`
      - shell: bash
        run: |
`+under("          ", script))
	}
	return "# GitHub Actions: a workflow of " + repository +
		", .github/workflows/start-jobs.yml\nname: start jobs\non: [" +
		strings.Join(sortedKeys(on), ", ") + "]\npermissions:\n  id-token: write\njobs:\n" + strings.Join(jobs, "\n")
}

// inExpression escapes text for single quotes in an expression of GitHub Actions.
func inExpression(text string) string { return strings.ReplaceAll(text, "'", "''") }

// azurePipeline writes a pipeline with one step, which signs in by the service connection (learn.microsoft.com,
// "AzureCLI@2 - Azure CLI v2 task").
func azurePipeline(c signin.AzureDevOpsSubject, script string) string {
	connection := cmp.Or(c.ServiceConnection, "<name of the service connection "+c.ConnectionID+">")
	return `# Azure Pipelines: azure-pipelines.yml
trigger: none
pool:
  vmImage: ubuntu-latest
steps:
  - task: AzureCLI@2
    inputs:
      azureSubscription: ` + inJSON(connection) + `
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: |
` + under("        ", "set -e\n"+script)
}

// gitLab writes a job of GitLab CI, which asks for its own token (GitLab's documentation, "ID tokens").
func (h howTo) gitLab(name string, c signin.FederatedCredential, script string) string {
	_, _, audience := c.Claims()
	branch, when := c.GitLab.Branch, "$CI_COMMIT_BRANCH"
	if branch == "" {
		branch, when = c.GitLab.Tag, "$CI_COMMIT_TAG"
	}
	return "# GitLab: .gitlab-ci.yml\nstart-" + name + `:
  image: mcr.microsoft.com/azure-cli
  rules:
    - if: ` + inJSON(when+" == "+inJSON(branch)) + `
  id_tokens:
    AZURE_ID_TOKEN:
      aud: ` + inJSON(audience) + `
  script:
    - |
` + under("      ", h.setCloud()+h.federated(`"$AZURE_ID_TOKEN"`)+"\n"+script)
}

// webActivities writes a pipeline of Data Factory or Synapse (facts/batch-endpoints.md, Callers; Microsoft's page on
// the Web activity for its properties; @azure/arm-datafactory, WebActivityAuthentication, for a credential by
// reference). By default a call times out after one minute; here it has ten.
func (h howTo) webActivities(from signin.Caller) string {
	const credential = "batch-invoker"
	where := map[signin.Caller]string{signin.DataFactory: "Data Factory", signin.Synapse: "Synapse"}[from]
	auth := map[string]any{"type": "MSI", "resource": h.cloud.MLAudience}
	var text []string
	if h.identityID != "" {
		auth["type"] = "UserAssignedManagedIdentity"
		auth["credential"] = map[string]string{"referenceName": credential, "type": "CredentialReference"}
		text = append(text, "# "+where+": a credential, after the identity has been added to the "+where,
			indented(map[string]any{"name": credential, "properties": map[string]any{"type": "ManagedIdentity",
				"typeProperties": map[string]string{"resourceId": h.identityID}}}))
	}
	text = append(text, "# "+where+": a pipeline (code view)")
	activities := []any{}
	for _, s := range h.starts {
		text = append(text, s.notes()...)
		activities = append(activities, map[string]any{"name": "start " + s.endpoint, "type": "WebActivity",
			"typeProperties": map[string]any{"method": "POST", "url": s.uri, "headers": s.headers(), "body": s.request,
				"authentication": auth, "httpRequestTimeout": "00:10:00"}})
	}
	return strings.Join(append(text, indented(map[string]any{"name": "start-jobs",
		"properties": map[string]any{"activities": activities}})), "\n")
}

// logicApp writes the actions of a workflow, in sequence (learn.microsoft.com, "Authenticate access to Azure resources
// with managed identities in Azure Logic Apps").
func (h howTo) logicApp() string {
	auth := map[string]any{"type": "ManagedServiceIdentity", "audience": h.cloud.MLAudience}
	if h.identityID != "" {
		auth["identity"] = h.identityID
	}
	text := []string{"# Logic Apps: the actions of a workflow (code view)"}
	actions, after := map[string]any{}, map[string][]string{}
	for _, s := range h.starts {
		text = append(text, s.notes()...)
		name := "Start_" + s.endpoint
		actions[name] = map[string]any{"type": "Http", "runAfter": after, "inputs": map[string]any{"method": "POST",
			"uri": s.uri, "headers": s.headers(), "body": s.request, "authentication": auth}}
		after = map[string][]string{name: {"Succeeded"}}
	}
	return strings.Join(append(text, indented(map[string]any{"actions": actions})), "\n")
}

func (s start) headers() map[string]string {
	headers := map[string]string{"Content-Type": "application/json"}
	if s.deployment != "" {
		headers[jobrequest.DeploymentHeader] = s.deployment
	}
	return headers
}

// hosts has the Python code that asks for a token on a host (azure-facts.md, Invoking). A virtual machine's metadata
// service must not be asked through a proxy.
var hosts = map[signin.Caller]struct{ what, open, ask string }{
	signin.FunctionApp: {"a Function App or App Service, in Python", "urllib.request.urlopen",
		`os.environ["IDENTITY_ENDPOINT"] + "?" + urllib.parse.urlencode(dict(query, **{"api-version": "2019-08-01"})),
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})`},
	signin.VirtualMachine: {"a virtual machine, in Python",
		"urllib.request.build_opener(urllib.request.ProxyHandler({})).open",
		`"http://169.254.169.254/metadata/identity/oauth2/token?" +
        urllib.parse.urlencode(dict(query, **{"api-version": "2018-02-01"})), headers={"Metadata": "true"})`},
}

// python writes a program that starts the jobs with Python's standard library alone.
func (h howTo) python(from signin.Caller) string {
	host := hosts[from]
	query := map[string]string{"resource": h.cloud.MLAudience}
	if h.identityID != "" || h.ResourceID == "" {
		query["client_id"] = h.clientID
	}
	lines := []string{"# For " + host.what + "; it needs no package", "import json, os, urllib.parse, urllib.request", "",
		"def token():", "    query = " + inJSON(query), "    request = urllib.request.Request(" + host.ask,
		"    with " + host.open + "(request) as answer:", `        return json.load(answer)["access_token"]`, "",
		"def start(url, headers, body):",
		`    headers = dict(headers, Authorization="Bearer " + token())`,
		`    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")`,
		"    with urllib.request.urlopen(request) as answer:", "        return json.load(answer)"}
	for _, s := range h.starts {
		lines = append(append(append(lines, ""), s.notes()...),
			"print(start("+inJSON(s.uri)+", "+inJSON(s.headers())+", "+indented(s.request)+`)["name"])`)
	}
	return strings.Join(lines, "\n")
}

// under indents a text.
func under(indent, text string) string {
	return indent + strings.ReplaceAll(text, "\n", "\n"+indent)
}

// inJSON returns a value as JSON on one line. YAML and Python read it too, since no value here is a boolean or null.
func inJSON(value any) string { return encoded(value, "") }

// indented returns a value as JSON on several lines.
func indented(value any) string { return encoded(value, "  ") }

// encoded does not escape < and &. The values are maps of texts, which JSON can always write.
func encoded(value any, indent string) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
