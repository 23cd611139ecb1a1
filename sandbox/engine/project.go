package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// project is a user's project as the shadow has it.
type project struct {
	name         string
	stacks       []string // sorted
	placeholders []string // "file: config key" of the secrets that a placeholder stands for
}

// placeholder replaces a secret that is encrypted with a key which the sandbox does not have.
const placeholder = "sandbox-placeholder-for-an-encrypted-value"

// shadow makes a copy of the project's settings in dir, which leads to the program in its own folder. Pulumi can write
// the sandbox's files there. Everything else beside Pulumi.yaml is linked.
func shadow(users, dir string, instead map[string]string, logger *slog.Logger) (*project, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the shadow of the project: %w", err)
	}
	settings, file, err := readFirst(users, "Pulumi.yaml", "Pulumi.yml")
	if err != nil {
		return nil, fmt.Errorf("reading the Pulumi project in %s: %w", users, err)
	}
	root, err := mapping(settings)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	p := &project{name: root.text("name")}
	if p.name == "" {
		return nil, fmt.Errorf("reading %s: the project has no name", file)
	}
	stackDir := users
	if configured := root.text("stackConfigDir"); configured != "" {
		stackDir = filepath.Join(users, configured)
	}
	root.absolute(users)
	if err := root.write(filepath.Join(dir, "Pulumi.yaml")); err != nil {
		return nil, err
	}
	if err := p.shadowStacks(stackDir, dir, instead); err != nil {
		return nil, err
	}
	for _, secret := range p.placeholders {
		logger.Warn("an encrypted config value cannot be read in the sandbox: a placeholder stands for it", "value", secret)
	}
	return p, linkOthers(users, dir)
}

// shadowStacks copies the stacks' settings, with the sandbox's encryption in place of the user's. files says which
// stacks have their settings elsewhere.
func (p *project) shadowStacks(users, dir string, instead map[string]string) error {
	files, err := filepath.Glob(filepath.Join(users, "Pulumi.*.y*ml"))
	if err != nil {
		return fmt.Errorf("looking for stacks in %s: %w", users, err)
	}
	kept := map[string]bool{"Pulumi.yaml": true}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		stack := strings.TrimPrefix(name, "Pulumi.")
		if other, is := instead[stack]; is {
			file = other
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading stack %s: %w", stack, err)
		}
		root, err := mapping(content)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		for _, secret := range root.strip() {
			p.placeholders = append(p.placeholders, filepath.Base(file)+": "+secret)
		}
		shadowed := filepath.Join(dir, name+".yaml")
		root.encrypt()
		if err := root.write(shadowed); err != nil {
			return err
		}
		kept[name+".yaml"] = true
		p.stacks = append(p.stacks, stack)
	}
	slices.Sort(p.stacks)
	p.stacks = slices.Compact(p.stacks)
	return removeOld(dir, kept)
}

// removeOld removes the settings of stacks that the project no longer has, and links that lead nowhere or elsewhere.
func removeOld(dir string, kept map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the shadow of the project: %w", err)
	}
	for _, entry := range entries {
		isLink := entry.Type()&fs.ModeSymlink != 0
		if !isLink && (entry.IsDir() || kept[entry.Name()] || !isSettings(entry.Name())) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("clearing the shadow of the project: %w", err)
		}
	}
	return nil
}

// isSettings reports whether a file is Pulumi.yaml or Pulumi.<stack>.yaml.
func isSettings(name string) bool {
	ext := filepath.Ext(name)
	return strings.HasPrefix(name, "Pulumi.") && (ext == ".yaml" || ext == ".yml")
}

// linkOthers links everything else in the project's folder, because the program may refer to it by a relative path.
func linkOthers(users, dir string) error {
	entries, err := os.ReadDir(users)
	if err != nil {
		return fmt.Errorf("reading the project's folder: %w", err)
	}
	for _, entry := range entries {
		if isSettings(entry.Name()) {
			continue
		}
		err := os.Symlink(filepath.Join(users, entry.Name()), filepath.Join(dir, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("linking the project's files into its shadow: %w", err)
		}
	}
	return nil
}

// readFirst reads the first of the files that exists.
func readFirst(dir string, names ...string) (content []byte, file string, err error) {
	for _, name := range names {
		file = filepath.Join(dir, name)
		content, err = os.ReadFile(file)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return content, file, err
}

// settings is a YAML document whose root is a mapping. Its nodes are edited in place, so that the rest stays as the
// user wrote it.
type settings struct{ document, root *yaml.Node }

func mapping(content []byte) (settings, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return settings{}, err
	}
	if document.Kind == 0 { // an empty file
		document = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return settings{}, fmt.Errorf("line %d: expected a mapping", root.Line)
	}
	return settings{&document, root}, nil
}

func (s settings) write(file string) error {
	var content bytes.Buffer
	encoder := yaml.NewEncoder(&content)
	encoder.SetIndent(2) // as Pulumi does
	err := encoder.Encode(s.document)
	if err == nil {
		err = wholefile.Write(file, content.Bytes())
	}
	if err != nil {
		return fmt.Errorf("writing the shadow of the project: %w", err)
	}
	return nil
}

// at returns the value of a mapping's key; nil if there is none.
func at(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func (s settings) text(key string) string {
	if v := at(s.root, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func (s settings) set(key, value string) {
	s.remove(s.root, key)
	s.root.Content = append(s.root.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key},
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
}

func (settings) remove(m *yaml.Node, key string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}
