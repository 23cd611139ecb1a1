package rehearsal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A recipe is one way to start jobs in the text of howToInvoke for one invoker, as its reader would follow it: how to
// sign in, for which audience to get a token, and which requests start jobs. One of login, pipeline, service and host
// says who signs in.
type recipe struct {
	login     []string // the arguments of az login
	pipeline  *pipelineJob
	service   *serviceIdentity
	host      *hostQuery
	cloud     string // the cloud of the sign-in, by the Azure CLI's name; "" for public Azure
	audiences []string
	posts     []post
	// others are the other inputs that are printed beside an endpoint's request; each may replace the input in it.
	others map[string][]json.RawMessage
	// wantsSubscription is set if the sign-in is one of the Azure CLI that fails for an account that sees no
	// subscription.
	wantsSubscription bool
}

// clients are the client IDs with which the recipe signs in.
func (r recipe) clients() []string {
	all := append(after(r.login, "--username"), after(r.login, "--client-id")...)
	if r.pipeline != nil {
		all = append(all, r.pipeline.clientID)
	}
	if r.host != nil {
		all = append(all, r.host.query.Get("client_id"))
	}
	return all
}

// leftOpen reports whether a word is in angle brackets: the reader has to fill it in.
func leftOpen(word string) bool { return strings.Trim(word, "<>") != word }

// A pipelineJob is a job of a pipeline that signs in with a token of the pipeline's own issuer: for which runs the
// job is, and which token it asks for. It signs in itself, or by a login.
type pipelineJob struct {
	name             string // of the job; "" for a pipeline of Azure Pipelines
	branch, tag      string
	environment      string
	pullRequest      bool
	connection       string // service connection of Azure Pipelines
	repository       string // of GitHub
	audience         string // "" for the default of the tool that signs in
	clientID, tenant string // "" if the login or the service connection has them
}

// A serviceIdentity says as which identity a Data Factory, a Synapse workspace or a Logic App calls: resourceID is
// the ARM ID of a user-assigned identity; "" for the service's own.
type serviceIdentity struct{ resourceID string }

// A hostQuery is a program's request to its host for a token.
type hostQuery struct {
	appService bool
	query      url.Values
	header     http.Header
}

// A post is one request, with its body as printed.
type post struct {
	method, url string
	header      http.Header
	body        json.RawMessage
}

// The forms of a recipe, by the words with which they begin. A text that begins with none of them is a shell script.
var forms = []struct {
	begins string
	read   func(text string) ([]recipe, error)
}{
	{"# GitHub Actions: ", readGitHub},
	{"# Azure Pipelines: ", readAzurePipeline},
	{"# GitLab: ", readGitLab},
	{"# Data Factory: ", readWebActivities},
	{"# Synapse: ", readWebActivities},
	{"# Logic Apps: ", readActions},
	{"# For ", readPython},
}

// read reads the recipes in a text. Empty lines separate them. Only a program contains empty lines, and it is the
// last one.
func read(text string) (all []recipe, err error) {
	for text != "" {
		one, rest, _ := strings.Cut(text, "\n\n")
		how := readShell
		for _, form := range forms {
			if strings.HasPrefix(text, form.begins) {
				how = form.read
			}
		}
		if strings.HasPrefix(text, "# For ") {
			one, rest = text, ""
		}
		found, err := how(one)
		if err != nil {
			return nil, err
		}
		for i := range found {
			found[i].others = othersIn(one)
		}
		all, text = append(all, found...), rest
	}
	return all, nil
}

var (
	azCall    = regexp.MustCompile(`\baz (login|cloud set|account get-access-token)\b`)
	curlCall  = regexp.MustCompile(`(?m)^[ \t]*curl `)
	otherLine = regexp.MustCompile(`^\s*# (?:(\S+) also reads what follows|(\{.*\})$)`)
)

