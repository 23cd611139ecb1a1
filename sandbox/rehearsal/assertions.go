package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// The endpoint of a cluster that may mount every account: a job on it reads an input if and only if its invoker may.
const (
	mountingCluster  = "mounts-all"
	mountingEndpoint = "cluster-that-mounts-all"
)

// probeEndpoint is an endpoint on a cluster of the model, to find out what that cluster can mount.
func probeEndpoint(cluster string) string { return "probe-of-" + strings.ToLower(cluster) }

// assertions judges each assertion by observation: by jobs that were started, by more jobs that it starts, and by the
// roles that Resource Manager lists. It takes only the names of principals and data from the model.
func (r *rehearsal) assertions(ctx context.Context, j *jobs, report *Report, tokens map[string]string,
	d deployed) (err error) {
	if len(r.Model.Assertions) == 0 {
		return nil
	}
	r.Progress.Step("trying assertions")
	s := &observer{r: r, j: j, report: report, tokens: tokens, d: d}
	if s.owner, err = r.azure.SignIn(ctx, r.azure.Deployer().ObjectID, r.azure.Cloud().MachineLearning); err != nil {
		return err
	}
	undo, err := s.letMount(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Model.Assertions)) {
		a := r.Model.Assertions[name]
		var failed error
		v := access.Verdict{Name: name, Says: a.String()}
		v.Holds, v.Because = r.plan.Judge(a, func(p access.Principal) (string, bool) {
			how, able, err := s.saw(ctx, a, p)
			if err != nil {
				failed = err
			}
			return how, able
		})
		if failed != nil {
			return fmt.Errorf("trying assertions.%s: %w", name, failed)
		}
		report.Assertions = append(report.Assertions, v)
	}
	return undo()
}

// observer observes what a principal can do.
type observer struct {
	r      *rehearsal
	j      *jobs
	report *Report
	tokens map[string]string
	owner  string // the sandbox owner's token, for jobs that ask about a cluster and not about an invoker
	d      deployed
}

func (s *observer) saw(ctx context.Context, a access.Assertion, p access.Principal) (how string, able bool, err error) {
	switch {
	case a.Do != "":
		return s.does(ctx, p, a.Do)
	case p.IsCluster():
		return s.mounts(ctx, p, a.Read)
	case a.Start != "" || a.Can != nil:
		how, able = s.didWork(a, p.Name)
		return how, able, nil
	default:
		return s.reads(ctx, p, a.Read)
	}
}

// didWork looks at the jobs that the invoker has started. For Can they must have completed; otherwise the endpoint must
// have refused them all.
func (s *observer) didWork(a access.Assertion, invoker string) (how string, able bool) {
	refused := []string{failsAt(access.TokenHop), failsAt(access.InvokeHop)}
	how = "none of its jobs worked"
	for _, o := range s.report.Outcomes {
		endpoint, _, _ := strings.Cut(o.Endpoint, "/") // a target is endpoint/deployment
		if o.Control || o.Invoker != invoker || a.Start != "" && endpoint != a.Start || a.Read != "" && o.Input != a.Read {
			continue
		}
		what := fmt.Sprintf("the job on %s with %s %s", o.Endpoint, dash(o.Input), did(o.Got))
		switch {
		case a.Can == nil && !slices.Contains(refused, o.Got), a.Can != nil && a.Read != "" && o.Got == works:
			return what, true
		case a.Can != nil && a.Start != "" && o.Got != works:
			return what + ": " + o.Detail, false
		}
		how, able = what, a.Can != nil && o.Got == works
	}
	return how, able
}

// reads starts a job on the cluster that may mount every account, and looks at the assigned roles, because a role may
// reach further than the input.
func (s *observer) reads(ctx context.Context, p access.Principal, input string) (how string, able bool, err error) {
	token, ok := s.tokens[p.Name]
	if !ok {
		return "can't sign in", false, nil
	}
	got, err := s.start(ctx, token, mountingEndpoint, input)
	if err != nil {
		return "", false, err
	}
	if got.Hop == "" {
		return "a job on a cluster that may mount everything read " + input, true, nil
	}
	return s.holdsReader(ctx, p, input)
}

