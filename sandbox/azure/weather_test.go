package azure_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func under(t *testing.T, weather azure.Weather) *world {
	t.Helper()
	return start(t, azure.Options{Weather: weather})
}

func TestANewPrincipalIsUnknownForAWhile(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Replication: time.Minute})
	app := w.graph(http.MethodPost, "/v1.0/applications", object("displayName", "nightly"))
	sp := object("appId", app.body["appId"])
	got := w.graph(http.MethodPost, "/v1.0/servicePrincipals", sp)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.message(), "does not reference a valid application object", "what the azuread plugin waits on")
	w.pass(time.Minute)
	made := w.graph(http.MethodPost, "/v1.0/servicePrincipals", sp)
	require.Equal(t, http.StatusCreated, made.status, made.body)
	principal := made.body["id"].(string)

	got = w.arm(http.MethodPut, assignmentPath(account), assignment(principal, readerRole))
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Equal(t, "PrincipalNotFound", got.code())
	typed := assignment(principal, writerRole).(map[string]any)
	typed["properties"].(map[string]any)["principalType"] = "ServicePrincipal"
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account), typed).status)
	w.pass(time.Minute)
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account),
		assignment(principal, readerRole)).status)
}

func TestWhatIsNewIsKnownOnceItHasSettled(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Replication: time.Hour})
	settled := func() { require.NoError(t, w.Settle()) }
	app := w.graph(http.MethodPost, "/v1.0/applications", object("displayName", "nightly"))
	of := "/v1.0/applications/" + app.body["id"].(string)
	sp := object("appId", app.body["appId"])
	assert.Equal(t, http.StatusBadRequest, w.graph(http.MethodPost, "/v1.0/servicePrincipals", sp).status)
	settled()
	made := w.graph(http.MethodPost, "/v1.0/servicePrincipals", sp)
	require.Equal(t, http.StatusCreated, made.status, made.body)
	people := w.graph(http.MethodPost, "/beta/groups", object("displayName", "new", "mailEnabled", false, "mailNickname",
		"new", "securityEnabled", true))
	require.Equal(t, http.StatusCreated, people.status, people.body)
	require.Equal(t, http.StatusOK, w.graph(http.MethodPost, of+"/addPassword", object("passwordCredential",
		object("displayName", "a"))).status)
	credential := w.graph(http.MethodPost, of+"/federatedIdentityCredentials", object("name", "main", "issuer",
		"https://issuer.example", "subject", "s", "audiences", []string{"api://AzureADTokenExchange"}))
	require.Equal(t, http.StatusCreated, credential.status, credential.body)
	identity := w.arm(http.MethodPut, group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/new",
		object("location", "x"))
	require.Equal(t, http.StatusCreated, identity.status, identity.body)
	known := func() (all []bool) {
		for _, principal := range []any{made.body["id"], people.body["id"], identity.at("properties", "principalId")} {
			all = append(all, w.arm(http.MethodPut, assignmentPath(account), assignment(principal.(string),
				readerRole)).code() != "PrincipalNotFound")
		}
		return append(all, len(w.graph(http.MethodGet, of, nil).body["passwordCredentials"].([]any)) > 0,
			w.graph(http.MethodGet, of+"/federatedIdentityCredentials/"+credential.body["id"].(string), nil).status ==
				http.StatusOK)
	}
	assert.Equal(t, make([]bool, 5), known())
	settled()
	assert.Equal(t, []bool{true, true, true, true, true}, known())
}

func TestANewManagedIdentityIsUnknownForAWhile(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Replication: time.Minute})
	made := w.arm(http.MethodPut, group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/new",
		object("location", "x"))
	made2 := w.arm(http.MethodPut, workspace+"/computes/new", clusterBody(object("type", "SystemAssigned")))
	for _, principal := range []any{made.at("properties", "principalId"), made2.at("identity", "principalId")} {
		assert.Equal(t, "PrincipalNotFound", w.arm(http.MethodPut, assignmentPath(account),
			assignment(principal.(string), readerRole)).code())
	}
}

