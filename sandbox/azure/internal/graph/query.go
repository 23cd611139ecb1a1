package graph

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Graph's page sizes: the default, and the maximum for $top.
const (
	pageSize    = 100
	maxPageSize = 999
)

// skipToken is the query parameter that says where the next page begins.
const skipToken = "$skiptoken"

// queryOptions are the query options that are served. Others are refused: without one, the answer would be to another
// question.
var queryOptions = []string{"$filter", "$select", "$top", "$count", "$format", skipToken}

func unsupported(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "Request_UnsupportedQuery", format, args...)
}

// list answers a page of the objects that match the $filter.
func list(c *call, objects []map[string]any) (wire.Reply, error) {
	query := c.r.URL.Query()
	filter, err := odata.Parse(query.Get("$filter"))
	if err != nil {
		return wire.Reply{}, unsupported("%v", err)
	}
	for _, term := range filter {
		if term.Function != "" && !(strings.EqualFold(term.Function, odata.StartsWith) && term.Field != "") {
			return wire.Reply{}, unsupported("the sandbox does not serve %s(...) in $filter; it serves %s(<property>,'<text>')",
				term.Function, odata.StartsWith)
		}
	}
	if err := c.checkFilter(filter); err != nil {
		return wire.Reply{}, err
	}
	matching := []map[string]any{}
	for _, object := range objects {
		if filter.Matches(object) {
			matching = append(matching, object)
		}
	}
	answer := map[string]any{}
	if query.Get("$count") == "true" {
		answer["@odata.count"] = len(matching)
	}
	start, size := 0, pageSize
	if top := query.Get("$top"); top != "" {
		if size, err = strconv.Atoi(top); err != nil || size < 1 || size > maxPageSize {
			return wire.Reply{}, unsupported("$top is %q; it must be a number from 1 to %d", top, maxPageSize)
		}
	}
	if token := query.Get(skipToken); token != "" {
		if start, err = strconv.Atoi(token); err != nil || start < 0 || start > len(matching) {
			return wire.Reply{}, bad("$skiptoken %q is not one of a next link", token)
		}
	}
	end := min(start+size, len(matching))
	if end < len(matching) {
		query.Set(skipToken, strconv.Itoa(end))
		answer["@odata.nextLink"] = c.url + Prefix + "/" + c.version() + c.r.URL.Path + "?" + query.Encode()
	}
	answer["value"] = matching[start:end]
	return wire.OK(answer), nil
}

// version is the version in the request's path: v1.0 or beta.
func (c *call) version() string { return c.r.PathValue("version") }

// address is the URL by which Graph refers to a directory object.
func (c *call) address(id string) string {
	return c.url + Prefix + "/" + c.version() + "/directoryObjects/" + id
}

// selection has the properties in $select; nil for all.
func (c *call) selection() []string {
	fields := c.r.URL.Query().Get("$select")
	if fields == "" {
		return nil
	}
	names := strings.Split(fields, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// shaped reduces an object, or each in a list, to the properties in $select, and adds its @odata.id if the client
// accepts odata.metadata=full. Annotations always stay.
func (c *call) shaped(body any) any {
	fields := c.selection()
	full := strings.Contains(strings.ToLower(c.r.Header.Get("Accept")), "odata.metadata=full")
	object, ok := body.(map[string]any)
	if !ok || fields == nil && !full {
		return body
	}
	shape := func(object map[string]any) map[string]any {
		shaped := maps.Clone(object)
		if fields != nil {
			maps.DeleteFunc(shaped, func(key string, _ any) bool {
				return !strings.HasPrefix(key, "@") && !slices.Contains(fields, key)
			})
		}
		if id := text(object, "id"); full && id != "" {
			shaped["@odata.id"] = c.address(id)
		}
		return shaped
	}
	items, isList := object["value"].([]map[string]any)
	if !isList {
		return shape(object)
	}
	shaped := make([]map[string]any, len(items))
	for i, item := range items {
		shaped[i] = shape(item)
	}
	return merge(object, map[string]any{"value": shaped})
}
