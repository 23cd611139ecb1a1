package verify_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	pictures = subscription + "/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/pictures"
	firm     = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/shared/providers/" +
		"Microsoft.MachineLearningServices/registries/firm"
)

// pulling is the model with a container registry with these permissions.
func pulling(permissions services.RegistryPermissions) services.WorkspaceServices {
	return services.WorkspaceServices{RegistryPermissions: permissions, ContainerRegistry: pictures,
		ImagePull: map[string]services.ImagePull{"cpu": services.Assign}}
}

func TestWhatTheContainerRegistrySaysIsComparedWithTheStack(t *testing.T) {
	t.Parallel()
	says := func(admin any, mode string) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": map[string]any{"adminUserEnabled": admin, "roleAssignmentMode": mode}})
	}
	const legacy, abac = "LegacyRegistryPermissions", "AbacRepositoryPermissions"
	admin := services.WorkspaceServices{RegistryPermissions: services.ByAdminUser, ContainerRegistry: pictures,
		SystemDatastoresAuthMode: services.ByAccessKey}
	open := services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByAccessKey,
		ContainerRegistry: pictures}
	keyed := pulling(services.ByPullRole)
	keyed.SystemDatastoresAuthMode = services.ByAccessKey
	granted, bare := newWorld(t, serviced(keyed)), newWorld(t, serviced(admin))
	granted.grantAll()
	granted.assign(granted.clusterID(), "ServicePrincipal", roles.RepositoryReader, pictures)
	bare.grantAll()
	for name, c := range map[string]struct {
		given     services.WorkspaceServices
		answer    func(*http.Request) (int, any)
		status    verify.Status
		why, note string
	}{
		"rbac, as it is":       {pulling(services.ByPullRole), says(false, legacy), verify.Works, "", ""},
		"rbac, in other words": {pulling(services.ByPullRole), says(false, strings.ToUpper(legacy)), verify.Works, "", ""},
		"rbac, abac now": {pulling(services.ByPullRole), says(false, abac), verify.Missing,
			"pictures is of the kind abac now", ""},
		"rbac, admin user now": {pulling(services.ByPullRole), says(true, legacy), verify.Works, "",
			"the admin user of the container registry pictures is on now"},
		"abac, as it is": {pulling(services.ByABAC), says(false, abac), verify.Works, "", ""},
		"abac, rbac now": {pulling(services.ByABAC), says(false, legacy), verify.Missing,
			"pictures is of the kind rbac now", ""},
		"abac, admin user now": {pulling(services.ByABAC), says(true, abac), verify.Works, "", "is on now"},
		"admin user, as it is": {admin, says(true, abac), verify.Works, "", ""},
		"admin user, rbac now": {admin, says(false, legacy), verify.Missing, "has no admin user now", ""},
		"admin user, nothing is said": {admin, says(nil, legacy), verify.Undecided, "adminUserEnabled nothing",
			""},
		"a mode that nobody knows": {pulling(services.ByPullRole), says(false, "Other"), verify.Undecided,
			`roleAssignmentMode "Other"`, ""},
		"no mode": {pulling(services.ByABAC), says(false, ""), verify.Undecided, `roleAssignmentMode ""`,
			""},
		"it is gone":                {pulling(services.ByPullRole), absent, verify.Missing, "registry pictures is gone", ""},
		"no permission":             {pulling(services.ByPullRole), refused, verify.Undecided, "registries/read", ""},
		"left to it, admin user":    {open, says(true, legacy), verify.Works, "", ""},
		"left to it, no permission": {open, refused, verify.Undecided, "registries/read", ""},
		"left to it, a mode that nobody knows": {open, says(false, "Other"), verify.Undecided,
			`roleAssignmentMode "Other"`, ""},
		"left to it, rbac": {open, says(false, legacy), verify.Missing, "image: cluster cpu lacks AcrPull on container " +
			"registry pictures", ""},
		"left to it, abac": {open, says(false, abac), verify.Missing,
			"image: cluster cpu lacks Container Registry Repository Reader on container registry pictures", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := map[bool]*world{true: bare, false: granted}[c.given.LookUp].with(t, serviced(c.given))
			w.m.Services = c.given
			r := w.judged(answering{w.azure.Client(), "/registries/pictures", c.answer}, 0)
			p := path(t, r, "ann", "heart")
			assert.Equal(t, c.status, p.Status, p.Why)
			assert.Contains(t, p.Why, c.why)
			assert.Contains(t, strings.Join(r.Notes, "\n"), c.note)
			assert.Equal(t, c.status != verify.Works, r.Failed(false))
		})
	}
}

