package arm

import (
	"net/http"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// queries are the query parameters that requests may have, by the type that they are sent to, with "/" after it for
// its collection. Any other parameter is refused: it could change what is answered or done, and the answer would then
// be to another question.
var queries = loweredLists(map[string][]string{
	typeRoleDefinition + "/":       {"$filter"},
	typeRoleAssignment + "/":       {"$filter"},
	typeDenyAssignment + "/":       {"$filter"},
	typeWorkspace + "/datastores/": {"isDefault"},
	// an attached cluster could be kept; the clusters here are made, and are deleted
	typeCompute: {"underlyingResourceAction"},
})

// disregarded are the parameters of all requests, and those that only change the size and the order of a page, which
// azure-ai-ml sends by default (Azure/azure-rest-api-specs: the list operations of the providers served).
var disregarded = lowered("api-version", "$maxpagesize", "count", "orderByAsc")

func loweredLists(spelled map[string][]string) map[string]map[string]bool {
	sets := make(map[string]map[string]bool, len(spelled))
	for key, names := range spelled {
		sets[strings.ToLower(key)] = lowered(names...)
	}
	return sets
}

// checkQuery refuses a parameter that is not served, or that is given twice.
func (c *call) checkQuery() error {
	for name, values := range c.r.URL.Query() {
		if len(values) > 1 { // the code is not documented
			return wire.Errorf(http.StatusBadRequest, "InvalidQueryParameter", "the query parameter %s is given %d times", name,
				len(values))
		}
	}
	key := strings.ToLower(c.id.Type())
	if c.id.IsCollection() {
		key += "/"
	}
	for name := range c.r.URL.Query() {
		lower := strings.ToLower(name)
		nextPage := name == skipToken && c.id.IsCollection()
		if !nextPage && !disregarded[lower] && !queries[key][lower] {
			return wire.NotModelled("the query parameter " + name + " of " + c.id.Type())
		}
	}
	return nil
}

// defaultStores reduces the data stores of a workspace to the default one, or to the others, if the request asks for
// that.
func (c *call) defaultStores(found []any) ([]any, error) {
	wanted := c.r.URL.Query().Get("isDefault")
	switch {
	case !c.r.URL.Query().Has("isDefault"):
		return found, nil
	case !strings.EqualFold(wanted, "true") && !strings.EqualFold(wanted, "false"):
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidQueryParameter", "isDefault is true or false, and not %q",
			wanted)
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
