package azure_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A query that Azure refuses, or that the sandbox can't answer, is refused: it is not read as another question. Beside
// it stands one of the same form that is answered.
func TestAQueryThatIsNotServedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const auth = account + "/providers/Microsoft.Authorization/"
	for name, c := range map[string]struct{ list, query, answered string }{
		"two principals": {auth + "roleAssignments",
			"$filter=principalId eq '" + alice + "' and principalId eq '" + bob + "'",
			"$filter=principalId eq '" + alice + "'"},
		"a principal, and one with its groups": {auth + "roleAssignments",
			"$filter=principalId eq '" + alice + "' and assignedTo('" + bob + "')", "$filter=assignedTo('" + bob + "')"},
		"a principal at the scope alone": {auth + "roleAssignments", "$filter=atScope() and principalId eq '" + alice + "'",
			"$filter=atScope() and assignedTo('" + alice + "')"},
		"assigned to nobody": {auth + "roleAssignments", "$filter=assignedTo()", ""},
		"a scope by name":    {auth + "roleAssignments", "$filter=atScope('x')", "$filter=atScope()"},
		"a property of a function": {auth + "roleAssignments", "$filter=assignedTo(principalId,'" + alice + "')",
			"$filter=atScope() and assignedTo('" + alice + "')"},
		"a principal by name": {auth + "roleAssignments", "$filter=principalId eq 'alice'", ""},
		"an assignee by name": {auth + "roleAssignments", "$filter=assignedTo('alice')", ""},
		"any of one value": {auth + "roleAssignments", "$filter=principalId/any(x:x eq '" + alice + "')",
			""},
		"any name of a role": {auth + "roleDefinitions", "$filter=roleName/any(x:x eq 'Reader')",
			"$filter=roleName eq 'Reader'"},
		"two names of a role": {auth + "roleDefinitions", "$filter=roleName eq 'Reader' and roleName eq 'Owner'",
			"$filter=roleName eq 'Reader' and type eq 'BuiltInRole'"},
		"a type that no role has": {auth + "roleDefinitions", "$filter=type eq 'Surprise'",
			"$filter=type eq 'CustomRole'"},
		"at the scope, and below": {auth + "roleDefinitions", "$filter=atScope() and atScopeAndBelow()",
			"$filter=atScopeAndBelow()"},
		"whom a denial reaches": {auth + "denyAssignments", "$filter=assignedTo('" + alice + "')",
			"$filter=atScope()"},
		"a default that is neither":        {workspace + "/datastores", "isDefault=perhaps", "count=30&orderByAsc=true"},
		"a default that is nothing":        {workspace + "/datastores", "isDefault=", ""},
		"some of what is below an account": {account + "/blobServices/default/containers", "$filter=x", "$maxpagesize=5"},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(query string) string {
				return strings.TrimSuffix(c.list+"?"+strings.ReplaceAll(query, " ", "%20"), "?")
			}
			got := w.arm(http.MethodGet, of(c.query), nil)
			assert.Contains(t, []int{http.StatusBadRequest, http.StatusNotImplemented}, got.status, got.body)
			got = w.arm(http.MethodGet, of(c.answered), nil)
			assert.Equal(t, http.StatusOK, got.status, got.body)
		})
	}
	token := w.token(w.Deployer().ObjectID, management)
	for list, version := range map[string]string{"denyAssignments": "2020-10-01",
		"roleEligibilityScheduleInstances": "2022-04-01"} {
		got := w.send(http.MethodGet, auth+list+"?api-version="+version, token, nil)
		assert.Equal(t, "InvalidApiVersionParameter", got.code(), "the provider has the version %s, and %s has not", version,
			list)
	}
}

