package verify_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

func refused(*http.Request) (int, any) {
	return http.StatusForbidden, map[string]any{"error": map[string]any{"code": "AuthorizationFailed"}}
}

func absent(*http.Request) (int, any) { return http.StatusNotFound, nil }

// everyWay has data that identities read, that a key opens, and that anybody may read.
func everyWay() access.Model {
	m := model()
	m.DataInputs["archive"] = access.DataInput{Kind: access.DataStore, DataStore: "archive", Path: "x",
		CredentialInStore: yes(),
		StorageAccount:    "lake", Container: "archive"}
	m.DataInputs["open"] = access.DataInput{Kind: access.Public, URL: "https://lake.blob.core.windows.net/open/x"}
	heart := m.Endpoints["heart"]
	heart.Inputs = append(heart.Inputs, "archive", "open")
	m.Endpoints["heart"] = heart
	return m
}

// A path does not work if a resource is missing or disabled, or forbids what the path needs, even if everything is
// granted.
func TestWhatDoesNotLetInDoesNotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everyWay())
	w.grantAll()
	account := func(properties map[string]any) func(*http.Request) (int, any) {
		for key, value := range map[string]any{"allowSharedKeyAccess": true, "allowBlobPublicAccess": true} {
			if _, set := properties[key]; !set {
				properties[key] = value
			}
		}
		return always(map[string]any{"properties": properties})
	}
	off := func(*http.Request) (int, any) { return http.StatusOK, map[string]any{"accountEnabled": false} }
	mute := func(*http.Request) (int, any) { return http.StatusOK, map[string]any{} }
	store := func(properties map[string]any) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": properties})
	}
	credentials := func(kind string) map[string]any {
		return map[string]any{"accountName": "lake", "containerName": "archive",
			"credentials": map[string]any{"credentialsType": kind}}
	}
	rules := func(subnets ...any) map[string]any {
		return map[string]any{"networkAcls": map[string]any{"defaultAction": "Deny", "virtualNetworkRules": subnets}}
	}
	all := []string{"patients", "archive", "open"}
	for name, c := range map[string]struct {
		asked  string
		answer func(*http.Request) (int, any)
		status verify.Status
		inputs []string // paths of heart
		why    string
	}{
		"an account that is gone": {"/storageAccounts/lake", absent, verify.Missing, all, "storage account lake is gone"},
		"no keys": {"/storageAccounts/lake", account(map[string]any{"allowSharedKeyAccess": false}), verify.Missing,
			[]string{"archive"}, "takes no keys (allowSharedKeyAccess is false)"},
		"nothing public": {"/storageAccounts/lake", account(map[string]any{"allowBlobPublicAccess": false}), verify.Missing,
			[]string{"open"}, "allowBlobPublicAccess is not true"},
		"nothing said of public": {"/storageAccounts/lake", account(map[string]any{"allowBlobPublicAccess": nil}),
			verify.Missing,
			[]string{"open"}, "allowBlobPublicAccess is not true"},
		"no public network": {"/storageAccounts/lake", account(map[string]any{"publicNetworkAccess": "Disabled"}),
			verify.Undecided,
			all, "publicNetworkAccess is Disabled"},
		"a perimeter": {"/storageAccounts/lake", account(map[string]any{"publicNetworkAccess": "SecuredByPerimeter"}),
			verify.Undecided, all, "publicNetworkAccess is SecuredByPerimeter"},
		"a firewall": {"/storageAccounts/lake", account(rules()), verify.Undecided, all, "names no subnet of cluster cpu"},
		"a firewall with a rule without a subnet": {"/storageAccounts/lake", account(rules(map[string]any{})),
			verify.Undecided, all,
			"names no subnet of cluster cpu"},
		"a container that is gone": {"/containers/patients", absent, verify.Missing, []string{"patients"},
			"has no container patients"},
		"a container of an output": {"/containers/scores", absent, verify.Missing, all, "has no container scores"},
		"a container that is private": {"/containers/open",
			always(map[string]any{"properties": map[string]any{"publicAccess": "None"}}),
			verify.Missing, []string{"open"}, "container open of storage account lake is not public"},
		"a container that says nothing": {"/containers/open", mute, verify.Missing, []string{"open"}, "is not public"},
		"a container not to be asked": {"/containers/patients", refused, verify.Undecided, []string{"patients"},
			"containers/read"},
		"an account not to be asked": {"/storageAccounts/lake", refused, verify.Undecided, all,
			"Microsoft.Storage/storageAccounts/read"},
		"a store not to be asked": {"/datastores/archive", refused, verify.Undecided, []string{"archive"},
			"datastores/read"},
		"an endpoint not to be asked": {"/batchEndpoints/heart", refused, verify.Undecided, all, "batchEndpoints/read"},
		"an endpoint that is gone":    {"/batchEndpoints/heart", absent, verify.Missing, all, "no batch endpoint heart"},
		"no default deployment":       {"/batchEndpoints/heart", mute, verify.Missing, all, "has no default deployment"},
		"a cluster that is gone": {"/computes/cpu", absent, verify.Missing, []string{"patients"},
			"has none that is called cpu; the stack only refers to it: correct it there"},
		"a cluster not to be asked": {"/computes/cpu", refused, verify.Undecided, []string{"patients"}, "computes/read"},
		"a user that is disabled":   {"/users/" + ann, off, verify.Missing, all, "is disabled in the directory"},
		"a user that is gone": {"/users/" + ann, absent, verify.Missing, all,
			"the directory has no user " + ann + "; the stack only refers to it"},
		"a user of whom nothing is said": {"/users/" + ann, mute, verify.Undecided, all,
			"the directory does not say"},
		"a user not to be asked": {"/users/" + ann, refused, verify.Undecided, all, "Directory.Read.All"},
		"groups not to be asked": {"/users/" + ann + "/transitiveMemberOf", refused, verify.Undecided, all,
			"Directory.Read.All"},
		"an identity that is disabled": {"/servicePrincipals/" + w.id(access.ClusterPrincipal("cpu")), off, verify.Missing,
			[]string{"patients"}, "is disabled in the directory"},
		"a role not to be asked": {w.role[strings.LastIndex(w.role, "/"):], refused, verify.Undecided, all,
			"roleDefinitions/read"},
		"a list not to be asked": {"/resourceGroups/data/providers/Microsoft.Authorization/roleAssignments",
			refused, verify.Undecided,
			[]string{"patients"}, "roleAssignments/read"},
		"a list that breaks off": {"/resourceGroups/ml/providers/Microsoft.Authorization/denyAssignments",
			func(*http.Request) (int, any) { return http.StatusBadRequest, map[string]any{} }, verify.Undecided,
			all, "deny assignments"},
		"a SAS, and no keys of the account": {"/datastores/archive", store(credentials("Sas")), verify.Works, nil, ""},
		"a service principal in the store": {"/datastores/archive", store(credentials("ServicePrincipal")),
			verify.Works, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.judged(answering{w.azure.Client(), c.asked, c.answer}, 0)
			for _, p := range r.Paths {
				if p.Invoker != "ann" || p.Endpoint != "heart" {
					continue
				}
				if !slices.Contains(c.inputs, p.Input) {
					if !writesBy(c.asked) { // a fault of the output stops every path of the endpoint
						assert.Equal(t, verify.Works, p.Status, "%s is not concerned: %s", p.Input, p.Why)
					}
					continue
				}
				assert.Equal(t, c.status, p.Status, "%s: %s", p.Input, p.Why)
				assert.Contains(t, p.Why, c.why)
			}
			assert.Equal(t, c.why != "", r.Failed(false))
		})
	}
}

