package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/invoke"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// failure is where a job was refused or failed: "" for Hop if it completed.
type failure struct {
	Hop     access.HopKind
	Message string
}

// requestHop is where a job fails that the endpoint does not understand or can't run: no matter of access.
const requestHop access.HopKind = "request"

// failureOf takes what invoking reports apart: a refusal or failure of Azure's, or an error of the rehearsal.
func failureOf(err error) (failure, error) {
	var f *invoke.Failure
	if !errors.As(err, &f) || f.Kind == invoke.Network || f.Kind == invoke.Service || f.Kind == invoke.Follow {
		return failure{}, err
	}
	return failure{cmp.Or(f.Hop, requestHop), cmp.Or(f.Said, f.What)}, nil
}

// jobs starts jobs on the batch endpoints of one workspace, over HTTP, and watches them.
type jobs struct {
	http      *http.Client
	cloud     invoke.Cloud
	workspace string            // ARM ID
	owner     *invoke.Client    // the sandbox's owner, who watches: invokers need not be able to poll
	scoring   map[string]string // scoring URIs by endpoint
}

// firstPoll is short: in the sandbox, jobs end at once.
const firstPoll = 10 * time.Millisecond

func newJobs(ctx context.Context, a *azure.Azure, workspace string) (*jobs, error) {
	client := a.Client()
	cloud, err := invoke.Discover(ctx, client, a.Host())
	if err != nil {
		return nil, err
	}
	j := &jobs{http: client, cloud: cloud, workspace: workspace, scoring: map[string]string{}}
	j.owner, err = j.client(owner{a})
	return j, err
}

func (j *jobs) client(credential azcore.TokenCredential) (*invoke.Client, error) {
	return invoke.New(invoke.Options{Credential: credential, Cloud: j.cloud, Transport: j.http, Poll: firstPoll})
}

// owner signs in as the sandbox's owner.
type owner struct{ azure *azure.Azure }

func (o owner) GetToken(ctx context.Context, asked policy.TokenRequestOptions) (azcore.AccessToken, error) {
	resource := strings.TrimSuffix(strings.Join(asked.Scopes, " "), "/.default")
	token, err := o.azure.SignIn(ctx, o.azure.Deployer().ObjectID, resource)
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// run starts a job and follows it to its end. An error is one of the rehearsal; what Azure refuses is a failure.
func (j *jobs) run(ctx context.Context, token, endpoint, deployment string, body invoke.JobRequest) (failure, error) {
	uri, err := j.scoringURI(ctx, endpoint)
	if err != nil {
		return failure{}, err
	}
	invoker, err := j.client(invoke.StaticToken(token))
	if err != nil {
		return failure{}, err
	}
	job, err := invoker.Start(ctx, uri, deployment, body)
	if err == nil {
		_, err = j.owner.Follow(ctx, uri, job, nil)
	}
	if err == nil {
		return failure{}, nil
	}
	return failureOf(err)
}

func (j *jobs) scoringURI(ctx context.Context, endpoint string) (string, error) {
	if uri, ok := j.scoring[endpoint]; ok {
		return uri, nil
	}
	uri, err := j.owner.ScoringURI(ctx, j.workspace, endpoint)
	if err != nil {
		return "", fmt.Errorf("finding endpoint %s: %w", endpoint, err)
	}
	j.scoring[endpoint] = uri
	return uri, nil
}
