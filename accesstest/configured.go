package accesstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
)

// Configured runs the program as that stack of the Pulumi project in the folder: under their names, with the configuration of
// Pulumi.yaml and Pulumi.<stack>.yaml. What is encrypted there can't be read here; the program gets access.Unknown for it.
func Configured(t testing.TB, dir, stack string) pulumi.RunOption {
	t.Helper()
	project, config, err := readProject(dir, stack)
	if err != nil {
		t.Fatalf("reading the configuration of stack %s: %v", stack, err)
	}
	return func(info *pulumi.RunInfo) { info.Project, info.Stack, info.Config = project, stack, config }
}

func readProject(dir, stack string) (name string, config map[string]string, err error) {
	var project, own struct {
		Name   string         `yaml:"name"`
		Config map[string]any `yaml:"config"`
	}
	for file, into := range map[string]any{"Pulumi.yaml": &project, "Pulumi." + stack + ".yaml": &own} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			err = yaml.Unmarshal(text, into)
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if project.Name == "" {
		return "", nil, errors.New("the file Pulumi.yaml has no name; give the project one")
	}
	config = map[string]string{}
	set := func(key string, value any) (err error) {
		if !strings.Contains(key, ":") {
			key = project.Name + ":" + key
		}
		config[key], err = configText(value)
		return err
	}
	for key, declared := range project.Config {
		value := declared
		if m, ok := declared.(map[string]any); ok { // a declaration, whose default counts
			if value = m["value"]; value == nil {
				value = m["default"]
			}
		}
		if value == nil {
			continue
		}
		if err := set(key, value); err != nil {
			return "", nil, fmt.Errorf("reading Pulumi.yaml: config.%s: %w", key, err)
		}
	}
	for key, value := range own.Config {
		if err := set(key, value); err != nil {
			return "", nil, fmt.Errorf("reading Pulumi.%s.yaml: config.%s: %w", stack, key, err)
		}
	}
	return project.Name, config, nil
}

// configText is a value as the engine hands it to a program: text as it is, objects and lists as JSON.
func configText(value any) (string, error) {
	switch v := value.(type) {
	case map[string]any:
		if _, secure := v["secure"]; secure && len(v) == 1 {
			return access.Unknown, nil
		}
	case []any:
	default:
		return fmt.Sprint(v), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
