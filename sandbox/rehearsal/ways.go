package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A Walk is the result of trying one indirect way for one principal.
type Walk struct {
	Who string `json:"who"`
	// Input or Output is the data at the end of the way; Ends is the end of a way that reaches no data.
	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
	Ends   string `json:"ends,omitempty"`
	Way    string `json:"way"`
	// Walked: the principal's own requests got to the end of the way: to the content of a blob that was read or
	// written, to a key, to a token.
	Walked bool `json:"walked"`
	// Waits: the principal may start no job, and waits for somebody who does.
	Waits bool `json:"waits,omitempty"`
	// Why says why the way was not walked, or how Azure refused it; "" for a way that was walked.
	Why string `json:"why,omitempty"`
	// Refused: Azure refused a way that the plan calls open, so the plan is wrong.
	Refused bool `json:"refused,omitempty"`
}

// maxWalks is the most ways that are walked: each takes some dozen requests.
const maxWalks = 200

// walk walks the indirect ways of the plan, each as the principal who has it, by requests alone: from the principal's
// own sign-in to the content of a blob in the data. Each walk begins with a copy of the deployment, whatever the one
// before it changed. A way that the sandbox does not model, or that the plan does not decide, is not walked, and the
// report says why.
func (r *rehearsal) walk(ctx context.Context, report *Report, d deployed) (err error) {
	w := walker{d: d, places: map[datum]located{}}
	if w.before, err = r.azure.Snapshot(); err != nil {
		return err
	}
	there := *r
	if there.azure, err = azure.Start(ctx, azure.Options{From: w.before, Logger: r.Logger}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, there.azure.Close()) }()
	w.r, w.j = &there, newJobs(there.azure, r.Model)
	gone := 0
	for _, way := range r.plan.Ways() {
		for _, who := range way.Who {
			one := way
			one.Who = []string{who}
			walk := Walk{Who: who, Input: way.Input, Output: way.Output, Ends: way.Ends, Way: one.String()}
			walk.Why = w.unable(one)
			if walk.Why == "" && gone == maxWalks {
				walk.Why = fmt.Sprintf("a rehearsal walks %d ways at most", maxWalks)
			}
			if walk.Why == "" {
				gone++
				if err := w.walk(ctx, one, &walk); err != nil {
					return fmt.Errorf("walking the way on which %s: %w", walk.Way, err)
				}
			}
			report.Walks = append(report.Walks, walk)
		}
	}
	return nil
}

type walker struct {
	r *rehearsal
	j *jobs
	d deployed
	// places are where data is in the deployment.
	places map[datum]located
	// before is the deployment before any walk.
	before azure.Snapshot
	// waits is set if somebody else had to start a job.
	waits bool
}

// unable says why a way can't be walked; "" if it can.
func (w walker) unable(way access.Way) string {
	if way.Undecided() {
		return "it is undecided"
	}
	if w.principal(way.Who[0]) == "" {
		return "no principal is known that signs in as " + way.Who[0]
	}
	for _, hop := range way.Hops {
		if hop.Kind == access.ReadHop || hop.Kind == access.WriteHop {
			continue
		}
		if _, why := stepOf(hop); why != "" {
			return why
		}
	}
	return ""
}

// principal is the object ID of who signs in as an invoker, or as cluster:<name>; "" if nobody is known.
func (w walker) principal(who string) string {
	if cluster, is := strings.CutPrefix(who, "cluster:"); is {
		return w.d.ClusterPrincipalIDs[cluster]
	}
	i := w.r.Model.Invokers[who]
	switch {
	case i.Kind == access.Group:
		return Person(i) // a member
	default:
		return w.d.PrincipalIDs[who]
	}
}

// errNotWalked says why a walk could not be finished.
type errNotWalked string

func (e errNotWalked) Error() string { return string(e) }

// walk walks one way, and undoes its changes.
func (w *walker) walk(ctx context.Context, way access.Way, walk *Walk) (err error) {
	defer func() { err = errors.Join(err, w.r.azure.Restore(w.before)) }()
	w.waits = false
	at := position{actor: w.signedIn(w.principal(way.Who[0]))}
	for _, hop := range way.Hops {
		if hop.Kind == access.ReadHop || hop.Kind == access.WriteHop {
			err = w.reach(ctx, at, way)
		} else {
			step, _ := stepOf(hop)
			at, err = step(ctx, w, at, hop, way)
			if err == nil {
				err = w.arrived(ctx, at, hop.Opens)
			}
		}
		if err != nil {
			break
		}
	}
	var not errNotWalked
	var refused refusal
	switch {
	case errors.As(err, &refused) && strings.Contains(refused.text, notModelled):
		walk.Why = refused.text
	case errors.As(err, &refused):
		walk.Why, walk.Refused = err.Error(), true
	case errors.As(err, &not):
		walk.Why = string(not)
	case err != nil:
		return err
	default:
		walk.Walked, walk.Waits = true, w.waits
	}
	return nil
}

// clusterOf is the cluster of a deployment of an endpoint in the model; deployment "" means the endpoint's own.
func clusterOf(e access.Endpoint, deployment string) string {
	if d, several := e.Deployments[deployment]; several {
		return d.Cluster
	}
	return e.Cluster
}

// deploymentName is the sandbox's name of a deployment.
func deploymentName(e access.Endpoint, named string) string {
	return cmp.Or(named, e.Deployment, deployment)
}

// target is a deployment that a walk changes.
type target struct{ endpoint, deployment string }

// targets are the deployments that the way may make run as a cluster, the likeliest first: one that runs as it and
// reads the input, one that runs as it, any other. They have their names in the model, "" for an endpoint without named
// ones.
func (w walker) targets(cluster, input string) (all []target) {
	endpoints := w.r.Model.EffectiveEndpoints()
	likely := map[target]int{}
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[name]
		deployments := slices.Sorted(maps.Keys(e.Deployments))
		if len(deployments) == 0 {
			deployments = []string{""}
		}
		for _, named := range deployments {
			t := target{name, named}
			if w.sameIdentity(clusterOf(e, named), cluster) {
				likely[t] += 2
			}
			if slices.Contains(e.Inputs, input) {
				likely[t]++
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b target) int { return likely[b] - likely[a] })
	return all
}

// sameIdentity reports whether two clusters have the same identity.
func (w walker) sameIdentity(a, b string) bool {
	return slices.ContainsFunc(w.r.plan.Identities, func(i access.Identity) bool {
		return slices.Contains(i.Names, access.ClusterPrincipal(a)) && slices.Contains(i.Names, access.ClusterPrincipal(b))
	})
}
