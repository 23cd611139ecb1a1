package accesstest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/config"
)

// Configured runs the program as a stack of the Pulumi project in the folder: with the names of both, and with the
// configuration of Pulumi.yaml and Pulumi.<stack>.yaml. An encrypted value can't be read here; the program gets
// config.Unknown for it.
func Configured(t testing.TB, dir, stack string) pulumi.RunOption {
	t.Helper()
	project, texts, err := readProject(dir, stack)
	if err != nil {
		t.Fatalf("reading the configuration of stack %s: %v", stack, err)
	}
	return func(info *pulumi.RunInfo) { info.Project, info.Stack, info.Config = project, stack, texts }
}

func readProject(dir, stack string) (name string, texts map[string]string, err error) {
	name, values, err := config.ReadProject(dir, stack)
	if err != nil {
		return "", nil, err
	}
	texts = map[string]string{}
	for key, value := range values {
		if texts[key], err = configText(value); err != nil {
			return "", nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return name, texts, nil
}

// configText returns a value as the engine passes it to a program: text as it is, objects and lists as JSON.
func configText(value any) (string, error) {
	switch v := value.(type) {
	case map[string]any:
		if _, secure := v["secure"]; secure && len(v) == 1 {
			return config.Unknown, nil
		}
	case []any:
	default:
		return fmt.Sprint(v), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
