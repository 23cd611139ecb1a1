package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// resourceOf returns a resource in the form of the rules. Secrets are markers unless reveal is set.
func resourceOf(r policyx.AnalyzerResource, reveal bool) guardrails.Resource {
	inputs := map[string]any{}
	for key, v := range r.Properties.All {
		inputs[key] = plain(v, reveal)
	}
	return guardrails.Resource{Type: r.Type, URN: r.URN, Inputs: inputs, Dependencies: r.PropertyDependencies}
}

func plain(v property.Value, reveal bool) any {
	switch {
	case v.IsComputed():
		return guardrails.Unknown
	case v.Secret() && !reveal:
		return guardrails.Secret
	case v.IsNull():
		return nil
	case v.IsString():
		return v.AsString()
	case v.IsBool():
		return v.AsBool()
	case v.IsNumber():
		return v.AsNumber()
	case v.IsArray():
		list := []any{}
		for _, item := range v.AsArray().All {
			list = append(list, plain(item, reveal))
		}
		return list
	case v.IsMap():
		m := map[string]any{}
		for key, item := range v.AsMap().All {
			m[key] = plain(item, reveal)
		}
		return m
	default:
		return guardrails.Unknown // an asset, an archive or a reference to a resource: nothing that a rule could read
	}
}