// The same for the directory: what a filter or a selection names must be there, and be compared as what it is.
func TestAQueryOfTheDirectoryThatIsNotServedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.application("ci")
	for name, c := range map[string]struct{ list, query, answered string }{
		"a text without quotes": {"groups", "$filter=displayName eq scientists",
			"$filter=displayName eq 'scientists'"},
		"an ID without quotes": {"servicePrincipals", "$filter=appId eq " + alice,
			"$filter=appId eq '" + alice + "'"},
		"a truth in quotes": {"groups", "$filter=securityEnabled eq 'true'",
			"$filter=securityEnabled eq true"},
		"neither true nor false": {"groups", "$filter=securityEnabled eq 1", ""},
		"nothing":                {"groups", "$filter=mail eq null", "$filter=mail eq 'a@example.com'"},
		"a list as one value":    {"servicePrincipals", "$filter=tags eq 'a'", "$filter=tags/any(t:t eq 'a')"},
		"one value as a list":    {"groups", "$filter=displayName/any(t:t eq 'a')", ""},
		"the beginning of a list": {"servicePrincipals", "$filter=startswith(tags,'a')",
			"$filter=startswith(displayName,'a')"},
		"the beginning of a truth": {"groups", "$filter=startswith(mailEnabled,'t')", ""},
		"a property of no filter":  {"groups", "$filter=theme eq 'Red'", ""},
		"an application's web":     {"applications", "$filter=web eq 'x'", "$filter=signInAudience eq 'x'"},
		"members by name": {"groups/" + scientists + "/members", "$filter=displayName eq 'bob'",
			"$filter=id eq '" + bob + "'"},
		"groups of somebody by name":     {"users/" + bob + "/memberOf", "$filter=displayName eq 'scientists'", ""},
		"a selection":                    {"groups", "$select=id,surprise", "$select=id, displayName"},
		"a selection of one":             {"groups/" + scientists, "$select=surprise", "$select=displayName"},
		"a property of another kind":     {"users", "$select=appId", "$select=userPrincipalName"},
		"a filter without its sign":      {"groups", "filter=displayName eq 'scientists'", ""},
		"a selection without its sign":   {"groups", "select=id", ""},
		"a number without its sign":      {"groups", "top=1", "$top=1"},
		"an order without its sign":      {"groups", "orderby=displayName", ""},
		"another format":                 {"groups", "$format=atom", "$format=json"},
		"a count that is no truth":       {"groups", "$count=yes", "$count=true"},
		"more than a page":               {"groups", "$top=1000", "$top=999"},
		"what is skipped":                {"groups", "$skip=1", ""},
		"a search":                       {"groups", `$search="displayName:s"`, ""},
		"the members of what is listed":  {"groups", "$expand=members", ""},
		"a filter of one":                {"groups/" + scientists, "$filter=displayName eq 'scientists'", ""},
		"the second of two selections":   {"groups", "$select=id&$select=displayName", ""},
		"what a filter names, otherwise": {"groups", "$filter=DisplayName eq 'scientists'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(query string) string {
				return strings.TrimSuffix("/v1.0/"+c.list+"?"+strings.ReplaceAll(query, " ", "%20"), "?")
			}
			got := w.graph(http.MethodGet, of(c.query), nil)
			assert.Equal(t, http.StatusBadRequest, got.status, got.body)
			got = w.graph(http.MethodGet, of(c.answered), nil)
			assert.Equal(t, http.StatusOK, got.status, got.body)
		})
	}
}

