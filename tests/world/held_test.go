package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

const (
	worldImages   = worldGroup + "Microsoft.ContainerRegistry/registries/pictures"
	worldOwn      = worldGroup + "Microsoft.Storage/storageAccounts/mlown"
	worldRegistry = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/shared/providers/" +
		"Microsoft.MachineLearningServices/registries/firm"
	everybody  = "66666666-6666-4666-8666-666666666666"
	customRole = "abababab-1111-4111-8111-111111111111"
)

// assigned is an assignment of a built-in role, or of a custom one by its GUID.
func assigned(n int, role, principal, kind, scope string) azure.RoleAssignment {
	if of, is := roles.BuiltIn(role); is {
		role = of.ID
	}
	return azure.RoleAssignment{ID: fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", n), Scope: scope, RoleID: role,
		PrincipalID: principal, PrincipalType: kind}
}

// wholeAzure is realAzure with everything else that a job uses: identities open the workspace's own stores, the
// registry of images needs roles, and models come from a shared registry. The existing cluster has the roles that it
// needs there.
func wholeAzure() azure.Seed {
	s := realAzure()
	s.SubscriptionIDs = append(s.SubscriptionIDs, "22222222-2222-4222-8222-222222222222")
	s.Workspaces[0].SystemDatastoresAuthMode, s.Workspaces[0].StorageAccountID = "identity", worldOwn
	s.Workspaces[0].ContainerRegistryID = worldImages
	s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: worldOwn, Containers: []string{"code"}})
	s.ContainerRegistries = []azure.ContainerRegistry{{ID: worldImages}}
	s.ResourceIDs = append(s.ResourceIDs, worldRegistry)
	s.Endpoints[0].Deployments[0].Registries = []string{"firm"}
	s.RoleAssignments = append(s.RoleAssignments, assigned(1, roles.AcrPull, cpuPrincipal, "ServicePrincipal",
		worldImages))
	return s
}

// wholeEdits make the stack look at all of that.
var wholeEdits = []string{
	"storageAccounts: { lake: " + worldLake + " }", "storageAccounts: { lake: " + worldLake + ", own: " + worldOwn +
		" }\n" +
		"registries: { firm: " + worldRegistry + " }\n" +
		"workspace: { systemDatastoresAuthMode: identity, storageAccount: own, registryPermissions: rbac,\n" +
		"  containerRegistry: " + worldImages + ", imagePull: { cpu: assigned } }",
	"heart: { cluster: cpu, inputs: [patients, base] }",
	"heart: { cluster: cpu, inputs: [patients, base], registries: [firm] }",
}

// without are the edits without a text.
func without(text string) (all []string) {
	for _, edit := range wholeEdits {
		all = append(all, strings.Replace(edit, text, "", 1))
	}
	return all
}

func edited(more ...string) []string { return append(slices.Clone(wholeEdits), more...) }

func wrong(report *rehearsal.Report) string {
	var all []string
	for _, o := range report.Failures() {
		all = append(all, fmt.Sprintf("%s, %s, %s: want %s, got %s: %s", o.Invoker, o.Endpoint, o.Input, o.Want, o.Got,
			o.Detail))
	}
	return strings.Join(all, "\n")
}

func TestTheRestOfTheWayIsThatOfTheWorld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*azure.Seed)
		edits  []string
		says   string // the reason why somebody fails; "" for nobody
	}{
		"as the stack says": {func(*azure.Seed) {}, edited(), ""},
		"the cluster may not pull": {func(s *azure.Seed) { s.RoleAssignments = nil }, edited(),
			"got fails at image"},
		"the stack does not look at the stores": {func(*azure.Seed) {}, without("systemDatastoresAuthMode: identity, " +
			"storageAccount: own, "), "got fails at stores"},
		"the stack does not look at a registry that nobody knows": {func(s *azure.Seed) {
			s.Endpoints[0].Deployments[0].Registries = []string{"azureml"}
		}, without(", registries: [firm]"), ""},
		"the stack leaves all of it to the workspace": {func(*azure.Seed) {}, []string{wholeEdits[0],
			strings.Replace(wholeEdits[1], "workspace: { systemDatastoresAuthMode: identity, storageAccount: own, "+
				"registryPermissions: rbac,\n  containerRegistry: "+worldImages+", imagePull", "workspace: { lookUp: true, "+
				"registryPermissions: rbac, imagePull", 1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := wholeAzure()
			c.change(&seed)
			w, err := world.Parse(exported(t, seed, wholeEdits...))
			require.NoError(t, err)
			values := worldValues(t, c.edits...)
			report, err := inprocess.RehearseIn(t.Context(), values, w)
			require.NoError(t, err)
			if c.says == "" {
				assert.Empty(t, wrong(report))
				assert.True(t, report.Passed())
				return
			}
			assert.Contains(t, wrong(report), c.says)
		})
	}
}

