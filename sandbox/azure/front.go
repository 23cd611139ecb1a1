package azure

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/graph"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// front passes each request to the service of its path. It is not an http.ServeMux, because that would redirect the
// doubled slashes that Azure's clients send and Azure accepts.
type front struct {
	azure                        *Azure
	arm, graph, inference, blobs http.Handler
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := serviceOf(r.URL.Path)
	if err := checkForm(of, r); err != nil {
		wire.Fail(w, err)
		return
	}
	switch of {
	case metadata:
		f.serveMetadata(w, r)
	case machineIdentity:
		f.azure.entra.ServeIMDS(w, r)
	case appIdentity:
		f.azure.entra.ServeAppService(w, r)
	case directory:
		f.graph.ServeHTTP(w, r)
	case batchEndpoint:
		f.inference.ServeHTTP(w, r)
	case blobStorage:
		f.blobs.ServeHTTP(w, r)
	case resourceManager:
		f.arm.ServeHTTP(w, r)
	case login:
		f.azure.entra.ServeHTTP(w, r)
	default:
		wire.Fail(w, wire.Errorf(http.StatusNotFound, "NotFound", "the sandbox serves nothing at %s", r.URL.Path))
	}
}

// service is the service that a path belongs to.
type service int

const (
	nothing service = iota
	metadata
	machineIdentity // of a virtual machine: IMDS
	appIdentity     // of App Service and Functions
	directory       // Microsoft Graph
	batchEndpoint
	blobStorage
	resourceManager
	login // Entra
)

func serviceOf(path string) service {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	path = strings.ToLower(strings.Join(segments, "/"))
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == "metadata/endpoints":
		return metadata
	case path == "metadata/identity/oauth2/token":
		return machineIdentity
	case path == "msi/token":
		return appIdentity
	case first == "graph":
		return directory
	case first == "inference":
		return batchEndpoint
	case first == "blob":
		return blobStorage
	case first == "subscriptions", first == "providers":
		return resourceManager
	case len(segments) > 1:
		return login
	}
	return nothing
}

// serveMetadata answers with the addresses of all services. The API version of 2019 answers with a list of clouds.
func (f *front) serveMetadata(w http.ResponseWriter, r *http.Request) {
	url, tenant, cloud := f.azure.URL(), "", clouds.Cloud{}
	_ = f.azure.store.View(func(st *state.State) error {
		tenant, cloud = st.TenantID, clouds.Of(st.Cloud)
		return nil
	})
	audiences := make([]string, 0, len(cloud.Management))
	for _, audience := range cloud.Management {
		audiences = append(audiences, audience+"/")
	}
	document := map[string]any{
		"name":                     "BatchAccessSandbox",
		"portal":                   cloud.Portal, // from it azure-ai-ml derives the audience (facts/clouds.md)
		"resourceManager":          url,
		"microsoftGraphResourceId": url + graph.Prefix + "/",
		"graph":                    url + graph.Prefix + "/",
		"graphAudience":            url + graph.Prefix + "/",
		"authentication": map[string]any{
			"loginEndpoint":    url,
			"audiences":        audiences,
			"tenant":           tenant,
			"identityProvider": "AAD",
		},
		"suffixes": map[string]any{"storage": cloud.Storage},
	}
	switch version := r.URL.Query().Get("api-version"); version {
	case "2022-09-01", "2023-11-01": // azcore, azuread and azurerm ask for 2022-09-01
		wire.JSON(w, http.StatusOK, document)
	case "2019-05-01": // the Azure CLI and azure-ai-ml
		wire.JSON(w, http.StatusOK, []any{document})
	default:
		wire.Fail(w, wire.Errorf(http.StatusBadRequest, "InvalidApiVersionParameter", "the api-version %q is invalid: the "+
			"sandbox knows 2019-05-01, 2022-09-01 and 2023-11-01 of the clouds' metadata", version))
	}
}

// chain wraps the handler in what every request passes through.
func chain(h http.Handler, logger *slog.Logger, weather Weather, now func() time.Time) http.Handler {
	return withRequestID(withLog(withRate(withOneWrite(withWeather(h, weather)), weather.IdentityWrites, now), logger))
}

func withRequestID(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("x-ms-request-id", id)
		w.Header().Set("request-id", id)
		h.ServeHTTP(w, r)
	})
}

// withLog logs method, path and status, and the ID by which a client recognises its own requests, if it is a GUID.
// Queries, other headers and bodies may hold secrets.
func withLog(h http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		watched := &statusWatcher{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(watched, r)
		logger.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", watched.status,
			"error", w.Header().Get("x-ms-error-code"), "client", clientRequestID(r), "took", time.Since(start))
	})
}

// clientRequestID is the GUID that a client sent for Azure's logs; "" if it sent none or anything else.
func clientRequestID(r *http.Request) string {
	id, err := uuid.Parse(r.Header.Get("x-ms-client-request-id"))
	if err != nil {
		return ""
	}
	return id.String()
}

type statusWatcher struct {
	http.ResponseWriter
	status int
}

func (w *statusWatcher) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
