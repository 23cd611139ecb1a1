package standin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// graph calls Microsoft Graph for one call of the engine.
type graph struct {
	*client
	base, scope string
	ctx         context.Context // A graph lives as long as the engine's call that ctx belongs to.
}

func newGraph(ctx context.Context, c *client) (graph, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return graph{}, err
	}
	return graph{client: c, base: e.Graph, scope: e.graphScope(), ctx: ctx}, nil
}

// do calls path, which starts with the version: "/v1.0/applications". The answer is an object, empty if there is none.
func (g graph) do(method, path string, body any) (map[string]any, error) {
	got, err := g.call(g.ctx, method, g.base+path, g.scope, body)
	if err != nil {
		return nil, err
	}
	return got.object()
}

func (g graph) get(path string) (map[string]any, error) { return g.do(http.MethodGet, path, nil) }

// find returns nil if the object does not exist.
func (g graph) find(path string) (map[string]any, error) {
	found, err := g.get(path)
	if isStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	return found, err
}

func (g graph) post(path string, body any) (map[string]any, error) {
	return g.do(http.MethodPost, path, body)
}

func (g graph) patch(path string, body any) error {
	_, err := g.do(http.MethodPatch, path, body)
	return err
}

func (g graph) remove(path string) error {
	_, err := g.do(http.MethodDelete, path, nil)
	return err
}

// list returns the members of a list, from all its pages.
func (g graph) list(path string) ([]map[string]any, error) {
	var all []map[string]any
	for address := g.base + path; address != ""; {
		// The address of a page comes from an answer: the token must not follow it to another host.
		if !strings.HasPrefix(address, g.base+"/") {
			return nil, errors.New("the next page of a list is not at Microsoft Graph: " + address)
		}
		got, err := g.call(g.ctx, http.MethodGet, address, g.scope, nil)
		if err != nil {
			return nil, err
		}
		page, err := got.object()
		if err != nil {
			return nil, err
		}
		members, _ := page["value"].([]any)
		for _, m := range members {
			if m, ok := m.(map[string]any); ok {
				all = append(all, m)
			}
		}
		address, _ = page["@odata.nextLink"].(string)
	}
	return all, nil
}

// where returns the members of a list whose field equals the value.
func (g graph) where(path, filter string) ([]map[string]any, error) {
	return g.list(path + "?" + url.Values{"$filter": {filter}}.Encode())
}

// A filter makes a $filter by which a field equals a value.
type filter func(field, value string) string

// equalsAsIs does not double quotes, like the real plugin when it looks for a group: the caller has to double them.
func equalsAsIs(field, value string) string { return field + " eq '" + value + "'" }

// equals doubles the quotes in a value.
func equals(field, value string) string {
	return field + " eq '" + strings.ReplaceAll(value, "'", "''") + "'"
}

