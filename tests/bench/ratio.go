package main

import (
	"fmt"
	"slices"
)

// A comparison is one figure of two programs over all rounds. The two measurements of a round follow each other, so
// that other load on the machine affects both; therefore the ratio is taken within each round.
type comparison struct {
	Of      float64 `json:"of"`      // median of the program
	Against float64 `json:"against"` // median of the program that it is compared with
	Ratio   float64 `json:"ratio"`   // median of the rounds' ratios
	Min     float64 `json:"min"`     // smallest and largest of them
	Max     float64 `json:"max"`
	Excess  float64 `json:"excess"` // median of the rounds' differences
}

// compare compares the figures of a program, one a round, with those of another. Figures must be above zero: no program
// runs without time or memory.
func compare(of, against []float64) (comparison, error) {
	if len(of) == 0 || len(of) != len(against) {
		return comparison{}, fmt.Errorf("comparing %d rounds with %d", len(of), len(against))
	}
	var ratios, differences []float64
	for i := range of {
		if of[i] <= 0 || against[i] <= 0 {
			return comparison{}, fmt.Errorf("round %d was not measured: %g and %g", i+1, of[i], against[i])
		}
		ratios = append(ratios, of[i]/against[i])
		differences = append(differences, of[i]-against[i])
	}
	return comparison{
		Of: median(of), Against: median(against),
		Ratio: median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios),
		Excess: median(differences),
	}, nil
}

// median of one or more numbers.
func median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
