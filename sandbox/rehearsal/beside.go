package rehearsal

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// beside tries to read and write next to the paths that grants are limited to: at a sibling whose name begins like the
// folder's, at the path in other letter case, and in the folder above. All must be refused, unless the configuration
// allows them elsewhere.
func (r *rehearsal) beside(
	ctx context.Context, j *jobs, report *Report, tokens map[string]string, d deployed,
) error {
	seen := map[string]bool{}
	reach := r.reach(d)
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
				if err := r.besideOne(ctx, j, report, movedTo(r.Model, of, other), token, p, of, reach); err != nil {
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

// besidePaths are a sibling of a path, the path in other letter case and the folder above it, where there are such.
func besidePaths(of string) (all []string) {
	of = strings.Trim(of, "/")
	all = []string{of + "-beside"}
	other := strings.ToUpper(of)
	if other == of {
		other = strings.ToLower(of)
	}
	if other != of {
		all = append(all, other)
	}
	if above := path.Dir(of); above != "." {
		all = append(all, above)
	}
	return all
}

// reach reports whether the configuration lets a principal read or write a place. It also counts what the same identity
// is allowed under its other names.
func (r *rehearsal) reach(d deployed) func(name string, p place, write bool) bool {
	reads, writes, acls := r.declared()
	for _, s := range r.Model.SharedGrants { // others may hold more than this stack asks for
		if s.StorageAccount != "" && s.Role == "" {
			all := map[bool]needs{false: reads, true: writes}[s.Write]
			all.add(s.Principal, place{account: s.StorageAccount, container: s.Container})
		}
	}
	all := r.principals(d)
	return func(name string, p place, write bool) bool {
		at := slices.IndexFunc(all, func(h holder) bool { return h.name == name })
		return slices.ContainsFunc(all, func(h holder) bool {
			if h.name != name && (at < 0 || !strings.EqualFold(h.id, all[at].id)) {
				return false
			}
			return writes.whole(h.name, p) || !write && (reads.whole(h.name, p) || acls.whole(h.name, p))
		})
	}
}

// besideOne starts one job whose data is elsewhere: m is the model with the other path.
func (r *rehearsal) besideOne(
	ctx context.Context, j *jobs, report *Report, m access.Model, token string, p access.Path, of datum,
	reach func(string, place, bool) bool,
) error {
	elsewhere := *j
	elsewhere.model = m
	e := r.Model.EffectiveEndpoints()[p.Endpoint]
	got, err := elsewhere.run(ctx, token, p.Endpoint, cmp.Or(p.Deployment, e.Deployment), p.Input)
	if err != nil {
		return err
	}
	d, mount, hop := m.DataInputs[of.name], access.MountHop, access.ReadHop
	at := place{d.StorageAccount, d.Container, limitOf(d.Path, d.Type)}
	if of.output {
		d := m.DataOutputs[of.name]
		at = place{d.StorageAccount, d.Container, strings.Trim(d.Path, "/")} // one file
		mount, hop = access.WriteHop, access.WriteHop                        // Azure has one error for both
	}
	o := Outcome{Control: true, Invoker: p.Invoker, Endpoint: p.Target(), Input: of.name + " at " + pathOf(m, of),
		Want: works, Got: failsAt(got.Hop), Detail: got.Message}
	switch {
	case !reach("cluster:"+clusterOf(e, p.Deployment), at, of.output):
		o.Want = failsAt(mount)
	case !reach(p.Invoker, at, of.output):
		o.Want = failsAt(hop)
	}
	report.add(o)
	return nil
}
