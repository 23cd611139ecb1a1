package adopt

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

// A Remedy is what to do about an interrupted creation.
type Remedy string

// The remedies.
const (
	Import Remedy = "import" // it was made: import it into the state
	Clear  Remedy = "clear"  // it was not made: remove its pending creation from the state
	Ask    Remedy = "ask"    // it is undecided whether it was made
)

// A Recovery is one interrupted creation, and what to do about it.
type Recovery struct {
	URN    string `json:"urn"`
	Type   string `json:"type"`
	Remedy Remedy `json:"remedy"`
	// ID to import.
	ID string `json:"id,omitempty"`
	// Remove are things that nobody can use: a secret that nobody knows, an application that a later deployment made
	// again.
	Remove []Found `json:"remove,omitempty"`
	// LeftAlone names things that look like it and belong to somebody else.
	LeftAlone []string `json:"leftAlone,omitempty"`
	// Why it is undecided, or why something is removed.
	Why string `json:"why,omitempty"`
}

// A State is the part of `pulumi stack export` that a recovery needs.
type State struct {
	Resources []apitype.ResourceV3  `json:"resources"`
	Pending   []apitype.OperationV2 `json:"pending_operations"`

	export []byte
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
	if file.Version != 3 && file.Version != 4 || file.Deployment == nil {
		return State{}, fmt.Errorf("the stack's state is of version %d; this program reads versions 3 and 4, as `pulumi "+
			"stack export` of a recent CLI gives it", file.Version)
	}
	file.Deployment.export = export
	return *file.Deployment, nil
}

// After returns the state for `pulumi stack import`, after the plan was carried out. An imported resource has the
// inputs that the program gave it and no outputs yet; the next `pulumi refresh` reads them. (That command has a flag
// for this, --import-pending-creates. With CLI 3.259 the resource is then missing in the state.)
func (s State) After(plan []Recovery) ([]byte, error) {
	e, err := s.edit()
	if err != nil {
		return nil, err
	}
	var taken []resource.URN
	var imported []json.RawMessage
	for i, op := range s.Pending {
		at := slices.IndexFunc(plan, func(r Recovery) bool { return r.URN == string(op.Resource.URN) })
		if at < 0 || plan[at].Remedy != Import {
			continue
		}
		var operation struct {
			Resource map[string]json.RawMessage `json:"resource"`
		}
		err = errors.Join(err, json.Unmarshal(e.pending[i], &operation))
		id, idErr := json.Marshal(plan[at].ID)
		operation.Resource["id"] = id
		made, madeErr := json.Marshal(operation.Resource)
		err = errors.Join(err, idErr, madeErr)
		taken = append(taken, op.Resource.URN)
		imported = append(imported, made)
	}
	err = errors.Join(err, e.replaced(s, taken))
	ordered, orderErr := inOrder(append(e.resources, imported...)) // an old resource may depend on an imported one
	e.resources, err = ordered, errors.Join(err, orderErr)
	e.pending = []json.RawMessage{}
	if err != nil {
		return nil, fmt.Errorf("editing the stack's state: %w", err)
	}
	return e.text()
}

// replaced removes the old resource that a new one replaces. If the replacement had deleted it already, the state
// does not have it any more; if not, the next deployment deletes it at its end.
func (e *edited) replaced(s State, taken []resource.URN) (err error) {
	var kept []json.RawMessage
	for i, one := range s.Resources {
		switch {
		case !slices.Contains(taken, one.URN) || one.Delete:
			kept = append(kept, e.resources[i])
		case one.PendingReplacement:
		default:
			var all map[string]json.RawMessage
			err = errors.Join(err, json.Unmarshal(e.resources[i], &all))
			all["delete"] = json.RawMessage("true")
			marked, markErr := json.Marshal(all)
			err = errors.Join(err, markErr)
			kept = append(kept, marked)
		}
	}
	e.resources = kept
	return err
}

