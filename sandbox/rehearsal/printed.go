package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// printed follows the stack's output howToInvoke, invoker by invoker: each request in it must do the same as the job
// that the rehearsal starts itself. A request that does is not added to the report.
func (r *rehearsal) printed(ctx context.Context, j *jobs, report *Report, d deployed) error {
	var gaps []string // invokers whose text is not exported, or leaves addresses to its reader
	defer func() {
		if len(gaps) > 0 {
			report.NotChecked = append([]string{"howToInvoke, because the stack does not export it or it has gaps: " +
				strings.Join(gaps, ", ")}, report.NotChecked...)
		}
	}()
	for _, name := range r.Model.Acting() {
		text := d.HowToInvoke[name]
		if text == "" || len(r.Model.Endpoints) == 0 || strings.Contains(text, "<region>") {
			gaps = append(gaps, name)
			continue
		}
		wrong := func(got string, err error) {
			report.add(Outcome{Invoker: name, Want: works, Got: got, Detail: "as howToInvoke says: " + err.Error()})
		}
		recipes, err := read(text)
		if err != nil {
			wrong("can't be read", err)
			continue
		}
		for _, one := range recipes {
			tokens, err := r.follow(ctx, name, one, d)
			if err != nil {
				wrong(failsAt(access.TokenHop), err)
				continue
			}
			if err := r.send(ctx, j, report, name, one, tokens); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow signs in as the recipe says, for each audience that it asks for.
func (r *rehearsal) follow(ctx context.Context, name string, is recipe, d deployed) (tokens []string, err error) {
	if is.pipeline == nil || is.pipeline.connection == "" { // a service connection knows its cloud
		if cmp.Or(strings.ToLower(is.cloud), "azurecloud") != strings.ToLower(r.azure.Cloud().Name) &&
			(is.login != nil || is.pipeline != nil) {
			return nil, fmt.Errorf("signs in to the cloud %q, and the stack is in %s", is.cloud, r.azure.Cloud().Name)
		}
	}
	for _, client := range is.clients() {
		if known := d.ClientIDs[name]; known != "" && leftOpen(client) {
			return nil, fmt.Errorf("%s is left to the reader, and the stack has it: %s", client, known)
		}
	}
	own := r.azure.Cloud().Management[0] // the Azure CLI looks for subscriptions with a token for it
	for _, audience := range compact(is.audiences) {
		if is.wantsSubscription && audience == own {
			continue
		}
		got, err := r.signInAs(ctx, name, is, d, audience)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, got...)
	}
	if is.wantsSubscription {
		got, err := r.signInAs(ctx, name, is, d, own)
		if err != nil {
			return nil, err
		}
		for _, token := range got {
			if err := r.seesSubscription(ctx, token); err != nil {
				return nil, err
			}
		}
	}
	if len(tokens) == 0 && len(is.posts) > 0 { // otherwise nothing would be sent, and nothing would be found wrong
		return nil, errors.New("the recipe gets no token that starts a job")
	}
	return tokens, nil
}

// signInAs gets a token in each way that the recipe allows: with each secret, or with the token of each workload for
// which no pipeline is printed.
func (r *rehearsal) signInAs(ctx context.Context, name string, is recipe, d deployed, audience string) ([]string,
	error) {
	i, one := r.Model.Invokers[name], func(token string, err error) ([]string, error) { return []string{token}, err }
	switch {
	case is.pipeline != nil:
		assertion, err := r.issued(i, *is.pipeline)
		if err != nil {
			return nil, err
		}
		e := r.entraAs(is.pipeline.clientID, is.pipeline.tenant, d.ClientIDs[name], audience)
		return one(e.with(ctx, func(context.Context) (string, error) { return assertion, nil }))
	case is.service != nil:
		return one(r.asService(ctx, *is.service, d.PrincipalIDs[name], audience))
	case is.host != nil:
		return one(r.onHost(ctx, i, *is.host, d.PrincipalIDs[name], audience))
	case is.login == nil:
		return nil, errors.New("it does not say how to sign in")
	}
	person := i.Kind == access.User || i.Kind == access.Group
	client, tenant := strings.Join(after(is.login, "--username"), ""), strings.Join(after(is.login, "--tenant"), "")
	e := r.entraAs(client, tenant, d.ClientIDs[name], audience)
	switch {
	case slices.Contains(is.login, "--identity"):
		if i.Kind != access.ManagedIdentity {
			return nil, fmt.Errorf("az login %s is no sign-in of a %s", strings.Join(is.login, " "), i.Kind)
		}
		client := strings.Join(after(is.login, "--client-id"), "")
		query := url.Values{"api-version": {"2018-02-01"}, "resource": {audience}}
		if client != "" {
			query.Set("client_id", client)
		}
		return one(r.onHost(ctx, i, hostQuery{query: query, header: http.Header{"Metadata": {"true"}}},
			d.PrincipalIDs[name], audience))
	case slices.Contains(is.login, "--service-principal") == person:
		return nil, fmt.Errorf("az login %s is no sign-in of a %s", strings.Join(is.login, " "), i.Kind)
	case i.Kind == access.Group:
		return one(r.azure.SignIn(ctx, memberOf(i.PrincipalID.Text()), audience))
	case person, len(i.FederatedCredentials)+len(i.ClientSecrets) == 0: // its credentials are not in the stack
		if !leftOpen(client) && client != "" && client != d.ClientIDs[name] {
			return nil, fmt.Errorf("%s is not the client ID", client)
		}
		return one(r.azure.SignIn(ctx, d.PrincipalIDs[name], audience))
	case slices.Contains(is.login, "--federated-token"):
		return e.each(ctx, i)
	}
	var tokens []string
	for _, key := range slices.Sorted(maps.Keys(i.ClientSecrets)) {
		token, err := e.bySecret(ctx, d.ClientSecrets[name][key])
		if err != nil {
			return nil, fmt.Errorf("client secret %s: %w", key, err)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// entraAs signs in with the printed client ID, at the printed tenant. What is missing or in angle brackets is left to
// the reader, who knows it.
func (r *rehearsal) entraAs(client, tenant, known, audience string) entra {
	if client == "" || leftOpen(client) {
		client = known
	}
	e := entraOf(r.azure, client, audience)
	if tenant != "" && !leftOpen(tenant) {
		e.tenant = tenant
	}
	return e
}

// each signs in with the token of each workload that may run a shell script.
func (e entra) each(ctx context.Context, i access.Invoker) (tokens []string, err error) {
	for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
		f := i.FederatedCredentials[key]
		if f.GitHub != nil || f.GitLab != nil || f.AzureDevOps != nil {
			continue
		}
		token, err := e.byAssertion(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("federated credential %s: %w", key, err)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// issued is the token that a printed job gets from its issuer: for the branch, tag or environment in the text, and
// for the audience that the text asks for. What no text of a job has, such as the number of a repository, is taken
// from the configuration.
func (r *rehearsal) issued(i access.Invoker, job pipelineJob) (string, error) {
	for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
		f := i.FederatedCredentials[key]
		if !job.of(key, f) {
			continue
		}
		switch w := workloadOf(f).(type) {
		case azure.GitHubJob:
			w.Repository, w.Environment, w.Branch, w.Tag = job.repository, job.environment, job.branch, job.tag
			w.PullRequest = job.pullRequest
			return r.azure.WorkloadAssertion(w, job.audience)
		case azure.GitLabJob:
			w.Branch, w.Tag = job.branch, job.tag
			return r.azure.WorkloadAssertion(w, job.audience)
		default:
			// Azure DevOps asks for the audience itself.
			return Assertion(r.azure, f)
		}
	}
	return "", fmt.Errorf("no federated credential is for job %q, service connection %q", job.name, job.connection)
}

// of reports whether a credential belongs to a printed job.
func (job pipelineJob) of(key string, f signin.FederatedCredential) bool {
	if c := f.AzureDevOps; c != nil {
		return job.connection != "" && (job.connection == c.ServiceConnection ||
			c.ServiceConnection == "" && strings.Contains(job.connection, c.ConnectionID))
	}
	return job.connection == "" && key == job.name && (f.GitHub != nil) == (job.repository != "") &&
		(f.GitHub != nil || f.GitLab != nil)
}

// asService is the token of the identity as which a service calls: its own, or the one that it names.
func (r *rehearsal) asService(ctx context.Context, as serviceIdentity, principal, audience string) (string, error) {
	if as.resourceID != "" {
		var found struct{ Properties struct{ PrincipalID string } }
		if err := manage(ctx, r.azure, http.MethodGet, r.azure.URL()+as.resourceID+"?api-version=2023-01-31", nil,
			&found); err != nil {
			return "", fmt.Errorf("the identity %s: %w", as.resourceID, err)
		}
		principal = found.Properties.PrincipalID
	}
	return r.azure.SignIn(ctx, principal, audience)
}

// userAssigned reports whether an invoker is known to be a user-assigned identity. A host may have several of those.
func userAssigned(i access.Invoker) bool {
	_, err := arm.Parse(i.ResourceID, arm.UserAssignedIdentity)
	return i.Kind == access.ManagedIdentity && (err == nil || !i.Exists())
}

// onHost is the token that a host answers with. Without a client ID it is for the host's own identity; the sandbox
// has one host for all, which has to be told which identity that is. If the identity's resource is not known, the
// sandbox has no host for it and signs it in directly.
func (r *rehearsal) onHost(ctx context.Context, i access.Invoker, q hostQuery, principal, audience string) (string,
	error) {
	client := q.query.Get("client_id")
	if client == "" && userAssigned(i) {
		return "", errors.New("it names no identity, and a host that has several refuses that")
	}
	if leftOpen(client) || client == "" && i.ResourceID == "" || i.Exists() && i.ResourceID == "" {
		return r.azure.SignIn(ctx, principal, audience)
	}
	query, path := maps.Clone(q.query), "/metadata/identity/oauth2/token"
	query.Set("resource", audience)
	if client == "" {
		query.Set("object_id", principal)
	} else if err := r.azure.AttachIdentity(client); err != nil {
		return "", err
	}
	header := q.header.Clone()
	if q.appService {
		path = "/msi/token"
		for key, values := range header {
			if values[0] == `os.environ["IDENTITY_HEADER"]` {
				header.Set(key, r.azure.IdentityHeader())
			}
		}
	}
	return askHost(ctx, r.azure, path+"?"+query.Encode(), header)
}

// seesSubscription returns the Azure CLI's error for an account that sees no subscription.
func (r *rehearsal) seesSubscription(ctx context.Context, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.azure.URL()+"/subscriptions?api-version=2022-12-01",
		http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := send(r.azure, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Value []any }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Value) == 0 {
		return errors.New("no subscriptions found, and az login is without --allow-no-subscriptions")
	}
	return nil
}

func compact(all []string) []string { return slices.Compact(slices.Sorted(slices.Values(all))) }

// send sends the requests of a recipe with each of its tokens. There must be a request for each endpoint that the
// invoker may invoke, and none for any other endpoint.
func (r *rehearsal) send(
	ctx context.Context, j *jobs, report *Report, name string, is recipe, tokens []string,
) error {
	unsaid := slices.Clone(is.posts)
	seen := map[string]bool{}
	for _, path := range r.plan.Paths() {
		e := r.Model.Endpoints[path.Endpoint]
		if path.Invoker != name || !path.Declared {
			continue
		}
		ofEndpoint := func(p post) bool {
			u, err := url.Parse(p.url)
			return err == nil && strings.HasPrefix(u.Hostname(), endpointName(r.Model, path.Endpoint)+".")
		}
		unsaid = slices.DeleteFunc(unsaid, ofEndpoint)
		if path.Deployment != "" && path.Deployment != e.Deployment || seen[path.Endpoint+" "+path.Input] {
			continue
		}
		seen[path.Endpoint+" "+path.Input] = true
		o := Outcome{Invoker: name, Endpoint: path.Target(), Input: path.Input, Want: works,
			Got: "is not in howToInvoke"}
		at := slices.IndexFunc(is.posts, ofEndpoint)
		if at < 0 {
			report.add(o)
			continue
		}
		p := is.posts[at]
		if len(e.Inputs) > 0 && path.Input != e.Inputs[0] {
			body, there, err := p.with(is.others[path.Endpoint], path.Input)
			if err != nil {
				return err
			}
			if p.body = body; !there {
				report.add(o)
				continue
			}
		}
		differs, err := r.another(p.body, path)
		if err != nil {
			return err
		}
		if differs != "" {
			o.Got, o.Detail = "asks for something else", differs
			report.add(o)
			continue
		}
		for _, token := range tokens {
			got, err := j.post(ctx, token, p)
			if err != nil {
				return err
			}
			if o.Got, o.Detail = failsAt(got.Hop), "as howToInvoke says: "+got.Message; got.Hop != "" {
				report.add(o)
				break
			}
		}
	}
	for _, p := range unsaid {
		report.add(Outcome{Control: true, Invoker: name, Want: "not in howToInvoke", Got: "is in howToInvoke",
			Detail: p.url + " is of no endpoint that it is to invoke"})
	}
	return nil
}

// another says how a printed body differs from the body of the path's job; "" if it does not. Without this check, a
// body that names other data which the invoker may also read would pass.
func (r *rehearsal) another(printed json.RawMessage, path access.Path) (string, error) {
	body, err := requestBody(r.Model, path.Endpoint, path.Input)
	if err != nil {
		return "", err
	}
	wanted, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	var is, should any
	if err := errors.Join(json.Unmarshal(printed, &is), json.Unmarshal(wanted, &should)); err != nil {
		return "the printed body: " + err.Error(), nil
	}
	if reflect.DeepEqual(is, should) {
		return "", nil
	}
	return fmt.Sprintf("howToInvoke has the body %s, and the job's is %s", printed, wanted), nil
}

// with is the body of a request in which another of the endpoint's inputs, which is printed beside it, replaces its
// own.
func (p post) with(others []json.RawMessage, input string) (body json.RawMessage, there bool, err error) {
	for _, other := range others {
		var inputs map[string]json.RawMessage
		if err := json.Unmarshal(other, &inputs); err != nil {
			return nil, false, err
		}
		if inputs[input] == nil {
			continue
		}
		var request map[string]map[string]json.RawMessage
		if err := json.Unmarshal(p.body, &request); err != nil {
			return nil, false, err
		}
		request["properties"]["InputData"] = other
		body, err = json.Marshal(request)
		return body, true, err
	}
	return p.body, false, nil
}

// post starts the job of a printed request, and follows it to its end. It sends the request to the sandbox in place
// of the host in its address.
func (j *jobs) post(ctx context.Context, token string, p post) (failure, error) {
	u, err := url.Parse(p.url)
	if err != nil {
		return failure{requestHop, err.Error()}, nil
	}
	// facts/clouds.md: scoring hosts end with the host of the audience for batch endpoints, after "inference."
	suffix := ".inference." + strings.TrimPrefix(j.azure.Cloud().MachineLearning, "https://")
	of, ours := strings.CutSuffix(u.Hostname(), suffix)
	endpoint, region, both := strings.Cut(of, ".")
	if !ours || !both || u.Scheme != "https" {
		return failure{requestHop, p.url + " is no address of a batch endpoint of this cloud"}, nil
	}
	uri := j.azure.URL() + "/inference/" + region + "/" + endpoint + u.EscapedPath()
	if u.RawQuery != "" {
		uri += "?" + u.RawQuery
	}
	header := p.header.Clone()
	if sent := header.Get("Authorization"); sent != "Bearer $TOKEN" {
		return failure{access.TokenHop, "the request does not carry the token: " + sent}, nil
	}
	header.Del("Authorization")
	if p.method != http.MethodPost {
		return failure{requestHop, "a job is started by POST, and not by " + p.method}, nil
	}
	_, got, err := j.follow(ctx, uri, token, header, p.body)
	return got, err
}
