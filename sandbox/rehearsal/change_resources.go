package rehearsal

import (
	"fmt"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// resources counts what happened to the stack's resources since the old version was deployed, and stores their names by
// ID.
func (c *change) resources(r *rehearsal, names map[string]string) (map[string]string, error) {
	state, err := r.engine.State(c.Stack)
	if err != nil {
		return nil, err
	}
	now := map[string]Resource{}
	for _, one := range state.Resources {
		if !one.Custom || one.Delete || one.ID == "" || strings.HasPrefix(string(one.Type), "pulumi:") {
			continue
		}
		created := time.Time{}
		if one.Created != nil {
			created = *one.Created
		}
		now[string(one.URN)] = Resource{
			Type: string(one.Type), Name: one.URN.Name(), id: strings.ToLower(string(one.ID)), created: created,
			aliases: aliases(c.New.Model, string(one.URN)),
		}
	}
	if names == nil {
		c.report.was, names = now, map[string]string{}
	} else {
		c.report.compare(now)
	}
	for _, one := range now {
		names[one.id] = one.Name
	}
	return names, nil
}

// label describes a write, with the resource's name in the stack if that is known.
func (c *change) label(w azure.Write) string {
	path := w.Path
	if strings.HasPrefix(strings.ToLower(path), "/graph/") {
		_, path, _ = strings.Cut(strings.TrimPrefix(path, "/graph/"), "/")
		path = "/" + path
	}
	kind := path
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if len(segments) > 1 {
		kind = segments[len(segments)-2]
	}
	name := c.names[strings.ToLower(strings.TrimRight(path, "/"))]
	if name == "" { // objects of the directory: applications/<id>/federatedIdentityCredentials/<id> and so on
		for id, is := range c.names {
			if len(segments) > 3 && strings.HasSuffix(id, "/"+strings.ToLower(segments[len(segments)-1])) {
				name = is
			}
		}
	}
	if name == "" {
		return w.Method + " " + path
	}
	return fmt.Sprintf("%s %s %s", w.Method, kind, name)
}
