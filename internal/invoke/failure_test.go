package invoke_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/roles"
)

// forged is a token that nobody signed, with claims that the test chooses.
func forged(t *testing.T, claims jwt.MapClaims) invoke.StaticToken {
	t.Helper()
	all := jwt.MapClaims{"aud": access.Model{}.Audience(), "tid": tenant, "oid": alice,
		"exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte("nobody's key"))
	require.NoError(t, err)
	return invoke.StaticToken(token)
}

func TestATokenThatWouldBeRefusedIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		token invoke.StaticToken
		says  []string
	}{
		"for management": {invoke.StaticToken(w.token(alice, "https://management.azure.com")),
			[]string{`for "https://management.azure.com"`, "az account get-access-token --resource https://ml.azure.com"}},
		"expired": {forged(t, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}),
			[]string{"expired at", "az account get-access-token"}},
		"not valid yet": {forged(t, jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}),
			[]string{"not valid before", "clock"}},
		"another tenant": {forged(t, jwt.MapClaims{"tid": alice}),
			[]string{"issued by tenant " + alice, "--tenant " + tenant}},
		"no token at all": {"not-a-token", []string{"not a JSON Web Token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := w.proxy(pass)
			_, err := w.with(invoke.Options{Credential: c.token, Transport: p.Client()}).Start(t.Context(), p.jobsURI(), "",
				keyed())
			f := failure(t, err, invoke.Token)
			for _, text := range c.says {
				assert.Contains(t, f.Error(), text)
			}
			assert.Zero(t, p.calls())
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, f, c.token), string(c.token))
		})
	}
}

func TestATokenThatTheEndpointRefusesIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cloud := w.cloud()
	cloud.TenantID = "" // as in public Azure: only the endpoint knows its tenant
	start := func(token invoke.StaticToken) *invoke.Failure {
		_, err := w.with(invoke.Options{Credential: token, Cloud: cloud}).Start(t.Context(), w.jobsURI(), "", keyed())
		return failure(t, err, invoke.Token)
	}
	assert.Contains(t, start(forged(t, jwt.MapClaims{"tid": alice})).Error(), "endpoint belongs to tenant "+tenant)
	assert.Contains(t, start(forged(t, nil)).Error(), "the token was refused")
}

func TestAMissingActionIsNamedWithItsScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice)
	client, actions := w.as(alice), roles.InvokerActions()
	for n, missing := range actions {
		w.define(slices.Delete(slices.Clone(actions), n, n+1)...)
		_, err := client.Start(t.Context(), w.jobsURI(), "", keyed())
		f := failure(t, err, invoke.Invoke)
		assert.Equal(t, missing, f.Action)
		at := workspace // facts/batch-endpoints.md, "Scope of each"
		if strings.Contains(missing, "/batchEndpoints/") {
			at = endpoint
		}
		assert.Equal(t, at, f.Scope)
		assert.Equal(t, alice, f.Identity)
		assert.Equal(t, access.InvokeHop, f.Hop)
		assert.Contains(t, f.Error(), fmt.Sprintf("number %d of the 35", n+1))
		assert.Contains(t, f.Error(), " --scope "+workspace)
		atEndpoint := strings.Contains(f.Error(), "for this endpoint alone") &&
			strings.Contains(f.Error(), " --scope "+endpoint)
		assert.Equal(t, at == endpoint, atEndpoint, "%s: the endpoint's own scope is proposed where it helps alone", missing)
		assert.Equal(t, 4, f.ExitCode())
	}
}

func TestFindingTheEndpointIsExplainedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := w.with(invoke.Options{Credential: everyScope{w, alice}})
	_, err := stranger.ScoringURI(t.Context(), workspace, "heart")
	f := failure(t, err, invoke.Invoke)
	assert.Equal(t, "Microsoft.MachineLearningServices/workspaces/batchEndpoints/read", f.Action)
	assert.Equal(t, alice, f.Identity)

	owner := w.with(invoke.Options{Credential: everyScope{w, w.Deployer().ObjectID}})
	_, err = owner.ScoringURI(t.Context(), workspace, "hearts")
	assert.Contains(t, failure(t, err, invoke.Request).Error(), "find endpoint hearts")
	_, err = w.as(alice).ScoringURI(t.Context(), workspace, "heart")
	assert.Contains(t, failure(t, err, invoke.Request).Error(), "--uri")
}

// granting reads a remedy that is a command: which role it grants to whom.
var granting = regexp.MustCompile(`grant the (cluster|invoker): az role assignment create --role "([^"]+)" ` +
	`--assignee-object-id ("\$\([^)]*\)"|\S+) --assignee-principal-type (\S+) --scope (.+)`)

