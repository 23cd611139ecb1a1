package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/roles"
)

func TestEachActionOfTheSeedHasALeadingAndNoneHasTwo(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	for _, l := range roles.Leadings() {
		asked[strings.ToLower(l.Action.Name)]++
		assert.NotEmpty(t, l.Source, l.Action.Name)
	}
	for _, action := range roles.InvokerActions() {
		assert.Equal(t, 1, asked[strings.ToLower(action)], action)
	}
	for action, times := range asked {
		assert.Equal(t, 1, times, action)
	}
}

// What is filed as a risk of more access, of secrets or of code leads somewhere, or it is said here why not.
func TestWhatIsARiskLeadsSomewhere(t *testing.T) {
	t.Parallel()
	notFurther := map[string]string{
		"Microsoft.MachineLearningServices/workspaces/batchEndpoints/write":           "picks among deployments",
		"Microsoft.ManagedServices/registrationAssignments/write":                     "takes roleAssignments/write too",
		"Microsoft.Authorization/denyAssignments/write":                               "denies",
		"Microsoft.Authorization/denyAssignments/delete":                              "opens what others granted",
		"Microsoft.Resources/deploymentStacks/manageDenySetting/action":               "opens what others granted",
		"Microsoft.Authorization/roleAssignments/delete":                              "takes access away",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action":                          "a vault is not part of the model",
		"Microsoft.MachineLearningServices/workspaces/batchEndpoints/listkeys/action": "a key starts jobs, as a token does",
		"Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write": "runs as the endpoint's " +
			"identity, which is not part of the model",
	}
	leads := map[string]roles.Lead{}
	for _, l := range roles.Leadings() {
		leads[strings.ToLower(l.Action.Name)] = l.Lead
	}
	for _, risk := range []roles.Risk{roles.GrantsAccess, roles.ReadsSecrets, roles.ChangesCode} {
		for _, action := range roles.RiskyActions(risk) {
			if notFurther[action.Name] == "" {
				assert.NotEqual(t, roles.Nowhere, leads[strings.ToLower(action.Name)], action.Name)
			}
		}
	}
}
