// The component package: the components of github.com/batchaccess/batchaccess/components for every language that Pulumi
// supports. The engine builds it from this folder and runs it; nobody else needs to.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"

	"github.com/batchaccess/batchaccess/plugin/provider"
)

//go:generate go run ./genschema schema.json ..

//go:embed schema.json
var schema []byte

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" { // for people: the engine uses its protocol
		fmt.Println("pulumi-resource-" + provider.Name + " version v" + provider.Version)
		return
	}
	if err := p.RunProvider(context.Background(), provider.Name, provider.Version, provider.New(schema)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