func TestANewGroupIsUnknownForAWhileWhateverItsTypeSays(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Replication: time.Minute})
	made := w.graph(http.MethodPost, "/beta/groups", object("displayName", "new", "mailEnabled", false, "mailNickname",
		"new", "securityEnabled", true))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	id := made.body["id"].(string)
	typed := assignment(id, readerRole).(map[string]any)
	typed["properties"].(map[string]any)["principalType"] = "Group"
	assert.Equal(t, "PrincipalNotFound", w.arm(http.MethodPut, assignmentPath(account), typed).code())
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, "/beta/groups/"+id, nil).status)
	assert.Equal(t, http.StatusOK, w.graph(http.MethodGet, "/beta/groups/"+scientists, nil).status,
		"what was seeded is known")
	w.pass(time.Minute)
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account), typed).status)
	assert.Equal(t, http.StatusOK, w.graph(http.MethodGet, "/beta/groups/"+id, nil).status)
}

func TestGraphReadsWhatWasJustWrittenLateWhereThePluginWaitsForIt(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Replication: time.Minute})
	path := "/v1.0/applications/" + w.graph(http.MethodPost, "/v1.0/applications",
		object("displayName", "ci")).body["id"].(string)
	assert.Equal(t, http.StatusOK, w.graph(http.MethodGet, path, nil).status,
		"an application is read once, without waiting")
	federated := w.graph(http.MethodPost, path+"/federatedIdentityCredentials",
		object("name", "main", "issuer", github, "subject", repository, "audiences", []string{exchange}))
	require.Equal(t, http.StatusCreated, federated.status, federated.body)
	federatedPath := path + "/federatedIdentityCredentials/" + federated.body["id"].(string)
	require.Equal(t, http.StatusOK, w.graph(http.MethodPost, path+"/addPassword",
		object("passwordCredential", object())).status)
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, federatedPath, nil).status)
	assert.Empty(t, w.graph(http.MethodGet, path, nil).body["passwordCredentials"])
	w.pass(time.Minute)
	assert.Equal(t, http.StatusOK, w.graph(http.MethodGet, federatedPath, nil).status)
	assert.Len(t, w.graph(http.MethodGet, path, nil).body["passwordCredentials"], 1)
}

func TestANewAssignmentActsLateAndARemovedOneForAWhile(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Propagation: 10 * time.Minute})
	get := func() int {
		return w.send(http.MethodGet, workspace+"?api-version=2024-04-01", w.token(bob, management), nil).status
	}
	id := w.assign(everyone, controlReader, group)
	assert.Equal(t, http.StatusOK, w.arm(http.MethodGet, id, nil).status, "it is there at once")
	w.pass(9 * time.Minute)
	assert.Equal(t, http.StatusForbidden, get())
	w.pass(time.Minute)
	assert.Equal(t, http.StatusOK, get())

	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodGet, id, nil).status)
	w.pass(9 * time.Minute)
	assert.Equal(t, http.StatusOK, get())
	w.pass(time.Minute)
	assert.Equal(t, http.StatusForbidden, get())
}

// identityPath is a path at which nothing was made.
func identityPath() string {
	return group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i-" + uuid.NewString()
}

func TestThrottledRequestsAreNotDoneAndSayWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Throttling: 1, RetryAfter: 1500 * time.Millisecond})
	path := identityPath()
	for range 2 {
		got := w.arm(http.MethodPut, path, object("location", "x"))
		assert.Equal(t, http.StatusTooManyRequests, got.status)
		assert.Equal(t, "2", got.header.Get("Retry-After"), "whole seconds")
		assert.Equal(t, "TooManyRequests", got.code())
		assert.Empty(t, w.Inventory())
	}
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, path, object("location", "x")).status,
		"never three in a row")
	got := w.signIn(nil)
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.Equal(t, "temporarily_unavailable", got.body["error"], "Entra's own form")
	assert.Equal(t, http.StatusOK, w.send(http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", "", nil).status,
		"no client tries this twice")
}

