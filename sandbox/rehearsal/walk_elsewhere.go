package rehearsal

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// workspaceKeys asks for the key of the workspace's own storage account, and reads a blob there with it. A workspace
// always has such an account (https://learn.microsoft.com/azure/machine-learning/concept-workspace, Associated
// resources): if none is known, one is made.
func workspaceKeys(ctx context.Context, w *walker, at position, _ access.Hop, way access.Way) (position, error) {
	const container, blob = "walked", "walked.txt"
	id := w.r.Model.WorkspaceID.Text()
	workspace, err := w.r.Model.Workspace()
	if err != nil {
		return at, err
	}
	account, err := w.r.azure.WorkspaceAccount(id, workspace.Group()+"/providers/"+arm.StorageAccount+"/walkedworkspace",
		container)
	if err != nil {
		return at, err
	}
	var found struct{ UserStorageKey string }
	if err := w.ask(ctx, at.actor, http.MethodPost, id+"/listStorageAccountKeys", machineLearningVersion, nil,
		&found); err != nil {
		return at, fmt.Errorf("asking for the key of the workspace's storage account: %w", err)
	}
	content := []byte("the content of the workspace's storage account")
	if err := w.r.azure.PutBlob(account+"/blobServices/default/containers/"+container, blob, content); err != nil {
		return at, err
	}
	by := position{account: arm.Last(account), key: found.UserStorageKey}
	return by, w.read(ctx, by, located{account, arm.Last(account), container, blob}, content)
}

// pointElsewhere makes a data store name the actor's own storage, with its key, and has somebody else start a job that
// reads the store (facts/grants-access.md, Machine learning and neighbours): the job then reads the actor's data.
func pointElsewhere(ctx context.Context, w *walker, at position, _ access.Hop, way access.Way) (position, error) {
	endpoint, input := w.readsStore()
	if endpoint == "" {
		return at, errNotWalked("no endpoint reads a data store of the workspace")
	}
	workspace, err := w.r.Model.Workspace()
	if err != nil {
		return at, err
	}
	account := "/subscriptions/" + workspace.SubscriptionID + "/resourceGroups/elsewhere/providers/" + arm.StorageAccount +
		"/walkedelsewhere"
	if err := w.r.azure.Seed(azure.Seed{StorageAccounts: []azure.StorageAccount{{ID: account,
		Containers: []string{"walked"}}}}); err != nil {
		return at, err
	}
	own, err := w.r.azure.AccountKey(account)
	if err != nil {
		return at, err
	}
	d := w.r.Model.DataInputs[input]
	if err := w.ask(ctx, at.actor, http.MethodPut, w.r.Model.WorkspaceID.Text()+"/datastores/"+d.DataStore,
		machineLearningVersion, map[string]any{"properties": map[string]any{
			"datastoreType": "AzureBlob", "accountName": arm.Last(account), "containerName": "walked",
			"credentials": map[string]any{"credentialsType": "AccountKey", "secrets": map[string]any{
				"secretsType": "AccountKey", "key": own}},
		}}, nil); err != nil {
		return at, fmt.Errorf("pointing the data store %s elsewhere: %w", d.DataStore, err)
	}
	file := "walked.csv"
	if d.Type == "file" {
		file = ""
	}
	content := []byte("what " + way.Who[0] + " wrote")
	lies := strings.Trim(strings.Trim(d.Path, "/")+"/"+file, "/")
	if err := w.r.azure.PutBlob(account+"/blobServices/default/containers/walked", lies, content); err != nil {
		return at, err
	}
	job, got, err := w.startAsAnother(ctx, way, endpoint, "", input)
	switch {
	case err != nil:
		return at, err
	case job == "":
		return at, errNotWalked("nobody else starts a job on " + endpoint + ": " + got.Message)
	case got.Hop != "":
		return at, errNotWalked("the job on " + endpoint + " fails: " + got.Message)
	}
	w.waits = true
	if read, err := w.r.azure.ReadBy(job, input, file); err != nil || !bytes.Equal(read, content) {
		return at, fmt.Errorf("the job reads %q and not what was put there: %w", read, err)
	}
	return at, nil
}

// readsStore is an endpoint with one of its inputs that is in a data store of the workspace; both are "" if there is
// none.
func (w *walker) readsStore() (endpoint, input string) {
	endpoints := w.r.Model.EffectiveEndpoints()
	for _, endpoint := range slices.Sorted(maps.Keys(endpoints)) {
		for _, input := range slices.Sorted(slices.Values(endpoints[endpoint].Inputs)) {
			if d := w.r.Model.DataInputs[input]; d.Kind == access.DataStore && d.DataStore != "" {
				return endpoint, input
			}
		}
	}
	return "", ""
}

// startAsAnother has somebody other than the actor start a job. The job is "" if nobody can.
func (w *walker) startAsAnother(ctx context.Context, way access.Way, endpoint, deployment, input string) (
	job string, got failure, err error) {
	for _, other := range w.starters(endpoint) {
		if strings.EqualFold(other, w.principal(way.Who[0])) {
			continue
		}
		token, err := w.r.azure.SignIn(ctx, other, w.r.azure.Cloud().MachineLearning)
		if err != nil {
			return "", got, err
		}
		job, got, err = w.j.start(ctx, token, endpoint, deployment, input)
		if err != nil || job != "" && got.Hop == "" {
			return job, got, err
		}
	}
	return job, got, nil
}
