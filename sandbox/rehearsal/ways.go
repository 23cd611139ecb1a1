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
	"github.com/batchaccess/batchaccess/roles"
)

// A Walk is what became of one indirect way to a data input for one who goes it.
type Walk struct {
	Who   string `json:"who"`
	Input string `json:"input"`
	Way   string `json:"way"`
	// Walked is set where it was gone, with requests as the one who goes it.
	Walked bool `json:"walked"`
	// Why says what was not gone, or how Azure refused it; "" for a way that was walked.
	Why string `json:"why,omitempty"`
	// Refused is set where Azure refused what the plan says is open: the plan is wrong.
	Refused bool `json:"refused,omitempty"`
}

// walk goes the indirect ways of the plan: as each of those who go it, it changes the deployment, and a job on that
// deployment then shows that its cluster mounts the input. That code reads what the cluster mounts is
// facts/compute-clusters.md, Identity; the sandbox runs none. Other ways are not walked, and say so.
func (r *rehearsal) walk(ctx context.Context, j *jobs, report *Report, d deployed) error {
	w := walker{r, j, d, map[string]failure{}}
	for _, way := range r.plan.Ways() {
		if way.Input == "" {
			continue
		}
		for _, who := range way.Who {
			one := way
			one.Who = []string{who}
			walk := Walk{Who: who, Input: way.Input, Way: one.String()}
			if err := w.walk(ctx, one, &walk); err != nil {
				return fmt.Errorf("walking the way on which %s: %w", walk.Way, err)
			}
			report.Walks = append(report.Walks, walk)
		}
	}
	return nil
}

type walker struct {
	r       *rehearsal
	j       *jobs
	d       deployed
	mounted map[string]failure // what became of a job on a deployment with an input
}

func (w walker) walk(ctx context.Context, way access.Way, walk *Walk) error {
	principal := w.d.PrincipalIDs[way.Who[0]]
	if i := w.r.Model.Invokers[way.Who[0]]; i.Kind == access.Group {
		principal = Person(i) // a member
	}
	last := way.Hops[len(way.Hops)-1]
	switch {
	case way.Undecided():
		walk.Why = "it is undecided"
		return nil
	case len(way.Hops) != 2 || way.Hops[0].Needs != roles.WriteDeployment.Name:
		walk.Why = "the sandbox does not model " + way.Hops[0].Needs
		return nil
	case principal == "":
		walk.Why = "nobody is known who signs in as " + way.Who[0]
		return nil
	}
	endpoint, deployment, cluster := w.deploymentOf(last.Identity, way.Input)
	if endpoint == "" {
		walk.Why = "no endpoint of the stack runs as " + last.Identity + " and reads " + way.Input
		return nil
	}
	refused, err := w.change(ctx, principal, endpoint, deployment, cluster)
	if err != nil {
		return err
	}
	if refused != "" {
		walk.Why, walk.Refused = refused, true
		return nil
	}
	got, err := w.mount(ctx, endpoint, deployment, way.Input)
	if err != nil {
		return err
	}
	switch got.Hop {
	case undecidedHop, requestHop:
		walk.Why = got.Message
	case access.MountHop, access.TokenHop, access.InvokeHop:
		walk.Why, walk.Refused = got.Message, true
	case "", access.ReadHop, access.WriteHop: // the job failed, if at all, for want of its owner's own grants
		walk.Walked = true
	default:
		walk.Why = "it is not known what became of the job: " + got.Message
	}
	return nil
}

// deploymentOf is one that reads the input and runs as the identity, and its cluster; "" for none.
func (w walker) deploymentOf(identity, input string) (endpoint, deploymentName, cluster string) {
	m := w.r.Model
	runsAs := func(cluster string) bool {
		return slices.ContainsFunc(w.r.plan.Identities, func(i access.Identity) bool {
			return slices.Contains(i.Names, access.ClusterPrincipal(cluster)) && i.Names[0].String() == identity
		})
	}
	endpoints := m.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[name]
		if !slices.Contains(e.Inputs, input) {
			continue
		}
		for _, named := range slices.Sorted(maps.Keys(e.Deployments)) {
			if cluster := e.Deployments[named].Cluster; runsAs(cluster) {
				return name, named, cluster
			}
		}
		if len(e.Deployments) == 0 && runsAs(e.Cluster) {
			return name, cmp.Or(e.Deployment, deployment), e.Cluster
		}
	}
	return "", "", ""
}

// change puts other code into a deployment, as the principal; refused is how Azure answers with an error.
func (w walker) change(ctx context.Context, principal, endpoint, deployment, cluster string) (refused string,
	err error) {
	a, m := w.r.azure, w.r.Model
	at := a.URL() + m.WorkspaceID.Text() + "/batchEndpoints/" + endpointName(m, endpoint) + "/deployments/" + deployment +
		"?api-version=" + machineLearningVersion
	err = manageAs(ctx, a, principal, http.MethodPut, at, map[string]any{
		"location": DefaultLocation, "properties": map[string]any{
			"compute": m.WorkspaceID.Text() + "/computes/" + m.Clusters[cluster].NameOr(cluster),
			"codeConfiguration": map[string]any{"codeId": m.WorkspaceID.Text() + "/codes/other/versions/1",
				"scoringScript": "read.py"},
		}}, nil)
	if answer, is := errors.AsType[refusal](err); is {
		return "changing the deployment: " + answer.text, nil
	}
	return "", err
}

// mount starts a job as the sandbox's owner, once for each deployment and input.
func (w walker) mount(ctx context.Context, endpoint, deployment, input string) (failure, error) {
	key := endpoint + "/" + deployment + " " + input
	if got, known := w.mounted[key]; known {
		return got, nil
	}
	owner, err := w.r.azure.SignIn(ctx, w.r.azure.Deployer().ObjectID, w.r.azure.Cloud().MachineLearning)
	if err != nil {
		return failure{}, err
	}
	got, err := w.j.run(ctx, owner, endpoint, deployment, input)
	w.mounted[key] = got
	return got, err
}
