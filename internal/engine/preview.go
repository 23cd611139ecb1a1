// Package engine runs Pulumi, and reads its output: previews, states, and the access that any program with the
// components declares. It must know neither how an answer is shown nor the sandbox.
package engine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// A Preview is the content of `pulumi preview --json`, without the values of secrets.
type Preview struct {
	Stack   string
	Project string
	Steps   []Step
	// Hidden is how many unchanged resources the preview leaves out; `pulumi preview --show-sames` shows them.
	Hidden int
	// Unread says what could not be read, or why the preview can't be relied on.
	Unread []string
	// Ours is set if the configuration is of this project's own program.
	Ours bool
	// SubscriptionID is azure-native's subscription in the configuration; "" if it has none.
	SubscriptionID string
}

// Whole returns an error for a preview that could not be read completely or that leaves something out.
func (p Preview) Whole() error {
	if len(p.Unread) > 0 {
		return fmt.Errorf("the preview can't be relied on: %s", strings.Join(p.Unread, "; "))
	}
	if p.Hidden > 0 {
		return fmt.Errorf("the preview leaves out %d resources that do not change, and they may hold access; make it "+
			"with `pulumi preview --json --show-sames`", p.Hidden)
	}
	return nil
}

// A Step is what the engine intends for one resource. For an unchanged resource Old and New are equal.
type Step struct {
	Op  string
	URN string
	Old *State // nil if the resource did not exist before
	New *State // nil if it does not exist afterwards
	// Changed are the top-level inputs that the engine says are different; nil if it does not say.
	Changed []string
	// Stays is set if the old resource leaves the stack and stays in Azure: the reason, in a word or two.
	Stays string
}

// opRetain replaces the operation of a deletion if the resource stays in Azure.
const opRetain = "retain"

// A State is a resource before or after. Inputs are text, numbers, booleans, lists, maps and guardrails' markers.
type State struct {
	URN, Type, ID, Parent string
	Inputs, Outputs       map[string]any
	Dependencies          map[string][]string // the URNs that each input comes from
	DependsOn             []string            // the URNs of all that it depends on
	Provider              string              // URN and ID of its provider
	Component             bool                // it is a component, which is nothing in Azure
	// Written are the inputs in the provider's form; Inputs are in the form that the guardrails read.
	Written map[string]any
}

// Resource returns the resource for the guardrails.
func (s Step) Resource() guardrails.Resource {
	of := s.New
	if of == nil {
		of = s.Old
	}
	r := guardrails.Resource{
		Type: of.Type, URN: s.URN, Inputs: of.Inputs, Dependencies: of.Dependencies, Changed: s.Changed, Gone: s.New == nil,
		Replaced: s.Op == "replace",
	}
	if s.Old != nil {
		r.Old = s.Old.Inputs
	}
	if r.Gone {
		r.Inputs = nil
	}
	r.Kept = IsContext(s.Op)
	return r
}

// The text of a value that is not known yet, the key and the signatures of special values, and the text that the CLI
// shows for a secret.
const (
	unknownText  = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	signatureKey = "4dabf18193072939515e22adb298388d"
	secretText   = "[secret]"
)

// Whether a resource exists before and after each operation of the engine.
var operations = map[string]struct{ before, after bool }{
	"same": {true, true}, "create": {false, true}, "update": {true, true}, "delete": {true, false}, "replace": {true,
		true},
	"read": {true, true}, "refresh": {true, true}, "diff": {true, true},
	// An imported resource exists in Azure and is new to the stack: nobody has reviewed what it gives.
	"import": {false, true},
	// A resource that was only read is removed from the state and stays in Azure.
	"discard": {true, true},
	// Parts of a replacement, which `--show-replacement-steps` shows beside the replacement.
	"create-replacement": {}, "delete-replaced": {}, "read-replacement": {}, "import-replacement": {},
	"discard-replaced":       {},
	"remove-pending-replace": {}, "extend-parameterize": {},
}

// A digest has the parts of Pulumi's PreviewDigest that are read here.
type digest struct {
	Config      map[string]json.RawMessage `json:"config"`
	Steps       *[]digestStep              `json:"steps"`
	Diagnostics []struct {
		Message  string `json:"message"`
		Severity string `json:"severity"`
	} `json:"diagnostics"`
	Duration      *json.Number   `json:"duration"`
	ChangeSummary map[string]int `json:"changeSummary"`
	MaybeCorrupt  bool           `json:"maybeCorrupt"`
	// An event of the engine has these keys, and a preview does not.
	Sequence, Timestamp json.RawMessage
}