// facts/federation.md, Rules: only managed identities.
func TestAManagedIdentityTakesOneWriteOfACredentialInItsTime(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{IdentityWrites: time.Hour})
	path := identityPath()
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, path, object("location", "x")).status)
	put := func(name string) answer {
		return w.arm(http.MethodPut, path+"/federatedIdentityCredentials/"+name, object("properties", object("issuer",
			"https://issuer.example", "subject", name, "audiences", []string{"api://AzureADTokenExchange"})))
	}
	require.Equal(t, http.StatusCreated, put("one").status)
	got := put("two")
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.Regexp(t, `^3[0-9]{3}$`, got.header.Get("Retry-After"), "some of the hour may be over")
	w.pass(time.Hour)
	assert.Equal(t, http.StatusCreated, put("two").status)
}

func TestFaultsComeBeforeTheWork(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{Faults: 1})
	seen := map[int]bool{}
	for range 20 {
		got := w.arm(http.MethodPut, identityPath(), object("location", "x"))
		seen[got.status] = true
		assert.NotEmpty(t, got.code())
		assert.Equal(t, "1", got.header.Get("Retry-After"))
	}
	assert.Equal(t, map[int]bool{500: true, 503: true}, seen)
	assert.Empty(t, w.Inventory())
}

func TestAnAnswerIsLostAfterTheWork(t *testing.T) {
	t.Parallel()
	w := under(t, azure.Weather{LostAnswers: 1})
	path := identityPath()
	assert.Equal(t, http.StatusInternalServerError, w.arm(http.MethodPut, path, object("location", "x")).status)
	assert.Contains(t, w.Inventory(), path, "it was done")
	assert.Equal(t, http.StatusOK, w.arm(http.MethodGet, path, nil).status, "a read has nothing to lose")
	assert.Equal(t, http.StatusCreated, w.graph(http.MethodPost, "/v1.0/applications", object("displayName", "x")).status,
		"nor has Graph, whose creates are not idempotent")
}

func TestTheSameSeedBringsTheSameWeather(t *testing.T) {
	t.Parallel()
	paths := make([]string, 40)
	for i := range paths {
		paths[i] = fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-0000-0000-%012d", account,
			i)
	}
	course := func(seed uint64, order func(i int) int) []int {
		w := under(t, azure.Weather{Seed: seed, Throttling: 0.2, Faults: 0.2, LostAnswers: 0.2})
		statuses := make([]int, len(paths))
		for i := range paths {
			at := order(i)
			statuses[at] = w.arm(http.MethodPut, paths[at], assignment(alice, readerRole)).status
			w.graph(http.MethodGet, "/v1.0/users/"+uuid.NewString(), nil)
		}
		for at, status := range statuses { // 201 and 409 depend on which request came first, not on the weather
			if status < 429 {
				statuses[at] = 0
			}
		}
		return statuses
	}
	straight := func(i int) int { return i }
	backwards := func(i int) int { return len(paths) - 1 - i }
	first := course(1, straight)
	assert.Equal(t, first, course(1, straight))
	assert.Equal(t, first, course(1, backwards), "in whatever order they come")
	assert.NotEqual(t, first, course(2, straight))
	assert.Contains(t, first, 429)
	assert.Contains(t, first, 500)
	assert.Contains(t, first, 0)
}

// The test has a clock of its own, so it does not wait.
func TestAnswersAreHeldBack(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		weather     azure.Weather
		least, most time.Duration // delay of one answer
	}{
		"by up to the most":         {azure.Weather{Latency: 100 * ms}, 0, 100 * ms},
		"by no less than the least": {azure.Weather{LeastLatency: 30 * ms}, 30 * ms, 30 * ms},
		"least below the most":      {azure.Weather{LeastLatency: 30 * ms, Latency: 40 * ms}, 30 * ms, 40 * ms},
		"least above the most":      {azure.Weather{LeastLatency: 30 * ms, Latency: ms}, 30 * ms, 30 * ms},
		"not at all":                {azure.Weather{Faults: 1}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := azure.Under(test.weather, http.NotFoundHandler())
				shortest, longest := time.Hour, time.Duration(0)
				for range 100 {
					before := time.Now()
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, workspace, nil))
					held := time.Since(before)
					shortest, longest = min(shortest, held), max(longest, held)
				}
				assert.GreaterOrEqual(t, shortest, test.least)
				assert.LessOrEqual(t, longest, test.most)
				span := test.most - test.least
				assert.LessOrEqual(t, shortest, test.least+span/4, "some are held back by little")
				assert.GreaterOrEqual(t, longest, test.most-span/4, "and some by much")
			})
		})
	}
}

