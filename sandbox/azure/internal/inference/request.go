package inference

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// request is the body of POST {scoring URI}, as Azure documents it.
type request struct {
	Properties *struct {
		InputData  map[string]data   `json:"InputData"`
		OutputData map[string]data   `json:"OutputData"`
		Properties map[string]string `json:"properties"`
	} `json:"properties"`
}

type data struct {
	JobInputType  string `json:"JobInputType,omitempty"`
	JobOutputType string `json:"JobOutputType,omitempty"`
	URI           string `json:"Uri,omitempty"`
	Value         any    `json:"Value,omitempty"`
	Mode          string `json:"Mode,omitempty"`
}

func invalid(property, format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ValidationError", "%s: %s", property, fmt.Sprintf(format, args...))
}

// newJob reads and checks the request for a job, and finds the deployment that runs it.
func newJob(st *state.State, endpoint *state.Resource, deploymentName string, body []byte) (*state.Job, error) {
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, invalid("body", "is not the JSON of a job: %v", err)
	}
	if req.Properties == nil {
		return nil, invalid("properties", "is required; put InputData in it")
	}
	if err := checkKeys(body); err != nil {
		return nil, err
	}
	job := &state.Job{
		Name: "batchjob-" + uuid.NewString(), Endpoint: endpoint.ID, Properties: req.Properties.Properties,
		Inputs: map[string]any{}, Outputs: map[string]any{},
	}
	for _, name := range slices.Sorted(maps.Keys(req.Properties.InputData)) {
		input := req.Properties.InputData[name]
		if err := checkInput("properties.InputData."+name, input); err != nil {
			return nil, err
		}
		job.Inputs[name] = map[string]any{"JobInputType": input.JobInputType, "Uri": input.URI}
		if input.JobInputType == "Literal" {
			job.Inputs[name] = map[string]any{"JobInputType": input.JobInputType, "Value": input.Value}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(req.Properties.OutputData)) {
		output := req.Properties.OutputData[name]
		if err := checkOutput(st, "properties.OutputData."+name, output); err != nil {
			return nil, err
		}
		job.Outputs[name] = map[string]any{"JobOutputType": output.JobOutputType, "Uri": output.URI}
	}
	return job, deploy(st, job, endpoint, deploymentName)
}

var componentName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// What a job may have, in any letter case: BatchJobResource, BatchJob, JobInput and JobOutputV2 of azure-ai-ml
// (azure-sdk-for-python 25953ce, _restclient/v2020_09_01_dataplanepreview). That the endpoint refuses other keys is
// inferred.
var (
	resourceKeys = []string{"id", "name", "type", "properties", "systemData"}
	jobKeys      = []string{
		"compute", "dataset", "description", "errorThreshold", "inputData", "interactionEndpoints", "loggingLevel",
		"maxConcurrencyPerInstance", "miniBatchSize", "name", "output", "outputData", "outputDataset", "outputFileName",
		"partitionKeys", "properties", "provisioningState", "retrySettings", "status", "tags",
	}
	// dataKeys are the keys of one input or output, and modes say how the job gets it. The first mode is the default;
	// for the others it is not known which identity does what (the same client, InputDeliveryMode, OutputDeliveryMode).
	dataKeys = map[string][]string{
		"inputdata":  {"jobInputType", "uri", "value", "mode", "description"},
		"outputdata": {"jobOutputType", "uri", "mode", "description"},
	}
	inputModes  = []string{"ReadOnlyMount", "ReadWriteMount", "Download", "Direct", "EvalMount", "EvalDownload"}
	outputModes = []string{"ReadWriteMount", "Upload"}
	// partKeys are the keys of the objects in a job, except objects whose keys the caller chooses. Other objects are
	// not known.
	partKeys = map[string][]string{
		"retrysettings": {"maxRetries", "timeout"},
		"compute":       {"instanceCount", "instanceType", "isLocal", "location", "properties", "target"},
		"output":        {"datastoreId", "path"},
	}
	// oldData are keys that name data in a way that Azure is about to give up.
	oldData = []string{"dataset", "outputDataset"}
	// What the values are, by the key in lower case, where the same client says more than that it is a text.
	jobKinds = map[string]kind{
		"compute": anObject, "description": aText, "errorthreshold": aNumber, "inputdata": anObject,
		"interactionendpoints": anObject, "logginglevel": aText, "maxconcurrencyperinstance": aNumber,
		"minibatchsize": aNumber, "name": aText, "output": anObject, "outputdata": anObject, "outputfilename": aText,
		"partitionkeys": aList, "properties": anObject, "provisioningstate": aText, "retrysettings": anObject,
		"status": aText, "tags": anObject,
	}
	partKinds = map[string]kind{
		"maxretries": aNumber, "timeout": aText, "instancecount": aNumber, "instancetype": aText, "islocal": aBoolean,
		"location": aText, "properties": anObject, "target": aText, "datastoreid": aText, "path": aText,
	}
)

