// Package inference serves batch endpoints: who may start a job, and whether the job can then mount and read its data.
// It enforces the article's rules from role assignments alone.
package inference

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// readJob is the action that polling a job needs. The article's list does not have it (inferred from Azure's
// operations).
const readJob = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/read"

// Service serves the batch endpoints of all workspaces.
type Service struct {
	store  *state.Store
	issuer *token.Issuer
	url    string
	mux    *http.ServeMux
}

// New serves the endpoints in the store; url is the sandbox's, without a trailing slash.
func New(store *state.Store, issuer *token.Issuer, url string) *Service {
	s := &Service{store: store, issuer: issuer, url: url, mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /inference/{region}/{endpoint}/jobs", s.createJob)
	s.mux.HandleFunc("GET /inference/{region}/{endpoint}/jobs/{job}", s.getJob)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		wire.Fail(w, wire.Errorf(http.StatusNotFound, "NotFound",
			"a batch endpoint does not serve %s %s; POST to its scoring URI, GET its scoring URI/{job}", r.Method, r.URL.Path))
	})
	return s
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// otherType is what a batch endpoint makes of a body that is not said to be JSON: no document says it.
func otherType(sent string) error { return wire.NotModelled("a job whose Content-Type is " + sent) }

func (s *Service) createJob(w http.ResponseWriter, r *http.Request) {
	body, err := wire.ReadJSON(w, r, otherType)
	if err != nil {
		wire.Fail(w, err)
		return
	}
	var answer wire.Encoded
	err = s.store.Update(func(st *state.State) error {
		caller, endpoint, err := s.enter(st, r)
		if err != nil {
			return err
		}
		if err := mayInvoke(st, caller, endpoint.ID); err != nil {
			return err
		}
		job, err := newJob(st, endpoint, r.Header.Get("azureml-model-deployment"), body)
		if err != nil {
			return err
		}
		job.InvokerID, job.CreatedAt, job.TokenAt = caller.ObjectID, s.store.Now(), caller.Issued()
		job.Failure = run(st, job)
		st.AddJob(job)
		// The answer shows a job that has just begun; GET shows how it ended.
		answer, err = wire.Reply{Status: http.StatusCreated, Body: s.render(endpoint, job, "Preparing")}.Encode()
		return err
	})
	if err != nil {
		wire.Fail(w, err)
		return
	}
	answer.WriteTo(w)
}

func (s *Service) getJob(w http.ResponseWriter, r *http.Request) {
	if _, err := wire.ReadJSON(w, r, otherType); err != nil {
		wire.Fail(w, err)
		return
	}
	var answer wire.Encoded
	err := s.store.View(func(st *state.State) error {
		caller, endpoint, err := s.enter(st, r)
		if err != nil {
			return err
		}
		if err := refusal(rbac.ByToken(st, caller.ObjectID, endpoint.ID, caller.Issued()).Action(readJob), caller, readJob,
			endpoint.ID); err != nil {
			return err
		}
		job := st.Jobs[r.PathValue("job")]
		if job == nil || armid.Key(job.Endpoint) != armid.Key(endpoint.ID) {
			return wire.Errorf(http.StatusNotFound, "NotFound",
				"endpoint %s has no job %q; the sandbox keeps the last %d", r.PathValue("endpoint"),
				r.PathValue("job"), state.JobsKept)
		}
		status := "Completed"
		if job.Failure != nil {
			status = "Failed"
		}
		answer, err = wire.OK(s.render(endpoint, job, status)).Encode()
		return err
	})
	if err != nil {
		wire.Fail(w, err)
		return
	}
	answer.WriteTo(w)
}