// mounts starts a job on the cluster, as the sandbox's owner. If the store's own credential reads, such a job proves
// nothing.
func (s *observer) mounts(ctx context.Context, p access.Principal, input string) (how string, able bool, err error) {
	if s.r.Model.DataInputs[input].Mechanism() != access.ByStoreCredential {
		got, err := s.start(ctx, s.owner, probeEndpoint(p.Name), input)
		if err != nil {
			return "", false, err
		}
		if got.Hop != access.MountHop && got.Hop != access.StoresHop {
			return "a job on the cluster mounted " + input, true, nil
		}
	}
	return s.holdsReader(ctx, p, input)
}

func (s *observer) mountingID() string {
	return s.r.Model.WorkspaceID.Text() + "/batchEndpoints/" + endpointName(s.r.Model, mountingEndpoint)
}

func (s *observer) start(ctx context.Context, token, endpoint, input string) (failure, error) {
	return s.j.run(ctx, token, endpoint, "", input)
}

func (s *observer) holdsReader(ctx context.Context, p access.Principal, input string) (
	how string, able bool, err error,
) {
	in := s.r.Model.DataInputs[input]
	if in.StorageAccount == "" {
		return "read nothing of " + input, false, nil
	}
	held, err := s.assigned(ctx, p, arm.Container(s.r.Model.StorageAccounts[in.StorageAccount].Text(), in.Container))
	for _, h := range held {
		if h.DataAction(roles.ReadBlobs).Allowed {
			return "is assigned a role that reads blobs at " + h.scope, true, err
		}
	}
	return "read nothing of " + input, false, err
}

// does evaluates the roles that are assigned at, above and below the workspace and the storage accounts.
func (s *observer) does(ctx context.Context, p access.Principal, do string) (how string, able bool, err error) {
	workspace := s.r.Model.WorkspaceID.Text()
	for _, scope := range append(accounts(s.r.Model), workspace) {
		held, err := s.assigned(ctx, p, scope)
		if err != nil {
			return "", false, err
		}
		for _, h := range held {
			inWorkspace := strings.HasPrefix(strings.ToLower(h.scope), strings.ToLower(workspace))
			for _, action := range roles.ActionsOf(do) {
				if h.Allows(action) && (!inWorkspace || roles.ActsAtWorkspace(action.Name)) {
					return "is assigned a role that has " + action.Name + " at " + h.scope, true, nil
				}
			}
		}
	}
	return "is assigned no role that does", false, nil
}

// A holding is a role that a principal has, with the scope of the assignment.
type holding struct {
	roles.Permissions
	scope string
}

// assigned asks Resource Manager for the roles that a principal has at, above and below a scope, also through groups.
func (s *observer) assigned(ctx context.Context, p access.Principal, scope string) (held []holding, err error) {
	id := s.d.PrincipalIDs[p.Name]
	if p.IsCluster() {
		id = s.d.ClusterPrincipalIDs[p.Name]
	}
	next := s.r.azure.URL() + scope + "/providers/Microsoft.Authorization/roleAssignments?" +
		url.Values{"api-version": {authorizationVersion}, "$filter": {"assignedTo('" + id + "')"}}.Encode()
	for next != "" {
		var page struct {
			Value []struct {
				Properties struct{ Scope, RoleDefinitionID string }
			}
			NextLink string
		}
		if err := s.r.manage(ctx, http.MethodGet, next, nil, &page); err != nil {
			return nil, err
		}
		for _, a := range page.Value {
			if strings.EqualFold(a.Properties.Scope, s.mountingID()) {
				continue // letMount made it
			}
			var role struct {
				Properties struct{ Permissions roles.Permissions }
			}
			if err := s.r.manage(ctx, http.MethodGet,
				s.r.azure.URL()+a.Properties.RoleDefinitionID+"?api-version="+authorizationVersion, nil, &role); err != nil {
				return nil, err
			}
			held = append(held, holding{role.Properties.Permissions, a.Properties.Scope})
		}
		next = page.NextLink
	}
	return held, nil
}