// Roles that principals have before the stack, of their own or through a group, count in a rehearsal. The report names
// such a role if it lets somebody in.
func TestWhatIsHeldBeforeIsThereInTheWorld(t *testing.T) {
	t.Parallel()
	custom := azure.RoleDefinition{ID: customRole, RoleName: "Reader of blobs", AssignableScopes: []string{worldLake},
		Permissions: []azure.Permission{{DataActions: []string{
			"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"}}}}
	only := strings.Replace("heart: { cluster: cpu, inputs: [patients, base], registries: [firm] }", " }",
		", invokers: [team] }", 1)
	edits := []string{wholeEdits[0], wholeEdits[1], wholeEdits[2], only}
	for name, c := range map[string]struct {
		held  []azure.RoleAssignment
		roles []azure.RoleDefinition
		group bool // ann is in a group that is not the stack's
		says  string
	}{
		"nothing": {},
		"a role of one's own": {held: []azure.RoleAssignment{assigned(2, "Storage Blob Data Owner", ann, "User",
			worldLake)}, says: "holds already, not by this stack: Storage Blob Data Owner on " + worldLake},
		"a group's": {held: []azure.RoleAssignment{assigned(2, "Storage Blob Data Owner", everybody, "Group", worldLake)},
			group: true, says: "Storage Blob Data Owner on " + worldLake + " through the group Everybody"},
		"of a group that nobody is in": {held: []azure.RoleAssignment{assigned(2, "Storage Blob Data Owner", everybody,
			"Group", worldLake)}},
		"above": {held: []azure.RoleAssignment{assigned(2, "Storage Blob Data Owner", ann, "User",
			"/subscriptions/11111111-1111-4111-8111-111111111111")}, says: "holds already"},
		"a custom role": {held: []azure.RoleAssignment{assigned(2, customRole, ann, "User", worldLake)},
			roles: []azure.RoleDefinition{custom}, says: "Reader of blobs on " + worldLake},
		"the same that the stack makes": {held: []azure.RoleAssignment{assigned(2, roles.StorageBlobDataReader,
			cpuPrincipal, "ServicePrincipal", worldLake+"/blobServices/default/containers/patients")},
			says: "RoleAssignmentExists"},
		"what the stack has made": {held: []azure.RoleAssignment{func() azure.RoleAssignment {
			a := assigned(2, roles.StorageBlobDataReader, cpuPrincipal, "ServicePrincipal",
				worldLake+"/blobServices/default/containers/patients")
			a.Description = "Reads [batchaccess:batchaccess/dev/access.lake.patients.reader.cluster.cpu]"
			return a
		}()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := wholeAzure()
			seed.RoleAssignments = append(seed.RoleAssignments, c.held...)
			seed.RoleDefinitions = append(seed.RoleDefinitions, c.roles...)
			group := azure.Group{ObjectID: everybody, DisplayName: "Everybody"}
			if c.group {
				group.MemberIDs = []string{ann}
			}
			seed.Groups = append(seed.Groups, group)
			w, err := world.Parse(exported(t, seed, wholeEdits...))
			require.NoError(t, err)
			report, err := inprocess.RehearseIn(t.Context(), worldValues(t, edits...), w)
			if c.says == "RoleAssignmentExists" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			if c.says == "" {
				assert.Empty(t, wrong(report))
				return
			}
			assert.Contains(t, wrong(report), c.says)
			assert.False(t, report.Passed())
		})
	}
}

