package invoke

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/roles"
)

// A serviceError is the error in an answer of Azure's services or in a failed job. Details may say more.
type serviceError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"details"`
}

func (e serviceError) String() string {
	if e.Code == "" {
		return clipped(e.Message)
	}
	return clipped(e.Code + ": " + e.Message)
}

// all returns all texts of the error, to look for signatures in.
func (e serviceError) all() string {
	text := e.Code + " " + e.Message
	for _, d := range e.Details {
		text += " " + d.Code + " " + d.Message
	}
	return text
}

func readError(text []byte) serviceError {
	var answer struct {
		Error serviceError `json:"error"`
	}
	if json.Unmarshal(text, &answer) != nil || answer.Error.Code+answer.Error.Message == "" {
		return serviceError{Message: string(text)}
	}
	return answer.Error.clean()
}

// clean removes control characters from the error: names in it are put into commands.
func (e serviceError) clean() serviceError {
	e.Code, e.Message = clean(e.Code), clean(e.Message)
	for i, d := range e.Details {
		e.Details[i].Code, e.Details[i].Message = clean(d.Code), clean(d.Message)
	}
	return e
}

var (
	// missingAction matches Azure's AuthorizationFailed: "… does not have authorization to perform action '…' over
	// scope '…' …".
	missingAction = regexp.MustCompile(`(?i)perform action ['"]([^'"]+)['"](?:.*?over scope ['"]([^'"]+)['"])?`)
	// fromOutside matches Azure's refusals of requests from outside of a private network.
	fromOutside = regexp.MustCompile(`(?i)public (network )?access|publicnetworkaccess|private (endpoint|link)|` +
		`not allowed to access .* from (this|public)|\bnot\b.{0,200}\bfrom\b.{0,100}\bnetwork`)
	// tenantOf matches the tenant of the authority in a challenge.
	tenantOf = regexp.MustCompile(`authorization(?:_uri)?="[^"]*/([0-9a-fA-F-]{36})`)
)

// refused explains an answer that is an error.
func refused(k call, resp *http.Response, text []byte, who claims) *Failure {
	said := readError(text)
	f := &Failure{Status: resp.StatusCode, Said: said.String()}
	found, known := recognise(said.all(), signIns, notStarted)
	switch status := resp.StatusCode; {
	case status < http.StatusBadRequest:
		f.Kind = Request
		f.What = fmt.Sprintf("could not %s: the address answers HTTP %d and sends the request elsewhere, where it is not "+
			"sent", k.doing, status)
		f.Remedy = []string{compareAddress}
	case status == http.StatusUnauthorized:
		f.unauthorized(k, resp, who)
	case known:
		f.as(found, k, who)
	case status == http.StatusForbidden && fromOutside.MatchString(said.all()):
		f.Kind = Network
		f.What = fmt.Sprintf("could not %s: the workspace is closed to public networks, and this machine is outside of its "+
			"private one", k.doing)
		f.Remedy = fromInside
	case status == http.StatusForbidden:
		f.forbidden(k, said, who)
	case azure.IsRetried(status) || status >= http.StatusInternalServerError:
		f.Kind = Service
		f.What = fmt.Sprintf("could not %s: HTTP %d, also when it was tried again", k.doing, status)
		f.Remedy = []string{"try again later"}
		if after := clean(resp.Header.Get("Retry-After")); after != "" {
			f.Remedy = []string{"try again after " + after + " seconds"}
		}
		if k.method == http.MethodPost && !azure.Throttled(status) {
			f.What = fmt.Sprintf("it is not known whether the job was started: Azure answered HTTP %d", status)
			f.Remedy = []string{mayHaveStarted(k.uri)}
		}
	case status == http.StatusNotFound:
		f.Kind = Request
		f.What = fmt.Sprintf("could not %s: HTTP 404", k.doing)
		f.Remedy = []string{"the name or the region is wrong, or the endpoint is deleted: " + compareAddress}
	default:
		f.Kind = Request
		f.What = fmt.Sprintf("could not %s: HTTP %d, and why is not known here; what Azure says of it follows", k.doing,
			status)
		if f.Said == "" {
			f.What = fmt.Sprintf("could not %s: HTTP %d, and why is not known: Azure's answer does not say it", k.doing, status)
		}
		f.Remedy = []string{"compare the request (--print-request) with what the endpoint takes; " + compareAddress}
	}
	return f
}

const compareAddress = "compare the address with the endpoint's scoring URI (az ml batch-endpoint show --query " +
	"scoring_uri)"

// as explains a failure by its signature, if there is no job yet.
func (f *Failure) as(s signature, k call, who claims) {
	f.Kind, f.Hop, f.Remedy = s.kind, s.hop, slices.Clone(s.remedy)
	f.What = fmt.Sprintf("could not %s: %s", k.doing, s.means)
	if s.kind == Token || s.kind == Denied {
		f.Identity = who.ObjectID
	}
}

// unauthorized explains why a token was refused although check accepted it. The challenge names the tenant that the
// endpoint requires.
func (f *Failure) unauthorized(k call, resp *http.Response, who claims) {
	f.Kind, f.Hop, f.Identity = Token, access.TokenHop, who.ObjectID
	f.What = fmt.Sprintf("could not %s: the token was refused", k.doing)
	f.Remedy = []string{"get a new one with: " + jobrequest.GetToken(who.Audience)}
	m := tenantOf.FindStringSubmatch(resp.Header.Get("WWW-Authenticate"))
	if m != nil && !strings.EqualFold(m[1], who.TenantID) {
		f.What = fmt.Sprintf("could not %s: the token was issued by tenant %s, and the endpoint belongs to tenant %s",
			k.doing, who.TenantID, m[1])
		f.Remedy = []string{"get one with: " + jobrequest.GetToken(who.Audience) + " --tenant " + m[1]}
	}
}

func (f *Failure) forbidden(k call, said serviceError, who claims) {
	f.Kind, f.Hop, f.Identity = Invoke, access.InvokeHop, who.ObjectID
	if m := missingAction.FindStringSubmatch(said.Message); m != nil {
		f.Action, f.Scope = m[1], m[2]
	}
	if f.Action == "" {
		f.What = fmt.Sprintf("could not %s: the invoker %s is not allowed to, and which action is missing is not known",
			k.doing, f.Identity)
	} else {
		f.What = fmt.Sprintf("could not %s: the invoker %s may not %s at %s", k.doing, f.Identity, f.Action, f.Scope)
	}
	f.Remedy = []string{giver(f.Action)}
	if f.Action == "" {
		f.Remedy = []string{"`batchaccess verify` says whether the invoker has the 35 actions; if it has, what " +
			"forbids it is not known here"}
	}
	if f.Identity != "" && f.Scope != "" {
		f.Remedy = append(f.Remedy, "or: "+assign("<role with it>", f.Identity, who.principalType(),
			shellWord(workspaceOf(f.Scope))))
		if endpoint := endpointPart.FindString(f.Scope); endpoint != "" && roles.AtEndpoint(f.Action) {
			f.Remedy = append(f.Remedy, "or, for this endpoint alone (that Azure takes an assignment there is inferred): "+
				assign("<role with it>", f.Identity, who.principalType(), shellWord(endpoint)))
		}
		f.Remedy = append(f.Remedy,
			"a new assignment takes up to 10 minutes to act; one through a group, for a managed identity, up to 24 hours")
	}
}

// giver says what gives an action to an invoker.
func giver(action string) string {
	if n := slices.IndexFunc(roles.InvokerActions(), func(a string) bool { return strings.EqualFold(a, action) }); n >= 0 {
		declare := "declare the invoker in the stack (invokers) and run pulumi up"
		if roles.AtEndpoint(action) {
			declare = "declare the invoker in the stack (invokers; with role.scope endpoint the endpoint has to name it too) " +
				"and run pulumi up"
		}
		return fmt.Sprintf("it is number %d of the %d actions that invoking takes: %s", n+1, len(roles.InvokerActions()),
			declare)
	}
	for _, addition := range roles.Additions() {
		if slices.ContainsFunc(addition.Actions, func(a string) bool { return strings.EqualFold(a, action) }) {
			return fmt.Sprintf("it is none of the %d actions that invoking takes: add %s to the role (role.additions) and run "+
				"pulumi up", len(roles.InvokerActions()), addition.Name)
		}
	}
	return fmt.Sprintf("it is none of the %d actions that invoking takes, and of no addition of this stack: a role "+
		"with it has to be assigned by other means", len(roles.InvokerActions()))
}

var workspacePart = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/` +
	`Microsoft\.MachineLearningServices/workspaces/[^/]+`)

