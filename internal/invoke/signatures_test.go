package invoke_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/invoke"
)

// said is a line of facts/failures.md, or of the codes in facts/federation.md: Azure's text, and the cause that it
// stands for.
type said struct {
	text string
	kind invoke.Kind
	says string // part of the cause or the remedy
}

// The scoring URI's errors before there is a job; 403 if the sheet names no status.
var beforeTheJob = map[int][]said{
	http.StatusForbidden: {
		{"The audience https://management.azure.com is not allowed", invoke.Token, "another resource"},
		{"The service xyz is not allowed", invoke.Token, "another resource"},
		{
			"AuthorizationFailed: The client does not have authorization to perform action " +
				"'Microsoft.MachineLearningServices/workspaces/read' over scope '/subscriptions/s'", invoke.Invoke,
			"number 1 of the 35",
		},
		{"The access is denied because of the deny assignment with name 'x'", invoke.Denied, "wins over any role"},
		{"DenyAssignmentAuthorizationFailed: no", invoke.Denied, "no grant helps"},
		{"ScopeLocked: The scope is locked", invoke.Denied, "lock"},
		{"Entra Token denied by policy", invoke.Denied, "no cause is published"},
		{"AADSTS53003: Access has been blocked", invoke.Token, "Conditional Access"},
		{"Public network access is disabled", invoke.Network, "outside of its private one"},
		{"It is not possible to reach this from the public network", invoke.Network, "outside of its private one"},
	},
	http.StatusBadRequest: {
		{"No valid deployments to route to. Please check that", invoke.Request, "--deployment"},
		{"Deployment name blue not found for this endpoint", invoke.Request, "no deployment of that name"},
		{"Invalid input path azureml:x@latest", invoke.Request, "ARM ID of a data asset's version"},
		{"Unsupported input type MLTable", invoke.Request, "ARM ID of a data asset's version"},
		{"Input path can't be empty", invoke.Request, "no Uri"},
		{"The parameter dataset_param in doesn't have a specified value or default value", invoke.Request, "does not take"},
		{"UserError: the path already exists", invoke.Request, "new path each time"},
		{"Please provide AccountKey for the output datastore", invoke.Request, "fault of 2023"},
		{"Please provide SasToken for the output datastore", invoke.Request, "fault of 2023"},
		{"The value of Uri for input x is invalid", invoke.Request, "/paths/"},
	},
	http.StatusNotFound:     {{"nothing here", invoke.Request, "scoring URI"}},
	http.StatusUnauthorized: {{"", invoke.Token, "az account get-access-token"}},
}

