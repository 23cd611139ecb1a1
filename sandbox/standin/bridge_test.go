package standin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// driftAt changes an object in Microsoft Graph without the plugin.
func driftAt(t *testing.T, a *azure.Azure, path string, body map[string]any) {
	t.Helper()
	token, err := a.SignIn(t.Context(), a.Deployer().ObjectID, a.URL()+"/graph")
	require.NoError(t, err)
	packed, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, a.URL()+"/graph/v1.0"+path,
		bytes.NewReader(packed))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNoContent, res.StatusCode)
}

// lived is a resource with its state as an engine keeps it.
type lived struct {
	provider

	token, id string
	in, out   props
}

func (l *lived) refresh() {
	l.t.Helper()
	res, err := l.Read(l.t.Context(), &pulumirpc.ReadRequest{
		Id: l.id, Urn: urn(l.token), Properties: l.pack(l.out), Inputs: l.pack(l.in),
	})
	require.NoError(l.t, err)
	l.in, l.out = l.unpack(res.GetInputs()), l.unpack(res.GetProperties())
}

// preview returns the changes of the program's inputs, by path.
func (l *lived) preview(program props) (news props, kinds map[string]string) {
	l.t.Helper()
	res, err := l.Check(l.t.Context(), &pulumirpc.CheckRequest{
		Urn: urn(l.token), Olds: l.pack(l.in), News: l.pack(program),
	})
	require.NoError(l.t, err)
	require.Empty(l.t, res.GetFailures())
	news = l.unpack(res.GetInputs())
	differs, err := l.Diff(l.t.Context(), &pulumirpc.DiffRequest{
		Id: l.id, Urn: urn(l.token), OldInputs: l.pack(l.in), Olds: l.pack(l.out), News: l.pack(news),
	})
	require.NoError(l.t, err)
	kinds = map[string]string{}
	for path, d := range differs.GetDetailedDiff() {
		kinds[path] = strings.ToLower(d.GetKind().String())
	}
	return news, kinds
}

func (l *lived) up(program props) {
	l.t.Helper()
	news, kinds := l.preview(program)
	if len(kinds) == 0 {
		return
	}
	res, err := l.Update(l.t.Context(), &pulumirpc.UpdateRequest{
		Id: l.id, Urn: urn(l.token), OldInputs: l.pack(l.in), Olds: l.pack(l.out), News: l.pack(news),
	})
	require.NoError(l.t, err)
	l.in, l.out = news, l.unpack(res.GetProperties())
}

func live(p provider, token string, program props) *lived {
	p.t.Helper()
	id, in, out := p.create(token, program)
	return &lived{p, token, id, in, out}
}

type object = map[string]any

// of makes a property of plain values.
func of(v any) resource.PropertyValue { return resource.NewPropertyValue(v) }

