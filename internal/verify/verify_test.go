package verify_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestWhatTheModelNeedsIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	r := w.report()
	for _, p := range r.Paths {
		assert.Equal(t, p.Declared, p.Status == verify.Works, "%s on %s: %s", p.Invoker, p.Endpoint, p.Why)
	}
	assert.Empty(t, r.Lacking)
	assert.Empty(t, r.Excess)
	assert.False(t, r.Failed(true))
	assert.True(t, r.Settled())
}

func TestEachGrantThatIsTakenAwayIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	grants, ids := plans.Of(w.m).Grants, []string{}
	for _, g := range grants {
		ids = append(ids, w.grant(g))
	}
	for i, g := range grants {
		w.revoke(ids[i])
		r := w.report()
		want := plans.Of(w.m).PathsWith(slices.Delete(slices.Clone(grants), i, i+1))
		for j, p := range want {
			var wantHop, gotHop access.HopKind
			if hop := p.FailsAt(); hop != nil {
				wantHop = hop.Kind
			}
			if hop := r.Paths[j].FailsAt(); hop != nil {
				gotHop = hop.Kind
			}
			assert.Equal(t, wantHop, gotHop, "without %s: %s on %s", g, p.Invoker, p.Endpoint)
		}
		require.Len(t, r.Lacking, 1, g)
		assert.Equal(t, g, r.Lacking[0].Grant)
		assert.Equal(t, w.id(g.Principal), r.Lacking[0].PrincipalID)
		assert.True(t, r.Failed(false))
		ids[i] = w.grant(g)
	}
}

func TestAccessCountsWhereverItComesFrom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		holder, kind, scope string
		givenBy, through    string
	}{
		"inherited from the subscription": {ann, "User", subscription,
			"Contributor on subscription 11111111-1111-4111-8111-111111111111", ""},
		"through a group in a group": {company, "Group", mlGroup, "Contributor on resource group ml through group Company",
			"Company"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			for _, g := range plans.Of(w.m).Grants {
				if g.Principal == access.InvokerPrincipal("ann") && g.Role == "Batch Endpoint Invoker" {
					assignments, err := w.clients.NewRoleAssignmentsClient().NewListForScopePager(workspace, nil).NextPage(t.Context())
					require.NoError(t, err)
					for _, a := range assignments.Value {
						if *a.Properties.PrincipalID == ann && *a.Properties.Scope == workspace {
							w.revoke(*a.ID)
						}
					}
				}
			}
			require.Equal(t, verify.Missing, path(t, w.report(), "ann", "heart").Status)
			w.assign(c.holder, c.kind, roles.Contributor, c.scope)
			r := w.report()
			p := path(t, r, "ann", "heart")
			require.Equal(t, verify.Works, p.Status, p.Why)
			assert.Equal(t, c.givenBy, p.Hops[1].GivenBy)
			assert.Empty(t, r.Lacking, "another role gives it")
			require.NotEmpty(t, r.Excess)
			seen := map[string]bool{}
			for _, e := range r.Excess {
				assert.False(t, seen[e.Principal.String()+e.Assignment], "what is above two resource groups is reported once")
				seen[e.Principal.String()+e.Assignment] = true
			}
			assert.Equal(t, c.through, r.Excess[0].Through)
			assert.Contains(t, r.Excess[0].Risks, roles.DestroysData)
			assert.False(t, r.Failed(false), "what is beyond need is a warning")
			assert.True(t, r.Failed(true))
			assert.Equal(t, c.through != "", len(r.Notes) == 1, "robot's token may be old: %v", r.Notes)
		})
	}
}

func TestWhatIsGrantedBeyondNeedIsFoundByEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	w.assign(ann, "User", roles.StorageBlobDataReader, lake+"/blobServices/default/containers/scores")
	assert.Empty(t, w.report().Excess, "ann writes there, so to read gives nothing more")
	w.assign(robot, "ServicePrincipal", roles.StorageBlobDataReader, lake)
	w.define(append(roles.InvokerActions(), "Microsoft.MachineLearningServices/workspaces/computes/write")...)
	w.assign(ann, "User", roles.StorageBlobDataReader, mlGroup)
	w.assign(ann, "User", roles.StorageBlobDataReader, lake+"/blobServices/default/containers/other")
	r := w.report()
	var found []string
	for _, e := range r.Excess {
		found = append(found, e.Principal.String()+": "+e.Role+" on "+e.Scope)
	}
	assert.ElementsMatch(t, []string{
		"invoker robot: Storage Blob Data Reader on lake", "invoker ann: starters on workspace", "invoker robot: starters " +
			"on workspace",
		"invoker ann: Storage Blob Data Reader on resource group ml", "invoker ann: Storage Blob Data Reader on lake/other",
	}, found)
	assert.Equal(t, verify.Works, path(t, r, "robot", "tagger").Status)
}

