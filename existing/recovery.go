package existing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Remedy is what is to be done about a creation that was broken off.
type Remedy string

// The remedies.
const (
	Import Remedy = "import" // it was made: take it into the state
	Clear  Remedy = "clear"  // it was not made: forget that it was begun
	Leave  Remedy = "leave"  // it can't be told: `pulumi refresh` asks whoever runs it
)

// A Recovery is one creation that was broken off, and what is to be done about it.
type Recovery struct {
	URN    string `json:"urn"`
	Type   string `json:"type"`
	Remedy Remedy `json:"remedy"`
	// ID to import.
	ID string `json:"id,omitempty"`
	// Remove is what nobody will ever use: a secret that nobody knows, an application that a later deployment made again.
	Remove []Found `json:"remove,omitempty"`
	// Why a creation is left, or something is removed.
	Why string `json:"why,omitempty"`
}

// State is what a recovery needs of `pulumi stack export`.
type State struct {
	Resources []apitype.ResourceV3  `json:"resources"`
	Pending   []apitype.OperationV2 `json:"pending_operations"`
}

// ReadState reads the output of `pulumi stack export`.
func ReadState(export []byte) (State, error) {
	var file struct {
		Version    int    `json:"version"`
		Deployment *State `json:"deployment"`
	}
	if err := json.Unmarshal(export, &file); err != nil {
		return State{}, fmt.Errorf("reading the stack's state: %w", err)
	}
	if file.Version != 3 || file.Deployment == nil {
		return State{}, fmt.Errorf("the stack's state is of version %d; this program reads version 3, as `pulumi stack export` of a recent CLI gives it", file.Version)
	}
	return *file.Deployment, nil
}

// Plan looks in Azure for everything whose creation the state has as begun and not as ended.
func (f *Finder) Plan(ctx context.Context, s State) ([]Recovery, error) {
	var plan []Recovery
	for _, op := range s.Pending {
		if op.Type != apitype.OperationTypeCreating {
			continue // a refresh settles the others by itself
		}
		r, err := f.recover(ctx, s, op.Resource)
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", op.Resource.URN, err)
		}
		plan = append(plan, r)
	}
	return plan, nil
}

func (f *Finder) recover(ctx context.Context, s State, pending apitype.ResourceV3) (Recovery, error) {
	r := Recovery{URN: string(pending.URN), Type: string(pending.Type), Remedy: Clear}
	found, err := f.Find(ctx, Resource{Type: r.Type, Inputs: pending.Inputs, SubscriptionID: s.subscriptionOf(pending)})
	if errors.Is(err, ErrUnknownType) {
		r.Remedy, r.Why = Leave, err.Error()
		return r, nil
	}
	if err != nil {
		return r, err
	}
	known := s.has(pending.URN)
	for _, one := range found {
		switch {
		case s.hasID(one.ID):
		case one.Lost == "" && !known && r.ID == "":
			r.Remedy, r.ID = Import, one.ID
		default:
			r.Remove = append(r.Remove, one)
			r.Why = one.Lost
			if r.Why == "" {
				r.Why = "a later deployment made it again"
			}
		}
	}
	return r, nil
}

func (s State) has(urn resource.URN) bool {
	return slices.ContainsFunc(s.Resources, func(r apitype.ResourceV3) bool { return r.URN == urn && !r.Delete })
}

func (s State) hasID(id string) bool {
	return slices.ContainsFunc(s.Resources, func(r apitype.ResourceV3) bool { return strings.EqualFold(string(r.ID), id) })
}

// subscriptionOf is that of the resource's provider.
func (s State) subscriptionOf(r apitype.ResourceV3) string {
	urn, _, ok := cutLast(r.Provider, "::")
	if !ok {
		return ""
	}
	for _, provider := range s.Resources {
		if string(provider.URN) == urn {
			return text(provider.Inputs, "subscriptionId")
		}
	}
	return ""
}

func cutLast(s, separator string) (before, after string, found bool) {
	at := strings.LastIndex(s, separator)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(separator):], true
}
