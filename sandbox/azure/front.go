package azure

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/graph"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// front hands each request to the service that its path belongs to. It is not an http.ServeMux, which would redirect
// the doubled slashes that Azure's clients send, and Azure accepts.
type front struct {
	azure                 *Azure
	arm, graph, inference http.Handler
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments := strings.FieldsFunc(r.URL.Path, func(r rune) bool { return r == '/' })
	path := strings.ToLower(strings.Join(segments, "/"))
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == "metadata/endpoints":
		f.serveMetadata(w, r)
	case path == "metadata/identity/oauth2/token":
		f.azure.entra.ServeIMDS(w, r)
	case path == "msi/token":
		f.azure.entra.ServeAppService(w, r)
	case first == "graph":
		f.graph.ServeHTTP(w, r)
	case first == "inference":
		f.inference.ServeHTTP(w, r)
	case first == "subscriptions", first == "providers":
		f.arm.ServeHTTP(w, r)
	case len(segments) > 1:
		f.azure.entra.ServeHTTP(w, r)
	default:
		wire.Fail(w, wire.Errorf(http.StatusNotFound, "NotFound", "the sandbox serves nothing at %s", r.URL.Path))
	}
}

// serveMetadata tells clients where everything is. API versions before 2022 answer a list of clouds.
func (f *front) serveMetadata(w http.ResponseWriter, r *http.Request) {
	url, tenant := f.azure.URL(), ""
	_ = f.azure.store.View(func(st *state.State) error { tenant = st.TenantID; return nil })
	document := map[string]any{
		"name":                     "BatchAccessSandbox",
		"portal":                   url,
		"resourceManager":          url,
		"microsoftGraphResourceId": url + graph.Prefix + "/",
		"graph":                    url + graph.Prefix + "/",
		"graphAudience":            url + graph.Prefix + "/",
		"authentication": map[string]any{
			"loginEndpoint":    url,
			"audiences":        []string{"https://management.core.windows.net/", "https://management.azure.com/"},
			"tenant":           tenant,
			"identityProvider": "AAD",
		},
		"suffixes": map[string]any{"storage": "core.windows.net"},
	}
	if r.URL.Query().Get("api-version") < "2022" {
		wire.JSON(w, http.StatusOK, []any{document})
		return
	}
	wire.JSON(w, http.StatusOK, document)
}

// chain is everything that happens to every request: the place for throttling, faults and delays.
func chain(h http.Handler, logger *slog.Logger) http.Handler {
	return withRequestID(withLog(h, logger))
}

func withRequestID(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("x-ms-request-id", id)
		w.Header().Set("request-id", id)
		h.ServeHTTP(w, r)
	})
}

// withLog notes method, path and status. Queries, headers and bodies may hold secrets.
func withLog(h http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		watched := &statusWatcher{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(watched, r)
		logger.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", watched.status,
			"error", w.Header().Get("x-ms-error-code"), "took", time.Since(start))
	})
}

type statusWatcher struct {
	http.ResponseWriter
	status int
}

func (w *statusWatcher) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
