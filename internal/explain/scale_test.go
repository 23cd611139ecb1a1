package explain_test

import (
	"fmt"
	"testing"

	"github.com/batchaccess/batchaccess/access"
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
