package rehearsal

import (
	"cmp"
	"context"
	"maps"
	"path"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// beside tries to read and write beside the paths that grants are limited to: a sibling whose name begins as the
// folder's does, and what is above it. What the plan says of them has to come out.
func (r *rehearsal) beside(ctx context.Context, j *jobs, report *Report, tokens map[string]string) error {
	seen := map[string]bool{}
	for _, p := range r.plan.Paths() {
		token, ok := tokens[p.Invoker]
		if !ok || !p.Declared {
			continue
		}
		var data []datum
		if d := r.Model.DataInputs[p.Input]; d.Scope == access.AtPath && d.Kind != access.DataAsset {
			data = append(data, datum{p.Input, false})
		}
		for _, output := range r.Model.EffectiveEndpoints()[p.Endpoint].Outputs {
			key := p.Invoker + " " + p.Target() + " " + output
			if r.Model.DataOutputs[output].Scope == access.AtPath && !seen[key] {
				seen[key] = true
				data = append(data, datum{output, true})
			}
		}
		for _, of := range data {
			for _, other := range besidePaths(pathOf(r.Model, of)) {
				if err := r.besideOne(ctx, j, report, movedTo(r.Model, of, other), token, p, of); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pathOf(m access.Model, of datum) string {
	if of.output {
		return m.DataOutputs[of.name].Path
	}
	return m.DataInputs[of.name].Path
}

// movedTo is the model with the data at another path.
func movedTo(m access.Model, of datum, path string) access.Model {
	if of.output {
		d := m.DataOutputs[of.name]
		d.Path = path
		m.DataOutputs = maps.Clone(m.DataOutputs)
		m.DataOutputs[of.name] = d
		return m
	}
	d := m.DataInputs[of.name]
	d.Path = path
	m.DataInputs = maps.Clone(m.DataInputs)
	m.DataInputs[of.name] = d
	return m
}

// besidePaths are a sibling of a path and, where there is one, the folder above it.
func besidePaths(of string) (all []string) {
	of = strings.Trim(of, "/")
	all = []string{of + "-beside"}
	if above := path.Dir(of); above != "." {
		all = append(all, above)
	}
	return all
}

// besideOne starts one job whose data lies elsewhere in the model m.
func (r *rehearsal) besideOne(
	ctx context.Context, j *jobs, report *Report, m access.Model, token string, p access.Path, of datum,
) error {
	elsewhere := *j
	elsewhere.model = m
	e := r.Model.EffectiveEndpoints()[p.Endpoint]
	got, err := elsewhere.run(ctx, token, p.Endpoint, cmp.Or(p.Deployment, e.Deployment), p.Input)
	if err != nil {
		return err
	}
	cluster := clusterOf(e, p.Deployment)
	d, action, hop := m.DataInputs[of.name], roles.ReadBlobs, access.ReadHop
	at := access.Place{Account: d.StorageAccount, Container: d.Container, Path: d.Path, File: d.Type == "file",
		Kind: m.KindOf(d.StorageAccount)}
	if of.output {
		d := m.DataOutputs[of.name]
		action, hop = roles.WriteBlobs, access.WriteHop
		at = access.Place{Account: d.StorageAccount, Container: d.Container, Path: d.Path, File: true,
			Kind: m.KindOf(d.StorageAccount)}
	}
	o := Outcome{Control: true, Invoker: p.Invoker, Endpoint: p.Target(), Input: of.name + " at " + at.Path, Want: works,
		Got: failsAt(got.Hop), Detail: got.Message}
	switch {
	case !r.plan.Acts(access.ClusterPrincipal(cluster), at, action):
		o.Want = failsAt(access.MountHop)
	case !r.plan.Acts(access.InvokerPrincipal(p.Invoker), at, action):
		o.Want = failsAt(hop)
	}
	report.add(o)
	return nil
}
