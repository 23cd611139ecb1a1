package guardrails_test

import (
	"fmt"
	"testing"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/tests/bench/model"
)

func BenchmarkCheck(b *testing.B) {
	for _, size := range model.Sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var all []guardrails.Resource
			for _, r := range model.Assignments(model.Of(size)) {
				all = append(all, guardrails.Resource{Type: r.Type, URN: r.URN, Inputs: r.Inputs})
			}
			config := guardrails.DefaultConfig()
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range all {
					if found := guardrails.Check(r, config); len(found) > 0 {
						b.Fatal(found[0])
					}
				}
			}
		})
	}
}
