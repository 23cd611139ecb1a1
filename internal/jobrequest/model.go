package jobrequest

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// Of returns the request that starts a job of a model's endpoint with one input ("" for none) and the endpoint's
// outputs. It needs the IDs of the workspace and the storage accounts.
func Of(m access.Model, endpoint, input string) (Request, error) {
	p := Properties{OutputData: OutputsOf(m, endpoint)}
	if input != "" {
		in, err := InputOf(m, input)
		if err != nil {
			return Request{}, err
		}
		p.InputData = map[string]Input{input: in}
	}
	return Request{Properties: p}, nil
}

// InputOf returns a data input of the model as a job's input: an https URL, the ARM ID of a data asset, or the ARM ID
// of a data store followed by a path.
func InputOf(m access.Model, name string) (Input, error) {
	d := m.DataInputs[name]
	in := Input{JobInputType: URIFolder}
	if d.Type == "file" {
		in.JobInputType = URIFile
	}
	switch d.Kind {
	case access.DataStore:
		in.URI = storeURI(m, d.DataStore, d.Path)
		return in, nil
	case access.DataAsset:
		in.URI = m.WorkspaceID.Text() + "/data/" + d.DataAsset + "/versions/" + d.Version
		return in, nil
	case access.Public:
		in.URI = d.URL
		return in, nil
	}
	account, err := arm.Parse(m.StorageAccounts[d.StorageAccount].Text(), arm.StorageAccount)
	if err != nil {
		return in, fmt.Errorf("storageAccounts.%s: %w", d.StorageAccount, err)
	}
	host := "blob"
	if d.Kind == access.ADLSGen2 {
		host = "dfs"
	}
	row, _ := cloud.ByEnvironment(m.Environment)
	in.URI = fmt.Sprintf("https://%s.%s.%s/%s/%s", account.Name, host, row.Storage, d.Container,
		strings.TrimPrefix(d.Path, "/"))
	return in, nil
}

// OutputsOf returns what jobs of a model's endpoint write, each to its own file.
func OutputsOf(m access.Model, endpoint string) map[string]Output {
	outputs := map[string]Output{}
	for _, name := range m.EffectiveEndpoints()[endpoint].Outputs {
		d := m.DataOutputs[name]
		outputs[name] = Output{JobOutputType: URIFile, URI: storeURI(m, d.DataStore, d.Path)}
	}
	return outputs
}

func storeURI(m access.Model, store, path string) string {
	return m.WorkspaceID.Text() + "/datastores/" + store + "/paths/" + strings.TrimPrefix(path, "/")
}
