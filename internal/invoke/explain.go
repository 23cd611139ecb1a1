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
	"github.com/batchaccess/batchaccess/internal/azure/wire"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/roles"
)

// serviceError is the error of Azure's services, and that of a failed job. The details are there for some of them.
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

func (e serviceError) detail(code string) string {
	for _, d := range e.Details {
		if strings.EqualFold(d.Code, code) {
			return d.Message
		}
	}
	return ""
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

// clean is the error without what a terminal would act on: what Azure names is put into commands.
func (e serviceError) clean() serviceError {
	e.Code, e.Message = clean(e.Code), clean(e.Message)
	for i, d := range e.Details {
		e.Details[i].Code, e.Details[i].Message = clean(d.Code), clean(d.Message)
	}
	return e
}

var (
	// missingAction reads Azure's AuthorizationFailed: "… does not have authorization to perform action '…' over scope
	// '…' …".
	missingAction = regexp.MustCompile(`(?i)perform action ['"]([^'"]+)['"](?:.*?over scope ['"]([^'"]+)['"])?`)
	// fromOutside reads how Azure refuses whoever is outside of a private network.
	fromOutside = regexp.MustCompile(`(?i)public (network )?access|publicnetworkaccess|private (endpoint|link)|` +
		`not allowed to access .* from (this|public)|\bnot\b.{0,200}\bfrom\b.{0,100}\bnetwork`)
	// tenantOf reads the tenant of the authority that a challenge names.
	tenantOf = regexp.MustCompile(`authorization(?:_uri)?="[^"]*/([0-9a-fA-F-]{36})`)
)

// refused explains an answer that is an error.
func refused(k call, resp *http.Response, text []byte, who claims) *Failure {
	said := readError(text)
	f := &Failure{Status: resp.StatusCode, Said: said.String()}
	found, known := recognise(said.Code+" "+said.Message, signIns, notStarted)
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
	case status == http.StatusForbidden && fromOutside.MatchString(said.Code+" "+said.Message):
		f.Kind = Network
		f.What = fmt.Sprintf("could not %s: the workspace is closed to public networks, and this machine is outside of its "+
			"private one", k.doing)
		f.Remedy = fromInside
	case status == http.StatusForbidden:
		f.forbidden(k, said, who)
	case wire.IsRetried(status) || status >= http.StatusInternalServerError:
		f.Kind = Service
		f.What = fmt.Sprintf("could not %s: HTTP %d, also when it was tried again", k.doing, status)
		f.Remedy = []string{"try again later"}
		if after := clean(resp.Header.Get("Retry-After")); after != "" {
			f.Remedy = []string{"try again after " + after + " seconds"}
		}
		if k.method == http.MethodPost && !wire.Throttled(status) {
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

// as explains a failure by its signature, where there is no job.
func (f *Failure) as(s signature, k call, who claims) {
	f.Kind, f.Hop, f.Remedy = s.kind, s.hop, slices.Clone(s.remedy)
	f.What = fmt.Sprintf("could not %s: %s", k.doing, s.means)
	if s.kind == Token || s.kind == Denied {
		f.Identity = who.ObjectID
	}
}

// unauthorized is a token that passed our own look at it. The challenge names the tenant that the endpoint wants.
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

// giver tells what gives an action to an invoker.
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

// workspaceOf is the workspace that a scope lies in, else the scope.
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

// unfollowed turns what went wrong with looking at a job into a failure of its own kind: the job itself was started.
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

// pollJob is the action that looking at a job takes (inferred from Azure's operations).
func pollJob() string {
	all := roles.Additions()
	return all[slices.IndexFunc(all, func(a roles.Addition) bool { return a.Name == "pollJobs" })].Actions[0]
}

// jobFailure explains a job that ended and did not complete. Where Azure's answer names the hop, the identity and the
// storage, so does the failure. Its plain text names neither, and says only that storage could not be opened.
func jobFailure(job Job, who claims) *Failure {
	said := job.failure.clean()
	f := &Failure{
		Kind: JobFailed, Hop: access.HopKind(said.detail("hop")), Said: said.String(),
		Identity: said.detail("identity"), Scope: said.detail("storage"),
	}
	found, known := recognise(said.Code+" "+said.Message, signIns, atStart, onData, notOfAccess)
	named := f.Hop != "" && found.grants != nil && (found.kind == Mount || found.kind == Data)
	denied := known && (found.means == opensNoStorage || named)
	switch {
	case strings.EqualFold(job.Status, canceled):
		f.What = "the job was canceled"
		f.Remedy = []string{"the job's page in the studio says by whom; start another where that was a mistake"}
	case denied && (f.Hop == access.ReadHop || f.Hop == access.WriteHop):
		f.jobIdentity(job, said, who)
	case denied:
		f.clusterIdentity(job, said, who)
		f.Remedy = append(f.Remedy, found.remedy...)
	case known:
		f.Kind, f.Hop = found.kind, cmp.Or(f.Hop, found.hop)
		f.What = "the job failed: " + found.means
		f.Remedy = slices.Clone(found.remedy)
		for _, l := range found.grants {
			f.Remedy = append(f.Remedy, l.grant(who, f.scope(job)))
		}
		if found.grants != nil {
			f.Remedy = append(f.Remedy, inStack...)
		}
	case f.Said == "":
		f.What = "the job failed, and why is not known: Azure's answer does not say it"
		f.Remedy = []string{"look at the job's logs in the studio"}
	default:
		f.What = "the job failed, and why is not known here; what Azure says of it follows"
		f.Remedy = []string{"look at the job's logs in the studio"}
	}
	return f
}

// grant is the command that gives what is lacked.
func (l lack) grant(who claims, scope string) string {
	if l.cluster {
		return "grant the cluster: " + assign(l.role, clusterPrincipal, "ServicePrincipal", scope)
	}
	return "grant the invoker: " + assign(l.role, who.ObjectID, who.principalType(), scope)
}

// jobIdentity is an invoker who may not read or write.
func (f *Failure) jobIdentity(job Job, said serviceError, who claims) {
	f.Kind = Data
	verb, role := "read", roles.StorageBlobDataReader
	if f.Hop == access.WriteHop {
		verb, role = "write to", roles.StorageBlobDataContributor
	}
	f.What = fmt.Sprintf("the job identity %s, who is the invoker, may not %s %s%s", f.Identity, verb, f.Scope,
		ofInput(said))
	f.Remedy = append([]string{
		"the cluster mounted the storage; the data is read and written as the invoker, who needs a role of its own",
		"grant it: " + assign(role, f.Identity, who.principalType(), f.scope(job)),
	}, inStack...)
}

// clusterIdentity is a cluster that may not mount, or a failure that does not say which of the two identities it was.
func (f *Failure) clusterIdentity(job Job, said serviceError, who claims) {
	f.Kind = Mount
	role := roles.StorageBlobDataReader
	if said.detail("output") != "" {
		role = roles.StorageBlobDataContributor
	}
	scope := f.scope(job)
	if f.Hop == "" { // Azure's plain text
		f.Hop = access.MountHop
		f.What = "the job could not open its storage: the cluster identity may not mount it, or the job identity, who is " +
			"the invoker, may not read it; Azure does not say which"
		f.Remedy = append([]string{
			"grant the cluster: " + assign(role, clusterPrincipal, "ServicePrincipal", scope),
			"grant the invoker: " + assign(role, who.ObjectID, who.principalType(), scope),
		}, inStack...)
		return
	}
	if f.Identity == "" {
		f.What = fmt.Sprintf("the compute cluster has no managed identity with which to mount %s%s", f.Scope, ofInput(said))
		f.Remedy = append([]string{
			"give the cluster a system-assigned or a user-assigned identity, and that one access:",
			assign(role, clusterPrincipal, "ServicePrincipal", scope),
		}, inStack...)
		return
	}
	one, _, several := strings.Cut(f.Identity, ",")
	f.What = fmt.Sprintf("the cluster identity %s may not mount %s%s", strings.ReplaceAll(f.Identity, ",", ", "), f.Scope,
		ofInput(said))
	f.Remedy = []string{"grant it: " + assign(role, one, "ServicePrincipal", scope)}
	if several {
		f.Remedy[0] = "grant one of them: " + assign(role, one, "ServicePrincipal", scope)
	}
	f.Remedy = append(f.Remedy, inStack...)
}

// clusterPrincipal finds the cluster's identity where no answer names it.
const clusterPrincipal = `"$(az ml compute show --name <cluster> --resource-group <group> --workspace-name ` +
	`<workspace> --query identity.principal_id --output tsv)"`

var inStack = []string{"or declare the input or output at the endpoint in the stack (endpoints, dataInputs, " +
	"dataOutputs) and run pulumi up: both identities get what they need"}

func ofInput(said serviceError) string {
	for _, kind := range []string{"input", "output"} {
		if name := said.detail(kind); name != "" {
			return fmt.Sprintf(" (%s %q)", kind, name)
		}
	}
	return ""
}

// scope is the storage that the failure names; else that of the job's only URL; else left to the reader.
func (f *Failure) scope(job Job) string {
	if f.Scope != "" {
		return shellWord(f.Scope)
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

// shellWord is a word as it is, where a POSIX shell takes it for one (a place to fill in included), and quoted where
// not.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return jobrequest.Quote(s)
}
