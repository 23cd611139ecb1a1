// Package blob serves the blobs of storage accounts, and decides who may read and write them: whoever signs with an
// account's key, or has a token with a role or an ACL. Azure has a host for each account; here the account is the
// first segment of the path: /blob/{account}/{container}/{path}.
package blob

import (
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/inference"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// The data actions of Get Blob and Put Blob (facts/built-in-roles.json; pages "Get Blob" and "Put Blob" of
// learn.microsoft.com/rest/api/storageservices, Permissions).
const (
	readBlobs  = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	writeBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
)

// Service is the Blob service of all accounts.
type Service struct {
	store  *state.Store
	issuer *token.Issuer
}

// New serves the accounts in the store.
func New(store *state.Store, issuer *token.Issuer) *Service { return &Service{store, issuer} }

// A request is a request for one blob.
type request struct {
	*http.Request
	st      *state.State
	account *state.Resource
	// container and path say where the blob is.
	container, path string
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := wire.ReadBody(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	access, action, status := s.store.View, readBlobs, http.StatusOK
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut:
		access, action, status = s.store.Update, writeBlobs, http.StatusCreated
	default:
		fail(w, wire.NotModelled(r.Method+" of blobs"))
		return
	}
	if len(r.URL.Query()) > 0 { // of blocks, lists, snapshots, a SAS
		fail(w, wire.NotModelled("a request for blobs with a query"))
		return
	}
	err = access(func(st *state.State) error {
		q := request{Request: r, st: st}
		if err := q.find(); err != nil {
			return err
		}
		if err := s.authorize(q, action); err != nil {
			return err
		}
		if st.Resources[q.containerKey()] == nil {
			return wire.Errorf(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
		}
		if action == writeBlobs {
			st.Content(q.account).Blobs[q.key()] = body
			body = nil
			return nil
		}
		content := st.Contents[armid.Key(q.account.ID)]
		there := false
		if content != nil {
			body, there = content.Blobs[q.key()]
		}
		if !there {
			return wire.Errorf(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		}
		return nil
	})
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("x-ms-version", r.Header.Get("x-ms-version"))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone, so nobody can get the error
}

// find parses the path.
func (q *request) find() error {
	parts := strings.SplitN(strings.TrimPrefix(q.URL.Path, "/blob/"), "/", 3)
	if len(parts) < 3 || parts[1] == "" || parts[2] == "" {
		return wire.NotModelled("a request that is for no blob")
	}
	if q.account = q.st.StorageAccount(parts[0]); q.account == nil {
		return wire.Errorf(http.StatusNotFound, "ResourceNotFound", "there is no storage account %q", parts[0])
	}
	q.container, q.path = parts[1], parts[2]
	return nil
}

func (q request) key() string { return Key(q.container, q.path) }

// Key is the key of a blob in its account's content.
func Key(container, path string) string { return container + "/" + strings.TrimPrefix(path, "/") }

func (q request) containerKey() string {
	return armid.Key(q.account.ID + "/blobServices/default/containers/" + q.container)
}

// authorize accepts a request that is signed with a key of the account, or that has a token of a principal with a
// role or an ACL. For the refusals see facts/failures.md, Reading and writing data.
func (s *Service) authorize(q request, action string) error {
	if inference.Closed(q.account) {
		return wire.NotModelled("networks: whether this request reaches " + q.account.ID)
	}
	scheme, rest, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "SharedKey"):
		return s.byKey(q, rest)
	case scheme == "":
		return wire.Errorf(http.StatusUnauthorized, "NoAuthenticationInformation",
			"Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
	}
	claims, err := s.issuer.Bearer(q.Request, q.st.TenantID, clouds.Of(q.st.Cloud), token.Storage)
	if err != nil {
		return failed(err.Error())
	}
	switch inference.Blob(q.st, q.account, q.container, q.path, claims.ObjectID, claims.Issued(), action) {
	case role.Yes:
		return nil
	case role.Undecided:
		return wire.NotModelled("what decides whether " + claims.ObjectID + " may perform " + action + " at " + q.path)
	}
	return wire.Errorf(http.StatusForbidden, "AuthorizationPermissionMismatch",
		"This request is not authorized to perform this operation using this permission.")
}

func failed(why string) error {
	return wire.Errorf(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request: %s", why)
}

// fail sends an error as storage does: in XML, with the code in a header too.
func fail(w http.ResponseWriter, err error) {
	e := wire.AsError(err)
	w.Header().Set("x-ms-error-code", e.Code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.Status)
	var message strings.Builder
	_ = xml.EscapeText(&message, []byte(e.Message)) // writing to a builder can't fail
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>`+e.Code+"</Code><Message>"+
		message.String()+"</Message></Error>")
}
