package components

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access/signin"
)

const (
	stateURN  = "urn:pulumi:dev::shop::"
	accessURN = stateURN + BatchEndpointAccessToken + "::access"
	below     = stateURN + BatchEndpointAccessToken + "$"
)

func TestTheStateIsFoundByTypeAndOwner(t *testing.T) {
	t.Parallel()
	d := deployedOf(map[string]map[string]any{
		accessURN: nil,
		below + ServicePrincipalToken + "::access.pipeline": {"tags": "secret to nobody, " +
			"and not kept"},
		below + ServicePrincipalToken + "$" + ofApplication + "::access.pipeline.main": {"issuer": "i", "subject": "s"},
		stateURN + ComputeClusterToken + "::other.cpu":                                 {},
		"no URN": {},
	})
	assert.Equal(t, below+ServicePrincipalToken+"::access.friend", d.urn(ServicePrincipalToken, "access", "friend"))
	credentials := below + ServicePrincipalToken + "$" + ofApplication + "::access.pipeline."
	assert.Equal(t, credentials+"x", d.urn(ofApplication, "access.pipeline", "x"))
	assert.Equal(t, stateURN+ComputeClusterToken+"::other.x", d.urn(ComputeClusterToken, "other", "x"))
	for _, nothing := range []typeAndOwner{
		{ComputeClusterToken, "access"}, {ServicePrincipalToken, "acces"}, {ServicePrincipalToken, "access.pipeline"},
		{"ServicePrincipal", "access"}, {ofIdentity, "access.pipeline"},
	} {
		assert.Equal(t, "x", d.urn(nothing.typ, nothing.owner, "x"), "%v: the state has nothing of it", nothing)
	}
	assert.Equal(t, []string{"pipeline"}, d.own[below+ServicePrincipalToken+"::access."])
	assert.Equal(t, []string{"main"}, d.own[credentials])
	assert.Equal(t, map[string]any{"issuer": "i", "subject": "s"}, d.outputs[credentials+"main"])
	assert.Empty(t, d.outputs[below+ServicePrincipalToken+"::access.pipeline"])
	assert.True(t, d.names["access.pipeline"])
	assert.False(t, d.names["pipeline"])
	assert.Empty(t, deployedOf(nil).urn(ofApplication, "access", ""), "of a state that is not known")
}

// A name that comes while another one goes is judged by the state.
func TestANameThatCameIsJudgedByTheState(t *testing.T) {
	t.Parallel()
	const clusters = below + ComputeClusterToken + "::access."
	same := func(deployed, string, string, string) bool { return true }
	for name, c := range map[string]struct {
		state           []string // besides the component itself, unless it is nil
		names           map[string]string
		same            func(deployed, string, string, string) bool
		problem, warned string
	}{
		"nothing was deployed":            {nil, map[string]string{"new": ""}, same, "", ""},
		"nothing goes":                    {[]string{"old"}, map[string]string{"old": "", "new": ""}, same, "", ""},
		"one goes, the same comes":        {[]string{"old"}, map[string]string{"new": ""}, same, "write was: old", ""},
		"one goes, another comes":         {[]string{"old"}, map[string]string{"new": ""}, nil, "", "if it was renamed"},
		"it is marked":                    {[]string{"old"}, map[string]string{"new": "old"}, same, "", ""},
		"another says that it was theirs": {[]string{"old"}, map[string]string{"new": "", "b": "old"}, same, "", ""},
		"marked by what is not there":     {[]string{"old"}, map[string]string{"new": "gone"}, same, "called: old", ""},
		"marked where nothing goes":       {[]string{}, map[string]string{"new": "gone"}, same, "take it out", ""},
		"only what belongs to it goes":    {[]string{"old.main"}, map[string]string{"new": ""}, same, "", ""},
	} {
		outputs := map[string]map[string]any{}
		for _, old := range c.state {
			outputs[clusters+old] = nil
		}
		if c.state != nil {
			outputs[accessURN] = nil
		}
		m := maker{path: "clusters", typ: ComputeClusterToken, owner: "access", names: c.names, same: c.same, other: "so"}
		problem, warned := m.judge(deployedOf(outputs), clusters+"new", "new")
		for _, is := range [][2]string{{c.problem, problem}, {c.warned, warned}} {
			if is[0] == "" {
				assert.Empty(t, is[1], name)
			} else {
				assert.Contains(t, is[1], is[0], name)
			}
		}
	}
}

// The first refused resource ends the deployment, so its error names all others that are refused.
func TestAllThatAreRefusedAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	const credentials = below + ServicePrincipalToken + "$" + ofApplication + "::access.pipeline."
	made := map[string]signin.FederatedCredential{}
	for _, name := range []string{"a", "b", "c"} {
		made[name] = signin.FederatedCredential{Issuer: "https://issuer/", Subject: name}
	}
	same := func(name string) map[string]any { return map[string]any{"issuer": "https://issuer/", "subject": name} }
	before := deployedOf(map[string]map[string]any{
		accessURN: nil, below + ServicePrincipalToken + "::access.pipeline": nil,
		credentials + "x": same("a"), credentials + "y": same("b"), credentials + "c": same("c"),
	})
	p := &program{}
	m := federatedRenamed(ofApplication, "access.pipeline", made)
	for name := range made {
		p.expect(m, name)
	}
	first, _ := m.judge(before, credentials+"b", "b")
	lines := strings.Split(p.renamedBeside(before, "access.pipeline: federatedCredentials."+first).Error(), "\n")
	assert.Len(t, lines, 2)
	assert.Contains(t, lines[0], "a: is what x was")
	assert.Contains(t, lines[1], "b: is what y was")
	assert.Equal(t, "access.pipeline: z", p.renamedBeside(before, "access.pipeline: z").Error(), "the rest was said once")
}