func TestARoleIsJudgedByWhatItAllowsNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	all := roles.InvokerActions()
	w.define(slices.Delete(slices.Clone(all), 14, 15)...)
	r := w.report()
	p := path(t, r, "ann", "heart")
	assert.Equal(t, verify.Missing, p.Status)
	assert.Equal(t, "invoke: invoker ann lacks "+all[14], p.Why)
	require.Len(t, r.Lacking, 2)
	assert.Equal(t, []string{all[14]}, r.Lacking[0].Actions)
}

func TestWhatIsDeniedIsNotHad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	everyone := []any{map[string]any{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}}
	by := func(id string) []any { return []any{map[string]any{"id": id}} }
	readers := []any{map[string]any{"dataActions": []any{"Microsoft.Storage/storageAccounts/blobServices/containers/" +
		"blobs/*"}}}
	for name, c := range map[string]struct {
		scope               string
		principals, exclude []any
		onlyHere            bool
		annWorks            bool
	}{
		"everyone":          {lake, everyone, nil, false, false},
		"the user's group":  {lake, by(company), nil, false, false},
		"another place":     {workspace, everyone, nil, false, true},
		"another principal": {lake, by(robot), nil, false, true},
		"all but the user's group": {lake, everyone, append(by(team), by(w.id(access.ClusterPrincipal("cpu")))...), false,
			true},
		"the account alone": {lake, everyone, nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.judged(denying{w.azure.Client(), map[string]any{
				"denyAssignmentName": "keep out", "scope": c.scope, "principals": c.principals, "excludePrincipals": c.exclude,
				"permissions": readers, "doNotApplyToChildScopes": c.onlyHere,
			}}, 0)
			p := path(t, r, "ann", "heart")
			assert.Equal(t, c.annWorks, p.Status == verify.Works, p.Why)
			if !c.annWorks {
				assert.Contains(t, p.Why, `the deny assignment "keep out" on lake takes away`)
			}
		})
	}
}

func TestWhatAConditionDecidesIsSaidNotGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	reader := access.Grant{Principal: access.InvokerPrincipal("robot"), Role: roles.StorageBlobDataReader}
	for _, g := range plans.Of(w.m).Grants {
		if g.Principal != reader.Principal || g.Role != reader.Role {
			w.grant(g)
		}
	}
	const condition = "@Environment[isPrivateLink] BoolEquals true"
	builtIn, _ := roles.BuiltIn(reader.Role)
	require.NoError(t, w.azure.Seed(azure.Seed{RoleAssignments: []azure.RoleAssignment{{
		ID: "aaaaaaaa-0000-4000-8000-000000000001", Scope: lake + "/blobServices/default/containers/images",
		RoleID: builtIn.ID, PrincipalID: robot, Condition: condition,
	}}}))
	r := w.report()
	p := path(t, r, "robot", "tagger")
	assert.Equal(t, verify.Undecided, p.Status)
	assert.Contains(t, p.Why, condition)
	assert.True(t, r.Failed(false), "it is not known to work")
	assert.Equal(t, verify.Missing, path(t, r, "robot", "heart").Status, "there is nothing to decide")
	require.Len(t, r.Lacking, 1)
	assert.True(t, r.Lacking[0].Conditional)
	assert.True(t, r.Settled(), "to wait changes no condition")
	var table bytes.Buffer
	require.NoError(t, verify.WriteTable(&table, r))
	assert.Contains(t, table.String(), "Storage Blob Data Reader, held under a condition only")
	w.assign(robot, "ServicePrincipal", reader.Role, lake)
	assert.Equal(t, verify.Works, path(t, w.report(), "robot", "tagger").Status,
		"another assignment gives it without condition")
}