// A resource that the stack made and somebody deleted is made again, but only after a refresh.
func TestWhatTheStackMadeAndIsGoneHasARemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		invoker access.Invoker
		asked   string
		why     string
	}{
		"a cluster": {model().Invokers["ann"], "/computes/cpu",
			"the workspace has none that is called cpu; run pulumi refresh and pulumi up, which make it anew"},
		"a principal": {access.Invoker{Kind: access.ServicePrincipal, SignIn: "none"}, "/users/" + ann,
			"the directory has no user " + ann + "; run pulumi refresh and pulumi up, which make it anew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			w.m.Clusters["cpu"], w.m.Invokers["ann"] = access.Cluster{}, c.invoker
			r := w.judged(answering{w.azure.Client(), c.asked, func(*http.Request) (int, any) {
				return http.StatusNotFound, map[string]any{}
			}}, 0)
			assert.Contains(t, path(t, r, "ann", "heart").Why, c.why)
		})
	}
}

// writesBy is the mechanism of heart's output, on which its paths also depend.
func writesBy(asked string) bool {
	return strings.Contains(asked, "/computes/") || strings.Contains(asked, "servicePrincipals") ||
		strings.Contains(asked, "resourceGroups/data")
}

func TestAFirewallThatNamesTheClustersSubnetLetsItIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	const subnet = "/subscriptions/x/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	account := map[string]any{"properties": map[string]any{"networkAcls": map[string]any{
		"defaultAction": "Deny", "virtualNetworkRules": []any{map[string]any{"id": strings.ToUpper(subnet)}},
	}}}
	for in, status := range map[string]verify.Status{subnet: verify.Works, subnet + "2": verify.Undecided,
		"": verify.Undecided} {
		cluster := map[string]any{
			"identity":   map[string]any{"type": "SystemAssigned", "principalId": w.id(access.ClusterPrincipal("cpu"))},
			"properties": map[string]any{"properties": map[string]any{"subnet": map[string]any{"id": in}}},
		}
		transport := answering{&http.Client{Transport: trip{answering{w.azure.Client(), "/computes/cpu", always(cluster)}}},
			"/storageAccounts/lake", always(account)}
		p := path(t, w.judged(transport, 0), "ann", "heart")
		assert.Equal(t, status, p.Status, p.Why)
	}
}

