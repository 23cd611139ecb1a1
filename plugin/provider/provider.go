// Package provider is the component package's provider: it passes what another language asks for to the components that
// Go programs import, and serves their schema. It must not know what a component does with its arguments.
package provider

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/batchaccess/batchaccess/internal/construct"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// Name and Version of the package, in its schema and for the engine.
const (
	Name    = "batchaccess"
	Version = "0.1.0"
)

// loads counts how often this process has loaded a provider.
var loads atomic.Int64

// New returns the provider of the components; schema is its schema, in JSON.
func New(schema []byte) p.Provider {
	byToken := map[string]Component{}
	for _, c := range Components {
		byToken[c.Token] = c
	}
	var loaded atomic.Int64
	loaded.Store(loads.Add(1))
	return p.Provider{
		// Pulumi configures a provider each time that it loads it. An attached provider outlives the engine that loaded
		// it, and a later engine may have the same address.
		Configure: func(context.Context, p.ConfigureRequest) error {
			loaded.Store(loads.Add(1))
			return nil
		},
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
			request.Inputs = fromSomewhere(property.New(request.Inputs), request.Parent).AsMap()
			request.AdditionalSecretOutputs = slices.DeleteFunc(request.AdditionalSecretOutputs, c.isSecret)
			of := construct.Request{URN: string(request.Urn),
				Run: fmt.Sprint(loaded.Load(), request.MonitorEndpoint, request.DryRun)}
			for _, urn := range request.Dependencies {
				of.DependsOn = append(of.DependsOn, string(urn))
			}
			return p.ProgramConstruct(construct.With(ctx, of), request, c.construct)
		},
	}
}
