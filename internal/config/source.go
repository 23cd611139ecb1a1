package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// providerLocation is the azure-native provider's configuration key of its default location.
const providerLocation = "azure-native:location"

// providerSubscription is the azure-native provider's configuration key of its subscription.
const providerSubscription = "azure-native:subscriptionId"

// Load reads the configuration of the running stack. Its error names every problem, one a line.
func Load(ctx *pulumi.Context) (*components.BatchEndpointAccessArgs, error) {
	written, err := writtenIn(ctx.RootDirectory(), ctx.Stack())
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	t := reflect.TypeFor[components.BatchEndpointAccessArgs]()
	for i := range t.NumField() {
		key := keyOf(t.Field(i))
		full := ctx.Project() + ":" + key
		text, ok := ctx.GetConfig(full)
		if !ok {
			continue
		}
		value := parse(full, ctx.Stack(), text, t.Field(i).Type)
		value = written.given(full, value)
		if value = asWritten(value, written.values[full]); ctx.IsConfigSecret(full) && !holdsSecret(value) {
			value = secret{value} // not set in the stack's file: all of it may be secret
		}
		values[key] = value
	}
	all := inEnvironment()
	for key := range all {
		if name, ok := strings.CutPrefix(key, ctx.Project()+":"); ok && !slices.Contains(topKeys(), name) {
			values[name] = "" // not an argument: Decode reports it, with a similar name
		}
	}
	for key, wrong := range nearNamespaces(ctx.Project(), sortedKeys(all)) {
		values[key] = wrong
	}
	fromProviders(values, func(key string) (any, bool) { return asAny(ctx.GetConfig(key)) })
	args, ps := DecodeStack(values)
	ps = ps.WithoutLookUps() // the component looks them up
	ps = append(ps, otherSubscription(ctx, args)...)
	ps = append(ps, otherCloud(ctx, args)...)
	for _, p := range leftovers(ctx.Project(), sortedKeys(all)) {
		if err := ctx.Log.Warn(p.String(), nil); err != nil {
			return nil, fmt.Errorf("logging a warning: %w", err)
		}
	}
	if err := ps.Err(); err != nil {
		return nil, fmt.Errorf("the configuration of stack %s:\n%w", ctx.Stack(), err)
	}
	return args, nil
}

// otherSubscription refuses a provider that would look for the workspace in another subscription: azure-native takes a
// cluster's subscription from its configuration, never from the workspace's ID.
func otherSubscription(ctx *pulumi.Context, args *components.BatchEndpointAccessArgs) access.Problems {
	configured, ok := ctx.GetConfig(providerSubscription)
	workspace, err := args.Model().Workspace()
	if !ok || err != nil || strings.EqualFold(configured, workspace.SubscriptionID) {
		return nil
	}
	return access.Problems{{
		Path: providerSubscription, What: fmt.Sprintf("is %s, but the workspace lies in %s", configured,
			workspace.SubscriptionID),
		Fix: "write the workspace's subscription: clusters and identities are made in it",
	}}
}

// parse reads the text of one value: JSON for objects, the text itself for all others.
func parse(key, stack, text string, t reflect.Type) any {
	structured := t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t == reflect.TypeFor[pulumi.StringMapInput]()
	if !structured {
		if text == "null" { // a YAML key without a value
			return nil
		}
		return text
	}
	var value any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return unusable{key, fmt.Sprintf("is not the JSON of an object: %v", err),
			"set it with `pulumi config set --path`, or in Pulumi." + stack + ".yaml"}
	}
	return value
}

// inEnvironment returns the configuration that the engine passed to the program. The SDK returns values by key alone,
// but keys with a spelling error have to be found too.
func inEnvironment() map[string]string {
	var all map[string]string
	if err := json.Unmarshal([]byte(os.Getenv("PULUMI_CONFIG")), &all); err != nil {
		return nil // not run by the engine
	}
	return all
}

// writtenIn returns the configuration in the project's files, if they exist. A configuration from elsewhere may differ
// from them.
func writtenIn(dir, stack string) (projectConfig, error) {
	if dir == "" {
		return projectConfig{}, nil // under mocks
	}
	p, err := readProject(dir, stack)
	if errors.Is(err, os.ErrNotExist) {
		return projectConfig{}, nil
	}
	return p, err
}

// A secret is a value that was set with --secret.
type secret struct{ value any }

// An unusable value stands for one that can't be read, with what is wrong and what to do.
type unusable struct{ path, what, fix string }

