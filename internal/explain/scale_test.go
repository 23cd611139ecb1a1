package explain_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	sized "github.com/batchaccess/batchaccess/tests/bench/model"
)

func BenchmarkMake(b *testing.B) {
	for _, shape := range []struct {
		name string
		of   func(assignments int) access.Model
	}{{"shared", sized.Of}, {"divided", sized.Divided}} {
		for _, size := range sized.Sizes {
			b.Run(fmt.Sprintf("%s/%d", shape.name, size), func(b *testing.B) {
				m := shape.of(size)
				b.ReportAllocs()
				for b.Loop() {
					made("dev", m)
				}
			})
		}
	}
}

// What is written should grow with the number of paths, not with its square.
func BenchmarkWrite(b *testing.B) {
	for name, write := range map[string]func(io.Writer, explain.Explanation) error{
		"table":    func(w io.Writer, x explain.Explanation) error { return explain.WriteTable(w, x, true) },
		"markdown": explain.WriteMarkdown, "html": explain.WriteHTML, "mermaid": explain.WriteMermaid,
		"json": explain.WriteJSON,
	} {
		for _, size := range sized.Sizes {
			x := made("dev", sized.Divided(size))
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := write(io.Discard, x); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
