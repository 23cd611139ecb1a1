package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// providerLocation is where the azure-native provider takes its default location from.
const providerLocation = "azure-native:location"

// providerSubscription is where the azure-native provider takes its subscription from.
const providerSubscription = "azure-native:subscriptionId"

// Load reads the configuration of the running stack. Its error names every problem, one a line.
func Load(ctx *pulumi.Context) (*components.BatchEndpointAccessArgs, error) {
	values := map[string]any{}
	t := reflect.TypeFor[components.BatchEndpointAccessArgs]()
	for i := range t.NumField() {
		key := keyOf(t.Field(i))
		text, ok := ctx.GetConfig(ctx.Project() + ":" + key)
		if !ok || text == "" {
			continue // Pulumi.yaml gives optional text the default ""
		}
		value, err := parse(text, t.Field(i).Type)
		if err != nil {
			return nil, fmt.Errorf("%s:%s: is not the JSON of an object: %w; set it with `pulumi config set --path`, or in Pulumi.%s.yaml", ctx.Project(), key, err, ctx.Stack())
		}
		values[key] = value
	}
	for _, key := range keysInEnvironment(ctx.Project()) {
		if !slices.Contains(Keys(), key) {
			values[key] = "" // not one of the arguments: Decode says so, and which is near
		}
	}
	if location, ok := ctx.GetConfig(providerLocation); ok && values["location"] == nil {
		values["location"] = location
	}
	args, ps := DecodeStack(values)
	ps = ps.WithoutLookUps() // the component makes them
	ps = append(ps, otherSubscription(ctx, args)...)
	if err := ps.Err(); err != nil {
		return nil, fmt.Errorf("the configuration of stack %s:\n%w", ctx.Stack(), err)
	}
	return args, nil
}

// otherSubscription refuses a provider that would look for the workspace in another subscription than the workspace's own:
// azure-native takes a cluster's subscription from its configuration, never from the workspace's ID.
func otherSubscription(ctx *pulumi.Context, args *components.BatchEndpointAccessArgs) access.Problems {
	configured, ok := ctx.GetConfig(providerSubscription)
	workspace, err := args.Model().Workspace()
	if !ok || err != nil || strings.EqualFold(configured, workspace.SubscriptionID) {
		return nil
	}
	return access.Problems{{
		Path: providerSubscription, What: fmt.Sprintf("is %s, but the workspace lies in %s", configured, workspace.SubscriptionID),
		Fix: "write the workspace's subscription: clusters and identities are made in it",
	}}
}

// parse reads the text of one value: JSON for objects, the text itself for the rest.
func parse(text string, t reflect.Type) (any, error) {
	structured := t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t == reflect.TypeFor[pulumi.StringMapInput]()
	if !structured {
		return text, nil
	}
	var value any
	err := json.Unmarshal([]byte(text), &value)
	return value, err
}

// keysInEnvironment lists the keys of the project's namespace that the engine passed to the program. The SDK offers values
// by key alone, and a key with a typing error in it has to be found too.
func keysInEnvironment(project string) (keys []string) {
	var all map[string]string
	if err := json.Unmarshal([]byte(os.Getenv("PULUMI_CONFIG")), &all); err != nil {
		return nil // not run by the engine
	}
	for key := range all {
		if name, ok := strings.CutPrefix(key, project+":"); ok {
			keys = append(keys, name)
		}
	}
	return keys
}

// ReadStack reads the configuration of a stack out of the files of its project, for commands that have no engine, by keys
// without the project's name. What is encrypted there can't be read here and is given as Unknown.
func ReadStack(dir, stack string) (map[string]any, error) {
	project, values, err := ReadProject(dir, stack)
	if err != nil {
		return nil, err
	}
	return ofProject(project, values), nil
}

// ReadProject reads what the files of a Pulumi project say, as Pulumi does: the project's name, and the configuration of that
// stack by keys with their namespace. A key without one is the project's; what Pulumi.<stack>.yaml does not say, Pulumi.yaml may.
func ReadProject(dir, stack string) (name string, values map[string]any, err error) {
	project, err := readSettings(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return "", nil, err
	}
	if project.Name == "" {
		return "", nil, fmt.Errorf("%s has no name; give the project one", filepath.Join(dir, "Pulumi.yaml"))
	}
	file := filepath.Join(dir, "Pulumi."+stack+".yaml")
	own, err := readSettings(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil, fmt.Errorf("no stack configuration at %s; name a stack that has a Pulumi.<stack>.yaml here", file)
	} else if err != nil {
		return "", nil, err
	}
	values = map[string]any{}
	for key, declared := range project.Config {
		value := declared
		if m, ok := declared.(map[string]any); ok { // a declaration, whose default counts
			if value = m["value"]; value == nil {
				value = m["default"]
			}
		}
		if value != nil {
			values[qualified(project.Name, key)] = value
		}
	}
	for key, value := range own.Config {
		values[qualified(project.Name, key)] = value
	}
	return project.Name, values, nil
}

// settings are what is read here of Pulumi.yaml and of Pulumi.<stack>.yaml.
type settings struct {
	Name   string         `yaml:"name"`
	Config map[string]any `yaml:"config"`
}

func readSettings(file string) (settings, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return settings{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return parseSettings(text, file)
}

func parseSettings(text []byte, file string) (s settings, err error) {
	if err := yaml.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("reading %s: %w", file, err)
	}
	return s, nil
}

// qualified is a key with its namespace.
func qualified(project, key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return project + ":" + key
}

// ofProject takes the project's keys and the provider's location.
func ofProject(project string, all map[string]any) map[string]any {
	values := map[string]any{}
	for key, value := range all {
		if name, ok := strings.CutPrefix(key, project+":"); ok && value != "" { // as Load does
			values[name] = readable(value)
		}
	}
	if location, ok := all[providerLocation]; ok && values["location"] == nil {
		values["location"] = location
	}
	return values
}

func readable(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if _, secure := v["secure"]; secure && len(v) == 1 {
			return Unknown
		}
		for key := range v {
			v[key] = readable(v[key])
		}
	case map[any]any: // keys that YAML does not read as text, such as 1:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[fmt.Sprint(key)] = readable(item)
		}
		return m
	case []any:
		for i := range v {
			v[i] = readable(v[i])
		}
	}
	return value
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