// The errors of a failed job.
var ofTheJob = []said{
	{"User/tenant/subscription is not allowed to access registry x", invoke.Registry, "AzureML Registry User"},
	{"image build: GET https://x.azurecr.io/v2: unauthorized: authentication required", invoke.Registry, "AcrPull"},
	{"Failed to pull docker image", invoke.Registry, "Container Registry Repository Reader"},
	{"denied: requested access to x.azurecr.io/y is denied", invoke.Registry, "AcrPull"},
	{"403 Forbidden from https://x.azurecr.io", invoke.Registry, "AcrPull"},
	{"GET https://x.azurecr.us/v2/: unauthorized", invoke.Registry, "AcrPull"}, // clouds.md: registry suffix
	{"403 Forbidden from https://x.azurecr.cn", invoke.Registry, "AcrPull"},
	{"Insufficient quota for the family", invoke.JobFailed, "quota"},
	{"Operation exceeds the core quota", invoke.JobFailed, "quota"},
	{"Datastore has no credentials, and workspace msi failed to authenticate", invoke.Data, "workspace's own identity"},
	{
		"Cannot find account key or SAS token in the specified datastore, and credential passthrough is not enabled",
		invoke.Mount,
		"Storage Table Data Contributor",
	},
	{
		"ScriptExecutionException was caused by StreamAccessException. StreamAccessException was caused by " +
			"AuthenticationException.",
		invoke.Mount, "Storage Blob Data Reader",
	},
	{"Error Code: ScriptExecution.StreamAccess.Authentication", invoke.Mount, "Storage Blob Data Reader"},
	{"Can't mount Dataset. Path is not accessible or doesn't contain any data", invoke.Mount, "no data at the path"},
	{"DataAccessError(PermissionDenied)", invoke.Data, "explain --why"},
	{"DataAccessError(NotFound)", invoke.JobFailed, "does not exist"},
	{"StreamError(NotFound)", invoke.JobFailed, "does not exist"},
	{"ScriptExecution.WriteStreams.Authentication", invoke.Data, "Storage Blob Data Contributor"},
	{"DestinationError(PermissionDenied(Some(x)))", invoke.Data, "Storage Blob Data Contributor"},
	{"DestinationError(NotEmpty)", invoke.JobFailed, "new path each time"},
	{"OutputError(NotEmpty)", invoke.JobFailed, "new path each time"},
	{"WriteStreams.AlreadyExists", invoke.JobFailed, "new path each time"},
	{"Error Code: ScriptExecution.WriteStreams.AlreadyExists", invoke.JobFailed, "new path each time"},
	{"AuthorizationPermissionMismatch: This request is not authorized", invoke.Mount, "up to 10 minutes"},
	{
		"This request is not authorized to perform this operation using this permission.", invoke.Mount, "up to 10 minutes",
	},
	{"AuthorizationFailure: This request is not authorized to perform this operation.", invoke.Network, "firewall"},
	{"InsufficientAccountPermissions", invoke.Data, "SAS is too narrow"},
	{"AuthorizationResourceTypeMismatch", invoke.Data, "SAS is too narrow"},
	{"AuthenticationFailed: Server failed to authenticate the request", invoke.Data, "another tenant"},
	{"KeyBasedAuthenticationNotPermitted", invoke.Data, "forbids shared keys"},
	{"PublicAccessNotPermitted", invoke.Data, "anonymous"},
	{"NoAuthenticationInformation", invoke.Mount, "no identity"},
	{"Failed to create table prs123 due to authorization failure", invoke.Mount, "Storage Queue Data Contributor"},
	{"Key Vault returned 403 for the secret of datastore x", invoke.Data, "listsecrets"},
	{"No succeeded mini batch", invoke.JobFailed, "access is not the cause"},
	{"No objects to concatenate", invoke.JobFailed, "access is not the cause"},
	{"User program failed with ValueError", invoke.JobFailed, "access is not the cause"},
	{"No module named 'azureml'", invoke.JobFailed, "access is not the cause"},
	{"No progress update in 60 seconds", invoke.JobFailed, "retry_settings.timeout"},

	// A text that only resembles one of them is not recognised.
	{"AuthorizationFailureX and SomeAuthenticationFailed", invoke.JobFailed, "why is not known"},
	{"the moon is full", invoke.JobFailed, "why is not known"},
}

// Entra's codes, each with a word of its remedy; the last ones are in no sheet.
var ofEntra = map[string]string{
	"700213": "letter by letter", "7002138": "case of letters", "700211": "final slash",
	"700212":  "api://AzureADTokenExchange",
	"7002121": "api://AzureADTokenExchange", "70021": "takes minutes", "70025": "no federated credentials",
	"700016": "--client-id",
	"700024": "is not valid yet", "700222": "another issuer", "700226": "another issuer", "700227": "another issuer",
	"700223": "policy", "700238": "policy", "70052": "single tenant", "7000215": "not its ID", "7000222": "has expired",
	"500011": "audience", "50001": "/.default", "650057": "/.default", "70011": "/.default", "90002": "cloud",
	"90038":  "that cloud",
	"900382": "that cloud", "900432": "that cloud", "53003": "Conditional Access", "53000": "interactively",
	"53001": "interactively",
	"50076": "interactively", "50079": "interactively", "50074": "interactively", "700027": "certificate",
	"50012":  "certificate",
	"700082": "sign in again", "70043": "sign in again", "50173": "sign in again", "50020": "tenant", "50034": "tenant",
	"90055": "throttles", "50196": "throttles", "7002": "not known", "5300399": "not known",
}

// refuses answers every request with a refusal.
func refuses(status int, body string) trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ int64) bool {
		write(w, status, nil, body)
		return true
	}
}

