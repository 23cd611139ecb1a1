package rehearsal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A moment is the state of all jobs between two writes.
type moment struct {
	after string // the write before it; "" before the change
	works map[string]bool
	why   map[string]string // the jobs that fail, and how
}

// A jobStart is a job that somebody starts.
type jobStart struct {
	// key is the same for jobs of the same person on the same endpoint with the same data, whatever the configuration
	// calls them. nearly has the cluster in place of the endpoint.
	key, nearly string
	invoker     string
	principal   string // who signs in
	what        string // for people
	works       bool   // as explain says
	try         func(ctx context.Context, token string) (failure, error)
}

// A signIn is one way in which somebody signs in.
type signIn struct {
	key, principal, invoker, how string
	sends                        string // the same for two that send the same
	secret                       bool
	works                        bool // by its description: a secret only in its time
	try                          func(context.Context) error
}

// A watcher tries, at each moment of a change, the jobs that worked before it.
type watcher struct {
	*change
	ctx       context.Context
	oldStarts []jobStart // jobs that worked before the change
	oldIns    []signIn
	writes    []azure.Write
	seen      map[time.Duration]int // writes with late effect, by delay
	failed    error                 // the first error of the rehearsal itself
}

func (c *change) watcher(ctx context.Context) *watcher { return &watcher{change: c, ctx: ctx} }

// signer is the object ID of the principal who signs in as an invoker; "" if it is not known.
func signer(i access.Invoker, name string, d deployed) string {
	switch {
	case i.Kind == access.Group && len(i.Members) == 0:
		return memberOf(i.PrincipalID.Text())
	case i.PrincipalID.Given() && !i.PrincipalID.Later():
		return strings.ToLower(i.PrincipalID.Text())
	}
	return strings.ToLower(d.PrincipalIDs[name])
}

// startsOf are the jobs of a version, for the invokers whose object ID is known.
func (c *change) startsOf(r *rehearsal, d deployed, renamed map[string]string) (all []jobStart) {
	j := newJobs(c.calm, r.Model)
	j.answers = func() map[string]failure { return c.answers }
	endpoints := r.Model.EffectiveEndpoints()
	for _, p := range r.plan.Paths() {
		i := r.Model.Invokers[p.Invoker]
		who := signer(i, p.Invoker, d)
		if who == "" {
			continue
		}
		named := c.deploymentOf(r.Model, p)
		cluster := endpoints[p.Endpoint].Cluster
		if of, several := endpoints[p.Endpoint].Deployments[named]; several {
			cluster = of.Cluster
		}
		data := ""
		if p.Input != "" {
			data, _ = inputURI(r.Model, r.Model.DataInputs[p.Input]) // the plan refuses an input without a URI
			data = strings.Replace(data, "next/paths/", "/paths/", 1)
		}
		for _, name := range endpoints[p.Endpoint].Outputs {
			out := r.Model.DataOutputs[name]
			data += " > " + storeURI(r.Model.WorkspaceID.Text(), out.DataStore, out.Path)
		}
		data += " at " + r.Model.WorkspaceID.Text()
		picked := named
		if other, is := renamed[endpointName(r.Model, p.Endpoint)+"/"+named]; is {
			picked = other
		}
		what := "jobs on " + p.Target()
		if p.Input != "" {
			what += " with " + p.Input
		}
		all = append(all, jobStart{
			key:     strings.ToLower(strings.Join([]string{who, p.Endpoint, named, data}, " ")),
			nearly:  strings.ToLower(strings.Join([]string{who, r.Model.Clusters[cluster].NameOr(cluster), data}, " ")),
			invoker: p.Invoker, principal: who, what: what, works: p.Works(),
			try: func(ctx context.Context, token string) (failure, error) {
				return j.run(ctx, token, p.Endpoint, picked, p.Input)
			},
		})
	}
	return all
}

