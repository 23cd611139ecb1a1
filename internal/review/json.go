package review

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the review for machines: all of it, as the fields of Review are documented.
func JSON(w io.Writer, r Review) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}
