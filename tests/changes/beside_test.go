package changes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A colleague changes Azure outside of the stack, with the permissions of its deployer.
type colleague struct {
	ctx context.Context
	*azure.Azure
	err error // the first one
}

// find is the ID of a resource that the stack has made, by parts of it, in order.
func (c *colleague) find(part string) (id string) {
	for _, id := range c.Inventory() {
		if strings.Contains(id, part) {
			return id
		}
	}
	c.err = errors.Join(c.err, fmt.Errorf("there is no %s", part))
	return ""
}

func (c *colleague) call(method, id string, body any) (answer map[string]any) {
	if c.err != nil {
		return nil
	}
	resource, path := "https://management.azure.com", id+"?api-version=2022-04-01"
	switch {
	case strings.HasPrefix(id, "/applications/"):
		resource, path = "https://graph.microsoft.com", "/graph/v1.0"+id
	case strings.HasPrefix(id, "/providers/Microsoft.Authorization/roleDefinitions/"): // its scope
		path = strings.TrimSuffix(group, "/providers/") + path
	case strings.Contains(id, "/computes/"):
		path = id + "?api-version=2024-10-01&underlyingResourceAction=Delete"
	}
	token, err := c.SignIn(c.ctx, c.Deployer().ObjectID, resource)
	if err != nil {
		c.err = err
		return nil
	}
	var content []byte
	if body != nil { // Graph refuses a null ID
		if content, err = json.Marshal(body); err != nil {
			c.err = err
			return nil
		}
	}
	req, err := http.NewRequestWithContext(c.ctx, method, c.URL()+path, bytes.NewReader(content))
	if err != nil {
		c.err = err
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Client().Do(req)
	if err != nil {
		c.err = err
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	_ = json.NewDecoder(resp.Body).Decode(&answer) // a deletion answers nothing
	if resp.StatusCode >= http.StatusMultipleChoices {
		c.err = fmt.Errorf("%s %s: %s %v", method, id, resp.Status, answer)
	}
	return answer
}

// change reads a resource, and writes its properties after edit.
func (c *colleague) change(id string, edit func(resource, properties map[string]any)) {
	resource := c.call(http.MethodGet, id, nil)
	if c.err != nil {
		return
	}
	properties, _ := resource["properties"].(map[string]any)
	edit(resource, properties)
	c.call(http.MethodPut, id, resource)
}

const ofImages = "/containers/images/providers/Microsoft.Authorization/roleAssignments/"

// Each row changes an assignment, a role, an application and a cluster.
var besides = map[string]func(c *colleague){
	"deleted": func(c *colleague) {
		c.call(http.MethodDelete, c.find(ofImages), nil)
		for range 6 { // Azure does not delete an assigned role
			c.call(http.MethodDelete, c.find("/scoring-dev/providers/Microsoft.Authorization/roleAssignments/"), nil)
		}
		c.call(http.MethodDelete, c.find("/roleDefinitions/"), nil)
		app, _, _ := strings.Cut(c.find("/federatedIdentityCredentials/"), "/federatedIdentityCredentials/")
		c.call(http.MethodDelete, app, nil)
		c.call(http.MethodDelete, c.find("/computes/cpu"), nil)
	},
	"changed": func(c *colleague) {
		c.change(c.find(ofImages), func(_, properties map[string]any) {
			properties["description"], properties["conditionVersion"] = "another", "2.0"
			properties["condition"] = "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/" +
				"read'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike " +
				"'nothing/*'))"
		})
		c.change(c.find("/roleDefinitions/"), func(_, properties map[string]any) {
			properties["permissions"] = []any{map[string]any{
				"actions": []string{"Microsoft.MachineLearningServices/workspaces/read"}}}
		})
		app := c.find("/federatedIdentityCredentials/")
		c.call(http.MethodDelete, app, nil)
		app, _, _ = strings.Cut(app, "/federatedIdentityCredentials/")
		c.call(http.MethodPatch, app, map[string]any{"displayName": "another"})
		c.change(c.find("/computes/cpu"), func(resource, _ map[string]any) {
			resource["tags"] = map[string]string{"a": "b"}
		})
		c.change(c.find("/computes/gpu-scoring"), func(resource, _ map[string]any) {
			resource["identity"] = map[string]any{"type": "SystemAssigned"}
		})
	},
}

// A change outside of the stack is in no state, so up alone leaves it, and makes nothing worse. verify finds it, and
// names the remedy (internal/verify); the remedy undoes it.
func TestWhatIsChangedBesideTheStackIsMendedAfterARefresh(t *testing.T) {
	t.Parallel()
	for name, beside := range besides {
		for _, refresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, refresh %v", name, refresh), func(t *testing.T) {
				t.Parallel()
				o := options(t, nil)
				o.Refresh, o.Beside = refresh, func(ctx context.Context, a *azure.Azure) error {
					c := &colleague{ctx: ctx, Azure: a}
					beside(c)
					return c.err
				}
				report := change(t, o)
				require.Empty(t, report.Failed)
				assert.Empty(t, report.Interruptions)
				assert.Empty(t, report.Lost)
				if refresh {
					assert.Empty(t, report.Broken)
					assert.Equal(t, 21, report.After)
					return
				}
				assert.Zero(t, report.Writes)
				for _, who := range []string{"analysts", "pipeline", "scheduler"} {
					assert.True(t, slices.ContainsFunc(report.Broken, func(line string) bool {
						return strings.HasPrefix(line, who+": ")
					}), "%s: %v", who, report.Broken)
				}
			})
		}
	}
}