type digestStep struct {
	Op             string         `json:"op"`
	URN            string         `json:"urn"`
	OldState       *digestState   `json:"oldState"`
	NewState       *digestState   `json:"newState"`
	DiffReasons    []string       `json:"diffReasons"`
	ReplaceReasons []string       `json:"replaceReasons"`
	DetailedDiff   map[string]any `json:"detailedDiff"`
}

type digestState struct {
	URN                  string              `json:"urn"`
	Type                 string              `json:"type"`
	ID                   string              `json:"id"`
	Custom               *bool               `json:"custom"`
	Parent               string              `json:"parent"`
	Inputs               map[string]any      `json:"inputs"`
	Outputs              map[string]any      `json:"outputs"`
	Dependencies         []string            `json:"dependencies"`
	PropertyDependencies map[string][]string `json:"propertyDependencies"`
	Provider             string              `json:"provider"`
	External             bool                `json:"external"`
	RetainOnDelete       bool                `json:"retainOnDelete"`
	DeletedWith          string              `json:"deletedWith"`
}

const howToMake = "make one with `pulumi preview --json > preview.json`"

// Read reads a preview. The error says why the text is no preview. If only a part can't be read, the preview is
// returned with that in Unread.
func Read(from io.Reader) (Preview, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return Preview{}, fmt.Errorf("reading the preview: %w", err)
	}
	if text, err = utf8Of(text); err != nil {
		return Preview{}, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return Preview{}, errors.New("the preview is empty: `pulumi preview` failed before it wrote anything, or wrote " +
			"elsewhere; " + howToMake)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var in digest
	if err := d.Decode(&in); err != nil {
		return Preview{}, notJSON(err)
	}
	if in.Sequence != nil || in.Timestamp != nil {
		return Preview{}, errors.New("this is a stream of engine events, not a preview; unset " +
			"PULUMI_ENABLE_STREAMING_JSON_PREVIEW, leave out --event-log, and " + howToMake)
	}
	if in.Steps == nil && in.Duration == nil && in.ChangeSummary == nil && len(in.Diagnostics) == 0 {
		return Preview{}, errors.New("this JSON is not a Pulumi preview: it has no steps and no summary of changes; " +
			howToMake)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Preview{}, errors.New("there is more after the preview; give one preview a file, and keep standard error " +
			"out of it")
	}
	p := Preview{}
	p.doubts(in)
	if in.Steps != nil {
		going := removalsIn(*in.Steps)
		for _, s := range *in.Steps {
			p.step(s, going)
		}
	}
	for key := range in.Config {
		p.Ours = p.Ours || strings.HasPrefix(key, "batchaccess:")
	}
	var id any
	if json.Unmarshal(in.Config["azure-native:subscriptionId"], &id) == nil {
		p.SubscriptionID, _ = plain(id).(string)
	}
	p.order()
	return p, nil
}

// utf8Of also reads UTF-16, in which PowerShell 5 writes redirected output.
func utf8Of(text []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	case len(text) > 1 && text[0] != 0 && text[1] == 0:
		order, text = binary.LittleEndian, append([]byte("\xff\xfe"), text...)
	case len(text) > 1 && text[0] == 0 && text[1] != 0:
		order, text = binary.BigEndian, append([]byte("\xfe\xff"), text...)
	default:
		return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
	}
	text = text[2:]
	if len(text)%2 != 0 {
		return nil, errors.New("the preview is UTF-16 and cut short: it ends in the middle of a character; " + howToMake)
	}
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// order sorts the steps, so that a report does not depend on the order in which the engine took them. A resource that
// is changed by two steps can't be judged.
func (p *Preview) order() {
	slices.SortStableFunc(p.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(changeRank(a), changeRank(b)), cmp.Compare(a.Op, b.Op))
	})
	for i, s := range p.Steps {
		if i > 0 && s.URN == p.Steps[i-1].URN && !IsContext(s.Op) && !IsContext(p.Steps[i-1].Op) && s.New != nil &&
			p.Steps[i-1].New != nil {
			p.cannot("%s is changed by two steps (%s and %s), and it is not known which of them counts", ShownName(s.URN),
				p.Steps[i-1].Op, s.Op)
		}
		if parts := strings.SplitN(strings.TrimPrefix(s.URN, "urn:pulumi:"), "::", 3); i == 0 {
			p.Stack, p.Project = parts[0], parts[1]
		} else if parts[0] != p.Stack || parts[1] != p.Project {
			p.cannot("%s is of another stack or project than the rest", ShownName(s.URN))
		}
	}
	slices.Sort(p.Unread)
	p.Unread = slices.Compact(p.Unread)
}