// kind is what a value in a body is.
type kind string

const (
	aText    kind = "a text"
	aNumber  kind = "a whole number"
	aBoolean kind = "true or false"
	anObject kind = "an object"
	aList    kind = "a list of texts"
)

// checkKind refuses a value that is of another kind than its key has; null has any.
func checkKind(property string, value any, wanted kind) error {
	is := wanted
	switch v := value.(type) {
	case string:
		is = aText
	case float64:
		if is = aNumber; v != math.Trunc(v) {
			is = "a fraction"
		}
	case bool:
		is = aBoolean
	case map[string]any:
		is = anObject
	case []any:
		is = aList
		if slices.ContainsFunc(v, func(one any) bool { _, isText := one.(string); return !isText }) {
			is = "a list with more than texts in it"
		}
	}
	if wanted != "" && is != wanted {
		return invalid(property, "is %s, and must be %s", is, wanted)
	}
	return nil
}

// checkKeys refuses keys that a job can't have, and keys for data that the sandbox does not look at.
func checkKeys(body []byte) error {
	var sent map[string]any
	if err := json.Unmarshal(body, &sent); err != nil {
		return invalid("body", "is not the JSON of a job: %v", err)
	}
	unknown := func(at string, of any, known []string) error {
		object, _ := of.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if !hasFold(known, key) {
				return invalid(at+key, "is no key of a job")
			}
		}
		return nil
	}
	if err := unknown("", sent, resourceKeys); err != nil {
		return err
	}
	for key, properties := range sent {
		if !strings.EqualFold(key, "properties") {
			continue
		}
		if err := unknown("properties.", properties, jobKeys); err != nil {
			return err
		}
		job, _ := properties.(map[string]any)
		for key, value := range job {
			if err := checkKind("properties."+key, value, jobKinds[strings.ToLower(key)]); err != nil {
				return err
			}
			if tags, is := value.(map[string]any); is && strings.EqualFold(key, "tags") {
				for name, tag := range tags {
					if err := checkKind("properties."+key+"."+name, tag, aText); err != nil {
						return err
					}
				}
			}
			switch {
			case value != nil && hasFold(oldData, key):
				return wire.NotModelled("data that a job names in properties." + key)
			case partKeys[strings.ToLower(key)] != nil:
				if err := unknown("properties."+key+".", value, partKeys[strings.ToLower(key)]); err != nil {
					return err
				}
				part, _ := value.(map[string]any)
				for below, one := range part {
					if err := checkKind("properties."+key+"."+below, one, partKinds[strings.ToLower(below)]); err != nil {
						return err
					}
				}
			case dataKeys[strings.ToLower(key)] != nil:
				all, _ := value.(map[string]any)
				for name, one := range all {
					if err := unknown("properties."+key+"."+name+".", one, dataKeys[strings.ToLower(key)]); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func hasFold(all []string, one string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, one) })
}

// checkMode accepts only the default mode of an input or output.
func checkMode(property, mode string, modes []string) error {
	switch {
	case mode == "" || strings.EqualFold(mode, modes[0]):
		return nil
	case hasFold(modes, mode):
		return wire.NotModelled("data that comes to a job by " + mode)
	}
	return invalid(property+".Mode", "%q is none of %s", mode, strings.Join(modes, ", "))
}

func checkInput(property string, input data) error {
	if err := checkMode(property, input.Mode, inputModes); err != nil {
		return err
	}
	switch input.JobInputType {
	case "UriFolder", "UriFile":
		if input.Value != nil {
			return invalid(property+".Value", "is for JobInputType Literal alone")
		}
		return checkURI(property+".Uri", input.URI)
	case "Literal":
		switch input.Value.(type) {
		case string, bool, float64: // facts/batch-endpoints.md, Inputs and outputs
		default:
			return invalid(property+".Value", "is to be a text, a number or a boolean for JobInputType Literal")
		}
		if input.URI != "" {
			return invalid(property+".Uri", "is not for JobInputType Literal")
		}
		return nil
	case "MLTable", "mltable":
		return invalid(property+".JobInputType", "MLTable is not supported by batch endpoints; use UriFolder or UriFile")
	case "":
		return invalid(property+".JobInputType", "is required; use UriFolder, UriFile or Literal")
	}
	return invalid(property+".JobInputType", "%q is not supported; use UriFolder, UriFile or Literal", input.JobInputType)
}

// checkOutput accepts an output only in a Blob data store.
func checkOutput(st *state.State, property string, output data) error {
	switch output.JobOutputType {
	case "UriFolder", "UriFile":
	default:
		return invalid(property+".JobOutputType", "%q is not supported; use UriFolder or UriFile", output.JobOutputType)
	}
	if err := checkMode(property, output.Mode, outputModes); err != nil {
		return err
	}
	if err := checkURI(property+".Uri", output.URI); err != nil {
		return err
	}
	if strings.HasPrefix(output.URI, shortStore) {
		return wire.NotModelled("an output that begins with " + shortStore)
	}
	place, _ := locate(st, "", output.URI)
	if id, _ := splitPaths(output.URI); !armid.Parse(id).Is(typeDatastore) || place.datastoreType != "AzureBlob" {
		return invalid(property+".Uri", "%q is not in a Blob data store, to which all outputs go; write <data store "+
			"ID>/paths/<path>", output.URI)
	}
	return nil
}

// shortStore is the beginning of a path in a data store of the endpoint's workspace:
// azureml://datastores/<name>/paths/<path> (facts/batch-endpoints.md). azure-ai-ml also sends the long form, with the
// subscription; no document says what Azure does with it.
const shortStore = "azureml://datastores/"

// checkURL accepts only the URL of a container or of something in it. It refuses a signature, which would let in
// whoever has it: no document says what a batch endpoint does with one.
func checkURL(property, uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Hostname() == "":
		return invalid(property, "%q is no URL", uri)
	case u.User != nil, u.RawQuery != "" || u.ForceQuery, u.Fragment != "", u.Port() != "",
		strings.Contains(strings.ToLower(u.EscapedPath()), "%2f"):
		return wire.NotModelled("a URL with more in it than host and path")
	}
	return nil
}

