package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// intoGroup makes two of the sample's invokers the members of a group, which an endpoint names in their place.
func intoGroup(members string) []string {
	return []string{
		"  batchaccess:clusters:\n", "    scorers: { kind: group, members: [" + members + "] }\n  batchaccess:clusters:\n",
		"invokers: [release-manager, pipeline, scheduler]", "invokers: [scorers, scheduler]",
	}
}

// A group that the stack makes replaces its members' own assignments, and each member keeps exactly the access that it
// had.
func TestInvokersMoveIntoAGroup(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	d := deploy(t, state)
	d.up()
	alone := len(d.assignments())
	d.close()

	d = deploy(t, state, intoGroup("release-manager, pipeline")...)
	for _, flags := range [][]string{nil, {"--show-sames"}} {
		r := d.review(flags...)
		assert.Empty(t, r.Unread)
		assert.False(t, r.NewAccess, "%s\n%+v", r.Verdict, r.Access)
		assert.Empty(t, r.Jobs)
		for _, c := range r.Access {
			assert.NotEqual(t, "invoker scorers", c.Principal.Name, "what a new group has is told of its members")
			assert.Empty(t, c.New)
			assert.Empty(t, c.Gone)
		}
	}
	d.up()
	assert.Empty(t, d.preview())
	d.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	assert.Len(t, d.assignments(), alone-3, "two become one: who starts jobs, and who reads images and labels")
	d.close()

	t.Run("a member that leaves loses what the group has", func(t *testing.T) {
		d := deploy(t, state, intoGroup("pipeline")...)
		defer d.close()
		for _, flags := range [][]string{nil, {"--show-sames"}} {
			r := d.review(flags...)
			assert.Empty(t, r.Unread)
			assert.False(t, r.NewAccess, "%+v", r.Access)
		}
		steps := d.preview()
		assert.Len(t, steps["delete "+groupMember], 1)
	})

	t.Run("a member more is new access, of that member", func(t *testing.T) {
		d := deploy(t, state, intoGroup("release-manager, pipeline, partner")...)
		defer d.close()
		for _, flags := range [][]string{nil, {"--show-sames"}} {
			r := d.review(flags...)
			assert.Empty(t, r.Unread)
			assert.True(t, r.NewAccess)
			var says []string
			for _, c := range r.Access {
				role, _, _ := strings.Cut(c.Role, " (") // an ID, where the role is shown
				says = append(says, fmt.Sprintf("%s %s %s on %s: %d", c.Principal.Name, c.Change, role, c.Before+c.After,
					len(c.New)))
				if len(c.New) > 0 {
					assert.Equal(t, "Storage Blob Data Reader through group scorers", c.Role)
				}
			}
			const inGroup = " (group data-dev, subscription 11111111-1111-4111-8111-111111111111)"
			assert.ElementsMatch(t, []string{
				"invoker partner gained Storage Blob Data Reader through group scorers on container contososhareddev/images" +
					inGroup + ": 3",
				"invoker partner gained Storage Blob Data Reader through group scorers on container contososhareddev/labels" +
					inGroup + ": 0",
				"invoker partner lost Storage Blob Data Reader on container contososhareddev/labels" + inGroup + ": 0",
			}, slices.DeleteFunc(says, func(line string) bool { return strings.Contains(line, "Batch Endpoint Invoker") }))
			require.NotEmpty(t, r.Jobs)
			for _, j := range r.Jobs {
				assert.Equal(t, "starts partner image-tagger", j.Change+" "+j.Invoker+" "+j.Endpoint)
			}
		}
	})

	t.Run("what the group gains is judged by the members that stay", func(t *testing.T) {
		d := deploy(t, state, append(intoGroup("release-manager, pipeline"),
			"invokers: [analysts, pipeline, partner, data-factory]", "invokers: [analysts, scorers, partner, data-factory]",
			"patients-private: { only: [analysts, pipeline,", "patients-private: { only: [analysts, scorers,")...)
		defer d.close()
		for _, flags := range [][]string{nil, {"--show-sames"}} {
			r := d.review(flags...)
			assert.Empty(t, r.Unread)
			assert.True(t, r.NewAccess, "release-manager had none of it")
			gains := 0
			for _, c := range r.Access {
				assert.Contains(t, map[string]string{"invoker scorers": "gained", "invoker pipeline": "lost"}[c.Principal.Name],
					c.Change)
				assert.Empty(t, c.Gone, "pipeline has through the group what it had by itself: %+v", c)
				if len(c.New) > 0 {
					gains++
				}
			}
			assert.Equal(t, 2, gains, "patients and scores: %+v", r.Access)
		}
	})

	d = deploy(t, state, intoGroup("release-manager, pipeline")...)
	defer func() { d.close() }()
	batchaccess := command(t)
	said, code := d.run(batchaccess, "verify", "--stack", "dev", "--propagation", "0s", "--strict")
	require.Zero(t, code, said)

	stranger := uuid.NewString()
	require.NoError(t, d.azure.Seed(azure.Seed{Users: []azure.User{{ObjectID: stranger,
		UserPrincipalName: "eve@sandbox.example", DisplayName: "Eve"}}}))
	d.addToGroup(stranger)
	said, code = d.run(batchaccess, "verify", "--stack", "dev", "--propagation", "0s")
	assert.Zero(t, code, said)
	assert.Regexp(t, `group scorers +has a member that the stack does not name: Eve \(`+stranger, said)
	_, code = d.run(batchaccess, "verify", "--stack", "dev", "--propagation", "0s", "--strict")
	assert.Equal(t, 1, code)

	d.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
	assert.Empty(t, d.azure.Inventory(), "nothing is left")
}

const groupMember = "azuread:index/groupMember:GroupMember"

// addToGroup adds a member to the only group that the stack has made, as the group's owner may.
func (d *deployment) addToGroup(member string) {
	d.t.Helper()
	var group string
	for _, id := range d.azure.Inventory() {
		if parts := strings.Split(id, "/"); len(parts) == 3 && parts[1] == "groups" {
			group = parts[2]
		}
	}
	require.NotEmpty(d.t, group)
	cloud, err := azureclient.Discover(d.t.Context(), d.azure.Client(), d.azure.Host())
	require.NoError(d.t, err)
	token, err := d.azure.SignIn(d.t.Context(), d.azure.Deployer().ObjectID, cloud.Graph)
	require.NoError(d.t, err)
	body, err := json.Marshal(map[string]string{"@odata.id": cloud.Graph + "/v1.0/directoryObjects/" + member})
	require.NoError(d.t, err)
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost,
		cloud.Graph+"/v1.0/groups/"+group+"/members/$ref", bytes.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.azure.Client().Do(req)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	require.Equal(d.t, http.StatusNoContent, resp.StatusCode)
}

func TestAGroupOfALostStateIsAdopted(t *testing.T) {
	t.Parallel()
	batchaccess := command(t)
	d, made, urns := deployAndForget(t, intoGroup("release-manager, pipeline")...)
	require.True(t, slices.ContainsFunc(urns, func(urn string) bool {
		return strings.HasSuffix(urn,
			groupMember+"::access.scorers.pipeline")
	}), urns)
	said, code := d.run(batchaccess, "adopt", "--stack", "dev", "--yes")
	require.Zero(t, code, said)
	d.isAdopted(made)
	d.goesOn(made, urns)
}