// asWritten restores what the engine's value does not show: how the stack's file writes a number that YAML reads
// differently, and which parts are encrypted there. If the file has another value, the engine's came from elsewhere and
// is kept.
func asWritten(value, written any) any {
	switch w := written.(type) {
	case unquoted:
		if text, err := json.Marshal(w.value); err == nil && fmt.Sprint(value) == string(text) {
			return w
		}
	case map[string]any:
		if isSecure(w) {
			return secret{value}
		}
		if m, ok := value.(map[string]any); ok {
			for key := range m {
				m[key] = asWritten(m[key], w[key])
			}
		}
	case []any:
		if list, ok := value.([]any); ok && len(list) == len(w) {
			for i := range list {
				list[i] = asWritten(list[i], w[i])
			}
		}
	}
	return value
}

func holdsSecret(value any) bool {
	switch v := value.(type) {
	case secret:
		return true
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsSecret)
	case []any:
		return slices.ContainsFunc(v, holdsSecret)
	}
	return false
}

func isSecure(m map[string]any) bool {
	_, secure := m["secure"].(string)
	return secure && len(m) == 1
}

// nearNamespaces finds our keys in a namespace that is spelled almost like the project's: nobody reads them.
func nearNamespaces(project string, keys []string) map[string]any {
	wrong := map[string]any{}
	for _, key := range keys {
		namespace, name, ok := strings.Cut(key, ":")
		if ok && namespace != project && slices.Contains(topKeys(), name) && isNear(namespace, project) {
			wrong[key] = unusable{key, fmt.Sprintf("stands in the namespace %s, which nobody reads: the project is called %s",
				namespace, project),
				"write " + project + ":" + name}
		}
	}
	return wrong
}

func isNear(namespace, project string) bool {
	distance := levenshtein.Distance(strings.ToLower(namespace), strings.ToLower(project), nil)
	return distance <= max(1, len(project)/4)
}

// ownKeys are keys that few other programs have.
var ownKeys = []string{"workspaceId", "checkPrincipals", "invokers", "storageAccounts", "dataInputs", "dataOutputs",
	"endpoints", "assertions"}

// leftovers warns of our keys in another namespace, such as the project's earlier name: nobody reads them.
func leftovers(project string, keys []string) (ps access.Problems) {
	for _, key := range keys {
		namespace, name, ok := strings.Cut(key, ":")
		if ok && namespace != project && slices.Contains(ownKeys, name) && !isNear(namespace, project) {
			ps = append(ps, problem.Problem{
				Path: key, What: fmt.Sprintf("stands in the namespace %s, and this program reads that of its project, %s",
					namespace, project),
				Fix: "write " + project + ":" + name + ", or take it out", Warning: true,
			})
		}
	}
	return ps
}

// Leftovers warns of keys in the files of a project that look like ours and stand in another namespace.
func Leftovers(dir, stack string) (access.Problems, error) {
	project, values, err := ReadProject(dir, stack)
	return leftovers(project, sortedKeys(values)), err
}

// ReadStack reads the configuration of a stack from the files of its project, for commands without an engine. Keys have
// no project name. An encrypted value can't be read here and is Unknown.
func ReadStack(dir, stack string) (map[string]any, error) {
	p, err := readProject(dir, stack)
	if err != nil {
		return nil, err
	}
	values := ofProject(p.name, p.values)
	for key := range values {
		values[key] = p.given(p.name+":"+key, values[key])
	}
	return values, nil
}

// ReadProject reads the files of a Pulumi project as Pulumi does: the project's name, and the stack's configuration by
// keys with their namespace. A key without a namespace is the project's. Pulumi.yaml gives the values that
// Pulumi.<stack>.yaml does not.
func ReadProject(dir, stack string) (name string, values map[string]any, err error) {
	p, err := readProject(dir, stack)
	return p.name, p.values, err
}

// A projectConfig has the configuration of one stack in the files of a project.
type projectConfig struct {
	name    string
	values  map[string]any
	ofStack map[string]bool // the keys in the stack's own file
}

// given returns the value of a key. An empty object that is not in the stack's own file is Pulumi.yaml's default, and
// counts as not given.
func (p projectConfig) given(key string, value any) any {
	if m, is := value.(map[string]any); is && len(m) == 0 && !p.ofStack[key] {
		return map[string]any(nil)
	}
	return value
}

func readProject(dir, stack string) (projectConfig, error) {
	project, err := readSettings(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return projectConfig{}, err
	}
	if project.Name == "" {
		return projectConfig{}, fmt.Errorf("%s has no name; give the project one", filepath.Join(dir, "Pulumi.yaml"))
	}
	file := filepath.Join(dir, project.StackConfigDir, "Pulumi."+stack+".yaml")
	own, err := readSettings(file)
	if errors.Is(err, os.ErrNotExist) {
		return projectConfig{}, noFile{file}
	} else if err != nil {
		return projectConfig{}, err
	}
	p := projectConfig{project.Name, map[string]any{}, map[string]bool{}}
	for key, declared := range project.Config {
		value := declared
		if m, ok := declared.(map[string]any); ok { // a declaration, whose default counts
			if value = m["value"]; value == nil {
				value = m["default"]
			}
		}
		if value != nil {
			p.values[qualified(p.name, key)] = value
		}
	}
	for key, value := range own.Config {
		p.values[qualified(p.name, key)], p.ofStack[qualified(p.name, key)] = value, true
	}
	return p, nil
}

