package standin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// armType is a type of resource in Resource Manager. A PUT creates and updates it.
type armType struct {
	// location is the resource's ID, with the input for each {part}. {scope} is itself an ID; {subscriptionId} is the
	// provider's.
	id         string
	apiVersion string
	// name is the input that is named automatically.
	name string
	// top are the inputs at the top of the body; the others go into `properties`. If properties is set, the body is not
	// divided: the input of that name holds Azure's `properties` as they are.
	top        []string
	properties string
	// renamed maps azure-native's name of a property to Azure's, if they differ.
	renamed map[string]string
	// replace are the inputs whose change replaces the resource, sets those whose order means nothing.
	replace, sets []string
	deleteQuery   string // query parameters of a DELETE besides its api-version
}

// ofVersion matches azure-native's token of a type in an API version that is not its default, such as
// azure-native:storage/v20230101:StorageAccount.
var ofVersion = regexp.MustCompile(`^(azure-native:\w+)/v(\d{4})(\d{2})(\d{2})(preview|privatepreview)?(:\w+)$`)

// unversioned returns the token without its API version, and the version as Resource Manager writes it; "" if there is
// none. It does not check whether the version exists: Resource Manager does.
func unversioned(token string) (plain, version string) {
	m := ofVersion.FindStringSubmatch(token)
	if m == nil {
		return token, ""
	}
	version = m[2] + "-" + m[3] + "-" + m[4]
	if m[5] != "" {
		version += "-" + m[5]
	}
	return m[1] + m[6], version
}

func (t armType) traits() traits {
	return traits{
		name: t.name, naming: t.naming(), path: t.parts(), replace: t.replace, sets: t.sets,
		location: slices.Contains(t.top, "location"), limits: t.limits(),
	}
}

// naming follows from the path, as in azure-native (resources.go, AutoName): a resource inside another one of its
// provider gets its name in Pulumi; roles and assignments get GUIDs.
func (t armType) naming() naming {
	switch _, below, ofProvider := strings.Cut(t.id, "/providers/Microsoft."); {
	case t.name == "roleAssignmentName", t.name == "roleDefinitionId":
		return guid
	case ofProvider && strings.Count(below, "{") > 1:
		return copied
	}
	return random
}

// limits are the limits of the part of the path that names the resource. The plugin checks the parts above it too; here
// they were checked when those resources were made.
func (t armType) limits() map[string]limit {
	limits := map[string]limit{}
	if l, is := partLimits[t.name]; is {
		limits[t.name] = l
	}
	return limits
}

var (
	part       = regexp.MustCompile(`\{(\w+)\}`)
	quotedPart = regexp.MustCompile(`\\\{(\w+)\\\}`) // a {part} in a regular expression
)

// parts are the inputs that the ID is made of.
func (t armType) parts() []string {
	var parts []string
	for _, m := range part.FindAllStringSubmatch(t.id, -1) {
		if m[1] != "subscriptionId" {
			parts = append(parts, m[1])
		}
	}
	return parts
}

func idOf(template string, c *client, in map[string]any) (string, error) {
	var missing []string
	id := part.ReplaceAllStringFunc(template, func(match string) string {
		name := strings.Trim(match, "{}")
		value, _ := in[name].(string)
		if name == "subscriptionId" {
			value = c.cfg.SubscriptionID
		}
		if value == "" {
			missing = append(missing, name)
		}
		if name == "scope" {
			return strings.Trim(value, "/")
		}
		return url.PathEscape(value)
	})
	if len(missing) > 0 {
		remedy := ""
		if slices.Contains(missing, "subscriptionId") {
			remedy = "; set azure-native:subscriptionId"
		}
		return "", fmt.Errorf("the resource's ID needs %s%s", strings.Join(missing, " and "), remedy)
	}
	return id, nil
}

