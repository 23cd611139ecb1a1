package review_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	scoringID = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
		"Microsoft.MachineLearningServices/workspaces/scoring"
	existingID = "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/" +
		"roleDefinitions/77777777-7777-4777-8777-777777777777"
	ownRoleID = "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/" +
		"roleDefinitions/88888888-8888-4888-8888-888888888888"
)

// roleTo is the preview of a stack with one invoker, whose role becomes another. A role is given by the component's
// configuration, and by the assigned ID, nil if it is not known.
func roleTo(t *testing.T, old map[string]any, oldID any, now map[string]any, nowID any) string {
	t.Helper()
	type object = map[string]any
	component := func(role object) object {
		return object{"type": "batchaccess:index:BatchEndpointAccess", "inputs": object{
			"workspaceId": scoringID, "role": role, "clusters": object{"cpu": object{"vmSize": "x"}},
			"invokers": object{"ann": object{"kind": "user", "objectId": "33333333-3333-4333-8333-333333333333"}},
		}}
	}
	assignment := func(id any) object {
		inputs := object{"principalId": "33333333-3333-4333-8333-333333333333", "principalType": "User", "scope": scoringID,
			"roleDefinitionId": id}
		if id == nil {
			inputs["roleDefinitionId"] = "04da6b54-80e4-46f7-96ec-b56ff0331ba9" // Pulumi's mark of an unknown value
		}
		return object{"type": guardrails.RoleAssignment, "inputs": inputs}
	}
	definition := object{"type": guardrails.RoleDefinition, "id": ownRoleID, "inputs": object{
		"roleName": "Own", "scope": scoringID, "permissions": []object{{"actions": roles.InvokerActions()}},
	}}
	const urn = "urn:pulumi:dev::p::batchaccess:index:BatchEndpointAccess"
	steps := []object{
		{"op": "update", "urn": urn + "::scoring", "oldState": component(old), "newState": component(now)},
		{"op": "update", "urn": urn + "$batchaccess:index:InvokerRole$" + guardrails.RoleAssignment + "::scoring.ann",
			"oldState": assignment(oldID), "newState": assignment(nowID)},
	}
	made := urn + "$batchaccess:index:InvokerRole$" + guardrails.RoleDefinition + "::scoring"
	if oldID == ownRoleID {
		steps = append(steps, object{"op": "delete", "urn": made, "oldState": definition})
	}
	if nowID == ownRoleID {
		steps = append(steps, object{"op": "create", "urn": made, "newState": definition})
	}
	count := map[string]int{}
	for _, s := range steps {
		count[s["op"].(string)]++
	}
	text, err := json.Marshal(object{"steps": steps, "changeSummary": count})
	require.NoError(t, err)
	return string(text)
}

func TestAnExistingRoleIsReviewedByWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	saying := func(actions ...string) object {
		text, err := json.Marshal(object{"properties": object{"roleName": "Scorers",
			"permissions": []object{{"actions": actions}}}})
		require.NoError(t, err)
		return object{"roleDefinitionId": existingID, "definition": string(text)}
	}
	only, own := object{"roleDefinitionId": existingID}, object{}
	actions := roles.InvokerActions()
	for name, c := range map[string]struct {
		preview   string
		newAccess bool
		risk      review.Risk
		job       string // what happens to ann's job; "" for no change
		broken    bool
		note      bool
	}{
		"in place of one's own, and nothing is said of it": {roleTo(t, own, ownRoleID, only, existingID), true, review.High,
			"undecided", false, false},
		"and its ID is not known yet": {roleTo(t, own, ownRoleID, only, nil), true, review.High, "undecided", false, false},
		"which is said to allow the same": {roleTo(t, own, ownRoleID, saying(actions...), existingID), false, review.Low, "",
			false, true},
		"the same, and its ID is not known yet": {roleTo(t, own, ownRoleID, saying(actions...), nil), false, review.Low, "",
			false, true},
		"which is said to allow more": {roleTo(t, own, ownRoleID, saying(append(actions, "Microsoft.Foo/bars/read")...),
			existingID), true, review.Medium, "", false, true},
		"which is said to allow less": {roleTo(t, own, ownRoleID, saying(actions[1:]...), existingID), false, review.Medium,
			"stops", true, true},
		"it stays, and now it is said that it is too small": {roleTo(t, only, existingID, saying(actions[1:]...), existingID),
			false, review.Medium, "fails", true, true},
		"it goes, and one's own comes": {roleTo(t, only, existingID, own, ownRoleID), true, review.High, "starts", false,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := engine.Read(strings.NewReader(c.preview))
			require.NoError(t, err)
			r := review.Make(p, review.Options{Now: time.Now(), Guardrails: guardrails.DefaultConfig()})
			assert.Empty(t, r.Unread)
			assert.Equal(t, c.newAccess, r.NewAccess, "%+v", r.Access)
			assert.Equal(t, c.risk, r.Risk, "%+v\n%+v", r.Access, r.Jobs)
			var jobs []string
			broken := false
			for _, j := range r.Jobs {
				jobs, broken = append(jobs, j.Change), broken || j.Broken
			}
			assert.Equal(t, c.job, strings.Join(jobs, ", "), "%+v", r.Jobs)
			assert.Equal(t, c.broken, broken)
			assert.Equal(t, c.note, strings.Contains(fmt.Sprint(r.Notes), "is taken from role.definition of scoring"), r.Notes)
			if c.job == "undecided" {
				assert.Contains(t, r.Verdict, "1 job is undecided")
				assert.Contains(t, r.Jobs[0].After, "undecided at invoke")
			}
		})
	}
}