// Anonymous pull is reported, and replaces no role: a cluster identity signs in.
func TestAnonymousPullIsNotedAndReplacesNoRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, serviced(pulling(services.ByABAC)))
	w.m.Services.SystemDatastoresAuthMode = services.ByAccessKey
	for name, anonymous := range map[string]any{"on": true, "off": false, "not said": nil} {
		r := w.judged(answering{w.azure.Client(), "/registries/pictures", always(map[string]any{"properties": map[string]any{
			"adminUserEnabled": false, "roleAssignmentMode": "AbacRepositoryPermissions",
			"anonymousPullEnabled": anonymous}})}, 0)
		assert.NotEqual(t, verify.Works, path(t, r, "ann", "heart").Status, name)
		assert.Equal(t, name == "on", strings.Contains(strings.Join(r.Notes, "\n"), "pictures may pull all of its images "+
			"without signing in"), name)
	}
}

// A registry that only the workspace names is in a resource group that nothing else in the model is in.
func TestTheAssignmentsOfARegistryThatIsLookedUpAreAskedFor(t *testing.T) {
	t.Parallel()
	keyed := pulling(services.ByABAC)
	keyed.SystemDatastoresAuthMode = services.ByAccessKey
	w := newWorld(t, serviced(keyed)) // so that the sandbox has one
	w.m.Services.LookUp = true
	w.m.Services.RegistryPermissions, w.m.Services.ContainerRegistry, w.m.Services.ImagePull = "", "", nil
	w.m = serviced(w.m.Services)
	w.m.Services.RegistryPermissions = ""
	w.grantAll()
	p := path(t, w.report(), "ann", "heart")
	assert.Equal(t, verify.Missing, p.Status)
	assert.Contains(t, p.Why, "lacks Container Registry Repository Reader on container registry pictures")
	w.assign(w.id(access.ClusterPrincipal("cpu")), "ServicePrincipal", roles.RepositoryReader, pictures)
	r := w.report()
	assert.Equal(t, verify.Works, path(t, r, "ann", "heart").Status, path(t, r, "ann", "heart").Why)
	assert.Empty(t, r.Excess)
}

func TestAnotherRegistryOfTheWorkspaceIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, serviced(pulling(services.ByPullRole)))
	w.grantAll()
	says := func(registry any) verify.Report {
		return w.judged(answering{w.azure.Client(), "/workspaces/ws",
			always(map[string]any{"properties": map[string]any{"containerRegistry": registry,
				"systemDatastoresAuthMode": "accesskey"}})}, 0)
	}
	const noted = "the workspace's own container registry is "
	assert.Contains(t, strings.Join(says(pictures+"2").Notes, "\n"), noted+pictures+"2")
	for _, same := range []any{nil, "", strings.ToUpper(pictures)} {
		assert.NotContains(t, strings.Join(says(same).Notes, "\n"), noted)
	}
	w.m.Services.LookUp, w.m.Services.ContainerRegistry, w.m.Services.ImagePull = true, "", nil
	w.m.Services.RegistryPermissions = ""
	assert.Contains(t, path(t, says("no ARM ID"), "ann", "heart").Why, `its container registry is "no ARM ID"`)
	assert.Equal(t, verify.Undecided, path(t, says(nil), "ann", "heart").Status, "it has none yet")
}