// othersIn are the other inputs in the comments of a text, by endpoint.
func othersIn(text string) map[string][]json.RawMessage {
	all, of := map[string][]json.RawMessage{}, ""
	for line := range strings.Lines(text) {
		switch m := otherLine.FindStringSubmatch(strings.TrimRight(line, "\n")); {
		case m == nil:
		case m[1] != "":
			of = m[1]
		default:
			all[of] = append(all[of], json.RawMessage(m[2]))
		}
	}
	return all
}

// readShell reads the commands of a shell.
func readShell(text string) ([]recipe, error) {
	var r recipe
	for _, at := range azCall.FindAllStringIndex(text, -1) {
		words, _, err := azure.Words(text[at[0]:])
		if err != nil {
			return nil, err
		}
		switch {
		case words[1] == "cloud":
			r.cloud = strings.Join(after(words, "--name"), "")
		case words[1] != "login":
			if err := intoToken(text[:at[0]], words); err != nil {
				return nil, err
			}
			r.audiences = append(r.audiences, after(words, "--resource")...)
		case r.login == nil: // other inputs are in comments
			r.login = words[2:]
			r.wantsSubscription = !slices.Contains(words, "--allow-no-subscriptions")
		}
	}
	for _, at := range curlCall.FindAllStringIndex(text, -1) {
		command := strings.TrimLeft(text[at[0]:], " \t")
		words, rest, err := azure.Words(command)
		if err == nil {
			err = withToken(strings.TrimSuffix(command, rest), words)
		}
		if err != nil {
			return nil, err
		}
		p := post{method: strings.Join(after(words, "--request"), ""), header: http.Header{},
			body: json.RawMessage(strings.Join(after(words, "--data"), ""))}
		p.url = strings.Join(after(words, p.method), "")
		for _, header := range after(words, "--header") {
			key, value, _ := strings.Cut(header, ": ")
			p.header.Add(key, value)
		}
		r.posts = append(r.posts, p)
	}
	return []recipe{r}, nil
}

// intoToken wants the Azure CLI's token in a variable as curl sends it: its answer is an object with the field
// accessToken, and JSON unless another form is asked for (learn.microsoft.com, az account get-access-token).
func intoToken(before string, words []string) error {
	query, output := strings.Join(after(words, "--query"), ""), strings.Join(after(words, "--output"), "")
	if !strings.HasSuffix(before, "TOKEN=$(") || query != "accessToken" || output != "tsv" {
		return fmt.Errorf("%s: TOKEN does not become the token by itself", strings.Join(words, " "))
	}
	return nil
}

// withToken wants a request of curl that carries the token, where single quotes would keep the variable's name, and
// that fails where it is refused.
func withToken(command string, words []string) error {
	switch {
	case !strings.Contains(command, `"Authorization: Bearer $TOKEN"`):
		return errors.New("the request of curl does not carry the token, in double quotes")
	case !slices.Contains(words, "--fail-with-body"):
		return errors.New("a refusal is no failure of curl: it is without --fail-with-body")
	}
	return nil
}

// after returns the words that follow each occurrence of a word.
func after(words []string, word string) (all []string) {
	for i := range len(words) - 1 {
		if words[i] == word {
			all = append(all, words[i+1])
		}
	}
	return all
}

var (
	ofRepository = regexp.MustCompile(`^# GitHub Actions: a workflow of (\S+), `)
	ofRef        = regexp.MustCompile(`^github\.ref == 'refs/(heads|tags)/(.*)'$`)
	ofRule       = regexp.MustCompile(`^\$CI_COMMIT_(BRANCH|TAG) == "(.*)"$`)
)

