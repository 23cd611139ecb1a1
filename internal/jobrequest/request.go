// Package jobrequest is about the body that starts a job: it is read, made from a model, completed, and written as a
// command. The package does no I/O of its own.
package jobrequest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// A Request is the body that starts a job, as Azure documents it.
type Request struct {
	Properties Properties `json:"properties"`
}

// Properties are what the job reads and writes, by the deployment's names. Properties.Properties has experimentName,
// only for deployments of pipeline components.
type Properties struct {
	InputData  map[string]Input  `json:"InputData,omitempty"`
	OutputData map[string]Output `json:"OutputData,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// The types of inputs and outputs. Azure takes no MLTable here.
const (
	URIFolder = "UriFolder"
	URIFile   = "UriFile"
	Literal   = "Literal" // only for deployments of pipeline components
)

// An Input is a folder or file by URI, or a literal by value.
type Input struct {
	JobInputType string `json:"JobInputType"`
	URI          string `json:"Uri,omitempty"`
	Value        any    `json:"Value,omitempty"`
}

// An Output is a folder or file in a Blob data store.
type Output struct {
	JobOutputType string `json:"JobOutputType"`
	URI           string `json:"Uri"`
}

// Read reads a request as JSON. An unknown key is an error.
func Read(r io.Reader) (Request, error) {
	var request Request
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return request, fmt.Errorf(`reading the request: %w (expected {"properties": {"InputData": {"<name>": `+
			`{"JobInputType": "UriFolder", "Uri": "https://…"}}}})`, err)
	}
	if decoder.More() {
		return request, errors.New("reading the request: more than one JSON value; start one job at a time")
	}
	return request, nil
}

// Complete changes the URIs to the form that endpoints take, and returns what is wrong with the request. workspaceID is
// the ARM ID of the workspace for short forms, "" if it is not known.
func (r Request) Complete(workspaceID string) error {
	for name, input := range r.Properties.InputData {
		where := "input " + name
		switch input.JobInputType {
		case URIFolder, URIFile:
			uri, err := ExpandURI(input.URI, workspaceID)
			if err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			input.URI = uri
			r.Properties.InputData[name] = input
		case Literal:
			if input.Value == nil {
				return fmt.Errorf("%s: a literal needs a Value", where)
			}
		default:
			return fmt.Errorf("%s: JobInputType %q is not one that batch endpoints take; use UriFolder, UriFile or Literal",
				where, input.JobInputType)
		}
	}
	for name, output := range r.Properties.OutputData {
		where := "output " + name
		if output.JobOutputType != URIFolder && output.JobOutputType != URIFile {
			return fmt.Errorf("%s: JobOutputType %q is not one that batch endpoints take; use UriFolder or UriFile", where,
				output.JobOutputType)
		}
		uri, err := ExpandURI(output.URI, workspaceID)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if !strings.Contains(strings.ToLower(uri), "/datastores/") {
			return fmt.Errorf("%s: outputs go to Blob data stores only; write azureml://datastores/<name>/paths/<path>", where)
		}
		output.URI = uri
		r.Properties.OutputData[name] = output
	}
	return nil
}

var (
	shortAsset = regexp.MustCompile(`^azureml:([^:/@]+):([^:/]+)$`)
	shortStore = regexp.MustCompile(`^azureml://datastores/([^/]+)/paths/(.+)$`)
	longStore  = regexp.MustCompile(`(?i)^azureml://subscriptions/([^/]+)/resourcegroups/([^/]+)(?:/providers/` +
		`Microsoft\.MachineLearningServices)?/workspaces/([^/]+)/datastores/([^/]+)/paths/(.+)$`)
	assetID = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/` +
		`Microsoft\.MachineLearningServices/workspaces/[^/]+/data/[^/]+/versions/[^/]+$`)
	storeID = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/` +
		`Microsoft\.MachineLearningServices/workspaces/[^/]+/datastores/[^/]+/paths/.+$`)
)

// anyAsset matches the version in a name of a data asset.
var anyAsset = regexp.MustCompile(`(?i)^(?:azureml:[^:/@]+:|/subscriptions/.*/data/[^/]+/versions/)(.+)$`)

var errForms = errors.New("write an https URL, azureml:<data asset>:<version>, azureml://datastores/<data " +
	"store>/paths/<path>, or the ARM ID of a data asset's version or of a data store with /paths/<path> after it")

