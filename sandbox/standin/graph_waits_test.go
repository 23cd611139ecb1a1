package standin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	servicePrincipal = "azuread:index/servicePrincipal:ServicePrincipal"
	federated        = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	adGroup          = "azuread:index/group:Group"
	member           = "azuread:index/groupMember:GroupMember"
)

// made is a resource that a test made.
type made struct {
	token, id string
	out       props
}

// createDirectory makes one object of each type, in the order in which a stack would, and reports each.
func (p provider) createDirectory(tell func(token string)) []made {
	p.t.Helper()
	var all []made
	create := func(token string, in props) props {
		id, _, out := p.create(token, in)
		all = append(all, made{token, id, out})
		tell(token)
		return out
	}
	app := create(application, props{"displayName": text("nightly")})
	sp := create(servicePrincipal, props{"clientId": app["clientId"]})
	id := text(all[0].id)
	create(password, props{"applicationId": id, "displayName": text("first")})
	create(federated, props{
		"applicationId": id, "displayName": text("main"), "issuer": text("https://token.actions.githubusercontent.com"),
		"subject":   text("repo:acme/scores:ref:refs/heads/main"),
		"audiences": resource.NewProperty([]resource.PropertyValue{text("api://AzureADTokenExchange")}),
	})
	group := create(adGroup, props{"displayName": text("scientists"), "securityEnabled": resource.NewProperty(true)})
	create(member, props{"groupObjectId": group["objectId"], "memberObjectId": sp["objectId"]})
	return all
}

func (p provider) remove(all []made) {
	p.t.Helper()
	for i := len(all) - 1; i >= 0; i-- {
		_, err := p.Delete(p.t.Context(), &pulumirpc.DeleteRequest{Id: all[i].id, Urn: urn(all[i].token),
			Properties: p.pack(all[i].out)})
		require.NoError(p.t, err, all[i].token)
	}
}

// count is how many objects Graph lists at a path. It tries again in bad weather.
func count(t *testing.T, a *azure.Azure, path string) int {
	t.Helper()
	bearer, err := a.SignIn(t.Context(), a.Deployer().ObjectID, "https://graph.microsoft.com")
	require.NoError(t, err)
	for range 3 { // no request goes wrong three times in a row
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/graph/v1.0"+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+bearer)
		res, err := a.Client().Do(req)
		require.NoError(t, err)
		var list struct{ Value []any }
		require.NoError(t, json.NewDecoder(res.Body).Decode(&list))
		require.NoError(t, res.Body.Close())
		if res.StatusCode == http.StatusOK {
			return len(list.Value)
		}
	}
	t.Fatalf("%s is not answered", path)
	return 0
}

// inCalm is the number of calls to Graph for one object of each type, from TestTheCallsAreThoseOfTheRealPlugin.
const inCalm = 46

func TestADirectoryIsMadeOnceWhateverTheWeather(t *testing.T) {
	t.Parallel()
	for name, weather := range map[string]azure.Weather{
		"calm":        {},
		"replication": {Replication: 2 * time.Second},
		"storm 1":     {Seed: 1, Throttling: 0.04, Faults: 0.04, Replication: 500 * time.Millisecond},
		"storm 2":     {Seed: 2, Throttling: 0.04, Faults: 0.04, Replication: 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAzureIn(t, weather)
			var calls atomic.Int32
			ad := attach(t, "azuread", behind(t, a, func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/graph/") {
					calls.Add(1)
				}
				return false
			}))
			all := ad.createDirectory(func(string) {})
			if weather == (azure.Weather{}) {
				assert.EqualValues(t, inCalm, calls.Load(), "in calm weather nothing is asked twice")
			} else {
				assert.Greater(t, calls.Load(), int32(inCalm), "it was bad weather")
			}
			named := func(name string) string {
				return "?" + url.Values{"$filter": {"displayName eq '" + name + "'"}}.Encode()
			}
			assert.Equal(t, 1, count(t, a, "/applications"+named("nightly")))
			assert.Equal(t, 1, count(t, a, "/servicePrincipals"+named("nightly")))
			assert.Equal(t, 1, count(t, a, "/groups"+named("scientists")))
			group := strings.TrimPrefix(all[4].id, "/groups/")
			assert.Equal(t, 1, count(t, a, "/groups/"+group+"/members"))
			assert.Equal(t, 1, count(t, a, all[0].id+"/federatedIdentityCredentials"))
			assert.Zero(t, count(t, a, all[0].id+"/owners"), "the caller was taken off again")
			for _, m := range all {
				read, err := ad.Read(t.Context(), &pulumirpc.ReadRequest{Id: m.id, Urn: urn(m.token), Properties: ad.pack(m.out)})
				require.NoError(t, err)
				assert.Equal(t, m.id, read.GetId(), "%s is there at once for whoever reads it", m.token)
			}
			ad.remove(all)
			assert.Empty(t, a.Inventory())
		})
	}
}

