package verify

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

const (
	readEndpoints = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/read"
	readStores    = "Microsoft.MachineLearningServices/workspaces/datastores/read"
)

// workspace records where the workspace differs from the model. Whoever holds the 35 actions may move an endpoint to
// another cluster, or a data store to another place, and then the grants do not fit any more.
func (o *Observer) workspace(ctx context.Context, m access.Model, f *Facts) {
	for _, name := range slices.Sorted(maps.Keys(m.Endpoints)) { // default endpoints do not exist in Azure
		o.endpoint(ctx, m, name, f)
	}
	stores := map[string]store{}
	for _, in := range inStores(m) {
		s, asked := stores[in.store]
		if !asked {
			var err error
			id := m.WorkspaceID.Text() + "/datastores/" + url.PathEscape(in.store)
			s.there, err = o.get(ctx, id, azure.WorkspaceVersion, "asking for the data store "+in.store, readStores, &s)
			s.why = f.unanswered(err)
			stores[in.store] = s
		}
		if s.why != "" {
			put(f.Doubts, in.path, s.why)
			continue
		}
		if s.there {
			f.Stores[strings.ToLower(in.store)] = s.DataStore
		}
		if why := in.fault(m, s); why != "" {
			f.Faults[in.path] = why
		}
		if s.there && s.credential() && !in.credential {
			f.Notes = append(f.Notes, fmt.Sprintf("data store %s holds a credential now, by which all who start jobs reach "+
				"it, whatever they are granted: %s.credentialInStore says false; correct it and run pulumi up", in.store, in.path))
		}
	}
	o.storage(ctx, m, uses(m, stores), f)
}

// endpoint asks on which compute clusters the jobs of an endpoint run.
func (o *Observer) endpoint(ctx context.Context, m access.Model, name string, f *Facts) {
	e, id := m.Endpoints[name], m.WorkspaceID.Text()+"/batchEndpoints/"+url.PathEscape(name)
	for _, deployment := range slices.Sorted(maps.Keys(e.Deployments)) {
		at := access.Path{Endpoint: name, Deployment: deployment}.Target()
		o.deployment(ctx, m, at, id, name, deployment, e.Deployments[deployment].Cluster, f)
	}
	if len(e.Deployments) > 0 {
		return
	}
	deployment := e.Deployment
	if deployment == "" {
		var answer struct {
			Properties struct {
				Defaults struct {
					DeploymentName string `json:"deploymentName"`
				} `json:"defaults"`
			} `json:"properties"`
		}
		there, err := o.get(ctx, id, azure.WorkspaceVersion, "asking for the batch endpoint "+name, readEndpoints, &answer)
		deployment = answer.Properties.Defaults.DeploymentName
		switch why := f.unanswered(err); {
		case why != "":
			put(f.Doubts, "endpoints."+name, why)
			return
		case !there:
			put(f.Faults, "endpoints."+name,
				"the workspace has no batch endpoint "+name+", so nobody can start its jobs; make it, or "+
					"correct endpoints")
			return
		case deployment == "":
			put(f.Faults, "endpoints."+name,
				"the batch endpoint "+name+" has no default deployment, so nobody can start its jobs; set "+
					"one, or name one in endpoints."+name+".deployment")
			return
		}
	}
	o.deployment(ctx, m, name, id, name, deployment, e.Cluster, f)
}

// deployment asks on which compute cluster a deployment runs, and which shared registries have its model and
// environment; target is the target of its paths.
func (o *Observer) deployment(ctx context.Context, m access.Model, target, endpointID, endpoint, deployment,
	cluster string, f *Facts) {
	var answer struct {
		Properties struct {
			Compute string `json:"compute"`
			assets
			Configuration struct {
				Type string `json:"deploymentConfigurationType"`
			} `json:"deploymentConfiguration"`
		} `json:"properties"`
	}
	there, err := o.get(ctx, endpointID+"/deployments/"+url.PathEscape(deployment), azure.ServicesVersion,
		"asking for the batch endpoint "+endpoint, readEndpoints, &answer)
	if why := f.unanswered(err); why != "" {
		put(f.Doubts, "endpoints."+target, why)
		return
	}
	if !there {
		put(f.Faults, "endpoints."+target, "the batch endpoint "+endpoint+" has no deployment "+deployment+
			", so nobody can start its jobs; make it, or correct endpoints."+endpoint)
		return
	}
	compute := arm.Last(answer.Properties.Compute)
	if name := m.Clusters[cluster].NameOr(cluster); compute != "" && !strings.EqualFold(compute, name) {
		f.Faults["endpoints."+target] = fmt.Sprintf("%s: its jobs run on compute cluster %s now, and the stack grants to "+
			"%s; correct endpoints.%s.cluster and run pulumi up", access.MountHop, compute, name, target)
	}
	f.parallelRuns(m, endpoint, deployment, target, strings.EqualFold(answer.Properties.Configuration.Type, pipeline))
	f.registries(m, endpoint, deployment, target, answer.Properties.assets)
}

// An inStore is an input or output in a data store, by the model.
type inStore struct {
	path, store        string
	hop                access.HopKind
	credential         bool
	account, container string // the account is a name in the model
}

func inStores(m access.Model) (all []inStore) {
	holds := func(p *bool) bool { return p != nil && *p }
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		if d := m.DataInputs[name]; d.InWorkspace() && d.DataStore != "" {
			all = append(all, inStore{"dataInputs." + name, d.DataStore, access.ReadHop, holds(d.CredentialInStore),
				d.StorageAccount, d.Container})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataOutputs)) {
		d := m.DataOutputs[name]
		all = append(all, inStore{"dataOutputs." + name, d.DataStore, access.WriteHop, holds(d.CredentialInStore),
			d.StorageAccount, d.Container})
	}
	return all
}

// A store is the workspace's answer about a data store.
type store struct {
	azure.DataStore
	there bool
	why   string // why it is not known
}

// credential reports whether it holds a credential.
func (s store) credential() bool {
	return s.Properties.Credentials.Type != "" && s.Properties.Credentials.Type != "None"
}

// fault says why jobs can't reach the data by what the model grants; "" if they can, as far as that is known.
func (in inStore) fault(m access.Model, s store) string {
	says := func(what, key string) string {
		return fmt.Sprintf("%s: data store %s %s; correct %s.%s and run pulumi up", in.hop, in.store, what, in.path, key)
	}
	at := s.Properties
	container := s.Container()
	account := arm.Last(m.StorageAccounts[in.account].Text())
	switch {
	case !s.there:
		return says("is gone", "dataStore")
	case in.credential && at.Credentials.Type == "None":
		return says("holds no credential any more, so identities read and write, and the stack grants them nothing",
			"credentialInStore")
	case in.credential || s.credential():
		return ""
	case at.Account != "" && !strings.EqualFold(at.Account, account):
		return says("points to the storage account "+at.Account+" now, and the stack grants on "+account,
			"storageAccount")
	case in.container != "" && container != "" && !strings.EqualFold(container, in.container):
		return says("points to the container "+container+" now, and the stack grants on "+in.container, "container")
	}
	return ""
}

// reason returns the first reason for a path's endpoint, input and outputs; "" if there is none.
func (h *holdings) reason(p access.Path, reasons map[string]string) string {
	paths := []string{"endpoints." + p.Target(), "dataInputs." + p.Input}
	for _, output := range h.m.EffectiveEndpoints()[p.Endpoint].Outputs {
		paths = append(paths, "dataOutputs."+output)
	}
	for _, path := range append(paths, atWorkspace) {
		if why := reasons[path]; why != "" {
			return why
		}
	}
	return ""
}
