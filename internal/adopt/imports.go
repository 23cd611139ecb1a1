package adopt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/batchaccess/batchaccess/internal/engine"
)

// imports is the file that `pulumi preview --import-file` writes and `pulumi import --file` reads. Unknown keys are
// kept.
type imports struct {
	all   map[string]json.RawMessage
	specs []spec
	// byName are the specs by the names that others refer to them by; table has what the state has already.
	byName  map[string]spec
	table   map[string]resource.URN
	stack   tokens.QName
	project tokens.PackageName
}

// A spec is one resource of the file.
type spec map[string]any

func (s spec) text(key string) string { return text(s, key) }

// readImports reads the file; the preview says which stack it is of.
func readImports(file []byte, p engine.Preview) (*imports, error) {
	f := &imports{
		byName: map[string]spec{}, stack: tokens.QName(p.Stack), project: tokens.PackageName(p.Project),
	}
	err := json.Unmarshal(file, &f.all)
	for key, into := range map[string]any{"resources": &f.specs, "nameTable": &f.table} {
		if err == nil && f.all[key] != nil {
			err = json.Unmarshal(f.all[key], into)
		}
	}
	for _, s := range f.specs {
		f.byName[s.text("name")] = s
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the file for `pulumi import`: %w", err)
	}
	return f, nil
}

// check refuses files that urnOf can't read.
func (f *imports) check() error {
	if f.all == nil {
		return errors.New("it holds no object")
	}
	for name, known := range f.table {
		if !known.IsValid() {
			return fmt.Errorf("nameTable.%s is no URN: %q", name, known)
		}
	}
	for i, s := range f.specs {
		if s.text("type") == "" || s.text("name") == "" {
			return fmt.Errorf("resources[%d] has no type or no name", i)
		}
		steps := 0
		for above, there := s, true; there; above, there = f.byName[above.text("parent")] {
			if steps++; steps > len(f.specs) {
				return fmt.Errorf("resources[%d] lies within itself", i)
			}
		}
	}
	return nil
}

func (f *imports) urnOf(s spec) resource.URN {
	var parent tokens.Type
	name := s.text("parent")
	if urn, there := f.table[name]; there {
		parent = urn.QualifiedType()
	} else if above, there := f.byName[name]; there {
		parent = f.urnOf(above).QualifiedType()
	}
	return resource.NewURN(f.stack, f.project, parent, tokens.Type(s.text("type")),
		cmp.Or(s.text("logicalName"), s.text("name")))
}

// fill writes the IDs of what was found, and leaves out what was not, except for the components.
func (f *imports) fill(found map[string]string, components []string) ([]byte, error) {
	needed := map[string]bool{} // names of what is written, of the components around it, and of its providers
	var need func(name string)
	need = func(name string) {
		if s, there := f.byName[name]; there && !needed[name] {
			needed[name] = true
			need(s.text("parent"))
			need(s.text("provider"))
		}
	}
	written := 0
	for _, s := range f.specs {
		urn := string(f.urnOf(s))
		id, there := found[urn]
		if there {
			s["id"] = id
		}
		if there || slices.Contains(components, urn) {
			need(s.text("name"))
			written++
		}
	}
	if all := len(found) + len(components); written < all {
		return nil, fmt.Errorf("writing the file for `pulumi import`: of %d resources, the one that `pulumi preview "+
			"--import-file` wrote has %d", all, written)
	}
	specs, err := json.Marshal(slices.DeleteFunc(slices.Clone(f.specs),
		func(s spec) bool { return !needed[s.text("name")] }))
	if err != nil {
		return nil, fmt.Errorf("writing the file for `pulumi import`: %w", err)
	}
	f.all["resources"] = specs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f.all); err != nil {
		return nil, fmt.Errorf("writing the file for `pulumi import`: %w", err)
	}
	return out.Bytes(), nil
}