// changeRank sorts steps that change a resource before steps that only show it.
func changeRank(s Step) int {
	if IsContext(s.Op) {
		return 1
	}
	return 0
}

func notJSON(err error) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the preview is cut short: its JSON ends in the middle; was the disk full, or the job stopped? " +
			howToMake)
	case errors.As(err, &syntax):
		return fmt.Errorf("the preview is not JSON (%w, at byte %d); keep standard error out of the file, and %s", err,
			syntax.Offset, howToMake)
	case errors.As(err, &mistyped):
		return fmt.Errorf("the preview has a form that is not known here: %s is a JSON %s; a newer Pulumi may have written "+
			"it", mistyped.Field, mistyped.Value)
	default:
		return fmt.Errorf("reading the preview: %w", err)
	}
}

func (p *Preview) cannot(format string, args ...any) {
	p.Unread = append(p.Unread, fmt.Sprintf(format, args...))
}

// doubts records why the whole preview can't be relied on. A diagnostic's text is not repeated, since it may quote
// anything.
func (p *Preview) doubts(in digest) {
	failed := 0
	for _, d := range in.Diagnostics {
		if d.Severity == "error" || d.Severity == "info#err" && strings.Contains(d.Message, "error:") {
			failed++
		}
	}
	if failed > 0 {
		p.cannot("the preview failed with errors (%d), so it shows only what came before; see its diagnostics, mend them "+
			"and preview again", failed)
	}
	if in.MaybeCorrupt {
		p.cannot("the engine says that it may be corrupt (maybeCorrupt)")
	}
	if in.ChangeSummary == nil {
		p.cannot("it has no summary of changes, so it was not finished")
	}
	seen := map[string]int{}
	if in.Steps != nil {
		for _, s := range *in.Steps {
			seen[s.Op]++
		}
	}
	for op, n := range in.ChangeSummary {
		_, known := operations[op]
		switch {
		case op == "same":
			p.Hidden = max(0, n-seen[op])
		// an unknown operation is reported at its step
		case op == "read" || op == "refresh" || !known || seen[op] >= n:
		default:
			p.cannot("the summary counts %d resources to %s, and %d are shown", n, op, seen[op])
		}
	}
	slices.Sort(p.Unread)
}

func (p *Preview) step(s digestStep, going map[string]digestStep) {
	what, known := operations[s.Op]
	if !known {
		p.cannot("a step (%s) has the operation %q, which is not known here; a newer Pulumi may have written it",
			ShownName(s.URN), Clip(s.Op))
		return
	}
	if !strings.HasPrefix(s.URN, "urn:pulumi:") || strings.Count(s.URN, "::") < 3 {
		p.cannot("a step (%s) is of no resource: %q is not a URN", Clip(s.Op), Clip(s.URN))
		return
	}
	if !what.before && !what.after {
		return
	}
	step := Step{Op: s.Op, URN: s.URN, Changed: s.changed(), Stays: s.stays(going)}
	switch managed := s.OldState != nil && !s.OldState.External; {
	case s.Op == "delete" && step.Stays != "":
		step.Op = opRetain
	case s.Op == "read" && managed:
		step.Stays = "only read from now on"
	case s.Op == "replace" && s.NewState != nil && s.NewState.External && step.Stays != "":
		step.Op, what.after = opRetain, false // the program reads another one instead, and nothing is made of that
	case s.Op == "replace" && s.NewState != nil && s.NewState.External:
		step.Op, what.after = "delete", false
	case s.Op == "replace" && s.OldState != nil && !managed:
		// The stack now makes what it only read before: as with an import, nobody has reviewed what it gives.
		step.Op, what.before, step.Stays = "create", false, ""
	}
	if s.Op == "same" && s.OldState != nil && s.OldState.Custom != nil && *s.OldState.Custom && s.OldState.ID == "" {
		// An existing resource has an ID. One without an ID is not made because of --target or --exclude
		// (NewSkippedCreateStep, pkg/v3 3.276).
		p.cannot("%s is not there yet, and this preview leaves it out; preview without --target and --exclude",
			ShownName(s.URN))
	}
	if what.before {
		step.Old = s.OldState.read(s.URN)
	}
	if what.after {
		step.New = s.NewState.read(s.URN)
	}
	if IsContext(step.Op) { // it exists before and after, also if only one of the two is shown
		if step.New == nil {
			step.New = step.Old
		}
		if step.Old == nil {
			step.Old = step.New
		}
	}
	if what.before && step.Old == nil || what.after && step.New == nil {
		p.cannot("a step (%s %s) does not say what the resource is like", s.Op, ShownName(s.URN))
		return
	}
	for _, state := range []*State{step.Old, step.New} {
		if state != nil && guardrails.Key(state.Type) != guardrails.Key(TypeOf(s.URN)) {
			p.cannot("%s is of two types, %s and %s", ShownName(s.URN), Clip(TypeOf(s.URN)), Clip(state.Type))
		}
	}
	p.Steps = append(p.Steps, step)
}