func TestARoleThatIsOnlyEligibleIsNamedAndDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll(access.InvokerPrincipal("ann"))
	eligible := func(principal, scope string) verify.Report {
		return w.judged(answering{w.azure.Client(), "/roleEligibilityScheduleInstances", always(map[string]any{"value": []any{
			map[string]any{"id": scope + "/e", "properties": map[string]any{
				"principalId": principal, "scope": scope,
				"roleDefinitionId": roles.DefinitionID("b24988ac-6180-42a0-ab88-20f7382dd24c"),
			}},
		}})}, 0)
	}
	for _, holder := range []string{ann, company} {
		r := eligible(holder, mlGroup)
		p := path(t, r, "ann", "heart")
		assert.Equal(t, verify.Missing, p.Status)
		assert.Contains(t, p.Why, "(it is only eligible for Contributor on resource group ml")
		assert.Contains(t, strings.Join(r.Notes, "\n"), "invoker ann may activate Contributor on resource group ml")
	}
	assert.NotContains(t, path(t, eligible(ann, subscription+"/resourceGroups/other"), "ann", "heart").Why, "eligible")
	assert.NotContains(t, path(t, eligible(robot, mlGroup), "ann", "heart").Why, "eligible")
	r := w.judged(answering{w.azure.Client(), "/roleEligibilityScheduleInstances", refused}, 0)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "which roles are only eligible (PIM) is not known")
	assert.Empty(t, r.Unasked, "no path works by an eligible role")
}

func TestWhereAzureAnswersNothingThereIsNoReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	_, err := w.observer(answering{w.azure.Client(), "", refused}).Look(t.Context(), w.m, w.subjects)
	assert.ErrorContains(t, err, "whoever verifies may not look")
}

func TestWhatChangedSinceAnEarlierReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	var text bytes.Buffer
	require.NoError(t, verify.WriteJSON(&text, w.report()))
	earlier, err := verify.ReadReport(&text)
	require.NoError(t, err)
	compare := func(r verify.Report, earlier verify.Report) (verify.Report, string) {
		var out bytes.Buffer
		require.NoError(t, r.Compare(earlier))
		require.NoError(t, verify.WriteTable(&out, r))
		return r, out.String()
	}
	same, out := compare(w.report(), earlier)
	assert.Contains(t, out, "nothing has changed")
	assert.False(t, same.Failed(false))

	owner := w.assign(ann, "User", roles.Owner, mlGroup)
	wider, out := compare(w.report(), earlier)
	assert.Contains(t, out, "+ invoker ann: Owner on resource group ml: ")
	assert.True(t, wider.Failed(false), "somebody was given more")
	again, _ := compare(w.report(), wider)
	assert.False(t, again.Failed(false), "it was there the last time")
	w.revoke(owner)
	less, out := compare(w.report(), wider)
	assert.Contains(t, out, "- invoker ann: Owner on resource group ml: ")
	assert.False(t, less.Failed(false))

	refusing, out := compare(w.judged(answering{w.azure.Client(), "/containers/patients", refused}, 0), earlier)
	assert.Contains(t, out, "no answer now: asking for the container patients")
	assert.Contains(t, out, "path: ann on heart with patients: works → undecided")
	assert.True(t, refusing.Failed(false))

	settling, out := compare(w.judged(w.azure.Client(), time.Hour), earlier)
	assert.Contains(t, out, "nothing has changed", "what settles is granted: %v", settling.Since)

	other := earlier
	other.Stack = "prod"
	r := w.report()
	require.ErrorContains(t, r.Compare(other), "is of stack prod")
	other = earlier
	other.Asked = time.Now().Add(time.Hour)
	require.ErrorContains(t, r.Compare(other), "later than now")
}

// A report that is read is compared and written without an error.
func FuzzReadReport(f *testing.F) {
	whole, err := json.Marshal(verify.Report{Version: 1, Stack: "dev", Asked: time.Unix(1, 0),
		Paths: []verify.Path{}, Excess: []verify.Excess{}})
	require.NoError(f, err)
	for _, seed := range []string{string(whole), string(whole) + "{}", "", "{}", "null", `{"version":1}`,
		`{"version":2,"stack":"dev"}`, "[1]", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := verify.ReadReport(strings.NewReader(text))
		if err != nil {
			return
		}
		now := verify.Report{Version: 1, Stack: r.Stack, Asked: r.Asked}
		require.NoError(t, now.Compare(r))
		require.NoError(t, verify.WriteTable(&bytes.Buffer{}, now))
	})
}