// signInsOf are the ways to sign in of the principals that the stack makes, if they are known: a secret is known only
// after it was made.
func (c *change) signInsOf(m access.Model, d deployed) (all []signIn) {
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		i, client, who := m.Invokers[name], d.ClientIDs[name], strings.ToLower(d.PrincipalIDs[name])
		if client == "" || who == "" {
			continue
		}
		e := entraOf(c.calm, client, c.calm.Cloud().MachineLearning)
		for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
			f := i.FederatedCredentials[key]
			issuer, subject, audience := f.Claims()
			described, _ := json.Marshal(f) // text and numbers: no error
			all = append(all, signIn{
				key: strings.Join([]string{who, issuer, subject, audience}, " "), principal: who, invoker: name,
				sends: client + " " + string(described),
				how:   "the federated credential for " + subject, works: true,
				try: func(ctx context.Context) error { _, err := e.byAssertion(ctx, f); return err },
			})
		}
		for _, key := range slices.Sorted(maps.Keys(i.ClientSecrets)) {
			secret := d.ClientSecrets[name][key]
			if secret == "" {
				continue
			}
			sum := sha256.Sum256([]byte(secret))
			all = append(all, signIn{
				key: who + " " + hex.EncodeToString(sum[:]), principal: who, invoker: name, secret: true,
				sends: client + " " + secret,
				how:   "client secret " + key, works: i.ClientSecrets[key].ValidAt(time.Now()),
				try: func(ctx context.Context) error { _, err := e.bySecret(ctx, secret); return err },
			})
		}
	}
	return all
}

// begin finds the jobs and sign-ins that work before the change. The others are not tried again: nobody can lose
// them. If one of them should work, the rehearsal can't see what the change does to it, and must not pass. In a given
// world, or if a test has changed Azure beside the stack, such a job is expected, and is no failure.
func (w *watcher) begin() error {
	w.seen = map[time.Duration]int{}
	w.oldStarts, w.oldIns = w.startsOf(w.old, w.before, nil), w.signInsOf(w.oldProbe, w.before)
	first, err := w.look("")
	if err != nil {
		return err
	}
	w.moments = []moment{first}
	if w.World == nil && w.Beside == nil {
		w.brokenBefore(first)
	}
	w.oldStarts = slices.DeleteFunc(slices.Clone(w.oldStarts), func(p jobStart) bool { return !first.works["old "+p.key] })
	w.oldIns = slices.DeleteFunc(slices.Clone(w.oldIns), func(s signIn) bool { return !first.works["old "+s.key] })
	w.report.Before = len(w.oldStarts)
	return nil
}

// brokenBefore reports what should work before the change and does not.
func (w *watcher) brokenBefore(first moment) {
	for _, p := range w.oldStarts {
		if p.works && !first.works["old "+p.key] {
			w.report.Broken = append(w.report.Broken, fmt.Sprintf("%s: %s should work before the change, and do not, so that "+
				"nobody sees what the change does to them: %s", p.invoker, p.what, first.why["old "+p.key]))
		}
	}
	for _, s := range w.oldIns {
		if s.works && !first.works["old "+s.key] {
			w.report.Broken = append(w.report.Broken, fmt.Sprintf("%s: signing in by %s should work before the change, and "+
				"does not, so it is not known what the change does to it: %s", s.invoker, s.how, first.why["old "+s.key]))
		}
	}
}

// look tries everything at this moment.
func (w *watcher) look(after string) (moment, error) {
	m := moment{after, map[string]bool{}, map[string]string{}}
	w.answers = map[string]failure{}
	// Jobs of the new version can be tried before it is deployed, if their invoker is given by an ID or exists already.
	newStarts, newIns := w.startsOf(w.new, w.knownNow(), w.deployments), w.signInsOf(w.newProbe, w.knownNow())
	tokens := map[string]string{}
	try := func(age string, p jobStart) error {
		token, is := tokens[p.principal]
		if !is {
			var err error
			if token, err = w.calm.SignIn(w.ctx, p.principal, w.calm.Cloud().MachineLearning); err != nil {
				token, m.why[age+p.key] = "", "can't sign in: "+err.Error()
			}
			tokens[p.principal] = token
		}
		if token == "" {
			return nil
		}
		got, err := p.try(w.ctx, token)
		if err != nil {
			return err
		}
		m.works[age+p.key] = got.Hop == ""
		m.why[age+p.key] = fmt.Sprintf("%s: %s", did(failsAt(got.Hop)), got.Message)
		return nil
	}
	for _, p := range w.oldStarts {
		if err := try("old ", p); err != nil {
			return m, err
		}
	}
	if after != "" {
		for _, p := range newStarts {
			if err := try("new ", p); err != nil {
				return m, err
			}
		}
	}
	results := map[string]error{}
	for age, ins := range map[string][]signIn{"old ": w.oldIns, "new ": newIns} {
		for _, s := range ins {
			err, is := results[s.sends]
			if !is {
				err = s.try(w.ctx)
				results[s.sends] = err
			}
			m.works[age+s.key] = err == nil
			if err != nil {
				m.why[age+s.key] = err.Error()
			}
		}
	}
	return m, nil
}

