package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// languages have the generators that `pulumi package add` uses: the CLI asks the language's host, which calls these.
var languages = map[string]func(*schema.Package) (map[string][]byte, error){
	"nodejs": func(p *schema.Package) (map[string][]byte, error) {
		const local = true // compiles itself where npm installs it
		return nodejs.GeneratePackage("gensdk", p, nil, nil, local, nil)
	},
	"go": func(p *schema.Package) (map[string][]byte, error) {
		return gogen.GeneratePackage("gensdk", p, nil)
	},
	"python": func(p *schema.Package) (map[string][]byte, error) {
		return python.GeneratePackage("gensdk", p, nil, nil)
	},
}

// generateFor returns the files of a package's SDK in a language, by their slash-separated path.
func generateFor(language, schemaFile string) (map[string][]byte, error) {
	generate, ok := languages[language]
	if !ok {
		return nil, fmt.Errorf("-language %q: is not known; give one of %s", language,
			strings.Join(slices.Sorted(maps.Keys(languages)), ", "))
	}
	pkg, err := bind(schemaFile)
	if err != nil {
		return nil, err
	}
	pkg.SupportPack = true // as `pulumi package add` sets it
	files, err := generate(pkg)
	if err != nil {
		return nil, fmt.Errorf("generating the SDK for %s from %s: %w", language, schemaFile, err)
	}
	return files, nil
}

// writeFor makes folder hold exactly the SDK.
func writeFor(language, schemaFile, folder string) error {
	if folder == "" {
		return errors.New("-to: is empty; give the folder to write the SDK to")
	}
	files, err := generateFor(language, schemaFile)
	if err != nil {
		return err
	}
	if err := replace(folder, files); err != nil {
		return fmt.Errorf("writing %s: %w", folder, err)
	}
	return nil
}
