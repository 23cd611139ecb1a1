package review

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/guardrails"
)

// A Preview is what `pulumi preview --json` says, without the values of its secrets.
type Preview struct {
	Stack   string
	Project string
	Steps   []Step
	// Hidden is how many unchanged resources the preview leaves out; `pulumi preview --show-sames` shows them.
	Hidden int
	// Unread says what could not be read, or makes what was read doubtful.
	Unread []string
}

// A Step is what the engine intends for one resource. Unchanged resources have an Old and a New alike.
type Step struct {
	Op  string
	URN string
	Old *State // nil if the resource is not there before
	New *State // nil if it is not there after
}

// A State is a resource before or after. Inputs hold text, numbers, booleans, lists, maps and guardrails' markers.
type State struct {
	URN, Type, ID, Parent string
	Inputs, Outputs       map[string]any
	Dependencies          map[string][]string // of each input, by URN
}

func (s *State) resource() guardrails.Resource {
	return guardrails.Resource{Type: s.Type, URN: s.URN, Inputs: s.Inputs}
}

// The text of a value that is not known yet, the key and the signatures of a value that is not plain, and the text that the
// CLI shows for a secret.
const (
	unknownText  = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	signatureKey = "4dabf18193072939515e22adb298388d"
	secretText   = "[secret]"
)

// What the operations of the engine leave of a resource.
var operations = map[string]struct{ before, after bool }{
	"same": {true, true}, "create": {false, true}, "update": {true, true}, "delete": {true, false}, "replace": {true, true},
	"read": {true, true}, "refresh": {true, true}, "import": {true, true}, "diff": {true, true},
	// Parts of a replacement, which `--show-replacement-steps` shows beside the replacement itself.
	"create-replacement": {}, "delete-replaced": {}, "read-replacement": {}, "import-replacement": {}, "discard-replaced": {},
	"remove-pending-replace": {}, "discard": {true, false}, "extend-parameterize": {},
}

// digest is the part of Pulumi's PreviewDigest that is read here.
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
	// An event of the engine has these, and a preview does not.
	Sequence, Timestamp json.RawMessage
}

type digestStep struct {
	Op       string       `json:"op"`
	URN      string       `json:"urn"`
	OldState *digestState `json:"oldState"`
	NewState *digestState `json:"newState"`
}

type digestState struct {
	URN                  string              `json:"urn"`
	Type                 string              `json:"type"`
	ID                   string              `json:"id"`
	Parent               string              `json:"parent"`
	Inputs               map[string]any      `json:"inputs"`
	Outputs              map[string]any      `json:"outputs"`
	PropertyDependencies map[string][]string `json:"propertyDependencies"`
}

const howToMake = "make one with `pulumi preview --json > preview.json`"

// Read reads a preview. The error says why the text is none. A preview that can be read in part is returned with what could
// not be in Unread.
func Read(from io.Reader) (Preview, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return Preview{}, fmt.Errorf("reading the preview: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(text)) == 0 {
		return Preview{}, errors.New("the preview is empty: `pulumi preview` failed before it wrote anything, or wrote elsewhere; " + howToMake)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var in digest
	if err := d.Decode(&in); err != nil {
		return Preview{}, notJSON(err)
	}
	if in.Sequence != nil || in.Timestamp != nil {
		return Preview{}, errors.New("this is a stream of engine events, not a preview; unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW, leave out --event-log, and " + howToMake)
	}
	if in.Steps == nil && in.Duration == nil && in.ChangeSummary == nil && len(in.Diagnostics) == 0 {
		return Preview{}, errors.New("this JSON is not a Pulumi preview: it has no steps and no summary of changes; " + howToMake)
	}
	if d.More() {
		return Preview{}, errors.New("there is more after the preview; give one preview a file, and keep standard error out of it")
	}
	p := Preview{}
	p.doubts(in)
	if in.Steps != nil {
		for i, s := range *in.Steps {
			p.step(i, s)
		}
	}
	p.relevance(in)
	return p, nil
}

func notJSON(err error) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the preview is cut short: its JSON ends in the middle; was the disk full, or the job stopped? " + howToMake)
	case errors.As(err, &syntax):
		return fmt.Errorf("the preview is not JSON (%w, at byte %d); keep standard error out of the file, and %s", err, syntax.Offset, howToMake)
	case errors.As(err, &mistyped):
		return fmt.Errorf("the preview has a form that is not known here: %s is a JSON %s; a newer Pulumi may have written it", mistyped.Field, mistyped.Value)
	default:
		return fmt.Errorf("reading the preview: %w", err)
	}
}