// A secret that has ended is refused if it would be made, with all others of that kind. One that was made before it
// ended stays, also under another name.
func TestASecretThatIsOverIsRefusedUnlessItIsThere(t *testing.T) {
	t.Parallel()
	const secrets = below + ServicePrincipalToken +
		"$azuread:index/applicationPassword:ApplicationPassword::access.pipeline."
	over := signin.ClientSecret{StartDate: "2025-01-01", EndDate: "2026-01-01"}
	live := signin.ClientSecret{StartDate: "2026-01-01", EndDate: "2027-01-01"}
	taken := over
	taken.Was = "first"
	of := map[string]signin.ClientSecret{"a": over, "b": over, "live": live, "taken": taken}
	m := secretsRotated("access.pipeline", of, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	for name, c := range map[string]struct {
		there, refused []string
	}{
		"nothing was deployed":             {nil, []string{"a", "b", "taken"}},
		"one was made before it ended":     {[]string{"b"}, []string{"a", "taken"}},
		"one was, and has another name":    {[]string{"b", "first"}, []string{"a"}},
		"all were made before":             {[]string{"a", "b", "first", "live"}, nil},
		"what was made has another parent": {[]string{"x.a"}, []string{"a", "b", "taken"}},
	} {
		outputs := map[string]map[string]any{}
		for _, there := range c.there {
			outputs[secrets+there] = nil
		}
		p := &program{}
		for key := range of {
			p.expect(m, key)
		}
		var refused []string
		for _, key := range sortedKeys(p.made) {
			if says := p.made[key](deployedOf(outputs)); says != "" {
				refused = append(refused, strings.TrimSuffix(strings.TrimPrefix(key, "access.pipeline."), " clientSecrets"))
				assert.Regexp(t, `^access\.pipeline: clientSecrets\.\w+\.endDate: the secret ended on 2026-01-01, .*; write`, says)
			}
		}
		assert.Equal(t, c.refused, refused, name)
	}
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	assert.Empty(t, secretsRotated("p", of, end.Add(-time.Second)).never, "not before its end")
	assert.Len(t, secretsRotated("p", of, end).never, 3)
}

// If another valid secret stays, the users of the old one have been given it: no warning, however often one goes and
// another comes.
func TestARotationInOneStepIsWarnedOf(t *testing.T) {
	t.Parallel()
	const owner = "access.bot"
	const kind = "urn:pulumi:dev::p::azuread:index/applicationPassword:ApplicationPassword::" + owner
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	valid := signin.ClientSecret{StartDate: day(-10), EndDate: day(100)}
	over := signin.ClientSecret{StartDate: day(-100), EndDate: day(-10)}
	later := signin.ClientSecret{StartDate: day(10), EndDate: day(100)}
	for name, c := range map[string]struct {
		before []string
		now    map[string]signin.ClientSecret
		warns  bool
	}{
		"one step":           {[]string{"old"}, map[string]signin.ClientSecret{"new": valid}, true},
		"beside the old one": {[]string{"old"}, map[string]signin.ClientSecret{"new": valid, "old": valid}, false},
		"another stays": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": valid},
			false},
		"another stays, which is over": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": over}, true},
		"another stays, not begun": {[]string{"old", "b"}, map[string]signin.ClientSecret{"new": valid, "b": later},
			true},
		"another comes too": {[]string{"old"}, map[string]signin.ClientSecret{"new": valid, "b": valid}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := map[string]map[string]any{"urn:pulumi:dev::p::batchaccess:index:ServicePrincipal::" + owner: {}}
			for _, secret := range c.before {
				before[kind+"."+secret] = map[string]any{}
			}
			problem, warning := secretsRotated(owner, c.now, time.Now()).judge(deployedOf(before), kind+".new", "new")
			assert.Empty(t, problem)
			if !c.warns {
				assert.Empty(t, warning)
				return
			}
			assert.Contains(t, warning, "new is made, and old deleted: whoever signs in with the old secret")
		})
	}
}