// recorder notes the calls to Graph that pass a proxy, without IDs and queries.
type recorder struct {
	mu    sync.Mutex
	calls []string
}

var guid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func (r *recorder) note(_ http.ResponseWriter, req *http.Request) bool {
	if path, ok := strings.CutPrefix(req.URL.Path, "/graph/"); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, req.Method+" "+guid.ReplaceAllString(path, "*"))
	}
	return false
}

// taken returns the calls since the last time, with repeated calls as one line.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for i := 0; i < len(r.calls); {
		n := 1
		for i+n < len(r.calls) && r.calls[i+n] == r.calls[i] {
			n++
		}
		lines = append(lines, fmt.Sprintf("%d %s", n, r.calls[i]))
		i += n
	}
	r.calls = nil
	return lines
}

// The calls equal those that were recorded from the real plugin, in number and order.
func TestTheCallsAreThoseOfTheRealPlugin(t *testing.T) {
	t.Parallel()
	var r recorder
	ad := attach(t, "azuread", behind(t, startAzure(t), r.note))
	const app = "v1.0/applications/*"
	want := map[string]struct{ create, remove []string }{
		application: {
			[]string{
				"1 POST v1.0/applications", "2 PATCH " + app, "1 DELETE " + app + "/owners/*/$ref",
				"1 GET " + app, "1 GET beta/applications/*", "1 GET " + app + "/owners",
			},
			[]string{"1 DELETE " + app, "5 GET " + app},
		},
		servicePrincipal: {
			[]string{
				"1 GET v1.0/servicePrincipals", "1 POST v1.0/servicePrincipals", "1 PATCH v1.0/servicePrincipals/*",
				"1 DELETE v1.0/servicePrincipals/*/owners/*/$ref",
				"1 GET v1.0/servicePrincipals/*", "1 GET beta/servicePrincipals/*", "1 GET v1.0/servicePrincipals/*/owners",
			},
			[]string{"1 DELETE v1.0/servicePrincipals/*", "5 GET v1.0/servicePrincipals/*"},
		},
		password: {
			[]string{"1 GET " + app, "1 POST " + app + "/addPassword", "6 GET " + app}, // five reads, then one
			[]string{"1 POST " + app + "/removePassword", "5 GET " + app},
		},
		federated: {
			[]string{
				"1 GET " + app, "1 POST " + app + "/federatedIdentityCredentials", "6 GET " + app +
					"/federatedIdentityCredentials/*",
			},
			[]string{"1 DELETE " + app + "/federatedIdentityCredentials/*", "5 GET " + app + "/federatedIdentityCredentials/*"},
		},
		adGroup: {
			[]string{
				"1 POST beta/groups", "2 PATCH beta/groups/*", "6 GET beta/groups/*",
				"1 GET beta/groups/*/owners", "1 GET beta/groups/*/members", "1 GET beta/groups/*/memberOf",
			},
			[]string{"1 GET beta/groups/*", "1 DELETE beta/groups/*", "5 GET beta/groups/*"},
		},
		member: {
			[]string{"1 GET beta/groups/*", "1 GET beta/groups/*/members", "1 POST beta/groups/*/members/$ref",
				"1 GET beta/groups/*/members"},
			[]string{"1 DELETE beta/groups/*/members/*/$ref", "5 GET beta/groups/*/members"},
		},
	}
	all := ad.createDirectory(func(token string) { assert.Equal(t, want[token].create, r.taken(), token) })
	for i := len(all) - 1; i >= 0; i-- {
		ad.remove(all[i : i+1])
		assert.Equal(t, want[all[i].token].remove, r.taken(), all[i].token)
	}
}