// checkURI accepts the forms in Azure's documentation.
func checkURI(property, uri string) error {
	switch {
	case uri == "":
		return invalid(property, "is required")
	case slices.ContainsFunc(strings.Split(uri, "/"), func(s string) bool {
		plain, err := url.PathUnescape(s)
		return err != nil || plain == "." || plain == ".."
	}):
		return wire.NotModelled("a path with . or .. in it")
	case strings.HasPrefix(uri, "https://"):
		return checkURL(property, uri)
	case strings.HasPrefix(uri, shortStore):
		if name, path := splitPaths(strings.TrimPrefix(uri, shortStore)); name != "" && !strings.Contains(name, "/") &&
			path != "" {
			return nil
		}
		return invalid(property, "%q is not of the form %s<data store>/paths/<path>", uri, shortStore)
	case strings.HasPrefix(uri, "azureml://subscriptions/"):
		return wire.NotModelled("an input that begins with azureml://subscriptions/")
	}
	id, rest := splitPaths(uri)
	switch {
	case !strings.HasPrefix(strings.ToLower(uri), "/subscriptions/"):
	case armid.Parse(id).Is(typeDatastore) && rest != "":
		return nil
	case armid.Parse(id).Is(typeDataVersion) && rest == "":
		return nil
	}
	return invalid(property, "%q is none of an https URL, a data asset's ARM ID, and a path in a data store: "+
		"its ARM ID followed by /paths/<path>, or %s<name>/paths/<path>", uri, shortStore)
}

