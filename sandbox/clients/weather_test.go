package clients_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestTheSDKGetsThroughBadWeather(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := start(t, azure.Options{Weather: azure.Weather{
				Seed: seed, Throttling: 0.15, Faults: 0.15, LostAnswers: 0.15, Latency: 5 * time.Millisecond,
				Replication: time.Hour,
			}})
			hits := &mishapCounter{next: w.client.Transport}
			w.client.Transport = hits
			credential, ctx := w.deployer(), t.Context()
			clusters, err := armmachinelearning.NewComputeClient(subscriptionID, credential, w.armOptions())
			require.NoError(t, err)
			creating, err := clusters.BeginCreateOrUpdate(ctx, "rg-ml", "ws", "cpu", cluster(1), nil)
			require.NoError(t, err)
			made, err := creating.PollUntilDone(ctx, everySecond)
			require.NoError(t, err)

			assignments, err := armauthorization.NewRoleAssignmentsClient(subscriptionID, credential, w.armOptions())
			require.NoError(t, err)
			body, name := grant(*made.Identity.PrincipalID, roleID(readerRole)), "aaaaaaaa-0000-0000-0000-000000000001"
			_, err = assignments.Create(ctx, account, name, body, nil)
			assertCode(t, err, "PrincipalNotFound", http.StatusBadRequest)
			body.Properties.PrincipalType = ptr(armauthorization.PrincipalTypeServicePrincipal)
			_, err = assignments.Create(ctx, account, name, body, nil)
			require.NoError(t, err)
			found, _ := all(t, assignments.NewListForScopePager(account,
				&armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: ptr("principalId eq '" +
					*made.Identity.PrincipalID + "'")}),
				func(page armauthorization.RoleAssignmentsClientListForScopeResponse) []*armauthorization.RoleAssignment {
					return page.Value
				})
			assert.Len(t, found, 1, "none twice, though answers were lost")
			_, err = assignments.Delete(ctx, account, name, nil)
			require.NoError(t, err)
			deleting, err := clusters.BeginDelete(ctx, "rg-ml", "ws", "cpu", armmachinelearning.UnderlyingResourceActionDelete,
				nil)
			require.NoError(t, err)
			_, err = deleting.PollUntilDone(ctx, everySecond)
			require.NoError(t, err)
			assert.Empty(t, w.Inventory())
			assert.NotZero(t, hits.count, "it was bad weather")
		})
	}
}

// mishapCounter counts the answers that ask a client to try again.
type mishapCounter struct {
	next  http.RoundTripper
	count int
}

func (m *mishapCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.next.RoundTrip(r)
	if err == nil && res.StatusCode >= http.StatusTooManyRequests {
		m.count++
	}
	return res, err
}
