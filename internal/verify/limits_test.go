package verify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
)

// full answers for Azure with lists of the given lengths, in pages of 1,000; the sandbox answers the rest.
type full struct {
	*http.Client
	base               string
	assignments, roles int
}

func (f full) Do(req *http.Request) (*http.Response, error) {
	n := 0
	switch req.URL.Path {
	case subscription + "/providers/Microsoft.Authorization/roleAssignments":
		n = f.assignments
	case "/providers/Microsoft.Authorization/roleDefinitions":
		n = f.roles
	default:
		return f.Client.Do(req)
	}
	var from int
	_, _ = fmt.Sscan(req.URL.Query().Get("from"), &from)
	page := map[string]any{}
	var items []any
	for i := from; i < min(from+1000, n); i++ {
		items = append(items, map[string]any{"id": fmt.Sprint("/x/", i),
			"properties": map[string]any{"scope": strings.ToUpper(mlGroup)}})
	}
	if from == 0 { // from above: not the subscription's own
		items = append(items, map[string]any{"id": "/x/m",
			"properties": map[string]any{"scope": "/providers/Microsoft.Management/managementGroups/all"}})
	}
	if page["value"] = items; from+1000 < n {
		page["nextLink"] = fmt.Sprintf("%s%s?from=%d", f.base, req.URL.Path, from+1000)
	}
	text, err := json.Marshal(page)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Request: req, Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func TestLimitsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	used, err := w.observer(w.azure.Client()).Limits(t.Context(), w.m)
	require.NoError(t, err)
	const deployer = 1 // is Owner of the subscription
	assert.Equal(t, []verify.Usage{
		{What: "role assignments", Where: subscription, Used: deployer + len(plans.Of(w.m).Grants),
			Limit: 4000}, {What: "custom roles", Where: "/", Used: 1, Limit: 5000},
	}, used)

	for name, c := range map[string]struct {
		assignments, roles int
		says               []string // NEAR A LIMIT: …
	}{
		"far from both": {3199, 3998, nil},
		"many assignments": {3200, 0, []string{"subscription 11111111-1111-4111-8111-111111111111 has 3200 of the 4000 " +
			"role assignments that Azure allows it; make invokers"}},
		"many roles": {0, 4000, []string{"the tenant has 4001 of the 5000 custom roles that Azure allows it; share one " +
			"role"}},
		"as many as may be": {4000, 4999, []string{"has 4000 of the 4000", "has 5000 of the 5000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := verify.Report{}
			var err error
			r.Limits, err = w.observer(full{w.azure.Client(), w.cloud.ResourceManager, c.assignments,
				c.roles}).Limits(t.Context(), w.m)
			require.NoError(t, err)
			var out strings.Builder
			require.NoError(t, verify.WriteTable(&out, r))
			assert.Equal(t, len(c.says), strings.Count(out.String(), "NEAR A LIMIT: "), out.String())
			for _, say := range c.says {
				assert.Contains(t, out.String(), say)
			}
			assert.False(t, r.Failed(true), "a limit that is near fails nothing")
		})
	}
}

func TestATokenGoesToNoOtherHostThatAPageNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	used, err := w.observer(full{w.azure.Client(), "https://elsewhere.example", 0, 1001}).Limits(t.Context(), w.m)
	require.NoError(t, err)
	assert.Contains(t, used[len(used)-1].Unknown, "the next page is on another host than "+w.cloud.ResourceManager+": "+
		"https://elsewhere.example/")
}

func TestALimitThatMayNotBeSeenIsNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	o := verify.New(azureclient.NewClient(caller{w.azure, ann}, w.cloud, w.azure.Client(), nil))
	used, err := o.Limits(t.Context(), w.m)
	require.NoError(t, err)
	require.Len(t, used, 2)
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, verify.Report{Limits: used}))
	assert.Contains(t, out.String(), "how many of the 4000 role assignments of subscription "+
		"11111111-1111-4111-8111-111111111111 are used is not known: whoever verifies may not look there "+
		"(AuthorizationFailed)")
	assert.Zero(t, used[0].Used)
}