// The condition of an assignment in Azure is decided by what a job asks for (facts/conditions.md).
func TestAConditionIsDecidedWhereItCanBe(t *testing.T) {
	t.Parallel()
	const (
		blob   = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] "
		prefix = "@Request[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:prefix] "
		read   = "ActionMatches{'" + roles.ReadBlobs + "'}"
		list   = " AND SubOperationMatches{'Blob.List'}"
	)
	for name, c := range map[string]struct {
		kind      roles.AccountKind
		condition string
		want      verify.Status
		why       string // part of the text
	}{
		"elsewhere":    {roles.Flat, blob + "StringLike 'x/*'", verify.Missing, "refuses"},
		"only content": {roles.Flat, "!(" + read + ") OR " + blob + "StringLike 'in/*'", verify.Missing, "Blob.List"},
		"its path":     {roles.Flat, limited(t, "in/", roles.Flat), verify.Works, ""},
		"a path above": {roles.Flat, limited(t, "in/2026/", roles.Flat), verify.Missing, "refuses"},
		"written otherwise": {roles.Flat, "(!(" + read + " AND NOT SubOperationMatches{'Blob.List'}) OR " + blob +
			"StringLike 'in/*') AND (!(" + read + list + ") OR " + prefix + "StringLike 'in/*')", verify.Works, ""},
		"without the folder": {roles.Hierarchical, limited(t, "in/", roles.Flat), verify.Missing, "blobs:path 'in'"},
		"with the folder":    {roles.Hierarchical, limited(t, "in/", roles.Hierarchical), verify.Works, ""},
		"of a kind that is not known": {"", limited(t, "in/", roles.Flat), verify.Undecided,
			"not known whether lake has a hierarchical namespace"},
		"of a kind that does not matter": {"", limited(t, "in/", roles.Hierarchical), verify.Works, ""},
		"nothing that a job asks for":    {roles.Flat, "!(ActionMatches{'" + roles.WriteBlobs + "'})", verify.Works, ""},
		"another container": {roles.Flat, "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] " +
			"StringEquals 'other'", verify.Missing, "refuses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model()
			images := m.DataInputs["images"]
			images.Path = "in"
			m.DataInputs["images"] = images
			for input, d := range m.DataInputs { // of another kind, so that only its kind is wrong
				if d.Kind == access.ADLSGen2 {
					d.Kind = access.Blob
					m.DataInputs[input] = d
				}
			}
			if c.kind != "" {
				m.StorageAccountKinds = map[string]roles.AccountKind{"lake": c.kind}
			}
			w := newWorld(t, m)
			for _, g := range plans.Of(w.m).Grants {
				if g.Principal != access.InvokerPrincipal("robot") || !g.Scope.InStorage() {
					w.grant(g)
				}
			}
			builtIn, _ := roles.BuiltIn(roles.StorageBlobDataReader)
			require.NoError(t, w.azure.Seed(azure.Seed{RoleAssignments: []azure.RoleAssignment{{
				ID: "aaaaaaaa-0000-4000-8000-000000000001", Scope: lake + "/blobServices/default/containers/images",
				RoleID: builtIn.ID, PrincipalID: robot, Condition: c.condition,
			}}}))
			at := path(t, w.report(), "robot", "tagger")
			assert.Equal(t, c.want, at.Status, at.Why)
			assert.Contains(t, at.Why, c.why)
		})
	}
}

func limited(t *testing.T, path string, kind roles.AccountKind) string {
	text, ps := roles.PathCondition([]string{path}, kind, roles.StorageBlobDataReader)
	require.NoError(t, ps.Err())
	return text
}

func TestANewGrantIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	grants := plans.Of(w.m).Grants
	for _, g := range grants[1:] {
		w.grant(g)
	}
	before := w.facts(w.azure.Client())
	begun := time.Now()
	w.grant(grants[0])
	after := w.facts(w.azure.Client())
	var seen []verify.Status
	synctest.Test(t, func(t *testing.T) { // the waiting is simulated
		begin := time.Now()
		r, err := verify.Wait(t.Context(), time.Minute, func(context.Context) (verify.Report, error) {
			f, since := before, time.Since(begin)
			if since > 0 { // it was granted after the first look
				f = after
			}
			f.Asked = begun.Add(since * 3600) // an hour a second: how long the grant took does not matter
			return verify.Judge("dev", plans.Of(w.m), w.subjects, f, 5*time.Hour)
		}, func(r verify.Report, _ time.Duration) { seen = append(seen, path(t, r, "ann", "heart").Status) })
		require.NoError(t, err)
		assert.True(t, r.Settled())
		assert.Equal(t, verify.Works, path(t, r, "ann", "heart").Status)
	})
	assert.Equal(t, []verify.Status{verify.Missing, verify.Settling, verify.Settling}, seen, "after 0, 1 and 3 seconds")

	r := w.judged(w.azure.Client(), time.Hour)
	p := path(t, r, "ann", "heart")
	assert.Equal(t, verify.Settling, p.Status)
	atOnce := begun.Add(time.Hour - time.Second) // times in Azure may be whole seconds
	assert.WithinRange(t, p.Settles, atOnce, time.Now().Add(time.Hour), "an hour after it was made")
	assert.False(t, r.Failed(false), "it is all there")
	assert.False(t, r.Settled())
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	missing := verify.Report{Paths: []verify.Path{{Path: access.Path{Declared: true}, Status: verify.Missing}}}
	synctest.Test(t, func(t *testing.T) { // the waiting is simulated
		begin := time.Now()
		var looks []float64
		r, err := verify.Wait(t.Context(), 100*time.Second, func(context.Context) (verify.Report, error) {
			looks = append(looks, time.Since(begin).Seconds())
			return missing, nil
		}, nil)
		require.NoError(t, err)
		assert.Equal(t, missing, r)
		assert.Equal(t, []float64{0, 1, 3, 7, 15, 31, 61, 91, 100}, looks, "ever more rarely, and at the end")
	})

	ctx, cancel := context.WithCancel(t.Context())
	_, err := verify.Wait(ctx, time.Hour, func(context.Context) (verify.Report, error) { cancel(); return missing, nil },
		nil)
	require.ErrorIs(t, err, context.Canceled)
	broken := errors.New("broken")
	_, err = verify.Wait(t.Context(), time.Hour, func(context.Context) (verify.Report, error) { return missing, broken },
		nil)
	require.ErrorIs(t, err, broken)
}

func TestPrincipalsThatAreNotThereAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	was := w.subjects[2].ID
	w.subjects[2].ID = robot // as after the cluster was made again
	r := w.report()
	assert.Contains(t, path(t, r, "ann", "heart").Why, "compute cluster cpu has "+was+" now, and the stack grants to "+
		""+robot)
	w.subjects[2].ID, w.subjects[0].ID = was, "99999999-9999-4999-8999-999999999999"
	r = w.report()
	assert.Equal(t, "token: invoker ann lacks a principal: the directory has no user "+
		"99999999-9999-4999-8999-999999999999; the stack "+
		"only refers to it: correct it there",
		path(t, r, "ann", "heart").Why)
	w.subjects = w.subjects[1:]
	assert.Contains(t, path(t, w.report(), "ann", "heart").Why, "deploy it with pulumi up")
}

func TestAQuestionWithoutAnAnswerNamesThePermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	for id, needs := range map[string]string{
		ann:   "the action Microsoft.Authorization/roleAssignments/read there (the role Reader has it)",
		robot: "Directory.Read.All",
	} {
		o := verify.New(azureclient.NewClient(caller{w.azure, id}, w.cloud, w.azure.Client(), nil))
		facts, err := o.Look(t.Context(), w.m, w.subjects)
		require.NoError(t, err, "each may ask something")
		unasked := strings.Join(facts.Unasked, "\n")
		assert.Contains(t, unasked, "whoever verifies may not look")
		assert.Contains(t, unasked, needs)
		r, err := verify.Judge("dev", plans.Of(w.m), w.subjects, facts, 0)
		require.NoError(t, err)
		for _, p := range r.Paths {
			assert.NotEqual(t, verify.Works, p.Status, "what nobody answers does not work")
		}
		assert.True(t, r.Failed(false))
	}
	for _, id := range []access.ID{access.Known("not an ARM ID"), access.Later(nil)} {
		m := w.m
		m.StorageAccounts = map[string]access.ID{"lake": id}
		_, err := w.observer(w.azure.Client()).Look(t.Context(), m, w.subjects)
		assert.ErrorContains(t, err, "storageAccounts.lake")
	}
}

func TestTheReportIsWrittenForPeopleAndMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll(access.ClusterPrincipal("cpu"))
	w.assign(ann, "User", roles.Owner, mlGroup)
	r := w.report()
	var text, machine bytes.Buffer
	require.NoError(t, verify.WriteTable(&text, r))
	t.Log("\n" + text.String())
	for _, says := range []string{
		"ann      heart     patients  missing", "mount: cluster cpu lacks Storage Blob Data Reader on lake/patients",
		"ann      tagger    images    no, as declared", "MISSING", "lake/patients  to mount patients for heart", "BEYOND " +
			"NEED", "Owner on resource group ml",
		"risk: grantsAccess",
		"stack dev: 0 of 2 declared paths work; 2 are missing something; 3 grants are not held; 1 assignments grant more",
	} {
		assert.Contains(t, text.String(), says)
	}
	require.NoError(t, verify.WriteJSON(&machine, r))
	assert.Contains(t, machine.String(), `"status": "missing"`)
	assert.Contains(t, machine.String(), `"version": 2`)
}

func TestAGroupsMembersAreComparedWithTheModel(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["team"] = access.Invoker{Kind: access.Group, Members: []string{"ann"}}
	heart := m.Endpoints["heart"]
	heart.Invokers = []string{"team"}
	m.Endpoints["heart"] = heart
	subjects := []verify.Subject{
		{Principal: access.InvokerPrincipal("ann"), ID: ann, Kind: access.User}, {Principal: access.InvokerPrincipal("robot"),
			ID: robot, Kind: access.ManagedIdentity},
		{Principal: access.InvokerPrincipal("team"), ID: team, Kind: access.Group},
	}
	facts := verify.Facts{
		Groups: map[string][]verify.Group{ann: {{ID: team, Name: "Team"}}},
		Members: map[string][]verify.Member{team: {{ID: strings.ToUpper(ann), Name: "Ann"}, {ID: robot, Name: "Robot"},
			{ID: company, Name: "Company"}}},
	}
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	owner, _ := roles.BuiltIn("Owner")
	facts.Assignments = []verify.Assignment{
		{ID: "a", Scope: lake + "/blobServices/default/containers/patients", PrincipalID: team, Role: reader.RoleName,
			Permissions: reader.Permissions},
		{ID: "b", Scope: workspace, PrincipalID: team, Role: "Owner", Permissions: owner.Permissions},
	}
	r, err := verify.Judge("dev", plans.Of(m), subjects, facts, 0)
	require.NoError(t, err)
	assert.Equal(t, []verify.Stranger{{Group: "team", ID: robot, Name: "Robot"},
		{Group: "team", ID: company, Name: "Company"}}, r.Strangers,
		"an invoker that is no member of this group is a stranger to it")
	assert.True(t, r.Failed(true))
	require.Len(t, r.Excess, 1, "what the group has beyond need is reported once, and what it needs is not")
	assert.Equal(t, access.InvokerPrincipal("team"), r.Excess[0].Principal)
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, r))
	assert.Contains(t, out.String(), "group team")
	assert.Contains(t, out.String(), "Company ("+company+")")
	assert.Contains(t, r.Verdict(), "2 members of groups are not the stack's")

	own := facts.Assignments[0]
	own.ID, own.PrincipalID = "c", ann
	facts.Assignments = []verify.Assignment{facts.Assignments[0], own}
	r, err = verify.Judge("dev", plans.Of(m), subjects, facts, 0)
	require.NoError(t, err)
	assert.Empty(t, r.Excess, "what her group needs she may have by herself")
	strangers := verify.Report{Strangers: r.Strangers}
	assert.True(t, strangers.Failed(true), "strangers alone are too much")
	assert.False(t, strangers.Failed(false))

	facts.Members[team] = facts.Members[team][:1]
	r, err = verify.Judge("dev", plans.Of(m), subjects, facts, 0)
	require.NoError(t, err)
	assert.Empty(t, r.Strangers)
	assert.Empty(t, r.Excess)
}
