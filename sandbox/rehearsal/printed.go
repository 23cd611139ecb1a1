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
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A recipe is what howToInvoke prints for one invoker, read as a reader would follow it: who signs in, for which
// audience they get a token, and which requests start jobs.
type recipe struct {
	logins    [][]string // the arguments of each az login
	clientIDs []string
	tenants   []string
	audiences []string
	posts     []post
	// wantsSubscription matches a sign-in of the Azure CLI that fails if whoever signs in sees no subscription.
	wantsSubscription bool
}

// A post is one printed request. The body is as printed.
type post struct {
	url    string
	header http.Header
	body   json.RawMessage
}

var (
	azCall     = regexp.MustCompile(`\baz (login|account get-access-token)\b`)
	curlCall   = regexp.MustCompile(`(?m)^[ \t]*curl `)
	ofWorkflow = regexp.MustCompile(`(?m)^\s*(client|tenant)-id: (".*")$`) // inputs of azure/login
	ofPython   = regexp.MustCompile(`(?m)^    query = (\{.*\})$`)
	startCall  = regexp.MustCompile(`(?m)^print\(start\(`)
	objectLine = regexp.MustCompile(`(?m)^\{`)
)

// read reads a recipe from the text: shell commands, alone or in a pipeline's YAML; the JSON of an activity or a
// workflow; or a Python program.
func read(text string) (r recipe, err error) {
	for _, at := range azCall.FindAllStringIndex(text, -1) {
		words, _, err := azure.Words(text[at[0]:])
		if err != nil {
			return r, err
		}
		if words[1] == "login" {
			r.logins = append(r.logins, words[2:])
			r.wantsSubscription = r.wantsSubscription || !slices.Contains(words, "--allow-no-subscriptions")
			r.clientIDs = append(r.clientIDs, after(words, "--client-id")...)
			r.tenants = append(r.tenants, after(words, "--tenant")...)
			if slices.Contains(words, "--service-principal") {
				r.clientIDs = append(r.clientIDs, after(words, "--username")...)
			}
			continue
		}
		r.audiences = append(r.audiences, after(words, "--resource")...)
	}
	for _, m := range ofWorkflow.FindAllStringSubmatch(text, -1) {
		var value string
		if err := json.Unmarshal([]byte(m[2]), &value); err != nil {
			return r, err
		}
		if m[1] == "client" {
			r.wantsSubscription = r.wantsSubscription || !strings.Contains(text, "allow-no-subscriptions: true")
			r.clientIDs = append(r.clientIDs, value)
		} else {
			r.tenants = append(r.tenants, value)
		}
	}
	for _, at := range curlCall.FindAllStringIndex(text, -1) {
		words, _, err := azure.Words(strings.TrimLeft(text[at[0]:], " \t"))
		if err != nil {
			return r, err
		}
		p := post{url: strings.Join(after(words, "POST"), ""), header: http.Header{},
			body: json.RawMessage(strings.Join(after(words, "--data"), ""))}
		for _, header := range after(words, "--header") {
			key, value, _ := strings.Cut(header, ": ")
			p.header.Add(key, value)
		}
		r.posts = append(r.posts, p)
	}
	for _, m := range ofPython.FindAllStringSubmatch(text, -1) {
		var query struct {
			Resource string `json:"resource"`
			ClientID string `json:"client_id"`
		}
		if err := json.Unmarshal([]byte(m[1]), &query); err != nil {
			return r, err
		}
		r.audiences = append(r.audiences, query.Resource)
		if query.ClientID != "" {
			r.clientIDs = append(r.clientIDs, query.ClientID)
		}
	}
	for _, at := range startCall.FindAllStringIndex(text, -1) {
		var uri string
		var header map[string]string
		p := post{header: http.Header{"Authorization": {"Bearer $TOKEN"}}}
		rest := text[at[1]:]
		for _, into := range []any{&uri, &header, &p.body} {
			d := json.NewDecoder(strings.NewReader(strings.TrimLeft(rest, ", \n")))
			if err := d.Decode(into); err != nil {
				return r, err
			}
			rest = strings.TrimLeft(rest, ", \n")[d.InputOffset():]
		}
		p.url = uri
		for key, value := range header {
			p.header.Set(key, value)
		}
		r.posts = append(r.posts, p)
	}
	return r, r.readServices(text)
}

// An httpCall is an HTTP request in a Web activity of a Data Factory or in an action of a Logic App.
type httpCall struct {
	URL, URI       string
	Headers        map[string]string
	Body           json.RawMessage
	Authentication struct{ Resource, Audience string }
}

// readServices reads the JSON of a Data Factory's pipeline, or of a Logic App's actions.
func (r *recipe) readServices(text string) error {
	for _, at := range objectLine.FindAllStringIndex(text, -1) {
		var one struct {
			Properties struct {
				Activities []struct{ TypeProperties httpCall }
			}
			Actions map[string]struct{ Inputs httpCall }
		}
		if json.NewDecoder(strings.NewReader(text[at[0]:])).Decode(&one) != nil {
			continue // part of a script
		}
		var calls []httpCall
		for _, activity := range one.Properties.Activities {
			calls = append(calls, activity.TypeProperties)
		}
		for _, name := range slices.Sorted(maps.Keys(one.Actions)) {
			calls = append(calls, one.Actions[name].Inputs)
		}
		for _, c := range calls {
			p := post{url: cmp.Or(c.URL, c.URI), header: http.Header{"Authorization": {"Bearer $TOKEN"}}, body: c.Body}
			for key, value := range c.Headers {
				p.header.Set(key, value)
			}
			r.posts = append(r.posts, p)
			r.audiences = append(r.audiences, cmp.Or(c.Authentication.Resource, c.Authentication.Audience))
		}
	}
	return nil
}

