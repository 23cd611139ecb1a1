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

// failure is where a job was refused or failed; Hop is "" if it completed.
type failure struct {
	Hop     access.HopKind
	Message string
}

// jobs starts jobs on the batch endpoints of a model's workspace, over HTTP, and watches them.
type jobs struct {
	azure   *azure.Azure
	model   access.Model
	scoring map[string]string // scoring URIs by endpoint
	// answers are results of this moment, by request: a request that is in it is not sent again. nil: each is sent.
	answers func() map[string]failure
}

// poll is short: in the sandbox, jobs end at once.
const poll = 10 * time.Millisecond

func newJobs(a *azure.Azure, m access.Model) *jobs {
	return &jobs{azure: a, model: m, scoring: map[string]string{}}
}

// run starts a job and follows it to its end; deployment "" means the endpoint's default. An error is a fault of the
// rehearsal; a refusal by Azure is a failure.
func (j *jobs) run(ctx context.Context, token, endpoint, deployment, input string) (failure, error) {
	_, got, err := j.start(ctx, token, endpoint, deployment, input)
	return got, err
}

// start is run, and also returns the job's name; "" if the job did not begin.
func (j *jobs) start(ctx context.Context, token, endpoint, deployment, input string) (name string, _ failure, _ error) {
	uri, err := j.scoringURI(ctx, endpoint)
	if err != nil {
		return "", failure{}, err
	}
	body, err := requestBody(j.model, endpoint, input)
	if err != nil {
		return "", failure{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if deployment != "" {
		header.Set("azureml-model-deployment", deployment)
	}
	if j.answers == nil {
		return j.follow(ctx, uri, token, header, body)
	}
	key := fmt.Sprint(uri, " ", token, " ", header, " ", body)
	if got, is := j.answers()[key]; is {
		return "", got, nil
	}
	name, got, err := j.follow(ctx, uri, token, header, body)
	if err == nil {
		j.answers()[key] = got
	}
	return name, got, err
}

// follow starts the job of a request, and watches it to its end.
func (j *jobs) follow(
	ctx context.Context, uri, token string, header http.Header, body any,
) (name string, _ failure, _ error) {
	started, refused, err := j.send(ctx, http.MethodPost, uri, token, header, body)
	if err != nil || refused != nil {
		return "", orWorked(refused), err
	}
	// Invokers need not be able to poll: the sandbox's owner watches.
	owner, err := j.azure.SignIn(ctx, j.azure.Deployer().ObjectID, j.azure.Cloud().MachineLearning)
	if err != nil {
		return started.Name, failure{}, err
	}
	for {
		job, refused, err := j.send(ctx, http.MethodGet, uri+"/"+started.Name, owner, nil, nil)
		switch {
		case err != nil:
			return started.Name, failure{}, err
		case refused != nil:
			return started.Name, failure{}, fmt.Errorf("watching job %s: %s", started.Name, refused.Message)
		case job.Properties.Status == "Completed":
			return started.Name, failure{}, nil
		case job.Properties.Status == "Failed", job.Properties.Status == "Canceled":
			return started.Name, job.Properties.Error.failed(0), nil
		}
		select {
		case <-ctx.Done():
			return started.Name, failure{}, ctx.Err()
		case <-time.After(poll):
		}
	}
}

func orWorked(refused *failure) failure {
	if refused == nil {
		return failure{}
	}
	return *refused
}

type jobResource struct {
	Name       string
	Properties struct {
		Status string
		Error  serviceError
	}
}

// send sends a request to a batch endpoint. refused is an error in Azure's answer.
func (j *jobs) send(ctx context.Context, method, uri, token string, header http.Header, body any) (job jobResource,
	refused *failure, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return job, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(text))
	if err != nil {
		return job, nil, err
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := send(j.azure, req)
	if err != nil {
		return job, nil, err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return job, nil, fmt.Errorf("reading the answer of %s: %w", uri, err)
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return job, nil, json.Unmarshal(text, &job)
	}
	var answer struct{ Error serviceError }
	if err := json.Unmarshal(text, &answer); err != nil {
		return job, nil, fmt.Errorf("%s answers HTTP %d and no error of Azure's: %w", uri, resp.StatusCode, err)
	}
	failed := answer.Error.failed(resp.StatusCode)
	return job, &failed, nil
}

func (j *jobs) scoringURI(ctx context.Context, endpoint string) (string, error) {
	if uri, ok := j.scoring[endpoint]; ok {
		return uri, nil
	}
	var found struct{ Properties struct{ ScoringURI string } }
	id := j.model.WorkspaceID.Text() + "/batchEndpoints/" + endpointName(j.model, endpoint)
	if err := manage(ctx, j.azure, http.MethodGet, j.azure.URL()+id+"?api-version="+machineLearningVersion, nil,
		&found); err != nil {
		return "", fmt.Errorf("finding endpoint %s: %w", endpoint, err)
	}
	j.scoring[endpoint] = found.Properties.ScoringURI
	return found.Properties.ScoringURI, nil
}

const machineLearningVersion = "2024-04-01"
