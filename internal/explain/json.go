package explain

import (
	"encoding/json"
	"io"
)

// WriteJSON writes for machines; see Version.
func WriteJSON(w io.Writer, x Explanation) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(x)
}
