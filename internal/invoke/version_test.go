package invoke_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// facts/batch-endpoints.md, "Inputs and outputs": the command refuses what the service refuses.
func TestWhatBatchEndpointsDoNotReadIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"azureml:heart:latest":                                 "is a label",
		"azureml:heart:1@latest":                               "is a label",
		"azureml:heart@latest":                                 "label",
		fuzzWorkspace + "/data/heart/versions/latest":          "is a label",
		fuzzWorkspace + "/data/heart/versions/1@latest":        "is a label",
		"azureml://registries/r/data/heart/versions/1":         "of a registry",
		fuzzWorkspace + "/models/m/versions/1":                 "is a model",
		"azureml:" + fuzzWorkspace + "/models/m/versions/1":    "is a model",
		"azureml:" + fuzzWorkspace + "/data/h/versions/LATEST": "is a label",
	} {
		_, err := jobrequest.ExpandURI(text, fuzzWorkspace)
		assert.ErrorContains(t, err, says, text)
	}
	_, err := jobrequest.ExpandURI("azureml:latest-heart:2026.1", fuzzWorkspace)
	assert.NoError(t, err)
}