// If the stack differs from the world, it is refused before anything is seeded, with all differences at once.
func TestTheRestOfTheWayIsComparedWithTheWorld(t *testing.T) {
	t.Parallel()
	w, err := world.Parse(exported(t, wholeAzure(), wholeEdits...))
	require.NoError(t, err)
	model, problems := config.Model(worldValues(t, edited()...))
	require.NoError(t, problems.Err())
	require.NoError(t, w.Check(model, nil).Err())
	for name, c := range map[string]struct {
		change func(*world.World)
		edits  []string
		says   []string
	}{
		"no registry": {func(w *world.World) { w.Registries = []world.Registry{} }, nil, []string{
			"registries.firm: the world has no registry " + worldRegistry}},
		"no container registry": {func(w *world.World) { w.ContainerRegistries = []world.ContainerRegistry{} }, nil,
			[]string{"workspace.containerRegistry: the world has no container registry " + worldImages}},
		"another mode": {func(w *world.World) { w.Workspace.SystemDatastoresAuthMode = "AccessKey" }, nil, []string{
			"workspace.systemDatastoresAuthMode: the workspace of the world says AccessKey, and this is identity; " +
				"write accesskey"}},
		"another account": {func(w *world.World) { w.Workspace.StorageAccountID = worldLake }, nil, []string{
			"workspace.storageAccount: the workspace of the world has the storage account " + worldLake}},
		"an admin user": {func(w *world.World) { w.ContainerRegistries[0].AdminUser = true }, nil, []string{
			"workspace.registryPermissions: the container registry of the world asks for adminUser, and this is rbac; " +
				"write adminUser"}},
		"permissions by repository, and no registry": {func(w *world.World) {
			w.ContainerRegistries[0].ABAC, w.Registries = true, []world.Registry{}
		}, nil, []string{"asks for abac, and this is rbac", "registries.firm: "}},
		"another registry of a deployment": {func(w *world.World) {
			w.Endpoints[0].Deployments[0].Registries = []string{"FIRM", "other"}
		}, nil, []string{"endpoints.heart.registries: in the world the deployment first uses the registry other, which is " +
			"none of these; add its ARM ID to registries"}},
		"a role": {func(*world.World) {}, []string{"location: westeurope",
			"location: westeurope\nrole: { roleDefinitionId: " +
				"/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/roleDefinitions/" +
				customRole + " }"}, []string{"role.roleDefinitionId: the world has no role " + customRole}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed, err := world.Parse(exported(t, wholeAzure(), wholeEdits...))
			require.NoError(t, err)
			c.change(changed)
			model, problems := config.Model(worldValues(t, edited(c.edits...)...))
			require.NoError(t, problems.Err())
			ps := changed.Check(model, nil)
			require.Len(t, ps, len(c.says), ps)
			for _, says := range c.says {
				assert.ErrorContains(t, ps.Err(), says)
			}
		})
	}
}

func TestAWorldThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	whole := string(exported(t, wholeAzure(), wholeEdits...))
	acrPull, _ := roles.BuiltIn(roles.AcrPull)
	for name, c := range map[string]struct{ old, now, says string }{
		"a role that is not there": {acrPull.ID, customRole,
			"roleAssignments[0].roleId: the file lacks the role " + customRole},
		"no principal": {`"principalId": "` + cpuPrincipal + `",
      "principalType"`, `"principalId": "cpu", "principalType"`,
			`roleAssignments[0].principalId: "cpu" is not a GUID`},
		"a scope in no subscription": {`"scope": "` + worldImages, `"scope": "/providers/x`,
			`roleAssignments[0].scope: "/providers/x" is no scope in a subscription`},
		"no list of groups":    {`"groups": [`, `"groups": null, "identities": [`, "unknown field"},
		"an assignment twice":  {`"roleAssignments": [`, `"roleAssignments": [` + twice(whole), "is there twice"},
		"an unknown key below": {`"abac": false`, `"abac": false, "sku": "Premium"`, `unknown field "sku"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, whole, c.old)
			_, err := world.Parse([]byte(strings.Replace(whole, c.old, c.now, 1)))
			require.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, "batchaccess export")
		})
	}
}

// twice is the first assignment of a world, followed by a comma.
func twice(whole string) string {
	_, rest, _ := strings.Cut(whole, `"roleAssignments": [`)
	one, _, _ := strings.Cut(rest, "}")
	return one + "},"
}
