package rehearsal

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// requestBody is the body that starts a job with one input ("" for none), as the service documents it (azure-facts.md,
// Invoking). The command sends requests with code of its own, so that a mistake there is not repeated here.
func requestBody(m access.Model, endpoint, input string) (map[string]any, error) {
	properties := map[string]any{}
	if input != "" {
		uri, err := inputURI(m, m.DataInputs[input])
		if err != nil {
			return nil, fmt.Errorf("dataInputs.%s: %w", input, err)
		}
		kind := "UriFolder"
		if m.DataInputs[input].Type == "file" {
			kind = "UriFile"
		}
		properties["InputData"] = map[string]any{input: map[string]any{"JobInputType": kind, "Uri": uri}}
	}
	outputs := map[string]any{}
	for _, name := range m.EffectiveEndpoints()[endpoint].Outputs {
		d := m.DataOutputs[name]
		outputs[name] = map[string]any{"JobOutputType": "UriFile", "Uri": storeURI(m.WorkspaceID.Text(), d.DataStore, d.Path)}
	}
	if len(outputs) > 0 {
		properties["OutputData"] = outputs
	}
	return map[string]any{"properties": properties}, nil
}

// inputURI is one of the three forms that a batch endpoint reads: a data store's ARM ID followed by a path, a data
// asset's ARM ID with its version, an https URL of Blob storage or Data Lake Storage Gen2.
func inputURI(m access.Model, d access.DataInput) (string, error) {
	switch d.Kind {
	case access.DataStore:
		return storeURI(m.WorkspaceID.Text(), d.DataStore, d.Path), nil
	case access.DataAsset:
		return m.WorkspaceID.Text() + "/data/" + d.DataAsset + "/versions/" + d.Version, nil
	case access.Blob, access.ADLSGen2:
		account := m.StorageAccounts[d.StorageAccount].Text()
		host := map[access.InputKind]string{access.Blob: "blob", access.ADLSGen2: "dfs"}[d.Kind]
		cloud, ok := azure.CloudNamed(m.Environment)
		if !ok {
			return "", fmt.Errorf("the sandbox does not know the cloud %q, nor its storage", m.Environment)
		}
		return fmt.Sprintf("https://%s.%s.%s/%s/%s", strings.ToLower(arm.Last(account)), host, cloud.Storage,
			d.Container, strings.TrimPrefix(d.Path, "/")), nil
	case access.Public:
		return d.URL, nil
	}
	return "", fmt.Errorf("the rehearsal can't write an input of kind %q down", d.Kind)
}

func storeURI(workspace, store, path string) string {
	return workspace + "/datastores/" + store + "/paths/" + strings.TrimPrefix(path, "/")
}

// The hops at which a job may end, besides those of package access.
const (
	requestHop   access.HopKind = "request"   // the endpoint can't read or run it: no matter of access
	undecidedHop access.HopKind = "undecided" // the sandbox does not model what decides it
)

// signatures find the hop in Azure's own error (facts/failures.md). Status 0 means a job that was started; an empty
// code matches any.
var signatures = []struct {
	status int
	code   string
	hop    access.HopKind
	phrase string // in the message; "" for any
}{
	{http.StatusUnauthorized, "", access.TokenHop, ""},
	{http.StatusForbidden, "AuthorizationFailed", access.InvokeHop, ""},
	{http.StatusForbidden, "DenyAssignmentAuthorizationFailed", access.InvokeHop, ""},
	{http.StatusNotImplemented, notModelled, undecidedHop, ""},
	{0, notModelled, undecidedHop, ""},
	{0, "ScriptExecution.StreamAccess.Authentication", access.MountHop, ""},
	// for an input or output the sandbox has codes of its own
	{0, "AuthorizationPermissionMismatch", access.StoresHop, ""},
	{0, "DataAccessError(PermissionDenied)", access.ReadHop, ""},
	{0, "ScriptExecution.WriteStreams.Authentication", access.WriteHop, ""},
	{0, "UserError", access.RegistryHop, "not allowed to access registry"},
	{0, "UserError", access.ImageHop, "failed to pull"},
}

// shownAt is the hop at which Azure shows that a path fails, "" for one that works. Azure has one error for an output
// that may not be written, whether the cluster or the job identity lacks the role (facts/failures.md).
func shownAt(p access.Path) access.HopKind {
	hop := p.FailsAt()
	if hop == nil {
		return ""
	}
	for i := range p.Hops[1:] { // the mount of an output comes right before its write
		if &p.Hops[i] == hop && hop.Kind == access.MountHop && p.Hops[i+1].Kind == access.WriteHop {
			return access.WriteHop
		}
	}
	return hop.Kind
}

// notModelled is the code by which the sandbox says that Azure's answer is not known.
const notModelled = "NotModelledBySandbox"

// serviceError is an error of Azure's services, or of a job.
type serviceError struct{ Code, Message string }

// failed finds the hop of an error, only by what Azure says.
func (e serviceError) failed(status int) failure {
	for _, s := range signatures {
		if s.status == status && (s.code == "" || s.code == e.Code) && strings.Contains(e.Message, s.phrase) {
			return failure{s.hop, e.Code + ": " + e.Message}
		}
	}
	return failure{requestHop, e.Code + ": " + e.Message}
}