// enter checks the token, and finds the endpoint that the path names.
func (s *Service) enter(st *state.State, r *http.Request) (*token.Claims, *state.Resource, error) {
	claims, err := s.issuer.Bearer(r, st.TenantID, clouds.Of(st.Cloud), token.MachineLearning)
	if err != nil {
		message := fmt.Sprintf("%v; batch endpoints want a token for the audience https://ml.azure.com", err)
		if errors.Is(err, token.ErrAudience) {
			message = fmt.Sprintf("%v: its audience is %q, and batch endpoints want https://ml.azure.com", err, claims.Audience)
		}
		refusal := wire.Errorf(http.StatusUnauthorized, "InvalidAuthenticationToken", "%s", message)
		refusal.Header = map[string]string{"WWW-Authenticate": fmt.Sprintf(
			`Bearer authorization_uri="%s/%s", resource="https://ml.azure.com", error="invalid_token"`, s.url, st.TenantID)}
		return nil, nil, refusal
	}
	for resource := range st.BatchEndpoints(r.PathValue("endpoint")) {
		if strings.EqualFold(resource.Location, r.PathValue("region")) {
			return claims, resource, nil
		}
	}
	return nil, nil, wire.Errorf(http.StatusNotFound, "NotFound", "there is no batch endpoint %q in region %q",
		r.PathValue("endpoint"), r.PathValue("region"))
}

// mayInvoke checks the article's actions one by one, in its order, at the place that facts/batch-endpoints.md ("Scope
// of each", inferred) gives: those about batch endpoints, their deployments and jobs at the endpoint, the others at its
// workspace. A certain refusal wins over an undecided one.
func mayInvoke(st *state.State, caller *token.Claims, endpointID string) error {
	workspaceID := path.Dir(path.Dir(endpointID)) // …/workspaces/<name>/batchEndpoints/<name>
	atEndpoint := rbac.ByToken(st, caller.ObjectID, endpointID, caller.Issued())
	atWorkspace := rbac.ByToken(st, caller.ObjectID, workspaceID, caller.Issued())
	var undecided error
	for _, action := range role.SeedActions() {
		access, scope := atWorkspace, workspaceID
		if strings.HasPrefix(action, "Microsoft.MachineLearningServices/workspaces/batchEndpoints/") {
			access, scope = atEndpoint, endpointID
		}
		answer := access.Action(action)
		err := refusal(answer, caller, action, scope)
		if answer == role.No || answer == role.Denied {
			return err
		}
		undecided = cmp.Or(undecided, err)
	}
	return undecided
}

func refusal(answer role.Answer, caller *token.Claims, action, scope string) error {
	return rbac.Refusal(answer, caller, action, scope, "AuthorizationFailed")
}

// render returns a job as the endpoint answers it. Its ID, its type, the letter case of its keys and its first state
// are from Azure's answer to azure-ai-ml's own test (Azure/azure-sdk-for-python 0cb6bef, recording of
// test_batch_invoke). That a failed job says why, and under which key, is a guess: no recording has one.
func (s *Service) render(endpoint *state.Resource, job *state.Job, status string) map[string]any {
	properties := map[string]any{
		"status": status, "provisioningState": "Succeeded", "compute": map[string]any{"target": job.Compute},
		"properties": job.Properties,
	}
	for key, list := range map[string]map[string]any{"inputData": job.Inputs, "outputData": job.Outputs} {
		if len(list) > 0 {
			properties[key] = small(list)
		}
	}
	if status == "Failed" {
		// Azure's error has a code and a message. It does not say which identity failed, and at which hop; only the
		// sandbox knows.
		properties["error"] = map[string]any{"code": job.Failure.Code, "message": job.Failure.Message}
	}
	return map[string]any{
		"id": endpoint.ID + "/deployments/" + job.Deployment + "/jobs/" + job.Name, "name": job.Name,
		"type":       "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs",
		"properties": properties,
		"systemData": map[string]any{"createdAt": job.CreatedAt, "createdBy": job.InvokerID},
	}
}

// small gives the keys of inputs or outputs a small first letter, as answers have them, whatever the request had.
func small(list map[string]any) map[string]any {
	all := map[string]any{}
	for name, item := range list {
		entry, _ := item.(map[string]any)
		keys := map[string]any{}
		for key, value := range entry {
			keys[strings.ToLower(key[:1])+key[1:]] = value
		}
		all[name] = keys
	}
	return all
}
