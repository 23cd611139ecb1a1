package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/batchaccess/batchaccess/access"
)

// changeDeployment puts the actor's own code into a deployment, on the cluster. When anybody then starts a job, that
// code runs there (facts/grants-access.md, Machine learning and neighbours), and asks for tokens as the cluster.
func changeDeployment(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	cluster := hop.Opens.As
	if !cluster.IsCluster() {
		cluster = w.clusterOf(cluster)
	}
	return w.runOn(ctx, at, w.r.Model.Clusters[cluster.Name].NameOr(cluster.Name), cluster.Name, way)
}

// clusterOf is a cluster with the identity of an invoker.
func (w walker) clusterOf(p access.Principal) access.Principal {
	for _, i := range w.r.plan.Identities {
		if !slices.Contains(i.Names, p) {
			continue
		}
		if n := slices.IndexFunc(i.Names, access.Principal.IsCluster); n >= 0 {
			return i.Names[n]
		}
	}
	return p
}

// runOn runs the actor's own code on a compute, and acts as it. cluster is the compute's name in the model; "" if the
// compute is not in it.
func (w *walker) runOn(ctx context.Context, at position, compute, cluster string, way access.Way) (position, error) {
	m := w.r.Model
	code := m.WorkspaceID.Text() + "/codes/" + made("code", way.Who[0]) + "/versions/1"
	endpoints := m.EffectiveEndpoints()
	var refused error
	for _, t := range w.targets(cluster, way.Input) {
		e := endpoints[t.endpoint]
		named := deploymentName(e, t.deployment)
		properties := map[string]any{
			"compute":           m.WorkspaceID.Text() + "/computes/" + compute,
			"codeConfiguration": map[string]any{"codeId": code, "scoringScript": "read.py"},
		}
		if !mayRunInParallel(e.Deployments[t.deployment].ParallelRuns, e.ParallelRuns) { // so it needs no tables
			properties["deploymentConfiguration"] = map[string]any{"deploymentConfigurationType": "PipelineComponent"}
		}
		err := w.ask(ctx, at.actor, http.MethodPut, m.WorkspaceID.Text()+"/batchEndpoints/"+endpointName(m, t.endpoint)+
			"/deployments/"+named, machineLearningVersion, map[string]any{
			"location": DefaultLocation, "properties": properties,
		}, nil)
		if _, is := errors.AsType[refusal](err); is {
			refused = cmp.Or(refused, fmt.Errorf("changing the deployment %s of %s: %w", named, t.endpoint, err))
			continue // the role may be assigned at another endpoint
		}
		if err != nil {
			return at, err
		}
		return w.startOn(ctx, at, t.endpoint, named, code, way)
	}
	if refused == nil {
		refused = errNotWalked("the stack has no endpoint")
	}
	return at, refused
}

// startOn starts a job as the actor and acts as the changed code. A job without data needs the fewest permissions, and
// the code finds the data by itself. If the actor may not start a job, somebody else starts one.
func (w *walker) startOn(ctx context.Context, at position, endpoint, deployment, code string, way access.Way) (
	position, error) {
	bare := w.r.Model
	bare.Endpoints = maps.Clone(bare.EffectiveEndpoints())
	for name, e := range bare.Endpoints {
		e.Inputs, e.Outputs = nil, nil
		bare.Endpoints[name] = e
	}
	own, err := at.actor(ctx, w.r.azure.Cloud().MachineLearning)
	if err != nil {
		return at, err
	}
	job, got, err := newJobs(w.r.azure, bare).start(ctx, own, endpoint, deployment, "")
	switch {
	case err != nil:
		return at, err
	case job != "" && got.Hop == "":
		return w.onNode(job, code), nil
	}
	w.waits = true
	input := ""
	if slices.Contains(w.r.Model.EffectiveEndpoints()[endpoint].Inputs, way.Input) {
		input = way.Input
	}
	for _, other := range w.starters(endpoint) {
		token, err := w.r.azure.SignIn(ctx, other, w.r.azure.Cloud().MachineLearning)
		if err != nil {
			return at, err
		}
		if job, got, err = w.j.start(ctx, token, endpoint, deployment, input); err != nil {
			return at, err
		}
		if job != "" && (got.Hop == "" || got.Hop == access.ReadHop || got.Hop == access.WriteHop) {
			return w.onNode(job, code), nil // the code ran, whether or not it could read
		}
	}
	if job == "" || got.Hop == undecidedHop || got.Hop == requestHop {
		return at, errNotWalked("the job on the changed deployment: " + got.Message)
	}
	return at, refusal{"the job on the changed deployment", got.Message}
}

// starters are the object IDs of those who start jobs on an endpoint without knowing of the changed code: the sandbox's
// owner, and the invokers that the endpoint names, who alone have everything that a job needs after its start.
func (w *walker) starters(endpoint string) []string {
	all := []string{w.r.azure.Deployer().ObjectID}
	for _, p := range w.r.plan.Paths() {
		if id := w.principal(p.Invoker); p.Endpoint == endpoint && p.Declared && id != "" &&
			!slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// onNode acts as the code of a job.
func (w *walker) onNode(job, code string) position {
	return position{actor: func(_ context.Context, audience string) (string, error) {
		token, ran, err := w.r.azure.OnNode(job, audience)
		switch {
		case err != nil:
			return "", refusal{"the node of the job on the changed deployment", err.Error()}
		case ran != code:
			return "", fmt.Errorf("job %s ran %q and not the code %q", job, ran, code)
		}
		return token, nil
	}}
}

// attach makes a cluster with the identity, and runs code there (facts/compute-clusters.md, Identity).
func attach(ctx context.Context, w *walker, at position, hop access.Hop, way access.Way) (position, error) {
	id, _, err := w.identity(ctx, hop.Opens.As)
	if err != nil {
		return at, err
	}
	const compute = "walked"
	if err := w.ask(ctx, at.actor, http.MethodPut, w.r.Model.WorkspaceID.Text()+"/computes/"+compute,
		machineLearningVersion, map[string]any{
			"location": w.location(ctx),
			"identity": map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{id: map[string]any{}}},
			"properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{
				"vmSize":        "Standard_DS3_v2",
				"scaleSettings": map[string]any{"minNodeCount": 0, "maxNodeCount": 1},
			}},
		}, nil); err != nil {
		return at, fmt.Errorf("making a cluster with the identity: %w", err)
	}
	return w.runOn(ctx, at, compute, "", way)
}

// location is the workspace's.
func (w *walker) location(ctx context.Context) string {
	var found struct{ Location string }
	if err := manage(ctx, w.r.azure, http.MethodGet, w.r.azure.URL()+w.r.Model.WorkspaceID.Text()+"?api-version="+
		machineLearningVersion, nil, &found); err != nil {
		return DefaultLocation
	}
	return found.Location
}