// Every part of a deny assignment counts: what it denies and leaves out, whom it reaches and leaves out, where, and
// whether it is about data.
func TestEveryPartOfADenyAssignmentCounts(t *testing.T) {
	t.Parallel()
	const (
		ofML  = "Microsoft.MachineLearningServices/workspaces/"
		read  = ofML + "read"
		blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	)
	for name, c := range map[string]struct {
		scope    string
		denies   []azure.Permission // all, if there are none
		who, but []string           // everybody, if there are none; and whom it excludes
		notBelow bool
		// what bob, a member of scientists, who are members of everyone, may do: read the workspace, its computes, blobs
		workspace, computes, blobs string
	}{
		"everybody": {group, denying("*"), nil, nil, false, "denied", "denied", "yes"},
		"data alone": {group, []azure.Permission{{DataActions: []string{"*"}}}, nil, nil, false, "yes", "yes",
			"denied"},
		"but not all actions": {group, denying(ofML+"*", read), nil, nil, false, "yes", "denied", "yes"},
		"what one permission leaves out and another has": {group, append(denying(ofML+"*", read), denying("*/read")...), nil,
			nil, false, "denied", "denied", "yes"},
		"but not all data": {group, []azure.Permission{{DataActions: []string{"*"},
			NotDataActions: []string{blobs + "read"}}}, nil, nil, false, "yes", "yes", "yes"},
		"somebody":                {group, nil, []string{bob}, nil, false, "denied", "denied", "denied"},
		"somebody else":           {group, nil, []string{alice}, nil, false, "yes", "yes", "yes"},
		"a group":                 {group, nil, []string{scientists}, nil, false, "denied", "denied", "denied"},
		"a group of his":          {group, nil, []string{everyone}, nil, false, "denied", "denied", "denied"},
		"all but him":             {group, nil, nil, []string{strings.ToUpper(bob)}, false, "yes", "yes", "yes"},
		"all but a group":         {group, nil, nil, []string{everyone}, false, "yes", "yes", "yes"},
		"all but another":         {group, nil, nil, []string{alice}, false, "denied", "denied", "denied"},
		"a group but him":         {group, nil, []string{everyone}, []string{bob}, false, "yes", "yes", "yes"},
		"him, excluded":           {group, nil, []string{bob}, []string{bob}, false, "yes", "yes", "yes"},
		"not below the group":     {group, nil, nil, nil, true, "yes", "yes", "yes"},
		"not below the workspace": {workspace, nil, nil, nil, true, "denied", "yes", "yes"},
		"not below the account":   {account, nil, nil, nil, true, "yes", "yes", "yes"},
		"not below the container": {container, nil, nil, nil, true, "yes", "yes", "denied"},
		"the subscription":        {subscription, nil, nil, nil, false, "denied", "denied", "denied"},
		"the tenant's root": {"/providers/Microsoft.Management/managementGroups/" + tenantID, nil, nil, nil, false, "denied",
			"denied", "denied"},
		"another place": {group + "-2", nil, nil, nil, false, "yes", "yes", "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, azure.Options{})
			w.assign(bob, ownerRole, group)
			w.assign(bob, readerRole, account)
			if c.denies == nil {
				c.denies = everything
			}
			require.NoError(t, w.Seed(azure.Seed{DenyAssignments: []azure.DenyAssignment{{ID: uuid.NewString(), Name: "test",
				Scope: c.scope, Permissions: c.denies, Everyone: c.who == nil, PrincipalIDs: c.who, Excluded: c.but,
				NotBelow: c.notBelow}}}))
			assert.Equal(t, c.workspace, w.Allows(bob, workspace, read, false))
			assert.Equal(t, c.computes, w.Allows(bob, cluster, ofML+"computes/read", false))
			assert.Equal(t, c.blobs, w.Allows(bob, container, blobs+"read", true))
			want := map[string]int{"yes": http.StatusOK, "denied": http.StatusForbidden}[c.workspace]
			got := w.send(http.MethodGet, workspace+"?api-version=2024-04-01", w.token(bob, management), nil)
			assert.Equal(t, want, got.status, got.body)
			if want == http.StatusForbidden {
				assert.Equal(t, "DenyAssignmentAuthorizationFailed", got.code())
			}
		})
	}
}

// denying is one permission for control: an action, without others.
func denying(action string, not ...string) []azure.Permission {
	return []azure.Permission{{Actions: []string{action}, NotActions: not}}
}

var everything = []azure.Permission{{Actions: []string{"*"}, DataActions: []string{"*"}}}

// Who a deny assignment names is shown as what it is.
func TestADenyAssignmentShowsItsPrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Seed(azure.Seed{DenyAssignments: []azure.DenyAssignment{{ID: uuid.NewString(), Name: "some",
		Scope: group, Permissions: everything, PrincipalIDs: []string{bob, everyone}, Excluded: []string{machine}}}}))
	listed := w.arm(http.MethodGet, group+"/providers/Microsoft.Authorization/denyAssignments", nil)
	require.Len(t, listed.body["value"], 1)
	properties := listed.body["value"].([]any)[0].(map[string]any)["properties"].(map[string]any)
	assert.Equal(t, []any{object("id", bob, "type", "User"), object("id", everyone, "type", "Group")},
		properties["principals"])
	assert.Equal(t, []any{object("id", machine, "type", "ServicePrincipal")}, properties["excludePrincipals"])
}