// Changes that others make to an application are undone, whether or not the program sets the property. A value that the
// plugin filled in stays as it is found.
func TestDriftIsPutBackUnlessThePluginFilledItIn(t *testing.T) {
	t.Parallel()
	const role, graphID = "11111111-1111-4111-8111-111111111111", "00000003-0000-0000-c000-000000000000"
	graphRole := object{
		"id": role, "allowedMemberTypes": []any{"User"}, "description": "d", "displayName": "n", "isEnabled": true,
		"value": nil,
	}
	programRole := object{
		"id": role, "allowedMemberTypes": []any{"User"}, "description": "d", "displayName": "n",
	}
	need := object{"resourceAppId": graphID, "resourceAccess": []any{object{"id": role, "type": "Role"}}}
	programNeed := object{"resourceAppId": graphID, "resourceAccesses": []any{object{"id": role, "type": "Role"}}}
	tests := map[string]struct {
		token string
		sets  props  // in the program, besides required inputs
		drift object // at Graph
		want  map[string]string
	}{
		"a web address that nobody asked for": {application, nil,
			object{"web": object{"redirectUris": []any{"https://evil.example/"}}},
			map[string]string{"web": "delete"}},
		"a home page": {application, nil, object{"web": object{"homePageUrl": "https://evil.example/"}},
			map[string]string{"web": "delete"}},
		"implicit grants": {application, nil,
			object{"web": object{"implicitGrantSettings": object{"enableIdTokenIssuance": true}}},
			map[string]string{"web": "delete"}},
		"a web address in place of the program's": {application,
			props{"web": of(object{"redirectUris": []any{"https://good.example/"}})},
			object{"web": object{"redirectUris": []any{"https://evil.example/"}}},
			map[string]string{"web.redirectUris[0]": "update"}},
		"a web address taken away": {application,
			props{"web": of(object{"redirectUris": []any{"https://good.example/"}})},
			object{"web": object{"redirectUris": []any{}}}, map[string]string{"web.redirectUris[0]": "add"}},
		"a single page's address": {application, nil,
			object{"spa": object{"redirectUris": []any{"https://evil.example/"}}},
			map[string]string{"singlePageApplication": "delete"}},
		"a public client's address": {application, nil,
			object{"publicClient": object{"redirectUris": []any{"https://evil.example/"}}},
			map[string]string{"publicClient": "delete"}},
		"a permission that nobody asked for": {application, nil, object{"requiredResourceAccess": []any{need}},
			map[string]string{"requiredResourceAccesses": "delete"}},
		"a permission taken away": {application, props{"requiredResourceAccesses": of([]any{programNeed})},
			object{"requiredResourceAccess": []any{}}, map[string]string{"requiredResourceAccesses[0]": "add"}},
		"a role that nobody asked for": {application, nil, object{"appRoles": []any{graphRole}},
			map[string]string{"appRoles": "delete"}},
		"a role taken away": {application, props{"appRoles": of([]any{programRole})},
			object{"appRoles": []any{}}, map[string]string{"appRoles[0]": "add"}},
		"an identifier that nobody asked for": {application, nil, object{"identifierUris": []any{"api://evil"}},
			map[string]string{"identifierUris": "delete"}},
		"an identifier taken away": {application, props{"identifierUris": of([]any{"api://good"})},
			object{"identifierUris": []any{}}, map[string]string{"identifierUris[0]": "add"}},
		"notes that nobody asked for": {application, nil, object{"notes": "x"}, map[string]string{"notes": "delete"}},
		"notes taken away": {application, props{"notes": text("x")}, object{"notes": nil},
			map[string]string{"notes": "update"}},
		"a fallback": {application, nil, object{"isFallbackPublicClient": true},
			map[string]string{"fallbackPublicClientEnabled": "delete"}},
		"claims": {application, nil, object{"groupMembershipClaims": "All"},
			map[string]string{"groupMembershipClaims": "delete"}},
		"the audience, a default": {application, nil, object{"signInAudience": "AzureADMultipleOrgs"}, map[string]string{}},
		"the audience, of the program": {application, props{"signInAudience": text("AzureADMyOrg")},
			object{"signInAudience": "AzureADMultipleOrgs"}, map[string]string{"signInAudience": "update"}},
		"switched off, by default on": {servicePrincipal, nil, object{"accountEnabled": false}, map[string]string{}},
		"switched off, by the program on": {servicePrincipal, props{"accountEnabled": of(true)},
			object{"accountEnabled": false},
			map[string]string{"accountEnabled": "update"}},
		"a login address": {servicePrincipal, nil, object{"loginUrl": "https://evil.example/"},
			map[string]string{"loginUrl": "delete"}},
		"a description": {adGroup, nil, object{"description": "x"}, map[string]string{"description": "delete"}},
	}
	a := startAzure(t)
	ad := attach(t, "azuread", configFor(a))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider{t, ad.ResourceProviderClient}
			program := props{"displayName": text(name)}
			switch test.token {
			case servicePrincipal:
				_, _, app := p.create(application, program)
				program = props{"clientId": app["clientId"]}
			case adGroup:
				program["securityEnabled"] = of(true)
			}
			for key, v := range test.sets {
				program[key] = v
			}
			l := live(p, test.token, program)
			l.refresh()
			_, kinds := l.preview(program)
			assert.Empty(t, kinds, "nothing has changed")

			driftAt(t, a, l.id, test.drift)
			l.refresh()
			_, kinds = l.preview(program)
			assert.Equal(t, test.want, kinds)
			l.up(program)
			l.refresh()
			_, kinds = l.preview(program)
			assert.Empty(t, kinds, "it has been put back, or is left alone")
		})
	}
}