// deploy stores the deployment (the requested one, or the endpoint's default) and the cluster that it runs on.
func deploy(st *state.State, job *state.Job, endpoint *state.Resource, name string) error {
	asked := name != ""
	if !asked {
		defaults, _ := endpoint.Properties["defaults"].(map[string]any)
		name, _ = defaults["deploymentName"].(string)
	}
	deployment := st.Resources[armid.Key(endpoint.ID+"/deployments/"+name)]
	switch {
	case name == "":
		return wire.Errorf(http.StatusBadRequest, "ValidationError",
			"the endpoint has no default deployment; name one in the header azureml-model-deployment")
	case deployment == nil && asked:
		return wire.Errorf(http.StatusNotFound, "NotFound", "the endpoint has no deployment %q, which the header "+
			"azureml-model-deployment names", name)
	case deployment == nil:
		return wire.Errorf(http.StatusNotFound, "NotFound", "the endpoint's default deployment %q does not exist", name)
	}
	job.Deployment = name
	job.Compute, _ = deployment.Properties["compute"].(string)
	configuration, _ := deployment.Properties["codeConfiguration"].(map[string]any)
	job.Code, _ = configuration["codeId"].(string)
	return fits(deployment, job)
}

// fits refuses inputs and outputs that a deployment does not take (facts/batch-endpoints.md, Inputs and outputs): one
// of a pipeline component knows them by their names; one of a model has exactly one of each, whatever their names, and
// takes no literals. A deployment is one of a model unless it says otherwise (armmachinelearning 4.0.0,
// BatchDeploymentConfiguration). One that was seeded may also be of a pipeline component with parallel steps: its jobs
// are taken without an input, with a literal or with several outputs (Guesses).
func fits(deployment *state.Resource, job *state.Job) error {
	if pipeline(deployment) {
		for key, names := range map[string]map[string]any{"InputData": job.Inputs, "OutputData": job.Outputs} {
			for name := range names {
				if !componentName.MatchString(name) {
					return invalid("properties."+key+"."+name, "is no name of a pipeline component's input or output: use "+
						"letters, digits and underscores")
				}
			}
		}
		return nil
	}
	named := deployment.Properties["deploymentConfiguration"] != nil || !deployment.Seeded
	if len(job.Inputs) > 1 || named && len(job.Inputs) == 0 {
		return invalid("properties.InputData", "has %d inputs, and the deployment %s of a model takes one", len(job.Inputs),
			job.Deployment)
	}
	for name, input := range job.Inputs {
		if named && input.(map[string]any)["JobInputType"] == "Literal" {
			return invalid("properties.InputData."+name, "is a literal, which only deployments of pipeline components take")
		}
	}
	if named && len(job.Outputs) > 1 {
		return invalid("properties.OutputData", "has %d outputs, and the deployment %s of a model has one", len(job.Outputs),
			job.Deployment)
	}
	return nil
}
