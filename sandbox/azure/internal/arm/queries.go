package arm

import (
	"net/http"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// queries are the query parameters that requests may have beside api-version, by what they are sent to: a type, with
// "/" behind it for its collection. What chooses what is answered and is not served is refused, or another question
// would be answered; what else there is, such as the size of a page, is disregarded.
var queries = loweredLists(map[string][]string{
	typeRoleDefinition + "/":       {"$filter"},
	typeRoleAssignment + "/":       {"$filter"},
	typeDenyAssignment + "/":       {"$filter"},
	typeWorkspace + "/datastores/": {"isDefault"},
})

// choosing are the parameters of Azure's lists that choose (Azure/azure-rest-api-specs: the list operations of the
// resource providers served).
var choosing = lowered("$filter", "$top", "$skip", "$orderBy", "$expand", "$select", "isDefault", "names", "searchText",
	"listViewType", "tag", "tags", "properties", "scheduled", "jobType", "assetName", "stage", "name", "kind")

func loweredLists(spelled map[string][]string) map[string]map[string]bool {
	sets := make(map[string]map[string]bool, len(spelled))
	for key, names := range spelled {
		sets[strings.ToLower(key)] = lowered(names...)
	}
	return sets
}

// checkQuery refuses a parameter that would change the answer and is not served, or that is given twice.
func (c *call) checkQuery() error {
	for name, values := range c.r.URL.Query() {
		if len(values) > 1 { // its code is not documented
			return wire.Errorf(http.StatusBadRequest, "InvalidQueryParameter", "the query parameter %s is given %d times", name,
				len(values))
		}
	}
	if c.r.Method != http.MethodGet {
		return nil
	}
	key := strings.ToLower(c.id.Type())
	if c.id.IsCollection() {
		key += "/"
	}
	for name := range c.r.URL.Query() {
		if lower := strings.ToLower(name); choosing[lower] && !queries[key][lower] {
			return wire.NotModelled("the query parameter " + name + " of " + c.id.Type())
		}
	}
	return nil
}

// defaultStores narrows the data stores of a workspace to the default one, or to the others, where the request says so.
func (c *call) defaultStores(found []any) ([]any, error) {
	wanted := c.r.URL.Query().Get("isDefault")
	if wanted == "" {
		return found, nil
	}
	var chosen []any
	for _, item := range found {
		body, _ := item.(map[string]any)
		properties, _ := body["properties"].(map[string]any)
		if is, _ := properties["isDefault"].(bool); is == strings.EqualFold(wanted, "true") {
			chosen = append(chosen, item)
		}
	}
	if len(chosen) == 0 {
		return nil, wire.NotModelled("which data store is the default of " + c.id.Parent())
	}
	return chosen, nil
}
