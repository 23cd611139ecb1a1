package arm

import (
	"net/http"
	"regexp"
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const typeDeployment = typeEndpoint + "/deployments"

// deploymentName matches the characters in the name of a deployment, which has 3 to 32 (facts/batch-endpoints.md,
// Names, deployments).
var deploymentName = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)

// putDeployment makes or changes a deployment: what it runs, and on which cluster (facts/batch-endpoints.md, Names,
// deployments; the action: facts/grants-access.md, Machine learning and neighbours). The sandbox runs no code.
func putDeployment(c *call) (wire.Reply, error) {
	endpoint := c.id.Parent()
	if n := len(c.id.Name()); n < 3 || n > 32 || !deploymentName.MatchString(c.id.Name()) {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidResourceName", "the name %q of %s is not of 3 to 32 "+
			"letters and digits, with single dashes inside, the first a letter", c.id.Name(), c.id.Type())
	}
	if c.st.Resources[armid.Key(endpoint)] == nil {
		if err := c.missing(armid.Parse(endpoint)); err != nil {
			return wire.Reply{}, err
		}
		return wire.Reply{}, parentNotFound(c.id, endpoint)
	}
	var body computeBody
	if err := c.decode(&body, deploymentKeys); err != nil {
		return wire.Reply{}, err
	}
	workspace := armid.Parse(endpoint).Parent()
	compute, _ := body.Properties["compute"].(string)
	if id := armid.Parse(compute); !id.Is(typeCompute) || armid.Key(id.Parent()) != armid.Key(workspace) ||
		c.st.Resources[id.Key()] == nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadArgument", "the deployment names no compute of %s: %q",
			workspace, compute)
	}
	if err := c.fitsDeployments(endpoint, c.st.Resources[armid.Key(endpoint)].Location); err != nil {
		return wire.Reply{}, err
	}
	deployment := &state.Resource{ID: c.id.String(), Location: body.Location, Tags: body.Tags, Properties: body.Properties,
		CreatedBy: c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now}
	deployment.Properties["provisioningState"] = "Succeeded"
	status := http.StatusCreated
	if old := c.st.Resources[c.id.Key()]; old != nil {
		status = http.StatusOK
		deployment.ID, deployment.Seeded, deployment.Location = old.ID, old.Seeded, old.Location
		deployment.CreatedAt, deployment.CreatedBy = old.CreatedAt, old.CreatedBy
	}
	c.st.Resources[c.id.Key()] = deployment
	c.st.Touch(state.Resources, c.id.Key())
	return wire.Reply{Status: status, Body: c.render(deployment)}, nil
}

// deploymentKeys are the keys that the body of a batch deployment may have (armmachinelearning 4.0.0,
// BatchDeployment).
var deploymentKeys = append(slices.Clone(trackedKeys),
	propertyKeys("codeConfiguration{codeId scoringScript} compute deploymentConfiguration{componentId{assetId "+
		"referenceType} deploymentConfigurationType description settings{*} tags{*}} description environmentId "+
		"environmentVariables{*} errorThreshold loggingLevel maxConcurrencyPerInstance miniBatchSize "+
		"model{assetId datastoreId jobId path referenceType} outputAction outputFileName properties{*} "+
		"provisioningState resources{instanceCount instanceType properties{*}} retrySettings{maxRetries timeout}")...)
