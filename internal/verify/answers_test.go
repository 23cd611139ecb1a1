package verify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

// answering gives answers that the sandbox can't, by the end of the request's path; the sandbox answers the rest.
type answering struct {
	*http.Client
	ends   string
	answer func(*http.Request) (status int, body any)
}

func (a answering) Do(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(strings.ToLower(req.URL.Path), strings.ToLower(a.ends)) {
		return a.Client.Do(req)
	}
	status, body := a.answer(req)
	if status == 0 {
		return a.Client.Do(req)
	}
	text, err := json.Marshal(body)
	header := http.Header{"Content-Type": {"application/json"}, "Retry-After-Ms": {"1"}}
	return &http.Response{StatusCode: status, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func always(body any) func(*http.Request) (int, any) {
	return func(*http.Request) (int, any) { return http.StatusOK, body }
}

func TestAClustersIdentityIsComparedWithTheStacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	own := w.id(access.ClusterPrincipal("cpu"))
	assigned := func(ids ...string) map[string]any {
		var all []string // in this order
		for _, id := range ids {
			all = append(all, fmt.Sprintf(`"/identities/%s": {"principalId": %q}`, id, id))
		}
		return map[string]any{"type": "UserAssigned",
			"userAssignedIdentities": json.RawMessage("{" + strings.Join(all, ", ") + "}")}
	}
	for name, c := range map[string]struct {
		identity map[string]any
		why      string // "" if it works
	}{
		"its own first of several":  {assigned(strings.ToUpper(own), ann), ""},
		"its own second of several": {assigned(robot, own), "compute cluster cpu has " + robot + " now"},
		"several, and none its own": {assigned(robot, ann),
			"compute cluster cpu has " + robot + " now, and the stack grants to " + own},
		"another":       {assigned(robot), "compute cluster cpu has " + robot + " now"},
		"none":          {map[string]any{"type": "None"}, "compute cluster cpu has none now"},
		"being changed": {map[string]any{"type": "SystemAssigned"}, ""},
		"being changed, of two": {map[string]any{"type": "SystemAssigned, UserAssigned",
			"userAssignedIdentities": assigned(robot)["userAssignedIdentities"]}, ""},
		"the system's comes first": {map[string]any{"type": "SystemAssigned,UserAssigned", "principalId": robot,
			"userAssignedIdentities": assigned(own)["userAssignedIdentities"]}, "has " + robot + " now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := path(t, w.judged(answering{w.azure.Client(), "/computes/cpu", always(map[string]any{"identity": c.identity})},
				0), "ann", "heart")
			assert.Equal(t, c.why == "", p.Status == verify.Works, p.Why)
			assert.Contains(t, p.Why, c.why)
		})
	}
}

func TestARoleThatIsGoneAllowsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	r := w.judged(answering{w.azure.Client(), w.role[strings.LastIndex(w.role, "/"):],
		func(*http.Request) (int, any) { return http.StatusNotFound, nil }}, 0)
	assert.Equal(t, verify.Missing, path(t, r, "ann", "heart").Status)
	assert.Len(t, r.Lacking, 2, "and the rest is reported")
	assert.Empty(t, r.Excess)
}

func TestARoleThatWasChangedActsLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	changed := time.Now().Add(time.Hour).UTC().Truncate(time.Second) // later than the assignments
	r := w.judged(answering{w.azure.Client(), w.role[strings.LastIndex(w.role, "/"):],
		always(map[string]any{"properties": map[string]any{
			"roleName": "starters", "permissions": []roles.Permission{{Actions: roles.InvokerActions()}}, "updatedOn": changed,
		}})}, time.Minute)
	p := path(t, r, "ann", "heart")
	assert.Equal(t, verify.Settling, p.Status)
	assert.Equal(t, changed.Add(time.Minute), p.Settles)
}

func TestADenialUnderAConditionIsNotGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	blobs := func(condition string) map[string]any {
		return map[string]any{"dataActions": []any{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"},
			"condition": condition}
	}
	denied := func(permissions ...any) verify.Path {
		return path(t, w.judged(denying{w.azure.Client(), map[string]any{
			"denyAssignmentName": "keep out", "scope": lake, "principals": []any{map[string]any{"id": ann}},
			"permissions": permissions,
		}}, 0), "ann", "heart")
	}
	p := denied(blobs("@Resource[x] StringEquals 'y'"))
	assert.Equal(t, verify.Undecided, p.Status)
	assert.Contains(t, p.Why, `the deny assignment "keep out" on lake under the condition @Resource[x] StringEquals 'y'`)
	p = denied(blobs("@Resource[x] StringEquals 'y'"), blobs(""))
	assert.Equal(t, verify.Missing, p.Status, "the other permission has no condition")
}

func TestAllPagesAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll(access.InvokerPrincipal("ann"))
	const paged = "99999999-9999-4999-8999-999999999999"
	owner := map[string]any{"id": "/x/owner", "properties": map[string]any{
		// As Azure answers an assignment from above: the scope of a management group, the role's ID without a
		// subscription.
		"scope": "/providers/Microsoft.Management/managementGroups/Contoso", "principalId": strings.ToUpper(paged),
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" +
			strings.ToUpper("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
	}}
	contributor := map[string]any{"id": "/x/data", "properties": map[string]any{
		"scope": strings.ToUpper(lake), "principalId": paged, "roleDefinitionId": roles.DefinitionID(
			"ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
	}}
	transport := answering{w.azure.Client(), "/users/" + ann + "/transitiveMemberOf", func(req *http.Request) (int, any) {
		if req.URL.Query().Get("$skiptoken") == "" {
			return http.StatusOK, map[string]any{"value": []any{map[string]any{"@odata.type": "#microsoft.graph.directoryRole",
				"id": robot}},
				"@odata.nextLink": "https://" + req.URL.Host + req.URL.Path + "?$skiptoken=x"}
		}
		return http.StatusOK, map[string]any{"value": []any{map[string]any{"@odata.type": "#microsoft.graph.group",
			"id": paged}}}
	}}
	second := answering{&http.Client{Transport: trip{transport}},
		"/resourceGroups/ml/providers/Microsoft.Authorization/roleAssignments", func(req *http.Request) (int, any) {
			switch req.URL.Query().Get("$skipToken") {
			case "":
				return http.StatusOK, map[string]any{"value": []any{owner},
					"nextLink": "https://" + req.URL.Host + req.URL.Path + "?$skipToken=x"}
			case "x":
				return http.StatusOK, map[string]any{"value": []any{owner, contributor}}
			}
			return 0, nil
		}}
	r := w.judged(second, 0)
	for _, e := range r.Excess {
		assert.NotEqual(t, robot, e.Through, "a directory role is no group")
	}
	p := path(t, r, "ann", "heart")
	require.NotEqual(t, verify.Undecided, p.Status)
	assert.Equal(t, "Owner on management group Contoso through group "+paged, p.Hops[1].GivenBy, p.Why)
	var reads string
	for _, hop := range p.Hops {
		if hop.Identity == "invoker ann" && hop.Kind == access.ReadHop {
			reads = hop.GivenBy
		}
	}
	assert.Equal(t, "Storage Blob Data Contributor on lake through group "+paged, reads)
}

// trip makes answering an http.RoundTripper.
type trip struct{ answering }

func (t trip) RoundTrip(req *http.Request) (*http.Response, error) {
	req.RequestURI = ""
	return t.Do(req)
}

func TestAnAzureThatIsBusyIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	for _, ends := range []string{"/transitiveMemberOf", "/computes/cpu", "/roleAssignments",
		"/roleDefinitions/77777777-7777-4777-8777-777777777777"} {
		var asked atomic.Int32
		r := w.judged(answering{w.azure.Client(), ends, func(*http.Request) (int, any) {
			if asked.Add(1) == 1 {
				return http.StatusTooManyRequests, map[string]any{"error": map[string]any{"code": "TooManyRequests"}}
			}
			return 0, nil
		}}, 0)
		assert.Equal(t, verify.Works, path(t, r, "ann", "heart").Status, ends)
		assert.Greater(t, asked.Load(), int32(1), ends)
	}
}