// readGitHub reads a workflow. Each of its jobs signs in with azure/login, whose inputs and defaults are those in
// github.com/Azure/login, README.md.
func readGitHub(text string) (all []recipe, err error) {
	var workflow struct {
		On          []string
		Permissions map[string]string
		Jobs        map[string]struct {
			If, Environment string
			RunsOn          string `yaml:"runs-on"`
			Steps           []struct {
				Uses, Run string
				With      map[string]string
			}
		}
	}
	repository := ofRepository.FindStringSubmatch(text)
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil || repository == nil {
		return nil, fmt.Errorf("the workflow can't be read, or does not say of which repository it is: %w", err)
	}
	if workflow.Permissions["id-token"] != "write" {
		return nil, errors.New("the workflow gets no token of GitHub's: permissions are without id-token: write")
	}
	for _, name := range slices.Sorted(maps.Keys(workflow.Jobs)) {
		of := workflow.Jobs[name]
		job := &pipelineJob{name: strings.TrimPrefix(name, "start-"), repository: repository[1],
			environment: of.Environment, audience: "api://AzureADTokenExchange"}
		trigger := "workflow_dispatch"
		switch ref := ofRef.FindStringSubmatch(of.If); {
		case ref != nil && ref[1] == "tags":
			job.tag = strings.ReplaceAll(ref[2], "''", "'")
		case ref != nil:
			job.branch = strings.ReplaceAll(ref[2], "''", "'")
		case of.If == "github.event_name == 'pull_request'":
			job.pullRequest, trigger = true, "pull_request"
		case of.If != "":
			return nil, fmt.Errorf("job %s runs if %s, which is not known here", name, of.If)
		}
		if of.RunsOn == "" {
			return nil, fmt.Errorf("job %s runs on nothing: it is without runs-on", name)
		}
		if !slices.Contains(workflow.On, trigger) {
			return nil, fmt.Errorf("nothing starts job %s: on is without %s", name, trigger)
		}
		r := recipe{}
		for _, step := range of.Steps {
			switch {
			case step.Uses == "azure/login@v2":
				if job.clientID, job.tenant = step.With["client-id"], step.With["tenant-id"]; job.clientID == "" ||
					job.tenant == "" {
					return nil, fmt.Errorf("job %s signs in without client-id or tenant-id", name)
				}
				job.audience = cmp.Or(step.With["audience"], job.audience)
				r.cloud = step.With["environment"]
				r.wantsSubscription = step.With["allow-no-subscriptions"] != "true"
				r.pipeline = job
			case step.Uses != "":
				return nil, fmt.Errorf("job %s uses %s, which is not known here", name, step.Uses)
			case r.pipeline == nil:
				return nil, fmt.Errorf("job %s does not sign in before it starts jobs", name)
			default:
				script, err := readShell(step.Run)
				if err != nil {
					return nil, err
				}
				r.audiences, r.posts = script[0].audiences, script[0].posts
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// readAzurePipeline reads a pipeline of one step, which signs in by a service connection before its script.
func readAzurePipeline(text string) ([]recipe, error) {
	var pipeline struct {
		Steps []struct {
			Task   string
			Inputs struct {
				AzureSubscription string `yaml:"azureSubscription"`
				ScriptType        string `yaml:"scriptType"`
				ScriptLocation    string `yaml:"scriptLocation"`
				InlineScript      string `yaml:"inlineScript"`
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &pipeline); err != nil {
		return nil, fmt.Errorf("the pipeline can't be read: %w", err)
	}
	if len(pipeline.Steps) != 1 || pipeline.Steps[0].Task != "AzureCLI@2" {
		return nil, errors.New("the pipeline has other steps than the one task AzureCLI@2, which are not known here")
	}
	inputs := pipeline.Steps[0].Inputs
	if inputs.ScriptType != "bash" || inputs.ScriptLocation != "inlineScript" ||
		!strings.HasPrefix(inputs.InlineScript, "set -e\n") {
		return nil, errors.New("the task is not to run its inline script by bash, and to fail where a command does (set -e)")
	}
	all, err := readShell(inputs.InlineScript)
	if err != nil {
		return nil, err
	}
	all[0].pipeline = &pipelineJob{connection: inputs.AzureSubscription}
	return all, nil
}

// readGitLab reads a job of GitLab CI. Its script signs in with a token that id_tokens asks for.
func readGitLab(text string) (all []recipe, err error) {
	var jobs map[string]struct {
		Rules []struct {
			If string
		}
		IDTokens map[string]struct {
			Aud string
		} `yaml:"id_tokens"`
		Script []string
	}
	if err := yaml.Unmarshal([]byte(text), &jobs); err != nil {
		return nil, fmt.Errorf("the job of GitLab can't be read: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		of := jobs[name]
		one, err := readShell(strings.Join(of.Script, "\n"))
		if err != nil {
			return nil, err
		}
		r, job := one[0], &pipelineJob{name: strings.TrimPrefix(name, "start-")}
		variable := strings.TrimPrefix(strings.Join(after(r.login, "--federated-token"), ""), "$")
		token, asked := of.IDTokens[variable]
		if !asked {
			return nil, fmt.Errorf("job %s signs in with $%s, which id_tokens does not ask for", name, variable)
		}
		job.audience = token.Aud
		for _, rule := range of.Rules {
			when := ofRule.FindStringSubmatch(rule.If)
			if when == nil {
				return nil, fmt.Errorf("job %s runs if %s, which is not known here", name, rule.If)
			}
			if when[1] == "TAG" {
				job.tag = when[2]
			} else {
				job.branch = when[2]
			}
		}
		job.clientID = strings.Join(after(r.login, "--username"), "")
		job.tenant = strings.Join(after(r.login, "--tenant"), "")
		r.pipeline = job
		all = append(all, r)
	}
	return all, nil
}

var objectLine = regexp.MustCompile(`(?m)^\{`)

// An httpCall is the part that a Web activity of a Data Factory and an action of a Logic App have in common.
type httpCall struct {
	Method  string
	Headers map[string]string
	Body    json.RawMessage
}

// add adds the request, to be sent with a token for the audience.
func (r *recipe) add(c httpCall, address, audience string) {
	p := post{method: c.Method, url: address, header: http.Header{"Authorization": {"Bearer $TOKEN"}}, body: c.Body}
	for key, value := range c.Headers {
		p.header.Set(key, value)
	}
	r.posts = append(r.posts, p)
	r.audiences = append(r.audiences, audience)
}

// strictly reads the JSON at the beginning of a text. An unknown key is an error, because the services do not accept
// keys of one another.
func strictly(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the JSON of the service can't be read: %w", err)
	}
	return nil
}

// readWebActivities reads the JSON of a pipeline of a Data Factory or of Synapse, with its credential
// (facts/batch-endpoints.md, Callers; Microsoft's page on the Web activity; @azure/arm-datafactory,
// CredentialReference).
func readWebActivities(text string) ([]recipe, error) {
	r, credentials := recipe{service: &serviceIdentity{}}, map[string]string{}
	for _, at := range objectLine.FindAllStringIndex(text, -1) {
		var one struct {
			Name       string
			Properties struct {
				Type           string
				TypeProperties struct{ ResourceID string }
				Activities     []struct {
					Name, Type     string
					TypeProperties struct {
						httpCall
						URL                string
						HTTPRequestTimeout string
						Authentication     struct {
							Type, Resource string
							Credential     struct{ ReferenceName, Type string }
						}
					}
				}
			}
		}
		if err := strictly(text[at[0]:], &one); err != nil {
			return nil, err
		}
		if one.Properties.Type == "ManagedIdentity" {
			credentials[one.Name] = one.Properties.TypeProperties.ResourceID
		}
		for _, activity := range one.Properties.Activities {
			is := activity.TypeProperties
			if activity.Type != "WebActivity" {
				return nil, fmt.Errorf("the activity %q is of type %q, and a WebActivity sends a request", activity.Name,
					activity.Type)
			}
			r.add(is.httpCall, is.URL, is.Authentication.Resource)
			named := is.Authentication.Credential
			switch id := credentials[named.ReferenceName]; {
			case is.Authentication.Type == "MSI" && named.ReferenceName == "":
			case is.Authentication.Type == "UserAssignedManagedIdentity" && named.Type == "CredentialReference" && id != "":
				r.service.resourceID = id
			default:
				return nil, fmt.Errorf("the activity %q authenticates by type %q and the credential %q of type %q, which is not "+
					"there or has no identity", activity.Name, is.Authentication.Type, named.ReferenceName, named.Type)
			}
		}
	}
	return []recipe{r}, nil
}

// readActions reads the JSON of the actions of a Logic App (facts/batch-endpoints.md, Callers; learn.microsoft.com,
// "Authenticate access to Azure resources with managed identities in Azure Logic Apps").
func readActions(text string) ([]recipe, error) {
	r := recipe{service: &serviceIdentity{}}
	for _, at := range objectLine.FindAllStringIndex(text, -1) {
		var one struct {
			Actions map[string]struct {
				Type     string
				RunAfter map[string][]string
				Inputs   struct {
					httpCall
					URI            string
					Authentication struct{ Type, Audience, Identity string }
				}
			}
		}
		if err := strictly(text[at[0]:], &one); err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(one.Actions)) {
			is := one.Actions[name]
			auth := is.Inputs.Authentication
			if is.Type != "Http" || auth.Type != "ManagedServiceIdentity" {
				return nil, fmt.Errorf("the action %q is of type %q and authenticates by %q, and not as a managed identity", name,
					is.Type, auth.Type)
			}
			for before := range is.RunAfter {
				if _, there := one.Actions[before]; !there {
					return nil, fmt.Errorf("the action %q runs after %q, and there is no such action", name, before)
				}
			}
			r.add(is.Inputs.httpCall, is.Inputs.URI, auth.Audience)
			r.service.resourceID = auth.Identity
		}
	}
	return []recipe{r}, nil
}

var (
	ofQuery   = regexp.MustCompile(`(?m)^    query = (\{.*\})$`)
	ofVersion = regexp.MustCompile(`"api-version": "([^"]*)"`)
	ofHeader  = regexp.MustCompile(`headers=\{"([^"]+)": ([^}]*)\}`)
	ofMethod  = regexp.MustCompile(`method="([A-Z]*)"\)`)
	startCall = regexp.MustCompile(`(?m)^print\(start\(`)
)

// inPrograms are the expressions by which a program uses its host's answer. The field access_token is from RFC 6749,
// the word Bearer from RFC 6750.
var inPrograms = []string{`json.load(answer)["access_token"]`, `Authorization="Bearer " + token()`}

// readPython reads a program that asks its host for a token.
func readPython(text string) ([]recipe, error) {
	query, version := ofQuery.FindStringSubmatch(text), ofVersion.FindStringSubmatch(text)
	header, method := ofHeader.FindStringSubmatch(text), ofMethod.FindStringSubmatch(text)
	if query == nil || version == nil || header == nil || method == nil {
		return nil, errors.New("the program does not ask a host for a token and start jobs")
	}
	for _, line := range inPrograms {
		if !strings.Contains(text, line) {
			return nil, fmt.Errorf("the program does not do this with the token: %s", line)
		}
	}
	h := &hostQuery{query: url.Values{"api-version": {version[1]}}, header: http.Header{},
		appService: strings.Contains(text, `os.environ["IDENTITY_ENDPOINT"] + "?"`)}
	if !h.appService && !strings.Contains(text, `"http://169.254.169.254/metadata/identity/oauth2/token?"`) {
		return nil, errors.New("the program asks no known host for a token")
	}
	h.header.Set(header[1], strings.Trim(header[2], `"`))
	var asked map[string]string
	if err := json.Unmarshal([]byte(query[1]), &asked); err != nil {
		return nil, err
	}
	for key, value := range asked {
		h.query.Set(key, value)
	}
	r := recipe{host: h, audiences: []string{asked["resource"]}}
	for _, at := range startCall.FindAllStringIndex(text, -1) {
		var header map[string]string
		p := post{method: method[1], header: http.Header{"Authorization": {"Bearer $TOKEN"}}}
		rest := text[at[1]:]
		for _, into := range []any{&p.url, &header, &p.body} {
			d := json.NewDecoder(strings.NewReader(strings.TrimLeft(rest, ", \n")))
			if err := d.Decode(into); err != nil {
				return nil, err
			}
			rest = strings.TrimLeft(rest, ", \n")[d.InputOffset():]
		}
		for key, value := range header {
			p.header.Set(key, value)
		}
		r.posts = append(r.posts, p)
	}
	return []recipe{r}, nil
}