var endpointPart = regexp.MustCompile(workspacePart.String() + `/batchEndpoints/[^/]+`)

// workspaceOf returns the workspace that a scope lies in, or else the scope.
func workspaceOf(scope string) string {
	if id := workspacePart.FindString(scope); id != "" {
		return id
	}
	return scope
}

func assign(role, objectID, principalType, scope string) string {
	return fmt.Sprintf("az role assignment create --role %q --assignee-object-id %s --assignee-principal-type %s "+
		"--scope %s", role, objectID, principalType, scope)
}

// unfollowed makes a failure of an error while a job is followed: the job itself was started.
func unfollowed(job Job, err error) error {
	var f *Failure
	switch {
	case !errors.As(err, &f):
		return &Failure{Kind: Follow, What: fmt.Sprintf("waiting for job %s ended before the job did: %v; the job goes on",
			job.Name, err), cause: err}
	case f.Status == http.StatusForbidden && f.Kind == Invoke:
		f.Action = cmp.Or(f.Action, pollJob())
		f.What = fmt.Sprintf("job %s was started, but the invoker's role does not let it look at jobs: it has no pollJobs "+
			"addition", job.Name)
		f.Remedy = []string{giver(f.Action), "or look at the job as somebody who may, such as in the studio"}
	}
	f.Kind, f.Hop = Follow, ""
	if strings.EqualFold(job.Status, "Queued") {
		f.Remedy = append(f.Remedy, "it is queued: where no node comes, see the quota of the size's family, and locks "+
			"on the group")
	}
	return f
}

