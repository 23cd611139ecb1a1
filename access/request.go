package access

import (
	"fmt"
	"strings"
)

// A JobRequest is the body that starts a job: POST <scoring URI>/jobs.
type JobRequest struct {
	Properties JobProperties `json:"properties"`
}

// JobProperties hold what a job reads and writes, by the names that the deployment knows them by.
type JobProperties struct {
	InputData  map[string]JobData `json:"InputData,omitempty"`
	OutputData map[string]JobData `json:"OutputData,omitempty"`
}

// JobData is one input or output. The type is UriFolder or UriFile.
type JobData struct {
	JobInputType  string `json:"JobInputType,omitempty"`
	JobOutputType string `json:"JobOutputType,omitempty"`
	URI           string `json:"Uri"`
}

// Request returns the body that starts a job of the endpoint with one input ("" for none) and the endpoint's outputs.
// It needs the IDs of the workspace and the storage accounts.
func (m Model) Request(endpoint, input string) (JobRequest, error) {
	request := JobRequest{}
	if input != "" {
		uri, err := m.InputURI(input)
		if err != nil {
			return request, err
		}
		kind := "UriFolder"
		if m.DataInputs[input].Type == "file" {
			kind = "UriFile"
		}
		request.Properties.InputData = map[string]JobData{input: {JobInputType: kind, URI: uri}}
	}
	for _, output := range m.EffectiveEndpoints()[endpoint].Outputs {
		d := m.DataOutputs[output]
		if request.Properties.OutputData == nil {
			request.Properties.OutputData = map[string]JobData{}
		}
		request.Properties.OutputData[output] = JobData{JobOutputType: "UriFile", URI: m.storeURI(d.DataStore, d.Path)}
	}
	return request, nil
}

// InputURI returns what a job is told to read: an https URL, or the ARM ID of a data asset, or that of a data store with
// a path behind it.
func (m Model) InputURI(input string) (string, error) {
	d := m.DataInputs[input]
	switch d.Kind {
	case DataStore:
		return m.storeURI(d.DataStore, d.Path), nil
	case DataAsset:
		return m.WorkspaceID + "/data/" + d.DataAsset + "/versions/" + d.Version, nil
	}
	account, err := ParseARMID(m.StorageAccounts[d.StorageAccount], StorageAccountType)
	if err != nil {
		return "", fmt.Errorf("storageAccounts.%s: %w", d.StorageAccount, err)
	}
	host := "blob"
	if d.Kind == ADLSGen2 {
		host = "dfs"
	}
	return fmt.Sprintf("https://%s.%s.core.windows.net/%s/%s", account.Name, host, d.Container, strings.TrimPrefix(d.Path, "/")), nil
}

func (m Model) storeURI(store, path string) string {
	return m.WorkspaceID + "/datastores/" + store + "/paths/" + strings.TrimPrefix(path, "/")
}
