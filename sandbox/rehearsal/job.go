package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// failure is where a job was refused or failed: "" for Hop if it completed.
type failure struct {
	Hop     access.HopKind
	Message string
}

// refusal is the error of Azure's services, and that of a failed job.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"details"`
}

func (r refusal) at(otherwise access.HopKind) failure {
	f := failure{otherwise, r.Code + ": " + r.Message}
	for _, d := range r.Details {
		if d.Code == "hop" {
			f.Hop = access.HopKind(d.Message)
		}
	}
	return f
}

// jobs starts jobs on the batch endpoints of one workspace, over HTTP, and watches them.
type jobs struct {
	client    *http.Client
	url       string            // of the sandbox
	workspace string            // ARM ID
	operator  string            // a token for https://ml.azure.com of the sandbox's owner: invokers need not be able to poll
	manager   string            // a token for https://management.azure.com of the same
	scoring   map[string]string // scoring URIs by endpoint
}

func newJobs(ctx context.Context, a *azure.Azure, workspace string) (*jobs, error) {
	owner := a.Deployer().ObjectID
	operator, err := a.SignIn(ctx, owner, access.Audience)
	if err != nil {
		return nil, err
	}
	manager, err := a.SignIn(ctx, owner, "https://management.azure.com")
	return &jobs{a.Client(), a.URL(), workspace, operator, manager, map[string]string{}}, err
}

// run starts a job and follows it to its end. An error is one of the rehearsal; what Azure refuses is a failure.
func (j *jobs) run(ctx context.Context, token, endpoint, deployment string, body access.JobRequest) (failure, error) {
	uri, err := j.scoringURI(ctx, endpoint)
	if err != nil {
		return failure{}, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return failure{}, err
	}
	var job struct {
		Name string `json:"name"`
	}
	refused, err := j.call(ctx, http.MethodPost, uri, token, deployment, text, &job)
	if err != nil {
		return failure{}, err
	}
	switch refused.status {
	case 0:
		return j.follow(ctx, uri+"/"+job.Name)
	case http.StatusUnauthorized:
		return refused.Error.at(access.TokenHop), nil
	case http.StatusForbidden:
		return refused.Error.at(access.InvokeHop), nil
	default:
		return refused.Error.at(requestHop), nil
	}
}

// requestHop is where a job fails that the endpoint does not understand or can't run: no matter of access.
const requestHop access.HopKind = "request"

func (j *jobs) follow(ctx context.Context, uri string) (failure, error) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var job struct {
			Properties struct {
				Status string  `json:"status"`
				Error  refusal `json:"error"`
			} `json:"properties"`
		}
		refused, err := j.call(ctx, http.MethodGet, uri, j.operator, "", nil, &job)
		switch {
		case err != nil:
			return failure{}, err
		case refused.status != 0:
			return failure{}, fmt.Errorf("polling %s: HTTP %d %s: %s", uri, refused.status, refused.Error.Code, refused.Error.Message)
		case job.Properties.Status == "Completed":
			return failure{}, nil
		case job.Properties.Status == "Failed":
			return job.Properties.Error.at(access.ReadHop), nil
		}
		select {
		case <-ctx.Done():
			return failure{}, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (j *jobs) scoringURI(ctx context.Context, endpoint string) (string, error) {
	if uri, ok := j.scoring[endpoint]; ok {
		return uri, nil
	}
	var found struct {
		Properties struct {
			ScoringURI string `json:"scoringUri"`
		} `json:"properties"`
	}
	uri := j.url + j.workspace + "/batchEndpoints/" + endpoint + "?api-version=2024-04-01"
	refused, err := j.call(ctx, http.MethodGet, uri, j.manager, "", nil, &found)
	if err != nil {
		return "", err
	}
	if refused.status != 0 {
		return "", fmt.Errorf("finding endpoint %s: HTTP %d %s: %s", endpoint, refused.status, refused.Error.Code, refused.Error.Message)
	}
	j.scoring[endpoint] = found.Properties.ScoringURI
	return found.Properties.ScoringURI, nil
}

type answered struct {
	status int     // 0 for success
	Error  refusal `json:"error"`
}

func (j *jobs) call(ctx context.Context, method, uri, token, deployment string, body []byte, into any) (answered, error) {
	var refused answered
	req, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(body))
	if err != nil {
		return refused, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if deployment != "" {
		req.Header.Set("azureml-model-deployment", deployment)
	}
	resp, err := j.client.Do(req)
	if err != nil {
		return refused, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return refused, err
	}
	if resp.StatusCode >= 300 {
		refused.status = resp.StatusCode
		into = &refused
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refused, fmt.Errorf("reading the answer to %s %s (HTTP %d): %w", method, uri, resp.StatusCode, err)
	}
	return refused, nil
}
