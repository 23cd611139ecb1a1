package explain

import (
	"io"

	"github.com/batchaccess/batchaccess/internal/jsonform"
)

// WriteJSON writes the JSON form; see version.
func WriteJSON(w io.Writer, x Explanation) error { return jsonform.Write(w, x) }
