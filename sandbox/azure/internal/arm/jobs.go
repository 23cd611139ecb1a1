package arm

import (
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const typeJob = typeWorkspace + "/jobs"

// getJob answers with a batch endpoint's job as the workspace lists it: as the job of a pipeline (field names:
// Azure/azure-rest-api-specs, Microsoft.MachineLearningServices 2024-10-01, Job/PipelineJob/get). It needs the action
// workspaces/jobs/read (facts/batch-endpoints.md), and does not say why a job failed.
func getJob(c *call) (wire.Reply, error) {
	job := c.st.Jobs[c.id.Name()]
	if job == nil || armid.Key(armid.Parse(job.Endpoint).Parent()) != armid.Key(c.id.Parent()) {
		return wire.Reply{}, c.absent(c.id)
	}
	status := "Completed"
	if job.Failure != nil {
		status = "Failed"
	}
	properties := map[string]any{
		"jobType": "Pipeline", "status": status, "displayName": job.Name, "computeId": job.Compute,
		"experimentName": experiment(job), "settings": map[string]any{}, "properties": job.Properties,
		"tags":   map[string]string{},
		"inputs": bound(job.Inputs, "Input"), "outputs": bound(job.Outputs, "Output"),
	}
	return wire.OK(map[string]any{
		"id": c.id.String(), "name": job.Name, "type": typeJob, "properties": properties,
		"systemData": map[string]any{"createdAt": stamp(job.CreatedAt), "createdBy": job.InvokerID},
	}), nil
}

// experiment is the experiment in the request, or else the endpoint's name.
func experiment(job *state.Job) string {
	if name := job.Properties["experimentName"]; name != "" {
		return name
	}
	return armid.Parse(job.Endpoint).Name()
}

// bound writes the inputs or outputs of an invocation as those of a job: keys begin with a small letter, and kinds are
// uri_folder, uri_file and literal.
func bound(list map[string]any, what string) map[string]any {
	kinds := map[string]string{"UriFolder": "uri_folder", "UriFile": "uri_file", "Literal": "literal"}
	all := map[string]any{}
	for name, item := range list {
		entry, _ := item.(map[string]any)
		kind, _ := entry["Job"+what+"Type"].(string)
		rendered := map[string]any{"job" + what + "Type": kinds[kind]}
		for _, key := range []string{"Uri", "Value"} {
			if value, ok := entry[key]; ok {
				rendered[strings.ToLower(key)] = value
			}
		}
		all[name] = rendered
	}
	return all
}