// Azure's error says neither who lacks a role nor where: the commands of the remedy cover everything that may be
// missing.
func TestAJobCompletesAfterEachFailuresRemedy(t *testing.T) {
	t.Parallel()
	type grant struct{ who, role string }
	principals := map[string]string{"cluster": cluster, "invoker": alice}
	scopes := map[string]string{roles.StorageBlobDataReader: account + "/blobServices/default/containers/raw",
		roles.StorageBlobDataContributor: account + "/blobServices/default/containers/out"}
	for lacking, want := range map[grant]struct {
		kind invoke.Kind
		hop  access.HopKind
	}{
		{"cluster", roles.StorageBlobDataReader}:      {invoke.Mount, access.MountHop},
		{"invoker", roles.StorageBlobDataReader}:      {invoke.Data, access.ReadHop},
		{"cluster", roles.StorageBlobDataContributor}: {invoke.Data, access.WriteHop},
		{"invoker", roles.StorageBlobDataContributor}: {invoke.Data, access.WriteHop},
	} {
		t.Run(lacking.who+" "+lacking.role, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.allow(alice, "pollJobs")
			give := func(g grant) {
				d, ok := roles.BuiltIn(g.role)
				require.True(t, ok)
				w.assign(principals[g.who], d.ID, scopes[g.role])
			}
			for who := range principals {
				for role := range scopes {
					if g := (grant{who, role}); g != lacking {
						give(g)
					}
				}
			}
			_, err := run(t.Context(), w.as(alice), w.jobsURI(), "", byURL())
			f := failure(t, err, want.kind)
			assert.Equal(t, want.hop, f.Hop)
			found := false
			for _, m := range granting.FindAllStringSubmatch(f.Error(), -1) {
				isCluster := m[1] == "cluster"
				assert.Equal(t, isCluster, strings.Contains(m[3], "az ml compute show"), m[0])
				assert.Equal(t, isCluster, m[3] != alice, m[0])
				assert.Equal(t, map[bool]string{true: "ServicePrincipal", false: "User"}[isCluster], m[4])
				found = found || lacking == grant{m[1], m[2]}
			}
			require.True(t, found, "%v is not among what %s says", lacking, f)
			give(lacking)
			job, err := run(t.Context(), w.as(alice), w.jobsURI(), "", byURL())
			require.NoError(t, err)
			assert.Equal(t, "Completed", job.Status)
		})
	}
}

// The sandbox's error of a failed job has only what Azure's has.
func TestAJobsErrorHasACodeAndAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice, "pollJobs")
	job, err := w.as(alice).Start(t.Context(), w.jobsURI(), "", byURL())
	require.NoError(t, err)
	properties := w.call(http.MethodGet, "/inference/westeurope/heart/jobs/"+job.Name, access.Model{}.Audience(),
		nil)["properties"].(map[string]any)
	assert.Equal(t, "Failed", properties["status"])
	assert.Equal(t, []string{"code", "message"}, slices.Sorted(maps.Keys(properties["error"].(map[string]any))))
}

func TestAClusterWithoutIdentityIsNamedAsTheCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice, "pollJobs")
	_, err := run(t.Context(), w.as(alice), w.jobsURI(), "green", byURL())
	assert.Contains(t, failure(t, err, invoke.Mount).Error(), "a cluster without an identity opens nothing")
}

func TestAFailureThatIsNotAboutAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice, "pollJobs")
	request := byURL()
	request.Properties.InputData["in"] = jobrequest.Input{JobInputType: jobrequest.URIFolder,
		URI: "https://nowhere.blob.core.windows.net/raw"}
	_, err := run(t.Context(), w.as(alice), w.jobsURI(), "", request)
	assert.Equal(t, 1, failure(t, err, invoke.JobFailed).ExitCode())

	_, err = w.as(alice).Start(t.Context(), w.jobsURI(), "purple", keyed())
	assert.Contains(t, failure(t, err, invoke.Request).Error(), "purple")
}

// Azure's error for a job whose storage could not be opened names neither hop nor identity.
func TestBothIdentitiesAreNamedWhereAzureNamesNeither(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice, "pollJobs")
	p := w.proxy(answer(200, nil, `{"id": "/x/jobs/j", "name": "j", "properties": {"status": "Failed", "error": `+
		`{"code": "UserError",
		"message": "ScriptExecutionException was caused by StreamAccessException. StreamAccessException was caused by `+
		`AuthenticationException."}}}`))
	_, err := run(t.Context(), w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice,
		access.Model{}.Audience())), Transport: p.Client()}), p.jobsURI(), "", byURL())
	f := failure(t, err, invoke.Mount)
	assert.Contains(t, f.What, "does not say which")
	text := f.Error()
	assert.Contains(t, text, "az ml compute show")
	assert.Contains(t, text, "--assignee-object-id "+alice+" --assignee-principal-type User")
	assert.Contains(t, text, "az storage account show --name mydata")
	assert.Contains(t, text, "containers/raw")
}

func TestAJobThatMayNotBePolledSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(alice)
	client := w.as(alice)
	job, err := client.Start(t.Context(), w.jobsURI(), "", keyed())
	require.NoError(t, err)
	assert.Equal(t, "Preparing", job.Status)
	assert.True(t, strings.HasSuffix(job.ID, job.Name))
	followed, err := client.Follow(t.Context(), w.jobsURI(), job, nil)
	f := failure(t, err, invoke.Follow)
	assert.Equal(t, job.Name, followed.Name)
	assert.Contains(t, f.Error(), "no pollJobs addition")
	assert.Contains(t, f.Error(), "add pollJobs to the role")
	assert.Equal(t, 9, f.ExitCode())
}

func TestEachKindHasAnExitCodeOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, row := range invoke.ExitCodes() {
		assert.False(t, seen[row.Code], row.Code)
		seen[row.Code] = true
		if row.Kind != "" {
			assert.Equal(t, row.Code, (&invoke.Failure{Kind: row.Kind}).ExitCode())
		}
		assert.NotEmpty(t, row.Meaning)
	}
}