// ExpandURI changes what people write to what endpoints take: an https URL, the ARM ID of a data asset, or that of a
// data store with a path. Short forms need the workspace that they belong to.
func ExpandURI(text, workspaceID string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "azureml:/subscriptions/") {
		text = strings.TrimPrefix(text, "azureml:")
	}
	short := func(below string) (string, error) {
		if workspaceID == "" {
			return "", fmt.Errorf("%q is of a workspace that is not named; give it with --workspace or --stack, or write the "+
				"ARM ID", text)
		}
		return strings.TrimRight(workspaceID, "/") + below, nil
	}
	if m := anyAsset.FindStringSubmatch(text); m != nil {
		if p, wrong := arm.CheckAssetVersion(m[1]); wrong {
			return "", fmt.Errorf("%q: %w", text, p)
		}
	}
	if m := shortAsset.FindStringSubmatch(text); m != nil {
		return short("/data/" + m[1] + "/versions/" + m[2])
	}
	if m := shortStore.FindStringSubmatch(text); m != nil {
		return short("/datastores/" + m[1] + "/paths/" + m[2])
	}
	if m := longStore.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s/datastores/%s/paths/%s", m[1], m[2],
			arm.Workspace, m[3], m[4], m[5]), nil
	}
	switch {
	case assetID.MatchString(text), storeID.MatchString(text):
		return text, nil
	case strings.HasPrefix(text, "https://"):
		return text, checkURL(text)
	case strings.HasPrefix(text, "azureml://registries/"):
		return "", fmt.Errorf("%q is of a registry, which batch endpoints take no inputs from; make a data asset of "+
			"the workspace of it", text)
	case strings.Contains(strings.ToLower(text), "/models/"):
		return "", fmt.Errorf("%q is a model, and inputs are data: the deployment names its model", text)
	case strings.HasPrefix(text, "azureml:") && strings.Contains(text, "@"):
		return "", fmt.Errorf("%q names a label; name the version: azureml:<data asset>:<version>", text)
	case strings.HasPrefix(text, "wasbs://"), strings.HasPrefix(text, "abfss://"):
		return "", fmt.Errorf("%q: batch endpoints take https URLs: "+
			"https://<account>.blob.core.windows.net/<container>/<path>, or dfs for blob with Data Lake Gen2", text)
	}
	return "", fmt.Errorf("%q can't be read; %w", text, errForms)
}

// checkURL refuses a URL that says more than where data is. What may be a secret is not repeated.
func checkURL(text string) error {
	p, wrong := arm.CheckDataURL(text)
	if !wrong {
		return nil
	}
	of := "the URL"
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		of += " on " + u.Host
	}
	return fmt.Errorf("%s %w", of, p)
}

// DeploymentHeader selects a deployment; without it the endpoint's default runs (Azure).
const DeploymentHeader = "azureml-model-deployment"

// GetToken is the article's command for a token for batch endpoints, with the audience of the cloud.
func GetToken(audience string) string {
	return "az account get-access-token --resource " + audience + " --query accessToken --output tsv"
}

// Curl returns the command that starts the job. It reads the token from the variable TOKEN. If Azure refuses, it fails
// and prints why, so that a pipeline fails too.
func (r Request) Curl(uri, deployment string) (string, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return "", fmt.Errorf("writing the request: %w", err)
	}
	lines := []string{"curl --fail-with-body --request POST " + Quote(uri), `--header "Authorization: Bearer $TOKEN"`,
		"--header 'Content-Type: application/json'"}
	if deployment != "" {
		lines = append(lines, "--header "+Quote(DeploymentHeader+": "+deployment))
	}
	lines = append(lines, "--data "+Quote(strings.TrimSpace(body.String())))
	return strings.Join(lines, " \\\n  "), nil
}

// Token is the line that puts a token for the endpoint into the variable TOKEN. It is for the cloud of the address; for
// the audience, if the address is in no known cloud.
func Token(uri, audience string) string {
	if row, ok := cloud.ByScoringURI(uri); ok {
		audience = row.MLAudience
	}
	return "TOKEN=$(" + GetToken(audience) + ")"
}

// Quote makes one word for a POSIX shell, which takes everything between single quotes as it is, except single quotes.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