// The real plugin's state has an empty text or list, or null, for what is not set. Both plugins can continue with it.
func TestAStateOfOnePluginIsAStateOfTheOther(t *testing.T) {
	t.Parallel()
	ad := attach(t, "azuread", configFor(startAzure(t)))
	program := props{"displayName": text("app")}
	l := live(ad, application, program)
	for _, name := range []resource.PropertyKey{"description", "notes", "marketingUrl"} {
		assert.Equal(t, text(""), l.out[name], name)
	}
	for _, name := range []resource.PropertyKey{"identifierUris", "tags", "owners", "appRoles"} {
		assert.True(t, l.out[name].IsArray() && len(l.out[name].ArrayValue()) == 0, name)
	}
	assert.Equal(t, of(false), l.out["deviceOnlyAuthEnabled"])
	assert.Equal(t, of([]any{"preventDuplicateNames", "signInAudience"}), l.in["__defaults"])
	for name, empty := range map[string]resource.PropertyValue{
		"null": resource.NewNullProperty(), "missing": {}, "empty": text(""),
	} {
		for _, property := range []resource.PropertyKey{"description", "notes", "logoImage", "web", "identifierUris"} {
			other := *l
			other.out = l.out.Copy()
			switch {
			case name == "missing":
				delete(other.out, property)
			case name == "empty" && property == "web":
				other.out[property] = of(object{"homepageUrl": "", "redirectUris": []any{}, "logoutUrl": nil})
			case name == "empty" && property == "identifierUris":
				other.out[property] = of([]any{})
			default:
				other.out[property] = empty
			}
			_, kinds := other.preview(program)
			assert.Empty(t, kinds, "%s: %s", property, name)
			other.refresh()
			_, kinds = other.preview(program)
			assert.Empty(t, kinds, "%s: %s, refreshed", property, name)
		}
	}
}

func TestWhatIsEmptyInTheStateIsUpdatedNotAdded(t *testing.T) {
	t.Parallel()
	ad := attach(t, "azuread", configFor(startAzure(t)))
	program := props{"displayName": text("app")}
	l := live(ad, application, program)
	for property, is := range map[resource.PropertyKey]struct {
		value resource.PropertyValue
		want  map[string]string
	}{
		"description":                 {text("x"), map[string]string{"description": "update"}},
		"supportUrl":                  {text("https://x.example/"), map[string]string{"supportUrl": "update"}},
		"fallbackPublicClientEnabled": {of(true), map[string]string{"fallbackPublicClientEnabled": "update"}},
		"tags":                        {of([]any{"x"}), map[string]string{"tags[0]": "add"}},
		"logoImage":                   {text("x"), map[string]string{"logoImage": "add"}},
	} {
		changed := program.Copy()
		changed[property] = is.value
		_, kinds := l.preview(changed)
		assert.Equal(t, is.want, kinds, property)
	}
}

func TestAnImportHasNeitherDefaultsNorEmptyInputs(t *testing.T) {
	t.Parallel()
	ad := attach(t, "azuread", configFor(startAzure(t)))
	l := live(ad, application, props{"displayName": text("app"), "notes": text("n")})
	res, err := ad.Read(t.Context(), &pulumirpc.ReadRequest{Id: l.id, Urn: urn(application)})
	require.NoError(t, err)
	assert.Equal(t, props{
		"displayName": text("app"), "notes": text("n"), "__defaults": of([]any{}),
	}, ad.unpack(res.GetInputs()))
}