// accounts are the ARM IDs of the model's storage accounts, sorted.
func accounts(m access.Model) (ids []string) {
	for _, id := range m.StorageAccounts {
		ids = append(ids, id.Text())
	}
	slices.Sort(ids)
	return ids
}

// letMount makes the cluster that may mount every account, and lets invokers that are limited to endpoints start jobs
// on it. It returns a function that undoes both.
func (s *observer) letMount(ctx context.Context) (undo func() error, err error) {
	var paths []string
	assign := func(scope, role, principal string) error {
		definition, _ := roles.BuiltIn(role)
		path := s.r.azure.URL() + scope + "/providers/Microsoft.Authorization/roleAssignments/" +
			made(mountingCluster, scope, principal, role) + "?api-version=" + authorizationVersion
		paths = append(paths, path)
		return s.r.manage(ctx, http.MethodPut, path, map[string]any{"properties": map[string]any{
			"principalId": principal, "roleDefinitionId": roles.DefinitionID(definition.ID),
		}}, nil)
	}
	cluster := made("cluster", s.r.Model.WorkspaceID.Text(), mountingCluster)
	for _, account := range accounts(s.r.Model) {
		if err := assign(account, roles.StorageBlobDataReader, cluster); err != nil {
			return nil, err
		}
	}
	if s.r.Model.Role.ByEndpoint() {
		for _, name := range slices.Sorted(maps.Keys(s.tokens)) {
			if err := assign(s.mountingID(), roles.AzureMLDataScientist, s.d.PrincipalIDs[name]); err != nil {
				return nil, err
			}
		}
	}
	if s.r.storesByIdentity() { // roles for that cluster, and for the owner
		own := s.r.Model.StorageAccounts[s.r.Model.Services.StorageAccount].Text()
		for _, role := range append(roles.OfStores(), roles.StorageBlobDataContributor) {
			for _, principal := range []string{cluster, s.r.azure.Deployer().ObjectID} {
				if err := assign(own, role, principal); err != nil {
					return nil, err
				}
			}
		}
	}
	return func() error {
		for _, path := range paths {
			if err := s.r.manage(ctx, http.MethodDelete, path, nil, nil); err != nil {
				return err
			}
		}
		return nil
	}, s.r.settle()
}

const authorizationVersion = "2022-04-01"

// manage calls Resource Manager as the sandbox's owner.
func (r *rehearsal) manage(ctx context.Context, method, at string, body, into any) error {
	return manage(ctx, r.azure, method, at, body, into)
}

func manage(ctx context.Context, a *azure.Azure, method, at string, body, into any) error {
	return manageAs(ctx, a, a.Deployer().ObjectID, method, at, body, into)
}

// A refusal is an error in Resource Manager's answer.
type refusal struct {
	call, text string // method and path; the status and the body
}

func (r refusal) Error() string { return r.call + ": " + r.text }

// manageAs calls Resource Manager as a principal. An error in Azure's answer is returned as a refusal.
func manageAs(ctx context.Context, a *azure.Azure, principal, method, at string, body, into any) error {
	token, err := a.SignIn(ctx, principal, a.URL())
	if err != nil {
		return err
	}
	return manageBy(ctx, a, token, method, at, body, into)
}

// manageBy calls Resource Manager with a token.
func manageBy(ctx context.Context, a *azure.Azure, token, method, at string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := send(a, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading what Resource Manager answers: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return refusal{method + " " + req.URL.Path, fmt.Sprintf("HTTP %d: %s", resp.StatusCode, answer)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
