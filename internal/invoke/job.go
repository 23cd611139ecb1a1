package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// A Job is a job that was started on a batch endpoint.
type Job struct {
	Name   string `json:"name"`
	ID     string `json:"id"`     // ARM ID
	Status string `json:"status"` // Azure's: Running, Completed, Failed, Canceled and others

	request jobrequest.Request
	failure serviceError
}

// UnmarshalJSON reads Azure's BatchJobResource.
func (j *Job) UnmarshalJSON(text []byte) error {
	var resource struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Properties struct {
			Status string       `json:"status"`
			Error  serviceError `json:"error"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(text, &resource); err != nil {
		return err
	}
	if resource.Name == "" {
		return errors.New("it describes no job")
	}
	j.ID, j.Name, j.Status = clean(resource.ID), clean(resource.Name), clean(resource.Properties.Status)
	j.failure = resource.Properties.Error
	return nil
}

// The states in which a job ends.
const (
	completed = "Completed"
	failed    = "Failed"
	canceled  = "Canceled"
)

// ended reports whether the job will not change any more.
func (j Job) ended() bool {
	for _, status := range []string{completed, failed, canceled} {
		if strings.EqualFold(j.Status, status) {
			return true
		}
	}
	return false
}

// Start starts a job at an endpoint's jobs URI. The deployment is "" for the endpoint's default. The error is a
// Failure.
func (c *Client) Start(ctx context.Context, uri, deployment string, request jobrequest.Request) (Job, error) {
	if err := checkHost(c.cloud, uri); err != nil {
		return Job{}, err
	}
	k := call{doing: "start the job", method: http.MethodPost, uri: uri, body: request}
	if deployment != "" {
		k.header = map[string]string{jobrequest.DeploymentHeader: deployment}
	}
	var job Job
	if _, err := c.send(ctx, azure.BatchEndpoints, k, &job); err != nil {
		return Job{}, err
	}
	job.request = request
	return job, nil
}

// maxPoll is the longest pause between two looks at a job, unless the server asks for a longer one.
const maxPoll = 15 * time.Second

// Follow waits until the job has ended. It calls progress, if that is not nil, with each new state. The error is a
// Failure if the job did not complete or can't be read, or if the context ended first.
func (c *Client) Follow(ctx context.Context, uri string, job Job, progress func(Job)) (Job, error) {
	k := call{doing: "look at job " + job.Name, method: http.MethodGet, uri: uri + "/" + url.PathEscape(job.Name)}
	last := ""
	for wait := c.poll; ; wait = min(2*wait, maxPoll) {
		now := Job{request: job.request}
		header, err := c.send(ctx, azure.BatchEndpoints, k, &now)
		if err != nil {
			return job, unfollowed(job, err)
		}
		job = now
		if progress != nil && job.Status != last {
			progress(job)
			last = job.Status
		}
		if job.ended() {
			if strings.EqualFold(job.Status, completed) {
				return job, nil
			}
			return job, jobFailure(job, c.token.invoker())
		}
		pause := wait
		if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds >= 0 {
			pause = time.Duration(seconds) * time.Second
		}
		select {
		case <-ctx.Done():
			return job, unfollowed(job, ctx.Err())
		case <-time.After(pause):
		}
	}
}
