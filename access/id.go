package access

// An ID is the ID of a principal or a resource. It is known, or known only after the deployment, or (its zero value)
// not given.
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

// Known makes an ID of text. An empty text is a given ID too, and is wrong wherever an ID may stand.
func Known(text string) ID { return ID{text: text, state: known} }

// Later makes an ID that is known only after the deployment. Two IDs with equal sources are the same ID; sources must
// be comparable. Nothing is known of the source nil.
func Later(source any) ID { return ID{state: later, source: source} }

// Given reports whether there is an ID, known or not.
func (id ID) Given() bool { return id.state != notGiven }

// Later reports whether the ID is known only after the deployment.
func (id ID) Later() bool { return id.state == later }

// Text returns the ID if it is given and known, else "".
func (id ID) Text() string { return id.text }

// MarshalText writes the ID as String does.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// String returns the ID as text for people.
func (id ID) String() string {
	if id.state == later {
		return "(known after deployment)"
	}
	return id.text
}
