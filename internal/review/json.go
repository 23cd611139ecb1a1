package review

import (
	"fmt"
	"io"

	"github.com/batchaccess/batchaccess/internal/jsonform"
)

// JSON writes the whole review for machines, with the fields of Review.
func JSON(w io.Writer, r Review) error {
	if err := jsonform.Write(w, r); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}
