package access

// An ID is the ID of a principal or a resource: known, known only after the deployment, or not given, its zero value.
type ID struct {
	text   string
	state  idState
	source any
}

type idState uint8

const (
	notGiven idState = iota
	known
	later
)

// Known is an ID that is given as text. The empty text is given too, and is wrong wherever an ID may stand.
func Known(text string) ID { return ID{text: text, state: known} }

// Later is an ID that is known only after the deployment. IDs of one source, which must be comparable, are the same ID;
// of the source nil nothing is known.
func Later(source any) ID { return ID{state: later, source: source} }

// Given reports whether there is an ID, known or not.
func (id ID) Given() bool { return id.state != notGiven }

// Later reports whether the ID is known only after the deployment.
func (id ID) Later() bool { return id.state == later }

// Text returns the ID if it is given and known; else "".
func (id ID) Text() string { return id.text }

// MarshalText writes the ID as String does.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// String is the ID for people to read.
func (id ID) String() string {
	if id.state == later {
		return "(known after deployment)"
	}
	return id.text
}
