package adopt

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// Imported returns the URNs of what the given files imported. Any preview of the stack will do.
func Imported(p engine.Preview, files ...[]byte) (urns []string, err error) {
	for _, text := range files {
		file, err := readImports(text, p)
		if err != nil {
			return nil, err
		}
		for _, one := range file.specs {
			urns = append(urns, string(file.urnOf(one)))
		}
	}
	return urns, nil
}

// Settled returns the state for `pulumi stack import`, with imported inputs replaced by the program's where both mean
// the same. changed counts the resources whose inputs or dependencies have changed. It changes only the resources with
// these URNs, and components. The preview is of the present state, and was made with --show-sames.
//
// This is needed because an import writes what the provider makes of Azure's answer. In it, a scope has lost its first
// slash (azure-native before the change of August 2026, pulumi-azure-native #4818), so that every role and every
// assignment would be deleted and made again. It also has everything that Azure sets by itself, which the program would
// then seem to remove. A value that really differs from the program's stays as it is, and the preview shows it. An
// import does not know dependencies either, by which Pulumi orders deletions: they are written too, and the resources
// are put in their order.
func (s State) Settled(p engine.Preview, imported []string) (state []byte, changed int, err error) {
	if len(s.Pending) > 0 { // `pulumi stack import` would forget them
		return nil, 0, fmt.Errorf("%d operations were broken off; run batchaccess adopt --yes first", len(s.Pending))
	}
	e, err := s.edit()
	if err != nil {
		return nil, 0, err
	}
	live := map[resource.URN]bool{}
	for _, one := range s.Resources {
		live[one.URN] = live[one.URN] || !one.Delete
	}
	done := map[string]bool{} // a replacement has several steps
	for _, step := range p.Steps {
		if step.New == nil || step.New.Written == nil || done[step.URN] {
			continue
		}
		// A component does not exist in Azure: its inputs are a record of the program's arguments, which an import
		// leaves empty.
		component := step.New.Component && !strings.HasPrefix(step.New.Type, "pulumi:")
		if !slices.Contains(imported, step.URN) && !component {
			continue
		}
		for i, one := range s.Resources {
			if string(one.URN) != step.URN || one.Delete {
				continue
			}
			done[step.URN] = true
			inputs := step.New.Written
			if component {
				inputs = known(inputs)
			} else {
				inputs = wording{kinds[string(one.Type)].open}.settle("", inputs, orNone(one.Inputs))
			}
			now := linksOf(step.New).within(live)
			sameInputs, sameLinks := reflect.DeepEqual(inputs, orNone(one.Inputs)), now.equal(links{one.Dependencies,
				one.PropertyDependencies})
			if sameInputs && sameLinks {
				continue
			}
			changed++
			var inputsErr, linksErr error
			if !sameInputs {
				e.resources[i], inputsErr = withInputs(e.resources[i], inputs)
			}
			if !sameLinks {
				e.resources[i], linksErr = with(e.resources[i], now)
			}
			err = errors.Join(err, inputsErr, linksErr)
		}
	}
	if err == nil {
		e.resources, err = inOrder(e.resources)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("editing the stack's state: %w", err)
	}
	state, err = e.text()
	return state, changed, err
}

func orNone(inputs map[string]any) map[string]any {
	if inputs == nil {
		return map[string]any{}
	}
	return inputs
}

// withInputs sets the inputs of a resource of the state, and azure-native's second copy of them, which is a secret
// output.
func withInputs(resource json.RawMessage, inputs map[string]any) (json.RawMessage, error) {
	var all, outputs map[string]json.RawMessage
	err := json.Unmarshal(resource, &all)
	if err == nil && all["outputs"] != nil {
		err = json.Unmarshal(all["outputs"], &outputs)
	}
	text, textErr := json.Marshal(inputs)
	if err = errors.Join(err, textErr); err != nil {
		return nil, err
	}
	all["inputs"] = text
	if outputs[inputsOfAzureNative] != nil {
		// pulumi encrypts it
		copied, copyErr := json.Marshal(map[string]string{signature: secretSignature, "plaintext": string(text)})
		outputs[inputsOfAzureNative] = copied
		again, outErr := json.Marshal(outputs)
		all["outputs"], err = again, errors.Join(copyErr, outErr)
	}
	settled, allErr := json.Marshal(all)
	return settled, errors.Join(err, allErr)
}

// How Pulumi's state marks a secret, and where azure-native keeps its inputs.
const (
	signature           = "4dabf18193072939515e22adb298388d"
	secretSignature     = "1b47061264138c4ac30d75fd1eb44270"
	inputsOfAzureNative = "__inputs"
)

// A wording replaces values in the state by the program's.
type wording struct{ open []string }

// settle returns the program's values for what the state has at a path. What the program does not set is removed if it
// is empty or if Azure sets it.
func (w wording) settle(path string, program, have map[string]any) map[string]any {
	settled := map[string]any{}
	for key, is := range have {
		at := strings.TrimPrefix(path+"."+key, ".")
		says, said := program[key]
		switch {
		case said:
			settled[key] = w.value(at, says, is)
		case !empty(is) && !w.isOpen(at) && !strings.HasPrefix(key, "__"):
			settled[key] = is
		}
	}
	for key, says := range program {
		if _, there := have[key]; !there && (empty(says) || strings.HasPrefix(key, "__")) && readable(says) {
			// keys with __ are the providers' own
			settled[key] = says
		}
	}
	return settled
}

func (w wording) value(path string, says, is any) any {
	switch says := says.(type) {
	case map[string]any:
		if is, both := is.(map[string]any); both && is[signature] == nil {
			return w.settle(path, says, is)
		}
	case []any:
		if is, both := is.([]any); both && len(is) == len(says) {
			settled := make([]any, len(is))
			for i := range is {
				settled[i] = w.value(path, says[i], is[i])
			}
			return settled
		}
	case string:
		if is, both := is.(string); both && same(path, says, is) {
			return says
		}
	}
	return is
}

// isOpen reports whether Azure sets the value at the path.
func (w wording) isOpen(path string) bool {
	for _, open := range w.open {
		if path == open || strings.HasPrefix(path, open+".") {
			return true
		}
	}
	return false
}

// same reports whether two texts are the same in Azure: ARM IDs and sizes in any letter case, IDs with or without
// slashes around them, regions with or without spaces. All other texts, such as the subject of a federated credential,
// must be equal.
func same(path, a, b string) bool {
	key := path[strings.LastIndex(path, ".")+1:]
	switch {
	case a == b:
		return true
	case strings.HasPrefix(a, "/"):
		return arm.Same(a, b)
	case key == "location", key == "computeLocation":
		return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
	case key == "vmSize":
		return strings.EqualFold(a, b)
	}
	return false
}

// empty reports whether a value means the same as no value.
func empty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if !empty(member) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return v == nil || v == "" || v == false || v == 0.0
}

// known removes the values that a preview does not show.
func known(values map[string]any) map[string]any {
	kept := map[string]any{}
	for key, v := range values {
		if readable(v) {
			kept[key] = v
		}
	}
	return kept
}

// readable reports whether a preview shows the value, and everything in it: none is unknown or secret.
func readable(v any) bool { return !guardrails.Holds(v, guardrails.Unknown, guardrails.Secret) }
