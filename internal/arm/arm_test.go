package arm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/arm"
)

const (
	subscription = "11111111-1111-4111-8111-111111111111"
	workspaceID  = "/subscriptions/" + subscription +
		"/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id   string
		want string // "" if the ID is right
	}{
		"a workspace": {workspaceID, ""},
		"in capitals": {strings.ToUpper(workspaceID), ""},
		"nothing":     {"", "is not the ARM ID"},
		"a name":      {"scoring", "is not the ARM ID"},
		"a storage account": {strings.Replace(workspaceID, arm.Workspace, arm.StorageAccount, 1),
			"is the ID of a Microsoft.Storage/storageAccounts"},
		"a slash behind it": {workspaceID + "/", "is not the ARM ID"},
		"a child":           {workspaceID + "/computes/cpu", "is not the ARM ID"},
		"a resource group":  {"/subscriptions/" + subscription + "/resourceGroups/g", "is not the ARM ID"},
		"a subscription by name": {strings.Replace(workspaceID, subscription, "dev", 1),
			`the subscription "dev" is not a GUID`},
		"an empty resource group": {strings.Replace(workspaceID, "/ml/", "//", 1), "is not the ARM ID"},
		"a URL":                   {"https://portal.azure.com" + workspaceID, "is not the ARM ID"},
		"a line break":            {workspaceID + "\n", "is not the ARM ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := arm.Parse(c.id, arm.Workspace)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err,
					"; write /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.MachineLearningServices/workspaces/<name>")
				assert.Zero(t, got)
				return
			}
			require.NoError(t, err)
			assert.True(t, strings.EqualFold("scoring", got.Name))
			assert.True(t, strings.EqualFold("/subscriptions/"+subscription+"/resourceGroups/ml", got.Group()))
			assert.True(t, strings.EqualFold("/subscriptions/"+subscription, got.Subscription()))
		})
	}
}

// A parsed ARM ID has all parts of its text, and its subscription is a GUID.
func FuzzParse(f *testing.F) {
	f.Add(workspaceID)
	f.Add("/subscriptions//resourceGroups//providers/a/b/c")
	f.Fuzz(func(t *testing.T, id string) {
		got, err := arm.Parse(id, arm.Workspace)
		if err != nil {
			return
		}
		assert.Equal(t, strings.ToLower(id), strings.ToLower(got.Group()+"/providers/"+got.Type+"/"+got.Name),
			"nothing is lost")
		assert.True(t, arm.IsGUID(got.SubscriptionID))
	})
}

func TestOneIDIsWrittenInSeveralWays(t *testing.T) {
	t.Parallel()
	for other, same := range map[string]bool{
		"/subscriptions/s/resourceGroups/g": true, "subscriptions/S/resourcegroups/G/": true,
		"/subscriptions/s/resourceGroups/g2": false, "/subscriptions/s": false, "": false,
	} {
		assert.Equal(t, same, arm.Same("/subscriptions/s/resourceGroups/g", other), "%q", other)
	}
}