// A wait may fail. The secret, which no later answer of Graph has, must still be in the state, and the next update
// repairs the resource.
func TestWhatWasMadeIsKeptWhenTheWaitForItFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token, made string // the call after which the reads fail
		in          props
	}{
		"a password": {password, "/addPassword", props{"displayName": text("first")}},
		"a federated": {federated, "/federatedIdentityCredentials",
			props{"displayName": text("main"), "issuer": text("https://example.com"), "subject": text("s"),
				"audiences": resource.NewProperty([]resource.PropertyValue{text("a")})}},
		"a group": {adGroup, "/beta/groups", props{"displayName": text("scientists"),
			"securityEnabled": resource.NewProperty(true)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAzure(t)
			var blind, healed atomic.Bool
			ad := attach(t, "azuread", behind(t, a, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, test.made) {
					blind.Store(true)
				}
				if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/graph/") || !blind.Load() || healed.Load() {
					return false
				}
				http.Error(w, "no", http.StatusForbidden)
				return true
			}))
			if test.token != adGroup {
				app, _, _ := ad.create(application, props{"displayName": text("nightly")})
				test.in["applicationId"] = text(app)
			}
			in, failed := ad.check(test.token, test.in)
			require.Empty(t, failed)
			_, err := ad.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(test.token), Properties: ad.pack(in)})
			require.ErrorContains(t, err, "waiting for the directory to show")
			details := status.Convert(err).Details()
			require.Len(t, details, 1)
			kept, ok := details[0].(*pulumirpc.ErrorResourceInitFailed)
			require.True(t, ok)
			state := ad.unpack(kept.GetProperties())
			if test.token == password {
				require.True(t, state["value"].IsSecret())
				assert.NotContains(t, err.Error(), state["value"].SecretValue().Element.StringValue())
			}

			healed.Store(true)
			mended, err := ad.Update(t.Context(), &pulumirpc.UpdateRequest{
				Id: kept.GetId(), Urn: urn(test.token), OldInputs: ad.pack(in), Olds: kept.GetProperties(), News: ad.pack(in),
			})
			require.NoError(t, err)
			now := ad.unpack(mended.GetProperties())
			assert.Equal(t, state["value"], now["value"])
			assert.Equal(t, test.in["displayName"], now["displayName"])
			ad.remove([]made{{test.token, kept.GetId(), now}})
		})
	}
}

// The real plugin doubles no quotes. A program that does not double them must fail here too.
func TestAGroupIsLookedUpByItsNameAsItIsGiven(t *testing.T) {
	t.Parallel()
	ad := attach(t, "azuread", configFor(startAzure(t)))
	id, _, _ := ad.create(adGroup, props{"displayName": text("Ada's team"), "securityEnabled": resource.NewProperty(true)})
	get := func(name string) (props, error) {
		got, err := ad.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "azuread:index/getGroup:getGroup",
			Args: ad.pack(props{"displayName": text(name)})})
		return ad.unpack(got.GetReturn()), err
	}
	_, err := get("Ada's team")
	require.Error(t, err)
	got, err := get("Ada''s team")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimPrefix(id, "/groups/"), got["objectId"].StringValue())
}