// A job that has begun, and a client of storage, have the groups of their token, whatever lets the group in: a role or
// an ACL, in the workspace's own account or in that of the data.
func TestAnOldTokenReadsByTheOldGroups(t *testing.T) {
	t.Parallel()
	const lake = group + "/providers/Microsoft.Storage/storageAccounts/lakedata"
	for name, let := range map[string]func(*world, string){
		"by a role": func(w *world, group string) { w.assign(group, readerRole, lake) },
		"by an ACL": func(w *world, group string) {
			require.NoError(w.t, w.SetACL(lake+"/blobServices/default/containers/raw", "in", group, "r-x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := under(t, lateness)
			require.NoError(t, w.Seed(azure.Seed{StorageAccounts: []azure.StorageAccount{{ID: lake, HNS: true,
				Containers: []string{"raw"}}}}))
			require.NoError(t, w.PutBlob(lake+"/blobServices/default/containers/raw", "in/a.csv", []byte("content")))
			w.assign(machine, readerRole, lake)
			w.invoker(alice)
			readers := w.group()
			let(w, readers)
			w.pass(24 * time.Hour)
			oldBlobs, oldJobs := w.token(alice, "https://storage.azure.com"), w.token(alice, ml)
			w.pass(time.Second)
			w.join(readers, alice)
			w.pass(10 * time.Minute)
			blob := func(token string) int {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.BlobURL("lakedata")+"/raw/in/a.csv",
					http.NoBody)
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+token)
				res, err := w.client.Do(req)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				return res.StatusCode
			}
			job := func(token string) any {
				got := w.outcome(w.send(http.MethodPost, "/inference/westeurope/heart/jobs", token, object("properties",
					object("InputData", object("in", object("JobInputType", "UriFolder", "Uri",
						"https://lakedata.dfs.core.windows.net/raw/in"))))))
				return got.at("properties", "status")
			}
			assert.Equal(t, http.StatusForbidden, blob(oldBlobs))
			assert.Equal(t, http.StatusOK, blob(w.token(alice, "https://storage.azure.com")))
			assert.Equal(t, "Failed", job(oldJobs))
			assert.Equal(t, "Completed", job(w.token(alice, ml)))
		})
	}
}

// The metadata service of a virtual machine refuses an api-version that it does not have, also with its header.
func TestAMachineRefusesAnUnknownVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const identity = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, identity, object("location", "westeurope")).status)
	require.NoError(t, w.AttachIdentity(identity))
	for query, want := range map[string]int{
		"api-version=2018-02-01": http.StatusOK, "api-version=1999-01-01": http.StatusBadRequest,
		"api-version=latest": http.StatusBadRequest, "": http.StatusBadRequest,
		"api-version=2018-02-01&surprise=1":         http.StatusNotImplemented,
		"api-version=2018-02-01&client_id=" + alice: http.StatusBadRequest,
	} {
		got := w.send(http.MethodGet, "/metadata/identity/oauth2/token?resource="+url.QueryEscape(ml)+"&"+query, "", nil,
			"Metadata", "true")
		assert.Equal(t, want, got.status, "%s: %v", query, got.body)
	}
	got := w.send(http.MethodPost, "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+url.QueryEscape(ml),
		"", nil, "Metadata", "true")
	assert.Equal(t, http.StatusMethodNotAllowed, got.status)
}

// A value of another kind than a key of a job has is refused, as an unknown key is.
func TestAJobRefusesAValueOfAnotherKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	post := func(key string, value any) answer {
		return w.post(alice, object("properties", object("InputData", object("in", object("JobInputType", "UriFolder", "Uri",
			blob)), key, value)))
	}
	for key, c := range map[string]struct{ right, wrong any }{
		"tags":                      {object("team", "a"), object("team", 1)},
		"Tags":                      {object(), "a"},
		"description":               {"a", 1},
		"errorThreshold":            {3, "3"},
		"miniBatchSize":             {10, 1.5},
		"maxConcurrencyPerInstance": {2, true},
		"loggingLevel":              {"Info", object()},
		"outputFileName":            {"a.csv", []string{"a.csv"}},
		"partitionKeys":             {[]string{"a"}, []any{1}},
		"retrySettings":             {object("maxRetries", 3, "timeout", "PT30S"), object("maxRetries", "3")},
		"RetrySettings":             {object("timeout", nil), "PT30S"},
		"compute":                   {object("instanceCount", 2), object("instanceCount", "2")},
		"properties":                {object("a", "b"), object("a", 1)},
	} {
		got := post(key, c.wrong)
		assert.Equal(t, http.StatusBadRequest, got.status, "%s: %v", key, got.body)
		assert.Equal(t, "ValidationError", got.code(), key)
		got = post(key, c.right)
		assert.Equal(t, http.StatusCreated, got.status, "%s: %v", key, got.body)
	}
}