// changed returns the top-level inputs that the engine says are different.
func (s digestStep) changed() (all []string) {
	for _, path := range slices.Concat(s.DiffReasons, s.ReplaceReasons, slices.Collect(maps.Keys(s.DetailedDiff))) {
		if end := strings.IndexAny(path, ".["); end > 0 {
			path = path[:end]
		}
		all = append(all, path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// IsContext reports operations that change nothing in Azure: the resource existed before, and stays.
func IsContext(op string) bool {
	return slices.Contains([]string{"same", "refresh", opRetain}, op) || IsForeign(op)
}

// IsForeign reports operations on resources that the stack reads and does not own.
func IsForeign(op string) bool { return op == "read" || op == "discard" }

// removalsIn returns the steps of a preview that remove a resource from the stack, by URN.
func removalsIn(steps []digestStep) map[string]digestStep {
	going := map[string]digestStep{}
	for _, s := range steps {
		if (s.Op == "delete" || s.Op == "replace") && s.OldState != nil && !s.OldState.External {
			going[s.URN] = s
		}
	}
	return going
}

// stays returns why an old resource stays in Azure though it leaves the stack; "" if it does not. The engine uses the
// options in the state that it deletes. A state that is replaced may get retainOnDelete in the same step.
func (s digestStep) stays(going map[string]digestStep) string {
	if _, goes := going[s.URN]; !goes {
		return ""
	}
	if s.retains() {
		return "retainOnDelete"
	}
	// The engine does not delete a resource with deletedWith if the other resource is deleted, whatever that is
	// (DeleteStep.Apply, pkg/v3 3.276). Azure then deletes only what lies below the other resource.
	for range going {
		other, goes := going[s.OldState.DeletedWith]
		if !goes {
			return ""
		}
		if !liesBelow(s.OldState.ID, other.OldState.ID) || other.retains() {
			return "deletedWith"
		}
		s = other
	}
	return "deletedWith" // in a cycle nothing is deleted
}

func (s digestStep) retains() bool {
	return s.OldState.RetainOnDelete || s.NewState != nil && s.NewState.RetainOnDelete
}

func liesBelow(id, above string) bool {
	id, above = strings.ToLower(strings.Trim(id, "/")), strings.ToLower(strings.Trim(above, "/"))
	return above != "" && strings.HasPrefix(id, above+"/")
}

func (s *digestState) read(urn string) *State {
	if s == nil {
		return nil
	}
	inputs, _ := plain(s.Inputs).(map[string]any)
	outputs, _ := plain(s.Outputs).(map[string]any)
	if s.Type == "" {
		s.Type = TypeOf(urn)
	}
	r := guardrails.Resource{Type: s.Type, Inputs: inputs}.Canonical()
	return &State{
		URN: urn, Type: s.Type, ID: s.ID, Parent: s.Parent, Provider: s.Provider,
		Inputs: r.Inputs, Written: inputs, Outputs: outputs,
		Dependencies: s.PropertyDependencies, DependsOn: s.Dependencies,
		Component: s.Custom != nil && !*s.Custom && s.ID == "",
	}
}

// plain puts markers for values that are unknown or secret; nothing else of a secret is kept.
func plain(value any) any {
	switch v := value.(type) {
	case string:
		switch v {
		case unknownText:
			return guardrails.Unknown
		case secretText:
			return guardrails.Secret
		}
	case map[string]any:
		if _, special := v[signatureKey]; special {
			return guardrails.Secret // or an asset, or a reference to a resource: they are not judged here
		}
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return value
}

// Clip shortens text that a stranger wrote, and says how much it cut.
func Clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return fmt.Sprintf("%s…(+%d)", string(r[:80]), len(r)-80)
	}
	return s
}
