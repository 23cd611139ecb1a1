package engine

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"

	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// Protects reports whether the stack's state holds a resource that is protected from being deleted.
func (e *Engine) Protects(stack string) (bool, error) {
	state, err := e.State(stack)
	if err != nil {
		return false, err
	}
	for _, r := range state.Resources {
		if r.Protect {
			return true, nil
		}
	}
	return false, nil
}

// Outputs returns the outputs of the resource with that URN, or, for "", the stack's outputs, as the last deployment
// left them in the state, with secrets in plain text. These are the values that
// `pulumi stack output --json --show-secrets` prints, without starting Pulumi.
func (e *Engine) Outputs(ctx context.Context, stack, urn string) (map[string]any, error) {
	state, err := e.State(stack)
	if err != nil {
		return nil, err
	}
	for _, r := range state.Resources {
		if urn == "" && r.Type != "pulumi:pulumi:Stack" || urn != "" && string(r.URN) != urn || r.Delete {
			continue
		}
		secrets := sync.OnceValues(func() (config.Decrypter, error) {
			return e.decrypter(state.SecretsProviders)
		})
		plain, err := reveal(ctx, secrets, r.Outputs)
		if err != nil {
			return nil, fmt.Errorf("reading the outputs of stack %s: %w", stack, err)
		}
		outputs, _ := plain.(map[string]any)
		return outputs, nil
	}
	return nil, nil
}

// checkpointFile is the stack's file in the sandbox's backend. If the user has Pulumi compress states
// (PULUMI_DIY_BACKEND_GZIP), its name also ends in .gz.
func (e *Engine) checkpointFile(stack string) string {
	return filepath.Join(e.paths.backend, ".pulumi", "stacks", e.project.name, stack+".json")
}

// writeStack makes a stack as `pulumi stack init` does, which would take half a second. The first command that needs
// the stack's key makes it.
func (e *Engine) writeStack(stack string) error {
	for file, text := range map[string]string{
		filepath.Join(e.paths.backend, ".pulumi", "meta.yaml"): "version: 1\n",
		e.checkpointFile(stack): fmt.Sprintf(`{"version": 3, "checkpoint": {"stack": %q, "latest": {"manifest": `+
			`{"time": "0001-01-01T00:00:00Z", "magic": "", "version": ""}}}}`+"\n",
			"organization/"+e.project.name+"/"+stack),
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := wholefile.Write(file, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// Copy copies the stacks of a closed engine's project, with their states and the key of their secrets, to the folder of
// another engine of the same project.
func Copy(from, to string) error {
	was, is := pathsIn(from), pathsIn(to)
	settings, err := filepath.Glob(filepath.Join(was.shadow, "Pulumi.*.yaml"))
	if err != nil {
		return fmt.Errorf("copying the stacks of an engine: %w", err)
	}
	if err := os.MkdirAll(is.shadow, 0o700); err != nil {
		return fmt.Errorf("copying the stacks of an engine: %w", err)
	}
	for _, file := range append(settings, was.passphrase, was.key) {
		text, err := os.ReadFile(file)
		if err == nil {
			relative, _ := filepath.Rel(from, file) // a folder below the stacks' files
			err = wholefile.Write(filepath.Join(to, relative), text)
		}
		if err != nil {
			return fmt.Errorf("copying the stacks of an engine: %w", err)
		}
	}
	if err := os.CopyFS(is.backend, os.DirFS(was.backend)); err != nil {
		return fmt.Errorf("copying the stacks of an engine: %w", err)
	}
	return nil
}

// State is the stack's state, as the last deployment left it: what `pulumi stack export` prints, without starting
// Pulumi.
func (e *Engine) State(stack string) (*apitype.DeploymentV3, error) {
	if e.project == nil {
		return nil, errors.New("there is no project, so no stack")
	}
	text, err := readUnpacked(e.checkpointFile(stack))
	if err != nil {
		return nil, fmt.Errorf("reading the state of stack %s: %w", stack, err)
	}
	var versioned apitype.VersionedCheckpoint
	var checkpoint apitype.CheckpointV3
	err = json.Unmarshal(text, &versioned)
	if err == nil && versioned.Version != 3 && versioned.Version != 4 {
		err = fmt.Errorf("it has the format %d, and 3 and 4 are known", versioned.Version)
	}
	if err == nil {
		err = json.Unmarshal(versioned.Checkpoint, &checkpoint)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state of stack %s: %w", stack, err)
	}
	if checkpoint.Latest == nil {
		return &apitype.DeploymentV3{}, nil // nothing has been deployed yet
	}
	return checkpoint.Latest, nil
}

func readUnpacked(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	file, err := os.Open(name + ".gz")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

// decrypter reads the secrets of a state that is encrypted with the sandbox's key.
func (e *Engine) decrypter(provider *apitype.SecretsProvidersV1) (config.Decrypter, error) {
	if provider == nil || provider.Type != "cloud" {
		return nil, errors.New("its secrets are not encrypted with the sandbox's key")
	}
	key, err := base64.StdEncoding.DecodeString(e.key)
	if err != nil {
		return nil, err
	}
	return config.NewSymmetricCrypter(key), nil
}

// reveal decrypts secrets.
func reveal(ctx context.Context, secrets func() (config.Decrypter, error), value any) (any, error) {
	var err error
	switch value := value.(type) {
	case []any:
		for i := range value {
			if value[i], err = reveal(ctx, secrets, value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if value[sig.Key] == sig.Secret {
			return revealOne(ctx, secrets, value)
		}
		for key := range value {
			if value[key], err = reveal(ctx, secrets, value[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func revealOne(ctx context.Context, secrets func() (config.Decrypter, error), secret map[string]any) (any, error) {
	text, plain := secret["plaintext"].(string)
	if !plain {
		encrypted, _ := secret["ciphertext"].(string)
		key, err := secrets()
		if err != nil {
			return nil, err
		}
		if text, err = key.DecryptValue(ctx, encrypted); err != nil {
			return nil, err
		}
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	return reveal(ctx, secrets, value)
}
