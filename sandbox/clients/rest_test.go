package clients_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

type object = map[string]any

// rest calls one service as the deployer, and checks the status of every answer.
type rest struct {
	t            *testing.T
	client       *http.Client
	base, bearer string
	header       map[string]string
}

// graph calls Microsoft Graph with the headers that the azuread plugin sends.
func (w *world) graph() *rest {
	w.t.Helper()
	return &rest{t: w.t, client: w.client, base: w.URL() + "/graph", bearer: w.bearer(w.URL() + "/graph"),
		header: map[string]string{
			"Accept": "application/json; charset=utf-8; IEEE754Compatible=false", "Content-Type": "application/json; " +
				"charset=utf-8",
			"OData-Version": "4.0", "OData-MaxVersion": "4.0",
		}}
}

// arm calls Resource Manager; its SDK for Go does not carry managed identities here.
func (w *world) arm() *rest {
	w.t.Helper()
	return &rest{t: w.t, client: w.client, base: w.URL(), bearer: w.bearer("https://management.azure.com"),
		header: map[string]string{"Content-Type": "application/json"}}
}

func (w *world) bearer(resource string) string {
	w.t.Helper()
	token, err := w.SignIn(w.t.Context(), w.Deployer().ObjectID, resource)
	require.NoError(w.t, err)
	return token
}

type reply struct {
	t      *testing.T
	header http.Header
	body   object
}

func (r reply) at(keys ...string) any {
	var value any = r.body
	for _, key := range keys {
		inner, _ := value.(object)
		value = inner[key]
	}
	return value
}

// text is a property that must be there and not empty.
func (r reply) text(key string) string {
	r.t.Helper()
	value, _ := r.body[key].(string)
	require.NotEmpty(r.t, value, "%s in %v", key, r.body)
	return value
}

// values is the list in an answer. There must be one; it may be empty.
func (r reply) values() []any {
	r.t.Helper()
	require.IsType(r.t, []any{}, r.body["value"], "value in %v", r.body)
	return r.body["value"].([]any)
}

func (s *rest) send(method, path string, body any, want int) reply {
	s.t.Helper()
	got, status := s.try(method, path, body)
	require.Equal(s.t, want, status, "%s %s: %v", method, path, got.body)
	return got
}

func (s *rest) try(method, path string, body any) (reply, int) {
	s.t.Helper()
	text := []byte(nil)
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		require.NoError(s.t, err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(text))
	require.NoError(s.t, err)
	for name, value := range s.header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Authorization", "Bearer "+s.bearer)
	res, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	got := reply{t: s.t, header: res.Header}
	if len(content) > 0 {
		require.Contains(s.t, res.Header.Get("Content-Type"), "application/json")
		require.NoError(s.t, json.Unmarshal(content, &got.body), "%s", content)
	}
	return got, res.StatusCode
}