// located reads an ID back into the inputs that it is made of.
func (t armType) located(id string) map[string]any {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(t.id), `\{scope\}`, `(?P<scope>.+)`)
	pattern = quotedPart.ReplaceAllString(pattern, `(?P<$1>[^/]+)`)
	pattern = "(?i)^" + pattern + "$"
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	found := expression.FindStringSubmatch(id)
	if found == nil {
		return nil
	}
	in := map[string]any{}
	for i, name := range expression.SubexpNames() {
		if i == 0 || name == "" || name == "subscriptionId" {
			continue
		}
		value, err := url.PathUnescape(found[i])
		if err != nil {
			value = found[i]
		}
		in[name] = value
	}
	return in
}

// body makes the body of a PUT.
func (t armType) body(in map[string]any) map[string]any {
	body, properties := map[string]any{}, map[string]any{}
	for name, value := range in {
		switch {
		case slices.Contains(t.parts(), name), internal(resource.PropertyKey(name)):
		case name == "identity":
			body[name] = identityBody(value)
		case slices.Contains(t.top, name), name == t.properties:
			body[name] = value
		default:
			if azure, ok := t.renamed[name]; ok {
				name = azure
			}
			properties[name] = value
		}
	}
	if t.properties == "" {
		body["properties"] = properties
	}
	return body
}

// identityBody is an identity in Azure's form: azure-native takes the user-assigned identities as a list of IDs, Azure
// as an object with the IDs as its keys.
func identityBody(identity any) any {
	given, ok := identity.(map[string]any)
	list, isList := given["userAssignedIdentities"].([]any)
	if !ok || !isList {
		return identity
	}
	body, identities := map[string]any{}, map[string]any{}
	maps.Copy(body, given)
	for _, id := range list {
		if id, ok := id.(string); ok {
			identities[id] = map[string]any{}
		}
	}
	body["userAssignedIdentities"] = identities
	return body
}

// outputs turns Azure's answer into azure-native's outputs.
func (t armType) outputs(resource map[string]any) map[string]any {
	return layOut(resource, t.properties, t.renamed)
}

// layOut puts Azure's `properties` under the given name, or, if that is empty, beside the other members.
func layOut(resource map[string]any, properties string, renamed map[string]string) map[string]any {
	out := map[string]any{}
	inner, _ := resource["properties"].(map[string]any)
	if properties != "" {
		out[properties] = inner
	} else {
		back := map[string]string{}
		for native, azure := range renamed {
			back[azure] = native
		}
		for name, value := range inner {
			if native, ok := back[name]; ok {
				name = native
			}
			out[name] = value
		}
	}
	for name, value := range resource {
		if name != "properties" {
			out[name] = value
		}
	}
	return out
}

func (t armType) create(ctx context.Context, c *client, in map[string]any) (string, map[string]any, error) {
	id, err := idOf(t.id, c, in)
	if err != nil {
		return "", nil, err
	}
	// azure-native does not take over an existing resource: that is what `pulumi import` is for.
	switch existing, err := c.getARM(ctx, id, t.apiVersion); {
	case err != nil:
		return "", nil, err
	case existing != nil:
		return "", nil, fmt.Errorf("cannot create already existing resource %s: import it, or delete it first", id)
	}
	out, err := t.put(ctx, c, id, in)
	if err == nil {
		return id, out, nil
	}
	// The PUT may have made the resource although it failed.
	existing, readErr := c.getARM(context.WithoutCancel(ctx), id, t.apiVersion)
	if readErr != nil || existing == nil {
		return "", nil, err
	}
	return id, t.outputs(existing), err
}

func (t armType) put(ctx context.Context, c *client, id string, in map[string]any) (map[string]any, error) {
	got, err := c.arm(ctx, http.MethodPut, id, t.apiVersion, "", t.body(in))
	if err != nil {
		return nil, err
	}
	ran, err := c.await(ctx, got)
	if err != nil {
		return nil, err
	}
	if !ran {
		resource, err := got.object()
		if err != nil {
			return nil, err
		}
		return t.outputs(resource), nil
	}
	resource, err := c.getARM(ctx, id, t.apiVersion)
	if err == nil && resource == nil {
		err = fmt.Errorf("%s is not there although Azure made it", id)
	}
	if err != nil {
		return nil, err
	}
	return t.outputs(resource), nil
}

