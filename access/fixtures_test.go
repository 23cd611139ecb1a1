package access_test

import (
	"fmt"
	"slices"
)

const (
	subscription = "11111111-1111-4111-8111-111111111111"
	workspaceID  = "/subscriptions/" + subscription + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
)

func storageID(name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/" + name
}

func objectID(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

func boolPtr(b bool) *bool { return &b }

func keys[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
