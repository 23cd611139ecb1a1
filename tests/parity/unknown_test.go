package parity

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An unknown is a request of the ledger with something in it that nobody knows.
type unknown struct{ what, who, method, path, body, content string }

var version = regexp.MustCompile(`api-version=[\w.-]+`)

// free are the objects whose keys the caller chooses.
var free = []string{"tags", "identity.userAssignedIdentities", "properties.InputData", "properties.OutputData",
	"properties.managedNetwork.outboundRules"}

// unknowns are variants of one request with an unknown part: each must be refused, whatever the operation.
func unknowns(t *testing.T, operation, who, method, path, body string) (all []unknown) {
	t.Helper()
	with := func(what, path, body string) {
		all = append(all, unknown{what: what, who: who, method: method, path: path, body: body})
	}
	question := "?"
	if strings.Contains(path, "?") {
		question = "&"
	}
	rest, query, _ := strings.Cut(path, "?")
	if query != "" {
		query = "?" + query
	}
	switch {
	case strings.HasPrefix(operation, "ARM "):
		with("an api-version", version.ReplaceAllString(path, "api-version=1999-01-01"), body)
		with("an api-version that is a word", version.ReplaceAllString(path, "api-version=latest"), body)
		with("no api-version", version.ReplaceAllString(path, ""), body)
		with("a collection", strings.TrimSuffix(rest, "/")+"/surprises/x"+query, body)
		if method == http.MethodGet {
			with("a filter", path+"&$filter=surprise+eq+'x'", body)
			with("a filter that is none", path+"&$filter=)(", body)
			with("an expansion", path+"&$expand=surprise", body)
		}
		with("a method", path, body)
		all[len(all)-1].method = "SURPRISE"
	case strings.HasPrefix(operation, "Graph "):
		with("a version", strings.Replace(path, "/v1.0/", "/v9.0/", 1), body)
		with("a path", strings.Replace(rest, "/v1.0/", "/v1.0/surprises/", 1)+query, body)
		if method == http.MethodGet {
			for what, option := range map[string]string{
				"a filter": "$filter=surprise+eq+'x'", "a filter that is none": "$filter=)(", "an option": "$surprise=1",
				"an expansion": "$expand=surprise", "an order": "$orderby=surprise",
			} {
				if strings.Contains(path, option[:strings.Index(option, "=")]) {
					continue
				}
				with(what, path+question+option, body)
			}
		}
		with("a method", path, body)
		all[len(all)-1].method = "SURPRISE"
	case strings.Contains(operation, "/token"):
		with("a version of the metadata service", version.ReplaceAllString(path, "api-version=1999-01-01"), body)
		if body == "" {
			break
		}
		all = nil
		for what, old := range map[string]string{
			"a grant": "grant_type=client_credentials", "a client": "client_id={deployerClient}",
			"a secret": "client_secret={secret}",
		} {
			key, _, _ := strings.Cut(old, "=")
			with(what, path, strings.Replace(body, old, key+"=surprise", 1))
		}
		with("a resource", path, strings.ReplaceAll(body, "https://ml.azure.com", "https://surprise.azure.com"))
		with("a kind of assertion", path, strings.Replace(body, "client_secret={secret}",
			"client_assertion=x&client_assertion_type=surprise", 1))
		with("a tenant", strings.Replace(path, "{tenant}", "surprise", 1), body)
	case strings.HasPrefix(operation, "GET /metadata/endpoints"):
		with("an api-version", version.ReplaceAllString(path, "api-version=1999-01-01"), body)
	case strings.HasPrefix(operation, "GET /{tenant}"):
		with("a tenant", strings.Replace(path, "{tenant}", "surprise", 1), body)
		with("a document", path+"/surprise", body)
	case strings.Contains(operation, "{scoring URI}"):
		with("an endpoint", strings.Replace(path, "/heart/", "/surprise/", 1), body)
		with("a region", strings.Replace(path, "/westeurope/", "/surprise/", 1), body)
		with("a collection", strings.Replace(path, "/jobs", "/surprises", 1), body)
	case strings.HasPrefix(operation, "GET /blob"), strings.HasPrefix(operation, "PUT /blob"):
		with("an account", strings.Replace(path, "/blob/", "/blob/surprise", 1), body)
		with("an operation", path+question+"comp=surprise", body)
		with("a kind of resource", path+question+"restype=surprise", body)
	default:
		require.Fail(t, "nothing unknown is tried of it", operation)
	}
	if who != "nobody" && !strings.HasPrefix(operation, "GET /metadata") {
		all = append(all, unknown{what: "a token", who: "unknown", method: method, path: path, body: body})
	}
	return append(append(all, unknownForms(operation, who, method, path, body)...),
		unknownBodies(t, who, method, path, body)...)
}

