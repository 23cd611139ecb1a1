// Package wire has the form of answers: what a handler returns, and how it is sent. It knows no service.
package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody limits a request body; all requests that the sandbox serves are far smaller.
const maxBody = 4 << 20

// Reply is a successful answer. If Body is nil, the answer has none.
type Reply struct {
	Status int
	Header map[string]string
	Body   any
}

// OK answers 200 with a body.
func OK(body any) Reply { return Reply{Status: http.StatusOK, Body: body} }

// NoContent answers 204.
func NoContent() Reply { return Reply{Status: http.StatusNoContent} }

// Error is a refusal in the service's own terms.
type Error struct {
	Status  int
	Code    string
	Message string
	Header  map[string]string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// Errorf is an Error with a formatted message.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotModelled is the sandbox's own refusal of something that Azure serves, or decides by, and the sandbox does not. It
// says nothing about Azure's answer.
func NotModelled(what string) *Error {
	return Errorf(http.StatusNotImplemented, NotModelledCode,
		"the sandbox does not model %s, so what Azure would do is not known", what)
}

// NotModelledCode is the code of a NotModelled refusal.
const NotModelledCode = "NotModelledBySandbox"

// Encoded is an answer that no longer refers to the state it was made from.
type Encoded struct {
	status int
	header map[string]string
	body   []byte
}

// Encode turns a reply into bytes. Call it under the lock of the state.
func (r Reply) Encode() (Encoded, error) {
	out := Encoded{status: r.Status, header: r.Header}
	if r.Body == nil {
		return out, nil
	}
	var err error
	out.body, err = json.Marshal(r.Body)
	return out, err
}

func (e Encoded) WriteTo(w http.ResponseWriter) {
	for name, value := range e.header {
		w.Header().Set(name, value)
	}
	if e.body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(e.body) // the client is gone, so nobody can get the error
}

// JSON encodes and sends a body that does not refer to the state.
func JSON(w http.ResponseWriter, status int, body any) {
	encoded, err := Reply{Status: status, Body: body}.Encode()
	if err != nil {
		panic(err) // maps, strings and numbers can always be encoded
	}
	encoded.WriteTo(w)
}

// Fail sends an error in the form that Resource Manager and the batch endpoints share.
func Fail(w http.ResponseWriter, err error) {
	e := AsError(err)
	for name, value := range e.Header {
		w.Header().Set(name, value)
	}
	body := map[string]any{"code": e.Code, "message": e.Message}
	w.Header().Set("x-ms-error-code", e.Code)
	JSON(w, e.Status, map[string]any{"error": body})
}

// AsError returns err as an Error. Any other error is a fault of the sandbox.
func AsError(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		e = Errorf(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	return e
}

// ReadBody reads a request's body.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "reading the request body: %v", err)
	}
	return body, nil
}

// ReadJSON reads a body as ReadBody does, and requires that its Content-Type is JSON and that no object has a key
// twice, in any letter case: no document says which one counts. otherType makes the service's refusal of another
// Content-Type. ReadJSON does not check that the body is JSON: the service does.
func ReadJSON(w http.ResponseWriter, r *http.Request, otherType func(sent string) error) ([]byte, error) {
	body, err := ReadBody(w, r)
	if err != nil || len(body) == 0 {
		return body, err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return nil, NotModelled("a " + r.Method + " with a body")
	}
	sent := r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(sent); err != nil || kind != "application/json" {
		return nil, otherType(cmp.Or(sent, "<null>"))
	}
	if twice := twice(json.NewDecoder(bytes.NewReader(body)), ""); twice != "" {
		return nil, NotModelled("a body in which the key " + twice + " is there twice")
	}
	return body, nil
}

// twice is the path of the first key that an object in the next value has twice; "" for none, and for a text that is
// not JSON.
func twice(d *json.Decoder, at string) string {
	token, err := d.Token()
	if err != nil {
		return ""
	}
	object := token == json.Delim('{')
	if !object && token != json.Delim('[') {
		return ""
	}
	seen := map[string]bool{}
	for d.More() {
		below := at
		if object {
			key, err := d.Token()
			if err != nil {
				return ""
			}
			name, _ := key.(string)
			if below = strings.TrimPrefix(at+"."+name, "."); seen[strings.ToLower(name)] {
				return below
			}
			seen[strings.ToLower(name)] = true
		}
		if found := twice(d, below); found != "" {
			return found
		}
	}
	_, _ = d.Token() // the end of it
	return ""
}
