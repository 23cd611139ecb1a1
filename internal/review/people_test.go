package review_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/review"
)

const somebody = "77777777-7777-4777-8777-777777777777"

// If a preview shows who a principal is, everything that is granted to it shows its name and its ID.
func TestAPrincipalIsNamedAsPeopleKnowIt(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type shown struct {
		typ, id         string
		inputs, outputs object
	}
	for name, c := range map[string]struct {
		who  shown
		want string
	}{
		"a user": {shown{typ: "azuread:index/user:User", inputs: object{"displayName": "Ann",
			"userPrincipalName": "ann@x.test"},
			outputs: object{"objectId": somebody, "mail": "a.n@x.test"}}, "Ann, ann@x.test, a.n@x.test"},
		"a guest": {shown{typ: "azuread:index/invitation:Invitation", inputs: object{"userEmailAddress": "g@y.test"},
			outputs: object{"userId": somebody}}, "guest, g@y.test"},
		"a group": {shown{typ: "azuread:index/group:Group", inputs: object{"displayName": "Team"},
			outputs: object{"objectId": somebody}}, "group Team"},
		"a group by its ID": {shown{typ: "azuread:index/group:Group", id: "/groups/" + somebody,
			inputs: object{"displayName": "Team"}}, "group Team"},
		"a service principal": {shown{typ: "azuread:index/servicePrincipal:ServicePrincipal",
			outputs: object{"objectId": somebody, "displayName": "robot", "clientId": "c1"}}, "robot, application c1"},
		"an application": {shown{typ: "azuread:index/application:Application", id: "/applications/" + somebody,
			inputs: object{"displayName": "robot"}, outputs: object{"clientId": "c1"}}, "application robot, client ID c1"},
		"an identity": {shown{typ: "azure-native:managedidentity:UserAssignedIdentity",
			inputs: object{"resourceName": "uai"}, outputs: object{"principalId": somebody}}, "managed identity uai"},
		"an identity, another version": {shown{typ: "azure-native:managedidentity/v20230131:UserAssignedIdentity",
			inputs: object{"resourceName": "uai"}, outputs: object{"principalId": somebody}}, "managed identity uai"},
		"an identity, classic": {shown{typ: "azure:authorization/userAssignedIdentity:UserAssignedIdentity",
			inputs: object{"name": "uai"}, outputs: object{"principalId": somebody}}, "managed identity uai"},
		"a resource's own identity": {shown{typ: "azure-native:web:WebApp",
			outputs: object{"identity": object{"principalId": somebody}}}, "identity of who"},
		"an identity that a resource has": {shown{typ: "azure-native:web:WebApp", outputs: object{"identity": object{
			"userAssignedIdentities": object{"/subscriptions/s/x/uai7": object{"principalId": somebody}}}}},
			"managed identity uai7"},
	} {
		for _, op := range []string{"same", "read", "create"} {
			t.Run(name+", "+op, func(t *testing.T) {
				t.Parallel()
				state := object{"type": c.who.typ, "id": c.who.id, "inputs": c.who.inputs, "outputs": c.who.outputs}
				who := object{"op": op, "urn": "urn:pulumi:dev::p::" + c.who.typ + "::who", "newState": state}
				if op == "same" {
					who["oldState"] = state
				}
				give := func(typ string, inputs object) object {
					return object{"op": "create", "urn": "urn:pulumi:dev::p::" + typ + "::given",
						"newState": object{"type": typ, "inputs": inputs}}
				}
				text, err := json.Marshal(object{"steps": []object{
					who,
					give("azure-native:authorization:RoleAssignment", object{"principalId": somebody, "scope": testScope,
						"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}),
					give("azuread:index/directoryRoleAssignment:DirectoryRoleAssignment", object{
						"principalObjectId": somebody, "roleId": "r"}),
					give("azuread:index/groupMember:GroupMember", object{"groupObjectId": somebody, "memberObjectId": somebody}),
					give("azuread:index/applicationPassword:ApplicationPassword", object{
						"applicationId": "/applications/" + somebody}),
					give("azuread:index/servicePrincipalPassword:ServicePrincipalPassword", object{
						"servicePrincipalId": "/servicePrincipals/" + somebody}),
					give("azuread:index/applicationCertificate:ApplicationCertificate", object{"applicationId": somebody}),
					give("azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
						object{"applicationId": "/applications/" + somebody, "subject": "s"}),
				}, "changeSummary": object{op: 1, "create": 7}})
				require.NoError(t, err)
				r := reviewOf(t, string(text))
				var out bytes.Buffer
				require.NoError(t, review.Text(&out, r))
				assert.Contains(t, out.String(), "principal of given ("+c.want+", "+somebody+")")
				assert.Contains(t, out.String(), "principalObjectId "+somebody+" ("+c.want+")")
				known := somebody + " (" + c.want + ")"
				if assert.Len(t, r.Secrets, 3) && assert.Len(t, r.Federation, 1) {
					as := []string{r.Secrets[0].As, r.Secrets[1].As, r.Secrets[2].As, r.Federation[0].As}
					assert.Equal(t, []string{known, known, known, known}, as)
				}
				assert.Contains(t, out.String(), "member "+somebody+" ("+c.want)
				assert.Contains(t, out.String(), "membership of group "+somebody+" ("+c.want+")")
			})
		}
	}
}

// A credential counts as an invoker's, with the invoker's name and owner, only if it signs in as the application that
// the component makes for the invoker: neither a name nor a parent is a proof.
func TestACredentialThatClaimsToBeAnInvokers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/rotated.json")
	require.NoError(t, err)
	as := func(text []byte) string {
		p, err := engine.Read(bytes.NewReader(text))
		require.NoError(t, err)
		r := review.Make(p, options)
		require.NotEmpty(t, r.Secrets)
		return r.Secrets[0].As
	}
	assert.Regexp(t, `^[0-9a-f-]{36} \(by what it depends on: invoker partner\)$`, as(text), "the application is hidden")
	var preview struct {
		Steps []map[string]any `json:"steps"`
		More  map[string]any   `json:"changeSummary"`
	}
	require.NoError(t, json.Unmarshal(text, &preview))
	preview.More = map[string]any{"update": len(preview.Steps)} // nothing is hidden
	for _, s := range preview.Steps {
		if typ := s["urn"].(string); strings.Contains(typ, "ApplicationPassword::") {
			for _, side := range []string{"oldState", "newState"} {
				s[side].(map[string]any)["inputs"].(map[string]any)["applicationId"] = "/applications/" + somebody
			}
		}
	}
	text, err = json.Marshal(preview)
	require.NoError(t, err)
	assert.Equal(t, somebody, as(text))

	text, err = os.ReadFile("testdata/first.json")
	require.NoError(t, err)
	assert.Equal(t, "invoker partner", as(text), "the application is shown, and made with it")
}