func TestImpossibleWeatherIsRefused(t *testing.T) {
	t.Parallel()
	for what, weather := range map[string]azure.Weather{
		"replication": {Replication: -1}, "propagation": {Propagation: -1}, "latency": {Latency: -1},
		"leastLatency": {LeastLatency: -1}, "identityWrites": {IdentityWrites: -1}, "retryAfter": {RetryAfter: -1},
		"throttling": {Throttling: 1.5}, "faults": {Faults: -0.1}, "lostAnswers": {LostAnswers: math.NaN()}, "add " +
			"up": {Throttling: 0.6, Faults: 0.6},
	} {
		_, err := azure.Start(t.Context(), azure.Options{Weather: weather})
		require.ErrorContains(t, err, what)
	}
}

func TestWeatherIsReadFromText(t *testing.T) {
	t.Parallel()
	seventh := azure.Stormy()
	seventh.Seed, seventh.Faults = 7, 0
	for text, want := range map[string]azure.Weather{
		"": {}, "calm": {}, "  ": {}, "stormy": azure.Stormy(), "calm, seed=1": {Seed: 1},
		"seed=7, replication=1s,propagation=2m,latency=5ms,throttling=0.1,retryAfter=3s,faults=0.2,lostAnswers=0.3": {
			Seed: 7, Replication: time.Second, Propagation: 2 * time.Minute, Latency: 5 * time.Millisecond,
			Throttling: 0.1, RetryAfter: 3 * time.Second, Faults: 0.2, LostAnswers: 0.3,
		},
		"stormy,seed=7,faults=0": seventh, "faults=0,seed=7,stormy": seventh,
	} {
		got, err := azure.ParseWeather(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		again, err := azure.ParseWeather(got.String())
		require.NoError(t, err, got.String())
		assert.Equal(t, got, again, "it can be repeated from what is printed: %s", got)
	}
	assert.Equal(t, "calm", azure.Weather{}.String())
}

func TestEveryMistakeInAWeatherIsReported(t *testing.T) {
	t.Parallel()
	for text, says := range map[string][]string{
		"sunny":                            {`there is no "sunny"; write calm, stormy, or any of seed=, replication=`},
		"fault=0.1":                        {`there is no "fault=0.1"`},
		"faults":                           {`there is no "faults"`},
		"stormy=1":                         {`there is no "stormy=1"`},
		"stormy,":                          {`there is no ""`},
		"calm,stormy":                      {"it can't be both calm and stormy"},
		"seed=1,seed=2":                    {"seed is given twice"},
		"seed=-1":                          {"seed=-1: give a whole number from 0"},
		"replication=5":                    {"replication=5: give a duration of zero or more, such as 2s or 500ms"},
		"latency=-1s":                      {"latency=-1s: give a duration"},
		"faults=NaN":                       {"faults=NaN: give a share from 0 to 1"},
		"throttling=lots":                  {"throttling=lots: give a share"},
		"stormy,throttling=0.9,faults=0.2": {"throttling, faults and lostAnswers add up to 1.13"},
		"seed=x,latency=y,faults=2,sunny":  {"seed=x", "latency=y", "faults=2", `"sunny"`},
	} {
		w, err := azure.ParseWeather(text)
		assert.Zero(t, w, text)
		for _, say := range says {
			assert.ErrorContains(t, err, say, text)
		}
	}
}

// A parsed weather is the same after it is written and parsed again; one that is refused is zero.
func FuzzParseWeather(f *testing.F) {
	for _, text := range []string{"", "calm", "stormy,seed=7", "seed=18446744073709551615,latency=1h2m3.5s,faults=1e-3",
		"faults=0x1p-2", "a=b,,=", "faults=-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := azure.ParseWeather(text)
		if err != nil {
			assert.Zero(t, w)
			return
		}
		again, err := azure.ParseWeather(w.String())
		require.NoError(t, err, w.String())
		assert.True(t, w == again, "%q is written %q", text, w)
	})
}
