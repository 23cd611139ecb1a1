// Genschema writes the schema of the component package from the Go components: names, types and required arguments from
// their types and `pulumi` tags, descriptions and allowed values from their source. Only the description of the package
// as a whole is written by hand.
//
//	go run ./genschema <schema file> <root of the repository>
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/batchaccess/batchaccess/plugin/provider"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: genschema <schema file> <root of the repository>")
		os.Exit(2)
	}
	text, err := generate(os.Args[2])
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "genschema:", err)
		os.Exit(1)
	}
}

// generate returns the schema of the components whose source is in the repository at root.
func generate(root string) ([]byte, error) {
	docs, err := readSource(filepath.Join(root, "roles"), filepath.Join(root, "access"),
		filepath.Join(root, "access", "services"), filepath.Join(root, "access", "signin"), filepath.Join(root, "components"))
	if err != nil {
		return nil, err
	}
	spec, err := specOf(provider.Components, docs)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(spec); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return text.Bytes(), nil
}