// An assignment that the stack has under another name, which something has in the program, or whose own name had
// something else.
func TestAnAssignmentUnderAnotherNameHasARemedy(t *testing.T) {
	t.Parallel()
	const ofReader, ofAccess = "urn:pulumi:dev::p::batchaccess:index:StorageReader$x:RoleAssignment::",
		"urn:pulumi:dev::p::batchaccess:index:BatchEndpointAccess$batchaccess:index:StorageReader$x:RoleAssignment::"
	rename := func(from, to string) string { return "pulumi state rename '" + ofReader + from + "' " + to }
	for name, c := range map[string]struct {
		has   []string
		stays bool
		says  string
	}{
		"they change places": {[]string{ofReader + "first.x", ofReader + "second.x"}, true, "the two change places, which " +
			"takes names that neither had: give each of them another one, without was, and deploy that; after it they may " +
			"have their old names; or have the state say so: " + rename("second.x", "second.x.before") + " && " +
			rename("first.x", "second.x") + " && " + rename("second.x.before", "first.x")},
		"what had its name goes": {[]string{ofReader + "first.x", ofReader + "second.x"}, false, "what second.x was goes: " +
			"give it a name here that nothing had, without was, and deploy that; or have the state say so: " +
			rename("second.x", "second.x.before") + " && " + rename("first.x", "second.x")},
		"its name is another's now": {[]string{ofReader + "first.x"}, true, "give what is called first.x now a name here " +
			"that nothing had, without was, and deploy that; or have the state say so: " + rename("first.x", "second.x")},
		"in a component of another type": {[]string{ofAccess + "first.x"}, true, "give what is called first.x now a name " +
			"here that nothing had, without was, and deploy that"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := map[string]map[string]any{}
			for _, urn := range c.has {
				before[urn] = map[string]any{}
			}
			assert.Equal(t, c.says, heldAlready(deployedOf(before), ofReader+"second.x", "first.x", "second.x", false, c.stays))
		})
	}
}

func TestANameBeforeOfAPrincipalThatNoneHadIsRefused(t *testing.T) {
	t.Parallel()
	before := map[string]map[string]any{}
	for _, name := range []string{"scores.ann", "scores.team", "role.heart.ann"} {
		before["urn:pulumi:dev::p::batchaccess:index:StorageReader$azure-native:authorization:RoleAssignment::"+name] = nil
	}
	state := deployedOf(before)
	has := func(name string) bool { return name != "scores.ann" }
	for name, c := range map[string]struct{ prefix, principal, was, says string }{
		"it was": {"scores", "bea", "ann", ""},
		"it never was": {"scores", "bea", "bob", "scores.bea.was: no principal of it was called bob; take it out, or write " +
			"what it was called: ann"},
		"its mark is still there": {"scores", "team", "group", ""},
		"the component is new":    {"results", "bea", "bob", ""},
		"at an endpoint": {"role.heart", "bea", "bob", "role.heart.bea.was: no principal of it was called bob; " +
			"take it out"},
		"at another endpoint": {"role.lung", "bea", "bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := state.neverWas(c.prefix, c.principal, c.was, has)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			assert.EqualError(t, err, c.says)
		})
	}
}

func TestTheRemedyForAStackWithoutOutputsIsToExportOne(t *testing.T) {
	t.Parallel()
	const urn, export = "urn:pulumi:dev::p::t::", "export any output, deploy that, and then this change"
	component := heldAlready(deployed{}, urn+"b.ann", "a.ann", "b.ann", true, false)
	assert.Contains(t, component, export)
	assert.NotContains(t, component, "write was")
	principal := heldAlready(deployed{}, urn+"a.bea", "a.ann", "a.bea", true, false)
	assert.Contains(t, principal, export)
	assert.Contains(t, principal, "write was: ann")
	assert.NotContains(t, heldAlready(deployed{}, urn+"b.x.ann", "a.ann", "b.x.ann", true, false), "write was")
}

// The role of writers keeps its GUID whatever its component is called, as long as it can be assigned where it is
// needed.
func TestTheRoleOfWritersKeepsItsGUID(t *testing.T) {
	t.Parallel()
	const types = "urn:pulumi:dev::p::batchaccess:index:StorageContributor$azure-native:authorization:RoleDefinition::"
	has := func(name, guid string) deployed {
		return deployedOf(map[string]map[string]any{types + name: {"name": guid, "assignableScopes": []any{"/groups/Data"}}})
	}
	for name, c := range map[string]struct {
		state       deployed
		group, name string
		before      []string
		want        string
	}{
		"a new one":                   {has("x.other", "1"), "/groups/data", "x.lake", nil, "x.lake!"},
		"it has one":                  {has("x.lake", "1"), "/groups/data", "x.lake", nil, "1"},
		"under another name":          {has("x.lake", "1"), "/groups/data", "x.pond", []string{"x.lake"}, "1"},
		"its mark is still there":     {has("x.pond", "1"), "/groups/data", "x.pond", []string{"x.lake"}, "1"},
		"in another group":            {has("x.lake", "1"), "/groups/more", "x.pond", []string{"x.lake"}, "x.pond!"},
		"nothing is known":            {deployed{}, "/groups/data", "x.pond", []string{"x.lake"}, "x.lake!"},
		"nothing is known, or marked": {deployed{}, "/groups/data", "x.pond", nil, "x.pond!"},
		"another has its GUID":        {has("x.pond", "x.lake!"), "/groups/data", "x.lake", nil, "x.lake!!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.state.writerGUID(c.group, c.name, c.before, func(from string) string { return from + "!" })
			assert.Equal(t, c.want, got)
		})
	}
}
