package review_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/review"
	"github.com/batchaccess/batchaccess/tests/bench/model"
)

func BenchmarkReview(b *testing.B) {
	for _, shape := range []struct {
		name string
		of   func(assignments int) access.Model
	}{{"shared", model.Of}, {"divided", model.Divided}} {
		for _, size := range model.Sizes {
			text, err := model.Preview(shape.of(size))
			require.NoError(b, err)
			r := reviewOf(b, string(text))
			require.Empty(b, r.Unread)
			require.Len(b, r.Access, len(plans.Of(shape.of(size)).Grants))
			b.Run(fmt.Sprintf("read and make/%s/%d", shape.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					reviewOf(b, string(text))
				}
			})
			b.Run(fmt.Sprintf("markdown/%s/%d", shape.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, review.Markdown(io.Discard, r))
				}
			})
		}
	}
}