// unknownForms are requests for the same by another path, with a parameter or a body that nobody knows of. Of Entra's
// forms, and of blobs, whose paths are the caller's, there are none.
func unknownForms(operation, who, method, path, body string) (all []unknown) {
	with := func(what, path, body string) {
		all = append(all, unknown{what: what, who: who, method: method, path: path, body: body})
	}
	rest, query, asks := strings.Cut(path, "?")
	if asks {
		query = "?" + query
	}
	more := rest + cmp.Or(query, "?") + "&surprise=1"
	switch {
	case strings.HasPrefix(operation, "ARM "), strings.Contains(operation, "{scoring URI}"):
		with("a query parameter", more, body)
		with("a slash at the end", strings.TrimSuffix(rest, "/")+"/"+query, body)
		fallthrough
	case strings.HasPrefix(operation, "Graph "):
		at := strings.LastIndex(strings.TrimSuffix(rest, "/"), "/")
		if at <= 0 {
			break
		}
		with("an escaped slash", rest[:at]+"%2F"+rest[at+1:]+query, body)
		with("a way back", rest[:at]+"/x/.."+rest[at:]+query, body)
		with("a way nowhere", rest[:at]+"/."+rest[at:]+query, body)
		if method == http.MethodGet || method == http.MethodDelete {
			with("a body", path, `{"surprise":1}`)
		}
	case strings.Contains(operation, "metadata"), strings.Contains(operation, "/msi/"):
		with("a query parameter", more, body)
		with("a method", path, body)
		all[len(all)-1].method = http.MethodPost
	}
	return all
}

// unknownBodies are the JSON of a request with an unknown key in each of its objects, and a text that is no JSON.
func unknownBodies(t *testing.T, who, method, path, body string) (all []unknown) {
	t.Helper()
	if !strings.HasPrefix(body, "{") {
		return nil
	}
	with := func(what, body string) {
		all = append(all, unknown{what: what, who: who, method: method, path: path, body: body})
	}
	for what, content := range map[string]string{"no type of content": "", "another type of content": "text/plain"} {
		all = append(all, unknown{what: what, who: who, method: method, path: path, body: body, content: " " + content})
	}
	for what, text := range map[string]string{
		"a body that is cut": body[:len(body)-1], "a body that is a list": "[" + body + "]", "a body that is text": `"x"`,
		"two bodies": body + body, "a body with a key twice": `{"surprise":1,"surprise":2}`,
	} {
		with(what, text)
	}
	if method != http.MethodPatch { // an empty one changes nothing
		with("a body that is null", "null")
	}
	var walk func(at string, write func(text string) string, value any)
	walk = func(at string, write func(text string) string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, below := range value {
				again := strings.ToUpper(key)
				with("a second "+strings.TrimPrefix(at+"."+key, "."), write("{"+jsonOf(t, again)+":"+jsonOf(t, below)+","+
					jsonOf(t, value)[1:]))
				with("the same "+strings.TrimPrefix(at+"."+key, "."), write("{"+jsonOf(t, key)+":"+jsonOf(t, below)+","+
					jsonOf(t, value)[1:]))
			}
			if !slices.Contains(free, at) && !isPrivate(at) {
				more := maps.Clone(value)
				more["surprise"] = 1
				with("the key "+strings.TrimPrefix(at+".surprise", "."), write(jsonOf(t, more)))
				delete(more, "surprise")
				more["surprise@odata.bind"] = []any{}
				with("the link "+strings.TrimPrefix(at+".surprise", "."), write(jsonOf(t, more)))
			}
			for key, below := range value {
				walk(strings.TrimPrefix(at+"."+key, "."), func(text string) string {
					changed := map[string]any{}
					maps.Copy(changed, value)
					changed[key] = json.RawMessage(text)
					return write(jsonOf(t, changed))
				}, below)
			}
		case []any:
			for i, below := range value {
				walk(at+"[]", func(text string) string {
					changed := slices.Clone(value)
					changed[i] = json.RawMessage(text)
					return write(jsonOf(t, changed))
				}, below)
			}
		}
	}
	var parsed any
	require.NoError(t, json.Unmarshal([]byte(body), &parsed))
	walk("", func(text string) string { return text }, parsed)
	return all
}

// isPrivate reports whether an object is inside one whose keys the caller chooses.
func isPrivate(at string) bool { return strings.HasPrefix(at, "tags.") }

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// refusesUnknowns sends each unknown variant of a request that succeeds, and then the request itself: the variants must
// not have changed the sandbox.
func (w *world) refusesUnknowns(t *testing.T, operation, who, method, path, body string) (n int) {
	t.Helper()
	for _, u := range unknowns(t, operation, who, method, path, body) {
		if u.method == method && u.path == path && u.body == body && u.who == who && u.content == "" {
			continue // nothing of the kind is in it
		}
		status, code, answer := w.sendAs(t, u.who, u.method, w.filled(u.path), w.filled(u.body), u.content)
		refused := status >= http.StatusBadRequest && status < http.StatusInternalServerError ||
			status == http.StatusNotImplemented
		assert.True(t, refused, "%s: unknown is %s, and it is answered: %d %s %v\n%s %s", operation, u.what, status, code,
			answer, u.path, u.body)
		n++
	}
	return n
}
