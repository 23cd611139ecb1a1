package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
)

// A JobChange is a job that starts or stops working: one invoker, one endpoint, one input.
type JobChange struct {
	Change   string `json:"change"` // starts, stops, fails (declared, and newly so), undecided (it is not known any more)
	Invoker  string `json:"invoker"`
	Endpoint string `json:"endpoint"`
	Input    string `json:"input"`
	Before   string `json:"before"`
	After    string `json:"after"`
	// Broken is set if the configuration declares the job, and it will not work.
	Broken bool `json:"broken,omitempty"`
	Risk   Risk `json:"risk"`
	// The owners of invoker, endpoint and input in the configuration; "" if it has none.
	InvokerOwner  string `json:"invokerOwner,omitempty"`
	EndpointOwner string `json:"endpointOwner,omitempty"`
	InputOwner    string `json:"inputOwner,omitempty"`
}

// What happens to a job.
const (
	notThere  = "not there"
	works     = "works"
	fails     = "fails"
	undecided = "undecided"
)

func status(p *access.Path) string {
	switch {
	case p == nil:
		return notThere
	case p.Works():
		return works
	case p.Undecided():
		return undecided
	default:
		return fails
	}
}

// jobs compares the paths of each component before and after, with the grants that the preview really leaves.
func (m *maker) jobs() {
	for urn, c := range m.components {
		step := m.index.steps[urn]
		if (c.old == nil) != (step.Old == nil) || (c.now == nil) != (step.New == nil) {
			continue // can't be read, which is reported: half a comparison would look like a change
		}
		if c.now != nil && c.now.Model.Role.ByEndpoint() {
			m.note("Invokers of " + engine.ShownName(urn) + " are limited to endpoints: that Azure takes role assignments " +
				"at one batch endpoint is inferred (facts/batch-endpoints.md); batchaccess verify and invoke report what " +
				"Azure answers.")
		}
		m.comparePaths(engine.ShownName(urn), c.owners, m.paths(urn, c, before), m.paths(urn, c, after))
		m.ways(engine.ShownName(urn), c)
	}
	if len(m.components) == 0 && m.p.Hidden > 0 {
		m.note("No BatchEndpointAccess is shown, so jobs are not judged; with --show-sames they are.")
	}
}

// comparePaths compares the paths of one model at both sides. The owners are by paths in the configuration.
func (m *maker) comparePaths(component string, owners map[string]string, old, now map[place]*access.Path) {
	m.r.reached = append(m.r.reached, reached{component, old, now})
	starts := map[string][]string{} // by invoker, endpoints that it can start now and that do not name it
	for k, is := range now {
		m.job(k, owners, old[k], is)
		if canStart(is) && !canStart(old[k]) && !is.Declared && !slices.Contains(starts[k.invoker], k.endpoint) {
			starts[k.invoker] = append(starts[k.invoker], k.endpoint)
		}
	}
	for k, was := range old {
		if now[k] == nil {
			m.job(k, owners, was, nil)
		}
	}
	for invoker, endpoints := range starts {
		slices.Sort(endpoints)
		m.note(fmt.Sprintf("%s can start %s too, though not named there: the invokers' role holds at every endpoint.",
			invoker, strings.Join(endpoints, ", ")))
	}
}

// canStart reports whether the path gets as far as a running job.
func canStart(p *access.Path) bool {
	return p != nil && !slices.ContainsFunc(p.Hops, func(h access.Hop) bool {
		return (h.Kind == access.TokenHop || h.Kind == access.InvokeHop) && (h.Missing != "" || h.Undecided)
	})
}

// job reports one path if it has changed; nil is a path that does not exist.
func (m *maker) job(k place, owners map[string]string, was, is *access.Path) {
	from, to := status(was), status(is)
	if from == to || from == notThere && to == fails && !is.Declared || to == notThere && from != works {
		return
	}
	j := JobChange{Invoker: k.invoker, Endpoint: k.endpoint, Input: access.Path{Input: k.input}.InputName(),
		Before: outcome(was), After: outcome(is), Risk: Low}
	endpoint, _, _ := strings.Cut(k.endpoint, "/")
	j.InvokerOwner, j.EndpointOwner = owners["invokers."+k.invoker], owners["endpoints."+endpoint]
	j.InputOwner = owners["dataInputs."+k.input]
	switch {
	case to == works:
		j.Change, j.Risk = "starts", Medium
	case to == undecided:
		j.Change, j.Risk = undecided, Medium
	case from == works:
		j.Change = "stops"
	default:
		j.Change = "fails"
	}
	if j.Broken = to == fails && is.Declared; j.Broken {
		j.Risk = Medium
	}
	m.r.Jobs = append(m.r.Jobs, j)
}

func outcome(p *access.Path) string {
	if p == nil {
		return notThere
	}
	return p.Outcome()
}

// A place identifies a path.
type place struct{ invoker, endpoint, input string }

func (m *maker) paths(urn string, c component, when side) map[place]*access.Path {
	plan := c.side(when)
	if plan == nil {
		return nil
	}
	all := plan.PathsWith(m.left(urn, c, when))
	found := make(map[place]*access.Path, len(all))
	for i, p := range all {
		found[place{p.Invoker, p.Target(), p.Input}] = &all[i]
	}
	return found
}

// left returns the grants of the model that really exist at one side of the preview. An assignment that is not shown
// exists if it does not change and unchanged resources are not shown.
func (m *maker) left(urn string, c component, when side) (left []access.Grant) {
	plan, other := c.side(when), c.side(after-when)
	unchanged := map[string]bool{}
	if other != nil && m.p.Hidden > 0 {
		for _, g := range other.Grants {
			unchanged[assignmentURN(urn, g)] = true
		}
	}
	missing := m.membersMissing(urn, c, when)
	for _, g := range plan.Grants {
		id := assignmentURN(urn, g)
		_, shown := m.index.steps[id]
		switch {
		case m.index.state(id, when) != nil, !shown && unchanged[id]:
			left = append(left, g)
		default:
			missing = append(missing, g.Principal.String()+" "+g.String())
		}
	}
	if len(missing) > 0 && when == after {
		slices.Sort(missing)
		m.unread(fmt.Sprintf("%d of the grants that %s needs are neither made nor there in this preview, so it is of a "+
			"part of the stack (--target?) or of another version of batchaccess: %s",
			len(missing), engine.ShownName(urn), engine.Clip(strings.Join(missing, ", "))))
	}
	return left
}