func (t armType) read(ctx context.Context, c *client, id string, _ map[string]any) (map[string]any, error) {
	resource, err := c.getARM(ctx, id, t.apiVersion)
	if err != nil || resource == nil {
		return nil, err
	}
	return t.outputs(resource), nil
}

func (t armType) update(
	ctx context.Context, c *client, id string, _, in, _ map[string]any,
) (map[string]any, error) {
	return t.put(ctx, c, id, in)
}

func (t armType) delete(ctx context.Context, c *client, id string) error {
	got, err := c.arm(ctx, http.MethodDelete, id, t.apiVersion, t.deleteQuery, nil)
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = c.await(ctx, got)
	return err
}

// armFunction makes the function that gets a resource. properties is the name for Azure's `properties`.
func armFunction(id, apiVersion, properties string, renamed map[string]string) function {
	return func(ctx context.Context, c *client, args map[string]any) (map[string]any, error) {
		id, err := idOf(id, c, args)
		if err != nil {
			return nil, err
		}
		got, err := c.arm(ctx, http.MethodGet, id, apiVersion, "", nil)
		if err != nil {
			return nil, err
		}
		resource, err := got.object()
		if err != nil {
			return nil, err
		}
		return layOut(resource, properties, renamed), nil
	}
}

// arm calls Resource Manager. id is already escaped.
func (c *client) arm(ctx context.Context, method, id, apiVersion, query string, body any) (answer, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return answer{}, err
	}
	address := e.ResourceManager + id + "?api-version=" + apiVersion
	if query != "" {
		address += "&" + query
	}
	return c.call(ctx, method, address, e.managementScope(), body)
}

// getARM returns nil if the resource does not exist.
func (c *client) getARM(ctx context.Context, id, apiVersion string) (map[string]any, error) {
	got, err := c.arm(ctx, http.MethodGet, id, apiVersion, "", nil)
	if isStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return got.object()
}

// await waits for the end of the operation that a header of the answer names; ran is false if none does. The address in
// Azure-AsyncOperation has a status document; the one in Location answers 202 until the end.
func (c *client) await(ctx context.Context, started answer) (ran bool, err error) {
	address, statuses := started.header.Get("Azure-AsyncOperation"), true
	if address == "" && started.status == http.StatusAccepted {
		address, statuses = started.header.Get("Location"), false
	}
	if address == "" {
		return false, nil
	}
	e, err := c.discover(ctx)
	if err != nil {
		return true, err
	}
	// The address comes from an answer: the token must not follow it to another host.
	if !strings.HasPrefix(address, e.ResourceManager+"/") {
		return true, errors.New("the operation is not at Azure's Resource Manager: " + address)
	}
	last := started
	for gap := shortestGap; ; gap = min(2*gap, longestGap) {
		pause, asked := retryAfter(last.header)
		if !asked {
			pause = pollWait
		}
		// The real plugin waits as long as Azure says. The stand-in asks earlier, because its Azure is on this machine.
		if err := sleep(ctx, min(gap, pause)); err != nil {
			return true, fmt.Errorf("waiting for Azure: %w", err)
		}
		last, err = c.call(ctx, http.MethodGet, address, e.managementScope(), nil)
		if err != nil {
			return true, fmt.Errorf("waiting for Azure: %w", err)
		}
		if !statuses {
			if last.status != http.StatusAccepted {
				return true, nil
			}
			continue
		}
		done, err := operationEnded(last)
		if done || err != nil {
			return true, err
		}
	}
}

// operationEnded reads a status document.
func operationEnded(a answer) (bool, error) {
	document, err := a.object()
	if err != nil {
		return false, err
	}
	state, _ := document["status"].(string)
	switch strings.ToLower(state) {
	case "succeeded":
		return true, nil
	case "failed", "canceled":
		code, message := errorOf(a.body)
		return true, fmt.Errorf("the operation %s: %s: %s", strings.ToLower(state), code, message)
	case "":
		return false, errors.New("the operation that Azure started has no status")
	}
	return false, nil
}