// Whoever changes a deployment changes the registries of its model and environment.
func TestTheRegistriesOfADeploymentAreComparedWithTheStack(t *testing.T) {
	t.Parallel()
	uses := func(model, environment string) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": map[string]any{"model": map[string]any{"assetId": model},
			"environmentId": environment}})
	}
	const ofFirm, ofOther, own = "azureml://registries/firm/models/m/versions/1",
		"azureml://registries/other/environments/e/versions/1", workspace + "/models/m/versions/1"
	named, none := []string{"firm"}, []string{}
	m := serviced(services.WorkspaceServices{SystemDatastoresAuthMode: services.ByAccessKey})
	m.Registries = map[string]access.ID{"firm": access.Known(firm)}
	bare := newWorld(t, m)
	bare.grantAll()
	heart := m.Endpoints["heart"]
	heart.Registries = named
	m.Endpoints["heart"] = heart
	granted := newWorld(t, m)
	granted.grantAll()
	for name, c := range map[string]struct {
		given     []string
		lookUp    bool
		answer    func(*http.Request) (int, any)
		status    verify.Status
		why, note string
	}{
		"as it is": {named, false, uses(ofFirm, own), verify.Works, "", ""},
		"as environment": {named, false, uses(own, "AzureML://Registries/FIRM/environments/e/versions/1"), verify.Works, "",
			""},
		"none, as it is":      {none, false, uses(own, ""), verify.Works, "", ""},
		"not used any more":   {named, false, uses(own, own), verify.Works, "", "neither model nor environment of heart"},
		"another one too":     {named, false, uses(ofFirm, ofOther), verify.Missing, "shared registry other", ""},
		"one, and none named": {none, false, uses(ofFirm, own), verify.Missing, "is of registry firm now", ""},
		"one, and nothing said": {nil, false, uses(ofFirm, own), verify.Undecided,
			"registry firm, of which endpoints.heart", ""},
		"one unknown, and nothing said": {nil, false, uses(ofOther, own), verify.Undecided,
			"of which the configuration says nothing", ""},
		"none, and nothing said": {nil, false, uses(own, own), verify.Works, "", ""},
		"left to it, none":       {nil, true, uses(own, ""), verify.Works, "", ""},
		"left to it": {nil, true, uses(ofFirm, own), verify.Missing,
			"registry: invoker ann lacks AzureML Registry User on registry firm", ""},
		"left to it, unknown":       {nil, true, uses(ofOther, own), verify.Undecided, "shared registry other", ""},
		"left to it, no permission": {nil, true, refused, verify.Undecided, "batchEndpoints/read", ""},
	} {
		for _, deployment := range []string{"", "blue"} {
			t.Run(name+" "+deployment, func(t *testing.T) {
				t.Parallel()
				m := model()
				m.Registries = map[string]access.ID{"firm": access.Known(firm)}
				if c.lookUp {
					m = serviced(services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByAccessKey})
					m.Registries = map[string]access.ID{"firm": access.Known(firm)}
				}
				heart, ends := m.Endpoints["heart"], "/heart/deployments/default"
				heart.Registries = c.given
				if deployment != "" {
					ends = "/heart/deployments/" + deployment
					heart.Deployments = map[string]access.Deployment{deployment: {Cluster: heart.Cluster}}
					heart.Cluster = ""
				}
				m.Endpoints["heart"] = heart
				w := map[bool]*world{true: bare, false: granted}[c.lookUp].with(t, m)
				asked := false
				r := w.judged(answering{w.azure.Client(), ends, func(req *http.Request) (int, any) {
					asked = true
					return c.answer(req)
				}}, 0)
				require.True(t, asked)
				p := path(t, r, "ann", "heart")
				assert.Equal(t, c.status, p.Status, p.Why)
				assert.Contains(t, p.Why, c.why)
				if deployment == "" || c.note == "" {
					assert.Contains(t, strings.Join(r.Notes, "\n"), c.note)
				} else {
					assert.Contains(t, strings.Join(r.Notes, "\n"), c.note+"/"+deployment)
				}
				assert.Equal(t, verify.Works, path(t, r, "robot", "tagger").Status)
			})
		}
	}
}