func (g graph) ids(path string) ([]any, error) {
	members, err := g.list(path)
	if err != nil {
		return nil, err
	}
	ids := []any{}
	for _, m := range members {
		if id := text(m, "id"); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// link adds a directory object to the list at path, which ends in "/owners" or "/members".
func (g graph) link(path, version, id string) error {
	_, err := g.post(path+"/$ref", map[string]any{"@odata.id": g.object(version, id)})
	return err
}

func (g graph) unlink(path, id string) error {
	return g.remove(path + "/" + url.PathEscape(id) + "/$ref")
}

// object is the address of a directory object.
func (g graph) object(version, id string) string {
	return g.base + "/" + version + "/directoryObjects/" + url.PathEscape(id)
}

// relink makes the wanted members the members of a list. It adds before it removes, so that the list is never empty.
func (g graph) relink(path, version string, wanted []string) error {
	have, err := g.ids(path)
	if err != nil {
		return err
	}
	for _, id := range wanted {
		if !slices.Contains(have, any(id)) {
			if err := g.link(path, version, id); err != nil {
				return err
			}
		}
	}
	for _, id := range have {
		if id, ok := id.(string); ok && !slices.Contains(wanted, id) {
			if err := g.unlink(path, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// text returns a member that is a string, at a path with dots.
func text(m map[string]any, path string) string {
	value, _ := dig(m, path).(string)
	return value
}

// texts returns a member that is a list of strings.
func texts(m map[string]any, name string) []string {
	list, _ := m[name].([]any)
	var all []string
	for _, v := range list {
		if v, ok := v.(string); ok {
			all = append(all, v)
		}
	}
	return all
}

// dig returns a member at a path with dots, nil if there is none.
func dig(m map[string]any, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return m[name]
	}
	inner, _ := m[name].(map[string]any)
	return dig(inner, rest)
}

// or returns the member, or a default if it is not set.
func or(m map[string]any, name string, unset any) any {
	if v, ok := m[name]; ok && v != nil {
		return v
	}
	return unset
}

// field is an output, with its place in Graph's answer.
type field struct{ output, path string }

// outputsOf reads fields from an answer. A field that is null or missing is unset: the real plugin has its zero value
// in the state.
func outputsOf(entity map[string]any, fields []field) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		out[f.output] = dig(entity, f.path)
		if out[f.output] == nil {
			out[f.output] = unset{}
		}
	}
	return out
}

// graphType is a type of resource in Microsoft Graph. Its functions make the calls of the real plugin, in its order and
// with its waits for replication.
type graphType struct {
	sets  []string      // inputs whose order means nothing
	limit time.Duration // time limit of a creation or a change
	// defaults are the inputs that the plugin fills in.
	defaults map[string]any
	// make returns an ID and an error if the object exists but a later call, or the wait for it, failed.
	make   func(g graph, in map[string]any) (id string, err error)
	fetch  func(g graph, id string, state map[string]any) (out map[string]any, err error)
	change func(g graph, id string, was, in map[string]any) error // nil if every input replaces
	drop   func(g graph, id string) error
	// parts reads an ID back into the inputs that it is made of; nil if it is made of none.
	parts func(id string) map[string]any
}

func (t graphType) traits() traits { return traits{sets: t.sets, defaults: t.defaults} }

func (t graphType) located(id string) map[string]any {
	if t.parts == nil {
		return nil
	}
	return t.parts(id)
}

func (t graphType) create(ctx context.Context, c *client, in map[string]any) (string, map[string]any, error) {
	limited, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	g, err := newGraph(limited, c)
	if err != nil {
		return "", nil, err
	}
	id, err := t.make(g, in)
	if id == "" {
		return "", nil, err
	}
	// The read has its own time limit: a creation that took too long has made the object nevertheless.
	reading, cancel := context.WithTimeout(ctx, otherLimit)
	defer cancel()
	g.ctx = reading
	out, readErr := t.fetch(g, id, in)
	if readErr == nil && out == nil {
		readErr = fmt.Errorf("%s is not there although it was just made", id)
	}
	return id, out, errors.Join(err, readErr)
}

func (t graphType) read(ctx context.Context, c *client, id string, state map[string]any) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, otherLimit)
	defer cancel()
	g, err := newGraph(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.fetch(g, id, state)
}

func (t graphType) update(
	ctx context.Context, c *client, id string, was, in, state map[string]any,
) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	g, err := newGraph(ctx, c)
	if err != nil {
		return nil, err
	}
	if t.change != nil {
		if err := t.change(g, id, was, in); err != nil {
			return nil, err
		}
	}
	// Values that only the state has, such as a secret, stay; the program's values win over them.
	known := map[string]any{}
	maps.Copy(known, state)
	maps.Copy(known, in)
	out, err := t.fetch(g, id, known)
	if err == nil && out == nil {
		// Without this the state would lose a secret, which only Graph's first answer has.
		err = fmt.Errorf("%s is not there: run pulumi refresh if it was deleted, or try again if it was made just now", id)
	}
	return out, err
}

func (t graphType) delete(ctx context.Context, c *client, id string) error {
	ctx, cancel := context.WithTimeout(ctx, otherLimit)
	defer cancel()
	g, err := newGraph(ctx, c)
	if err != nil {
		return err
	}
	return t.drop(g, id)
}

// owners starts a list of owners with the deployer, as the real plugin does, so that the object always has one.
func (g graph) owners(version string, in map[string]any) (bind []string, caller string, err error) {
	caller, err = g.caller(g.ctx, g.scope)
	if err != nil {
		return nil, "", err
	}
	bind = []string{g.object(version, caller)}
	for _, id := range texts(in, "owners") {
		if id != caller {
			bind = append(bind, g.object(version, id))
		}
	}
	return bind, caller, nil
}

// disown removes the deployer from the owners again, unless the program names it.
func (g graph) disown(path, caller string, in map[string]any) error {
	if slices.Contains(texts(in, "owners"), caller) {
		return nil
	}
	return g.unlink(path+"/owners", caller)
}
