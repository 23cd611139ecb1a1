package azure

import (
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// readOnly are the services that answer only GET, each with its query parameters (entra-docs, how-to-use-vm-token.md;
// azure-docs, App Service, REST endpoint reference).
var readOnly = map[service][]string{
	metadata:        {"api-version"},
	machineIdentity: {"api-version", "resource", "client_id", "object_id", "mi_res_id", "msi_res_id", "bypass_cache"},
	appIdentity:     {"api-version", "resource", "client_id", "object_id", "principal_id", "mi_res_id"},
}

// checkForm refuses requests in a form that Azure refuses, or for which no document says what Azure does, before any
// service reads their content. Blob requests are not checked: their paths may have slashes and dots, and their bodies
// any content.
func checkForm(of service, r *http.Request) error {
	if of == blobStorage || of == login || of == nothing {
		return nil
	}
	if known, is := readOnly[of]; is {
		if r.Method != http.MethodGet {
			return wire.Errorf(http.StatusMethodNotAllowed, "HttpMethodNotAllowed", "the sandbox serves %s by GET alone",
				r.URL.Path)
		}
		return onlyQueries(r, known)
	}
	if err := checkPath(of, r); err != nil {
		return err
	}
	if of == batchEndpoint { // to which azure-ai-ml sends an api-version
		return onlyQueries(r, []string{"api-version"})
	}
	return nil
}

func onlyQueries(r *http.Request, known []string) error {
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) || len(values) > 1 {
			return wire.NotModelled("the query parameter " + name + " of " + r.URL.Path + ", or that it is given twice")
		}
	}
	return nil
}

// checkPath accepts doubled slashes, because Azure's clients send them.
func checkPath(of service, r *http.Request) error {
	escaped := strings.ToLower(r.URL.EscapedPath())
	for _, sign := range []string{"%2f", "%5c", "%00", "%3f", "%23"} {
		if strings.Contains(escaped, sign) {
			return wire.NotModelled("a path with the escape " + sign)
		}
	}
	if slices.ContainsFunc(strings.Split(r.URL.Path, "/"), func(s string) bool { return s == "." || s == ".." }) {
		return wire.NotModelled("a path with . or .. in it")
	}
	if of != directory && strings.HasSuffix(r.URL.Path, "/") {
		return wire.NotModelled("a path that ends in a slash")
	}
	return nil
}