// noFile is the error of a stack without a file. It is an os.ErrNotExist without that error's text.
type noFile struct{ file string }

func (e noFile) Error() string {
	return fmt.Sprintf("no stack configuration at %s; name a stack that has a Pulumi.<stack>.yaml here", e.file)
}

func (noFile) Is(target error) bool { return target == os.ErrNotExist }

// qualified returns a key with its namespace.
func qualified(project, key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return project + ":" + key
}

// ofProject returns the project's keys, those in a similar namespace, and the provider's location.
func ofProject(project string, all map[string]any) map[string]any {
	values := nearNamespaces(project, sortedKeys(all))
	for key, value := range all {
		if name, ok := strings.CutPrefix(key, project+":"); ok && (value != "" || !textKeys()[name]) {
			values[name] = readable(value)
		}
	}
	fromProviders(values, func(key string) (any, bool) { value, ok := all[key]; return value, ok })
	return values
}

// textKeys are the keys at the top that take text: for them "" is Pulumi.yaml's default.
func textKeys() map[string]bool {
	is := map[string]bool{}
	t := reflect.TypeFor[components.BatchEndpointAccessArgs]()
	for i := range t.NumField() {
		is[keyOf(t.Field(i))] = isText(t.Field(i).Type)
	}
	return is
}

// Environment returns the value of BatchEndpointAccessArgs.Environment for the cloud of a stack of any program.
func Environment(dir, stack string) (string, error) {
	project, values, err := ReadProject(dir, stack)
	if err != nil {
		return "", err
	}
	said := ofProject(project, values)["environment"]
	if wrong, is := said.(unusable); is {
		return "", problem.Problem{Path: wrong.path, What: wrong.what, Fix: wrong.fix}
	}
	word, _ := said.(string)
	return word, nil
}

// fromProviders sets the location and the cloud from the providers' configuration, if the stack's own does not.
func fromProviders(values map[string]any, get func(key string) (any, bool)) {
	if location, ok := get(providerLocation); ok && (values["location"] == nil || values["location"] == "") {
		values["location"] = location
	}
	own, said := values["environment"].(string)
	var words []string // the first one counts
	first, known := cloud.ByEnvironment(own)
	in := known && own != ""
	from := "environment"
	for _, key := range providerEnvironments {
		value, ok := get(key)
		if !ok {
			continue
		}
		word := fmt.Sprint(value)
		words = append(words, word)
		switch c, known := cloud.ByEnvironment(word); {
		case !known:
		case own == "" && len(words) == 1:
			first, in, from = c, true, key
		case in && c.Name != first.Name:
			values["environment"] = unusable{"environment", fmt.Sprintf("%s says %s and %s says %s, and a stack lies in one "+
				"cloud", from, first.Name, key, c.Name), "write the same cloud in both, or leave environment out"}
			return
		}
	}
	if said && own != "" || values["environment"] != nil && !said {
		return
	}
	if word := components.EnvironmentWord(append(words, os.Getenv("ARM_ENVIRONMENT"))...); word != "" {
		values["environment"] = word
	}
}

// providerEnvironments are where the providers' configuration names their clouds.
var providerEnvironments = []string{"azure-native:environment", "azuread:environment"}

// otherCloud refuses a deployment to another cloud than the stack's: a provider without a setting uses public Azure.
// Where the metadata of a host say where Azure is, no word does.
func otherCloud(ctx *pulumi.Context, args *components.BatchEndpointAccessArgs) access.Problems {
	own, known := cloud.ByEnvironment(args.Environment)
	if !known || os.Getenv("ARM_METADATA_HOSTNAME")+os.Getenv("ARM_METADATA_HOST") != "" {
		return nil
	}
	for _, key := range providerEnvironments {
		if host, _ := ctx.GetConfig(strings.Replace(key, "environment", "metadataHost", 1)); host != "" {
			continue
		}
		configured, _ := ctx.GetConfig(key)
		word := cmp.Or(configured, os.Getenv("ARM_ENVIRONMENT"))
		if c, is := cloud.ByEnvironment(word); is && c.Name != own.Name {
			return access.Problems{{Path: key, What: fmt.Sprintf("is %s, and the stack lies in %s", c.Name, own.Name),
				Fix: "write " + key + ": " + own.Environment + ", and leave environment out"}}
		}
	}
	return nil
}

func asAny(text string, ok bool) (any, bool) { return text, ok }

// readable replaces encrypted values.
func readable(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if isSecure(v) {
			return Unknown
		}
		for key := range v {
			v[key] = readable(v[key])
		}
	case []any:
		for i := range v {
			v[i] = readable(v[i])
		}
	}
	return value
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