// pollJob returns the action for looking at a job (inferred from Azure's operations).
func pollJob() string {
	all := roles.Additions()
	return all[slices.IndexFunc(all, func(a roles.Addition) bool { return a.Name == "pollJobs" })].Actions[0]
}

// jobFailure explains a job that ended and did not complete, by signatures in Azure's message. That names neither the
// identity nor the storage, so the grants are listed for each identity that may lack one.
func jobFailure(job Job, who claims) *Failure {
	said := job.failure.clean()
	f := &Failure{Kind: JobFailed, Said: said.String()}
	found, known := recognise(said.all(), signIns, atStart, onData, notOfAccess)
	switch {
	case strings.EqualFold(job.Status, canceled):
		f.What = "the job was canceled"
		f.Remedy = []string{"the job's page in the studio says by whom; start another where that was a mistake"}
	case known:
		f.Kind, f.Hop, f.What = found.kind, found.hop, "the job failed: "+found.means
		grants := found.grants
		if found.means == opensNoStorage {
			f.What = found.means
			if len(job.request.Properties.OutputData) > 0 { // outputs are mounted too
				grants = append(slices.Clone(grants), bothLack(roles.StorageBlobDataContributor)...)
			}
		}
		for _, l := range grants {
			f.Remedy = append(f.Remedy, l.grant(who, scopeOf(job, l)))
		}
		if grants != nil {
			f.Remedy = append(f.Remedy, inStack...)
		}
		f.Remedy = append(f.Remedy, found.remedy...)
	case f.Said == "":
		f.What = "the job failed, and why is not known: Azure's answer does not say it"
		f.Remedy = []string{"look at the job's logs in the studio"}
	default:
		f.What = "the job failed, and why is not known here; what Azure says of it follows"
		f.Remedy = []string{"look at the job's logs in the studio"}
	}
	return f
}

// grant is the command that assigns the missing role.
func (l lack) grant(who claims, scope string) string {
	if l.cluster {
		return "grant the cluster: " + assign(l.role, clusterPrincipal, "ServicePrincipal", scope)
	}
	return "grant the invoker: " + assign(l.role, who.ObjectID, who.principalType(), scope)
}

// clusterPrincipal is the command that finds the cluster's identity if no answer names it.
const clusterPrincipal = `"$(az ml compute show --name <cluster> --resource-group <group> --workspace-name ` +
	`<workspace> --query identity.principal_id --output tsv)"`

var inStack = []string{"or declare the input or output at the endpoint in the stack (endpoints, dataInputs, " +
	"dataOutputs) and run pulumi up: both identities get what they need"}

// scopeOf returns the storage on which a role is missing. For data that is read it is the place of the job's only URL;
// anything else the reader has to fill in.
func scopeOf(job Job, l lack) string {
	switch l.role {
	case roles.StorageBlobDataContributor:
		return "<ARM ID of the container of the output's data store>"
	case storageTable, storageQueue:
		return "<ARM ID of the workspace's storage account>"
	}
	var found []string
	for _, input := range job.request.Properties.InputData {
		u, err := url.Parse(input.URI)
		if err != nil || u.Scheme != "https" {
			continue
		}
		account, _, _ := strings.Cut(u.Hostname(), ".")
		container, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if !plainWord.MatchString(account) || !plainWord.MatchString(container) {
			continue
		}
		found = append(found,
			fmt.Sprintf(`"$(az storage account show --name %s --query id --output tsv)/blobServices/default/containers/%s"`,
				account, container))
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 1 {
		return found[0]
	}
	return "<ARM ID of the storage account or container>"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:<>-]+$`)

// shellWord returns a word for a POSIX shell, in quotes if it needs them. A place to fill in gets none.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return jobrequest.Quote(s)
}
