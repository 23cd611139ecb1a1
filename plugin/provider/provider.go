// Package provider is the component package's provider: it hands what another language asks for to the components that
// Go programs import, and tells their schema. It must not know what a component does with its arguments.
package provider

import (
	"context"
	"fmt"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// Name and Version of the package, as its schema and the engine know them.
const (
	Name    = "batchaccess"
	Version = "0.1.0"
)

// New returns the provider of the components that answers with the schema.
func New(schema []byte) p.Provider {
	byToken := map[string]Component{}
	for _, c := range Components {
		byToken[c.Token] = c
	}
	return p.Provider{
		GetSchema: func(context.Context, p.GetSchemaRequest) (p.GetSchemaResponse, error) {
			return p.GetSchemaResponse{Schema: string(schema)}, nil
		},
		Construct: func(ctx context.Context, request p.ConstructRequest) (p.ConstructResponse, error) {
			token := string(request.Urn.Type())
			c, ok := byToken[token]
			if !ok {
				return p.ConstructResponse{}, fmt.Errorf("package %s %s has no component %s; use one of its schema", Name, Version,
					token)
			}
			var wrong problem.List
			check("", request.Inputs, c.Args, &wrong)
			if err := wrong.Err(); err != nil {
				return p.ConstructResponse{}, fmt.Errorf("%s %q:\n%w", request.Urn.Type().Name(), request.Urn.Name(), err)
			}
			request.AdditionalSecretOutputs = slices.DeleteFunc(request.AdditionalSecretOutputs, c.isSecret)
			return p.ProgramConstruct(ctx, request, c.construct)
		},
	}
}
