package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/blang/semver"
	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// sdk is one generated folder.
type sdk struct {
	schema string // file in sdks/schemas
	folder string // folder in sdks, and the Go package's name
	module string // the generator's subfolder to lift into folder; empty for a package of one module
}

var generated = []sdk{
	{schema: "azuread.json", folder: "azuread"},
	{schema: "azure-native-machinelearningservices.json", folder: "machinelearningservices",
		module: "machinelearningservices"},
	{schema: "azure-native-managedidentity.json", folder: "managedidentity", module: "managedidentity"},
}

// dropped are files at the generator's root that a local SDK must not have.
//
//   - init.go registers the module and the package with Pulumi's runtime, which panics when two do so for the same
//     version: a stack that also imports the real SDK would not start. Without it, a resource that arrives as a
//     reference from a component in another language does not become its Go type.
//   - provider.go would offer an explicit provider without its settings, because the schemas leave them out.
//   - pulumi-plugin.json is read only at the root of a Go module. Every resource and every call carries the version.
var dropped = []string{"init.go", "provider.go", "pulumi-plugin.json"}

// utilities is the one generated file that staticcheck complains about.
const utilities = "internal/pulumiUtilities.go"

// generate returns the files of one SDK by their slash-separated path in its folder.
func generate(sdks string, s sdk) (map[string][]byte, error) {
	path := filepath.Join(sdks, "schemas", s.schema)
	pkg, err := bind(path)
	if err != nil {
		return nil, err
	}
	out, err := gogen.GeneratePackage("gensdk", pkg, nil)
	if err != nil {
		return nil, fmt.Errorf("generating Go from %s: %w", path, err)
	}
	files := make(map[string][]byte, len(out))
	for name, content := range out {
		inModule := strings.TrimPrefix(name, s.module+"/")
		if slices.Contains(dropped, name) || slices.Contains(dropped, inModule) {
			continue
		}
		if inModule == utilities {
			content = append(content, "\n//lint:file-ignore ST1005 the wording is that of Pulumi's generator\n"...)
		}
		files[inModule] = content
	}
	return files, nil
}

// bind reads a schema and validates it as Pulumi does. Warnings are errors: the schemas are ours.
func bind(path string) (*schema.Package, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a package schema: %w", err)
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, fmt.Errorf("parsing the package schema %s: %w", path, err)
	}
	pkg, diags, err := schema.BindSpec(spec, noPackages{}, schema.ValidationOptions{})
	if err != nil {
		return nil, fmt.Errorf("binding the package schema %s: %w", path, err)
	}
	if len(diags) > 0 {
		return nil, fmt.Errorf("the package schema %s is not valid: %w", path, diags)
	}
	return pkg, nil
}

// noPackages is a loader that finds nothing: the schemas refer to no other package, and generating needs no plugins.
type noPackages struct{}

func (noPackages) LoadPackage(pkg string, _ *semver.Version) (*schema.Package, error) {
	return nil, fmt.Errorf("the schema refers to the package %q: only types of its own are supported", pkg)
}

func (n noPackages) LoadPackageV2(_ context.Context, d *schema.PackageDescriptor) (*schema.Package, error) {
	return n.LoadPackage(d.Name, d.Version)
}