func TestEveryFailureOfTheSheetIsRecognised(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice, "pollJobs")
	client := func(p *proxy) *invoke.Client {
		return w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
			Transport: p.Client()})
	}
	check := func(t *testing.T, c said, err error) {
		t.Helper()
		var f *invoke.Failure
		if !assert.ErrorAs(t, err, &f, c.text) || !assert.Equal(t, c.kind, f.Kind, "%s: %s", c.text, f) {
			return
		}
		assert.NotEmpty(t, f.Remedy, "%s: %s", c.text, f)
		assert.Contains(t, f.Error(), c.says, c.text)
		if c.kind != invoke.Invoke {
			assert.NotContains(t, f.Error(), "declare the invoker", c.text)
		}
	}
	recognised := 0
	for status, lines := range beforeTheJob {
		for _, line := range lines {
			code, message, _ := strings.Cut(line.text, ": ")
			p := w.proxy(refuses(status, fmt.Sprintf(`{"error": {"code": %q, "message": %q}}`, code, message)))
			_, err := client(p).Start(t.Context(), p.jobsURI(), "", keyed())
			check(t, line, err)
			recognised++
		}
	}
	job := func(text string) error {
		p := w.proxy(answer(http.StatusOK, nil, fmt.Sprintf(
			`{"name": "j", "properties": {"status": "Failed", "error": {"code": "UserError", "message": %q}}}`, text)))
		_, err := run(t.Context(), client(p), p.jobsURI(), "", byURL())
		return err
	}
	for _, line := range ofTheJob {
		check(t, line, job(line.text))
		recognised++
	}
	for number, says := range ofEntra {
		kind := invoke.Token
		if says == "not known" {
			kind = invoke.JobFailed
		}
		check(t, said{"AADSTS" + number + ": x", kind, says}, job("AADSTS"+number+": x"))
		recognised++
	}
	t.Logf("%d failures of the sheets recognised", recognised)
}

// A job that stays queued has no error text: if its end is not known, our error says where to look (facts/failures.md).
func TestAJobThatStaysQueuedIsAMatterOfQuotaAndLocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for status, says := range map[string]bool{"Queued": true, "Running": false} {
		p := w.proxy(func(rw http.ResponseWriter, r *http.Request, _ int64) bool {
			if r.Method == http.MethodPost {
				write(rw, http.StatusCreated, nil, `{"name": "j", "properties": {"status": "`+status+`"}}`)
			} else {
				write(rw, http.StatusForbidden, nil, `{"error": {"code": "AuthorizationFailed", "message": "no"}}`)
			}
			return true
		})
		client := w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
			Transport: p.Client()})
		_, err := run(t.Context(), client, p.jobsURI(), "", keyed())
		f := failure(t, err, invoke.Follow)
		text := strings.Join(f.Remedy, " ")
		assert.Equal(t, says, strings.Contains(text, "quota") && strings.Contains(text, "locks on the group"), "%s: %s",
			status, text)
	}
}

// A sheet's wording is recognised in any surrounding text, case and spacing, and with other numbers and IDs. A similar
// text is not.
func TestAFailureIsRecognisedByWhatDoesNotChange(t *testing.T) {
	t.Parallel()
	explained := func(t *testing.T, text string) *invoke.Failure {
		t.Helper()
		body, err := json.Marshal(text)
		require.NoError(t, err)
		var job invoke.Job
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil,
			`{"name": "j", "properties": {"status": "Failed", "error": {"message": %s}}}`, body), &job))
		return invoke.JobFailure(job, alice)
	}
	lines := slices.Clone(ofTheJob)
	for number, says := range ofEntra {
		if says != "not known" {
			lines = append(lines, said{"AADSTS" + number + ": Application '" + alice + "'", invoke.Token, says})
		}
	}
	words := map[string]func(string) string{
		"as it is":     func(s string) string { return s },
		"upper case":   strings.ToUpper,
		"lower case":   strings.ToLower,
		"other spaces": func(s string) string { return strings.ReplaceAll(s, " ", " \r\n\t ") },
		"apostrophes":  func(s string) string { return strings.ReplaceAll(s, "'", "\u2019") },
		"in a message": func(s string) string {
			return "Activity ID 3f2504e0-4f89-11d3-9a0c-0305e82c3301. {\"message\":\"" + s + "\"}, Trace ID: 403ab, node 17."
		},
		"after a line": func(s string) string { return "Execution failed at 2026-01-31T04:03:00Z:\n" + s + "\n\tat run()" },
	}
	for _, line := range lines {
		for name, change := range words {
			f := explained(t, change(line.text))
			assert.Equal(t, line.kind, f.Kind, "%s: %q", name, change(line.text))
			assert.Contains(t, f.Error(), line.says, "%s: %q", name, change(line.text))
			assert.NotEmpty(t, f.Remedy)
		}
	}

	// Codes match whole: with one more letter or digit before or behind, they are other codes, which are not known.
	for _, line := range lines {
		code := strings.TrimRight(strings.Fields(line.text)[0], ":")
		if strings.Contains(line.says, "not known") || !isCode.MatchString(code) {
			continue
		}
		for _, other := range []string{code + "9", code + "x", code + "_", "1" + code, "Un" + code, "_" + code} {
			if strings.HasSuffix(code, ")") && strings.HasPrefix(other, code) {
				continue // a code ends at its bracket
			}
			if number, is := strings.CutPrefix(other, "AADSTS"); is && ofEntra[number] != "" {
				continue // a code of the sheet too, like 7002138
			}
			f := explained(t, other)
			assert.Contains(t, f.What, "why is not known", "%q is taken for %q", other, code)
		}
	}
}