// knownNow are the outputs after the change if there are any, else those before it: an invoker that stays keeps its
// IDs.
func (w *watcher) knownNow() deployed {
	if w.after.PrincipalIDs != nil {
		return w.after
	}
	d := w.before
	d.ClientSecrets = nil // new outputs are known only after they are made
	return d
}

// hooks are the functions that the sandbox calls at each write.
func (w *watcher) hooks() *azure.Watcher {
	return &azure.Watcher{
		Before: func(azure.Write) { w.fail(w.catchUp(w.now())) },
		After: func(write azure.Write) {
			w.writes = append(w.writes, write)
			m, err := w.look(w.label(write))
			w.fail(err)
			w.moments = append(w.moments, m)
		},
	}
}

func (w *watcher) fail(err error) {
	if w.failed == nil {
		w.failed = err
	}
}

func (*watcher) now() time.Time { return time.Now().UTC() }

// catchUp looks at each moment, up to a time, at which an earlier write takes effect by the weather: assignments, roles
// and groups after the propagation, and the groups of managed identities when their tokens have expired. Everything
// else is as it was after the last write.
func (w *watcher) catchUp(until time.Time) (err error) {
	for {
		at, write, lag := w.next()
		if lag == 0 || at.After(until) {
			return nil
		}
		w.azure.SeenAt(at, func() {
			var m moment
			m, err = w.look(fmt.Sprintf("%s, %s later", w.label(write), lag))
			w.moments = append(w.moments, m)
		})
		if err != nil {
			return err
		}
		w.seen[lag]++
	}
}

// next is the next time at which a write takes effect: which write, and its delay. lag is 0 if there is none.
func (w *watcher) next() (at time.Time, write azure.Write, lag time.Duration) {
	lags := []time.Duration{w.Weather.Propagation}
	if longer := w.Weather.IdentityTokens; longer > w.Weather.Propagation {
		lags = append(lags, longer)
	}
	for _, late := range lags {
		if late == 0 || w.seen[late] >= len(w.writes) {
			continue
		}
		one := w.writes[w.seen[late]]
		if then := one.Done.Add(late); lag == 0 || then.Before(at) {
			at, write, lag = then, one, late
		}
	}
	return at, write, lag
}

// end looks at the jobs that work after the change and after the user has done what it leaves to them, and compares all
// moments. By then everything has taken effect; new members of groups come last.
func (w *watcher) end(acls func() error, d deployed) error {
	// By then everything has taken effect, new members of groups last.
	settled := w.now().Add(2*max(w.Weather.Propagation, w.Weather.IdentityTokens) + time.Second)
	w.fail(w.catchUp(settled))
	if w.failed != nil {
		return w.failed
	}
	if acls == nil {
		w.compare(d) // a change that failed: the jobs that worked until then count
		return nil
	}
	if err := acls(); err != nil {
		return err
	}
	var last moment
	var err error
	w.azure.SeenAt(settled, func() {
		last, err = w.look("what the output aclCommands says")
	})
	if err != nil {
		return err
	}
	if len(w.new.plan.ACLs) == 0 && len(w.moments) > 1 {
		last.after = w.moments[len(w.moments)-1].after // nothing has happened since
	}
	w.moments = append(w.moments, last)
	w.compare(d)
	return nil
}
