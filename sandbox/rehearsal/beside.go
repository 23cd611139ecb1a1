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
		if d := r.Model.DataInputs[p.Input]; d.Scope == access.AtPath && d.Kind != access.DataAsset {
			for _, other := range besidePaths(d.Path) {
				m := r.Model
				m.DataInputs = maps.Clone(m.DataInputs)
				d.Path = other
				m.DataInputs[p.Input] = d
				if err := r.besideOne(ctx, j, report, m, token, p, p.Input, d.StorageAccount, d.Container,
					access.ReadHop); err != nil {
					return err
				}
			}
		}
		e := r.Model.EffectiveEndpoints()[p.Endpoint]
		for _, output := range e.Outputs {
			key := p.Invoker + " " + p.Target() + " " + output
			d := r.Model.DataOutputs[output]
			if d.Scope != access.AtPath || seen[key] {
				continue
			}
			seen[key] = true
			for _, other := range besidePaths(d.Path) {
				m := r.Model
				m.DataOutputs = maps.Clone(m.DataOutputs)
				d.Path = other
				m.DataOutputs[output] = d
				if err := r.besideOne(ctx, j, report, m, token, p, output, d.StorageAccount, d.Container,
					access.WriteHop); err != nil {
					return err
				}
			}
		}
	}
	return nil
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
	ctx context.Context, j *jobs, report *Report, m access.Model, token string, p access.Path, data, account,
	container string, hop access.HopKind,
) error {
	elsewhere := *j
	elsewhere.model = m
	e := r.Model.EffectiveEndpoints()[p.Endpoint]
	got, err := elsewhere.run(ctx, token, p.Endpoint, cmp.Or(p.Deployment, e.Deployment), p.Input)
	if err != nil {
		return err
	}
	cluster := clusterOf(e, p.Deployment)
	at := access.Place{Account: account, Container: container, Path: m.DataInputs[data].Path,
		File: m.DataInputs[data].Type == "file", Kind: m.KindOf(account)}
	action := roles.ReadBlobs
	if hop == access.WriteHop {
		action, at.Path, at.File = roles.WriteBlobs, m.DataOutputs[data].Path, true
	}
	o := Outcome{Control: true, Invoker: p.Invoker, Endpoint: p.Target(), Input: data + " at " + at.Path, Want: works,
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