// isCode matches a code, and no words of a message.
var isCode = regexp.MustCompile(`^(AADSTS\d+|[A-Z][A-Za-z.]*([A-Z.][a-z]+){2,}(\(\w+\))?)$`)

// Azure's text is shown without control characters, to which a terminal would react.
func TestWhatAzureSaysIsShownWithoutControlCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(refuses(http.StatusForbidden, `{"error": {
		"code": "Forb\u001b]0;x\u0007idden",
		"message": "a\u202eb\u200bc\u009bd\ne: perform action 'x' over scope '/s; rm -rf \u001b[2J$(x)'`+
		` ##vso[task.complete]"}}`))
	_, err := w.through(p, nil).Start(t.Context(), p.jobsURI(), "", keyed())
	f := failure(t, err, invoke.Invoke)
	assert.Equal(t, "Forb]0;xidden: abcd e: perform action 'x' over scope '/s; rm -rf [2J$(x)' # #vso[task.complete]",
		f.Said)
	assert.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f-\x{9f}\x{200b}\x{202e}]`, f.Error())
	assert.Contains(t, f.Error(), `--scope '/s; rm -rf [2J$(x)'`, "a command to paste is one command")
}

// Not in facts/failures.md: a job is started once, whatever is lost.
func TestAJobIsStartedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"a request that is too slow": {http.StatusRequestTimeout, "", "it is not known whether the job was started"},
		"a gateway's timeout":        {http.StatusGatewayTimeout, "", "it is not known whether the job was started"},
		"a server's failure":         {http.StatusInternalServerError, "", "it is not known whether the job was started"},
		"an answer that is no JSON":  {http.StatusOK, "<html>", "the job was started"},
		"an answer of nothing":       {http.StatusOK, "", "the job was started"},
		"an answer that is cut":      {http.StatusCreated, `{"name": "j", "prop`, "the job was started"},
		"an answer of no job":        {http.StatusOK, `{"name": ""}`, "the job was started"},
		"an answer of a list":        {http.StatusOK, `[]`, "the job was started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := w.proxy(refuses(c.status, c.body))
			client := w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
				Transport: p.Client()})
			_, err := client.Start(t.Context(), p.jobsURI(), "", keyed())
			f := failure(t, err, invoke.Service)
			assert.Contains(t, f.Error(), c.says)
			assert.Contains(t, f.Error(), "az ml batch-endpoint list-jobs --name heart ")
			assert.EqualValues(t, 1, p.calls())
		})
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprintf("an answer that points elsewhere: %d", status), func(t *testing.T) {
			t.Parallel()
			var p *proxy
			p = w.proxy(func(rw http.ResponseWriter, r *http.Request, _ int64) bool {
				http.Redirect(rw, r, p.URL+"/inference/westeurope/other/jobs", status)
				return true
			})
			client := w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
				Transport: p.Client()})
			_, err := client.Start(t.Context(), p.jobsURI(), "", keyed())
			f := failure(t, err, invoke.Request)
			assert.Contains(t, f.Error(), "sends the request elsewhere, where it is not sent")
			assert.NotEmpty(t, f.Remedy)
			assert.EqualValues(t, 1, p.calls())
		})
	}
}
