package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// A Deployed is one BatchEndpointAccess in a stack's state: its arguments, and the principals that it made or was
// given, by their names in the program.
type Deployed struct {
	Inputs        map[string]any
	ClientIDs     map[string]string
	ClientSecrets map[string]map[string]string // nil unless requested
	// PrincipalIDs are the invokers' object IDs, ClusterPrincipalIDs the cluster identities'.
	PrincipalIDs, ClusterPrincipalIDs map[string]string
}

// Deployed reads the BatchEndpointAccess with that URN from the state; for "", the only one. Secrets stay in memory.
func (p Pulumi) Deployed(ctx context.Context, urn string, secrets bool) (Deployed, error) {
	var said bytes.Buffer
	quiet := p
	quiet.Stderr = &said
	args := []string{"stack", "export"}
	if secrets {
		args = append(args, "--show-secrets")
	}
	text, err := quiet.Run(ctx, nil, args...)
	if err != nil {
		// Not wrapped: Pulumi's exit code must not become the command's.
		return Deployed{}, fmt.Errorf("reading the state of stack %s: pulumi stack export fails; is it deployed, and are "+
			"you logged in to its backend (pulumi login)?\n%s", p.Stack, bytes.TrimSpace(said.Bytes()))
	}
	d, err := readDeployed(text, urn)
	if err != nil {
		return d, fmt.Errorf("stack %s: %w", p.Stack, err)
	}
	return d, nil
}

func readDeployed(text []byte, urn string) (d Deployed, err error) {
	var state struct {
		Deployment struct {
			Resources []struct {
				URN             string
				Delete          bool
				Inputs, Outputs map[string]any
			}
		}
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return d, fmt.Errorf("reading its state: %w", err)
	}
	found, others := 0, []string{}
	var outputs map[string]any
	for _, r := range state.Deployment.Resources {
		switch {
		case TypeOf(r.URN) != guardrails.AccessComponent || r.Delete:
		case urn != "" && r.URN != urn:
			others = append(others, ShownName(r.URN))
		default:
			found++
			outputs, _ = shown(r.Outputs).(map[string]any)
			d.Inputs = (&State{Inputs: asMap(shown(r.Inputs))}).Known()
		}
	}
	switch {
	case found > 1:
		return d, fmt.Errorf("its state has %d BatchEndpointAccess, and this takes one", found)
	case found == 0 && len(others) > 0:
		return d, fmt.Errorf("its state has no BatchEndpointAccess %s, but %s; is the preview of another program?",
			ShownName(urn), strings.Join(others, ", "))
	case found == 0:
		return d, errors.New("it is not deployed: its state has no BatchEndpointAccess; run pulumi up first")
	}
	d.ClientIDs, d.PrincipalIDs = texts(outputs["clientIds"]), texts(outputs["principalIds"])
	d.ClusterPrincipalIDs = texts(outputs["clusterPrincipalIds"])
	for name, of := range asMap(outputs["clientSecrets"]) {
		if values := texts(of); len(values) > 0 {
			if d.ClientSecrets == nil {
				d.ClientSecrets = map[string]map[string]string{}
			}
			d.ClientSecrets[name] = values
		}
	}
	return d, nil
}

// shown returns an exported value. A secret becomes its value if the export shows it, otherwise a marker.
func shown(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if _, special := v[signatureKey]; special {
			var inner any
			if text, ok := v["plaintext"].(string); ok && json.Unmarshal([]byte(text), &inner) == nil {
				return shown(inner)
			}
			return guardrails.Secret
		}
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[key] = shown(item)
		}
		return m
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = shown(item)
		}
		return all
	case string:
		return plain(v)
	}
	return value
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// texts returns the texts of a map; unknown and secret values are left out.
func texts(value any) map[string]string {
	all := map[string]string{}
	for name, item := range asMap(value) {
		if text, ok := item.(string); ok {
			all[name] = text
		}
	}
	return all
}