// after lists the words that follow a given word, at each of its places.
func after(words []string, word string) (all []string) {
	for i := range len(words) - 1 {
		if words[i] == word {
			all = append(all, words[i+1])
		}
	}
	return all
}

// printed follows the stack's output howToInvoke, invoker by invoker: each printed request must have the same result as
// the rehearsal's own job. A request with the right result adds no attempt to the report.
func (r *rehearsal) printed(ctx context.Context, j *jobs, report *Report, d deployed) error {
	var gaps []string // the stack does not export it, or it leaves the address of the request to its reader
	defer func() {
		if len(gaps) > 0 {
			report.NotChecked = append([]string{"what howToInvoke says, where it is no output or has gaps: " +
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
		recipe, err := read(text)
		if err != nil {
			wrong("can't be read", err)
			continue
		}
		tokens, err := r.follow(ctx, name, recipe, d)
		if err != nil {
			wrong(failsAt(access.TokenHop), err)
			continue
		}
		if err := r.send(ctx, j, report, name, recipe, tokens); err != nil {
			return err
		}
	}
	return nil
}

// follow signs in as the recipe says.
func (r *rehearsal) follow(ctx context.Context, name string, is recipe, d deployed) (map[string]string, error) {
	i := r.Model.Invokers[name]
	for _, tenant := range is.tenants {
		if known := strings.Trim(tenant, "<>") == tenant; known && tenant != r.azure.Deployer().TenantID {
			return nil, fmt.Errorf("the tenant %s is not that of the stack", tenant)
		}
	}
	for _, login := range is.logins {
		person := i.Kind == access.User || i.Kind == access.Group
		if interactive := !slices.Contains(login, "--identity") && !slices.Contains(login, "--service-principal"); person !=
			interactive {
			return nil, fmt.Errorf("az login %s is no sign-in of a %s", strings.Join(login, " "), i.Kind)
		}
	}
	if is.wantsSubscription {
		is.audiences = append(is.audiences, r.azure.Cloud().Management[0])
	}
	tokens := map[string]string{}
	for _, audience := range compact(is.audiences) {
		clients := compact(is.clientIDs)
		if len(clients) == 0 {
			clients = []string{d.ClientIDs[name]}
		}
		for _, client := range clients {
			as := d
			if strings.Trim(client, "<>") == client { // a known invoker
				as.ClientIDs = map[string]string{name: client}
			}
			ways, err := signIns(ctx, r.azure, name, i, as, audience)
			if err != nil {
				return nil, err
			}
			for way, token := range ways {
				if audience == r.azure.Cloud().Management[0] && is.wantsSubscription {
					if err := r.seesSubscription(ctx, token); err != nil {
						return nil, err
					}
					continue // it starts no job
				}
				tokens[audience+" "+client+" "+way] = token
			}
		}
	}
	if len(tokens) == 0 && len(is.posts) > 0 { // otherwise nothing would be sent, and no fault found
		return nil, errors.New("no token is got that starts a job")
	}
	return tokens, nil
}

// seesSubscription is the Azure CLI's error if whoever signs in sees no subscription.
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

// send sends the requests of a recipe, each with one token for each audience.
func (r *rehearsal) send(
	ctx context.Context, j *jobs, report *Report, name string, is recipe, tokens map[string]string,
) error {
	started := map[string]bool{}
	for _, path := range r.plan.Paths() {
		e := r.Model.Endpoints[path.Endpoint]
		first := ""
		if len(e.Inputs) > 0 {
			first = e.Inputs[0]
		}
		if path.Invoker != name || !path.Declared || path.Input != first ||
			path.Deployment != "" && path.Deployment != e.Deployment || started[path.Endpoint] {
			continue
		}
		started[path.Endpoint] = true
		o := Outcome{Invoker: name, Endpoint: path.Target(), Input: path.Input, Want: works,
			Got: "is not in howToInvoke"}
		at := slices.IndexFunc(is.posts, func(p post) bool {
			u, err := url.Parse(p.url)
			return err == nil && strings.HasPrefix(u.Hostname(), endpointName(r.Model, path.Endpoint)+".")
		})
		if at < 0 {
			report.add(o)
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(tokens)) {
			got, err := j.post(ctx, tokens[key], is.posts[at])
			if err != nil {
				return err
			}
			if o.Got, o.Detail = failsAt(got.Hop), "as howToInvoke says: "+got.Message; got.Hop != "" {
				report.add(o)
				break
			}
		}
	}
	return nil
}

// post starts the job of a printed request and follows it to its end. The request goes to the sandbox, in place of the
// host that it names.
func (j *jobs) post(ctx context.Context, token string, p post) (failure, error) {
	u, err := url.Parse(p.url)
	if err != nil {
		return failure{requestHop, err.Error()}, nil
	}
	// facts/clouds.md: the scoring host is inference. and the host of the ML resource
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
	_, got, err := j.follow(ctx, uri, token, header, p.body)
	return got, err
}