func (p *Preview) cannot(format string, args ...any) {
	p.Unread = append(p.Unread, fmt.Sprintf(format, args...))
}

// doubts notes what makes the whole preview doubtful. A diagnostic's text is not repeated: it may quote anything.
func (p *Preview) doubts(in digest) {
	failed := 0
	for _, d := range in.Diagnostics {
		if d.Severity == "error" || d.Severity == "info#err" && strings.Contains(d.Message, "error:") {
			failed++
		}
	}
	if failed > 0 {
		p.cannot("the preview failed with errors (%d), so it shows only what came before; see its diagnostics, mend them and preview again", failed)
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
		case op == "read" || op == "refresh" || !known || seen[op] >= n: // an operation that is not known is named step by step
		default:
			p.cannot("the summary counts %d resources to %s, and %d are shown", n, op, seen[op])
		}
	}
	slices.Sort(p.Unread)
}

func (p *Preview) step(i int, s digestStep) {
	what, known := operations[s.Op]
	if !known {
		p.cannot("step %d (%s) has the operation %q, which is not known here; a newer Pulumi may have written it", i, shownName(s.URN), clip(s.Op))
		return
	}
	if !strings.HasPrefix(s.URN, "urn:pulumi:") || strings.Count(s.URN, "::") < 3 {
		p.cannot("step %d (%s) is of no resource: %q is not a URN", i, clip(s.Op), clip(s.URN))
		return
	}
	if p.Stack == "" {
		parts := strings.SplitN(strings.TrimPrefix(s.URN, "urn:pulumi:"), "::", 3)
		p.Stack, p.Project = parts[0], parts[1]
	}
	if !what.before && !what.after {
		return
	}
	step := Step{Op: s.Op, URN: s.URN}
	if what.before {
		step.Old = s.OldState.read(s.URN)
	}
	if what.after {
		step.New = s.NewState.read(s.URN)
	}
	if isContext(s.Op) { // it is there, before and after, whichever of the two is shown
		if step.New == nil {
			step.New = step.Old
		}
		if step.Old == nil {
			step.Old = step.New
		}
	}
	if what.before && step.Old == nil || what.after && step.New == nil {
		if isRelevant(typeOf(s.URN)) {
			p.cannot("step %d (%s %s) does not say what the resource is like", i, s.Op, shownName(s.URN))
		}
		return
	}
	p.Steps = append(p.Steps, step)
}

// isContext tells operations that change nothing in Azure: what they show was there, and stays.
func isContext(op string) bool {
	return slices.Contains([]string{"same", "read", "refresh", "import"}, op)
}

// relevance notes it if the preview shows nothing that this package is about.
func (p *Preview) relevance(in digest) {
	changes, ours := false, false
	for _, s := range p.Steps {
		if isRelevant(typeOf(s.URN)) {
			return
		}
		changes = changes || !isContext(s.Op)
	}
	for key := range in.Config {
		ours = ours || strings.HasPrefix(key, "batchaccess:")
	}
	if len(p.Unread) > 0 || ours && !changes && p.Hidden > 0 {
		return
	}
	p.cannot("there is no role, assignment, application, cluster or batchaccess component in it: it is a preview of another program, or hides what is unchanged; preview again with --show-sames")
}

func (s *digestState) read(urn string) *State {
	if s == nil {
		return nil
	}
	inputs, _ := plain(s.Inputs).(map[string]any)
	outputs, _ := plain(s.Outputs).(map[string]any)
	if s.Type == "" {
		s.Type = typeOf(urn)
	}
	return &State{URN: urn, Type: s.Type, ID: s.ID, Parent: s.Parent, Inputs: inputs, Outputs: outputs, Dependencies: s.PropertyDependencies}
}

// plain puts markers where values are not known or secret; of a secret nothing else is kept.
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
			return guardrails.Secret // or an asset, or a reference to a resource: nothing that is judged here
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

// clip keeps what a stranger wrote short.
func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