// An edited is a state that is being changed. Unknown keys are kept.
type edited struct {
	file, deployment   map[string]json.RawMessage
	resources, pending []json.RawMessage
}

func (s State) edit() (e edited, err error) {
	if err = json.Unmarshal(s.export, &e.file); err == nil && e.file["deployment"] == nil {
		err = errors.New(`it has no key "deployment"`)
	}
	if err == nil {
		err = json.Unmarshal(e.file["deployment"], &e.deployment)
	}
	for key, into := range map[string]*[]json.RawMessage{"resources": &e.resources, "pending_operations": &e.pending} {
		if text := e.deployment[key]; err == nil && text != nil {
			err = json.Unmarshal(text, into)
		}
	}
	if err == nil && (len(e.resources) != len(s.Resources) || len(e.pending) != len(s.Pending)) {
		err = errors.New("its keys are not spelled as Pulumi spells them")
	}
	if err != nil {
		return e, fmt.Errorf("editing the stack's state: %w", err)
	}
	return e, nil
}

func (e edited) text() ([]byte, error) {
	var errs []error
	part := func(in map[string]json.RawMessage, key string, value any) {
		text, err := json.Marshal(value)
		in[key], errs = text, append(errs, err)
	}
	part(e.deployment, "resources", e.resources)
	part(e.deployment, "pending_operations", e.pending)
	part(e.file, "deployment", e.deployment)
	text, err := json.Marshal(e.file)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("editing the stack's state: %w", err)
	}
	return text, nil
}

// Plan looks in Azure for every resource whose creation has begun and not ended, by the state.
func (f *Finder) Plan(ctx context.Context, s State) ([]Recovery, error) {
	var plan []Recovery
	for _, op := range s.Pending {
		if op.Type != apitype.OperationTypeCreating || !op.Resource.Custom ||
			strings.HasPrefix(string(op.Resource.Type), "pulumi:") {
			continue // a refresh ends changes and deletions; components and providers do not exist in Azure
		}
		one := op.Resource
		found, err := f.Find(ctx, Resource{Type: string(one.Type), Inputs: one.Inputs, SubscriptionID: s.subscriptionOf(one),
			Stack: stackOf(string(one.URN))})
		switch {
		case errors.Is(err, errUnknownType):
			plan = append(plan, Recovery{URN: string(one.URN), Type: string(one.Type), Remedy: Ask, Why: err.Error()})
		case err != nil:
			return nil, fmt.Errorf("looking for %s: %w", one.URN, err)
		default:
			plan = append(plan, s.recovery(one, found))
		}
	}
	return plan, nil
}

// recovery judges what was found of an interrupted creation.
func (s State) recovery(pending apitype.ResourceV3, found []Found) Recovery {
	r := Recovery{URN: string(pending.URN), Type: string(pending.Type), Remedy: Clear}
	// For a resource that Azure can only replace, another ID means another resource, which takes the old one's place.
	// Of things that can be made twice, such as an application, a second one is left over.
	known := s.has(pending.URN) && kinds[r.Type].remove != nil
	for _, one := range found {
		switch {
		case s.hasID(one.ID): // another creation made it
		case one.Stack != "":
			r.LeftAlone = append(r.LeftAlone, one.ID+" is left alone: stack "+one.Stack+" made it")
		case one.Others != "":
			r.LeftAlone = append(r.LeftAlone, "one that is marked alike is left alone: "+one.Others)
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
	return r
}

func (s State) has(urn resource.URN) bool {
	return slices.ContainsFunc(s.Resources,
		func(r apitype.ResourceV3) bool { return r.URN == urn && !r.Delete && !r.PendingReplacement })
}

func (s State) hasID(id string) bool {
	return slices.ContainsFunc(s.Resources, func(r apitype.ResourceV3) bool { return isIn(r, id) })
}

// subscriptionOf returns the subscription of the resource's provider.
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
